package softfloat

import "math/bits"

// format describes an IEEE 754 interchange format held in the low bits of a word.
type format struct {
	width uint
	prec  uint // significand bits with the hidden one
	bias  int
	emax  uint64 // exponent field of infinities and NaNs
}

var (
	binary32 = format{32, 24, 127, 0xff}
	binary64 = format{64, 53, 1023, 0x7ff}
)

func (f *format) inf() uint64   { return f.emax << (f.prec - 1) }
func (f *format) quiet() uint64 { return 1 << (f.prec - 2) }
func (f *format) sign() uint64  { return 1 << (f.width - 1) }

// indefinite is the default NaN.
func (f *format) indefinite() uint64 { return f.sign() | f.inf() | f.quiet() }

func (f *format) class(v uint64) class {
	frac := v & (1<<(f.prec-1) - 1)
	switch v >> (f.prec - 1) & f.emax {
	case 0:
		if frac == 0 {
			return classZero
		}
		return classDenormal
	case f.emax:
		switch {
		case frac == 0:
			return classInf
		case frac&f.quiet() != 0:
			return classQNaN
		}
		return classSNaN
	}
	return classNormal
}

// num unpacks a finite nonzero value.
func (f *format) num(v uint64) num {
	e := int(v >> (f.prec - 1) & f.emax)
	sig := v & (1<<(f.prec-1) - 1)
	if e == 0 {
		e = 1
	} else {
		sig |= 1 << (f.prec - 1)
	}
	s := bits.LeadingZeros64(sig)
	return num{v&f.sign() != 0, e - f.bias + 64 - int(f.prec) - s, sig << s, 0}
}

// round packs n.  masked are the exceptions with a masked response: without
// it, overflow and underflow leave PE to the rounding that ignores the range.
// flush is MXCSR.FTZ.
func (f *format) round(mode Rounding, n num, masked Flags, flush bool) (v uint64, fl Flags, up bool) {
	sign := b2u(n.neg) << (f.width - 1)
	drop := 64 - f.prec
	be := n.exp + f.bias
	sig, carry, inexact, up := roundSig(mode, n.neg, n.hi, n.lo, drop)
	if carry {
		be++
	}
	switch {
	case be >= int(f.emax) && masked&OE == 0:
		fl = OE
	case be >= int(f.emax):
		if mode == Nearest || mode == Up && !n.neg || mode == Down && n.neg {
			return sign | f.inf(), OE | PE, true
		}
		return sign | (f.inf() - 1), OE | PE, false
	case be <= 0 && masked&UE == 0:
		fl = UE
	case be <= 0 && flush:
		return sign, UE | PE, false
	case be <= 0 || carry && be == 1:
		tiny := be <= 0
		hi, lo := shiftRightJam(n.hi, n.lo, uint(1-(n.exp+f.bias)))
		sig, _, inexact, up = roundSig(mode, n.neg, hi, lo, drop)
		if tiny && inexact {
			fl |= UE
		}
		be = int(sig >> 63)
	}
	if inexact {
		fl |= PE
	}
	return sign | uint64(be)<<(f.prec-1) | sig<<1>>(65-f.prec), fl, up && inexact
}
