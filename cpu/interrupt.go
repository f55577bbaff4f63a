package cpu

import (
	"govm-desktop/accel"
	"govm-desktop/x86"
)

// Interrupts, NMI, SMI, INIT and start-up IPIs; software interrupts; the flags that hold them.

// softInt is INT n: through the gate, with its checks. It runs as an instruction: faults unwind to the loop.
func (c *CPU) softInt(vec uint8, kind eventKind) {
	if kind == eventSoft && c.mode&modeVM86 != 0 && c.iopl() < 3 {
		c.raiseGP(0)
	}
	c.vector(event{kind: kind, vector: vec})
}

// events takes what other goroutines have asked for, between two instructions and outside of shadows. It reports leave if Run has to
// return exit.
func (c *CPU) events() (exit accel.Exit, leave bool) {
	if c.sys.dead {
		if c.requests.Load()&reqINIT == 0 {
			return accel.Shutdown, true
		}
		c.sys.dead = false
	}
	got := c.requests.And(^(reqFlush | reqINIT | reqSIPI | reqSMI | reqNMI | reqIntr))
	if got&reqFlush != 0 {
		c.dropWritten()
		c.flushMap()
	}
	if got&reqINIT != 0 {
		c.takeINIT()
	}
	c.sys.smiHeld = c.sys.smiHeld || got&reqSMI != 0
	c.sys.nmiHeld = c.sys.nmiHeld || got&reqNMI != 0
	c.sys.intrHeld = c.sys.intrHeld || got&reqIntr != 0
	if c.waitSIPI {
		if got&reqSIPI == 0 {
			return 0, false
		}
		c.startUp(uint8(c.sipi.Load()))
	}
	if !c.takeInjected() {
		return accel.Shutdown, true
	}
	if c.sys.smiHeld && !c.inSMM {
		c.sys.smiHeld = false
		c.enterSMM()
	}
	if !c.takeNMI() || !c.takeIntr() {
		return accel.Shutdown, true
	}
	return 0, false
}

// takeINIT is INIT: the boot processor starts again, another one waits for its start-up.
func (c *CPU) takeINIT() {
	c.sys.smiHeld, c.sys.nmiHeld = false, false
	c.resetINIT()
}

// startUp is a start-up IPI.
func (c *CPU) startUp(page uint8) {
	c.waitSIPI, c.halted = false, false
	c.seg[x86.CS].Selector = uint16(page) << 8
	c.seg[x86.CS].Base = uint64(page) << 12
	c.rip = 0
	c.updateMode()
}

func (c *CPU) takeNMI() bool {
	if !c.sys.nmiHeld || c.nmiMask {
		return true
	}
	c.sys.nmiHeld, c.nmiMask, c.halted = false, true, false
	return c.deliverEvent(event{kind: eventExternal, vector: x86.VectorNMI})
}

// takeIntr asks the local APIC while interrupts are on. What has to wait is remembered in intrHeld: rearm tells when it can be taken.
func (c *CPU) takeIntr() bool {
	if !c.sys.intrHeld || c.eflags&x86.FlagIF == 0 || c.intr == nil {
		return true
	}
	if !c.intr.Pending() {
		c.sys.intrHeld = false
		return true
	}
	c.halted = false
	vec := c.intr.Ack()
	// More may wait: look again as soon as the handler lets us.
	c.requests.Or(reqIntr)
	return c.deliverEvent(event{kind: eventExternal, vector: vec})
}

// rearm makes the loop look at events again that had to wait: IF, NMI masking or SMM may have changed.
func (c *CPU) rearm() {
	s := &c.sys
	if s.nmiHeld && !c.nmiMask {
		c.requests.Or(reqNMI)
	}
	if s.smiHeld && !c.inSMM {
		c.requests.Or(reqSMI)
	}
	if s.intrHeld && c.eflags&x86.FlagIF != 0 {
		c.requests.Or(reqIntr)
	}
}

// changeFlags sets the flags in mask from v, and all that hangs on them.
func (c *CPU) changeFlags(v, mask uint64) {
	old := c.eflags
	c.setFlags(v, mask)
	if mask&x86.FlagRF != 0 {
		c.sys.hadRF = false
	}
	diff := old ^ c.eflags
	if diff&x86.FlagVM != 0 {
		c.updateMode()
	} else if diff&x86.FlagAC != 0 {
		c.selectTLB()
	}
	if diff&c.eflags&x86.FlagIF != 0 {
		c.rearm()
	}
}

// loadFlags is POPF.
func (c *CPU) loadFlags(v uint64, size uint8) {
	mask := uint64(x86.FlagsStatus | x86.FlagTF | x86.FlagDF | x86.FlagNT)
	switch {
	case c.mode&modeVM86 != 0:
		if c.iopl() < 3 {
			c.raiseGP(0)
		}
		mask |= x86.FlagIF
	case c.cpl == 0:
		mask |= x86.FlagIOPL | x86.FlagIF
	case c.cpl <= c.iopl():
		mask |= x86.FlagIF
	}
	if size > 2 {
		mask |= x86.FlagAC | x86.FlagID | x86.FlagRF
		v &^= x86.FlagRF
	}
	c.changeFlags(v, mask)
}

// pushFlags is what PUSHF stores.
func (c *CPU) pushFlags() uint64 {
	if c.mode&modeVM86 != 0 && c.iopl() < 3 {
		c.raiseGP(0)
	}
	return c.flags() &^ (x86.FlagVM | x86.FlagRF)
}

// cli is CLI.
func (c *CPU) cli() {
	c.checkIF()
	c.eflags &^= x86.FlagIF
}

// sti is STI: interrupts stay off for one more instruction.
func (c *CPU) sti() {
	c.checkIF()
	if c.eflags&x86.FlagIF == 0 {
		c.eflags |= x86.FlagIF
		c.shadow = true
		c.rearm()
	}
}

// checkIF raises #GP(0) where CLI and STI are not allowed.
func (c *CPU) checkIF() {
	if c.mode&(modeProtected|modeVM86) != 0 && c.cpl > c.iopl() {
		c.raiseGP(0)
	}
}
