package cpu

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"govm-desktop/accel"
	"govm-desktop/x86"
)

// TestMovs_overlap copies upwards and downwards between overlapping stretches, by every element size, as one element after another does.
func TestMovs_overlap(t *testing.T) {
	b := newBench(t, false)
	r := rand.New(rand.NewPCG(8, 9))
	for _, size := range []int{1, 2, 4, 8} {
		for range 60 {
			down := r.IntN(4) == 0
			n := r.IntN(1200)
			src, dst := testData+0x2800+r.IntN(64), testData+0x2800+r.IntN(64)
			mem := make([]byte, 0x6000)
			for i := range mem {
				mem[i] = byte(r.Uint32())
			}
			copy(b.ram.Bytes()[testData:], mem)
			want := append([]byte(nil), mem...)
			for k := range n {
				o := k * size
				if down {
					o = -o
				}
				var e [8]byte
				copy(e[:size], want[src+o-testData:])
				copy(want[dst+o-testData:], e[:size])
			}
			s := b.state64()
			s.GPR[x86.RSI], s.GPR[x86.RDI], s.GPR[x86.RCX] = uint64(src), uint64(dst), uint64(n)
			if down {
				s.RFLAGS |= x86.FlagDF
			}
			code := map[int][]byte{1: {0xf3, 0xa4, 0xf4}, 2: {0x66, 0xf3, 0xa5, 0xf4}, 4: {0xf3, 0xa5, 0xf4}, 8: {0xf3, 0x48, 0xa5, 0xf4}}[size]
			out := b.run(s, code...)
			if got := b.ram.Bytes()[testData : testData+0x6000]; !bytes.Equal(got, want) {
				t.Fatalf("size %d, %#x to %#x, %d elements, down %v", size, src, dst, n, down)
			}
			d := uint64(n * size)
			if down {
				d = -d
			}
			if out.GPR[x86.RCX] != 0 || out.GPR[x86.RSI] != uint64(src)+d || out.GPR[x86.RDI] != uint64(dst)+d {
				t.Fatalf("rcx %d rsi %#x rdi %#x", out.GPR[x86.RCX], out.GPR[x86.RSI], out.GPR[x86.RDI])
			}
		}
	}
}

func TestStos(t *testing.T) {
	b := newBench(t, false)
	for _, v := range []uint64{0, 0x1122334455667788} {
		for size, code := range map[int][]byte{1: {0xf3, 0xaa, 0xf4}, 2: {0x66, 0xf3, 0xab, 0xf4}, 4: {0xf3, 0xab, 0xf4}, 8: {0xf3, 0x48, 0xab, 0xf4}} {
			for i := range 0x4000 {
				b.ram.Bytes()[testData+i] = 0xee
			}
			s := b.state64()
			s.GPR[x86.RAX], s.GPR[x86.RDI], s.GPR[x86.RCX] = v, testData+3, 0x3000/uint64(size)
			b.run(s, code...)
			got := b.ram.Bytes()[testData : testData+0x4000]
			for i := range 0x4000 {
				want := byte(0xee)
				if i >= 3 && i < 3+0x3000/size*size {
					want = byte(v >> (8 * ((i - 3) % size)))
				}
				if got[i] != want {
					t.Fatalf("size %d: byte %#x is %#x, want %#x", size, i, got[i], want)
				}
			}
		}
	}
}

// TestScan ends REPE CMPSB and REPNE SCASB where they must.
func TestScan(t *testing.T) {
	b := newBench(t, false)
	ram := b.ram.Bytes()
	copy(ram[testData:], "the quick brown fox\x00")
	copy(ram[testData+0x1000:], "the quick browm fox\x00")
	s := b.state64()
	s.GPR[x86.RSI], s.GPR[x86.RDI], s.GPR[x86.RCX] = testData, testData+0x1000, 20
	if out := b.run(s, 0xf3, 0xa6, 0xf4); out.GPR[x86.RCX] != 5 || out.RFLAGS&(x86.FlagZF|x86.FlagCF) != 0 {
		t.Errorf("repe cmpsb: rcx %d, flags %#x", out.GPR[x86.RCX], out.RFLAGS)
	}
	s.GPR[x86.RDI], s.GPR[x86.RCX] = testData, ^uint64(0)
	if out := b.run(s, 0xf2, 0xae, 0xf4); ^out.GPR[x86.RCX] != 20 || out.RFLAGS&x86.FlagZF == 0 {
		t.Errorf("repne scasb: rcx %#x", out.GPR[x86.RCX])
	}
	s.GPR[x86.RCX] = 0
	s.RFLAGS |= x86.FlagCF
	if out := b.run(s, 0xf2, 0xae, 0xf4); out.RFLAGS&x86.FlagsStatus != x86.FlagCF || out.GPR[x86.RDI] != testData {
		t.Errorf("count 0: flags %#x rdi %#x", out.RFLAGS, out.GPR[x86.RDI])
	}
}

// TestRep_fault stops a copy at a page that is not there with the registers of what has been done.
func TestRep_fault(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	s.GPR[x86.RSI], s.GPR[x86.RDI], s.GPR[x86.RCX] = testData, 2<<20-0x1800, 0x4000
	copy(b.ram.Bytes()[testCode:], []byte{0xf3, 0xa4, 0xf4})
	s.RIP = testCode
	b.cpu.Set(s)
	if exit, _ := b.cpu.Run(); exit != accel.Shutdown { // no IDT
		t.Fatalf("exit %v", exit)
	}
	var out x86.State
	b.cpu.Get(&out)
	if out.CR2 != 2<<20 || out.GPR[x86.RDI] != 2<<20 || out.GPR[x86.RCX] != 0x4000-0x1800 || out.GPR[x86.RSI] != testData+0x1800 {
		t.Errorf("cr2 %#x rdi %#x rcx %#x rsi %#x", out.CR2, out.GPR[x86.RDI], out.GPR[x86.RCX], out.GPR[x86.RSI])
	}
}

// TestRep_16 wraps 16-bit offsets.
func TestRep_16(t *testing.T) {
	b := newBench(t, false)
	s := x86.Reset(true)
	s.Seg[x86.CS].Base, s.Seg[x86.CS].Selector = testCode, testCode>>4
	s.Seg[x86.ES].Base, s.Seg[x86.ES].Selector = testData, testData>>4
	s.RIP = 0
	s.GPR[x86.RAX], s.GPR[x86.RDI], s.GPR[x86.RCX] = 0x5a, 0xfffe, 0xaaaa0004
	out := b.run(&s, 0xf3, 0xaa, 0xf4)
	ram := b.ram.Bytes()
	if out.GPR[x86.RDI] != 2 || out.GPR[x86.RCX] != 0xaaaa0000 || ram[testData+0xffff] != 0x5a || ram[testData+1] != 0x5a || ram[testData+0x10000] != 0 {
		t.Errorf("di %#x ecx %#x", out.GPR[x86.RDI], out.GPR[x86.RCX])
	}
}
