package curses

import (
	"image"

	"github.com/gdamore/tcell/v2"

	"govm-desktop/display"
)

// draw brings the terminal up to date. What it shows already costs nothing: tcell compares.
func (u *UI) draw(all bool) {
	u.term.SetTitle(u.title())
	s := u.cfg.Heads[u.at].Screen
	if f, _ := u.feed.Take(); f != nil {
		u.frame.Release()
		u.frame = f
	} else if !all {
		return
	}
	if t := s.Text(); t != nil {
		u.text(t)
	} else if u.frame != nil {
		u.graphics(u.frame)
	}
	u.term.Show()
}

// mapper finds the terminal's colours.
type mapper struct{ base map[uint32]tcell.Color }

// newMapper knows the sixteen colours of a PC by their numbers, so that a terminal of sixteen colours shows those that its user likes.
func newMapper() mapper {
	m := mapper{map[uint32]tcell.Color{}}
	for i := range uint32(16) {
		v := i >> 3 * 0x55
		rgb := (v+i>>2&1*0xaa)<<16 | (v+i>>1&1*0xaa)<<8 | v + i&1*0xaa
		if i == 6 {
			rgb = 0xaa5500 // brown, not dark yellow
		}
		ansi := i&10 | i&1<<2 | i>>2&1 // red and blue change places
		m.base[rgb] = tcell.PaletteColor(int(ansi))
	}
	return m
}

func (m mapper) colour(rgb uint32) tcell.Color {
	if c, ok := m.base[nearLevel(rgb>>16)<<16|nearLevel(rgb>>8)<<8|nearLevel(rgb)]; ok {
		return c
	}
	return tcell.NewHexColor(int32(rgb & 0xffffff))
}

// nearLevel makes one of the four levels of a PC's colours of what a card's 6 bits make of it.
func nearLevel(v uint32) uint32 {
	v &= 0xff
	if n := (v + 0x2a) / 0x55 * 0x55; max(n, v)-min(n, v) <= 3 {
		return n
	}
	return v
}

// text shows a screen of text, in the middle of a bigger terminal; of a smaller one, the part with the cursor.
func (u *UI) text(t *display.TextScreen) {
	w, h := u.term.Size()
	at := image.Pt(max(0, (w-t.Cols)/2), max(0, (h-t.Rows)/2))
	from := image.Point{}
	if t.CursorOn {
		from = image.Pt(shift(t.Cursor.X, w, t.Cols), shift(t.Cursor.Y, h, t.Rows))
	}
	u.blank(image.Rect(at.X, at.Y, at.X+min(w, t.Cols), at.Y+min(h, t.Rows)))
	for y := range min(h, t.Rows) {
		for x := range min(w, t.Cols) {
			c := t.Cells[(y+from.Y)*t.Cols+x+from.X]
			if c.Rune < ' ' {
				c.Rune = ' '
			}
			style := tcell.StyleDefault.Foreground(u.mapper.colour(c.Fg)).Background(u.mapper.colour(c.Bg)).
				Bold(c.Attr&display.CellBold != 0).Underline(c.Attr&display.CellUnderline != 0).Blink(c.Attr&display.CellBlink != 0)
			u.term.SetContent(at.X+x, at.Y+y, c.Rune, nil, style)
		}
	}
	if p := t.Cursor.Sub(from).Add(at); t.CursorOn && p.X < w && p.Y < h {
		u.term.ShowCursor(p.X, p.Y)
	} else {
		u.term.HideCursor()
	}
}

// shift is how far a screen of n is moved in a terminal of room, so that the cursor is seen.
func shift(cursor, room, n int) int { return min(max(0, cursor-room+1), max(0, n-room)) }

// blank clears what is beside the picture.
func (u *UI) blank(inside image.Rectangle) {
	w, h := u.term.Size()
	for y := range h {
		for x := range w {
			if !image.Pt(x, y).In(inside) {
				u.term.SetContent(x, y, ' ', nil, tcell.StyleDefault)
			}
		}
	}
}

// graphics shows a picture: the upper half of each character is one dot, the lower half another.
func (u *UI) graphics(f *display.Frame) {
	w, h := u.term.Size()
	size := f.Rect.Size()
	dots := image.Pt(w, 2*h)
	if dots.X*size.Y > dots.Y*size.X {
		dots.X = max(1, dots.Y*size.X/size.Y)
	} else {
		dots.Y = max(2, dots.X*size.Y/size.X)
	}
	if dots.X > size.X { // one to a dot is enough
		dots = size
	}
	rows := (dots.Y + 1) / 2
	at := image.Pt((w-dots.X)/2, (h-rows)/2)
	u.blank(image.Rect(at.X, at.Y, at.X+dots.X, at.Y+rows))
	u.term.HideCursor()
	for y := range rows {
		for x := range dots.X {
			top := mean(f, x, 2*y, dots)
			bottom := top
			if 2*y+1 < dots.Y {
				bottom = mean(f, x, 2*y+1, dots)
			}
			r := '▀'
			if top == bottom {
				r = ' '
			}
			u.term.SetContent(at.X+x, at.Y+y, r, nil, tcell.StyleDefault.Foreground(u.mapper.colour(top)).Background(u.mapper.colour(bottom)))
		}
	}
}

// mean is the colour of dot x, y of so many.
func mean(f *display.Frame, x, y int, dots image.Point) uint32 {
	x0, x1 := x*f.Rect.Dx()/dots.X, (x+1)*f.Rect.Dx()/dots.X
	y0, y1 := y*f.Rect.Dy()/dots.Y, (y+1)*f.Rect.Dy()/dots.Y
	x1, y1 = max(x1, x0+1), max(y1, y0+1)
	var r, g, b, n uint32
	for j := y0; j < y1; j++ {
		row := f.Row(j, x0, x1)
		for i := 0; i < len(row); i += 4 {
			b, g, r, n = b+uint32(row[i]), g+uint32(row[i+1]), r+uint32(row[i+2]), n+1
		}
	}
	return r/n<<16 | g/n<<8 | b/n
}
