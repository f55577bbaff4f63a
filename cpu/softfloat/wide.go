package softfloat

import (
	"math"
	"math/bits"
)

// u128 is an unsigned 128-bit integer, or a fixed-point fraction of that width.
type u128 struct{ hi, lo uint64 }

func (a u128) add(b u128) u128 {
	lo, c := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, c)
	return u128{hi, lo}
}

func (a u128) sub(b u128) u128 {
	lo, c := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, c)
	return u128{hi, lo}
}

func (a u128) less(b u128) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

func (a u128) zero() bool { return a.hi|a.lo == 0 }

func (a u128) shr(s uint) u128 {
	switch {
	case s < 64:
		return u128{a.hi >> s, a.lo>>s | a.hi<<(64-s)}
	case s < 128:
		return u128{0, a.hi >> (s - 64)}
	}
	return u128{}
}

func (a u128) shl(s uint) u128 {
	switch {
	case s < 64:
		return u128{a.hi<<s | a.lo>>(64-s), a.lo << s}
	case s < 128:
		return u128{a.lo << (s - 64), 0}
	}
	return u128{}
}

// mulHigh is the top half of the 256-bit product, short of at most two units.
func (a u128) mulHigh(b u128) u128 {
	h, l := bits.Mul64(a.hi, b.hi)
	m1, _ := bits.Mul64(a.hi, b.lo)
	m2, _ := bits.Mul64(a.lo, b.hi)
	var c uint64
	l, c = bits.Add64(l, m1, 0)
	h += c
	l, c = bits.Add64(l, m2, 0)
	h += c
	return u128{h, l}
}

// divSmall divides by a 64-bit integer.
func (a u128) divSmall(d uint64) u128 {
	h := a.hi / d
	l, _ := bits.Div64(a.hi%d, a.lo, d)
	return u128{h, l}
}

// isqrt is the integer square root of hi:lo (hi >= 2^62) and the remainder.
func isqrt(hi, lo uint64) (root uint64, rem u128) {
	f := math.Sqrt(float64(hi)) * (1 << 32)
	if f >= 1<<64 {
		root = math.MaxUint64
	} else {
		root = uint64(f)
	}
	if root <= hi { // Div64 wants a quotient of 64 bits
		root = math.MaxUint64
	}
	if root > hi {
		q, _ := bits.Div64(hi, lo, root)
		s, c := bits.Add64(root, q, 0)
		root = s>>1 | c<<63
	}
	n := u128{hi, lo}
	for {
		h, l := bits.Mul64(root, root)
		sq := u128{h, l}
		if n.less(sq) {
			root--
			continue
		}
		rem = n.sub(sq)
		// The next root would need rem >= 2*root + 1.
		if rem.hi > root>>63 || rem.hi == root>>63 && rem.lo > root<<1 {
			root++
			continue
		}
		return root, rem
	}
}

// wide is a floating-point number with a significand of 128 bits, used for the
// insides of the transcendentals: sig / 2^127 * 2^exp, top bit set unless zero.
type wide struct {
	neg bool
	exp int
	sig u128
}

func (n num) wide() wide { return wide{n.neg, n.exp, u128{n.hi, n.lo}} }

// num gives the number back with a sticky bit set: no result of a
// transcendental is exact, save those treated apart.
func (w wide) num() num { return num{w.neg, w.exp, w.sig.hi, w.sig.lo | 1} }

func (w wide) norm() wide {
	n := num{w.neg, w.exp, w.sig.hi, w.sig.lo}.norm()
	return wide{n.neg, n.exp, u128{n.hi, n.lo}}
}

func (w wide) add(b wide) wide {
	switch {
	case w.sig.zero():
		return b
	case b.sig.zero():
		return w
	}
	n := addNum(num{w.neg, w.exp, w.sig.hi, w.sig.lo}, num{b.neg, b.exp, b.sig.hi, b.sig.lo})
	return wide{n.neg, n.exp, u128{n.hi, n.lo}}
}

func (w wide) mul(b wide) wide {
	return wide{w.neg != b.neg, w.exp + b.exp + 1, w.sig.mulHigh(b.sig)}.norm()
}

func (w wide) negate() wide { w.neg = !w.neg; return w }

// div divides with Newton's correction of a 64-bit estimate: good to about 2^-124.
func (w wide) div(b wide) wide {
	r := b.recip()
	q := w.mul(r)
	// One residual step: q += (w - q*b) * r.
	e := w.add(q.mul(b).negate())
	return q.add(e.mul(r))
}

func (w wide) recip() wide {
	// 2^127 / sig.hi as a 64-bit estimate, then one Newton step in full width.
	var q uint64
	if w.sig.hi == 1<<63 {
		q = math.MaxUint64
	} else {
		q, _ = bits.Div64(1<<63, 0, w.sig.hi)
	}
	r := wide{w.neg, -w.exp - 1, u128{q, 0}}.norm()
	e := wideOne.add(w.mul(r).negate())
	return r.add(e.mul(r))
}

var wideOne = wide{sig: u128{1 << 63, 0}}

func wideInt(v int) wide {
	if v == 0 {
		return wide{}
	}
	w := wide{exp: 63}
	if v < 0 {
		w.neg, v = true, -v
	}
	w.sig.hi = uint64(v)
	return w.norm()
}

// fixed is the magnitude as a fraction of 2^128, for values below one.
func (w wide) fixed() u128 {
	return w.sig.shr(uint(min(128, -1-w.exp)))
}

// wideFixed reads a fraction of 2^128.
func wideFixed(f u128) wide { return wide{exp: -1, sig: f}.norm() }
