// Package pci models conventional PCI as a PC sees it: the bus with its configuration mechanism 1, and the half that all functions on it have
// in common: configuration space with write masks, base address registers that map Regions, expansion ROM, capabilities, INTx, MSI, MSI-X
// and bus mastering. It follows the PCI Local Bus Specification 3.0.
//
// Left out: bridges to further buses (only bus 0 answers), the extended configuration space of PCI Express, parity and the special cycle;
// no guest of an i440FX misses them.
package pci

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"govm-desktop/hw"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// Slots and functions of a bus.
const (
	Slots     = 32
	Functions = 8
)

// Device is a device on the bus: one function of it.
type Device interface {
	hw.Device
	Function() *Function
}

// Config says what a bus is connected to.
type Config struct {
	Memory *memory.Space  // where memory BARs appear
	Hole   *memory.Region // the group of Memory that they are mapped into, at their own addresses; nil: the space itself
	Ports  *memory.Space  // where I/O BARs appear
	DMA    hw.DMA         // what bus masters reach
	MSI    hw.MSI         // nil: messages are lost
	// Route is the wire that a slot's interrupt pin (1 for A to 4 for D) is connected to. It is asked once for each pin in use. nil: no wires.
	Route func(pin, slot int) hw.Line
	// Reset takes the byte accesses to port CF9, which lies inside the address port. nil: nobody.
	Reset memory.Handler
}

// Bus is bus 0. It holds no lock; Add and Remove may be called while the machine runs, but not both at once for one slot.
type Bus struct {
	cfg   Config
	addr  atomic.Uint32 // the CONFIG_ADDRESS latch
	slots [Slots * Functions]atomic.Pointer[plug]
	wires [Slots][4]atomic.Pointer[[]hw.Line] // per pin: a wired OR with an input for each function
}

// plug is where a function sits.
type plug struct {
	bus      *Bus
	slot, fn int
	dev      Device
	line     hw.Line // of the function's interrupt pin
}

// NewBus returns an empty bus.
func NewBus(cfg Config) *Bus { return &Bus{cfg: cfg} }

// ErrOccupied is the cause of a failed Add.
var ErrOccupied = errors.New("another function is there")

// Add plugs a device in. The board does it while building, the monitor at run time; the device has been reset.
func (b *Bus) Add(slot, fn int, d Device) error {
	if slot < 0 || slot >= Slots || fn < 0 || fn >= Functions {
		return fmt.Errorf("pci: no such address %02x.%x", slot, fn)
	}
	f := d.Function()
	p := &plug{bus: b, slot: slot, fn: fn, dev: d, line: b.wire(slot, fn, int(f.Get(InterruptPin, 1)))}
	if f.at.Load() != nil {
		return fmt.Errorf("pci: %02x.%x: the function sits on a bus already", slot, fn)
	}
	if !b.slots[slot*Functions+fn].CompareAndSwap(nil, p) {
		return fmt.Errorf("pci: %02x.%x: %w", slot, fn, ErrOccupied)
	}
	f.plugIn(p)
	return nil
}

// AddFree plugs a device in as function 0 of the first free slot from the given one on.
func (b *Bus) AddFree(from int, d Device) (slot int, err error) {
	for slot = from; slot < Slots; slot++ {
		if !b.used(slot) {
			return slot, b.Add(slot, 0, d)
		}
	}
	return 0, errors.New("pci: no free slot")
}

// Remove unplugs a device, which no longer answers when Remove returns, and returns it, or nil when there was none.
func (b *Bus) Remove(slot, fn int) Device {
	p := b.at(slot, fn)
	if p == nil {
		return nil
	}
	p.dev.Function().unplug()
	b.slots[slot*Functions+fn].Store(nil)
	return p.dev
}

// Device is what is plugged in at an address, or nil.
func (b *Bus) Device(slot, fn int) Device {
	if p := b.at(slot, fn); p != nil {
		return p.dev
	}
	return nil
}

func (b *Bus) at(slot, fn int) *plug {
	if slot < 0 || slot >= Slots || fn < 0 || fn >= Functions {
		return nil
	}
	return b.slots[slot*Functions+fn].Load()
}

func (b *Bus) used(slot int) bool {
	for fn := range Functions {
		if b.at(slot, fn) != nil {
			return true
		}
	}
	return false
}

// multi reports whether a slot has functions beside function 0.
func (b *Bus) multi(slot int) bool {
	for fn := 1; fn < Functions; fn++ {
		if b.at(slot, fn) != nil {
			return true
		}
	}
	return false
}

// wire is a function's input of the wired OR on its pin.
func (b *Bus) wire(slot, fn, pin int) hw.Line {
	if pin < 1 || pin > 4 || b.cfg.Route == nil {
		return hw.NoLine
	}
	w := &b.wires[slot][pin-1]
	if w.Load() == nil {
		ins := hw.Or(Functions, b.cfg.Route(pin, slot))
		w.CompareAndSwap(nil, &ins)
	}
	return (*w.Load())[fn]
}

// Reset implements hw.Device for the bus itself; the devices on it are reset by the board.
func (b *Bus) Reset(hw.Cause) { b.addr.Store(0) }

// Start implements hw.Starter: after every device has been reset or loaded, their windows appear where their registers say, and
// their interrupt pins are driven.
func (b *Bus) Start() {
	for i := range b.slots {
		if p := b.slots[i].Load(); p != nil {
			p.dev.Function().start()
		}
	}
}

// State implements hw.Device for the address latch.
func (b *Bus) State(c *snapshot.Coder) {
	addr := b.addr.Load()
	snapshot.Field(c, "address", &addr)
	b.addr.Store(addr)
}

// Inspect implements hw.Inspector.
func (b *Bus) Inspect(w io.Writer) {
	for i := range b.slots {
		if p := b.slots[i].Load(); p != nil {
			p.dev.Function().inspect(w, p)
		}
	}
}
