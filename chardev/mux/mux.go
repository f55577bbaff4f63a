// Package mux lets several streams share one: what is typed goes to the one that has the focus, what any of them writes is shown. Ctrl-A is the
// escape, as QEMU's -nographic has it: Ctrl-A x quits, c changes the focus, b sends a break, h shows help, Ctrl-A twice types it.
package mux

import (
	"io"
	"sync"

	"govm-desktop/chardev"
)

const escape = 0x01

const help = "\r\nCtrl-A h    this help\r\nCtrl-A x    quit\r\nCtrl-A c    change between console and monitor\r\nCtrl-A b    send a break\r\nCtrl-A Ctrl-A  type Ctrl-A\r\n"

// Mux is the shared stream.
type Mux struct {
	base chardev.Stream
	quit func()

	wmu sync.Mutex // one writer at a time

	mu    sync.Mutex // guards everything below
	ends  []*end
	focus int
	esc   bool
}

// Focuser is a stream that shares a terminal: f is called when it gets the focus for the first time. It reports whether it has to wait for that.
type Focuser interface{ OnFocus(f func()) (waits bool) }

// maxTyped is how much may be typed ahead, in bytes, to one whose reader takes nothing. The escapes are heard until then.
const maxTyped = 64 << 10

type end struct {
	m       *Mux
	onBreak func()
	onFocus func() // guarded by m.mu

	mu     sync.Mutex // guards everything below
	cond   sync.Cond  // any of it has changed
	typed  []byte     // and not yet read
	closed bool
}

// New returns a Mux on base; quit is called for Ctrl-A x. Start begins to read.
func New(base chardev.Stream, quit func()) *Mux { return &Mux{base: base, quit: quit} }

// Stream adds one that shares. The first has the focus.
func (m *Mux) Stream() chardev.Stream {
	e := &end{m: m}
	e.cond.L = &e.mu
	m.mu.Lock()
	m.ends = append(m.ends, e)
	m.mu.Unlock()
	return e
}

// Start reads from the base until it ends.
func (m *Mux) Start() {
	go func() {
		buf := make([]byte, 256)
		for {
			n, err := m.base.Read(buf)
			for _, b := range buf[:n] {
				m.typed(b)
			}
			if err != nil {
				return
			}
		}
	}()
}

func (m *Mux) typed(b byte) {
	m.mu.Lock()
	esc := m.esc
	m.esc = !esc && b == escape
	to := m.ends[m.focus]
	m.mu.Unlock()
	switch {
	case !esc && b == escape:
	case !esc || b == escape:
		to.put(b)
	case b == 'x':
		m.quit()
	case b == 'h' || b == '?':
		m.write([]byte(help))
	case b == 'b':
		if to.onBreak != nil {
			to.onBreak()
		}
	case b == 'c':
		m.next()
	}
}

// next moves the focus on.
func (m *Mux) next() {
	m.mu.Lock()
	m.focus = (m.focus + 1) % len(m.ends)
	e := m.ends[m.focus]
	f := e.onFocus
	e.onFocus = nil
	m.mu.Unlock()
	if f != nil {
		f()
	}
}

// OnFocus implements Focuser.
func (e *end) OnFocus(f func()) (waits bool) {
	e.m.mu.Lock()
	defer e.m.mu.Unlock()
	if e.m.ends[e.m.focus] == e {
		return false
	}
	e.onFocus = f
	return true
}

func (m *Mux) write(p []byte) (int, error) {
	m.wmu.Lock()
	defer m.wmu.Unlock()
	return m.base.Write(p)
}

// OnBreak implements Breaker.
func (e *end) OnBreak(f func()) { e.onBreak = f }

// Write shows p, whoever has the focus.
func (e *end) Write(p []byte) (int, error) { return e.m.write(p) }

// put adds what was typed; it waits while there is no room.
func (e *end) put(b byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.typed) >= maxTyped && !e.closed {
		e.cond.Wait()
	}
	e.typed = append(e.typed, b)
	e.cond.Broadcast()
}

// Read waits for something to be typed; io.EOF after Close.
func (e *end) Read(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.typed) == 0 && !e.closed {
		e.cond.Wait()
	}
	if e.closed {
		return 0, io.EOF
	}
	n := copy(p, e.typed)
	e.typed = e.typed[n:]
	e.cond.Broadcast()
	return n, nil
}

// Close makes Read return; the shared stream stays open.
func (e *end) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.cond.Broadcast()
	return nil
}
