package main

import (
	"cmp"
	"slices"
	"strings"

	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/hw/scsi"
	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/hid"
	"govm-desktop/hw/usb/hub"
	"govm-desktop/hw/usb/serial"
	"govm-desktop/hw/usb/storage"
	"govm-desktop/hw/usb/uas"
	"govm-desktop/hw/usb/xhci"
	"govm-desktop/hw/usb/zero"
	"govm-desktop/machine"
	"govm-desktop/machine/pc"
)

// emulatedUSB are the USB devices that need nothing but this program.
func emulatedUSB() []usbKind {
	number := options.Key{Name: "serial", Help: "the device's serial number"}
	input := func(name, help string, f func(p *program, c hid.Config) usb.Device) usbKind {
		return usbKind{Kind: options.Kind{Name: name, Help: help, Keys: []options.Key{number}}, make: func(p *program, o *options.Opts) (usb.Device, error) {
			return keepUSB(p, f(p, hid.Config{Clock: p.clock, Input: p.input, Serial: o.Str("serial", "")})), nil
		}}
	}
	return []usbKind{
		input("usb-tablet", "a tablet: the guest's pointer is where the user's is", func(_ *program, c hid.Config) usb.Device { return hid.NewTablet(c) }),
		input("usb-mouse", "a mouse", func(_ *program, c hid.Config) usb.Device { return hid.NewMouse(c) }),
		input("usb-kbd", "a keyboard", func(p *program, c hid.Config) usb.Device { return hid.NewKeyboard(c, p.keys.USB) }),
		{Kind: options.Kind{Name: "usb-storage", Help: "a stick, or a CD drive, on the image of a -drive if=none", Keys: []options.Key{number,
			{Name: "drive", Help: "id of the drive"}, {Name: "removable", Type: options.Bool, Help: "the medium can be taken out (a CD's always can)"}}},
			boot: "storage", make: (*program).usbStorage},
		{Kind: options.Kind{Name: "usb-hub", Help: "a hub: its ports are PORT.1 and so on", Keys: []options.Key{number,
			{Name: "ports", Type: options.Number, Help: "how many (8)"}}}, make: usbHub},
		{Kind: options.Kind{Name: "usb-uas", Help: "a USB attached SCSI device, on the image of a -drive if=none and on those of scsi-hd and scsi-cd that name its bus", Keys: []options.Key{number,
			{Name: "drive", Help: "id of the drive"}, {Name: "removable", Type: options.Bool, Help: "the medium can be taken out (a CD's always can)"}}}, make: (*program).usbUAS},
		{Kind: options.Kind{Name: "usb-serial", Help: "a serial adapter", Keys: []options.Key{number, {Name: "chardev", Help: "id of its line"},
			{Name: "always-plugged", Type: options.Bool, Help: "it stays while nobody is at the other end"}}}, make: usbSerial},
		{Kind: options.Kind{Name: "usb-zero", Help: "Linux's gadget zero, for its usbtest driver", Keys: []options.Key{number,
			{Name: "pattern", Type: options.Number, Help: "0 zeros, 1 modulo 63, 2 unchecked"}}}, make: usbZero},
	}
}

func usbZero(_ *program, o *options.Opts) (usb.Device, error) {
	n, err := o.Number("pattern", zero.Zeros)
	if err != nil {
		return nil, err
	}
	d, err := zero.New(zero.Config{Pattern: int(n), Serial: o.Str("serial", "")})
	if err != nil {
		return nil, o.Fail("%v", err)
	}
	return d, nil
}

func usbHub(p *program, o *options.Opts) (usb.Device, error) {
	n, err := o.Number("ports", hub.Ports)
	if err != nil {
		return nil, err
	}
	d, err := hub.New(hub.Config{Clock: p.clock, Ports: int(n), Serial: o.Str("serial", "")})
	if err != nil {
		return nil, o.Fail("%v", err)
	}
	return keepUSB(p, d), nil
}

func (p *program) usbStorage(o *options.Opts) (usb.Device, error) {
	l, err := p.unit(o)
	if err != nil {
		return nil, err
	}
	return keepUSB(p, storage.New(storage.Config{Units: []*scsi.Unit{l.unit}, Serial: o.Str("serial", l.serialNumber())}), l), nil
}

