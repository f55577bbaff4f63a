package rfb

import (
	"bytes"
	"errors"
	"image"
	"sync"
	"testing"
	"time"

	"govm-desktop/display"
	"govm-desktop/display/rfb/fbs"
	"govm-desktop/display/rfb/rfbtest"
)

// tape is a file in memory.
type tape struct {
	mu   sync.Mutex // guards everything below
	b    bytes.Buffer
	full int // bytes that it takes; 0: any number
}

func (t *tape) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.full > 0 && t.b.Len() > t.full {
		return 0, errors.New("no space left")
	}
	return t.b.Write(b)
}

func (t *tape) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Len()
}

// TestRecord records a session and plays it: its pictures come again, in their sizes, and who recorded it was seen by nobody.
func TestRecord(t *testing.T) {
	events := 0
	b := newBench(t, 320, 200, Config{Connections: 1, Event: func(Event, Client) { events++ }})
	var film tape
	b.fake.Paint(image.Rect(0, 0, 320, 200), desktop)
	if err := b.s.Record(&film); err != nil {
		t.Fatal(err)
	}
	grown := func(n int) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); film.len() <= n; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the recording stays at %d bytes", n)
			}
		}
	}
	grown(2000)
	time.Sleep(2 * recordEvery)
	n := film.len()
	time.Sleep(2 * recordEvery)
	if film.len() != n {
		t.Error("nothing changes, but the recording grows")
	}
	b.fake.Resize(200, 100)
	b.fake.Paint(image.Rect(0, 0, 200, 100), desktop)
	grown(n + 2000)
	time.Sleep(2 * recordEvery)
	if len(b.s.List()) != 0 || len(b.s.Clients()) != 0 {
		t.Error("the recording counts as a viewer")
	}
	b.s.DropAll(errors.New("test"))
	n = film.len()
	b.fake.Fill(image.Rect(0, 0, 20, 20), 0xff0000)
	grown(n)
	b.s.Close()
	if events != 0 {
		t.Errorf("%d events of a recording", events)
	}
	for name, cut := range map[string]int{"whole": film.len(), "cut off": film.len() - 3} {
		p, err := fbs.NewPlayer(bytes.NewReader(film.b.Bytes()[:cut]), 0.5)
		if err != nil {
			t.Fatal(err)
		}
		s := display.NewScreen(p, display.Options{Rate: 1000})
		v := s.Watch()
		sizes := map[image.Point]bool{}
		var last *display.Frame
		for over := false; !over; {
			f, _, err := v.Next(b.ctx())
			if err != nil {
				t.Fatal(err)
			}
			if last.Release(); f.Rect.Max == image.Pt(320, 200) {
				sizes[f.Rect.Max] = sizes[f.Rect.Max] || sameFrame(f, desktop)
			}
			last = f
			red := func(x, y int) uint32 {
				if x < 20 && y < 20 {
					return 0xff0000
				}
				return desktop(x, y)
			}
			over = f.Rect.Max == image.Pt(200, 100) && (sameFrame(f, red) || name == "cut off" && sameFrame(f, desktop))
		}
		if !sizes[image.Pt(320, 200)] {
			t.Errorf("%s: the first picture was not played", name)
		}
		last.Release()
		v.Close()
		<-p.Done()
		if err := p.Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
		p.Close()
	}
}

func sameFrame(f *display.Frame, want func(x, y int) uint32) bool {
	for y := range f.Rect.Dy() {
		for x := range f.Rect.Dx() {
			c, w := f.RGBAAt(x, y), want(x, y)
			if uint32(c.R)<<16|uint32(c.G)<<8|uint32(c.B) != w {
				return false
			}
		}
	}
	return true
}

// TestRecord_fullDisk ends a recording whose file takes no more, and nothing else.
func TestRecord_fullDisk(t *testing.T) {
	b := newBench(t, 320, 200, Config{})
	b.fake.Paint(image.Rect(0, 0, 320, 200), desktop)
	if err := b.s.Record(&tape{full: 500}); err != nil {
		t.Fatal(err)
	}
	c := b.dial(rfbtest.Options{})
	want(t, b.shot(c), 320, 200, desktop, nil)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		b.fake.Fill(image.Rect(0, 0, 20, 20), uint32(time.Now().UnixNano()))
		b.s.mu.Lock()
		n := len(b.s.clients)
		b.s.mu.Unlock()
		if n == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the recording goes on")
		}
	}
}
