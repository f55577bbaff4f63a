package cpu

import "govm-desktop/x86"

// sseOp is V = f(V, W) on both halves.
func sseOp(f func(a, b uint64) uint64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		lo, hi := c.xmmSrc16(in)
		d := &c.fpu.xmm[in.reg&15]
		d[0], d[1] = f(d[0], lo), f(d[1], hi)
	}
}

// The operations that string and memory functions of user land live on have exec functions of their own, without the calls.

func ssePXOR(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	d := &c.fpu.xmm[in.reg&15]
	d[0] ^= lo
	d[1] ^= hi
}

func ssePOR(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	d := &c.fpu.xmm[in.reg&15]
	d[0] |= lo
	d[1] |= hi
}

func ssePAND(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	d := &c.fpu.xmm[in.reg&15]
	d[0] &= lo
	d[1] &= hi
}

func ssePANDN(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	d := &c.fpu.xmm[in.reg&15]
	d[0] = lo &^ d[0]
	d[1] = hi &^ d[1]
}

func ssePCMPEQB(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	d := &c.fpu.xmm[in.reg&15]
	d[0], d[1] = cmpeqB(d[0], lo), cmpeqB(d[1], hi)
}

func ssePADDD(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	d := &c.fpu.xmm[in.reg&15]
	d[0], d[1] = addD(d[0], lo), addD(d[1], hi)
}

func ssePADDQ(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	d := &c.fpu.xmm[in.reg&15]
	d[0] += lo
	d[1] += hi
}

// ssePairs is for operations that put results from V in the lower half and from W in the upper: packing and horizontal ones.
func ssePairs(f func(a, b uint64) uint64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		lo, hi := c.xmmSrc16(in)
		d := &c.fpu.xmm[in.reg&15]
		d[0], d[1] = f(d[0], d[1]), f(lo, hi)
	}
}

// sseUnpack interleaves one half of V and W; l and h are the operation on the lower and upper parts of 64 bits.
func sseUnpack(half int, l, h func(a, b uint64) uint64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		lo, hi := c.xmmSrc16(in)
		d := &c.fpu.xmm[in.reg&15]
		a, b := d[0], lo
		if half == 1 {
			a, b = d[1], hi
		}
		d[0], d[1] = l(a, b), h(a, b)
	}
}

func ssePUNPCKLQDQ(c *CPU, in *inst) {
	c.checkSSE()
	lo, _ := c.xmmSrc16(in)
	c.fpu.xmm[in.reg&15][1] = lo
}

func ssePUNPCKHQDQ(c *CPU, in *inst) {
	c.checkSSE()
	_, hi := c.xmmSrc16(in)
	d := &c.fpu.xmm[in.reg&15]
	d[0], d[1] = d[1], hi
}

// sseShift shifts by the low quadword of W.
func sseShift(f func(v, n uint64) uint64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		n, _ := c.xmmSrc16(in)
		d := &c.fpu.xmm[in.reg&15]
		d[0], d[1] = f(d[0], n), f(d[1], n)
	}
}

// sseShiftImm shifts U by the immediate.
func sseShiftImm(f func(v, n uint64) uint64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		d := &c.fpu.xmm[in.rm&15]
		n := in.imm & 0xff
		d[0], d[1] = f(d[0], n), f(d[1], n)
	}
}

func ssePSLLDQ(c *CPU, in *inst) {
	c.checkSSE()
	d := &c.fpu.xmm[in.rm&15]
	switch n := uint(in.imm & 0xff); {
	case n < 8:
		d[1] = d[1]<<(8*n) | d[0]>>(64-8*n)
		d[0] <<= 8 * n
	default:
		d[1], d[0] = d[0]<<(8*n-64), 0
	}
}

func ssePSRLDQ(c *CPU, in *inst) {
	c.checkSSE()
	d := &c.fpu.xmm[in.rm&15]
	n := uint(in.imm & 0xff)
	d[0], d[1] = alignRight(d[1], d[0], n), alignRight(0, d[1], n)
}

func ssePALIGNR(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	d := &c.fpu.xmm[in.reg&15]
	q := [6]uint64{lo, hi, d[0], d[1]}
	n := uint(in.imm & 0xff)
	if n >= 32 {
		*d = [2]uint64{}
		return
	}
	i, n := n/8, n%8
	d[0], d[1] = alignRight(q[i+1], q[i], n), alignRight(q[i+2], q[i+1], n)
}

