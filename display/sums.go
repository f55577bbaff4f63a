package display

import (
	"hash/maphash"
	"image"
	"math/bits"
)

// SpanWidth is how many pixels of a row have a sum of their own, from the left edge on.
const SpanWidth = 64

// Spans is how many sums a row of a Frame has.
func (f *Frame) Spans() int { return spans(f.Rect.Dx()) }

// Sums are the sums of the spans from t0 up to t1 in the row y: of equal sums the pixels are equal. (They are 64 bits of a keyed hash,
// so that a guest cannot make others.) They are counted once, while the picture is drawn, for all who look at it. Only a Frame that a
// Screen published has them.
func (f *Frame) Sums(y, t0, t1 int) []uint64 {
	n := f.Spans()
	return f.buf.sums[y*n+t0 : y*n+t1 : y*n+t1]
}

func spans(w int) int { return (w + SpanWidth - 1) / SpanWidth }

// sum is never 0, which stands for a span of which nothing is known.
func sum(seed maphash.Seed, pix []byte) uint64 {
	if h := maphash.Bytes(seed, pix); h != 0 {
		return h
	}
	return 1
}

// marks collects which parts of the picture have changed: spans, in bands of bandRows rows.
type marks struct {
	bits      []uint64
	any       bool
	band      int
	top, last int // rows of the band that have changed
}

const bandRows = 16

// Put makes line the row y of the picture, and of what differs damage. It is for Sources that have begun with Lines, which call it for
// rows from top to bottom.
func (c *Canvas) Put(y int, line []byte) {
	b, k := c.buf, &c.marks
	if band := y / bandRows; band != k.band {
		c.endBand()
		k.band = band
	}
	n := spans(b.w)
	if len(k.bits) != (n+63)/64 {
		k.bits = make([]uint64, (n+63)/64)
	}
	dst := b.pix[y*c.Stride : (y+1)*c.Stride]
	line = line[:len(dst)]
	sums := b.sums[y*n : (y+1)*n]
	var was []uint64 // of the previous picture
	if c.prev != nil {
		was = c.prev.sums[y*n : (y+1)*n]
	}
	for t := range sums {
		x := t * 4 * SpanWidth
		end := min(x+4*SpanWidth, len(dst))
		h := sum(c.s.seed, line[x:end])
		if h != sums[t] {
			copy(dst[x:end], line[x:end])
			sums[t] = h
		}
		if was != nil && was[t] == h {
			continue
		}
		k.bits[t>>6] |= 1 << (t & 63)
		if !k.any {
			k.any, k.top = true, y
		}
		k.last = y
	}
	c.put[y>>6] |= 1 << (y & 63)
}

// endBand tells the damage of a band.
func (c *Canvas) endBand() {
	k := &c.marks
	if !k.any {
		return
	}
	n := spans(c.buf.w)
	for t := 0; ; {
		from := k.run(t, 0)
		if from >= n {
			break
		}
		t = min(k.run(from, 1), n)
		c.Damage(image.Rect(from*SpanWidth, k.top, t*SpanWidth, k.last+1))
	}
	clear(k.bits)
	k.any = false
}

// run is the first span from t on that is marked (skip 0) or not (skip 1).
func (k *marks) run(t int, skip uint64) int {
	for t>>6 < len(k.bits) {
		w := (k.bits[t>>6] ^ -skip) >> (t & 63)
		if w != 0 {
			return t + bits.TrailingZeros64(w)
		}
		t = (t>>6 + 1) << 6
	}
	return t
}

// catchUp makes the buffer the previous picture where it is not, but for rows that were put.
func (c *Canvas) catchUp() {
	b, p := c.buf, c.prev
	if p == nil {
		return
	}
	n := spans(b.w)
	for _, r := range c.missing {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			if c.put[y>>6]>>(y&63)&1 != 0 {
				continue
			}
			for t := r.Min.X / SpanWidth; t*SpanWidth < r.Max.X; t++ {
				if i := y*n + t; b.sums[i] != p.sums[i] {
					o, end := y*c.Stride+4*t*SpanWidth, y*c.Stride+4*min((t+1)*SpanWidth, b.w)
					copy(b.pix[o:end], p.pix[o:end])
					b.sums[i] = p.sums[i]
				}
			}
		}
	}
	c.missing = nil
}

// finish brings the rest of the picture and all sums up to date.
func (c *Canvas) finish() {
	if c.lines {
		c.endBand()
	}
	c.catchUp()
	if c.lines {
		return
	}
	b := c.buf
	n := spans(b.w)
	for _, r := range c.damage {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for t := r.Min.X / SpanWidth; t*SpanWidth < r.Max.X; t++ {
				b.sums[y*n+t] = sum(c.s.seed, b.pix[y*c.Stride+4*t*SpanWidth:y*c.Stride+4*min((t+1)*SpanWidth, b.w)])
			}
		}
	}
}

// wipe makes the buffer black.
func (b *buffer) wipe() {
	clear(b.pix)
	clear(b.sums)
}
