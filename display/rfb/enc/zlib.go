package enc

import (
	"encoding/binary"
	"image"

	"govm-desktop/display"
)

// Zlib is the encoding 6 (rfbproto.rst): pixels as they are, in one zlib stream.
type Zlib struct {
	z    deflater
	data []byte
}

// NewZlib returns the Encoder of one connection.
func NewZlib() *Zlib {
	z := &Zlib{}
	z.z.setLevel(zrleLevel)
	return z
}

// Set implements Tunable.
func (z *Zlib) Set(t Tuning) { z.z.setLevel(t.level(zrleLevel)) }

// Encode implements Encoder.
func (z *Zlib) Encode(b []byte, p *Pixels, f *display.Frame, r image.Rectangle) []byte {
	z.data = Raw{}.Encode(z.data[:0], p, f, r)
	start := len(b)
	b = z.z.append(append(b, 0, 0, 0, 0), z.data)
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// TRLE is the encoding 15 (7.7.5): ZRLE's tiles, of 16×16, without the stream.
type TRLE struct{ z ZRLE }

// Encode implements Encoder.
func (t *TRLE) Encode(b []byte, p *Pixels, f *display.Frame, r image.Rectangle) []byte {
	for y := r.Min.Y; y < r.Max.Y; y += 16 {
		for x := r.Min.X; x < r.Max.X; x += 16 {
			tile := image.Rect(x, y, min(x+16, r.Max.X), min(y+16, r.Max.Y))
			b = t.z.appendTile(b, p, p.load(t.z.tile[:], f, tile), tile.Dx())
		}
	}
	return b
}
