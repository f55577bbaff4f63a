package cpu

import (
	"sync"

	"govm-desktop/memory"
)

// Self-modifying code. A page of RAM that a block was decoded from is watched: stores to it take the slow path, and whoever makes one says so
// to every processor (codeWritten), as do devices (memory.Region.Wrote → Written). A processor drops its own blocks at once when it is the writer,
// else before its next block.

// stretch is bytes of a region.
type stretch struct {
	region *memory.Region
	off, n uint64
}

// writtenList is what others have written to watched pages.
type writtenList struct {
	mu   sync.Mutex // guards list
	list []stretch
	all  bool // too many: forget everything
}

// maxWritten bounds the list.
const maxWritten = 64

func (w *writtenList) add(s stretch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.list) == maxWritten {
		w.all = true
		return
	}
	w.list = append(w.list, s)
}

func (w *writtenList) take() (list []stretch, all bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list, all = w.list, w.all
	w.list, w.all = nil, false
	return list, all
}

// watch makes stores to the page at off of a region known to us.
func (c *CPU) watch(r *memory.Region, off uint64) {
	key := hostAddr(r.Bytes()[off : off+1])
	if c.blk.pages[key] != nil {
		return
	}
	p := &codeBlocks{region: r, off: off}
	c.blk.pages[key] = p
	if r.IsRAM() && c.vm.hold(p) {
		c.protectPage(r, off)
	}
}

// holders counts the processors that have code of a page.
type holders map[codeKey]int

type codeKey struct {
	region *memory.Region
	off    uint64
}

// hold has a page of RAM watched; it reports whether it was not before.
func (v *VM) hold(p *codeBlocks) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := codeKey{p.region, p.off}
	v.holders[k]++
	if v.holders[k] > 1 {
		return false
	}
	if !v.watched[p.region] {
		v.watched[p.region] = true
		p.region.AddWatcher(v)
	}
	p.region.Watch(p.off >> memory.PageShift)
	return true
}

// release ends the watch of a page when no processor has code of it any more.
func (v *VM) release(p *codeBlocks) {
	if !p.region.IsRAM() {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	k := codeKey{p.region, p.off}
	v.holders[k]--
	if v.holders[k] == 0 {
		delete(v.holders, k)
		p.region.Unwatch(p.off >> memory.PageShift)
	}
}

// Written implements memory.Watcher: stores that no processor made.
func (v *VM) Written(r *memory.Region, off, n uint64) { v.tellWritten(nil, stretch{r, off, n}) }

// tellWritten tells every processor but one.
func (v *VM) tellWritten(but *CPU, s stretch) {
	v.sys.each(func(c *CPU) {
		if c != but {
			c.blk.written.add(s)
			c.requests.Or(reqCode)
		}
	})
}

// codeWritten is called after this processor has stored to a page that is watched.
func (c *CPU) codeWritten(r *memory.Region, off, n uint64) {
	c.dropBytes(r, off, n)
	if c.vm.sys.cpus > 1 {
		c.vm.tellWritten(c, stretch{r, off, n})
	}
}

// tellFastStores precedes a flush that may have been asked for because another processor watches a page: what we could store there unseen since it
// does so counts as written.
func (c *CPU) tellFastStores() {
	for _, t := range c.tables() {
		if t == nil {
			continue
		}
		for i := range t.hot {
			e := &t.info[i]
			if t.hot[i].wr != noTag && e.region != nil && e.region.Watched(e.off, 1) {
				c.vm.tellWritten(c, stretch{e.region, e.off, memory.PageSize})
			}
		}
	}
}

// dropWritten drops the blocks that others have written to.
func (c *CPU) dropWritten() {
	list, all := c.blk.written.take()
	if all {
		c.dropAll()
		return
	}
	for _, s := range list {
		c.dropBytes(s.region, s.off, s.n)
	}
}

// dropBytes drops the blocks with any of n bytes at off of a region.
func (c *CPU) dropBytes(r *memory.Region, off, n uint64) {
	for n > 0 {
		k := min(n, memory.PageSize-off&pageMask)
		base := off &^ pageMask
		key := hostAddr(r.Bytes()[base : base+1])
		if p := c.blk.pages[key]; p != nil {
			c.dropInPage(key, p, uint32(off&pageMask), uint32(k))
		}
		off, n = off+k, n-k
	}
}

func (c *CPU) dropInPage(page uint64, p *codeBlocks, off, n uint32) {
	hit := false
	for l := off >> 6; l <= (off+n-1)>>6; l++ {
		hit = hit || p.lines[l>>6]&(1<<(l&63)) != 0
	}
	if !hit && len(p.blocks) > 0 {
		return
	}
	p.lines = [len(p.lines)]uint64{}
	kept := p.blocks[:0]
	for _, b := range p.blocks {
		from, to := b.within(page)
		if b.stale || from < off+n && off < to {
			c.dropBlock(b)
			continue
		}
		kept = append(kept, b)
		for l := from >> 6; l <= (to-1)>>6; l++ {
			p.lines[l>>6] |= 1 << (l & 63)
		}
	}
	clear(p.blocks[len(kept):])
	p.blocks = kept
	if len(kept) == 0 {
		delete(c.blk.pages, page)
		c.vm.release(p)
	}
}

// within is where in a page the block's bytes lie.
func (b *block) within(page uint64) (from, to uint32) {
	first := uint32(b.key & pageMask)
	if b.key&^pageMask == page {
		return first, min(first+b.len, memory.PageSize)
	}
	return 0, first + b.len - memory.PageSize
}

// dropBlock takes a block out of the cache. Its records are replaced, so that it ends before the next instruction if it is running.
func (c *CPU) dropBlock(b *block) {
	if b.stale {
		return
	}
	b.stale = true
	for i := range b.insts {
		b.insts[i].code = codeStale
	}
	for h := &c.blk.buckets[hashBlock(b.key)]; *h != nil; h = &(*h).hash {
		if *h == b {
			*h = b.hash
			return
		}
	}
}
