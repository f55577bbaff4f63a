package softfloat

import "math/bits"

// FromInt is FILD: every integer of 64 bits is exact.
func FromInt(v int64) Float80 {
	if v == 0 {
		return zero80
	}
	f := Float80{SE: bias80 + 63}
	if v < 0 {
		f.SE |= signMask
		v = -v
	}
	s := bits.LeadingZeros64(uint64(v))
	f.Sig = uint64(v) << s
	f.SE -= uint16(s)
	return f
}

// ToInt is FIST and FISTP for a destination of size 16, 32 or 64 bits.
func (e *X87) ToInt(a Float80, size uint) int64 { return e.toInt(a, size, e.Mode) }

// TruncInt is FISTTP.
func (e *X87) TruncInt(a Float80, size uint) int64 { return e.toInt(a, size, Zero) }

func (e *X87) toInt(a Float80, size uint, mode Rounding) int64 {
	bad := int64(-1) << (size - 1)
	switch a.class() {
	case classZero:
		return 0
	case classNormal, classDenormal:
	default:
		e.raise(IE)
		return bad
	}
	n := a.num()
	v, inexact, up, ok := roundInt(mode, n)
	limit := uint64(1) << (size - 1)
	if !ok || v > limit || v == limit && !n.neg {
		e.raise(IE)
		return bad
	}
	e.inexact(inexact, up)
	if n.neg {
		return -int64(v)
	}
	return int64(v)
}

// FromFloat64 is FLD m64fp.  An unmasked DE does not keep the value from being
// pushed (seen on hardware; only IE does): see BlockedLoad.
func (e *X87) FromFloat64(v uint64) Float80 { return e.fromIEEE(v, &binary64) }

// BlockedLoad reports an unmasked exception that keeps FLD from pushing.
func (e *X87) BlockedLoad() bool { return e.Raised&^e.Masked&IE != 0 }

// FromFloat32 is FLD m32fp.
func (e *X87) FromFloat32(v uint32) Float80 { return e.fromIEEE(uint64(v), &binary32) }

func (e *X87) fromIEEE(v uint64, f *format) Float80 {
	neg := v>>(f.width-1) != 0
	switch c := f.class(v); c {
	case classZero:
		return zero80.withSign(neg)
	case classInf:
		return inf80.withSign(neg)
	case classQNaN, classSNaN:
		if c == classSNaN {
			e.raise(IE)
		}
		return Float80{intBit | quietBit | v<<(64-f.prec), expMask}.withSign(neg)
	case classDenormal:
		e.raise(DE)
	}
	n := f.num(v)
	return Float80{n.hi, uint16(n.exp + bias80)}.withSign(neg)
}

// Operand64 widens the memory operand of FADD m64fp and its kin as it is: a
// signaling NaN stays one, and a denormal is remembered for the operation, for
// it is that which signals.
func (e *X87) Operand64(v uint64) Float80 { return e.operand(v, &binary64) }

// Operand32 is Operand64 for m32fp.
func (e *X87) Operand32(v uint32) Float80 { return e.operand(uint64(v), &binary32) }

func (e *X87) operand(v uint64, f *format) Float80 {
	switch f.class(v) {
	case classSNaN:
		return Float80{intBit | v<<(64-f.prec), expMask}.withSign(v&f.sign() != 0)
	case classDenormal:
		e.memDenormal = true
		n := f.num(v)
		return Float80{n.hi, uint16(n.exp + bias80)}.withSign(n.neg)
	}
	return e.fromIEEE(v, f)
}

// ToFloat64 is FST m64fp.
func (e *X87) ToFloat64(a Float80) uint64 { return e.toIEEE(a, &binary64) }

// ToFloat32 is FST m32fp.
func (e *X87) ToFloat32(a Float80) uint32 { return uint32(e.toIEEE(a, &binary32)) }

func (e *X87) toIEEE(a Float80, f *format) uint64 {
	sign := b2u(a.Neg()) << (f.width - 1)
	switch c := a.class(); c {
	case classZero:
		return sign
	case classInf:
		return sign | f.inf()
	case classInvalid:
		e.raise(IE)
		return f.indefinite()
	case classQNaN, classSNaN:
		if c == classSNaN {
			e.raise(IE)
		}
		return sign | f.inf() | f.quiet() | a.Sig<<1>>(65-f.prec)
	}
	r, fl, up := f.round(e.Mode, a.num(), e.Masked, false)
	if fl&^e.Masked&(OE|UE) != 0 {
		fl &^= PE // nothing is stored, so nothing is lost yet
	}
	e.raise(fl)
	if fl&PE != 0 {
		e.RoundedUp = up
	}
	return r
}

// BCD is a packed decimal as FBLD and FBSTP see it: 18 digits and a sign byte.
type BCD struct {
	Digits uint64 // the low eight bytes
	Top    uint16 // two digits and the sign byte
}

// FromBCD is FBLD.  Digits above nine count with their binary value, as the
// hardware adds them up.
func FromBCD(b BCD) Float80 {
	var v uint64
	for i := 4; i >= 0; i -= 4 {
		v = v*10 + uint64(b.Top>>i&15)
	}
	for i := 60; i >= 0; i -= 4 {
		v = v*10 + b.Digits>>i&15
	}
	return FromInt(int64(v)).withSign(b.Top&0x8000 != 0)
}

// ToBCD is FBSTP.
func (e *X87) ToBCD(a Float80) BCD {
	bad := BCD{0xc000000000000000, 0xffff}
	b := BCD{}
	if a.Neg() {
		b.Top = 0x8000
	}
	switch a.class() {
	case classZero:
		return b
	case classNormal, classDenormal:
	default:
		e.raise(IE)
		return bad
	}
	v, inexact, up, ok := roundInt(e.Mode, a.num())
	if !ok || v > 999999999999999999 {
		e.raise(IE)
		return bad
	}
	e.inexact(inexact, up)
	for i := 0; i < 64; i += 4 {
		b.Digits |= v % 10 << i
		v /= 10
	}
	b.Top |= uint16(v%10 | v/10%10<<4)
	return b
}
