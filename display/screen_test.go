package display_test

import (
	"context"
	"errors"
	"image"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"govm-desktop/display"
	"govm-desktop/display/displaytest"
)

var bg = context.Background()

func next(t *testing.T, v *display.Viewer) (*display.Frame, display.Region) {
	t.Helper()
	f, g, err := v.Next(bg)
	if err != nil {
		t.Fatal(err)
	}
	return f, g
}

// quiet checks that nothing new comes within d.
func quiet(t *testing.T, v *display.Viewer, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(bg, d)
	defer cancel()
	if _, g, err := v.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v %v, want silence", g, err)
	}
}

func TestScreen_damage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := displaytest.NewFake(100, 80)
		s := display.NewScreen(src, display.Options{})
		defer s.Close()
		v, slow := s.Watch(), s.Watch()
		f, g := next(t, v)
		if f.Rect != image.Rect(0, 0, 100, 80) || len(g) != 1 || g[0] != f.Rect {
			t.Fatalf("first frame %v, damage %v", f.Rect, g)
		}
		f.Release()
		if f, g = next(t, slow); g[0] != f.Rect {
			t.Fatalf("damage %v", g)
		}
		a, b := image.Rect(10, 10, 20, 20), image.Rect(50, 50, 60, 60)
		src.Fill(a, 0xff0000)
		old := f
		if f, g = next(t, v); len(g) != 1 || g[0] != a || f.RGBAAt(15, 15).R != 255 {
			t.Fatalf("damage %v", g)
		}
		f.Release()
		src.Fill(b, 0x00ff00)
		if f, g = next(t, v); len(g) != 1 || g[0] != b || f.RGBAAt(55, 55).G != 255 || f.RGBAAt(15, 15).R != 255 {
			t.Fatalf("damage %v", g)
		}
		f.Release()
		if old.RGBAAt(15, 15).R != 0 || old.RGBAAt(55, 55).G != 0 {
			t.Fatal("a published frame changed")
		}
		old.Release()
		if f, g = next(t, slow); len(g) != 2 || g[0] != a || g[1] != b {
			t.Fatalf("slow viewer: damage %v", g)
		}
		f.Release()
		src.Resize(40, 30)
		for _, v := range []*display.Viewer{v, slow} {
			if f, g = next(t, v); f.Rect != image.Rect(0, 0, 40, 30) || len(g) != 1 || g[0] != f.Rect {
				t.Fatalf("after resize: %v %v", f.Rect, g)
			}
			f.Release()
		}
		if w, h := s.Size(); w != 40 || h != 30 {
			t.Fatalf("size %dx%d", w, h)
		}
	})
}

func TestScreen_rate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := displaytest.NewFake(64, 64)
		s := display.NewScreen(src, display.Options{})
		defer s.Close()
		v := s.Watch()
		f, _ := next(t, v)
		f.Release()
		time.Sleep(time.Second)
		start := time.Now()
		src.Fill(image.Rect(0, 0, 1, 1), 1)
		f, _ = next(t, v)
		f.Release()
		if d := time.Since(start); d != 0 {
			t.Fatalf("first frame came after %v", d)
		}
		n := 0
		stop := make(chan struct{})
		go func() {
			for i := range 1000 {
				src.Fill(image.Rect(0, 0, 1, 1), uint32(i))
				time.Sleep(time.Millisecond)
			}
			close(stop)
		}()
		for {
			ctx, cancel := context.WithTimeout(bg, 100*time.Millisecond)
			f, _, err := v.Next(ctx)
			cancel()
			if err != nil {
				break
			}
			f.Release()
			n++
		}
		<-stop
		if n < 57 || n > 62 {
			t.Fatalf("%d frames in a second", n)
		}
	})
}

func TestScreen_idle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := displaytest.NewFake(64, 64)
		s := display.NewScreen(src, display.Options{})
		defer s.Close()
		for range 100 {
			src.Fill(image.Rect(0, 0, 1, 1), 1)
			time.Sleep(20 * time.Millisecond)
		}
		if n := src.Draws(); n != 0 {
			t.Fatalf("%d draws with no viewer", n)
		}
		v := s.Watch()
		f, _ := next(t, v)
		f.Release()
		n := src.Draws()
		quiet(t, v, time.Hour)
		if src.Draws() != n {
			t.Fatalf("%d draws of an idle picture", src.Draws()-n)
		}
		v.Close()
		src.SetPoll(true)
		time.Sleep(time.Hour)
		if src.Draws() != n {
			t.Fatal("polled with nobody watching")
		}
	})
}

func TestScreen_poll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := displaytest.NewFake(64, 64)
		src.SetPoll(true)
		s := display.NewScreen(src, display.Options{})
		defer s.Close()
		v := s.Watch()
		f, _ := next(t, v)
		f.Release()
		n := src.Draws()
		quiet(t, v, time.Second)
		if d := src.Draws() - n; d < 120 || d > 126 {
			t.Fatalf("%d polls in a second", d)
		}
		n = src.Draws()
		s.Hurry()
		quiet(t, v, 49*time.Millisecond)
		if d := src.Draws() - n; d < 22 || d > 26 {
			t.Fatalf("%d polls in 50 ms after input", d)
		}
		time.Sleep(time.Second)
		go func() {
			time.Sleep(21 * time.Millisecond)
			src.Fill(image.Rect(3, 3, 4, 4), 1)
		}()
		start := time.Now()
		f, g := next(t, v)
		f.Release()
		if d := time.Since(start); d > 30*time.Millisecond || g.Area() != 1 {
			t.Fatalf("change seen after %v, damage %v", d, g)
		}
	})
}

