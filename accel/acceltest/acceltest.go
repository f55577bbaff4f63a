// Package acceltest is the suite that every accelerator must pass: small guest programs in real, protected and 64-bit mode, and the calls around them.
package acceltest

import (
	"testing"
	"time"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// Maker makes a VM without interrupt controllers of its own.
type Maker func(accel.Config) (accel.VM, error)

// Rig is one processor with 1 MiB of RAM from address 0, a page of registers at MMIO and a port that records.
type Rig struct {
	T     *testing.T
	RAM   *memory.Region
	Mem   *memory.Space
	Ports *memory.Space
	VM    accel.VM
	CPU   accel.VCPU
	Out   []uint64 // what was written to Port
	Regs  regs
}

// Places on the rig.
const (
	RAMSize = 1 << 20
	MMIO    = 0x200000
	Port    = 0x80
	Origin  = 0x1000 // where programs start
)

// regs is a page of 64-bit registers that count their accesses.
type regs struct {
	Val    [512]uint64
	Reads  int
	Writes int
	Size   int // of the last access
}

// Read implements memory.Handler.
func (r *regs) Read(off uint64, size int) uint64 {
	r.Reads++
	r.Size = size
	return r.Val[off/8] >> (8 * (off % 8))
}

// Write implements memory.Handler.
func (r *regs) Write(off uint64, size int, val uint64) {
	r.Writes++
	r.Size = size
	r.Val[off/8] = val
}

type recorder struct{ r *Rig }

func (p recorder) Read(off uint64, size int) uint64  { return 0xa5a5a5a5 }
func (p recorder) Write(_ uint64, _ int, val uint64) { p.r.Out = append(p.r.Out, val) }

// NewRig builds a machine on the accelerator under test.
func NewRig(t *testing.T, mk Maker) *Rig {
	t.Helper()
	ram, err := memory.NewRAM("ram", RAMSize)
	if err != nil {
		t.Fatal(err)
	}
	r := &Rig{T: t, RAM: ram, Mem: memory.NewSpace("memory", 1<<52), Ports: memory.NewSpace("ports", 1<<16)}
	r.Mem.Update(func(e *memory.Edit) {
		e.Map(nil, 0, ram, 0)
		e.Map(nil, MMIO, memory.NewIO("regs", 4096, &r.Regs, memory.Any), 0)
	})
	r.Ports.Update(func(e *memory.Edit) { e.Map(nil, Port, memory.NewIO("port", 4, recorder{r}, memory.Widths{Max: 4}), 0) })
	if r.VM, err = mk(accel.Config{Memory: r.Mem, Ports: r.Ports, Clock: clock.NewManual(), CPUs: 1}); err != nil {
		t.Fatal(err)
	}
	if r.CPU, err = r.VM.NewVCPU(0, r.Mem, nil); err != nil {
		t.Fatal(err)
	}
	r.CPU.OnWake(func() {})
	t.Cleanup(func() {
		r.CPU.Close()
		r.VM.Close()
		ram.Free()
	})
	return r
}

// Real starts code in real mode at Origin, with all segments at 0 and the stack below Origin.
func (r *Rig) Real(code ...byte) {
	r.T.Helper()
	r.start(code, func(*x86.State) {})
}

// Flat starts code in 32-bit protected mode with flat segments.
func (r *Rig) Flat(code ...byte) {
	r.T.Helper()
	r.start(code, func(s *x86.State) {
		s.CR0 |= x86.CR0PE
		data := x86.Segment{Selector: 0x10, Limit: 0xffffffff, Attr: 0xc093}
		for i := range s.Seg {
			s.Seg[i] = data
		}
		s.Seg[x86.CS] = x86.Segment{Selector: 8, Limit: 0xffffffff, Attr: 0xc09b}
	})
}

// Long starts code in 64-bit mode with the first GiB mapped one to one by tables at 8000h to AFFFh.
func (r *Rig) Long(code ...byte) {
	r.T.Helper()
	put := func(at int, v uint64) {
		for i := range 8 {
			r.RAM.Bytes()[at+i] = byte(v >> (8 * i))
		}
	}
	put(0x8000, 0x9003)
	put(0x9000, 0xa003)
	for i := range 512 {
		put(0xa000+8*i, uint64(i)<<21|0x83)
	}
	r.start(code, func(s *x86.State) {
		s.CR0 |= x86.CR0PE | x86.CR0PG | x86.CR0NE
		s.CR3, s.CR4 = 0x8000, x86.CR4PAE
		s.EFER = x86.EFERLME | x86.EFERLMA
		data := x86.Segment{Selector: 0x10, Limit: 0xffffffff, Attr: 0xc093}
		for i := range s.Seg {
			s.Seg[i] = data
		}
		s.Seg[x86.CS] = x86.Segment{Selector: 8, Limit: 0xffffffff, Attr: 0xa09b}
	})
}

func (r *Rig) start(code []byte, set func(*x86.State)) {
	r.T.Helper()
	copy(r.RAM.Bytes()[Origin:], code)
	s := x86.Reset(true)
	s.Seg[x86.CS].Selector, s.Seg[x86.CS].Base = 0, 0
	s.CR0 &^= x86.CR0CD | x86.CR0NW
	s.RIP = Origin
	s.GPR[x86.RSP] = Origin
	set(&s)
	if err := r.CPU.Set(&s); err != nil {
		r.T.Fatal(err)
	}
}

// Run runs until the processor halts.
func (r *Rig) Run() x86.State {
	r.T.Helper()
	for range 1000 {
		exit, err := r.CPU.Run()
		if err != nil {
			r.T.Fatal(err)
		}
		if exit == accel.Halted {
			return r.State()
		}
		if exit != accel.Kicked {
			s := r.State()
			r.T.Fatalf("Run ended with exit %d at rip %#x, want Halted", exit, s.RIP)
		}
	}
	r.T.Fatal("the processor does not halt")
	return x86.State{}
}

// State reads the registers.
func (r *Rig) State() (s x86.State) {
	r.T.Helper()
	if err := r.CPU.Get(&s); err != nil {
		r.T.Fatal(err)
	}
	return s
}

// Test runs the suite.
func Test(t *testing.T, mk Maker) {
	for _, c := range []struct {
		name string
		f    func(*Rig)
	}{
		{"ports", testPorts}, {"portString", testPortString}, {"mmio", testMMIO}, {"modes", testModes}, {"kickBeforeRun", testKickBeforeRun},
		{"kickDuringRun", testKickDuringRun}, {"stateRoundTrip", testState}, {"selfModifyingCode", testSelfModifying}, {"mapChange", testMapChange},
		{"readOnlyMemory", testROM}, {"dirtyLog", testDirty}, {"exceptions", testExceptions}, {"shutdown", testShutdown}, {"nmi", testNMI}, {"debugger", testDebugger},
	} {
		t.Run(c.name, func(t *testing.T) { c.f(NewRig(t, mk)) })
	}
}

func testPorts(r *Rig) {
	r.Real(0xb8, 0x34, 0x12, 0xe6, 0x80, 0xe7, 0x80, 0x66, 0xe5, 0x80, 0xf4) // mov ax,1234h; out 80h,al; out 80h,ax; in eax,80h; hlt
	s := r.Run()
	if len(r.Out) != 2 || r.Out[0] != 0x34 || r.Out[1] != 0x1234 {
		r.T.Errorf("the port got %x, want 34 and 1234", r.Out)
	}
	if uint32(s.GPR[x86.RAX]) != 0xa5a5a5a5 {
		r.T.Errorf("eax = %#x, want what the port reads", s.GPR[x86.RAX])
	}
}

func testPortString(r *Rig) {
	copy(r.RAM.Bytes()[0x3000:], "abc")
	r.Real(0xbe, 0x00, 0x30, 0xba, 0x80, 0x00, 0xb9, 0x03, 0x00, 0xf3, 0x6e, 0xf4) // mov si,3000h; mov dx,80h; mov cx,3; rep outsb; hlt
	s := r.Run()
	if len(r.Out) != 3 || r.Out[0] != 'a' || r.Out[1] != 'b' || r.Out[2] != 'c' {
		r.T.Errorf("the port got %x, want 61 62 63", r.Out)
	}
	if s.GPR[x86.RCX]&0xffff != 0 || s.GPR[x86.RSI]&0xffff != 0x3003 {
		r.T.Errorf("cx = %#x, si = %#x, want 0 and 3003h", s.GPR[x86.RCX], s.GPR[x86.RSI])
	}
}

func testMMIO(r *Rig) {
	r.Regs.Val[2] = 0x1122334455667788
	r.Long(
		0x48, 0xc7, 0xc3, 0x00, 0x00, 0x20, 0x00, // mov rbx, 200000h
		0x48, 0x8b, 0x43, 0x10, // mov rax, [rbx+10h]
		0x8b, 0x4b, 0x10, // mov ecx, [rbx+10h]
		0x48, 0x89, 0x43, 0x18, // mov [rbx+18h], rax
		0xf4)
	s := r.Run()
	if s.GPR[x86.RAX] != 0x1122334455667788 || s.GPR[x86.RCX] != 0x55667788 {
		r.T.Errorf("rax = %#x, rcx = %#x", s.GPR[x86.RAX], s.GPR[x86.RCX])
	}
	if r.Regs.Val[3] != 0x1122334455667788 || r.Regs.Writes != 1 || r.Regs.Size != 8 {
		r.T.Errorf("register 3 = %#x after %d writes of %d bytes", r.Regs.Val[3], r.Regs.Writes, r.Regs.Size)
	}
}

func testModes(r *Rig) {
	r.Flat(0xb8, 0x78, 0x56, 0x34, 0x12, 0xa3, 0x00, 0x30, 0x00, 0x00, 0xf4) // mov eax,12345678h; mov [3000h],eax; hlt
	r.Run()
	if got := r.Mem.Load(0x3000, 4); got != 0x12345678 {
		r.T.Errorf("32-bit mode stored %#x", got)
	}
	r.Long(0x49, 0xbf, 8, 7, 6, 5, 4, 3, 2, 1, 0x4c, 0x89, 0x3c, 0x25, 0x00, 0x30, 0x00, 0x00, 0xf4) // mov r15,…; mov [3000h],r15; hlt
	r.Run()
	if got := r.Mem.Load(0x3000, 8); got != 0x0102030405060708 {
		r.T.Errorf("64-bit mode stored %#x", got)
	}
}

func testKickBeforeRun(r *Rig) {
	r.Real(0xeb, 0xfe) // jmp $
	r.CPU.Kick()
	if exit, err := r.CPU.Run(); err != nil || exit != accel.Kicked {
		r.T.Errorf("Run = %v, %v, want Kicked", exit, err)
	}
}

func testKickDuringRun(r *Rig) {
	r.Real(0xeb, 0xfe)
	for range 20 {
		go func() {
			time.Sleep(100 * time.Microsecond)
			r.CPU.Kick()
		}()
		if exit, err := r.CPU.Run(); err != nil || exit != accel.Kicked {
			r.T.Fatalf("Run = %v, %v, want Kicked", exit, err)
		}
	}
}

func testState(r *Rig) {
	in := x86.Reset(true)
	for i := range in.GPR {
		in.GPR[i] = uint64(i+1) * 0x0102030405060708
	}
	in.RFLAGS = x86.FlagOne | x86.FlagCF | x86.FlagDF | x86.FlagOF
	in.DR[1], in.KernelGSBase, in.LSTAR = 0x1234, 0xffff888000000000, 0xffffffff81000000
	in.FPU.FCW, in.FPU.FSW, in.FPU.Tags = 0x37f, 6<<11, 0xc0
	in.FPU.Regs[6], in.FPU.Regs[7] = x86.Float80{Sig: 1 << 63, SE: 0x3fff}, x86.Float80{Sig: 3 << 62, SE: 0xc000}
	in.FPU.XMM[15] = [2]uint64{0x1111, 0x2222}
	in.FPU.MXCSRMask = 0xffff
	if err := r.CPU.Set(&in); err != nil {
		r.T.Fatal(err)
	}
	out := r.State()
	if in.GPR != out.GPR || in.RFLAGS != out.RFLAGS || in.Seg != out.Seg || in.DR != out.DR || in.KernelGSBase != out.KernelGSBase || in.LSTAR != out.LSTAR {
		r.T.Errorf("integer state came back as\n%+v, was\n%+v", out, in)
	}
	if in.FPU.Regs != out.FPU.Regs || in.FPU.FSW != out.FPU.FSW || in.FPU.FCW != out.FPU.FCW || in.FPU.Tags != out.FPU.Tags || in.FPU.XMM != out.FPU.XMM {
		r.T.Errorf("FPU state came back as\n%+v, was\n%+v", out.FPU, in.FPU)
	}
}

func testSelfModifying(r *Rig) {
	r.Real(
		0xb9, 0x03, 0x00, // mov cx, 3
		0xb0, 0x00, // again: mov al, 0 (its immediate is at 1004h)
		0xfe, 0x06, 0x04, 0x10, // inc byte [1004h]
		0xe6, 0x80, // out 80h, al
		0xe2, 0xf6, // loop again
		0xf4)
	r.Run()
	if len(r.Out) != 3 || r.Out[0] != 0 || r.Out[1] != 1 || r.Out[2] != 2 {
		r.T.Errorf("the changed instruction gave %v, want 0 1 2", r.Out)
	}
}

func testMapChange(r *Rig) {
	other, err := memory.NewRAM("other", 4096)
	if err != nil {
		r.T.Fatal(err)
	}
	other.Bytes()[0] = 0x99
	r.Mem.Store(0x5000, 1, 0x11)
	code := []byte{0xa0, 0x00, 0x50, 0xe6, 0x80, 0xf4} // mov al,[5000h]; out 80h,al; hlt
	r.Real(code...)
	r.Run()
	r.Mem.Update(func(e *memory.Edit) { e.Map(nil, 0x5000, other, 1) })
	r.Real(code...)
	r.Run()
	r.Mem.Update(func(e *memory.Edit) { e.Unmap(nil, other) })
	r.Real(code...)
	r.Run()
	if len(r.Out) != 3 || r.Out[0] != 0x11 || r.Out[1] != 0x99 || r.Out[2] != 0x11 {
		r.T.Errorf("the page read as %x, want 11 99 11", r.Out)
	}
}

func testROM(r *Rig) {
	rom, err := memory.NewROM("rom", []byte{0x42})
	if err != nil {
		r.T.Fatal(err)
	}
	r.Mem.Update(func(e *memory.Edit) { e.Map(nil, 0x6000, rom, 1) })
	r.Real(0xc6, 0x06, 0x00, 0x60, 0x55, 0xa0, 0x00, 0x60, 0xe6, 0x80, 0xf4) // mov byte [6000h],55h; mov al,[6000h]; out 80h,al; hlt
	r.Run()
	if len(r.Out) != 1 || r.Out[0] != 0x42 {
		r.T.Errorf("after a store the ROM reads %x, want 42", r.Out)
	}
}

func testDirty(r *Rig) {
	r.RAM.Log(memory.DirtyDisplay, true)
	r.Mem.Update(func(*memory.Edit) {})
	for range 3 { // the page must count anew each time
		r.RAM.TakeDirty(memory.DirtyDisplay, 0, RAMSize)
		r.Real(0xc6, 0x06, 0x00, 0x50, 0x7b, 0xf4) // mov byte [5000h],7bh; hlt
		r.RAM.TakeDirty(memory.DirtyDisplay, 0x1000, 0x1000)
		r.Run()
		if got := r.RAM.TakeDirty(memory.DirtyDisplay, 0x4000, 0x3000)[0]; got != 2 {
			r.T.Errorf("dirty pages from 4000h: %b, want the second alone", got)
		}
	}
}

func testExceptions(r *Rig) {
	b := r.RAM.Bytes()
	b[0], b[1], b[2], b[3] = 0x00, 0x20, 0, 0 // vector 0: 0000:2000
	copy(b[0x2000:], []byte{0xb0, 0xde, 0xe6, 0x80, 0xf4})
	r.Real(0x31, 0xdb, 0xf7, 0xf3) // xor bx,bx; div bx
	r.Run()
	if len(r.Out) != 1 || r.Out[0] != 0xde {
		r.T.Errorf("the handler of #DE wrote %x, want de", r.Out)
	}
	if ip := r.Mem.Load(Origin-6, 2); ip != Origin+2 {
		r.T.Errorf("#DE pushed ip %#x, want that of DIV", ip)
	}
}

func testShutdown(r *Rig) {
	r.Flat(0x0f, 0x0b) // ud2, with an IDT that is not there
	s := r.State()
	s.IDTR = x86.Table{}
	if err := r.CPU.Set(&s); err != nil {
		r.T.Fatal(err)
	}
	for range 100 {
		exit, err := r.CPU.Run()
		if err != nil {
			r.T.Fatal(err)
		}
		if exit == accel.Shutdown {
			return
		}
	}
	r.T.Error("a triple fault did not shut the processor down")
}

func testNMI(r *Rig) {
	b := r.RAM.Bytes()
	b[8], b[9], b[10], b[11] = 0x00, 0x20, 0, 0 // vector 2: 0000:2000
	copy(b[0x2000:], []byte{0xb0, 0x4e, 0xe6, 0x80, 0xf4})
	r.Real(0xeb, 0xfe)
	r.CPU.Signal(accel.NMI, 0)
	r.Run()
	if len(r.Out) != 1 || r.Out[0] != 0x4e {
		r.T.Errorf("the NMI's handler wrote %x, want 4e", r.Out)
	}
}
