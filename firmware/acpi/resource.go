package acpi

import "encoding/binary"

// Resource is one descriptor of what a device occupies (ACPI 6.4, section 6.4).
type Resource []byte

// Template is the buffer of resources that _CRS and _PRS give.
func Template(rs ...Resource) Term {
	var b []byte
	for _, r := range rs {
		b = append(b, r...)
	}
	return Buffer(append(b, 0x79, 0)) // an end tag; a checksum of zero is not looked at
}

// IRQ is an edge-triggered, active-high line of the 8259s.
func IRQ(n int) Resource {
	return binary.LittleEndian.AppendUint16(Resource{0x22}, 1<<n)
}

// DMAChannel is a channel of the 8237s for byte transfers.
func DMAChannel(n int) Resource { return Resource{0x2a, 1 << n, 0} }

// IO is a row of ports at a fixed place.
func IO(base uint16, align, length uint8) Resource {
	r := Resource{0x47, 1}
	r = binary.LittleEndian.AppendUint16(r, base)
	r = binary.LittleEndian.AppendUint16(r, base)
	return append(r, align, length)
}

// Memory is a stretch of memory at a fixed place.
func Memory(base, length uint32, writable bool) Resource {
	r := Resource{0x86, 9, 0, 0}
	if writable {
		r[3] = 1
	}
	r = binary.LittleEndian.AppendUint32(r, base)
	return binary.LittleEndian.AppendUint32(r, length)
}

// Interrupts are the level-triggered, active-high, shared inputs that a device uses, or may use.
func Interrupts(gsis ...uint32) Resource {
	r := Resource{0x89, 0, 0, 0x09, uint8(len(gsis))}
	binary.LittleEndian.PutUint16(r[1:], uint16(2+4*len(gsis)))
	for _, g := range gsis {
		r = binary.LittleEndian.AppendUint32(r, g)
	}
	return r
}

// Kinds of windows.
const (
	windowMemory = 0
	windowIO     = 1
	windowBus    = 2
)

// window begins an address space descriptor of something passed on to a bus, with fixed ends.
func window(tag uint8, kind, flags uint8, body int) Resource {
	return Resource{tag, uint8(3 + body), 0, kind, 0x0c, flags}
}

// BusNumbers is the range of buses behind a bridge.
func BusNumbers(first, last uint16) Resource {
	return window(0x88, windowBus, 0, 10).words(0, first, last, 0, last-first+1)
}

// IOWindow is a range of ports passed on to a bus.
func IOWindow(first, last uint16) Resource {
	return window(0x88, windowIO, 3, 10).words(0, first, last, 0, last-first+1)
}

// Caching says how a memory window may be cached.
type Caching uint8

// Kinds of caching.
const (
	Uncached  Caching = 0
	Cacheable Caching = 1
)

// MemoryWindow is a range below 4 GiB passed on to a bus.
func MemoryWindow(first, last uint32, c Caching) Resource {
	r := window(0x87, windowMemory, 1|uint8(c)<<1, 20)
	for _, v := range []uint32{0, first, last, 0, last - first + 1} {
		r = binary.LittleEndian.AppendUint32(r, v)
	}
	return r
}

// MemoryWindow64 is a range anywhere passed on to a bus.
func MemoryWindow64(first, last uint64, c Caching) Resource {
	r := window(0x8a, windowMemory, 1|uint8(c)<<1, 40)
	for _, v := range []uint64{0, first, last, 0, last - first + 1} {
		r = binary.LittleEndian.AppendUint64(r, v)
	}
	return r
}

func (r Resource) words(vs ...uint16) Resource {
	for _, v := range vs {
		r = binary.LittleEndian.AppendUint16(r, v)
	}
	return r
}
