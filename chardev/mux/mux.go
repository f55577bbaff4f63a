// Package mux lets several streams share one: what is typed goes to the one that has the focus, what any of them writes is shown. Ctrl-A is the
// escape (another key by SetEscape), as QEMU's -nographic has it: Ctrl-A x quits, c changes the focus, b sends a break, s saves what -snapshot keeps back to
// the images, t puts the time before each line, h shows help, Ctrl-A twice types it.
package mux

import (
	"fmt"
	"io"
	"sync"
	"time"

	"govm-desktop/chardev"
)

// escape is Ctrl-A, unless SetEscape says another.
const escape = 0x01

// help is the list of the escapes; %[1]s is how the escape key is called.
const help = "\r\n%[1]s h    this help\r\n%[1]s x    quit\r\n%[1]s s    save what -snapshot keeps back to the images\r\n%[1]s t    time before each line, on and off\r\n" +
	"%[1]s b    send a break\r\n%[1]s c    change between console and monitor\r\n%[1]s %[1]s    type %[1]s\r\n"

// Mux is the shared stream.
type Mux struct {
	base chardev.Stream
	quit func()

	wmu   sync.Mutex // one writer at a time; guards what follows, up to mu
	since time.Time  // when the time began to be shown; zero: it is not
	fresh bool       // the next byte begins a line

	mu    sync.Mutex // guards everything below
	ends  []*end
	focus int
	esc   bool
	key   byte   // the escape
	save  func() // nil: there is nothing to save
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
func New(base chardev.Stream, quit func()) *Mux { return &Mux{base: base, quit: quit, key: escape} }

// SetEscape makes another key the escape; 0: there is none.
func (m *Mux) SetEscape(key byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.key = key
}

// OnSave has f called for Ctrl-A s.
func (m *Mux) OnSave(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.save = f
}

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
	esc, key, save := m.esc, m.key, m.save
	m.esc = !esc && b == key && key != 0
	pressed := m.esc
	to := m.ends[m.focus]
	m.mu.Unlock()
	switch {
	case pressed:
	case !esc || b == key:
		to.put(b)
	case b == 'x':
		m.write([]byte("\r\ngovm-desktop: terminated\r\n"))
		m.quit()
	case b == 'h' || b == '?':
		m.write(fmt.Appendf(nil, help, keyName(key)))
	case b == 's':
		if save != nil {
			save()
		}
	case b == 't':
		m.toggleTime()
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
	if m.since.IsZero() {
		return m.base.Write(p)
	}
	if _, err := m.base.Write(m.timed(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Say shows a message.
func (m *Mux) Say(text string) { m.write([]byte(text)) }

// toggleTime begins to show how much time has passed since then, or ends it.
func (m *Mux) toggleTime() {
	m.wmu.Lock()
	defer m.wmu.Unlock()
	if m.since.IsZero() {
		m.since, m.fresh = time.Now(), false
	} else {
		m.since = time.Time{}
	}
}

// timed is p with the time before each line.
// Preconditions: wmu is held.
func (m *Mux) timed(p []byte) []byte {
	ms := time.Since(m.since).Milliseconds()
	stamp := fmt.Sprintf("[%02d:%02d:%02d.%03d] ", ms/3600000, ms/60000%60, ms/1000%60, ms%1000)
	var out []byte
	for _, b := range p {
		if m.fresh && b != '\r' {
			out, m.fresh = append(out, stamp...), false
		}
		if out = append(out, b); b == '\n' {
			m.fresh = true
		}
	}
	return out
}

// keyName is how people call a key of control.
func keyName(key byte) string {
	if key < ' ' {
		return "Ctrl-" + string(rune(key+'@'))
	}
	return fmt.Sprintf("key %d", key)
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
