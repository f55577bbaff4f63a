package softfloat

import (
	"math"
	"math/rand/v2"
	"testing"
)

// checkFast compares the host's arithmetic with the long way, value and flags.
func checkFast(t *testing.T, a, b uint64) {
	t.Helper()
	a32, b32 := uint32(a>>32), uint32(b>>32)
	x, y := math.Float64frombits(a), math.Float64frombits(b)
	for _, c := range []struct {
		name       string
		fast, slow func(s *SSE) uint64
		host       float64
	}{
		{"add", func(s *SSE) uint64 { return s.Add64(a, b) }, func(s *SSE) uint64 { return s.arith(&binary64, opAdd, a, b) }, x + y},
		{"sub", func(s *SSE) uint64 { return s.Sub64(a, b) }, func(s *SSE) uint64 { return s.arith(&binary64, opSub, a, b) }, x - y},
		{"mul", func(s *SSE) uint64 { return s.Mul64(a, b) }, func(s *SSE) uint64 { return s.arith(&binary64, opMul, a, b) }, x * y},
		{"div", func(s *SSE) uint64 { return s.Div64(a, b) }, func(s *SSE) uint64 { return s.arith(&binary64, opDiv, a, b) }, x / y},
		{"sqrt", func(s *SSE) uint64 { return s.Sqrt64(a) }, func(s *SSE) uint64 { return s.sqrt(&binary64, a) }, math.Sqrt(x)},
		{"min", func(s *SSE) uint64 { return s.Min64(a, b) }, func(s *SSE) uint64 { return s.minMax(&binary64, a, b, Less) }, math.NaN()},
		{"add32", func(s *SSE) uint64 { return uint64(s.Add32(a32, b32)) }, func(s *SSE) uint64 { return s.arith(&binary32, opAdd, uint64(a32), uint64(b32)) }, math.NaN()},
		{"sub32", func(s *SSE) uint64 { return uint64(s.Sub32(a32, b32)) }, func(s *SSE) uint64 { return s.arith(&binary32, opSub, uint64(a32), uint64(b32)) }, math.NaN()},
		{"mul32", func(s *SSE) uint64 { return uint64(s.Mul32(a32, b32)) }, func(s *SSE) uint64 { return s.arith(&binary32, opMul, uint64(a32), uint64(b32)) }, math.NaN()},
		{"div32", func(s *SSE) uint64 { return uint64(s.Div32(a32, b32)) }, func(s *SSE) uint64 { return s.arith(&binary32, opDiv, uint64(a32), uint64(b32)) }, math.NaN()},
		{"sqrt32", func(s *SSE) uint64 { return uint64(s.Sqrt32(a32)) }, func(s *SSE) uint64 { return s.sqrt(&binary32, uint64(a32)) }, math.NaN()},
		{"narrow", func(s *SSE) uint64 { return uint64(s.Narrow(a)) }, func(s *SSE) uint64 { return s.convert(&binary64, &binary32, a) }, math.NaN()},
		{"widen", func(s *SSE) uint64 { return s.Widen(a32) }, func(s *SSE) uint64 { return s.convert(&binary32, &binary64, uint64(a32)) }, math.NaN()},
		{"trunc32", func(s *SSE) uint64 { return uint64(s.ToInt32From64(a, true)) }, func(s *SSE) uint64 { return uint64(int32(s.toInt(&binary64, a, 32, Zero))) }, math.NaN()},
		{"trunc64", func(s *SSE) uint64 { return uint64(s.ToInt64From64(a, true)) }, func(s *SSE) uint64 { return uint64(s.toInt(&binary64, a, 64, Zero)) }, math.NaN()},
		{"int", func(s *SSE) uint64 { return s.FromInt64(int64(a)) }, func(s *SSE) uint64 { return s.fromInt(&binary64, int64(a)) }, math.NaN()},
	} {
		f, g := &SSE{MXCSR: mxDefault}, &SSE{MXCSR: mxDefault}
		r, want := c.fast(f), c.slow(g)
		f.Commit()
		g.Commit()
		if r != want || f.MXCSR != g.MXCSR {
			t.Errorf("%s %016x %016x: fast %016x flags %02x, slow %016x flags %02x", c.name, a, b, r, f.MXCSR&0x3f, want, g.MXCSR&0x3f)
		}
		if !math.IsNaN(c.host) && math.Float64bits(c.host) != want {
			t.Errorf("%s %016x %016x: %016x, the host has %016x", c.name, a, b, want, math.Float64bits(c.host))
		}
	}
}

func TestSSE_fastMatchesSlow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func() uint64 {
		v := r.Uint64()
		switch r.IntN(6) {
		case 0: // near the bounds of the exponent, of binary32 too
			e := []uint64{0, 1, 2, 53, 64, 127, 128, 129, 0x7fe, 0x7fd, 0x7fc, 0x7ff, 1023 - 126, 1023 - 149, 1023 + 127}[r.IntN(15)]
			v = v&^(0x7ff<<52) | e<<52
		case 1: // short significands: exact results, ties
			v &^= 1<<(52-r.IntN(20)) - 1
		case 2:
			v = v&(1<<63) | uint64(r.IntN(3))
		case 3:
			v = v&^(0x7ff<<52) | uint64(1000+r.IntN(50))<<52
		}
		return v
	}
	for range 200000 {
		checkFast(t, pick(), pick())
		if t.Failed() {
			return
		}
	}
}

func FuzzSSE_fastMatchesSlow(f *testing.F) {
	f.Add(uint64(0x3ff0000000000000), uint64(0x0010000000000000))
	f.Add(uint64(0x7fefffffffffffff), uint64(0x7c9fffffffffffff))
	f.Fuzz(checkFast)
}
