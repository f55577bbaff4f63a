package cpu

// mmxSrc is the Q operand of an MMX instruction, an MMX register or 8 bytes of memory.
func (c *CPU) mmxSrc(in *inst) uint64 {
	if in.isMem() {
		return c.load64(c.lin(in, 8))
	}
	return c.fpu.regs[in.rm&7].Sig
}

// mmxOp is P = f(P, Q).
func mmxOp(f func(a, b uint64) uint64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkMMX()
		b := c.mmxSrc(in)
		c.enterMMX()
		c.setMM(in.reg, f(c.fpu.regs[in.reg&7].Sig, b))
	}
}

// mmxLow is mmxOp for PUNPCKLBW and its kin, which read but 4 bytes of memory.
func mmxLow(f func(a, b uint64) uint64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkMMX()
		b := c.fpu.regs[in.rm&7].Sig
		if in.isMem() {
			b = c.load32(c.lin(in, 4))
		}
		c.enterMMX()
		c.setMM(in.reg, f(c.fpu.regs[in.reg&7].Sig, b))
	}
}

// mmxShiftImm shifts N by the immediate.
func mmxShiftImm(f func(v, n uint64) uint64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkMMX()
		c.enterMMX()
		c.setMM(in.rm, f(c.fpu.regs[in.rm&7].Sig, in.imm&0xff))
	}
}

func mmxEMMS(c *CPU, _ *inst) {
	c.checkMMX()
	c.fpu.top, c.fpu.tags = 0, 0
}

// wideReg is the size of an E operand that REX.W makes 8 bytes.
func wideReg(in *inst) uint8 {
	if in.attr&attrREXW != 0 {
		return 8
	}
	return 4
}

// loadE reads a general register or memory operand of 4 or, with REX.W, 8 bytes.
func (c *CPU) loadE(in *inst) uint64 {
	size := wideReg(in)
	if in.isMem() {
		return c.loadN(c.lin(in, size), size)
	}
	return c.reg(in.rm, size)
}

func (c *CPU) storeE(in *inst, v uint64) {
	size := wideReg(in)
	if in.isMem() {
		c.storeN(c.linW(in, size), size, v)
		return
	}
	c.setReg(in.rm, size, v)
}

// mmxMOVDload is MOVD and MOVQ P, E; mmxMOVDstore E, P.
func mmxMOVDload(c *CPU, in *inst) {
	c.checkMMX()
	v := c.loadE(in)
	c.enterMMX()
	c.setMM(in.reg, v)
}

func mmxMOVDstore(c *CPU, in *inst) {
	c.checkMMX()
	c.fpu.top = 0 // even if the store faults
	c.storeE(in, c.fpu.regs[in.reg&7].Sig)
	c.enterMMX()
}

func mmxMOVQload(c *CPU, in *inst) {
	c.checkMMX()
	v := c.mmxSrc(in)
	c.enterMMX()
	c.setMM(in.reg, v)
}

// mmxMOVQstore is MOVQ Q, P and MOVNTQ.
func mmxMOVQstore(c *CPU, in *inst) {
	c.checkMMX()
	v := c.fpu.regs[in.reg&7].Sig
	if in.isMem() {
		c.fpu.top = 0 // even if the store faults
		c.store64(c.linW(in, 8), v)
		c.enterMMX()
		return
	}
	c.enterMMX()
	c.setMM(in.rm, v)
}

func mmxPSHUFW(c *CPU, in *inst) {
	c.checkMMX()
	v := c.mmxSrc(in)
	c.enterMMX()
	c.setMM(in.reg, shufW(v, uint8(in.imm)))
}

func mmxPINSRW(c *CPU, in *inst) {
	c.checkMMX()
	v := c.loadWord(in)
	c.enterMMX()
	s := 16 * (in.imm & 3)
	c.setMM(in.reg, c.fpu.regs[in.reg&7].Sig&^(0xffff<<s)|v<<s)
}

// loadWord is the low word of a general register, or 2 bytes of memory.
func (c *CPU) loadWord(in *inst) uint64 {
	if in.isMem() {
		return c.load16(c.lin(in, 2))
	}
	return c.reg(in.rm, 2)
}

func mmxPEXTRW(c *CPU, in *inst) {
	c.checkMMX()
	c.enterMMX()
	c.setReg(in.reg, 8, c.fpu.regs[in.rm&7].Sig>>(16*(in.imm&3))&0xffff)
}

func mmxPMOVMSKB(c *CPU, in *inst) {
	c.checkMMX()
	c.enterMMX()
	c.setReg(in.reg, 8, moveMask(c.fpu.regs[in.rm&7].Sig))
}

func mmxPALIGNR(c *CPU, in *inst) {
	c.checkMMX()
	b := c.mmxSrc(in)
	c.enterMMX()
	c.setMM(in.reg, alignRight(c.fpu.regs[in.reg&7].Sig, b, uint(in.imm&0xff)))
}

// mmxMASKMOVQ stores the bytes of P whose byte of N has its top bit set at DS:rDI.
func mmxMASKMOVQ(c *CPU, in *inst) {
	c.checkMMX()
	c.enterMMX() // even if the store faults
	c.maskMove(in, [2]uint64{c.fpu.regs[in.reg&7].Sig}, [2]uint64{c.fpu.regs[in.rm&7].Sig}, 8)
}

// maskMove is MASKMOVQ and MASKMOVDQU.
func (c *CPU) maskMove(in *inst, v, mask [2]uint64, n int) {
	off := c.reg(7, in.asize)
	lin := c.segLin(in.seg, off, uint8(n), true)
	// Every byte is looked at before the first is written; those not selected cause no fault.
	sel := moveMask(mask[0]) | moveMask(mask[1])<<8
	for i := range n {
		if sel>>i&1 != 0 {
			c.probeW(lin+uint64(i), 1)
		}
	}
	for i := range n {
		if sel>>i&1 != 0 {
			c.store8(lin+uint64(i), v[i>>3]>>(8*(i&7))&0xff)
		}
	}
}
