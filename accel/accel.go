// Package accel is the contract between the machine and what runs guest code: the software CPU (package cpu) and KVM (package kvm).
package accel

import (
	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// Config is what an accelerator is given to make a VM from.
type Config struct {
	Memory *memory.Space // the system's physical address space
	Ports  *memory.Space // the 64 KiB of I/O ports
	Clock  clock.Clock   // virtual time; the TSC runs at 1 GHz on it
	Model  string        // CPU model: "qemu64", "max"; "" is the accelerator's default
	// Features switches CPUID features on and off by name ("sse3": true), after the model.
	Features map[string]bool
	CPUs     int // how many vCPUs there will be at most
	// FERR is the pin that an x87 exception raises when CR0.NE is clear: IRQ 13 by way of the board, which lowers it at a write to port
	// F0. nil: not wired. An accelerator with interrupt controllers of its own has it inside.
	FERR hw.Line
	// Stepper runs one instruction for an accelerator that cannot (KVM's emulation failures); nil: there is none.
	Stepper Stepper
}

// Accelerator makes VMs.
type Accelerator interface {
	Name() string // as -accel spells it
	NewVM(Config) (VM, error)
}

// VM is one guest's processors and, where the accelerator has them, interrupt controllers.
type VM interface {
	// NewVCPU makes the processor with the given number (its APIC id). mem is the memory it sees: the system's, with its local
	// APIC page and SMRAM over it. intr is its side of its local APIC; nil for an accelerator with interrupt controllers of its own.
	NewVCPU(id int, mem *memory.Space, intr Interrupts) (VCPU, error)
	// IRQChip is the accelerator's interrupt controllers (8259s, IOAPIC, local APICs); nil: the board brings ours.
	IRQChip() hw.IRQChip
	Close() error
}

// Interrupts is a processor's side of its local APIC and of the 8259s behind LINT0. All methods are called by the vCPU's own goroutine.
type Interrupts interface {
	// Pending reports whether an interrupt waits that the task priority lets through.
	Pending() bool
	// Ack takes the interrupt: the vector to deliver (the spurious vector if it has gone meanwhile).
	Ack() uint8
	TPR() uint8 // CR8: bits 7–4 of the task priority register
	SetTPR(uint8)
	// ReadMSR and WriteMSR are the registers at APIC_BASE (1B), TSC_DEADLINE (6E0) and x2APIC's (800–8FF); false: #GP.
	ReadMSR(uint32) (uint64, bool)
	WriteMSR(index uint32, val uint64) bool
	// Reset is INIT's effect on the local APIC.
	Reset()
}

// Exit is why Run returned.
type Exit uint8

// Exits.
const (
	Kicked   Exit = iota // Kick was called, or for no reason at all
	Halted               // the processor is in HLT (or waits for a start-up IPI) and nothing is pending: Run again after a Kick or Signal
	Shutdown             // triple fault
	Debug                // a breakpoint or single step of the debugger's
)

// Signal is an event from outside, besides ordinary interrupts.
type Signal uint8

// Signals.
const (
	NMI Signal = iota
	SMI
	INIT
	SIPI // with the page to start at
	Intr // look at Interrupts.Pending again
)

// VCPU is one processor. Run, Get, Set and Close belong to one goroutine.
type VCPU interface {
	// Run runs guest code until the machine must decide. MMIO and ports never surface: they are served inside from the Spaces.
	Run() (Exit, error)
	// Kick makes Run return Kicked soon, or the next Run at once. Any goroutine may call it, with its locks held; spurious returns are legal.
	Kick()
	// Signal delivers an event; vector matters to SIPI alone. Any goroutine may call it, with its locks held. It ends a Halted state
	// as the event deserves; the machine, told by OnWake, must call Run again.
	Signal(s Signal, vector uint8)
	// OnWake sets what is called, from any goroutine, whenever a Signal or Kick may end a Halted state. Set before the first Run.
	OnWake(func())
	Get(*x86.State) error
	Set(*x86.State) error
	Close() error
}

// Forgetter is what a VCPU may be besides: one that keeps translated guest code. Found by type assertion.
type Forgetter interface {
	// Forget drops it: a machine that is reset runs other code. It belongs to the goroutine that Run does.
	Forget()
}

// Debugger is what a VCPU may be besides: one that stops for a debugger outside the guest. Found by type assertion. Its methods belong to the
// goroutine that Run does.
type Debugger interface {
	// SetStops replaces what ends Run with Debug. The error says what this processor cannot do.
	SetStops(Stops) error
	// Stopped says why Run has returned Debug.
	Stopped() Stop
}

// Stops are what a debugger wants to be told of.
type Stops struct {
	Step   bool // each instruction; interrupts wait meanwhile where the accelerator can hold them
	Points []Point
}

// Point is a place that a debugger watches.
type Point struct {
	Kind PointKind
	Addr uint64 // linear
	Len  uint64 // in bytes, of a watchpoint
}

// PointKind says what happens at a Point.
type PointKind uint8

// Kinds of points. A breakpoint stops before its instruction, a watchpoint after the one that touches it.
const (
	BreakExec PointKind = iota
	WatchWrite
	WatchRead
	WatchAccess
)

// Stop says why a processor stopped.
type Stop struct {
	Found bool // at Point; else after a step
	Point Point
	At    uint64 // of a watchpoint: the address that was touched
}

// Stepper runs one instruction of a processor in another processor's state.
type Stepper interface {
	// Step runs the instruction at s.RIP, through mem and ports, and leaves s after it (in the exception's handler if it faults).
	Step(s *x86.State, mem, ports *memory.Space) error
}
