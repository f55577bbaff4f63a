package xhci

import "govm-desktop/clock"

// isoch is the schedule of an isochronous endpoint: one TD in each interval (4.14.2.1).
type isoch struct {
	timer clock.Timer
	on    bool  // next is valid
	next  int64 // microframe of the next interval
}

const (
	perFrame  = 8 // microframes
	frameMask = 0x7ff
	// tardiness is how many frames late a TD with a frame number may be begun. The controller of a busy host is late where that of a PC is not;
	// what counts is that nothing is lost.
	tardiness = 32
)

// due is the timer: an interval begins.
func (e *endpoint) due() {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	if !e.gone && e.state == epRunning && e.c.runs() {
		if e.ring.head == nil && !e.ring.queued {
			e.queue(e.ring)
		}
		e.c.kick(&e.worker)
	}
}

// isochStep begins the TD that is due, or waits for its time.
func (e *endpoint) isochStep(r *ring) bool {
	deq, cycle, inside, begun := r.deq, r.cycle, r.inside, r.begun
	now := e.c.now()
	t := r.fetch()
	if t == nil {
		e.unqueue(r)
		e.dry(r, now)
		return true
	}
	if t.fault == codeTRB || t.internal {
		e.begin(t)
		return true
	}
	at, missed := e.schedule(t, now)
	switch {
	case missed:
		t.fault, t.done = codeMissedService, true
	case at > now: // not yet
		r.deq, r.cycle, r.inside, r.begun = deq, cycle, inside, begun
		e.c.recycle(t)
		e.wake(at)
		return false
	default:
		e.iso.next = at + e.interval
		if t.total > e.payload {
			t.fault, t.done = codeBandwidthOverrun, true
		}
	}
	e.begin(t)
	return true
}

// wake sets the timer for an interval. Those shorter than a frame are served frame by frame.
func (e *endpoint) wake(at int64) {
	if e.interval < perFrame {
		at = (at + perFrame - 1) / perFrame * perFrame
	}
	e.iso.timer.Set(e.c.at(at))
}

// schedule is the microframe in which a TD is due: the next interval, or the frame that it names. missed: that one has passed.
func (e *endpoint) schedule(t *td, now int64) (at int64, missed bool) {
	first := !e.iso.on
	if first {
		e.iso.on, e.iso.next = true, (now/e.interval+1)*e.interval
	}
	at = e.iso.next
	if t.trbs[0].control&trbSIA != 0 {
		return at, false
	}
	delta := (int64(t.trbs[0].control>>20) - now/perFrame) & frameMask
	if delta > frameMask/2 {
		delta -= frameMask + 1
	}
	if delta < -tardiness {
		e.iso.on = e.iso.on && !first
		return 0, true
	}
	frame := (now/perFrame + delta) * perFrame
	if first || frame > at || frame+perFrame <= at-e.interval {
		e.iso.next = frame
	}
	return e.iso.next, false
}

// dry is a ring without a TD. Once its time has come, and once for each such stretch, that is an underrun or overrun (4.10.3.1).
func (e *endpoint) dry(r *ring, now int64) {
	switch {
	case !e.iso.on || r.head != nil:
	case now < e.iso.next:
		e.wake(e.iso.next)
	default:
		e.iso.on = false
		end := codeUnderrun
		if e.kind == isochIn {
			end = codeOverrun
		}
		r.post(0, trb{param: r.deq, status: uint32(end) << 24}, false)
	}
}
