package acpi

import "fmt"

// dsdt is the body of the differentiated system description table: what a PC has that its buses do not tell.
func dsdt(c Config) Term {
	t := []Term{
		Scope(`\_SB`, pciRoot(c)),
		Scope(`\_SB.PCI0`, isaBridge(c), pmDevice(c)),
		Scope(`\_SB`, links()...),
	}
	if c.HPET {
		t = append(t, Scope(`\_SB`, Device("HPET",
			Name("_HID", EISAID("PNP0103")), Name("_UID", Int(0)),
			Name("_CRS", Template(Memory(hpetBase, 0x400, false))))))
	}
	t = append(t, Scope(`\_SB`, Device("FWCF", // names its ports for drivers of the guest; hidden from the user
		Name("_HID", Str("QEMU0002")), Name("_STA", Int(0x0b)),
		Name("_CRS", Template(IO(0x510, 1, 12))))))
	t = append(t, Scope(`\_SB`, processors(c)...))
	t = append(t, sleepStates(c)...)
	return cat(append(t, Scope(`\_GPE`, Name("_HID", Str("ACPI0006"))))...)
}

// pciRoot is the host bridge: the windows it passes on and the interrupts of its 32 slots.
func pciRoot(c Config) Term {
	crs := []Resource{
		BusNumbers(0, 0xff),
		IO(0xcf8, 1, 8),
		IOWindow(0, 0xcf7),
		IOWindow(0xd00, 0xffff),
		MemoryWindow(0xa0000, 0xbffff, Cacheable),
		MemoryWindow(uint32(c.holeStart()), holeEnd-1, Uncached),
	}
	if c.RAMAbove4G > 0 {
		first := c.hole64Start()
		crs = append(crs, MemoryWindow64(first, first+hole64Size-1, Cacheable))
	}
	return Device("PCI0",
		Name("_HID", EISAID("PNP0A03")),
		Name("_UID", Int(0)),
		Name("_CRS", Template(crs...)),
		Name("_PRT", routing()),
	)
}

// routing is the _PRT: pin p of slot s reaches PIRQ (s+p-1) mod 4 of the PIIX3, with the 8259s and with the IOAPIC alike, for the
// PIIX3 drives ISA interrupts, which both see. The function PM of slot 1 is the exception: its pin A is the SCI.
func routing() Term {
	var prt []Term
	for slot := range 32 {
		for pin := range 4 {
			link := "LNK" + string("ABCD"[(slot+pin+3)%4])
			if slot == 1 && pin == 0 {
				link = "LNKS"
			}
			prt = append(prt, Package(Int(uint64(slot)<<16|0xffff), Int(uint64(pin)), Path(link), Int(0)))
		}
	}
	return Package(prt...)
}

// links are the PIIX3's PIRQ lines: register 60h+n of its configuration space holds the interrupt, or has bit 7 set.
func links() []Term {
	t := []Term{
		ByteField("PCI0.ISA.PIRQ", Bits{"PRQ0", 8}, Bits{"PRQ1", 8}, Bits{"PRQ2", 8}, Bits{"PRQ3", 8}),
		Method("IQST", 1, false,
			If(And(Int(0x80), Arg(0), nil), Return(Int(0x09))),
			Return(Int(0x0b))),
		Name("PRR0", Template(Interrupts(0))),
		Method("IQCR", 1, true,
			CreateDWordField(Path("PRR0"), 5, "PRRI"),
			If(Less(Arg(0), Int(0x80)), Store(Arg(0), Path("PRRI"))),
			Return(Path("PRR0"))),
	}
	for n := range 4 {
		reg := Path(fmt.Sprintf("PRQ%d", n))
		t = append(t, Device("LNK"+string("ABCD"[n]),
			Name("_HID", EISAID("PNP0C0F")),
			Name("_UID", Int(uint64(n))),
			Name("_PRS", Template(Interrupts(5, 10, 11))),
			Method("_STA", 0, false, Return(cat(Path("IQST"), reg))),
			Method("_DIS", 0, false, Or(reg, Int(0x80), reg)),
			Method("_CRS", 0, false, Return(cat(Path("IQCR"), reg))),
			Method("_SRS", 1, false,
				CreateDWordField(Arg(0), 5, "PRRI"),
				Store(Path("PRRI"), reg)),
		))
	}
	return append(t, Device("LNKS",
		Name("_HID", EISAID("PNP0C0F")),
		Name("_UID", Int(4)),
		Name("_PRS", Template(Interrupts(sciGSI))),
		Method("_STA", 0, false, Return(Int(0x0b))),
		Method("_DIS", 0, false),
		Method("_CRS", 0, false, Return(Path("_PRS"))),
		Method("_SRS", 1, false),
	))
}

// isaBridge is the PIIX3 with what sits at fixed ports behind it.
func isaBridge(c Config) Term {
	body := []Term{
		Name("_ADR", Int(0x00010000)),
		OperationRegion("PIRQ", PCIConfig, 0x60, 4),
	}
	add := func(on bool, name, hid string, uid int, crs ...Resource) {
		if !on {
			return
		}
		dev := []Term{Name("_HID", EISAID(hid)), Name("_STA", Int(0x0f)), Name("_CRS", Template(crs...))}
		if uid > 0 {
			dev = append(dev, Name("_UID", Int(uint64(uid))))
		}
		body = append(body, Device(name, dev...))
	}
	add(true, "RTC", "PNP0B00", 0, IO(0x70, 1, 8), IRQ(8))
	add(c.Keyboard, "KBD", "PNP0303", 0, IO(0x60, 1, 1), IO(0x64, 1, 1), IRQ(1))
	add(c.Mouse, "MOU", "PNP0F13", 0, IRQ(12))
	for i, com := range []struct {
		base uint16
		irq  int
	}{{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}} {
		add(c.Serial[i], fmt.Sprintf("COM%d", i+1), "PNP0501", i+1, IO(com.base, 1, 8), IRQ(com.irq))
	}
	add(c.Parallel, "LPT1", "PNP0400", 1, IO(0x378, 8, 8), IRQ(7))
	add(c.Floppy, "FDC0", "PNP0700", 0, IO(0x3f2, 1, 4), IO(0x3f7, 1, 1), IRQ(6), DMAChannel(2))
	return Device("ISA", body...)
}

// pmDevice reserves the ports of power management, which no base address register shows.
func pmDevice(c Config) Term {
	crs := []Resource{IO(c.pmBase(), 1, 0x40)}
	if c.GPE0 != 0 {
		crs = append(crs, IO(c.GPE0, 1, gpeLength))
	}
	return Device("PRES",
		Name("_HID", EISAID("PNP0C02")), Name("_UID", Str("PM ports")), Name("_STA", Int(0x0b)),
		Name("_CRS", Template(crs...)))
}

func processors(c Config) []Term {
	var t []Term
	for n := range c.CPUs {
		t = append(t, Device(fmt.Sprintf("C%03X", n), Name("_HID", Str("ACPI0007")), Name("_UID", Int(uint64(n)))))
	}
	return t
}

// sleepStates gives the PIIX4's values of SLP_TYP: suspend to RAM 1, to disk 2, off 0.
func sleepStates(c Config) []Term {
	state := func(name string, typ uint64) Term {
		return Name(name, Package(Int(typ), Int(typ), Int(0), Int(0)))
	}
	var t []Term
	if c.S3 {
		t = append(t, state(`\_S3`, 1))
	}
	if c.S4 {
		t = append(t, state(`\_S4`, 2))
	}
	return append(t, state(`\_S5`, 0))
}
