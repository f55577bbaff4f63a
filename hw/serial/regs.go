package serial

import "govm-desktop/clock"

// Read implements memory.Handler.
func (u *UART) Read(off uint64, _ int) uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return uint64(u.read(off & 7))
}

func (u *UART) read(reg uint64) uint8 {
	switch {
	case reg == regRBR && u.lcr&lcrDLAB != 0:
		return uint8(u.divisor)
	case reg == regIER && u.lcr&lcrDLAB != 0:
		return uint8(u.divisor >> 8)
	}
	switch reg {
	case regRBR:
		return u.readRBR()
	case regIER:
		return u.ier
	case regIIR:
		v := u.cause()
		if v == iirTHRE {
			u.thre = false
			u.update()
		}
		if u.fcr&fcrEnable != 0 {
			v |= iirFIFO
		}
		return v
	case regLCR:
		return u.lcr
	case regMCR:
		return u.mcr
	case regLSR:
		v := u.status()
		if v&(lsrOE|lsrBI) != 0 {
			u.lsr = 0
			u.rx.errs[u.rx.head] = 0
			u.update()
		}
		return v
	case regMSR:
		v := u.msr
		if v&15 != 0 {
			u.msr &^= 15
			u.update()
		}
		return v
	}
	return u.scr
}

// Write implements memory.Handler.
func (u *UART) Write(off uint64, _ int, val uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	reg, v := off&7, uint8(val)
	switch {
	case reg == regRBR && u.lcr&lcrDLAB != 0:
		u.divisor = u.divisor&0xff00 | uint16(v)
		return
	case reg == regIER && u.lcr&lcrDLAB != 0:
		u.divisor = u.divisor&0xff | uint16(v)<<8
		return
	}
	switch reg {
	case regRBR:
		u.send(v)
	case regIER:
		// Enabling the transmitter's interrupt while it is empty raises it (datasheet, 8.6.4; drivers count on it).
		if v&ierTHRE != 0 && u.ier&ierTHRE == 0 && u.tx.n == 0 {
			u.thre = true
		}
		u.ier = v & 15
		u.arm()
		u.update()
	case regIIR:
		u.writeFCR(v)
	case regLCR:
		u.lcr = v
		u.line()
	case regMCR:
		u.writeMCR(v & 31)
		u.line()
	case regSCR:
		u.scr = v
	}
}

// status is LSR.
// Preconditions of all below: mu is held.
func (u *UART) status() uint8 {
	v := u.lsr
	if u.rx.n > 0 {
		v |= lsrDR | u.rx.errs[u.rx.head]
		if u.fcr&fcrEnable != 0 && u.rx.broken() {
			v |= lsrFIFO
		}
	}
	if u.tx.n == 0 {
		v |= lsrTHRE | lsrTEMT
	}
	return v
}

// cause is the interrupt with the highest priority (datasheet, table V).
func (u *UART) cause() uint8 {
	switch {
	case u.ier&ierRLS != 0 && u.status()&(lsrOE|lsrBI) != 0:
		return iirRLS
	case u.ier&ierRDA != 0 && u.rx.n > 0 && u.rx.n >= u.trigger():
		return iirRDA
	case u.ier&ierRDA != 0 && u.rx.n > 0 && u.timeout:
		return iirCTI
	case u.ier&ierTHRE != 0 && u.thre:
		return iirTHRE
	case u.ier&ierMSI != 0 && u.msr&15 != 0:
		return iirMSI
	}
	return iirNone
}

// update brings the interrupt line up to date.
func (u *UART) update() {
	u.cfg.IRQ.Set(u.mcr&(mcrOUT2|mcrLoop) == mcrOUT2 && u.cause() != iirNone)
}

// depth is how many characters each direction holds, trigger how many raise the receiver's interrupt.
func (u *UART) depth() uint8 {
	if u.fcr&fcrEnable != 0 {
		return fifoSize
	}
	return 1
}

func (u *UART) trigger() uint8 {
	if u.fcr&fcrEnable != 0 {
		return [4]uint8{1, 4, 8, 14}[u.fcr>>6]
	}
	return 1
}

func (u *UART) writeFCR(v uint8) {
	if (v^u.fcr)&fcrEnable != 0 {
		v |= fcrClearRx | fcrClearTx
	}
	if v&fcrClearRx != 0 {
		u.rx = fifo{}
		u.timeout = false
	}
	if v&fcrClearTx != 0 {
		u.tx = fifo{}
		u.thre = true
	}
	if v&fcrEnable == 0 {
		v = 0 // the other bits are written with this one alone
	}
	u.fcr = v & 0xc9
	u.arm()
	u.update()
	u.room()
}

// writeMCR sets the modem's outputs, which in loopback are its inputs.
func (u *UART) writeMCR(v uint8) {
	was := u.mcr
	u.mcr = v
	lines := uint8(msrCTS | msrDSR | msrDCD)
	if v&mcrLoop != 0 {
		lines = v&mcrDTR<<5 | v&mcrRTS<<3 | v&mcrOUT1<<4 | v&mcrOUT2<<4
	}
	changed := (u.msr ^ lines) & 0xf0
	delta := changed >> 4 &^ msrTERI
	if changed&msrRI != 0 && lines&msrRI == 0 {
		delta |= msrTERI
	}
	u.msr = lines | u.msr&15 | delta
	u.update()
	if was&mcrLoop != 0 {
		u.room()
	}
}

// charTime is how long a character takes on the line.
func (u *UART) charTime() clock.Time {
	bits := clock.Time(7 + u.lcr&3 + u.lcr>>2&1 + u.lcr>>3&1)
	return bits * clock.Time(max(1, u.divisor)) * 16 * clock.Second / 1843200
}
