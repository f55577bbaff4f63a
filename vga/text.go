package vga

import (
	"image"

	"govm-desktop/clock"
	"govm-desktop/display"
)

// Blinking: the cursor changes every 16 fields at 60 Hz, characters every 32.
const (
	cursorHalf = 16 * clock.Second / 60
	charHalf   = 32 * clock.Second / 60
)

// cells is what a text screen shows, cell by cell.
type cells struct {
	shown []uint32 // character, attribute and the flags below
	rows  []textRow
	font  []byte // video memory
}

const (
	cellCursor  = 1 << 16 // the cursor is to be seen in it
	cellHidden  = 1 << 17 // the character is not: it blinks
	cellFirst   = 18      // where the cursor's lines are kept, five bits each
	cellLast    = 23
	cellUnknown = 1 << 31
)

// textRow is the lines of the picture that come from one row of memory.
type textRow struct {
	row    uint32
	y0, y1 int
	scan   int // of y0
	pan    int
}

// drawText draws the cells that have changed.
func (v *VGA) drawText(c *display.Canvas, full bool) {
	p := &v.paint
	m, k := &p.mode, &p.cells
	now := v.cfg.Clock.Now()
	curOn, curUntil := phase(now, cursorHalf)
	charOn, charUntil := phase(now, charHalf)
	k.font = v.mem
	cols := k.layout(m)
	if full {
		for i := range k.shown {
			k.shown[i] = cellUnknown
		}
	}
	until := clock.Never
	for i, r := range k.rows {
		shown := k.shown[i*cols : (i+1)*cols]
		first, last := cols, -1
		for x := range shown {
			a := (r.row + uint32(4*x)) & m.mask
			cell := uint32(v.mem[a]) | uint32(v.mem[a+1])<<8
			if m.cursorOn && a == m.cursor && m.curFirst <= m.curLast {
				until = min(until, curUntil)
				if curOn {
					cell |= cellCursor | uint32(m.curFirst)<<cellFirst | uint32(m.curLast)<<cellLast
				}
			}
			if m.attrMode&ar10Blink != 0 && cell&0x8000 != 0 {
				until = min(until, charUntil)
				if !charOn {
					cell |= cellHidden
				}
			}
			if cell != shown[x] {
				shown[x] = cell
				p.drawCell(c, &r, x*m.cellW-r.pan, cell)
				first, last = min(first, x), x
			}
		}
		if last >= 0 {
			c.Damage(image.Rect(first*m.cellW-r.pan, r.y0, (last+1)*m.cellW-r.pan, r.y1))
		}
	}
	if until != clock.Never {
		v.blink.Set(until)
	}
}

// layout finds the rows of the screen and returns how many cells each has.
func (k *cells) layout(m *mode) int {
	k.rows = k.rows[:0]
	for s := m.raster(); s.y < m.h; s.next() {
		n := len(k.rows)
		if n > 0 && (s.again || s.scan != 0) {
			k.rows[n-1].y1 = s.y + 1
			continue
		}
		k.rows = append(k.rows, textRow{s.row, s.y, s.y + 1, s.scan, s.pan()})
	}
	cols := m.w / m.cellW
	if m.pan != 0 || m.splitPan != 0 {
		cols++
	}
	if len(k.shown) != cols*len(k.rows) {
		k.shown = make([]uint32, cols*len(k.rows))
		for i := range k.shown {
			k.shown[i] = cellUnknown
		}
	}
	return cols
}

// drawCell draws one character with its left edge at x.
func (p *painter) drawCell(c *display.Canvas, r *textRow, x int, cell uint32) {
	m := &p.mode
	ch, attr := cell&0xff, uint8(cell>>8)
	font := m.fontB
	if attr&8 != 0 {
		font = m.fontA
	}
	back := attr >> 4
	if m.attrMode&ar10Blink != 0 {
		back &= 7
	}
	fore, ground := p.attrs[attr&15], p.attrs[back]
	wide := m.attrMode&ar10LineChars != 0 && ch >= 0xb0 && ch <= 0xdf
	under := m.attrMode&ar10Mono != 0 && attr&0x77 == 0x01
	x0, x1 := max(x, 0), min(x+m.cellW, c.Bounds().Dx())
	for y := r.y0; y < r.y1; y++ {
		scan := y - r.y0
		if m.scanDouble {
			scan /= 2
		}
		scan = (scan + r.scan) & 0x1f
		g := p.cells.glyph(font, ch, scan, cell)
		solid := under && scan == m.underline && cell&cellHidden == 0 ||
			cell&cellCursor != 0 && scan >= m.curFirst && scan <= m.curLast
		switch {
		case solid:
			g = 0x1ff
		case m.cellW == 9 && wide:
			g = g<<1 | g&1
		case m.cellW == 9:
			g <<= 1
		}
		glyphRow(c.Pix[y*c.Stride:], x, x0, x1, g, m, fore, ground)
	}
}

// glyph is a row of a character, a bit a dot.
func (k *cells) glyph(font, ch uint32, scan int, cell uint32) uint32 {
	if cell&cellHidden != 0 {
		return 0
	}
	return uint32(k.font[(font+ch*32+uint32(scan))*4+2])
}

// glyphRow draws the dots of g, cellW of them (half as many when doubled) from column x on, between x0 and x1.
func glyphRow(row []byte, x, x0, x1 int, g uint32, m *mode, fore, ground uint32) {
	top := m.cellW - 1
	if m.double {
		top = 7
	}
	for i := x0; i < x1; i++ {
		d := i - x
		if m.double {
			d >>= 1
		}
		c := ground
		if g>>(top-d)&1 != 0 {
			c = fore
		}
		le.PutUint32(row[4*i:], c)
	}
}
