package cpu

import (
	"fmt"
	"testing"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

func TestControlRegisters(t *testing.T) {
	for _, c := range []struct {
		name string
		st   func(b *bench) *x86.State
		n    uint8
		v    uint64
		want string
	}{
		{"PG without PE", (*bench).state32, 0, x86.CR0PG, "#GP(0)"},
		{"NW without CD", (*bench).state32, 0, x86.CR0PE | x86.CR0NW, "#GP(0)"},
		{"high half of CR0", (*bench).state64, 0, 1<<32 | x86.CR0PE | x86.CR0PG, "#GP(0)"},
		{"PG off in 64-bit mode", (*bench).state64, 0, x86.CR0PE, "#GP(0)"},
		{"WP", (*bench).state64, 0, x86.CR0PE | x86.CR0PG | x86.CR0WP, ""},
		{"CR1", (*bench).state32, 1, 0, "#UD"},
		{"CR5", (*bench).state32, 5, 0, "#UD"},
		{"CR3 beyond 40 bits", (*bench).state64, 3, 1 << 40, "#GP(0)"},
		{"CR3", (*bench).state64, 3, testPML4 | 0x18, ""},
		{"PAE off in long mode", (*bench).state64, 4, 0, "#GP(0)"},
		{"VME is not there", (*bench).state32, 4, x86.CR4VME, "#GP(0)"},
		{"OSXSAVE is not there", (*bench).state32, 4, x86.CR4OSXSAVE, "#GP(0)"},
		{"reserved", (*bench).state32, 4, 1 << 31, "#GP(0)"},
		{"PSE", (*bench).state32, 4, x86.CR4PSE, ""},
		{"CR8", (*bench).state64, 8, 16, "#GP(0)"},
	} {
		b := newBench(t, false)
		s := c.st(b)
		b.cpu.Set(s)
		b.want(c.name, b.faults(func() { b.cpu.writeCR(c.n, c.v) }), c.want)
	}
}

// TestPDPTEs checks that a CR3 with bad PDPTEs is refused, and that they are kept in the processor.
func TestPDPTEs(t *testing.T) {
	b := newBench(t, false)
	s := b.state32()
	s.CR4 |= x86.CR4PAE
	s.CR3 = 0x90000
	b.cpu.Set(s)
	c := b.cpu
	b.put(0x90000, 8, 0x91003) // bit 1 is reserved
	b.want("PG", b.faults(func() { c.writeCR(0, c.cr0|x86.CR0PG) }), "#GP(0)")
	b.want("unchanged", c.cr0&x86.CR0PG, uint64(0))
	b.put(0x90000, 8, 0x91001)
	b.put(0x91000, 8, 0x83)
	b.want("PG", b.faults(func() { c.writeCR(0, c.cr0|x86.CR0PG) }), "")
	b.put(0x90000, 8, 0)
	b.want("kept", b.faults(func() { c.load8(0x5000) }), "")
	c.flushTLB(true)
	b.want("kept over a flush", b.faults(func() { c.load8(0x6000) }), "")
	b.want("CR3", b.faults(func() { c.writeCR(3, 0x90000) }), "")
	b.want("gone", b.faults(func() { c.load8(0x5000) }), "#PF(0)")
}

func TestMSRs(t *testing.T) {
	b := newBench(t, false)
	b.cpu.Set(b.state64())
	c := b.cpu
	for _, m := range []struct {
		n    uint32
		v    uint64
		ok   bool
		read uint64
	}{
		{x86.MSREFER, x86.EFERSCE | x86.EFERLME | x86.EFERNXE, true, x86.EFERSCE | x86.EFERLME | x86.EFERNXE | x86.EFERLMA},
		{x86.MSREFER, 1 << 12, false, x86.EFERSCE | x86.EFERLME | x86.EFERNXE | x86.EFERLMA},
		{x86.MSREFER, x86.EFERSCE, false, x86.EFERSCE | x86.EFERLME | x86.EFERNXE | x86.EFERLMA},
		{x86.MSRLSTAR, 0xffffffff81000000, true, 0xffffffff81000000},
		{x86.MSRLSTAR, 1 << 50, false, 0xffffffff81000000},
		{x86.MSRFMASK, 0x147700, true, 0x147700},
		{x86.MSRFSBase, 0x7fff12345678, true, 0x7fff12345678},
		{x86.MSRGSBase, 1 << 47, false, 0},
		{x86.MSRKernelGSBase, 0xffff888000000000, true, 0xffff888000000000},
		{x86.MSRPAT, 0x0007040600070106, true, 0x0007040600070106},
		{x86.MSRPAT, 2, false, 0x0007040600070106},
		{x86.MSRMTRRCap, 0, false, 0x508},
		{x86.MSRMTRRDefType, 0xc06, true, 0xc06},
		{x86.MSRMTRRDefType, 0xc07, false, 0xc06},
		{x86.MSRMTRRPhysBase, 0xc0000000, true, 0xc0000000},
		{x86.MSRMTRRPhysBase + 1, 0xffc0000800, true, 0xffc0000800},
		{x86.MSRMTRRPhysBase + 1, 1 << 40, false, 0xffc0000800},
		{x86.MSRMTRRFix64K, 0x0606060606060606, true, 0x0606060606060606},
		{x86.MSRMTRRFix16KA0, 0x0100000000000000, true, 0x0100000000000000},
		{x86.MSRMTRRFix4K + 7, 0x05, true, 0x05},
		{x86.MSRMTRRFix4K, 0x03, false, 0},
		{x86.MSRSysenterESP, 1 << 48, false, 0},
		{x86.MSRTSCAux, 1 << 32, false, 0},
		{x86.MSRTSCAux, 7, true, 7},
		{0xc0011023, 0x1234, true, 0}, // not known
	} {
		ok := c.writeMSR(m.n, m.v)
		got, _ := c.readMSR(m.n)
		if ok != m.ok || got != m.read {
			t.Errorf("MSR %x = %x: %v, reads %x", m.n, m.v, ok, got)
		}
	}
}

func TestTSC(t *testing.T) {
	b := newBench(t, false)
	b.cpu.Set(b.state64())
	c := b.cpu
	c.writeMSR(x86.MSRTSC, 1000)
	b.clk.Step(500 * clock.Microsecond)
	b.want("TSC", c.readTSC(), uint64(501000))
	b.want("RDTSC off at CPL 3", func() string {
		s := user(b.state64())
		s.CR4 |= x86.CR4TSD
		c.Set(s)
		return b.faults(func() { execRdtsc(c, nil) })
	}(), "#GP(0)")
}

// TestCPUID compares the default model with QEMU 7.2's "-accel tcg -cpu qemu64", read by a boot program; SVM (leaf 80000001 ECX bit 2 and leaf
// 8000000A) and the hypervisor's signature differ on purpose.
func TestCPUID(t *testing.T) {
	want := map[string]string{
		"0/0": "0000000d 68747541 444d4163 69746e65",
		"1/0": "00060fb1 00000800 80002001 078bfbfd",
		"2/0": "00000000 00000000 00000000 00000000", "4/0": "00000000 00000000 00000000 00000000",
		"5/0": "00000000 00000000 00000003 00000000", "6/0": "00000000 00000000 00000000 00000000",
		"7/0": "00000000 00000000 00000000 00000000",
		"b/0": "00000000 00000001 00000100 00000000", "b/1": "00000000 00000001 00000201 00000000",
		"d/0": "00000000 00000000 00000000 00000000", "14/0": "00000000 00000000 00000000 00000000",
		"40000000/0": "40000001 4d564f47 4d564f47 4d564f47",
		"80000000/0": "8000000a 68747541 444d4163 69746e65",
		"80000001/0": "00060fb1 00000000 00000001 2193fbfd",
		"80000002/0": "554d4551 72695620 6c617574 55504320", "80000003/0": "72657620 6e6f6973 352e3220 0000002b",
		"80000004/0": "00000000 00000000 00000000 00000000", "80000005/0": "01ff01ff 01ff01ff 40020140 40020140",
		"80000006/0": "00000000 42004200 02008140 00808140", "80000007/0": "00000000 00000000 00000000 00000000",
		"80000008/0": "00003028 00000000 00000000 00000000", "8000001d/0": "00000000 00000000 00000000 00000000",
	}
	two := map[string]string{
		"1/0": "00060fb1 01020800 80002001 178bfbfd", "b/0": "00000000 00000001 00000100 00000001", "b/1": "00000001 00000002 00000201 00000001",
		"80000001/0": "00060fb1 00000000 00000003 2193fbfd", "80000008/0": "00003028 00000000 00001001 00000000",
	}
	for n, table := range []map[string]string{want, two} {
		c := cpuOf(t, "", nil, n+1)
		for key, w := range table {
			var fn, sub uint32
			fmt.Sscanf(key, "%x/%x", &fn, &sub)
			l := c.cpuid(fn, sub)
			if got := fmt.Sprintf("%08x %08x %08x %08x", l.a, l.b, l.c, l.d); got != w {
				t.Errorf("%d processors, leaf %s: %s, want %s", n+1, key, got, w)
			}
		}
	}
}

// cpuOf is the last of n processors of a model.
func cpuOf(t *testing.T, model string, features map[string]bool, n int) *CPU {
	t.Helper()
	mem, ports := memory.NewSpace("memory", 1<<40), memory.NewSpace("ports", 1<<16)
	vm, err := New().NewVM(accel.Config{Memory: mem, Ports: ports, Clock: clock.NewManual(), Model: model, Features: features, CPUs: n})
	if err != nil {
		t.Fatal(err)
	}
	c, err := vm.NewVCPU(n-1, mem, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.(*CPU)
}

func TestFeatures(t *testing.T) {
	c := cpuOf(t, "qemu64", map[string]bool{"nx": false, "sse4_1": true, "pni": false, "popcnt": true, "avx": false}, 1)
	b := &bench{TB: t, cpu: c}
	b.want("leaf 1 ECX", c.cpuid(1, 0).c, uint32(0x80002000|1<<19|1<<23))
	b.want("nx", c.cpuid(0x80000001, 0).d>>20&1, uint32(0))
	b.want("EFER.NXE", c.writeMSR(x86.MSREFER, x86.EFERNXE), false)
	if _, err := newModel("", map[string]bool{"avx": true}); err == nil {
		t.Error("avx is not there, but can be switched on")
	}
	if _, err := newModel("pentium9", nil); err == nil {
		t.Error("a model that is not known is taken")
	}
	full := cpuOf(t, "max", nil, 1)
	l := full.cpuid(1, 0)
	for name, bit := range map[string]uint{"ssse3": 9, "sse4.1": 19, "sse4.2": 20, "popcnt": 23} {
		if l.c>>bit&1 == 0 {
			t.Errorf("max has no %s", name)
		}
	}
}

func TestPortsBitmap(t *testing.T) {
	b := newBench(t, false)
	s := user(b.state32())
	b.tables(s)
	s.TR.Limit = 0x78
	b.put(testTSS+0x66, 2, 0x68)
	b.put(testTSS+0x68, 8, ^uint64(0x00ff00))
	b.cpu.Set(s)
	c := b.cpu
	for _, p := range []struct {
		port uint64
		size uint8
		want string
	}{{7, 1, "#GP(0)"}, {8, 1, ""}, {15, 1, ""}, {15, 2, "#GP(0)"}, {12, 4, ""}, {14, 4, "#GP(0)"}, {0x7f, 1, ""}, {0x80, 1, "#GP(0)"}, {0xffff, 1, "#GP(0)"}} {
		b.want(fmt.Sprint("port ", p.port, p.size), b.faults(func() { c.checkIO(p.port, p.size) }), p.want)
	}
	c.changeFlags(x86.FlagIOPL, x86.FlagIOPL)
	b.want("IOPL 3", b.faults(func() { c.checkIO(0x70, 4) }), "")
	s.TR.Attr = x86.AttrP | 3
	b.cpu.Set(s)
	b.want("16-bit TSS", b.faults(func() { c.checkIO(8, 1) }), "#GP(0)")
}

func TestStringPorts(t *testing.T) {
	b := newBench(t, false)
	dev := new(recorder)
	b.cpu.ports.Update(func(e *memory.Edit) { e.Map(nil, 0x100, memory.NewIO("dev", 0x10, dev, memory.Any), 0) })
	s := b.state32()
	s.GPR[x86.RDX], s.GPR[x86.RCX], s.GPR[x86.RDI], s.GPR[x86.RSI] = 0x102, 3, testData, testData
	out := b.run(s, 0xf3, 0x66, 0x6d, 0xb1, 2, 0x6e, 0xf3, 0x6f, 0xf4) // rep insw; mov cl, 2; outsb; rep outsd
	b.want("log", fmt.Sprint(dev.log), "[r2 2 r2 2 r2 2 w1 2=22 w4 2=22112211 w4 2=11]")
	b.want("memory", b.get(testData, 8), uint64(0x112211221122))
	b.want("registers", fmt.Sprint(out.GPR[x86.RCX], out.GPR[x86.RDI]-testData, out.GPR[x86.RSI]-testData), "0 6 9")
}

// TestInsFault checks that a page fault comes before the device is read.
func TestInsFault(t *testing.T) {
	b := newBench(t, false)
	dev := new(recorder)
	b.cpu.ports.Update(func(e *memory.Edit) { e.Map(nil, 0x100, memory.NewIO("dev", 0x10, dev, memory.Any), 0) })
	s := b.state64()
	b.tables(s)
	s.GPR[x86.RDX], s.GPR[x86.RCX], s.GPR[x86.RDI] = 0x100, 4, 0x1ffffe
	out := b.run(s, 0xf3, 0x66, 0x6d, 0xf4)
	b.want("vector", vectorAt(out), 14)
	b.want("reads", len(dev.log), 1)
	b.want("RCX", out.GPR[x86.RCX], uint64(3))
	b.want("return address", b.get(out.GPR[x86.RSP]+8, 8), uint64(testCode))
}

func TestStepper(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	b.tables(s)
	// lock cmpxchg16b [rdi], in ring 0
	copy(b.ram.Bytes()[testCode:], []byte{0xf0, 0x48, 0x0f, 0xc7, 0x0f, 0x0f, 0x0b})
	s.GPR[x86.RDI], s.GPR[x86.RAX], s.GPR[x86.RDX], s.GPR[x86.RBX], s.GPR[x86.RCX] = testData, 1, 2, 3, 4
	b.put(testData, 8, 1)
	b.put(testData+8, 8, 2)
	st, err := NewStepper("max", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Step(s, b.cpu.mem, b.cpu.ports); err != nil {
		t.Fatal(err)
	}
	b.want("memory", fmt.Sprint(b.get(testData, 8), b.get(testData+8, 8)), "3 4")
	b.want("RIP", s.RIP, uint64(testCode+5))
	b.want("ZF", s.RFLAGS&x86.FlagZF, uint64(x86.FlagZF))
	if err := st.Step(s, b.cpu.mem, b.cpu.ports); err != nil {
		t.Fatal(err)
	}
	b.want("#UD", int(s.RIP-testCode-0x800)/16, 6)
	b.want("APIC base stays", s.APICBase != 0, true)
}

func TestStateRoundTrip(t *testing.T) {
	b := newBench(t, false)
	s := user(b.state64())
	s.GPR[x86.R15], s.CR2, s.DR[2], s.DR6, s.DR7 = 5, 0x1234, 7, 0xffff0ff1, 0x500
	s.STAR, s.LSTAR, s.KernelGSBase, s.PAT, s.TSC = 1, 2, 3, x86.PATReset, 12345
	s.MTRRPhys[3], s.MTRRFixed[10], s.NMIMasked, s.InterruptSh, s.SMBase = 4, 5, true, true, 0x30000
	s.RFLAGS = 0x246
	s.FPU.MXCSR, s.FPU.XMM[3] = 0x1fa0, [2]uint64{1, 2}
	s.APICBase = 0
	b.cpu.Set(s)
	var out x86.State
	b.cpu.Get(&out)
	if out != *s {
		t.Errorf("got  %+v\nwant %+v", out, *s)
	}
}

// TestRingChange checks that the TLB does not give user code a kernel's rights.
func TestRingChange(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	b.put(testPML4+0x2000, 8, testPML4+0x3000|7)
	for i := range uint64(512) {
		b.put(testPML4+0x3000+i*8, 8, i<<12|3)
	}
	b.cpu.Set(s)
	c := b.cpu
	b.want("kernel", b.faults(func() { c.store32(testData, 1) }), "")
	c.setCPL(3)
	c.updateMode()
	b.want("user", b.faults(func() { c.load32(testData) }), "#PF(5)")
	b.want("tables are the system's", b.faults(func() { c.sysLoadN(testData, 4) }), "")
}
