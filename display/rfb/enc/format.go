package enc

import (
	"encoding/binary"
	"fmt"
	"image"
	"slices"

	"govm-desktop/display"
)

// Format is RFB's PIXEL_FORMAT (RFC 6143, section 7.4).
type Format struct {
	BPP, Depth            uint8
	BigEndian, TrueColour bool
	Max                   [3]uint16 // red, green, blue
	Shift                 [3]uint8
}

// FormatLen is the length of a Format in a message.
const FormatLen = 16

// Native is the format of a display.Frame.
func Native() Format {
	return Format{BPP: 32, Depth: 24, TrueColour: true, Max: [3]uint16{255, 255, 255}, Shift: [3]uint8{16, 8, 0}}
}

// ParseFormat reads a Format of FormatLen bytes. The error says why no picture can be sent in it.
func ParseFormat(b []byte) (Format, error) {
	f := Format{BPP: b[0], Depth: b[1], BigEndian: b[2] != 0, TrueColour: b[3] != 0}
	for i := range 3 {
		f.Max[i], f.Shift[i] = binary.BigEndian.Uint16(b[4+2*i:]), b[10+i]
	}
	if f.BPP != 8 && f.BPP != 16 && f.BPP != 32 {
		return f, fmt.Errorf("%d bits a pixel", f.BPP)
	}
	for _, s := range f.Shift {
		if f.TrueColour && s >= f.BPP {
			return f, fmt.Errorf("a colour shifted by %d in %d bits", s, f.BPP)
		}
	}
	return f, nil
}

// Append writes the Format as ParseFormat reads it.
func (f Format) Append(b []byte) []byte {
	b = append(b, f.BPP, f.Depth, flag(f.BigEndian), flag(f.TrueColour))
	for _, m := range f.Max {
		b = binary.BigEndian.AppendUint16(b, m)
	}
	b = append(b, f.Shift[:]...)
	return append(b, 0, 0, 0)
}

func flag(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// The colour map that clients without true colour get: three bits of red, three of green, two of blue.
var mapMax, mapShift = [3]uint16{7, 7, 3}, [3]uint8{5, 2, 0}

// Pixels translates a frame's pixels into a Format. A pixel is handled as a number whose bytes, the lowest first, are those
// on the wire. It is immutable.
type Pixels struct {
	format Format
	size   int  // bytes of a PIXEL
	same   bool // the format is the frame's own

	// CPIXEL (7.7.5): the bytes of a PIXEL without the one that holds no colour.
	csize, cshift int

	colour [3][256]uint32 // of each value of red, green and blue, to be combined
}

// NewPixels returns the translation into f. Preconditions: f comes from ParseFormat, without an error.
func NewPixels(f Format) *Pixels {
	p := &Pixels{format: f, size: int(f.BPP) / 8, same: !f.BigEndian}
	if !f.TrueColour {
		f.Max, f.Shift = mapMax, mapShift
	}
	n := Native()
	p.same = p.same && f.BPP == 32 && f.TrueColour && f.Max == n.Max && f.Shift == n.Shift
	low, high := true, true // all colour is in the three low bytes, in the three high ones
	for i := range 3 {
		for v := range uint64(256) {
			p.colour[i][v] = p.wire(uint32((v*uint64(f.Max[i])+127)/255<<f.Shift[i]), f.BigEndian)
		}
		low = low && uint64(f.Max[i])<<f.Shift[i] < 1<<24
		high = high && f.Shift[i] >= 8
	}
	p.csize = p.size
	if p.size == 4 && f.TrueColour && (low || high) {
		// Where both would do, clients expect the bytes at the lower addresses.
		p.csize = 3
		if first := low && !f.BigEndian || high && f.BigEndian; !first {
			p.cshift = 8
		}
	}
	return p
}

// wire orders the bytes of a pixel.
func (p *Pixels) wire(v uint32, bigEndian bool) uint32 {
	switch {
	case p.size == 1:
		return v & 0xff
	case p.size == 2 && bigEndian:
		return v&0xff<<8 | v>>8&0xff
	case p.size == 2:
		return v & 0xffff
	case bigEndian:
		return v<<24 | v&0xff00<<8 | v>>8&0xff00 | v>>24
	}
	return v
}

// Format is what is translated into.
func (p *Pixels) Format() Format { return p.format }

// AppendColourMap appends the SetColourMapEntries message (7.6.2) that a client without true colour needs once; nothing for
// the others.
func (p *Pixels) AppendColourMap(b []byte) []byte {
	if p.format.TrueColour {
		return b
	}
	b = append(b, 1, 0, 0, 0, 1, 0) // from 0, 256 colours
	for i := range 256 {
		for c := range 3 {
			v := uint32(i) >> mapShift[c] & uint32(mapMax[c])
			b = binary.BigEndian.AppendUint16(b, uint16(v*0xffff/uint32(mapMax[c])))
		}
	}
	return b
}

// load translates the pixels of r into dst.
func (p *Pixels) load(dst []uint32, f *display.Frame, r image.Rectangle) []uint32 {
	w := r.Dx()
	dst = dst[:w*r.Dy()]
	for d, y := dst, r.Min.Y; y < r.Max.Y; y++ {
		row := f.Row(y, r.Min.X, r.Max.X)
		if p.same {
			for i := range d[:w] {
				d[i] = binary.LittleEndian.Uint32(row[4*i:]) & 0xffffff
			}
		} else {
			red, green, blue := &p.colour[0], &p.colour[1], &p.colour[2]
			for i := range d[:w] {
				v := binary.LittleEndian.Uint32(row[4*i:])
				d[i] = red[v>>16&0xff] | green[v>>8&0xff] | blue[v&0xff]
			}
		}
		d = d[w:]
	}
	return dst
}

// appendRow translates a row of a frame.
func (p *Pixels) appendRow(b, row []byte) []byte {
	if p.same {
		return append(b, row...)
	}
	red, green, blue := &p.colour[0], &p.colour[1], &p.colour[2]
	for ; len(row) >= 4; row = row[4:] {
		b = p.appendPixel(b, red[row[2]]|green[row[1]]|blue[row[0]])
	}
	return b
}

// appendPixel writes a PIXEL.
func (p *Pixels) appendPixel(b []byte, v uint32) []byte {
	switch p.size {
	case 1:
		return append(b, byte(v))
	case 2:
		return append(b, byte(v), byte(v>>8))
	}
	return append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
}

// appendCPixel writes a CPIXEL.
func (p *Pixels) appendCPixel(b []byte, v uint32) []byte {
	if p.csize == 3 {
		v >>= p.cshift
		return append(b, byte(v), byte(v>>8), byte(v>>16))
	}
	return p.appendPixel(b, v)
}

// appendCPixels writes CPIXELs.
func (p *Pixels) appendCPixels(b []byte, tile []uint32) []byte {
	if p.csize != 3 {
		for _, v := range tile {
			b = p.appendPixel(b, v)
		}
		return b
	}
	n := len(b)
	b = slices.Grow(b, 3*len(tile)+1)[:n+3*len(tile)+1]
	out := b[n:]
	for _, v := range tile {
		binary.LittleEndian.PutUint32(out, v>>p.cshift) // the fourth byte is overwritten by the next
		out = out[3:]
	}
	return b[:len(b)-1]
}
