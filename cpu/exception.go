package cpu

import "govm-desktop/x86"

// Delivery of exceptions: SDM volume 3, chapter 6.

// eventKind is where an event came from.
type eventKind uint8

const (
	eventFault    eventKind = iota // an exception with rip as its return address (aborts too)
	eventTrap                      // an exception that returns to nextRIP
	eventSoft                      // INT n
	eventSoftExc                   // INT3 and INTO: their gates are checked as INT n's
	eventExternal                  // an interrupt from outside
)

// event is on its way through the IDT.
type event struct {
	kind    eventKind
	vector  uint8
	hasCode bool
	code    uint32
}

// soft reports whether the program asked for it.
func (e *event) soft() bool { return e.kind == eventSoft || e.kind == eventSoftExc }

// ext is bit 0 of error codes for faults during delivery.
func (e *event) ext() uint32 {
	if e.soft() {
		return 0
	}
	return 1
}

// Classes of exceptions for the double fault rule (6.15, table 6-5).
const (
	classBenign = iota
	classContributory
	classPage
	classDouble
)

func exceptionClass(vec uint8) int {
	switch vec {
	case x86.ExcDE, x86.ExcTS, x86.ExcNP, x86.ExcSS, x86.ExcGP:
		return classContributory
	case x86.ExcPF:
		return classPage
	case x86.ExcDF:
		return classDouble
	}
	return classBenign
}

// deliver takes the exception in c.exc to its handler, c.rip being the instruction it belongs to. It reports false for a triple fault.
func (c *CPU) deliver() bool {
	e := event{kind: eventFault, vector: c.exc.vector, hasCode: c.exc.hasCode, code: c.exc.code}
	if c.exc.trap {
		e.kind = eventTrap
	}
	c.noteException()
	c.retire(1) // takes time too: a clock of instructions must move where one faults for ever
	return c.deliverEvent(e)
}

// noteException makes an exception's side effects: CR2.
func (c *CPU) noteException() {
	if c.exc.vector == x86.ExcPF {
		c.cr2 = c.exc.cr2
	}
}

// deliverEvent takes an event to its handler, with the faults that delivery meets. It reports false for a triple fault, and sets c.rip.
func (c *CPU) deliverEvent(e event) bool {
	class := classBenign
	if e.kind == eventFault || e.kind == eventTrap {
		class = exceptionClass(e.vector)
	}
	for !c.tryEvent(e) {
		c.noteException()
		next := exceptionClass(c.exc.vector)
		switch {
		case class == classDouble:
			c.sys.dead = true
			return false
		case class == classContributory && next == classContributory, class == classPage && (next == classPage || next == classContributory):
			e = event{kind: eventFault, vector: x86.ExcDF, hasCode: true}
			class = classDouble
		default:
			e = event{kind: eventFault, vector: c.exc.vector, hasCode: c.exc.hasCode, code: c.exc.code}
			class = next
		}
	}
	c.rip = c.nextRIP
	return true
}

// tryEvent delivers, and reports false if that raised an exception, which is in c.exc.
func (c *CPU) tryEvent(e event) (ok bool) {
	next := c.nextRIP
	defer func() {
		c.sys.ext = 0
		if ok {
			return
		}
		c.nextRIP = next
		if r := recover(); r != &c.exc {
			panic(r)
		}
	}()
	c.sys.ext = e.ext()
	c.vector(e)
	return true
}

// returnRIP is what the handler of an event returns to.
func (c *CPU) returnRIP(e *event) uint64 {
	if e.kind == eventFault || e.kind == eventExternal {
		return c.rip
	}
	return c.nextRIP
}

// vector enters the handler of an event.
func (c *CPU) vector(e event) {
	switch {
	case c.cr0&x86.CR0PE == 0:
		c.vectorReal(&e)
	case c.mode&modeLong != 0:
		c.vectorLong(&e)
	default:
		c.vectorProtected(&e)
	}
	c.shadow, c.sys.movSS, c.sys.stepping = false, false, false
}

// pushedFlags is the image of RFLAGS for the handler: RF is set for faults, so that an instruction breakpoint does not hit again.
func (c *CPU) pushedFlags(e *event) uint64 {
	f := c.flags()
	if e.kind == eventFault && e.vector != x86.ExcDB && e.vector != x86.VectorNMI {
		f |= x86.FlagRF
	}
	return f
}

// idtCode is the error code that names an IDT entry.
func idtCode(e *event) uint32 { return uint32(e.vector)<<3 | 2 | e.ext() }

// vectorReal goes through the interrupt vector table.
func (c *CPU) vectorReal(e *event) {
	at := uint64(e.vector) * 4
	if at+3 > uint64(c.idtr.Limit) {
		c.raiseGP(idtCode(e))
	}
	v := c.sysLoadN(c.idtr.Base+at, 4)
	s := c.sameStack()
	s.push(2, c.flags())
	s.push(2, uint64(c.seg[x86.CS].Selector))
	s.push(2, c.returnRIP(e))
	off := v & 0xffff
	if off > uint64(c.seg[x86.CS].Limit) {
		c.raiseGP(0)
	}
	c.setSP(s.sp)
	c.realSeg(x86.CS, uint16(v>>16))
	c.changeFlags(0, x86.FlagIF|x86.FlagTF|x86.FlagRF|x86.FlagAC)
	c.nextRIP = off
	c.updateMode()
}

