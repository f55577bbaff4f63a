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
	xs     []sample
	ys     []sample
	filled bool
}

// sample is where a column (or row) of pixels takes its colour from: the dots i and j, f/256 of the second.
type sample struct {
	i, j int32
	f    uint32
}

// samples computes them for n pixels from m dots.
func samples(n, m int) []sample {
	out := make([]sample, n)
	for k := range out {
		at := (int64(2*k+1)*int64(m)*256/int64(n) - 256) / 2 // the pixel's middle, in 1/256 dots from the first dot's
		at = max(at, 0)
		i := min(int(at>>8), m-1)
		out[k] = sample{int32(i), int32(min(i+1, m-1)), uint32(at & 0xff)}
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
	case p.Dx() < g.Guest.X:
		s.shrink(dst, src, g, r)
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

// smooth mixes each pixel from the four dots around it.
func (s *scaler) smooth(dst *Surface, src *display.Frame, g Geometry, r image.Rectangle) {
	p := g.Picture()
	if !s.filled || s.g != g {
		s.g, s.filled = g, true
		s.xs, s.ys = samples(p.Dx(), g.Guest.X), samples(p.Dy(), g.Guest.Y)
	}
	xs := s.xs[r.Min.X-p.Min.X : r.Max.X-p.Min.X]
	for y := r.Min.Y; y < r.Max.Y; y++ {
		v := s.ys[y-p.Min.Y]
		a, b := src.Row(int(v.i), 0, g.Guest.X), src.Row(int(v.j), 0, g.Guest.X)
		row := dst.Pix[y*dst.Stride+4*r.Min.X : y*dst.Stride+4*r.Max.X]
		fy := uint64(v.f)
		for k, h := range xs {
			i, j, fx := 4*h.i, 4*h.j, uint64(h.f)
			upper := (spread(a[i:])*(256-fx) + spread(a[j:])*fx) >> 8 & lanes
			lower := (spread(b[i:])*(256-fx) + spread(b[j:])*fx) >> 8 & lanes
			gather(row[4*k:], (upper*(256-fy)+lower*fy)>>8&lanes)
		}
	}
}

// shrink makes each pixel the mean of the dots that it covers, in 1/256.
func (s *scaler) shrink(dst *Surface, src *display.Frame, g Geometry, r image.Rectangle) {
	p := g.Picture()
	edge := func(k, n, m int) int { return k * m * 256 / n }
	sum := make([]uint64, 3*r.Dx())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		clear(sum)
		top, bottom := edge(y-p.Min.Y, p.Dy(), g.Guest.Y), edge(y-p.Min.Y+1, p.Dy(), g.Guest.Y)
		for j := top >> 8; j<<8 < bottom; j++ {
			dots := src.Row(j, 0, g.Guest.X)
			high := uint64(min(bottom, (j+1)<<8) - max(top, j<<8))
			for k := range r.Dx() {
				left, right := edge(r.Min.X-p.Min.X+k, p.Dx(), g.Guest.X), edge(r.Min.X-p.Min.X+k+1, p.Dx(), g.Guest.X)
				for i := left >> 8; i<<8 < right; i++ {
					area := high * uint64(min(right, (i+1)<<8)-max(left, i<<8))
					d := dots[4*i : 4*i+3]
					sum[3*k] += area * uint64(d[0])
					sum[3*k+1] += area * uint64(d[1])
					sum[3*k+2] += area * uint64(d[2])
				}
			}
		}
		row := dst.Pix[y*dst.Stride+4*r.Min.X : y*dst.Stride+4*r.Max.X]
		for k := range r.Dx() {
			left, right := edge(r.Min.X-p.Min.X+k, p.Dx(), g.Guest.X), edge(r.Min.X-p.Min.X+k+1, p.Dx(), g.Guest.X)
			area := uint64(bottom-top) * uint64(right-left)
			row[4*k], row[4*k+1], row[4*k+2] = uint8(sum[3*k]/area), uint8(sum[3*k+1]/area), uint8(sum[3*k+2]/area)
		}
	}
}

// lanes are the three colours of a dot, 16 bits apart.
const lanes = 0x00ff_00ff_00ff

func spread(p []byte) uint64 {
	v := uint64(binary.LittleEndian.Uint32(p))
	return v&0xff | v&0xff00<<8 | v&0xff0000<<16
}

func gather(p []byte, v uint64) {
	binary.LittleEndian.PutUint32(p, uint32(v&0xff|v>>8&0xff00|v>>16&0xff0000))
}
