// Package firmware puts together what a PC's firmware is told through fw_cfg: the map of memory, the ACPI and SMBIOS tables, what to
// boot from, and a kernel to boot directly. The board gives the facts and hands the result to its fw_cfg device.
//
// Followed is what SeaBIOS 1.16 reads. Left out: NUMA, and splash pictures.
package firmware

import (
	"encoding/binary"
	"io"
	"math/bits"
	"strings"

	"govm-desktop/firmware/acpi"
	"govm-desktop/firmware/boot"
	"govm-desktop/firmware/smbios"
)

// Config is what the firmware is to know.
type Config struct {
	RAM       RAM
	Reserved  []Range // of the address space, which guests shall leave alone
	CPUs      int
	MaxCPUs   int // 0: CPUs
	UUID      [16]byte
	NoGraphic bool // fw_cfg's item 4: there is no screen
	Boot      Boot
	Kernel    *boot.Image // to boot directly; nil: none

	ACPI   *acpi.Config   // CPUs and RAM are filled in; nil: no tables, SeaBIOS then writes its own
	SMBIOS *smbios.Config // CPUs, RAM and UUID are filled in; nil: none from us

	// SerialConsole is the port of a UART on which SeaBIOS shows its text screens too; 0: none.
	SerialConsole uint16
}

// Range is a stretch of addresses.
type Range struct{ Base, Size uint64 }

// Item is one thing that fw_cfg offers: a file if it has a name, else the item of a key. Its bytes are Data, or the first Size of Reader.
type Item struct {
	Key    uint16
	Name   string
	Data   []byte
	Reader io.ReaderAt
	Size   int64
}

// Keys of fw_cfg's items, as its specification numbers them.
const (
	keyUUID      = 0x02
	keyRAMSize   = 0x03
	keyNoGraphic = 0x04
	keyNumCPUs   = 0x05
	keyNUMA      = 0x0d
	keyBootMenu  = 0x0e
	keyMaxCPUs   = 0x0f
	keyIRQ0      = 0x8002
)

// Build returns all that fw_cfg shall offer.
func Build(c Config) []Item {
	c.MaxCPUs = max(c.MaxCPUs, c.CPUs)
	items := keys(c)
	file := func(name string, data []byte) { items = append(items, Item{Name: name, Data: data}) }
	file("etc/e820", e820(c.RAM, c.Reserved))
	file("etc/system-states", systemStates(c.ACPI))
	if c.ACPI != nil {
		cfg := *c.ACPI
		cfg.CPUs, cfg.RAMBelow4G, cfg.RAMAbove4G = c.CPUs, c.RAM.Below4G, c.RAM.Above4G
		t := acpi.Build(cfg)
		file(acpi.FileTables, t.Tables)
		file(acpi.FileRSDP, t.RSDP)
		file(acpi.FileLoader, t.Loader)
	}
	if c.SMBIOS != nil {
		cfg := *c.SMBIOS
		cfg.CPUs, cfg.RAMBelow4G, cfg.RAMAbove4G, cfg.UUID = c.CPUs, c.RAM.Below4G, c.RAM.Above4G, c.UUID
		t := smbios.Build(cfg)
		file(smbios.FileAnchor, t.Anchor)
		file(smbios.FileTables, t.Tables)
	}
	if c.SerialConsole != 0 {
		file("etc/sercon-port", binary.LittleEndian.AppendUint16(nil, c.SerialConsole))
	}
	items = append(items, c.Boot.items(c.Kernel != nil)...)
	if c.Kernel != nil {
		items = append(items, kernelItems(c.Kernel)...)
	}
	return items
}

// keys are the items without a name. Left at zero, which they read as where they are absent: the legacy tables of 8000h, 8001h, 8003h, 8004h.
func keys(c Config) []Item {
	le := binary.LittleEndian
	flag := func(on bool) []byte {
		if on {
			return []byte{1, 0}
		}
		return []byte{0, 0}
	}
	return []Item{
		{Key: keyUUID, Data: append([]byte(nil), c.UUID[:]...)},
		{Key: keyRAMSize, Data: le.AppendUint64(nil, c.RAM.Below4G+c.RAM.Above4G)},
		{Key: keyNoGraphic, Data: flag(c.NoGraphic)},
		{Key: keyNumCPUs, Data: le.AppendUint16(nil, uint16(c.CPUs))},
		{Key: keyNUMA, Data: make([]byte, 8*(1+c.MaxCPUs))}, // no nodes
		{Key: keyBootMenu, Data: flag(c.Boot.Menu)},
		{Key: keyMaxCPUs, Data: le.AppendUint16(nil, uint16(c.MaxCPUs))},
		{Key: keyIRQ0, Data: le.AppendUint32(nil, 1)}, // IRQ 0 reaches input 2 of the IOAPIC
	}
}

