package kvm

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"govm-desktop/accel"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// VCPU implements accel.VCPU.
type VCPU struct {
	vm   *VM
	id   int
	fd   int
	run  runPage
	pid  int
	wake func()

	tid       atomic.Int64 // of the thread in Run; 0: none
	kicked    atomic.Bool
	lapicBoot lapicState // as the kernel made it

	points []accel.Point // that a debugger has set
	rescue int           // instructions that the Stepper has run for the kernel

	mu   sync.Mutex // guards everything below
	nmi  bool
	init bool
}

// NewVCPU implements accel.VM. mem and intr are of no use here: local APIC and SMRAM are the kernel's.
func (v *VM) NewVCPU(id int, _ *memory.Space, _ accel.Interrupts) (accel.VCPU, error) {
	c := &VCPU{vm: v, id: id, pid: unix.Getpid(), wake: func() {}}
	var err error
	if c.fd, err = ioctl(v.fd, reqCreateVCPU, uintptr(id)); err != nil {
		return nil, fmt.Errorf("kvm: cannot make processor %d: %w", id, err)
	}
	if c.run.mem, err = unix.Mmap(c.fd, 0, v.size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		unix.Close(c.fd)
		return nil, fmt.Errorf("kvm: processor %d: %w", id, err)
	}
	list := v.cpuid.forCPU(id, max(1, v.cfg.CPUs))
	if err := call(c.fd, reqSetCPUID2, list); err != nil {
		c.Close()
		return nil, fmt.Errorf("kvm: processor %d: CPUID: %w", id, err)
	}
	if v.chip != nil {
		if err := call(c.fd, reqGetLAPIC, &c.lapicBoot); err != nil {
			c.Close()
			return nil, fmt.Errorf("kvm: processor %d: local APIC: %w", id, err)
		}
	}
	s := x86.Reset(id == 0)
	if err := c.Set(&s); err != nil {
		c.Close()
		return nil, err
	}
	v.mu.Lock()
	v.cpus = append(v.cpus, c)
	v.mu.Unlock()
	return c, nil
}

// OnWake implements accel.VCPU. The kernel's processors wait inside Run, so that nobody needs to be woken.
func (c *VCPU) OnWake(f func()) { c.wake = f }

// Kick implements accel.VCPU. immediate_exit catches a thread on its way into KVM_RUN, the signal one that is inside; SIGURG is what the Go
// runtime preempts with, so that it is always handled and means nothing.
func (c *VCPU) Kick() {
	c.kicked.Store(true)
	c.run.setImmediateExit(true)
	if tid := c.tid.Load(); tid != 0 {
		unix.Tgkill(c.pid, int(tid), unix.SIGURG)
	}
}

// Signal implements accel.VCPU.
func (c *VCPU) Signal(s accel.Signal, _ uint8) {
	c.mu.Lock()
	switch s {
	case accel.NMI:
		c.nmi = true
	case accel.INIT:
		c.init = true
	}
	c.mu.Unlock()
	c.Kick()
	c.wake()
}

// signals hands over what came by Signal: these calls wait for the processor, so that its own thread makes them.
func (c *VCPU) signals() error {
	c.mu.Lock()
	nmi, init := c.nmi, c.init
	c.nmi, c.init = false, false
	c.mu.Unlock()
	if init {
		s := x86.Reset(c.id == 0)
		if err := c.Set(&s); err != nil {
			return err
		}
	}
	if nmi {
		if _, err := ioctl(c.fd, reqNMI, 0); err != nil {
			return fmt.Errorf("kvm: NMI: %w", err)
		}
	}
	return nil
}

// consumeKick takes a Kick; the order is the opposite of Kick's, so that none is lost.
func (c *VCPU) consumeKick() bool {
	if !c.kicked.Swap(false) {
		return false
	}
	c.run.setImmediateExit(false)
	return true
}

