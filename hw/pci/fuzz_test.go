package pci

import (
	"testing"

	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// alone is a device on a bus of its own.
type alone struct {
	*dev
	bus *Bus
}

func (a alone) Start()                  { a.bus.Start() }
func (a alone) Reset(c hw.Cause)        { a.bus.Reset(c); a.dev.Reset(c) }
func (a alone) State(c *snapshot.Coder) { c.Group("bus", a.bus.State); a.dev.State(c) }

type forward struct {
	space *memory.Space
	at    uint64
}

func (f forward) Read(off uint64, size int) uint64       { return f.space.Load(f.at+off, size) }
func (f forward) Write(off uint64, size int, val uint64) { f.space.Store(f.at+off, size, val) }

// config is the device's configuration space as memory.
type config struct{ ports *memory.Space }

func (c config) Read(off uint64, size int) uint64 {
	c.ports.Store(0xcf8, 4, 0x80001800|off&0xfc)
	return c.ports.Load(0xcfc+off&3, size)
}

func (c config) Write(off uint64, size int, val uint64) {
	c.ports.Store(0xcf8, 4, 0x80001800|off&0xfc)
	c.ports.Store(0xcfc+off&3, size, val)
}

// wire lets the storm drive interrupts.
type wire struct{ f *Function }

func (w wire) Read(off uint64, _ int) uint64 { return uint64(w.f.Get(int(off), 1)) }

func (w wire) Write(off uint64, _ int, val uint64) { w.f.Interrupt(int(off)).Set(val&1 != 0) }

func TestContract(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device {
		ports, mem := memory.NewSpace("ports", 1<<16), memory.NewSpace("mem", 1<<52)
		line := b.Line("pirq")
		a := alone{newDev(t), NewBus(Config{Memory: mem, Ports: ports, DMA: b.Memory, Route: func(int, int) hw.Line { return line }})}
		if err := a.bus.Add(3, 0, a); err != nil {
			t.Fatal(err)
		}
		ports.Update(func(e *memory.Edit) { e.Map(nil, PortBase, a.bus.Ports(), 2) })
		b.MapPorts(0xcf8, 8, forward{ports, 0xcf8}, memory.Any)
		b.MapMemory(0xfec00000, 256, config{ports}, memory.Any)
		b.MapMemory(0xfed00000, 100, wire{a.f}, memory.Widths{Min: 1, Max: 1})
		return a
	})
}

// FuzzConfig writes to configuration space: three bytes make one access.
func FuzzConfig(f *testing.F) {
	f.Add([]byte{0x04, 2, 7, 0x10, 2, 0xff, 0x10, 2, 0x40, 0x14, 2, 0xfe, 0x30, 2, 1})
	f.Add([]byte{0x04, 2, 7, 0x42, 1, 1, 0x20, 2, 0xe0, 0x5a, 1, 0x80})
	f.Fuzz(func(t *testing.T, script []byte) {
		b := newBench(t)
		d := newDev(t)
		b.add(3, 0, d)
		for ; len(script) >= 3; script = script[3:] {
			size := 1 << (script[1] & 3 % 3)
			val := uint32(script[2])
			if script[1]&4 != 0 {
				val *= 0x01010101
			}
			if script[1]&8 != 0 {
				val <<= 24
			}
			b.write(3, 0, int(script[0]), size, val)
			b.read(3, 0, int(script[0]), size)
			d.f.Interrupt(int(script[2])).Set(script[1]&16 != 0)
			b.mem.Store(uint64(val), size, uint64(script[1]))
		}
		b.want("the device stands", b.read(3, 0, 0, 4), 0x56781234)
		b.bus.Remove(3, 0)
		if n := len(b.mem.View().Ranges()); n != 1 {
			t.Errorf("%d ranges are mapped after the device has gone", n)
		}
	})
}
