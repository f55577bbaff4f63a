package cpu

import "govm-desktop/x86"

// stack is the stack that a call or an event pushes to before anything is committed: the current one, or that of an inner privilege level.
type stack struct {
	c    *CPU
	sp   uint64
	mask uint64 // the part of sp that counts
	base uint64
	seg  x86.Segment
	code uint32 // error code of #SS for its limit
	t    *tlb   // with the rights of its privilege level
	// long: no limit checks, 64-bit addresses.
	long  bool
	fresh bool // SS changes
}

// sameStack is the current stack.
func (c *CPU) sameStack() stack {
	s := stack{c: c, sp: c.gpr[x86.RSP], mask: c.stackMask(), seg: c.seg[x86.SS], t: c.mmu.now, long: c.mode&mode64 != 0, code: c.sys.ext}
	if !s.long {
		s.base = s.seg.Base
	}
	return s
}

// innerStack is the stack of a more privileged level, from the TSS; ist selects one of the interrupt stacks of long mode.
func (c *CPU) innerStack(cpl uint8, ist uint8) stack {
	if c.mode&modeLong != 0 {
		off := uint64(4 + 8*uint(cpl))
		if ist > 0 {
			off = uint64(0x1c + 8*uint(ist))
		}
		return c.longStack(c.tssLoad(off, 8), cpl)
	}
	var sp uint64
	var sel uint16
	if c.tr.Attr&8 != 0 {
		off := uint64(4 + 8*uint(cpl))
		c.tssNeed(off + 5)
		sp, sel = c.tssLoad(off, 4), uint16(c.tssLoad(off+4, 2))
	} else {
		off := uint64(2 + 4*uint(cpl))
		c.tssNeed(off + 3)
		sp, sel = c.tssLoad(off, 2), uint16(c.tssLoad(off+2, 2))
	}
	seg := c.taskStack(sel, cpl)
	s := stack{c: c, sp: sp, mask: 0xffff, base: seg.Base, seg: seg, code: uint32(sel&^3) | c.sys.ext, t: c.mmu.super, fresh: true}
	if seg.Attr&x86.AttrDB != 0 {
		s.mask = 0xffffffff
	}
	return s
}

// longStack is a stack of long mode at privilege cpl, with a null SS.
func (c *CPU) longStack(sp uint64, cpl uint8) stack {
	if !canonical(sp) {
		c.raiseCode(x86.ExcSS, c.sys.ext)
	}
	return stack{c: c, sp: sp, mask: ^uint64(0), seg: c.nullStack(uint16(cpl), cpl), t: c.mmu.super, long: true, fresh: true, code: c.sys.ext}
}

// taskStack checks a stack segment from the TSS for privilege cpl.
func (c *CPU) taskStack(sel uint16, cpl uint8) x86.Segment {
	if sel&^3 == 0 {
		c.selFault(x86.ExcTS, sel)
	}
	d := c.desc(sel, x86.ExcTS)
	if uint8(sel&3) != cpl || d.dpl() != cpl || !d.writable() {
		c.selFault(x86.ExcTS, sel)
	}
	if !d.present() {
		c.selFault(x86.ExcSS, sel)
	}
	c.accessed(&d)
	return d.segment(sel)
}

// tssNeed raises #TS unless the TSS reaches to offset last.
func (c *CPU) tssNeed(last uint64) {
	if c.tr.Attr&x86.AttrUnusable != 0 || last > uint64(c.tr.Limit) {
		c.selFault(x86.ExcTS, c.tr.Selector)
	}
}

// tssLoad reads the current TSS.
func (c *CPU) tssLoad(off uint64, size uint8) uint64 {
	c.tssNeed(off + uint64(size) - 1)
	return c.sysLoadN(c.tr.Base+off, size)
}

func (s *stack) push(size uint8, v uint64) {
	sp := (s.sp - uint64(size)) & s.mask
	if !s.long {
		s.check(sp, uint64(size))
	} else if !canonical(sp) {
		s.c.raiseCode(x86.ExcSS, s.code)
	}
	lin := s.base + sp
	if !s.long {
		lin = uint64(uint32(lin))
	}
	s.c.storeVia(s.t, lin, size, v)
	s.sp = s.sp&^s.mask | sp
}

// check raises #SS for what is beyond the segment's limit.
func (s *stack) check(off, n uint64) {
	lim := uint64(s.seg.Limit)
	if s.c.mode&modeProtected != 0 && s.seg.Attr&(x86.AttrCode|x86.AttrDown) == x86.AttrDown {
		if off > lim && off+n-1 <= s.mask {
			return
		}
	} else if off+n-1 <= lim {
		return
	}
	s.c.raiseCode(x86.ExcSS, s.code)
}

// enter commits the stack: SS and the stack pointer. Preconditions: updateMode follows.
func (s *stack) enter() {
	c := s.c
	if s.fresh {
		c.seg[x86.SS] = s.seg
		c.gpr[x86.RSP] = s.sp
		if s.mask == 0xffff {
			c.gpr[x86.RSP] &= 0xffffffff
		}
		return
	}
	c.setSP(s.sp)
}
