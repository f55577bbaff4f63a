package i440fx

import (
	"sync"

	"govm-desktop/hw"
	"govm-desktop/hw/pci"
	"govm-desktop/snapshot"
)

// Registers of the ISA bridge.
const (
	regPIRQRC   = 0x60 // routing of PIRQA# to PIRQD#, four of them
	pirqOff     = 0x80 // not routed
	numPIRQ     = 4
	routableIRQ = 0xdef8 // the IRQs that a PIRQ may be routed to: not 0, 1, 2, 8, 13
)

// PIRQ is the board's wiring of interrupt pins (1 for INTA# to 4): which of PIRQA# to PIRQD# (0 to 3) a slot's pin is connected to. The
// interrupt routing table of the ACPI tables must say the same.
func PIRQ(slot, pin int) int { return (slot + pin - 2) & 3 }

// ISA is the ISA bridge, 8086:7000, which routes the PCI interrupts to ISA ones.
type ISA struct {
	fn   *pci.Function
	irqs [16]hw.Line

	mu    sync.Mutex      // guards everything below; held while lines are set, so that levels arrive in order
	pirq  [numPIRQ]uint32 // the wires coming in, a bit for each slot
	level uint16          // of the outputs
}

// NewISA returns the bridge. irqs are the inputs of the interrupt controllers that it drives; where ISA devices share one, the board joins
// them (hw.Or). nil entries are not wired.
func NewISA(irqs [16]hw.Line) *ISA {
	b := &ISA{irqs: irqs, fn: pci.NewFunction(pci.ID{Vendor: 0x8086, Device: 0x7000, Class: 0x060100, SubVendor: 0x1af4, SubsystemID: 0x1100})}
	f := b.fn
	f.Init(pci.Command, 2, pci.CommandIO|pci.CommandMemory|pci.CommandMaster, pci.CommandSERR)
	f.Init(pci.Status, 2, pci.StatusDevselMed, 0)
	for _, r := range []struct {
		off, size     int
		val, writable uint32
	}{
		{0x4c, 1, 0x4d, 0x7f},    // IORT
		{0x4e, 2, 0x0003, 0x1ff}, // XBCS
		{regPIRQRC, 4, 0x80808080, 0x8f8f8f8f},
		{0x69, 1, 0x02, 0xfe},     // TOM
		{0x6a, 2, 0, 0x80d1},      // MSTAT
		{0x70, 1, 0x80, 0xef},     // MBIRQ0
		{0x76, 2, 0x0c0c, 0x8f8f}, // MBDMA
		{0x78, 2, 0x0002, 0xffff}, // PCSC
		{0x80, 1, 0, 0x3f},        // APICBASE
		{0x82, 1, 0, 0x0f},        // DLC
		{0xa0, 1, 0x08, 0x1f},     // SMICNTL
		{0xa2, 2, 0, 0x1ff},       // SMIEN
		{0xa4, 4, 0, 0xffffffff},  // SEE
		{0xa8, 1, 0x0f, 0xff},     // FTMR
		{0xaa, 2, 0, 0x1ff},       // SMIREQ
		{0xac, 1, 0, 0xff},        // CTLTMR
		{0xae, 1, 0, 0xff},        // CTHTMR
	} {
		f.Init(r.off, r.size, r.val, r.writable)
	}
	f.OnWrite(func(off, size int) {
		if off < regPIRQRC+numPIRQ && off+size > regPIRQRC {
			b.mu.Lock()
			b.drive()
			b.mu.Unlock()
		}
	})
	return b
}

// Function implements pci.Device.
func (b *ISA) Function() *pci.Function { return b.fn }

// Route is the wire for a slot's interrupt pin: what pci.Config wants.
func (b *ISA) Route(pin, slot int) hw.Line {
	n := PIRQ(slot, pin)
	return hw.LineFunc(func(high bool) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if high {
			b.pirq[n] |= 1 << slot // A slot has one pin on each PIRQ.
		} else {
			b.pirq[n] &^= 1 << slot
		}
		b.drive()
	})
}

// want is the outputs by inputs and routing: each the OR of the PIRQs routed to it.
func (b *ISA) want() (want uint16) {
	for n, in := range b.pirq {
		if r := b.fn.Get(regPIRQRC+n, 1); in != 0 && r&pirqOff == 0 {
			want |= 1 << (r & 15) & routableIRQ
		}
	}
	return want
}

// drive sets the outputs that have changed.
func (b *ISA) drive() {
	want := b.want()
	for i, line := range b.irqs {
		if bit := uint16(1) << i & routableIRQ; (want^b.level)&bit != 0 && line != nil {
			line.Set(want&bit != 0)
		}
	}
	b.level = want
}

// Reset implements hw.Device.
func (b *ISA) Reset(hw.Cause) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fn.Reset()
}

// Start implements hw.Starter.
func (b *ISA) Start() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.level = ^b.want() // Whatever the outputs were, all are driven.
	b.drive()
}

// State implements hw.Device. What comes in is driven by the functions on the bus.
func (b *ISA) State(c *snapshot.Coder) { b.fn.State(c) }
