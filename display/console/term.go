package console

import "github.com/rivo/uniseg"

// term is a terminal's screen and what it remembers. It knows no locks and draws nothing.
type term struct {
	cols, rows int
	parser     parser
	screen     []*line // rows of them
	other      []*line // the screen that is not shown: main while the alternate one is
	alt        bool
	history    []*line // what has gone off the top of the main screen, oldest first from histStart
	histStart  int
	maxHistory int
	pushed     uint64 // lines that have ever gone to the history

	cur         cursor
	saved       [2]cursor // by DECSC, on the main and the alternate screen
	top, bottom int       // scrolling region, bottom exclusive
	tabs        []bool
	last        rune // for REP: what has been printed just before, or 0

	insert, newline, autowrap, appCursor, appKeypad, hideCursor, paste bool

	reply func([]byte) // what the terminal answers
	bell  func()
}

// cursor is where the next character goes, and how it will look.
type cursor struct {
	x, y    int
	wrap    bool // the last column was written: the next character goes to the next line
	origin  bool
	pen     cell
	charset [2]byte // G0 and G1: 'B' ASCII, '0' line drawing
	shift   int     // 0 or 1: which is in use
}

func newTerm(cols, rows, history int) *term {
	t := &term{cols: cols, rows: rows, maxHistory: history, reply: func([]byte) {}, bell: func() {}}
	t.reset()
	return t
}

// reset is RIS. The history stays.
func (t *term) reset() {
	t.alt = false
	t.softReset()
	t.screen, t.other = t.blankScreen(), t.blankScreen()
	t.tabs = make([]bool, t.cols)
	for i := 8; i < t.cols; i += 8 {
		t.tabs[i] = true
	}
	t.newline, t.paste = false, false
}

// softReset is DECSTR.
func (t *term) softReset() {
	t.cur = cursor{charset: [2]byte{'B', 'B'}}
	t.saved = [2]cursor{t.cur, t.cur}
	t.top, t.bottom = 0, t.rows
	t.insert, t.autowrap, t.appCursor, t.appKeypad, t.hideCursor = false, true, false, false, false
}

func (t *term) blankScreen() []*line {
	s := make([]*line, t.rows)
	for i := range s {
		s[i] = newLine(t.cols, cell{})
	}
	return s
}

// blank is what is left where something is erased: the background colour stays (bce).
func (t *term) blank() cell { return cell{bg: t.cur.pen.bg} }

func width(r rune) int {
	if r < 0x300 {
		return 1
	}
	return min(uniseg.StringWidth(string(r)), 2)
}

// print implements actor.
func (t *term) print(r rune) {
	if t.cur.charset[t.cur.shift] == '0' && r >= 0x5f && r < 0x7f {
		r = lineDrawing[r-0x5f]
	}
	w := width(r)
	if w == 0 || w > t.cols {
		return // combining marks are not shown
	}
	t.last = r
	if t.cur.wrap || t.cur.x+w > t.cols {
		if !t.autowrap {
			t.cur.x, t.cur.wrap = t.cols-w, false
		} else {
			t.screen[t.cur.y].wrapped = true
			t.cur.x, t.cur.wrap = 0, false
			t.lineFeed()
		}
	}
	if t.insert {
		t.insertCells(w)
	}
	row := t.screen[t.cur.y].cells
	t.split(row, t.cur.x)
	t.split(row, t.cur.x+w)
	c := t.cur.pen
	c.r = r
	if w == 2 {
		c.attr |= wide
		row[t.cur.x+1] = cell{bg: c.bg, attr: c.attr &^ wide}
	}
	row[t.cur.x] = c
	t.cur.x += w
	if t.cur.x >= t.cols {
		t.cur.x, t.cur.wrap = t.cols-1, true
	}
}

// split makes blanks of a wide character that lies across the border before column x.
func (t *term) split(row []cell, x int) {
	if x > 0 && x < len(row) && row[x-1].attr&wide != 0 {
		row[x-1].r, row[x-1].attr = 0, row[x-1].attr&^wide
		row[x].r = 0
	}
}

// lineDrawing is DEC's special graphics from 0x5f on.
var lineDrawing = [...]rune{' ', '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺', '⎻', '─', '⎼', '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·'}

// control implements actor.
func (t *term) control(b byte) {
	t.last = 0
	switch b {
	case 0x07:
		t.bell()
	case '\b':
		t.cur.x, t.cur.wrap = max(t.cur.x-1, 0), false
	case '\t':
		t.tab(1)
	case '\n', 0x0b, 0x0c:
		if t.lineFeed(); t.newline {
			t.cur.x = 0
		}
	case '\r':
		t.cur.x, t.cur.wrap = 0, false
	case 0x0e, 0x0f:
		t.cur.shift = int(0x0f - b)
	}
}

