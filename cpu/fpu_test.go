package cpu

import (
	"testing"

	"govm-desktop/cpu/softfloat"
	"govm-desktop/hw"
	"govm-desktop/x86"
)

// newFPBench is a processor in 64-bit mode with memory at fpMemAddr.
func newFPBench(t testing.TB) *CPU {
	t.Helper()
	b := newBench(t, true)
	s := b.state64()
	b.ram.Bytes()[testPML4+0x2000+fpMemAddr>>21*8] = 0x87
	if err := b.cpu.Set(s); err != nil {
		t.Fatal(err)
	}
	return b.cpu
}

// fpSeq runs instructions one after another through their exec functions, and returns the vector of the first fault, or -1.
func fpSeq(t *testing.T, c *CPU, insts ...string) int {
	t.Helper()
	for _, s := range insts {
		code := fpBytes(t, s)
		var in inst
		if c.table.decode(append(code, 0x90, 0x90), c.mode, &in); int(in.len) != len(code) {
			t.Fatalf("%s: decoded %d bytes", s, in.len)
		}
		if v := fpExec(c, &in); v >= 0 {
			return v
		}
	}
	return -1
}

func fpExec(c *CPU, in *inst) (vector int) {
	vector = -1
	defer func() {
		if r := recover(); r != nil {
			if r != any(&c.exc) {
				panic(r)
			}
			vector = int(c.exc.vector)
		}
	}()
	in.exec(c, in)
	return
}

func fpBytes(t *testing.T, s string) (b []byte) {
	t.Helper()
	digit := func(r byte) byte {
		switch {
		case r >= '0' && r <= '9':
			return r - '0'
		case r >= 'a' && r <= 'f':
			return r - 'a' + 10
		}
		t.Fatalf("bad hex %q", s)
		return 0
	}
	for i := 0; i+1 < len(s); i++ {
		if s[i] == ' ' {
			continue
		}
		b = append(b, digit(s[i])<<4|digit(s[i+1]))
		i++
	}
	return b
}

const (
	fninit, fld1, fldz, fldpi = "db e3", "d9 e8", "d9 ee", "d9 eb"
	fdiv01                    = "d8 f1" // fdiv st, st(1)
	fwait                     = "9b"
)

func TestFPU_stackFaults(t *testing.T) {
	c := newFPBench(t)
	eight := []string{fninit, fld1, fld1, fld1, fld1, fld1, fld1, fld1, fld1}
	for _, x := range []struct {
		name   string
		insts  []string
		status uint16
		tags   uint8
	}{
		{"fadd on an empty stack", []string{fninit, "d8 c0"}, 0x0041, 0x01},
		{"nine pushes", append(eight, fldpi), 0x3a41, 0xff},
		{"fcom on an empty stack", []string{fninit, "d8 d1"}, 0x4541, 0},
		{"fyl2x with one operand", []string{fninit, fld1, "d9 f1"}, 0x0041, 0x01},
		{"fptan with a full stack", append(eight, "d9 f2"), 0x3a41, 0xff},
		{"fxch with an empty stack", []string{fninit, "d9 c9"}, 0x0041, 0x03},
		{"fincstp", []string{fninit, "d9 f7"}, 0x0800, 0},
		{"ffree", []string{fninit, fld1, "dd c0"}, 0x3800, 0},
		{"fabs clears C1", []string{fninit, fld1, "d9 e0", "d9 e5", "d9 e1"}, 0x3c00, 0x80},
	} {
		if v := fpSeq(t, c, x.insts...); v >= 0 {
			t.Errorf("%s: fault %d", x.name, v)
		}
		if w := c.fpu.statusWord(); w != x.status || c.fpu.tags != x.tags {
			t.Errorf("%s: status %04x, want %04x; tags %02x, want %02x", x.name, w, x.status, c.fpu.tags, x.tags)
		}
	}
}

