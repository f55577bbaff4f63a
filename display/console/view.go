package console

import (
	"strings"
	"unicode"
)

// place is a column of a line, which is counted from the first that was ever shown, so that it stays what it is when the screen scrolls.
type place struct {
	line int64
	x    int
}

func (p place) before(o place) bool { return p.line < o.line || p.line == o.line && p.x < o.x }

// view is what part of the terminal is shown, and what is marked there.
type view struct {
	offset   int // lines scrolled back
	marked   bool
	from, to place // of what is marked, in the order that the pointer made them; inclusive
	unit     int   // 1: characters, 2: words, 3: lines
}

func (v *view) unmark() { v.marked = false }

// scrolled keeps showing the same lines while n more go off the top.
func (v *view) scrolled(n, history int) {
	if v.offset > 0 {
		v.offset = min(v.offset+n, history)
	}
}

// scroll moves the view back by n lines (negative: forward).
func (c *Console) scroll(n int) {
	if c.term.alt {
		return
	}
	c.view.offset = min(max(c.view.offset+n, 0), len(c.term.history))
}

// topLine is the number of the line in the view's first row.
func (c *Console) topLine() int64 { return int64(c.term.pushed) - int64(c.view.offset) }

// line is a line by its number; nil: it is gone, or not yet there.
func (c *Console) line(n int64) *line {
	t := c.term
	if y := n - int64(t.pushed); y >= 0 {
		if y < int64(t.rows) {
			return t.screen[y]
		}
		return nil
	}
	if back := int64(t.pushed) - 1 - n; back < int64(len(t.history)) {
		return t.back(int(back))
	}
	return nil
}

// span is what is marked, in the order of reading, to the ends of words or lines if the unit is such.
func (c *Console) span() (a, b place) {
	a, b = c.view.from, c.view.to
	if b.before(a) {
		a, b = b, a
	}
	switch c.view.unit {
	case 2:
		a.x, b.x = c.wordEnd(a, -1), c.wordEnd(b, +1)
	case 3:
		for l := c.line(a.line - 1); l != nil && l.wrapped; l = c.line(a.line - 1) {
			a.line--
		}
		for l := c.line(b.line); l != nil && l.wrapped; l = c.line(b.line) {
			b.line++
		}
		a.x, b.x = 0, c.term.cols-1
	}
	return a, b
}

// inWord is whether double clicks mark a character together with its neighbours.
func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r != 0 && strings.ContainsRune("-_./~:@%+", r)
}

func (c *Console) wordEnd(p place, step int) int {
	l := c.line(p.line)
	if l == nil {
		return p.x
	}
	x := p.x
	for x+step >= 0 && x+step < len(l.cells) && inWord(l.cells[x].r) && inWord(l.cells[x+step].r) {
		x += step
	}
	return x
}

// isMarked reports whether a place is marked.
func (v *view) isMarked(p, a, b place) bool {
	return v.marked && !p.before(a) && !b.before(p)
}

// Selection implements display.Text.
func (c *Console) Selection() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.view.marked {
		return ""
	}
	a, b := c.span()
	var out strings.Builder
	for n := a.line; n <= b.line; n++ {
		l := c.line(n)
		if l == nil {
			continue
		}
		x0, x1 := 0, len(l.cells)
		if n == a.line {
			x0 = a.x
		}
		if n == b.line {
			x1 = min(b.x+1, x1)
		}
		text := l.text(x0, x1)
		if n < b.line && l.wrapped {
			out.WriteString(text)
			continue
		}
		out.WriteString(strings.TrimRight(text, " "))
		if n < b.line {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// text is a line's characters from column x0 up to x1.
func (l *line) text(x0, x1 int) string {
	var out strings.Builder
	for x := x0; x < x1; x++ {
		switch r := l.cells[x].r; {
		case r != 0:
			out.WriteRune(r)
		case x == 0 || l.cells[x-1].attr&wide == 0:
			out.WriteByte(' ')
		}
	}
	return out.String()
}
