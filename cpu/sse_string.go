package cpu

import (
	"math/bits"

	"govm-desktop/x86"
)

// strElems are the operands of PCMPxSTRx, taken apart (SDM volume 2, 4.1).
type strElems struct {
	v [16]int
	n int // length: elements from here on are invalid
}

// strSplit takes a register or memory operand apart by the data format of the immediate.
func strSplit(lo, hi uint64, imm uint8) (e strElems, count int) {
	size, count := uint(8), 16
	if imm&1 != 0 {
		size, count = 16, 8
	}
	q := [2]uint64{lo, hi}
	for i := range count {
		pos := uint(i) * size
		w := q[pos>>6] >> (pos & 63)
		switch imm & 3 {
		case 0:
			e.v[i] = int(uint8(w))
		case 1:
			e.v[i] = int(uint16(w))
		case 2:
			e.v[i] = int(int8(w))
		default:
			e.v[i] = int(int16(w))
		}
	}
	return e, count
}

// implicit ends the string at its first zero.
func (e *strElems) implicit(count int) {
	for e.n = 0; e.n < count && e.v[e.n] != 0; e.n++ {
	}
}

// explicit takes the length from a register: its magnitude, at most count.
func (e *strElems) explicit(length int64, count int) {
	if length < 0 {
		length = -length
	}
	if length < 0 || length > int64(count) {
		length = int64(count)
	}
	e.n = int(length)
}

// strAggregate compares a (the xmm operand) with b by the aggregation of the immediate.
func strAggregate(a, b *strElems, count int, imm uint8) (r uint32) {
	for j := range count {
		var t bool
		switch imm >> 2 & 3 {
		case 0: // equal any: b[j] is one of a
			for i := 0; i < a.n && j < b.n; i++ {
				t = t || a.v[i] == b.v[j]
			}
		case 1: // ranges: b[j] is within a pair of a
			for i := 0; i+1 < a.n && j < b.n; i += 2 {
				t = t || a.v[i] <= b.v[j] && b.v[j] <= a.v[i+1]
			}
		case 2: // equal each: both ended is equal too
			t = j >= a.n && j >= b.n || j < a.n && j < b.n && a.v[j] == b.v[j]
		default: // equal ordered: a is found at j
			t = true
			for i := 0; i < a.n && j+i < count; i++ {
				t = t && j+i < b.n && a.v[i] == b.v[j+i]
			}
		}
		if t {
			r |= 1 << j
		}
	}
	return r
}

// strPolarity negates the result, all of it or where b is valid.
func strPolarity(r uint32, b *strElems, count int, imm uint8) uint32 {
	switch imm >> 4 & 3 {
	case 1:
		r = ^r
	case 3:
		r ^= 1<<b.n - 1
	}
	return r & (1<<count - 1)
}

// ssePCMPxSTR is the four instructions: explicit lengths or not, an index in ECX or a mask in XMM0.
func ssePCMPxSTR(explicit, mask bool) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		var lo, hi uint64
		if in.isMem() {
			lo, hi = c.load128(c.lin(in, 16)) // need not be aligned
		} else {
			lo, hi = c.xmmSrc16(in)
		}
		imm := uint8(in.imm)
		x := &c.fpu.xmm[in.reg&15]
		a, count := strSplit(x[0], x[1], imm)
		b, _ := strSplit(lo, hi, imm)
		if explicit {
			a.explicit(c.strLength(in, x86.RAX), count)
			b.explicit(c.strLength(in, x86.RDX), count)
		} else {
			a.implicit(count)
			b.implicit(count)
		}
		r := strPolarity(strAggregate(&a, &b, count, imm), &b, count, imm)
		if mask {
			c.strMask(r, imm)
		} else {
			c.strIndex(r, count, imm)
		}
		c.strFlags(r, &a, &b, count)
	}
}

func (c *CPU) strLength(in *inst, reg uint8) int64 {
	if in.attr&attrREXW != 0 {
		return int64(c.reg(reg, 8))
	}
	return int64(int32(c.reg(reg, 4)))
}

func (c *CPU) strIndex(r uint32, count int, imm uint8) {
	i := count
	if r != 0 {
		if i = bits.TrailingZeros32(r); imm&0x40 != 0 {
			i = bits.Len32(r) - 1
		}
	}
	c.setReg(x86.RCX, 4, uint64(i))
}

func (c *CPU) strMask(r uint32, imm uint8) {
	size := uint(8)
	switch {
	case imm&0x40 == 0:
		c.fpu.xmm[0] = [2]uint64{uint64(r)}
		return
	case imm&1 != 0:
		size = 16
	}
	c.fpu.xmm[0] = [2]uint64{bitLanes(uint64(r), size), bitLanes(uint64(r)>>(64/size), size)}
}

func (c *CPU) strFlags(r uint32, a, b *strElems, count int) {
	var f uint64
	if r != 0 {
		f |= x86.FlagCF
	}
	if b.n < count {
		f |= x86.FlagZF
	}
	if a.n < count {
		f |= x86.FlagSF
	}
	if r&1 != 0 {
		f |= x86.FlagOF
	}
	c.setStatus(f)
}
