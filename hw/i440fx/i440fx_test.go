package i440fx

import (
	"testing"

	"govm-desktop/hw"
	"govm-desktop/hw/pci"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

type bench struct {
	t               *testing.T
	mem, ports, cpu *memory.Space
	hole, ram       *memory.Region
	bus             *pci.Bus
	host            *Host
	isa             *ISA
	pm              *PM
	irq             [16]bool
	smm             func(bool)
	acpi            acpi
}

type acpi struct{}

func (acpi) Read(off uint64, _ int) uint64 { return off }
func (acpi) Write(uint64, int, uint64)     {}

func newBench(t *testing.T) *bench {
	ram, err := memory.NewRAM("ram", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	rom, err := memory.NewROM("bios", []byte{0xea})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, mem: memory.NewSpace("mem", 1<<52), ports: memory.NewSpace("ports", 1<<16), hole: memory.NewGroup("pci", 1<<52), ram: ram}
	b.mem.Update(func(e *memory.Edit) {
		e.Map(nil, 0, ram, 0)
		e.Map(nil, 0, b.hole, -1)
		e.Map(b.hole, 0xf0000, rom, 0)
	})
	b.cpu = memory.NewOver("cpu0", b.mem)
	var lines [16]hw.Line
	for i := range lines {
		lines[i] = hw.LineFunc(func(high bool) { b.irq[i] = high })
	}
	b.isa = NewISA(lines)
	b.bus = pci.NewBus(pci.Config{Memory: b.mem, Hole: b.hole, Ports: b.ports, DMA: b.mem, Route: b.isa.Route})
	b.host = NewHost(HostConfig{Space: b.mem, RAM: ram, Hole: b.hole, Size: 1 << 20})
	b.pm = NewPM(PMConfig{Ports: b.ports, NoSMM: true, COM: [2]bool{true, false}, PM: memory.NewIO("acpi-pm", 64, b.acpi, memory.Any)})
	b.smm = b.host.AddCPU(b.cpu)
	b.ports.Update(func(e *memory.Edit) { e.Map(nil, pci.PortBase, b.bus.Ports(), 0) })
	for _, x := range []struct {
		slot, fn int
		d        pci.Device
	}{{0, 0, b.host}, {1, 0, b.isa}, {1, 3, b.pm}} {
		if err := b.bus.Add(x.slot, x.fn, x.d); err != nil {
			t.Fatal(err)
		}
	}
	b.reset()
	return b
}

func (b *bench) reset() {
	b.host.Reset(hw.Hard)
	b.isa.Reset(hw.Hard)
	b.pm.Reset(hw.Hard)
	b.start()
}

func (b *bench) start() {
	b.bus.Start()
	b.host.Start()
	b.isa.Start()
	b.pm.Start()
}

func (b *bench) cfg(slot, fn, reg int, val byte) {
	b.ports.Store(0xcf8, 4, uint64(0x80000000|slot<<11|fn<<8|reg&0xfc))
	b.ports.Store(0xcfc+uint64(reg&3), 1, uint64(val))
}

func (b *bench) get(slot, fn, reg, size int) uint64 {
	b.ports.Store(0xcf8, 4, uint64(0x80000000|slot<<11|fn<<8|reg&0xfc))
	return b.ports.Load(0xcfc+uint64(reg&3), size)
}

func (b *bench) want(what string, got, want uint64) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("%s: %#x, want %#x", what, got, want)
	}
}

func TestIDs(t *testing.T) {
	b := newBench(t)
	b.want("host", b.get(0, 0, 0, 4), 0x12378086)
	b.want("host's subsystem", b.get(0, 0, 0x2c, 4), 0x11001af4)
	b.want("ISA", b.get(1, 0, 0, 4), 0x70008086)
	b.want("ISA's header", b.get(1, 0, 0xe, 1), 0x80)
	b.want("PM", b.get(1, 3, 0, 4), 0x71138086)
	b.want("APMC_EN", b.get(1, 3, 0x5b, 1), 2)
	b.want("serial ports", b.get(1, 3, 0x67, 1), 8)
}

func TestPAM(t *testing.T) {
	b := newBench(t)
	ram := b.ram.Bytes()
	ram[0xf0000], ram[0xc4000] = 0x11, 0x22
	for _, c := range []struct {
		reg         int
		val         byte
		addr        uint64
		reads       uint64
		wantWritten bool
	}{
		{0x59, 0x00, 0xf0000, 0xea, false},
		{0x59, 0x10, 0xf0000, 0x11, false},
		{0x59, 0x20, 0xf0000, 0xea, true},
		{0x59, 0x30, 0xf0000, 0x33, true},
		{0x5a, 0x03, 0xc4000, 0xff, false}, // the other half: nothing is there, and RAM must not show
		{0x5a, 0x30, 0xc4000, 0x33, true},
		{0x5a, 0x10, 0xc4000, 0x22, false},
		{0x5f, 0x30, 0xec000, 0x33, true},
		{0x5f, 0x03, 0xec000, 0xff, false},
	} {
		b.cfg(0, 0, c.reg, c.val)
		ram[0xf0000], ram[0xc4000] = 0x11, 0x22
		before := ram[c.addr]
		b.mem.Store(c.addr, 1, 0x33)
		if got := b.cpu.Load(c.addr, 1); got != c.reads {
			t.Errorf("PAM %x = %#x: %x reads %#x, want %#x", c.reg, c.val, c.addr, got, c.reads)
		}
		if written := ram[c.addr] == 0x33 && before != 0x33; written != c.wantWritten {
			t.Errorf("PAM %x = %#x: RAM at %x written: %v", c.reg, c.val, c.addr, written)
		}
		ram[c.addr] = 0
	}
	b.cfg(0, 0, 0x59, 0x30)
	b.reset()
	b.want("after reset", b.mem.Load(0xf0000, 1), 0xea)
}

