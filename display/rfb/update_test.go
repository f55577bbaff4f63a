package rfb

import (
	"context"
	"image"
	"image/color"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"govm-desktop/display"
	"govm-desktop/display/rfb/enc"
	"govm-desktop/display/rfb/rfbtest"
	"govm-desktop/input"
)

func rgba(rgb uint32) color.RGBA {
	return color.RGBA{uint8(rgb >> 16), uint8(rgb >> 8), uint8(rgb), 255}
}

// follow waits until a client has a pixel of a colour.
func (b *bench) follow(c *rfbtest.Client, x, y int, rgb uint32) {
	b.t.Helper()
	err := c.WaitFor(b.ctx(), func(i *image.RGBA) bool { return i.RGBAAt(x, y) == rgba(rgb) })
	if err != nil {
		b.t.Fatal(err)
	}
}

func TestUpdates_onlyWhatChanged(t *testing.T) {
	b := newBench(t, 800, 600, Config{})
	c := b.dial(rfbtest.Options{Encodings: []int32{0}})
	b.shot(c)
	before := c.State()
	b.fake.Fill(image.Rect(10, 10, 20, 30), 0x123456)
	b.fake.Fill(image.Rect(500, 400, 540, 401), 0x654321)
	for {
		if err := c.Next(b.ctx()); err != nil {
			t.Fatal(err)
		}
		if c.Image().RGBAAt(520, 400) == rgba(0x654321) {
			break
		}
	}
	after := c.State()
	if n, most := after.Bytes-before.Bytes, uint64(4*(200+40)+4*12+2*4); n > most {
		t.Errorf("%d bytes for two small rectangles, not %d", n, most)
	}
}

func TestUpdates_noneWhenNothingChanges(t *testing.T) {
	b := newBench(t, 64, 48, Config{})
	c := b.dial(rfbtest.Options{})
	b.shot(c)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	draws := b.fake.Draws()
	if err := c.Next(ctx); err == nil {
		t.Error("an update of nothing")
	}
	if n := b.fake.Draws() - draws; n > 1 {
		t.Errorf("%d pictures were drawn though nothing changed", n)
	}
}

func TestUpdates_fullRequestSeesTheNewest(t *testing.T) {
	b := newBench(t, 64, 48, Config{})
	c := b.dial(rfbtest.Options{})
	b.fake.SetPoll(true) // nobody says that something changed
	for rgb := range uint32(20) {
		b.fake.Fill(image.Rect(0, 0, 64, 48), rgb)
		if got := b.shot(c).RGBAAt(3, 3); got != rgba(rgb) {
			t.Fatalf("got %v, not %x", got, rgb)
		}
	}
}

func TestUpdates_resize(t *testing.T) {
	for name, encodings := range map[string][]int32{
		"DesktopSize":         {0, rfbtest.DesktopSize},
		"ExtendedDesktopSize": {0, rfbtest.ExtDesktopSize},
		"both":                {0, rfbtest.DesktopSize, rfbtest.ExtDesktopSize},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, 320, 200, Config{})
			b.fake.Paint(image.Rect(0, 0, 320, 200), desktop)
			c := b.dial(rfbtest.Options{Encodings: encodings})
			b.shot(c)
			for _, size := range []image.Point{{400, 300}, {300, 250}, {640, 100}} {
				b.fake.Resize(size.X, size.Y)
				b.fake.Paint(image.Rectangle{Max: size}, desktop)
				err := c.WaitFor(b.ctx(), func(i *image.RGBA) bool {
					return i.Rect.Max == size && i.RGBAAt(size.X-1, 50) == rgba(desktop(size.X-1, 50))
				})
				if err != nil {
					t.Fatal(err)
				}
				want(t, c.Image(), size.X, size.Y, desktop, nil)
			}
			if n := c.State().Resizes; n != 3 {
				t.Errorf("%d changes of size", n)
			}
		})
	}
}

