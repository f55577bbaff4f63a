package firmware

import (
	"encoding/binary"
	"fmt"
	"strings"

	"govm-desktop/firmware/boot"
)

// Boot says what to boot from, and how long to wait.
type Boot struct {
	Order string // letters as in -boot order=: a and b floppy, c hard disk, d CD, n to p network; see CMOS

	Devices []string // paths as PathIDE and its like give, the first one first: the file bootorder
	Strict  bool     // nothing is booted but Devices

	Menu          bool   // offer a menu
	SplashTime    *int64 // how long it waits, in ms; nil: as SeaBIOS likes
	RebootTimeout *int64 // start anew that long, in ms, after nothing could be booted; nil or negative: never
}

// items are the files that SeaBIOS reads of this.
func (b Boot) items(kernel bool) []Item {
	paths := b.Devices
	if kernel {
		paths = append([]string{"/rom@genroms/" + boot.ROMName}, paths...)
	}
	if b.Strict {
		paths = append(paths[:len(paths):len(paths)], "HALT")
	}
	var items []Item
	if len(paths) > 0 {
		items = append(items, Item{Name: "bootorder", Data: append([]byte(strings.Join(paths, "\n")), 0)})
	}
	timeout := uint32(0xffffffff)
	if b.RebootTimeout != nil && *b.RebootTimeout >= 0 {
		timeout = uint32(min(*b.RebootTimeout, 0xffff))
	}
	items = append(items, Item{Name: "etc/boot-fail-wait", Data: binary.LittleEndian.AppendUint32(nil, timeout)})
	if b.SplashTime != nil {
		wait := uint16(max(0, min(*b.SplashTime, 0xffff)))
		items = append(items, Item{Name: "etc/boot-menu-wait", Data: binary.LittleEndian.AppendUint16(nil, wait)})
	}
	return items
}

// DefaultOrder is what is tried when nothing is said: hard disk, floppy, CD, as QEMU has it for a PC.
const DefaultOrder = "cad"

// CMOS are the bytes 38h and 3Dh of CMOS RAM for an order: SeaBIOS tries the kinds of devices they name, up to three, where the file
// bootorder does not say more.
func CMOS(order string) (b38, b3d uint8, err error) {
	var kinds [3]uint8
	n := 0
	for i, c := range order {
		var kind uint8
		switch {
		case c < 'a' || c > 'p':
			return 0, 0, fmt.Errorf("firmware: boot order %q: %q is no drive (a, b floppy, c hard disk, d CD, n network)", order, c)
		case strings.ContainsRune(order[:i], c):
			return 0, 0, fmt.Errorf("firmware: boot order %q: %q is named twice", order, c)
		case c == 'a' || c == 'b':
			kind = 1
		case c == 'c':
			kind = 2
		case c == 'd':
			kind = 3
		case c >= 'n':
			kind = 4
		default:
			return 0, 0, fmt.Errorf("firmware: boot order %q: a PC has no drive %q", order, c)
		}
		if n < len(kinds) {
			kinds[n] = kind
			n++
		}
	}
	return kinds[2]<<4 | 1, kinds[1]<<4 | kinds[0], nil // bit 0 of 38h: no check of the floppy's signature
}

// Paths of devices as Open Firmware has them, which SeaBIOS looks for in the file bootorder.

// PathIDE is a drive of an IDE controller.
func PathIDE(slot, function, channel, unit int) string {
	return fmt.Sprintf("%s/drive@%x/disk@%x", PathPCI("ide", slot, function), channel, unit)
}

// PathFloppy is a floppy drive.
func PathFloppy(unit int) string {
	return fmt.Sprintf("%s/fdc@03f0/floppy@%x", PathPCI("isa", 1, 0), unit)
}

// PathPCI is a function on bus 0: its kind is ide, isa, scsi (virtio-blk too), ethernet and so on.
func PathPCI(kind string, slot, function int) string {
	if function == 0 {
		return fmt.Sprintf("/pci@i0cf8/%s@%x", kind, slot)
	}
	return fmt.Sprintf("/pci@i0cf8/%s@%x,%x", kind, slot, function)
}

// PathDisk is the disk of a controller that has but one, such as virtio-blk.
func PathDisk(controller string) string { return controller + "/disk@0,0" }

// PathNIC is the first port of a network card.
func PathNIC(slot int) string { return PathPCI("ethernet", slot, 0) + "/ethernet-phy@0" }

// PathUSB is a device on a USB controller: its port as people write it ("2", "1.3" behind a hub), its kind storage, usb-redir or usb-host.
func PathUSB(slot, function int, port, kind string) string {
	path := PathPCI("usb", slot, function)
	hubs := strings.Split(port, ".")
	for _, p := range hubs[:len(hubs)-1] {
		path += "/hub@" + p
	}
	path += "/" + kind + "@" + hubs[len(hubs)-1]
	if kind == "storage" {
		path += "/channel@0/disk@0,0"
	}
	return path
}
