package acpi

import "encoding/binary"

// Names of the fw_cfg files.
const (
	FileTables = "etc/acpi/tables"
	FileRSDP   = "etc/acpi/rsdp"
	FileLoader = "etc/table-loader"
)

// Tables are the contents of the files that carry the tables.
type Tables struct {
	Tables, RSDP, Loader []byte
}

// Build returns the tables of a machine.
func Build(c Config) Tables {
	var b builder
	b.allocate(FileRSDP, 16, zoneF)
	b.allocate(FileTables, 64, zoneHigh)

	facsAt := b.add(facs()) // first: it must lie on 64 bytes
	dsdtAt := b.add(DSDT(c))
	fadtAt := b.add(fadt(c))
	b.point(fadtAt, fadtFACS, 4, facsAt)
	b.point(fadtAt, fadtDSDT, 4, dsdtAt)
	b.point(fadtAt, fadtXDSDT, 8, dsdtAt)
	b.checksum(fadtAt)
	list := []int{fadtAt, b.add(madt(c))}
	if c.HPET {
		list = append(list, b.add(hpet()))
	}
	list = append(list, b.add(waet()))

	rsdtAt := b.add(header("RSDT", 1, make([]byte, 4*len(list))))
	for i, at := range list {
		b.point(rsdtAt, 36+4*i, 4, at)
	}
	b.checksum(rsdtAt)

	rsdp := append([]byte("RSD PTR \x00GOVM  "), 0, 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(rsdp[16:], uint32(rsdtAt))
	b.pointer(FileRSDP, 16, 4)
	b.sum(FileRSDP, 8, 0, uint32(len(rsdp)))
	return Tables{Tables: b.blob, RSDP: rsdp, Loader: b.cmds}
}

// Commands of the table loader (docs of QEMU's bios-linker-loader): 128 bytes each, little-endian.
const (
	cmdAllocate    = 1
	cmdAddPointer  = 2
	cmdAddChecksum = 3
	cmdSize        = 128

	zoneHigh = 1
	zoneF    = 2 // the F segment
)

// builder lays out tables in one file and writes down how to make them true wherever they are put.
type builder struct {
	blob, cmds []byte
}

// add appends a table and returns its offset.
func (b *builder) add(table []byte) int {
	for len(b.blob)%8 != 0 {
		b.blob = append(b.blob, 0)
	}
	at := len(b.blob)
	b.blob = append(b.blob, table...)
	return at
}

// point puts a table's offset into another table, to be made an address.
func (b *builder) point(table, off int, size uint8, to int) {
	binary.LittleEndian.PutUint32(b.blob[table+off:], uint32(to))
	b.pointer(FileTables, uint32(table+off), size)
}

// checksum has a table's sum made good after its pointers have changed.
func (b *builder) checksum(table int) {
	n := binary.LittleEndian.Uint32(b.blob[table+4:])
	b.sum(FileTables, uint32(table+9), uint32(table), n)
}

func (b *builder) command(kind uint32, fill func(args []byte)) {
	cmd := make([]byte, cmdSize)
	binary.LittleEndian.PutUint32(cmd, kind)
	fill(cmd[4:])
	b.cmds = append(b.cmds, cmd...)
}

const nameSize = 56

func (b *builder) allocate(file string, align uint32, zone uint8) {
	b.command(cmdAllocate, func(a []byte) {
		copy(a, file)
		binary.LittleEndian.PutUint32(a[nameSize:], align)
		a[nameSize+4] = zone
	})
}

func (b *builder) pointer(in string, off uint32, size uint8) {
	b.command(cmdAddPointer, func(a []byte) {
		copy(a, in)
		copy(a[nameSize:], FileTables)
		binary.LittleEndian.PutUint32(a[2*nameSize:], off)
		a[2*nameSize+4] = size
	})
}

func (b *builder) sum(file string, at, start, n uint32) {
	b.command(cmdAddChecksum, func(a []byte) {
		copy(a, file)
		binary.LittleEndian.PutUint32(a[nameSize:], at)
		binary.LittleEndian.PutUint32(a[nameSize+4:], start)
		binary.LittleEndian.PutUint32(a[nameSize+8:], n)
	})
}
