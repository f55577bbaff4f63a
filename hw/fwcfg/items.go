package fwcfg

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"sort"
)

// Keys of the items that are not files.
const (
	KeySignature = 0x00 // "QEMU"
	KeyID        = 0x01 // feature bits, 32 bits
	KeyUUID      = 0x02 // 16 bytes
	KeyRAMSize   = 0x03 // 64 bits
	KeyNoGraphic = 0x04 // 16 bits
	KeyNumCPUs   = 0x05 // 16 bits: processors present at power-on
	KeyMachineID = 0x06

	KeyKernelAddr  = 0x07 // the protected-mode part of a kernel: 32 bits each of address and size
	KeyKernelSize  = 0x08
	KeyInitrdAddr  = 0x0a
	KeyInitrdSize  = 0x0b
	KeyNUMA        = 0x0d // 64 bits: number of nodes, then node of each processor and bytes of each node
	KeyBootMenu    = 0x0e // 16 bits
	KeyMaxCPUs     = 0x0f // 16 bits: one more than the highest APIC ID
	KeyKernelEntry = 0x10
	KeyKernelData  = 0x11
	KeyInitrdData  = 0x12
	KeyCmdlineAddr = 0x13
	KeyCmdlineSize = 0x14 // with the NUL at the end
	KeyCmdlineData = 0x15
	KeySetupAddr   = 0x16 // the real-mode part of a kernel
	KeySetupSize   = 0x17
	KeySetupData   = 0x18
	KeyFileDir     = 0x19

	FileFirst = 0x20 // key of the first file

	KeyACPITables   = 0x8000 // legacy items of the PC, 16-bit counts that must read 0 where tables come as files
	KeySMBIOS       = 0x8001
	KeyIRQ0Override = 0x8002 // 32 bits: 1 if IRQ 0 reaches input 2 of the IOAPIC
	KeyE820         = 0x8003 // 32-bit count, reads 0: the map is in the file etc/e820
	KeyHPET         = 0x8004
)

// keyWrite is the bit of a key that once asked for write access; it is no part of the item's number.
const keyWrite = 0x4000

// Bits of the item KeyID.
const (
	featureTraditional = 1 << 0
	featureDMA         = 1 << 1
)

// MaxName is the longest name of a file in bytes: its field in the directory ends with a NUL.
const MaxName = 55

// item is a row of bytes: in memory, or behind a reader.
type item struct {
	data     []byte
	r        io.ReaderAt
	rsize    uint64
	fill     func() []byte // makes data anew when the item is selected
	fixed    bool          // data keeps its length when made anew
	writable bool
	initial  []byte // first contents of a writable item
	written  func(data []byte)
}

type file struct {
	item
	name string
}

func (i *item) size() uint64 {
	if i.r != nil {
		return i.rsize
	}
	return uint64(len(i.data))
}

// read fills p from offset off: zero where the host cannot read.
func (i *item) read(p []byte, off uint64) bool {
	if i.r == nil {
		copy(p, i.data[off:])
		return true
	}
	n, _ := i.r.ReadAt(p, int64(off))
	clear(p[max(n, 0):])
	return n == len(p)
}

func (i *item) refill() {
	b := i.fill()
	if i.fixed {
		n := len(i.data)
		i.data = make([]byte, n)
		copy(i.data, b)
		return
	}
	i.data = b
}

// AddBytes sets what a key holds. The device keeps data: nobody may change it any more.
func (d *Device) AddBytes(key uint16, data []byte) { d.addItem(key, &item{data: data}) }

// AddUint16 sets a 16-bit item.
func (d *Device) AddUint16(key, v uint16) {
	d.AddBytes(key, binary.LittleEndian.AppendUint16(nil, v))
}

// AddUint32 sets a 32-bit item.
func (d *Device) AddUint32(key uint16, v uint32) {
	d.AddBytes(key, binary.LittleEndian.AppendUint32(nil, v))
}

// AddUint64 sets a 64-bit item.
func (d *Device) AddUint64(key uint16, v uint64) {
	d.AddBytes(key, binary.LittleEndian.AppendUint64(nil, v))
}