// scsiDevices are the logical units of usb-uas.
func scsiDevices() []deviceKind {
	kind := func(name, help string) deviceKind {
		return deviceKind{Kind: options.Kind{Name: name, Help: help, Keys: []options.Key{{Name: "id"}, {Name: "bus", Help: "ID.0 of a usb-uas"}, {Name: "drive", Help: "id of a -drive if=none"},
			{Name: "lun", Type: options.Number, Help: "its place among the units"}, {Name: "serial"}, {Name: "removable", Type: options.Bool}}},
			set: func(s *settings, o *options.Opts) error { s.scsi = append(s.scsi, o); return nil }}
	}
	return []deviceKind{kind("scsi-hd", "a disk of a usb-uas"), kind("scsi-cd", "a CD drive of a usb-uas")}
}

// usbUAS makes a device of all the units that name its bus; drive= of its own is a unit, too.
func (p *program) usbUAS(o *options.Opts) (usb.Device, error) {
	var drives []*looseDrive
	var units []*scsi.Unit
	if o.Has("drive") {
		l, err := p.unit(o)
		if err != nil {
			return nil, err
		}
		drives, units = append(drives, l), append(units, l.unit)
	}
	var more []*options.Opts
	for _, k := range p.s.scsi {
		if k.Str("bus", "") == o.ID()+".0" {
			more = append(more, k)
		}
	}
	slices.SortStableFunc(more, func(x, y *options.Opts) int {
		a, _ := x.Number("lun", 0)
		b, _ := y.Number("lun", 0)
		return cmp.Compare(a, b)
	})
	for _, k := range more {
		l, err := p.unit(k)
		if err != nil {
			return nil, err
		}
		if (k.Str("driver", "") == "scsi-cd") != (l.unit.Kind() == scsi.CDROM) {
			return nil, k.Fail("a CD's -drive says media=cdrom, and no other does")
		}
		if n, err := k.Number("lun", int64(len(units))); err != nil || n != int64(len(units)) {
			return nil, k.Fail("lun=%d: the units are numbered from 0 on, without gaps; %d comes next", n, len(units))
		}
		k.Get("id")
		if err := k.Rest(); err != nil {
			return nil, err
		}
		drives, units = append(drives, l), append(units, l.unit)
	}
	if len(units) == 0 {
		return nil, o.Fail("needs drive=ID, or a scsi-hd with bus=%s.0", o.ID())
	}
	return keepUSB(p, uas.New(uas.Config{Units: units, Serial: o.Str("serial", drives[0].serialNumber())}), drives...), nil
}

func usbSerial(p *program, o *options.Opts) (usb.Device, error) {
	id := o.Str("chardev", "")
	c := p.streams.byID[id]
	if c == nil {
		return nil, o.Fail("chardev=%s: no -chardev has this id", id)
	}
	always, err := o.Bool("always-plugged", false)
	if err != nil {
		return nil, err
	}
	return keepUSB(p, serial.New(serial.Config{Stream: c, AlwaysPlugged: always, Serial: o.Str("serial", "")})), nil
}

// usbOptions are -usbdevice, the short way to the common ones.
func usbOptions() []option {
	return []option{{Name: "usbdevice", Part: "Devices", Arg: "tablet|mouse|keyboard|disk:FILE", Help: "a USB device, with a controller for it where there is none",
		Values: []string{"tablet", "mouse", "keyboard", "disk:"}, Set: (*settings).usbDevice}}
}

// usbDevice is -usbdevice.
func (s *settings) usbDevice(o *options.Opts) error {
	name, file := "", ""
	switch o.Text {
	case "tablet", "mouse":
		name = "usb-" + o.Text
	case "keyboard":
		name = "usb-kbd"
	default:
		if name, file, _ = strings.Cut(o.Text, ":"); name != "disk" || file == "" {
			return &machine.ConfigError{Option: o.Option, Value: o.Text, Reason: "tablet, mouse, keyboard or disk:FILE belongs there"}
		}
		name = "usb-storage"
	}
	pairs := []options.Pair{{Key: "driver", Value: name}}
	if file != "" {
		pairs = append(pairs, options.Pair{Key: "drive", Value: s.addLoose(o.Option, file)})
	}
	for _, k := range emulatedUSB() {
		if k.Name == name {
			s.usb = append(s.usb, usbSpec{k, options.Of(o.Option, pairs...)})
		}
	}
	s.usbWanted = true
	return nil
}

// usbDefault gives -usbdevice a controller where nobody has asked for one.
func (s *settings) usbDefault() {
	if s.usbWanted && len(s.usbHosts) == 0 {
		s.usbHosts = []pc.USBController{{XHCI: xhci.Defaults(xhci.QEMU)}}
	}
}
