package enc

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"math/bits"
	"slices"

	"govm-desktop/display"
)

// Tight is the encoding 7 (rfbproto.rst), and with PNG TightPNG, -260: areas of one colour, few colours as a palette, the
// rest as it is, as differences from what its neighbours predict, or as JPEG; in four zlib streams.
type Tight struct {
	PNG bool

	streams [4]deflater
	tune    Tuning
	jpeg    *jpegEncoder
	tile    []uint32
	data    []byte
	colours palette256
	lossy   bool
	native  *Pixels
	seen    *display.Frame    // of which Areas has found
	photos  []image.Rectangle // these
	shared  *Shared
	zero    [MaxWidth]uint32 // the row above the first
	file    bytes.Buffer
}

// NewTight returns the Encoder of one connection.
func NewTight(usePNG bool) *Tight {
	t := &Tight{PNG: usePNG}
	t.Set(Tuning{Level: -1, Quality: -1})
	return t
}

// Set implements Tunable.
func (t *Tight) Set(to Tuning) {
	if to == t.tune {
		return
	}
	t.tune = to
	for i := range t.streams {
		t.streams[i].setLevel(to.level(zrleLevel))
	}
	if to.Quality < 0 {
		t.jpeg = nil
	} else if t.jpeg == nil || t.jpeg.quality != to.Quality || t.jpeg.halved != to.Halved {
		t.jpeg = newJPEG(to.Quality, to.Halved)
	}
}

// Lossy implements Lossier.
func (t *Tight) Lossy() bool { return t.lossy }

// Bits and values of the compression-control byte.
const (
	tightExplicitFilter = 0x40
	tightFill           = 0x80
	tightJPEG           = 0x90
	tightPNG            = 0xa0

	filterPalette  = 1
	filterGradient = 2

	streamFull     = 0
	streamMono     = 1
	streamIndexed  = 2
	streamGradient = 3

	tightMinToCompress = 12
)

// Encode implements Encoder.
func (t *Tight) Encode(b []byte, p *Pixels, f *display.Frame, r image.Rectangle) []byte {
	if n := r.Dx() * r.Dy(); len(t.tile) < n {
		t.tile = make([]uint32, max(n, 64*64))
	}
	t.lossy = false
	jpeg := t.jpeg != nil && p.size > 1 && p.format.TrueColour && r.Dx() >= 8 && r.Dy() >= 8
	photo := t.seen == f && slices.Contains(t.photos, r)
	if photo && jpeg {
		return t.appendJPEG(b, f, r)
	}
	tile := p.load(t.tile, f, r)
	n := 0
	if !photo {
		runs := t.colours.count(tile, false)
		n = t.colours.n
		photo = (n == 0 || n > maxFew) && 2*runs > len(tile)
	}
	switch {
	case n == 1:
		return t.appendTPixel(append(b, tightFill), p, tile[0])
	case photo && jpeg:
		return t.appendJPEG(b, f, r)
	case t.PNG:
		return t.appendPNG(b, f, r)
	case n == 2:
		return t.appendMono(b, p, tile, r.Dx())
	case n > 0 && n <= len(tile)/2:
		return t.appendIndexed(b, p, tile)
	case photo && !t.tune.Fast && p.tight3() && smooth(tile, r.Dx()):
		return t.appendGradient(b, p, tile, r.Dx())
	}
	t.data = t.data[:0]
	if p.tight3() && p.same {
		t.data = appendRGB(t.data, tile)
	} else {
		for _, v := range tile {
			t.data = t.appendTPixel(t.data, p, v)
		}
	}
	return t.appendData(append(b, streamFull<<4), streamFull, photo && t.tune.Fast)
}

func (t *Tight) appendJPEG(b []byte, f *display.Frame, r image.Rectangle) []byte {
	t.lossy = true
	w := work{frame: f.Serial(), rect: r, id: TightID, kind: workFile, quality: t.jpeg.quality, halved: t.jpeg.halved}
	file, _, shared := t.shared.get(w, func() ([]byte, int) { return t.jpeg.appendFile(nil, f, r), 0 })
	if !shared {
		t.data = t.jpeg.appendFile(t.data[:0], f, r)
		file = t.data
	}
	return append(appendCompact(append(b, tightJPEG), len(file)), file...)
}

// Share implements Sharer.
func (t *Tight) Share(s *Shared) { t.shared = s }

