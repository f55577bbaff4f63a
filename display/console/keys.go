package console

import (
	"fmt"
	"time"
	"unicode/utf8"

	"govm-desktop/input"
	"govm-desktop/input/layout"
)

// Keys that matter here, by Linux' numbers.
const (
	keyEsc        input.Code = 1
	keyBackspace  input.Code = 14
	keyTab        input.Code = 15
	keyEnter      input.Code = 28
	keyLeftCtrl   input.Code = 29
	keyLeftShift  input.Code = 42
	keyRightShift input.Code = 54
	keyLeftAlt    input.Code = 56
	keyCapsLock   input.Code = 58
	keyKPEnter    input.Code = 96
	keyRightCtrl  input.Code = 97
	keyRightAlt   input.Code = 100
	keyHome       input.Code = 102
	keyUp         input.Code = 103
	keyPageUp     input.Code = 104
	keyEnd        input.Code = 107
	keyDown       input.Code = 108
	keyPageDown   input.Code = 109
)

// keyboard is the Console as an input device: keys become what a terminal sends, the pointer marks text. Its Send is called by the Router, one event
// at a time.
type keyboard struct {
	c      *Console
	layout *layout.Layout
	down   map[input.Code]bool
	caps   bool

	at       place // where the pointer is
	dragging bool
	lastDown time.Time // of the left button
	lastAt   place
	clicks   int
}

// Send implements input.Sink.
func (k *keyboard) Send(e input.Event) {
	k.c.change(func() {
		switch e.Kind {
		case input.Key:
			k.key(e.Code, e.Down)
		case input.Abs:
			k.point(e.X, e.Y)
		case input.Button:
			k.button(e.Code, e.Down)
		case input.Wheel:
			k.wheel(int(e.Y))
		}
	})
}

func (k *keyboard) shift() bool { return k.down[keyLeftShift] || k.down[keyRightShift] }
func (k *keyboard) ctrl() bool  { return k.down[keyLeftCtrl] || k.down[keyRightCtrl] }
func (k *keyboard) altGr() bool { return k.layout.AltGr() != 0 && k.down[k.layout.AltGr()] }
func (k *keyboard) alt() bool {
	return k.down[keyLeftAlt] || k.down[keyRightAlt] && k.layout.AltGr() != keyRightAlt
}

func (k *keyboard) key(code input.Code, down bool) {
	if !down {
		delete(k.down, code)
		return
	}
	if code == keyCapsLock && !k.down[code] {
		k.caps = !k.caps
	}
	k.down[code] = true
	if k.scrolls(code) {
		return
	}
	if seq := k.special(code); seq != "" {
		k.c.enter([]byte(seq))
		return
	}
	if r, ok := keypad(code); ok {
		k.char(r)
	} else if r, ok := k.layout.Char(code, k.shift(), k.altGr(), k.caps); ok {
		k.char(r)
	}
}

// scrolls are the keys that move the view.
func (k *keyboard) scrolls(code input.Code) bool {
	c := k.c
	switch {
	case k.shift() && code == keyPageUp:
		c.scroll(c.term.rows / 2)
	case k.shift() && code == keyPageDown:
		c.scroll(-c.term.rows / 2)
	case k.shift() && k.ctrl() && code == keyUp:
		c.scroll(1)
	case k.shift() && k.ctrl() && code == keyDown:
		c.scroll(-1)
	case k.shift() && code == keyHome:
		c.scroll(len(c.term.history))
	case k.shift() && code == keyEnd:
		c.scroll(-len(c.term.history))
	default:
		return false
	}
	return true
}

// keypad is what its keys type with Num Lock on, as it is taken to be.
func keypad(code input.Code) (rune, bool) {
	switch {
	case code >= 71 && code <= 83:
		return rune("789-456+1230."[code-71]), true
	case code == 55:
		return '*', true
	case code == 98:
		return '/', true
	}
	return 0, false
}