// lineFeed goes down, and scrolls at the bottom of the region.
func (t *term) lineFeed() {
	t.cur.wrap = false
	switch {
	case t.cur.y == t.bottom-1:
		t.scrollUp(t.top, 1)
	case t.cur.y < t.rows-1:
		t.cur.y++
	}
}

func (t *term) reverseLineFeed() {
	t.cur.wrap = false
	switch {
	case t.cur.y == t.top:
		t.scrollDown(t.top, 1)
	case t.cur.y > 0:
		t.cur.y--
	}
}

// scrollUp moves the region's lines from top on up by n.
func (t *term) scrollUp(top, n int) {
	n = min(max(n, 0), t.bottom-top)
	for range n {
		l := t.screen[top]
		if top == 0 && !t.alt {
			l = t.remember(l)
		}
		copy(t.screen[top:t.bottom], t.screen[top+1:t.bottom])
		l.clear(t.blank())
		t.screen[t.bottom-1] = l
	}
}

// scrollDown moves the region's lines from top on down by n.
func (t *term) scrollDown(top, n int) {
	n = min(max(n, 0), t.bottom-top)
	for range n {
		l := t.screen[t.bottom-1]
		copy(t.screen[top+1:t.bottom], t.screen[top:t.bottom-1])
		l.clear(t.blank())
		t.screen[top] = l
	}
}

// remember puts a line into the history and returns one to use in its place.
func (t *term) remember(l *line) *line {
	t.pushed++
	if t.maxHistory == 0 {
		return l
	}
	if len(t.history) < t.maxHistory {
		t.history = append(t.history, l)
		return newLine(t.cols, cell{})
	}
	old := t.history[t.histStart]
	t.history[t.histStart] = l
	t.histStart = (t.histStart + 1) % len(t.history)
	return old
}

// back is line n of the history, 0 being the youngest.
func (t *term) back(n int) *line {
	return t.history[(t.histStart+len(t.history)-1-n)%len(t.history)]
}

// tab moves the cursor over n tab stops, backwards if negative.
func (t *term) tab(n int) {
	t.cur.wrap = false
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	for range min(n, t.cols) {
		for x := t.cur.x + step; ; x += step {
			if x < 0 || x >= t.cols {
				t.cur.x = min(max(x, 0), t.cols-1)
				break
			}
			if t.tabs[x] {
				t.cur.x = x
				break
			}
		}
	}
}

// moveTo puts the cursor somewhere, y counted from the region's top in origin mode.
func (t *term) moveTo(x, y int) {
	lo, hi := 0, t.rows
	if t.cur.origin {
		lo, hi = t.top, t.bottom
		y += t.top
	}
	t.cur.x, t.cur.y, t.cur.wrap = min(max(x, 0), t.cols-1), min(max(y, lo), hi-1), false
}

// up moves the cursor by n rows (negative: down), not out of the region it is in.
func (t *term) up(n int) {
	lo, hi := 0, t.rows-1
	if t.cur.y >= t.top {
		lo = t.top
	}
	if t.cur.y < t.bottom {
		hi = t.bottom - 1
	}
	t.cur.y, t.cur.wrap = min(max(t.cur.y-n, lo), hi), false
}

func (t *term) right(n int) {
	t.cur.x, t.cur.wrap = min(max(t.cur.x+n, 0), t.cols-1), false
}

// insertCells makes room for n cells at the cursor.
func (t *term) insertCells(n int) {
	row := t.screen[t.cur.y].cells
	n = min(max(n, 0), t.cols-t.cur.x)
	t.split(row, t.cur.x)
	copy(row[t.cur.x+n:], row[t.cur.x:])
	t.fill(row, t.cur.x, t.cur.x+n)
	t.unsplit(row)
}

// deleteCells takes n cells out at the cursor.
func (t *term) deleteCells(n int) {
	row := t.screen[t.cur.y].cells
	n = min(max(n, 0), t.cols-t.cur.x)
	t.split(row, t.cur.x)
	t.split(row, t.cur.x+n)
	copy(row[t.cur.x:], row[t.cur.x+n:])
	t.fill(row, t.cols-n, t.cols)
}

// unsplit takes half a wide character away that was pushed over the right edge.
func (t *term) unsplit(row []cell) {
	if c := &row[t.cols-1]; c.attr&wide != 0 {
		c.r, c.attr = 0, c.attr&^wide
	}
}

// fill erases the cells from x0 up to x1.
func (t *term) fill(row []cell, x0, x1 int) {
	t.split(row, x0)
	t.split(row, x1)
	b := t.blank()
	for i := x0; i < x1; i++ {
		row[i] = b
	}
}
