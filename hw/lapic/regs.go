package lapic

// Registers (SDM table 11-1).
const (
	regID      = 0x020
	regVersion = 0x030
	regTPR     = 0x080
	regAPR     = 0x090
	regPPR     = 0x0a0
	regEOI     = 0x0b0
	regRRD     = 0x0c0
	regLDR     = 0x0d0
	regDFR     = 0x0e0
	regSVR     = 0x0f0
	regISR     = 0x100
	regTMR     = 0x180
	regIRR     = 0x200
	regESR     = 0x280
	regICR     = 0x300
	regICRHigh = 0x310
	regLVT     = 0x320
	regInitial = 0x380
	regCurrent = 0x390
	regDivide  = 0x3e0
	regSelfIPI = 0x3f0 // x2APIC only
)

// forced in an offset marks an access by MSR, which passes where the page is not seen.
const forced = Size

const version = 0x14 | (lvtCount-1)<<16

// Entries of the local vector table, in the order of their registers.
const (
	lvtTimer = iota
	lvtThermal
	lvtPerf
	lvtLINT0
	lvtLINT1
	lvtError
	lvtCount
)

var lvtNames = [lvtCount]string{"timer", "thermal", "perf", "lint0", "lint1", "error"}

// Bits of the entries.
const (
	lvtMode      = 7 << 8
	lvtStatus    = 1 << 12
	lvtLow       = 1 << 13
	lvtRemoteIRR = 1 << 14
	lvtLevel     = 1 << 15
	lvtMasked    = 1 << 16
	lvtTimerMode = 3 << 17
)

// lvtWritable are the bits of each entry that software may set.
var lvtWritable = [lvtCount]uint32{
	lvtTimer:   0xff | lvtMasked | lvtTimerMode,
	lvtThermal: 0xff | lvtMode | lvtMasked,
	lvtPerf:    0xff | lvtMode | lvtMasked,
	lvtLINT0:   0xff | lvtMode | lvtLow | lvtLevel | lvtMasked,
	lvtLINT1:   0xff | lvtMode | lvtLow | lvtLevel | lvtMasked,
	lvtError:   0xff | lvtMasked,
}

// Delivery modes.
const (
	modeFixed  = 0
	modeLowest = 1
	modeSMI    = 2
	modeNMI    = 4
	modeINIT   = 5
	modeSIPI   = 6
	modeExtINT = 7
)

// Other bits.
const (
	svrEnable = 1 << 8
	svrFocus  = 1 << 9

	esrSendVector    = 1 << 5
	esrReceiveVector = 1 << 6
	esrRegister      = 1 << 7

	icrLogical = 1 << 11
	icrStatus  = 1 << 12
	icrAssert  = 1 << 14
	icrLevel   = 1 << 15

	shortSelf   = 1
	shortAll    = 2
	shortOthers = 3
)

// known reports whether there is a register.
func known(off uint32) bool {
	switch off {
	case regID, regVersion, regTPR, regAPR, regPPR, regEOI, regRRD, regLDR, regDFR, regSVR, regESR, regICR, regICRHigh,
		regInitial, regCurrent, regDivide:
		return true
	}
	return off >= regISR && off < regESR || off >= regLVT && off < regLVT+lvtCount<<4
}

// writable reports whether x2APIC lets a register be written.
func writable(off uint32) bool {
	switch off {
	case regTPR, regEOI, regSVR, regESR, regInitial, regDivide:
		return true
	}
	return off >= regLVT && off < regLVT+lvtCount<<4
}

// Read implements memory.Handler.
func (l *LAPIC) Read(off uint64, _ int) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if off&15 != 0 {
		return 0
	}
	return uint64(l.read(uint32(off) & (Size - 1)))
}

