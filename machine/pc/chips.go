package pc

import (
	"fmt"

	"govm-desktop/accel"
	"govm-desktop/hw"
	"govm-desktop/hw/acpi"
	"govm-desktop/hw/debugcon"
	"govm-desktop/hw/dma"
	"govm-desktop/hw/hpet"
	"govm-desktop/hw/i440fx"
	"govm-desktop/hw/parallel"
	"govm-desktop/hw/pci"
	"govm-desktop/hw/pit"
	"govm-desktop/hw/ps2"
	"govm-desktop/hw/rtc"
	"govm-desktop/hw/serial"
	"govm-desktop/hw/sysctl"
	"govm-desktop/input"
	"govm-desktop/memory"
)

// Places on the PCI bus.
const (
	slotHost  = 0
	slotPIIX  = 1 // functions: 0 ISA bridge, 1 IDE, 3 power management
	slotVGA   = 2
	fnIDE     = 1
	fnPM      = 3
	pmBase    = 0x600
	hpetBase  = 0xfed00000
	gpeBase   = 0xafe0
	irqSCI    = 9
	irqPIIX   = 1 // of the two inputs that share an ISA interrupt
	irqDevice = 0
)

// chipset is the host bridge, the ISA bridge and the bus between them.
func (b *PC) chipset() error {
	var fromPCI [16]hw.Line
	for n := range b.isaIRQ {
		ins := hw.Or(2, b.input(n))
		b.isaIRQ[n], fromPCI[n] = ins[irqDevice], ins[irqPIIX]
		b.wires(ins...)
	}
	b.host = i440fx.NewHost(i440fx.HostConfig{Space: b.mem, RAM: b.ram, Hole: b.hole, Size: b.lay.Below4G})
	isa := i440fx.NewISA(fromPCI)
	ctl := b.system()
	b.bus = pci.NewBus(pci.Config{Memory: b.mem, Hole: b.hole, Ports: b.ports, DMA: b.mem, MSI: b.chip, Route: isa.Route, Reset: ctl.CF9()})
	b.ports.Update(func(e *memory.Edit) { e.Map(nil, pci.PortBase, b.bus.Ports(), 0) })
	b.Add("pci", b.bus)
	b.plug("host", slotHost, 0, b.host)
	b.plug("isa", slotPIIX, 0, isa)
	b.smm()
	return b.power()
}

// plug puts a function on the PCI bus. Two in one place are a mistake of the board's.
func (b *PC) plug(name string, slot, fn int, d pci.Device) {
	if err := b.bus.Add(slot, fn, d); err != nil {
		panic(fmt.Sprintf("pc: %s: %v", name, err))
	}
	b.Add(name, d)
}

// smm lets processors that can see SMRAM.
func (b *PC) smm() {
	for i, c := range b.cpus {
		if s, ok := c.(interface{ OnSMM(func(bool)) }); ok {
			s.OnSMM(b.host.AddCPU(b.sockets[i].space))
		}
	}
}

// system is the timer and the odd ports around it. Where the kernel has timer and port 61, ours stay off the bus.
func (b *PC) system() *sysctl.Ports {
	cfg := sysctl.Config{Clock: b.cfg.Clock, A20: b.a20(), Reset: b.resetLine}
	kernelPIT := false
	if k, ok := b.vm.(interface{ KernelPIT() bool }); ok {
		kernelPIT = k.KernelPIT()
	}
	irq0 := hw.Or(2, b.isaIRQ[0]) // the PIT, or the HPET in its place
	tick, legacy := hw.Gate(irq0[0])
	b.wires(irq0[1], tick, legacy)
	timer := pit.New(pit.Config{Clock: b.cfg.Clock, Out: [3]hw.Line{tick}})
	cfg.Timer = timer
	ctl := sysctl.New(cfg)
	if !kernelPIT {
		b.Add("pit", timer)
		b.mapPorts("pit", 0x40, 4, timer, bytes)
		b.mapPorts("port61", 0x61, 1, ctl.PortB(), bytes)
	}
	b.Add("sysctl", ctl)
	b.mapPorts("port92", 0x92, 1, ctl.PortA(), bytes)
	b.dma()
	b.mapPorts("port80", 0x80, 1, ctl.Port80(), bytes) // over the first page register, which belongs to no channel
	if k, ok := b.vm.(interface{ HPETLegacy() hw.Line }); ok {
		legacy = k.HPETLegacy()
	}
	latch := sysctl.NewFERR(b.isaIRQ[13])
	b.ferr.to = latch
	b.mapPorts("ferr", 0xf0, 2, latch, bytes)
	b.timers(legacy, irq0[1])
	b.keyboard(ctl)
	return ctl
}

// dma are the two 8237s with their page registers.
func (b *PC) dma() {
	d := dma.New(dma.Config{Memory: b.mem})
	b.Add("dma", d)
	b.mapPorts("dma low", 0x00, 16, d.Ports(0), bytes)
	b.mapPorts("dma pages", 0x80, 16, d.Pages(), bytes)
	b.mapPorts("dma high", 0xc0, 32, d.Ports(1), bytes)
	b.mapPorts("dma high pages", 0x480, 16, d.HighPages(), bytes)
}

