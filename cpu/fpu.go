package cpu

import (
	"govm-desktop/cpu/softfloat"
	"govm-desktop/x86"
)

// fpuState is the x87, MMX and SSE register file. MMX register n is the significand of the physical x87 register n.
type fpuState struct {
	xmm [16][2]uint64 // low half first
	sse softfloat.SSE // holds MXCSR

	regs     [8]softfloat.Float80 // physical R0–R7
	env      softfloat.X87        // of the instruction being run
	fcw      uint16
	fsw      uint16 // without TOP, ES and B: see statusWord
	top      uint8
	tags     uint8 // bit n set: physical register n is in use
	fop      uint16
	fip, fdp uint64
	fcs, fds uint16

	xcr0       uint64
	ymmHigh    [16][2]uint64 // not ours; kept for whoever set them
	hasYMMHigh bool
}

// Bits of the x87 status word.
const (
	fswIE      = 1 << 0
	fswSF      = 1 << 6
	fswES      = 1 << 7
	fswC0      = 1 << 8
	fswC1      = 1 << 9
	fswC2      = 1 << 10
	fswTop     = 7 << 11
	fswC3      = 1 << 14
	fswB       = 1 << 15
	fswCC      = fswC0 | fswC1 | fswC2 | fswC3
	fswFlags   = 0x3f
	fswStored  = fswFlags | fswSF | fswCC // the part kept in fpuState.fsw
	fcwWrite   = 0x1f3f                   // bits of the control word that can be changed; bit 6 reads as one
	fcwOne     = 0x40
	fcwInit    = 0x37f
	mxcsrValid = 0xffff
	mxcsrInit  = 0x1f80
)

// pending reports an unmasked x87 exception, which the next waiting instruction takes: this is FSW.ES.
func (f *fpuState) pending() bool { return f.fsw&^f.fcw&fswFlags != 0 }

// statusWord is FSW as the guest sees it.
func (f *fpuState) statusWord() uint16 {
	w := f.fsw | uint16(f.top)<<11
	if f.pending() {
		w |= fswES | fswB
	}
	return w
}

func (f *fpuState) setStatusWord(w uint16) {
	f.fsw = w & fswStored
	f.top = uint8(w>>11) & 7
}

func (f *fpuState) setControlWord(w uint16) { f.fcw = w&fcwWrite | fcwOne }

// tagWord is the full tag word of FNSTENV.
func (f *fpuState) tagWord() uint16 {
	w := uint16(0)
	for i := range f.regs {
		t := uint16(3)
		if f.tags>>i&1 != 0 {
			t = f.regs[i].Tag()
		}
		w |= t << (2 * i)
	}
	return w
}

func (f *fpuState) setTagWord(w uint16) {
	f.tags = 0
	for i := range f.regs {
		if w>>(2*i)&3 != 3 {
			f.tags |= 1 << i
		}
	}
}

// finit is FNINIT: the registers keep their contents.
func (f *fpuState) finit() {
	f.fcw, f.fsw, f.top, f.tags = fcwInit, 0, 0, 0
	f.fop, f.fip, f.fdp, f.fcs, f.fds = 0, 0, 0, 0, 0
}

// resetFPU is power-on (SDM volume 3, table 9-1). INIT leaves the FPU alone: the system side does not call this then.
func (c *CPU) resetFPU() {
	c.fpu = fpuState{fcw: fcwOne, xcr0: 1}
	c.fpu.sse.MXCSR = mxcsrInit
}

// getFPU reports the state; setFPU takes it.
func (c *CPU) getFPU(s *x86.FPU) {
	f := &c.fpu
	for i := range f.regs {
		s.Regs[i] = x86.Float80(f.regs[i])
	}
	s.FCW, s.FSW, s.Tags = f.fcw, f.statusWord(), f.tags
	s.FOP, s.FIP, s.FDP, s.FCS, s.FDS = f.fop, f.fip, f.fdp, f.fcs, f.fds
	s.XMM, s.MXCSR, s.MXCSRMask = f.xmm, f.sse.MXCSR, mxcsrValid
	s.XCR0, s.YMMHigh, s.HasYMMHigh = f.xcr0, f.ymmHigh, f.hasYMMHigh
}

func (c *CPU) setFPU(s *x86.FPU) {
	f := &c.fpu
	for i := range f.regs {
		f.regs[i] = softfloat.Float80(s.Regs[i])
	}
	f.setControlWord(s.FCW)
	f.setStatusWord(s.FSW)
	f.tags = s.Tags
	f.fop, f.fip, f.fdp, f.fcs, f.fds = s.FOP, s.FIP, s.FDP, s.FCS, s.FDS
	f.xmm, f.sse.MXCSR = s.XMM, s.MXCSR&mxcsrValid
	f.xcr0, f.ymmHigh, f.hasYMMHigh = s.XCR0, s.YMMHigh, s.HasYMMHigh
}

// checkFPU is what every waiting x87 instruction does first.
func (c *CPU) checkFPU() {
	c.checkNM()
	if c.fpu.fsw&^c.fpu.fcw&fswFlags != 0 {
		c.mathFault()
	}
}

// checkNM is what the non-waiting ones (FNSTCW and so on) do first.
func (c *CPU) checkNM() {
	if c.cr0&(x86.CR0EM|x86.CR0TS) != 0 {
		c.raise(x86.ExcNM)
	}
}

// mathFault reports a pending exception: #MF, or by the FERR# pin and IRQ 13 as the AT did (SDM volume 1, D.2.1). There the chip would
// wait for the interrupt; here the instruction runs, and the interrupt comes after it.
func (c *CPU) mathFault() {
	if c.cr0&x86.CR0NE != 0 {
		c.raise(x86.ExcMF)
	}
	if pin := c.vm.cfg.FERR; pin != nil {
		pin.Set(true)
	}
}

// checkMMX is what every MMX instruction does first.
func (c *CPU) checkMMX() {
	if c.cr0&x86.CR0EM != 0 {
		c.raiseUD()
	}
	if c.cr0&x86.CR0TS != 0 {
		c.raise(x86.ExcNM)
	}
	if c.fpu.pending() {
		c.mathFault()
	}
}

// enterMMX makes all registers valid and TOP zero. It comes after the last access that may fault.
func (c *CPU) enterMMX() {
	c.fpu.top, c.fpu.tags = 0, 0xff
}

// setMM writes MMX register n; its exponent becomes all ones.
func (c *CPU) setMM(n uint8, v uint64) {
	c.fpu.regs[n&7] = softfloat.Float80{Sig: v, SE: 0xffff}
}

// checkSSE is what every SSE instruction does first.
func (c *CPU) checkSSE() {
	if c.cr0&(x86.CR0EM|x86.CR0TS)|(c.cr4^x86.CR4OSFXSR)&x86.CR4OSFXSR != 0 {
		c.sseFault()
	}
}

func (c *CPU) sseFault() {
	if c.cr0&x86.CR0EM != 0 || c.cr4&x86.CR4OSFXSR == 0 {
		c.raiseUD()
	}
	c.raise(x86.ExcNM)
}

// sseCommit ends an SSE floating-point computation: the destination may be written if it returns.
func (c *CPU) sseCommit() {
	if c.fpu.sse.Raised != 0 && c.fpu.sse.Commit() {
		if c.cr4&x86.CR4OSXMMEXCPT == 0 {
			c.raiseUD()
		}
		c.raise(x86.ExcXM)
	}
}
