package cpu

import "govm-desktop/x86"

// Instructions on tables, control and model-specific registers.

// checkUMIP raises #GP(0) where user code may not see system registers.
func (c *CPU) checkUMIP() {
	if c.cr4&x86.CR4UMIP != 0 && c.cpl != 0 {
		c.raiseGP(0)
	}
}

func execSldt(c *CPU, in *inst) {
	c.checkUMIP()
	c.storeShort(in, uint64(c.ldtr.Selector))
}

func execStr(c *CPU, in *inst) {
	c.checkUMIP()
	c.storeShort(in, uint64(c.tr.Selector))
}

func execLldt(c *CPU, in *inst) {
	c.privileged()
	c.ldtr = c.loadLDT(c.loadShort(in), x86.ExcGP)
}

// loadLDT checks a selector for LDTR; vec is #GP, or #TS in a task switch.
func (c *CPU) loadLDT(sel uint16, vec uint8) x86.Segment {
	if sel&^3 == 0 {
		return nullSeg(sel)
	}
	if sel&4 != 0 {
		c.selFault(vec, sel)
	}
	d := c.desc(sel, vec)
	if !d.system() || d.typ() != sysLDT {
		c.selFault(vec, sel)
	}
	if !d.present() {
		if vec == x86.ExcGP {
			vec = x86.ExcNP
		}
		c.selFault(vec, sel)
	}
	c.desc16(&d, vec)
	return d.segment(sel)
}

func execLtr(c *CPU, in *inst) {
	c.privileged()
	sel := c.loadShort(in)
	if sel&^3 == 0 {
		c.raiseGP(0)
	}
	if sel&4 != 0 {
		c.selFault(x86.ExcGP, sel)
	}
	d := c.desc(sel, x86.ExcGP)
	if !d.system() || d.typ() != sysTSS32 && (d.typ() != sysTSS16 || c.mode&modeLong != 0) {
		c.selFault(x86.ExcGP, sel)
	}
	if !d.present() {
		c.selFault(x86.ExcNP, sel)
	}
	c.desc16(&d, x86.ExcGP)
	c.setBusy(sel, true)
	c.tr = d.segment(sel)
	c.tr.Attr |= sysBusy
}

// tableSize is the size of the base that SGDT and LGDT use.
func (c *CPU) tableSize() uint8 {
	if c.mode&mode64 != 0 {
		return 8
	}
	return 4
}

func (c *CPU) storeTable(in *inst, t x86.Table) {
	c.checkUMIP()
	n := c.tableSize()
	lin := c.linW(in, n+2)
	c.probeW(lin, uint64(n+2))
	c.store16(lin, uint64(t.Limit))
	c.storeN(c.wrapLin(lin+2), n, t.Base)
}

func (c *CPU) loadTable(in *inst) x86.Table {
	c.privileged()
	n := c.tableSize()
	lin := c.lin(in, n+2)
	t := x86.Table{Limit: uint16(c.load16(lin)), Base: c.loadN(c.wrapLin(lin+2), n)}
	if n == 4 && in.opsize == 2 {
		t.Base &= 0xffffff
	}
	if !canonical(t.Base) {
		c.raiseGP(0)
	}
	return t
}

func execSgdt(c *CPU, in *inst) { c.storeTable(in, c.gdtr) }
func execSidt(c *CPU, in *inst) { c.storeTable(in, c.idtr) }
func execLgdt(c *CPU, in *inst) { c.gdtr = c.loadTable(in) }
func execLidt(c *CPU, in *inst) { c.idtr = c.loadTable(in) }

func execSmsw(c *CPU, in *inst) {
	c.checkUMIP()
	c.storeShort(in, c.cr0)
}

func execLmsw(c *CPU, in *inst) {
	c.privileged()
	c.lmsw(uint64(c.loadShort(in)))
}

func execInvlpg(c *CPU, in *inst) {
	c.privileged()
	lin := c.ea(in) + c.mmu.base[in.seg]
	c.invlpg(c.wrapLin(lin))
}

// crSize is the operand size of MOV to and from control and debug registers.
func (c *CPU) crSize() uint8 {
	if c.mode&mode64 != 0 {
		return 8
	}
	return 4
}

// crNumber is the control register that an instruction names; REX.R is in inst.reg.
func crNumber(in *inst) uint8 { return in.reg & 15 }

func execMovFromCR(c *CPU, in *inst) {
	c.privileged()
	c.setReg(in.rm, c.crSize(), c.readCR(crNumber(in)))
}

func execMovToCR(c *CPU, in *inst) {
	c.privileged()
	c.writeCR(crNumber(in), c.reg(in.rm, c.crSize()))
}

func execMovFromDR(c *CPU, in *inst) {
	c.setReg(in.rm, c.crSize(), c.readDR(crNumber(in)))
}

func execMovToDR(c *CPU, in *inst) {
	c.writeDR(crNumber(in), c.reg(in.rm, c.crSize()))
}

func execClts(c *CPU, _ *inst) {
	c.privileged()
	c.cr0 &^= x86.CR0TS
	c.updateMode()
}

// execCacheOp is INVD and WBINVD: there are no caches to speak of.
func execCacheOp(c *CPU, _ *inst) { c.privileged() }

func (c *CPU) setEDXEAX(v uint64) {
	c.gpr[x86.RAX], c.gpr[x86.RDX] = v&0xffffffff, v>>32
}

func execRdmsr(c *CPU, _ *inst) {
	c.privileged()
	v, ok := c.readMSR(uint32(c.gpr[x86.RCX]))
	if !ok {
		c.raiseGP(0)
	}
	c.setEDXEAX(v)
}

func execWrmsr(c *CPU, _ *inst) {
	c.privileged()
	if !c.writeMSR(uint32(c.gpr[x86.RCX]), c.gpr[x86.RDX]<<32|c.gpr[x86.RAX]&0xffffffff) {
		c.raiseGP(0)
	}
}

func (c *CPU) checkTSD() {
	if c.cr4&x86.CR4TSD != 0 && c.cpl != 0 {
		c.raiseGP(0)
	}
}

func execRdtsc(c *CPU, _ *inst) {
	c.checkTSD()
	c.setEDXEAX(c.readTSC())
}

func execRdtscp(c *CPU, _ *inst) {
	c.checkTSD()
	c.setEDXEAX(c.readTSC())
	c.gpr[x86.RCX] = c.msr.tscAux & 0xffffffff
}

func execRdpid(c *CPU, in *inst) { c.setReg(in.rm, c.crSize(), c.msr.tscAux) }

// execRdpmc finds no counters: CPUID does not announce any.
func execRdpmc(c *CPU, _ *inst) { c.raiseGP(0) }

func execCpuid(c *CPU, _ *inst) {
	l := c.cpuid(uint32(c.gpr[x86.RAX]), uint32(c.gpr[x86.RCX]))
	c.gpr[x86.RAX], c.gpr[x86.RBX], c.gpr[x86.RCX], c.gpr[x86.RDX] = uint64(l.a), uint64(l.b), uint64(l.c), uint64(l.d)
}

func execClac(c *CPU, _ *inst) { c.setAC(0) }
func execStac(c *CPU, _ *inst) { c.setAC(x86.FlagAC) }

func (c *CPU) setAC(v uint64) {
	if c.cpl != 0 {
		c.raiseUD()
	}
	c.changeFlags(v, x86.FlagAC)
}
