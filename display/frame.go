package display

import (
	"image"
	"image/color"
	"sync"
	"sync/atomic"
)

// Frame is one picture, immutable once published. It is counted: who gets one from Next calls Release when done with it,
// after which its memory serves another Frame. A Frame made by hand, around pixels of its own, need not be released.
type Frame struct {
	Pix    []byte // bytes B, G, R, 0
	Stride int    // bytes from one row to the next
	Rect   image.Rectangle

	serial uint64

	refs atomic.Int32
	pool *pool
	buf  *buffer
}

// NewFrame returns a black Frame of its own memory.
func NewFrame(w, h int) *Frame {
	return &Frame{Pix: make([]byte, 4*w*h), Stride: 4 * w, Rect: image.Rect(0, 0, w, h)}
}

// Serial is the Frame's number on its Screen, which no other Frame there has; 0 for one made by hand.
func (f *Frame) Serial() uint64 { return f.serial }

// Retain keeps the Frame for one more Release.
func (f *Frame) Retain() *Frame {
	f.refs.Add(1)
	return f
}

// Release gives up the Frame. It must not be used afterwards.
func (f *Frame) Release() {
	if f == nil || f.pool == nil {
		return
	}
	switch n := f.refs.Add(-1); {
	case n == 0:
		f.pool.put(f.buf)
	case n < 0:
		panic("display: a Frame was released twice")
	}
}

// Row is the pixels from (x0, y) up to (x1, y).
func (f *Frame) Row(y, x0, x1 int) []byte {
	o := (y-f.Rect.Min.Y)*f.Stride - f.Rect.Min.X*4
	return f.Pix[o+4*x0 : o+4*x1 : o+4*x1]
}

// ColorModel implements image.Image.
func (f *Frame) ColorModel() color.Model { return color.RGBAModel }

// Bounds implements image.Image.
func (f *Frame) Bounds() image.Rectangle { return f.Rect }

// At implements image.Image.
func (f *Frame) At(x, y int) color.Color { return f.RGBAAt(x, y) }

// RGBAAt is the colour of one pixel; black outside.
func (f *Frame) RGBAAt(x, y int) color.RGBA {
	if !(image.Point{X: x, Y: y}).In(f.Rect) {
		return color.RGBA{A: 0xff}
	}
	p := f.Row(y, x, x+1)
	return color.RGBA{R: p[2], G: p[1], B: p[0], A: 0xff}
}

// Opaque reports that no pixel is transparent: encoders then leave the alpha out.
func (f *Frame) Opaque() bool { return true }

// buffer is the memory of one picture.
type buffer struct {
	pix  []byte
	sums []uint64 // of its spans; 0: not known
	w, h int
	seq  uint64 // the frame it holds, by the Screen's count; 0: nothing of use
}

// pool keeps the memory of pictures that nobody looks at any more.
type pool struct {
	mu   sync.Mutex // guards everything below
	free []*buffer
}

// maxFree bounds how many pictures are kept for later.
const maxFree = 3

// get returns a buffer of the given size.
func (p *pool) get(w, h int) *buffer {
	p.mu.Lock()
	defer p.mu.Unlock()
	need := 4 * w * h
	for i := len(p.free) - 1; i >= 0; i-- {
		b := p.free[i]
		if b.w == w && b.h == h {
			p.free = append(p.free[:i], p.free[i+1:]...)
			return b
		}
	}
	for i, b := range p.free {
		if c := cap(b.pix); c >= need && c/4 <= need {
			p.free = append(p.free[:i], p.free[i+1:]...)
			return newBuffer(b.pix[:need], w, h)
		}
	}
	p.free = p.free[:0] // of sizes that do not serve any more
	return newBuffer(make([]byte, need), w, h)
}

func newBuffer(pix []byte, w, h int) *buffer {
	return &buffer{pix: pix, sums: make([]uint64, spans(w)*h), w: w, h: h}
}

// put takes a buffer back.
func (p *pool) put(b *buffer) {
	if b == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == maxFree {
		copy(p.free, p.free[1:])
		p.free[maxFree-1] = b
		return
	}
	p.free = append(p.free, b)
}