// gate reads and checks the IDT's entry for an event.
func (c *CPU) gate(e *event) descriptor {
	size := uint64(8)
	if c.mode&modeLong != 0 {
		size = 16
	}
	at := uint64(e.vector) * size
	if at+size-1 > uint64(c.idtr.Limit) {
		c.raiseGP(idtCode(e))
	}
	raw := c.sysLoadN(c.idtr.Base+at, 8)
	d := descriptor{lo: uint32(raw), hi: uint32(raw >> 32), at: c.idtr.Base + at}
	if size == 16 {
		d.top = uint32(c.sysLoadN(d.at+8, 4))
	}
	switch typ := d.typ(); {
	case !d.system(), typ != sysInt32 && typ != sysTrap32 && (size == 16 || typ != sysInt16 && typ != sysTrap16 && typ != sysTaskGate):
		c.raiseGP(idtCode(e))
	}
	if e.soft() && d.dpl() < c.cpl {
		c.raiseGP(idtCode(e))
	}
	if !d.present() {
		c.raiseCode(x86.ExcNP, idtCode(e))
	}
	return d
}

// gateCS checks the code segment behind a gate, and says at which privilege it will run.
func (c *CPU) gateCS(sel uint16) (d descriptor, cpl uint8) {
	if sel&^3 == 0 {
		c.raiseGP(c.sys.ext)
	}
	d = c.desc(sel, x86.ExcGP)
	if !d.code() || d.dpl() > c.cpl || c.mode&modeLong != 0 && (!d.long() || d.big()) {
		c.selFault(x86.ExcGP, sel)
	}
	if !d.present() {
		c.selFault(x86.ExcNP, sel)
	}
	if d.conforming() {
		return d, c.cpl
	}
	return d, d.dpl()
}

// vectorProtected goes through a 16- or 32-bit gate, or a task gate.
func (c *CPU) vectorProtected(e *event) {
	g := c.gate(e)
	if g.typ() == sysTaskGate {
		c.vectorTask(e, &g)
		return
	}
	sel := g.gateSelector()
	d, cpl := c.gateCS(sel)
	size, off := uint8(4), g.gateOffset()
	if g.typ() < sysInt32 {
		size, off = 2, off&0xffff
	}
	vm := c.eflags&x86.FlagVM != 0
	if vm && cpl != 0 {
		c.selFault(x86.ExcGP, sel)
	}
	var s stack
	if cpl < c.cpl {
		s = c.innerStack(cpl, 0)
		if vm {
			for _, n := range [4]uint8{x86.GS, x86.FS, x86.DS, x86.ES} {
				s.push(size, uint64(c.seg[n].Selector))
			}
		}
		s.push(size, uint64(c.seg[x86.SS].Selector))
		s.push(size, c.gpr[x86.RSP])
	} else {
		s = c.sameStack()
	}
	s.push(size, c.pushedFlags(e))
	s.push(size, uint64(c.seg[x86.CS].Selector))
	s.push(size, c.returnRIP(e))
	if e.hasCode {
		s.push(size, uint64(e.code))
	}
	if off > uint64(d.limit()) {
		c.raiseGP(c.sys.ext)
	}
	c.accessed(&d)
	if vm {
		for _, n := range [4]uint8{x86.GS, x86.FS, x86.DS, x86.ES} {
			c.seg[n] = nullSeg(0)
		}
	}
	c.enterHandler(&g, &d, cpl, &s, off)
}

// vectorLong goes through a 64-bit gate.
func (c *CPU) vectorLong(e *event) {
	g := c.gate(e)
	d, cpl := c.gateCS(g.gateSelector())
	off := g.gateOffset() | uint64(g.top)<<32
	ist := uint8(g.ist())
	var s stack
	switch {
	case ist != 0 && cpl == c.cpl:
		s = c.innerStack(cpl, ist)
		s.seg = c.seg[x86.SS]
		s.t = c.mmu.now
	case ist != 0 || cpl < c.cpl:
		s = c.innerStack(cpl, ist)
	default:
		s = c.longStack(c.gpr[x86.RSP], cpl)
		s.seg = c.seg[x86.SS]
		s.t = c.mmu.now
	}
	s.sp &^= 15
	s.push(8, uint64(c.seg[x86.SS].Selector))
	s.push(8, c.gpr[x86.RSP])
	s.push(8, c.pushedFlags(e))
	s.push(8, uint64(c.seg[x86.CS].Selector))
	s.push(8, c.returnRIP(e))
	if e.hasCode {
		s.push(8, uint64(e.code))
	}
	if !canonical(off) {
		c.raiseGP(c.sys.ext)
	}
	c.accessed(&d)
	c.enterHandler(&g, &d, cpl, &s, off)
}

// ist is the interrupt stack that a 64-bit gate names; 0: none.
func (d *descriptor) ist() uint32 { return d.hi & 7 }

// enterHandler commits the entry through an interrupt or trap gate.
func (c *CPU) enterHandler(g, d *descriptor, cpl uint8, s *stack, off uint64) {
	c.enterCS(d, cpl)
	s.enter()
	clear := uint64(x86.FlagTF | x86.FlagNT | x86.FlagRF | x86.FlagVM)
	if g.typ()&1 == 0 {
		clear |= x86.FlagIF
	}
	c.changeFlags(0, clear)
	c.nextRIP = off
	c.updateMode()
}
