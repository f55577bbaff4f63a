// Package acpi builds the ACPI tables of the i440FX PC and the commands by which the firmware puts them into memory.
//
// Followed is the ACPI specification 6.4, in the form that systems since Windows 2000 and Linux 2.4 read: RSDP revision 0, RSDT, FADT
// revision 3, DSDT revision 1. QEMU gives this machine a FADT of revision 1, which has no reset register; revision 3 (ACPI 2.0) has one
// (port CF9), so that a guest resets without the keyboard controller, and is read by all systems that read revision 1.
// Left out: hot-plugging of PCI devices, processors and memory, NUMA tables (SRAT, SLIT), an HEST; guests then do without.
package acpi

import (
	"encoding/binary"
)

// Config is what the tables tell of.
type Config struct {
	CPUs       int    // with APIC IDs from 0 on
	RAMBelow4G uint64 // end of the memory below 4 GiB; PCI's window starts there
	RAMAbove4G uint64 // bytes from 4 GiB on

	HPET     bool
	Keyboard bool // i8042; SeaBIOS leaves the keyboard alone if the DSDT has none
	Mouse    bool
	Serial   [4]bool // COM1–COM4
	Parallel bool
	Floppy   bool
	VGA      bool // the machine has a VGA whose ports may be probed

	S3, S4 bool   // sleep states beside S5, for SLP_TYP 1 and 2
	PMBase uint16 // of the PIIX4's power management ports; 0 means 600h
	GPE0   uint16 // port of the general purpose events, AFE0h on this machine; 0: none
}

// Facts of the board.
const (
	lapicBase  = 0xfee00000
	ioapicBase = 0xfec00000
	hpetBase   = 0xfed00000
	holeEnd    = ioapicBase // of the window for PCI below 4 GiB
	hole64Size = 32 << 30   // of the window above the RAM
	sciGSI     = 9
	smiCommand = 0xb2
	acpiOn     = 0xf1
	acpiOff    = 0xf0
	gpeLength  = 4
	resetPort  = 0xcf9
	resetValue = 0x06 // hard reset on the rise of bit 2
)

func (c Config) pmBase() uint16 {
	if c.PMBase == 0 {
		return 0x600
	}
	return c.PMBase
}

func (c Config) holeStart() uint64 { return min(c.RAMBelow4G, holeEnd-(16<<20)) }

func (c Config) hole64Start() uint64 {
	const align = 1 << 30
	return (1<<32 + c.RAMAbove4G + align - 1) &^ (align - 1)
}

// header puts the 36 bytes before a table's body that all tables begin with, the checksum made good.
func header(signature string, revision uint8, body []byte) []byte {
	t := append([]byte(signature), 0, 0, 0, 0, revision, 0)
	t = append(t, "GOVM  "+"GOVM"...)
	t = append(t, signature...)
	t = binary.LittleEndian.AppendUint32(t, 1)
	t = append(t, "GOVM"...)
	t = binary.LittleEndian.AppendUint32(t, 1)
	t = append(t, body...)
	binary.LittleEndian.PutUint32(t[4:], uint32(len(t)))
	t[9] = -sum(t)
	return t
}

func sum(b []byte) (s uint8) {
	for _, c := range b {
		s += c
	}
	return s
}

// DSDT returns the differentiated system description table.
func DSDT(c Config) []byte { return header("DSDT", 1, dsdt(c)) }

// Offsets of the FADT's pointers.
const (
	fadtFACS  = 36
	fadtDSDT  = 40
	fadtXDSDT = 140
)

// Bits of the FADT's flags.
const (
	flagWBINVD     = 1 << 0
	flagC1         = 1 << 2
	flagSleepNone  = 1 << 5 // no sleep button among the fixed hardware
	flagRTCS4      = 1 << 7
	flagResetReg   = 1 << 10
	flagPlatformTM = 1 << 15 // prefer the PM timer to the processors' counters
)

