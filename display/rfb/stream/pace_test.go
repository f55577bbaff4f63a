package stream

import (
	"testing"
	"time"
)

// line is a connection of some bytes a second and a time to and back, with all that a client answers.
type line struct {
	rate float64
	rtt  time.Duration
	free time.Time // when what was sent is through
}

// TestPace fills lines and looks at how much they carry, and how late it comes.
func TestPace(t *testing.T) {
	for name, c := range map[string]struct {
		l     line
		least float64 // of the line's rate
		most  time.Duration
	}{
		"10 Mbit/s, 20 ms":  {line{rate: 1.25e6, rtt: 20 * time.Millisecond}, 0.7, 150 * time.Millisecond},
		"100 Mbit/s, 50 ms": {line{rate: 12.5e6, rtt: 50 * time.Millisecond}, 0.5, 200 * time.Millisecond},
		"1 Mbit/s, 200 ms":  {line{rate: 125e3, rtt: 200 * time.Millisecond}, 0.6, 600 * time.Millisecond},
		"a local one":       {line{rate: 1e9, rtt: 200 * time.Microsecond}, 0.05, 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			var p Pace
			now, sent, l := time.Unix(0, 0), uint64(0), c.l
			l.free = now
			var pongs []time.Time
			var worst time.Duration
			const length = 10 * time.Second
			for end := now.Add(length); now.Before(end); now = now.Add(200 * time.Microsecond) {
				for len(pongs) > 0 && !pongs[0].After(now) {
					p.Pong(now)
					pongs = pongs[1:]
				}
				for p.Room(sent) > 0 && len(pongs) < maxPings {
					n := min(p.Room(sent), 16<<10)
					sent += uint64(n)
					if l.free.Before(now) {
						l.free = now
					}
					l.free = l.free.Add(time.Duration(float64(n) / l.rate * 1e9))
					p.Ping(now, now, sent)
					pongs = append(pongs, l.free.Add(l.rtt))
					if now.Sub(time.Unix(0, 0)) > length/2 {
						worst = max(worst, l.free.Add(l.rtt).Sub(now))
					}
				}
			}
			if rate := float64(sent) / length.Seconds(); rate < c.least*l.rate || worst > c.most {
				t.Errorf("%.0f bytes/s of %.0f, at most %v late", rate, l.rate, worst)
			}
		})
	}
}

func TestPace_answersToNothing(t *testing.T) {
	var p Pace
	p.Pong(time.Unix(0, 0))
	if p.Room(0) <= 0 {
		t.Error("no room at all")
	}
	for i := range uint64(3 * maxPings) {
		p.Ping(time.Unix(int64(i), 0), time.Unix(int64(i), 0), i)
	}
	if len(p.pings) > maxPings {
		t.Errorf("%d questions are kept", len(p.pings))
	}
}
