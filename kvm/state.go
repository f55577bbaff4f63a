package kvm

import (
	"encoding/binary"
	"fmt"

	"govm-desktop/x86"
)

// Get implements accel.VCPU.
func (c *VCPU) Get(s *x86.State) error {
	var r regs
	var sr sregs
	var d debugRegs
	var ev vcpuEvents
	var mp uint32
	var xs xsave
	for _, f := range []func() error{
		func() error { return call(c.fd, reqGetRegs, &r) },
		func() error { return call(c.fd, reqGetSregs, &sr) },
		func() error { return call(c.fd, reqGetDebugRegs, &d) },
		func() error { return call(c.fd, reqGetVCPUEvents, &ev) },
		func() error { return call(c.fd, reqGetXSave, &xs) },
		func() error { return c.getMP(&mp) },
	} {
		if err := f(); err != nil {
			return fmt.Errorf("kvm: processor %d: cannot read its state: %w", c.id, err)
		}
	}
	*s = x86.State{}
	r.get(s)
	sr.get(s)
	s.DR, s.DR6, s.DR7 = d.DB, d.DR6, d.DR7
	ev.get(s)
	xs.get(&s.FPU)
	s.Halted = mp == mpHalted
	s.WaitSIPI = mp == mpUninitialized || mp == mpInitReceived
	return c.getMSRs(s)
}

// Set implements accel.VCPU.
func (c *VCPU) Set(s *x86.State) error {
	var r regs
	var sr sregs
	var d debugRegs
	var ev vcpuEvents
	var xs xsave
	r.set(s)
	sr.set(s)
	d.DB, d.DR6, d.DR7 = s.DR, s.DR6, s.DR7
	ev.set(s)
	xs.set(&s.FPU)
	mp := uint32(mpRunnable)
	switch {
	case s.WaitSIPI:
		mp = mpUninitialized
	case s.Halted:
		mp = mpHalted
	}
	for _, f := range []func() error{
		func() error { return call(c.fd, reqSetSregs, &sr) },
		func() error { return call(c.fd, reqSetRegs, &r) },
		func() error { return call(c.fd, reqSetXSave, &xs) },
		func() error { return c.setMSRs(s) },
		func() error { return call(c.fd, reqSetDebugRegs, &d) },
		func() error { return c.setMP(&mp) },
		func() error { return call(c.fd, reqSetVCPUEvents, &ev) },
	} {
		if err := f(); err != nil {
			return fmt.Errorf("kvm: processor %d: cannot set its state: %w", c.id, err)
		}
	}
	return nil
}

// getMP and setMP act on the state that only the kernel's local APIC keeps.
func (c *VCPU) getMP(mp *uint32) error {
	if c.vm.chip == nil {
		return nil
	}
	return call(c.fd, reqGetMPState, mp)
}

func (c *VCPU) setMP(mp *uint32) error {
	if c.vm.chip == nil {
		return nil
	}
	return call(c.fd, reqSetMPState, mp)
}

func (r *regs) get(s *x86.State) {
	s.GPR = [16]uint64{r.RAX, r.RCX, r.RDX, r.RBX, r.RSP, r.RBP, r.RSI, r.RDI, r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15}
	s.RIP, s.RFLAGS = r.RIP, r.RFLAGS
}

func (r *regs) set(s *x86.State) {
	g := &s.GPR
	*r = regs{RAX: g[0], RCX: g[1], RDX: g[2], RBX: g[3], RSP: g[4], RBP: g[5], RSI: g[6], RDI: g[7],
		R8: g[8], R9: g[9], R10: g[10], R11: g[11], R12: g[12], R13: g[13], R14: g[14], R15: g[15], RIP: s.RIP, RFLAGS: s.RFLAGS | x86.FlagOne}
}

func (k *segment) get() x86.Segment {
	a := x86.Attr(k.Type) | x86.Attr(k.S)<<4 | x86.Attr(k.DPL)<<5 | x86.Attr(k.Present)<<7 | x86.Attr(k.AVL)<<12 | x86.Attr(k.L)<<13 |
		x86.Attr(k.DB)<<14 | x86.Attr(k.G)<<15 | x86.Attr(k.Unusable)<<16
	return x86.Segment{Selector: k.Selector, Attr: a, Base: k.Base, Limit: k.Limit}
}

func fromSegment(s x86.Segment) segment {
	bit := func(n uint) uint8 { return uint8(s.Attr >> n & 1) }
	return segment{Base: s.Base, Limit: s.Limit, Selector: s.Selector, Type: uint8(s.Attr & 15), S: bit(4), DPL: s.Attr.DPL(), Present: bit(7),
		AVL: bit(12), L: bit(13), DB: bit(14), G: bit(15), Unusable: bit(16)}
}

