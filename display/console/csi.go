package console

import "fmt"

// esc implements actor: sequences without parameters (ECMA-48, VT100, VT220).
func (t *term) esc(inter, final byte) {
	t.last = 0
	switch inter {
	case '(', ')':
		if final == 'A' {
			final = 'B'
		}
		t.cur.charset[inter-'('] = final
		return
	case '#':
		if final == '8' {
			t.alignment()
		}
		return
	case 0:
	default:
		return
	}
	switch final {
	case '7':
		t.save()
	case '8':
		t.restore()
	case 'D':
		t.lineFeed()
	case 'E':
		t.cur.x = 0
		t.lineFeed()
	case 'H':
		t.tabs[t.cur.x] = true
	case 'M':
		t.reverseLineFeed()
	case 'Z':
		t.identify()
	case 'c':
		t.reset()
	case '=':
		t.appKeypad = true
	case '>':
		t.appKeypad = false
	}
}

// alignment is DECALN: the screen full of E.
func (t *term) alignment() {
	t.top, t.bottom, t.cur.origin = 0, t.rows, false
	for _, l := range t.screen {
		l.clear(cell{r: 'E'})
	}
	t.moveTo(0, 0)
}

func (t *term) which() int {
	if t.alt {
		return 1
	}
	return 0
}

func (t *term) save() { t.saved[t.which()] = t.cur }

func (t *term) restore() { t.cur = t.saved[t.which()] }

// identify answers DA: a VT220 with a printer port's worth of nothing but ANSI colours.
func (t *term) identify() { t.reply([]byte("\x1b[?62;22c")) }

// csi implements actor.
func (t *term) csi(p *parser, final byte) {
	if final != 'b' {
		t.last = 0
	}
	switch {
	case p.prefix == '?' && p.inter == 0:
		t.private(p, final)
	case p.prefix == '>' && final == 'c':
		t.reply([]byte("\x1b[>1;10;0c"))
	case p.prefix == 0 && p.inter == '!' && final == 'p':
		t.softReset()
	case p.prefix == 0 && p.inter == 0:
		if !t.motion(p, final) && !t.edit(p, final) {
			t.setting(p, final)
		}
	}
}

// motion is what moves the cursor.
func (t *term) motion(p *parser, final byte) bool {
	n := p.arg(0, 1)
	switch final {
	case 'A':
		t.up(n)
	case 'B', 'e':
		t.up(-n)
	case 'C', 'a':
		t.right(n)
	case 'D':
		t.right(-n)
	case 'E', 'F':
		if final == 'E' {
			n = -n
		}
		t.up(n)
		t.cur.x = 0
	case 'G', '`':
		t.cur.x, t.cur.wrap = min(n, t.cols)-1, false
	case 'H', 'f':
		t.moveTo(p.arg(1, 1)-1, n-1)
	case 'd':
		t.moveTo(t.cur.x, n-1)
	case 'I':
		t.tab(n)
	case 'Z':
		t.tab(-n)
	default:
		return false
	}
	return true
}

// edit is what changes the screen.
func (t *term) edit(p *parser, final byte) bool {
	n, row := p.arg(0, 1), t.screen[t.cur.y].cells
	inside := t.cur.y >= t.top && t.cur.y < t.bottom
	switch final {
	case '@':
		t.insertCells(n)
	case 'P':
		t.deleteCells(n)
	case 'X':
		t.fill(row, t.cur.x, min(t.cur.x+n, t.cols))
	case 'J':
		t.eraseScreen(p.arg(0, 0))
	case 'K':
		t.eraseLine(p.arg(0, 0))
	case 'L':
		if inside {
			t.scrollDown(t.cur.y, n)
			t.cur.x, t.cur.wrap = 0, false
		}
	case 'M':
		if inside {
			t.deleteLines(n)
		}
	case 'S':
		t.scrollUp(t.top, n)
	case 'T':
		t.scrollDown(t.top, n)
	case 'b':
		for range min(n, t.cols*t.rows) {
			if t.last != 0 {
				t.print(t.last)
			}
		}
	default:
		return false
	}
	t.cur.wrap = t.cur.wrap && final == 'b'
	return true
}

