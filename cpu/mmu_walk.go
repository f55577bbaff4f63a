package cpu

import "govm-desktop/x86"

// Bits of paging-structure entries (SDM volume 3, 4.3–4.5).
const (
	pteP  = 1 << 0
	pteW  = 1 << 1
	pteU  = 1 << 2
	pteA  = 1 << 5
	pteD  = 1 << 6
	ptePS = 1 << 7
	pteG  = 1 << 8
	pteNX = 1 << 63

	pteAddr = physMask &^ pageMask
	// pteHigh are the address bits beyond what this CPU has, reserved in every format; pteHighPAE adds what PAE paging reserves.
	pteHigh    = 1<<52 - 1<<physBits
	pteHighPAE = 1<<63 - 1<<physBits
)

// Bits of a page fault's error code.
const (
	pfP    = 1 << 0
	pfW    = 1 << 1
	pfU    = 1 << 2
	pfRsvd = 1 << 3
	pfI    = 1 << 4
)

// walked is the outcome of a page walk.
type walked struct {
	phys   uint64
	perm   access
	global bool
	large  uint8 // log2 of the size of a page of more than 4 KiB
}

// walker is one page walk.
type walker struct {
	c     *CPU
	t     *tlb
	lin   uint64
	acc   access
	retry bool // an entry changed under us

	rights uint64 // pteW and pteU of all levels
	nx     bool
}

// walk translates a linear address, sets accessed and dirty bits, and raises #PF where the access is not allowed.
func (c *CPU) walk(lin uint64, acc access, t *tlb) walked {
	if c.cr0&x86.CR0PG == 0 {
		return walked{phys: lin & 0xffffffff, perm: accRead | accWrite | accExec}
	}
	for {
		w := walker{c: c, t: t, lin: lin, acc: acc, rights: pteW | pteU}
		var r walked
		switch {
		case c.mode&modeLong != 0:
			r = w.long()
		case c.cr4&x86.CR4PAE != 0:
			r = w.pae()
		default:
			r = w.legacy()
		}
		if !w.retry {
			return r
		}
	}
}

// fault raises #PF.
func (w *walker) fault(code uint32) {
	c := w.c
	if w.acc == accWrite {
		code |= pfW
	}
	if w.t.user {
		code |= pfU
	}
	if w.acc == accExec && (c.cr4&x86.CR4SMEP != 0 || c.cr4&x86.CR4PAE != 0 && c.msr.efer&x86.EFERNXE != 0) {
		code |= pfI
	}
	c.exc = exception{vector: x86.ExcPF, hasCode: true, code: code, cr2: w.lin}
	panic(&c.exc)
}

// entry reads a paging-structure entry and checks presence and reserved bits.
func (w *walker) entry(at uint64, size uint8, reserved uint64) uint64 {
	e := w.c.physLoad(at, size)
	if e&pteP == 0 {
		w.fault(0)
	}
	if e&reserved != 0 {
		w.fault(pfP | pfRsvd)
	}
	return e
}

// mark sets bits in an entry; false: the entry is another by now, start again.
func (w *walker) mark(at uint64, size uint8, e, bits uint64) bool {
	if e&bits == bits {
		return true
	}
	if w.c.physCAS(at, size, e, e|bits) {
		return true
	}
	w.retry = true
	return false
}

func (w *walker) reservedNX(r uint64) uint64 {
	if w.c.msr.efer&x86.EFERNXE == 0 {
		r |= pteNX
	}
	return r
}

// table goes through an entry that names a table of the next level.
func (w *walker) table(at uint64, size uint8, e uint64) bool {
	w.rights &= e
	w.nx = w.nx || e&pteNX != 0 && size == 8
	return w.mark(at, size, e, pteA)
}

// long is 4-level paging (4.5).
func (w *walker) long() (r walked) {
	c, lin := w.c, w.lin
	at := c.cr3&pteAddr | lin>>39&511<<3
	e := w.entry(at, 8, w.reservedNX(pteHigh|ptePS))
	if !w.table(at, 8, e) {
		return r
	}
	at = e&pteAddr | lin>>30&511<<3
	if e = w.entry(at, 8, w.reservedNX(pteHigh)); e&ptePS != 0 {
		if !c.vm.sys.has(featPDPE1GB) || e&(1<<30-1<<13) != 0 {
			w.fault(pfP | pfRsvd)
		}
		return w.leaf(at, 8, e, 30)
	}
	if !w.table(at, 8, e) {
		return r
	}
	return w.pageDirectory(e&pteAddr, w.reservedNX(pteHigh))
}

// pae is PAE paging (4.4): the PDPTEs were loaded and checked with CR3.
func (w *walker) pae() walked {
	e := w.c.mmu.pdpte[w.lin>>30&3]
	if e&pteP == 0 {
		w.fault(0)
	}
	return w.pageDirectory(e&pteAddr, w.reservedNX(pteHighPAE))
}

