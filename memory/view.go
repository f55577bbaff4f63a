package memory

import (
	"encoding/binary"
	"sort"
)

// Range is a stretch of addresses that shows part of one region.
type Range struct {
	Addr, Size uint64
	Region     *Region // RAM, ROM or registers
	Off        uint64  // of Addr in the region
	ReadOnly   bool    // stores do not reach Region, though it be RAM: they must go through View.Store

	to    *Region // where they go then, from offset toOff on; nil: nowhere
	toOff uint64
}

// Writable reports whether the range is RAM that stores through this range reach: Region.Bytes may be written directly.
func (r Range) Writable() bool { return r.Region.kind == kindRAM && !r.ReadOnly }

// part is the n bytes from address addr on.
func (r Range) part(addr, n uint64) Range {
	d := addr - r.Addr
	r.Addr, r.Size, r.Off, r.toOff = addr, n, r.Off+d, r.toOff+d
	return r
}

// target is the RAM that stores to addr reach, or nil.
func (r Range) target(addr uint64) (ram *Region, off uint64) {
	switch {
	case r.ReadOnly && r.to != nil:
		return r.to, r.toOff + addr - r.Addr
	case r.Writable():
		return r.Region, r.Off + addr - r.Addr
	}
	return nil, 0
}

// View is an immutable map from addresses to regions. Stale ones stay valid as long as somebody reads them: RAM lives until its machine closes.
type View struct {
	mask   uint64
	ranges []Range // sorted, no overlaps
}

// Ranges are all stretches, sorted by address.
func (v *View) Ranges() []Range { return v.ranges }

// add puts r under what is there already: only the addresses not yet taken show it.
func (v *View) add(r Range) {
	i := sort.Search(len(v.ranges), func(i int) bool { return v.ranges[i].Addr+v.ranges[i].Size > r.Addr })
	var fresh []Range
	at, end := r.Addr, r.Addr+r.Size
	for j := i; at < end; j++ {
		stop, next := end, end
		if j < len(v.ranges) && v.ranges[j].Addr < end {
			stop, next = v.ranges[j].Addr, v.ranges[j].Addr+v.ranges[j].Size
		}
		if at < stop {
			fresh = append(fresh, r.part(at, stop-at))
		}
		at = next
	}
	v.ranges = append(v.ranges, fresh...)
	sort.Slice(v.ranges, func(i, j int) bool { return v.ranges[i].Addr < v.ranges[j].Addr })
}

// Find is the stretch that holds addr; false where nothing is mapped.
func (v *View) Find(addr uint64) (Range, bool) {
	lo, hi := 0, len(v.ranges)
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if v.ranges[m].Addr+v.ranges[m].Size <= addr {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo < len(v.ranges) && v.ranges[lo].Addr <= addr {
		return v.ranges[lo], true
	}
	return Range{}, false
}

// bytes is memory from addr on, at most n bytes and at most as much as lies together. Where addr is no memory (or ROM, for a write)
// it is nil, and gap says how many bytes from addr, at most n, are so.
func (v *View) bytes(addr, n uint64, write bool) (b []byte, gap uint64) {
	addr &= v.mask
	r, ok := v.Find(addr)
	if !ok {
		i := sort.Search(len(v.ranges), func(i int) bool { return v.ranges[i].Addr > addr })
		if i < len(v.ranges) {
			n = min(n, v.ranges[i].Addr-addr)
		}
		return nil, n
	}
	d := addr - r.Addr
	n = min(n, r.Size-d)
	if write {
		if ram, off := r.target(addr); ram != nil {
			return ram.ram[off : off+n : off+n], 0
		}
	} else if r.Region.IsMemory() {
		return r.Region.ram[r.Off+d : r.Off+d+n : r.Off+d+n], 0
	}
	return nil, n
}

func (v *View) wrote(addr, n uint64) {
	for n > 0 {
		addr &= v.mask
		r, ok := v.Find(addr)
		if !ok {
			_, gap := v.bytes(addr, n, true)
			addr, n = addr+gap, n-gap
			continue
		}
		k := min(n, r.Size-(addr-r.Addr))
		if ram, off := r.target(addr); ram != nil {
			ram.Wrote(off, k)
		}
		addr, n = addr+k, n-k
	}
}

// Load reads 1, 2, 4 or 8 bytes; see Space.Load.
func (v *View) Load(addr uint64, size int) uint64 {
	addr &= v.mask
	r, ok := v.Find(addr)
	if !ok {
		if _, ok = v.Find(addr + uint64(size) - 1); ok {
			return v.loadSplit(addr, size)
		}
		return ones(size)
	}
	off := addr - r.Addr
	if off+uint64(size) > r.Size {
		return v.loadSplit(addr, size)
	}
	return r.Region.load(r.Off+off, size)
}

// Store writes 1, 2, 4 or 8 bytes; see Space.Store.
func (v *View) Store(addr uint64, size int, val uint64) {
	addr &= v.mask
	r, ok := v.Find(addr)
	if !ok {
		if _, ok = v.Find(addr + uint64(size) - 1); ok {
			v.storeSplit(addr, size, val)
		}
		return
	}
	off := addr - r.Addr
	if off+uint64(size) > r.Size {
		v.storeSplit(addr, size, val)
		return
	}
	if r.ReadOnly {
		if r.to != nil {
			r.to.store(r.toOff+off, size, val)
		}
		return
	}
	r.Region.store(r.Off+off, size, val)
}

// loadSplit reads byte by byte what lies across the end of a region.
func (v *View) loadSplit(addr uint64, size int) (val uint64) {
	for i := range size {
		val |= v.Load(addr+uint64(i), 1) << (8 * i)
	}
	return val
}

func (v *View) storeSplit(addr uint64, size int, val uint64) {
	for i := range size {
		v.Store(addr+uint64(i), 1, val>>(8*i)&0xff)
	}
}

func ones(size int) uint64 { return ^uint64(0) >> (64 - 8*size) }

func (r *Region) load(off uint64, size int) uint64 {
	if r.kind == kindIO {
		return r.readIO(off, size)
	}
	b := r.ram[off:]
	switch size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	default:
		return binary.LittleEndian.Uint64(b)
	}
}

