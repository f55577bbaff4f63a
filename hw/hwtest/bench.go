// Package hwtest is a workbench for devices: a clock that moves only by hand, RAM, a port space, and wires that remember what was done to
// them. There is no processor: a test plays the guest.
package hwtest

import (
	"sync"
	"testing"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/memory"
)

// RAMSize is how much RAM a bench has, from address 0.
const RAMSize = 1 << 20

// Bench is what a device under test is wired to.
type Bench struct {
	T      testing.TB
	Clock  *clock.Manual
	Memory *memory.Space // a hw.DMA too
	Ports  *memory.Space
	RAM    *memory.Region

	wires  []*Wire
	mapped []window // what Storm plays on
}

type window struct {
	space    *memory.Space
	at, size uint64
}

// New returns an empty bench.
func New(t testing.TB) *Bench {
	t.Helper()
	b := &Bench{
		T:      t,
		Clock:  clock.NewManual(),
		Memory: memory.NewSpace("memory", 1<<52),
		Ports:  memory.NewSpace("ports", 1<<16),
	}
	ram, err := memory.NewRAM("ram", RAMSize)
	if err != nil {
		t.Fatal(err)
	}
	b.RAM = ram
	b.Memory.Update(func(e *memory.Edit) { e.Map(nil, 0, ram, 0) })
	t.Cleanup(func() {
		if err := ram.Free(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// MapPorts puts a block of registers into the port space.
func (b *Bench) MapPorts(at, size uint64, h memory.Handler, w memory.Widths) {
	b.mapIO(b.Ports, at, size, h, w)
}

// MapMemory puts a block of registers into memory.
func (b *Bench) MapMemory(at, size uint64, h memory.Handler, w memory.Widths) {
	b.mapIO(b.Memory, at, size, h, w)
}

func (b *Bench) mapIO(s *memory.Space, at, size uint64, h memory.Handler, w memory.Widths) {
	s.Update(func(e *memory.Edit) { e.Map(nil, at, memory.NewIO("device", size, h, w), 1) })
	b.mapped = append(b.mapped, window{s, at, size})
}

// Step moves virtual time on.
func (b *Bench) Step(d clock.Time) { b.Clock.Step(d) }

// In8 reads a port.
func (b *Bench) In8(port uint16) uint8 { return uint8(b.Ports.Load(uint64(port), 1)) }

// In16 reads a 16-bit port.
func (b *Bench) In16(port uint16) uint16 { return uint16(b.Ports.Load(uint64(port), 2)) }

// In32 reads a 32-bit port.
func (b *Bench) In32(port uint16) uint32 { return uint32(b.Ports.Load(uint64(port), 4)) }

// Out8 writes bytes to a port, one after the other.
func (b *Bench) Out8(port uint16, vals ...uint8) {
	for _, v := range vals {
		b.Ports.Store(uint64(port), 1, uint64(v))
	}
}

// Out16 writes a 16-bit port.
func (b *Bench) Out16(port uint16, val uint16) { b.Ports.Store(uint64(port), 2, uint64(val)) }

// Out32 writes a 32-bit port.
func (b *Bench) Out32(port uint16, val uint32) { b.Ports.Store(uint64(port), 4, uint64(val)) }

// Read8 reads memory.
func (b *Bench) Read8(addr uint64) uint8 { return uint8(b.Memory.Load(addr, 1)) }

// Read16 reads memory.
func (b *Bench) Read16(addr uint64) uint16 { return uint16(b.Memory.Load(addr, 2)) }

// Read32 reads memory.
func (b *Bench) Read32(addr uint64) uint32 { return uint32(b.Memory.Load(addr, 4)) }

// Read64 reads memory.
func (b *Bench) Read64(addr uint64) uint64 { return b.Memory.Load(addr, 8) }

// Write8 writes memory.
func (b *Bench) Write8(addr uint64, val uint8) { b.Memory.Store(addr, 1, uint64(val)) }

// Write16 writes memory.
func (b *Bench) Write16(addr uint64, val uint16) { b.Memory.Store(addr, 2, uint64(val)) }

// Write32 writes memory.
func (b *Bench) Write32(addr uint64, val uint32) { b.Memory.Store(addr, 4, uint64(val)) }

// Write64 writes memory.
func (b *Bench) Write64(addr, val uint64) { b.Memory.Store(addr, 8, val) }

// Want reports a value that is not what it should be.
func Want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %#v, want %#v", what, got, want)
	}
}

// Wire is a hw.Line that remembers.
type Wire struct {
	Name string

	mu     sync.Mutex // guards everything below
	high   bool
	pulses int
	calls  int
}

var _ hw.Line = (*Wire)(nil)

// Line returns a new wire, low.
func (b *Bench) Line(name string) *Wire {
	w := &Wire{Name: name}
	b.wires = append(b.wires, w)
	return w
}

// Set implements hw.Line.
func (w *Wire) Set(high bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if high && !w.high {
		w.pulses++
	}
	w.high = high
}

// High is the wire's level.
func (w *Wire) High() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.high
}

// Pulses is how often the wire went from low to high since this was last asked.
func (w *Wire) Pulses() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.pulses
	w.pulses = 0
	return n
}

// calls is how often any wire was set.
func (b *Bench) calls() int {
	n := 0
	for _, w := range b.wires {
		w.mu.Lock()
		n += w.calls
		w.mu.Unlock()
	}
	return n
}

// WantIRQ wants a wire to be high.
func (b *Bench) WantIRQ(w *Wire) {
	b.T.Helper()
	if !w.High() {
		b.T.Errorf("%s is low, want high", w.Name)
	}
}

// WantLow wants a wire to be low.
func (b *Bench) WantLow(w *Wire) {
	b.T.Helper()
	if w.High() {
		b.T.Errorf("%s is high, want low", w.Name)
	}
}

// WantPulses wants n rising edges since the last time.
func (b *Bench) WantPulses(w *Wire, n int) {
	b.T.Helper()
	if got := w.Pulses(); got != n {
		b.T.Errorf("%s rose %d times, want %d", w.Name, got, n)
	}
}

// PowerOn resets a device and starts it.
func PowerOn(d hw.Device) {
	d.Reset(hw.PowerOn)
	Start(d)
}

// Start starts a device that wants to be.
func Start(d hw.Device) {
	if s, ok := d.(hw.Starter); ok {
		s.Start()
	}
}
