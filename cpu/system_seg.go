package cpu

import "govm-desktop/x86"

// Instructions on segment registers, far pointers and interrupts.

func execJmpFar(c *CPU, in *inst) { c.jmpFar(uint16(in.disp), in.imm&sizeMask(in.opsize)) }

func execCallFar(c *CPU, in *inst) { c.callFar(uint16(in.disp), in.imm&sizeMask(in.opsize), in.opsize) }

// farPointer reads an offset of the operand size and a selector from memory.
func (c *CPU) farPointer(in *inst) (sel uint16, off uint64) {
	lin := c.lin(in, in.opsize+2)
	off = c.loadN(lin, in.opsize)
	return uint16(c.loadN(c.wrapLin(lin+uint64(in.opsize)), 2)), off
}

// wrapLin cuts a linear address to what the mode has.
func (c *CPU) wrapLin(lin uint64) uint64 {
	if c.mode&mode64 == 0 {
		return uint64(uint32(lin))
	}
	return lin
}

func execJmpFarM(c *CPU, in *inst) {
	sel, off := c.farPointer(in)
	c.jmpFar(sel, off)
}

func execCallFarM(c *CPU, in *inst) {
	sel, off := c.farPointer(in)
	c.callFar(sel, off, in.opsize)
}

func execRetFar(c *CPU, in *inst) { c.retFar(in.opsize, in.imm&0xffff) }

func execIret(c *CPU, in *inst) { c.iret(in.opsize) }

func execInt3(c *CPU, _ *inst) { c.softInt(x86.ExcBP, eventSoftExc) }

func execInt(c *CPU, in *inst) { c.softInt(uint8(in.imm), eventSoft) }

func execInto(c *CPU, _ *inst) {
	if c.flags()&x86.FlagOF != 0 {
		c.softInt(x86.ExcOF, eventSoftExc)
	}
}

func execInt1(c *CPU, _ *inst) {
	c.exc = exception{vector: x86.ExcDB, trap: true}
	panic(&c.exc)
}

func execCli(c *CPU, _ *inst) { c.cli() }

func execSti(c *CPU, _ *inst) { c.sti() }

func execHlt(c *CPU, _ *inst) {
	c.privileged()
	c.halted = true
}

// privileged raises #GP(0) outside of CPL 0.
func (c *CPU) privileged() {
	if c.cpl != 0 {
		c.raiseGP(0)
	}
}

// storeShort stores 16 bits in an r/m operand: to memory just these, to a register v extended to the operand size.
func (c *CPU) storeShort(in *inst, v uint64) {
	if in.isMem() {
		c.store16(c.linW(in, 2), v)
		return
	}
	c.setReg(in.rm, in.opsize, v)
}

// loadShort reads a 16-bit r/m operand.
func (c *CPU) loadShort(in *inst) uint16 {
	if in.isMem() {
		return uint16(c.load16(c.lin(in, 2)))
	}
	return uint16(c.reg(in.rm, 2))
}

func segField(in *inst) uint8 { return in.modrm >> 3 & 7 }

func execMovFromSeg(c *CPU, in *inst) {
	n := segField(in)
	if n > x86.GS {
		c.raiseUD()
	}
	c.storeShort(in, uint64(c.seg[n].Selector))
}

func execMovToSeg(c *CPU, in *inst) {
	n := segField(in)
	if n == x86.CS || n > x86.GS {
		c.raiseUD()
	}
	c.loadSeg(n, c.loadShort(in))
	if n == x86.SS {
		c.shadow, c.sys.movSS = true, true
	}
}

func execPushSeg(n uint8) func(*CPU, *inst) {
	return func(c *CPU, in *inst) { c.push(in.opsize, uint64(c.seg[n].Selector)) }
}

func execPopSeg(n uint8) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		m, sp := c.stackMask(), c.gpr[x86.RSP]
		c.loadSeg(n, uint16(c.peek(0, in.opsize)))
		c.gpr[x86.RSP] = sp&^m | (sp+uint64(in.opsize))&m
		if n == x86.SS {
			c.shadow, c.sys.movSS = true, true
		}
	}
}

