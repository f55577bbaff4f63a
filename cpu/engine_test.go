package cpu

import (
	"testing"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// Where tests put things.
const (
	testCode  = 0x10000
	testStack = 0x30000
	testData  = 0x40000
	testPML4  = 0x80000
	testRAM   = 1 << 20
)

// bench is a processor with memory and nothing else.
type bench struct {
	testing.TB
	cpu *CPU
	vm  *VM
	ram *memory.Region
	clk *clock.Manual
}

func newBench(t testing.TB, generic bool) *bench {
	t.Helper()
	b := &bench{TB: t, clk: clock.NewManual()}
	mem, ports := memory.NewSpace("memory", 1<<40), memory.NewSpace("ports", 1<<16)
	ram, err := memory.NewRAM("ram", testRAM)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ram.Free() })
	b.ram = ram
	mem.Update(func(e *memory.Edit) { e.Map(nil, 0, ram, 0) })
	s := New()
	s.Generic = generic
	vm, err := s.NewVM(accel.Config{Memory: mem, Ports: ports, Clock: b.clk, Model: "max", CPUs: 1})
	if err != nil {
		t.Fatal(err)
	}
	b.vm = vm.(*VM)
	v, err := vm.NewVCPU(0, mem, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.cpu = v.(*CPU)
	return b
}

// flatSeg is a segment of 4 GiB.
func flatSeg(sel uint16, code bool, dpl uint8, long bool) x86.Segment {
	a := x86.AttrP | x86.AttrS | x86.AttrWritable | x86.AttrAccessed | x86.AttrG | x86.Attr(dpl)<<5
	if code {
		a |= x86.AttrCode
	}
	if long && code {
		a |= x86.AttrL
	} else {
		a |= x86.AttrDB
	}
	return x86.Segment{Selector: sel | uint16(dpl), Attr: a, Limit: 0xffffffff}
}

// state64 is 64-bit mode, CPL 0, with the first 2 MiB mapped to themselves.
func (b *bench) state64() *x86.State {
	put := func(addr, v uint64) {
		for i := range 8 {
			b.ram.Bytes()[addr+uint64(i)] = byte(v >> (8 * i))
		}
	}
	put(testPML4, testPML4+0x1007)
	put(testPML4+0x1000, testPML4+0x2007)
	put(testPML4+0x2000, 0x87)
	s := x86.Reset(true)
	s.CR0 = x86.CR0PE | x86.CR0PG | x86.CR0ET | x86.CR0NE | x86.CR0MP
	s.CR4 = x86.CR4PAE | x86.CR4OSFXSR | x86.CR4OSXMMEXCPT
	s.CR3 = testPML4
	s.EFER = x86.EFERLMA | x86.EFERLME
	for i := range s.Seg {
		s.Seg[i] = flatSeg(0x10, false, 0, true)
	}
	s.Seg[x86.CS] = flatSeg(8, true, 0, true)
	s.RIP = testCode
	s.GPR = [16]uint64{}
	s.GPR[x86.RSP] = testStack
	return &s
}

// state32 is flat protected mode without paging.
func (b *bench) state32() *x86.State {
	s := x86.Reset(true)
	s.CR0 = x86.CR0PE | x86.CR0ET
	for i := range s.Seg {
		s.Seg[i] = flatSeg(0x10, false, 0, false)
	}
	s.Seg[x86.CS] = flatSeg(8, true, 0, false)
	s.RIP = testCode
	s.GPR = [16]uint64{}
	s.GPR[x86.RSP] = testStack
	return &s
}

// run runs code, which must end in HLT, from a state, and returns the state it ends in.
func (b *bench) run(s *x86.State, code ...byte) *x86.State {
	b.Helper()
	copy(b.ram.Bytes()[testCode:], code)
	b.ram.Wrote(testCode, uint64(len(code)))
	if err := b.cpu.Set(s); err != nil {
		b.Fatal(err)
	}
	exit, err := b.cpu.Run()
	if err != nil || exit != accel.Halted {
		b.Fatalf("exit %v, %v at %#x", exit, err, b.cpu.rip)
	}
	out := new(x86.State)
	b.cpu.Get(out)
	return out
}

func TestLoop(t *testing.T) {
	b := newBench(t, false)
	// mov ecx, 10; xor eax, eax; l: add rax, rcx; dec ecx; jnz l; hlt
	s := b.run(b.state64(), 0xb9, 10, 0, 0, 0, 0x31, 0xc0, 0x48, 0x01, 0xc8, 0xff, 0xc9, 0x75, 0xf9, 0xf4)
	if s.GPR[x86.RAX] != 55 || s.RIP != testCode+15 {
		t.Errorf("rax %d, rip %#x", s.GPR[x86.RAX], s.RIP)
	}
	if n := b.cpu.Instructions(); n != 33 {
		t.Errorf("%d instructions", n)
	}
}

func BenchmarkLoop(b *testing.B) {
	t := newBench(b, false)
	// l: mov rdx,[rsi]; add rdx,rcx; mov [rsi+8],rdx; test dl,dl ; dec ecx; jnz l; hlt
	code := []byte{0x48, 0x8b, 0x16, 0x48, 0x01, 0xca, 0x48, 0x89, 0x56, 0x08, 0x84, 0xd2, 0xff, 0xc9, 0x75, 0xf0, 0xf4}
	s := t.state64()
	s.GPR[x86.RSI] = testData
	s.GPR[x86.RCX] = uint64(b.N/6 + 1)
	b.ResetTimer()
	t.run(s, code...)
	b.ReportMetric(float64(t.cpu.Instructions())/b.Elapsed().Seconds()/1e6, "MIPS")
}

func BenchmarkRegLoop(b *testing.B) {
	t := newBench(b, false)
	// l: add rax,rcx; xor rdx,rax; lea rbx,[rax+rdx]; sub rsi,rbx; dec ecx; jnz l; hlt
	code := []byte{0x48, 0x01, 0xc8, 0x48, 0x31, 0xc2, 0x48, 0x8d, 0x1c, 0x10, 0x48, 0x29, 0xde, 0xff, 0xc9, 0x75, 0xef, 0xf4}
	s := t.state64()
	s.GPR[x86.RCX] = uint64(b.N/6 + 1)
	b.ResetTimer()
	t.run(s, code...)
	b.ReportMetric(float64(t.cpu.Instructions())/b.Elapsed().Seconds()/1e6, "MIPS")
}

// budget stops a processor that runs on and on: its clock counts instructions and kicks.
func (c *CPU) budget(n uint64) {
	k := clock.NewCounted(nil)
	k.NewTimer(c.Kick).Set(clock.Time(n) * instTime)
	c.counted = k
	c.requests.And(^reqKick)
}
