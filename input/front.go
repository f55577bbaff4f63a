package input

import "slices"

// Front is one front end of a Router: a client of a server, a window. It has a set of pressed keys and buttons of its own: a key that two of them hold
// comes up when both have let go, and what one holds is let go when it is closed or loses the focus.
type Front struct {
	r       *Router
	held    []Code // in the order they went down; guarded by the Router's mu
	closed  bool
	watches []*watcher
}

// Front adds a front end. It must be Closed.
func (r *Router) Front() *Front {
	f := &Front{r: r}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fronts = append(r.fronts[:len(r.fronts):len(r.fronts)], f)
	return f
}

// Send implements Sink. What a closed Front sends goes nowhere.
func (f *Front) Send(e Event) {
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	if !f.closed {
		f.send(e)
	}
}

// send keeps the set of pressed keys. A press that is repeated is passed on, as a keyboard's repetition; a release of what is not held is not, nor
// that of a key that another front end holds.
// Preconditions: the Router's mu is held.
func (f *Front) send(e Event) {
	if f.r.dragged(f, e) {
		return
	}
	if e.Kind != Key && e.Kind != Button {
		f.r.deliver(e)
		return
	}
	at := slices.Index(f.held, e.Code)
	switch {
	case e.Down && at < 0:
		f.held = append(f.held, e.Code)
	case !e.Down && at < 0:
		if f == &f.r.own && !f.r.anyHolds(e.Code) {
			f.r.deliver(e) // nobody knows of it: no harm
		}
		return
	case !e.Down:
		f.held = slices.Delete(f.held, at, at+1)
		if f.r.anyHolds(e.Code) {
			return
		}
	}
	f.r.deliver(e)
}

// dragged reports whether an event would take the pointer from another front end that has a button down: it has the pointer as long as it holds one,
// so that two people cannot tear a window apart. The Router's own events pass, as do releases.
// Preconditions: mu is held.
func (r *Router) dragged(f *Front, e Event) bool {
	if f == &r.own || e.Kind == Key || e.Kind == Sync || e.Kind == Button && !e.Down {
		return false
	}
	return slices.ContainsFunc(r.fronts, func(o *Front) bool {
		return o != f && slices.ContainsFunc(o.held, func(c Code) bool { return c >= BtnLeft && c <= BtnLast })
	})
}

// anyHolds reports whether a front end holds a key.
// Preconditions: mu is held.
func (r *Router) anyHolds(c Code) bool {
	return slices.Contains(r.own.held, c) || slices.ContainsFunc(r.fronts, func(f *Front) bool { return slices.Contains(f.held, c) })
}

// lift lets go of everything, the last first.
// Preconditions: the Router's mu is held.
func (f *Front) lift() {
	buttons := false
	for len(f.held) > 0 {
		e := Event{Kind: Key, Code: f.held[len(f.held)-1]}
		if e.Code >= BtnLeft && e.Code <= BtnLast {
			e.Kind, buttons = Button, true
		}
		f.send(e)
	}
	if buttons {
		f.r.deliver(Event{Kind: Sync})
	}
}

// ReleaseAll lets go of everything that the front end holds: it has lost the focus.
func (f *Front) ReleaseAll() {
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	f.lift()
}

// Close lets go of everything and removes the front end. It may be called twice.
func (f *Front) Close() error {
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	f.lift()
	f.closed = true
	f.r.fronts = slices.DeleteFunc(slices.Clone(f.r.fronts), func(o *Front) bool { return o == f })
	f.r.watch = slices.DeleteFunc(slices.Clone(f.r.watch), func(w *watcher) bool { return slices.Contains(f.watches, w) })
	return nil
}

// Absolute is the Router's.
func (f *Front) Absolute() bool { return f.r.Absolute() }

// LEDs is the Router's.
func (f *Front) LEDs() LEDs { return f.r.LEDs() }

// WatchLEDs has fn called, which must not block, whenever the lights change, until the front end is closed.
func (f *Front) WatchLEDs(fn func(LEDs)) {
	w := &watcher{fn}
	f.r.addWatch(w)
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	f.watches = append(f.watches, w)
}
