package clock

import (
	"sync"
	"sync/atomic"
	"time"
)

// Real is virtual time that follows the host's monotonic clock while it runs. It is made stopped.
type Real struct {
	q     queue
	wake  chan struct{}
	done  chan struct{}
	epoch atomic.Pointer[epoch] // replaced under mu, read by everybody: Now takes no lock; nil for the moment of a change

	mu sync.Mutex // makes changes of epoch one at a time
}

// epoch is how virtual time follows from the host's since the last Start or Stop. It is immutable.
type epoch struct {
	running bool
	base    Time      // virtual time at the beginning
	host    time.Time // host time at the beginning
}

func (e *epoch) now() Time {
	if !e.running {
		return e.base
	}
	return e.base + Time(time.Since(e.host))
}

// NewReal returns a stopped clock at time zero. Close ends its goroutine.
func NewReal() *Real {
	r := &Real{wake: make(chan struct{}, 1), done: make(chan struct{})}
	r.epoch.Store(&epoch{})
	r.q.woken = r.nudge
	r.q.publish()
	go r.loop()
	return r
}

// Now implements Clock. A reading counts if no change began meanwhile: all such come before the time at which the change was made.
func (r *Real) Now() Time {
	for {
		e := r.current()
		if t := e.now(); r.epoch.Load() == e {
			return t
		}
	}
}

// current is the present epoch; it waits for a change under way.
func (r *Real) current() *epoch {
	if e := r.epoch.Load(); e != nil {
		return e
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.epoch.Load()
}

// NewTimer implements Clock.
func (r *Real) NewTimer(f func()) Timer { return r.q.newTimer(f) }

// Start lets time run on from where it stands.
func (r *Real) Start() { r.change(true) }

// Stop makes time stand still: no timer fires until Start.
func (r *Real) Stop() { r.change(false) }

func (r *Real) change(run bool) {
	r.mu.Lock()
	if e := r.epoch.Load(); e.running != run {
		r.epoch.Store(nil)
		r.epoch.Store(&epoch{running: run, base: e.now(), host: time.Now()})
	}
	r.mu.Unlock()
	r.nudge()
}

// Set moves a stopped clock to the given time, as a restored machine needs.
// Preconditions: the clock is stopped.
func (r *Real) Set(t Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.epoch.Store(&epoch{base: t})
}

// Close ends the clock's goroutine. No timer fires afterwards.
func (r *Real) Close() error {
	close(r.done)
	return nil
}

func (r *Real) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// wait is how long the host must sleep until the soonest deadline; false when nothing is due while things stay as they are.
func (r *Real) wait() (time.Duration, bool) {
	at, e := r.q.next(), r.current()
	if at == Never || !e.running {
		return 0, false
	}
	return max(0, time.Duration(at-e.now())), true
}

func (r *Real) loop() {
	host := newAlarm()
	defer host.close()
	for {
		d, armed := r.wait()
		if armed && d == 0 {
			if e := r.current(); e.running {
				r.q.fire(e.now())
			}
			select {
			case <-r.done:
				return
			default:
				continue
			}
		}
		if armed {
			host.set(d)
		}
		select {
		case <-host.C: // what is due is found above
		case <-r.wake:
		case <-r.done:
			return
		}
	}
}
