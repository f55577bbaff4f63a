package monitor

import (
	"fmt"
	"io"
	"strings"
)

func boardCommands() []*Command {
	return []*Command{
		{HMP: "info pic", QMP: "", Help: "the interrupt controllers", Run: func(c *Call) (any, error) { return inspected(c, "pic", "irqchip") }, Print: printText},
		{HMP: "info irq", Help: "how often interrupts were asked for", Run: func(c *Call) (any, error) { return irqText(c), nil }, Print: printText},
		{QMP: "x-query-irq", Returns: text{}, Run: func(c *Call) (any, error) { return text{irqText(c)}, nil }},
		{HMP: "info pci", Help: "the PCI devices", Run: runPCI, Print: printPCI},
		{QMP: "query-pci", Returns: []PCIBus{}, Run: runPCI},
		{HMP: "info mtree", Params: []Param{{Name: "flat", Type: Flag, Letter: 'f'}, {Name: "dispatch", Type: Flag, Letter: 'd'}, {Name: "owner", Type: Flag, Letter: 'o'}, {Name: "disabled", Type: Flag, Letter: 'D'}},
			Help: "the memory map: info mtree [-f]lat", Run: runMtree, Print: printText},
		{HMP: "info roms", Help: "the images in ROM", Run: func(c *Call) (any, error) { return romText(c), nil }, Print: printText},
		{QMP: "x-query-roms", Returns: text{}, Run: func(c *Call) (any, error) { return text{romText(c)}, nil }},
		{HMP: "info device", Params: []Param{{Name: "name"}}, Help: "what a device says of itself: info device rtc", Run: func(c *Call) (any, error) { return inspected(c, c.Str("name")) }, Print: printText},
	}
}

func irqText(c *Call) string {
	var b strings.Builder
	for _, i := range c.Interrupts() {
		fmt.Fprintf(&b, "IRQ statistics for %s:\n", i.Controller)
		for n, count := range i.Count {
			if count > 0 {
				fmt.Fprintf(&b, "%2d: %d\n", n, count)
			}
		}
	}
	return b.String()
}

func romText(c *Call) string {
	var b strings.Builder
	for _, r := range c.ROMs() {
		if r.FwCfg {
			fmt.Fprintf(&b, "fw=%s size=0x%06x name=%q\n", r.Name, r.Size, r.Name)
		} else {
			fmt.Fprintf(&b, "addr=%016x size=0x%06x mem=rom name=%q\n", r.Addr, r.Size, r.Name)
		}
	}
	return b.String()
}

// PCIBus is query-pci's result.
type PCIBus struct {
	Bus     int64      `json:"bus"`
	Devices []PCIShown `json:"devices"`
}

// PCIShown is a PCIDevice as QMP has it.
type PCIShown struct {
	Bus      int64            `json:"bus"`
	Slot     int64            `json:"slot"`
	Function int64            `json:"function"`
	Class    PCIClass         `json:"class_info"`
	ID       PCIID            `json:"id"`
	IRQ      *int64           `json:"irq,omitempty"`
	Pin      int64            `json:"irq_pin"`
	QDev     string           `json:"qdev_id"`
	Regions  []PCIRegionShown `json:"regions"`
}

// PCIClass is what a device is.
type PCIClass struct {
	Desc  string `json:"desc,omitempty"`
	Class int64  `json:"class"`
}

// PCIID is whose device it is.
type PCIID struct {
	Device          int64 `json:"device"`
	Vendor          int64 `json:"vendor"`
	Subsystem       int64 `json:"subsystem"`
	SubsystemVendor int64 `json:"subsystem-vendor"`
}

// PCIRegionShown is a PCIRegion as QMP has it.
type PCIRegionShown struct {
	BAR      int64  `json:"bar"`
	Type     string `json:"type"`
	Address  int64  `json:"address"`
	Size     int64  `json:"size"`
	Prefetch *bool  `json:"prefetch,omitempty"`
	Mem64    *bool  `json:"mem_type_64,omitempty"`
}

