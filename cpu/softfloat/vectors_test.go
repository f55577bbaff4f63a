package softfloat

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// vectors reads recorded hardware answers: testdata, or the folder named by
// SOFTFLOAT_VECTORS, where a longer recording may lie unpacked.
func vectors(t *testing.T, name string) []byte {
	t.Helper()
	if dir := os.Getenv("SOFTFLOAT_VECTORS"); dir != "" {
		b, err := os.ReadFile(filepath.Join(dir, name+".vec"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	f, err := os.Open(filepath.Join("testdata", name+".vec.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reporter counts failures by operation and prints the first few of each.
type reporter struct {
	t     *testing.T
	fails map[string]int
	seen  map[string]int
}

func newReporter(t *testing.T) *reporter {
	return &reporter{t, map[string]int{}, map[string]int{}}
}

func (r *reporter) check(name string, ok bool, format string, args ...any) {
	r.seen[name]++
	if ok {
		return
	}
	if r.fails[name]++; r.fails[name] <= 4 {
		r.t.Errorf("%s: %s", name, fmt.Sprintf(format, args...))
	}
}

func (r *reporter) done() {
	for n, k := range r.fails {
		r.t.Errorf("%s: %d of %d cases differ", n, k, r.seen[n])
	}
}

type vec80 struct {
	Sig uint64
	SE  uint16
}

func (v vec80) f() Float80 { return Float80(v) }

// x87Vec is struct x87rec of record.c.
type x87Vec struct {
	Op, _         uint8
	CW            uint16
	A, B          vec80
	SW            uint16
	ST0, ST1, Mem vec80
}

var x87Names = []string{"fadd", "fsub", "fmul", "fdiv", "fsqrt", "fprem", "fprem1", "frndint", "fscale", "fxtract",
	"fcom", "fucom", "fist16", "fist32", "fistp64", "fisttp16", "fisttp32", "fisttp64", "fst32", "fst64",
	"fld32", "fld64", "fbld", "fbstp", "f2xm1", "fyl2x", "fyl2xp1", "fsin", "fcos", "fsincos", "fptan", "fpatan",
	"fxam", "fldl2t", "fldl2e", "fldpi", "fldlg2", "fldln2"}

// x87Out is the machine after an operation: what FNSAVE and memory show.
type x87Out struct {
	st0, st1, mem Float80
	cc            uint16 // C0 to C3
	ccMask        uint16 // those the manual defines
}

const (
	c0, c1, c2, c3 = 1 << 8, 1 << 9, 1 << 10, 1 << 14
	allCC          = c0 | c1 | c2 | c3
)

var filler = Float80{0x5555555555555555, 0x5555}

// relCC is a relation as FCOM reports it.
func relCC(r Relation) uint16 {
	return [...]uint16{Less: c0, Equal: c3, Greater: 0, Unordered: c0 | c2 | c3}[r]
}

// replay does with this package what the recorder had the processor do.
func replay(v *x87Vec) (x87Out, *X87) {
	e := new(X87)
	e.SetControl(v.CW)
	a, b := v.A.f(), v.B.f()
	o := x87Out{st0: a, st1: b, mem: filler, ccMask: c1}
	unary := func(r Float80) {
		if !e.Blocked() {
			o.st0 = r
		}
	}
	popped := func(r Float80) {
		if !e.Blocked() {
			o.st0, o.st1 = r, filler
		}
	}
	pushed := func(lo, hi Float80) {
		if !e.Blocked() {
			o.st0, o.st1 = hi, lo
		}
	}
	toMem := func(bits uint64, size uint, pop bool) {
		if e.BlockedStore() {
			return
		}
		if size == 64 {
			o.mem.Sig = bits
		} else {
			mask := uint64(1)<<size - 1
			o.mem.Sig = o.mem.Sig&^mask | bits&mask
		}
		if pop {
			o.st0, o.st1 = b, filler
		}
	}
	switch v.Op {
	case 0:
		unary(e.Add(a, b))
	case 1:
		unary(e.Sub(a, b))
	case 2:
		unary(e.Mul(a, b))
	case 3:
		unary(e.Div(a, b))
	case 4:
		unary(e.Sqrt(a))
	case 5, 6:
		r, q, part := e.Rem(a, b, v.Op == 6)
		unary(r)
		o.ccMask = allCC
		if e.Blocked() {
			o.ccMask = 0
		} else if part {
			o.cc = c2
			o.ccMask = c2
		} else {
			o.cc = uint16(q>>2&1)<<8 | uint16(q>>1&1)<<14 | uint16(q&1)<<9
		}
	case 7:
		unary(e.RoundToInt(a))
	case 8:
		unary(e.Scale(a, b))
	case 9:
		x, s := e.Extract(a)
		pushed(x, s)
	case 10, 11:
		o.cc, o.ccMask = relCC(e.Compare(a, b, v.Op == 11)), allCC
	case 12, 13, 14:
		size := uint(16) << (v.Op - 12)
		toMem(uint64(e.ToInt(a, size)), size, v.Op == 14)
	case 15, 16, 17:
		size := uint(16) << (v.Op - 15)
		toMem(uint64(e.TruncInt(a, size)), size, true)
	case 18:
		toMem(uint64(e.ToFloat32(a)), 32, false)
	case 19:
		toMem(e.ToFloat64(a), 64, false)
	case 20:
		o.mem = a
		if r := e.FromFloat32(uint32(a.Sig)); !e.BlockedLoad() {
			o.st0, o.st1 = r, a
		}
	case 21:
		o.mem = a
		if r := e.FromFloat64(a.Sig); !e.BlockedLoad() {
			o.st0, o.st1 = r, a
		}
	case 22:
		o.mem = a
		pushed(a, FromBCD(BCD{a.Sig, a.SE}))
	case 23:
		r := e.ToBCD(a)
		if !e.BlockedStore() {
			o.mem = Float80{r.Digits, r.Top}
			o.st0, o.st1 = b, filler
		}
	case 24:
		unary(e.Exp2m1(a))
	case 25:
		popped(e.Log2(b, a))
	case 26:
		popped(e.Log2p1(b, a))
	case 27, 28, 29:
		s, c, ok := e.SinCos(a, v.Op != 28, v.Op != 27)
		o.ccMask |= c2
		switch {
		case !ok:
			o.cc = c2
		case v.Op == 27:
			unary(s)
		case v.Op == 28:
			unary(c)
		default:
			pushed(s, c)
		}
	case 30:
		r, ok := e.Tan(a)
		o.ccMask |= c2
		if !ok {
			o.cc = c2
		} else if e.Raised&IE != 0 {
			pushed(r, r)
		} else {
			pushed(r, one80)
		}
		if a.class().nan() {
			pushed(r, r)
		}
	case 31:
		popped(e.Atan(b, a))
	case 32:
		o.cc, o.ccMask = a.Exam(), allCC
		if a.Neg() {
			o.cc |= c1
		}
	default:
		pushed(a, (Constant(v.Op-33) + 1).Load(e.Mode))
	}
	if e.RoundedUp && e.Raised&PE != 0 {
		o.cc |= c1
	}
	return o, e
}

// transcendental operations may differ from the chip in the last place.
func transcendental(op uint8) bool { return op >= 24 && op <= 31 }

// closeTo allows one unit in the last place.
func closeTo(a, b Float80) bool {
	if a.SE < b.SE {
		a, b = b, a
	}
	return a.SE == b.SE && a.Sig-b.Sig+1 <= 2 || a.SE-b.SE == 1 && a.Sig == 1<<63 && b.Sig == ^uint64(0)
}

func TestX87_hardwareVectors(t *testing.T) {
	rd := bytes.NewReader(vectors(t, "x87"))
	rep := newReporter(t)
	defer rep.done()
	for {
		var v x87Vec
		if err := binary.Read(rd, binary.LittleEndian, &v); err != nil {
			break
		}
		name := x87Names[v.Op]
		o, e := replay(&v)
		const flags = 0x3f
		want := v.SW & flags
		got := uint16(e.Raised)
		ok := o.cc&o.ccMask == v.SW&o.ccMask
		if transcendental(v.Op) {
			// PE, and C1 with it, may depend on the last bit.
			ok = o.cc&o.ccMask&c2 == v.SW&o.ccMask&c2 && closeTo(o.st0, v.ST0.f())
			ok = ok && (o.st1 == filler || closeTo(o.st1, v.ST1.f()))
		} else {
			ok = ok && o.st0 == v.ST0.f() && (o.st1 == filler || o.st1 == v.ST1.f())
		}
		ok = ok && got == want && o.mem == v.Mem.f()
		rep.check(name, ok, "cw %03x a %04x:%016x b %04x:%016x\n got sw %04x st0 %04x:%016x st1 %04x:%016x mem %04x:%016x\nwant sw %04x st0 %04x:%016x st1 %04x:%016x mem %04x:%016x",
			v.CW, v.A.SE, v.A.Sig, v.B.SE, v.B.Sig,
			got|o.cc, o.st0.SE, o.st0.Sig, o.st1.SE, o.st1.Sig, o.mem.SE, o.mem.Sig,
			v.SW&(flags|o.ccMask), v.ST0.SE, v.ST0.Sig, v.ST1.SE, v.ST1.Sig, v.Mem.SE, v.Mem.Sig)
	}
	if len(rep.seen) != len(x87Names) {
		t.Errorf("vectors cover %d operations of %d", len(rep.seen), len(x87Names))
	}
}

// sseVec is struct sserec of record.c.
type sseVec struct {
	Op, Imm uint8
	MXCSR   uint32
	A, B, R uint64
	Out     uint32
	Fault   uint8
}

var sseNames = []string{"addsd", "subsd", "mulsd", "divsd", "sqrtsd", "minsd", "maxsd",
	"addss", "subss", "mulss", "divss", "sqrtss", "minss", "maxss", "comisd", "ucomisd", "comiss", "ucomiss",
	"cvtsd2si32", "cvtsd2si64", "cvttsd2si32", "cvttsd2si64", "cvtss2si32", "cvtss2si64", "cvttss2si32", "cvttss2si64",
	"cvtsi2sd32", "cvtsi2sd64", "cvtsi2ss32", "cvtsi2ss64", "cvtsd2ss", "cvtss2sd", "cmpsd", "cmpss", "roundsd", "roundss",
	"rcpss", "rsqrtss", "cvtps2dq", "cvttps2dq", "cvtdq2ps", "haddps"}

func mask32(b bool) uint64 {
	if b {
		return 0xffffffff
	}
	return 0
}

func eflags(r Relation) uint64 {
	return [...]uint64{Less: 1, Equal: 0x40, Greater: 0, Unordered: 0x45}[r]
}

// replaySSE returns the low half of the destination.
func replaySSE(s *SSE, v *sseVec) uint64 {
	a, b := v.A, v.B
	al, bl := uint32(a), uint32(b)
	low := func(r uint32) uint64 { return a&^0xffffffff | uint64(r) }
	pair := func(lo, hi uint32) uint64 { return uint64(hi)<<32 | uint64(lo) }
	switch v.Op {
	case 0:
		return s.Add64(a, b)
	case 1:
		return s.Sub64(a, b)
	case 2:
		return s.Mul64(a, b)
	case 3:
		return s.Div64(a, b)
	case 4:
		return s.Sqrt64(b)
	case 5:
		return s.Min64(a, b)
	case 6:
		return s.Max64(a, b)
	case 7:
		return low(s.Add32(al, bl))
	case 8:
		return low(s.Sub32(al, bl))
	case 9:
		return low(s.Mul32(al, bl))
	case 10:
		return low(s.Div32(al, bl))
	case 11:
		return low(s.Sqrt32(bl))
	case 12:
		return low(s.Min32(al, bl))
	case 13:
		return low(s.Max32(al, bl))
	case 14, 15:
		return eflags(s.Compare64(a, b, v.Op == 15))
	case 16, 17:
		return eflags(s.Compare32(al, bl, v.Op == 17))
	case 18, 20:
		return uint64(uint32(s.ToInt32From64(a, v.Op == 20)))
	case 19, 21:
		return uint64(s.ToInt64From64(a, v.Op == 21))
	case 22, 24:
		return uint64(uint32(s.ToInt32From32(al, v.Op == 24)))
	case 23, 25:
		return uint64(s.ToInt64From32(al, v.Op == 25))
	case 26:
		return s.FromInt64(int64(int32(b)))
	case 27:
		return s.FromInt64(int64(b))
	case 28:
		return low(s.FromInt32(int64(int32(b))))
	case 29:
		return low(s.FromInt32(int64(b)))
	case 30:
		return low(s.Narrow(b))
	case 31:
		return s.Widen(bl)
	case 32:
		return mask32(s.Predicate64(a, b, v.Imm)) * 0x100000001
	case 33:
		return low(uint32(mask32(s.Predicate32(al, bl, v.Imm))))
	case 34:
		return s.Round64(b, v.Imm)
	case 35:
		return low(s.Round32(bl, v.Imm))
	case 36:
		return low(Recip32(bl))
	case 37:
		return low(RSqrt32(bl))
	case 38, 39: // the upper half of the recorder's operand is 2222…, that of its destination 1111…
		s.ToInt32From32(0x22222222, true)
		return pair(uint32(s.ToInt32From32(bl, v.Op == 39)), uint32(s.ToInt32From32(uint32(b>>32), v.Op == 39)))
	case 40:
		s.FromInt32(0x22222222)
		return pair(s.FromInt32(int64(int32(bl))), s.FromInt32(int64(int32(b>>32))))
	}
	s.Add32(bl, uint32(b>>32))
	s.Add32(0x22222222, 0x22222222)
	return pair(s.Add32(al, uint32(a>>32)), s.Add32(0x11111111, 0x11111111))
}

func TestSSE_hardwareVectors(t *testing.T) {
	rd := bytes.NewReader(vectors(t, "sse"))
	rep := newReporter(t)
	defer rep.done()
	for {
		var v sseVec
		if err := binary.Read(rd, binary.LittleEndian, &v); err != nil {
			break
		}
		name := sseNames[v.Op]
		s := &SSE{MXCSR: v.MXCSR}
		r := replaySSE(s, &v)
		blocked := s.Commit()
		if blocked {
			r = 0
		}
		ok := r == v.R
		ok = ok && s.MXCSR == v.Out && blocked == (v.Fault != 0)
		rep.check(name, ok, "mxcsr %04x imm %x a %016x b %016x\n got %016x mxcsr %04x fault %v\nwant %016x mxcsr %04x fault %v",
			v.MXCSR, v.Imm, v.A, v.B, r, s.MXCSR, blocked, v.R, v.Out, v.Fault != 0)
	}
	if len(rep.seen) != len(sseNames) {
		t.Errorf("vectors cover %d operations of %d", len(rep.seen), len(sseNames))
	}
}
