// Package examples shows how to run guest code with nothing around it: a processor, some memory and a port, on either accelerator. Its testable
// examples are a newcomer's way into the code.
package examples

import (
	"fmt"
	"io"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/cpu"
	"govm-desktop/kvm"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// Machine is the smallest there is: a processor, 64 KiB of RAM from address 0, and I/O ports.
type Machine struct {
	RAM   *memory.Region
	Ports *memory.Space
	CPU   accel.VCPU

	vm accel.VM
}

// New builds a machine on an accelerator: "soft" or "kvm".
func New(accelerator string) (*Machine, error) {
	ram, err := memory.NewRAM("ram", 64<<10)
	if err != nil {
		return nil, err
	}
	m := &Machine{RAM: ram, Ports: memory.NewSpace("ports", 1<<16)}
	mem := memory.NewSpace("memory", 1<<52)
	mem.Update(func(e *memory.Edit) { e.Map(nil, 0, ram, 0) })
	cfg := accel.Config{Memory: mem, Ports: m.Ports, Clock: clock.NewManual(), CPUs: 1}
	switch accelerator {
	case "kvm":
		m.vm, err = kvm.New().NewBareVM(cfg)
	default:
		m.vm, err = cpu.New().NewVM(cfg)
	}
	if err != nil {
		return nil, err
	}
	m.CPU, err = m.vm.NewVCPU(0, mem, nil)
	return m, err
}

// Port has out called for every byte that the guest writes to a port.
func (m *Machine) Port(n uint16, out func(byte)) {
	r := memory.NewIO("port", 1, port(out), memory.Widths{Max: 1})
	m.Ports.Update(func(e *memory.Edit) { e.Map(nil, uint64(n), r, 0) })
}

type port func(byte)

// Read implements memory.Handler.
func (port) Read(uint64, int) uint64 { return 0xff }

// Write implements memory.Handler.
func (p port) Write(_ uint64, _ int, val uint64) { p(byte(val)) }

// Start puts code at an address and makes the processor begin there, in real mode with all segments at 0.
func (m *Machine) Start(addr uint16, code []byte, regs func(*x86.State)) error {
	copy(m.RAM.Bytes()[addr:], code)
	s := x86.Reset(true)
	s.Seg[x86.CS].Selector, s.Seg[x86.CS].Base = 0, 0
	s.RIP = uint64(addr)
	if regs != nil {
		regs(&s)
	}
	return m.CPU.Set(&s)
}

// Close gives everything back.
func (m *Machine) Close() {
	m.CPU.Close()
	m.vm.Close()
	m.RAM.Free()
}

// AddAndPrint runs the classic first program of KVM: it adds ax and bx, prints the digit and a newline on the serial port, and halts.
func AddAndPrint(accelerator string, w io.Writer) error {
	m, err := New(accelerator)
	if err != nil {
		return err
	}
	defer m.Close()
	m.Port(0x3f8, func(b byte) { w.Write([]byte{b}) })
	code := []byte{
		0xba, 0xf8, 0x03, // mov dx, 3f8h
		0x00, 0xd8, // add al, bl
		0x04, '0', // add al, '0'
		0xee,       // out dx, al
		0xb0, '\n', // mov al, 0ah
		0xee, // out dx, al
		0xf4, // hlt
	}
	err = m.Start(0x1000, code, func(s *x86.State) { s.GPR[x86.RAX], s.GPR[x86.RBX] = 2, 2 })
	if err != nil {
		return err
	}
	exit, err := m.CPU.Run()
	if err == nil && exit != accel.Halted {
		err = fmt.Errorf("the processor stopped with exit %d, not by HLT", exit)
	}
	return err
}

// Count runs a loop that counts up on port 10h until it has written n values, and prints them.
func Count(accelerator string, w io.Writer, n int) error {
	m, err := New(accelerator)
	if err != nil {
		return err
	}
	defer m.Close()
	seen := 0
	m.Port(0x10, func(b byte) {
		if seen++; seen <= n {
			fmt.Fprintln(w, b)
		}
		if seen == n {
			m.CPU.Kick()
		}
	})
	code := []byte{
		0x30, 0xc0, // xor al, al
		0xe6, 0x10, // again: out 10h, al
		0xfe, 0xc0, // inc al
		0xeb, 0xfa, // jmp again
	}
	if err := m.Start(0x1000, code, nil); err != nil {
		return err
	}
	for seen < n {
		if _, err := m.CPU.Run(); err != nil {
			return err
		}
	}
	return nil
}
