package cpu

import (
	"fmt"
	"testing"

	"govm-desktop/accel"
	"govm-desktop/x86"
)

func TestSegmentLimits(t *testing.T) {
	const data, code = x86.AttrP | x86.AttrS, x86.AttrP | x86.AttrS | x86.AttrCode
	for _, c := range []struct {
		name  string
		attr  x86.Attr
		limit uint32
		off   uint64
		size  uint8
		write bool
		want  string
	}{
		{"last byte", data | x86.AttrWritable, 0xfff, 0xfff, 1, true, ""},
		{"beyond", data | x86.AttrWritable, 0xfff, 0x1000, 1, true, "#GP(0)"},
		{"across", data | x86.AttrWritable, 0xfff, 0xffd, 4, false, "#GP(0)"},
		{"up to", data | x86.AttrWritable, 0xfff, 0xffc, 4, false, ""},
		{"wraps", data | x86.AttrWritable, 0xffff, 0xffffffff, 4, false, "#GP(0)"},
		{"read-only", data, 0xfff, 0, 1, true, "#GP(0)"},
		{"read-only read", data, 0xfff, 0, 1, false, ""},
		{"code write", code | x86.AttrWritable, 0xfff, 0, 1, true, "#GP(0)"},
		{"code read", code | x86.AttrWritable, 0xfff, 0, 1, false, ""},
		{"execute-only", code, 0xfff, 0, 1, false, "#GP(0)"},
		{"down below", data | x86.AttrWritable | x86.AttrDown, 0xfff, 0xfff, 1, false, "#GP(0)"},
		{"down first", data | x86.AttrWritable | x86.AttrDown, 0xfff, 0x1000, 1, true, ""},
		{"down 16 top", data | x86.AttrWritable | x86.AttrDown, 0xfff, 0xffff, 1, true, ""},
		{"down 16 beyond", data | x86.AttrWritable | x86.AttrDown, 0xfff, 0xffff, 2, true, "#GP(0)"},
		{"down 32", data | x86.AttrWritable | x86.AttrDown | x86.AttrDB, 0xfff, 0x12345, 4, true, ""},
		{"down read-only", data | x86.AttrDown, 0xfff, 0x1000, 1, true, "#GP(0)"},
		{"null", x86.AttrUnusable, 0xffffffff, 0, 1, false, "#GP(0)"},
	} {
		b := newBench(t, false)
		s := b.state32()
		for _, seg := range []uint8{x86.DS, x86.FS, x86.SS} {
			s.Seg[seg] = x86.Segment{Selector: 0x10, Attr: c.attr, Base: 0x1000, Limit: c.limit}
		}
		b.cpu.Set(s)
		for _, seg := range []uint8{x86.DS, x86.FS, x86.SS} {
			want := c.want
			if seg == x86.SS && want != "" {
				want = "#SS(0)"
			}
			var lin uint64
			b.want(c.name, b.faults(func() { lin = b.cpu.segLin(seg, c.off, c.size, c.write) }), want)
			if want == "" && lin != c.off+0x1000 {
				t.Errorf("%s: address %#x", c.name, lin)
			}
		}
	}
}

// TestUnreal checks that limits loaded in protected mode stay in real mode, and that a load there keeps them.
func TestUnreal(t *testing.T) {
	b := newBench(t, false)
	s := x86.Reset(true)
	b.tables(&s)
	s.Seg[x86.CS] = x86.Segment{Base: testCode, Selector: testCode >> 4, Limit: 0xffff, Attr: s.Seg[x86.CS].Attr}
	s.RIP = 0
	out := b.run(&s,
		0x0f, 0x20, 0xc0, // mov eax, cr0
		0x0c, 0x01, // or al, 1
		0x0f, 0x22, 0xc0, // mov cr0, eax
		0xbb, selData, 0, // mov bx, selData
		0x8e, 0xdb, // mov ds, bx
		0x24, 0xfe, // and al, ~1
		0x0f, 0x22, 0xc0, // mov cr0, eax
		0xbb, 0x00, 0x01, // mov bx, 100h
		0x8e, 0xdb, // mov ds, bx
		0x67, 0xc6, 0x05, 0x00, 0x00, 0x08, 0x00, 0x55, // mov byte [dword 80000h], 55h
		0xf4)
	b.want("stored", b.get(0x81000, 1), uint64(0x55))
	b.want("base", out.Seg[x86.DS].Base, uint64(0x1000))
	b.want("limit", out.Seg[x86.DS].Limit, uint32(0xffffffff))
}

