package cpu

import (
	"math/bits"

	"govm-desktop/x86"
)

// accPair reads AX, DX:AX, EDX:EAX or RDX:RAX as high and low half.
func (c *CPU) accPair(size uint8) (hi, lo uint64) {
	if size == 1 {
		return c.gpr[x86.RAX] >> 8 & 0xff, c.gpr[x86.RAX] & 0xff
	}
	return c.reg(x86.RDX, size), c.reg(x86.RAX, size)
}

func (c *CPU) setAccPair(size uint8, hi, lo uint64) {
	if size == 1 {
		c.setReg(x86.RAX, 2, hi<<8|lo&0xff)
		return
	}
	c.setReg(x86.RAX, size, lo)
	c.setReg(x86.RDX, size, hi)
}

// mulFlags sets CF and OF when the high half matters; SF and PF follow the low half and ZF is clear, as on Intel's processors.
func (c *CPU) mulFlags(lo uint64, wide bool, size uint8) {
	f := parity(lo) | lo>>(8*uint(size)-1)&1<<7
	if wide {
		f |= x86.FlagCF | x86.FlagOF
	}
	c.cc, c.ccSrc, c.ccDst = ccFlags, f, 1
}

func execMul(c *CPU, in *inst) {
	size := in.opsize
	a, b := c.reg(x86.RAX, size), c.readRM(in)
	var hi, lo uint64
	if size == 8 {
		hi, lo = bits.Mul64(a, b)
	} else {
		lo = a * b
		hi = lo >> (8 * uint(size)) & sizeMask(size)
	}
	c.setAccPair(size, hi, lo)
	c.mulFlags(lo, hi != 0, size)
}

// imul is the signed product, its halves of the given size.
func imul(a, b uint64, size uint8) (hi, lo uint64) {
	a, b = signExtend(a, size), signExtend(b, size)
	hi, lo = bits.Mul64(a, b)
	hi -= uint64(int64(a)>>63)&b + uint64(int64(b)>>63)&a
	if size < 8 {
		hi = lo >> (8 * uint(size)) & sizeMask(size)
		lo &= sizeMask(size)
	}
	return hi, lo
}

// imulWide is whether a signed product does not fit its low half.
func imulWide(hi, lo uint64, size uint8) bool {
	return hi != uint64(int64(signExtend(lo, size))>>63)&sizeMask(size)
}

func execImul1(c *CPU, in *inst) {
	hi, lo := imul(c.reg(x86.RAX, in.opsize), c.readRM(in), in.opsize)
	c.setAccPair(in.opsize, hi, lo)
	c.mulFlags(lo, imulWide(hi, lo, in.opsize), in.opsize)
}

func (c *CPU) imulTo(in *inst, a, b uint64) {
	hi, lo := imul(a, b, in.opsize)
	c.setReg(in.reg, in.opsize, lo)
	c.mulFlags(lo, imulWide(hi, lo, in.opsize), in.opsize)
}

func execImul2(c *CPU, in *inst) { c.imulTo(in, c.reg(in.reg, in.opsize), c.readRM(in)) }
func execImul3(c *CPU, in *inst) { c.imulTo(in, c.readRM(in), in.imm) }

func execDiv(c *CPU, in *inst) {
	size, d := in.opsize, c.readRM(in)
	hi, lo := c.accPair(size)
	if hi >= d {
		c.raise(x86.ExcDE)
	}
	if size == 8 {
		q, r := bits.Div64(hi, lo, d)
		c.setAccPair(8, r, q)
		return
	}
	n := hi<<(8*uint(size)) | lo
	c.setAccPair(size, n%d, n/d)
}

func execIdiv(c *CPU, in *inst) {
	size, d := in.opsize, signExtend(c.readRM(in), in.opsize)
	hi, lo := c.accPair(size)
	if size < 8 {
		n := int64(signExtend(hi<<(8*uint(size))|lo, min(8, 2*size)))
		if d == 0 || n == -1<<63 && int64(d) == -1 {
			c.raise(x86.ExcDE)
		}
		q, r := n/int64(d), n%int64(d)
		if uint64(q) != signExtend(uint64(q), size) {
			c.raise(x86.ExcDE)
		}
		c.setAccPair(size, uint64(r), uint64(q))
		return
	}
	c.idiv64(hi, lo, d)
}

func (c *CPU) idiv64(hi, lo, d uint64) {
	neg := int64(hi) < 0
	if neg {
		var b uint64
		lo, b = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, b)
	}
	ud := d
	if int64(d) < 0 {
		ud = -d
	}
	if hi >= ud {
		c.raise(x86.ExcDE)
	}
	q, r := bits.Div64(hi, lo, ud)
	limit := uint64(1<<63 - 1)
	if neg != (int64(d) < 0) {
		q, limit = -q, 1<<63
		if q != 0 && -q > limit {
			c.raise(x86.ExcDE)
		}
	} else if q > limit {
		c.raise(x86.ExcDE)
	}
	if neg {
		r = -r
	}
	c.setAccPair(8, r, q)
}

// Decimal adjustment (SDM volume 2).

func (c *CPU) decimal(sub bool) {
	al, f := c.gpr[x86.RAX]&0xff, c.status()
	old, cf := al, f&x86.FlagCF
	var out uint64
	if al&15 > 9 || f&x86.FlagAF != 0 {
		out |= x86.FlagAF
		if sub {
			if al < 6 {
				out |= x86.FlagCF
			}
			al -= 6
		} else {
			al += 6
			if al > 0xff {
				out |= x86.FlagCF
			}
		}
		out |= cf
	}
	if old > 0x99 || cf != 0 {
		out |= x86.FlagCF
		if sub {
			al -= 0x60
		} else {
			al += 0x60
		}
	} else if !sub {
		out &^= x86.FlagCF
	}
	c.setReg(x86.RAX, 1, al)
	c.setRes(al, out, 1)
}

func execDaa(c *CPU, _ *inst) { c.decimal(false) }
func execDas(c *CPU, _ *inst) { c.decimal(true) }

func (c *CPU) ascii(delta uint64) {
	ax, f := c.gpr[x86.RAX]&0xffff, uint64(0)
	if ax&15 > 9 || c.status()&x86.FlagAF != 0 {
		ax += delta
		f = x86.FlagAF | x86.FlagCF
	}
	c.setReg(x86.RAX, 2, ax&0xff0f)
	c.setRes(ax&15, f, 1)
}

func execAaa(c *CPU, _ *inst) { c.ascii(0x106) }
func execAas(c *CPU, _ *inst) { c.ascii(^uint64(0x105)) }

func execAam(c *CPU, in *inst) {
	d := in.imm & 0xff
	if d == 0 {
		c.raise(x86.ExcDE)
	}
	al := c.gpr[x86.RAX] & 0xff
	c.setReg(x86.RAX, 2, al/d<<8|al%d)
	c.setRes(al%d, 0, 1)
}

func execAad(c *CPU, in *inst) {
	ax := c.gpr[x86.RAX] & 0xffff
	b := ax >> 8 * in.imm & 0xff
	al := (ax + b) & 0xff
	c.setReg(x86.RAX, 2, al)
	c.setAdd(al, b, 1)
	c.setRes(al, 0, 1)
}