func TestFPU_unmaskedException(t *testing.T) {
	c := newFPBench(t)
	c.gpr[x86.RDI] = fpMemAddr
	c.store16(fpMemAddr, 0x37b) // ZE unmasked
	// 1/0: the operands stay, and the next waiting instruction faults.
	if v := fpSeq(t, c, fninit, fldz, fld1, "d9 2f", fdiv01); v >= 0 {
		t.Fatalf("fault %d too early", v)
	}
	if c.fpu.get(0) != softfloat.One() || c.fpu.statusWord() != 0xb084 {
		t.Errorf("st0 %v, status %04x", c.fpu.get(0), c.fpu.statusWord())
	}
	if c.fpu.fop != 0x0f1 {
		t.Errorf("fop %03x", c.fpu.fop)
	}
	if v := fpSeq(t, c, "dd 7f 08"); v >= 0 { // fnstsw does not wait
		t.Errorf("fnstsw: fault %d", v)
	}
	for _, s := range []string{fwait, fld1, "0f 6f c1"} { // MMX waits too
		if v := fpSeq(t, c, s); v != x86.ExcMF {
			t.Errorf("%s: fault %d, want #MF", s, v)
		}
	}
	irqs := 0
	c.vm.cfg.FERR = hw.LineFunc(func(bool) { irqs++ })
	c.cr0 &^= x86.CR0NE
	if v := fpSeq(t, c, fwait); v >= 0 || irqs != 1 {
		t.Errorf("NE clear: fault %d, FERR %d times", v, irqs)
	}
	if v := fpSeq(t, c, "db e2", fwait); v >= 0 || irqs != 1 { // fnclex
		t.Errorf("after fnclex: fault %d", v)
	}
}

func TestFPU_availability(t *testing.T) {
	for _, x := range []struct {
		inst     string
		cr0, cr4 uint64 // bits to flip
		want     int
	}{
		{fld1, x86.CR0EM, 0, x86.ExcNM}, {fld1, x86.CR0TS, 0, x86.ExcNM}, {fld1, 0, x86.CR4OSFXSR, -1},
		{fwait, x86.CR0EM, 0, -1}, {fwait, x86.CR0TS, 0, x86.ExcNM}, {fwait, x86.CR0TS | x86.CR0MP, 0, -1},
		{"0f 77", x86.CR0EM, 0, x86.ExcUD}, {"0f 77", x86.CR0TS, 0, x86.ExcNM},
		{"0f 28 c1", x86.CR0EM, 0, x86.ExcUD}, {"0f 28 c1", x86.CR0TS, 0, x86.ExcNM}, {"0f 28 c1", 0, x86.CR4OSFXSR, x86.ExcUD},
		{"0f ae 07", x86.CR0TS, 0, x86.ExcNM}, {"0f ae 07", x86.CR0EM, 0, x86.ExcNM}, {"0f ae 07", 0, x86.CR4OSFXSR, -1},
		{"66 0f 6f 47 01", 0, 0, x86.ExcGP}, {"f3 0f 6f 47 01", 0, 0, -1}, {"0f ae 47 08", 0, 0, x86.ExcGP},
	} {
		c := newFPBench(t)
		c.gpr[x86.RDI] = fpMemAddr
		c.cr0 ^= x.cr0
		c.cr4 ^= x.cr4
		if v := fpSeq(t, c, x.inst); v != x.want {
			t.Errorf("%s with CR0^%x, CR4^%x: fault %d, want %d", x.inst, x.cr0, x.cr4, v, x.want)
		}
	}
}

func TestSSE_unmaskedException(t *testing.T) {
	c := newFPBench(t)
	for _, osx := range []bool{true, false} {
		want := x86.ExcXM
		if !osx {
			c.cr4 &^= x86.CR4OSXMMEXCPT
			want = x86.ExcUD
		}
		c.fpu.sse.MXCSR = 0x1d80 // ZE unmasked
		c.fpu.xmm[1] = [2]uint64{0x3ff0000000000000, 7}
		c.fpu.xmm[2] = [2]uint64{}
		if v := fpSeq(t, c, "f2 0f 5e ca"); v != want {
			t.Errorf("divsd by zero: fault %d, want %d", v, want)
		}
		if c.fpu.xmm[1] != [2]uint64{0x3ff0000000000000, 7} || c.fpu.sse.MXCSR != 0x1d84 {
			t.Errorf("xmm1 %x, mxcsr %x", c.fpu.xmm[1], c.fpu.sse.MXCSR)
		}
	}
}

