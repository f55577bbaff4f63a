package hmp

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"govm-desktop/monitor"
)

// Bounds on what one stream can make us hold.
const (
	maxLine    = 4096 // characters
	maxHistory = 64
)

// editor turns typed bytes into lines.
type editor struct {
	w       io.Writer
	table   *monitor.Table
	control monitor.Control
	session *monitor.Session
	line    []rune
	pos     int
	at      int    // in the history; its length: the line being typed
	typed   []rune // that line, while another is shown
	char    []byte // a character in UTF-8 under way
	esc     []byte // an escape sequence under way
	cr      bool   // the last byte was CR: an LF after it is part of it
}

// feed takes a byte; done: a line is complete.
func (e *editor) feed(b byte) (line string, done bool) {
	if len(e.esc) > 0 {
		e.escape(b)
		return "", false
	}
	wasCR := e.cr
	e.cr = b == '\r'
	switch {
	case b == '\n' && wasCR:
	case b == '\n' || b == '\r':
		return e.enter(), true
	case b == 0x1b:
		e.esc = append(e.esc[:0], b)
	case b == '\t':
		e.complete()
	case b < ' ' || b == 0x7f:
		e.command(b)
	default:
		e.letter(b)
	}
	return "", false
}

// command is a control character.
func (e *editor) command(b byte) {
	switch b {
	case 0x7f, 0x08:
		e.remove(e.pos-1, e.pos)
	case 0x04: // Ctrl-D
		e.remove(e.pos, e.pos+1)
	case 0x15: // Ctrl-U
		e.remove(0, e.pos)
	case 0x0b: // Ctrl-K
		e.remove(e.pos, len(e.line))
	case 0x17: // Ctrl-W
		e.remove(e.wordStart(), e.pos)
	case 0x03: // Ctrl-C drops the line
		io.WriteString(e.w, "^C\r\n")
		e.set(nil)
	case 0x0c: // Ctrl-L
		io.WriteString(e.w, "\x1b[2J\x1b[H")
		e.redraw()
	case 0x01, 0x02, 0x05, 0x06:
		e.move(map[byte]int{0x01: 0, 0x02: e.pos - 1, 0x05: len(e.line), 0x06: e.pos + 1}[b])
	case 0x10: // Ctrl-P
		e.recall(-1)
	case 0x0e: // Ctrl-N
		e.recall(+1)
	}
}

// letter collects the bytes of a character.
func (e *editor) letter(b byte) {
	e.char = append(e.char, b)
	if !utf8.FullRune(e.char) {
		return
	}
	r, _ := utf8.DecodeRune(e.char)
	e.char = e.char[:0]
	if !unicode.IsPrint(r) || r == utf8.RuneError || len(e.line) >= maxLine {
		return
	}
	e.line = slices.Insert(e.line, e.pos, r)
	e.pos++
	if e.pos == len(e.line) {
		io.WriteString(e.w, string(r))
		return
	}
	e.redraw()
}

// remove takes out the characters from one place to another, as far as there are any.
func (e *editor) remove(from, to int) {
	from, to = max(from, 0), min(to, len(e.line))
	if from >= to {
		return
	}
	e.line = slices.Delete(e.line, from, to)
	e.pos = from
	e.redraw()
}

func (e *editor) wordStart() int {
	i := e.pos
	for i > 0 && e.line[i-1] == ' ' {
		i--
	}
	for i > 0 && e.line[i-1] != ' ' {
		i--
	}
	return i
}

func (e *editor) move(to int) {
	e.pos = min(max(to, 0), len(e.line))
	e.redraw()
}

func (e *editor) enter() string {
	line := string(e.line)
	io.WriteString(e.w, "\r\n")
	h := e.session.History
	if strings.TrimSpace(line) != "" && (len(h) == 0 || h[len(h)-1] != line) {
		h = append(h, line)
		if len(h) > maxHistory {
			h = slices.Delete(h, 0, 1)
		}
		e.session.History = h
	}
	e.at, e.line, e.pos, e.typed, e.char = len(h), nil, 0, nil, nil
	return line
}

// escape takes the keys that send sequences: ESC [ or ESC O, numbers, a letter or ~.
func (e *editor) escape(b byte) {
	e.esc = append(e.esc, b)
	if len(e.esc) == 2 && (b == '[' || b == 'O') {
		return
	}
	if len(e.esc) < 8 && (b >= '0' && b <= '9' || b == ';') {
		return
	}
	number := string(e.esc[min(2, len(e.esc)-1) : len(e.esc)-1])
	e.esc = e.esc[:0]
	switch b {
	case 'A':
		e.recall(-1)
	case 'B':
		e.recall(+1)
	case 'C':
		e.move(e.pos + 1)
	case 'D':
		e.move(e.pos - 1)
	case 'H':
		e.move(0)
	case 'F':
		e.move(len(e.line))
	case '~':
		switch number {
		case "1", "7":
			e.move(0)
		case "4", "8":
			e.move(len(e.line))
		case "3":
			e.remove(e.pos, e.pos+1)
		}
	}
}

// recall goes through the history; past its end lies the line that was being typed.
func (e *editor) recall(d int) {
	h := e.session.History
	if e.at == len(h) {
		e.typed = slices.Clone(e.line)
	}
	e.at = min(max(e.at+d, 0), len(h))
	if e.at == len(h) {
		e.set(e.typed)
		return
	}
	e.set([]rune(h[e.at]))
}

func (e *editor) set(line []rune) {
	e.line, e.pos = slices.Clone(line), len(line)
	e.redraw()
}

func (e *editor) redraw() {
	fmt.Fprintf(e.w, "\r\x1b[K%s%s", prompt, string(e.line))
	if back := len(e.line) - e.pos; back > 0 {
		fmt.Fprintf(e.w, "\x1b[%dD", back)
	}
}
