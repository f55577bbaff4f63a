package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"govm-desktop/accel"
	"govm-desktop/hw"
	"govm-desktop/hw/pci"
	"govm-desktop/memory"
	"govm-desktop/monitor"
	"govm-desktop/x86"
)

// Machine implements monitor.Control, as do the methods below.
func (c *control) Machine() string    { return boardType }
func (c *control) MemorySize() uint64 { return c.p.s.ram }

// boardType is the board's whole name, with the version of QEMU's that it follows.
const boardType = "pc-i440fx-7.2"

func (c *control) CPUModel() string {
	if c.p.s.model == "" {
		return "qemu64"
	}
	return c.p.s.model
}

func (c *control) ThreadID(cpu int) (id int) {
	c.p.pc.Do(cpu, func(accel.VCPU) { id = unix.Gettid() })
	return id
}

func (c *control) Registers(cpu int) (s x86.State, err error) {
	err = c.p.pc.State(cpu, &s)
	return s, err
}

// KVM reports whether the processors are the host's.
func (c *control) KVM() (enabled, present bool) {
	_, err := os.Stat("/dev/kvm")
	return c.p.accelerated, err == nil
}

// seen is an address space for the monitor.
type seen struct{ *memory.Space }

// ReadAt reads RAM and ROM.
func (s seen) ReadAt(p []byte, addr int64) (int, error) { return s.Space.ReadAt(p, addr) }

func (c *control) Memory(cpu int) monitor.Memories { return seen{c.p.pc.CPUMemory(cpu)} }

func (c *control) In(port uint16, size int) uint32 {
	return uint32(c.p.pc.Ports().Load(uint64(port), size))
}

func (c *control) Out(port uint16, size int, val uint32) {
	c.p.pc.Ports().Store(uint64(port), size, uint64(val))
}

func (c *control) Inspect(w io.Writer, device string) bool { return c.p.pc.Inspect(w, device) }

func (c *control) PCI() (all []monitor.PCIDevice) {
	for _, f := range c.p.pc.Bus().Infos() {
		d := monitor.PCIDevice{Slot: f.Slot, Function: f.Function, Vendor: f.Vendor, Device: f.Device, Subsystem: f.SubsystemID, SubsystemVendor: f.SubVendor, Class: f.Class, Pin: f.Pin, Line: f.Line}
		for _, b := range f.BARs {
			io := b.Kind == pci.IO
			d.Regions = append(d.Regions, monitor.PCIRegion{BAR: b.Index, Port: io, Address: b.Mapped, Size: b.Size,
				Prefetch: !io && b.Kind&pci.Prefetch != 0, Mem64: !io && b.Kind&pci.Mem64 != 0})
		}
		all = append(all, d)
	}
	return all
}

func (c *control) Spaces() []monitor.Space {
	b := c.p.pc
	all := []monitor.Space{space("memory", b.Memory()), space("I/O", b.Ports())}
	for i := range b.CPUs() {
		all = append(all, space(fmt.Sprintf("cpu-memory-%d", i), b.CPUMemory(i)))
	}
	return all
}

func space(name string, s *memory.Space) monitor.Space {
	return monitor.Space{Name: name, Regions: regions(s.Tree()), Flat: regions(s.View().Flat())}
}

func regions(nodes []memory.Node) (all []monitor.SpaceRegion) {
	for _, n := range nodes {
		all = append(all, monitor.SpaceRegion{Depth: n.Depth, Addr: n.Addr, Size: n.Size, Priority: n.Priority, Kind: n.Kind, Name: n.Name, AliasOf: n.Of, Offset: n.Offset})
	}
	return all
}

func (c *control) Interrupts() []monitor.InterruptCount {
	n := c.p.pc.Interrupts()
	return []monitor.InterruptCount{{Controller: "ioapic", Count: n}, {Controller: "isa-i8259", Count: n[:16]}}
}

func (c *control) ROMs() (all []monitor.ROM) {
	at, size := c.p.pc.BIOS()
	all = append(all, monitor.ROM{Name: c.p.biosName, Addr: at, Size: size})
	for _, f := range c.p.pc.FirmwareFiles() {
		all = append(all, monitor.ROM{Name: f.Name, Size: f.Size, FwCfg: true})
	}
	return all
}

