package window

import (
	"encoding/binary"
	"image"

	"govm-desktop/display"
)

// Surface is memory to paint on: bytes B, G, R and one unused, as a Frame has them.
type Surface struct {
	Pix    []byte
	Stride int
	Size   image.Point
}

// scaler paints parts of a picture on a surface. It keeps what it has computed for a geometry.
type scaler struct {
	g      Geometry
	xs, ys []tap
	two    []pairTap // xs where each has two dots
	row    []uint64  // dots of a row, mixed from several
	filled bool
}

// tap is what a column (or row) of pixels takes its colour from: the dots from first on, in 1/256, 256 in all.
type tap struct {
	first   int
	weights []uint64
}

// taps computes them for n pixels from m dots: of a magnified picture the two dots around each pixel, of one made smaller all that it covers.
func taps(n, m int) []tap {
	out := make([]tap, n)
	for k := range out {
		if n >= m {
			at := max((int64(2*k+1)*int64(m)*256/int64(n)-256)/2, 0) // the pixel's middle, in 1/256 dots from the first dot's
			i, f := int(at>>8), uint64(at&0xff)
			out[k] = tap{i, []uint64{256 - f, f}}
			if i >= m-1 {
				out[k] = tap{m - 1, []uint64{256}}
				if m > 1 {
					out[k] = tap{m - 2, []uint64{0, 256}}
				}
			}
			continue
		}
		from, to := k*m*256/n, (k+1)*m*256/n
		t := tap{first: from >> 8}
		left, dots := uint64(256), 0
		for i := t.first; i<<8 < to; i++ {
			dots += min(to, (i+1)<<8) - max(from, i<<8)
			w := uint64(dots*256/(to-from)) - (256 - left)
			t.weights = append(t.weights, w)
			left -= w
		}
		out[k] = t
	}
	return out
}

// paint paints the pixels of r, which lie in the picture.
func (s *scaler) paint(dst *Surface, src *display.Frame, g Geometry, r image.Rectangle) {
	p := g.Picture()
	r = r.Intersect(p).Intersect(image.Rectangle{Max: dst.Size})
	if r.Empty() {
		return
	}
	switch k := g.Factor(); {
	case k == 1:
		for y := r.Min.Y; y < r.Max.Y; y++ {
			copy(dst.Pix[y*dst.Stride+4*r.Min.X:], src.Row(y-p.Min.Y, r.Min.X-p.Min.X, r.Max.X-p.Min.X))
		}
	case k > 1:
		crisp(dst, src, p.Min, k, r)
	default:
		s.smooth(dst, src, g, r)
	}
}

// crisp repeats dots k times in both directions.
func crisp(dst *Surface, src *display.Frame, at image.Point, k int, r image.Rectangle) {
	last := -1
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := dst.Pix[y*dst.Stride+4*r.Min.X : y*dst.Stride+4*r.Max.X]
		from := (y - at.Y) / k
		if from == last {
			copy(row, dst.Pix[(y-1)*dst.Stride+4*r.Min.X:])
			continue
		}
		last = from
		x := r.Min.X - at.X
		dots := src.Row(from, x/k, src.Rect.Dx())
		for n, i := x%k, 0; i < len(row); i += 4 {
			copy(row[i:i+4], dots[:4])
			if n++; n == k {
				n, dots = 0, dots[4:]
			}
		}
	}
}

// smooth mixes each pixel from the dots around it: first whole rows, then along the row.
func (s *scaler) smooth(dst *Surface, src *display.Frame, g Geometry, r image.Rectangle) {
	p := g.Picture()
	if !s.filled || s.g != g {
		s.g, s.filled = g, true
		s.xs, s.ys = taps(p.Dx(), g.Guest.X), taps(p.Dy(), g.Guest.Y)
		s.row, s.two = make([]uint64, g.Guest.X), nil
	}
	xs := s.xs[r.Min.X-p.Min.X : r.Max.X-p.Min.X]
	last := xs[len(xs)-1]
	x0, x1 := xs[0].first, last.first+len(last.weights)
	var two []pairTap
	if p.Dx() >= g.Guest.X && g.Guest.X > 1 {
		if len(s.two) != p.Dx() {
			s.two = pairs(s.xs)
		}
		two = s.two[r.Min.X-p.Min.X : r.Max.X-p.Min.X]
		x0 = 0
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		mixed := s.row[x0:x1]
		v := s.ys[y-p.Min.Y]
		mixRows(mixed, src, v, x0, x1)
		row := dst.Pix[y*dst.Stride+4*r.Min.X : y*dst.Stride+4*r.Max.X]
		if two != nil {
			along(row, mixed, two)
			continue
		}
		for k, h := range xs {
			var sum uint64
			for i, w := range h.weights {
				sum += mixed[h.first-x0+i] * w
			}
			gather(row[4*k:], sum>>8&lanes)
		}
	}
}

// pairTap is a tap of two dots, f/256 of the second.
type pairTap struct{ first, f uint32 }

func pairs(all []tap) []pairTap {
	out := make([]pairTap, len(all))
	for i, t := range all {
		out[i] = pairTap{uint32(t.first), uint32(t.weights[1])}
	}
	return out
}

// along mixes the pixels of a row from two dots each.
func along(row []byte, dots []uint64, taps []pairTap) {
	row = row[:4*len(taps)]
	for k, t := range taps {
		d := dots[t.first:][:2]
		f := uint64(t.f)
		gather(row[4*k:], (d[0]*(256-f)+d[1]*f)>>8&lanes)
	}
}

// mixRows mixes the dots from x0 up to x1 of the rows that a tap names.
func mixRows(to []uint64, src *display.Frame, v tap, x0, x1 int) {
	for j, w := range v.weights {
		dots := src.Row(v.first+j, x0, x1)
		dots = dots[:4*len(to)]
		if j == 0 {
			for i := range to {
				to[i] = spread(dots[4*i:]) * w
			}
			continue
		}
		for i := range to {
			to[i] += spread(dots[4*i:]) * w
		}
	}
	for i := range to {
		to[i] = to[i] >> 8 & lanes
	}
}

// lanes are the three colours of a dot, 16 bits apart: each has room for 256 times as much.
const lanes = 0x00ff_00ff_00ff

func spread(p []byte) uint64 {
	v := uint64(binary.LittleEndian.Uint32(p))
	return v&0xff | v&0xff00<<8 | v&0xff0000<<16
}

func gather(p []byte, v uint64) {
	binary.LittleEndian.PutUint32(p, uint32(v&0xff|v>>8&0xff00|v>>16&0xff0000))
}
