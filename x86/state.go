// Package x86 has the words of the architecture that the software CPU, KVM, the monitor and the debugger share: the state
// of a processor, its exceptions, control bits and MSR numbers (Intel SDM volumes 1, 3 and 4; AMD APM volume 2).
package x86

import "govm-desktop/snapshot"

// General registers, as instructions number them.
const (
	RAX = iota
	RCX
	RDX
	RBX
	RSP
	RBP
	RSI
	RDI
	R8
	R9
	R10
	R11
	R12
	R13
	R14
	R15
)

// Segment registers, as instructions number them.
const (
	ES = iota
	CS
	SS
	DS
	FS
	GS
)

// Segment is a segment register with its hidden part.
type Segment struct {
	Selector uint16
	Attr     Attr
	Base     uint64
	Limit    uint32 // in bytes, inclusive, granularity applied
}

// Attr is a descriptor's access rights, packed as VMX and the descriptor's second word shifted right by 8 have them:
// type 0–3, S 4, DPL 5–6, P 7, AVL 12, L 13, D/B 14, G 15; bit 16 says that the segment is unusable (a null selector).
type Attr uint32

// Bits of Attr.
const (
	AttrType     Attr = 15
	AttrAccessed Attr = 1
	AttrWritable Attr = 2 // of data segments; readable, of code segments
	AttrDown     Attr = 4 // expand-down, of data segments; conforming, of code segments
	AttrCode     Attr = 8
	AttrS        Attr = 1 << 4
	AttrDPL      Attr = 3 << 5
	AttrP        Attr = 1 << 7
	AttrAVL      Attr = 1 << 12
	AttrL        Attr = 1 << 13
	AttrDB       Attr = 1 << 14
	AttrG        Attr = 1 << 15
	AttrUnusable Attr = 1 << 16
)

// DPL is the descriptor privilege level.
func (a Attr) DPL() uint8 { return uint8(a>>5) & 3 }

// Table is GDTR or IDTR.
type Table struct {
	Base  uint64
	Limit uint16
}

// FPU is the x87, MMX and SSE state.
type FPU struct {
	Regs       [8]Float80 // physical registers R0–R7 (not rotated by TOP)
	FCW        uint16
	FSW        uint16 // TOP in bits 11–13
	Tags       uint8  // bit n set: physical register n is in use; clear: empty (the abridged form of FXSAVE)
	FOP        uint16
	FIP, FDP   uint64
	FCS, FDS   uint16
	XMM        [16][2]uint64 // low half first
	MXCSR      uint32
	MXCSRMask  uint32
	XCR0       uint64
	YMMHigh    [16][2]uint64 // kept for KVM guests with AVX
	HasYMMHigh bool
}

// Float80 is an x87 extended-precision number as memory holds it.
type Float80 struct {
	Sig uint64 // with its explicit integer bit
	SE  uint16 // sign and exponent
}

// State is everything architectural about one processor, the local APIC apart.
type State struct {
	GPR    [16]uint64
	RIP    uint64
	RFLAGS uint64

	Seg      [6]Segment
	LDTR, TR Segment
	GDTR     Table
	IDTR     Table

	CR0, CR2, CR3, CR4, CR8 uint64
	DR                      [4]uint64
	DR6, DR7                uint64

	EFER                                    uint64
	STAR, LSTAR, CSTAR, FMASK, KernelGSBase uint64
	SysenterCS, SysenterESP, SysenterEIP    uint64
	PAT, MiscEnable, TSCAux                 uint64
	TSC                                     uint64 // current reading
	MTRRDefType                             uint64
	MTRRPhys                                [16]uint64 // base and mask pairs
	MTRRFixed                               [11]uint64
	SMBase                                  uint32

	FPU FPU

	// What the processor is about to do.
	Halted         bool // in HLT
	WaitSIPI       bool // an application processor that waits for its start-up
	InSMM          bool
	InterruptSh    bool // shadow of STI, MOV SS or POP SS: no interrupt before the next instruction has run
	NMIMasked      bool
	NMIPending     bool
	SMIPending     bool
	Pending        bool // an exception or interrupt that was being delivered
	PendingVector  uint8
	PendingSoft    bool
	PendingHasCode bool
	PendingCode    uint32
	APICBase       uint64
}

// State implements snapshot.State.
func (s *State) State(c *snapshot.Coder) {
	f := func(name string, p *uint64) { snapshot.Field(c, name, p) }
	names := [16]string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}
	for i := range s.GPR {
		f(names[i], &s.GPR[i])
	}
	f("rip", &s.RIP)
	f("rflags", &s.RFLAGS)
	for i, n := range [6]string{"es", "cs", "ss", "ds", "fs", "gs"} {
		c.Group(n, s.Seg[i].state)
	}
	c.Group("ldtr", s.LDTR.state)
	c.Group("tr", s.TR.state)
	c.Group("gdtr", s.GDTR.state)
	c.Group("idtr", s.IDTR.state)
	s.control(c, f)
	c.Group("fpu", s.FPU.state)
	s.events(c)
}

