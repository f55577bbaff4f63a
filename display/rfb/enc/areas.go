package enc

import (
	"image"

	"govm-desktop/display"
)

// What an area of one kind has to be, to be sent by itself.
const (
	areaTile = 32
	minSolid = 4096 // pixels, for which a palette's stream is longer
)

// Areas cuts pieces into areas of one kind, so that each is sent in the way that suits it: one colour, and with a quality set,
// pictures and what has to stay sharp.
func (t *Tight) Areas(f *display.Frame, pieces []image.Rectangle) (out []image.Rectangle) {
	if t.seen != f {
		t.seen, t.photos = f, t.photos[:0]
	}
	for _, r := range pieces {
		if r.Dx()*r.Dy() < minSolid || t.jpeg == nil && r.Dx()*r.Dy() < 4*minSolid {
			out = append(out, r)
			continue
		}
		out = t.areas(out, f, r)
	}
	return out
}

// kind is what a tile shows.
type kind struct {
	photo, solid bool
	colour       uint32
}

// kindOf goes by every fourth row, but for one colour, which has to be all of it.
func (t *Tight) kindOf(f *display.Frame, r image.Rectangle, native *Pixels) (k kind) {
	const sparse = 4
	if n := r.Dx() * r.Dy(); len(t.tile) < n {
		t.tile = make([]uint32, 64*64)
	}
	some := t.tile[:0]
	for y := r.Min.Y; y < r.Max.Y; y += sparse {
		n := len(some)
		some = some[:n+r.Dx()]
		native.load(some[n:], f, image.Rect(r.Min.X, y, r.Max.X, y+1))
	}
	runs := t.colours.count(some, true)
	switch n := t.colours.n; {
	case n == 1:
		all := native.load(t.tile, f, r)
		if run(all) < len(all) {
			return kind{}
		}
		return kind{solid: true, colour: all[0]}
	case t.jpeg == nil && !t.tune.Fast:
		return kind{}
	default:
		return kind{photo: (n == 0 || n > maxFew) && 2*runs > len(some)}
	}
}

// areas joins neighbouring tiles of one kind to runs, and runs of the same columns to rectangles.
func (t *Tight) areas(out []image.Rectangle, f *display.Frame, r image.Rectangle) []image.Rectangle {
	type area struct {
		kind
		image.Rectangle
	}
	native := nativePixels(&t.native)
	var open, closed []area
	for y := r.Min.Y; y < r.Max.Y; y += areaTile {
		var row []area
		for x := r.Min.X; x < r.Max.X; x += areaTile {
			tile := image.Rect(x, y, min(x+areaTile, r.Max.X), min(y+areaTile, r.Max.Y))
			k := t.kindOf(f, tile, native)
			if n := len(row); n > 0 && row[n-1].kind == k {
				row[n-1].Max.X = tile.Max.X
				continue
			}
			row = append(row, area{k, tile})
		}
		for _, o := range open {
			joined := false
			for i := range row {
				if a := &row[i]; a.kind == o.kind && a.Min.X == o.Min.X && a.Max.X == o.Max.X {
					a.Min.Y = o.Min.Y
					joined = true
					break
				}
			}
			if !joined {
				closed = append(closed, o)
			}
		}
		open = row
	}
	closed = append(closed, open...)
	worth := false
	for _, a := range closed {
		worth = worth || a.photo || a.solid && a.Dx()*a.Dy() >= minSolid
	}
	if !worth || len(closed) > 64 {
		return append(out, r)
	}
	for _, a := range closed {
		out = append(out, a.Rectangle)
		if a.photo {
			t.photos = append(t.photos, a.Rectangle)
		}
	}
	return out
}

// nativePixels is a translation into the frame's own format, made once.
func nativePixels(p **Pixels) *Pixels {
	if *p == nil {
		*p = NewPixels(Native())
	}
	return *p
}
