package vga

import (
	"image"
	"testing"

	"govm-desktop/display"
)

func TestText(t *testing.T) {
	g := newOurs(t, Config{MiB: 1})
	setPalette(g)
	setMode(g, modeNamed(t, "text80x25"))
	g.store(0xb8000+2*(80*3+10), 2, 0x1ec4) // yellow on blue
	g.store(0xb8000+2*(80*24+79), 2, 0x9741)
	crtc(g, crCursorHigh, 2)
	crtc(g, crCursorLow, 5)
	s := g.s.Text()
	if s == nil || s.Cols != 80 || s.Rows != 25 || len(s.Cells) != 2000 {
		t.Fatalf("%+v", s)
	}
	yellow, blue := s.Cells[3*80+10].Fg, s.Cells[3*80+10].Bg
	if c := s.Cells[3*80+10]; c.Rune != '─' || c.Attr != 0 || yellow == blue {
		t.Errorf("%+v", c)
	}
	if c := s.Cells[1999]; c.Rune != 'A' || c.Attr != display.CellBlink || c.Bg != blue {
		t.Errorf("%+v", c)
	}
	if !s.CursorOn || s.Cursor != image.Pt(517%80, 517/80) {
		t.Errorf("cursor at %v: %v", s.Cursor, s.CursorOn)
	}
	dispi(g, dispiXRes, 640)
	dispi(g, dispiYRes, 480)
	dispi(g, dispiBPP, 32)
	dispi(g, dispiEnable, 0x41)
	if s := g.s.Text(); s != nil {
		t.Errorf("graphics as text: %dx%d", s.Cols, s.Rows)
	}
}
