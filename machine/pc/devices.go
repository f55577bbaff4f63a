package pc

import (
	"cmp"
	"fmt"
	"io"
	"sync"

	"govm-desktop/display"
	"govm-desktop/firmware"
	facpi "govm-desktop/firmware/acpi"
	"govm-desktop/firmware/smbios"
	"govm-desktop/hw"
	"govm-desktop/hw/acpi"
	"govm-desktop/hw/ata"
	"govm-desktop/hw/fwcfg"
	"govm-desktop/hw/ide"
	"govm-desktop/hw/rtc"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
	"govm-desktop/vga"
)

// drives are the IDE controller and what hangs on it.
func (b *PC) drives() error {
	cfg := ide.Config{IRQ: [2]hw.Line{b.isaIRQ[14], b.isaIRQ[15]}}
	for i, d := range b.cfg.Drives {
		if d == nil {
			continue
		}
		c := ata.Config{Image: d.Disk, Serial: d.Serial, Model: d.Model, Name: d.ID, Tray: d.Tray, Log: b.cfg.Log}
		if d.CD {
			c.Kind = ata.CDROM
		}
		cfg.Drives[i/2][i%2] = ata.New(c)
	}
	b.ide = ide.New(cfg)
	b.plug("ide", slotPIIX, fnIDE, b.ide)
	b.ports.Update(b.ide.MapLegacy)
	return nil
}

// Drive is an IDE drive by its place: primary master and slave, secondary master and slave; nil: none is there.
func (b *PC) Drive(n int) *ata.Drive { return b.ide.Drive(n/2, n%2) }

// video is the VGA and the screen that shows it.
func (b *PC) video() error {
	if !b.cfg.VGA {
		b.screen = display.NewScreen(nil, display.Options{})
		return nil
	}
	var err error
	if b.vga, err = vga.New(vga.Config{Clock: b.cfg.Clock, Memory: b.mem, ROM: b.cfg.VGAROM, MiB: b.cfg.VGAMiB}); err != nil {
		return err
	}
	b.free = append(b.free, b.vga.VRAM())
	b.plug("vga", slotVGA, 0, b.vga)
	b.mem.Update(func(e *memory.Edit) { e.Map(b.hole, vga.WindowAddr, b.vga.Window(), 1) })
	for _, p := range b.vga.Ports() {
		b.ports.Update(func(e *memory.Edit) { e.Map(nil, uint64(p.Base), p.Region, 0) })
	}
	b.screen = display.NewScreen(b.vga, display.Options{})
	return nil
}

// firmware is fw_cfg with all that the BIOS is told.
func (b *PC) firmware() error {
	b.fw = fwcfg.New(fwcfg.Config{DMA: b.mem})
	b.Add("fwcfg", b.fw)
	b.mapPorts("fwcfg", fwcfg.PortBase, fwcfg.PortCount, b.fw, memory.Any)
	for i, v := range firmware.CMOSMemory(b.lay) {
		b.rtc.SetCMOS(int(i), v)
	}
	order := &bootOrder{rtc: b.rtc}
	b.order = order
	var err error
	usual := cmp.Or(b.cfg.Boot.Order, firmware.DefaultOrder)
	if order.first[0], order.first[1], err = firmware.CMOS(cmp.Or(b.cfg.BootOnce, usual)); err != nil {
		return err
	}
	if order.later[0], order.later[1], err = firmware.CMOS(usual); err != nil {
		return err
	}
	b.Add("bootorder", order)
	b.rtc.SetCMOS(cmosTranslation, b.translations())
	b.rtc.SetCMOS(0x5f, uint8(b.cfg.CPUs-1))
	for _, it := range firmware.Build(b.facts()) {
		if it.Name != "" {
			b.files = append(b.files, FirmwareFile{it.Name, max(uint64(it.Size), uint64(len(it.Data)))})
		}
		switch {
		case it.Name != "" && it.Reader != nil:
			b.fw.AddFileReader(it.Name, it.Reader, it.Size)
		case it.Name != "":
			b.fw.AddFile(it.Name, it.Data)
		case it.Reader != nil:
			b.fw.AddReader(it.Key, it.Reader, it.Size)
		default:
			b.fw.AddBytes(it.Key, it.Data)
		}
	}
	return nil
}

// cmosTranslation is the CMOS byte with two bits for each disk: how the BIOS shall translate its geometry.
const cmosTranslation = 0x39

func (b *PC) translations() (v uint8) {
	for i := range 4 {
		if d := b.Drive(i); d != nil && d.Kind() == ata.Disk {
			_, t := d.Geometry()
			v |= uint8(t) << (2 * i)
		}
	}
	return v
}

