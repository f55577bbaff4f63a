package softfloat

import "math/bits"

// Rem is FPREM, or FPREM1 when nearest is set: the remainder of a / b, the low
// three bits of the quotient, and whether the reduction is only partial (C2).
func (e *X87) Rem(a, b Float80, nearest bool) (r Float80, q uint64, partial bool) {
	ca, cb := a.class(), b.class()
	if r, done := e.special(a, b, ca, cb); done {
		return r, 0, false
	}
	if ca == classInf || cb == classZero {
		return e.invalid(), 0, false
	}
	if e.denormal(ca, cb) {
		return zero80, 0, false
	}
	if ca == classZero {
		return a, 0, false
	}
	if cb == classInf {
		return a.unchanged(), 0, false
	}
	x, y := a.num(), b.num()
	switch d := x.exp - y.exp; {
	case d >= 64:
		// One step takes 32 to 63 bits off the exponent difference, as the chips do.
		n := uint(d&31 | 32)
		_, rem := bits.Div64(x.hi>>(64-n), x.hi<<n, y.hi)
		return e.packRem(x.neg, y.exp+d-int(n), rem), 0, true
	case d >= 0:
		q, rem := bits.Div64(x.hi>>(64-uint(d)), x.hi<<uint(d), y.hi)
		if nearest && (rem > y.hi-rem || rem == y.hi-rem && q&1 != 0) {
			return e.packRem(!x.neg, y.exp, y.hi-rem), (q + 1) & 7, false
		}
		return e.packRem(x.neg, y.exp, rem), q & 7, false
	case d == -1 && nearest && x.hi > y.hi:
		return e.packRem(!x.neg, x.exp, y.hi<<1-x.hi), 1, false
	}
	return e.pack(x, 0), 0, false
}

// unchanged is a finite operand that comes back without the underflow a
// computed denormal would raise; only a pseudo-denormal is made normal.
func (f Float80) unchanged() Float80 {
	if f.SE&expMask == 0 {
		f.SE |= uint16(f.Sig >> 63)
	}
	return f
}

func (e *X87) packRem(neg bool, exp int, rem uint64) Float80 {
	if rem == 0 {
		return zero80.withSign(neg)
	}
	return e.pack(num{neg: neg, exp: exp, hi: rem}.norm(), 0)
}

// RoundToInt is FRNDINT.
func (e *X87) RoundToInt(a Float80) Float80 {
	switch c := a.class(); c {
	case classInvalid:
		return e.invalid()
	case classQNaN, classSNaN:
		return e.nan1(a)
	case classZero, classInf:
		return a
	case classDenormal:
		if e.denormal(c, c) {
			return zero80
		}
	}
	n := a.num()
	if n.exp >= 63 {
		return a
	}
	v, inexact, up, _ := roundInt(e.Mode, n)
	e.inexact(inexact, up)
	return FromInt(int64(v)).withSign(n.neg)
}

// Scale is FSCALE: a * 2^trunc(b).
func (e *X87) Scale(a, b Float80) Float80 {
	ca, cb := a.class(), b.class()
	if r, done := e.special(a, b, ca, cb); done {
		return r
	}
	if cb == classInf {
		if b.Neg() && ca == classInf || !b.Neg() && ca == classZero {
			return e.invalid()
		}
	}
	if e.denormal(ca, cb) {
		return zero80
	}
	switch {
	case ca == classInf || ca == classZero:
		return a
	case cb == classInf && b.Neg():
		return zero80.withSign(a.Neg())
	case cb == classInf:
		return inf80.withSign(a.Neg())
	}
	if cb == classZero {
		return a.unchanged()
	}
	n := a.num()
	n.exp += scaleCount(b.num())
	return e.pack(n, 0)
}

// scaleCount truncates a factor of FSCALE, held where no exponent can undo it.
func scaleCount(n num) int {
	const far = 0x10000
	v := far
	if n.exp < 16 {
		t, _, _, _ := roundInt(Zero, n)
		v = int(t)
	}
	if n.neg {
		return -v
	}
	return v
}

// Extract is FXTRACT: the exponent and the significand of a.
func (e *X87) Extract(a Float80) (exp, sig Float80) {
	switch c := a.class(); c {
	case classInvalid:
		r := e.invalid()
		return r, r
	case classQNaN, classSNaN:
		r := e.nan1(a)
		return r, r
	case classInf:
		return inf80, a
	case classZero:
		e.raise(ZE)
		return inf80.withSign(true), a
	case classDenormal:
		e.denormal(c, c)
	}
	n := a.num()
	return FromInt(int64(n.exp)), Float80{n.hi, bias80}.withSign(n.neg)
}
