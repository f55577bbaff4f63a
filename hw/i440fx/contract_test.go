package i440fx

import (
	"testing"

	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/hw/pci"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// chipset is the three functions and their bus as one device, whose accesses all go through configuration space and the port space.
type chipset struct {
	bus   *pci.Bus
	parts []pci.Device
	ports *memory.Space
}

func (c *chipset) Reset(cause hw.Cause) {
	c.bus.Reset(cause)
	for _, p := range c.parts {
		p.Reset(cause)
	}
}

func (c *chipset) Start() {
	c.bus.Start()
	for _, p := range c.parts {
		hwtest.Start(p)
	}
}

func (c *chipset) State(s *snapshot.Coder) {
	s.Group("bus", c.bus.State)
	for i, p := range c.parts {
		s.Group(string(rune('0'+i)), p.State)
	}
}

// configWindow is 1 KiB of memory that is the configuration space of the four functions of slots 0 and 1.
type configWindow struct{ ports *memory.Space }

func (w configWindow) at(off uint64) uint64 {
	w.ports.Store(0xcf8, 4, 0x80000000|off>>9<<11|off>>8&1*3<<8|off&0xfc)
	return 0xcfc + off&3
}

func (w configWindow) Read(off uint64, size int) uint64 { return w.ports.Load(w.at(off), size) }

func (w configWindow) Write(off uint64, size int, val uint64) { w.ports.Store(w.at(off), size, val) }

// forward is part of another port space.
type forward struct {
	ports *memory.Space
	at    uint64
}

func (f forward) Read(off uint64, size int) uint64       { return f.ports.Load(f.at+off, size) }
func (f forward) Write(off uint64, size int, val uint64) { f.ports.Store(f.at+off, size, val) }

func TestContract(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device {
		ports, hole := memory.NewSpace("ports", 1<<16), memory.NewGroup("pci", 1<<52)
		var lines [16]hw.Line
		for i := range lines {
			lines[i] = b.Line("irq")
		}
		isa := NewISA(lines)
		c := &chipset{ports: ports, bus: pci.NewBus(pci.Config{Memory: b.Memory, Hole: hole, Ports: ports, DMA: b.Memory, Route: isa.Route})}
		host := NewHost(HostConfig{Space: b.Memory, RAM: b.RAM, Hole: hole, Size: hwtest.RAMSize})
		host.AddCPU(memory.NewOver("cpu", b.Memory))(true)
		c.parts = []pci.Device{host, isa, NewPM(PMConfig{Ports: ports, PM: memory.NewIO("acpi-pm", 64, floating{}, memory.Any)})}
		for i, at := range []struct{ slot, fn int }{{0, 0}, {1, 0}, {1, 3}} {
			if err := c.bus.Add(at.slot, at.fn, c.parts[i]); err != nil {
				t.Fatal(err)
			}
		}
		ports.Update(func(e *memory.Edit) { e.Map(nil, pci.PortBase, c.bus.Ports(), 2) })
		b.MapMemory(0xfec00000, 1024, configWindow{ports}, memory.Any)
		b.MapPorts(0xcf8, 8, forward{ports, 0xcf8}, memory.Any)
		b.MapPorts(0x700, 16, forward{ports, 0x700}, memory.Any)
		return c
	})
}
