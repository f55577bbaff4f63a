package main

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"govm-desktop/examples"
	"govm-desktop/test/vm"
)

// countLoop is xor al, al; again: out 10h, al; inc al; jmp again: an exit for every third instruction.
var countLoop = [...]byte{0x30, 0xc0, 0xe6, 0x10, 0xfe, 0xc0, 0xeb, 0xfa}

const (
	exitRuns  = 20   // of each kind, one after the other
	exitCount = 4000 // exits in a run
	countAt   = 0x1000
)

// exit measures what our dispatch adds to a port exit of KVM's: the same guest is run by our accelerator, which finds the port's handler, and
// by a loop with nothing in it but the ioctl. The thread's own processor time counts, so that other programs do not.
func (b *bench) exit() error {
	if err := vm.KVM(); err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	bare, err := newBare()
	if err != nil {
		return err
	}
	defer bare.close()
	full, err := newFull()
	if err != nil {
		return err
	}
	defer full.m.Close()
	var bares, fulls, over []time.Duration
	for i := range exitRuns + 1 {
		x, err := perExit(bare.run)
		if err != nil {
			return err
		}
		y, err := perExit(full.run)
		if err != nil {
			return err
		}
		if i > 0 { // the first one warms up
			bares, fulls, over = append(bares, x), append(fulls, y), append(over, y-x)
		}
	}
	b.rows = append(b.rows,
		row{what: "KVM port exit above the bare loop", ours: fmt.Sprint(median(over)), target: "≤ 300 ns", verdict: judge(median(over) <= 300)},
		row{what: "KVM port exit, all; bare loop's", ours: fmt.Sprint(median(fulls)), qemu: fmt.Sprint(median(bares), " (bare)")})
	return nil
}

func median(d []time.Duration) time.Duration {
	s := slices.Sorted(slices.Values(d))
	return s[len(s)/2]
}

// perExit is the processor time that this thread uses for an exit.
func perExit(run func(n int) error) (time.Duration, error) {
	before, err := threadTime()
	if err != nil {
		return 0, err
	}
	if err := run(exitCount); err != nil {
		return 0, err
	}
	after, err := threadTime()
	return (after - before) / exitCount, err
}

func threadTime() (time.Duration, error) {
	var t unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano()), err
}

// full is the guest on our accelerator.
type full struct {
	m    *examples.Machine
	left int
}

func newFull() (*full, error) {
	m, err := examples.New("kvm")
	if err != nil {
		return nil, err
	}
	f := &full{m: m}
	m.Port(0x10, func(byte) {
		if f.left--; f.left == 0 {
			m.CPU.Kick()
		}
	})
	return f, m.Start(countAt, countLoop[:], nil)
}

func (f *full) run(n int) error {
	for f.left = n; f.left > 0; {
		if _, err := f.m.CPU.Run(); err != nil {
			return err
		}
	}
	return nil
}

// bare is the guest with the least that KVM can be used with.
type bare struct {
	kvm, vm, cpu int
	ram, page    []byte
}

// Numbers of ioctls, and places in the structures (linux/kvm.h).
const (
	kvmCreateVM      = 0xae01
	kvmMmapSize      = 0xae04
	kvmCreateVCPU    = 0xae41
	kvmSetUserMemory = 0x4020ae46
	kvmSetTSSAddr    = 0xae47
	kvmRun           = 0xae80
	kvmSetRegs       = 0x4090ae82
	kvmGetSregs      = 0x8138ae83
	kvmSetSregs      = 0x4138ae84

	regsRIP, regsRFLAGS     = 16 * 8, 17 * 8
	sregsCSBase, sregsCSSel = 0, 12
	exitReason, exitIO      = 8, 2
)

func newBare() (b *bare, err error) {
	b = &bare{}
	if b.kvm, err = unix.Open("/dev/kvm", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return nil, err
	}
	if b.vm, err = number(b.kvm, kvmCreateVM, 0); err != nil {
		return nil, err
	}
	if _, err = number(b.vm, kvmSetTSSAddr, 0xfffbd000); err != nil {
		return nil, err
	}
	if b.ram, err = unix.Mmap(-1, 0, 64<<10, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE); err != nil {
		return nil, err
	}
	copy(b.ram[countAt:], countLoop[:])
	var slot [32]byte // slot, flags, guest address, size, host address
	binary.LittleEndian.PutUint64(slot[16:], uint64(len(b.ram)))
	binary.LittleEndian.PutUint64(slot[24:], address(b.ram))
	if err = structure(b.vm, kvmSetUserMemory, slot[:]); err != nil {
		return nil, err
	}
	if b.cpu, err = number(b.vm, kvmCreateVCPU, 0); err != nil {
		return nil, err
	}
	size, err := number(b.kvm, kvmMmapSize, 0)
	if err != nil {
		return nil, err
	}
	if b.page, err = unix.Mmap(b.cpu, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, err
	}
	return b, b.registers()
}

// registers makes the processor begin at countAt, in real mode.
func (b *bare) registers() error {
	var sregs [0x138]byte
	if err := structure(b.cpu, kvmGetSregs, sregs[:]); err != nil {
		return err
	}
	binary.LittleEndian.PutUint64(sregs[sregsCSBase:], 0)
	binary.LittleEndian.PutUint16(sregs[sregsCSSel:], 0)
	if err := structure(b.cpu, kvmSetSregs, sregs[:]); err != nil {
		return err
	}
	var regs [0x90]byte
	binary.LittleEndian.PutUint64(regs[regsRIP:], countAt)
	binary.LittleEndian.PutUint64(regs[regsRFLAGS:], 2)
	return structure(b.cpu, kvmSetRegs, regs[:])
}

func (b *bare) run(n int) error {
	for n > 0 {
		_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(b.cpu), kvmRun, 0)
		switch reason := binary.LittleEndian.Uint32(b.page[exitReason:]); {
		case e == unix.EINTR:
		case e != 0:
			return e
		case reason != exitIO:
			return fmt.Errorf("the bare loop ended with exit %d", reason)
		default:
			n--
		}
	}
	return nil
}

func (b *bare) close() {
	unix.Munmap(b.page)
	for _, fd := range []int{b.cpu, b.vm, b.kvm} {
		unix.Close(fd)
	}
	unix.Munmap(b.ram)
}

// number is an ioctl with a number.
func number(fd int, req, arg uintptr) (int, error) {
	r, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), req, arg)
	if e != 0 {
		return 0, fmt.Errorf("ioctl %#x: %w", req, e)
	}
	return int(r), nil
}
