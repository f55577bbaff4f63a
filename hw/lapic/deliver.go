package lapic

import (
	"math/bits"

	"govm-desktop/accel"
	"govm-desktop/hw"
)

// top is the highest vector of a set, -1 if it is empty.
func (v *vectors) top() int {
	for i := len(v) - 1; i >= 0; i-- {
		if v[i] != 0 {
			return i*32 + bits.Len32(v[i]) - 1
		}
	}
	return -1
}

// ppr is the processor priority (SDM 11.8.3.1).
// Preconditions: mu is held.
func (l *LAPIC) ppr() uint8 {
	if s := l.isr.top(); s >= 0 && uint8(s)>>4 > l.tpr>>4 {
		return uint8(s) & 0xf0
	}
	return l.tpr
}

// next is the vector that may be delivered, -1 if none.
// Preconditions: mu is held.
func (l *LAPIC) next() int {
	if v := l.irr.top(); v >= 0 && l.enabled() && uint8(v)>>4 > l.ppr()>>4 {
		return v
	}
	return -1
}

// external reports whether an interrupt of the 8259s waits: by message, or through LINT0, which is the processor's INTR pin while the APIC is off.
// Preconditions: mu is held.
func (l *LAPIC) external() bool {
	if l.extINT {
		return true
	}
	return l.lint[0] && (!l.enabled() || l.lvt[lvtLINT0]&(lvtMasked|lvtMode) == modeExtINT<<8)
}

// update works out anew whether an interrupt waits, and tells the processor if so.
// Preconditions: mu is held.
func (l *LAPIC) update() {
	l.class.Store(uint32(l.ppr()))
	ready := l.next() >= 0 || l.external()
	l.ready.Store(ready)
	if ready {
		l.signal(accel.Intr, 0)
	}
}

// accept puts a fixed interrupt into IRR.
// Preconditions: mu is held.
func (l *LAPIC) accept(vector uint8, level bool) {
	if !l.alive() {
		return
	}
	if vector < 16 {
		l.fail(esrReceiveVector)
		return
	}
	if level {
		l.tmr.set(vector)
	} else {
		l.tmr.clear(vector)
	}
	l.irr.set(vector)
	l.update()
}

// fail notes an error, and raises the error interrupt for the first of its kind.
// Preconditions: mu is held.
func (l *LAPIC) fail(bit uint32) {
	if l.errors&bit != 0 {
		return
	}
	l.errors |= bit
	if e := l.lvt[lvtError]; e&lvtMasked == 0 && uint8(e) >= 16 {
		l.accept(uint8(e), false)
	}
}

// local delivers through an entry of the local vector table.
// Preconditions: mu is held.
func (l *LAPIC) local(entry int) {
	e := l.lvt[entry]
	if e&lvtMasked != 0 {
		return
	}
	mode := e & lvtMode >> 8
	if entry == lvtTimer || entry == lvtError {
		mode = modeFixed
	}
	level := mode == modeFixed && e&lvtLevel != 0 && (entry == lvtLINT0 || entry == lvtLINT1)
	if level {
		if e&lvtRemoteIRR != 0 {
			return
		}
		l.lvt[entry] |= lvtRemoteIRR
	}
	if mode != modeExtINT { // a level, seen by external
		l.receive(uint8(mode), uint8(e), level)
	}
}

// receive is an interrupt message of any delivery mode.
// Preconditions: mu is held.
func (l *LAPIC) receive(mode, vector uint8, level bool) {
	switch mode {
	case modeFixed, modeLowest:
		l.accept(vector, level)
	case modeSMI:
		l.signal(accel.SMI, 0)
	case modeNMI:
		l.signal(accel.NMI, 0)
	case modeINIT:
		l.signal(accel.INIT, 0)
	case modeSIPI:
		l.signal(accel.SIPI, vector)
	case modeExtINT:
		if l.alive() {
			l.extINT = true
			l.update()
		}
	}
}

// LINT is the wire of a local input: 0 belongs to the 8259s' INTR, 1 to NMI.
func (l *LAPIC) LINT(n int) hw.Line {
	n &= 1
	return hw.LineFunc(func(high bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		rose := high && !l.lint[n]
		l.lint[n] = high
		switch {
		case rose && l.enabled():
			l.local(lvtLINT0 + n)
		case rose && n == 1:
			l.signal(accel.NMI, 0) // the pin of a processor whose APIC is off
		}
		if n == 0 {
			l.update()
		}
	})
}

// Trigger delivers through the thermal or the performance counter's entry.
func (l *LAPIC) Trigger(thermal bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if thermal {
		l.local(lvtThermal)
	} else {
		l.local(lvtPerf)
	}
}

// eoi ends the interrupt in service with the highest priority; the vector is to be broadcast if it was level-triggered.
// Preconditions: mu is held.
func (l *LAPIC) eoi() (vector uint8, broadcast bool) {
	s := l.isr.top()
	if s < 0 {
		return 0, false
	}
	vector = uint8(s)
	l.isr.clear(vector)
	broadcast = l.tmr.has(vector)
	for n := range 2 {
		e := &l.lvt[lvtLINT0+n]
		if broadcast && *e&lvtRemoteIRR != 0 && uint8(*e) == vector {
			*e &^= lvtRemoteIRR
			if l.lint[n] {
				l.local(lvtLINT0 + n)
			}
		}
	}
	l.update()
	return vector, broadcast
}
