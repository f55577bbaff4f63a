package main

import (
	"slices"
	"strconv"
	"strings"

	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/xhci"
	"govm-desktop/machine/pc"
)

// usbKind is a device for a USB socket. Beside the properties that it names it has bus=, port=, id= and, with a boot name, bootindex=.
type usbKind struct {
	options.Kind
	// boot is what SeaBIOS knows such a device by: storage, usb-redir or usb-host; "": nothing is booted from it.
	boot string
	// make opens what is behind the device and makes it. What it opens is the program's to close (keepers, disks, streams).
	make func(p *program, o *options.Opts) (usb.Device, error)
}

// usbKinds are the USB devices that -device makes. A feature brings its own list of them, as with the options.
func usbKinds() []usbKind {
	return slices.Concat(
		foreignKinds(),
		emulatedUSB(),
	)
}

// usbDevices are the USB devices and controllers for the table of devices.
func usbDevices() []deviceKind {
	out := []deviceKind{xhciDevice("qemu-xhci", "a USB 3 controller"), xhciDevice("nec-usb-xhci", "a USB 3 controller, as NEC made it")}
	for _, u := range usbKinds() {
		k := u.Kind
		k.Keys = append([]options.Key{{Name: "bus", Help: "of which controller: ID.0"}, {Name: "port", Help: "2, or 2.1 behind a hub"}, {Name: "id"}}, k.Keys...)
		if u.boot != "" {
			k.Keys = append(k.Keys, options.Key{Name: "bootindex", Type: options.Number, Help: "its place in the boot order, lowest first"})
		}
		out = append(out, deviceKind{Kind: k, set: func(s *settings, o *options.Opts) error { s.usb = append(s.usb, usbSpec{u, o}); return nil },
			plug: func(p *program, o *options.Opts) (hotDevice, error) { return p.plugUSB(usbSpec{u, o}) }})
	}
	return out
}

// usbSpec is a USB device as an option describes it.
type usbSpec struct {
	kind usbKind
	opts *options.Opts
}

// usbBus makes the USB devices that were asked for.
func (p *program) usbBus(cfg *pc.Config) error {
	p.s.usbDefault()
	cfg.USB = p.s.usbHosts
	for _, u := range p.s.usb {
		d, err := p.usbDevice(u)
		if err != nil {
			return err
		}
		cfg.USBDevices = append(cfg.USBDevices, d)
		p.hot.note(p.hotUSB(u, d))
	}
	return nil
}

// usbDevice makes one of them.
func (p *program) usbDevice(u usbSpec) (pc.USBDevice, error) {
	o := u.opts
	o.Get("driver")
	d := pc.USBDevice{ID: o.ID(), Bus: o.Str("bus", ""), Port: o.Str("port", ""), BootName: u.kind.boot, BootIndex: -1}
	if u.kind.boot != "" {
		n, err := o.Number("bootindex", -1)
		if err != nil {
			return d, err
		}
		d.BootIndex = int(n)
	}
	var err error
	if d.Device, err = u.kind.make(p, o); err != nil {
		return d, err
	}
	return d, o.Rest()
}

// xhciDevice is an xHCI controller.
func xhciDevice(name, help string) deviceKind {
	num := func(name, help string) options.Key { return options.Key{Name: name, Type: options.Number, Help: help} }
	return deviceKind{Kind: options.Kind{Name: name, Help: help, Keys: []options.Key{
		{Name: "id", Help: "names its bus, ID.0"}, {Name: "bus", Help: "pci.0"}, {Name: "addr", Help: "slot, or slot.function, of the PCI bus"},
		num("p2", "USB 2 ports (4; up to 15)"), num("p3", "USB 3 ports (4; up to 15)"), num("intrs", "interrupters (16)"), num("slots", "device slots (64)"),
		{Name: "streams", Type: options.Bool, Help: "bulk streams (on)"}, {Name: "msi", Type: options.Str, Values: []string{"on", "off", "auto"}, Help: "message-signalled interrupts"},
		{Name: "msix", Type: options.Str, Values: []string{"on", "off", "auto"}, Help: "the same with a table of them"},
	}}, set: (*settings).xhci}
}

// xhci reads -device qemu-xhci and nec-usb-xhci.
func (s *settings) xhci(o *options.Opts) error {
	model := xhci.QEMU
	if o.Str("driver", "") == xhci.NEC.String() {
		model = xhci.NEC
	}
	c := pc.USBController{ID: o.ID(), XHCI: xhci.Defaults(model)}
	for _, n := range []struct {
		key      string
		to       *int
		min, max int64
	}{{"p2", &c.XHCI.USB2, 0, xhci.MaxPorts}, {"p3", &c.XHCI.USB3, 0, xhci.MaxPorts}, {"intrs", &c.XHCI.Interrupters, 1, xhci.MaxInterrupters}, {"slots", &c.XHCI.Slots, 1, xhci.MaxSlots}} {
		v, err := o.Number(n.key, int64(*n.to))
		if err != nil {
			return err
		}
		if v < n.min || v > n.max {
			return o.Fail("%s=%d: %d to %d is possible", n.key, v, n.min, n.max)
		}
		*n.to = int(v)
	}
	if c.XHCI.USB2+c.XHCI.USB3 == 0 {
		return o.Fail("a controller needs ports: p2= or p3=")
	}
	var err error
	if c.XHCI.Streams, err = o.Bool("streams", c.XHCI.Streams); err != nil {
		return err
	}
	for key, to := range map[string]*bool{"msi": &c.XHCI.MSI, "msix": &c.XHCI.MSIX} {
		if v := o.Str(key, "auto"); v != "auto" {
			*to = v == "on"
		}
	}
	if bus := o.Str("bus", "pci.0"); bus != "pci.0" && bus != "pci" {
		return o.Fail("bus=%s: pci.0 is there", bus)
	}
	if c.Slot, c.Function, err = pciAddr(o); err != nil {
		return err
	}
	s.usbHosts = append(s.usbHosts, c)
	return nil
}

// pciAddr reads addr=: slot or slot.function, in hexadecimal as QEMU has it; slot 0: none was given.
func pciAddr(o *options.Opts) (slot, fn int, err error) {
	text, ok := o.Get("addr")
	if !ok {
		return 0, 0, nil
	}
	s, f, has := strings.Cut(text, ".")
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, 8)
	m := uint64(0)
	if has && err == nil {
		m, err = strconv.ParseUint(f, 8, 8)
	}
	if err != nil || n < 1 || n > 31 || m > 7 {
		return 0, 0, o.Fail("addr=%s: a slot from 1 to 1f belongs there, with .FUNCTION from 0 to 7", text)
	}
	return int(n), int(m), nil
}
