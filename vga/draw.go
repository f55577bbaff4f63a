package vga

import (
	"govm-desktop/clock"
	"govm-desktop/display"
	"govm-desktop/memory"
)

// painter is what Draw remembers from one picture to the next. It belongs to the Screen's goroutine.
type painter struct {
	regs   regs // as they were when the picture was begun
	mode   mode
	drawn  bool // mode and what follows are those of the canvas
	colour [256]uint32
	attrs  [16]uint32 // colours of the attribute controller's palette
	fonts  uint32

	dirty   dirtySet
	raw     []byte // a line of memory, where it wraps
	plain   []byte // a line of pixels
	doubled []byte // the same, each twice
	line    []byte // a line of the picture: one of both
	cells   cells
}

// Draw implements display.Source.
func (v *VGA) Draw(c *display.Canvas) {
	p := &v.paint
	v.mu.Lock()
	p.regs = v.regs
	fonts := v.fonts
	v.mu.Unlock()
	m := p.regs.mode(len(v.mem))
	b := c.Bounds()
	switch {
	case m.kind != blank:
	case b.Empty():
		m.w, m.h = 640, 480
	default:
		m.w, m.h = b.Dx(), b.Dy()
	}
	size := c.Resize
	if m.kind != blank && m.kind != text {
		size = c.Lines
	}
	full := size(m.w, m.h) || !p.drawn || m.fixed() != p.mode.fixed()
	full = p.setColours(&m) || full
	p.mode, p.drawn = m, true
	switch m.kind {
	case blank:
		if full {
			drawBlank(c)
		}
		return
	case text:
		full = full || fonts != p.fonts
		p.fonts = fonts
		p.dirty.take(v.vram, &m)
		v.drawText(c, full)
	default:
		p.dirty.take(v.vram, &m)
		v.drawLines(c, full)
	}
}

// Poll implements display.Poller: in modes that show what is written past our own handlers, the processor may have nobody
// to tell us.
func (v *VGA) Poll() bool {
	m := &v.paint.mode
	return (m.kind >= pal8 || m.mask != planesSize-1) && v.vram.Polled()
}

func drawBlank(c *display.Canvas) {
	clear(c.Pix)
	c.Damage(c.Bounds())
}

// setColours computes the colours and reports whether those that the mode shows have changed.
func (p *painter) setColours(m *mode) (changed bool) {
	if m.kind == blank || m.kind >= rgb15 {
		return false
	}
	r := &p.regs
	var colour [256]uint32
	wide := r.dispi[dispiEnable]&enable8BitDAC != 0
	for i := range colour {
		c := r.dac[3*(i&int(r.dacMask)):]
		colour[i] = dacColour(c[0], wide)<<16 | dacColour(c[1], wide)<<8 | dacColour(c[2], wide)
	}
	var attrs [16]uint32
	for i := range attrs {
		a := r.attr[i&int(m.enable)]
		if r.attr[arMode]&ar10P54Select != 0 {
			a = r.attr[arColourSelect]<<4 | a&0x0f
		} else {
			a = r.attr[arColourSelect]&0x0c<<4 | a&0x3f
		}
		attrs[i] = colour[a]
	}
	if m.kind == pal8 {
		changed = colour != p.colour
	} else {
		changed = attrs != p.attrs
	}
	p.colour, p.attrs = colour, attrs
	return changed
}

// dacColour makes 8 bits of the digital-to-analogue converter's 6: the lowest is repeated, as QEMU does.
func dacColour(c uint8, wide bool) uint32 {
	if wide {
		return uint32(c)
	}
	return uint32(c&0x3f)<<2 | uint32(c&1)*3
}

// dirtySet is the pages of video memory written since the last picture.
type dirtySet struct {
	first uint64 // page
	bits  []uint64
	any   bool
}

// take fetches and clears those that the mode shows.
func (d *dirtySet) take(vram *memory.Region, m *mode) {
	off, n := uint64(0), uint64(m.mask)+1
	if m.split < 0 && m.mask != planesSize-1 {
		span := uint64(m.pitch)*uint64(m.h-1) + uint64(m.rowBytes(m.w+8))
		if end := uint64(m.start) + span; end <= n {
			off, n = uint64(m.start), span
		}
	}
	d.first = off >> memory.PageShift
	d.bits = vram.TakeDirty(memory.DirtyDisplay, off, n)
	d.any = false
	for _, w := range d.bits {
		d.any = d.any || w != 0
	}
}

// has reports whether any of n bytes is dirty; they may wrap at mask.
func (d *dirtySet) has(a, n, mask uint32) bool {
	if !d.any {
		return false
	}
	if uint64(a)+uint64(n) > uint64(mask)+1 {
		return d.has(a, mask+1-a, mask) || d.has(0, min(a+n-mask-1, mask+1), mask)
	}
	for p := uint64(a) >> memory.PageShift; p <= uint64(a+n-1)>>memory.PageShift; p++ {
		i := p - d.first
		if i>>6 < uint64(len(d.bits)) && d.bits[i>>6]>>(i&63)&1 != 0 {
			return true
		}
	}
	return false
}

// drawLines draws the lines of a graphics mode that lie in dirty memory.
func (v *VGA) drawLines(c *display.Canvas, full bool) {
	p := &v.paint
	if !full && !p.dirty.any {
		return
	}
	m, b := &p.mode, c.Bounds()
	shown, extra := m.w, 0
	if m.double {
		shown /= 2
	}
	if m.pan != 0 || m.splitPan != 0 {
		extra = 8
	}
	p.size(m, shown+extra)
	n := m.rowBytes(shown + extra)
	last, lastPan, have := uint32(0), 0, false
	for s := m.raster(); s.y < b.Dy(); s.next() {
		a := s.addr()
		if full || p.dirty.has(a, uint32(n), m.mask) {
			if !have || a != last || s.pan() != lastPan {
				v.convert(a, n, shown, s.pan())
				last, lastPan, have = a, s.pan(), true
			}
			c.Put(s.y, p.line)
		}
	}
}

// size gets line buffers for that many pixels, before they are doubled.
func (p *painter) size(m *mode, pixels int) {
	fit := func(b *[]byte, n int) {
		if len(*b) < n {
			*b = make([]byte, n)
		}
	}
	fit(&p.raw, m.rowBytes(pixels))
	fit(&p.plain, 4*(pixels+7)&^31)
	if m.double {
		fit(&p.doubled, 4*m.w)
	}
}

// convert makes p.line from n bytes at a.
func (v *VGA) convert(a uint32, n, shown, pan int) {
	p := &v.paint
	m := &p.mode
	src := p.raw[:n]
	if end := uint64(a) + uint64(n); end <= uint64(m.mask)+1 {
		src = v.mem[a:end]
	} else {
		for i := 0; i < n; {
			from := (a + uint32(i)) & m.mask
			i += copy(src[i:], v.mem[from:m.mask+1])
		}
	}
	p.pixels(p.plain, src, shown+pan)
	p.line = p.plain[4*pan : 4*(pan+shown)]
	if !m.double {
		return
	}
	out := p.doubled[:8*shown]
	for i := 0; i < len(p.line); i += 4 {
		c := le.Uint32(p.line[i:])
		le.PutUint64(out[2*i:], uint64(c)<<32|uint64(c))
	}
	p.line = out
}

// phase is whether something that blinks with the given half period is to be seen, and until when.
func phase(now, half clock.Time) (on bool, until clock.Time) {
	n := now / half
	return n&1 == 0, (n + 1) * half
}
