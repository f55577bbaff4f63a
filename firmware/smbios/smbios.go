// Package smbios builds the tables by which a guest learns what machine it runs on.
//
// Followed is the System Management BIOS reference specification 2.8 (DMTF DSP0134): types 0, 1, 3, 4, 16, 17, 19, 32 and 127, as one
// entry point and one block of structures that the firmware puts into memory. Left out are caches, slots and the base board.
package smbios

import "encoding/binary"

// Names of the fw_cfg files.
const (
	FileAnchor = "etc/smbios/smbios-anchor"
	FileTables = "etc/smbios/smbios-tables"
)

// Config is what the tables tell.
type Config struct {
	Manufacturer string // of the system; empty: govm-desktop
	Product      string // empty: Standard PC (i440FX + PIIX, 1996)
	Version      string // of the program and so of the machine
	Serial       string
	UUID         [16]byte // as it is written, most significant byte first; zeros: not set

	CPUs           int // sockets with one core each
	CPUID          uint64
	CPUModel       string // brand string
	CPUMHz         uint16
	RAMBelow4G     uint64
	RAMAbove4G     uint64
	FirmwareVendor string // of the BIOS; empty: SeaBIOS
}

// Handles of structures, by type.
const (
	handleBIOS    = 0x0000
	handleSystem  = 0x0100
	handleChassis = 0x0300
	handleCPU     = 0x0400
	handleArray   = 0x1000
	handleDIMM    = 0x1100
	handleMapped  = 0x1300
	handleBoot    = 0x2000
	handleEnd     = 0x7f00
	handleNone    = 0xfffe // no information about errors
)

// Tables are the contents of the two files.
type Tables struct{ Anchor, Tables []byte }

// Build returns the tables of a machine.
func Build(c Config) Tables {
	or := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	or(&c.Manufacturer, "govm-desktop")
	or(&c.Product, "Standard PC (i440FX + PIIX, 1996)")
	or(&c.Version, "0")
	or(&c.FirmwareVendor, "SeaBIOS")
	or(&c.CPUModel, "govm-desktop")
	var b builder
	b.bios(c)
	b.system(c)
	b.chassis(c)
	for n := range c.CPUs {
		b.processor(c, n)
	}
	b.memory(c)
	b.begin(32, handleBoot)
	b.bytes(make([]byte, 7)...)
	b.end()
	b.begin(127, handleEnd)
	b.end()
	return Tables{Anchor: b.anchor(), Tables: b.out}
}

// builder writes one structure after another.
type builder struct {
	out     []byte
	start   int // of the structure under way
	strings []string
	count   uint16
	largest int
}

func (b *builder) begin(kind uint8, handle uint16) {
	b.start, b.strings = len(b.out), nil
	b.out = append(b.out, kind, 0)
	b.word(handle)
}

func (b *builder) bytes(v ...uint8) { b.out = append(b.out, v...) }
func (b *builder) word(v uint16)    { b.out = binary.LittleEndian.AppendUint16(b.out, v) }
func (b *builder) dword(v uint32)   { b.out = binary.LittleEndian.AppendUint32(b.out, v) }
func (b *builder) qword(v uint64)   { b.out = binary.LittleEndian.AppendUint64(b.out, v) }

// str puts the number of a string, and the string after the structure; none for an empty one.
func (b *builder) str(s string) {
	clean := make([]byte, 0, len(s))
	for _, c := range []byte(s[:min(len(s), 200)]) {
		if c >= ' ' && c <= '~' {
			clean = append(clean, c)
		}
	}
	if len(clean) == 0 {
		b.bytes(0)
		return
	}
	b.strings = append(b.strings, string(clean))
	b.bytes(uint8(len(b.strings)))
}

// end closes the structure: its length, then its strings and an empty one.
func (b *builder) end() {
	b.out[b.start+1] = uint8(len(b.out) - b.start)
	for _, s := range b.strings {
		b.out = append(append(b.out, s...), 0)
	}
	if len(b.strings) == 0 {
		b.out = append(b.out, 0)
	}
	b.out = append(b.out, 0)
	b.count++
	b.largest = max(b.largest, len(b.out)-b.start)
}

// bios is type 0. What SeaBIOS puts there itself where none is given, but for the version.
func (b *builder) bios(c Config) {
	b.begin(0, handleBIOS)
	b.str(c.FirmwareVendor)
	b.str("govm-desktop " + c.Version)
	b.word(0xe800) // starting segment
	b.str("04/01/2014")
	b.bytes(0)
	b.qword(1 << 3)                         // characteristics are not given
	b.bytes(0, 1<<2|1<<4, 0, 0, 0xff, 0xff) // a virtual machine; no release numbers
	b.end()
}

