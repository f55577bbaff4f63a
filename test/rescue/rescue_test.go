// Package rescue tests that KVM guests survive instructions which the kernel cannot emulate: the software CPU steps over them.
package rescue

import (
	"os"
	"testing"

	"govm-desktop/accel"
	"govm-desktop/accel/acceltest"
	"govm-desktop/cpu"
	"govm-desktop/kvm"
	"govm-desktop/x86"
)

func newRig(t *testing.T, step bool) *acceltest.Rig {
	t.Helper()
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("KVM: %v", err)
	}
	f.Close()
	return acceltest.NewRig(t, func(cfg accel.Config) (accel.VM, error) {
		if step {
			var err error
			if cfg.Stepper, err = cpu.NewStepper("max", nil); err != nil {
				return nil, err
			}
		}
		return kvm.New().NewBareVM(cfg)
	})
}

// cmpxchg16b compares 16 bytes at 3000h with rdx:rax, and puts rcx:rbx there, in ring 0.
var cmpxchg16b = []byte{
	0x48, 0xc7, 0xc0, 1, 0, 0, 0, // mov rax, 1
	0x48, 0xc7, 0xc2, 2, 0, 0, 0, // mov rdx, 2
	0x48, 0xc7, 0xc3, 3, 0, 0, 0, // mov rbx, 3
	0x48, 0xc7, 0xc1, 4, 0, 0, 0, // mov rcx, 4
	0x48, 0xc7, 0xc6, 0x00, 0x30, 0, 0, // mov rsi, 3000h
	0xf0, 0x48, 0x0f, 0xc7, 0x0e, // lock cmpxchg16b [rsi]
	0xf4,
}

func TestCmpxchg16b_ring0(t *testing.T) {
	for _, c := range []struct {
		name     string
		lo, hi   uint64 // in memory before
		equal    bool
		wantMem  [2]uint64
		wantRegs [2]uint64 // rax, rdx
	}{
		{"equal", 1, 2, true, [2]uint64{3, 4}, [2]uint64{1, 2}},
		{"different", 1, 5, false, [2]uint64{1, 5}, [2]uint64{1, 5}},
	} {
		r := newRig(t, true)
		r.Mem.Store(0x3000, 8, c.lo)
		r.Mem.Store(0x3008, 8, c.hi)
		r.Long(cmpxchg16b...)
		s := r.Run()
		if got := [2]uint64{r.Mem.Load(0x3000, 8), r.Mem.Load(0x3008, 8)}; got != c.wantMem {
			t.Errorf("%s: memory has %x, want %x", c.name, got, c.wantMem)
		}
		if got := [2]uint64{s.GPR[x86.RAX], s.GPR[x86.RDX]}; got != c.wantRegs || (s.RFLAGS&x86.FlagZF != 0) != c.equal {
			t.Errorf("%s: rax, rdx = %x, flags %#x", c.name, got, s.RFLAGS)
		}
		t.Logf("%s: %d instructions were run for the kernel", c.name, r.CPU.(*kvm.VCPU).Rescued())
	}
}
