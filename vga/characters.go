package vga

import (
	"image"

	"govm-desktop/display"
)

// Text implements display.Texter: the characters as code page 437 has them, whatever the font shows.
func (v *VGA) Text() *display.TextScreen {
	var p painter
	v.mu.Lock()
	p.regs = v.regs
	v.mu.Unlock()
	m := p.regs.mode(len(v.mem))
	if m.kind != text {
		return nil
	}
	p.setColours(&m)
	chars := display.CP437()
	cols := p.cells.layout(&m)
	t := &display.TextScreen{Cols: cols, Rows: len(p.cells.rows), Cells: make([]display.Cell, 0, cols*len(p.cells.rows))}
	for y, r := range p.cells.rows {
		for x := range cols {
			a := (r.row + uint32(4*x)) & m.mask
			ch, attr := v.mem[a], v.mem[a+1]
			if m.cursorOn && a == m.cursor && m.curFirst <= m.curLast {
				t.Cursor, t.CursorOn = image.Pt(x, y), true
			}
			t.Cells = append(t.Cells, p.character(&m, chars[ch], attr))
		}
	}
	return t
}

func (p *painter) character(m *mode, r rune, attr uint8) display.Cell {
	c := display.Cell{Rune: r, Fg: p.attrs[attr&15], Bg: p.attrs[attr>>4]}
	if m.attrMode&ar10Blink != 0 {
		c.Bg = p.attrs[attr>>4&7]
		if attr&0x80 != 0 {
			c.Attr |= display.CellBlink
		}
	}
	if m.attrMode&ar10Mono != 0 && attr&0x77 == 0x01 {
		c.Attr |= display.CellUnderline
	}
	return c
}