func (k *sregs) get(s *x86.State) {
	for i, g := range []*segment{&k.ES, &k.CS, &k.SS, &k.DS, &k.FS, &k.GS} {
		s.Seg[i] = g.get()
	}
	s.LDTR, s.TR = k.LDT.get(), k.TR.get()
	s.GDTR = x86.Table{Base: k.GDT.Base, Limit: k.GDT.Limit}
	s.IDTR = x86.Table{Base: k.IDT.Base, Limit: k.IDT.Limit}
	s.CR0, s.CR2, s.CR3, s.CR4, s.CR8, s.EFER, s.APICBase = k.CR0, k.CR2, k.CR3, k.CR4, k.CR8, k.EFER, k.APICBase
	for i, w := range k.InterruptBitmap {
		for b := range 64 {
			if w>>b&1 != 0 {
				s.Pending, s.PendingVector = true, uint8(i*64+b)
			}
		}
	}
}

func (k *sregs) set(s *x86.State) {
	for i, g := range []*segment{&k.ES, &k.CS, &k.SS, &k.DS, &k.FS, &k.GS} {
		*g = fromSegment(s.Seg[i])
	}
	k.LDT, k.TR = fromSegment(s.LDTR), fromSegment(s.TR)
	k.GDT = dtable{Base: s.GDTR.Base, Limit: s.GDTR.Limit}
	k.IDT = dtable{Base: s.IDTR.Base, Limit: s.IDTR.Limit}
	k.CR0, k.CR2, k.CR3, k.CR4, k.CR8, k.EFER, k.APICBase = s.CR0, s.CR2, s.CR3, s.CR4, s.CR8, s.EFER, s.APICBase
}

func (k *vcpuEvents) get(s *x86.State) {
	s.InterruptSh = k.IntShadow != 0
	s.NMIMasked, s.NMIPending = k.NMIMasked != 0, k.NMIPending != 0
	s.InSMM, s.SMIPending = k.SMM != 0, k.SMIPending != 0
	switch {
	case k.ExcInjected != 0:
		s.Pending, s.PendingVector, s.PendingHasCode, s.PendingCode = true, k.ExcNr, k.ExcHasCode != 0, k.ExcCode
	case k.IntInjected != 0:
		s.Pending, s.PendingVector, s.PendingSoft = true, k.IntNr, k.IntSoft != 0
	}
}

func (k *vcpuEvents) set(s *x86.State) {
	b := func(v bool) uint8 {
		if v {
			return 1
		}
		return 0
	}
	k.Flags = eventsNMIPending | eventsShadow
	k.NMIMasked, k.NMIPending = b(s.NMIMasked), b(s.NMIPending)
	if s.InterruptSh {
		k.IntShadow = 3 // by MOV SS or by STI: both
	}
	switch {
	case !s.Pending:
	case s.PendingHasCode || s.PendingVector < 32 && !s.PendingSoft:
		k.ExcInjected, k.ExcNr, k.ExcHasCode, k.ExcCode = 1, s.PendingVector, b(s.PendingHasCode), s.PendingCode
	default:
		k.IntInjected, k.IntNr, k.IntSoft = 1, s.PendingVector, b(s.PendingSoft)
	}
}

// Layout of the XSAVE area, standard format.
const (
	xsFCW    = 0
	xsFSW    = 2
	xsFTW    = 4
	xsFOP    = 6
	xsFIP    = 8
	xsFDP    = 16
	xsMXCSR  = 24
	xsMask   = 28
	xsST     = 32
	xsXMM    = 160
	xsHeader = 512
	xsYMM    = 576
)

func (x *xsave) get(f *x86.FPU) {
	b, le := x.Region[:], binary.LittleEndian
	f.FCW, f.FSW, f.Tags, f.FOP = le.Uint16(b[xsFCW:]), le.Uint16(b[xsFSW:]), b[xsFTW], le.Uint16(b[xsFOP:])
	f.FIP, f.FDP = le.Uint64(b[xsFIP:]), le.Uint64(b[xsFDP:])
	f.MXCSR, f.MXCSRMask = le.Uint32(b[xsMXCSR:]), le.Uint32(b[xsMask:])
	top := int(f.FSW >> 11 & 7)
	for i := range 8 {
		at := b[xsST+16*i:]
		f.Regs[(top+i)&7] = x86.Float80{Sig: le.Uint64(at), SE: le.Uint16(at[8:])}
	}
	have := le.Uint64(b[xsHeader:])
	if have&1 == 0 { // in its initial state, which the area need not show
		*f = x86.FPU{FCW: 0x37f, MXCSR: f.MXCSR, MXCSRMask: f.MXCSRMask}
	}
	for i := range 16 {
		if have&2 != 0 {
			f.XMM[i] = [2]uint64{le.Uint64(b[xsXMM+16*i:]), le.Uint64(b[xsXMM+16*i+8:])}
		}
		if have&4 != 0 {
			f.YMMHigh[i] = [2]uint64{le.Uint64(b[xsYMM+16*i:]), le.Uint64(b[xsYMM+16*i+8:])}
		}
	}
	f.HasYMMHigh = have&4 != 0
}

