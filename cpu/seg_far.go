package cpu

import "govm-desktop/x86"

// Far transfers: SDM volume 2, JMP, CALL, RET, IRET; volume 3, 5.8 and 6.12.

// target checks an instruction address in a code segment and makes it the next one's.
func (c *CPU) target(d *descriptor, off uint64) {
	if c.mode&modeLong != 0 && d.long() {
		if !canonical(off) {
			c.raiseGP(0)
		}
	} else if off = uint64(uint32(off)); off > uint64(d.limit()) {
		c.raiseGP(0)
	}
	c.nextRIP = off
}

// enterCS loads CS from a checked descriptor at privilege cpl.
func (c *CPU) enterCS(d *descriptor, cpl uint8) {
	c.seg[x86.CS] = d.segment(d.sel&^3 | uint16(cpl))
	c.setCPL(cpl)
}

// badLong reports a code descriptor with both L and D in long mode.
func (c *CPU) badLong(d *descriptor) bool {
	return c.mode&modeLong != 0 && d.long() && d.big()
}

// farReal is a far transfer in real or VM86 mode.
func (c *CPU) farReal(sel uint16, off uint64) {
	if off > uint64(c.seg[x86.CS].Limit) {
		c.raiseGP(0)
	}
	c.realSeg(x86.CS, sel)
	c.nextRIP = off
	c.updateMode()
}

// directCS checks the code segment that a JMP or CALL names (or one behind no gate).
func (c *CPU) directCS(d *descriptor) {
	rpl := uint8(d.sel & 3)
	if !d.code() || c.badLong(d) {
		c.selFault(x86.ExcGP, d.sel)
	}
	if d.conforming() {
		if d.dpl() > c.cpl {
			c.selFault(x86.ExcGP, d.sel)
		}
	} else if rpl > c.cpl || d.dpl() != c.cpl {
		c.selFault(x86.ExcGP, d.sel)
	}
	if !d.present() {
		c.selFault(x86.ExcNP, d.sel)
	}
}

// jmpFar is JMP ptr16:16/32 and m16:16/32/64.
func (c *CPU) jmpFar(sel uint16, off uint64) {
	if c.mode&modeProtected == 0 {
		c.farReal(sel, off)
		return
	}
	if sel&^3 == 0 {
		c.raiseGP(0)
	}
	d := c.desc(sel, x86.ExcGP)
	if !d.system() {
		c.directCS(&d)
		c.target(&d, off)
		c.accessed(&d)
		c.enterCS(&d, c.cpl)
		c.updateMode()
		return
	}
	if c.taskTransfer(&d, taskJMP) {
		return
	}
	t, off, _ := c.callGate(&d)
	if !t.conforming() && t.dpl() != c.cpl {
		c.selFault(x86.ExcGP, t.sel)
	}
	if !t.present() {
		c.selFault(x86.ExcNP, t.sel)
	}
	c.target(&t, off)
	c.accessed(&t)
	c.enterCS(&t, c.cpl)
	c.updateMode()
}

// taskTransfer switches tasks if d is a TSS or a task gate.
func (c *CPU) taskTransfer(d *descriptor, how taskSwitch) bool {
	if c.mode&modeLong != 0 {
		return false
	}
	typ := d.typ()
	if typ != sysTSS16 && typ != sysTSS32 && typ != sysTaskGate {
		return false
	}
	if d.dpl() < max(c.cpl, uint8(d.sel&3)) {
		c.selFault(x86.ExcGP, d.sel)
	}
	if !d.present() {
		c.selFault(x86.ExcNP, d.sel)
	}
	tss := *d
	if typ == sysTaskGate {
		tss = c.gatedTSS(d)
	}
	c.switchTask(&tss, how, c.nextRIP)
	return true
}

// gatedTSS is the TSS behind a task gate.
func (c *CPU) gatedTSS(gate *descriptor) descriptor {
	sel := gate.gateSelector()
	if sel&4 != 0 || sel&^3 == 0 {
		c.selFault(x86.ExcGP, sel)
	}
	d := c.desc(sel, x86.ExcGP)
	if !d.system() || d.typ() != sysTSS16 && d.typ() != sysTSS32 {
		c.selFault(x86.ExcGP, sel)
	}
	if !d.present() {
		c.selFault(x86.ExcNP, sel)
	}
	return d
}

// callGate checks a call gate and its code segment, but for what JMP and CALL check differently.
func (c *CPU) callGate(g *descriptor) (t descriptor, off uint64, size uint8) {
	typ := g.typ()
	long := c.mode&modeLong != 0
	if typ != sysCall32 && (typ != sysCall16 || long) {
		c.selFault(x86.ExcGP, g.sel)
	}
	size, off = 4, g.gateOffset()
	if long {
		c.desc16(g, x86.ExcGP)
		size, off = 8, off|uint64(g.top)<<32
	} else if typ == sysCall16 {
		size, off = 2, off&0xffff
	}
	if g.dpl() < max(c.cpl, uint8(g.sel&3)) {
		c.selFault(x86.ExcGP, g.sel)
	}
	if !g.present() {
		c.selFault(x86.ExcNP, g.sel)
	}
	sel := g.gateSelector()
	if sel&^3 == 0 {
		c.raiseGP(0)
	}
	t = c.desc(sel, x86.ExcGP)
	if !t.code() || t.dpl() > c.cpl || long && (!t.long() || t.big()) {
		c.selFault(x86.ExcGP, sel)
	}
	return t, off, size
}