// execLoadFar is LES, LDS, LSS, LFS and LGS.
func execLoadFar(n uint8) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		sel, off := c.farPointer(in)
		c.loadSeg(n, sel)
		c.setReg(in.reg, in.opsize, off)
	}
}

func execArpl(c *CPU, in *inst) {
	src := c.reg(in.reg, 2)
	var lin, dst uint64
	if in.isMem() {
		lin = c.linW(in, 2)
		dst = c.loadW16(lin)
	} else {
		dst = c.reg(in.rm, 2)
	}
	low := dst&3 < src&3
	if low {
		dst = dst&^3 | src&3
		if in.isMem() {
			c.store16(lin, dst)
		} else {
			c.setReg(in.rm, 2, dst)
		}
	}
	c.setZF(low)
}

func (c *CPU) setZF(on bool) {
	var f uint64
	if on {
		f = x86.FlagZF
	}
	c.setFlags(f, x86.FlagZF)
}

// visible finds the descriptor of a selector for LAR, LSL, VERR and VERW: false if it is null, beyond its table or, unless conforming code, beyond
// the privilege.
func (c *CPU) visible(sel uint16) (d descriptor, ok bool) {
	if sel&^3 == 0 {
		return d, false
	}
	if d, ok = c.readDesc(sel); !ok {
		return d, false
	}
	if d.code() && d.conforming() {
		return d, true
	}
	return d, d.dpl() >= max(c.cpl, uint8(sel&3))
}

// systemTypes says which system descriptors an instruction accepts, by type.
func (c *CPU) systemType(d *descriptor, legacy, long uint32) bool {
	if c.mode&modeLong != 0 {
		legacy = long
	}
	return !d.system() || legacy>>d.typ()&1 != 0
}

func execLar(c *CPU, in *inst) {
	d, ok := c.visible(c.loadShort(in))
	const legacy = 1<<sysTSS16 | 1<<sysLDT | 1<<sysTSS16Busy | 1<<sysCall16 | 1<<sysTaskGate | 1<<sysTSS32 | 1<<sysTSS32Busy | 1<<sysCall32
	const long = 1<<sysLDT | 1<<sysTSS32 | 1<<sysTSS32Busy | 1<<sysCall32
	ok = ok && c.systemType(&d, legacy, long)
	if ok {
		c.setReg(in.reg, in.opsize, uint64(d.hi&0xf0ff00))
	}
	c.setZF(ok)
}

func execLsl(c *CPU, in *inst) {
	d, ok := c.visible(c.loadShort(in))
	const legacy = 1<<sysTSS16 | 1<<sysLDT | 1<<sysTSS16Busy | 1<<sysTSS32 | 1<<sysTSS32Busy
	const long = 1<<sysLDT | 1<<sysTSS32 | 1<<sysTSS32Busy
	ok = ok && c.systemType(&d, legacy, long)
	if ok {
		c.setReg(in.reg, in.opsize, uint64(d.limit()))
	}
	c.setZF(ok)
}

func execVerr(c *CPU, in *inst) {
	d, ok := c.visible(c.loadShort(in))
	c.setZF(ok && d.readable())
}

func execVerw(c *CPU, in *inst) {
	d, ok := c.visible(c.loadShort(in))
	c.setZF(ok && d.writable())
}

func (c *CPU) checkFSGSBASE() {
	if c.cr4&x86.CR4FSGSBASE == 0 {
		c.raiseUD()
	}
}

func execRdBase(n uint8) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkFSGSBASE()
		c.setReg(in.rm, in.opsize, c.seg[n].Base)
	}
}

func execWrBase(n uint8) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkFSGSBASE()
		v := c.reg(in.rm, in.opsize)
		if !canonical(v) {
			c.raiseGP(0)
		}
		c.seg[n].Base = v
		c.updateSeg(n)
	}
}

func execSwapgs(c *CPU, _ *inst) {
	c.privileged()
	g := &c.seg[x86.GS]
	g.Base, c.msr.kernelGSBase = c.msr.kernelGSBase, g.Base
	c.updateSeg(x86.GS)
}
