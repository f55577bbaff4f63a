package monitor

import (
	"encoding/binary"
	"fmt"
	"io"

	"govm-desktop/x86"
)

// Bits of page table entries (SDM volume 3, 4.3 to 4.5).
const (
	ptePresent  = 1 << 0
	pteWrite    = 1 << 1
	pteUser     = 1 << 2
	pteLarge    = 1 << 7
	pteNX       = 1 << 63
	pteAddr     = 0x000ffffffffff000
	crPage      = 0xfffff000
	pdptAddr    = 0xffffffe0
	pseHighMask = 0x1fe000 // bits 13–20: bits 32–39 of a 4 MiB page's address
)

// paging is a processor's way from linear to physical addresses.
type paging struct {
	s      *x86.State
	mem    Memories
	tables int // that walk may still look at
}

// level is a step of the walk.
type level struct {
	shift uint // of the index in the linear address
	bits  uint
	size  int // of an entry in bytes
	large bool
}

// levels are the steps that the mode has, the root's first.
func (p *paging) levels() []level {
	switch {
	case p.s.CR0&x86.CR0PG == 0:
		return nil
	case p.s.CR4&x86.CR4PAE == 0:
		return []level{{22, 10, 4, p.s.CR4&x86.CR4PSE != 0}, {12, 10, 4, false}}
	case p.s.EFER&x86.EFERLMA == 0:
		return []level{{30, 2, 8, false}, {21, 9, 8, true}, {12, 9, 8, false}}
	}
	return []level{{39, 9, 8, false}, {30, 9, 8, true}, {21, 9, 8, true}, {12, 9, 8, false}}
}

func (p *paging) root() uint64 {
	switch l := p.levels(); {
	case len(l) == 3:
		return p.s.CR3 & pdptAddr
	case len(l) == 2:
		return p.s.CR3 & crPage
	}
	return p.s.CR3 & pteAddr
}

// table reads all entries of a table; nil: it is not in memory.
func (p *paging) table(at uint64, l level) []uint64 {
	buf := make([]byte, l.size<<l.bits)
	if _, err := p.mem.ReadAt(buf, int64(at)); err != nil {
		return nil
	}
	out := make([]uint64, 1<<l.bits)
	for i := range out {
		if l.size == 4 {
			out[i] = uint64(binary.LittleEndian.Uint32(buf[4*i:]))
		} else {
			out[i] = binary.LittleEndian.Uint64(buf[8*i:])
		}
	}
	return out
}

// page is a mapping: flags have what all levels allow.
type page struct {
	virt, phys, size uint64
	entry            uint64 // the last one
	write, user      bool
}

// leaf reports whether an entry maps memory, and what.
func (l level) leaf(e uint64) (phys uint64, ok bool) {
	mask := uint64(1)<<l.shift - 1
	switch {
	case l.shift == 12 && l.size == 4:
		return e & crPage, true
	case l.shift == 12:
		return e & pteAddr, true
	case !l.large || e&pteLarge == 0:
		return 0, false
	case l.size == 4:
		return e&crPage&^mask | e&pseHighMask<<19, true
	}
	return e & pteAddr &^ mask, true
}

// Bounds of what one command looks at: a hostile guest's tables can map everything, and point at themselves.
const (
	maxPages  = 1 << 18
	maxTables = 1 << 14
)

// walk visits every mapping, in the order of linear addresses, until visit says no.
func (p *paging) walk(visit func(page) bool) {
	l := p.levels()
	if len(l) == 0 {
		return
	}
	left := maxPages
	p.tables = maxTables
	p.walkTable(l, p.root(), page{write: true, user: true}, func(g page) bool {
		left--
		return left >= 0 && visit(g)
	})
}

