package pc

import (
	"fmt"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/display"
	"govm-desktop/firmware"
	"govm-desktop/hw"
	"govm-desktop/hw/acpi"
	"govm-desktop/hw/debugcon"
	"govm-desktop/hw/fwcfg"
	"govm-desktop/hw/i440fx"
	"govm-desktop/hw/ide"
	"govm-desktop/hw/parallel"
	"govm-desktop/hw/pci"
	"govm-desktop/hw/ps2"
	"govm-desktop/hw/rtc"
	"govm-desktop/hw/serial"
	"govm-desktop/machine"
	"govm-desktop/memory"
	"govm-desktop/vga"
)

// PC is the board with everything on it.
type PC struct {
	*machine.Machine
	cfg Config

	mem   *memory.Space
	ports *memory.Space
	ram   *memory.Region
	hole  *memory.Region // everything on PCI, its offsets being addresses
	free  []*memory.Region
	lay   firmware.RAM

	vm      accel.VM
	chip    hw.IRQChip
	soft    *softChip // nil with the kernel's interrupt controllers
	cpus    []accel.VCPU
	sockets []*cpuSocket
	isaIRQ  [16]hw.Line // for devices on the ISA bus
	ferr    *lateLine   // the processors' floating-point error pin

	bus      *pci.Bus
	host     *i440fx.Host
	ide      *ide.Controller
	vga      *vga.VGA
	screen   *display.Screen
	pm       *acpi.PM
	rtc      *rtc.RTC
	pmf      *i440fx.PM
	fw       *fwcfg.Device
	kbc      *ps2.Controller
	serial   [4]*serial.UART
	parallel *parallel.Port
	debug    *debugcon.Port
	usb      []usbHost
	order    *bootOrder
	irqs     irqCounts
	files    []FirmwareFile
}

