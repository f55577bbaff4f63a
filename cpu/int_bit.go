package cpu

import (
	"hash/crc32"
	"math/bits"

	"govm-desktop/x86"
)

// bitOp is BT, BTS, BTR or BTC, numbered as ModRM.reg of 0F BA has it, less 4.
type bitOp uint8

func (op bitOp) result(v, bit uint64) uint64 {
	switch op {
	case 1:
		return v | bit
	case 2:
		return v &^ bit
	case 3:
		return v ^ bit
	}
	return v
}

// bitAt does op on bit n of the r/m operand, n being below the operand size.
func (c *CPU) bitAt(in *inst, op bitOp, n uint64) {
	var old uint64
	if op == 0 {
		old = c.readRM(in)
	} else {
		c.rmw(in, func(v uint64) uint64 {
			old = v
			return op.result(v, 1<<n)
		})
	}
	c.setStatus(c.status()&^x86.FlagCF | old>>n&1)
}

func execBitI(op bitOp) func(*CPU, *inst) {
	return func(c *CPU, in *inst) { c.bitAt(in, op, in.imm&(8*uint64(in.opsize)-1)) }
}

// execBitG takes the bit number from a register. In memory it counts from the operand's address over the whole signed range.
func execBitG(op bitOp) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		size := uint64(in.opsize)
		n := c.reg(in.reg, in.opsize)
		if !in.isMem() {
			c.bitAt(in, op, n&(8*size-1))
			return
		}
		far := *in
		units := int64(signExtend(n, in.opsize)) >> (3 + sizeLog(in.opsize))
		far.disp += units * int64(size)
		c.bitAt(&far, op, n&(8*size-1))
	}
}

// bitScan sets the register to n unless the source v is 0; PF follows n, and the other flags are clear, as on Intel's processors.
func (c *CPU) bitScan(in *inst, v, n uint64) {
	if v == 0 {
		c.setStatus(x86.FlagZF | x86.FlagPF)
		return
	}
	c.setReg(in.reg, in.opsize, n)
	c.setStatus(parity(n))
}

func execBsf(c *CPU, in *inst) {
	v := c.readRM(in)
	c.bitScan(in, v, uint64(bits.TrailingZeros64(v)))
}

func execBsr(c *CPU, in *inst) {
	v := c.readRM(in)
	c.bitScan(in, v, uint64(63-bits.LeadingZeros64(v)))
}

// countFlags is what TZCNT and LZCNT set: CF if the source was 0, ZF if the result is.
func (c *CPU) countFlags(src, res uint64) {
	var f uint64
	if src == 0 {
		f |= x86.FlagCF
	}
	if res == 0 {
		f |= x86.FlagZF
	}
	c.setStatus(f)
}

func execTzcnt(c *CPU, in *inst) {
	v := c.readRM(in)
	n := min(uint64(bits.TrailingZeros64(v)), 8*uint64(in.opsize))
	c.setReg(in.reg, in.opsize, n)
	c.countFlags(v, n)
}

func execLzcnt(c *CPU, in *inst) {
	v := c.readRM(in)
	n := uint64(bits.LeadingZeros64(v)) - (64 - 8*uint64(in.opsize))
	c.setReg(in.reg, in.opsize, n)
	c.countFlags(v, n)
}

func execPopcnt(c *CPU, in *inst) {
	v := c.readRM(in)
	c.setReg(in.reg, in.opsize, uint64(bits.OnesCount64(v)))
	var f uint64
	if v == 0 {
		f = x86.FlagZF
	}
	c.setStatus(f)
}

// execCrc32 adds an operand of the given size (0: the operand size) to a CRC-32C.
func execCrc32(from uint8) func(*CPU, *inst) {
	t := crc32.MakeTable(crc32.Castagnoli)
	return func(c *CPU, in *inst) {
		size := from
		if size == 0 {
			size = in.opsize
		}
		v, crc := c.readRMSize(in, size), uint32(c.gpr[in.reg&31])
		for range size {
			crc = t[byte(crc)^byte(v)] ^ crc>>8
			v >>= 8
		}
		c.setReg(in.reg, 4, uint64(crc))
	}
}

// execAdx is ADCX and ADOX: an addition with one flag as carry in and out.
func execAdx(flag uint64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		f := c.status()
		var cin uint64
		if f&flag != 0 {
			cin = 1
		}
		size := max(4, in.opsize)
		a, b := c.reg(in.reg, size), c.readRMSize(in, size)
		res, out := bits.Add64(a, b, cin)
		if size == 4 {
			out = res >> 32
		}
		c.setReg(in.reg, size, res)
		f &^= flag
		if out != 0 {
			f |= flag
		}
		c.setStatus(f)
	}
}
