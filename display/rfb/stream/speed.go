package stream

import "time"

// Speed estimates how many bytes a second a line carries, from when deliveries were begun and heard of. It is not safe for concurrent
// use.
type Speed struct {
	least time.Duration // from begin to end, of the shortest delivery
	last  time.Time     // when the one before was heard of
	rate  float64
}

// What is too little to tell, and the shortest time that does.
const (
	tellingBytes = 8 << 10
	tellingTime  = 500 * time.Microsecond
)

// Delivered says that so many bytes, which began on their way at one time, have arrived by another.
func (s *Speed) Delivered(begun, now time.Time, n int) {
	took := now.Sub(begun)
	if s.least == 0 || took < s.least {
		s.least = max(took, time.Microsecond)
	}
	if s.last.After(begun) { // the line was busy with what came before
		took = now.Sub(s.last)
	} else {
		took -= s.least
	}
	s.last = now
	if n < tellingBytes {
		return
	}
	rate := float64(n) / max(took, tellingTime).Seconds()
	if s.rate == 0 {
		s.rate = rate
	}
	s.rate += (rate - s.rate) / 4
}

// Speed is how many bytes a second arrive; 0: not known.
func (s *Speed) Speed() float64 { return s.rate }

// Least is how long the shortest delivery took: the way to the client and back.
func (s *Speed) Least() time.Duration { return s.least }
