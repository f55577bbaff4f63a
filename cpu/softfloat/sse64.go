package softfloat

import "math"

// Bounds of raw binary64 images with the sign shifted out.
const (
	one64   = 1 << 53       // unit of the exponent field
	top64   = 0x7ff * one64 // infinity
	safeLo  = 128 * one64   // above: residuals of products do not underflow
	safeTop = 0x7fd * one64
)

func denormal64(v uint64) bool { return v<<1-1 < one64-1 }

// odd64 tells NaN or denormal.
func odd64(v uint64) bool { v <<= 1; return v > top64 || v-1 < one64-1 }

// safe64 tells that a result is far from overflow and underflow, so its
// operands were numbers and the residual below is computed without error.
func safe64(v uint64) bool { return v<<1-safeLo < safeTop-safeLo }

// Add64 is ADDSD.
func (s *SSE) Add64(a, b uint64) uint64 {
	if s.plain() && !denormal64(a) && !denormal64(b) {
		x, y := math.Float64frombits(a), math.Float64frombits(b)
		z := x + y
		r := math.Float64bits(z)
		if safe64(r) {
			if !s.exactSeen() && sumError64(x, y, z) {
				s.MXCSR |= uint32(PE)
			}
			return r
		}
		if r<<1 == 0 { // a sum is only zero when exact
			return r
		}
	}
	return s.arith(&binary64, opAdd, a, b)
}

// sumError64 tells whether z = x + y was rounded (Knuth's two-sum).
func sumError64(x, y, z float64) bool {
	v := z - x
	return (x-(z-v))+(y-v) != 0
}

// Sub64 is SUBSD: a - b.
func (s *SSE) Sub64(a, b uint64) uint64 {
	if s.plain() && !denormal64(a) && !denormal64(b) {
		x, y := math.Float64frombits(a), math.Float64frombits(b)
		z := x - y
		r := math.Float64bits(z)
		if safe64(r) {
			if !s.exactSeen() && sumError64(x, -y, z) {
				s.MXCSR |= uint32(PE)
			}
			return r
		}
		if r<<1 == 0 {
			return r
		}
	}
	return s.arith(&binary64, opSub, a, b)
}

// Mul64 is MULSD.
func (s *SSE) Mul64(a, b uint64) uint64 {
	if s.plain() && !denormal64(a) && !denormal64(b) {
		x, y := math.Float64frombits(a), math.Float64frombits(b)
		z := x * y
		r := math.Float64bits(z)
		if safe64(r) {
			if !s.exactSeen() && math.FMA(x, y, -z) != 0 {
				s.MXCSR |= uint32(PE)
			}
			return r
		}
		if r<<1 == 0 && (a<<1 == 0 || b<<1 == 0) {
			return r
		}
	}
	return s.arith(&binary64, opMul, a, b)
}

// Div64 is DIVSD: a / b.
func (s *SSE) Div64(a, b uint64) uint64 {
	if s.plain() && !denormal64(a) && !denormal64(b) {
		x, y := math.Float64frombits(a), math.Float64frombits(b)
		z := x / y
		r := math.Float64bits(z)
		if safe64(r) && safe64(a) {
			if !s.exactSeen() && math.FMA(z, y, -x) != 0 {
				s.MXCSR |= uint32(PE)
			}
			return r
		}
		if a<<1 == 0 && r<<1 == 0 {
			return r
		}
	}
	return s.arith(&binary64, opDiv, a, b)
}

// Sqrt64 is SQRTSD.
func (s *SSE) Sqrt64(a uint64) uint64 {
	if s.plain() && safe64(a) && a>>63 == 0 {
		x := math.Float64frombits(a)
		z := math.Sqrt(x)
		if !s.exactSeen() && math.FMA(z, z, -x) != 0 {
			s.MXCSR |= uint32(PE)
		}
		return math.Float64bits(z)
	}
	return s.sqrt(&binary64, a)
}

// Min64 is MINSD.
func (s *SSE) Min64(a, b uint64) uint64 {
	if !odd64(a) && !odd64(b) {
		if math.Float64frombits(a) < math.Float64frombits(b) {
			return a
		}
		return b
	}
	return s.minMax(&binary64, a, b, Less)
}

// Max64 is MAXSD.
func (s *SSE) Max64(a, b uint64) uint64 {
	if !odd64(a) && !odd64(b) {
		if math.Float64frombits(a) > math.Float64frombits(b) {
			return a
		}
		return b
	}
	return s.minMax(&binary64, a, b, Greater)
}

// Compare64 is COMISD, or UCOMISD when quiet.
func (s *SSE) Compare64(a, b uint64, quiet bool) Relation {
	if !odd64(a) && !odd64(b) {
		x, y := math.Float64frombits(a), math.Float64frombits(b)
		switch {
		case x < y:
			return Less
		case x > y:
			return Greater
		}
		return Equal
	}
	return s.compare(&binary64, a, b, quiet)
}

// Predicate64 is CMPSD.
func (s *SSE) Predicate64(a, b uint64, p uint8) bool { return s.predicate(&binary64, a, b, p) }

// ToInt32From64 is CVTSD2SI with a 32-bit destination, CVTTSD2SI when trunc.
func (s *SSE) ToInt32From64(a uint64, trunc bool) int32 {
	if x := math.Float64frombits(a); trunc && x > -0x1p31 && x < 0x1p31 && !denormal64(a) {
		v := int32(x)
		if float64(v) != x {
			s.raise(PE)
		}
		return v
	}
	return int32(s.toInt(&binary64, a, 32, s.intMode(trunc)))
}

// ToInt64From64 is CVTSD2SI with a 64-bit destination, CVTTSD2SI when trunc.
func (s *SSE) ToInt64From64(a uint64, trunc bool) int64 {
	if x := math.Float64frombits(a); trunc && x > -0x1p63 && x < 0x1p63 && !denormal64(a) {
		v := int64(x)
		if float64(v) != x {
			s.raise(PE)
		}
		return v
	}
	return s.toInt(&binary64, a, 64, s.intMode(trunc))
}

func (s *SSE) intMode(trunc bool) Rounding {
	if trunc {
		return Zero
	}
	return s.mode()
}

// FromInt64 is CVTSI2SD.
func (s *SSE) FromInt64(v int64) uint64 {
	if x := float64(v); v > -1<<53 && v < 1<<53 {
		return math.Float64bits(x)
	}
	return s.fromInt(&binary64, v)
}

// Widen is CVTSS2SD.
func (s *SSE) Widen(a uint32) uint64 {
	if !odd32(a) {
		return math.Float64bits(float64(math.Float32frombits(a)))
	}
	return s.convert(&binary32, &binary64, uint64(a))
}

// Narrow is CVTSD2SS.
func (s *SSE) Narrow(a uint64) uint32 {
	if s.plain() && !denormal64(a) {
		x := math.Float64frombits(a)
		z := float32(x)
		if r := math.Float32bits(z); normal32(r) {
			if float64(z) != x {
				s.MXCSR |= uint32(PE)
			}
			return r
		}
	}
	return uint32(s.convert(&binary64, &binary32, a))
}

// Round64 is ROUNDSD.
func (s *SSE) Round64(a uint64, imm uint8) uint64 { return s.round(&binary64, a, imm) }
