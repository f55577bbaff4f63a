package cpu

import "govm-desktop/x86"

// System-management mode, with the 64-bit save area of AMD's processors (APM volume 2, chapter 10, table 10-1; revision 20064h).
// What memory SMM sees (SMRAM) is made by the board, which OnSMM tells.

// OnSMM sets what is called, by the processor's own goroutine between two instructions, when it enters and leaves system-management mode. The
// map of its memory may be changed there. Set before the first Run.
func (c *CPU) OnSMM(f func(in bool)) { c.sys.onSMM = f }

// Offsets in the save area, from SMBASE + 8000h.
const (
	smSeg      = 0x7e00 // ES CS SS DS FS GS: selector 2, attributes 2, limit 4, base 8
	smGDTR     = 0x7e60
	smLDTR     = 0x7e70
	smIDTR     = 0x7e80
	smTR       = 0x7e90
	smAutoHalt = 0x7ec9
	smEFER     = 0x7ed0
	smRevision = 0x7efc
	smBase     = 0x7f00
	smCR4      = 0x7f48
	smCR3      = 0x7f50
	smCR0      = 0x7f58
	smDR7      = 0x7f60
	smDR6      = 0x7f68
	smRFLAGS   = 0x7f70
	smRIP      = 0x7f78
	smRAX      = 0x7ff8 // the general registers go down from here

	smRevisionID = 0x20064
	smArea       = 0x8000
)

// setSMM enters or leaves the mode.
func (c *CPU) setSMM(in bool) {
	c.inSMM = in
	if c.sys.onSMM != nil {
		c.sys.onSMM(in)
	}
	c.flushMap()
}

// saveArea is the save area.
type saveArea struct {
	c    *CPU
	base uint64
}

func (a saveArea) get(off uint64, size uint8) uint64    { return a.c.physLoad(a.base+off, size) }
func (a saveArea) put(off uint64, size uint8, v uint64) { a.c.physStore(a.base+off, size, v) }

func (a saveArea) putSeg(off uint64, s *x86.Segment) {
	a.put(off, 2, uint64(s.Selector))
	a.put(off+2, 2, uint64(s.Attr&0xf0ff))
	a.put(off+4, 4, uint64(s.Limit))
	a.put(off+8, 8, s.Base)
}

func (a saveArea) getSeg(off uint64) x86.Segment {
	s := x86.Segment{
		Selector: uint16(a.get(off, 2)),
		Attr:     x86.Attr(a.get(off+2, 2)) & 0xf0ff,
		Limit:    uint32(a.get(off+4, 4)),
		Base:     a.get(off+8, 8),
	}
	if s.Attr&x86.AttrP == 0 {
		s.Attr |= x86.AttrUnusable
	}
	return s
}

// enterSMM takes an SMI.
func (c *CPU) enterSMM() {
	c.sys.wasHalted, c.halted = c.halted, false
	c.sys.smmNMI, c.nmiMask = c.nmiMask, true
	c.setSMM(true)
	a := saveArea{c, uint64(c.smbase) + smArea}
	c.saveSMM(a)
	data := x86.Segment{Limit: 0xffffffff, Attr: x86.AttrP | x86.AttrS | x86.AttrWritable | x86.AttrAccessed | x86.AttrG}
	for i := range c.seg[:6] {
		c.seg[i] = data
	}
	c.seg[x86.CS].Selector, c.seg[x86.CS].Base = uint16(c.smbase>>4), uint64(c.smbase)
	c.cr0 &^= x86.CR0PE | x86.CR0EM | x86.CR0TS | x86.CR0PG
	c.cr4, c.msr.efer = 0, 0
	c.setFlags(0, ^uint64(x86.FlagOne))
	c.dr7 = dr7Fixed
	c.setCPL(0)
	c.rip, c.nextRIP = smArea, smArea
	c.shadow, c.sys.movSS, c.sys.dbPend = false, false, 0
	c.armBreakpoints()
	c.updateMode()
	c.flushTLB(true)
}

