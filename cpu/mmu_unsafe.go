package cpu

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"govm-desktop/memory"
)

// tlbEntry is the half of a TLB entry that the inline accessors look at: addresses of the page for which each kind of access may go straight to
// host, noTag where it may not.
type tlbEntry struct {
	rd, wr, ex uint64
	host       unsafe.Pointer // the page in guest RAM or ROM, which is not on the Go heap
}

func (e *tlbEntry) clear() { e.rd, e.wr, e.ex, e.host = noTag, noTag, noTag, nil }

func (e *tlbEntry) point(b []byte) { e.host = unsafe.Pointer(&b[0]) }

func (e *tlbEntry) cell(lin uint64) *ramCell {
	return (*ramCell)(unsafe.Add(e.host, lin&pageMask))
}

// The accessors: a tag is compared with the page of the access's last byte in the entry of its first, so that an access across pages misses.

func (c *CPU) load8(lin uint64) uint64 {
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.rd == lin&^pageMask {
		return uint64(*(*uint8)(unsafe.Add(e.host, lin&pageMask)))
	}
	return c.loadSlow(lin, 1)
}

func (c *CPU) load16(lin uint64) uint64 {
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.rd == (lin+1)&^pageMask {
		return uint64(*(*uint16)(unsafe.Add(e.host, lin&pageMask)))
	}
	return c.loadSlow(lin, 2)
}

func (c *CPU) load32(lin uint64) uint64 {
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.rd == (lin+3)&^pageMask {
		return uint64(*(*uint32)(unsafe.Add(e.host, lin&pageMask)))
	}
	return c.loadSlow(lin, 4)
}

func (c *CPU) load64(lin uint64) uint64 {
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.rd == (lin+7)&^pageMask {
		return *(*uint64)(unsafe.Add(e.host, lin&pageMask))
	}
	return c.loadSlow(lin, 8)
}

func (c *CPU) store8(lin, v uint64) {
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.wr == lin&^pageMask {
		*(*uint8)(unsafe.Add(e.host, lin&pageMask)) = uint8(v)
		return
	}
	c.storeSlow(lin, 1, v)
}

func (c *CPU) store16(lin, v uint64) {
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.wr == (lin+1)&^pageMask {
		*(*uint16)(unsafe.Add(e.host, lin&pageMask)) = uint16(v)
		return
	}
	c.storeSlow(lin, 2, v)
}

func (c *CPU) store32(lin, v uint64) {
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.wr == (lin+3)&^pageMask {
		*(*uint32)(unsafe.Add(e.host, lin&pageMask)) = uint32(v)
		return
	}
	c.storeSlow(lin, 4, v)
}

func (c *CPU) store64(lin, v uint64) {
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.wr == (lin+7)&^pageMask {
		*(*uint64)(unsafe.Add(e.host, lin&pageMask)) = v
		return
	}
	c.storeSlow(lin, 8, v)
}

// The loads with write intent look at the tag for writing: where they succeed, a store to the same place cannot fault.

func (c *CPU) loadW8(lin uint64) uint64 {
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.wr == lin&^pageMask {
		return uint64(*(*uint8)(unsafe.Add(e.host, lin&pageMask)))
	}
	return c.loadWSlow(lin, 1)
}

func (c *CPU) loadW16(lin uint64) uint64 {
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.wr == (lin+1)&^pageMask {
		return uint64(*(*uint16)(unsafe.Add(e.host, lin&pageMask)))
	}
	return c.loadWSlow(lin, 2)
}

func (c *CPU) loadW32(lin uint64) uint64 {
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.wr == (lin+3)&^pageMask {
		return uint64(*(*uint32)(unsafe.Add(e.host, lin&pageMask)))
	}
	return c.loadWSlow(lin, 4)
}

func (c *CPU) loadW64(lin uint64) uint64 {
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.wr == (lin+7)&^pageMask {
		return *(*uint64)(unsafe.Add(e.host, lin&pageMask))
	}
	return c.loadWSlow(lin, 8)
}

func (c *CPU) load128(lin uint64) (lo, hi uint64) {
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.rd == (lin+15)&^pageMask {
		p := (*[2]uint64)(unsafe.Add(e.host, lin&pageMask))
		return p[0], p[1]
	}
	return c.load128Slow(lin)
}

func (c *CPU) store128(lin, lo, hi uint64) {
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.wr == (lin+15)&^pageMask {
		p := (*[2]uint64)(unsafe.Add(e.host, lin&pageMask))
		p[0], p[1] = lo, hi
		return
	}
	c.store128Slow(lin, lo, hi)
}

// hostRAM is the host address of [lin, lin+size) if it lies in one page of memory that may be accessed directly; nil if not. It may raise #PF.
func (c *CPU) hostRAM(lin, size uint64, write bool) unsafe.Pointer {
	if lin&pageMask+size > memory.PageSize || c.mmu.cur != &c.mmu.now.hot {
		return nil
	}
	t, page := c.mmu.now, lin&^pageMask
	e := &t.hot[lin>>12&tlbMask]
	if write {
		if e.wr != page {
			c.look(t, lin, accWrite)
		}
		if e.wr != page {
			return nil
		}
	} else {
		if e.rd != page {
			c.look(t, lin, accRead)
		}
		if e.rd != page {
			return nil
		}
	}
	return unsafe.Add(e.host, lin&pageMask)
}

// ramCell is a place in guest RAM.
type ramCell byte

func (p *ramCell) load(size uint8) uint64 {
	switch size {
	case 1:
		return uint64(*p)
	case 2:
		return uint64(*(*uint16)(unsafe.Pointer(p)))
	case 4:
		return uint64(*(*uint32)(unsafe.Pointer(p)))
	default:
		return *(*uint64)(unsafe.Pointer(p))
	}
}

func (p *ramCell) store(size uint8, v uint64) {
	switch size {
	case 1:
		*p = ramCell(v)
	case 2:
		*(*uint16)(unsafe.Pointer(p)) = uint16(v)
	case 4:
		*(*uint32)(unsafe.Pointer(p)) = uint32(v)
	default:
		*(*uint64)(unsafe.Pointer(p)) = v
	}
}

// cas changes an aligned word of 4 or 8 bytes atomically, if it is old.
func (p *ramCell) cas(size uint8, old, new uint64) bool {
	if size == 4 {
		return atomic.CompareAndSwapUint32((*uint32)(unsafe.Pointer(p)), uint32(old), uint32(new))
	}
	return atomic.CompareAndSwapUint64((*uint64)(unsafe.Pointer(p)), old, new)
}

// unalignedCAS says that the host's compare-and-exchange is atomic at any address.
const unalignedCAS = runtime.GOARCH == "amd64"

// rmw replaces size bytes, all in one page whose offset of p is off, by f of them, atomically; it returns the old ones. It reports false
// where the host cannot do that.
func (p *ramCell) rmw(off uint64, size uint8, f func(uint64) uint64) (old uint64, ok bool) {
	word := off &^ 7 // of the host's word that holds all
	if off+uint64(size) > word+8 {
		if !unalignedCAS {
			return 0, false
		}
		word = min(off, memory.PageSize-8)
	}
	q := (*uint64)(unsafe.Add(unsafe.Pointer(p), int(word)-int(off)))
	shift := 8 * (off - word)
	mask := ^uint64(0) >> (64 - 8*uint64(size)) << shift
	for {
		was := atomic.LoadUint64(q)
		old = was & mask >> shift
		if atomic.CompareAndSwapUint64(q, was, was&^mask|f(old)<<shift&mask) {
			return old, true
		}
	}
}
