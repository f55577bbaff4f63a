package cpu

import (
	"unsafe"

	"govm-desktop/memory"
)

// hostBytes is the host memory behind n bytes in one page that can be read, or nil: see hostRAM.
func (c *CPU) hostBytes(lin, n uint64) []byte {
	p := c.hostRAM(lin, n, false)
	if p == nil {
		return nil
	}
	return unsafe.Slice((*byte)(p), n)
}

// target is a stretch of RAM about to be stored to. Where somebody keeps count of stores region is not nil, and done must be called after.
type target struct {
	bytes  []byte
	region *memory.Region
	off    uint64
}

// storeTarget is the host memory behind n bytes in one page that can be stored to, though their page be logged; bytes is nil where there is none, or
// code is in the page.
func (c *CPU) storeTarget(lin, n uint64) target {
	if p := c.hostRAM(lin, n, true); p != nil {
		return target{bytes: unsafe.Slice((*byte)(p), n)}
	}
	if lin&pageMask+n > memory.PageSize || c.mmu.cur != &c.mmu.now.hot {
		return target{}
	}
	e := &c.mmu.now.info[c.look(c.mmu.now, lin, accWrite)]
	off := e.off + lin&pageMask
	if e.region == nil || !e.region.IsRAM() || e.region.Watched(off, n) {
		return target{}
	}
	return target{e.region.Bytes()[off : off+n], e.region, off}
}

func (t *target) done(c *CPU) {
	if t.region != nil {
		c.wrote(t.region, t.off, uint64(len(t.bytes)))
	}
}

// copyRAM copies n bytes as MOVS does element by element upwards; it reports false, having done nothing, where not all is plain RAM.
func (c *CPU) copyRAM(dst, src, n uint64, size int) bool {
	s := c.hostBytes(src, n)
	if s == nil {
		return false
	}
	t := c.storeTarget(dst, n)
	d := t.bytes
	if d == nil {
		return false
	}
	defer t.done(c)
	gap := uintptr(unsafe.Pointer(&d[0])) - uintptr(unsafe.Pointer(&s[0]))
	if gap == 0 || gap >= uintptr(n) {
		copy(d, s)
		return true
	}
	// The destination begins inside the source: what is copied first is copied again.
	if gap < uintptr(size) {
		for i := 0; i < int(n); i += size {
			copy(d[i:i+size], s[i:i+size])
		}
		return true
	}
	step := int(gap) / size * size
	for i := 0; i < int(n); i += step {
		e := min(i+step, int(n))
		copy(d[i:e], s[i:e])
	}
	return true
}

// fillRAM is copyRAM for STOS.
func (c *CPU) fillRAM(dst, n, v uint64, size int) bool {
	t := c.storeTarget(dst, n)
	d := t.bytes
	if d == nil {
		return false
	}
	defer t.done(c)
	if v&sizeMask(uint8(size)) == 0 {
		clear(d)
		return true
	}
	for i := range size {
		d[i] = byte(v >> (8 * i))
	}
	for have := size; have < len(d); have *= 2 {
		copy(d[have:], d[:have])
	}
	return true
}
