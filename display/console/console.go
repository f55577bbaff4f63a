// Package console is a terminal in a window's place: what is written to it is shown on a Screen of its own, what is typed at that Screen can be read
// from it. It lets every front end show the monitor and the serial ports.
//
// The terminal understands what programs for xterm send (ECMA-48, DEC's VT100 and VT220, xterm's ctlseqs): cursor, editing, scrolling regions, tabs,
// line drawing, colours up to 24 bits, the alternate screen, bracketed paste; UTF-8. Left out: the mouse (it marks text here), double-width lines,
// blinking (shown as steady), combining marks, fonts for scripts beyond Latin, Greek and Cyrillic, sixels.
package console

import (
	"io"
	"sync"

	"govm-desktop/display"
	"govm-desktop/input"
	"govm-desktop/input/layout"
)

// Defaults of a Config, and bounds.
const (
	defaultCols    = 80
	defaultRows    = 24
	defaultHistory = 2000
	minSize        = 2
	maxCols        = 512
	maxRows        = 256
	maxTyped       = 1 << 20 // bytes typed, pasted or answered that nobody has read
)

// Config says how a Console looks. Zero values stand for defaults.
type Config struct {
	Name       string
	Cols, Rows int
	History    int            // lines kept that have gone off the top
	Layout     *layout.Layout // what keys give, for front ends that send keys alone; nil: us
}

// Console is a terminal. It implements chardev.Stream and display.Text.
type Console struct {
	name   string
	screen *display.Screen
	input  *input.Router
	keys   keyboard
	once   sync.Once

	mu     sync.Mutex // guards everything below
	term   *term
	view   view
	paint  painter
	wake   func()
	typed  []byte
	some   sync.Cond // typed has bytes, or closed
	closed bool
}

// New returns a Console. Close ends it.
func New(cfg Config) (*Console, error) {
	size := func(n, def, most int) int {
		if n == 0 {
			n = def
		}
		return min(max(n, minSize), most)
	}
	if cfg.Layout == nil {
		var err error
		if cfg.Layout, err = layout.Find("us"); err != nil {
			return nil, err
		}
	}
	if cfg.History == 0 {
		cfg.History = defaultHistory
	}
	c := &Console{name: cfg.Name, input: &input.Router{}, wake: func() {}}
	c.some.L = &c.mu
	c.keys = keyboard{c: c, layout: cfg.Layout, down: map[input.Code]bool{}}
	c.term = newTerm(size(cfg.Cols, defaultCols, maxCols), size(cfg.Rows, defaultRows, maxRows), max(cfg.History, 0))
	c.term.reply = c.queue
	c.paint.palette = palette()
	c.screen = display.NewScreen(c, display.Options{})
	c.input.Add(&c.keys, input.Key, input.Button, input.Abs, input.Wheel, input.Sync)
	return c, nil
}

// Head is the console for front ends to show.
func (c *Console) Head() *display.Head {
	return &display.Head{Name: c.name, Screen: c.screen, Input: c.input, Text: c}
}

// Write shows p. It never waits for anybody.
func (c *Console) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return 0, io.ErrClosedPipe
	}
	before := c.term.pushed
	c.term.parser.feed(p, c.term)
	c.view.scrolled(int(min(c.term.pushed-before, 1<<30)), len(c.term.history))
	wake := c.wake
	c.mu.Unlock()
	wake()
	return len(p), nil
}

// Read waits for something to be typed; io.EOF after Close.
func (c *Console) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.typed) == 0 && !c.closed {
		c.some.Wait()
	}
	if c.closed {
		return 0, io.EOF
	}
	n := copy(p, c.typed)
	if c.typed = c.typed[n:]; len(c.typed) == 0 {
		c.typed = nil
	}
	return n, nil
}

// Close ends Read and the Screen.
func (c *Console) Close() error {
	c.once.Do(func() {
		c.mu.Lock()
		c.closed = true
		c.some.Broadcast()
		c.mu.Unlock()
		c.screen.Close()
	})
	return nil
}

// queue is where bytes for the reader go. What nobody reads is dropped at the bound.
// Preconditions: mu is held.
func (c *Console) queue(p []byte) {
	if len(c.typed)+len(p) <= maxTyped && !c.closed {
		c.typed = append(c.typed, p...)
		c.some.Signal()
	}
}

// enter is what a user typed: the view goes back to the cursor, and nothing is marked any more.
// Preconditions: mu is held.
func (c *Console) enter(p []byte) {
	if len(p) > 0 {
		c.queue(p)
		c.view.offset = 0
		c.view.unmark()
	}
}

// change runs f with the lock held, and has the Screen look.
func (c *Console) change(f func()) {
	c.mu.Lock()
	f()
	wake := c.wake
	c.mu.Unlock()
	wake()
}

// Type implements display.Text.
func (c *Console) Type(s string) { c.change(func() { c.enter([]byte(s)) }) }

// Paste implements display.Text: line ends become those of the Enter key, other controls do not pass.
func (c *Console) Paste(s string) {
	c.change(func() {
		out := make([]byte, 0, len(s)+12)
		if c.term.paste {
			out = append(out, "\x1b[200~"...)
		}
		for i := 0; i < len(s); i++ {
			switch b := s[i]; {
			case b == '\r' && i+1 < len(s) && s[i+1] == '\n':
			case b == '\n', b == '\r':
				out = append(out, '\r')
			case b >= ' ' && b != 0x7f, b == '\t':
				out = append(out, b)
			}
		}
		if c.term.paste {
			out = append(out, "\x1b[201~"...)
		}
		c.enter(out)
	})
}

// Notify implements display.Notifier.
func (c *Console) Notify(wake func()) {
	if wake == nil {
		wake = func() {}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wake = wake
}