// AddReader sets what a key holds to the first size bytes of r, which are read when the guest asks for them.
func (d *Device) AddReader(key uint16, r io.ReaderAt, size int64) {
	d.addItem(key, readerItem(r, size))
}

func readerItem(r io.ReaderAt, size int64) *item {
	return &item{r: r, rsize: uint64(max(0, min(size, math.MaxUint32)))}
}

func (d *Device) addItem(key uint16, i *item) {
	if key >= FileFirst && key < 0x8000 || key == KeyFileDir && i.fill == nil {
		panic(fmt.Sprintf("fwcfg: key %#x belongs to files", key))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.items[key] = i
	d.reselect()
}

// AddFile adds a file, or gives the one of that name new contents. The device keeps data: nobody may change it any more.
// Keys follow the names: who adds a new name while the guest runs moves the files after it.
func (d *Device) AddFile(name string, data []byte) { d.addFile(name, item{data: data}) }

// AddFileReader adds a file that is the first size bytes of r, read when the guest asks for them.
func (d *Device) AddFileReader(name string, r io.ReaderAt, size int64) {
	d.addFile(name, *readerItem(r, size))
}

// AddFileFunc adds a file of a fixed size that fill makes anew each time the guest selects it: what is too long is cut, what is too
// short filled with zeros. fill is called with the device's lock held: it must neither wait nor call the device.
func (d *Device) AddFileFunc(name string, size int, fill func() []byte) {
	d.addFile(name, item{data: make([]byte, size), fill: fill, fixed: true})
}

// AddWritable adds a file that the guest may write by DMA. written, if not nil, is called after each write with the file's contents,
// with the device's lock held: it must neither wait, nor call the device, nor keep the slice.
func (d *Device) AddWritable(name string, data []byte, written func(data []byte)) {
	d.addFile(name, item{
		data: append([]byte(nil), data...), initial: append([]byte(nil), data...), writable: true, written: written,
	})
}

// Remove takes a file away, if it is there.
func (d *Device) Remove(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i, ok := d.find(name); ok {
		d.files = append(d.files[:i:i], d.files[i+1:]...)
		d.reselect()
	}
}

// File returns the contents of a file in memory, for tests and for people; nil if there is none.
func (d *Device) File(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	i, ok := d.find(name)
	if !ok {
		return nil
	}
	if f := d.files[i]; f.r == nil {
		return append([]byte{}, f.data...)
	}
	return nil
}

// CheckName says what is wrong with a file's name, for names that people give.
func CheckName(name string) error {
	if name == "" || len(name) > MaxName {
		return fmt.Errorf("fwcfg: file name %q: 1 to %d bytes belong", name, MaxName)
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c > '~' {
			return fmt.Errorf("fwcfg: file name %q: only printable ASCII belongs", name)
		}
	}
	return nil
}

// addFile panics on a name that CheckName refuses: names are the program's own, or have been checked.
func (d *Device) addFile(name string, it item) {
	if err := CheckName(name); err != nil {
		panic(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if i, ok := d.find(name); ok {
		d.files[i].item = it
		d.reselect()
		return
	}
	i, _ := d.find(name)
	d.files = append(d.files[:i:i], append([]*file{{item: it, name: name}}, d.files[i:]...)...)
	d.reselect()
}

func (d *Device) find(name string) (int, bool) {
	i := sort.Search(len(d.files), func(i int) bool { return d.files[i].name >= name })
	return i, i < len(d.files) && d.files[i].name == name
}

// reselect makes the selection true again after items have changed. The caller holds mu.
func (d *Device) reselect() {
	off := d.off
	d.choose(d.key)
	d.off = off
	if d.cur != nil {
		d.off = min(off, d.cur.size())
	}
}

// directory is the item KeyFileDir: a count, then size, key, two bytes of nothing and name of each file; numbers are big-endian.
func (d *Device) directory() []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(d.files)))
	for i, f := range d.files {
		b = binary.BigEndian.AppendUint32(b, uint32(f.size()))
		b = binary.BigEndian.AppendUint16(b, uint16(FileFirst+i))
		b = append(b, 0, 0)
		var name [MaxName + 1]byte
		copy(name[:], f.name)
		b = append(b, name[:]...)
	}
	return b
}
