package lapic

import (
	"govm-desktop/accel"
	"govm-desktop/x86"
)

// CPU is the processor's side of the local APIC.
func (l *LAPIC) CPU() accel.Interrupts { return (*cpu)(l) }

type cpu LAPIC

// Pending implements accel.Interrupts.
func (c *cpu) Pending() bool { return c.ready.Load() }

// Ack implements accel.Interrupts. What the APIC itself holds comes before the 8259s.
func (c *cpu) Ack() uint8 {
	l := (*LAPIC)(c)
	l.mu.Lock()
	if v := l.next(); v >= 0 {
		l.irr.clear(uint8(v))
		l.isr.set(uint8(v))
		l.update()
		l.mu.Unlock()
		return uint8(v)
	}
	ext := l.external() && l.cfg.PIC != nil
	l.extINT = false
	spurious := uint8(l.svr)
	if !ext {
		l.update()
	}
	l.mu.Unlock()
	if !ext {
		return spurious
	}
	v := l.cfg.PIC.Ack() // moves INTR, which comes back to us: no lock may be held
	l.mu.Lock()
	l.update()
	l.mu.Unlock()
	return v
}

// TPR implements accel.Interrupts.
func (c *cpu) TPR() uint8 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tpr >> 4
}

// SetTPR implements accel.Interrupts.
func (c *cpu) SetTPR(v uint8) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tpr = v << 4
	(*LAPIC)(c).update()
}

// Reset implements accel.Interrupts: INIT.
func (c *cpu) Reset() {
	l := (*LAPIC)(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.initRegisters()
	l.update()
}

// SetTSCOffset says by how much the guest's TSC is ahead of the clock, for the deadline timer. It is found by type assertion.
func (c *cpu) SetTSCOffset(off int64) {
	l := (*LAPIC)(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tscOff = min(max(off, -1<<61), 1<<61)
	l.arm()
}

// x2APIC's MSRs stand for the registers of the page, 16 bytes apart.
const (
	msrX2APIC = x86.MSRX2APIC
	msrICR    = msrX2APIC + regICR>>4
	msrLast   = msrX2APIC + 0xff
)

// ReadMSR implements accel.Interrupts.
func (c *cpu) ReadMSR(index uint32) (uint64, bool) {
	l := (*LAPIC)(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case index == x86.MSRAPICBase:
		return l.base, true
	case index == x86.MSRTSCDeadline:
		l.tick()
		return l.due, true
	case index < msrX2APIC || index > msrLast || !l.x2APIC():
		return 0, false
	case index == msrICR:
		return l.icr, true
	}
	off := (index - msrX2APIC) << 4
	if off == regICRHigh || off == regDFR || off == regEOI || off == regSelfIPI || !known(off) {
		return 0, false
	}
	return uint64(l.read(off)), true
}

// WriteMSR implements accel.Interrupts.
func (c *cpu) WriteMSR(index uint32, val uint64) bool {
	l := (*LAPIC)(c)
	switch {
	case index == x86.MSRAPICBase:
		return l.setBase(val)
	case index == x86.MSRTSCDeadline:
		l.setDeadline(val)
		return true
	}
	l.mu.Lock()
	x2 := l.x2APIC()
	l.mu.Unlock()
	if index < msrX2APIC || index > msrLast || !x2 {
		return false
	}
	off := (index - msrX2APIC) << 4
	switch {
	case index == msrICR:
		l.mu.Lock()
		l.icr = val &^ icrStatus
		l.mu.Unlock()
		l.sendIPI(val)
		return true
	case off == regSelfIPI && val <= 0xff:
		l.sendIPI(val | shortSelf<<18)
		return true
	case off == regICRHigh || off == regDFR || off == regLDR || val>>32 != 0 || !writable(off):
		return false
	case (off == regEOI || off == regESR) && val != 0:
		return false
	}
	l.Write(uint64(off)|forced, 4, val)
	return true
}

// baseWritable are the bits of APIC_BASE that software may set: the address up to 52 bits, enable, x2APIC.
const baseWritable = (1<<52 - Size) | x86.APICBaseEnable | x86.APICBaseX2APIC | x86.APICBaseBSP

// setBase writes APIC_BASE; false: #GP (SDM 11.12.5, figure 11-27).
func (l *LAPIC) setBase(v uint64) bool {
	const modes = x86.APICBaseEnable | x86.APICBaseX2APIC
	l.mu.Lock()
	old := l.base
	from, to := old&modes, v&modes
	switch {
	case v&^uint64(baseWritable) != 0,
		to == x86.APICBaseX2APIC,
		to == modes && !l.cfg.X2APIC,
		from == modes && to == x86.APICBaseEnable,
		from == 0 && to == modes:
		l.mu.Unlock()
		return false
	}
	l.base = v&^x86.APICBaseBSP | old&x86.APICBaseBSP
	if from != to {
		switch to {
		case 0:
			l.initRegisters()
		case modes:
			l.ldr = uint32(l.id)>>4<<16 | 1<<(l.id&15)
		}
	}
	l.publish()
	l.update()
	now := l.base
	l.mu.Unlock()
	if now != old {
		l.moved(now)
	}
	return true
}