// char types a character with Ctrl and Alt.
func (k *keyboard) char(r rune) {
	var b []byte
	if k.alt() {
		b = append(b, 0x1b)
	}
	if k.ctrl() {
		switch {
		case r >= '@' && r < 0x7f:
			r &= 0x1f
		case r == ' ' || r == '2':
			r = 0
		case r >= '3' && r <= '7':
			r = r - '3' + 0x1b
		case r == '8' || r == '?':
			r = 0x7f
		case r == '/' || r == '-':
			r = 0x1f
		}
	}
	k.c.enter(utf8.AppendRune(b, r))
}

// special is what keys send that type no character (xterm's ctlseqs, "PC-Style Function Keys").
func (k *keyboard) special(code input.Code) string {
	plain := map[input.Code]string{keyEnter: "\r", keyKPEnter: "\r", keyEsc: "\x1b", keyBackspace: "\x7f"}
	if s, ok := plain[code]; ok {
		if k.c.term.newline && s == "\r" {
			s = "\r\n"
		}
		if k.alt() {
			s = "\x1b" + s
		}
		return s
	}
	if code == keyTab {
		if k.shift() {
			return "\x1b[Z"
		}
		return "\t"
	}
	mod := 1
	for bit, held := range []bool{k.shift(), k.alt(), k.ctrl()} {
		if held {
			mod += 1 << bit
		}
	}
	letters := map[input.Code]byte{keyUp: 'A', keyDown: 'B', 106: 'C', 105: 'D', keyHome: 'H', keyEnd: 'F', 59: 'P', 60: 'Q', 61: 'R', 62: 'S'}
	if b, ok := letters[code]; ok {
		switch {
		case mod > 1:
			return fmt.Sprintf("\x1b[1;%d%c", mod, b)
		case b >= 'P' || k.c.term.appCursor:
			return "\x1bO" + string(b)
		}
		return "\x1b[" + string(b)
	}
	numbers := map[input.Code]int{110: 2, 111: 3, keyPageUp: 5, keyPageDown: 6, 63: 15, 64: 17, 65: 18, 66: 19, 67: 20, 68: 21, 87: 23, 88: 24}
	if n, ok := numbers[code]; ok {
		if mod > 1 {
			return fmt.Sprintf("\x1b[%d;%d~", n, mod)
		}
		return fmt.Sprintf("\x1b[%d~", n)
	}
	return ""
}

// doubleClick is how soon the next press has to come.
const doubleClick = 400 * time.Millisecond

// point moves the pointer.
func (k *keyboard) point(x, y int32) {
	t := k.c.term
	cell := func(v int32, n int) int {
		return min(int(min(max(v, 0), input.AbsMax))*n/(input.AbsMax+1), n-1)
	}
	k.at = place{k.c.topLine() + int64(cell(y, t.rows)), cell(x, t.cols)}
	if k.dragging {
		k.c.view.to, k.c.view.marked = k.at, true
	}
}

func (k *keyboard) button(code input.Code, down bool) {
	if code != input.BtnLeft {
		return
	}
	v := &k.c.view
	if !down {
		k.dragging = false
		return
	}
	now := time.Now()
	if now.Sub(k.lastDown) > doubleClick || k.at != k.lastAt || k.clicks == 3 {
		k.clicks = 0
	}
	k.clicks++
	k.lastDown, k.lastAt, k.dragging = now, k.at, true
	if k.shift() && k.clicks == 1 && v.marked {
		v.to = k.at
		return
	}
	v.from, v.to, v.unit, v.marked = k.at, k.at, k.clicks, k.clicks > 1
}

// wheelLines is how far a notch goes.
const wheelLines = 3

func (k *keyboard) wheel(n int) {
	if !k.c.term.alt {
		k.c.scroll(wheelLines * n)
		return
	}
	code := keyUp
	if n < 0 {
		code, n = keyDown, -n
	}
	for range min(n, 10) * wheelLines {
		k.c.enter([]byte(k.special(code)))
	}
}
