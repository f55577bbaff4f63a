package console

import (
	"encoding/binary"
	"image"

	"govm-desktop/display"
)

// painter is what the picture shows. It is used by the Screen's goroutine with the Console's lock held.
type painter struct {
	glyphs  glyphs
	palette [256]uint32
	shown   []look
}

// look is a cell as it is drawn.
type look struct {
	r      rune
	fg, bg uint32
	attr   attr
}

// Draw implements display.Source.
func (c *Console) Draw(canvas *display.Canvas) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, p := c.term, &c.paint
	full := canvas.Resize(t.cols*cellW, t.rows*cellH) || len(p.shown) != t.cols*t.rows
	if full {
		p.shown = make([]look, t.cols*t.rows)
	}
	c.looks(func(y int, row []look) {
		shown := p.shown[y*t.cols : (y+1)*t.cols]
		first, last := t.cols, -1
		for x, l := range row {
			if l == shown[x] && !full {
				continue
			}
			shown[x] = l
			p.cell(canvas, x, y, row)
			first, last = min(first, x), x
			if l.attr&wide != 0 {
				last = x + 1
			}
		}
		if last >= 0 {
			canvas.Damage(image.Rect(first*cellW, y*cellH, (last+1)*cellW, (y+1)*cellH))
		}
	})
}

// looks visits the rows of the view.
// Preconditions: mu is held.
func (c *Console) looks(f func(y int, row []look)) {
	t := c.term
	a, b := c.span()
	row := make([]look, t.cols)
	top := c.topLine()
	for y := range t.rows {
		l := c.line(top + int64(y))
		for x := range row {
			var at cell
			if l != nil {
				at = l.cells[x]
			}
			row[x] = c.paint.look(at)
			if c.view.isMarked(place{top + int64(y), x}, a, b) || c.cursorAt(x, y) {
				row[x].fg, row[x].bg = row[x].bg, row[x].fg
			}
		}
		f(y, row)
	}
}

func (c *Console) cursorAt(x, y int) bool {
	t := c.term
	return !t.hideCursor && t.cur.x == x && t.cur.y+c.view.offset == y
}

// look resolves a cell's colours.
func (p *painter) look(c cell) look {
	fg, bg := p.rgb(c.fg, defaultFg), p.rgb(c.bg, defaultBg)
	if c.attr&bold != 0 && c.fg >= 1 && c.fg <= 8 {
		fg = p.palette[c.fg-1+8]
	}
	if c.attr&dim != 0 {
		fg = fg >> 1 & 0x7f7f7f
	}
	if c.attr&reverse != 0 {
		fg, bg = bg, fg
	}
	r := c.r
	if c.attr&hidden != 0 {
		r = 0
	}
	return look{r, fg, bg, c.attr & (bold | underline | strike | wide)}
}

func (p *painter) rgb(c colour, def uint32) uint32 {
	switch {
	case c == 0:
		return def
	case c&rgbColour != 0:
		return uint32(c) & 0xffffff
	}
	return p.palette[c-1]
}

// cell draws one place. What follows a wide character shows its right half: a frame, since no font here has any.
func (p *painter) cell(c *display.Canvas, x, y int, row []look) {
	l := row[x]
	var g *glyph
	if l.r != 0 {
		g = p.glyphs.get(l.r, l.attr&bold != 0)
	}
	for dy := range cellH {
		line := c.Pix[(y*cellH+dy)*c.Stride+x*cellW*4:][:cellW*4]
		solid := l.attr&underline != 0 && dy == cellH-2 || l.attr&strike != 0 && dy == cellH/2
		for dx := range cellW {
			v := l.bg
			switch {
			case solid:
				v = l.fg
			case g != nil:
				v = blend(l.bg, l.fg, uint32(g[dy*cellW+dx]))
			}
			binary.LittleEndian.PutUint32(line[4*dx:], v)
		}
	}
}

// blend is a of fg on bg.
func blend(bg, fg, a uint32) uint32 {
	switch a {
	case 0:
		return bg
	case 0xff:
		return fg
	}
	const even = 0xff00ff
	rb := (bg&even*(255-a) + fg&even*a) >> 8 & even
	gr := (bg&0xff00*(255-a) + fg&0xff00*a) >> 8 & 0xff00
	return rb | gr
}

// Text implements display.Texter.
func (c *Console) Text() *display.TextScreen {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.term
	s := &display.TextScreen{Cols: t.cols, Rows: t.rows, Cursor: image.Pt(t.cur.x, t.cur.y+c.view.offset)}
	s.CursorOn = !t.hideCursor && s.Cursor.Y < t.rows
	hide := t.hideCursor
	t.hideCursor = true // the front end shows it itself
	c.looks(func(_ int, row []look) {
		for _, l := range row {
			d := display.Cell{Rune: l.r, Fg: l.fg, Bg: l.bg}
			for a, b := range map[attr]display.CellAttr{underline: display.CellUnderline, bold: display.CellBold, wide: display.CellWide} {
				if l.attr&a != 0 {
					d.Attr |= b
				}
			}
			s.Cells = append(s.Cells, d)
		}
	})
	t.hideCursor = hide
	return s
}
