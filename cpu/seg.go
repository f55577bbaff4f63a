package cpu

import "govm-desktop/x86"

// Segmentation: SDM volume 3, chapters 3 and 5.

// Attr of the segments that modes without descriptors use.
const (
	attrVM86 = x86.AttrP | x86.AttrDPL | x86.AttrS | x86.AttrWritable | x86.AttrAccessed
)

// Types of system descriptors.
const (
	sysTSS16     = 1
	sysLDT       = 2
	sysTSS16Busy = 3
	sysCall16    = 4
	sysTaskGate  = 5
	sysInt16     = 6
	sysTrap16    = 7
	sysTSS32     = 9
	sysTSS32Busy = 11
	sysCall32    = 12
	sysInt32     = 14
	sysTrap32    = 15

	sysBusy = 2 // the bit of a TSS's type
)

// descriptor is an entry of the GDT or an LDT.
type descriptor struct {
	lo, hi uint32
	top    uint32 // upper half of the base, of the 16-byte descriptors of long mode
	at     uint64 // linear address
	sel    uint16
}

func (d *descriptor) attr() x86.Attr   { return x86.Attr(d.hi>>8) & 0xf0ff }
func (d *descriptor) present() bool    { return d.hi&(1<<15) != 0 }
func (d *descriptor) dpl() uint8       { return uint8(d.hi>>13) & 3 }
func (d *descriptor) typ() uint8       { return uint8(d.hi>>8) & 15 }
func (d *descriptor) system() bool     { return d.hi&(1<<12) == 0 }
func (d *descriptor) code() bool       { return d.hi&(1<<12|1<<11) == 1<<12|1<<11 }
func (d *descriptor) conforming() bool { return d.hi&(1<<10) != 0 }
func (d *descriptor) writable() bool   { return d.hi&(1<<12|1<<11|1<<9) == 1<<12|1<<9 }
func (d *descriptor) readable() bool   { return d.hi&(1<<12) != 0 && d.hi&(1<<11|1<<9) != 1<<11 }
func (d *descriptor) long() bool       { return d.hi&(1<<21) != 0 }
func (d *descriptor) big() bool        { return d.hi&(1<<22) != 0 }

func (d *descriptor) base() uint64 {
	return uint64(d.lo>>16|d.hi&0xff<<16|d.hi&0xff000000) | uint64(d.top)<<32
}

func (d *descriptor) limit() uint32 {
	l := d.lo&0xffff | d.hi&0xf0000
	if d.hi&(1<<23) != 0 {
		return l<<12 | 0xfff
	}
	return l
}

func (d *descriptor) segment(sel uint16) x86.Segment {
	return x86.Segment{Selector: sel, Attr: d.attr(), Base: d.base(), Limit: d.limit()}
}

// gateOffset is the target of a gate.
func (d *descriptor) gateOffset() uint64 { return uint64(d.lo&0xffff | d.hi&0xffff0000) }

func (d *descriptor) gateSelector() uint16 { return uint16(d.lo >> 16) }

// selFault raises an exception with a selector as its error code.
func (c *CPU) selFault(vec uint8, sel uint16) {
	c.raiseCode(vec, uint32(sel&^3)|c.sys.ext)
}

// readDesc reads the descriptor that a selector names; false: it is beyond its table.
func (c *CPU) readDesc(sel uint16) (d descriptor, ok bool) {
	base, limit := c.gdtr.Base, uint32(c.gdtr.Limit)
	if sel&4 != 0 {
		if c.ldtr.Attr&(x86.AttrUnusable|x86.AttrP) != x86.AttrP {
			return d, false
		}
		base, limit = c.ldtr.Base, c.ldtr.Limit
	}
	if uint32(sel|7) > limit {
		return d, false
	}
	d.at, d.sel = base+uint64(sel&^7), sel
	raw := c.sysLoadN(d.at, 8)
	d.lo, d.hi = uint32(raw), uint32(raw>>32)
	return d, true
}

// desc is readDesc that raises vec for what is beyond the table.
func (c *CPU) desc(sel uint16, vec uint8) descriptor {
	d, ok := c.readDesc(sel)
	if !ok {
		c.selFault(vec, sel)
	}
	return d
}

// desc16 completes a system descriptor of long mode, which has 16 bytes.
func (c *CPU) desc16(d *descriptor, vec uint8) {
	if c.mode&modeLong == 0 {
		return
	}
	if d.sel&4 == 0 && uint32(d.sel|7)+8 > uint32(c.gdtr.Limit) {
		c.selFault(vec, d.sel)
	}
	d.top = uint32(c.sysLoadN(d.at+8, 4))
	if c.sysLoadN(d.at+12, 4)>>8&31 != 0 {
		c.selFault(vec, d.sel)
	}
}

// accessed sets the accessed bit of a code or data descriptor, in its table too.
func (c *CPU) accessed(d *descriptor) {
	if d.hi&(1<<8) == 0 {
		d.hi |= 1 << 8
		c.sysStoreN(d.at+4, 4, uint64(d.hi))
	}
}

// setBusy sets or clears the busy bit of a TSS descriptor in the GDT.
func (c *CPU) setBusy(sel uint16, busy bool) {
	at := c.gdtr.Base + uint64(sel&^7) + 5
	v := c.sysLoadN(at, 1) &^ sysBusy
	if busy {
		v |= sysBusy
	}
	c.sysStoreN(at, 1, v)
}

// setSeg sets a segment register with its hidden part. Preconditions: updateMode follows for CS, SS, DS and ES.
func (c *CPU) setSeg(seg uint8, s x86.Segment) {
	c.seg[seg] = s
	c.updateSeg(seg)
}

