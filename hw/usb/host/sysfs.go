package host

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"govm-desktop/hw/usb"
)

// Info is what the kernel says of a device.
type Info struct {
	Bus, Addr      int
	Port           string // "1.4.2"; "" for a root hub
	Vendor, ID     uint16
	Version        uint16
	Class          uint8
	Speed          usb.Speed
	Config         uint8 // in force; 0: none
	Maker, Product string
	Serial         string
	Descriptors    []byte // the device's, then every configuration's
}

// Name is the device in one line.
func (i *Info) Name() string {
	if name := strings.TrimSpace(i.Maker + " " + i.Product); name != "" {
		return name
	}
	return fmt.Sprintf("USB device %04x:%04x", i.Vendor, i.ID)
}

// node is the device's file in usbfs.
func (i *Info) node(root string) string {
	return filepath.Join(root, fmt.Sprintf("/dev/bus/usb/%03d/%03d", i.Bus, i.Addr))
}

// Match chooses devices. What is zero fits all; hubs fit only by bus and address.
type Match struct {
	Vendor, ID int // -1: any
	Bus, Addr  int
	Port       string // with Bus
	Serial     string
	// Filter decides about devices that all else fits; nil: none is refused.
	Filter func(*Info) bool
}

const classHub = 9

// Fits reports whether a device is one of those.
func (m *Match) Fits(i *Info) bool {
	switch {
	case m.Vendor > 0 && m.Vendor != int(i.Vendor), m.Vendor > 0 && m.ID >= 0 && m.ID != int(i.ID), m.Vendor <= 0 && m.ID > 0 && m.ID != int(i.ID):
		return false
	case m.Bus != 0 && m.Bus != i.Bus, m.Addr != 0 && m.Addr != i.Addr, m.Port != "" && m.Port != i.Port, m.Serial != "" && m.Serial != i.Serial:
		return false
	case i.Class == classHub && (m.Bus == 0 || m.Addr == 0), i.Port == "":
		return false
	}
	return m.Filter == nil || m.Filter(i)
}

// List reads all devices from sysfs, in the order of buses and addresses.
func List(root string) ([]Info, error) {
	dir := filepath.Join(root, "/sys/bus/usb/devices")
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("the kernel has no USB: %w", err)
	}
	var list []Info
	for _, n := range names {
		if strings.Contains(n.Name(), ":") {
			continue // an interface
		}
		if i, ok := read(filepath.Join(dir, n.Name()), n.Name()); ok {
			list = append(list, i)
		}
	}
	sort.Slice(list, func(a, b int) bool {
		return list[a].Bus < list[b].Bus || list[a].Bus == list[b].Bus && list[a].Addr < list[b].Addr
	})
	return list, nil
}

// read reads a device's attributes. One that goes meanwhile is not there.
func read(dir, name string) (i Info, ok bool) {
	attr := func(n string) string {
		b, _ := os.ReadFile(filepath.Join(dir, n))
		return strings.TrimSpace(string(b))
	}
	num := func(n string, base int) int {
		v, _ := strconv.ParseUint(attr(n), base, 32)
		return int(v)
	}
	i = Info{Bus: num("busnum", 10), Addr: num("devnum", 10), Vendor: uint16(num("idVendor", 16)), ID: uint16(num("idProduct", 16)), Version: uint16(num("bcdDevice", 16)),
		Class: uint8(num("bDeviceClass", 16)), Config: uint8(num("bConfigurationValue", 10)), Maker: attr("manufacturer"), Product: attr("product"), Serial: attr("serial")}
	if _, port, ok := strings.Cut(name, "-"); ok {
		i.Port = port
	}
	switch attr("speed") {
	case "1.5":
		i.Speed = usb.Low
	case "12":
		i.Speed = usb.Full
	case "480":
		i.Speed = usb.High
	case "5000":
		i.Speed = usb.Super
	case "10000", "20000":
		i.Speed = usb.SuperPlus
	}
	i.Descriptors, _ = os.ReadFile(filepath.Join(dir, "descriptors"))
	return i, i.Bus != 0 && i.Addr != 0 && len(i.Descriptors) >= 18 && i.Speed != usb.SpeedNone
}

// config is the descriptor of a configuration with all that belongs to it.
func (i *Info) config(value uint8) []byte {
	for b := i.Descriptors[18:]; len(b) >= 9 && b[1] == usb.DescConfig; {
		n := int(binary.LittleEndian.Uint16(b[2:]))
		if n < 9 || n > len(b) {
			return nil
		}
		if b[5] == value {
			return b[:n]
		}
		b = b[n:]
	}
	return nil
}

// Interfaces lists class, subclass and protocol of each interface's first setting in the configuration in force.
func (i *Info) Interfaces() (numbers []uint8, classes [][3]uint8) {
	walk(i.config(i.Config), func(d []byte) {
		if d[1] == usb.DescInterface && len(d) >= 9 && d[3] == 0 {
			numbers, classes = append(numbers, d[2]), append(classes, [3]uint8{d[5], d[6], d[7]})
		}
	})
	return numbers, classes
}

// walk visits descriptors.
func walk(b []byte, f func(d []byte)) {
	for len(b) >= 2 && b[0] >= 2 && int(b[0]) <= len(b) {
		f(b[:b[0]])
		b = b[b[0]:]
	}
}
