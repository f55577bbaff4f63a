// Package hw is the contract between a board and the devices on it: what every device must be, and the wires and buses it is given.
// Devices never know who is at the other end of a wire.
package hw

import (
	"io"

	"govm-desktop/snapshot"
)

// Cause says why a device is reset.
type Cause uint8

// Causes of a reset.
const (
	PowerOn  Cause = iota // the machine is switched on
	Hard                  // the reset line of the board: port CF9, keyboard controller, triple fault, system_reset
	Soft                  // of the processor alone (INIT); devices see it only where they are wired to it
	WakeUp                // from ACPI S3
	BusReset              // of the bus the device sits on
)

// Device is all that every device must be; its name is given by the board.
type Device interface {
	// Reset puts the device in its reset state. It touches local state only: no line is driven, no timer is left armed, nothing is sent.
	// The board has lowered all lines before.
	Reset(Cause)
	// State saves or loads. Preconditions: the machine is stopped and the device drained.
	State(*snapshot.Coder)
}

// Optional abilities of a device, found by type assertion.
type (
	// Starter is called after every device has been Reset or loaded: the time to drive lines and arm timers.
	Starter interface{ Start() }
	// Drainer waits until no request of the device is under way.
	Drainer interface{ Drain() }
	// Inspector prints the device's state for people.
	Inspector interface{ Inspect(w io.Writer) }
)

// Line is one wire. Set is idempotent, may be called from any goroutine with the caller's locks held, and never blocks.
type Line interface{ Set(high bool) }

// LineFunc makes a function a Line. Unlike a wire's, its calls need not alternate.
type LineFunc func(high bool)

// Set implements Line.
func (f LineFunc) Set(high bool) { f(high) }

// NoLine is a wire that ends nowhere.
var NoLine Line = LineFunc(func(bool) {})

// Pulse sends an edge.
func Pulse(l Line) {
	l.Set(true)
	l.Set(false)
}

// MSI takes message-signalled interrupts: writes of a 32-bit word to an address in the FEExxxxx range.
type MSI interface {
	Send(addr uint64, data uint32)
}

// DMA is a device's way to memory. It reaches RAM only, by contract: bytes that decode to a device read as ones and are dropped when written,
// and the call then returns an error, which the device reports as its datasheet says for a failed cycle.
type DMA interface {
	io.ReaderAt
	io.WriterAt
	// Slice returns guest RAM itself, as much as lies together from addr (at most n bytes; nil if addr is not RAM, or not
	// writable RAM where write is set). Whoever has written through it says so by Wrote.
	Slice(addr, n uint64, write bool) []byte
	// Wrote tells the rest of the machine (screens, translated code) that the bytes have changed.
	Wrote(addr, n uint64)
}

// IRQChip is the board's interrupt controllers seen from the devices' side; whether they are ours or the kernel's, the board cannot tell.
type IRQChip interface {
	Device
	MSI
	// Input is the wire of a global system interrupt: 0–15 reach the 8259s and the IOAPIC, 16–23 the IOAPIC alone.
	Input(gsi int) Line
}
