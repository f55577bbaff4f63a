package picture

import (
	"context"
	"image"
	"math/rand/v2"
	"testing"

	"govm-desktop/display"
	"govm-desktop/display/displaytest"
)

func watch(t *testing.T, w, h int) (*displaytest.Fake, *Picture) {
	fake := displaytest.NewFake(w, h)
	s := display.NewScreen(fake, display.Options{Rate: 1000})
	p := New(s)
	t.Cleanup(func() {
		p.Close()
		s.Close()
	})
	if err := p.Fresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	p.SetClientSize(p.Size())
	return fake, p
}

func region(parts []Part) (g display.Region) {
	for _, p := range parts {
		for _, r := range p.Rects {
			g.Add(r)
		}
	}
	return g
}

func TestPicture_takesWhatIsAskedFor(t *testing.T) {
	fake, p := watch(t, 100, 100)
	all := display.Region{image.Rect(0, 0, 100, 100)}
	left := display.Region{image.Rect(0, 0, 50, 100)}
	if got := region(p.Take(nil, left, false).Parts); got.Area() != 5000 {
		t.Fatalf("the left half is %v", got)
	}
	if got := region(p.Take(nil, all, false).Parts); got.Area() != 5000 {
		t.Fatalf("the rest is %v", got)
	}
	if got := p.Take(nil, all, false); !got.Empty() {
		t.Fatalf("%v is still there", got)
	}
	fake.Fill(image.Rect(10, 10, 20, 20), 1)
	if err := p.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := region(p.Take(nil, all, false).Parts); got.Bounds() != image.Rect(10, 10, 20, 20) {
		t.Fatalf("what changed is %v", got)
	}
	if got := region(p.Take(left, nil, false).Parts); got.Bounds() != left[0] {
		t.Fatalf("asked for as it is: %v", got)
	}
	if got := p.Take(display.Region{image.Rect(100, 0, 200, 100)}, nil, false); !got.Empty() {
		t.Fatalf("%v is outside", got)
	}
}

func TestPicture_blackBeyondTheFrame(t *testing.T) {
	fake, p := watch(t, 100, 100)
	fake.Resize(60, 120)
	if err := p.Fresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	parts := p.Take(nil, display.Region{image.Rect(0, 0, 200, 200)}, false).Parts
	if len(parts) != 2 {
		t.Fatalf("%d parts", len(parts))
	}
	if got := region(parts[:1]); got.Bounds() != image.Rect(0, 0, 60, 100) {
		t.Errorf("the picture is in %v", got)
	}
	if got := region(parts[1:]); got.Bounds() != image.Rect(60, 0, 100, 100) || got.Area() != 4000 {
		t.Errorf("black is %v", got)
	}
	if row := parts[1].Frame.Row(99, 60, 100); len(row) != 160 || row[0] != 0 {
		t.Error("no row of black")
	}
}

func TestSimplify_coversAndSavesRectangles(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var g display.Region
		for range rnd.IntN(40) {
			x, y := rnd.IntN(1000), rnd.IntN(700)
			g.Add(image.Rect(x, y, x+1+rnd.IntN(60), y+1+rnd.IntN(16)))
		}
		rects := simplify(g)
		var out display.Region
		for _, r := range rects {
			if !r.In(g.Bounds()) {
				t.Fatalf("%v outside", r)
			}
			out.Add(r)
		}
		if len(rects) > len(g) || !g.Subtract(out).Empty() || out.Area() > g.Area()+512*len(g) {
			t.Fatalf("%v\nbecomes %v", g, rects)
		}
	}
	var text display.Region // a line of glyphs, a few of them changed
	for x := 0; x < 640; x += 16 {
		text.Add(image.Rect(x, 32, x+8, 48))
	}
	if n := len(simplify(text)); n > 2 {
		t.Errorf("a line of text takes %d rectangles", n)
	}
}