func TestRealModeLimit(t *testing.T) {
	b := newBench(t, false)
	s := x86.Reset(true)
	s.Seg[x86.CS] = x86.Segment{Base: testCode, Selector: testCode >> 4, Limit: 0xffff, Attr: s.Seg[x86.CS].Attr}
	s.RIP = 0
	s.GPR[x86.RSP] = 0x8000
	b.put(13*4, 4, testCode>>4<<16|0x100)
	b.ram.Bytes()[testCode+0x100] = 0xf4
	// mov bx, ffff; mov ax, [bx]
	out := b.run(&s, 0xbb, 0xff, 0xff, 0x8b, 0x07, 0xf4)
	b.want("handler", out.RIP, uint64(0x101))
	b.want("no error code", out.GPR[x86.RSP], uint64(0x8000-6))
	b.want("return address", b.get(0x8000-6, 2), uint64(3))
}

func TestStackWrap16(t *testing.T) {
	b := newBench(t, false)
	s := b.state32()
	s.Seg[x86.SS].Attr &^= x86.AttrDB
	s.Seg[x86.SS].Base = 0x20000
	s.GPR[x86.RSP] = 0xabcd0002
	b.cpu.Set(s)
	c := b.cpu
	c.push(2, 0x1111)
	c.push(2, 0x2222)
	b.want("SP wraps, the upper half stays", c.gpr[x86.RSP], uint64(0xabcdfffe))
	b.want("at 0", b.get(0x20000, 2), uint64(0x1111))
	b.want("at top", b.get(0x2fffe, 2), uint64(0x2222))
	b.want("pop", c.pop(2), uint64(0x2222))
	b.want("pop", c.pop(2), uint64(0x1111))
	b.want("SP", c.gpr[x86.RSP], uint64(0xabcd0002))
}

func TestCallGate(t *testing.T) {
	b := newBench(t, false)
	s := b.state32()
	b.tables(s)
	user(s)
	s.Seg[x86.CS].Selector, s.Seg[x86.SS].Selector = selUser, selUserD
	// In place of selTask: a gate to selCode, DPL 3, two parameters.
	b.put(testGDT+selTask, 8, gateBytes(selCode, testCode+0x400, 0xec)|2<<32)
	// handler: mov eax, [esp+8]; mov ecx, [esp+12]; mov edx, cs; retf 8
	copy(b.ram.Bytes()[testCode+0x400:], []byte{0x8b, 0x44, 0x24, 0x08, 0x8b, 0x4c, 0x24, 0x0c, 0x8c, 0xca, 0xca, 0x08, 0x00})
	// push 11h; push 22h; call gate; then a fault: hlt at CPL 3
	out := b.run(s, 0x6a, 0x11, 0x6a, 0x22, 0x9a, 0, 0, 0, 0, selTask, 0, 0x89, 0xe3, 0xf4)
	b.want("parameters", fmt.Sprint(out.GPR[x86.RAX], out.GPR[x86.RCX]), fmt.Sprint(0x22, 0x11))
	b.want("CS inside", out.GPR[x86.RDX], uint64(selCode))
	b.want("stack after", out.GPR[x86.RBX], uint64(testStack))
	b.want("then #GP", vectorAt(out), 13)
}

