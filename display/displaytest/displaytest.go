// Package displaytest holds what tests of the display contract need: a Source to draw by hand, and a kit that every Source
// must pass.
package displaytest

import (
	"bytes"
	"context"
	"image"
	"sync"
	"testing"

	"govm-desktop/display"
)

// Fake is a Source whose picture the test paints.
type Fake struct {
	mu    sync.Mutex // guards everything below
	w, h  int
	pix   []byte
	dirty display.Region
	draws int
	poll  bool
	wake  func()
}

// NewFake returns a black picture.
func NewFake(w, h int) *Fake {
	return &Fake{w: w, h: h, pix: make([]byte, 4*w*h)}
}

// Fill paints a rectangle with one colour, 0xRRGGBB, and wakes the screen.
func (f *Fake) Fill(r image.Rectangle, rgb uint32) {
	f.Paint(r, func(x, y int) uint32 { return rgb })
}

// Paint sets the pixels of a rectangle and wakes the screen.
func (f *Fake) Paint(r image.Rectangle, colour func(x, y int) uint32) {
	f.mu.Lock()
	r = r.Intersect(image.Rect(0, 0, f.w, f.h))
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			c, p := colour(x, y), f.pix[4*(y*f.w+x):]
			p[0], p[1], p[2] = byte(c), byte(c>>8), byte(c>>16)
		}
	}
	f.dirty.Add(r)
	wake, poll := f.wake, f.poll
	f.mu.Unlock()
	if wake != nil && !poll {
		wake()
	}
}

// Resize makes the picture black and of another size, and wakes the screen.
func (f *Fake) Resize(w, h int) {
	f.mu.Lock()
	f.w, f.h, f.pix, f.dirty = w, h, make([]byte, 4*w*h), nil
	wake := f.wake
	f.mu.Unlock()
	if wake != nil {
		wake()
	}
}

// SetPoll makes the fake one whose changes have to be looked for.
func (f *Fake) SetPoll(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.poll = on
}

// Draws is how often Draw was called.
func (f *Fake) Draws() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.draws
}

// Draw implements display.Source.
func (f *Fake) Draw(c *display.Canvas) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.draws++
	if c.Resize(f.w, f.h) {
		f.dirty = display.Region{c.Bounds()}
	}
	for _, r := range f.dirty {
		r = r.Intersect(c.Bounds())
		for y := r.Min.Y; y < r.Max.Y; y++ {
			copy(c.Pix[y*c.Stride+4*r.Min.X:y*c.Stride+4*r.Max.X], f.pix[4*(y*f.w+r.Min.X):])
		}
		c.Damage(r)
	}
	f.dirty = nil
}

// Poll implements display.Poller.
func (f *Fake) Poll() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.poll
}

// Notify implements display.Notifier.
func (f *Fake) Notify(wake func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wake = wake
}

// TestSource checks a Source: that a full redraw shows what the damaged pieces add up to, after every one of the changes,
// that undamaged pixels stay as they were, and that nothing is damaged when nothing changes.
func TestSource(t *testing.T, src display.Source, changes ...func()) {
	t.Helper()
	s := display.NewScreen(src, display.Options{})
	defer s.Close()
	v := s.Watch()
	defer v.Close()
	var seen *display.Frame
	for i := -1; i < len(changes); i++ {
		if i >= 0 {
			changes[i]()
		}
		settle(t, s)
		seen = follow(t, v, seen)
		if full := fresh(t, s, v); full.Rect != seen.Rect || !bytes.Equal(full.Pix, seen.Pix) {
			at := differ(full, seen)
			t.Fatalf("change %d: pieces give another picture than all at once: %v is %v, not %v",
				i, at, seen.RGBAAt(at.X, at.Y), full.RGBAAt(at.X, at.Y))
		}
		settle(t, s)
		if f, g, err := next(v); err == nil {
			f.Release()
			t.Fatalf("change %d: %v is damaged again though nothing changed", i, g)
		}
	}
}

// settle has the Source draw once more: whatever changed before is in the picture then.
func settle(t *testing.T, s *display.Screen) {
	t.Helper()
	v := s.Watch()
	defer v.Close()
	f, _, err := v.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	f.Release()
}

// follow takes the frames that there are, keeping only what is damaged.
func follow(t *testing.T, v *display.Viewer, seen *display.Frame) *display.Frame {
	t.Helper()
	for {
		f, g, err := next(v)
		if err != nil {
			if seen == nil {
				t.Fatal("there is no first frame")
			}
			return seen
		}
		if seen == nil || seen.Rect != f.Rect {
			if !g.Contains(f.Rect) {
				t.Fatalf("new size %v, but only %v is damaged", f.Rect, g)
			}
			seen = display.NewFrame(f.Rect.Dx(), f.Rect.Dy())
		}
		for _, r := range g {
			if !r.In(f.Rect) {
				t.Fatalf("damage %v outside of %v", r, f.Rect)
			}
			for y := r.Min.Y; y < r.Max.Y; y++ {
				copy(seen.Row(y, r.Min.X, r.Max.X), f.Row(y, r.Min.X, r.Max.X))
			}
		}
		f.Release()
	}
}

// next is Next without waiting.
func next(v *display.Viewer) (*display.Frame, display.Region, error) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return v.Next(ctx)
}

// fresh is the picture drawn from nothing.
func fresh(t *testing.T, s *display.Screen, v *display.Viewer) *display.Frame {
	t.Helper()
	s.Redraw()
	f, g, err := v.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !g.Contains(f.Rect) {
		t.Fatalf("a full redraw damages %v alone", g)
	}
	return f
}

func differ(a, b *display.Frame) image.Point {
	for y := a.Rect.Min.Y; y < a.Rect.Max.Y; y++ {
		for x := a.Rect.Min.X; x < a.Rect.Max.X; x++ {
			if a.RGBAAt(x, y) != b.RGBAAt(x, y) {
				return image.Pt(x, y)
			}
		}
	}
	return image.Pt(-1, -1)
}
