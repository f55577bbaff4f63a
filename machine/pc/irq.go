package pc

import (
	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/hw/ioapic"
	"govm-desktop/hw/lapic"
	"govm-desktop/hw/pic"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// softChip is our own interrupt controllers: 8259s, IOAPIC and the local APICs' bus.
type softChip struct {
	pic    *pic.PIC
	ioapic *ioapic.IOAPIC
	bus    *lapic.Bus
	inputs [ioapic.Inputs]hw.Line
}

// newSoftChip builds them; intr is the 8259s' output.
func newSoftChip(intr hw.Line) *softChip {
	c := &softChip{pic: pic.New(pic.Config{INTR: intr})}
	c.bus = lapic.NewBus(func(vector uint8) { c.ioapic.EOI(vector) })
	c.ioapic = ioapic.New(ioapic.Config{MSI: c.bus})
	for gsi := range c.inputs {
		switch {
		case gsi == 0: // the timer arrives at input 2 of the IOAPIC, whose place the cascade leaves free
			c.inputs[gsi] = hw.Split(c.pic.Input(0), c.ioapic.Input(2))
		case gsi == 2:
			c.inputs[gsi] = hw.NoLine
		case gsi < 16:
			c.inputs[gsi] = hw.Split(c.pic.Input(gsi), c.ioapic.Input(gsi))
		default:
			c.inputs[gsi] = c.ioapic.Input(gsi)
		}
	}
	return c
}

// Input implements hw.IRQChip.
func (c *softChip) Input(gsi int) hw.Line { return c.inputs[gsi] }

// Send implements hw.MSI.
func (c *softChip) Send(addr uint64, data uint32) { c.bus.Send(addr, data) }

// Reset implements hw.Device.
func (c *softChip) Reset(cause hw.Cause) {
	c.pic.Reset(cause)
	c.ioapic.Reset(cause)
}

// Start implements hw.Starter.
func (c *softChip) Start() { c.pic.Start() }

// State implements hw.Device.
func (c *softChip) State(s *snapshot.Coder) {
	s.Group("pic", c.pic.State)
	s.Group("ioapic", c.ioapic.State)
}

// lateLine is a wire whose end is soldered on after its beginning.
type lateLine struct{ to hw.Line }

// Set implements hw.Line.
func (l *lateLine) Set(high bool) {
	if l.to != nil {
		l.to.Set(high)
	}
}

// cpuSocket is what a processor is plugged into: its sight of memory, with the local APIC's page over the system's.
type cpuSocket struct {
	space *memory.Space
	lapic *lapic.LAPIC // nil with the kernel's interrupt controllers
	page  *memory.Region
}

func newSocket(id int, mem *memory.Space, chip *softChip, clk clock.Clock) *cpuSocket {
	s := &cpuSocket{space: memory.NewOver("cpu", mem)}
	if chip == nil {
		return s
	}
	s.lapic = lapic.New(lapic.Config{ID: uint8(id), BSP: id == 0, X2APIC: true, Clock: clk, Bus: chip.bus, PIC: chip.pic, Moved: s.moved})
	s.page = memory.NewIO("lapic", lapic.Size, s.lapic, memory.Widths{Min: 4, Max: 4})
	s.moved(lapic.Base, true)
	return s
}

// moved follows the register page.
func (s *cpuSocket) moved(addr uint64, visible bool) {
	s.space.Update(func(e *memory.Edit) {
		e.Unmap(nil, s.page)
		if visible {
			e.Map(nil, addr, s.page, 10)
		}
	})
}

func (s *cpuSocket) interrupts() accel.Interrupts {
	if s.lapic == nil {
		return nil
	}
	return s.lapic.CPU()
}