// New builds the board and resets it; it waits for Cont. What it is given stays the caller's to close, after Close, but for the streams of
// serial ports and debug console, which Close closes when what the guest has written is out.
func New(cfg Config) (*PC, error) {
	b := &PC{cfg: cfg, lay: firmware.Split(cfg.RAM)}
	b.Machine = machine.New(machine.Options{Clock: cfg.Clock, NoReboot: cfg.NoReboot, NoShutdown: cfg.NoShutdown, Log: cfg.Log, IdleSpins: cfg.IdleSpins})
	for _, step := range []func() error{b.memory, b.processors, b.chipset, b.chips, b.drives, b.video, b.usbHosts, b.firmware, b.loads} {
		if err := step(); err != nil {
			b.Close()
			return nil, err
		}
	}
	if err := b.Launch(b, b.vm, b.cpus); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// Close gives back memory and processors. Preconditions: the machine has ended, or has never been launched.
func (b *PC) Close() error {
	if b.screen != nil {
		b.screen.Close()
	}
	if b.ide != nil {
		b.ide.Close()
	}
	for _, u := range b.serial {
		if u != nil {
			u.Close()
		}
	}
	if b.parallel != nil {
		b.parallel.Close()
	}
	if b.debug != nil {
		b.debug.Close()
	}
	for _, h := range b.usb {
		h.Close()
	}
	var err error
	if b.vm != nil {
		err = b.vm.Close()
	}
	for _, r := range b.free {
		r.Free()
	}
	return err
}

// The legacy video memory's place.
const (
	vgaWindow = 0xa0000
	vgaEnd    = 0xc0000
)

// memory makes RAM, the hole that PCI lives in and the BIOS.
func (b *PC) memory() error {
	b.mem, b.ports = memory.NewSpace("memory", 1<<52), memory.NewSpace("ports", 1<<16)
	var err error
	if b.ram, err = b.newRAM("ram", b.cfg.RAM); err != nil {
		return err
	}
	bios, err := memory.NewROM("bios", b.cfg.BIOS)
	if err != nil {
		return err
	}
	b.free = append(b.free, bios)
	b.hole = memory.NewGroup("pci", 1<<52)
	low := min(bios.Size(), 128<<10)
	b.mem.Update(func(e *memory.Edit) {
		e.Map(nil, 0, b.hole, 0)
		e.Map(nil, 0, memory.NewAlias("ram below 640K", b.ram, 0, vgaWindow), 1)
		// Between the two lies the VGA, under which SMRAM hides.
		e.Map(nil, vgaEnd, memory.NewAlias("ram below 4G", b.ram, vgaEnd, b.lay.Below4G-vgaEnd), 1)
		if b.lay.Above4G > 0 {
			e.Map(nil, 1<<32, memory.NewAlias("ram above 4G", b.ram, b.lay.Below4G, b.lay.Above4G), 1)
		}
		e.Map(b.hole, 1<<32-bios.Size(), bios, 1)
		e.Map(b.hole, 1<<20-low, memory.NewAlias("bios below 1M", bios, bios.Size()-low, low), 1)
	})
	return nil
}

func (b *PC) newRAM(name string, size uint64) (*memory.Region, error) {
	r, err := memory.NewRAM(name, size)
	if err != nil {
		return nil, &machine.ConfigError{Option: "-m", Value: fmt.Sprintf("%dM", size>>20), Reason: "the host has not that much memory: " + err.Error()}
	}
	b.free = append(b.free, r)
	return r, nil
}

// processors makes the VM, the interrupt controllers and the processors in their sockets.
func (b *PC) processors() error {
	var err error
	b.ferr = &lateLine{}
	b.vm, err = b.cfg.Accel.NewVM(accel.Config{Memory: b.mem, Ports: b.ports, Clock: b.cfg.Clock, Model: b.cfg.Model, Features: b.cfg.Features,
		CPUs: b.cfg.CPUs, Stepper: b.cfg.Stepper, FERR: b.ferr})
	if err != nil {
		return err
	}
	if b.chip = b.vm.IRQChip(); b.chip == nil {
		intr := &lateLine{}
		b.soft = newSoftChip(intr)
		b.chip = b.soft
		b.mapSoftChip()
		defer func() { intr.to = b.sockets[0].lapic.LINT(0) }()
	}
	b.Add("irqchip", b.chip)
	for id := range b.cfg.CPUs {
		s := newSocket(id, b.mem, b.soft, b.cfg.Clock)
		b.sockets = append(b.sockets, s)
		c, err := b.vm.NewVCPU(id, s.space, s.interrupts())
		if err != nil {
			return err
		}
		b.cpus = append(b.cpus, c)
		if s.lapic != nil {
			s.lapic.Connect(c.Signal)
			b.Add(fmt.Sprintf("lapic%d", id), s.lapic)
		}
	}
	return nil
}

func (b *PC) mapSoftChip() {
	b.mapPorts("pic0", 0x20, 2, b.soft.pic.Ports(0), memory.Widths{Max: 1})
	b.mapPorts("pic1", 0xa0, 2, b.soft.pic.Ports(1), memory.Widths{Max: 1})
	b.mapPorts("elcr", 0x4d0, 2, b.soft.pic.ELCR(), memory.Widths{Max: 1})
	b.mapMMIO("ioapic", 0xfec00000, 0x1000, b.soft.ioapic, memory.Widths{Min: 4, Max: 4})
}

func (b *PC) mapPorts(name string, at, n uint64, h memory.Handler, w memory.Widths) {
	r := memory.NewIO(name, n, h, w)
	b.ports.Update(func(e *memory.Edit) { e.Map(nil, at, r, 0) })
}

func (b *PC) mapMMIO(name string, at, n uint64, h memory.Handler, w memory.Widths) {
	r := memory.NewIO(name, n, h, w)
	b.mem.Update(func(e *memory.Edit) { e.Map(nil, at, r, 2) })
}

// bytes is for chips with one-byte registers.
var bytes = memory.Widths{Max: 1}

// a20 is the gate of address line 20: an ability of accelerators that model it.
func (b *PC) a20() hw.Line {
	if v, ok := b.vm.(interface{ SetA20(bool) }); ok {
		return hw.LineFunc(v.SetA20)
	}
	return hw.NoLine
}

// resetLine is the board's reset wire, for whoever pulls it.
func (b *PC) resetLine(c hw.Cause) {
	if c == hw.Soft {
		for _, v := range b.cpus {
			v.Signal(accel.INIT, 0)
		}
		return
	}
	b.RequestReset(true, "guest-reset")
}

// Screen is what the video card shows.
func (b *PC) Screen() *display.Screen { return b.screen }

// Clock is the machine's virtual time.
func (b *PC) Clock() clock.Clock { return b.cfg.Clock }

// VCPU is a processor. Its methods but Kick and Signal belong to the machine's goroutines: see Machine.Do.
func (b *PC) VCPU(n int) accel.VCPU { return b.cpus[n] }

// Memory is the physical address space that devices and every processor share.
func (p *PC) Memory() *memory.Space { return p.mem }
