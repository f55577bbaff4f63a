package cpu

import (
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// The MMU: SDM volume 3, chapter 4. A software TLB stands before the page walk: direct-mapped, one table per privilege, so that a change of CPL
// changes a pointer and nothing else. A table has two halves: tlbEntry, which the inline accessors look at, and tlbInfo, for everyone else.

// Size of a TLB table.
const (
	tlbBits = 10
	tlbSize = 1 << tlbBits
	tlbMask = tlbSize - 1
)

const (
	pageMask = memory.PageSize - 1
	noTag    = 1 // no page has this address

	physBits = 40
	physMask = 1<<physBits - 1
)

// access is what a translation is for.
type access uint8

// Kinds of access, as bits of tlbInfo.perm.
const (
	accRead access = 1 << iota
	accWrite
	accExec
)

// tlbInfo is the slower half of a TLB entry: what the page is and what may be done there.
type tlbInfo struct {
	tag    uint64         // linear address of the page; noTag: free
	phys   uint64         // of the page
	region *memory.Region // RAM or ROM all over the page; nil: ask c.mem
	off    uint64         // of the page in region
	perm   access         // what has been allowed (accWrite only once the dirty bit is set)
	global bool
	large  uint8 // log2 of the page's size if that is more than 4 KiB, else 0
}

// tlb is one table.
type tlb struct {
	hot  [tlbSize]tlbEntry
	info [tlbSize]tlbInfo

	user bool // rights of CPL 3
	ac   bool // SMAP is suspended

	// Linear addresses with large pages, in the lower and upper half: INVLPG of one has to look at all entries.
	largeLo, largeHi [2]uint64
}

// mmu is translation state.
type mmu struct {
	cur   *[tlbSize]tlbEntry // where the inline accessors look: now.hot, or none.hot while every access must be looked at
	now   *tlb               // the table for the current CPL
	super *tlb
	user  *tlb
	superAC,
	none *tlb // made at need

	// What updateSeg derives: an access of n bytes at off is right if off+n is not above the limit.
	base       [8]uint64
	rlim, wlim [8]uint64

	pdpte [4]uint64
	a20   uint64 // mask of physical addresses

	gen uint64 // goes up whenever a translation may have changed

	view *memory.View // what last came from
	last memory.Range
}

func (c *CPU) initMMU() {
	c.mmu.super, c.mmu.user = newTLB(false, false), newTLB(true, false)
	c.mmu.now, c.mmu.cur = c.mmu.super, &c.mmu.super.hot
	c.loadA20()
}

func newTLB(user, ac bool) *tlb {
	t := &tlb{user: user, ac: ac}
	t.flush(true)
	return t
}

func (c *CPU) loadA20() {
	c.mmu.a20 = physMask
	if c.vm.sys.a20Off.Load() {
		c.mmu.a20 &^= 1 << 20
	}
}

// selectTLB points the accessors at the table for the present privilege.
func (c *CPU) selectTLB() {
	m := &c.mmu
	switch {
	case c.cpl == 3:
		m.now = m.user
	case c.cr4&x86.CR4SMAP != 0 && c.eflags&x86.FlagAC != 0:
		if m.superAC == nil {
			m.superAC = newTLB(false, true)
		}
		m.now = m.superAC
	default:
		m.now = m.super
	}
	m.cur = &m.now.hot
	if c.sys.dataBP || c.alignChecked() {
		if m.none == nil {
			m.none = newTLB(false, false)
		}
		m.cur = &m.none.hot
	}
}

// alignChecked reports whether #AC is on.
func (c *CPU) alignChecked() bool {
	return c.cpl == 3 && c.cr0&x86.CR0AM != 0 && c.eflags&x86.FlagAC != 0
}

func (t *tlb) drop(i uint64) {
	t.hot[i].clear()
	t.info[i].tag = noTag
	t.info[i].region = nil
}

func (t *tlb) flush(global bool) {
	if global {
		for i := range uint64(tlbSize) {
			t.drop(i)
		}
		t.largeLo, t.largeHi = [2]uint64{^uint64(0), ^uint64(0)}, [2]uint64{}
		return
	}
	for i := range uint64(tlbSize) {
		if e := &t.info[i]; !e.global && e.tag != noTag {
			t.drop(i)
		}
	}
}

func (c *CPU) tables() [3]*tlb { return [3]*tlb{c.mmu.super, c.mmu.user, c.mmu.superAC} }

// flushTLB forgets translations; without global those of global pages stay.
func (c *CPU) flushTLB(global bool) {
	c.mmu.gen++
	for _, t := range c.tables() {
		if t != nil {
			t.flush(global || c.cr4&x86.CR4PGE == 0)
		}
	}
}

// flushMap is flushTLB after a change of the physical map or of A20.
func (c *CPU) flushMap() {
	c.loadA20()
	c.mmu.view = nil
	c.flushTLB(true)
}

func half(lin uint64) int { return int(lin >> 63) }

// invlpg forgets the translation of one page, global or not.
func (c *CPU) invlpg(lin uint64) {
	c.mmu.gen++
	page := lin &^ pageMask
	for _, t := range c.tables() {
		if t == nil {
			continue
		}
		h := half(page)
		if t.largeLo[h] <= page && page <= t.largeHi[h] {
			t.dropLarge(page)
		}
		if i := lin >> 12 & tlbMask; t.info[i].tag == page {
			t.drop(i)
		}
	}
}

// dropLarge forgets all parts of the large pages that a page belongs to.
func (t *tlb) dropLarge(page uint64) {
	for i := range uint64(tlbSize) {
		if e := &t.info[i]; e.large != 0 && e.tag>>(e.large&63) == page>>(e.large&63) {
			t.drop(i)
		}
	}
}

// protectPage takes the fast write path to a page of RAM away from every processor, after code of it has been cached.
func (c *CPU) protectPage(r *memory.Region, off uint64) {
	off &^= pageMask
	for _, t := range c.tables() {
		if t != nil {
			t.protect(r, off)
		}
	}
	if s := c.vm.sys; s.cpus > 1 {
		s.each(func(o *CPU) {
			if o != c {
				o.requests.Or(reqFlush)
			}
		})
	}
}

func (t *tlb) protect(r *memory.Region, off uint64) {
	for i := range t.info {
		if e := &t.info[i]; e.off == off && e.region == r {
			t.hot[i].wr = noTag
		}
	}
}

// canonical reports whether bits 63–47 are equal.
func canonical(a uint64) bool { return (a+1<<47)>>48 == 0 }

// look finds the TLB entry that allows an access to the page of lin, walking if need be. It raises #PF, and #GP(0) for an address
// that is not canonical.
func (c *CPU) look(t *tlb, lin uint64, acc access) uint64 {
	i := lin >> 12 & tlbMask
	e := &t.info[i]
	if e.tag == lin&^pageMask && e.perm&acc != 0 {
		return i
	}
	if c.mode&modeLong != 0 && !canonical(lin) {
		c.raiseGP(0)
	}
	w := c.walk(lin, acc, t)
	c.fill(t, lin, w)
	return i
}

// fill enters the result of a walk.
func (c *CPU) fill(t *tlb, lin uint64, w walked) {
	i := lin >> 12 & tlbMask
	e, hot := &t.info[i], &t.hot[i]
	phys := w.phys & c.mmu.a20 &^ pageMask
	*e = tlbInfo{tag: lin &^ pageMask, phys: phys, perm: w.perm, global: w.global, large: w.large}
	hot.clear()
	if w.large != 0 {
		h, in := half(lin), uint64(1)<<w.large-1
		t.largeLo[h] = min(t.largeLo[h], e.tag&^in)
		t.largeHi[h] = max(t.largeHi[h], e.tag|in)
	}
	r, ok := c.find(phys)
	off := r.Off + phys - r.Addr
	if !ok || !r.Region.IsMemory() || r.Addr > phys || r.Addr+r.Size-phys < memory.PageSize || off&pageMask != 0 {
		return
	}
	e.region, e.off = r.Region, off
	hot.point(r.Region.Bytes()[off:])
	if w.perm&accRead != 0 {
		hot.rd = e.tag
	}
	if w.perm&accExec != 0 {
		hot.ex = e.tag
	}
	if w.perm&accWrite != 0 && plainRAM(r.Region, off) {
		hot.wr = e.tag
	}
}

// plainRAM reports whether nobody needs to know of stores to a page.
func plainRAM(r *memory.Region, off uint64) bool {
	return r.IsRAM() && !r.Logged() && !r.Watched(off, memory.PageSize)
}

// find is the stretch of memory that holds a physical address.
func (c *CPU) find(phys uint64) (memory.Range, bool) {
	m := &c.mmu
	if v := c.mem.View(); v != m.view {
		m.view, m.last = v, memory.Range{}
	}
	if phys-m.last.Addr < m.last.Size {
		return m.last, true
	}
	r, ok := m.view.Find(phys)
	if ok && r.Region.IsRAM() {
		m.last = r
	}
	return r, ok
}

// codePage is what fetches from one page of linear addresses find.
type codePage struct {
	phys   uint64         // of the page
	mem    []byte         // the page; nil if it is not memory: fetch each byte with c.mem.Load
	region *memory.Region // RAM or ROM; nil where mem is
	off    uint64         // of the page in region
}

// fetchPage translates the page of lin for fetching; it raises #PF and #GP.
func (c *CPU) fetchPage(lin uint64) codePage {
	t := c.mmu.now
	e := &t.info[c.look(t, lin, accExec)]
	p := codePage{phys: e.phys, region: e.region, off: e.off}
	if e.region != nil {
		p.mem = e.region.Bytes()[e.off : e.off+memory.PageSize]
	}
	return p
}
