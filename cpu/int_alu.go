package cpu

import "govm-desktop/x86"

// aluOp is a two-operand operation, numbered as ModRM.reg of opcodes 80–83 has it.
type aluOp uint8

// Operations. TEST is AND without a result.
const (
	aluAdd aluOp = iota
	aluOr
	aluAdc
	aluSbb
	aluAnd
	aluSub
	aluXor
	aluCmp
	aluTest
)

// result is the operation's result; bits above the operand size are not meaningful.
func (op aluOp) result(a, b, cf uint64) uint64 {
	switch op {
	case aluAdd:
		return a + b
	case aluOr:
		return a | b
	case aluAdc:
		return a + b + cf
	case aluSbb:
		return a - b - cf
	case aluAnd, aluTest:
		return a & b
	case aluXor:
		return a ^ b
	default:
		return a - b
	}
}

// aluFlags sets the flags of an operation that has been done.
func (c *CPU) aluFlags(op aluOp, a, b, res uint64, size uint8) {
	switch op {
	case aluAdd:
		c.setAdd(res, b, size)
	case aluSub, aluCmp:
		c.setSub(res, b, size)
	case aluAdc:
		c.setCarries(a, b, res, a&b|(a|b)&^res, size)
	case aluSbb:
		c.setCarries(a, ^b, res, ^a&b|(^a|b)&res, size)
	default:
		c.setRes(res, 0, size)
	}
}

// setCarries sets the flags of a sum whose carries out of each bit are known.
func (c *CPU) setCarries(a, b, res, carries uint64, size uint8) {
	top := 8*uint(size) - 1
	f := carries >> top & 1
	f |= carries << 1 & x86.FlagAF
	f |= (a ^ res) & (b ^ res) >> top & 1 << 11
	c.setRes(res, f, size)
}

// aluRM does op on the r/m operand and b.
func (c *CPU) aluRM(in *inst, op aluOp, b uint64) {
	if op >= aluCmp {
		a := c.readRM(in)
		c.aluFlags(op, a, b, op.result(a, b, 0), in.opsize)
		return
	}
	var a, res uint64
	cf := c.cf()
	c.rmw(in, func(v uint64) uint64 {
		a, res = v, op.result(v, b, cf)
		return res
	})
	c.aluFlags(op, a, b, res, in.opsize)
}

// aluReg does op on register r and b.
func (c *CPU) aluReg(in *inst, op aluOp, r uint8, b uint64) {
	a := c.reg(r, in.opsize)
	res := op.result(a, b, c.cf())
	c.aluFlags(op, a, b, res, in.opsize)
	if op < aluCmp {
		c.setReg(r, in.opsize, res)
	}
}

func execAluEG(op aluOp) func(*CPU, *inst) {
	return func(c *CPU, in *inst) { c.aluRM(in, op, c.reg(in.reg, in.opsize)) }
}

func execAluGE(op aluOp) func(*CPU, *inst) {
	return func(c *CPU, in *inst) { c.aluReg(in, op, in.reg, c.readRM(in)) }
}

func execAluEI(op aluOp) func(*CPU, *inst) {
	return func(c *CPU, in *inst) { c.aluRM(in, op, in.imm) }
}

func execAluAI(op aluOp) func(*CPU, *inst) {
	return func(c *CPU, in *inst) { c.aluReg(in, op, x86.RAX, in.imm) }
}

// addOne is INC and, with one = -1, DEC: CF stays.
func execAddOne(one uint64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		var res uint64
		c.rmw(in, func(v uint64) uint64 {
			res = v + one
			return res
		})
		c.setIncDec(res, one, in.opsize)
	}
}

func execAddOneReg(one uint64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		res := c.reg(in.reg, in.opsize) + one
		c.setIncDec(res, one, in.opsize)
		c.setReg(in.reg, in.opsize, res)
	}
}

func (c *CPU) setIncDec(res, one uint64, size uint8) {
	f, m, s := c.cf(), sizeMask(size), signBit(size)
	if one == 1 {
		if res&15 == 0 {
			f |= x86.FlagAF
		}
		if res&m == s {
			f |= x86.FlagOF
		}
	} else {
		if res&15 == 15 {
			f |= x86.FlagAF
		}
		if res&m == s-1 {
			f |= x86.FlagOF
		}
	}
	c.setRes(res, f, size)
}

func execNot(c *CPU, in *inst) {
	c.rmw(in, func(v uint64) uint64 { return ^v })
}

func execNeg(c *CPU, in *inst) {
	var v uint64
	c.rmw(in, func(x uint64) uint64 {
		v = x
		return -x
	})
	c.setSub(-v, v, in.opsize)
}

func execXadd(c *CPU, in *inst) {
	var a uint64
	b := c.reg(in.reg, in.opsize)
	c.rmw(in, func(v uint64) uint64 {
		a = v
		return v + b
	})
	if !in.isMem() {
		c.setReg(in.reg, in.opsize, a)
		c.setReg(in.rm, in.opsize, a+b)
	} else {
		c.setReg(in.reg, in.opsize, a)
	}
	c.setAdd(a+b, b, in.opsize)
}

func execCmpxchg(c *CPU, in *inst) {
	old, acc, src := uint64(0), c.reg(x86.RAX, in.opsize), c.reg(in.reg, in.opsize)
	if !in.isMem() {
		old = c.readRM(in)
		if old == acc {
			c.writeRM(in, src)
		}
	} else {
		c.rmw(in, func(v uint64) uint64 {
			old = v
			if v == acc {
				return src
			}
			return v
		})
	}
	if old != acc {
		c.setReg(x86.RAX, in.opsize, old)
	}
	c.setSub(acc-old, old, in.opsize)
}

// execCmpxchg8b is CMPXCHG8B, and CMPXCHG16B with REX.W. Memory is written, unchanged, on failure too.
func execCmpxchg8b(c *CPU, in *inst) {
	if in.attr&attrREXW != 0 {
		c.cmpxchg16b(in)
		return
	}
	lin := c.linW(in, 8)
	want := c.gpr[x86.RDX]<<32 | c.gpr[x86.RAX]&0xffffffff
	with := c.gpr[x86.RCX]<<32 | c.gpr[x86.RBX]&0xffffffff
	var old uint64
	c.lockRMW(lin, 8, func(v uint64) uint64 {
		old = v
		if v == want {
			return with
		}
		return v
	})
	if old != want {
		c.setReg(x86.RAX, 4, old)
		c.setReg(x86.RDX, 4, old>>32)
	}
	c.setZF(old == want)
}

func (c *CPU) cmpxchg16b(in *inst) {
	if !c.vm.sys.has(featCX16) {
		c.raiseUD()
	}
	lin := c.linW(in, 16)
	if lin&15 != 0 {
		c.raiseGP(0)
	}
	lo, hi, ok := c.cas128(lin, c.gpr[x86.RAX], c.gpr[x86.RDX], c.gpr[x86.RBX], c.gpr[x86.RCX])
	if !ok {
		c.gpr[x86.RAX], c.gpr[x86.RDX] = lo, hi
	}
	c.setZF(ok)
}
