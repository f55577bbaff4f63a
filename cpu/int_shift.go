package cpu

import (
	"math/bits"

	"govm-desktop/x86"
)

// shiftOp is a shift or rotate, numbered as ModRM.reg of opcodes C0, C1, D0–D3 has it.
type shiftOp uint8

// Operations; 6 is SHL again.
const (
	shiftRol shiftOp = iota
	shiftRor
	shiftRcl
	shiftRcr
	shiftShl
	shiftShr
	shiftSal
	shiftSar
)

// shifted is what a shift gave: the result, and flags where change is set. Shifts set SF, ZF, PF too.
type shifted struct {
	res    uint64
	f      uint64 // CF and OF
	change bool
	all    bool
}

// countMask is how a shift's count is cut: by 5 bits, 6 for 64-bit operands.
func countMask(n uint64, size uint8) uint {
	if size == 8 {
		return uint(n & 63)
	}
	return uint(n & 31)
}

// shift does op on v with the masked count n. OF for counts other than one, which the SDM leaves undefined, is what Intel's processors give:
// that of the same operation with the count one.
func shift(op shiftOp, v, cf uint64, n uint, size uint8) shifted {
	w := 8 * uint(size)
	if n == 0 {
		return shifted{res: v}
	}
	switch op {
	case shiftRol:
		r := rotl(v, n%w, w)
		c := r & 1
		return shifted{r, c | (v^v<<1)>>(w-1)&1<<11, true, false}
	case shiftRor:
		r := rotl(v, (w-n%w)%w, w)
		return shifted{r, r>>(w-1)&1 | (v^v>>(w-1))&1<<11, true, false}
	case shiftRcl:
		return rcl(v, cf, n%(w+1), w)
	case shiftRcr:
		m := n % (w + 1)
		s := rcl(v, cf, (w+1-m)%(w+1), w)
		if m != 0 {
			s.f = s.f&1 | (v>>(w-1)&1^cf)<<11
		}
		return s
	case shiftShr:
		var c uint64
		if n <= w {
			c = v >> (n - 1) & 1
		}
		r := v >> n
		return shifted{r, c | v>>(w-1)&1<<11, true, true}
	case shiftSar:
		x := int64(signExtend(v, size))
		return shifted{uint64(x>>n) & sizeMask(size), uint64(x>>(n-1)) & 1, true, true}
	default:
		r := v << n & sizeMask(size)
		var c uint64
		if n <= w {
			c = v >> (w - n) & 1
		}
		return shifted{r, c | (v^v<<1)>>(w-1)&1<<11, true, true}
	}
}

func rotl(v uint64, n, w uint) uint64 {
	if w == 64 {
		return bits.RotateLeft64(v, int(n))
	}
	return (v<<n | v>>(w-n)) & (1<<w - 1)
}

// rcl rotates w bits and CF to the left by n, which is below w+1.
func rcl(v, cf uint64, n, w uint) shifted {
	if n == 0 {
		return shifted{res: v}
	}
	c := v >> (w - n) & 1
	r := v<<n | cf<<(n-1) | v>>(w-n)>>1
	r &= sizeMask(uint8(w / 8))
	return shifted{r, c | (v^v<<1)>>(w-1)&1<<11, true, false}
}

func (c *CPU) shiftRM(in *inst, op shiftOp, count uint64) {
	n := countMask(count, in.opsize)
	var s shifted
	cf := c.cf()
	c.rmw(in, func(v uint64) uint64 {
		s = shift(op, v, cf, n, in.opsize)
		return s.res
	})
	switch {
	case !s.change:
	case s.all:
		c.setRes(s.res, s.f, in.opsize)
	default:
		c.setStatus(c.status()&^(x86.FlagCF|x86.FlagOF) | s.f)
	}
}

func execShiftI(op shiftOp) func(*CPU, *inst) {
	if op == shiftRol || op == shiftRor {
		return execRotateI(op)
	}
	return func(c *CPU, in *inst) { c.shiftRM(in, op, in.imm) }
}

// execRotateI is ROL and ROR by an immediate. Of a register Intel's processors then leave OF as it was, but for a count of one.
func execRotateI(op shiftOp) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		of := c.status() & x86.FlagOF
		c.shiftRM(in, op, in.imm)
		if !in.isMem() && countMask(in.imm, in.opsize) != 1 {
			c.setStatus(c.status()&^x86.FlagOF | of)
		}
	}
}

func execShift1(op shiftOp) func(*CPU, *inst) {
	return func(c *CPU, in *inst) { c.shiftRM(in, op, 1) }
}

func execShiftCL(op shiftOp) func(*CPU, *inst) {
	return func(c *CPU, in *inst) { c.shiftRM(in, op, c.gpr[x86.RCX]) }
}

// double is SHLD (left) and SHRD. For 16 bits and counts above 16 processors shift dest:src:dest.
func double(left bool, dst, src uint64, n uint, size uint8) (res, f uint64) {
	w := 8 * uint(size)
	if size == 2 {
		if left {
			x := dst<<32 | src<<16 | dst
			res = x << n >> 32 & 0xffff
			f = x << n >> 48 & 1
		} else {
			x := dst<<32 | src<<16 | dst
			res = x >> n & 0xffff
			f = x >> (n - 1) & 1
		}
	} else if left {
		res = (dst<<n | src>>(w-n)) & sizeMask(size)
		f = dst >> (w - n) & 1
	} else {
		res = (dst>>n | src<<(w-n)) & sizeMask(size)
		f = dst >> (n - 1) & 1
	}
	if left {
		return res, f | (dst^dst<<1)>>(w-1)&1<<11
	}
	return res, f | (dst>>(w-1)^src)&1<<11
}

func (c *CPU) shiftDouble(in *inst, left bool, count uint64) {
	n := countMask(count, in.opsize)
	src := c.reg(in.reg, in.opsize)
	var res, f uint64
	c.rmw(in, func(v uint64) uint64 {
		if n == 0 {
			return v
		}
		res, f = double(left, v, src, n, in.opsize)
		return res
	})
	if n != 0 {
		c.setRes(res, f, in.opsize)
	}
}

func execShxdI(left bool) func(*CPU, *inst) {
	return func(c *CPU, in *inst) { c.shiftDouble(in, left, in.imm) }
}

func execShxdCL(left bool) func(*CPU, *inst) {
	return func(c *CPU, in *inst) { c.shiftDouble(in, left, c.gpr[x86.RCX]) }
}
