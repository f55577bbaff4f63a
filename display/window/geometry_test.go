package window

import (
	"image"
	"testing"

	"govm-desktop/input"
)

// r is a rectangle by its corner and size.
func r(x, y, w, h int) image.Rectangle { return image.Rect(x, y, x+w, y+h) }

func TestGeometry(t *testing.T) {
	pt := image.Pt
	for _, c := range []struct {
		name                  string
		guest, window, pixels image.Point
		picture               image.Rectangle
		factor                int
	}{
		{"native", pt(1024, 768), pt(1024, 768), pt(1024, 768), r(0, 0, 1024, 768), 1},
		{"twice", pt(640, 400), pt(1280, 800), pt(1280, 800), r(0, 0, 1280, 800), 2},
		{"high density", pt(640, 400), pt(640, 400), pt(1280, 800), r(0, 0, 1280, 800), 2},
		{"density 1.5", pt(640, 400), pt(640, 400), pt(960, 600), r(0, 0, 960, 600), 0},
		{"wide", pt(640, 480), pt(1600, 480), pt(1600, 480), r(480, 0, 640, 480), 1},
		{"tall and dense", pt(640, 480), pt(640, 960), pt(1280, 1920), r(0, 480, 1280, 960), 2},
		{"smaller", pt(1024, 768), pt(512, 384), pt(512, 384), r(0, 0, 512, 384), 0},
		{"a line", pt(1000, 1), pt(100, 100), pt(100, 100), r(0, 49, 100, 1), 0},
		{"no window yet", pt(640, 480), pt(0, 0), pt(0, 0), image.Rectangle{}, 0},
		{"no picture yet", pt(0, 0), pt(640, 480), pt(640, 480), image.Rectangle{}, 0},
	} {
		g := Geometry{c.guest, c.window, c.pixels}
		if got := g.Picture(); got != c.picture {
			t.Errorf("%s: the picture is at %v, not %v", c.name, got, c.picture)
		}
		if got := g.Factor(); got != c.factor {
			t.Errorf("%s: factor %d, not %d", c.name, got, c.factor)
		}
		g.Abs(pt(3, 3)) // must not divide by nothing
		g.Cover(r(0, 0, 5, 5))
		g.Inside(pt(3, 3))
	}
}

// dot is the guest's dot that a position of its tablet points at.
func dot(v int32, n int) int { return int(v) * n / (input.AbsMax + 1) }

func TestGeometry_abs(t *testing.T) {
	// At whole factors the mouse over a dot points at that dot, in logical units, whatever the density.
	for _, density := range []int{1, 2, 3} {
		for _, zoom := range []int{1, 2} {
			g := Geometry{Guest: image.Pt(320, 200), Window: image.Pt(320*zoom+40, 200*zoom)}
			g.Pixels = g.Window.Mul(density)
			for x := range 320 * zoom {
				px, _ := g.Abs(image.Pt(20+x, 7))
				if got := dot(px, 320); got != x/zoom {
					t.Fatalf("density %d, zoom %d: unit %d points at dot %d, not %d", density, zoom, x, got, x/zoom)
				}
			}
		}
	}
	g := Geometry{image.Pt(640, 480), image.Pt(700, 480), image.Pt(1400, 960)}
	for _, c := range []struct {
		p      image.Point
		x, y   int
		inside bool
	}{{image.Pt(0, 0), 0, 0, false}, {image.Pt(30, 0), 0, 0, true}, {image.Pt(669, 479), 639, 479, true}, {image.Pt(699, 479), 639, 479, false}, {image.Pt(-5, 900), 0, 479, false}} {
		x, y := g.Abs(c.p)
		if dot(x, 640) != c.x || dot(y, 480) != c.y || g.Inside(c.p) != c.inside {
			t.Errorf("%v points at %d, %d (inside: %v)", c.p, dot(x, 640), dot(y, 480), g.Inside(c.p))
		}
	}
}

func TestGeometry_cover(t *testing.T) {
	g := Geometry{Guest: image.Pt(100, 80), Window: image.Pt(250, 160), Pixels: image.Pt(250, 160)}
	if got := g.Cover(r(10, 10, 5, 5)); got != r(45, 20, 10, 10) {
		t.Errorf("factor 2: %v", got)
	}
	g.Pixels = image.Pt(150, 120)
	for _, part := range []image.Rectangle{r(0, 0, 1, 1), r(50, 40, 7, 3), r(99, 79, 1, 1)} {
		c := g.Cover(part)
		exact := image.Rect(part.Min.X*3/2, part.Min.Y*3/2, (part.Max.X*3+1)/2, (part.Max.Y*3+1)/2)
		if !exact.In(c) || c.Dx() > exact.Dx()+8 || c.Dy() > exact.Dy()+8 || !c.In(g.Picture()) {
			t.Errorf("%v covers %v", part, c)
		}
	}
}

func TestZoom(t *testing.T) {
	for _, c := range []struct {
		zoom     float64
		up       bool
		expected float64
	}{{1, true, 1.25}, {1, false, .75}, {1.1, true, 1.25}, {1.1, false, 1}, {.25, false, .25}, {8, true, 8}, {.3, false, .25}} {
		if got := nextZoom(c.zoom, c.up); got != c.expected {
			t.Errorf("from %v, up %v: %v", c.zoom, c.up, got)
		}
	}
	if got := fit(image.Pt(1600, 1200), 2, image.Pt(1920, 1000)); got != image.Pt(1333, 1000) {
		t.Errorf("cut down to %v", got)
	}
	if got := fit(image.Pt(640, 480), 2, image.Point{}); got != image.Pt(1280, 960) {
		t.Errorf("%v", got)
	}
}
