package fwcfg

import "encoding/binary"

// dmaSignature is what the DMA address register reads as.
const dmaSignature = "QEMU CFG"

// Bits of a transfer's control word; the selector is in the upper half.
const (
	dmaError  = 1 << 0
	dmaRead   = 1 << 1
	dmaSkip   = 1 << 2
	dmaSelect = 1 << 3
	dmaWrite  = 1 << 4
)

// transfer carries out the request whose descriptor (control, length, address; big-endian) is at desc, and leaves the outcome in its
// control word. It ends at the first byte that is no RAM, so that a transfer costs at most what the guest has of memory.
// The caller holds mu.
func (d *Device) transfer(desc uint64) {
	var b [16]byte
	ok := false
	if _, err := d.cfg.DMA.ReadAt(b[:], int64(desc)); err == nil {
		ok = d.perform(binary.BigEndian.Uint32(b[0:]), uint64(binary.BigEndian.Uint32(b[4:])), binary.BigEndian.Uint64(b[8:]))
	}
	var control [4]byte
	if !ok {
		binary.BigEndian.PutUint32(control[:], dmaError)
	}
	_, _ = d.cfg.DMA.WriteAt(control[:], int64(desc)) // a descriptor outside of RAM gets no answer
}

// perform reports whether all went well. Of read, write and skip the first one asked for counts.
func (d *Device) perform(control uint32, n, addr uint64) bool {
	if control&dmaSelect != 0 {
		d.choose(uint16(control >> 16))
	}
	var left uint64 // of the selected item
	if d.cur != nil {
		left = d.cur.size() - d.off
	}
	k := min(n, left)
	switch {
	case control&dmaRead != 0:
		ok := d.readOut(addr, k) && d.zero(addr+k, n-k)
		d.off += k
		return ok
	case control&dmaWrite != 0:
		return n == 0 || k == n && d.cur.writable && d.writeIn(addr, n)
	case control&dmaSkip != 0:
		d.off += k
	}
	return true
}

// readOut copies n bytes of the selected item to memory.
func (d *Device) readOut(addr, n uint64) bool {
	for off := d.off; n > 0; {
		dst := d.cfg.DMA.Slice(addr, n, true)
		if len(dst) == 0 {
			return false
		}
		ok := d.cur.read(dst, off)
		k := uint64(len(dst))
		d.cfg.DMA.Wrote(addr, k)
		if !ok {
			return false
		}
		addr, off, n = addr+k, off+k, n-k
	}
	return true
}

// zero fills memory: an item is followed by zeros without end.
func (d *Device) zero(addr, n uint64) bool {
	for n > 0 {
		dst := d.cfg.DMA.Slice(addr, n, true)
		if len(dst) == 0 {
			return false
		}
		clear(dst)
		k := uint64(len(dst))
		d.cfg.DMA.Wrote(addr, k)
		addr, n = addr+k, n-k
	}
	return true
}

// writeIn copies n bytes from memory to the selected item, which has room for them.
func (d *Device) writeIn(addr, n uint64) bool {
	if _, err := d.cfg.DMA.ReadAt(d.cur.data[d.off:d.off+n], int64(addr)); err != nil {
		return false
	}
	d.off += n
	if d.cur.written != nil {
		d.cur.written(d.cur.data)
	}
	return true
}
