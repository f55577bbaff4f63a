package cpu

import "govm-desktop/x86"

// getState copies the processor's state out.
func (c *CPU) getState(s *x86.State) {
	*s = x86.State{
		RIP: c.rip, RFLAGS: c.flags(), LDTR: c.ldtr, TR: c.tr, GDTR: c.gdtr, IDTR: c.idtr,
		CR0: c.cr0, CR2: c.cr2, CR3: c.cr3, CR4: c.cr4, DR: c.dr, DR6: c.dr6, DR7: c.dr7,
		SMBase: c.smbase, Halted: c.halted, WaitSIPI: c.waitSIPI, InSMM: c.inSMM, InterruptSh: c.shadow, NMIMasked: c.nmiMask,
		NMIPending: c.sys.nmiHeld || c.requests.Load()&reqNMI != 0,
		SMIPending: c.sys.smiHeld || c.requests.Load()&reqSMI != 0,
	}
	copy(s.GPR[:], c.gpr[:])
	copy(s.Seg[:], c.seg[:])
	m := &c.msr
	s.EFER, s.STAR, s.LSTAR, s.CSTAR, s.FMASK, s.KernelGSBase = m.efer, m.star, m.lstar, m.cstar, m.fmask, m.kernelGSBase
	s.SysenterCS, s.SysenterESP, s.SysenterEIP = m.sysenterCS, m.sysenterESP, m.sysenterEIP
	s.PAT, s.MiscEnable, s.TSCAux, s.TSC = m.pat, m.miscEnable, m.tscAux, c.readTSC()
	s.MTRRDefType, s.MTRRPhys, s.MTRRFixed = m.mtrrDefType, m.mtrrPhys, m.mtrrFixed
	c.getFPU(&s.FPU)
	if c.intr != nil {
		s.CR8 = uint64(c.intr.TPR() >> 4)
		s.APICBase, _ = c.intr.ReadMSR(x86.MSRAPICBase)
	}
	if e := &c.sys.inject; c.sys.injecting {
		s.Pending, s.PendingVector, s.PendingSoft = true, e.vector, e.kind == eventSoft
		s.PendingHasCode, s.PendingCode = e.hasCode, e.code
	}
}

// setState makes the processor what s says.
func (c *CPU) setState(s *x86.State) {
	c.setStateNoAPIC(s)
	if c.intr == nil {
		return
	}
	if s.CR8 != uint64(c.intr.TPR()>>4) {
		c.intr.SetTPR(uint8(s.CR8) << 4)
	}
	if v, _ := c.intr.ReadMSR(x86.MSRAPICBase); s.APICBase != 0 && s.APICBase != v {
		c.intr.WriteMSR(x86.MSRAPICBase, s.APICBase)
	}
}

// setStateNoAPIC is setState but for the local APIC.
func (c *CPU) setStateNoAPIC(s *x86.State) {
	copy(c.gpr[:16], s.GPR[:])
	copy(c.seg[:], s.Seg[:])
	c.rip, c.nextRIP = s.RIP, s.RIP
	c.ldtr, c.tr, c.gdtr, c.idtr = s.LDTR, s.TR, s.GDTR, s.IDTR
	c.cr0, c.cr2, c.cr3, c.cr4 = s.CR0, s.CR2, s.CR3, s.CR4
	c.dr, c.dr6, c.dr7 = s.DR, s.DR6|dr6Fixed, s.DR7|dr7Fixed
	c.setFlags(s.RFLAGS, ^uint64(x86.FlagOne)&0x3f7fd7)
	m := &c.msr
	*m = msrs{
		efer: s.EFER, star: s.STAR, lstar: s.LSTAR, cstar: s.CSTAR, fmask: s.FMASK, kernelGSBase: s.KernelGSBase,
		sysenterCS: s.SysenterCS, sysenterESP: s.SysenterESP, sysenterEIP: s.SysenterEIP,
		pat: s.PAT, miscEnable: s.MiscEnable, tscAux: s.TSCAux,
		mtrrDefType: s.MTRRDefType, mtrrPhys: s.MTRRPhys, mtrrFixed: s.MTRRFixed,
	}
	c.tscOffset = 0
	c.tscOffset = s.TSC - c.readTSC()
	c.smbase = s.SMBase
	c.setFPU(&s.FPU)
	c.setEvents(s)
	switch {
	case c.cr0&x86.CR0PE == 0:
		c.setCPL(0)
	case c.eflags&x86.FlagVM != 0:
		c.setCPL(3)
	default:
		c.setCPL(c.seg[x86.SS].Attr.DPL())
	}
	if s.InSMM != c.inSMM {
		c.setSMM(s.InSMM)
	}
	c.flushMap()
	if pae(c.cr0, c.cr4, m.efer) {
		c.loadPDPTEs(c.cr3)
	}
	c.armBreakpoints()
	c.updateMode()
}

// setEvents takes over what the processor was about to do.
func (c *CPU) setEvents(s *x86.State) {
	c.halted, c.waitSIPI, c.shadow, c.nmiMask = s.Halted, s.WaitSIPI, s.InterruptSh, s.NMIMasked
	y := &c.sys
	*y = sysState{nmiHeld: s.NMIPending, smiHeld: s.SMIPending, intrHeld: true, onSMM: y.onSMM, listener: y.listener}
	if s.Pending {
		y.injecting = true
		y.inject = event{kind: eventExternal, vector: s.PendingVector, hasCode: s.PendingHasCode, code: s.PendingCode}
		switch {
		case s.PendingSoft:
			y.inject.kind = eventSoft
		case s.PendingVector < 32 && s.PendingVector != x86.VectorNMI:
			y.inject.kind = eventFault
		}
	}
	c.requests.Or(reqIntr)
}

// takeInjected delivers the event that a loaded state was about to.
func (c *CPU) takeInjected() bool {
	if !c.sys.injecting {
		return true
	}
	c.sys.injecting = false
	c.nextRIP = c.rip
	return c.deliverEvent(c.sys.inject)
}
