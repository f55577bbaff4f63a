package x86

// Reset returns the state of a processor after power-on or INIT (SDM volume 3, table 9-1). The boot processor starts at the reset
// vector; an application processor waits for its start-up IPI.
func Reset(bsp bool) State {
	s := State{RIP: 0xfff0, RFLAGS: FlagOne, CR0: CR0CD | CR0NW | CR0ET}
	s.GPR[RDX] = 0x600 // family 6
	data := Segment{Limit: 0xffff, Attr: AttrP | AttrS | AttrWritable | AttrAccessed}
	for i := range s.Seg {
		s.Seg[i] = data
	}
	s.Seg[CS] = Segment{Selector: 0xf000, Base: 0xffff0000, Limit: 0xffff, Attr: data.Attr | AttrCode}
	s.LDTR = Segment{Limit: 0xffff, Attr: AttrP | 2}
	s.TR = Segment{Limit: 0xffff, Attr: AttrP | 11}
	s.GDTR.Limit, s.IDTR.Limit = 0xffff, 0xffff
	s.DR6, s.DR7 = 0xffff0ff0, 0x400
	s.PAT = PATReset
	s.MiscEnable = 1
	s.SMBase = 0x30000
	s.APICBase = 0xfee00000 | APICBaseEnable
	if bsp {
		s.APICBase |= APICBaseBSP
	}
	s.FPU = FPU{FCW: 0x40, Tags: 0, MXCSR: 0x1f80, MXCSRMask: 0xffff, XCR0: 1}
	s.WaitSIPI = !bsp
	return s
}
