package display

import (
	"image"
	"math/rand/v2"
	"testing"
)

const grid = 24

type bitmap [grid][grid]bool

func (g Region) bits(t *testing.T) (b bitmap) {
	t.Helper()
	for i, r := range g {
		if r.Empty() {
			t.Fatalf("empty rectangle in %v", g)
		}
		if i > 0 {
			p := g[i-1]
			same := p.Min.Y == r.Min.Y && p.Max.Y == r.Max.Y && p.Max.X < r.Min.X
			if !same && p.Max.Y > r.Min.Y {
				t.Fatalf("not banded: %v", g)
			}
		}
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				b[y][x] = true
			}
		}
	}
	return b
}

func TestRegion_operations(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	random := func() (g Region, b bitmap) {
		for range rnd.IntN(8) {
			x, y := rnd.IntN(grid), rnd.IntN(grid)
			r := image.Rect(x, y, x+rnd.IntN(grid-x+1), y+rnd.IntN(grid-y+1))
			g.Add(r)
			for y := r.Min.Y; y < r.Max.Y; y++ {
				for x := r.Min.X; x < r.Max.X; x++ {
					b[y][x] = true
				}
			}
		}
		return g, b
	}
	for range 3000 {
		a, ab := random()
		b, bb := random()
		if a.bits(t) != ab {
			t.Fatalf("Add: %v", a)
		}
		before := a.bits(t)
		var u, i, s bitmap
		area := 0
		for y := range grid {
			for x := range grid {
				u[y][x] = ab[y][x] || bb[y][x]
				i[y][x] = ab[y][x] && bb[y][x]
				s[y][x] = ab[y][x] && !bb[y][x]
				if ab[y][x] {
					area++
				}
			}
		}
		if got := a.Union(b); got.bits(t) != u {
			t.Fatalf("%v ∪ %v = %v", a, b, got)
		}
		if got := a.Intersect(b); got.bits(t) != i {
			t.Fatalf("%v ∩ %v = %v", a, b, got)
		}
		if got := a.Subtract(b); got.bits(t) != s {
			t.Fatalf("%v \\ %v = %v", a, b, got)
		}
		if a.Area() != area {
			t.Fatalf("area of %v is %d, not %d", a, a.Area(), area)
		}
		if a.bits(t) != before {
			t.Fatal("an operand changed")
		}
	}
}

func TestRegion_bounded(t *testing.T) {
	const size = 80
	var g Region
	want := 0
	for y := range size {
		for x := range size {
			if (x+y)%2 == 0 {
				r := image.Rect(x, y, x+1, y+1)
				g.Add(r)
				want++
				if !g.Contains(r) {
					t.Fatalf("%v got lost", r)
				}
			}
		}
		if len(g) > maxRects {
			t.Fatalf("%d rectangles", len(g))
		}
	}
	if g.Area() < want || g.Bounds() != image.Rect(0, 0, size, size) {
		t.Fatalf("area %d of at least %d, bounds %v", g.Area(), want, g.Bounds())
	}
}
