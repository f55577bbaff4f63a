package cpu

import (
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// The paths beside the inline hit: misses, registers, ROM, page crossings, pages whose stores somebody wants to know of, breakpoints, #AC.

func (c *CPU) loadSlow(lin uint64, size uint8) uint64 {
	return c.loadVia(c.mmu.now, lin, size, accRead)
}

func (c *CPU) loadWSlow(lin uint64, size uint8) uint64 {
	t := c.mmu.now
	if lin&pageMask > memory.PageSize-uint64(size) {
		c.probeW(lin, uint64(size))
	} else {
		c.checkAlign(t, lin, size)
		c.look(t, lin, accWrite)
	}
	return c.loadVia(t, lin, size, accRead)
}

func (c *CPU) storeSlow(lin uint64, size uint8, v uint64) { c.storeVia(c.mmu.now, lin, size, v) }

// checkAlign raises #AC.
func (c *CPU) checkAlign(t *tlb, lin uint64, size uint8) {
	if lin&uint64(size-1) != 0 && t.user && c.alignChecked() && (c.mode&mode64 == 0 || canonical(lin)) {
		c.raiseCode(x86.ExcAC, 0)
	}
}

// load128Slow and store128Slow: 16 bytes need no alignment of #AC's kind; where it matters to the instruction, that has raised #GP.
func (c *CPU) load128Slow(lin uint64) (lo, hi uint64) {
	if lin&7 == 0 || !c.alignChecked() {
		return c.loadSlow(lin, 8), c.loadSlow(lin+8, 8)
	}
	for k := range uint64(8) {
		lo |= c.loadSlow(lin+k, 1) << (8 * k)
	}
	for k := range uint64(8) {
		hi |= c.loadSlow(lin+8+k, 1) << (8 * k)
	}
	return lo, hi
}

func (c *CPU) store128Slow(lin, lo, hi uint64) {
	if lin&7 == 0 || !c.alignChecked() {
		c.probeW(lin, 16)
		c.storeSlow(lin, 8, lo)
		c.storeSlow(lin+8, 8, hi)
		return
	}
	c.probeW(lin, 1)
	if lin&pageMask > memory.PageSize-16 {
		c.probeW(c.nextPage(lin), 1)
	}
	for k := range uint64(8) {
		c.storeSlow(lin+k, 1, lo>>(8*k))
	}
	for k := range uint64(8) {
		c.storeSlow(lin+8+k, 1, hi>>(8*k))
	}
}

// nextPage is the first address of the page after lin's.
func (c *CPU) nextPage(lin uint64) uint64 {
	n := (lin | pageMask) + 1
	if c.mode&modeLong == 0 {
		n = uint64(uint32(n))
	}
	return n
}

// loadVia reads through one table of the TLB.
func (c *CPU) loadVia(t *tlb, lin uint64, size uint8, acc access) uint64 {
	c.checkAlign(t, lin, size)
	if lin&pageMask > memory.PageSize-uint64(size) {
		return c.loadSplit(t, lin, size, acc)
	}
	i := c.look(t, lin, acc)
	c.dataWatch(lin, size, accRead)
	e := &t.info[i]
	if e.region != nil {
		return t.hot[i].cell(lin).load(size)
	}
	return c.mem.Load(e.phys|lin&pageMask, int(size))
}

// loadSplit reads what lies across two pages.
func (c *CPU) loadSplit(t *tlb, lin uint64, size uint8, acc access) (v uint64) {
	next := c.nextPage(lin)
	c.look(t, lin, acc)
	c.look(t, next, acc)
	n := memory.PageSize - lin&pageMask
	for k := range uint64(size) {
		a := lin + k
		if k >= n {
			a = next + k - n
		}
		v |= c.loadVia(t, a, 1, acc) << (8 * k)
	}
	return v
}

// storeVia writes through one table of the TLB.
func (c *CPU) storeVia(t *tlb, lin uint64, size uint8, v uint64) {
	c.checkAlign(t, lin, size)
	if lin&pageMask > memory.PageSize-uint64(size) {
		c.storeSplit(t, lin, size, v)
		return
	}
	i := c.look(t, lin, accWrite)
	c.dataWatch(lin, size, accWrite)
	e := &t.info[i]
	switch {
	case e.region == nil:
		c.mem.Store(e.phys|lin&pageMask, int(size), v)
	case e.region.IsRAM():
		t.hot[i].cell(lin).store(size, v)
		c.wroteVia(t, i, lin, size)
	}
}

func (c *CPU) storeSplit(t *tlb, lin uint64, size uint8, v uint64) {
	next := c.nextPage(lin)
	c.look(t, lin, accWrite)
	c.look(t, next, accWrite)
	n := memory.PageSize - lin&pageMask
	for k := range uint64(size) {
		a := lin + k
		if k >= n {
			a = next + k - n
		}
		c.storeVia(t, a, 1, v>>(8*k))
	}
}

// wroteVia follows a store that went past the fast path: who wants to know is told; if nobody does any more, the next store is fast.
func (c *CPU) wroteVia(t *tlb, i, lin uint64, size uint8) {
	e := &t.info[i]
	c.wrote(e.region, e.off+lin&pageMask, uint64(size))
	// wrote may have dropped the entry.
	if e.tag == lin&^pageMask && e.perm&accWrite != 0 && e.region != nil && plainRAM(e.region, e.off) {
		t.hot[i].wr = e.tag
	}
}

// wrote follows a store to RAM.
func (c *CPU) wrote(r *memory.Region, off, n uint64) {
	if r.Logged() {
		r.MarkDirty(off, n)
	}
	if r.Watched(off, n) {
		c.codeWritten(r, off, n)
	}
}

// probeW raises the fault that a store to any byte of [lin, lin+n) would.
func (c *CPU) probeW(lin, n uint64) {
	if n == 0 {
		return
	}
	t := c.mmu.now
	if n&(n-1) == 0 {
		c.checkAlign(t, lin, uint8(min(n, 8)))
	}
	c.look(t, lin, accWrite)
	for left := memory.PageSize - lin&pageMask; left < n; left += memory.PageSize {
		lin = c.nextPage(lin)
		c.look(t, lin, accWrite)
	}
}

// ramAt is the place in RAM of a physical address; nil where size bytes of RAM are not.
func (c *CPU) ramAt(phys uint64, size uint8) (*ramCell, *memory.Region, uint64) {
	r, ok := c.find(phys)
	if !ok || !r.Region.IsRAM() || r.Addr+r.Size-phys < uint64(size) {
		return nil, nil, 0
	}
	off := r.Off + phys - r.Addr
	return (*ramCell)(&r.Region.Bytes()[off]), r.Region, off
}
