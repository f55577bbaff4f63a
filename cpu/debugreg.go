package cpu

import "govm-desktop/x86"

// Debugging: single steps and breakpoints (SDM volume 3, 17.2 and 17.3).

// Bits of DR6 and DR7.
const (
	dr6Hits  = 15
	dr6BD    = 1 << 13
	dr6BS    = 1 << 14
	dr6BT    = 1 << 15
	dr6Fixed = 0xffff0ff0
	dr7Fixed = 1 << 10
	dr7GD    = 1 << 13
)

// Kinds of breakpoints in DR7.
const (
	breakCode = iota
	breakWrite
	breakIO
	breakAccess
)

// breakpoint says what breakpoint n is, if it is on.
func (c *CPU) breakpoint(n int) (kind uint8, length uint64, on bool) {
	if c.dr7>>(2*n)&3 == 0 {
		return 0, 0, false
	}
	f := c.dr7 >> (16 + 4*n)
	return uint8(f & 3), [4]uint64{1, 2, 8, 4}[f>>2&3], true
}

// armBreakpoints follows a change of DR7.
func (c *CPU) armBreakpoints() {
	s := &c.sys
	s.codeBP, s.dataBP, s.ioBP = false, c.dbg.watch, false
	for n := range 4 {
		kind, _, on := c.breakpoint(n)
		switch {
		case !on:
		case kind == breakCode:
			s.codeBP = true
		case kind == breakIO:
			s.ioBP = c.cr4&x86.CR4DE != 0
		default:
			s.dataBP = true
		}
	}
	c.selectTLB()
}

// slow reports whether the next instruction must run alone, between before and after.
func (c *CPU) slow() bool {
	s := &c.sys
	return c.shadow || c.eflags&(x86.FlagTF|x86.FlagRF) != 0 || s.codeBP || s.dataBP || s.ioBP || s.dbPend != 0
}

// before precedes an instruction that runs alone. It raises #DB for an instruction breakpoint.
func (c *CPU) before() {
	s := &c.sys
	s.stepping, s.hadRF = c.eflags&x86.FlagTF != 0, c.eflags&x86.FlagRF != 0
	if s.dbPend != 0 && !(c.shadow && s.movSS) {
		// Left from an instruction whose shadow held it.
		c.debugTrapNow()
	}
	c.shadow, s.movSS = false, false
	if !s.codeBP || c.eflags&x86.FlagRF != 0 {
		return
	}
	lin := c.rip + c.mmu.base[x86.CS]
	if c.mode&mode64 == 0 {
		lin = uint64(uint32(lin))
	}
	var hits uint64
	for n := range 4 {
		if kind, _, on := c.breakpoint(n); on && kind == breakCode && c.dr[n] == lin {
			hits |= 1 << n
		}
	}
	if hits != 0 {
		c.dr6 = c.dr6&^dr6Hits | hits
		c.dr7 &^= dr7GD
		c.raise(x86.ExcDB)
	}
}

// debugTrapNow raises the #DB that is pending, before the instruction at rip.
func (c *CPU) debugTrapNow() {
	c.dr6 = c.dr6&^dr6Hits | c.sys.dbPend
	c.sys.dbPend = 0
	c.dr7 &^= dr7GD
	c.raise(x86.ExcDB)
}

// after follows an instruction that ran alone and has committed: c.rip is the next one. It raises #DB for a single step and for data
// breakpoints, with c.rip as the return address.
func (c *CPU) after() {
	s := &c.sys
	if s.hadRF {
		c.eflags &^= x86.FlagRF
	}
	if s.stepping {
		s.dbPend |= dr6BS
	}
	if s.dbPend == 0 || c.shadow && s.movSS {
		if c.shadow && s.movSS {
			s.dbPend &^= dr6BS
		}
		return
	}
	c.nextRIP = c.rip
	c.debugTrapNow()
}

// dataWatch notes a data breakpoint that an access hits; #DB comes after the instruction.
func (c *CPU) dataWatch(lin uint64, size uint8, acc access) {
	if c.sys.dataBP {
		c.hitData(lin, uint64(size), acc)
	}
}

func (c *CPU) hitData(lin, size uint64, acc access) {
	if c.dbg.watch {
		c.hitWatch(lin, size, acc)
	}
	for n := range 4 {
		kind, length, on := c.breakpoint(n)
		if !on || kind != breakAccess && (kind != breakWrite || acc != accWrite) {
			continue
		}
		if at := c.dr[n] &^ (length - 1); at < lin+size && lin < at+length {
			c.sys.dbPend |= 1 << n
		}
	}
}

// hitIO is hitData for ports.
func (c *CPU) hitIO(port, size uint64) {
	if !c.sys.ioBP {
		return
	}
	for n := range 4 {
		kind, length, on := c.breakpoint(n)
		if !on || kind != breakIO {
			continue
		}
		if at := c.dr[n] &^ (length - 1); at < port+size && port < at+length {
			c.sys.dbPend |= 1 << n
		}
	}
}

// readDR is MOV from a debug register.
func (c *CPU) readDR(n uint8) uint64 {
	switch n = c.checkDR(n); n {
	case 6:
		return c.dr6
	case 7:
		return c.dr7
	default:
		return c.dr[n]
	}
}

// writeDR is MOV to a debug register.
func (c *CPU) writeDR(n uint8, v uint64) {
	n = c.checkDR(n)
	if n >= 6 && c.mode&mode64 != 0 && v>>32 != 0 {
		c.raiseGP(0)
	}
	switch n {
	case 6:
		c.dr6 = v&(dr6Hits|dr6BD|dr6BS|dr6BT) | dr6Fixed
	case 7:
		c.dr7 = v&^0xd000 | dr7Fixed
		c.armBreakpoints()
	default:
		c.dr[n] = v
	}
}

// checkDR checks an access to a debug register, and resolves the aliases DR4 and DR5.
func (c *CPU) checkDR(n uint8) uint8 {
	if n >= 8 {
		c.raiseUD()
	}
	if n == 4 || n == 5 {
		if c.cr4&x86.CR4DE != 0 {
			c.raiseUD()
		}
		n += 2
	}
	if c.cpl != 0 {
		c.raiseGP(0)
	}
	if c.dr7&dr7GD != 0 {
		c.dr7 &^= dr7GD
		c.dr6 |= dr6BD
		c.raise(x86.ExcDB)
	}
	return n
}