func kernelItems(k *boot.Image) []Item {
	items := []Item{
		{Name: "genroms/" + boot.ROMName, Data: k.ROM},
		{Name: boot.FileName, Reader: k.File, Size: k.File.Size()},
	}
	for _, p := range k.Keys {
		items = append(items, Item{Key: p.Key, Reader: p.Data, Size: p.Data.Size()})
	}
	return items
}

// systemStates tells SeaBIOS which sleep states there are: bit 7, beside the value of SLP_TYP.
func systemStates(c *acpi.Config) []byte {
	s := []byte{0x80, 0, 0, 1, 2, 0x80}
	if c != nil && c.S3 {
		s[3] |= 0x80
	}
	if c != nil && c.S4 {
		s[4] |= 0x80
	}
	return s
}

// RAM says where memory lies.
type RAM struct{ Below4G, Above4G uint64 }

// Limits of the memory below 4 GiB: what does not fit below maxBelow4G is split at splitAt, a round number, to leave room for PCI.
const (
	maxBelow4G = 0xe0000000
	splitAt    = 0xc0000000
)

// Split lays out memory of a size as QEMU's pc machine does: up to 3.5 GiB stay below 4 GiB; of more than that, 3 GiB.
func Split(size uint64) RAM {
	if size < maxBelow4G {
		return RAM{Below4G: size}
	}
	return RAM{Below4G: splitAt, Above4G: size - splitAt}
}

// e820 is the map of memory: 20-byte entries of address, size and kind (1 RAM, 2 reserved).
func e820(ram RAM, reserved []Range) []byte {
	var b []byte
	entry := func(r Range, kind uint32) {
		if r.Size == 0 {
			return
		}
		b = binary.LittleEndian.AppendUint64(b, r.Base)
		b = binary.LittleEndian.AppendUint64(b, r.Size)
		b = binary.LittleEndian.AppendUint32(b, kind)
	}
	for _, r := range reserved {
		entry(r, 2)
	}
	entry(Range{0, ram.Below4G}, 1)
	entry(Range{1 << 32, ram.Above4G}, 1)
	return b
}

// CMOSMemory are the bytes of CMOS RAM that tell of memory to those who know no other way, by index.
func CMOSMemory(ram RAM) map[uint8]uint8 {
	kb := min(ram.Below4G>>10, 640+1024+0xffff) // base memory up to 640 KiB
	base := min(kb, 640)
	ext := min(max(ram.Below4G, 1<<20)-1<<20, 63<<20) >> 10   // KiB above 1 MiB, up to 63 MiB
	above16 := (max(ram.Below4G, 16<<20) - 16<<20) >> 16      // units of 64 KiB above 16 MiB
	above16, above4g := min(above16, 0xffff), ram.Above4G>>16 // and above 4 GiB
	above4g = min(above4g, 1<<24-1)
	return map[uint8]uint8{
		0x15: uint8(base), 0x16: uint8(base >> 8),
		0x17: uint8(ext), 0x18: uint8(ext >> 8), 0x30: uint8(ext), 0x31: uint8(ext >> 8),
		0x34: uint8(above16), 0x35: uint8(above16 >> 8),
		0x5b: uint8(above4g), 0x5c: uint8(above4g >> 8), 0x5d: uint8(above4g >> 16),
	}
}

// ParseUUID reads a UUID as people write it; false if it is none.
func ParseUUID(s string) (u [16]byte, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return u, false
	}
	hex := strings.ReplaceAll(s, "-", "")
	if len(hex) != 32 {
		return u, false
	}
	for i := range 32 {
		d := strings.IndexByte("0123456789abcdef", hex[i]|0x20)
		if d < 0 {
			return u, false
		}
		u[i/2] = bits.RotateLeft8(u[i/2], 4) | uint8(d)
	}
	return u, true
}
