package cpu

import "govm-desktop/x86"

// Hardware task switches: SDM volume 3, chapter 8.

// taskSwitch is what causes a switch.
type taskSwitch uint8

const (
	taskJMP taskSwitch = iota
	taskCALL
	taskIRET
	taskEvent // an interrupt or exception through a task gate
)

// tssLayout are the offsets of a task state's fields.
type tssLayout struct {
	size   uint8 // of a register
	last   uint32
	ip, fl uint64
	regs   uint64
	segs   uint64
	nsegs  int
	segGap uint64
	ldt    uint64
}

func tssFields(wide bool) tssLayout {
	if wide {
		return tssLayout{size: 4, last: 0x67, ip: 0x20, fl: 0x24, regs: 0x28, segs: 0x48, nsegs: 6, segGap: 4, ldt: 0x60}
	}
	return tssLayout{size: 2, last: 0x2b, ip: 0x0e, fl: 0x10, regs: 0x12, segs: 0x22, nsegs: 4, segGap: 2, ldt: 0x2a}
}

// taskImage is a task's state as read from its TSS.
type taskImage struct {
	ip, fl, cr3 uint64
	gpr         [8]uint64
	sel         [6]uint16
	ldt         uint16
	trap        bool
}

// maxTaskFaults bounds faults within faults of task switches, which a guest can arrange to be without end.
const maxTaskFaults = 8

// switchTask enters the task of a checked TSS descriptor; ret is where the old task goes on later. It sets nextRIP.
func (c *CPU) switchTask(d *descriptor, how taskSwitch, ret uint64) {
	wide := d.typ()&8 != 0
	l := tssFields(wide)
	if d.limit() < l.last {
		c.selFault(x86.ExcTS, d.sel)
	}
	img := c.readTask(d.base(), l, wide)
	c.probeTask(d.base(), l)
	old := c.tr
	c.saveTask(how, ret)
	if how == taskJMP || how == taskIRET {
		c.setBusy(old.Selector, false)
	}
	if how != taskIRET {
		c.setBusy(d.sel, true)
	}
	if how == taskCALL || how == taskEvent {
		c.sysStoreN(d.base(), 2, uint64(old.Selector))
		img.fl |= x86.FlagNT
	}
	c.tr = d.segment(d.sel)
	c.tr.Attr |= sysBusy
	c.cr0 |= x86.CR0TS
	c.commitTask(&img, wide)
	c.finishTask(&img)
}

// probeTask faults now if what is written during the switch cannot be.
func (c *CPU) probeTask(base uint64, l tssLayout) {
	s := c.mmu.super
	c.look(s, base, accWrite)
	c.look(s, c.wrapLin(c.tr.Base), accWrite)
	c.look(s, c.wrapLin(c.tr.Base+uint64(min(c.tr.Limit, l.last))), accWrite)
}

func (c *CPU) readTask(base uint64, l tssLayout, wide bool) (img taskImage) {
	get := func(off uint64, size uint8) uint64 { return c.sysLoadN(uint64(uint32(base+off)), size) }
	img.ip, img.fl = get(l.ip, l.size), get(l.fl, l.size)
	for i := range img.gpr {
		img.gpr[i] = get(l.regs+uint64(i)*uint64(l.size), l.size)
	}
	for i := range l.nsegs {
		img.sel[i] = uint16(get(l.segs+uint64(i)*l.segGap, 2))
	}
	img.ldt = uint16(get(l.ldt, 2))
	if wide {
		img.cr3 = get(0x1c, 4)
		img.trap = get(0x64, 2)&1 != 0
	}
	return img
}

// saveTask writes the current task's state to its TSS.
func (c *CPU) saveTask(how taskSwitch, ret uint64) {
	if c.tr.Attr&(x86.AttrUnusable|x86.AttrP) != x86.AttrP {
		return
	}
	l := tssFields(c.tr.Attr&8 != 0)
	if c.tr.Limit < l.last {
		return
	}
	put := func(off uint64, size uint8, v uint64) { c.sysStoreN(uint64(uint32(c.tr.Base+off)), size, v) }
	fl := c.flags()
	if how == taskIRET {
		fl &^= x86.FlagNT
	}
	put(l.ip, l.size, ret)
	put(l.fl, l.size, fl)
	for i := range uint64(8) {
		put(l.regs+i*uint64(l.size), l.size, c.gpr[i])
	}
	for i := range l.nsegs {
		put(l.segs+uint64(i)*l.segGap, 2, uint64(c.seg[i].Selector))
	}
}