// nullSeg is a segment register with a null selector.
func nullSeg(sel uint16) x86.Segment { return x86.Segment{Selector: sel, Attr: x86.AttrUnusable} }

// realSeg is the register after a load in real mode, which touches neither limit nor rights (big real mode rests on that), or VM86 mode.
func (c *CPU) realSeg(seg uint8, sel uint16) {
	s := c.seg[seg]
	s.Selector, s.Base = sel, uint64(sel)<<4
	if c.mode&modeVM86 != 0 {
		s.Limit, s.Attr = 0xffff, attrVM86
	}
	c.setSeg(seg, s)
}

// loadSeg is MOV to a segment register other than CS (and POP, LDS …).
func (c *CPU) loadSeg(seg uint8, sel uint16) {
	switch {
	case c.mode&modeProtected == 0:
		c.realSeg(seg, sel)
	case seg == x86.SS:
		c.setSeg(seg, c.stackSegment(sel))
	default:
		c.setSeg(seg, c.dataSegment(sel, x86.ExcGP))
	}
	if seg < x86.FS {
		c.updateMode()
	}
}

// stackSegment checks a selector for SS at the current CPL.
func (c *CPU) stackSegment(sel uint16) x86.Segment {
	if sel&^3 == 0 {
		if c.mode&mode64 == 0 || c.cpl == 3 || uint8(sel&3) != c.cpl {
			c.raiseGP(0)
		}
		return c.nullStack(sel, c.cpl)
	}
	d := c.desc(sel, x86.ExcGP)
	if uint8(sel&3) != c.cpl || !d.writable() || d.dpl() != c.cpl {
		c.selFault(x86.ExcGP, sel)
	}
	if !d.present() {
		c.selFault(x86.ExcSS, sel)
	}
	c.accessed(&d)
	return d.segment(sel)
}

// nullStack is SS with a null selector in 64-bit mode: its DPL still is the CPL.
func (c *CPU) nullStack(sel uint16, cpl uint8) x86.Segment {
	s := nullSeg(sel)
	s.Attr |= x86.Attr(cpl) << 5
	return s
}

// dataSegment checks a selector for DS, ES, FS or GS. Absence is #NP; other faults are vec (#GP, or #TS in a task switch).
func (c *CPU) dataSegment(sel uint16, vec uint8) x86.Segment {
	if sel&^3 == 0 {
		return nullSeg(sel)
	}
	d := c.desc(sel, vec)
	if !d.readable() || !(d.code() && d.conforming()) && d.dpl() < max(c.cpl, uint8(sel&3)) {
		c.selFault(vec, sel)
	}
	if !d.present() {
		c.selFault(x86.ExcNP, sel)
	}
	c.accessed(&d)
	return d.segment(sel)
}

// updateSeg derives what accesses through a segment register need: base and limits.
func (c *CPU) updateSeg(seg uint8) {
	m, s := &c.mmu, &c.seg[seg]
	if c.mode&mode64 != 0 {
		m.base[seg], m.rlim[seg], m.wlim[seg] = 0, ^uint64(0), ^uint64(0)
		if seg >= x86.FS {
			m.base[seg] = s.Base
		}
		return
	}
	m.base[seg] = s.Base
	lim := uint64(s.Limit) + 1
	m.rlim[seg], m.wlim[seg] = lim, lim
	if c.mode&modeProtected == 0 {
		return
	}
	switch a := s.Attr; {
	case a&x86.AttrUnusable != 0 || a&x86.AttrP == 0, a&(x86.AttrCode|x86.AttrDown) == x86.AttrDown:
		m.rlim[seg], m.wlim[seg] = 0, 0
	case a&x86.AttrCode != 0:
		m.wlim[seg] = 0
		if a&x86.AttrWritable == 0 {
			m.rlim[seg] = 0
		}
	case a&x86.AttrWritable == 0:
		m.wlim[seg] = 0
	}
}

// updateMode derives mode, and all that hangs on it, from CS, SS, DS, ES, CR0, EFER, EFLAGS.VM and CPL.
func (c *CPU) updateMode() {
	var m mode
	if c.cr0&x86.CR0PE != 0 {
		if c.eflags&x86.FlagVM != 0 {
			m |= modeVM86
		} else {
			m |= modeProtected
		}
	}
	if c.msr.efer&x86.EFERLMA != 0 {
		m |= modeLong
		if c.seg[x86.CS].Attr&x86.AttrL != 0 {
			m |= mode64
		}
	}
	if m&modeVM86 == 0 {
		if c.seg[x86.CS].Attr&x86.AttrDB != 0 && m&mode64 == 0 {
			m |= modeCode32
		}
		if c.seg[x86.SS].Attr&x86.AttrDB != 0 {
			m |= modeStack32
		}
	}
	if c.cpl == 3 {
		m |= modeUser
	}
	c.mode = m
	for s := range uint8(6) {
		c.updateSeg(s)
	}
	if c.flat() {
		c.mode |= modeFlat
	}
	c.selectTLB()
}

// flat reports whether CS, DS, ES and SS show the whole address space.
func (c *CPU) flat() bool {
	m := &c.mmu
	for _, s := range [4]uint8{x86.CS, x86.DS, x86.ES, x86.SS} {
		if m.base[s] != 0 || m.rlim[s] < 1<<32 || m.wlim[s] < 1<<32 && s != x86.CS {
			return false
		}
	}
	return true
}

// fetchLimit is the highest offset in CS that can be fetched.
func (c *CPU) fetchLimit() uint64 {
	if c.mode&mode64 != 0 {
		return ^uint64(0)
	}
	return uint64(c.seg[x86.CS].Limit)
}

// setCPL changes the privilege level. Preconditions: updateMode follows.
func (c *CPU) setCPL(cpl uint8) { c.cpl = cpl }
