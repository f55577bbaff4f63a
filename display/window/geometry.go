// Package window is how a window on a desktop behaves that shows a machine: sizes, zoom, full screen, hot keys, grabs, pointers, titles and what is
// painted. There is no toolkit in it, so that all of it runs in tests: display/sdl puts SDL 2 beneath it.
package window

import (
	"image"

	"govm-desktop/input"
)

// Geometry is where the picture lies in the window. A desktop's logical units, in which it counts the mouse and the sizes of windows, need not be the
// pixels that it has (HiDPI).
type Geometry struct {
	Guest  image.Point // the picture
	Window image.Point // in logical units
	Pixels image.Point // the same in pixels
}

// Picture is where the picture lies, in pixels: as big as fits, undistorted, in the middle.
func (g Geometry) Picture() image.Rectangle {
	if g.Guest.X <= 0 || g.Guest.Y <= 0 || g.Pixels.X <= 0 || g.Pixels.Y <= 0 {
		return image.Rectangle{}
	}
	size := image.Pt(g.Pixels.X, max(1, g.Guest.Y*g.Pixels.X/g.Guest.X))
	if size.Y > g.Pixels.Y {
		size = image.Pt(max(1, g.Guest.X*g.Pixels.Y/g.Guest.Y), g.Pixels.Y)
	}
	at := g.Pixels.Sub(size).Div(2)
	return image.Rectangle{at, at.Add(size)}
}

// Factor is how many pixels a dot of the guest takes in each direction, if that is a whole number; else 0.
func (g Geometry) Factor() int {
	p := g.Picture()
	if g.Guest.X <= 0 {
		return 0
	}
	k := p.Dx() / g.Guest.X
	if g.Guest.Mul(k) != p.Size() {
		return 0
	}
	return k
}

// Inside reports whether a place of the mouse lies on the picture.
func (g Geometry) Inside(p image.Point) bool { return g.pixel(p).In(g.Picture()) }

// pixel is the pixel at a place of the mouse.
func (g Geometry) pixel(p image.Point) image.Point {
	if g.Window.X <= 0 || g.Window.Y <= 0 {
		return image.Point{}
	}
	return image.Pt(p.X*g.Pixels.X/g.Window.X, p.Y*g.Pixels.Y/g.Window.Y)
}

// Abs is a place of the mouse as the guest's tablet reports it; beside the picture, the nearest on it.
func (g Geometry) Abs(p image.Point) (x, y int32) {
	r := g.Picture()
	if r.Empty() || g.Window.X <= 0 || g.Window.Y <= 0 {
		return 0, 0
	}
	at := func(p, window, pixels, lo, hi int) int32 {
		// In units of 1/window pixels, to the middle of the logical unit, so that every dot can be reached.
		n := (2*p+1)*pixels - 2*lo*window
		return int32(min(max(n*input.AbsMax/(2*window*(hi-lo)), 0), input.AbsMax))
	}
	return at(p.X, g.Window.X, g.Pixels.X, r.Min.X, r.Max.X), at(p.Y, g.Window.Y, g.Pixels.Y, r.Min.Y, r.Max.Y)
}

// Cover is the pixels that a part of the guest's picture has an influence on: all that have to be painted when it changes.
func (g Geometry) Cover(r image.Rectangle) image.Rectangle {
	p := g.Picture()
	if p.Empty() {
		return image.Rectangle{}
	}
	if k := g.Factor(); k > 0 {
		return image.Rectangle{r.Min.Mul(k), r.Max.Mul(k)}.Add(p.Min).Intersect(p)
	}
	r = r.Inset(-1) // between dots there is some of both
	down := func(v, size, guest int) int { return v*size/guest - 1 }
	up := func(v, size, guest int) int { return (v*size+guest-1)/guest + 1 }
	out := image.Rect(down(max(r.Min.X, 0), p.Dx(), g.Guest.X), down(max(r.Min.Y, 0), p.Dy(), g.Guest.Y), up(r.Max.X, p.Dx(), g.Guest.X), up(r.Max.Y, p.Dy(), g.Guest.Y))
	return out.Add(p.Min).Intersect(p)
}

// Bounds of a window.
const (
	minSide  = 120
	zoomStep = 0.25
	minZoom  = 0.25
	maxZoom  = 8
)

// fit is a picture's size by a zoom in logical units, cut down to what the desktop has room for (zero: unknown).
func fit(guest image.Point, zoom float64, room image.Point) image.Point {
	if room.X > 0 && room.Y > 0 {
		zoom = min(zoom, float64(room.X)/float64(guest.X), float64(room.Y)/float64(guest.Y))
	}
	return image.Pt(max(minSide, int(float64(guest.X)*zoom+0.5)), max(minSide, int(float64(guest.Y)*zoom+0.5)))
}

// nextZoom is the next step from a zoom, up or down.
func nextZoom(zoom float64, up bool) float64 {
	const close = 0.01
	n := float64(int(zoom/zoomStep + close))
	if up {
		n++
	} else if zoom-n*zoomStep < close {
		n--
	}
	return min(max(n*zoomStep, minZoom), maxZoom)
}
