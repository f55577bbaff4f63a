package clock

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		t    Time
		hz   uint64
		want uint64
	}{
		{0, 1193182, 0},
		{Second, 1193182, 1193182},
		{Second - 1, 1193182, 1193181},
		{1000 * Second, 3579545, 3579545000},
		{838, 1193182, 0},
		{839, 1193182, 1},
		{1<<63 - 1, 1e9, 1<<63 - 1},
		{1<<63 - 1, 1, 9223372036},
	} {
		if got := Ticks(c.t, c.hz); got != c.want {
			t.Errorf("Ticks(%d, %d) = %d, want %d", c.t, c.hz, got, c.want)
		}
	}
}

// TestFromTicks holds it to its word: it is the first time with that many ticks.
func TestFromTicks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, hz := range []uint64{1, 32768, 1193182, 3579545, 1e8, 1e9} {
		for range 2000 {
			n := r.Uint64N(hz * 1e6)
			at := FromTicks(n, hz)
			if Ticks(at, hz) != n || at > 0 && Ticks(at-1, hz) >= n && n > 0 {
				t.Fatalf("FromTicks(%d, %d) = %d, which has %d ticks and %d before it", n, hz, at, Ticks(at, hz), Ticks(at-1, hz))
			}
		}
	}
}

func TestManual_order(t *testing.T) {
	m := NewManual()
	var got []Time
	note := func() { got = append(got, m.Now()) }
	a, b, c := m.NewTimer(note), m.NewTimer(note), m.NewTimer(note)
	a.Set(300)
	b.Set(100)
	c.Set(200)
	c.Stop()
	a.Set(50)
	m.Step(1000)
	if len(got) != 2 || got[0] != 50 || got[1] != 100 {
		t.Errorf("fired at %v, want [50 100]", got)
	}
	if m.Now() != 1000 {
		t.Errorf("now %d, want 1000", m.Now())
	}
}

func TestManual_rearms(t *testing.T) {
	m := NewManual()
	var timer Timer
	n := 0
	timer = m.NewTimer(func() {
		n++
		timer.Set(m.Now() + 10)
	})
	timer.Set(10)
	m.Step(95)
	if n != 9 {
		t.Errorf("fired %d times, want 9", n)
	}
	timer.Set(Never)
	m.Step(100)
	if n != 9 {
		t.Errorf("fired %d times after Never", n-9)
	}
}

func TestManual_pastFiresAtOnce(t *testing.T) {
	m := NewManual()
	m.Step(100)
	n := 0
	timer := m.NewTimer(func() { n++ })
	timer.Set(5)
	m.Step(0)
	if n != 1 || m.Now() != 100 {
		t.Errorf("fired %d times at %d", n, m.Now())
	}
}

func TestCounted(t *testing.T) {
	woken, fired := 0, 0
	c := NewCounted(func() { woken++ })
	if c.Idle() || c.Deadline() != Never {
		t.Error("idles with no timer")
	}
	a, b := c.NewTimer(func() { fired++ }), c.NewTimer(func() { fired++ })
	a.Set(100)
	b.Set(200) // not sooner: nobody need wake
	if woken != 1 {
		t.Errorf("woken %d times, want 1", woken)
	}
	b.Set(50)
	if woken != 2 || c.Deadline() != 50 {
		t.Errorf("woken %d times, deadline %d", woken, c.Deadline())
	}
	b.Set(60) // later than it was: no need either
	b.Set(50)
	if woken != 3 || c.Deadline() != 50 {
		t.Errorf("woken %d times, deadline %d", woken, c.Deadline())
	}
	c.Advance(49)
	if fired != 0 {
		t.Error("fired early")
	}
	c.Advance(1)
	if fired != 1 || !c.Idle() || c.Now() != 100 || fired != 2 {
		t.Errorf("fired %d, now %d", fired, c.Now())
	}
	c.Set(7)
	if c.Now() != 7 {
		t.Errorf("now %d, want 7", c.Now())
	}
}

func TestReal(t *testing.T) {
	r := NewReal()
	defer r.Close()
	fired := make(chan Time, 10)
	timer := r.NewTimer(func() { fired <- r.Now() })
	timer.Set(Millisecond)
	r.Set(5 * Second)
	if a := r.Now(); a != 5*Second || r.Now() != a {
		t.Errorf("a stopped clock moves from %d to %d", a, r.Now())
	}
	select {
	case <-fired:
		t.Error("a timer of a stopped clock fired")
	default:
	}
	r.Start()
	<-fired // its time has passed
	timer.Set(r.Now() + Millisecond)
	want := r.Now()
	if at := <-fired; at < want {
		t.Errorf("fired at %d, before %d", at, want)
	}
	r.Stop()
	a := r.Now()
	time.Sleep(time.Millisecond)
	if r.Now() != a {
		t.Error("moves on after Stop")
	}
}

// TestReal_concurrent arms and stops timers from everywhere: for the race detector.
func TestReal_concurrent(t *testing.T) {
	r := NewReal()
	defer r.Close()
	r.Start()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			timer := r.NewTimer(func() {})
			for i := range 200 {
				timer.Set(r.Now() + Time(i))
				if i%3 == 0 {
					timer.Stop()
				}
			}
			done := make(chan struct{}, 1)
			last := r.NewTimer(func() { done <- struct{}{} })
			last.Set(r.Now())
			<-done
		})
	}
	wg.Wait()
}

func TestQueue_random(t *testing.T) {
	m := NewManual()
	rnd := rand.New(rand.NewPCG(3, 4))
	type entry struct {
		timer Timer
		at    Time
	}
	var all []*entry
	fired := map[*entry]Time{}
	for range 200 {
		e := &entry{at: Never}
		e.timer = m.NewTimer(func() { fired[e] = m.Now() })
		all = append(all, e)
	}
	for range 2000 {
		e := all[rnd.IntN(len(all))]
		e.at = Never
		if rnd.IntN(3) == 0 {
			e.timer.Stop()
			continue
		}
		e.at = Time(1 + rnd.Int64N(1000))
		e.timer.Set(e.at)
	}
	m.Step(2000)
	for _, e := range all {
		if at, ok := fired[e]; ok != (e.at != Never) || ok && at != e.at {
			t.Fatalf("a timer for %d fired at %d (%t)", e.at, at, ok)
		}
	}
}

// TestReal_neverRunsBack reads the time while it is stopped and started.
func TestReal_neverRunsBack(t *testing.T) {
	r := NewReal()
	defer r.Close()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		wg.Go(func() {
			for last := Time(0); ; {
				now := r.Now()
				if now < last {
					t.Errorf("from %d back to %d", last, now)
					return
				}
				last = now
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range 500 {
		r.Start()
		r.Stop()
	}
	close(stop)
	wg.Wait()
}

func BenchmarkReal_now(b *testing.B) {
	r := NewReal()
	defer r.Close()
	r.Start()
	for b.Loop() {
		r.Now()
	}
}
