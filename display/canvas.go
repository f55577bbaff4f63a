package display

import (
	"image"
	"slices"
)

// Canvas is what a Source draws on: the next picture in the making.
type Canvas struct {
	Pix    []byte // starts as the previous picture, unless Lines was called
	Stride int    // bytes from one row to the next

	s       *Screen
	buf     *buffer
	prev    *buffer // the previous picture, where it has this size
	missing Region  // where buf is not that yet
	full    bool    // everything has to be drawn, and Resize has not said so yet
	damage  Region

	lines bool // the Source calls Put
	put   []uint64
	marks marks
}

// Bounds is the size of the picture, from (0, 0).
func (c *Canvas) Bounds() image.Rectangle {
	if c.buf == nil {
		return image.Rectangle{}
	}
	return image.Rect(0, 0, c.buf.w, c.buf.h)
}

// Resize sets the size of the picture and reports whether its contents are lost, so that all of it must be drawn (all of
// it then counts as damaged). This is so after a change of size, at the first Draw, and when somebody wants a full redraw.
// Sizes beyond what a Screen takes are cut down: see Bounds.
func (c *Canvas) Resize(w, h int) (full bool) {
	full = c.resize(w, h)
	c.catchUp()
	return full
}

// Lines is Resize for a Source that writes to Pix not at all, but gives whole rows to Put: no pixel that stays as it is, or is replaced,
// is copied then.
func (c *Canvas) Lines(w, h int) (full bool) {
	c.lines = true
	return c.resize(w, h)
}

func (c *Canvas) resize(w, h int) (full bool) {
	w, h = c.s.limit(w, h)
	if c.buf == nil || c.buf.w != w || c.buf.h != h {
		c.s.pool.put(c.buf)
		c.use(c.s.pool.get(w, h))
		c.full = true
	}
	full = c.full
	if full {
		c.full, c.prev, c.missing = false, nil, nil
		c.damage = Region{c.Bounds()}
	}
	return full
}

// Damage says that the pixels in r may have changed.
func (c *Canvas) Damage(r image.Rectangle) {
	if r = r.Intersect(c.Bounds()); !r.Empty() {
		c.damage.Add(r)
	}
}

func (c *Canvas) use(b *buffer) {
	c.buf, c.Pix, c.Stride = b, b.pix, b.w*4
	c.put = slices.Grow(c.put[:0], (b.h+63)/64)[:(b.h+63)/64]
	clear(c.put)
}

// begin makes the canvas one for the picture after cur.
func (c *Canvas) begin(cur *Frame) {
	c.damage, c.missing, c.prev, c.lines = nil, nil, nil, false
	clear(c.put)
	if cur == nil {
		return
	}
	s, w, h := c.s, cur.Rect.Dx(), cur.Rect.Dy()
	if c.buf == nil || c.buf.w != w || c.buf.h != h {
		s.pool.put(c.buf)
		c.use(s.pool.get(w, h))
	}
	c.prev, c.missing = cur.buf, s.missing(c.buf)
}

// limit brings a size into what a Screen takes.
func (s *Screen) limit(w, h int) (int, int) {
	w = max(1, min(w, MaxWidth))
	h = max(1, min(h, MaxHeight, s.opts.MaxBytes/(4*w)))
	return w, h
}
