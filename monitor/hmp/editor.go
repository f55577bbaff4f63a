package hmp

import (
	"fmt"
	"io"
	"strings"

	"govm-desktop/monitor"
)

// Bounds on what one stream can make us hold.
const (
	maxLine    = 4096
	maxHistory = 64
)

// editor turns typed bytes into lines.
type editor struct {
	w       io.Writer
	table   *monitor.Table
	line    []byte
	pos     int
	history []string
	at      int    // in the history; len(history): the line being typed
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
	switch b {
	case '\n', '\r':
		if b == '\n' && wasCR {
			return "", false
		}
		return e.enter(), true
	case 0x1b:
		e.esc = append(e.esc, b)
	case 0x7f, 0x08:
		if e.pos > 0 {
			e.line = append(e.line[:e.pos-1], e.line[e.pos:]...)
			e.pos--
			e.redraw()
		}
	case 0x15: // Ctrl-U
		e.set("")
	case 0x01:
		e.pos = 0
		e.redraw()
	case 0x05:
		e.pos = len(e.line)
		e.redraw()
	case '\t':
		e.complete()
	default:
		if b >= ' ' && len(e.line) < maxLine {
			e.insert(b)
		}
	}
	return "", false
}

func (e *editor) insert(b byte) {
	e.line = append(e.line, 0)
	copy(e.line[e.pos+1:], e.line[e.pos:])
	e.line[e.pos] = b
	e.pos++
	if e.pos == len(e.line) {
		e.w.Write([]byte{b})
		return
	}
	e.redraw()
}

func (e *editor) enter() string {
	line := string(e.line)
	io.WriteString(e.w, "\r\n")
	if strings.TrimSpace(line) != "" {
		e.history = append(e.history, line)
		if len(e.history) > maxHistory {
			e.history = e.history[1:]
		}
	}
	e.at, e.line, e.pos = len(e.history), nil, 0
	return line
}

// escape takes the arrows: ESC [ A to D, H and F.
func (e *editor) escape(b byte) {
	e.esc = append(e.esc, b)
	if len(e.esc) == 2 && (b == '[' || b == 'O') {
		return
	}
	if len(e.esc) < 8 && (b >= '0' && b <= '9' || b == ';') {
		return
	}
	e.esc = e.esc[:0]
	switch b {
	case 'A':
		e.recall(-1)
	case 'B':
		e.recall(+1)
	case 'C':
		e.pos = min(e.pos+1, len(e.line))
	case 'D':
		e.pos = max(e.pos-1, 0)
	case 'H':
		e.pos = 0
	case 'F':
		e.pos = len(e.line)
	}
	e.redraw()
}

func (e *editor) recall(d int) {
	e.at = min(max(e.at+d, 0), len(e.history))
	if e.at == len(e.history) {
		e.set("")
		return
	}
	e.set(e.history[e.at])
}

func (e *editor) set(s string) {
	e.line, e.pos = []byte(s), len(s)
	e.redraw()
}

func (e *editor) redraw() {
	fmt.Fprintf(e.w, "\r\x1b[K%s%s", prompt, e.line)
	if back := len(e.line) - e.pos; back > 0 {
		fmt.Fprintf(e.w, "\x1b[%dD", back)
	}
}

// complete finishes a command's name, or lists what it may become.
func (e *editor) complete() {
	var fits []string
	e.table.All(func(c *monitor.Command) {
		if c.HMP != "" && strings.HasPrefix(c.HMP, string(e.line)) {
			fits = append(fits, c.HMP)
		}
	})
	switch len(fits) {
	case 0:
	case 1:
		e.set(fits[0] + " ")
	default:
		common := fits[0]
		for _, f := range fits {
			for !strings.HasPrefix(f, common) {
				common = common[:len(common)-1]
			}
		}
		if common == string(e.line) {
			fmt.Fprintf(e.w, "\r\n%s\r\n", strings.Join(fits, "  "))
		}
		e.set(common)
	}
}