// timers are HPET and RTC. In legacy mode the HPET takes the interrupts of the PIT and the RTC over.
func (b *PC) timers(pitOff, irq0 hw.Line) {
	irq8 := hw.Or(2, b.isaIRQ[8])
	tick, rtcOff := hw.Gate(irq8[0])
	b.wires(irq8[1], tick, rtcOff)
	b.rtc = rtc.New(rtc.Config{Clock: b.cfg.Clock, IRQ: tick, Now: b.cfg.Now})
	b.Add("rtc", b.rtc)
	b.mapPorts("rtc", 0x70, 4, b.rtc, bytes)
	if b.cfg.NoHPET {
		return
	}
	cfg := hpet.Config{Clock: b.cfg.Clock, Legacy: hw.Split(pitOff, rtcOff), LegacyOut: [2]hw.Line{irq0, irq8[1]}}
	for gsi := 16; gsi < 24; gsi++ { // the inputs that PCI and ISA leave free
		cfg.Inputs[gsi] = b.input(gsi)
	}
	h := hpet.New(cfg)
	b.Add("hpet", h)
	b.mapMMIO("hpet", hpetBase, 0x400, h, memory.Widths{Min: 4, Max: 8})
}

// wires have the machine lower them at reset.
func (b *PC) wires(lines ...hw.Line) {
	for _, l := range lines {
		b.AddLine(l)
	}
}

// keyboard is the i8042 with keyboard and mouse.
func (b *PC) keyboard(ctl *sysctl.Ports) {
	b.kbc = ps2.New(ps2.Config{
		Clock: b.cfg.Clock, IRQ1: b.isaIRQ[1], IRQ12: b.isaIRQ[12], A20: ctl.A20Input(), ResetCPU: func() { b.resetLine(hw.Hard) },
		LEDs: b.cfg.Input.SetLEDs, Scancode: b.cfg.Scancode,
	})
	b.Add("i8042", b.kbc)
	b.mapPorts("i8042 data", 0x60, 1, b.kbc.Data(), bytes)
	b.mapPorts("i8042 command", 0x64, 1, b.kbc.Command(), bytes)
	b.cfg.Input.Add(b.kbc.Keyboard(), input.Key)
	b.cfg.Input.AddPointer("PS/2 Mouse", b.kbc.Mouse(), input.Rel, input.Button, input.Wheel, input.Sync)
}

// power is the PIIX4's ACPI registers and the PCI function around them.
func (b *PC) power() error {
	b.pm = acpi.New(acpi.Config{Clock: b.cfg.Clock, SCI: b.isaIRQ[irqSCI], Sleep: b.sleep, SMI: b.smi})
	b.Add("acpi", b.pm)
	b.mapPorts("apm", 0xb2, 2, b.pm.SMI(), memory.Any)
	b.mapPorts("gpe0", gpeBase, 4, b.pm.GPE0(), memory.Any)
	pm := i440fx.NewPM(i440fx.PMConfig{Ports: b.ports, PM: memory.NewIO("pm", 64, b.pm.Block(), memory.Any), NoSMM: b.soft == nil,
		COM: [2]bool{b.cfg.Serial[0] != nil, b.cfg.Serial[1] != nil}, Parallel: b.cfg.Parallel != nil})
	b.pmf = pm
	b.plug("pm", slotPIIX, fnPM, pm)
	return nil
}

// smi is a write to port B2: software asks for system management mode.
func (b *PC) smi(uint8) {
	if b.pmf.APMCEnabled() {
		b.cpus[0].Signal(accel.SMI, 0)
	}
}

// chips are the rest of the ISA bus.
func (b *PC) chips() error {
	for i, s := range b.cfg.Serial {
		if s == nil {
			continue
		}
		at := [4]uint64{0x3f8, 0x2f8, 0x3e8, 0x2e8}[i]
		b.serial[i] = serial.New(serial.Config{Clock: b.cfg.Clock, IRQ: b.isaIRQ[4-i%2], Stream: s})
		b.Add(fmt.Sprintf("serial%d", i), b.serial[i])
		b.mapPorts("serial", at, 8, b.serial[i], bytes)
	}
	if b.cfg.Parallel != nil {
		b.parallel = parallel.New(parallel.Config{IRQ: b.isaIRQ[7], Stream: b.cfg.Parallel})
		b.Add("parallel0", b.parallel)
		b.mapPorts("parallel", 0x378, 8, b.parallel, bytes)
	}
	if b.cfg.Console != nil {
		b.debug = debugcon.New(debugcon.Config{Stream: b.cfg.Console})
		b.Add("debugcon", b.debug)
		b.mapPorts("debugcon", 0x402, 1, b.debug, bytes)
	}
	return nil
}
