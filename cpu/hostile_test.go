package cpu

import (
	"math/rand/v2"
	"testing"

	"govm-desktop/accel"
	"govm-desktop/x86"
)

// hostile runs bytes as code, with tables and registers made from them too, in one of the modes, and expects nothing but that it comes back.
func hostile(t testing.TB, kind uint8, seed uint64, code []byte) {
	b := newBench(t, false)
	r := rand.New(rand.NewPCG(seed, 1))
	var s *x86.State
	switch kind % 4 {
	case 0:
		real := x86.Reset(true)
		s = &real
		s.Seg[x86.CS] = x86.Segment{Base: testCode, Selector: testCode >> 4, Limit: 0xffff, Attr: s.Seg[x86.CS].Attr}
		s.RIP = 0
	case 1:
		s = b.state32()
	default:
		s = b.state64()
	}
	b.tables(s)
	if kind&4 != 0 {
		user(s)
		s.Seg[x86.CS].Selector = selUser
	}
	if kind&8 != 0 {
		for i := range s.Seg {
			s.Seg[i].Attr ^= x86.Attr(r.Uint32() & r.Uint32() & 0xf0ff)
			s.Seg[i].Limit = r.Uint32()
		}
		s.CR4 |= r.Uint64() & (x86.CR4PSE | x86.CR4PGE | x86.CR4DE | x86.CR4SMAP | x86.CR4SMEP | x86.CR4TSD)
		s.DR[0], s.DR7 = testCode+r.Uint64()%64, r.Uint64()&0xffff00ff
		s.RFLAGS |= r.Uint64() & (x86.FlagTF | x86.FlagNT | x86.FlagIOPL | x86.FlagAC | x86.FlagIF | x86.FlagRF)
		if kind%4 == 1 {
			s.RFLAGS |= r.Uint64() & x86.FlagVM
		}
	}
	if kind&16 != 0 {
		for range 20 {
			b.put(testGDT+r.Uint64N(12*8), 1, r.Uint64())
			b.put(testIDT+r.Uint64N(32*16), 1, r.Uint64())
			b.put(testTSS+r.Uint64N(0x68), 1, r.Uint64())
			b.put(testPML4+r.Uint64N(8)*8+r.Uint64N(3)<<12, 1, r.Uint64())
		}
	}
	for i := range s.GPR {
		if s.GPR[i] == 0 {
			s.GPR[i] = [4]uint64{r.Uint64(), testData + r.Uint64N(4096), r.Uint64N(64) * 8, 1<<63>>r.Uint64N(64) - 1}[r.IntN(4)]
		}
	}
	copy(b.ram.Bytes()[testCode:], code)
	if err := b.cpu.Set(s); err != nil {
		t.Fatal(err)
	}
	b.cpu.budget(3000)
	if kind&32 != 0 {
		b.cpu.Signal(accel.SMI, 0)
		b.cpu.Signal(accel.NMI, 0)
	}
	if _, err := b.cpu.Run(); err != nil {
		t.Fatal(err)
	}
	var out x86.State
	b.cpu.Get(&out)
}

// systemCode makes code in which system instructions are frequent.
func systemCode(r *rand.Rand) []byte {
	heads := [][]byte{
		{0x0f, 0x00}, {0x0f, 0x01}, {0x0f, 0x02}, {0x0f, 0x03}, {0x0f, 0x05}, {0x0f, 0x07}, {0x0f, 0x20}, {0x0f, 0x22}, {0x0f, 0x23}, {0x0f, 0x30},
		{0x0f, 0x32}, {0x0f, 0x34}, {0x0f, 0x35}, {0x0f, 0xaa}, {0xcf}, {0xcd}, {0xcb}, {0xca}, {0x9a}, {0xea}, {0xff}, {0x8e}, {0x8c}, {0x17},
		{0x1f}, {0x07}, {0x0f, 0xa1}, {0x0f, 0xb2}, {0xc4}, {0x9d}, {0xfa}, {0xfb}, {0xf3, 0x6d}, {0x6f}, {0xec}, {0xef}, {0xcc}, {0xce}, {0xf1},
		{0x0f, 0xc7}, {0xf0, 0x0f, 0xb1}, {0xf3, 0xa5}, {0xf3, 0xab}, {0x8f}, {0xc8}, {0x60}, {0x0f, 0x06}, {0xb9, 0x80, 0, 0, 0xc0}, {0xf4},
		{0xb8, selTask, 0}, {0xb8, selTSS, 0, 0, 0}, {0xb8, selData16, 0}, {0x0f, 0xae},
	}
	var code []byte
	for len(code) < 200 {
		switch r.IntN(4) {
		case 0:
			code = append(code, byte(r.Uint32()))
		case 1:
			code = append(code, []byte{0x66, 0x67, 0x48, 0xf2, 0xf3, 0x2e, 0x36, 0x64}[r.IntN(8)])
		}
		code = append(code, heads[r.IntN(len(heads))]...)
		for range r.IntN(5) {
			code = append(code, byte(r.Uint32()))
		}
	}
	return code
}

func TestHostile(t *testing.T) {
	n := uint64(120)
	if testing.Short() {
		n = 30
	}
	for seed := range n {
		r := rand.New(rand.NewPCG(seed, 2))
		kind := uint8(r.Uint32())
		func() {
			defer func() {
				if e := recover(); e != nil {
					t.Errorf("seed %d, kind %d", seed, kind)
					panic(e)
				}
			}()
			hostile(t, kind, seed, systemCode(r))
		}()
	}
}

func FuzzHostile(f *testing.F) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 3))
		f.Add(uint8(seed*9), seed, systemCode(r))
	}
	f.Fuzz(func(t *testing.T, kind uint8, seed uint64, code []byte) {
		hostile(t, kind, seed, code[:min(len(code), 4096)])
	})
}
