package console

// rendition is SGR: colours and looks of what follows.
func (t *term) rendition(p *parser) {
	if p.n == 0 {
		t.cur.pen = cell{}
		return
	}
	for i := 0; i < p.n; i++ {
		if p.sub>>i&1 != 0 {
			continue // of a parameter that was not understood
		}
		i = t.look(p, i)
	}
}

// look takes the parameter i, and returns the last one that belongs to it.
func (t *term) look(p *parser, i int) int {
	pen := &t.cur.pen
	switch n := p.arg(i, 0); n {
	case 0:
		*pen = cell{}
	case 1:
		pen.attr |= bold
	case 2:
		pen.attr |= dim
	case 4:
		pen.attr |= underline
		if i+1 < p.n && p.sub>>(i+1)&1 != 0 && p.arg(i+1, 0) == 0 { // 4:0
			pen.attr &^= underline
		}
	case 5, 6:
		pen.attr |= blink
	case 7:
		pen.attr |= reverse
	case 8:
		pen.attr |= hidden
	case 9:
		pen.attr |= strike
	case 21:
		pen.attr |= underline
	case 22:
		pen.attr &^= bold | dim
	case 24:
		pen.attr &^= underline
	case 25:
		pen.attr &^= blink
	case 27:
		pen.attr &^= reverse
	case 28:
		pen.attr &^= hidden
	case 29:
		pen.attr &^= strike
	case 30, 31, 32, 33, 34, 35, 36, 37:
		pen.fg = colour(n - 30 + 1)
	case 38:
		return t.extended(p, i, &pen.fg)
	case 39:
		pen.fg = 0
	case 40, 41, 42, 43, 44, 45, 46, 47:
		pen.bg = colour(n - 40 + 1)
	case 48:
		return t.extended(p, i, &pen.bg)
	case 49:
		pen.bg = 0
	case 90, 91, 92, 93, 94, 95, 96, 97:
		pen.fg = colour(n - 90 + 8 + 1)
	case 100, 101, 102, 103, 104, 105, 106, 107:
		pen.bg = colour(n - 100 + 8 + 1)
	}
	return i
}

// extended is 38 and 48: 5;N for the palette, 2;R;G;B; the same with colons, which may name a colour space after the 2.
func (t *term) extended(p *parser, i int, c *colour) int {
	end := i + 1
	colons := end < p.n && p.sub>>end&1 != 0
	for colons && end < p.n && p.sub>>end&1 != 0 {
		end++
	}
	at := i + 2
	switch p.arg(i+1, 0) {
	case 5:
		if !colons {
			end = at + 1
		}
		if at < p.n && at < end && p.arg(at, 0) < 256 {
			*c = colour(p.arg(at, 0) + 1)
		}
	case 2:
		if !colons {
			end = at + 3
		} else if end-at >= 4 {
			at++
		}
		if at+3 <= min(p.n, end) {
			*c = rgbColour
			for k := range 3 {
				*c |= colour(min(p.arg(at+k, 0), 255)) << (16 - 8*k)
			}
		}
	default:
		if !colons {
			return i + 1
		}
	}
	return min(end, p.n) - 1
}