func (s *State) control(c *snapshot.Coder, f func(string, *uint64)) {
	f("cr0", &s.CR0)
	f("cr2", &s.CR2)
	f("cr3", &s.CR3)
	f("cr4", &s.CR4)
	f("cr8", &s.CR8)
	for i, n := range [4]string{"dr0", "dr1", "dr2", "dr3"} {
		f(n, &s.DR[i])
	}
	f("dr6", &s.DR6)
	f("dr7", &s.DR7)
	f("efer", &s.EFER)
	f("star", &s.STAR)
	f("lstar", &s.LSTAR)
	f("cstar", &s.CSTAR)
	f("fmask", &s.FMASK)
	f("kernelgsbase", &s.KernelGSBase)
	f("sysentercs", &s.SysenterCS)
	f("sysenteresp", &s.SysenterESP)
	f("sysentereip", &s.SysenterEIP)
	f("pat", &s.PAT)
	f("miscenable", &s.MiscEnable)
	f("tscaux", &s.TSCAux)
	f("tsc", &s.TSC)
	f("mtrrdeftype", &s.MTRRDefType)
	c.Group("mtrrphys", func(c *snapshot.Coder) { words(c, s.MTRRPhys[:]) })
	c.Group("mtrrfixed", func(c *snapshot.Coder) { words(c, s.MTRRFixed[:]) })
	snapshot.Field(c, "smbase", &s.SMBase)
	f("apicbase", &s.APICBase)
}

func (s *State) events(c *snapshot.Coder) {
	snapshot.Field(c, "halted", &s.Halted)
	snapshot.Field(c, "waitsipi", &s.WaitSIPI)
	snapshot.Field(c, "insmm", &s.InSMM)
	snapshot.Field(c, "interruptshadow", &s.InterruptSh)
	snapshot.Field(c, "nmimasked", &s.NMIMasked)
	snapshot.Field(c, "nmipending", &s.NMIPending)
	snapshot.Field(c, "smipending", &s.SMIPending)
	snapshot.Field(c, "pending", &s.Pending)
	snapshot.Field(c, "pendingvector", &s.PendingVector)
	snapshot.Field(c, "pendingsoft", &s.PendingSoft)
	snapshot.Field(c, "pendinghascode", &s.PendingHasCode)
	snapshot.Field(c, "pendingcode", &s.PendingCode)
}

func (s *Segment) state(c *snapshot.Coder) {
	snapshot.Field(c, "selector", &s.Selector)
	snapshot.Field(c, "attr", &s.Attr)
	snapshot.Field(c, "base", &s.Base)
	snapshot.Field(c, "limit", &s.Limit)
}

func (t *Table) state(c *snapshot.Coder) {
	snapshot.Field(c, "base", &t.Base)
	snapshot.Field(c, "limit", &t.Limit)
}

func (p *FPU) state(c *snapshot.Coder) {
	for i := range p.Regs {
		c.Group("st"+string(rune('0'+i)), func(c *snapshot.Coder) {
			snapshot.Field(c, "sig", &p.Regs[i].Sig)
			snapshot.Field(c, "se", &p.Regs[i].SE)
		})
	}
	snapshot.Field(c, "fcw", &p.FCW)
	snapshot.Field(c, "fsw", &p.FSW)
	snapshot.Field(c, "tags", &p.Tags)
	snapshot.Field(c, "fop", &p.FOP)
	snapshot.Field(c, "fip", &p.FIP)
	snapshot.Field(c, "fdp", &p.FDP)
	snapshot.Field(c, "fcs", &p.FCS)
	snapshot.Field(c, "fds", &p.FDS)
	snapshot.Field(c, "mxcsr", &p.MXCSR)
	snapshot.Field(c, "mxcsrmask", &p.MXCSRMask)
	snapshot.Field(c, "xcr0", &p.XCR0)
	snapshot.Field(c, "hasymmhigh", &p.HasYMMHigh)
	for i := range p.XMM {
		c.Group("xmm"+string(rune('a'+i)), func(c *snapshot.Coder) { words(c, p.XMM[i][:]) })
		c.Group("ymmh"+string(rune('a'+i)), func(c *snapshot.Coder) { words(c, p.YMMHigh[i][:]) })
	}
}

func words(c *snapshot.Coder, w []uint64) {
	for i := range w {
		snapshot.Field(c, string(rune('a'+i)), &w[i])
	}
}
