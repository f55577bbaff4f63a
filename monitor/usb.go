package monitor

import (
	"fmt"
	"io"
)

func usbCommands() []*Command {
	return []*Command{
		{HMP: "info usb", Help: "the devices on the machine's USB", Run: withUSB(func(c *Call, u USB) (any, error) { return u.Ports(), nil }), Print: printUSB},
		{HMP: "info usbhost", Help: "the host's USB devices", Run: withUSB(func(c *Call, u USB) (any, error) { return u.HostDevices(), nil }), Print: printUSBHost},
		{HMP: "usb_add", Params: []Param{{Name: "device"}}, Help: "plug in a USB device: usb_add tablet, usb_add host:VENDOR:PRODUCT", Run: withUSB(func(c *Call, u USB) (any, error) { return nil, u.Add(c.Str("device")) })},
		{HMP: "usb_del", Params: []Param{{Name: "address", Complete: usbAddresses}}, Help: "unplug a USB device: usb_del BUS.ADDRESS (info usb)", Run: withUSB(func(c *Call, u USB) (any, error) { return nil, u.Remove(c.Str("address")) })},
		{QMP: "x-query-usb", Returns: text{}, Run: withUSB(func(c *Call, u USB) (any, error) {
			var b sliceWriter
			printUSB(&b, u.Ports())
			return text{string(b)}, nil
		})},
	}
}

// sliceWriter collects bytes.
type sliceWriter []byte

// Write implements io.Writer.
func (s *sliceWriter) Write(p []byte) (int, error) { *s = append(*s, p...); return len(p), nil }

func withUSB(f func(*Call, USB) (any, error)) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		u := c.USB()
		if u == nil {
			return nil, errorf(GenericError, "USB support not enabled")
		}
		r, err := f(c, u)
		return r, generic(err)
	}
}

func usbAddresses(c Control) (all []string) {
	if u := c.USB(); u != nil {
		for _, p := range u.Ports() {
			all = append(all, fmt.Sprintf("%d.%d", p.Bus, p.Address))
		}
	}
	return all
}

func printUSB(w io.Writer, r any) {
	for _, p := range r.([]USBPort) {
		fmt.Fprintf(w, "  Device %d.%d, Port %s, Speed %s Mb/s, Product %s", p.Bus, p.Address, p.Port, p.Speed, p.Product)
		if p.ID != "" {
			fmt.Fprintf(w, ", ID: %s", p.ID)
		}
		fmt.Fprintln(w)
	}
}

func printUSBHost(w io.Writer, r any) {
	for _, d := range r.([]USBHostDevice) {
		fmt.Fprintf(w, "  Bus %d, Addr %d, Port %s, Speed %s Mb/s\n    Class %02x: USB device %04x:%04x", d.Bus, d.Address, d.Port, d.Speed, d.Class, d.Vendor, d.Product)
		if d.Name != "" {
			fmt.Fprintf(w, ", %s", d.Name)
		}
		fmt.Fprintln(w)
	}
}
