package softfloat

import "math/bits"

// Float80 is a double extended-precision register image: sign and biased
// exponent in SE, the significand with its explicit integer bit in Sig.
type Float80 struct {
	Sig uint64
	SE  uint16
}

const (
	bias80   = 16383
	expMask  = 0x7fff
	signMask = 0x8000
	intBit   = 1 << 63
	quietBit = 1 << 62

	// An unmasked overflow or underflow delivers a result whose exponent is
	// moved by this much (SDM volume 1, 8.5.4 and 8.5.5).
	wrap80 = 0x6000
)

// Values that results are made of; those FLD1 and its kin load are in constants.
var (
	zero80       = Float80{0, 0}
	one80        = Float80{intBit, bias80}
	inf80        = Float80{intBit, expMask}
	indefinite80 = Float80{intBit | quietBit, expMask | signMask}
)

// Indefinite is the default NaN, the masked response to an invalid operation.
func Indefinite() Float80 { return indefinite80 }

// One is 1.0.
func One() Float80 { return one80 }

// Neg reports the sign bit.
func (f Float80) Neg() bool { return f.SE&signMask != 0 }

func (f Float80) withSign(neg bool) Float80 {
	f.SE &^= signMask
	if neg {
		f.SE |= signMask
	}
	return f
}

// Abs is FABS, a plain bit operation.
func (f Float80) Abs() Float80 { f.SE &^= signMask; return f }

// Chs is FCHS, a plain bit operation.
func (f Float80) Chs() Float80 { f.SE ^= signMask; return f }

func (f Float80) class() class {
	switch e := f.SE & expMask; {
	case e == 0:
		if f.Sig == 0 {
			return classZero
		}
		return classDenormal
	case f.Sig < intBit:
		return classInvalid
	case e != expMask:
		return classNormal
	case f.Sig == intBit:
		return classInf
	case f.Sig&quietBit != 0:
		return classQNaN
	}
	return classSNaN
}

// num unpacks a finite nonzero value.
func (f Float80) num() num {
	e := int(f.SE & expMask)
	if e == 0 {
		e = 1
	}
	s := uint(bits.LeadingZeros64(f.Sig))
	return num{neg: f.Neg(), exp: e - bias80 - int(s), hi: f.Sig << s}
}

func (f Float80) quiet() Float80 { f.Sig |= quietBit; return f }

// Tag is the two-bit tag FNSTENV reports for the value (SDM volume 1, 8.1.7).
func (f Float80) Tag() uint16 {
	switch f.class() {
	case classZero:
		return 1
	case classNormal:
		return 0
	}
	return 2
}

// Exam is the class FXAM reports in C3, C2 and C0, as a status word fragment
// without the sign in C1 (SDM volume 2, FXAM).
func (f Float80) Exam() uint16 {
	const c0, c2, c3 = 1 << 8, 1 << 10, 1 << 14
	switch f.class() {
	case classZero:
		return c3
	case classNormal:
		return c2
	case classDenormal:
		return c3 | c2
	case classInf:
		return c2 | c0
	case classQNaN, classSNaN:
		return c0
	}
	return 0
}

// A Constant names one of the values of FLDL2T to FLDZ, by the low bits of the
// second opcode byte (D9 E8 to D9 EE).
type Constant uint8

// constants holds each value cut to 64 bits and whether the next bit rounds it
// up to nearest: the constants follow RC (SDM volume 2, FLD constants).
var constants = [7]struct {
	f       Float80
	half    bool // the discarded tail is above one half
	inexact bool
}{
	{f: one80},
	{Float80{0xd49a784bcd1b8afe, 0x4000}, false, true}, // log2(10)
	{Float80{0xb8aa3b295c17f0bb, 0x3fff}, true, true},  // log2(e)
	{Float80{0xc90fdaa22168c234, 0x4000}, true, true},  // pi
	{Float80{0x9a209a84fbcff798, 0x3ffd}, true, true},  // log10(2)
	{Float80{0xb17217f7d1cf79ab, 0x3ffe}, true, true},  // ln(2)
	{f: zero80},
}

// Load gives the constant as FLD1 and its kin push it under the rounding mode.
func (k Constant) Load(mode Rounding) Float80 {
	c := constants[k]
	if c.inexact && (mode == Up || mode == Nearest && c.half) {
		c.f.Sig++
	}
	return c.f
}

// NaN tells a NaN, quiet or signaling.
func (f Float80) NaN() bool { return f.class().nan() }
