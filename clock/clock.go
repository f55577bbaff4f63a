// Package clock is virtual time: one clock per machine from which PIT, PM timer, HPET, RTC, APIC timer and TSC are all
// read, so that they agree with each other however loaded the host is.
//
// Three clocks keep the contract: Real follows the host's monotonic time and stops while the machine is paused;
// Counted follows the number of guest instructions run (for repeatable runs); Manual moves only when a test says so.
package clock

import "time"

// Time is virtual time in nanoseconds since the machine was built. It never runs backwards and stands still while the
// machine is paused.
type Time int64

// Units of Time.
const (
	Microsecond Time = 1e3
	Millisecond Time = 1e6
	Second      Time = 1e9
)

// Never is later than any Time a clock reaches: a Timer Set to it stays quiet.
const Never Time = 1<<63 - 1

// Add returns t moved by d.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// Clock tells virtual time and wakes what waits for it.
type Clock interface {
	// Now may be called from any goroutine.
	Now() Time
	// NewTimer returns a stopped timer which calls f when its time has come. f runs on the clock's own goroutine
	// (for Counted: on the goroutine of the vCPU that drives it) with no lock held, must not block, and may run once
	// more after Stop has returned.
	NewTimer(f func()) Timer
}

// Timer is one deadline, armed again and again. Its methods may be called from any goroutine, from f too, and
// with the locks of its owner held.
type Timer interface {
	// Set arms the timer for the given time, in place of any earlier one. A time that has passed fires at once.
	Set(at Time)
	// Stop disarms.
	Stop()
}

// Ticks converts a time to whole ticks of a counter of the given frequency in hertz, without overflow for 2^63 ns.
func Ticks(t Time, hz uint64) uint64 {
	s, ns := uint64(t)/uint64(Second), uint64(t)%uint64(Second)
	return s*hz + ns*hz/uint64(Second)
}

// FromTicks is the first time at which a counter of the given frequency has counted n ticks: Ticks(FromTicks(n, hz), hz) == n.
func FromTicks(n, hz uint64) Time {
	s, r := n/hz, n%hz
	return Time(s)*Second + Time((r*uint64(Second)+hz-1)/hz)
}
