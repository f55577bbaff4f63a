package cpu

// xmmSrc16 is the W operand of most packed instructions: a register, or 16 bytes of memory that must be aligned.
func (c *CPU) xmmSrc16(in *inst) (lo, hi uint64) {
	if in.attr&attrMem == 0 {
		x := &c.fpu.xmm[in.rm&15]
		return x[0], x[1]
	}
	return c.loadX(in, 15)
}

// xmmSrcN is the low part of a register, or 4 or 8 bytes of memory.
func (c *CPU) xmmSrc64(in *inst) uint64 {
	if in.attr&attrMem == 0 {
		return c.fpu.xmm[in.rm&15][0]
	}
	return c.load64(c.lin(in, 8))
}

func (c *CPU) xmmSrc32(in *inst) uint32 {
	if in.attr&attrMem == 0 {
		return uint32(c.fpu.xmm[in.rm&15][0])
	}
	return uint32(c.load32(c.lin(in, 4)))
}

func setLow32(x *[2]uint64, v uint32) { x[0] = x[0]&^0xffffffff | uint64(v) }

// sseLoadA is MOVAPS, MOVAPD, MOVDQA (and MOVNTDQA) V, W.
func sseLoadA(c *CPU, in *inst) {
	c.checkSSE()
	d := &c.fpu.xmm[in.reg&15]
	if in.attr&attrMem == 0 {
		*d = c.fpu.xmm[in.rm&15]
		return
	}
	d[0], d[1] = c.loadX(in, 15)
}

// sseLoadU is MOVUPS, MOVUPD, MOVDQU and LDDQU.
func sseLoadU(c *CPU, in *inst) {
	c.checkSSE()
	d := &c.fpu.xmm[in.reg&15]
	if in.attr&attrMem == 0 {
		*d = c.fpu.xmm[in.rm&15]
		return
	}
	d[0], d[1] = c.loadX(in, 0)
}

// sseStoreA is the same the other way, and MOVNTPS, MOVNTPD, MOVNTDQ.
func sseStoreA(c *CPU, in *inst) {
	c.checkSSE()
	s := &c.fpu.xmm[in.reg&15]
	if in.attr&attrMem == 0 {
		c.fpu.xmm[in.rm&15] = *s
		return
	}
	c.storeX(in, 15, s[0], s[1])
}

func sseStoreU(c *CPU, in *inst) {
	c.checkSSE()
	s := &c.fpu.xmm[in.reg&15]
	if in.attr&attrMem == 0 {
		c.fpu.xmm[in.rm&15] = *s
		return
	}
	c.storeX(in, 0, s[0], s[1])
}

// sseMOVSSload clears the rest when it reads memory, and only then.
func sseMOVSSload(c *CPU, in *inst) {
	c.checkSSE()
	d := &c.fpu.xmm[in.reg&15]
	if in.isMem() {
		*d = [2]uint64{c.load32(c.lin(in, 4))}
		return
	}
	setLow32(d, uint32(c.fpu.xmm[in.rm&15][0]))
}

func sseMOVSSstore(c *CPU, in *inst) {
	c.checkSSE()
	v := uint32(c.fpu.xmm[in.reg&15][0])
	if in.isMem() {
		c.store32(c.linW(in, 4), uint64(v))
		return
	}
	setLow32(&c.fpu.xmm[in.rm&15], v)
}

func sseMOVSDload(c *CPU, in *inst) {
	c.checkSSE()
	d := &c.fpu.xmm[in.reg&15]
	if in.isMem() {
		*d = [2]uint64{c.load64(c.lin(in, 8))}
		return
	}
	d[0] = c.fpu.xmm[in.rm&15][0]
}

func sseMOVSDstore(c *CPU, in *inst) {
	c.checkSSE()
	v := c.fpu.xmm[in.reg&15][0]
	if in.isMem() {
		c.store64(c.linW(in, 8), v)
		return
	}
	c.fpu.xmm[in.rm&15][0] = v
}

// sseMOVQload is MOVQ V, W: the upper half becomes zero.
func sseMOVQload(c *CPU, in *inst) {
	c.checkSSE()
	c.fpu.xmm[in.reg&15] = [2]uint64{c.xmmSrc64(in)}
}

