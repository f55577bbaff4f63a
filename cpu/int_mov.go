package cpu

import (
	"math/bits"

	"govm-desktop/x86"
)

func execMovEG(c *CPU, in *inst) { c.writeRM(in, c.reg(in.reg, in.opsize)) }
func execMovGE(c *CPU, in *inst) { c.setReg(in.reg, in.opsize, c.readRM(in)) }
func execMovEI(c *CPU, in *inst) { c.writeRM(in, in.imm) }
func execMovGI(c *CPU, in *inst) { c.setReg(in.reg, in.opsize, in.imm) }

func execMovAO(c *CPU, in *inst) {
	c.setReg(x86.RAX, in.opsize, c.loadN(c.segLin(in.seg, in.imm, in.opsize, false), in.opsize))
}

func execMovOA(c *CPU, in *inst) {
	c.storeN(c.segLin(in.seg, in.imm, in.opsize, true), in.opsize, c.reg(x86.RAX, in.opsize))
}

// readRMSize is readRM with another size than the operand size's. A byte register is numbered as for a byte operand.
func (c *CPU) readRMSize(in *inst, size uint8) uint64 {
	if in.isMem() {
		return c.loadN(c.lin(in, size), size)
	}
	r := in.rm
	if size == 1 && in.attr&attrREX == 0 && r >= 4 && r < 8 {
		r = regHigh | r&3
	}
	return c.reg(r, size)
}

func execMovzx(from uint8) func(*CPU, *inst) {
	return func(c *CPU, in *inst) { c.setReg(in.reg, in.opsize, c.readRMSize(in, from)) }
}

func execMovsx(from uint8) func(*CPU, *inst) {
	return func(c *CPU, in *inst) { c.setReg(in.reg, in.opsize, signExtend(c.readRMSize(in, from), from)) }
}

// execMovsxd is MOVSXD: without REX.W it moves without extending.
func execMovsxd(c *CPU, in *inst) {
	from := min(in.opsize, 4)
	c.setReg(in.reg, in.opsize, signExtend(c.readRMSize(in, from), from))
}

func execLea(c *CPU, in *inst) { c.setReg(in.reg, in.opsize, c.ea(in)) }

// execXchg locks always when memory is meant.
func execXchg(c *CPU, in *inst) {
	v := c.reg(in.reg, in.opsize)
	if in.isMem() {
		old := c.lockRMW(c.linW(in, in.opsize), in.opsize, func(uint64) uint64 { return v })
		c.setReg(in.reg, in.opsize, old)
		return
	}
	old := c.readRM(in)
	c.writeRM(in, v)
	c.setReg(in.reg, in.opsize, old)
}

// execXchgA is 90+r; 90 itself is NOP, which leaves the upper half of RAX alone.
func execXchgA(c *CPU, in *inst) {
	if in.reg == x86.RAX {
		return
	}
	a, v := c.reg(x86.RAX, in.opsize), c.reg(in.reg, in.opsize)
	c.setReg(x86.RAX, in.opsize, v)
	c.setReg(in.reg, in.opsize, a)
}

func execNop(*CPU, *inst) {}

// execNopE is the NOP with an operand, which is not touched.
func execNopE(*CPU, *inst) {}

func execBswap(c *CPU, in *inst) {
	switch in.opsize {
	case 8:
		c.gpr[in.reg&31] = bits.ReverseBytes64(c.gpr[in.reg&31])
	case 4:
		c.setReg(in.reg, 4, uint64(bits.ReverseBytes32(uint32(c.gpr[in.reg&31]))))
	default:
		c.setReg(in.reg, 2, 0) // undefined; what processors do
	}
}

func swapBytes(v uint64, size uint8) uint64 { return bits.ReverseBytes64(v) >> (64 - 8*uint(size)) }

func execMovbeGM(c *CPU, in *inst) { c.setReg(in.reg, in.opsize, swapBytes(c.readRM(in), in.opsize)) }
func execMovbeMG(c *CPU, in *inst) { c.writeRM(in, swapBytes(c.reg(in.reg, in.opsize), in.opsize)) }

func execMovnti(c *CPU, in *inst) { c.writeRM(in, c.reg(in.reg, in.opsize)) }

func execCbw(c *CPU, in *inst) {
	h := in.opsize / 2
	c.setReg(x86.RAX, in.opsize, signExtend(c.gpr[x86.RAX], h))
}

func execCwd(c *CPU, in *inst) {
	c.setReg(x86.RDX, in.opsize, uint64(int64(signExtend(c.gpr[x86.RAX], in.opsize))>>63))
}

func execSetcc(cc uint8) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		var v uint64
		if c.cond(cc) {
			v = 1
		}
		c.writeRM(in, v)
	}
}

// execCmov reads its operand, and clears the upper half of a 32-bit destination, whatever the condition.
func execCmov(cc uint8) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		v := c.readRM(in)
		if !c.cond(cc) {
			v = c.reg(in.reg, in.opsize)
		}
		c.setReg(in.reg, in.opsize, v)
	}
}

func execXlat(c *CPU, in *inst) {
	off := c.gpr[x86.RBX] + c.gpr[x86.RAX]&0xff
	off &= sizeMask(in.asize)
	c.setReg(x86.RAX, 1, c.load8(c.segLin(in.seg, off, 1, false)))
}

func execLahf(c *CPU, _ *inst) { c.setReg(regHigh, 1, c.flags()) }

func execSahf(c *CPU, _ *inst) {
	const mask = x86.FlagSF | x86.FlagZF | x86.FlagAF | x86.FlagPF | x86.FlagCF
	c.setStatus(c.status()&^mask | c.gpr[x86.RAX]>>8&mask)
}

func execClc(c *CPU, _ *inst) { c.setStatus(c.status() &^ x86.FlagCF) }
func execStc(c *CPU, _ *inst) { c.setStatus(c.status() | x86.FlagCF) }
func execCmc(c *CPU, _ *inst) { c.setStatus(c.status() ^ x86.FlagCF) }
func execCld(c *CPU, _ *inst) { c.eflags &^= x86.FlagDF }
func execStd(c *CPU, _ *inst) { c.eflags |= x86.FlagDF }

func execSalc(c *CPU, _ *inst) { c.setReg(x86.RAX, 1, -c.cf()) }

func execBound(c *CPU, in *inst) {
	size := in.opsize
	lin := c.lin(in, 2*size)
	lo, hi := int64(signExtend(c.loadN(lin, size), size)), int64(signExtend(c.loadN(lin+uint64(size), size), size))
	if v := int64(signExtend(c.reg(in.reg, size), size)); v < lo || v > hi {
		c.raise(x86.ExcBR)
	}
}

// execClflush has nothing to flush, but the address is checked as for a byte's load.
func execClflush(c *CPU, in *inst) { c.load8(c.lin(in, 1)) }
