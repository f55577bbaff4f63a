package display

import (
	"image"
	"slices"
)

// Region is a set of pixels as disjoint rectangles, in bands: rectangles whose rows overlap have the same rows, and they are
// sorted by row, then by column. It is bounded: past maxRects it grows to cover more than was asked, which for damage is
// safe. The zero Region is empty. Methods but Add leave their operands alone.
type Region []image.Rectangle

const maxRects = 256

// Empty reports whether the region has no pixel.
func (g Region) Empty() bool { return len(g) == 0 }

// Bounds is the smallest rectangle around the region.
func (g Region) Bounds() (b image.Rectangle) {
	for _, r := range g {
		b = b.Union(r)
	}
	return b
}

// Area is the number of pixels.
func (g Region) Area() (n int) {
	for _, r := range g {
		n += r.Dx() * r.Dy()
	}
	return n
}

// Contains reports whether all of r is in the region.
func (g Region) Contains(r image.Rectangle) bool {
	return Region{r}.combine(g, func(a, b bool) bool { return a && !b }).Empty()
}

// Clone returns a copy that shares nothing.
func (g Region) Clone() Region { return slices.Clone(g) }

// Add puts a rectangle into the region.
func (g *Region) Add(r image.Rectangle) {
	if r.Empty() {
		return
	}
	n := len(*g)
	if n == 0 {
		*g = Region{r}
		return
	}
	for _, s := range *g {
		if r.In(s) {
			return
		}
	}
	// Most damage comes from top to bottom.
	if last := (*g)[n-1]; r.Min.Y >= last.Max.Y && n < maxRects {
		alone := n == 1 || (*g)[n-2].Min.Y != last.Min.Y
		if alone && r.Min.Y == last.Max.Y && r.Min.X == last.Min.X && r.Max.X == last.Max.X {
			(*g)[n-1].Max.Y = r.Max.Y
			return
		}
		*g = append(*g, r)
		return
	}
	if last := &(*g)[n-1]; r.Min.Y == last.Min.Y && r.Max.Y == last.Max.Y && r.Min.X >= last.Max.X && n < maxRects {
		if r.Min.X == last.Max.X {
			last.Max.X = r.Max.X
		} else {
			*g = append(*g, r)
		}
		return
	}
	*g = g.Union(Region{r})
}

// Union is what is in either.
func (g Region) Union(o Region) Region {
	return g.combine(o, func(a, b bool) bool { return a || b })
}

// Intersect is what is in both.
func (g Region) Intersect(o Region) Region {
	return g.combine(o, func(a, b bool) bool { return a && b })
}

// Subtract is what is in g and not in o.
func (g Region) Subtract(o Region) Region {
	return g.combine(o, func(a, b bool) bool { return a && !b })
}

// span is some columns of a band.
type span struct{ x0, x1 int }

// combine sweeps over both regions, band by band, and keeps the pixels for which op holds.
func (g Region) combine(o Region, op func(a, b bool) bool) Region {
	if len(o) == 0 && op(true, false) || len(g) == 0 && !op(false, true) {
		return g.Clone()
	}
	ys := make([]int, 0, 2*(len(g)+len(o)))
	for _, r := range g {
		ys = append(ys, r.Min.Y, r.Max.Y)
	}
	for _, r := range o {
		ys = append(ys, r.Min.Y, r.Max.Y)
	}
	slices.Sort(ys)
	ys = slices.Compact(ys)
	var out Region
	var a, b, spans []span
	last := 0 // index of the first rectangle of the last band in out
	for i := 0; i+1 < len(ys); i++ {
		y0, y1 := ys[i], ys[i+1]
		a, g = g.band(a[:0], y0)
		b, o = o.band(b[:0], y0)
		spans = merge(spans[:0], a, b, op)
		if len(spans) == 0 {
			continue
		}
		if out.extends(last, y0, spans) {
			for j := last; j < len(out); j++ {
				out[j].Max.Y = y1
			}
			continue
		}
		last = len(out)
		for _, s := range spans {
			out = append(out, image.Rect(s.x0, y0, s.x1, y1))
		}
	}
	return out.bound()
}

// band appends the columns of the region in the row y, and drops what ends above it.
func (g Region) band(to []span, y int) ([]span, Region) {
	for len(g) > 0 && g[0].Max.Y <= y {
		g = g[1:]
	}
	for _, r := range g {
		if r.Min.Y > y {
			break
		}
		to = append(to, span{r.Min.X, r.Max.X})
	}
	return to, g
}

// extends reports whether the band from index last ends at y0 and has the same columns as spans.
func (g Region) extends(last, y0 int, spans []span) bool {
	if len(g)-last != len(spans) || g[last].Max.Y != y0 {
		return false
	}
	for i, s := range spans {
		if g[last+i].Min.X != s.x0 || g[last+i].Max.X != s.x1 {
			return false
		}
	}
	return true
}

// merge appends the columns for which op holds.
func merge(to, a, b []span, op func(a, b bool) bool) []span {
	const far = int(^uint(0) >> 1)
	inA, inB, x := false, false, 0
	edge := func(s []span, in bool) int {
		switch {
		case len(s) == 0:
			return far
		case in:
			return s[0].x1
		}
		return s[0].x0
	}
	on := false
	for len(a) > 0 || len(b) > 0 {
		x = min(edge(a, inA), edge(b, inB))
		for edge(a, inA) == x { // again for spans that touch
			if inA {
				a = a[1:]
			}
			inA = !inA
		}
		for edge(b, inB) == x {
			if inB {
				b = b[1:]
			}
			inB = !inB
		}
		if now := op(inA, inB); now != on {
			if on = now; on {
				to = append(to, span{x, x})
			} else {
				to[len(to)-1].x1 = x
			}
		}
	}
	return to
}

// bound makes a region of too many rectangles coarser: each band one rectangle, and if that is not enough, all of it.
func (g Region) bound() Region {
	if len(g) <= maxRects {
		return g
	}
	out := g[:0]
	for _, r := range g {
		if n := len(out); n > 0 && out[n-1].Min.Y == r.Min.Y {
			out[n-1].Max.X = r.Max.X
			continue
		}
		out = append(out, r)
	}
	if len(out) > maxRects {
		return Region{out.Bounds()}
	}
	return out
}