func TestCallGateFaults(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(b *bench, s *x86.State)
		want string
	}{
		{"none", func(*bench, *x86.State) {}, ""},
		{"DPL", func(b *bench, _ *x86.State) { b.put(testGDT+selTask+5, 1, 0x8c) }, "#GP(40)"},
		{"absent", func(b *bench, _ *x86.State) { b.put(testGDT+selTask+5, 1, 0x6c) }, "#NP(40)"},
		{"null code", func(b *bench, _ *x86.State) { b.put(testGDT+selTask+2, 2, 0) }, "#GP(0)"},
		{"data", func(b *bench, _ *x86.State) { b.put(testGDT+selTask+2, 2, selData) }, "#GP(10)"},
		{"absent code", func(b *bench, _ *x86.State) { b.put(testGDT+selCode+5, 1, 0x1b) }, "#NP(8)"},
		{"beyond code", func(b *bench, _ *x86.State) { b.put(testGDT+selTask, 4, selCode<<16) }, ""},
		{"null stack", func(b *bench, _ *x86.State) { b.put(testTSS+8, 2, 0) }, "#TS(0)"},
		{"stack of DPL 3", func(b *bench, _ *x86.State) { b.put(testTSS+8, 2, selUserD) }, "#TS(20)"},
		{"absent stack", func(b *bench, _ *x86.State) { b.put(testTSS+8, 2, selNP) }, "#SS(48)"},
		{"stack limit", func(b *bench, _ *x86.State) {
			b.put(testGDT+selData16, 8, descBytes(0, 0x10, 0x93))
			b.put(testTSS+8, 2, selData16)
		}, "#SS(38)"},
		{"short TSS", func(_ *bench, s *x86.State) { s.TR.Limit = 8 }, "#TS(28)"},
		{"absent page", func(b *bench, s *x86.State) { b.put(testTSS+4, 4, 0xfffff000) }, ""},
	} {
		b := newBench(t, false)
		s := b.state32()
		b.tables(s)
		user(s)
		s.Seg[x86.CS].Selector = selUser
		b.put(testGDT+selTask, 8, gateBytes(selCode, testCode+0x400, 0xec)|2<<32)
		c.set(b, s)
		b.cpu.Set(s)
		gpr, seg := b.cpu.gpr, b.cpu.seg
		b.cpu.nextRIP = testCode
		got := b.faults(func() { b.cpu.callFar(selTask, 0, 4) })
		b.want(c.name, got, c.want)
		if got != "" && (b.cpu.gpr != gpr || b.cpu.seg != seg || b.cpu.cpl != 3) {
			t.Errorf("%s: the fault left changes", c.name)
		}
	}
}

// TestTaskFault checks that a bad selector in a new task is the new task's fault.
func TestTaskFault(t *testing.T) {
	b := newBench(t, false)
	s := b.state32()
	b.tables(s)
	const tss = testTSS + 0x200
	for off, v := range map[uint64]uint64{0x20: testCode + 0x400, 0x24: 2, 0x38: testStack - 0x1000, 0x48: selData, 0x4c: selCode, 0x50: selData, 0x54: selNP} {
		b.put(tss+off, 4, v)
	}
	out := b.run(s, 0xea, 0, 0, 0, 0, selTask, 0)
	b.want("vector", vectorAt(out), 11)
	b.want("task", out.TR.Selector, uint16(selTask))
	sp := out.GPR[x86.RSP]
	b.want("error code", b.get(sp, 4), uint64(selNP))
	b.want("return address", b.get(sp+4, 4), uint64(testCode+0x400))
	b.want("TS", out.CR0&x86.CR0TS, uint64(x86.CR0TS))
}

// TestTaskFaultLoop arranges task switches whose faults go through task gates that fault, and expects an end.
func TestTaskFaultLoop(t *testing.T) {
	b := newBench(t, false)
	s := b.state32()
	b.tables(s)
	for v := range uint64(32) {
		b.put(testIDT+8*v, 8, gateBytes(selTask, 0, 0x85))
	}
	b.cpu.Set(s)
	copy(b.ram.Bytes()[testCode:], []byte{0x0f, 0x0b})
	exit, err := b.cpu.Run()
	b.want("exit", exit, accel.Shutdown)
	b.want("error", err, nil)
}

func TestNullStack64(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	b.tables(s)
	b.cpu.Set(s)
	c := b.cpu
	b.want("RPL 0 at CPL 0", b.faults(func() { c.loadSeg(x86.SS, 0) }), "")
	b.want("RPL 3 at CPL 0", b.faults(func() { c.loadSeg(x86.SS, 3) }), "#GP(0)")
	b.cpu.Set(user(s))
	b.want("at CPL 3", b.faults(func() { c.loadSeg(x86.SS, 3) }), "#GP(0)")
	b.want("DS", b.faults(func() { c.loadSeg(x86.DS, 3) }), "")
}
