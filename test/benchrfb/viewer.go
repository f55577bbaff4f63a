package main

import (
	"context"
	"fmt"
	"image"
	"net"
	"sync"
	"time"

	"govm-desktop/display/rfb/enc"
	"govm-desktop/display/rfb/rfbtest"
)

// taste is what a viewer asks for.
type taste struct {
	encodings []int32
	stream    bool // continuous updates, where the server has them
	skim      bool
}

// Tastes. All of them know of the rest of what makes a line well used.
var abilities = []int32{enc.CopyRectID, enc.RawID, rfbtest.DesktopSize, rfbtest.LastRect, rfbtest.Fence, rfbtest.Continuous}

func with(first ...int32) []int32 { return append(first, abilities...) }

const (
	level1   int32 = -255
	quality6 int32 = -26
)

// arrival is a picture that came.
type arrival struct {
	number uint16
	at     time.Time
}

// viewer is the neutral client: it asks for the next update as soon as one has come, and writes down what it sees.
type viewer struct {
	c    *rfbtest.Client
	line *proxy
	idle time.Duration // processor time a second of the server without viewers

	mu       sync.Mutex // guards everything below
	size     image.Rectangle
	stream   bool
	number   uint16
	known    bool
	keys     uint8
	seen     []arrival
	pressed  chan struct{} // a key was seen
	updates  int
	stamped  int // updates with something of the stamp
	last     *image.RGBA
	keepLast bool
}

func look(s stage, ln line, t taste) (*viewer, error) {
	v := &viewer{pressed: make(chan struct{}, 1)}
	addr := s.addr()
	if ln != (line{}) {
		p, err := through(ln, addr)
		if err != nil {
			return nil, err
		}
		v.line, addr = p, p.addr()
	}
	// What the viewer sends first is to find it ready.
	v.mu.Lock()
	defer v.mu.Unlock()
	nc, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	v.c, err = rfbtest.New(nc, rfbtest.Options{Encodings: t.encodings, Update: v.update, Skim: t.skim})
	if err != nil {
		v.hangUp()
		return nil, err
	}
	if err := v.c.SetFormat(enc.Native()); err != nil {
		return nil, err
	}
	v.size = image.Rectangle{Max: v.c.Size()}
	if err := v.c.Request(v.size, false); err != nil {
		return nil, err
	}
	if t.stream {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		v.mu.Unlock()
		err := v.c.Await(ctx, func(s *rfbtest.State, _ *image.RGBA) bool { return s.Ends > 0 })
		v.mu.Lock()
		if err != nil {
			v.hangUp()
			return nil, errNoStream
		}
		v.stream = true
		if err := v.c.Stream(true, v.size); err != nil {
			return nil, err
		}
	}
	return v, nil
}

var errNoStream = fmt.Errorf("no continuous updates")

func (v *viewer) hangUp() {
	if v.c != nil {
		v.c.Close()
	}
	if v.line != nil {
		v.line.close()
	}
}

// update is called for every update that came.
func (v *viewer) update(m *image.RGBA, rects []image.Rectangle) {
	now := time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.stream {
		_ = v.c.Request(v.size, true) // an error is seen by whoever waits for pictures
	}
	v.updates++
	for _, r := range rects {
		if r.Overlaps(image.Rect(0, 0, numberBits*square, square)) {
			v.stamped++
			break
		}
	}
	number, keys := uint16(bits(m, 0, numberBits)), uint8(bits(m, numberBits, stampBits))
	if v.known && number != v.number {
		v.seen = append(v.seen, arrival{number, now})
		if v.keepLast {
			v.last = &image.RGBA{Pix: append([]uint8(nil), m.Pix...), Stride: m.Stride, Rect: m.Rect}
		}
	}
	if v.known && keys != v.keys {
		select {
		case v.pressed <- struct{}{}:
		default:
		}
	}
	v.number, v.keys, v.known = number, keys, true
}

// bits reads squares of the stamp.
func bits(m *image.RGBA, from, to int) (n uint32) {
	for i := from; i < to; i++ {
		if c := m.RGBAAt(i*square+square/2, square/2); int(c.R)+int(c.G)+int(c.B) > 384 {
			n |= 1 << (i - from)
		}
	}
	return n
}

// tally is what a viewer got in a time.
type tally struct {
	took    time.Duration
	seen    []arrival
	updates int
	stamped int
	bytes   uint64
	cpu     time.Duration
}

// watch lets the film run and returns what came meanwhile.
func (v *viewer) watch(s stage, long time.Duration) (t tally, err error) {
	v.mu.Lock()
	v.seen = nil
	u0, st0 := v.updates, v.stamped
	v.mu.Unlock()
	b0, begin := v.c.State().Bytes, time.Now()
	cpu0, err := s.cpu()
	if err != nil {
		return t, err
	}
	time.Sleep(long)
	cpu1, err := s.cpu()
	if err != nil {
		return t, err
	}
	if err := v.c.Err(); err != nil {
		return t, err
	}
	t.took, t.bytes, t.cpu = time.Since(begin), v.c.State().Bytes-b0, cpu1-cpu0-time.Duration(float64(v.idle)*time.Since(begin).Seconds())
	v.mu.Lock()
	defer v.mu.Unlock()
	t.seen, t.updates, t.stamped = v.seen, v.updates-u0, v.stamped-st0
	return t, nil
}

func (t tally) rate() float64  { return float64(len(t.seen)) / t.took.Seconds() }
func (t tally) kb() float64    { return float64(t.bytes) / 1000 / float64(max(1, len(t.seen))) }
func (t tally) cpuMS() float64 { return float64(t.cpu) / 1e6 / float64(max(1, len(t.seen))) }

// late is how long after their painting the pictures came.
func (t tally) late(m *marks) (out []time.Duration) {
	for _, a := range t.seen {
		if d := a.at.Sub(m.of(byte(a.number))); d > -5*time.Millisecond && d < 4*time.Second {
			out = append(out, d)
		}
	}
	return out
}

// press presses keys now and then, and returns how long after each the picture showed it.
func (v *viewer) press(n int, pause, limit time.Duration) (out []time.Duration, err error) {
	for i := range n {
		time.Sleep(pause + time.Duration(i%7)*11*time.Millisecond)
		select {
		case <-v.pressed:
		default:
		}
		begin := time.Now()
		if err := v.c.Key('a', true); err != nil {
			return nil, err
		}
		select {
		case <-v.pressed:
			out = append(out, time.Since(begin))
		case <-time.After(limit):
			out = append(out, limit)
		}
		if err := v.c.Key('a', false); err != nil {
			return nil, err
		}
	}
	return out, nil
}
