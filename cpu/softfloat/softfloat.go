// Package softfloat models the arithmetic of the x86 floating-point units:
// the 80-bit x87 FPU (Intel SDM volume 1, chapter 8) and the scalar
// operations of SSE to SSE4.1 (SDM volume 1, chapters 10 to 12).
//
// An operation takes raw register images, never Go floats, and reports what
// the hardware reports: the exception flags raised, whether a rounding went
// away from zero (x87 C1), and the result of the masked response.  It knows
// nothing of stacks, tags or memory.  Exceptions that the guest has unmasked
// are visible to the caller through Blocked, so that it can leave the
// destination unmodified.
//
// Not the same as on every chip: RCPPS and RSQRTPS give the values of Intel's
// processors, of which the architecture fixes only the error; the
// transcendentals of the x87 are within one unit in the last place, as the SDM
// promises, and may differ from a given chip in that last bit.
package softfloat

import "math/bits"

// Flags is a set of floating-point exceptions, laid out as the low six bits
// of the x87 status word and of MXCSR.
type Flags uint8

// The exception flags (SDM volume 1, 4.9.1).
const (
	IE Flags = 1 << iota // invalid operation
	DE                   // denormal operand
	ZE                   // division by zero
	OE                   // overflow
	UE                   // underflow
	PE                   // precision: the result is not exact

	allFlags = IE | DE | ZE | OE | UE | PE
	preFlags = IE | DE | ZE // found before the computation starts
)

// Rounding is a rounding-control field, encoded as in FCW.RC and MXCSR.RC.
type Rounding uint8

// The rounding modes (SDM volume 1, 4.8.4).
const (
	Nearest Rounding = iota // to nearest, ties to even
	Down                    // toward minus infinity
	Up                      // toward plus infinity
	Zero                    // toward zero
)

// Relation is the outcome of a comparison.
type Relation uint8

// The four relations two floating-point values can have.
const (
	Less Relation = iota
	Equal
	Greater
	Unordered
)

type class uint8

const (
	classZero class = iota
	classNormal
	classDenormal
	classInf
	classQNaN
	classSNaN
	classInvalid // 80-bit encodings the 387 and later do not support
)

func (c class) nan() bool { return c == classQNaN || c == classSNaN }

// num is a finite nonzero magnitude with a sign: (hi + lo/2^64) / 2^63 * 2^exp.
// The top bit of hi is set; bit 0 of lo may be a sticky bit.
type num struct {
	neg    bool
	exp    int
	hi, lo uint64
}

func (n num) zero() bool { return n.hi|n.lo == 0 }

// norm shifts the significand up until its top bit is set.
func (n num) norm() num {
	if n.hi == 0 {
		if n.lo == 0 {
			return n
		}
		n.hi, n.lo = n.lo, 0
		n.exp -= 64
	}
	if s := uint(bits.LeadingZeros64(n.hi)); s != 0 {
		n.hi = n.hi<<s | n.lo>>(64-s)
		n.lo <<= s
		n.exp -= int(s)
	}
	return n
}

// shiftRightJam shifts hi:lo right and keeps whether anything was lost in bit 0.
func shiftRightJam(hi, lo uint64, s uint) (uint64, uint64) {
	switch {
	case s == 0:
		return hi, lo
	case s < 64:
		lost := lo << (64 - s)
		lo = lo>>s | hi<<(64-s)
		hi >>= s
		return hi, lo | b2u(lost != 0)
	case s == 64:
		return 0, hi | b2u(lo != 0)
	case s < 128:
		lost := hi<<(128-s) | lo
		return 0, hi>>(s-64) | b2u(lost != 0)
	}
	return 0, b2u(hi|lo != 0)
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// addNum adds two magnitudes with signs.  An exact zero comes back as zero
// significand, its sign to be chosen by the caller.
func addNum(a, b num) num {
	if a.exp < b.exp || (a.exp == b.exp && (a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo))) {
		a, b = b, a
	}
	// Two spare bits above keep the sticky bit of b below any rounding position
	// even after a cancellation of one bit.
	bh, bl := shiftRightJam(b.hi, b.lo, uint(a.exp-b.exp))
	var c uint64
	if a.neg == b.neg {
		a.lo, c = bits.Add64(a.lo, bl, 0)
		a.hi, c = bits.Add64(a.hi, bh, c)
		if c != 0 {
			a.hi, a.lo = shiftRightJam(a.hi, a.lo, 1)
			a.hi |= 1 << 63
			a.exp++
		}
		return a
	}
	a.lo, c = bits.Sub64(a.lo, bl, 0)
	a.hi, _ = bits.Sub64(a.hi, bh, c)
	return a.norm()
}

// mulNum multiplies two 64-bit significands exactly.
func mulNum(a, b num) num {
	hi, lo := bits.Mul64(a.hi, b.hi)
	return num{a.neg != b.neg, a.exp + b.exp + 1, hi, lo}.norm()
}

// divNum divides two 64-bit significands; bit 0 of lo is sticky.
func divNum(a, b num) num {
	n := num{neg: a.neg != b.neg, exp: a.exp - b.exp}
	var r uint64
	if a.hi < b.hi {
		n.exp--
		n.hi, r = bits.Div64(a.hi, 0, b.hi)
	} else {
		n.hi, r = bits.Div64(a.hi>>1, a.hi<<63, b.hi)
	}
	n.lo, r = bits.Div64(r, 0, b.hi)
	n.lo |= b2u(r != 0)
	return n
}

// sqrtNum takes the root of a positive 64-bit significand.
func sqrtNum(a num) num {
	// The significand becomes a 128-bit integer in [2^126, 2^128) with an even exponent.
	hi, lo := a.hi, uint64(0)
	if a.exp&1 == 0 {
		hi, lo = a.hi>>1, a.hi<<63
	}
	root, rem := isqrt(hi, lo)
	n := num{exp: a.exp >> 1, hi: root}
	switch {
	case rem.hi != 0 || rem.lo > root: // above root + 1/2
		n.lo = 1<<63 | 1
	case rem.lo != 0:
		n.lo = 1
	}
	return n
}

// roundSig rounds hi:lo after its top 64-drop bits.
func roundSig(mode Rounding, neg bool, hi, lo uint64, drop uint) (sig uint64, carry, inexact, up bool) {
	var half, rest bool
	if drop == 0 {
		half, rest, sig = lo>>63 != 0, lo<<1 != 0, hi
	} else {
		half, rest = hi>>(drop-1)&1 != 0, hi<<(65-drop) != 0 || lo != 0
		sig = hi >> drop << drop
	}
	inexact = half || rest
	switch mode {
	case Nearest:
		up = half && (rest || sig>>drop&1 != 0)
	case Down:
		up = neg && inexact
	case Up:
		up = !neg && inexact
	}
	if up {
		var c uint64
		sig, c = bits.Add64(sig, 1<<drop, 0)
		if c != 0 {
			sig, carry = 1<<63, true
		}
	}
	return
}

// roundInt rounds a value to an integer magnitude.  ok is false when it does
// not fit 64 bits.
func roundInt(mode Rounding, n num) (v uint64, inexact, up, ok bool) {
	if n.exp > 63 {
		return 0, false, false, false
	}
	hi, lo := shiftRightJam(n.hi, n.lo, uint(63-n.exp))
	v, carry, inexact, up := roundSig(mode, n.neg, hi, lo, 0)
	return v, inexact, up, !carry
}
