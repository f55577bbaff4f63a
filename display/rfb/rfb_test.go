package rfb

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"govm-desktop/display"
	"govm-desktop/display/displaytest"
	"govm-desktop/display/rfb/enc"
	"govm-desktop/display/rfb/rfbtest"
	"govm-desktop/input"
)

// bench is a server with a screen to paint on and a guest that writes down its input.
type bench struct {
	t      *testing.T
	fake   *displaytest.Fake
	screen *display.Screen
	router *input.Router
	guest  *recorder
	s      *Server
	addr   string
}

// recorder is the guest's input devices.
type recorder struct {
	mu     sync.Mutex // guards everything below
	events []input.Event
}

func (r *recorder) Send(e input.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// take returns what came since the last take, without the Syncs.
func (r *recorder) take() (out []input.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Kind != input.Sync {
			out = append(out, e)
		}
	}
	r.events = nil
	return out
}

func newBench(t *testing.T, w, h int, cfg Config) *bench {
	t.Helper()
	b := &bench{t: t, fake: displaytest.NewFake(w, h), router: &input.Router{}, guest: &recorder{}}
	b.screen = display.NewScreen(b.fake, display.Options{Rate: 1000})
	b.router.Add(b.guest, input.Key, input.Button, input.Rel, input.Wheel, input.Sync)
	cfg.Screen, cfg.Input = b.screen, b.router
	b.s = New(cfg)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = l.Addr().String()
	done := make(chan error)
	go func() { done <- b.s.Serve(l) }()
	t.Cleanup(func() {
		if err := b.s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != ErrClosed {
			t.Errorf("Serve: %v", err)
		}
		b.screen.Close()
	})
	return b
}

func (b *bench) dial(o rfbtest.Options) *rfbtest.Client {
	b.t.Helper()
	c, err := rfbtest.DialWith(b.addr, o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	return c
}

// ctx is for what should take no time at all.
func (b *bench) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	b.t.Cleanup(cancel)
	return ctx
}

func (b *bench) shot(c *rfbtest.Client) *image.RGBA {
	b.t.Helper()
	i, err := c.Screenshot(b.ctx())
	if err != nil {
		b.t.Fatal(err)
	}
	return i
}

// desktop is a picture with what desktops have: areas, lines, text, gradients and a photo.
func desktop(x, y int) uint32 {
	switch {
	case y < 9:
		return 0x2e3440
	case x > 100 && x%640 < 165 && y%400 > 20 && y%400 < 80: // a photo
		n := uint32(x*7919+y*104729) * 2654435761 >> 24
		return uint32(x*255/1024)<<16&0xff0000 | n<<8 | uint32(y*255/768)&0xff
	case x > 20 && x%300 < 90 && y%300 > 15 && y%300 < 95: // a terminal
		if (x*5+y*3)%7 < 2 && y%16 > 3 {
			return 0xd8dee9
		}
		return 0x101010
	case x < 20:
		return uint32(y&0xff)<<8 | 0x40
	}
	return 0x3b6ea5
}

func noise() func(x, y int) uint32 {
	r := rand.New(rand.NewPCG(3, 4))
	return func(int, int) uint32 { return r.Uint32() & 0xffffff }
}

// want compares what a client has with a picture, as exactly as its pixel format can tell.
func want(t *testing.T, got *image.RGBA, w, h int, colour func(x, y int) uint32, f *enc.Format) {
	t.Helper()
	if got.Rect != image.Rect(0, 0, w, h) {
		t.Fatalf("the picture is %v, not %d×%d", got.Rect, w, h)
	}
	for y := range h {
		for x := range w {
			c := colour(x, y)
			rgb := [3]uint8{uint8(c >> 16), uint8(c >> 8), uint8(c)}
			for i := range rgb {
				rgb[i] = quantum(rgb[i], i, f)
			}
			if g := got.RGBAAt(x, y); g != (color.RGBA{rgb[0], rgb[1], rgb[2], 255}) {
				t.Fatalf("at %d,%d there is %v instead of %v", x, y, g, rgb)
			}
		}
	}
}

// quantum is a channel's value after a pixel format.
func quantum(v uint8, i int, f *enc.Format) uint8 {
	switch {
	case f == nil:
		return v
	case !f.TrueColour:
		m := [3]uint32{7, 7, 3}[i]
		return uint8((uint32(v)*m + 127) / 255 * 0xffff / m >> 8)
	case f.Max[i] == 0:
		return 0
	}
	m := uint32(f.Max[i])
	return uint8((uint32(v)*m + 127) / 255 * 255 / m)
}

