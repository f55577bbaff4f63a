package cpu

import "govm-desktop/x86"

// Control registers (SDM volume 3, 2.5).

// readCR is MOV from a control register.
func (c *CPU) readCR(n uint8) uint64 {
	switch n {
	case 0:
		return c.cr0
	case 2:
		return c.cr2
	case 3:
		return c.cr3
	case 4:
		return c.cr4
	case 8:
		if c.intr == nil {
			return 0
		}
		return uint64(c.intr.TPR() >> 4)
	}
	c.raiseUD()
	return 0
}

// writeCR is MOV to a control register.
func (c *CPU) writeCR(n uint8, v uint64) {
	switch n {
	case 0:
		c.writeCR0(v)
	case 2:
		c.cr2 = v
	case 3:
		c.writeCR3(v)
	case 4:
		c.writeCR4(v)
	case 8:
		c.writeCR8(v)
	default:
		c.raiseUD()
	}
}

func (c *CPU) writeCR8(v uint64) {
	if v > 15 {
		c.raiseGP(0)
	}
	if c.intr != nil {
		c.intr.SetTPR(uint8(v) << 4)
		c.requests.Or(reqIntr)
	}
}

const cr0Bits = x86.CR0PE | x86.CR0MP | x86.CR0EM | x86.CR0TS | x86.CR0NE | x86.CR0WP | x86.CR0AM | x86.CR0NW | x86.CR0CD | x86.CR0PG

// paging with PAE's three levels: the PDPTEs are in registers.
func pae(cr0, cr4, efer uint64) bool {
	return cr0&x86.CR0PG != 0 && cr4&x86.CR4PAE != 0 && efer&x86.EFERLMA == 0
}

func (c *CPU) writeCR0(v uint64) {
	if v>>32 != 0 {
		c.raiseGP(0)
	}
	v = v&cr0Bits | x86.CR0ET
	if v&x86.CR0PG != 0 && v&x86.CR0PE == 0 || v&x86.CR0NW != 0 && v&x86.CR0CD == 0 {
		c.raiseGP(0)
	}
	diff, efer := v^c.cr0, c.msr.efer
	if diff&x86.CR0PG != 0 {
		efer = c.switchPaging(v)
	}
	if diff&(x86.CR0PG|x86.CR0CD|x86.CR0NW) != 0 && pae(v, c.cr4, efer) && !c.loadPDPTEs(c.cr3) {
		c.raiseGP(0)
	}
	c.cr0, c.msr.efer = v, efer
	if diff&(x86.CR0PG|x86.CR0PE|x86.CR0WP) != 0 {
		c.flushTLB(true)
	}
	if v&x86.CR0PE == 0 {
		c.setCPL(0)
	}
	c.updateMode()
}

// switchPaging checks a change of CR0.PG to v, and returns EFER as it will be: long mode begins and ends here.
func (c *CPU) switchPaging(v uint64) (efer uint64) {
	efer = c.msr.efer
	if v&x86.CR0PG == 0 {
		if c.mode&mode64 != 0 {
			c.raiseGP(0)
		}
		return efer &^ x86.EFERLMA
	}
	if efer&x86.EFERLME == 0 {
		return efer
	}
	if c.cr4&x86.CR4PAE == 0 || c.seg[x86.CS].Attr&x86.AttrL != 0 {
		c.raiseGP(0)
	}
	return efer | x86.EFERLMA
}

func (c *CPU) writeCR3(v uint64) {
	if c.mode&modeLong != 0 {
		if v&^(1<<physBits-1) != 0 {
			c.raiseGP(0)
		}
	} else {
		v = uint64(uint32(v))
	}
	if pae(c.cr0, c.cr4, c.msr.efer) && !c.loadPDPTEs(v) {
		c.raiseGP(0)
	}
	c.cr3 = v
	if c.cr0&x86.CR0PG != 0 {
		c.flushTLB(false)
	}
}

// cr4Bits are the bits of CR4 that the model has.
func (c *CPU) cr4Bits() uint64 {
	m := uint64(x86.CR4PCE)
	for _, b := range [...]struct {
		f   feature
		bit uint64
	}{
		{featTSC, x86.CR4TSD}, {featDE, x86.CR4DE}, {featPSE, x86.CR4PSE}, {featPAE, x86.CR4PAE}, {featMCE, x86.CR4MCE}, {featPGE, x86.CR4PGE},
		{featFXSR, x86.CR4OSFXSR}, {featSSE, x86.CR4OSXMMEXCPT}, {featUMIP, x86.CR4UMIP}, {featFSGSBASE, x86.CR4FSGSBASE},
		{featSMEP, x86.CR4SMEP}, {featSMAP, x86.CR4SMAP},
	} {
		if c.vm.sys.has(b.f) {
			m |= b.bit
		}
	}
	return m
}

func (c *CPU) writeCR4(v uint64) {
	diff := v ^ c.cr4
	if v&^c.cr4Bits() != 0 || c.mode&modeLong != 0 && v&x86.CR4PAE == 0 {
		c.raiseGP(0)
	}
	const paging = x86.CR4PSE | x86.CR4PAE | x86.CR4PGE | x86.CR4SMEP | x86.CR4SMAP
	if diff&paging != 0 && pae(c.cr0, v, c.msr.efer) && !c.loadPDPTEs(c.cr3) {
		c.raiseGP(0)
	}
	c.cr4 = v
	if diff&paging != 0 {
		c.flushTLB(true)
	}
	if diff&x86.CR4DE != 0 {
		c.armBreakpoints()
	}
	c.updateMode()
}

// lmsw is LMSW: it can set PE, not clear it.
func (c *CPU) lmsw(v uint64) {
	const low = x86.CR0PE | x86.CR0MP | x86.CR0EM | x86.CR0TS
	c.writeCR0(c.cr0&^(low&^x86.CR0PE) | v&low)
}