// facts is what the firmware is to know of this board.
func (b *PC) facts() firmware.Config {
	boot := b.cfg.Boot
	boot.Devices = b.bootPaths()
	f := firmware.Config{
		RAM: b.lay, CPUs: b.cfg.CPUs, UUID: b.cfg.UUID, NoGraphic: !b.cfg.VGA && b.cfg.SerialConsole, Boot: boot, Kernel: b.cfg.Kernel,
		SMBIOS: &smbios.Config{CPUModel: "govm-desktop", CPUMHz: 1000},
	}
	if b.cfg.SerialConsole {
		f.SerialConsole = 0x3f8
	}
	if !b.cfg.NoACPI {
		a := &facpi.Config{HPET: !b.cfg.NoHPET, Keyboard: true, Mouse: true, VGA: b.cfg.VGA, S3: true, PMBase: pmBase, GPE0: gpeBase}
		for i, s := range b.cfg.Serial {
			a.Serial[i] = s != nil
		}
		a.Parallel = b.cfg.Parallel != nil
		f.ACPI = a
	}
	return f
}

// bootOrder sets the bytes 38 and 3D of the CMOS at every reset: -boot once= counts for the first alone.
type bootOrder struct {
	rtc   *rtc.RTC
	first [2]uint8

	mu    sync.Mutex // guards everything below
	later [2]uint8
}

// set changes the order for good, and at once.
func (o *bootOrder) set(order [2]uint8) {
	o.mu.Lock()
	o.later = order
	o.mu.Unlock()
	o.rtc.SetCMOS(0x38, order[0])
	o.rtc.SetCMOS(0x3d, order[1])
}

// Reset implements hw.Device.
func (o *bootOrder) Reset(c hw.Cause) {
	o.mu.Lock()
	v := o.later
	o.mu.Unlock()
	if c == hw.PowerOn {
		v = o.first
	}
	o.rtc.SetCMOS(0x38, v[0])
	o.rtc.SetCMOS(0x3d, v[1])
}

// State implements hw.Device: the CMOS is the RTC's.
func (*bootOrder) State(*snapshot.Coder) {}

// loads puts the -device loader files in memory, at every reset.
func (b *PC) loads() error {
	if len(b.cfg.Loads) > 0 {
		b.Add("loader", loader{b})
	}
	return nil
}

// loader is a device without registers.
type loader struct{ b *PC }

// Reset implements hw.Device.
func (l loader) Reset(c hw.Cause) {
	if c == hw.WakeUp {
		return
	}
	for _, f := range l.b.cfg.Loads {
		if err := f.WriteTo(l.b.mem); err != nil {
			l.b.cfg.Log.Warn("-device loader", "err", err)
		}
	}
}

// State implements hw.Device: there is none.
func (loader) State(*snapshot.Coder) {}

// Break is a break condition on the line of a serial port, which must be there.
func (b *PC) Break(n int) { b.serial[n].Break() }

// PowerButton implements machine.Board.
func (b *PC) PowerButton() { b.pm.PowerButton() }

// WakeUp implements machine.Board. The reason in the CMOS's shutdown byte is what sends SeaBIOS down its resume path.
func (b *PC) WakeUp() {
	if b.pm.Wake() {
		b.rtc.SetCMOS(cmosShutdown, shutdownS3)
	}
}

// The CMOS byte that says why the processor was reset, and its value for the end of ACPI S3.
const (
	cmosShutdown = 0x0f
	shutdownS3   = 0xfe
)

// sleep is what the guest wants by SLP_EN.
func (b *PC) sleep(s acpi.Sleep) {
	if s == 3 {
		b.RequestSuspend()
		return
	}
	b.RequestShutdown("guest-shutdown")
}

// Inspect prints what a device has to say of itself; "mtree" is the memory map. False: there is no such device.
func (b *PC) Inspect(w io.Writer, name string) bool {
	if name == "mtree" {
		for _, r := range b.mem.View().Ranges() {
			fmt.Fprintf(w, "%016x-%016x %s\n", r.Addr, r.Addr+r.Size-1, r.Region.Name())
		}
		return true
	}
	if name == "pic" && b.soft != nil {
		b.soft.pic.Inspect(w)
		b.soft.ioapic.Inspect(w)
		return true
	}
	found := false
	b.Devices(func(n string, d hw.Device) {
		if i, ok := d.(hw.Inspector); ok && n == name {
			i.Inspect(w)
			found = true
		}
	})
	return found
}
