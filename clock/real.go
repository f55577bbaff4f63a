package clock

import (
	"sync"
	"time"
)

// Real is virtual time that follows the host's monotonic clock while it runs. It is made stopped.
type Real struct {
	q    queue
	wake chan struct{}
	done chan struct{}

	mu      sync.Mutex // guards everything below
	running bool
	base    Time      // virtual time at the last Start or Stop
	host    time.Time // host time at the last Start
}

// NewReal returns a stopped clock at time zero. Close ends its goroutine.
func NewReal() *Real {
	r := &Real{wake: make(chan struct{}, 1), done: make(chan struct{})}
	r.q.woken = r.nudge
	r.q.publish()
	go r.loop()
	return r
}

// Now implements Clock.
func (r *Real) Now() Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.running {
		return r.base
	}
	return r.base + Time(time.Since(r.host))
}

// NewTimer implements Clock.
func (r *Real) NewTimer(f func()) Timer { return r.q.newTimer(f) }

// Start lets time run on from where it stands.
func (r *Real) Start() {
	r.mu.Lock()
	if !r.running {
		r.running, r.host = true, time.Now()
	}
	r.mu.Unlock()
	r.nudge()
}

// Stop makes time stand still: no timer fires until Start.
func (r *Real) Stop() {
	r.mu.Lock()
	if r.running {
		r.base += Time(time.Since(r.host))
		r.running = false
	}
	r.mu.Unlock()
	r.nudge()
}

// Set moves a stopped clock to the given time, as a restored machine needs.
// Preconditions: the clock is stopped.
func (r *Real) Set(t Time) {
	r.mu.Lock()
	r.base = t
	r.mu.Unlock()
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
	at := r.q.next()
	r.mu.Lock()
	running := r.running
	r.mu.Unlock()
	if at == Never || !running {
		return 0, false
	}
	return max(0, time.Duration(at-r.Now())), true
}

func (r *Real) loop() {
	host := time.NewTimer(time.Hour)
	defer host.Stop()
	for {
		d, armed := r.wait()
		if !armed {
			select {
			case <-r.wake:
				continue
			case <-r.done:
				return
			}
		}
		host.Reset(d)
		select {
		case <-host.C:
			if now := r.Now(); r.isRunning() {
				r.q.fire(now)
			}
		case <-r.wake:
		case <-r.done:
			return
		}
	}
}

func (r *Real) isRunning() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running
}
