package console

import (
	"image"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/inconsolata"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// maxGlyphs bounds how many pictures of characters are kept.
const maxGlyphs = 1024

// glyphs finds the pictures of characters: Inconsolata as it comes in bitmaps, for what it lacks Go Mono, and lines and blocks of our own.
type glyphs struct {
	known map[glyphKey]*glyph
	more  [2]font.Face // regular and bold; nil: not opened yet
}

type glyphKey struct {
	r    rune
	bold bool
}

// get is a character's picture; nil: a blank.
func (s *glyphs) get(r rune, bold bool) *glyph {
	if r <= ' ' || r == 0xa0 {
		return nil
	}
	k := glyphKey{r, bold}
	if g, ok := s.known[k]; ok {
		return g
	}
	if len(s.known) >= maxGlyphs || s.known == nil {
		s.known = map[glyphKey]*glyph{}
	}
	g := s.make(r, bold)
	s.known[k] = g
	return g
}

func (s *glyphs) make(r rune, bold bool) *glyph {
	if g, ok := drawn(r); ok {
		return g
	}
	face := inconsolata.Regular8x16
	if bold {
		face = inconsolata.Bold8x16
	}
	if g, ok := fromBitmap(face, r); ok {
		return g
	}
	if g, ok := s.fromOutline(r, bold); ok {
		return g
	}
	return missing()
}

// fromBitmap takes a character of a font that comes in bitmaps.
func fromBitmap(f *basicfont.Face, r rune) (*glyph, bool) {
	for _, g := range f.Ranges {
		if r < g.Low || r >= g.High {
			continue
		}
		mask := f.Mask.(*image.Alpha)
		y0 := (int(r-g.Low) + g.Offset) * (f.Ascent + f.Descent)
		out := new(glyph)
		for y := range min(cellH, f.Ascent+f.Descent) {
			copy(out[y*cellW:(y+1)*cellW], mask.Pix[(y0+y)*mask.Stride:])
		}
		return out, true
	}
	return nil, false
}

// outlineSize makes Go Mono's characters, 0.6 em wide, fill a cell; its base line is that of Inconsolata.
const (
	outlineSize = 13.33
	baseLine    = 12
)

// fromOutline draws a character of Go Mono (WGL4: Greek, Cyrillic, arrows, mathematics).
func (s *glyphs) fromOutline(r rune, bold bool) (*glyph, bool) {
	i, ttf := 0, gomono.TTF
	if bold {
		i, ttf = 1, gomonobold.TTF
	}
	if s.more[i] == nil {
		f, err := opentype.Parse(ttf)
		if err != nil {
			return nil, false
		}
		if s.more[i], err = opentype.NewFace(f, &opentype.FaceOptions{Size: outlineSize, DPI: 72}); err != nil {
			return nil, false
		}
	}
	dr, mask, at, _, ok := s.more[i].Glyph(fixed.P(0, baseLine), r)
	if !ok {
		return nil, false
	}
	g := new(glyph)
	for y := max(dr.Min.Y, 0); y < min(dr.Max.Y, cellH); y++ {
		for x := max(dr.Min.X, 0); x < min(dr.Max.X, cellW); x++ {
			_, _, _, a := mask.At(at.X+x-dr.Min.X, at.Y+y-dr.Min.Y).RGBA()
			g[y*cellW+x] = uint8(a >> 8)
		}
	}
	return g, true
}

// missing is a frame, for what no font has.
func missing() *glyph {
	g := new(glyph)
	g.rect(1, 3, cellW-1, 13, 0xff)
	g.rect(2, 4, cellW-2, 12, 0)
	return g
}