// TestUpdates_fixedClient has a client that knows of no other size than the first.
func TestUpdates_fixedClient(t *testing.T) {
	b := newBench(t, 320, 200, Config{})
	c := b.dial(rfbtest.Options{Encodings: []int32{enc.ZRLEID}})
	b.shot(c)
	for _, size := range []image.Point{{400, 300}, {200, 150}, {100, 250}, {320, 200}} {
		b.fake.Resize(size.X, size.Y)
		b.fake.Paint(image.Rectangle{Max: size}, func(x, y int) uint32 { return 0xff0000 | uint32(x) })
		cut := func(x, y int) uint32 {
			if x >= size.X || y >= size.Y {
				return 0
			}
			return 0xff0000 | uint32(x)
		}
		b.follow(c, 5, 5, cut(5, 5))
		if err := c.WaitFor(b.ctx(), func(i *image.RGBA) bool {
			return i.RGBAAt(319, 199) == rgba(cut(319, 199)) && i.RGBAAt(0, 199) == rgba(cut(0, 199)) && i.RGBAAt(319, 0) == rgba(cut(319, 0))
		}); err != nil {
			t.Fatal(err)
		}
		want(t, c.Image(), 320, 200, cut, nil)
	}
}

func TestUpdates_setDesktopSizeIsRefused(t *testing.T) {
	b := newBench(t, 64, 48, Config{})
	c := b.dial(rfbtest.Options{Encodings: []int32{0, rfbtest.ExtDesktopSize}})
	b.shot(c)
	if s := c.State(); s.Rects[rfbtest.ExtDesktopSize] != 1 || s.Status != 0 {
		t.Fatalf("the layout was told %d times, status %d", s.Rects[rfbtest.ExtDesktopSize], s.Status)
	}
	if err := c.SetSize(256, 256, rfbtest.Head{Rect: image.Rect(0, 0, 256, 256)}); err != nil {
		t.Fatal(err)
	}
	b.shot(c)
	if s := c.State(); s.Status != 1 || c.Size() != image.Pt(64, 48) {
		t.Errorf("status %d, size %v", s.Status, c.Size())
	}
}

func TestUpdates_lightsAndName(t *testing.T) {
	for id, lit := range map[int32]uint32{rfbtest.LEDs: 5, rfbtest.VMwareLEDs: 5, rfbtest.LibvncLEDs: 1<<1 | 1<<8} {
		b := newBench(t, 64, 48, Config{Name: "first"})
		c := b.dial(rfbtest.Options{Encodings: []int32{0, id, rfbtest.DesktopName}})
		b.shot(c)
		if s := c.State(); !s.LEDsTold || s.LEDs != 0 || s.Name != "first" {
			t.Fatalf("%+v", s)
		}
		b.router.SetLEDs(input.LEDCaps | input.LEDScroll)
		if err := c.Next(b.ctx()); err != nil {
			t.Fatal(err)
		}
		if s := c.State(); s.LEDs != lit {
			t.Errorf("lights %d", s.LEDs)
		}
		b.s.SetName("second")
		if err := c.Next(b.ctx()); err != nil {
			t.Fatal(err)
		}
		if s := c.State(); s.Name != "second" {
			t.Errorf("name %q", s.Name)
		}
	}
}

func TestUpdates_changeOfFormatAndEncoding(t *testing.T) {
	b := newBench(t, 173, 101, Config{})
	b.fake.Paint(image.Rect(0, 0, 173, 101), desktop)
	c := b.dial(rfbtest.Options{})
	rnd := rand.New(rand.NewPCG(1, 1))
	formats := []enc.Format{
		enc.Native(), {BPP: 8, Depth: 8}, *format(16, 16, true, [3]uint16{31, 63, 31}, [3]uint8{11, 5, 0}),
		*format(8, 8, false, [3]uint16{7, 7, 3}, [3]uint8{0, 3, 6}),
	}
	for range 30 {
		f := formats[rnd.IntN(len(formats))]
		if err := c.SetFormat(f); err != nil {
			t.Fatal(err)
		}
		ids := []int32{enc.RawID, enc.HextileID, enc.ZRLEID}
		if err := c.SetEncodings(ids[rnd.IntN(3)], encLevel0+int32(rnd.IntN(10))); err != nil {
			t.Fatal(err)
		}
		want(t, b.shot(c), 173, 101, desktop, &f)
	}
}