// fadt is the fixed description table, revision 3. The PIIX4's timer has 24 bits, so TMR_VAL_EXT stays clear.
func fadt(c Config) []byte {
	b := make([]byte, 244)
	p := func(off int, v uint32) { binary.LittleEndian.PutUint32(b[off:], v) }
	pm := uint32(c.pmBase())
	b[46] = sciGSI
	p(48, smiCommand)
	b[52], b[53] = acpiOn, acpiOff
	p(56, pm)   // PM1a_EVT
	p(64, pm+4) // PM1a_CNT
	p(76, pm+8) // PM_TMR
	b[88], b[89], b[91] = 4, 2, 4
	gas(b[148:], pm, 32)
	gas(b[172:], pm+4, 16)
	gas(b[208:], pm+8, 32)
	if c.GPE0 != 0 {
		p(80, uint32(c.GPE0))
		b[92] = gpeLength
		gas(b[220:], uint32(c.GPE0), 8*gpeLength)
	}
	binary.LittleEndian.PutUint16(b[96:], 0xfff) // no C2, no C3
	binary.LittleEndian.PutUint16(b[98:], 0xfff)
	b[108] = 0x32 // century, in CMOS
	arch := uint16(1 << 0)
	if c.Keyboard || c.Mouse {
		arch |= 1 << 1
	}
	if !c.VGA {
		arch |= 1 << 2
	}
	binary.LittleEndian.PutUint16(b[109:], arch)
	flags := uint32(flagWBINVD | flagC1 | flagSleepNone | flagResetReg | flagPlatformTM)
	if c.S4 {
		flags |= flagRTCS4
	}
	p(112, flags)
	gas(b[116:], resetPort, 8)
	b[128] = resetValue
	return header("FACP", 3, b[36:])
}

// gas writes the generic address of a port.
func gas(b []byte, port uint32, width uint8) {
	b[0], b[1] = 1, width
	b[3] = map[uint8]uint8{8: 1, 16: 2, 32: 3}[width]
	binary.LittleEndian.PutUint64(b[4:], uint64(port))
}

// facs is the firmware control structure: room for the waking vector and the global lock.
func facs() []byte {
	b := append([]byte("FACS"), make([]byte, 60)...)
	b[4] = 64
	return b
}

// Flags of an interrupt override: active high, level-triggered.
const activeHighLevel = 1 | 3<<2

// madt tells of processors and interrupt controllers.
func madt(c Config) []byte {
	b := binary.LittleEndian.AppendUint32(nil, lapicBase)
	b = binary.LittleEndian.AppendUint32(b, 1) // there are 8259s too
	for n := range c.CPUs {
		b = append(b, 0, 8, uint8(n), uint8(n), 1, 0, 0, 0)
	}
	b = append(b, 1, 12, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, ioapicBase)
	b = binary.LittleEndian.AppendUint32(b, 0)
	override := func(irq, gsi, flags uint8) { b = append(b, 2, 10, 0, irq, gsi, 0, 0, 0, flags, 0) }
	override(0, 2, 0)
	for _, irq := range []uint8{5, 9, 10, 11} {
		override(irq, irq, activeHighLevel)
	}
	b = append(b, 4, 6, 0xff, 0, 0, 1) // LINT1 of all processors is the NMI
	return header("APIC", 1, b)
}

// hpetID is the low half of the HPET's capabilities: Intel, legacy replacement, 64 bits, three timers, revision 1.
const hpetID = 0x8086a201

func hpet() []byte {
	b := binary.LittleEndian.AppendUint32(nil, hpetID)
	b = append(b, 0, 64, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, hpetBase)
	return header("HPET", 1, append(b, 0, 0, 0, 0))
}

// waet tells Windows that reading the PM timer once is enough (Windows ACPI Emulated Devices Table 1.0).
func waet() []byte { return header("WAET", 1, []byte{2, 0, 0, 0}) }
