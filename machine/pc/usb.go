package pc

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"govm-desktop/firmware"
	"govm-desktop/hw"
	"govm-desktop/hw/pci"
	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/xhci"
	"govm-desktop/machine"
)

// USBController is a USB host controller as a card on the PCI bus.
type USBController struct {
	ID       string // names its bus, ID.0; "": usb-bus.N
	Slot     int    // 0: the first that is free
	Function int
	XHCI     xhci.Options
}

// USBDevice is a USB device for one of the sockets.
type USBDevice struct {
	ID     string
	Bus    string // of the controller: "xhci" or "xhci.0"; "": the first with a free socket
	Port   string // "2", or "2.1" behind a hub; "": the first that is free
	Device usb.Device
	// BootIndex is its place in the boot order, lowest first; negative: by -boot alone. BootName is what SeaBIOS knows such a device by:
	// storage, usb-redir or usb-host.
	BootIndex int
	BootName  string
}

// usbHost is a controller on the board.
type usbHost struct {
	names          []string // of its bus
	slot, function int
	usbCard
}

// usbCard is a host controller as a card.
type usbCard interface {
	usb.Controller
	pci.Device
	io.Closer
}

// slotCards is the first slot for cards: the board's own functions sit below.
const slotCards = 3

// usbHosts plugs the controllers in.
func (b *PC) usbHosts() error {
	for i, c := range b.cfg.USB {
		o := c.XHCI
		o.Clock, o.Log = b.cfg.Clock, b.cfg.Log
		ctl := xhci.New(o)
		name := cmp.Or(c.ID, fmt.Sprintf("usb%d", i))
		slot, err := b.card(name, c.Slot, c.Function, ctl)
		if err != nil {
			ctl.Close()
			return &machine.ConfigError{Option: "-device", Value: o.Model.String(), Reason: err.Error()}
		}
		b.usb = append(b.usb, usbHost{[]string{c.ID, c.ID + ".0", fmt.Sprintf("usb-bus.%d", i)}, slot, c.Function, ctl})
	}
	for i, d := range b.cfg.USBDevices {
		if err := b.plugUSB(d); err != nil {
			return err
		}
		b.Add(cmp.Or(d.ID, fmt.Sprintf("usb-device%d", i)), d.Device)
	}
	return nil
}

// card plugs a card into the PCI bus: into the slot it wants, or into the first that is free.
func (b *PC) card(name string, slot, fn int, d pci.Device) (int, error) {
	var err error
	if slot == 0 {
		slot, err = b.bus.AddFree(slotCards, d)
	} else {
		err = b.bus.Add(slot, fn, d)
	}
	if err == nil {
		b.Add(name, d)
	}
	return slot, err
}

// plugUSB puts a device into its socket.
func (b *PC) plugUSB(d USBDevice) error {
	p, err := b.socket(d)
	if err == nil {
		err = p.Plug(d.Device)
	}
	if err != nil {
		return &machine.ConfigError{Option: "-device", Value: d.ID, Reason: err.Error()}
	}
	return nil
}

// socket is where a device belongs.
func (b *PC) socket(d USBDevice) (*usb.Port, error) {
	if len(b.usb) == 0 {
		return nil, errors.New("there is no USB controller to plug it into: add -device qemu-xhci")
	}
	full := ""
	for _, h := range b.usb {
		if d.Bus != "" && !slices.Contains(h.names, d.Bus) {
			continue
		}
		found := (*usb.Port)(nil)
		usb.Walk(h, func(p *usb.Port) {
			if found == nil && (p.Path() == d.Port || d.Port == "" && p.Plugged() == nil) {
				found = p
			}
		})
		switch {
		case found != nil:
			return found, nil
		case d.Port != "":
			return nil, fmt.Errorf("bus %s has no port %s", strings.TrimPrefix(h.names[1], "."), d.Port)
		}
		full = "every port is taken: add a usb-hub, or a controller with p2= and p3= up to 15"
	}
	return nil, errors.New(cmp.Or(full, fmt.Sprintf("there is no USB bus %q", d.Bus)))
}

// PlugUSB plugs a device in while the machine is there, running or not.
func (b *PC) PlugUSB(d USBDevice) error {
	var err error
	b.Paused(func() {
		d.Device.Reset(hw.PowerOn)
		if err = b.plugUSB(d); err == nil {
			b.Add(cmp.Or(d.ID, fmt.Sprintf("usb-device-%p", d.Device)), d.Device)
			if s, ok := d.Device.(hw.Starter); ok {
				s.Start()
			}
		}
	})
	return err
}

// UnplugUSB pulls a device out; it is the caller's again. False: it is in none of the sockets.
func (b *PC) UnplugUSB(d usb.Device) bool {
	found := false
	b.Paused(func() {
		for _, h := range b.usb {
			usb.Walk(h, func(p *usb.Port) {
				if !found && p.Plugged() == d {
					p.Unplug()
					found = true
				}
			})
		}
		b.Drop(d)
	})
	return found
}

// USBPorts visits every socket: bus is the number of the controller.
func (b *PC) USBPorts(visit func(bus int, p *usb.Port)) {
	for i, h := range b.usb {
		usb.Walk(h, func(p *usb.Port) { visit(i, p) })
	}
}

// bootPaths are the devices with a boot index, in order, as SeaBIOS looks for them.
func (b *PC) bootPaths() []string {
	type entry struct {
		index int
		path  string
	}
	var list []entry
	for i, d := range b.cfg.Drives {
		if d != nil && d.BootIndex >= 0 {
			list = append(list, entry{d.BootIndex, firmware.PathIDE(slotPIIX, fnIDE, i/2, i%2)})
		}
	}
	for _, d := range b.cfg.USBDevices {
		if d.BootIndex < 0 || d.BootName == "" {
			continue
		}
		for _, h := range b.usb {
			usb.Walk(h, func(p *usb.Port) {
				if p.Plugged() == d.Device {
					list = append(list, entry{d.BootIndex, firmware.PathUSB(h.slot, h.function, p.Path(), d.BootName)})
				}
			})
		}
	}
	slices.SortStableFunc(list, func(x, y entry) int { return x.index - y.index })
	var paths []string
	for _, e := range list {
		paths = append(paths, e.path)
	}
	return append(paths, b.cfg.Boot.Devices...)
}