// appendRGB writes the TPIXELs of the native format.
func appendRGB(b []byte, tile []uint32) []byte {
	n := len(b)
	b = slices.Grow(b, 3*len(tile)+1)[:n+3*len(tile)+1]
	out := b[n:]
	for _, v := range tile {
		binary.LittleEndian.PutUint32(out, bits.ReverseBytes32(v)>>8) // the fourth byte is overwritten by the next
		out = out[3:]
	}
	return b[:len(b)-1]
}

// tight3 reports whether a TPIXEL is three bytes: red, green, blue.
func (p *Pixels) tight3() bool {
	f := &p.format
	return f.TrueColour && f.BPP == 32 && f.Depth == 24 && f.Max == [3]uint16{255, 255, 255}
}

// rgb takes a translated pixel of eight bits a colour apart.
func (p *Pixels) rgb(v uint32) (c [3]uint8) {
	v = p.wire(v, p.format.BigEndian)
	for i := range c {
		c[i] = uint8(v >> p.format.Shift[i])
	}
	return c
}

func (t *Tight) appendTPixel(b []byte, p *Pixels, v uint32) []byte {
	if !p.tight3() {
		return p.appendPixel(b, v)
	}
	c := p.rgb(v)
	return append(b, c[:]...)
}

// appendCompact writes a length of up to 22 bits.
func appendCompact(b []byte, n int) []byte {
	switch {
	case n < 1<<7:
		return append(b, byte(n))
	case n < 1<<14:
		return append(b, byte(n)|0x80, byte(n>>7))
	}
	return append(b, byte(n)|0x80, byte(n>>7)|0x80, byte(n>>14))
}

// appendData writes t.data, compressed unless it is short or to be stored.
func (t *Tight) appendData(b []byte, stream int, store bool) []byte {
	if len(t.data) < tightMinToCompress {
		return append(b, t.data...)
	}
	// The length comes first and is of one to three bytes: room for three, and then back together.
	start := len(b)
	if b = append(b, 0, 0, 0); store {
		b = t.streams[stream].store(b, t.data)
	} else {
		b = t.streams[stream].append(b, t.data)
	}
	n := len(b) - start - 3
	head := appendCompact(b[start:start], n)
	if len(head) < 3 {
		copy(b[start+len(head):], b[start+3:])
		b = b[:len(b)-3+len(head)]
	}
	return b
}

func (t *Tight) appendPalette(b []byte, p *Pixels, stream byte) []byte {
	b = append(b, stream<<4|tightExplicitFilter, filterPalette, byte(t.colours.n-1))
	for _, v := range t.colours.colours[:t.colours.n] {
		b = t.appendTPixel(b, p, v)
	}
	return b
}

// appendMono writes two colours, a bit a pixel.
func (t *Tight) appendMono(b []byte, p *Pixels, tile []uint32, w int) []byte {
	b = t.appendPalette(b, p, streamMono)
	zero := t.colours.colours[0]
	t.data = t.data[:0]
	for ; len(tile) > 0; tile = tile[w:] {
		acc, bit := byte(0), byte(0x80)
		for _, v := range tile[:w] {
			if v != zero {
				acc |= bit
			}
			if bit >>= 1; bit == 0 {
				t.data = append(t.data, acc)
				acc, bit = 0, 0x80
			}
		}
		if bit != 0x80 {
			t.data = append(t.data, acc)
		}
	}
	return t.appendData(b, streamMono, false)
}

// appendIndexed writes a byte a pixel.
func (t *Tight) appendIndexed(b []byte, p *Pixels, tile []uint32) []byte {
	b = t.appendPalette(b, p, streamIndexed)
	t.data = t.data[:0]
	last, i := tile[0], t.colours.find(tile[0])
	for _, v := range tile {
		if v != last {
			last, i = v, t.colours.find(v)
		}
		t.data = append(t.data, i)
	}
	return t.appendData(b, streamIndexed, false)
}

// smooth reports whether neighbours in a row are mostly close to each other, so that prediction pays.
func smooth(tile []uint32, w int) bool {
	near, all := 0, 0
	for y := 0; (y+1)*w <= len(tile); y += 3 {
		row := tile[y*w : (y+1)*w]
		for x := 1; x < w; x++ {
			all++
			d := int(row[x]>>8&0xff) - int(row[x-1]>>8&0xff)
			if -24 < d && d < 24 {
				near++
			}
		}
	}
	return 4*near > 3*all
}