func (c *CPU) saveSMM(a saveArea) {
	for i := range uint64(6) {
		a.putSeg(smSeg+16*i, &c.seg[i])
	}
	a.putSeg(smLDTR, &c.ldtr)
	a.putSeg(smTR, &c.tr)
	for off, t := range map[uint64]x86.Table{smGDTR: c.gdtr, smIDTR: c.idtr} {
		a.put(off+4, 4, uint64(t.Limit))
		a.put(off+8, 8, t.Base)
	}
	var halt uint64
	if c.sys.wasHalted {
		halt = 1
	}
	a.put(smAutoHalt, 1, halt)
	a.put(smEFER, 8, c.msr.efer)
	for i := range uint64(16) {
		a.put(smRAX-8*i, 8, c.gpr[i])
	}
	a.put(smRIP, 8, c.rip)
	a.put(smRFLAGS, 8, c.flags())
	a.put(smDR6, 8, c.dr6)
	a.put(smDR7, 8, c.dr7)
	a.put(smCR0, 8, c.cr0)
	a.put(smCR3, 8, c.cr3)
	a.put(smCR4, 8, c.cr4)
	a.put(smRevision, 4, smRevisionID)
	a.put(smBase, 4, uint64(c.smbase))
}

// execRsm is RSM.
func execRsm(c *CPU, _ *inst) {
	if !c.inSMM {
		c.raiseUD()
	}
	a := saveArea{c, uint64(c.smbase) + smArea}
	if !c.validSMM(a) {
		c.sys.dead = true
		c.requests.Or(reqIntr) // makes the loop ask events
		return
	}
	c.loadSMM(a)
	halt := a.get(smAutoHalt, 1)&1 != 0
	c.smbase = uint32(a.get(smBase, 4))
	c.nmiMask = c.sys.smmNMI
	c.setSMM(false)
	if pae(c.cr0, c.cr4, c.msr.efer) {
		c.loadPDPTEs(c.cr3)
	}
	c.armBreakpoints()
	c.updateMode()
	c.halted = halt
	c.rearm()
}

// validSMM checks what would make RSM shut the processor down.
func (c *CPU) validSMM(a saveArea) bool {
	cr0, cr4, efer := a.get(smCR0, 8), a.get(smCR4, 8), a.get(smEFER, 8)
	const knownEFER = x86.EFERSCE | x86.EFERLME | x86.EFERLMA | x86.EFERNXE
	switch {
	case cr0&^(cr0Bits|x86.CR0ET) != 0, cr4&^c.cr4Bits() != 0, efer&^knownEFER != 0:
		return false
	case cr0&x86.CR0PG != 0 && cr0&x86.CR0PE == 0, cr0&x86.CR0NW != 0 && cr0&x86.CR0CD == 0:
		return false
	}
	long := cr0&x86.CR0PG != 0 && efer&x86.EFERLME != 0
	return (efer&x86.EFERLMA != 0) == long && (!long || cr4&x86.CR4PAE != 0)
}

func (c *CPU) loadSMM(a saveArea) {
	for i := range uint64(6) {
		c.seg[i] = a.getSeg(smSeg + 16*i)
	}
	c.ldtr, c.tr = a.getSeg(smLDTR), a.getSeg(smTR)
	c.gdtr = x86.Table{Limit: uint16(a.get(smGDTR+4, 4)), Base: a.get(smGDTR+8, 8)}
	c.idtr = x86.Table{Limit: uint16(a.get(smIDTR+4, 4)), Base: a.get(smIDTR+8, 8)}
	for i := range uint64(16) {
		c.gpr[i] = a.get(smRAX-8*i, 8)
	}
	c.cr0, c.cr3, c.cr4 = a.get(smCR0, 8), a.get(smCR3, 8)&(1<<physBits-1), a.get(smCR4, 8)
	c.msr.efer = a.get(smEFER, 8)
	c.dr6, c.dr7 = a.get(smDR6, 4)|dr6Fixed, a.get(smDR7, 4)|dr7Fixed
	fl := a.get(smRFLAGS, 4)
	c.setFlags(fl, ^uint64(x86.FlagOne)&0x3f7fd7)
	c.nextRIP = a.get(smRIP, 8)
	switch {
	case c.cr0&x86.CR0PE == 0:
		c.setCPL(0)
	case fl&x86.FlagVM != 0:
		c.setCPL(3)
	default:
		c.setCPL(c.seg[x86.SS].Attr.DPL())
	}
}