// className is the description of a class of devices (PCI Code and ID Assignment).
func className(class uint16) string {
	return map[uint16]string{0x0100: "SCSI controller", 0x0101: "IDE controller", 0x0106: "SATA controller", 0x0200: "Ethernet controller", 0x0300: "VGA controller", 0x0380: "Display controller",
		0x0401: "Audio controller", 0x0403: "Audio controller", 0x0600: "Host bridge", 0x0601: "ISA bridge", 0x0604: "PCI bridge", 0x0680: "Bridge", 0x0780: "Communication controller",
		0x0c03: "USB controller", 0x0c05: "SMBus"}[class]
}

func runPCI(c *Call) (any, error) {
	b := PCIBus{Devices: []PCIShown{}}
	for _, d := range c.PCI() {
		s := PCIShown{Slot: int64(d.Slot), Function: int64(d.Function), Class: PCIClass{className(d.Class), int64(d.Class)}, Pin: int64(d.Pin), QDev: d.ID,
			ID: PCIID{int64(d.Device), int64(d.Vendor), int64(d.Subsystem), int64(d.SubsystemVendor)}, Regions: []PCIRegionShown{}}
		if d.Pin != 0 {
			line := int64(d.Line)
			s.IRQ = &line
		}
		for _, r := range d.Regions {
			x := PCIRegionShown{BAR: int64(r.BAR), Type: "memory", Address: int64(r.Address), Size: int64(r.Size)}
			if r.Port {
				x.Type = "io"
			} else {
				x.Prefetch, x.Mem64 = &r.Prefetch, &r.Mem64
			}
			s.Regions = append(s.Regions, x)
		}
		b.Devices = append(b.Devices, s)
	}
	return []PCIBus{b}, nil
}

func printPCI(w io.Writer, r any) {
	for _, b := range r.([]PCIBus) {
		for _, d := range b.Devices {
			fmt.Fprintf(w, "  Bus %2d, device %3d, function %d:\n    ", b.Bus, d.Slot, d.Function)
			if d.Class.Desc != "" {
				io.WriteString(w, d.Class.Desc)
			} else {
				fmt.Fprintf(w, "Class %04x", d.Class.Class)
			}
			fmt.Fprintf(w, ": PCI device %04x:%04x\n      PCI subsystem %04x:%04x\n", d.ID.Vendor, d.ID.Device, d.ID.SubsystemVendor, d.ID.Subsystem)
			if d.IRQ != nil {
				fmt.Fprintf(w, "      IRQ %d, pin %c\n", *d.IRQ, 'A'+d.Pin-1)
			}
			for _, x := range d.Regions {
				x.print(w)
			}
			fmt.Fprintf(w, "      id %q\n", d.QDev)
		}
	}
}

func (r *PCIRegionShown) print(w io.Writer) {
	end := r.Address + r.Size - 1
	if r.Type == "io" {
		fmt.Fprintf(w, "      BAR%d: I/O at 0x%04x [0x%04x].\n", r.BAR, uint64(r.Address)&0xffffffff, uint64(end)&0xffffffff)
		return
	}
	bits, prefetch := 32, ""
	if *r.Mem64 {
		bits = 64
	}
	if *r.Prefetch {
		prefetch = " prefetchable"
	}
	fmt.Fprintf(w, "      BAR%d: %d bit%s memory at 0x%08x [0x%08x].\n", r.BAR, bits, prefetch, uint64(r.Address), uint64(end))
}

func runMtree(c *Call) (any, error) {
	var b strings.Builder
	for i, s := range c.Spaces() {
		regions := s.Regions
		if c.Bool("flat") {
			fmt.Fprintf(&b, "FlatView #%d\n AS %q, root: %s\n Root memory region: %s\n", i, s.Name, s.Name, s.Name)
			regions = s.Flat
		} else {
			fmt.Fprintf(&b, "address-space: %s\n", s.Name)
		}
		for _, r := range regions {
			fmt.Fprintf(&b, "%s%016x-%016x (prio %d, %s): ", strings.Repeat("  ", r.Depth+1), r.Addr, r.Addr+r.Size-1, r.Priority, r.Kind)
			switch {
			case r.AliasOf != "":
				fmt.Fprintf(&b, "alias %s @%s %016x-%016x\n", r.Name, r.AliasOf, r.Offset, r.Offset+r.Size-1)
			case r.Offset != 0:
				fmt.Fprintf(&b, "%s @%016x\n", r.Name, r.Offset)
			default:
				fmt.Fprintln(&b, r.Name)
			}
		}
		fmt.Fprintln(&b)
	}
	return b.String(), nil
}