// Run implements accel.VCPU.
func (c *VCPU) Run() (accel.Exit, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c.tid.Store(int64(unix.Gettid()))
	defer c.tid.Store(0)
	if err := c.signals(); err != nil {
		return accel.Kicked, err
	}
	for {
		if c.consumeKick() {
			return accel.Kicked, nil
		}
		_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(c.fd), reqRun, 0)
		switch e {
		case 0:
		case unix.EINTR:
			continue
		case unix.EAGAIN: // an application processor that has not been started
			if c.vm.chip == nil {
				return accel.Halted, nil
			}
			continue
		default:
			return accel.Kicked, fmt.Errorf("kvm: KVM_RUN: %w", e)
		}
		if exit, done, err := c.exit(); done || err != nil {
			return exit, err
		}
	}
}

// exit serves what KVM_RUN ended for; done: the machine must decide.
func (c *VCPU) exit() (exit accel.Exit, done bool, err error) {
	switch reason := c.run.u32(runExitReason); reason {
	case exitIO:
		c.io()
	case exitMMIO:
		c.mmio()
	case exitHLT:
		return accel.Halted, true, nil
	case exitShutdown:
		return accel.Shutdown, true, nil
	case exitDebug:
		return accel.Debug, true, nil
	case exitIntr, exitIRQWindow, exitUnknown:
	case exitSystemEvent:
		return accel.Shutdown, true, nil
	case exitInternalError:
		return accel.Kicked, false, c.internalError()
	case exitFailEntry:
		return accel.Kicked, false, fmt.Errorf("kvm: the processor refused the state (reason %#x)", c.run.u64(failReason))
	default:
		return accel.Kicked, false, fmt.Errorf("kvm: unexpected exit %d", reason)
	}
	return accel.Kicked, false, nil
}

func (c *VCPU) io() {
	size, port := int(c.run.u8(ioSize)), uint64(c.run.u16(ioPort))
	at := int(c.run.u64(ioDataOffset))
	data := c.run.mem[at : at+size*int(c.run.u32(ioCount))]
	ports, in := c.vm.cfg.Ports.View(), c.run.u8(ioDirection) == 0
	if len(data) > size { // REP INS or OUTS: some devices move many at once
		n := 0
		if in {
			n = ports.ReadRepeated(port, size, data)
		} else {
			n = ports.WriteRepeated(port, size, data)
		}
		at, data = at+n, data[n:]
	}
	for ; len(data) > 0; at, data = at+size, data[size:] {
		if in {
			c.run.store(at, size, ports.Load(port, size))
		} else {
			ports.Store(port, size, c.run.load(at, size))
		}
	}
}

func (c *VCPU) mmio() {
	addr, n := c.run.u64(mmioAddr), int(c.run.u32(mmioLen))
	mem := c.vm.cfg.Memory.View()
	for off := 0; off < n; {
		size := n - off
		for size&(size-1) != 0 || size > 8 {
			size--
		}
		if c.run.u8(mmioIsWrite) == 0 {
			c.run.store(mmioData+off, size, mem.Load(addr+uint64(off), size))
		} else {
			mem.Store(addr+uint64(off), size, c.run.load(mmioData+off, size))
		}
		off += size
	}
}

// internalError steps over an instruction that the kernel cannot emulate.
func (c *VCPU) internalError() error {
	sub := c.run.u32(internalSuberror)
	var s x86.State
	if err := c.Get(&s); err != nil {
		return err
	}
	if sub != suberrorEmulation || c.vm.cfg.Stepper == nil {
		return fmt.Errorf("kvm: internal error %d at rip %#x: use -accel soft", sub, s.RIP)
	}
	if err := c.vm.cfg.Stepper.Step(&s, c.vm.cfg.Memory, c.vm.cfg.Ports); err != nil {
		return fmt.Errorf("kvm: emulation failure at rip %#x: %w", s.RIP, err)
	}
	c.rescue++
	return c.Set(&s)
}

// Rescued is how many instructions the Stepper has run. Preconditions: as for Run.
func (c *VCPU) Rescued() int { return c.rescue }

// Close implements accel.VCPU.
func (c *VCPU) Close() error {
	if err := unix.Munmap(c.run.mem); err != nil {
		return fmt.Errorf("kvm: %w", err)
	}
	return unix.Close(c.fd)
}
