package rfbtest

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"

	"govm-desktop/display"
	"govm-desktop/display/rfb/enc"
)

func parseFormat(b []byte) enc.Format {
	f := enc.Format{BPP: b[0], Depth: b[1], BigEndian: b[2] != 0, TrueColour: b[3] != 0}
	for i := range f.Max {
		f.Max[i], f.Shift[i] = binary.BigEndian.Uint16(b[4+2*i:]), b[10+i]
	}
	return f
}

// frame receives a FramebufferUpdate.
func (c *Client) frame() error {
	c.r.u8()
	n := int(c.r.u16())
	c.rects = c.rects[:0]
	for i := 0; i < n && c.r.err == nil; i++ {
		x, y, w, h := int(c.r.u16()), int(c.r.u16()), int(c.r.u16()), int(c.r.u16())
		id := int32(c.r.u32())
		if id == LastRect {
			break
		}
		if err := c.rect(image.Rect(x, y, x+w, y+h), id); err != nil {
			return err
		}
	}
	if c.r.err != nil {
		return c.r.err
	}
	c.mu.Lock()
	c.state.Updates++
	c.state.Bytes = c.r.count
	fb := c.fb
	c.mu.Unlock()
	if c.update != nil {
		c.update(fb, c.rects)
	}
	return nil
}

