package stream

import "time"

// Pace keeps what is on its way to a client within what its line holds, so that the picture does not come later and later: like TCP
// Vegas (Brakmo, Peterson 1995) it watches by how much the time to and back grows over its least. It is not safe for concurrent
// use.
type Pace struct {
	pings  []ping // in flight, the oldest first
	acked  uint64 // bytes that have arrived
	window uint64
	least  time.Duration // to and back, ever
	slow   bool          // slow start is over
	round  time.Time     // start of the round whose least time is next
	next   time.Duration
	full   bool // the window was in use in this round
	speed  Speed
}

// ping is a question sent after so many bytes.
type ping struct {
	at    time.Time
	begun time.Time // when the first of the bytes before it began on its way
	sent  uint64
	full  bool // much of the window was in use
}

// Bounds of a window, and of the questions in flight.
const (
	firstWindow = 32 << 10
	minWindow   = 8 << 10
	maxWindow   = 4 << 20
	maxPings    = 256
)

// Delays over the least that say how full the line is.
const (
	littleDelay = 5 * time.Millisecond
	someDelay   = 25 * time.Millisecond
	muchDelay   = 50 * time.Millisecond
	spike       = 100 * time.Millisecond
)

// Ping says that a question was sent, after so many bytes in all, the last of which began to be sent at some time.
func (p *Pace) Ping(now, begun time.Time, sent uint64) {
	if p.window == 0 {
		p.window = firstWindow
		p.acked = sent
	}
	if len(p.pings) < maxPings {
		p.pings = append(p.pings, ping{now, begun, sent, sent-p.acked >= p.window/2})
	}
}

// Pong says that the oldest question was answered. One that was never asked is nothing.
func (p *Pace) Pong(now time.Time) {
	if len(p.pings) == 0 {
		return
	}
	q := p.pings[0]
	p.pings = p.pings[:copy(p.pings, p.pings[1:])]
	p.full = p.full || q.full
	p.speed.Delivered(q.begun, now, int(q.sent-p.acked))
	p.acked = q.sent
	took := max(now.Sub(q.at), time.Microsecond)
	if p.least == 0 || took < p.least {
		p.least = took
	}
	if p.next == 0 || took < p.next {
		p.next = took
	}
	if q.at.Before(p.round) {
		return // a round lasts from one question to its answer
	}
	p.adjust(p.next-p.least, took, p.full)
	p.round, p.next, p.full = now, 0, false
}

func (p *Pace) adjust(delay, took time.Duration, full bool) {
	switch {
	case delay > spike:
		p.slow = true
		p.window = uint64(float64(p.window) * float64(p.least) / float64(took))
	case delay > muchDelay:
		p.slow = true
		p.window -= min(p.window, 4<<10)
	case !full:
	case !p.slow && delay < someDelay:
		p.window *= 2
	case delay < littleDelay:
		p.window += 8 << 10
	case delay < someDelay:
		p.window += 4 << 10
	}
	if delay >= someDelay {
		p.slow = true
	}
	// What the line carries in the time to and back has to be on its way, or it stands idle.
	whole := uint64(p.speed.Speed() * (p.least + littleDelay).Seconds())
	p.window = min(max(minWindow, whole, p.window), maxWindow)
}

// Room is how many more bytes may be sent; sent is how many were.
func (p *Pace) Room(sent uint64) int {
	if p.window == 0 {
		return firstWindow
	}
	if used := sent - p.acked; used < p.window {
		return int(p.window - used)
	}
	return 0
}

// Least is the shortest time to the client and back.
func (p *Pace) Least() time.Duration { return p.least }

// Speed is how many bytes a second arrive; 0: not known.
func (p *Pace) Speed() float64 { return p.speed.Speed() }