func sseMOVQstore(c *CPU, in *inst) {
	c.checkSSE()
	v := c.fpu.xmm[in.reg&15][0]
	if in.isMem() {
		c.store64(c.linW(in, 8), v)
		return
	}
	c.fpu.xmm[in.rm&15] = [2]uint64{v}
}

// sseMOVDload is MOVD and MOVQ V, E.
func sseMOVDload(c *CPU, in *inst) {
	c.checkSSE()
	c.fpu.xmm[in.reg&15] = [2]uint64{c.loadE(in)}
}

func sseMOVDstore(c *CPU, in *inst) {
	c.checkSSE()
	c.storeE(in, c.fpu.xmm[in.reg&15][0])
}

// sseHalfLoad is MOVLPS, MOVHPS and the like from memory; sseHalfStore to it.
func sseHalfLoad(half int) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		v := c.load64(c.lin(in, 8))
		c.fpu.xmm[in.reg&15][half] = v
	}
}

func sseHalfStore(half int) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		c.store64(c.linW(in, 8), c.fpu.xmm[in.reg&15][half])
	}
}

func sseMOVHLPS(c *CPU, in *inst) {
	c.checkSSE()
	c.fpu.xmm[in.reg&15][0] = c.fpu.xmm[in.rm&15][1]
}

func sseMOVLHPS(c *CPU, in *inst) {
	c.checkSSE()
	c.fpu.xmm[in.reg&15][1] = c.fpu.xmm[in.rm&15][0]
}

func sseMOVDDUP(c *CPU, in *inst) {
	c.checkSSE()
	v := c.xmmSrc64(in)
	c.fpu.xmm[in.reg&15] = [2]uint64{v, v}
}

func sseMOVSLDUP(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	c.fpu.xmm[in.reg&15] = [2]uint64{lo & 0xffffffff * (1<<32 | 1), hi & 0xffffffff * (1<<32 | 1)}
}

func sseMOVSHDUP(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	c.fpu.xmm[in.reg&15] = [2]uint64{lo >> 32 * (1<<32 | 1), hi >> 32 * (1<<32 | 1)}
}

// sseMOVQ2DQ and sseMOVDQ2Q cross between the register files.
func sseMOVQ2DQ(c *CPU, in *inst) {
	c.checkSSE()
	c.checkMMX()
	c.enterMMX()
	c.fpu.xmm[in.reg&15] = [2]uint64{c.fpu.regs[in.rm&7].Sig}
}

func sseMOVDQ2Q(c *CPU, in *inst) {
	c.checkSSE()
	c.checkMMX()
	c.enterMMX()
	c.setMM(in.reg, c.fpu.xmm[in.rm&15][0])
}

func sseMASKMOVDQU(c *CPU, in *inst) {
	c.checkSSE()
	c.maskMove(in, c.fpu.xmm[in.reg&15], c.fpu.xmm[in.rm&15], 16)
}

func sseMOVMSKPS(c *CPU, in *inst) {
	c.checkSSE()
	x := &c.fpu.xmm[in.rm&15]
	c.setReg(in.reg, 8, x[0]>>31&1|x[0]>>63<<1|x[1]>>31&1<<2|x[1]>>63<<3)
}

func sseMOVMSKPD(c *CPU, in *inst) {
	c.checkSSE()
	x := &c.fpu.xmm[in.rm&15]
	c.setReg(in.reg, 8, x[0]>>63|x[1]>>63<<1)
}

func ssePMOVMSKB(c *CPU, in *inst) {
	c.checkSSE()
	x := &c.fpu.xmm[in.rm&15]
	c.gpr[in.reg&15] = moveMask(x[0]) | moveMask(x[1])<<8
}

func sseLDMXCSR(c *CPU, in *inst) {
	c.checkSSE()
	v := uint32(c.load32(c.lin(in, 4)))
	if v&^mxcsrValid != 0 {
		c.raiseGP(0)
	}
	c.fpu.sse.MXCSR = v
}

func sseSTMXCSR(c *CPU, in *inst) {
	c.checkSSE()
	c.store32(c.linW(in, 4), uint64(c.fpu.sse.MXCSR))
}