// rect receives one rectangle.
func (c *Client) rect(r image.Rectangle, id int32) error {
	if c.r.err != nil {
		return c.r.err
	}
	c.mu.Lock()
	c.state.Rects[id]++
	f, colours, bounds := c.format, c.colours, c.fb.Rect
	c.mu.Unlock()
	if id < 0 && id != enc.TightPNGID || id>>8 == VMwareLEDs>>8 {
		return c.pseudo(r, id)
	}
	if !r.In(bounds) || r.Empty() {
		return fmt.Errorf("rfbtest: rectangle %v in a picture of %v", r, bounds)
	}
	c.rects = append(c.rects, r)
	if c.skim && (id == enc.ZRLEID || id == enc.ZlibID) {
		c.r.skip(c.r.length(64 << 20))
		return c.r.err
	}
	img := image.NewRGBA(r)
	d := decoder{f: f, native: f == enc.Native(), colours: &colours, img: img}
	switch id {
	case enc.RawID:
		d.raw(c.r, r)
	case enc.CopyRectID:
		return c.copyRect(r)
	case enc.RREID, enc.CoRREID:
		d.rre(c.r, id == enc.CoRREID)
	case enc.ZlibID:
		if err := d.zlib(c.r); err != nil {
			return err
		}
	case enc.TightID, enc.TightPNGID:
		d.tight(c.r, id == enc.TightPNGID)
	case enc.TRLEID:
		tiles(r, 16, func(t image.Rectangle) {
			if d.err == nil {
				d.zrleTile(c.r, t)
			}
		})
	case enc.HextileID:
		d.hextile(c.r)
	case enc.ZRLEID, enc.ZYWRLEID:
		d.wave = id == enc.ZYWRLEID
		if err := d.zrle(c.r); err != nil {
			return err
		}
	default:
		return fmt.Errorf("rfbtest: encoding %d", id)
	}
	if c.r.err != nil || d.err != nil {
		return errors.Join(c.r.err, d.err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(c.fb.Pix[c.fb.PixOffset(r.Min.X, y):], img.Pix[img.PixOffset(r.Min.X, y):][:4*r.Dx()])
	}
	c.need = c.need.Subtract(display.Region{r})
	return nil
}

// pseudo receives what is no picture.
func (c *Client) pseudo(r image.Rectangle, id int32) error {
	var name string
	var leds uint32
	var heads []Head
	if (id == DesktopSize || id == ExtDesktopSize) && r.Dx()*r.Dy() > maxPixels {
		return fmt.Errorf("rfbtest: a picture of %v", r.Size())
	}
	switch id {
	case DesktopName:
		name = string(c.r.bytes(c.r.length(1 << 16)))
	case LEDs:
		leds = uint32(c.r.u8())
	case VMwareLEDs:
		leds = c.r.u32()
	case ExtDesktopSize:
		heads = c.heads()
	case Cursor, XCursor, AlphaCursor, VMwareCursor:
		return c.cursor(r, id)
	case VMwareState:
		state := c.r.u16()
		c.mu.Lock()
		c.state.VMwareState = int(state)
		c.mu.Unlock()
		return c.r.err
	case LibvncLEDs:
		leds = uint32(r.Min.X)
	case PointerPos, VMwarePos:
		c.mu.Lock()
		c.state.PointerAt = r.Min
		c.mu.Unlock()
		return c.r.err
	case DesktopSize, ExtKey, PointerChange, ExtButtons, Audio:
	default:
		return fmt.Errorf("rfbtest: pseudo-encoding %d", id)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.state
	switch id {
	case DesktopName:
		s.Name = name
	case Audio:
		s.Audio = true
	case LEDs, VMwareLEDs, LibvncLEDs:
		s.LEDs, s.LEDsTold = leds, true
	case ExtKey:
		s.ExtKeys = true
	case ExtButtons:
		s.ExtButtons = true
	case PointerChange:
		s.Absolute, s.PointerTold = r.Min.X != 0, true
	case ExtDesktopSize:
		s.Status, s.Why, s.Heads = r.Min.Y, r.Min.X, heads
		if r.Min.Y == 0 {
			c.resize(r.Size())
		}
	case DesktopSize:
		c.resize(r.Size())
	}
	return c.r.err
}

// resize has c.mu held.
func (c *Client) resize(size image.Point) {
	if size == c.fb.Rect.Max {
		return
	}
	c.state.Resizes++
	c.fb = image.NewRGBA(image.Rectangle{Max: size})
	c.need = display.Region{c.fb.Rect}
}

// decoder puts pixels into a picture.
type decoder struct {
	f       enc.Format
	native  bool // the commonest format, which goes faster
	wave    bool // pixels as they are would be a transform, which this client does not know
	colours *[256][3]uint8
	img     *image.RGBA
	err     error
	buf     []byte
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("rfbtest: "+format, args...)
	}
}

// number is the value of a pixel's bytes.
func (d *decoder) number(b []byte) (v uint32) {
	for i := range b {
		if d.f.BigEndian {
			v = v<<8 | uint32(b[i])
		} else {
			v |= uint32(b[i]) << (8 * i)
		}
	}
	return v
}

// size is how long a PIXEL is.
func (d *decoder) size() int { return int(d.f.BPP) / 8 }

// pixel reads a PIXEL.
func (d *decoder) pixel(r io.Reader) uint32 { return d.number(d.bytes(r, d.size())) }

// csize is how long a CPIXEL is (7.7.5), and by how much its value is shifted.
func (d *decoder) csize() (size, shift int) {
	all := uint32(0)
	for i := range 3 {
		all |= uint32(d.f.Max[i]) << d.f.Shift[i]
	}
	low, high := all>>24 == 0, all&0xff == 0 // all colour is in the less, in the more significant bytes
	switch {
	case d.f.BPP != 32 || !d.f.TrueColour || !low && !high:
		return d.size(), 0
	case low && high && d.f.BigEndian, !low:
		return 3, 8
	}
	return 3, 0
}

// cpixels reads CPIXELs and calls f for each.
func (d *decoder) cpixels(r io.Reader, n int, f func(i int, v uint32)) {
	size, shift := d.csize()
	b := d.bytes(r, n*size)
	if d.native {
		for i := range n {
			f(i, uint32(b[3*i])|uint32(b[3*i+1])<<8|uint32(b[3*i+2])<<16)
		}
		return
	}
	for i := range n {
		f(i, d.number(b[i*size:(i+1)*size])<<shift)
	}
}

// bytes are valid until the next read.
func (d *decoder) bytes(r io.Reader, n int) []byte {
	if cap(d.buf) < n {
		d.buf = make([]byte, n)
	}
	b := d.buf[:n]
	if d.err == nil {
		_, d.err = io.ReadFull(r, b)
	}
	return b
}

func (d *decoder) u8(r io.Reader) uint8 { return d.bytes(r, 1)[0] }

// set colours a pixel.
func (d *decoder) set(x, y int, v uint32) {
	p := d.img.Pix[d.img.PixOffset(x, y):][:4:4]
	p[3] = 255
	if d.native {
		p[0], p[1], p[2] = uint8(v>>16), uint8(v>>8), uint8(v)
		return
	}
	if !d.f.TrueColour {
		if v > 255 {
			d.fail("colour %d of the map", v)
			return
		}
		copy(p, d.colours[v][:])
		return
	}
	for i := range 3 {
		switch m := uint32(d.f.Max[i]); m {
		case 0:
			p[i] = 0
		case 255:
			p[i] = uint8(v >> d.f.Shift[i])
		default:
			p[i] = uint8((v >> d.f.Shift[i] & m * 255) / m)
		}
	}
}

func (d *decoder) fill(r image.Rectangle, v uint32) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			d.set(x, y, v)
		}
	}
}

func (d *decoder) raw(from io.Reader, r image.Rectangle) {
	size := d.size()
	b := d.bytes(from, r.Dx()*r.Dy()*size)
	if d.native {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				d.put(x, y, [3]uint8{b[2], b[1], b[0]})
				b = b[4:]
			}
		}
		return
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			d.set(x, y, d.number(b[:size]))
			b = b[size:]
		}
	}
}

// Read implements io.Reader, so that a decoder reads from it as from a stream.
func (r *reader) Read(b []byte) (int, error) {
	n := copy(b, r.bytes(len(b)))
	return n, r.err
}

// tiles calls f for the tiles of a picture.
func tiles(r image.Rectangle, size int, f func(image.Rectangle)) {
	for y := r.Min.Y; y < r.Max.Y; y += size {
		for x := r.Min.X; x < r.Max.X; x += size {
			f(image.Rect(x, y, x+size, y+size).Intersect(r))
		}
	}
}

