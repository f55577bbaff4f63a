// Package kvm runs guest code on the Linux kernel's virtual machine (Documentation/virt/kvm/api.rst): memory slots follow the machine's
// Space, interrupt controllers and PIT are the kernel's, MMIO and ports are served from the Spaces without leaving Run.
//
// An instruction that the kernel cannot emulate (KVM_EXIT_INTERNAL_ERROR, suberror 1) is stepped over by Config.Stepper, where there is one.
// Left out: SMM (the board does not offer it to firmware under KVM) and nested virtualisation.
package kvm

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"govm-desktop/accel"
	"govm-desktop/hw"
)

const device = "/dev/kvm"

// Accelerator implements accel.Accelerator.
type Accelerator struct{}

// New returns the accelerator; whether it works here NewVM says.
func New() *Accelerator { return &Accelerator{} }

// Name implements accel.Accelerator.
func (*Accelerator) Name() string { return "kvm" }

// Usable reports whether KVM is worth being chosen without having been asked for: the device opens, and hardware virtualisation stands behind it. A
// KVM without hardware runs a guest's kernel a hundred times slower than the software CPU does. why says in a few words what was found.
func Usable() (ok bool, why string) {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return false, reason(err)
	}
	f.Close()
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil && hasVirtualization(string(b)) {
		return true, device + " with hardware virtualisation"
	}
	for _, m := range []string{"kvm_intel", "kvm_amd"} {
		if _, err := os.Stat("/sys/module/" + m + "/parameters"); err == nil {
			return true, device + " with " + m
		}
	}
	return false, device + " has no hardware virtualisation (vmx or svm) behind it"
}

// hasVirtualization looks for vmx or svm among the flags of /proc/cpuinfo.
func hasVirtualization(cpuinfo string) bool {
	for line := range strings.Lines(cpuinfo) {
		if name, flags, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "flags" {
			for _, f := range strings.Fields(flags) {
				if f == "vmx" || f == "svm" {
					return true
				}
			}
			return false
		}
	}
	return false
}

func reason(err error) string {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return device + " does not exist (no virtualisation, or kvm modules not loaded)"
	case errors.Is(err, os.ErrPermission):
		return device + ": permission denied (join the group kvm)"
	}
	return err.Error()
}

// VM implements accel.VM.
type VM struct {
	cfg   accel.Config
	sys   *os.File // /dev/kvm
	fd    int
	cpuid *cpuidList
	chip  *irqChip
	slots *slots
	size  int // of a runPage

	mu   sync.Mutex // guards everything below
	cpus []*VCPU
}

// NewVM implements accel.Accelerator.
func (a *Accelerator) NewVM(cfg accel.Config) (accel.VM, error) { return a.newVM(cfg, true) }

// NewBareVM returns a VM without interrupt controllers and PIT: a processor, memory and ports.
func (a *Accelerator) NewBareVM(cfg accel.Config) (accel.VM, error) { return a.newVM(cfg, false) }

func (a *Accelerator) newVM(cfg accel.Config, chips bool) (accel.VM, error) {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("kvm: %s: use -accel soft", reason(err))
	}
	v := &VM{cfg: cfg, sys: f, fd: -1}
	if err := v.setUp(chips); err != nil {
		v.Close()
		return nil, fmt.Errorf("kvm: %w", err)
	}
	return v, nil
}

func (v *VM) setUp(chips bool) error {
	dev := int(v.sys.Fd())
	if n, err := ioctl(dev, reqGetAPIVersion, 0); err != nil || n != 12 {
		return fmt.Errorf("%s speaks API version %d, 12 is needed", device, n)
	}
	for _, c := range []struct {
		cap  uintptr
		what string
	}{{capUserMemory, "user memory"}, {capIRQChip, "interrupt controllers"}, {capPIT2, "a PIT"}, {capReadonlyMem, "read-only memory"},
		{capImmediateExit, "immediate exit"}, {capXSave, "XSAVE state"}, {capSignalMSI, "message-signalled interrupts"}} {
		if n, err := ioctl(dev, reqCheckExtension, c.cap); err != nil || n == 0 {
			return fmt.Errorf("the kernel offers no %s: use -accel soft", c.what)
		}
	}
	var err error
	if v.size, err = ioctl(dev, reqGetVCPUMmapSize, 0); err != nil {
		return err
	}
	if v.fd, err = ioctl(dev, reqCreateVM, 0); err != nil {
		v.fd = -1
		return fmt.Errorf("cannot make a VM: %w", err)
	}
	if v.cpuid, err = supportedCPUID(dev, v.cfg.Model, v.cfg.Features); err != nil {
		return err
	}
	if err := v.place(); err != nil {
		return err
	}
	if chips {
		if v.chip, err = newIRQChip(v); err != nil {
			return err
		}
	}
	v.slots = newSlots(v)
	v.cfg.Memory.Listen(v.slots)
	return v.slots.failure()
}

// place gives the kernel the four pages below the BIOS that VMX without unrestricted guests needs: a TSS and an identity map.
func (v *VM) place() error {
	identity := uint64(0xfffbc000)
	if err := call(v.fd, reqSetIdentityMapAddr, &identity); err != nil {
		return fmt.Errorf("identity map: %w", err)
	}
	if _, err := ioctl(v.fd, reqSetTSSAddr, 0xfffbd000); err != nil {
		return fmt.Errorf("TSS: %w", err)
	}
	return nil
}

// IRQChip implements accel.VM.
func (v *VM) IRQChip() hw.IRQChip {
	if v.chip == nil {
		return nil
	}
	return v.chip
}

// KernelPIT reports that the kernel answers the PIT's ports and port 61: the board brings neither.
func (v *VM) KernelPIT() bool { return v.chip != nil }

// HPETLegacy is the wire by which an HPET takes IRQ 0 from the PIT.
func (v *VM) HPETLegacy() hw.Line {
	return hw.LineFunc(func(high bool) {
		var s pitState
		if call(v.fd, reqGetPIT2, &s) != nil {
			return
		}
		s.Flags &^= pitHPETLegacy
		if high {
			s.Flags |= pitHPETLegacy
		}
		call(v.fd, reqSetPIT2, &s)
	})
}

// Close implements accel.VM. Preconditions: every VCPU is closed.
func (v *VM) Close() error {
	if v.slots != nil {
		v.slots.close()
	}
	if v.fd >= 0 {
		unix.Close(v.fd)
		v.fd = -1
	}
	return v.sys.Close()
}
