package enc

import (
	"encoding/binary"
	"image"

	"govm-desktop/display"
)

// RRE is the encoding 2 (7.7.3), and with Compact CoRRE, 4 (rfbproto.rst): a background and rectangles on it.
type RRE struct {
	Compact bool // rectangles of up to 255×255, with places of a byte

	tile []uint32
}

// The largest pieces: what RRE is no good for shows early, and CoRRE has no larger.
const rreMax = 128

// Limit implements Limited.
func (e *RRE) Limit() (w, h int) { return rreMax, rreMax }

// Encode implements Encoder. It gives up, with nil, where Raw is shorter.
func (e *RRE) Encode(b []byte, p *Pixels, f *display.Frame, r image.Rectangle) []byte {
	if e.tile == nil {
		e.tile = make([]uint32, rreMax*rreMax)
	}
	tile, w := p.load(e.tile, f, r), r.Dx()
	bg := background(tile)
	start, limit := len(b), len(b)+len(tile)*p.size
	b = p.appendPixel(append(b, 0, 0, 0, 0), bg)
	n := uint32(0)
	for i, v := range tile {
		if v == bg {
			continue
		}
		rw, rh := subrect(tile, w, i)
		for y := range rh {
			for x := range rw {
				tile[i+y*w+x] = bg
			}
		}
		b = p.appendPixel(b, v)
		if e.Compact {
			b = append(b, byte(i%w), byte(i/w), byte(rw), byte(rh))
		} else {
			for _, k := range [4]int{i % w, i / w, rw, rh} {
				b = binary.BigEndian.AppendUint16(b, uint16(k))
			}
		}
		if n++; len(b) >= limit {
			return nil
		}
	}
	binary.BigEndian.PutUint32(b[start:], n)
	return b
}

// background is a colour that there is much of: the one that wins a vote of pairs (Boyer and Moore), which a majority always
// does.
func background(tile []uint32) (v uint32) {
	n := 0
	for _, u := range tile {
		switch {
		case n == 0:
			v, n = u, 1
		case u == v:
			n++
		default:
			n--
		}
	}
	return v
}
