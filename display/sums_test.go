package display_test

import (
	"image"
	"math/rand/v2"
	"sync"
	"testing"

	"govm-desktop/display"
)

// rows is a Source that puts rows, or writes to the canvas itself.
type rows struct {
	mu    sync.Mutex // guards everything below
	w, h  int
	pix   []byte
	dirty map[int]bool
	lines bool
	wake  func()
}

func (r *rows) Notify(wake func()) { r.wake = wake }

func (r *rows) Draw(c *display.Canvas) {
	r.mu.Lock()
	defer r.mu.Unlock()
	size := c.Resize
	if r.lines {
		size = c.Lines
	}
	full := size(r.w, r.h)
	for y := range r.h {
		line := r.pix[4*r.w*y : 4*r.w*(y+1)]
		switch {
		case !full && !r.dirty[y]:
		case r.lines:
			c.Put(y, line)
		default:
			copy(c.Pix[y*c.Stride:], line)
			c.Damage(image.Rect(0, y, r.w, y+1))
		}
	}
	r.dirty = map[int]bool{}
}

// change colours a few pixels.
func (r *rows) change(rnd *rand.Rand) {
	r.mu.Lock()
	r.lines = rnd.IntN(3) > 0
	if rnd.IntN(20) == 0 {
		r.w, r.h = 1+rnd.IntN(200), 1+rnd.IntN(60)
		r.pix = make([]byte, 4*r.w*r.h)
	}
	for range 1 + rnd.IntN(3) {
		x, y := rnd.IntN(r.w), rnd.IntN(r.h)
		r.pix[4*(y*r.w+x)]++
		r.dirty[y] = true
	}
	r.mu.Unlock()
	r.wake()
}

// TestFrame_sums has a Source that now puts rows and now writes by itself. Every frame has to be its picture, equal sums have to mean
// equal pixels, and what is not damaged has to be as it was.
func TestFrame_sums(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	src := &rows{w: 150, h: 40, pix: make([]byte, 4*150*40), dirty: map[int]bool{}}
	s := display.NewScreen(src, display.Options{Rate: 1e6, Poll: 1, Hurry: 1})
	defer s.Close()
	v := s.Watch()
	defer v.Close()
	var old *display.Frame
	for range 400 {
		if old != nil {
			src.change(rnd)
			if rnd.IntN(10) == 0 {
				s.Redraw()
			}
		}
		f, g, err := v.Next(bg)
		if err != nil {
			t.Fatal(err)
		}
		if f.Rect.Dx() != src.w || string(f.Pix) != string(src.pix) {
			t.Fatal("the frame is not the picture")
		}
		for y := range f.Rect.Dy() {
			for n, sum := range f.Sums(y, 0, f.Spans()) {
				span := image.Rect(n*display.SpanWidth, y, min((n+1)*display.SpanWidth, f.Rect.Dx()), y+1)
				if old == nil || old.Rect != f.Rect {
					continue
				}
				same := string(f.Row(y, span.Min.X, span.Max.X)) == string(old.Row(y, span.Min.X, span.Max.X))
				if same != (sum == old.Sums(y, n, n+1)[0]) {
					t.Fatalf("span %v: same %v, sums %x, %x", span, same, sum, old.Sums(y, n, n+1)[0])
				}
				if !same && g.Intersect(display.Region{span}).Empty() {
					t.Fatalf("%v changed and is not damaged: %v", span, g)
				}
			}
		}
		old.Release()
		old = f
	}
}
