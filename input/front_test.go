package input

import "testing"

func press(c Code) Event   { return Event{Kind: Key, Code: c, Down: true} }
func release(c Code) Event { return Event{Kind: Key, Code: c} }

func TestFront_sharedKey(t *testing.T) {
	var r Router
	var s sink
	r.Add(&s, Key, Button, Rel, Sync)
	a, b := r.Front(), r.Front()
	a.Send(press(42))
	b.Send(press(42))
	s.want(t, press(42), press(42))
	a.Send(release(42))
	s.want(t) // the other one still holds it
	a.Send(release(42))
	s.want(t)
	b.Send(release(42))
	s.want(t, release(42))
}

func TestFront_close(t *testing.T) {
	var r Router
	var s sink
	r.Add(&s, Key, Button, Sync)
	a, b := r.Front(), r.Front()
	for _, e := range []Event{press(29), press(56), {Kind: Button, Code: BtnLeft, Down: true}} {
		a.Send(e)
	}
	b.Send(press(30))
	s = nil
	a.Close()
	a.Close()
	s.want(t, Event{Kind: Button, Code: BtnLeft}, release(56), release(29), Event{Kind: Sync})
	a.Send(press(31))
	s.want(t)
	b.ReleaseAll()
	s.want(t, release(30))
	b.Send(press(30)) // it has only lost the focus
	s.want(t, press(30))
}

func TestRouter_resetLiftsAll(t *testing.T) {
	var r Router
	var s sink
	r.Add(&s, Key)
	a := r.Front()
	a.Send(press(30))
	r.Send(press(31))
	s = nil
	r.ReleaseAll()
	s.want(t, release(31), release(30))
	a.Send(release(30)) // late
	s.want(t)
}

func TestFront_ledsEndWithIt(t *testing.T) {
	var r Router
	f, n := r.Front(), 0
	f.WatchLEDs(func(LEDs) { n++ })
	r.SetLEDs(LEDCaps)
	if f.LEDs() != LEDCaps || n != 1 {
		t.Errorf("lights %d, told %d times", f.LEDs(), n)
	}
	f.Close()
	if r.SetLEDs(LEDNum); n != 1 {
		t.Error("told after the end")
	}
}

// TestFront_drag lets nobody else move the pointer or press its buttons while one holds a button.
func TestFront_drag(t *testing.T) {
	var r Router
	var s sink
	r.Add(&s, Key, Button, Rel, Wheel, Sync)
	a, b := r.Front(), r.Front()
	left, right := Event{Kind: Button, Code: BtnLeft, Down: true}, Event{Kind: Button, Code: BtnRight, Down: true}
	up := left
	up.Down = false
	moved, notch := Event{Kind: Rel, X: 1}, Event{Kind: Wheel, Y: 1}
	for _, e := range []Event{moved, left} {
		a.Send(e)
	}
	for _, e := range []Event{moved, left, right, notch, up, press(30), release(30)} {
		b.Send(e)
	}
	a.Send(moved)
	r.Send(notch) // the monitor's
	s.want(t, moved, left, press(30), release(30), moved, notch)
	a.Send(up)
	b.Send(moved)
	b.Send(right)
	a.Send(moved)
	s.want(t, up, moved, right)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	a.Send(moved)
	right.Down = false
	s.want(t, right, Event{Kind: Sync}, moved)
}
