package machine

import (
	"fmt"
	"runtime"
	"time"

	"govm-desktop/accel"
	"govm-desktop/clock"
)

// vcpu is one processor with its goroutine.
type vcpu struct {
	m    *Machine
	id   int
	cpu  accel.VCPU
	wake chan struct{} // a Halted processor looks again

	// guarded by m.mu
	work []func(accel.VCPU) // to be run by the processor's goroutine
	dead bool               // it has shut down or failed: no instruction runs until a reset
}

func newVCPU(m *Machine, id int, c accel.VCPU) *vcpu {
	v := &vcpu{m: m, id: id, cpu: c, wake: make(chan struct{}, 1)}
	c.OnWake(v.rouse)
	return v
}

func (v *vcpu) rouse() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// kick makes the goroutine look at parked and work.
func (v *vcpu) kick() {
	v.cpu.Kick()
	v.rouse()
}

// loop runs the processor until the machine closes. The thread is its own: KVM wants all calls for a processor from one thread.
func (v *vcpu) loop() {
	runtime.LockOSThread()
	defer v.m.wg.Done()
	for v.ready() {
		exit, err := v.cpu.Run()
		switch {
		case err != nil:
			v.m.fail(v, fmt.Errorf("cpu %d: %w", v.id, err))
		case exit == accel.Halted:
			v.idle()
		case exit == accel.Shutdown:
			v.m.shutDown(v)
		case exit == accel.Debug:
			v.m.debugStop(v)
		}
	}
	v.cpu.Close()
}

// ready serves work and waits while the machine is parked; false: the machine closes.
func (v *vcpu) ready() bool {
	m := v.m
	m.mu.Lock()
	defer m.mu.Unlock()
	m.serve(v)
	if m.stands(v) {
		m.active--
		m.cond.Broadcast()
		for m.stands(v) && !m.closing {
			m.cond.Wait()
			m.serve(v)
		}
		m.active++
	}
	return !m.closing
}

// stands reports whether a processor may not run. Preconditions: mu is held.
func (m *Machine) stands(v *vcpu) bool { return m.parked > 0 || m.held || v.dead }

// serve runs the processor's work. Preconditions: mu is held; it is dropped meanwhile.
func (m *Machine) serve(v *vcpu) {
	for len(v.work) > 0 {
		f := v.work[0]
		v.work = v.work[1:]
		m.mu.Unlock()
		f(v.cpu)
		m.mu.Lock()
	}
}

// idle waits until something may have changed. Where time follows instructions, time passes meanwhile.
func (v *vcpu) idle() {
	counted, ok := v.m.opt.Clock.(*clock.Counted)
	if !ok {
		<-v.wake
		return
	}
	select {
	case <-v.wake:
		return
	default:
	}
	at := counted.Deadline()
	switch {
	case at == clock.Never:
		<-v.wake
	case v.m.opt.IdleSpins:
		counted.Idle()
	default:
		v.idleFor(counted, time.Duration(at-counted.Now()))
	}
}

// idleFor lets virtual time pass with the host's, up to d.
func (v *vcpu) idleFor(c *clock.Counted, d time.Duration) {
	start := time.Now()
	t := time.NewTimer(max(0, d))
	defer t.Stop()
	select {
	case <-v.wake:
		c.Advance(clock.Time(min(d, time.Since(start))))
	case <-t.C:
		c.Advance(clock.Time(max(0, d)))
	}
}

// Do runs f on the goroutine of a processor, between instructions, and waits for it; false: the machine has ended. It must not be called
// from a processor's goroutine.
func (m *Machine) Do(cpu int, f func(accel.VCPU)) bool {
	done := make(chan struct{})
	m.mu.Lock()
	if m.closing {
		m.mu.Unlock()
		return false
	}
	v := m.cpus[cpu]
	v.work = append(v.work, func(c accel.VCPU) { f(c); close(done) })
	m.cond.Broadcast()
	m.mu.Unlock()
	v.kick()
	select {
	case <-done:
		return true
	case <-m.ended:
		return false
	}
}
