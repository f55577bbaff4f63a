package boot

import (
	"encoding/binary"
	"fmt"
	"sort"
)

// FileName is the fw_cfg file that the option ROM looks for. It holds, in little-endian numbers of 32 bits: the magic GOVMBOOT, kind,
// count of loads, entry, info, address and room of the memory map; then of each load its offset in the file, length, address and
// flags (1: zeros are loaded, not bytes of the file); then the bytes.
const FileName = "opt/govm-desktop/boot"

const (
	fileMagic  = "GOVMBOOT"
	headSize   = 32
	loadSize   = 16
	flagZeros  = 1
	maxLoads   = 512
	lowFirst   = 0x10000  // memory from here on is free for a kernel,
	lowEnd     = 0x9e000  // up to the extended BIOS data area,
	highFirst  = 0x100000 // and from here on up to what the firmware keeps at the end
	mapBase    = 0x8000   // where the option ROM puts the map of memory,
	mapEntries = 128
	infoBase   = 0x9000 // and where the structures lie that tell a kernel of itself
	infoEnd    = lowFirst
)

// firmwareSpace is what the firmware may use at the end of the memory below 4 GiB: tables and its own data.
const firmwareSpace = 1 << 20

// Kind is a way to enter a kernel.
type Kind uint32

// Kinds of kernels.
const (
	Linux     Kind = 1 // bzImage, in real mode
	PVH       Kind = 2 // ELF with a note of Xen's, in protected mode
	Multiboot Kind = 3
)

func (k Kind) String() string {
	switch k {
	case Linux:
		return "Linux"
	case PVH:
		return "PVH"
	case Multiboot:
		return "Multiboot"
	}
	return "unknown"
}

// load is what comes to one place in memory: data, then zeros.
type load struct {
	addr  uint64
	data  *Blob
	zeros uint64
	what  string
}

func (l load) end() uint64 { return l.addr + uint64(l.data.Size()) + l.zeros }

// plan is how to bring a kernel into memory and to enter it.
type plan struct {
	kind  Kind
	loads []load
	entry uint32
	info  uint32
	keys  []Key // the same for firmware that loads kernels itself
}

func (p *plan) load(what string, addr uint64, data *Blob, zeros uint64) {
	p.loads = append(p.loads, load{addr, data, zeros, what})
}

// check finds pieces that lie where no memory is or where others lie.
func (p *plan) check(ramEnd uint64) error {
	ls := append([]load(nil), p.loads...)
	sort.Slice(ls, func(i, j int) bool { return ls[i].addr < ls[j].addr })
	for i, l := range ls {
		if l.end() < l.addr || l.end() > ramEnd-min(ramEnd, firmwareSpace) {
			return fmt.Errorf("%s at %#x–%#x does not fit in the memory below 4 GiB (%d MiB)", l.what, l.addr, l.end(), ramEnd>>20)
		}
		low := l.addr >= lowFirst && l.end() <= lowEnd || l.addr >= infoBase && l.end() <= infoEnd && l.what == infoName
		if l.addr < highFirst && !low {
			return fmt.Errorf("%s at %#x–%#x lies where the firmware is", l.what, l.addr, l.end())
		}
		if i > 0 && ls[i-1].end() > l.addr {
			return fmt.Errorf("%s at %#x overlaps %s", l.what, l.addr, ls[i-1].what)
		}
	}
	return nil
}

// infoName is what the structures for the kernel are called; they alone may lie below lowFirst.
const infoName = "boot information"

// file is the plan as the option ROM reads it.
func (p *plan) file() *Blob {
	type entry struct{ off, n, addr, flags uint32 }
	var entries []entry
	var body Blob
	for _, l := range p.loads {
		if n := l.data.Size(); n > 0 {
			entries = append(entries, entry{uint32(body.append(l.data)), uint32(n), uint32(l.addr), 0})
		}
		if l.zeros > 0 {
			entries = append(entries, entry{0, uint32(l.zeros), uint32(l.addr + uint64(l.data.Size())), flagZeros})
		}
	}
	le := binary.LittleEndian
	b := []byte(fileMagic)
	for _, v := range []uint32{uint32(p.kind), uint32(len(entries)), p.entry, p.info, mapBase, mapEntries} {
		b = le.AppendUint32(b, v)
	}
	start := uint32(headSize + loadSize*len(entries))
	for _, e := range entries {
		if e.flags&flagZeros == 0 {
			e.off += start
		}
		for _, v := range []uint32{e.off, e.n, e.addr, e.flags} {
			b = le.AppendUint32(b, v)
		}
	}
	f := bytesBlob(b)
	f.append(&body)
	return f
}