func TestSMRAM(t *testing.T) {
	b := newBench(t)
	vga := memory.NewIO("vga", 0x20000, floating{}, memory.Any)
	b.mem.Update(func(e *memory.Edit) { e.Map(nil, 0xa0000, vga, 1) })
	b.cfg(0, 0, 0x72, 0x4a)
	b.mem.Store(0xa8000, 4, 0xcafe)
	b.want("open", b.mem.Load(0xa8000, 4), 0xcafe)
	b.cfg(0, 0, 0x72, 0x0a)
	b.want("closed", b.cpu.Load(0xa8000, 4), 0xffffffff)
	b.smm(true)
	b.want("in SMM", b.cpu.Load(0xa8000, 4), 0xcafe)
	b.want("for the others", b.mem.Load(0xa8000, 4), 0xffffffff)
	b.smm(false)
	b.want("left", b.cpu.Load(0xa8000, 4), 0xffffffff)
	b.cfg(0, 0, 0x72, 0x5a)
	b.want("locked", b.get(0, 0, 0x72, 1), 0x1a)
	b.cfg(0, 0, 0x72, 0x4a)
	b.want("opened though locked", b.mem.Load(0xa8000, 4), 0xffffffff)
	saved := snapshot.Save(b.host)
	b.reset()
	b.want("after reset", b.get(0, 0, 0x72, 1), 0x02)
	if err := snapshot.Load(b.host, saved); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.cfg(0, 0, 0x72, 0x4a)
	b.want("locked after loading", b.get(0, 0, 0x72, 1)&0x40, 0)
}

func TestRouting(t *testing.T) {
	b := newBench(t)
	for slot, want := range map[int]int{1: 0, 2: 1, 3: 2, 4: 3, 5: 0} {
		if got := PIRQ(slot, 1); got != want {
			t.Errorf("slot %d INTA is on PIRQ %d, want %d", slot, got, want)
		}
	}
	l3, l7 := b.isa.Route(1, 3), b.isa.Route(1, 7) // both PIRQC
	l3.Set(true)
	if b.irq != [16]bool{} {
		t.Error("an IRQ though not routed")
	}
	b.cfg(1, 0, 0x62, 11)
	if !b.irq[11] {
		t.Error("IRQ 11 is low")
	}
	l7.Set(true)
	l3.Set(false)
	if !b.irq[11] {
		t.Error("IRQ 11 fell with one of two sharers")
	}
	b.cfg(1, 0, 0x62, 10)
	if b.irq[11] || !b.irq[10] {
		t.Error("IRQ did not move to 10")
	}
	l4 := b.isa.Route(1, 4)
	b.cfg(1, 0, 0x63, 10)
	l4.Set(true)
	l7.Set(false)
	if !b.irq[10] {
		t.Error("IRQ 10 fell though PIRQD holds it")
	}
	b.cfg(1, 0, 0x63, 8) // not a line a PIRQ can reach
	if b.irq != [16]bool{} {
		t.Errorf("lines %v", b.irq)
	}
	b.cfg(1, 0, 0x63, 5)
	b.irq[5] = false
	b.isa.Start()
	if !b.irq[5] {
		t.Error("Start did not drive IRQ 5")
	}
}

func TestPM(t *testing.T) {
	b := newBench(t)
	b.cfg(1, 3, 0x41, 0x06)
	b.want("before enabling", b.ports.Load(0x608, 1), 0xff)
	b.cfg(1, 3, 0x80, 1)
	b.want("PM timer", b.ports.Load(0x608, 1), 8)
	b.cfg(1, 3, 0x41, 0xb0)
	b.want("moved", b.ports.Load(0xb008, 1), 8)
	b.want("moved from", b.ports.Load(0x608, 1), 0xff)
	b.cfg(1, 3, 0x91, 0x07)
	b.cfg(1, 3, 0xd2, 0x09)
	b.ports.Store(0x700, 1, 0xff)
	b.ports.Store(0x704, 1, 0xa1)
	b.ports.Store(0x702, 1, 0x48)
	b.want("SMBus: nobody answers", b.ports.Load(0x700, 1), stsDevErr)
	b.ports.Store(0x700, 1, 0xff)
	b.want("SMBus: cleared", b.ports.Load(0x700, 1), 0)
	saved := snapshot.Save(b.pm)
	b.reset()
	b.want("after reset", b.ports.Load(0xb008, 1), 0xff)
	if err := snapshot.Load(b.pm, saved); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.want("loaded", b.ports.Load(0xb008, 1), 8)
	b.want("address register", b.ports.Load(0x704, 1), 0xa1)
}

func TestReset_sleepKeepsPAM(t *testing.T) {
	b := newBench(t)
	f := b.host.Function()
	for _, c := range []struct {
		cause hw.Cause
		want  uint32
	}{{hw.WakeUp, 0x33}, {hw.Hard, 0}} {
		f.Set(regPAM+1, 1, 0x33)
		b.host.Reset(c.cause)
		if got := f.Get(regPAM+1, 1); got != c.want {
			t.Errorf("reset %d: PAM 5A is %02x, want %02x", c.cause, got, c.want)
		}
	}
}