func TestScreen_closed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := display.NewScreen(nil, display.Options{})
		v, w := s.Watch(), s.Watch()
		f, _ := next(t, v)
		if f.Rect != image.Rect(0, 0, 640, 480) {
			t.Fatalf("blank screen is %v", f.Rect)
		}
		f.Release()
		f, _ = next(t, w)
		f.Release()
		errs := make(chan error)
		for _, x := range []*display.Viewer{v, w} {
			go func() {
				_, _, err := x.Next(bg)
				errs <- err
			}()
		}
		synctest.Wait()
		v.Close()
		if err := <-errs; !errors.Is(err, display.ErrClosed) {
			t.Fatal(err)
		}
		s.Close()
		s.Close()
		if err := <-errs; !errors.Is(err, display.ErrClosed) {
			t.Fatal(err)
		}
	})
}

func TestScreen_sources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := displaytest.NewFake(32, 32), displaytest.NewFake(32, 32)
		b.Fill(image.Rect(0, 0, 32, 32), 0x123456)
		s := display.NewScreen(a, display.Options{})
		defer s.Close()
		v := s.Watch()
		f, _ := next(t, v)
		f.Release()
		s.SetSource(b)
		f, g := next(t, v)
		if f.RGBAAt(31, 31).B != 0x56 || g.Area() != 32*32 {
			t.Fatalf("%v", g)
		}
		f.Release()
		a.Fill(image.Rect(0, 0, 1, 1), 1)
		quiet(t, v, time.Second)
		s.SetCursor(&display.Cursor{Visible: true})
		f, g = next(t, v)
		f.Release()
		if !g.Empty() || !s.Cursor().Visible {
			t.Fatalf("cursor: damage %v", g)
		}
	})
}

// huge asks for another absurd size each time.
type huge struct {
	n int
	c chan image.Rectangle
}

func (h *huge) Draw(c *display.Canvas) {
	h.n++
	c.Resize(1<<20+h.n*977, 3000+h.n*13)
	select {
	case h.c <- c.Bounds():
	default:
	}
}

func TestScreen_hugeSizes(t *testing.T) {
	h := &huge{c: make(chan image.Rectangle, 1)}
	s := display.NewScreen(h, display.Options{Rate: 100000, MaxBytes: 2 << 20})
	defer s.Close()
	v := s.Watch()
	defer v.Close()
	for range 50 {
		s.Redraw()
		f, _ := next(t, v)
		if len(f.Pix) > 2<<20 || f.Rect.Dx() > display.MaxWidth {
			t.Fatalf("picture of %v", f.Rect)
		}
		f.Release()
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 16<<20 {
		t.Fatalf("heap of %d MiB", m.HeapAlloc>>20)
	}
}

// TestScreen_slowViewers lets viewers of different pace rebuild the picture from damage alone.
func TestScreen_slowViewers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := displaytest.NewFake(160, 120)
		s := display.NewScreen(src, display.Options{})
		defer s.Close()
		var wg sync.WaitGroup
		for pace := range 4 {
			v := s.Watch()
			wg.Go(func() {
				seen := display.NewFrame(160, 120)
				for seen.RGBAAt(159, 119).R != 0xff {
					f, g, err := v.Next(bg)
					if err != nil {
						t.Error(err)
						return
					}
					for _, r := range g {
						for y := r.Min.Y; y < r.Max.Y; y++ {
							copy(seen.Row(y, r.Min.X, r.Max.X), f.Row(y, r.Min.X, r.Max.X))
						}
					}
					time.Sleep(time.Duration(pace) * 37 * time.Millisecond)
					if string(seen.Pix) != string(f.Pix) {
						t.Errorf("viewer %d has another picture", pace)
						return
					}
					f.Release()
				}
			})
		}
		for i := range 600 {
			x, y := i*7%150, i*11%110
			src.Fill(image.Rect(x, y, x+9, y+7), uint32(i)*0x010307&0x7fffff)
			time.Sleep(3 * time.Millisecond)
		}
		src.Fill(image.Rect(159, 119, 160, 120), 0xff0000)
		wg.Wait()
	})
}

func TestSourceKit_fake(t *testing.T) {
	src := displaytest.NewFake(50, 40)
	displaytest.TestSource(t, src,
		func() { src.Fill(image.Rect(1, 2, 30, 4), 0xabcdef); src.Fill(image.Rect(8, 0, 9, 40), 0x0000ff) },
		func() { src.Resize(60, 20) },
		func() { src.Fill(image.Rect(0, 0, 5, 5), 0xffffff) },
	)
}