func (x *xsave) set(f *x86.FPU) {
	b, le := x.Region[:], binary.LittleEndian
	le.PutUint16(b[xsFCW:], f.FCW)
	le.PutUint16(b[xsFSW:], f.FSW)
	b[xsFTW] = f.Tags
	le.PutUint16(b[xsFOP:], f.FOP)
	le.PutUint64(b[xsFIP:], f.FIP)
	le.PutUint64(b[xsFDP:], f.FDP)
	le.PutUint32(b[xsMXCSR:], f.MXCSR)
	le.PutUint32(b[xsMask:], f.MXCSRMask)
	top := int(f.FSW >> 11 & 7)
	for i := range 8 {
		r := f.Regs[(top+i)&7]
		le.PutUint64(b[xsST+16*i:], r.Sig)
		le.PutUint16(b[xsST+16*i+8:], r.SE)
	}
	have := uint64(3)
	if f.HasYMMHigh {
		have |= 4
	}
	le.PutUint64(b[xsHeader:], have)
	for i := range 16 {
		le.PutUint64(b[xsXMM+16*i:], f.XMM[i][0])
		le.PutUint64(b[xsXMM+16*i+8:], f.XMM[i][1])
		if f.HasYMMHigh {
			le.PutUint64(b[xsYMM+16*i:], f.YMMHigh[i][0])
			le.PutUint64(b[xsYMM+16*i+8:], f.YMMHigh[i][1])
		}
	}
}

// msrFields pairs the MSRs that a State has with their places in it.
func msrFields(s *x86.State) (index []uint32, at []*uint64) {
	add := func(i uint32, p *uint64) { index, at = append(index, i), append(at, p) }
	add(x86.MSRSysenterCS, &s.SysenterCS)
	add(x86.MSRSysenterESP, &s.SysenterESP)
	add(x86.MSRSysenterEIP, &s.SysenterEIP)
	add(x86.MSRSTAR, &s.STAR)
	add(x86.MSRLSTAR, &s.LSTAR)
	add(x86.MSRCSTAR, &s.CSTAR)
	add(x86.MSRFMASK, &s.FMASK)
	add(x86.MSRKernelGSBase, &s.KernelGSBase)
	add(x86.MSRPAT, &s.PAT)
	add(x86.MSRMiscEnable, &s.MiscEnable)
	add(x86.MSRTSC, &s.TSC)
	add(x86.MSRMTRRDefType, &s.MTRRDefType)
	for i := range s.MTRRPhys {
		add(x86.MSRMTRRPhysBase+uint32(i), &s.MTRRPhys[i])
	}
	fixed := []uint32{x86.MSRMTRRFix64K, x86.MSRMTRRFix16K80, x86.MSRMTRRFix16KA0}
	for i := range uint32(8) {
		fixed = append(fixed, x86.MSRMTRRFix4K+i)
	}
	for i := range s.MTRRFixed {
		add(fixed[i], &s.MTRRFixed[i])
	}
	return index, at
}

// getMSRs reads them one by one, since a list ends at the first that the kernel does not have.
func (c *VCPU) getMSRs(s *x86.State) error {
	index, at := msrFields(s)
	for i, n := range index {
		l := msrList{N: 1}
		l.Entries[0].Index = n
		if err := call(c.fd, reqGetMSRs, &l); err == nil {
			*at[i] = l.Entries[0].Data
		}
	}
	return nil
}

// setMSRs writes them one by one; of the ones that the kernel refuses, those are an error that a guest cannot do without.
func (c *VCPU) setMSRs(s *x86.State) error {
	index, at := msrFields(s)
	for i, n := range index {
		l := msrList{N: 1}
		l.Entries[0] = msrEntry{Index: n, Data: *at[i]}
		done, err := callN(c.fd, reqSetMSRs, &l)
		if (err != nil || done != 1) && n >= x86.MSRSTAR && n <= x86.MSRKernelGSBase && *at[i] != 0 {
			return fmt.Errorf("MSR %#x = %#x was refused", n, *at[i])
		}
	}
	return nil
}