func ssePSHUFB(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	d := &c.fpu.xmm[in.reg&15]
	v := *d
	pick := func(sel uint64) (r uint64) {
		for i := uint(0); i < 64; i += 8 {
			if s := sel >> i; s&0x80 == 0 {
				r |= v[s>>3&1] >> (8 * (s & 7)) & 0xff << i
			}
		}
		return r
	}
	d[0], d[1] = pick(lo), pick(hi)
}

// lane32 is doubleword i of hi:lo.
func lane32(lo, hi uint64, i uint8) uint64 {
	if i&2 != 0 {
		lo = hi
	}
	return lo >> (i & 1 * 32) & 0xffffffff
}

func ssePSHUFD(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	o := uint8(in.imm)
	c.fpu.xmm[in.reg&15] = [2]uint64{
		lane32(lo, hi, o&3) | lane32(lo, hi, o>>2&3)<<32,
		lane32(lo, hi, o>>4&3) | lane32(lo, hi, o>>6)<<32,
	}
}

func ssePSHUFLW(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	c.fpu.xmm[in.reg&15] = [2]uint64{shufW(lo, uint8(in.imm)), hi}
}

func ssePSHUFHW(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	c.fpu.xmm[in.reg&15] = [2]uint64{lo, shufW(hi, uint8(in.imm))}
}

func sseSHUFPS(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	o := uint8(in.imm)
	d := &c.fpu.xmm[in.reg&15]
	*d = [2]uint64{
		lane32(d[0], d[1], o&3) | lane32(d[0], d[1], o>>2&3)<<32,
		lane32(lo, hi, o>>4&3) | lane32(lo, hi, o>>6)<<32,
	}
}

func sseSHUFPD(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	d := &c.fpu.xmm[in.reg&15]
	s := [2]uint64{lo, hi}
	*d = [2]uint64{d[in.imm&1], s[in.imm>>1&1]}
}

func ssePINSRW(c *CPU, in *inst) {
	c.checkSSE()
	c.fpu.insert(in.reg, uint(in.imm&7)*16, 16, c.loadWord(in))
}

// insert puts size bits at bit pos of a register.
func (f *fpuState) insert(reg uint8, pos, size uint, v uint64) {
	q := &f.xmm[reg&15][pos>>6&1]
	m := uint64(1)<<size - 1
	pos &= 63
	*q = *q&^(m<<pos) | v&m<<pos
}

func ssePINSRB(c *CPU, in *inst) {
	c.checkSSE()
	var v uint64
	if in.isMem() {
		v = c.load8(c.lin(in, 1))
	} else {
		v = c.reg(in.rm, 4)
	}
	c.fpu.insert(in.reg, uint(in.imm&15)*8, 8, v)
}

// ssePINSRD is PINSRD and PINSRQ.
func ssePINSRD(c *CPU, in *inst) {
	c.checkSSE()
	v := c.loadE(in)
	if in.attr&attrREXW != 0 {
		c.fpu.xmm[in.reg&15][in.imm&1] = v
		return
	}
	c.fpu.insert(in.reg, uint(in.imm&3)*32, 32, v)
}

// ssePEXTRW is the register form of SSE2, G from U.
func ssePEXTRW(c *CPU, in *inst) {
	c.checkSSE()
	x := &c.fpu.xmm[in.rm&15]
	c.setReg(in.reg, 8, x[in.imm>>2&1]>>(in.imm&3*16)&0xffff)
}

// sseExtract is PEXTRB and PEXTRW of SSE4.1, EXTRACTPS, PEXTRD and PEXTRQ: size bytes to memory, or to a register zero-extended.
func sseExtract(size uint8) func(*CPU, *inst) {
	per := 16 / uint64(size)
	return func(c *CPU, in *inst) {
		c.checkSSE()
		pos := in.imm & (per - 1) * uint64(size) * 8
		v := c.fpu.xmm[in.reg&15][pos>>6] >> (pos & 63) & sizeMask(size)
		if in.isMem() {
			c.storeN(c.linW(in, size), size, v)
			return
		}
		c.setReg(in.rm, 8, v)
	}
}