// system is type 1.
func (b *builder) system(c Config) {
	b.begin(1, handleSystem)
	b.str(c.Manufacturer)
	b.str(c.Product)
	b.str("govm-desktop " + c.Version)
	b.str(c.Serial)
	u := c.UUID
	b.bytes(u[3], u[2], u[1], u[0], u[5], u[4], u[7], u[6]) // the first three fields are little-endian (7.2.1)
	b.bytes(u[8:]...)
	b.bytes(6) // woken by the power switch
	b.str("")
	b.str("")
	b.end()
}

// chassis is type 3.
func (b *builder) chassis(c Config) {
	b.begin(3, handleChassis)
	b.str(c.Manufacturer)
	b.bytes(1) // of some other kind
	b.str("govm-desktop " + c.Version)
	b.str("")
	b.str("")
	b.bytes(3, 3, 3, 2) // boots up, is powered and cool: safe; no security
	b.dword(0)
	b.bytes(0, 0, 0, 0)
	b.str("")
	b.end()
}

// processor is type 4.
func (b *builder) processor(c Config, n int) {
	b.begin(4, handleCPU+uint16(n))
	b.str("CPU " + string(rune('0'+n/10%10)) + string(rune('0'+n%10)))
	b.bytes(3, 1) // central processor, family "other"
	b.str(c.Manufacturer)
	b.qword(c.CPUID)
	b.str(c.CPUModel)
	b.bytes(0) // voltage
	b.word(0)
	b.word(c.CPUMHz)
	b.word(c.CPUMHz)
	b.bytes(0x41, 1) // socket populated, enabled; upgrade "other"
	for range 3 {
		b.word(0xffff) // no caches
	}
	b.str("")
	b.str("")
	b.str("")
	b.bytes(1, 1, 1) // core, enabled, thread
	b.word(1 << 1)
	b.word(1)
	b.end()
}

// memory is types 16, 17 and 19: one array, a module for every 16 GiB begun, and where they are seen.
func (b *builder) memory(c Config) {
	const module = 16 << 30
	total := c.RAMBelow4G + c.RAMAbove4G
	modules := int((total + module - 1) / module)

	b.begin(16, handleArray)
	b.bytes(1, 3, 3) // elsewhere, system memory, no error correction
	kb := uint32(0x80000000)
	if total < 2<<40 {
		kb = uint32(total >> 10)
	}
	b.dword(kb)
	b.word(handleNone)
	b.word(uint16(modules))
	if kb == 0x80000000 {
		b.qword(total)
	} else {
		b.qword(0)
	}
	b.end()

	for n, left := 0, total; n < modules; n, left = n+1, left-module {
		b.module(n, min(left, module))
	}
	b.mapped(0, 0, c.RAMBelow4G)
	if c.RAMAbove4G > 0 {
		b.mapped(1, 1<<32, c.RAMAbove4G)
	}
}

// module is type 17.
func (b *builder) module(n int, size uint64) {
	b.begin(17, handleDIMM+uint16(n))
	b.word(handleArray)
	b.word(handleNone)
	b.word(0xffff)
	b.word(0xffff)
	b.word(uint16(size >> 20)) // at most 16 GiB, so the extended size stays empty
	b.bytes(9, 0)              // DIMM, of no set
	b.str("DIMM " + string(rune('0'+n/10%10)) + string(rune('0'+n%10)))
	b.str("")
	b.bytes(7) // RAM
	b.word(1 << 1)
	b.word(0)
	b.str("govm-desktop")
	b.bytes(0, 0, 0, 0)
	b.dword(0)
	b.bytes(make([]byte, 8)...) // speed and voltages
	b.end()
}

// mapped is type 19; bounds that 32 bits of KiB cannot say go to the extended fields.
func (b *builder) mapped(n uint16, start, size uint64) {
	b.begin(19, handleMapped+n)
	end := start + size - 1
	wide := end>>10 >= 0xffffffff
	if wide {
		b.dword(0xffffffff)
		b.dword(0xffffffff)
	} else {
		b.dword(uint32(start >> 10))
		b.dword(uint32(end >> 10))
	}
	b.word(handleArray)
	b.bytes(1)
	if wide {
		b.qword(start)
		b.qword(end)
	} else {
		b.qword(0)
		b.qword(0)
	}
	b.end()
}

// anchor is the entry point; the firmware fills in the address and the checksums.
func (b *builder) anchor() []byte {
	a := append([]byte("_SM_"), 0, 31, 2, 8)
	a = binary.LittleEndian.AppendUint16(a, uint16(b.largest))
	a = append(a, 0, 0, 0, 0, 0, 0)
	a = append(a, "_DMI_\x00"...)
	a = binary.LittleEndian.AppendUint16(a, uint16(len(b.out)))
	a = binary.LittleEndian.AppendUint32(a, 0)
	a = binary.LittleEndian.AppendUint16(a, b.count)
	a = append(a, 0x28)
	a[21] = -sum(a[16:])
	a[4] = -sum(a)
	return a
}

func sum(b []byte) (s uint8) {
	for _, c := range b {
		s += c
	}
	return s
}
