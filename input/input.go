// Package input carries keys and pointer movements from the displays, the monitor and tests to the guest's input devices. The hub of all key
// codes is Linux's evdev number (include/uapi/linux/input-event-codes.h).
package input

import (
	"slices"
	"sync"
)

// Code is a Linux evdev key or button number.
type Code uint16

// Kind says which fields of an Event matter.
type Kind uint8

// Kinds of events.
const (
	Key    Kind = iota // Code, Down: a key
	Button             // Code (BTN_LEFT…), Down
	Rel                // X, Y: movement in pixels of the screen, right and down positive
	Abs                // X, Y: position from 0 to AbsMax across the screen
	Wheel              // X, Y: notches; Y positive is away from the user (scroll up), X positive is to the right
	Sync               // the events since the last Sync belong together
)

// AbsMax is the right or bottom edge in Abs events.
const AbsMax = 32767

// Event is one thing that a person did.
type Event struct {
	Kind Kind
	Code Code
	Down bool
	X, Y int32
}

// Pointer buttons (BTN_*).
const (
	BtnLeft   Code = 0x110
	BtnRight  Code = 0x111
	BtnMiddle Code = 0x112
	BtnSide   Code = 0x113
	BtnExtra  Code = 0x114
	BtnLast   Code = 0x117 // the last of a mouse
)

// Sink takes events. Send never blocks.
type Sink interface{ Send(Event) }

// LEDs are a keyboard's lights.
type LEDs uint8

// Lights.
const (
	LEDScroll LEDs = 1 << iota
	LEDNum
	LEDCaps
)

// Router is the machine's Sink: it passes each event to the guest's active device of the kind. The last one Added that wants a kind gets it,
// as with a keyboard plugged in later. Each front end that holds keys on its own (a client, a window) has a Front.
type Router struct {
	mu      sync.Mutex // guards everything below, and the Fronts
	devices []*routed
	added   int // devices, ever
	leds    LEDs
	watch   []*watcher
	own     Front // what is sent to the Router itself
	fronts  []*Front
	tap     func(Event)

	unsynced []*routed // that have got something of a pointer since the last Sync
}

type watcher struct{ f func(LEDs) }

type routed struct {
	sink  Sink
	kinds []Kind
	name  string // of a pointer, for people
	index int    // never used for another one
}

// Add makes a device take part; it gets the kinds of events it names. The result removes it.
func (r *Router) Add(s Sink, kinds ...Kind) (remove func()) {
	return r.AddPointer("pointer", s, kinds...)
}

// AddPointer is Add for a device that people choose by a name.
func (r *Router) AddPointer(name string, s Sink, kinds ...Kind) (remove func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := &routed{sink: s, kinds: kinds, name: name, index: r.added}
	r.added++
	r.handOver(kinds)
	r.devices = append(r.devices[:len(r.devices):len(r.devices)], d)
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		for i, x := range r.devices {
			if x == d {
				r.devices = append(r.devices[:i:i], r.devices[i+1:]...)
			}
		}
		r.unsynced = slices.DeleteFunc(r.unsynced, func(x *routed) bool { return x == d })
	}
}

// handOver lets go of what is held of the kinds on the device that has had them so far: its releases go to another one from now on.
// Preconditions: mu is held.
func (r *Router) handOver(kinds []Kind) {
	buttons := false
	for _, f := range append([]*Front{&r.own}, r.fronts...) {
		for _, c := range f.held {
			e := Event{Kind: Key, Code: c}
			if c >= BtnLeft && c <= BtnLast {
				e.Kind = Button
			}
			if d := r.active(e.Kind); d != nil && slices.Contains(kinds, e.Kind) {
				d.sink.Send(e)
				buttons = buttons || e.Kind == Button
			}
		}
	}
	if d := r.active(Sync); buttons && d != nil {
		d.sink.Send(Event{Kind: Sync})
	}
}

// active is the device that gets a kind of events; nil: none does.
// Preconditions: mu is held.
func (r *Router) active(k Kind) *routed {
	for i := len(r.devices) - 1; i >= 0; i-- {
		if slices.Contains(r.devices[i].kinds, k) {
			return r.devices[i]
		}
	}
	return nil
}

// Absolute reports whether the active pointer takes positions (a tablet): displays then send Abs, not Rel.
func (r *Router) Absolute() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.devices) - 1; i >= 0; i-- {
		for _, k := range r.devices[i].kinds {
			if k == Abs || k == Rel {
				return k == Abs
			}
		}
	}
	return false
}

// Send implements Sink, for senders without a Front.
func (r *Router) Send(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own.r = r
	r.own.send(e)
}

// deliver gives an event to the active device.
// Preconditions: mu is held.
func (r *Router) deliver(e Event) {
	if r.tap != nil {
		r.tap(e)
	}
	if e.Kind == Sync && len(r.unsynced) > 0 { // it ends what those have got
		for _, d := range r.unsynced {
			if slices.Contains(d.kinds, Sync) {
				d.sink.Send(e)
			}
		}
		r.unsynced = r.unsynced[:0]
		return
	}
	d := r.active(e.Kind)
	if d == nil {
		return
	}
	d.sink.Send(e)
	if e.Kind != Key && e.Kind != Sync && !slices.Contains(r.unsynced, d) {
		r.unsynced = append(r.unsynced, d)
	}
}

// ReleaseAll lets go of every key and button that any front end holds: for a machine that is reset.
func (r *Router) ReleaseAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own.r = r
	r.own.lift()
	for _, f := range r.fronts {
		f.lift()
	}
}

// SetLEDs is called by the keyboard when the guest changes its lights. Preconditions: no lock is held that a watcher takes.
func (r *Router) SetLEDs(l LEDs) {
	r.mu.Lock()
	changed := r.leds != l
	r.leds = l
	watch := r.watch
	r.mu.Unlock()
	if changed {
		for _, w := range watch {
			w.f(l)
		}
	}
}

// LEDs is the state of the guest's keyboard lights.
func (r *Router) LEDs() LEDs {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.leds
}

// WatchLEDs has f called, which must not block, whenever the lights change.
func (r *Router) WatchLEDs(f func(LEDs)) { r.addWatch(&watcher{f}) }

func (r *Router) addWatch(w *watcher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watch = append(r.watch[:len(r.watch):len(r.watch)], w)
}
