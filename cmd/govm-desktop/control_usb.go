package main

import (
	"fmt"
	"io"
	"strings"

	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/host"
	"govm-desktop/machine/pc"
	"govm-desktop/monitor"
)

// plugUSB makes a USB device and plugs it in while the machine is there.
func (p *program) plugUSB(u usbSpec) (h hotDevice, err error) {
	d, err := p.usbDevice(u)
	if err != nil {
		p.releaseUSB(d.Device)
		return h, err
	}
	if err := p.pc.PlugUSB(d); err != nil {
		p.releaseUSB(d.Device)
		if c, ok := d.Device.(io.Closer); ok {
			c.Close()
		}
		return h, err
	}
	return p.hotUSB(u, d), nil
}

// hotUSB is how a USB device is taken away.
func (p *program) hotUSB(u usbSpec, d pc.USBDevice) hotDevice {
	return hotDevice{id: d.ID, driver: u.kind.Name, device: d.Device, unplug: func() error { return p.unplugUSB(d.Device) }}
}

func (p *program) unplugUSB(d usb.Device) error {
	if !p.pc.UnplugUSB(d) {
		return fmt.Errorf("it is in none of the sockets any more")
	}
	p.releaseUSB(d)
	return nil
}

// usbControl is the monitor's hand on the USB.
type usbControl struct{ c *control }

// Ports implements monitor.USB, as do the methods below.
func (u usbControl) Ports() (all []monitor.USBPort) {
	u.c.p.pc.USBPorts(func(bus int, port *usb.Port) {
		d, speed := port.Device()
		if d == nil {
			return
		}
		name := "USB device"
		if n, ok := d.(usb.Describer); ok {
			name = n.Product()
		}
		all = append(all, monitor.USBPort{Bus: bus, Address: int(port.Address()), Port: port.Path(), Speed: strings.TrimSuffix(speed.String(), " Mb/s"), Product: name})
	})
	return all
}

// Add takes the words of -usbdevice: tablet, mouse, keyboard, disk:FILE; and host:VENDOR:PRODUCT or host:BUS.ADDRESS.
func (u usbControl) Add(spec string) error {
	d := &deviceControl{u.c.p}
	if host, ok := strings.CutPrefix(spec, "host:"); ok {
		a, b, ids := strings.Cut(host, ":")
		pairs := [][2]string{{"vendorid", "0x" + a}, {"productid", "0x" + b}}
		if !ids {
			a, b, _ = strings.Cut(host, ".")
			pairs = [][2]string{{"hostbus", a}, {"hostaddr", b}}
		}
		return d.Add("usb-host", "", pairs)
	}
	if file, ok := strings.CutPrefix(spec, "disk:"); ok && file != "" {
		return d.Add("usb-storage", "", [][2]string{{"drive", u.c.p.addLoose("usb_add", file)}})
	}
	switch spec {
	case "tablet", "mouse":
		return d.Add("usb-"+spec, "", nil)
	case "keyboard":
		return d.Add("usb-kbd", "", nil)
	}
	return fmt.Errorf("could not add USB device '%s': tablet, mouse, keyboard, disk:FILE, host:VENDOR:PRODUCT or host:BUS.ADDRESS belongs there; device_add makes others", spec)
}

// Remove finds the device at an address that info usb shows.
func (u usbControl) Remove(address string) error {
	var found usb.Device
	u.c.p.pc.USBPorts(func(bus int, port *usb.Port) {
		if d := port.Plugged(); d != nil && address == fmt.Sprintf("%d.%d", bus, port.Address()) {
			found = d
		}
	})
	if found == nil {
		return fmt.Errorf("could not delete USB device '%s': info usb lists what there is", address)
	}
	if id, ok := u.c.p.hot.idOf(found); ok {
		return (&deviceControl{u.c.p}).Remove(id)
	}
	return u.c.p.unplugUSB(found)
}

// HostDevices are this computer's.
func (u usbControl) HostDevices() (all []monitor.USBHostDevice) {
	list, err := host.List("/")
	if err != nil {
		u.c.p.log.Warn("the host's USB devices", "err", err)
	}
	for _, d := range list {
		all = append(all, monitor.USBHostDevice{Bus: d.Bus, Address: d.Addr, Port: d.Port, Speed: strings.TrimSuffix(d.Speed.String(), " Mb/s"), Vendor: d.Vendor, Product: d.ID, Class: d.Class, Name: d.Name()})
	}
	return all
}

// USB implements monitor.Control: nil where the machine has no controller.
func (c *control) USB() monitor.USB {
	some := false
	c.p.pc.USBPorts(func(int, *usb.Port) { some = true })
	if !some {
		return nil
	}
	return usbControl{c}
}