func format(bpp, depth uint8, big bool, max [3]uint16, shift [3]uint8) *enc.Format {
	return &enc.Format{BPP: bpp, Depth: depth, BigEndian: big, TrueColour: true, Max: max, Shift: shift}
}

func TestServer_everyEncodingAndFormat(t *testing.T) {
	full, hi, lo := [3]uint16{255, 255, 255}, [3]uint16{31, 63, 31}, [3]uint16{7, 7, 3}
	formats := map[string]*enc.Format{
		"native":    nil,
		"32 BGR":    format(32, 24, false, full, [3]uint8{0, 8, 16}),
		"32 high":   format(32, 24, false, full, [3]uint8{24, 16, 8}),
		"32 BE":     format(32, 24, true, full, [3]uint8{16, 8, 0}),
		"32 BEhigh": format(32, 24, true, full, [3]uint8{8, 16, 24}),
		"32 mid":    format(32, 15, false, [3]uint16{31, 31, 31}, [3]uint8{18, 13, 8}),
		"32 midBE":  format(32, 15, true, [3]uint16{31, 31, 31}, [3]uint8{18, 13, 8}),
		"30 deep":   format(32, 30, false, [3]uint16{1023, 1023, 1023}, [3]uint8{20, 10, 0}),
		"16":        format(16, 16, false, hi, [3]uint8{11, 5, 0}),
		"16 BE":     format(16, 16, true, hi, [3]uint8{11, 5, 0}),
		"12 odd":    format(16, 12, false, [3]uint16{7, 15, 15}, [3]uint8{0, 4, 8}),
		"8":         format(8, 8, false, lo, [3]uint8{0, 3, 6}),
		"8 low":     format(8, 6, false, [3]uint16{3, 3, 3}, [3]uint8{4, 2, 0}),
		"8 mono":    format(8, 1, false, [3]uint16{0, 1, 0}, [3]uint8{0, 0, 0}),
		"8 map":     {BPP: 8, Depth: 8},
		"16 BE map": {BPP: 16, Depth: 8, BigEndian: true},
		"32 map":    {BPP: 32, Depth: 8},
	}
	pictures := map[string]func() func(x, y int) uint32{
		"desktop": func() func(x, y int) uint32 { return desktop },
		"noise": func() func(x, y int) uint32 {
			n, m := noise(), map[image.Point]uint32{}
			return func(x, y int) uint32 {
				p := image.Pt(x, y)
				if _, ok := m[p]; !ok {
					m[p] = n(x, y)
				}
				return m[p]
			}
		},
		"few colours": func() func(x, y int) uint32 {
			return func(x, y int) uint32 { return uint32((x*x/9+y*y/5)%(2+x/60+y/4)) * 0x1f3b5d & 0xffffff }
		},
		"black": func() func(x, y int) uint32 { return func(x, y int) uint32 { return 0 } },
	}
	const w, h = 173, 101
	b := newBench(t, w, h, Config{})
	for name, p := range pictures {
		colour := p()
		b.fake.Paint(image.Rect(0, 0, w, h), colour)
		for fname, f := range formats {
			for _, id := range []int32{enc.RawID, enc.HextileID, enc.ZRLEID, enc.RREID, enc.CoRREID, enc.ZlibID, enc.TightID, enc.TRLEID, enc.ZYWRLEID} {
				t.Run(fmt.Sprintf("%s/%s/%d", name, fname, id), func(t *testing.T) {
					c := b.dial(rfbtest.Options{Format: f, Encodings: []int32{99, id, enc.RawID}})
					defer c.Close()
					want(t, b.shot(c), w, h, colour, f)
					want(t, b.shot(c), w, h, colour, f) // the stream goes on
					s := c.State()
					raw := s.Rects[enc.RawID] // what these are no good for
					if id == enc.RREID || id == enc.CoRREID {
						s.Rects[id] += raw
						delete(s.Rects, enc.RawID)
					}
					if s.Rects[id] == 0 || len(s.Rects) != 1 {
						t.Errorf("encodings used: %v", s.Rects)
					}
				})
			}
		}
	}
}