// hextile decodes 7.7.4.
func (d *decoder) hextile(from *reader) {
	var bg, fg uint32
	bgKnown, fgKnown := false, false
	tiles(d.img.Rect, 16, func(t image.Rectangle) {
		bits := d.u8(from)
		if bits&1 != 0 {
			d.raw(from, t)
			bgKnown, fgKnown = false, false
			return
		}
		if bits&2 != 0 {
			bg, bgKnown = d.pixel(from), true
		}
		if bits&4 != 0 {
			fg, fgKnown = d.pixel(from), true
		}
		if !bgKnown {
			d.fail("hextile: a tile without a background")
		}
		d.fill(t, bg)
		if bits&8 == 0 {
			return
		}
		if bits&16 == 0 && !fgKnown {
			d.fail("hextile: a tile without a foreground")
		}
		for range d.u8(from) {
			v := fg
			if bits&16 != 0 {
				v = d.pixel(from)
			}
			at, size := int(d.u8(from)), int(d.u8(from))
			min := t.Min.Add(image.Pt(at>>4, at&15))
			r := image.Rectangle{Min: min, Max: min.Add(image.Pt(size>>4+1, size&15+1))}
			if !r.In(t) {
				d.fail("hextile: %v in the tile %v", r, t)
				return
			}
			d.fill(r, v)
		}
		if bits&16 != 0 {
			fgKnown = false
		}
	})
}

// inflater is a zlib stream that comes in pieces.
type inflater struct {
	in bytes.Buffer
	z  *bufio.Reader // it asks for more only when it has nothing left, and so never beyond a flush
}

// inflate adds data to a stream.
func (r *reader) inflate(s *inflater, data []byte) (io.Reader, error) {
	s.in.Write(data)
	if s.z == nil {
		z, err := zlib.NewReader(&s.in)
		if err != nil {
			return nil, err
		}
		s.z = bufio.NewReader(z)
	}
	return s.z, nil
}

// zrle decodes 7.7.6.
func (d *decoder) zrle(from *reader) error {
	data := from.bytes(from.length(64 << 20))
	if from.err != nil {
		return from.err
	}
	z, err := from.inflate(&from.z, data)
	if err != nil {
		return err
	}
	tiles(d.img.Rect, 64, func(t image.Rectangle) {
		if d.err == nil {
			d.zrleTile(z, t)
		}
	})
	return d.err
}

func (d *decoder) zrleTile(z io.Reader, t image.Rectangle) {
	kind := int(d.u8(z))
	var palette []uint32
	d.cpixels(z, kind&127, func(_ int, v uint32) { palette = append(palette, v) })
	switch {
	case d.err != nil:
	case kind == 0 && d.wave:
		d.fail("zywrle: a transform that was not asked for")
	case kind == 0:
		d.cpixels(z, t.Dx()*t.Dy(), func(i int, v uint32) { d.set(t.Min.X+i%t.Dx(), t.Min.Y+i/t.Dx(), v) })
	case kind == 1:
		d.fill(t, palette[0])
	case kind <= 16:
		d.packed(z, t, palette)
	case kind == 128 || kind >= 130:
		d.runs(z, t, palette)
	default:
		d.fail("zrle: sub-encoding %d", kind)
	}
}

func (d *decoder) packed(z io.Reader, t image.Rectangle, palette []uint32) {
	bits := 4
	if len(palette) == 2 {
		bits = 1
	} else if len(palette) <= 4 {
		bits = 2
	}
	for y := t.Min.Y; y < t.Max.Y; y++ {
		row := d.bytes(z, (t.Dx()*bits+7)/8)
		for x := range t.Dx() {
			i := int(row[x*bits/8]) >> (8 - bits - x*bits%8) & (1<<bits - 1)
			if i >= len(palette) {
				d.fail("zrle: colour %d of %d", i, len(palette))
				return
			}
			d.set(t.Min.X+x, y, palette[i])
		}
	}
}

func (d *decoder) runs(z io.Reader, t image.Rectangle, palette []uint32) {
	for at, n := 0, t.Dx()*t.Dy(); at < n && d.err == nil; {
		v, length := uint32(0), 1
		if palette == nil {
			d.cpixels(z, 1, func(_ int, u uint32) { v = u })
			length = d.runLength(z)
		} else {
			i := int(d.u8(z))
			if i >= 128 {
				length = d.runLength(z)
			}
			if i &= 127; i >= len(palette) {
				d.fail("zrle: colour %d of %d", i, len(palette))
				return
			}
			v = palette[i]
		}
		if at+length > n {
			d.fail("zrle: a run past the end of the tile")
			return
		}
		for range length {
			d.set(t.Min.X+at%t.Dx(), t.Min.Y+at/t.Dx(), v)
			at++
		}
	}
}

func (d *decoder) runLength(z io.Reader) int {
	n := 1
	for {
		b := d.u8(z)
		n += int(b)
		if b != 255 || d.err != nil || n > 1<<20 {
			return n
		}
	}
}