// read reads a register.
// Preconditions: mu is held.
func (l *LAPIC) read(off uint32) uint32 {
	switch off {
	case regID:
		if l.x2APIC() {
			return uint32(l.id)
		}
		return uint32(l.id) << 24
	case regVersion:
		return version
	case regTPR:
		return uint32(l.tpr)
	case regAPR, regPPR:
		return uint32(l.ppr())
	case regEOI, regRRD:
		return 0
	case regLDR:
		return l.ldr
	case regDFR:
		return l.dfr
	case regSVR:
		return l.svr
	case regESR:
		return l.esr
	case regICR:
		return uint32(l.icr)
	case regICRHigh:
		return uint32(l.icr >> 32)
	case regInitial:
		return l.initial
	case regCurrent:
		return l.current()
	case regDivide:
		return l.divide
	}
	switch {
	case off >= regISR && off < regTMR:
		return l.isr[off>>4&7]
	case off >= regTMR && off < regIRR:
		return l.tmr[off>>4&7]
	case off >= regIRR && off < regESR:
		return l.irr[off>>4&7]
	case off >= regLVT && off < regLVT+lvtCount<<4:
		return l.lvt[(off-regLVT)>>4]
	}
	l.fail(esrRegister)
	return 0
}

// Write implements memory.Handler. What reaches other chips is sent after the lock is dropped.
func (l *LAPIC) Write(off uint64, _ int, val uint64) {
	reg, v := uint32(off)&(Size-1), uint32(val)
	if reg&15 != 0 {
		return
	}
	switch reg {
	case regEOI:
		l.mu.Lock()
		vector, broadcast := l.eoi()
		l.mu.Unlock()
		if broadcast {
			l.cfg.Bus.eoi(vector)
		}
	case regICR:
		l.mu.Lock()
		l.icr = l.icr&^0xffffffff | uint64(v&^icrStatus)
		icr := l.icr
		l.mu.Unlock()
		l.sendIPI(icr)
	default:
		l.mu.Lock()
		defer l.mu.Unlock()
		l.write(reg, v)
	}
}

// write writes a register that concerns this APIC alone.
// Preconditions: mu is held.
func (l *LAPIC) write(off, v uint32) {
	switch off {
	case regID:
		if !l.x2APIC() {
			l.id = uint8(v >> 24)
			l.publish()
		}
	case regTPR:
		l.tpr = uint8(v)
		l.update()
	case regLDR:
		l.ldr = v & 0xff000000
		l.publish()
	case regDFR:
		l.dfr = v | 0x0fffffff
		l.publish()
	case regSVR:
		l.writeSVR(v)
	case regESR:
		l.esr, l.errors = l.errors, 0
	case regICRHigh:
		l.icr = l.icr&0xffffffff | uint64(v&0xff000000)<<32
	case regInitial:
		l.setInitial(v)
	case regDivide:
		l.setDivide(v & 11)
	case regVersion, regAPR, regPPR, regRRD, regCurrent:
	default:
		switch {
		case off >= regLVT && off < regLVT+lvtCount<<4:
			l.writeLVT(int(off-regLVT)>>4, v)
		case !known(off):
			l.fail(esrRegister)
		}
	}
}

// writeSVR switches the APIC on or off for software, which masks the whole local vector table (SDM 11.4.7.2).
func (l *LAPIC) writeSVR(v uint32) {
	l.svr = v & (0xff | svrEnable | svrFocus)
	if l.svr&svrEnable == 0 {
		l.tick()
		for i := range l.lvt {
			l.lvt[i] |= lvtMasked
		}
		l.arm()
	}
	l.publish()
	l.update()
}

func (l *LAPIC) writeLVT(entry int, v uint32) {
	l.tick() // what is due goes by the entry as it was
	old := l.lvt[entry]
	v = v&lvtWritable[entry] | old&lvtRemoteIRR
	if l.svr&svrEnable == 0 {
		v |= lvtMasked
	}
	if v&lvtLevel == 0 {
		v &^= lvtRemoteIRR
	}
	l.lvt[entry] = v
	switch entry {
	case lvtTimer:
		if (old^v)&lvtTimerMode != 0 {
			l.running, l.due = false, 0 // a change of mode disarms (SDM 11.5.4.1)
		}
		l.arm()
	case lvtLINT0, lvtLINT1:
		if l.lint[entry-lvtLINT0] && v&lvtLevel != 0 {
			l.local(entry)
		}
		l.update()
	}
}
