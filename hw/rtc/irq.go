package rtc

import "govm-desktop/clock"

// period is the periodic interrupt's, in ticks of the divider chain; 0: none (datasheet, table 8).
func (r *RTC) period() int64 {
	rate := r.ram[regA] & aRate
	if rate == 0 || r.ram[regA]&0x60 == 0x60 { // off, or the divider held in reset
		return 0
	}
	if rate <= 2 {
		rate += 7
	}
	return 1 << (rate - 1)
}

// ticks is the divider chain's count at a time; the seconds change when it is a multiple of its frequency.
func (r *RTC) ticks(t clock.Time) int64 {
	s := floorSeconds(t - r.origin)
	return s*base + int64(clock.Ticks(t-r.origin-clock.Time(s)*clock.Second, base))
}

// timeOf is the first time at which the divider chain has counted so far.
func (r *RTC) timeOf(ticks int64) clock.Time {
	s := ticks / base
	if ticks%base < 0 {
		s--
	}
	return r.origin + clock.Time(s)*clock.Second + clock.FromTicks(uint64(ticks-s*base), base)
}

// flags brings register C up to date: what has come due since it last was.
// Preconditions: mu is held.
func (r *RTC) flags() {
	from, now := r.checked, r.cfg.Clock.Now()
	if now <= from {
		return
	}
	r.checked = now
	c := &r.ram[regC]
	if p := r.period(); p != 0 && floorDiv(r.ticks(now), p) > floorDiv(r.ticks(from), p) {
		*c |= cPF
	}
	if !r.running() {
		return
	}
	a, b := r.at(from), r.at(now)
	if b <= a {
		return
	}
	*c |= cUF
	if at, ok := r.nextAlarm(a); ok && at <= b {
		*c |= cAF
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// refresh brings flags, line and timer up to date.
// Preconditions: mu is held.
func (r *RTC) refresh() {
	r.flags()
	c, enabled := &r.ram[regC], r.ram[regB]&(bPIE|bAIE|bUIE)
	*c &^= cIRQF
	if *c&enabled != 0 {
		*c |= cIRQF
	}
	r.cfg.IRQ.Set(*c&cIRQF != 0)
	if *c&cIRQF != 0 || enabled == 0 {
		r.timer.Stop() // the next one counts from the read of register C
		return
	}
	r.timer.Set(r.nextEvent(enabled))
}

// nextEvent is when the first of the enabled interrupts comes due.
func (r *RTC) nextEvent(enabled uint8) clock.Time {
	at := clock.Never
	if p := r.period(); enabled&bPIE != 0 && p != 0 {
		at = r.timeOf((floorDiv(r.ticks(r.checked), p) + 1) * p)
	}
	if !r.running() {
		return at
	}
	second := floorSeconds(r.checked - r.origin)
	if enabled&bUIE != 0 {
		at = min(at, r.origin+clock.Time(second+1)*clock.Second)
	}
	if enabled&bAIE != 0 {
		if s, ok := r.nextAlarm(r.secs + second); ok {
			at = min(at, r.origin+clock.Time(s-r.secs)*clock.Second)
		}
	}
	return at
}

// readC reads and clears the flags.
func (r *RTC) readC() uint8 {
	r.refresh()
	v := r.ram[regC]
	r.ram[regC] = 0
	r.refresh()
	return v
}

func (r *RTC) fire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refresh()
}
