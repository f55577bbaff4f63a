package clock

// Manual is the clock of tests: time moves only in Step.
type Manual struct{ c *Counted }

// NewManual returns a clock at time zero.
func NewManual() *Manual { return &Manual{NewCounted(nil)} }

// Now implements Clock.
func (m *Manual) Now() Time { return m.c.Now() }

// NewTimer implements Clock.
func (m *Manual) NewTimer(f func()) Timer { return m.c.NewTimer(f) }

// Step moves time on by d, stopping at every deadline on the way so that each timer sees its own time.
func (m *Manual) Step(d Time) {
	end := m.c.Now() + d
	for at := m.c.Deadline(); at <= end; at = m.c.Deadline() {
		m.c.Advance(max(0, at-m.c.Now()))
	}
	m.c.Advance(end - m.c.Now())
}
