package kvm

import (
	"os"
	"testing"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

func needKVM(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		t.Skipf("KVM: %v", err)
	}
	f.Close()
}

// bareVM is a processor with 64 KiB of RAM and a port that records what is written.
type bareVM struct {
	ram  *memory.Region
	out  []byte
	vm   accel.VM
	vcpu accel.VCPU
}

func (b *bareVM) Read(uint64, int) uint64           { return 0 }
func (b *bareVM) Write(_ uint64, _ int, val uint64) { b.out = append(b.out, byte(val)) }

func newBare(t *testing.T, step accel.Stepper) *bareVM {
	t.Helper()
	needKVM(t)
	ram, err := memory.NewRAM("ram", 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	b := &bareVM{ram: ram}
	mem, ports := memory.NewSpace("memory", 1<<52), memory.NewSpace("ports", 1<<16)
	mem.Update(func(e *memory.Edit) { e.Map(nil, 0, ram, 0) })
	ports.Update(func(e *memory.Edit) { e.Map(nil, 0x3f8, memory.NewIO("serial", 1, b, memory.Widths{Max: 1}), 0) })
	if b.vm, err = New().NewBareVM(accel.Config{Memory: mem, Ports: ports, Clock: clock.NewManual(), CPUs: 1, Stepper: step}); err != nil {
		t.Fatal(err)
	}
	if b.vcpu, err = b.vm.NewVCPU(0, mem, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.vcpu.Close()
		b.vm.Close()
		ram.Free()
	})
	return b
}

func (b *bareVM) start(t *testing.T, code []byte, set func(*x86.State)) {
	t.Helper()
	copy(b.ram.Bytes()[0x1000:], code)
	s := x86.Reset(true)
	s.Seg[x86.CS] = x86.Segment{Limit: 0xffff, Attr: s.Seg[x86.CS].Attr}
	s.RIP = 0x1000
	if set != nil {
		set(&s)
	}
	if err := b.vcpu.Set(&s); err != nil {
		t.Fatal(err)
	}
}

func TestRun_portsAndHalt(t *testing.T) {
	b := newBare(t, nil)
	b.start(t, []byte{0xba, 0xf8, 0x03, 0x00, 0xd8, 0x04, 0x30, 0xee, 0xb0, 0x0a, 0xee, 0xf4}, func(s *x86.State) { s.GPR[x86.RAX], s.GPR[x86.RBX] = 2, 2 })
	exit, err := b.vcpu.Run()
	if err != nil || exit != accel.Halted {
		t.Fatalf("Run = %v, %v, want Halted", exit, err)
	}
	if string(b.out) != "4\n" {
		t.Errorf("the port got %q, want %q", b.out, "4\n")
	}
}

func TestKick_endsALoop(t *testing.T) {
	b := newBare(t, nil)
	b.start(t, []byte{0xeb, 0xfe}, nil) // jmp $
	done := make(chan accel.Exit)
	go func() {
		exit, err := b.vcpu.Run()
		if err != nil {
			t.Error(err)
		}
		done <- exit
	}()
	b.vcpu.Kick()
	if exit := <-done; exit != accel.Kicked {
		t.Errorf("Run = %v, want Kicked", exit)
	}
}

func TestState_roundTrip(t *testing.T) {
	b := newBare(t, nil)
	var in, out x86.State
	in = x86.Reset(true)
	for i := range in.GPR {
		in.GPR[i] = uint64(i+1) * 0x0101010101010101
	}
	in.FPU.FSW = 5 << 11
	in.FPU.Tags = 0x20
	in.FPU.Regs[5] = x86.Float80{Sig: 0x8000000000000000, SE: 0x3fff}
	in.FPU.XMM[7] = [2]uint64{1, 2}
	in.KernelGSBase = 0xffff800000000000
	if err := b.vcpu.Set(&in); err != nil {
		t.Fatal(err)
	}
	if err := b.vcpu.Get(&out); err != nil {
		t.Fatal(err)
	}
	if in.GPR != out.GPR || in.RIP != out.RIP || in.Seg != out.Seg || in.KernelGSBase != out.KernelGSBase {
		t.Errorf("integer state changed:\n%+v\n%+v", in, out)
	}
	if in.FPU.Regs != out.FPU.Regs || in.FPU.FSW != out.FPU.FSW || in.FPU.Tags != out.FPU.Tags || in.FPU.XMM != out.FPU.XMM {
		t.Errorf("FPU state changed:\n%+v\n%+v", in.FPU, out.FPU)
	}
}

func TestDirtyLog_guestStores(t *testing.T) {
	needKVM(t)
	b := newBare(t, nil)
	b.ram.Log(memory.DirtyDisplay, true)
	b.vm.(*VM).cfg.Memory.Update(func(*memory.Edit) {})
	b.ram.TakeDirty(memory.DirtyDisplay, 0, b.ram.Size())
	b.start(t, []byte{0xc6, 0x06, 0x00, 0x50, 0x7b, 0xf4}, nil) // mov byte [5000h], 7bh; hlt
	if exit, err := b.vcpu.Run(); err != nil || exit != accel.Halted {
		t.Fatalf("Run = %v, %v", exit, err)
	}
	if got := b.ram.TakeDirty(memory.DirtyDisplay, 0, b.ram.Size())[0]; got != 1<<5 {
		t.Errorf("dirty pages %#x, want page 5 alone", got)
	}
	if !b.ram.Polled() {
		t.Error("the region does not say that its log must be polled")
	}
}