func TestFPU_environment(t *testing.T) {
	c := newFPBench(t)
	c.gpr[x86.RDI] = fpMemAddr
	load := func() { fpSeq(t, c, fninit, fldpi, fld1) }
	load()
	pi := c.fpu.get(1)
	for _, x := range []struct{ name, save, restore string }{
		{"32-bit", "dd 37", "dd 27"},
		{"16-bit", "66 dd 37", "66 dd 27"},
		{"fxsave", "0f ae 07", "0f ae 0f"},
		{"fxsave64", "48 0f ae 07", "48 0f ae 0f"},
	} {
		load()
		c.fpu.xmm[15] = [2]uint64{1, 2}
		if v := fpSeq(t, c, x.save, fninit); v >= 0 {
			t.Fatalf("%s: fault %d", x.name, v)
		}
		if c.fpu.tags != 0 || c.fpu.top != 0 {
			t.Errorf("%s: not initialised", x.name)
		}
		c.fpu.regs = [8]softfloat.Float80{}
		if v := fpSeq(t, c, x.restore); v >= 0 {
			t.Fatalf("%s: fault %d", x.name, v)
		}
		if c.fpu.top != 6 || c.fpu.tags != 0xc0 || c.fpu.get(0) != softfloat.One() || c.fpu.get(1) != pi {
			t.Errorf("%s: top %d, tags %02x, %v %v", x.name, c.fpu.top, c.fpu.tags, c.fpu.get(0), c.fpu.get(1))
		}
	}
	load()
	fpSeq(t, c, "d9 37") // fnstenv
	for i, want := range []uint64{0xffff037f, 0xffff3000, 0xffff0fff} {
		if v := c.load32(fpMemAddr + 4*uint64(i)); v != want {
			t.Errorf("environment %d: %08x, want %08x", i, v, want)
		}
	}
	if c.fpu.fcw&0x3f != 0x3f {
		t.Error("fnstenv left exceptions unmasked")
	}
}

func TestFPU_environmentRealMode(t *testing.T) {
	b := newBench(t, true)
	s := x86.Reset(true)
	s.GPR[x86.RDI] = 0x1000
	if err := b.cpu.Set(&s); err != nil {
		t.Fatal(err)
	}
	c := b.cpu
	c.fpu.fip, c.fpu.fdp, c.fpu.fop = 0x12345, 0x6789a, 0x5aa
	if v := fpSeq(t, c, "d9 35"); v >= 0 { // fnstenv [di]
		t.Fatalf("fault %d", v)
	}
	for i, want := range []uint64{0x40, 0, 0xffff, 0x2345, 0x15aa, 0x789a, 0x6000} {
		if v := c.load16(0x1000 + 2*uint64(i)); v != want {
			t.Errorf("field %d: %04x, want %04x", i, v, want)
		}
	}
	c.fpu.fip, c.fpu.fdp, c.fpu.fop = 0, 0, 0
	fpSeq(t, c, "d9 25") // fldenv
	if c.fpu.fip != 0x12345 || c.fpu.fdp != 0x6789a || c.fpu.fop != 0x5aa {
		t.Errorf("read back %x %x %x", c.fpu.fip, c.fpu.fdp, c.fpu.fop)
	}
	fpSeq(t, c, "66 d9 35")
	for i, want := range []uint64{0xffff0040, 0xffff0000, 0xffffffff, 0xffff2345, 0x15aa, 0xffff789a, 0x6000} {
		if v := c.load32(0x1000 + 4*uint64(i)); v != want {
			t.Errorf("32-bit field %d: %08x, want %08x", i, v, want)
		}
	}
}

func TestFPU_stateRoundTrip(t *testing.T) {
	c := newFPBench(t)
	s := drawFP(12345)
	s.load(c)
	var a, b x86.FPU
	c.getFPU(&a)
	c.resetFPU()
	c.setFPU(&a)
	c.getFPU(&b)
	if a != b {
		t.Errorf("got %+v\nwant %+v", b, a)
	}
}

