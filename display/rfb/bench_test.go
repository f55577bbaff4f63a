package rfb

import (
	"image"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"govm-desktop/display"
	"govm-desktop/display/rfb/enc"
	"govm-desktop/display/rfb/picture"
	"govm-desktop/display/rfb/stream"
)

// film is a video device that shows pictures made before.
type film struct {
	w, h   int
	frames [][]byte
	damage image.Rectangle
	at     atomic.Int64
}

func newFilm(n int, damage image.Rectangle, colour func(n, x, y int) uint32) *film {
	f := &film{w: 1024, h: 768, damage: damage}
	for i := range n {
		pix := make([]byte, 4*f.w*f.h)
		for y := range f.h {
			for x := range f.w {
				n := i
				if !image.Pt(x, y).In(damage) {
					n = 0
				}
				c, p := colour(n, x, y), pix[4*(y*f.w+x):]
				p[0], p[1], p[2] = byte(c), byte(c>>8), byte(c>>16)
			}
		}
		f.frames = append(f.frames, pix)
	}
	return f
}

func (f *film) Draw(c *display.Canvas) {
	r := f.damage
	if c.Lines(f.w, f.h) {
		r = c.Bounds()
	}
	pix := f.frames[int(f.at.Load())%len(f.frames)]
	for y := r.Min.Y; y < r.Max.Y; y++ {
		c.Put(y, pix[4*y*f.w:])
	}
}

// nowhere is a connection to a client that takes everything at once.
type nowhere struct{ net.Conn }

func (nowhere) Write(b []byte) (int, error)      { return len(b), nil }
func (nowhere) SetWriteDeadline(time.Time) error { return nil }
func (nowhere) Read(b []byte) (int, error)       { return 0, net.ErrClosed }
func (nowhere) Close() error                     { return nil }
func (nowhere) RemoteAddr() net.Addr             { return webAddr("nowhere") }

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkUpdate measures what an update costs, from the video device's picture to bytes on the way: time of all processors, and
// bytes.
func BenchmarkUpdate(b *testing.B) {
	all := image.Rect(0, 0, 1024, 768)
	grain := func(n, x, y int) uint32 { return uint32(x*7919+y*104729+n*1299709) * 2654435761 >> 27 }
	films := map[string]*film{
		"scroll": newFilm(40, all, func(n, x, y int) uint32 { return text(x, y+16*n) }),
		"window": newFilm(40, all, func(n, x, y int) uint32 {
			if p := image.Pt(x, y).Sub(image.Pt(50+7*n, 60+5*n)); p.In(image.Rect(0, 0, 320, 240)) {
				return text(p.X, p.Y)
			}
			return desktop(x, y)
		}),
		"video": newFilm(20, image.Rect(192, 204, 832, 564), func(n, x, y int) uint32 {
			g := grain(n, x, y)
			return (uint32(x+3*n)&0xff/2+g)<<16 | (uint32(y+2*n)&0xff/2+g)<<8 | (uint32(x+y)&0xff/2 + g)
		}),
		"type": newFilm(40, image.Rect(0, 100, 1024, 116), func(n, x, y int) uint32 {
			if y >= 100 && y < 116 && x < 8*n {
				return text(x, y)
			}
			return 0x101010
		}),
	}
	for name, f := range films {
		for ename, e := range map[string]struct {
			id      int32
			quality int
		}{"raw": {enc.RawID, -1}, "zrle": {enc.ZRLEID, -1}, "tight": {enc.TightID, -1}, "tight-q6": {enc.TightID, 6}} {
			b.Run(name+"/"+ename, func(b *testing.B) {
				screen := display.NewScreen(f, display.Options{Rate: 1e6})
				defer screen.Close()
				s := New(Config{Screen: screen})
				c := newClient(s, stream.New(nowhere{}, time.Second), webAddr("nowhere"))
				u := &updater{c: c, pic: picture.New(screen)}
				defer u.close()
				u.set = c.settings
				u.set.encoding, u.set.can = e.id, canCopy
				if e.quality >= 0 {
					u.set.tuning.Quality, u.set.tuning.Halved = enc.Quality(e.quality)
				}
				step := func() {
					f.at.Add(1)
					screen.Wake()
					if err := u.pic.Wait(c.ctx); err != nil {
						b.Fatal(err)
					}
					u.pending = request{any: true, changed: display.Region{all}}
					if _, err := u.answer(); err != nil {
						b.Fatal(err)
					}
				}
				u.rest = time.Now().Add(time.Hour)
				_ = u.pic.Fresh(c.ctx)
				u.pic.SetClientSize(u.pic.Size())
				step()
				before, cpu := c.conn.Sent(), cpuTime()
				for b.Loop() {
					u.rest = time.Now().Add(time.Hour)
					step()
				}
				b.ReportMetric(float64(c.conn.Sent()-before)/float64(b.N)/1000, "KB/update")
				b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/1000/float64(b.N), "cpu-ms/update")
			})
		}
	}
}
