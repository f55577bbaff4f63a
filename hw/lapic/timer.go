package lapic

import "govm-desktop/clock"

// The timer counts the bus clock of 1 GHz, divided: one nanosecond times the divisor a tick. The TSC runs at 1 GHz too.

// minPeriod is the shortest time from now at which a periodic timer fires: what keeps a guest from drowning the host.
const minPeriod = 20 * clock.Microsecond

// Timer modes (LVT timer, bits 17 and 18).
const (
	timerOneShot  = 0
	timerPeriodic = 1
	timerDeadline = 2
)

func (l *LAPIC) timerMode() uint32 { return l.lvt[lvtTimer] & lvtTimerMode >> 17 }

// divisor decodes the divide configuration register (SDM figure 11-10).
func (l *LAPIC) divisor() clock.Time {
	d := l.divide&3 | l.divide>>1&4
	return 1 << ((d + 1) & 7)
}

// period is the whole count as time.
func (l *LAPIC) period() clock.Time { return clock.Time(l.initial) * l.divisor() }

// current is the current count register.
// Preconditions: mu is held.
func (l *LAPIC) current() uint32 {
	if !l.running || l.initial == 0 || l.timerMode() == timerDeadline {
		return 0
	}
	e := max(0, l.cfg.Clock.Now()-l.start)
	if p := l.period(); e >= p {
		if l.timerMode() == timerOneShot {
			return 0
		}
		e %= p
	}
	return l.initial - uint32(e/l.divisor())
}

// setInitial starts the count anew.
// Preconditions: mu is held.
func (l *LAPIC) setInitial(v uint32) {
	if l.timerMode() == timerDeadline {
		return
	}
	l.tick()
	l.initial = v
	l.running = v != 0
	l.start = l.cfg.Clock.Now()
	l.arm()
}

// setDivide goes on from the present count with another divisor.
// Preconditions: mu is held.
func (l *LAPIC) setDivide(v uint32) {
	l.tick()
	left := l.current()
	l.divide = v
	if l.running {
		l.start = l.cfg.Clock.Now() - clock.Time(l.initial-left)*l.divisor()
	}
	l.arm()
}

// setDeadline writes IA32_TSC_DEADLINE.
func (l *LAPIC) setDeadline(v uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timerMode() != timerDeadline {
		return
	}
	l.tick()
	l.due = v
	l.tick()
	l.arm()
}

// deadline is when the timer is next due.
// Preconditions: mu is held.
func (l *LAPIC) deadline() clock.Time {
	if l.timerMode() == timerDeadline {
		if l.due == 0 {
			return clock.Never
		}
		if l.due > 1<<62 {
			return clock.Never - 1
		}
		return max(0, clock.Time(int64(l.due)-l.tscOff))
	}
	if !l.running || l.initial == 0 {
		return clock.Never
	}
	return l.start + l.period()
}

// arm sets the clock's timer; a masked entry needs none.
// Preconditions: mu is held.
func (l *LAPIC) arm() {
	at := l.deadline()
	if at == clock.Never || l.lvt[lvtTimer]&lvtMasked != 0 {
		l.timer.Stop()
		return
	}
	if l.timerMode() == timerPeriodic {
		at = max(at, l.cfg.Clock.Now()+minPeriod)
	}
	l.timer.Set(at)
}

// tick lets what is due happen. Periods missed are not made up for.
// Preconditions: mu is held.
func (l *LAPIC) tick() {
	now := l.cfg.Clock.Now()
	if now < l.deadline() {
		return
	}
	switch l.timerMode() {
	case timerDeadline:
		l.due = 0
	case timerPeriodic:
		p := l.period()
		l.start += (now - l.start) / p * p
	default:
		l.running = false
	}
	l.local(lvtTimer)
}

func (l *LAPIC) fire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tick()
	l.arm()
}