// appendGradient writes the differences from left + above - above left.
func (t *Tight) appendGradient(b []byte, p *Pixels, tile []uint32, w int) []byte {
	b = append(b, streamGradient<<4|tightExplicitFilter, filterGradient)
	t.data = t.data[:0]
	if p.same {
		t.data = appendGradientRGB(t.data, tile, t.zero[:w:w])
		return t.appendData(b, streamGradient, false)
	}
	for y := 0; y < len(tile); y += w {
		var left, corner [3]int
		for x := range w {
			var up [3]uint8
			if y > 0 {
				up = p.rgb(tile[y-w+x])
			}
			for i, v := range p.rgb(tile[y+x]) {
				predicted := max(0, min(left[i]+int(up[i])-corner[i], 255))
				t.data = append(t.data, v-uint8(predicted))
				left[i], corner[i] = int(v), int(up[i])
			}
		}
	}
	return t.appendData(b, streamGradient, false)
}

// appendGradientRGB is the same for the native format, without taking pixels apart.
func appendGradientRGB(b []byte, tile, above []uint32) []byte {
	n, w := len(b), len(above)
	b = slices.Grow(b, 3*len(tile))[:n+3*len(tile)]
	out := b[n:]
	for ; len(tile) > 0; tile = tile[w:] {
		row := tile[:w:w]
		above = above[:len(row)]
		var left, corner uint32
		for x, v := range row {
			up := above[x]
			o := out[3*x : 3*x+3 : 3*x+3]
			o[0] = byte(v>>16) - clamp(left>>16&0xff+up>>16&0xff-corner>>16&0xff)
			o[1] = byte(v>>8) - clamp(left>>8&0xff+up>>8&0xff-corner>>8&0xff)
			o[2] = byte(v) - clamp(left&0xff+up&0xff-corner&0xff)
			left, corner = v, up
		}
		above, out = row, out[3*w:]
	}
	return b
}

// clamp brings a sum of three bytes, one of them taken away, into a byte.
func clamp(v uint32) byte {
	if v > 255 {
		return byte(^uint32(int32(v) >> 31)) // 0 below, 255 above
	}
	return byte(v)
}

// appendPNG writes a PNG file, of a palette where that is enough.
func (t *Tight) appendPNG(b []byte, f *display.Frame, r image.Rectangle) []byte {
	var img image.Image
	tile := nativePixels(&t.native).load(t.tile, f, r)
	t.colours.count(tile, false)
	if n := t.colours.n; n > 0 {
		pal := make(color.Palette, n)
		for i, v := range t.colours.colours[:n] {
			pal[i] = color.RGBA{byte(v >> 16), byte(v >> 8), byte(v), 255}
		}
		p := image.NewPaletted(image.Rect(0, 0, r.Dx(), r.Dy()), pal)
		for i, v := range tile {
			p.Pix[i] = t.colours.find(v)
		}
		img = p
	} else {
		o := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
		for i, v := range tile {
			o.Pix[4*i], o.Pix[4*i+1], o.Pix[4*i+2], o.Pix[4*i+3] = byte(v>>16), byte(v>>8), byte(v), 255
		}
		img = o
	}
	t.file.Reset()
	_ = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&t.file, img) // a Buffer takes everything
	return append(appendCompact(append(b, tightPNG), t.file.Len()), t.file.Bytes()...)
}

// What a look goes by: so many pixels, and more colours than drawings have.
const (
	lookEnough = 256
	maxFew     = 64
)

// palette256 is a set of up to 256 colours in the order they came.
type palette256 struct {
	n       int // 0: there were more
	colours [256]uint32
	slots   [1024]uint16 // index+1
}

// count finds the colours, and how many runs of them there are. A look is enough where only the kind matters: if it is a photo, the rest
// is not counted.
func (c *palette256) count(tile []uint32, look bool) (runs int) {
	c.n = 0
	clear(c.slots[:])
	last, full := ^tile[0], false
	for i, v := range tile {
		if v == last {
			continue
		}
		if look && i >= lookEnough && 2*runs > i && (full || c.n > maxFew) {
			c.n = 0
			return len(tile)
		}
		last = v
		if runs++; full {
			continue
		}
		h := c.slot(v)
		if c.slots[h] != 0 {
			continue
		}
		if c.n == len(c.colours) {
			c.n, full = 0, true
			continue
		}
		c.colours[c.n] = v
		c.n++
		c.slots[h] = uint16(c.n)
	}
	return runs
}

func (c *palette256) slot(v uint32) int {
	h := int(v * 0x9e3779b1 >> 22)
	for c.slots[h] != 0 && c.colours[c.slots[h]-1] != v {
		h = (h + 1) & (len(c.slots) - 1)
	}
	return h
}

func (c *palette256) find(v uint32) byte { return byte(c.slots[c.slot(v)] - 1) }
