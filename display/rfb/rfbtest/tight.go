package rfbtest

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
)

// copyRect receives a rectangle that is there already (RFC 6143, section 7.7.2).
func (c *Client) copyRect(r image.Rectangle) error {
	x, y := int(c.r.u16()), int(c.r.u16())
	if c.r.err != nil {
		return c.r.err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	from := image.Rectangle{image.Pt(x, y), image.Pt(x, y).Add(r.Size())}
	if !from.In(c.fb.Rect) {
		return fmt.Errorf("rfbtest: a copy from %v", from)
	}
	img := image.NewRGBA(from)
	draw.Draw(img, from, c.fb, from.Min, draw.Src)
	draw.Draw(c.fb, r, img, from.Min, draw.Src)
	return nil
}

// rre decodes 7.7.3, and rfbproto's CoRRE.
func (d *decoder) rre(from *reader, compact bool) {
	o := d.img.Rect
	n := from.length(1 << 22)
	d.fill(o, d.pixel(from))
	for range n {
		if from.err != nil || d.err != nil {
			return
		}
		v := d.pixel(from)
		var p [4]int
		for i := range p {
			if compact {
				p[i] = int(from.u8())
			} else {
				p[i] = int(from.u16())
			}
		}
		r := image.Rect(p[0], p[1], p[0]+p[2], p[1]+p[3]).Add(o.Min)
		if r.Empty() || !r.In(o) {
			d.fail("rre: %v in %v", r, o)
			return
		}
		d.fill(r, v)
	}
}

func (d *decoder) zlib(from *reader) error {
	data := from.bytes(from.length(64 << 20))
	if from.err != nil {
		return from.err
	}
	z, err := from.inflate(&from.zlib, data)
	if err != nil {
		return err
	}
	d.raw(z, d.img.Rect)
	return d.err
}

// compact is Tight's length.
func (d *decoder) compact(r io.Reader) (n int) {
	for i := range 3 {
		b := int(d.u8(r))
		if i == 2 {
			return n | b<<14
		}
		n |= b & 0x7f << (7 * i)
		if b&0x80 == 0 {
			break
		}
	}
	return n
}

// three reports whether a TPIXEL is red, green and blue.
func (d *decoder) three() bool {
	return d.f.TrueColour && d.f.BPP == 32 && d.f.Depth == 24 && d.f.Max == [3]uint16{255, 255, 255}
}

// tpixel reads a TPIXEL as a colour.
func (d *decoder) tpixel(r io.Reader) (c [3]uint8) {
	if d.three() {
		copy(c[:], d.bytes(r, 3))
		return c
	}
	one := image.Rect(0, 0, 1, 1)
	t := decoder{f: d.f, colours: d.colours, img: image.NewRGBA(one)}
	t.set(0, 0, d.pixel(r))
	copy(c[:], t.img.Pix)
	return c
}

func (d *decoder) put(x, y int, c [3]uint8) {
	p := d.img.Pix[d.img.PixOffset(x, y):]
	p[0], p[1], p[2], p[3] = c[0], c[1], c[2], 255
}

// tight decodes rfbproto's Tight and TightPNG.
func (d *decoder) tight(from *reader, usePNG bool) {
	ctl := d.u8(from)
	for i := range from.tight {
		if ctl>>i&1 != 0 {
			from.tight[i] = inflater{}
		}
	}
	r := d.img.Rect
	switch kind := ctl >> 4; {
	case kind == 8:
		c := d.tpixel(from)
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				d.put(x, y, c)
			}
		}
	case kind == 9, kind == 10 && usePNG:
		d.file(slices.Clone(d.bytes(from, d.compact(from))), kind == 9)
	case kind > 7 || usePNG:
		d.fail("tight: control byte %02x", ctl)
	default:
		d.basic(from, kind)
	}
}

func (d *decoder) file(b []byte, isJPEG bool) {
	decode := png.Decode
	if isJPEG {
		decode = jpeg.Decode
	}
	img, err := decode(bytes.NewReader(b))
	if err != nil || img.Bounds().Size() != d.img.Rect.Size() {
		d.fail("tight: a picture file: %v", err)
		return
	}
	draw.Draw(d.img, d.img.Rect, img, image.Point{}, draw.Src)
}

// basic decodes what is in a zlib stream.
func (d *decoder) basic(from *reader, kind uint8) {
	filter := uint8(0)
	if kind&4 != 0 {
		filter = d.u8(from)
	}
	r := d.img.Rect
	w, h := r.Dx(), r.Dy()
	size := d.size()
	if d.three() {
		size = 3
	}
	var palette [][3]uint8
	n := w * h * size
	if filter == 1 {
		for range int(d.u8(from)) + 1 {
			palette = append(palette, d.tpixel(from))
		}
		if n = w * h; len(palette) == 2 {
			n = (w + 7) / 8 * h
		}
	}
	var in io.Reader = from
	if n >= 12 {
		data := d.bytes(from, d.compact(from))
		if d.err != nil || from.err != nil {
			return
		}
		if in, d.err = from.inflate(&from.tight[kind&3], data); d.err != nil {
			return
		}
	}
	switch filter {
	case 0:
		if d.three() {
			b := d.bytes(in, 3*w*h)
			for i := range w * h {
				d.put(r.Min.X+i%w, r.Min.Y+i/w, [3]uint8(b[3*i:]))
			}
			return
		}
		for i := 0; i < w*h && d.err == nil; i++ {
			d.put(r.Min.X+i%w, r.Min.Y+i/w, d.tpixel(in))
		}
	case 1:
		d.indexed(in, palette)
	case 2:
		d.gradient(in)
	default:
		d.fail("tight: filter %d", filter)
	}
}

func (d *decoder) indexed(in io.Reader, palette [][3]uint8) {
	r := d.img.Rect
	for y := r.Min.Y; y < r.Max.Y; y++ {
		n := r.Dx()
		if len(palette) == 2 {
			n = (n + 7) / 8
		}
		row := d.bytes(in, n)
		for x := range r.Dx() {
			i := int(row[x*n/r.Dx()])
			if len(palette) == 2 {
				i = int(row[x/8]) >> (7 - x%8) & 1
			}
			if i >= len(palette) {
				d.fail("tight: colour %d of %d", i, len(palette))
				return
			}
			d.put(r.Min.X+x, y, palette[i])
		}
	}
}

func (d *decoder) gradient(in io.Reader) {
	r := d.img.Rect
	if !d.three() {
		d.fail("tight: a gradient of other pixels than 24 bits")
		return
	}
	above := make([][3]int, r.Dx()+1)
	for y := r.Min.Y; y < r.Max.Y && d.err == nil; y++ {
		this := make([][3]int, r.Dx()+1)
		row := d.bytes(in, 3*r.Dx())
		for x := range r.Dx() {
			var c [3]uint8
			for i := range c {
				p := max(0, min(255, this[x][i]+above[x+1][i]-above[x][i]))
				c[i] = row[3*x+i] + uint8(p)
				this[x+1][i] = int(c[i])
			}
			d.put(r.Min.X+x, y, c)
		}
		above = this
	}
}