// deviceTypes are QEMU's names of the board's devices.
func deviceTypes() map[string]string {
	return map[string]string{"host": "i440FX", "isa": "PIIX3", "ide": "piix3-ide", "pm": "PIIX4_PM", "vga": "VGA", "pit": "isa-pit", "rtc": "mc146818rtc", "hpet": "hpet", "i8042": "i8042",
		"fwcfg": "fw_cfg_io", "dma": "i8257", "sysctl": "port92", "acpi": "acpi", "irqchip": "isa-i8259", "debugcon": "isa-debugcon", "pci": "PCI"}
}

func typeOf(name string) string {
	if t, ok := deviceTypes()[name]; ok {
		return t
	}
	switch kind := strings.TrimRight(name, "0123456789"); kind {
	case "lapic":
		return "apic"
	case "serial":
		return "isa-serial"
	default:
		return kind
	}
}

func constant(name, kind string, v any) monitor.Property {
	return monitor.Property{Name: name, Type: kind, Get: func() any { return v }}
}

// Objects is the tree: the machine with its devices, and what options have made.
func (c *control) Objects() *monitor.Object {
	p, s := c.p, c.p.s
	m := &monitor.Object{Name: "machine", Type: boardType + "-machine", Properties: []monitor.Property{
		constant("acpi", "OnOffAuto", onOffWord(!s.noACPI)), constant("hpet", "bool", !s.noHPET), constant("kernel", "string", s.kernel), constant("initrd", "string", s.initrd),
		constant("append", "string", s.append), constant("firmware", "string", s.bios), constant("graphics", "bool", !s.nographic), constant("smp-cpus", "int", int64(s.cpus)),
		constant("memory-size", "int", int64(s.ram))}}
	for i := range p.pc.CPUs() {
		m.Children = append(m.Children, &monitor.Object{Name: fmt.Sprintf("cpu[%d]", i), Type: c.CPUModel() + "-x86_64-cpu", Properties: []monitor.Property{constant("apic-id", "int", int64(i)), constant("realized", "bool", true)}})
	}
	p.pc.Devices(func(name string, d hw.Device) {
		o := &monitor.Object{Name: name, Type: typeOf(name), Properties: []monitor.Property{constant("realized", "bool", true)}}
		if name == "ide" {
			o.Children = c.driveObjects()
		}
		if x, ok := d.(pci.Device); ok {
			o.Properties = append(o.Properties, c.pciProperties(x)...)
		}
		m.Children = append(m.Children, o)
	})
	outside := &monitor.Object{Name: "peripheral", Type: "container"}
	for _, id := range p.hot.ids() {
		outside.Children = append(outside.Children, &monitor.Object{Name: id, Type: p.hot.driver(id), Properties: []monitor.Property{constant("realized", "bool", true)}})
	}
	m.Children = append(m.Children, outside)
	objects := &monitor.Object{Name: "objects", Type: "container"}
	for id := range s.objects.secrets {
		objects.Children = append(objects.Children, &monitor.Object{Name: id, Type: "secret"})
	}
	for id := range s.objects.creds {
		objects.Children = append(objects.Children, &monitor.Object{Name: id, Type: "tls-creds-x509"})
	}
	slices.SortFunc(objects.Children, func(a, b *monitor.Object) int { return strings.Compare(a.Name, b.Name) })
	return &monitor.Object{Type: "container", Children: []*monitor.Object{m, objects, {Name: "chardevs", Type: "container"}}}
}

func onOffWord(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func (c *control) driveObjects() (all []*monitor.Object) {
	for i, d := range c.p.drives {
		if d == nil {
			continue
		}
		kind := "ide-hd"
		if d.CD {
			kind = "ide-cd"
		}
		all = append(all, &monitor.Object{Name: fmt.Sprintf("drive[%d]", i), Type: kind, Properties: []monitor.Property{constant("drive", "str", d.ID), constant("serial", "str", d.Serial),
			constant("unit", "int", int64(i%2)), {Name: "file", Type: "str", Get: func() any { return c.p.fileOf(i) }}}})
	}
	return all
}

// pciProperties are where a function sits and what it is.
func (c *control) pciProperties(d pci.Device) []monitor.Property {
	for _, f := range c.p.pc.Bus().Infos() {
		if c.p.pc.Bus().Device(f.Slot, f.Function) == d {
			return []monitor.Property{constant("addr", "str", fmt.Sprintf("%02x.%x", f.Slot, f.Function)), constant("vendor", "int", int64(f.Vendor)), constant("device", "int", int64(f.Device)),
				constant("class", "str", strconv.FormatUint(uint64(f.Class), 16))}
		}
	}
	return nil
}