// pageDirectory is the last two levels with 8-byte entries.
func (w *walker) pageDirectory(dir, reserved uint64) (r walked) {
	at := dir | w.lin>>21&511<<3
	e := w.entry(at, 8, reserved)
	if e&ptePS != 0 {
		if e&(1<<21-1<<13) != 0 {
			w.fault(pfP | pfRsvd)
		}
		return w.leaf(at, 8, e, 21)
	}
	if !w.table(at, 8, e) {
		return r
	}
	at = e&pteAddr | w.lin>>12&511<<3
	return w.leaf(at, 8, w.entry(at, 8, reserved), 12)
}

// legacy is 32-bit paging (4.3).
func (w *walker) legacy() (r walked) {
	c := w.c
	at := c.cr3&0xfffff000 | w.lin>>22&1023<<2
	e := w.entry(at, 4, 0)
	if e&ptePS != 0 && c.cr4&x86.CR4PSE != 0 {
		high := e >> 13 & 0xff
		if e&(1<<21) != 0 || high != 0 && !c.vm.sys.has(featPSE36) {
			w.fault(pfP | pfRsvd)
		}
		r = w.leaf(at, 4, e, 22)
		r.phys |= high << 32
		return r
	}
	if !w.table(at, 4, e) {
		return r
	}
	at = e&0xfffff000 | w.lin>>12&1023<<2
	return w.leaf(at, 4, w.entry(at, 4, 0), 12)
}

// leaf checks rights on the entry that maps the page, marks it and says what may be done there.
func (w *walker) leaf(at uint64, size uint8, e uint64, shift uint) (r walked) {
	c := w.c
	w.rights &= e
	w.nx = w.nx || size == 8 && e&pteNX != 0
	perm := w.allowed()
	if perm&w.acc == 0 {
		w.fault(pfP)
	}
	bits := uint64(pteA)
	if w.acc == accWrite {
		bits |= pteD
	} else if e&pteD == 0 {
		perm &^= accWrite
	}
	if !w.mark(at, size, e, bits) {
		return r
	}
	in := uint64(1)<<shift - 1
	addr := e & pteAddr
	if size == 4 {
		addr &= 0xffffffff
	}
	r = walked{
		phys:   addr&^in | w.lin&in,
		perm:   perm,
		global: e&pteG != 0 && c.cr4&x86.CR4PGE != 0,
	}
	if shift > 12 {
		r.large = uint8(shift)
	}
	return r
}

// allowed says what the rights gathered allow (4.6).
func (w *walker) allowed() access {
	c := w.c
	perm := accRead | accWrite | accExec
	userPage := w.rights&pteU != 0
	if w.t.user {
		if !userPage {
			return 0
		}
		if w.rights&pteW == 0 {
			perm &^= accWrite
		}
	} else {
		if w.rights&pteW == 0 && c.cr0&x86.CR0WP != 0 {
			perm &^= accWrite
		}
		if userPage && c.cr4&x86.CR4SMEP != 0 {
			perm &^= accExec
		}
		if userPage && c.cr4&x86.CR4SMAP != 0 && !w.t.ac {
			perm &^= accRead | accWrite
		}
	}
	if w.nx {
		perm &^= accExec
	}
	return perm
}

// loadPDPTEs reads and checks the four PDPTEs of PAE paging (4.4.1). It reports false, and changes nothing, if a reserved bit is set.
func (c *CPU) loadPDPTEs(cr3 uint64) bool {
	var p [4]uint64
	for i := range p {
		p[i] = c.physLoad(cr3&0xffffffe0+uint64(i)*8, 8)
		if p[i]&pteP != 0 && p[i]&(pteHighPAE|pteNX|0x1e6) != 0 {
			return false
		}
	}
	c.mmu.pdpte = p
	return true
}

// physLoad reads physical memory for the processor's own use.
func (c *CPU) physLoad(phys uint64, size uint8) uint64 {
	phys &= c.mmu.a20
	if p, _, _ := c.ramAt(phys, size); p != nil {
		return p.load(size)
	}
	return c.mem.Load(phys, int(size))
}

// physStore writes it.
func (c *CPU) physStore(phys uint64, size uint8, v uint64) {
	c.mem.Store(phys&c.mmu.a20, int(size), v)
}

// physCAS changes an aligned word of 4 or 8 bytes if it is still old. What is not RAM counts as changed.
func (c *CPU) physCAS(phys uint64, size uint8, old, new uint64) bool {
	phys &= c.mmu.a20
	p, r, off := c.ramAt(phys, size)
	if p == nil {
		return true
	}
	if !p.cas(size, old, new) {
		return false
	}
	c.wrote(r, off, uint64(size))
	return true
}
