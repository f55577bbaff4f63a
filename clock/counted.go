package clock

import "sync/atomic"

// Counted is virtual time tied to the number of instructions that a vCPU has run, so that two runs of the same guest
// see the same times. The one vCPU that drives it calls Advance as it runs and Idle when it has nothing to do.
type Counted struct {
	q   queue
	now atomic.Int64
}

// NewCounted returns a clock at time zero. woken, if not nil, is called when a timer is armed that is sooner than all
// others, from whatever goroutine armed it: a driver that sleeps for want of deadlines has to look again.
func NewCounted(woken func()) *Counted {
	c := &Counted{}
	c.q.woken = woken
	if woken == nil {
		c.q.woken = func() {}
	}
	c.q.publish()
	return c
}

// Now implements Clock.
func (c *Counted) Now() Time { return Time(c.now.Load()) }

// NewTimer implements Clock.
func (c *Counted) NewTimer(f func()) Timer { return c.q.newTimer(f) }

// Deadline is the time of the soonest timer, or Never.
func (c *Counted) Deadline() Time { return c.q.next() }

// Advance moves time on by d and fires the timers that have come due.
// Preconditions: called by the driving vCPU's goroutine alone.
func (c *Counted) Advance(d Time) {
	now := Time(c.now.Add(int64(d)))
	if now >= c.q.next() {
		c.q.fire(now)
	}
}

// Idle jumps to the soonest deadline and fires it: time passes though no instruction runs. It reports false when no timer is armed.
// Preconditions: as for Advance.
func (c *Counted) Idle() bool {
	at := c.Deadline()
	if at == Never {
		return false
	}
	c.Advance(max(0, at-c.Now()))
	return true
}

// Set moves the clock to the given time, as a restored machine needs.
func (c *Counted) Set(t Time) { c.now.Store(int64(t)) }