func TestSSE_maskMoveSkipsUnselected(t *testing.T) {
	c := newFPBench(t)
	// The last three bytes of the page are there, the rest is not mapped: only selected bytes count.
	c.gpr[x86.RDI] = fpMemAddr&^0x1fffff + 0x200000 - 3
	c.fpu.xmm[1] = [2]uint64{0x332211}
	c.fpu.xmm[2] = [2]uint64{0x808080}
	if v := fpSeq(t, c, "66 0f f7 ca"); v >= 0 {
		t.Errorf("fault %d", v)
	}
	c.fpu.xmm[2] = [2]uint64{0x80808080}
	if v := fpSeq(t, c, "66 0f f7 ca"); v != x86.ExcPF {
		t.Errorf("fault %d, want #PF", v)
	}
}

func BenchmarkSSE_movdqaLoad(b *testing.B) { benchFP(b, "66 0f 6f 4f 10") }
func BenchmarkSSE_pcmpeqb(b *testing.B)    { benchFP(b, "66 0f 74 ca") }
func BenchmarkSSE_pmovmskb(b *testing.B)   { benchFP(b, "66 0f d7 c2") }
func BenchmarkSSE_addsd(b *testing.B)      { benchFP(b, "f2 0f 58 ca") }
func BenchmarkX87_fmul(b *testing.B)       { benchFP(b, "d8 c9") }

func benchFP(b *testing.B, s string) {
	c := newFPBench(b)
	c.gpr[x86.RDI] = fpMemAddr
	x := drawFP(1)
	x.load(c)
	c.fpu.fcw, c.fpu.fsw, c.fpu.tags, c.fpu.sse.MXCSR = 0x37f, 0, 0xff, 0x1fa0
	c.fpu.xmm[1], c.fpu.xmm[2] = [2]uint64{0x3ff8000000000000, 0}, [2]uint64{0x3ff4000000000000, 0}
	c.fpu.regs = [8]softfloat.Float80{{Sig: 3 << 62, SE: 0x3fff}, {Sig: 1 << 63, SE: 0x3fff}}
	var in inst
	t := new(testing.T)
	c.table.decode(append(fpBytes(t, s), 0x90), c.mode, &in)
	for b.Loop() {
		in.exec(c, &in)
	}
}

// TestSSE_program copies and scans memory as C libraries do, in blocks of the engine.
func TestSSE_program(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	mem := b.ram.Bytes()
	for i := range 256 {
		mem[testData+i] = byte(i + 1)
	}
	s.GPR[x86.RSI], s.GPR[x86.RDI], s.GPR[x86.RCX] = testData, testData+0x1008, 16
	out := b.run(s, fpBytes(t, ""+
		"f3 0f 6f 06"+ // l: movdqu xmm0, [rsi]
		"f3 0f 7f 07"+ // movdqu [rdi], xmm0
		"48 83 c6 10 48 83 c7 10 ff c9 75 ec"+ // add rsi, 16; add rdi, 16; dec ecx; jnz l
		"66 0f ef c9"+ // pxor xmm1, xmm1
		"66 0f 74 4e f0"+ // pcmpeqb xmm1, [rsi-16]
		"66 0f d7 c1 0f bc c0"+ // pmovmskb eax, xmm1; bsf eax, eax
		"dd 05 0a 00 00 00 dc c0 dd 1e"+ // fld [rip+10]; fadd st(0), st; fstp [rsi]
		"66 0f 6f 16"+ // movdqa xmm2, [rsi]
		"f4 90"+ // hlt
		"00 00 00 00 00 00 f8 3f")...) // 1.5
	for i := range 256 {
		if mem[testData+0x1008+i] != byte(i+1) {
			t.Fatalf("byte %d not copied", i)
		}
	}
	if out.GPR[x86.RAX] != 15 {
		t.Errorf("zero found at %d", out.GPR[x86.RAX])
	}
	if out.FPU.XMM[2][0] != 0x4008000000000000 {
		t.Errorf("xmm2 %x", out.FPU.XMM[2])
	}
}