// callFar is CALL ptr16:16/32 and m16:16/32/64 with an operand size.
func (c *CPU) callFar(sel uint16, off uint64, size uint8) {
	if c.mode&modeProtected == 0 {
		if off > uint64(c.seg[x86.CS].Limit) {
			c.raiseGP(0)
		}
		s := c.sameStack()
		s.push(size, uint64(c.seg[x86.CS].Selector))
		s.push(size, c.nextRIP)
		c.setSP(s.sp)
		c.farReal(sel, off)
		return
	}
	if sel&^3 == 0 {
		c.raiseGP(0)
	}
	d := c.desc(sel, x86.ExcGP)
	if !d.system() {
		c.directCS(&d)
		s := c.sameStack()
		s.push(size, uint64(c.seg[x86.CS].Selector))
		s.push(size, c.nextRIP)
		c.target(&d, off)
		c.accessed(&d)
		c.setSP(s.sp)
		c.enterCS(&d, c.cpl)
		c.updateMode()
		return
	}
	if c.taskTransfer(&d, taskCALL) {
		return
	}
	c.callThroughGate(&d)
}

func (c *CPU) callThroughGate(g *descriptor) {
	t, off, size := c.callGate(g)
	if !t.present() {
		c.selFault(x86.ExcNP, t.sel)
	}
	cpl, next := c.cpl, c.nextRIP
	var s stack
	if !t.conforming() && t.dpl() < c.cpl {
		cpl = t.dpl()
		s = c.innerStack(cpl, 0)
		n := uint64(g.hi & 31)
		if size == 8 {
			n = 0
		}
		sp := c.gpr[x86.RSP]
		s.push(size, uint64(c.seg[x86.SS].Selector))
		s.push(size, sp)
		for i := n; i > 0; i-- {
			s.push(size, c.peek((i-1)*uint64(size), size))
		}
	} else {
		s = c.sameStack()
	}
	s.push(size, uint64(c.seg[x86.CS].Selector))
	s.push(size, next)
	c.target(&t, off)
	c.accessed(&t)
	c.enterCS(&t, cpl)
	s.enter()
	c.updateMode()
}

// retFar is RET far, IMM bytes of parameters dropped.
func (c *CPU) retFar(size uint8, imm uint64) {
	off, sel := c.peek(0, size), uint16(c.peek(uint64(size), size))
	if c.mode&modeProtected == 0 {
		sp := c.gpr[x86.RSP] + 2*uint64(size) + imm
		c.farReal(sel, off)
		c.setSP(sp)
		return
	}
	d := c.returnCS(sel)
	rpl := uint8(sel & 3)
	depth := 2*uint64(size) + imm
	if rpl == c.cpl {
		c.target(&d, off)
		c.accessed(&d)
		c.setSP(c.gpr[x86.RSP] + depth)
		c.enterCS(&d, rpl)
		c.updateMode()
		return
	}
	sp, ss := c.peek(depth, size), uint16(c.peek(depth+uint64(size), size))
	st := c.outerStack(ss, &d, rpl)
	c.target(&d, off)
	c.accessed(&d)
	c.enterCS(&d, rpl)
	c.seg[x86.SS] = st
	c.updateMode()
	c.returnSP(sp+imm, size)
	c.dropInner()
}

// returnCS checks the code segment of a return.
func (c *CPU) returnCS(sel uint16) descriptor {
	if sel&^3 == 0 {
		c.raiseGP(0)
	}
	d := c.desc(sel, x86.ExcGP)
	rpl := uint8(sel & 3)
	if !d.code() || rpl < c.cpl || c.badLong(&d) || d.conforming() && d.dpl() > rpl || !d.conforming() && d.dpl() != rpl {
		c.selFault(x86.ExcGP, sel)
	}
	if !d.present() {
		c.selFault(x86.ExcNP, sel)
	}
	return d
}

// outerStack checks the stack segment of a return to privilege rpl and code segment cs.
func (c *CPU) outerStack(sel uint16, cs *descriptor, rpl uint8) x86.Segment {
	if sel&^3 == 0 {
		if c.mode&modeLong == 0 || !cs.long() || rpl == 3 || uint8(sel&3) != rpl {
			c.raiseGP(0)
		}
		return c.nullStack(sel, rpl)
	}
	d := c.desc(sel, x86.ExcGP)
	if uint8(sel&3) != rpl || !d.writable() || d.dpl() != rpl {
		c.selFault(x86.ExcGP, sel)
	}
	if !d.present() {
		c.selFault(x86.ExcSS, sel)
	}
	c.accessed(&d)
	return d.segment(sel)
}

