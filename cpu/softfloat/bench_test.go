package softfloat

import (
	"math"
	"testing"
)

var sink uint64

func BenchmarkAdd64(b *testing.B) {
	s := &SSE{MXCSR: 0x1fa0}
	x := math.Float64bits(1.1)
	for b.Loop() {
		x = s.Add64(x, 0x3ff8000000000000)
	}
	sink = x
}

func BenchmarkMul32_flagsClear(b *testing.B) {
	s := &SSE{}
	for b.Loop() {
		s.MXCSR = 0x1f80
		sink = uint64(s.Mul32(0x3f8ccccd, 0x40490fdb))
	}
}

func BenchmarkX87Mul(b *testing.B) {
	var e X87
	x := Float80{0xc90fdaa22168c235, 0x4000}
	for b.Loop() {
		e.SetControl(0x37f)
		sink = e.Mul(x, x).Sig
	}
}

func BenchmarkX87Sin(b *testing.B) {
	var e X87
	for b.Loop() {
		e.SetControl(0x37f)
		r, _, _ := e.SinCos(Float80{0xc90fdaa22168c235, 0x4001}, true, false)
		sink = r.Sig
	}
}
