package enc

import (
	"image"

	"govm-desktop/display"
)

// Bits of a Hextile tile's first byte (7.7.4).
const (
	hextileRaw = 1 << iota
	hextileBackground
	hextileForeground
	hextileSubrects
	hextileColoured
)

// Hextile is the encoding 5: tiles of 16×16, each of a background and rectangles on it.
type Hextile struct {
	orig, tile [256]uint32

	// What the client remembers from the tiles before, within a rectangle.
	bg, fg         uint32
	bgKnown, known bool // known: fg
}

// Encode implements Encoder.
func (h *Hextile) Encode(b []byte, p *Pixels, f *display.Frame, r image.Rectangle) []byte {
	h.bgKnown, h.known = false, false
	for y := r.Min.Y; y < r.Max.Y; y += 16 {
		for x := r.Min.X; x < r.Max.X; x += 16 {
			b = h.encodeTile(b, p, f, image.Rect(x, y, min(x+16, r.Max.X), min(y+16, r.Max.Y)))
		}
	}
	return b
}

// encodeTile writes a tile with rectangles, or raw where that is no longer.
func (h *Hextile) encodeTile(b []byte, p *Pixels, f *display.Frame, r image.Rectangle) []byte {
	orig := p.load(h.orig[:], f, r)
	bg, fg, colours := twoColours(orig)
	start, bits := len(b), byte(0)
	b = append(b, 0)
	if !h.bgKnown || bg != h.bg {
		bits |= hextileBackground
		b = p.appendPixel(b, bg)
	}
	switch {
	case colours == 2:
		bits |= hextileSubrects
		if !h.known || fg != h.fg {
			bits |= hextileForeground
			b = p.appendPixel(b, fg)
		}
	case colours > 2:
		bits |= hextileSubrects | hextileColoured
	}
	limit := start + 1 + len(orig)*p.size
	if colours > 1 {
		tile := h.tile[:copy(h.tile[:], orig)]
		b = appendSubrects(b, p, tile, r.Dx(), bg, colours > 2, limit)
	}
	if len(b) >= limit {
		h.bgKnown, h.known = false, false
		b = append(b[:start], hextileRaw)
		for _, v := range orig {
			b = p.appendPixel(b, v)
		}
		return b
	}
	b[start] = bits
	h.bg, h.bgKnown = bg, true
	switch colours {
	case 1:
	case 2:
		h.fg, h.known = fg, true
	default:
		h.known = false // clients differ in what they remember then
	}
	return b
}

// twoColours finds the first two colours of a tile, the more frequent of them first, and how many there are: 1, 2 or 3 for
// more.
func twoColours(tile []uint32) (bg, fg uint32, colours int) {
	a, c, na, nc := tile[0], tile[0], 0, 0
	colours = 1
	for _, v := range tile {
		switch {
		case v == a:
			na++
		case colours == 1:
			c, nc, colours = v, 1, 2
		case v == c:
			nc++
		default:
			colours = 3
		}
	}
	if nc > na {
		a, c = c, a
	}
	return a, c, colours
}

// appendSubrects writes the number and the list of the rectangles that are not background. It uses the tile up, and gives up
// at the limit.
func appendSubrects(b []byte, p *Pixels, tile []uint32, w int, bg uint32, coloured bool, limit int) []byte {
	count := len(b)
	b = append(b, 0)
	for i, v := range tile {
		if v == bg {
			continue
		}
		if len(b) >= limit {
			return b
		}
		x, y := i%w, i/w
		rw, rh := subrect(tile, w, i)
		for yy := range rh {
			for xx := range rw {
				tile[i+yy*w+xx] = bg
			}
		}
		if coloured {
			b = p.appendPixel(b, v)
		}
		b = append(b, byte(x<<4|y), byte((rw-1)<<4|(rh-1)))
		b[count]++
	}
	return b
}

// subrect is the size of the rectangle of one colour at the pixel i: as wide as possible, or as high.
func subrect(tile []uint32, w, i int) (rw, rh int) {
	v, h := tile[i], len(tile)/w
	x, y := i%w, i/w
	row := func(at, most int) (n int) {
		for n < most && tile[at+n] == v {
			n++
		}
		return n
	}
	wide := row(i, w-x)
	rw, rh = wide, 1
	for n, k := wide, 1; k < h-y; k++ {
		if n = row(i+k*w, n); n == 0 {
			break
		}
		if n*(k+1) > rw*rh {
			rw, rh = n, k+1
		}
	}
	return rw, rh
}