// returnSP sets the stack pointer of an outer level: in 64-bit mode all of it, else what SS.B and the operand size say.
func (c *CPU) returnSP(sp uint64, size uint8) {
	c.setSP(sp & sizeMask(size))
}

// dropInner makes data segments null that the new, outer privilege may not use.
func (c *CPU) dropInner() {
	for _, n := range [4]uint8{x86.ES, x86.DS, x86.FS, x86.GS} {
		s := &c.seg[n]
		if s.Attr&x86.AttrUnusable != 0 || s.Attr&(x86.AttrCode|x86.AttrDown) == x86.AttrCode|x86.AttrDown {
			continue
		}
		if s.Attr.DPL() < c.cpl {
			base := s.Base
			*s = nullSeg(0)
			if c.mode&modeLong != 0 && n >= x86.FS {
				s.Base = base
			}
		}
	}
	c.updateMode()
}

// iret is IRET, IRETD and IRETQ.
func (c *CPU) iret(size uint8) {
	c.nmiMask = false
	c.rearm()
	if c.mode&modeProtected == 0 {
		c.iretReal(size)
		return
	}
	if c.eflags&x86.FlagNT != 0 {
		c.iretTask()
		return
	}
	off, sel, fl := c.peek(0, size), uint16(c.peek(uint64(size), size)), c.peek(2*uint64(size), size)
	depth := 3 * uint64(size)
	if fl&x86.FlagVM != 0 && size == 4 && c.cpl == 0 && c.mode&modeLong == 0 {
		c.iretVM86(off, sel, fl)
		return
	}
	d := c.returnCS(sel)
	rpl := uint8(sel & 3)
	mask := c.iretFlags(size)
	if rpl == c.cpl && c.mode&mode64 == 0 {
		c.target(&d, off)
		c.accessed(&d)
		c.setSP(c.gpr[x86.RSP] + depth)
		c.enterCS(&d, rpl)
		c.changeFlags(fl, mask)
		c.updateMode()
		return
	}
	sp, ss := c.peek(depth, size), uint16(c.peek(depth+uint64(size), size))
	outer := rpl != c.cpl
	st := c.outerStack(ss, &d, rpl)
	c.target(&d, off)
	c.accessed(&d)
	c.enterCS(&d, rpl)
	c.seg[x86.SS] = st
	c.changeFlags(fl, mask)
	c.updateMode()
	c.returnSP(sp, size)
	if outer {
		c.dropInner()
	}
}

// iretFlags is what IRET in protected mode may change.
func (c *CPU) iretFlags(size uint8) uint64 {
	m := uint64(x86.FlagsStatus | x86.FlagTF | x86.FlagDF | x86.FlagNT)
	if size > 2 {
		m |= x86.FlagRF | x86.FlagAC | x86.FlagID
		if c.cpl == 0 {
			m |= x86.FlagVIF | x86.FlagVIP
		}
	}
	if c.cpl == 0 {
		m |= x86.FlagIOPL
	}
	if c.cpl <= c.iopl() {
		m |= x86.FlagIF
	}
	return m
}

func (c *CPU) iopl() uint8 { return uint8(c.eflags>>12) & 3 }

func (c *CPU) iretReal(size uint8) {
	m := uint64(x86.FlagsStatus | x86.FlagTF | x86.FlagIF | x86.FlagDF | x86.FlagNT)
	if c.mode&modeVM86 != 0 {
		if c.iopl() < 3 {
			c.raiseGP(0)
		}
	} else {
		m |= x86.FlagIOPL
	}
	if size > 2 {
		m |= x86.FlagRF | x86.FlagAC | x86.FlagID
	}
	off, sel, fl := c.peek(0, size), uint16(c.peek(uint64(size), size)), c.peek(2*uint64(size), size)
	sp := c.gpr[x86.RSP] + 3*uint64(size)
	c.farReal(sel, off)
	c.setSP(sp)
	c.changeFlags(fl, m)
}

// iretVM86 enters virtual-8086 mode.
func (c *CPU) iretVM86(off uint64, cs uint16, fl uint64) {
	sp := c.peek(12, 4)
	var sel [6]uint16
	for i, n := range [5]uint8{x86.SS, x86.ES, x86.DS, x86.FS, x86.GS} {
		sel[n] = uint16(c.peek(16+uint64(i)*4, 4))
	}
	sel[x86.CS] = cs
	if off &= 0xffffffff; off > 0xffff {
		c.raiseGP(0)
	}
	for n, s := range sel {
		c.seg[n] = x86.Segment{Selector: s, Base: uint64(s) << 4, Limit: 0xffff, Attr: attrVM86}
	}
	c.changeFlags(fl, ^uint64(0)&0x3fffff)
	c.setCPL(3)
	c.gpr[x86.RSP] = sp
	c.nextRIP = off
	c.updateMode()
}