func (r *Region) store(off uint64, size int, val uint64) {
	switch r.kind {
	case kindIO:
		r.writeIO(off, size, val)
		return
	case kindROM:
		return
	}
	b := r.ram[off:]
	switch size {
	case 1:
		b[0] = byte(val)
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(val))
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(val))
	default:
		binary.LittleEndian.PutUint64(b, val)
	}
	r.Wrote(off, uint64(size))
}

// ReadRepeated reads the same port n = len(p)/size times, as REP INS does, into p. It does as many as the device offers at once
// (see Repeater) and returns the bytes read, a multiple of size; 0 where the port has to be read one by one.
func (v *View) ReadRepeated(addr uint64, size int, p []byte) int {
	if r, ok := v.Find(addr & v.mask); ok && r.Region.kind == kindIO {
		if h, ok := r.Region.handler.(Repeater); ok && size >= r.Region.widths.Min && size <= r.Region.widths.Max {
			return h.ReadRepeated(r.Off+addr&v.mask-r.Addr, size, p)
		}
	}
	return 0
}

// WriteRepeated is ReadRepeated for REP OUTS.
func (v *View) WriteRepeated(addr uint64, size int, p []byte) int {
	if r, ok := v.Find(addr & v.mask); ok && r.Region.kind == kindIO {
		if h, ok := r.Region.handler.(Repeater); ok && size >= r.Region.widths.Min && size <= r.Region.widths.Max {
			return h.WriteRepeated(r.Off+addr&v.mask-r.Addr, size, p)
		}
	}
	return 0
}

// readIO brings an access into the widths that the handler takes.
func (r *Region) readIO(off uint64, size int) uint64 {
	w := r.widths
	if size < w.Min {
		base := off &^ uint64(w.Min-1)
		val := r.handler.Read(base, w.Min) >> (8 * (off - base))
		if in := base + uint64(w.Min) - off; in < uint64(size) { // the rest lies in the next register
			val |= r.handler.Read(base+uint64(w.Min), w.Min) << (8 * in)
		}
		return val & ones(size)
	}
	if size <= w.Max {
		return r.handler.Read(off, size) & ones(size)
	}
	var val uint64
	for i := 0; i < size; i += w.Max {
		val |= r.handler.Read(off+uint64(i), w.Max) & ones(w.Max) << (8 * i)
	}
	return val
}

func (r *Region) writeIO(off uint64, size int, val uint64) {
	step := min(size, r.widths.Max)
	for i := 0; i < size; i += step {
		r.handler.Write(off+uint64(i), step, val>>(8*i)&ones(step))
	}
}
