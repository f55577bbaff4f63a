package cpu

import (
	"encoding/binary"
	"sync"
	"testing"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// newPair is two processors over one memory.
func newPair(t *testing.T) (a, b *bench) {
	a = newBench(t, false)
	mem := a.cpu.mem
	vm, err := New().NewVM(accel.Config{Memory: mem, Ports: memory.NewSpace("ports", 1<<16), Clock: clock.NewManual(), Model: "max", CPUs: 2})
	if err != nil {
		t.Fatal(err)
	}
	second := *a
	b = &second
	for i, x := range []*bench{a, b} {
		v, err := vm.NewVCPU(i, mem, nil)
		if err != nil {
			t.Fatal(err)
		}
		x.cpu, x.vm = v.(*CPU), vm.(*VM)
	}
	return a, b
}

// start lets a processor run from rip until it halts.
func (b *bench) start(wg *sync.WaitGroup, s *x86.State, rip uint64) {
	s.RIP = rip
	b.cpu.Set(s)
	wg.Add(1)
	go func() {
		defer wg.Done()
		if exit, err := b.cpu.Run(); exit != accel.Halted || err != nil {
			b.Errorf("exit %v, %v", exit, err)
		}
	}()
}

// TestLock counts with two processors at once: aligned, across a word and across a page.
func TestLock(t *testing.T) {
	for _, at := range []uint64{testData, testData + 0x3d, testData + 0xffd} {
		a, b := newPair(t)
		// l: lock inc dword [rsi]; dec ecx; jnz l; hlt
		copy(a.ram.Bytes()[testCode:], []byte{0xf0, 0xff, 0x06, 0xff, 0xc9, 0x75, 0xf9, 0xf4})
		var wg sync.WaitGroup
		for _, x := range []*bench{a, b} {
			s := x.state64()
			s.GPR[x86.RSI], s.GPR[x86.RCX] = at, 20000
			x.start(&wg, s, testCode)
		}
		wg.Wait()
		if n := binary.LittleEndian.Uint32(a.ram.Bytes()[at:]); n != 40000 {
			t.Errorf("%#x: %d, want 40000", at, n)
		}
	}
}

// TestXchg_spinlock guards a plain counter with XCHG.
func TestXchg_spinlock(t *testing.T) {
	a, b := newPair(t)
	// l: mov eax,1; xchg [rsi],eax; test eax,eax; jnz l; inc dword [rsi+4]; mov dword [rsi],0; dec ecx; jnz l; hlt
	copy(a.ram.Bytes()[testCode:], []byte{0xb8, 1, 0, 0, 0, 0x87, 0x06, 0x85, 0xc0, 0x75, 0xf5, 0xff, 0x46, 0x04, 0xc7, 0x06, 0, 0, 0, 0, 0xff, 0xc9, 0x75, 0xe8, 0xf4})
	var wg sync.WaitGroup
	for _, x := range []*bench{a, b} {
		s := x.state64()
		s.GPR[x86.RSI], s.GPR[x86.RCX] = testData, 3000
		x.start(&wg, s, testCode)
	}
	wg.Wait()
	if n := binary.LittleEndian.Uint32(a.ram.Bytes()[testData+4:]); n != 6000 {
		t.Errorf("%d, want 6000", n)
	}
}

// TestSMC_otherProcessor has one processor patch what the other one runs.
func TestSMC_otherProcessor(t *testing.T) {
	a, b := newPair(t)
	const patch = testCode + 0x1000
	// l: mov eax, 0 (patched); test eax,eax; jz l; hlt
	copy(a.ram.Bytes()[testCode:], []byte{0xb8, 0, 0, 0, 0, 0x85, 0xc0, 0x74, 0xf7, 0xf4})
	// mov ecx, 20000; l: dec ecx; jnz l; mov byte [rsi+1], 1; hlt
	copy(a.ram.Bytes()[patch:], []byte{0xb9, 0x20, 0x4e, 0, 0, 0xff, 0xc9, 0x75, 0xfc, 0xc6, 0x46, 1, 1, 0xf4})
	var wg sync.WaitGroup
	a.start(&wg, a.state64(), testCode)
	s := b.state64()
	s.GPR[x86.RSI] = testCode
	b.start(&wg, s, patch)
	wg.Wait()
}
