package picture

import (
	"bytes"
	"image"

	"govm-desktop/display"
)

// Damage is looked at in bands of so many rows, and where it is little in steps of so many columns.
const (
	bandRows = 16
	stepCols = 16
	little   = 96 * 1024 // pixels
)

// refine returns what of the damage g the frame f really shows otherwise than the client's picture.
func (p *Picture) refine(f *display.Frame, g display.Region) (out display.Region) {
	g = g.Intersect(display.Region{f.Rect})
	if out = g; g.Area() > little {
		out = bands(g, p.have, f, refineSpans)
	}
	if out.Area() <= little {
		out = bands(out, p.have, f, refineBand)
	}
	// Where the client's picture is not even what it is taken for, all damage stays.
	return out.Union(g.Intersect(p.stale))
}

func bands(g display.Region, a, b *display.Frame, refine func(out *display.Region, a, b *display.Frame, r image.Rectangle)) (out display.Region) {
	for _, r := range g {
		for y := r.Min.Y; y < r.Max.Y; {
			end := min(y&^(bandRows-1)+bandRows, r.Max.Y)
			refine(&out, a, b, image.Rect(r.Min.X, y, r.Max.X, end))
			y = end
		}
	}
	return out
}

// refineSpans adds the spans of a band whose sums differ, from the first row that has one to the last.
func refineSpans(out *display.Region, a, b *display.Frame, r image.Rectangle) {
	var differs [display.MaxWidth / display.SpanWidth]bool
	first, last := r.Max.Y, r.Min.Y
	t0, t1 := r.Min.X/display.SpanWidth, (r.Max.X-1)/display.SpanWidth+1
	for y := r.Min.Y; y < r.Max.Y; y++ {
		was, is := a.Sums(y, t0, t1), b.Sums(y, t0, t1)
		for i, v := range is {
			if v != was[i] {
				differs[i] = true
				first, last = min(first, y), y+1
			}
		}
	}
	for t := t0; t < t1 && first < last; t++ {
		if differs[t-t0] {
			out.Add(image.Rect(max(t*display.SpanWidth, r.Min.X), first, min((t+1)*display.SpanWidth, r.Max.X), last))
		}
	}
}

// refineBand adds the columns of a band that differ, from the first row that does to the last.
func refineBand(out *display.Region, a, b *display.Frame, r image.Rectangle) {
	var differs [display.MaxWidth/stepCols + 2]bool
	first, last := r.Max.Y, r.Min.Y
	for y := r.Min.Y; y < r.Max.Y; y++ {
		was, is := a.Row(y, r.Min.X, r.Max.X), b.Row(y, r.Min.X, r.Max.X)
		if bytes.Equal(was, is) {
			continue
		}
		first, last = min(first, y), y+1
		for i, x := 0, r.Min.X; x < r.Max.X; i++ {
			end := min(x&^(stepCols-1)+stepCols, r.Max.X)
			lo, hi := 4*(x-r.Min.X), 4*(end-r.Min.X)
			differs[i] = differs[i] || !bytes.Equal(was[lo:hi], is[lo:hi])
			x = end
		}
	}
	if first >= last {
		return
	}
	start := -1
	for i, x := 0, r.Min.X; ; i++ {
		if x >= r.Max.X || !differs[i] {
			if start >= 0 {
				out.Add(image.Rect(start, first, min(x, r.Max.X), last))
			}
			if start = -1; x >= r.Max.X {
				return
			}
		} else if start < 0 {
			start = x
		}
		x = x&^(stepCols-1) + stepCols
	}
}
