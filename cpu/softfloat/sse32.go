package softfloat

import "math"

// Bounds of raw binary32 images with the sign shifted out.
const (
	one32 = 1 << 24
	top32 = 0xff * one32
)

func denormal32(v uint32) bool { return v<<1-1 < one32-1 }

func odd32(v uint32) bool { v <<= 1; return v > top32 || v-1 < one32-1 }

// normal32 tells a normal number above the least one: a result there did not
// underflow, even before rounding.
func normal32(v uint32) bool { return v<<1-one32-1 < top32-one32-1 }

// Add32 is ADDSS.
func (s *SSE) Add32(a, b uint32) uint32 {
	if s.plain() && !denormal32(a) && !denormal32(b) {
		x, y := math.Float32frombits(a), math.Float32frombits(b)
		z := x + y
		r := math.Float32bits(z)
		if normal32(r) {
			if !s.exactSeen() && sumError64(float64(x), float64(y), float64(z)) {
				s.MXCSR |= uint32(PE)
			}
			return r
		}
		if r<<1 == 0 {
			return r
		}
	}
	return uint32(s.arith(&binary32, opAdd, uint64(a), uint64(b)))
}

// Sub32 is SUBSS: a - b.
func (s *SSE) Sub32(a, b uint32) uint32 {
	if s.plain() && !denormal32(a) && !denormal32(b) {
		x, y := math.Float32frombits(a), math.Float32frombits(b)
		z := x - y
		r := math.Float32bits(z)
		if normal32(r) {
			if !s.exactSeen() && sumError64(float64(x), float64(-y), float64(z)) {
				s.MXCSR |= uint32(PE)
			}
			return r
		}
		if r<<1 == 0 {
			return r
		}
	}
	return uint32(s.arith(&binary32, opSub, uint64(a), uint64(b)))
}

// Mul32 is MULSS.
func (s *SSE) Mul32(a, b uint32) uint32 {
	if s.plain() && !denormal32(a) && !denormal32(b) {
		// The product of two significands of 24 bits is exact in 53.
		p := float64(math.Float32frombits(a)) * float64(math.Float32frombits(b))
		z := float32(p)
		r := math.Float32bits(z)
		if normal32(r) {
			if float64(z) != p {
				s.MXCSR |= uint32(PE)
			}
			return r
		}
		if p == 0 {
			return r
		}
	}
	return uint32(s.arith(&binary32, opMul, uint64(a), uint64(b)))
}

// Div32 is DIVSS: a / b.
func (s *SSE) Div32(a, b uint32) uint32 {
	if s.plain() && !denormal32(a) && !denormal32(b) {
		x, y := math.Float32frombits(a), math.Float32frombits(b)
		z := x / y
		r := math.Float32bits(z)
		if normal32(r) {
			if float64(z)*float64(y) != float64(x) {
				s.MXCSR |= uint32(PE)
			}
			return r
		}
		if a<<1 == 0 && r<<1 == 0 {
			return r
		}
	}
	return uint32(s.arith(&binary32, opDiv, uint64(a), uint64(b)))
}

// Sqrt32 is SQRTSS.
func (s *SSE) Sqrt32(a uint32) uint32 {
	if s.plain() && normal32(a) && a>>31 == 0 {
		x := math.Float32frombits(a)
		z := float32(math.Sqrt(float64(x)))
		if float64(z)*float64(z) != float64(x) {
			s.MXCSR |= uint32(PE)
		}
		return math.Float32bits(z)
	}
	return uint32(s.sqrt(&binary32, uint64(a)))
}

// Min32 is MINSS.
func (s *SSE) Min32(a, b uint32) uint32 {
	if !odd32(a) && !odd32(b) {
		if math.Float32frombits(a) < math.Float32frombits(b) {
			return a
		}
		return b
	}
	return uint32(s.minMax(&binary32, uint64(a), uint64(b), Less))
}

// Max32 is MAXSS.
func (s *SSE) Max32(a, b uint32) uint32 {
	if !odd32(a) && !odd32(b) {
		if math.Float32frombits(a) > math.Float32frombits(b) {
			return a
		}
		return b
	}
	return uint32(s.minMax(&binary32, uint64(a), uint64(b), Greater))
}

// Compare32 is COMISS, or UCOMISS when quiet.
func (s *SSE) Compare32(a, b uint32, quiet bool) Relation {
	if !odd32(a) && !odd32(b) {
		x, y := math.Float32frombits(a), math.Float32frombits(b)
		switch {
		case x < y:
			return Less
		case x > y:
			return Greater
		}
		return Equal
	}
	return s.compare(&binary32, uint64(a), uint64(b), quiet)
}

// Predicate32 is CMPSS.
func (s *SSE) Predicate32(a, b uint32, p uint8) bool {
	return s.predicate(&binary32, uint64(a), uint64(b), p)
}

// ToInt32From32 is CVTSS2SI with a 32-bit destination, CVTTSS2SI when trunc.
func (s *SSE) ToInt32From32(a uint32, trunc bool) int32 {
	if x := math.Float32frombits(a); trunc && x > -0x1p31 && x < 0x1p31 && !denormal32(a) {
		v := int32(x)
		if float32(v) != x {
			s.raise(PE)
		}
		return v
	}
	return int32(s.toInt(&binary32, uint64(a), 32, s.intMode(trunc)))
}

// ToInt64From32 is CVTSS2SI with a 64-bit destination, CVTTSS2SI when trunc.
func (s *SSE) ToInt64From32(a uint32, trunc bool) int64 {
	return s.toInt(&binary32, uint64(a), 64, s.intMode(trunc))
}

// FromInt32 is CVTSI2SS.
func (s *SSE) FromInt32(v int64) uint32 {
	if x := float32(v); v > -1<<24 && v < 1<<24 {
		return math.Float32bits(x)
	}
	return uint32(s.fromInt(&binary32, v))
}

// Round32 is ROUNDSS.
func (s *SSE) Round32(a uint32, imm uint8) uint32 { return uint32(s.round(&binary32, uint64(a), imm)) }

// Recip32 is RCPSS: an approximation with a relative error below 1.5 * 2^-12
// and no exceptions.  Intel's chips answer for the middle of the operand's
// segment, 2048 to the octave, rounded to 12 bits of fraction.
func Recip32(a uint32) uint32 {
	switch binary32.class(uint64(a)) {
	case classZero, classDenormal:
		return a&(1<<31) | 0xff<<23
	case classInf:
		return a & (1 << 31)
	case classQNaN, classSNaN:
		return a | 1<<22
	}
	r := approx(1 / float64(math.Float32frombits(a&^0xfff|0x800)))
	if denormal32(r) {
		return r & (1 << 31)
	}
	return r
}

// RSqrt32 is RSQRTSS: likewise, with 1024 segments to the octave.
func RSqrt32(a uint32) uint32 {
	switch c := binary32.class(uint64(a)); {
	case c == classZero || c == classDenormal:
		return a&(1<<31) | 0xff<<23
	case c.nan():
		return a | 1<<22
	case a>>31 != 0:
		return uint32(binary32.indefinite())
	case c == classInf:
		return 0
	}
	return approx(1 / math.Sqrt(float64(math.Float32frombits(a&^0x1fff|0x1000))))
}

// approx rounds to 12 bits of fraction.
func approx(x float64) uint32 {
	v := math.Float64bits(x) + 1<<39
	return math.Float32bits(float32(math.Float64frombits(v &^ (1<<40 - 1))))
}