// TestServer_stalledViewer has a viewer that asks for everything and reads nothing, while others go on.
func TestServer_stalledViewer(t *testing.T) {
	b := newBench(t, 640, 480, Config{})
	b.fake.Paint(image.Rect(0, 0, 640, 480), noise())
	stalled, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer stalled.Close()
	if _, err := stalled.Write([]byte("RFB 003.003\n\x01")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stalled, make([]byte, 12+4+24+12)); err != nil {
		t.Fatal(err)
	}
	ask := []byte{3, 0, 0, 0, 0, 0, 2, 0x80, 1, 0xe0}
	for range 1000 {
		if _, err := stalled.Write(ask); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for range 3 {
		c := b.dial(rfbtest.Options{})
		wg.Go(func() {
			for i := range 4 {
				b.fake.Fill(image.Rect(0, 0, 50, 50), uint32(i))
				if _, err := c.Screenshot(b.ctx()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(b.s.Clients()); n != 4 {
		t.Errorf("%d viewers", n)
	}
}

func TestServer_dropsTheStalled(t *testing.T) {
	b := newBench(t, 64, 48, Config{Stalled: 5 * time.Millisecond})
	ours, theirs := net.Pipe() // it holds nothing: who does not read stalls at once
	defer ours.Close()
	b.s.accept(theirs)
	b.s.wg.Wait()
}

// TestServer_manyViewers has them come, look, type and go while the screen is busy.
func TestServer_manyViewers(t *testing.T) {
	b := newBench(t, 320, 200, Config{})
	stop := make(chan struct{})
	var painter, wg sync.WaitGroup
	painter.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			b.fake.Fill(image.Rect(i%200, i%150, i%200+40, i%150+30), uint32(i))
			if i%100 == 50 {
				b.fake.Resize(320+i%7, 200-i%5)
			}
			time.Sleep(100 * time.Microsecond)
		}
	})
	for i := range 20 {
		wg.Go(func() {
			c, err := rfbtest.DialWith(b.addr, rfbtest.Options{Encodings: []int32{[]int32{0, 5, 16}[i%3], rfbtest.DesktopSize, rfbtest.LEDs}})
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for range 10 {
				if err := c.Next(b.ctx()); err != nil {
					t.Error(err)
				}
				if err := c.Type("Hi!"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	painter.Wait()
	b.s.wg.Wait()
	down := map[input.Code]bool{}
	for _, e := range b.guest.take() {
		down[e.Code] = e.Down
	}
	for code, d := range down {
		if d {
			t.Errorf("key %d is still down", code)
		}
	}
}

// TestServer_screenEnds closes the screen under its viewers.
func TestServer_screenEnds(t *testing.T) {
	b := newBench(t, 64, 48, Config{})
	c := b.dial(rfbtest.Options{})
	b.shot(c)
	b.screen.Close()
	if _, err := c.Screenshot(b.ctx()); err == nil {
		t.Error("a picture of a closed screen")
	}
	b.s.wg.Wait()
}

// TestServer_noLeak looks for goroutines that stay.
func TestServer_noLeak(t *testing.T) {
	b := newBench(t, 64, 48, Config{})
	before := runtime.NumGoroutine()
	for range 20 {
		c := b.dial(rfbtest.Options{})
		b.shot(c)
		c.Close()
	}
	b.s.wg.Wait()
	for range 100 {
		if runtime.NumGoroutine() <= before+1 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// frame is a picture by itself.
func frame(w, h int, colour func(x, y int) uint32) *display.Frame {
	f := display.NewFrame(w, h)
	for y := range h {
		row := f.Row(y, 0, w)
		for x := range w {
			c := colour(x, y)
			row[4*x], row[4*x+1], row[4*x+2] = byte(c), byte(c>>8), byte(c>>16)
		}
	}
	return f
}

func BenchmarkEncode(b *testing.B) {
	f := frame(1024, 768, desktop)
	rects := enc.Split(nil, enc.Raw{}, f.Rect)
	p := enc.NewPixels(enc.Native())
	for name, id := range map[string]int32{"Raw": enc.RawID, "Hextile": enc.HextileID, "ZRLE": enc.ZRLEID} {
		b.Run(name, func(b *testing.B) {
			e := enc.New(id)
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = buf[:0]
				for _, r := range rects {
					buf = e.Encode(buf, p, f, r)
				}
			}
			b.ReportMetric(float64(len(buf)), "bytes/frame")
		})
	}
}
