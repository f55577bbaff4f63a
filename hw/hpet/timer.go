package hpet

import (
	"govm-desktop/clock"
	"govm-desktop/hw"
)

// line is where a timer's interrupt goes at present.
func (h *HPET) line(n int) hw.Line {
	if h.config&cfgLegacy != 0 && n < 2 {
		return h.cfg.LegacyOut[n]
	}
	if l := h.cfg.Inputs[h.timers[n].config&tmrRoute>>9]; l != nil {
		return l
	}
	return hw.NoLine
}

// on reports whether a timer's interrupt is let out.
func (h *HPET) on(n int) bool { return h.config&cfgEnable != 0 && h.timers[n].config&tmrEnable != 0 }

// drive sets a level-triggered timer's line; an edge-triggered one rests low.
func (h *HPET) drive(n int) {
	h.line(n).Set(h.on(n) && h.timers[n].config&tmrLevel != 0 && h.status&(1<<n) != 0)
}

// width is a timer's mask: 32 or 64 bits.
func (t *timer) width() uint64 {
	if t.config&tmr32 != 0 {
		return 0xffffffff
	}
	return ^uint64(0)
}

// ahead is the number of ticks until the counter next equals the comparator: never 0, since a match is over when it is seen.
func (h *HPET) ahead(n int) uint64 {
	t := &h.timers[n]
	d := (t.comparator - h.now()) & t.width()
	if d == 0 {
		d = t.width()
		if d != ^uint64(0) {
			d++
		}
	}
	return d
}

// catchUp brings a periodic comparator that time has passed to its next match.
func (h *HPET) catchUp(n int) {
	t := &h.timers[n]
	if t.config&tmrPeriodic == 0 || t.period == 0 || h.config&cfgEnable == 0 {
		return
	}
	late := (h.now() - t.comparator) & t.width()
	if late > t.width()>>1 {
		return // it lies ahead
	}
	t.comparator = (t.comparator + (late/t.period+1)*t.period) & t.width()
}

// arm works out a timer's next match and sets the clock for it.
func (h *HPET) arm(n int) {
	t := &h.timers[n]
	t.at = clock.Never
	if h.on(n) {
		now := h.cfg.Clock.Now()
		h.catchUp(n)
		if d := h.ahead(n); d < uint64(clock.Never-now)/uint64(tick)-1 {
			t.at = h.base + clock.Time((h.now()-h.counter+d)*uint64(tick))
		}
		if t.config&tmrPeriodic != 0 {
			t.at = max(t.at, now+minPeriod)
		}
	}
	h.wakers[n].Set(t.at)
}

// settle lets a match happen that has come due, as must be before anything about the timer changes.
func (h *HPET) settle(n int) {
	t := &h.timers[n]
	if h.cfg.Clock.Now() < t.at || !h.on(n) {
		return
	}
	if t.config&tmrLevel != 0 {
		h.status |= 1 << n
		h.drive(n)
	} else {
		hw.Pulse(h.line(n))
	}
	h.arm(n)
}

func (h *HPET) fire(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle(n)
}

// writeTimer is a timer's configuration and capability register.
func (h *HPET) writeTimer(n int, v uint64) {
	h.settle(n)
	t := &h.timers[n]
	h.line(n).Set(false)
	route := v & tmrRoute >> 9
	if h.routes&(1<<route) == 0 {
		v = v&^tmrRoute | t.config&tmrRoute // a route that is not there does not stick
	}
	t.config = v & tmrWritable
	if t.config&tmr32 != 0 {
		t.comparator &= 0xffffffff
		t.period &= 0xffffffff
	}
	if t.config&tmrLevel == 0 {
		h.status &^= 1 << n
	}
	h.drive(n)
	h.arm(n)
}

// writeComparator sets the comparator; in periodic mode also, or without SETVAL only, the period (specification, 2.3.9.2.2).
func (h *HPET) writeComparator(n int, val, mask uint64) {
	t := &h.timers[n]
	if t.config&tmr32 != 0 && mask == 0xffffffff<<32 {
		return
	}
	h.settle(n)
	if t.config&tmrPeriodic == 0 || t.config&tmrSetVal != 0 {
		t.comparator = (t.comparator&^mask | val) & t.width()
	}
	if t.config&tmrPeriodic != 0 {
		t.period = (t.period&^mask | val) & t.width()
	}
	if mask != 0xffffffff || t.config&tmr32 != 0 { // the low half of a pair leaves SETVAL for the high one
		t.config &^= tmrSetVal
	}
	h.arm(n)
}