// commitTask takes the new task's registers over: from here on faults are the new task's.
func (c *CPU) commitTask(img *taskImage, wide bool) {
	if wide && c.cr0&x86.CR0PG != 0 {
		if !pae(c.cr0, c.cr4, c.msr.efer) || c.loadPDPTEs(img.cr3) {
			c.cr3 = img.cr3
		}
		c.flushTLB(false)
	}
	for i, v := range img.gpr {
		if !wide {
			v |= c.gpr[i] & 0xffff0000
		}
		c.gpr[i] = v & 0xffffffff
	}
	mask := uint64(0x3f7fd7)
	if !wide {
		mask = 0x7fd7
	}
	c.setFlags(img.fl, mask)
	c.rearm()
	c.dr7 &^= 0x155 // the local enables
	c.armBreakpoints()
	for i := range c.seg[:6] {
		c.seg[i] = nullSeg(img.sel[i])
	}
	c.seg[x86.CS].Attr, c.seg[x86.CS].Limit = 0, 0xffffffff
	c.ldtr = nullSeg(img.ldt)
	c.setCPL(uint8(img.sel[x86.CS] & 3))
	if img.fl&x86.FlagVM != 0 && wide {
		c.setCPL(3)
	}
	c.nextRIP = img.ip
	c.updateMode()
}

// finishTask loads LDTR and the segment registers of the new task. A fault is delivered at once, as that of the task's first instruction.
func (c *CPU) finishTask(img *taskImage) {
	if !c.tryTask(img) {
		c.sys.taskFaults++
		c.rip = img.ip
		if c.sys.taskFaults > maxTaskFaults || !c.deliver() {
			c.sys.dead = true
		}
		c.sys.taskFaults--
		c.nextRIP = c.rip
	}
	if c.sys.dead {
		c.requests.Or(reqIntr) // makes the loop ask events
	}
	if img.trap {
		c.sys.dbPend |= dr6BT
	}
}

func (c *CPU) tryTask(img *taskImage) (ok bool) {
	ext := c.sys.ext
	defer func() {
		c.sys.ext = ext
		if ok {
			return
		}
		if r := recover(); r != &c.exc {
			panic(r)
		}
		c.updateMode()
	}()
	c.loadTaskSegs(img)
	c.updateMode()
	return true
}

func (c *CPU) loadTaskSegs(img *taskImage) {
	c.ldtr = c.loadLDT(img.ldt, x86.ExcTS)
	if c.eflags&x86.FlagVM != 0 {
		for i, s := range img.sel {
			c.seg[i] = x86.Segment{Selector: s, Base: uint64(s) << 4, Limit: 0xffff, Attr: attrVM86}
		}
		c.updateMode()
		c.checkTaskIP(img.ip)
		return
	}
	cs := img.sel[x86.CS]
	if cs&^3 == 0 {
		c.selFault(x86.ExcTS, cs)
	}
	d := c.desc(cs, x86.ExcTS)
	rpl := uint8(cs & 3)
	if !d.code() || d.conforming() && d.dpl() > rpl || !d.conforming() && d.dpl() != rpl {
		c.selFault(x86.ExcTS, cs)
	}
	if !d.present() {
		c.selFault(x86.ExcNP, cs)
	}
	ss := c.taskStack(img.sel[x86.SS], rpl)
	c.accessed(&d)
	c.seg[x86.CS], c.seg[x86.SS] = d.segment(cs), ss
	c.updateMode()
	for _, n := range [4]uint8{x86.DS, x86.ES, x86.FS, x86.GS} {
		c.seg[n] = c.dataSegment(img.sel[n], x86.ExcTS)
	}
	c.updateMode()
	c.checkTaskIP(img.ip)
}

func (c *CPU) checkTaskIP(ip uint64) {
	if ip > uint64(c.seg[x86.CS].Limit) {
		c.raiseGP(0)
	}
}

// iretTask is IRET with NT set: back to the task that the link names.
func (c *CPU) iretTask() {
	if c.mode&modeLong != 0 {
		c.raiseGP(0)
	}
	sel := uint16(c.tssLoad(0, 2))
	if sel&4 != 0 || sel&^3 == 0 {
		c.selFault(x86.ExcTS, sel)
	}
	d := c.desc(sel, x86.ExcTS)
	if !d.system() || d.typ() != sysTSS16Busy && d.typ() != sysTSS32Busy {
		c.selFault(x86.ExcTS, sel)
	}
	if !d.present() {
		c.selFault(x86.ExcNP, sel)
	}
	c.switchTask(&d, taskIRET, c.nextRIP)
}

// vectorTask goes through a task gate of the IDT.
func (c *CPU) vectorTask(e *event, g *descriptor) {
	d := c.gatedTSS(g)
	wide := d.typ()&8 != 0
	c.switchTask(&d, taskEvent, c.returnRIP(e))
	if !e.hasCode || c.sys.dead {
		return
	}
	size := uint8(4)
	if !wide {
		size = 2
	}
	c.rip = c.nextRIP
	s := c.sameStack()
	s.push(size, uint64(e.code))
	s.enter()
}
