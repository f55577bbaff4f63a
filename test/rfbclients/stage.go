package rfbclients

import (
	"fmt"
	"image"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"govm-desktop/display"
	"govm-desktop/display/displaytest"
	"govm-desktop/display/rfb"
	"govm-desktop/input"
)

// stage is a server with a screen to paint on and a guest that writes down its input.
type stage struct {
	fake   *displaytest.Fake
	screen *display.Screen
	router *input.Router
	guest  *recorder
	server *rfb.Server
	at     *net.TCPAddr
}

// newStage serves a picture of the given size until the test ends.
func newStage(t *testing.T, w, h int, cfg rfb.Config) *stage {
	t.Helper()
	s := &stage{fake: displaytest.NewFake(w, h), router: &input.Router{}, guest: &recorder{}}
	s.screen = display.NewScreen(s.fake, display.Options{Rate: 1000})
	s.router.Add(s.guest, input.Key, input.Button, input.Abs, input.Wheel, input.Sync)
	s.fake.Paint(image.Rect(0, 0, w, h), desktop)
	cfg.Screen, cfg.Input = s.screen, s.router
	s.server = rfb.New(cfg)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.at = l.Addr().(*net.TCPAddr)
	go s.server.Serve(l)
	t.Cleanup(func() {
		s.server.Close()
		s.screen.Close()
	})
	return s
}

// repaint changes all of the picture, so that whatever sees it later has followed.
func (s *stage) repaint(w, h int) {
	s.fake.Resize(w, h)
	s.fake.Paint(image.Rect(0, 0, w, h), desktop)
}

// desktop is a picture with what desktops have: areas, lines, text, a gradient and a photo.
func desktop(x, y int) uint32 {
	switch {
	case y < 12:
		return 0x2e3440
	case x > 150 && x%500 < 190 && y%350 > 40 && y%350 < 160: // a photo
		n := uint32(x*7919+y*104729) * 2654435761 >> 28
		return (uint32(x*200/1024)+n)<<16&0xff0000 | (0x60+n)<<8 | uint32(y*255/768)&0xff
	case x > 20 && x%300 < 140 && y%300 > 15 && y%300 < 200: // a terminal
		if (x*5+y*3)%7 < 2 && y%16 > 3 {
			return 0xd8dee9
		}
		return 0x101418
	}
	return uint32(0x20+x/16)<<16 | uint32(0x30+y/16)<<8 | 0x60
}

// picture is desktop as an image.
func picture(w, h int) *image.RGBA {
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v, o := desktop(x, y), p.PixOffset(x, y)
			p.Pix[o], p.Pix[o+1], p.Pix[o+2], p.Pix[o+3] = byte(v>>16), byte(v>>8), byte(v), 0xff
		}
	}
	return p
}

// recorder is the guest's input devices.
type recorder struct {
	mu   sync.Mutex // guards everything below
	text string
}

// Send implements input.Sink.
func (r *recorder) Send(e input.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sign := "-"
	if e.Down {
		sign = "+"
	}
	switch e.Kind {
	case input.Key:
		r.text += fmt.Sprintf(" %s%d", sign, e.Code)
	case input.Button:
		r.text += fmt.Sprintf(" b%s%d", sign, e.Code)
	case input.Abs:
		r.text += fmt.Sprintf(" a%d,%d", e.X, e.Y)
	case input.Wheel:
		r.text += fmt.Sprintf(" w%d,%d", e.X, e.Y)
	}
}

// hears waits until the guest has got these events, in this order, others between them or not.
func (r *recorder) hears(t *testing.T, want ...string) {
	t.Helper()
	missing, got := "", ""
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		r.mu.Lock()
		got = r.text
		r.mu.Unlock()
		missing = ""
		at := 0
		for _, w := range want {
			i := strings.Index(got[at:]+" ", " "+w+" ")
			if i < 0 {
				missing = w
				break
			}
			at += i + 1
		}
		if missing == "" {
			r.mu.Lock()
			r.text = ""
			r.mu.Unlock()
			return
		}
	}
	t.Fatalf("%s is missing in%s", missing, got)
}

// client waits for the one viewer that there is to use an encoding.
func (s *stage) client(t *testing.T) rfb.Client {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if l := s.server.List(); len(l) == 1 {
			return l[0]
		}
	}
	t.Fatalf("the viewers are %v", s.server.List())
	return rfb.Client{}
}