func (p *paging) walkTable(l []level, at uint64, up page, visit func(page) bool) bool {
	if p.tables--; p.tables < 0 {
		return false
	}
	pdpt := len(l) == 3 && l[0].bits == 2 // PAE's first level has no rights
	for i, e := range p.table(at, l[0]) {
		if e&ptePresent == 0 {
			continue
		}
		g := page{virt: up.virt | uint64(i)<<l[0].shift, entry: e, size: 1 << l[0].shift, write: up.write && (pdpt || e&pteWrite != 0), user: up.user && (pdpt || e&pteUser != 0)}
		phys, ok := l[0].leaf(e)
		switch {
		case ok:
			g.phys = phys
			g.virt = canonical(g.virt, l[0].size == 8 && p.s.EFER&x86.EFERLMA != 0)
			if !visit(g) {
				return false
			}
		default:
			next := e & pteAddr
			if l[0].size == 4 {
				next = e & crPage
			}
			if !p.walkTable(l[1:], next, g, visit) {
				return false
			}
		}
	}
	return true
}

// canonical extends the sign of a 48-bit address.
func canonical(a uint64, long bool) uint64 {
	if long {
		return uint64(int64(a<<16) >> 16)
	}
	return a
}

// translate finds the physical address of one linear address. Tables that do not lie in memory map nothing.
func (p *paging) translate(virt uint64) (uint64, bool) {
	return x86.Translate(p.s, func(addr uint64, size int) uint64 {
		var buf [8]byte
		if _, err := p.mem.ReadAt(buf[:size], int64(addr)); err != nil {
			return 0
		}
		return binary.LittleEndian.Uint64(buf[:])
	}, virt)
}

// paging is the session's processor's.
func (c *Call) paging() (*paging, error) {
	s, err := c.Registers(c.Session.CPU)
	if err != nil {
		return nil, generic(err)
	}
	return &paging{s: &s, mem: c.Memory(c.Session.CPU)}, nil
}

// mappings is what info mem and info tlb show.
type mappings struct {
	off   bool // paging is off
	pages []page
	more  bool // there are more than maxPages
}

func runTLB(c *Call) (any, error) {
	p, err := c.paging()
	if err != nil {
		return nil, err
	}
	m := mappings{off: len(p.levels()) == 0}
	p.walk(func(g page) bool {
		m.pages = append(m.pages, g)
		return true
	})
	m.more = len(m.pages) == maxPages || p.tables < 0
	return m, nil
}

func printTLB(w io.Writer, r any) {
	m := r.(mappings)
	if m.off {
		io.WriteString(w, "PG disabled\n")
	}
	for _, g := range m.pages {
		flags := []byte("---------")
		for i, b := range []struct {
			bit    uint64
			letter byte
		}{{pteNX, 'X'}, {1 << 8, 'G'}, {pteLarge, 'P'}, {1 << 6, 'D'}, {1 << 5, 'A'}, {1 << 4, 'C'}, {1 << 3, 'T'}, {pteUser, 'U'}, {pteWrite, 'W'}} {
			if g.entry&b.bit != 0 && !(b.letter == 'P' && g.size == 4096) {
				flags[i] = b.letter
			}
		}
		fmt.Fprintf(w, "%016x: %016x %s\n", g.virt, g.phys, flags)
	}
	if m.more {
		io.WriteString(w, "… and more\n")
	}
}

// runMem joins what lies together with the same rights.
func runMem(c *Call) (any, error) {
	p, err := c.paging()
	if err != nil {
		return nil, err
	}
	m, seen := mappings{off: len(p.levels()) == 0}, 0
	p.walk(func(g page) bool {
		seen++
		if n := len(m.pages); n > 0 {
			if last := &m.pages[n-1]; last.virt+last.size == g.virt && last.write == g.write && last.user == g.user {
				last.size += g.size
				return true
			}
		}
		m.pages = append(m.pages, g)
		return true
	})
	m.more = seen == maxPages || p.tables < 0
	return m, nil
}

func printMem(w io.Writer, r any) {
	m := r.(mappings)
	if m.off {
		io.WriteString(w, "PG disabled\n")
	}
	letter := func(on bool, l byte) byte {
		if on {
			return l
		}
		return '-'
	}
	for _, g := range m.pages {
		fmt.Fprintf(w, "%016x-%016x %016x %cr%c\n", g.virt, g.virt+g.size, g.size, letter(g.user, 'u'), letter(g.write, 'w'))
	}
	if m.more {
		io.WriteString(w, "… and more\n")
	}
}
