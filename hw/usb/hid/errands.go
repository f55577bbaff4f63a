package hid

import "sync"

// errands are calls of the router. It calls devices with its own lock held, so devices, and all that they complete, cannot call it back at once:
// a goroutine that lives as long as there is something to do runs these, in order.
type errands struct {
	mu   sync.Mutex // guards everything below
	idle *sync.Cond
	list []func()
	busy bool
}

// add has f run soon. It may be called with any lock held but the router's.
func (e *errands) add(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.idle == nil {
		e.idle = sync.NewCond(&e.mu)
	}
	e.list = append(e.list, f)
	if !e.busy {
		e.busy = true
		go e.run()
	}
}

func (e *errands) run() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.list) > 0 {
		f := e.list[0]
		e.list = e.list[1:]
		e.mu.Unlock()
		f()
		e.mu.Lock()
	}
	e.busy = false
	e.idle.Broadcast()
}

// wait waits until everything has been done.
func (e *errands) wait() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.busy {
		e.idle.Wait()
	}
}
