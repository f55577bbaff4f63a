package cpu

import "govm-desktop/x86"

// Ports (SDM volume 1, chapter 18).

// ioSize is the width of a port access: there is none of 8 bytes.
func ioSize(in *inst) uint8 { return min(in.opsize, 4) }

// checkIO raises #GP(0) where the I/O permission bitmap of the TSS does not allow the access.
func (c *CPU) checkIO(port uint64, size uint8) {
	if c.mode&(modeProtected|modeVM86) == 0 || c.mode&modeVM86 == 0 && c.cpl <= c.iopl() {
		return
	}
	if c.tr.Attr&(x86.AttrUnusable|x86.AttrP|8) != x86.AttrP|8 || c.tr.Limit < 0x67 {
		c.raiseGP(0)
	}
	at := c.sysLoadN(c.tr.Base+0x66, 2) + port>>3
	if at+1 > uint64(c.tr.Limit) {
		c.raiseGP(0)
	}
	bits := c.sysLoadN(c.tr.Base+at, 2) >> (port & 7)
	if bits&(1<<size-1) != 0 {
		c.raiseGP(0)
	}
}

func (c *CPU) in(port uint64, size uint8) uint64 {
	c.hitIO(port, uint64(size))
	return c.ports.Load(port, int(size))
}

func (c *CPU) out(port uint64, size uint8, v uint64) {
	c.hitIO(port, uint64(size))
	c.ports.Store(port, int(size), v&sizeMask(size))
}

func (c *CPU) inTo(in *inst, port uint64) {
	size := ioSize(in)
	c.checkIO(port, size)
	c.setReg(x86.RAX, size, c.in(port, size))
}

func (c *CPU) outFrom(in *inst, port uint64) {
	size := ioSize(in)
	c.checkIO(port, size)
	c.out(port, size, c.gpr[x86.RAX])
}

func execInI(c *CPU, in *inst)   { c.inTo(in, in.imm&0xff) }
func execInDX(c *CPU, in *inst)  { c.inTo(in, c.gpr[x86.RDX]&0xffff) }
func execOutI(c *CPU, in *inst)  { c.outFrom(in, in.imm&0xff) }
func execOutDX(c *CPU, in *inst) { c.outFrom(in, c.gpr[x86.RDX]&0xffff) }

// cut32 is the instruction with an operand size that ports have.
func cut32(in *inst) *inst {
	if in.opsize < 8 {
		return in
	}
	cut := *in
	cut.opsize = 4
	return &cut
}

func execIns(c *CPU, in *inst) {
	in = cut32(in)
	port := c.gpr[x86.RDX] & 0xffff
	c.checkIO(port, in.opsize)
	c.repeat(in, func() {
		// Nothing may fault once the device has given its data.
		lin := c.segLin(x86.ES, c.reg(x86.RDI, in.asize), in.opsize, true)
		c.probeW(lin, uint64(in.opsize))
		c.storeN(lin, in.opsize, c.in(port, in.opsize))
		c.advance(x86.RDI, in)
	})
}

func execOuts(c *CPU, in *inst) {
	in = cut32(in)
	port := c.gpr[x86.RDX] & 0xffff
	c.checkIO(port, in.opsize)
	c.repeat(in, func() {
		v := c.loadN(c.segLin(in.seg, c.reg(x86.RSI, in.asize), in.opsize, false), in.opsize)
		c.out(port, in.opsize, v)
		c.advance(x86.RSI, in)
	})
}
