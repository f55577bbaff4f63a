package input

import (
	"fmt"
	"sync"
	"testing"
)

type sink []Event

func (s *sink) Send(e Event) { *s = append(*s, e) }

func (s *sink) want(t *testing.T, want ...Event) {
	t.Helper()
	if fmt.Sprint([]Event(*s)) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", *s, want)
	}
	*s = nil
}

func TestRouter_lastOneGetsIt(t *testing.T) {
	var r Router
	var ps2, tablet sink
	r.Send(Event{Kind: Key, Code: 30, Down: true}) // nobody there: no harm
	r.Send(Event{Kind: Key, Code: 30})
	r.Add(&ps2, Key, Rel, Button)
	if r.Absolute() {
		t.Error("a mouse takes positions")
	}
	remove := r.Add(&tablet, Abs, Button)
	if !r.Absolute() {
		t.Error("a tablet takes no positions")
	}
	key, btn, abs := Event{Kind: Key, Code: 1, Down: true}, Event{Kind: Button, Code: BtnLeft}, Event{Kind: Abs, X: 5}
	r.Send(key)
	r.Send(btn)
	r.Send(abs)
	ps2.want(t, key)
	tablet.want(t, btn, abs)
	remove()
	remove()
	r.Send(btn)
	r.Send(abs)
	ps2.want(t, btn)
	tablet.want(t)
	if r.Absolute() {
		t.Error("still takes positions")
	}
}

func TestRouter_releaseAll(t *testing.T) {
	var r Router
	var s sink
	r.Add(&s, Key)
	for _, c := range []Code{30, 31} {
		r.Send(Event{Kind: Key, Code: c, Down: true})
	}
	r.Send(Event{Kind: Key, Code: 30})
	s = nil
	r.ReleaseAll()
	s.want(t, Event{Kind: Key, Code: 31})
	r.ReleaseAll()
	s.want(t)
}

func TestRouter_leds(t *testing.T) {
	var r Router
	var got []LEDs
	r.WatchLEDs(func(l LEDs) {
		if r.LEDs() != l {
			t.Error("the state lags behind")
		}
		got = append(got, l)
	})
	r.SetLEDs(LEDCaps)
	r.SetLEDs(LEDCaps)
	r.SetLEDs(LEDNum)
	if fmt.Sprint(got) != fmt.Sprint([]LEDs{LEDCaps, LEDNum}) {
		t.Errorf("told %v", got)
	}
}

type nowhere struct{}

func (nowhere) Send(Event) {}

// TestRouter_concurrent is for the race detector.
func TestRouter_concurrent(t *testing.T) {
	var r Router
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 200 {
				remove := r.Add(nowhere{}, Key)
				r.Send(Event{Kind: Key, Code: Code(i), Down: true})
				r.ReleaseAll()
				r.Absolute()
				r.SetLEDs(LEDs(i))
				remove()
			}
		})
	}
	wg.Wait()
}

// TestRouter_handsOver plugs a keyboard in while keys are held: the old one must not repeat them for ever.
func TestRouter_handsOver(t *testing.T) {
	var r Router
	var ps2, usb sink
	r.Add(&ps2, Key, Button, Rel, Sync)
	f := r.Front()
	for _, e := range []Event{press(30), press(31), {Kind: Button, Code: BtnLeft, Down: true}} {
		f.Send(e)
	}
	ps2 = nil
	r.Add(&usb, Key)
	ps2.want(t, release(30), release(31))
	f.Send(release(30))
	f.Send(press(32))
	usb.want(t, release(30), press(32))
	ps2.want(t)
	r.Add(&usb, Abs, Button, Sync)
	ps2.want(t, Event{Kind: Button, Code: BtnLeft}, Event{Kind: Sync})
}

// TestRouter_syncGoesAfter has two pointers: what belongs together ends where it went.
func TestRouter_syncGoesAfter(t *testing.T) {
	var r Router
	var tablet, mouse sink
	r.Add(&tablet, Abs, Button, Sync)
	r.Add(&mouse, Rel, Button, Sync)
	abs, rel, end := Event{Kind: Abs, X: 1}, Event{Kind: Rel, X: 2}, Event{Kind: Sync}
	r.Send(abs)
	r.Send(end)
	tablet.want(t, abs, end)
	mouse.want(t)
	r.Send(rel)
	r.Send(abs)
	r.Send(end)
	tablet.want(t, abs, end)
	mouse.want(t, rel, end)
}