// sseExtend is PMOVSX and PMOVZX: lanes of from bits become lanes of to bits; n bytes are read.
func sseExtend(from, to uint, signed bool) func(*CPU, *inst) {
	n := uint8(16 * from / to)
	return func(c *CPU, in *inst) {
		c.checkSSE()
		v := c.fpu.xmm[in.rm&15][0]
		if in.isMem() {
			v = c.loadN(c.lin(in, n), n)
		}
		c.fpu.xmm[in.reg&15] = [2]uint64{
			extendLanes(v, from, to, signed),
			extendLanes(v>>(from*64/to), from, to, signed),
		}
	}
}

func extendLanes(v uint64, from, to uint, signed bool) (r uint64) {
	m := ^uint64(0) >> (64 - to)
	for i := uint(0); i < 64/to; i++ {
		w := v >> (i * from) << (64 - from)
		if signed {
			w = uint64(int64(w) >> (64 - from))
		} else {
			w >>= 64 - from
		}
		r |= w & m << (i * to)
	}
	return r
}

func ssePTEST(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	d := &c.fpu.xmm[in.reg&15]
	var f uint64
	if lo&d[0]|hi&d[1] == 0 {
		f |= x86.FlagZF
	}
	if lo&^d[0]|hi&^d[1] == 0 {
		f |= x86.FlagCF
	}
	c.setStatus(f)
}

func ssePHMINPOSUW(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	c.fpu.xmm[in.reg&15] = [2]uint64{minPosW(lo, hi)}
}

// sseBlend selects by a mask of lanes: sel spreads the register or immediate into one.
func sseBlendV(spread func(uint64) uint64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		lo, hi := c.xmmSrc16(in)
		m := &c.fpu.xmm[0]
		d := &c.fpu.xmm[in.reg&15]
		d[0], d[1] = choose(spread(m[0]), lo, d[0]), choose(spread(m[1]), hi, d[1])
	}
}

func spreadB(m uint64) uint64 { return m & high8 >> 7 * 0xff }
func spreadD(m uint64) uint64 { return m & high32 >> 31 * 0xffffffff }
func spreadQ(m uint64) uint64 { return uint64(int64(m) >> 63) }

// sseBlendImm takes the lanes of size bits whose bit of the immediate is set from W.
func sseBlendImm(size uint) func(*CPU, *inst) {
	per := 64 / size
	return func(c *CPU, in *inst) {
		c.checkSSE()
		lo, hi := c.xmmSrc16(in)
		d := &c.fpu.xmm[in.reg&15]
		d[0] = choose(bitLanes(in.imm, size), lo, d[0])
		d[1] = choose(bitLanes(in.imm>>per, size), hi, d[1])
	}
}

// bitLanes turns the low bits into a mask of lanes.
func bitLanes(b uint64, size uint) (r uint64) {
	for i := uint(0); i < 64; i += size {
		if b&1 != 0 {
			r |= ^uint64(0) >> (64 - size) << i
		}
		b >>= 1
	}
	return r
}

func sseINSERTPS(c *CPU, in *inst) {
	c.checkSSE()
	var v uint64
	if in.isMem() {
		v = c.load32(c.lin(in, 4))
	} else {
		x := &c.fpu.xmm[in.rm&15]
		v = lane32(x[0], x[1], uint8(in.imm>>6&3))
	}
	c.fpu.insert(in.reg, uint(in.imm>>4&3)*32, 32, v)
	d := &c.fpu.xmm[in.reg&15]
	d[0] &^= bitLanes(in.imm, 32)
	d[1] &^= bitLanes(in.imm>>2, 32)
}

// sseMPSADBW sums the differences of four bytes of W and eleven of V at eight places.
func sseMPSADBW(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	d := &c.fpu.xmm[in.reg&15]
	a := in.imm >> 2 & 1 * 4
	b := uint32(lane32(lo, hi, uint8(in.imm&3)))
	var r [2]uint64
	for i := uint64(0); i < 8; i++ {
		w := uint32(alignRight(d[1], d[0], uint(a+i)))
		r[i>>2] |= sadBW(uint64(w), uint64(b)) << (i & 3 * 16)
	}
	*d = r
}
