package main

import (
	"io"
	"sync"

	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/display/curses"
)

// cursesDisplay is -display curses.
func cursesDisplay() displayKind {
	return displayKind{options.Kind{Name: "curses", Help: "this terminal: text as text, graphics as half blocks; Alt-1 … Alt-9 change between the screen, the monitor and the ports"},
		func(s *settings, _ *options.Opts) error { s.display = "curses"; return nil }}
}

// cursesUI is the terminal as the program sees it.
type cursesUI struct {
	*curses.UI
	stderr *heldWriter
}

// Run lets messages pass again when the terminal is free.
func (u cursesUI) Run() {
	u.UI.Run()
	u.stderr.release()
}

func (p *program) curses() error {
	ui, err := curses.New(curses.Config{Name: p.s.name, Heads: p.heads(), Layout: p.s.layout})
	if err != nil {
		return err
	}
	p.s.stderr.hold()
	p.ui = cursesUI{ui, p.s.stderr}
	return nil
}

// maxHeld is how much of what is written meanwhile a heldWriter keeps.
const maxHeld = 64 << 10

// heldWriter keeps what is written while something else has the terminal.
type heldWriter struct {
	w io.Writer

	mu   sync.Mutex // guards everything below
	on   bool
	held []byte
}

// Write implements io.Writer.
func (h *heldWriter) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.on {
		return h.w.Write(p)
	}
	if len(h.held)+len(p) <= maxHeld {
		h.held = append(h.held, p...)
	}
	return len(p), nil
}

func (h *heldWriter) hold() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.on = true
}

func (h *heldWriter) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.w.Write(h.held)
	h.on, h.held = false, nil
}
