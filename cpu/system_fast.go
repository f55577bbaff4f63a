package cpu

import "govm-desktop/x86"

// SYSCALL, SYSRET, SYSENTER and SYSEXIT (APM volume 3; SDM volume 2).

// flatSegment is what these load: base 0, 4 GiB.
func flatSegment(sel uint16, cpl uint8, attr x86.Attr) x86.Segment {
	return x86.Segment{Selector: sel, Limit: 0xffffffff, Attr: attr | x86.AttrG | x86.AttrP | x86.AttrS | x86.Attr(cpl)<<5}
}

const (
	attrCode = x86.AttrCode | x86.AttrWritable | x86.AttrAccessed
	attrData = x86.AttrWritable | x86.AttrAccessed | x86.AttrDB
)

// enterFlat loads CS and SS and enters privilege cpl.
func (c *CPU) enterFlat(cs, ss uint16, cpl uint8, long bool) {
	code := attrCode | x86.AttrDB
	if long {
		code = attrCode | x86.AttrL
	}
	c.seg[x86.CS] = flatSegment(cs, cpl, code)
	c.seg[x86.SS] = flatSegment(ss, cpl, attrData)
	c.setCPL(cpl)
	c.updateMode()
}

func execSyscall(c *CPU, _ *inst) {
	if c.msr.efer&x86.EFERSCE == 0 || c.cr0&x86.CR0PE == 0 {
		c.raiseUD()
	}
	sel := uint16(c.msr.star>>32) &^ 3
	c.gpr[x86.RCX] = c.nextRIP
	if c.mode&modeLong == 0 {
		c.enterFlat(sel, sel+8, 0, false)
		c.changeFlags(0, x86.FlagVM|x86.FlagIF|x86.FlagRF)
		c.nextRIP = c.msr.star & 0xffffffff
		return
	}
	c.gpr[x86.R11] = c.flags() &^ x86.FlagRF
	c.nextRIP = c.msr.cstar
	if c.mode&mode64 != 0 {
		c.nextRIP = c.msr.lstar
	}
	c.enterFlat(sel, sel+8, 0, true)
	c.changeFlags(0, c.msr.fmask&^x86.FlagOne|x86.FlagRF)
	c.stepAfter()
}

// stepAfter makes a single step depend on TF as SYSCALL and SYSRET leave it: the kernel is not stepped into, and a step of SYSCALL ends with the
// SYSRET that returns from it.
func (c *CPU) stepAfter() {
	c.sys.stepping = false
	if c.eflags&x86.FlagTF != 0 {
		c.sys.dbPend |= dr6BS
	}
}

// sysretFlags are the flags that SYSRET takes from R11.
const sysretFlags = 0x3c7fd7 &^ x86.FlagOne

func execSysret(c *CPU, in *inst) {
	if c.msr.efer&x86.EFERSCE == 0 || c.cr0&x86.CR0PE == 0 {
		c.raiseUD()
	}
	c.privileged()
	sel := uint16(c.msr.star>>48) | 3
	if c.mode&modeLong == 0 {
		c.nextRIP = c.gpr[x86.RCX] & 0xffffffff
		c.enterFlat(sel, sel+8, 3, false)
		c.changeFlags(x86.FlagIF, x86.FlagIF)
		return
	}
	long := in.opsize == 8
	c.nextRIP = c.gpr[x86.RCX] & 0xffffffff
	if long {
		c.nextRIP = c.gpr[x86.RCX]
	}
	flags := c.gpr[x86.R11]
	cs := sel
	if long {
		cs += 16
	}
	c.enterFlat(cs, sel+8, 3, long)
	c.changeFlags(flags, sysretFlags)
	c.stepAfter()
}

// checkSysenter raises what SYSENTER and SYSEXIT raise alike. On AMD's processors they do not exist in 64-bit mode.
func (c *CPU) checkSysenter() uint16 {
	if c.mode&mode64 != 0 {
		c.raiseUD()
	}
	if c.cr0&x86.CR0PE == 0 || c.msr.sysenterCS&0xfffc == 0 {
		c.raiseGP(0)
	}
	return uint16(c.msr.sysenterCS) &^ 3
}

func execSysenter(c *CPU, _ *inst) {
	sel := c.checkSysenter()
	c.changeFlags(0, x86.FlagVM|x86.FlagIF|x86.FlagRF)
	long := c.mode&modeLong != 0
	c.gpr[x86.RSP], c.nextRIP = c.msr.sysenterESP, c.msr.sysenterEIP
	if !long {
		c.gpr[x86.RSP] &= 0xffffffff
		c.nextRIP &= 0xffffffff
	}
	c.enterFlat(sel, sel+8, 0, long)
}

func execSysexit(c *CPU, _ *inst) {
	sel := c.checkSysenter()
	c.privileged()
	c.gpr[x86.RSP], c.nextRIP = c.gpr[x86.RCX]&0xffffffff, c.gpr[x86.RDX]&0xffffffff
	c.enterFlat((sel+16)|3, (sel+24)|3, 3, false)
}