// deleteLines takes lines out at the cursor, which do not go into the history.
func (t *term) deleteLines(n int) {
	alt := t.alt
	t.alt = true
	t.scrollUp(t.cur.y, n)
	t.alt = alt
	t.cur.x, t.cur.wrap = 0, false
}

func (t *term) eraseLine(how int) {
	row := t.screen[t.cur.y]
	switch how {
	case 0:
		t.fill(row.cells, t.cur.x, t.cols)
		row.wrapped = false
	case 1:
		t.fill(row.cells, 0, t.cur.x+1)
	case 2:
		row.clear(t.blank())
	}
}

func (t *term) eraseScreen(how int) {
	from, to := 0, t.rows
	switch how {
	case 0:
		t.eraseLine(0)
		from = t.cur.y + 1
	case 1:
		t.eraseLine(1)
		to = t.cur.y
	case 2:
	case 3:
		t.history, t.histStart = nil, 0
		return
	default:
		return
	}
	for _, l := range t.screen[from:to] {
		l.clear(t.blank())
	}
}

// setting is what changes how things are done, and questions.
func (t *term) setting(p *parser, final byte) {
	switch final {
	case 'c':
		if p.arg(0, 0) == 0 {
			t.identify()
		}
	case 'g':
		switch p.arg(0, 0) {
		case 0:
			t.tabs[t.cur.x] = false
		case 3:
			clear(t.tabs)
		}
	case 'h', 'l':
		for i := range p.n {
			switch p.arg(i, 0) {
			case 4:
				t.insert = final == 'h'
			case 20:
				t.newline = final == 'h'
			}
		}
	case 'm':
		t.rendition(p)
	case 'n':
		t.report(p.arg(0, 0))
	case 'r':
		top, bottom := p.arg(0, 1)-1, p.arg(1, t.rows)
		if bottom = min(bottom, t.rows); top < bottom-1 {
			t.top, t.bottom = top, bottom
			t.moveTo(0, 0)
		}
	case 's':
		t.save()
	case 'u':
		t.restore()
	}
}

// report answers DSR.
func (t *term) report(what int) {
	switch what {
	case 5:
		t.reply([]byte("\x1b[0n"))
	case 6:
		y := t.cur.y
		if t.cur.origin {
			y -= t.top
		}
		t.reply(fmt.Appendf(nil, "\x1b[%d;%dR", y+1, t.cur.x+1))
	}
}

// private is DEC's and xterm's modes.
func (t *term) private(p *parser, final byte) {
	if final == 'J' || final == 'K' { // DECSED, DECSEL: nothing is protected
		p.prefix = 0
		t.edit(p, final)
		return
	}
	if final == 'n' && p.arg(0, 0) == 6 {
		t.report(6)
		return
	}
	if final != 'h' && final != 'l' {
		return
	}
	for i := range p.n {
		t.mode(p.arg(i, 0), final == 'h')
	}
}

func (t *term) mode(n int, on bool) {
	switch n {
	case 1:
		t.appCursor = on
	case 3: // DECCOLM: the width stays, the screen is erased
		t.top, t.bottom = 0, t.rows
		t.moveTo(0, 0)
		t.eraseScreen(2)
	case 6:
		t.cur.origin = on
		t.moveTo(0, 0)
	case 7:
		t.autowrap = on
	case 25:
		t.hideCursor = !on
	case 66:
		t.appKeypad = on
	case 47, 1047:
		t.alternate(on)
	case 1048:
		t.saveOrRestore(on)
	case 1049:
		if on {
			t.save()
			t.alternate(true)
			t.eraseScreen(2)
			return
		}
		t.alternate(false)
		t.restore()
	case 2004:
		t.paste = on
	}
}

func (t *term) saveOrRestore(save bool) {
	if save {
		t.save()
	} else {
		t.restore()
	}
}

// alternate switches between the two screens.
func (t *term) alternate(on bool) {
	if on != t.alt {
		t.alt = on
		t.screen, t.other = t.other, t.screen
	}
}
