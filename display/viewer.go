package display

import (
	"context"
	"image"
	"time"
)

// Viewer is one who looks at a Screen. Its methods may be called from any goroutine, Next from one at a time.
type Viewer struct {
	s  *Screen
	ch chan struct{} // a signal to look again

	// Guarded by s.mu.
	damage Region // since the last Next
	wait   bool   // a picture drawn after Watch has to come first
	due    bool   // the picture being drawn is such a one
	cursor bool   // changed since the last Next
	closed bool
}

// Watch adds a viewer. Its first Next returns the picture as it is, with all of it as damage.
func (s *Screen) Watch() *Viewer {
	v := &Viewer{s: s, ch: make(chan struct{}, 1), wait: true}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.viewers[v] = struct{}{}
	s.force = true
	return v
}

// Close ends the viewer: its Next returns ErrClosed.
func (v *Viewer) Close() {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	delete(v.s.viewers, v)
	v.closed = true
	v.signal()
}

// Next waits for something new and returns the newest frame, for the caller to Release, with all damage since the last
// Next. The first time and after a change of size that is the whole picture. The Region is the caller's; it is empty when
// only the hardware cursor changed.
func (v *Viewer) Next(ctx context.Context) (*Frame, Region, error) {
	s := v.s
	if f, g, err := v.take(); f != nil || err != nil {
		return f, g, err
	}
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	s.poke()
	for {
		select {
		case <-v.ch:
		case <-s.done:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
		if f, g, err := v.take(); f != nil || err != nil {
			return f, g, err
		}
	}
}

// Newest lets the Source draw what it has to show, if it does so within the limit, and returns what is new, if anything. It is for a
// viewer that is still busy with what it got before: the Screen draws for those who wait.
func (v *Viewer) Newest(ctx context.Context, limit time.Duration) (*Frame, Region, error) {
	s := v.s
	s.mu.Lock()
	src := s.src
	s.mu.Unlock()
	if p, ok := src.(Poller); s.pending.Load() || ok && p.Poll() {
		select { // an old signal
		case <-v.ch:
		default:
		}
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		s.waiting.Add(1)
		defer s.waiting.Add(-1)
		s.poke()
		select {
		case <-v.ch:
		case <-s.done:
		case <-ctx.Done():
		}
	}
	return v.take()
}

// take returns what there is for the viewer, if anything.
func (v *Viewer) take() (*Frame, Region, error) {
	s := v.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || v.closed {
		return nil, nil, ErrClosed
	}
	if s.cur == nil || v.wait || v.damage.Empty() && !v.cursor {
		return nil, nil, nil
	}
	g := v.damage
	v.damage, v.cursor = nil, false
	return s.cur.Retain(), g, nil
}

func (v *Viewer) signal() {
	select {
	case v.ch <- struct{}{}:
	default:
	}
}

// publish makes what is on the canvas the current frame, if it differs from the last, and tells the viewers.
func (s *Screen) publish(c *Canvas) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	old := s.cur
	all := image.Rect(0, 0, c.buf.w, c.buf.h)
	changed := old == nil || old.Rect != all || !c.damage.Empty()
	if changed {
		s.lastFrame = s.lastDraw
		if s.turn = s.turn.Add(s.period); s.turn.Before(s.lastDraw) {
			s.turn = s.lastDraw
		}
		s.cur = &Frame{Pix: c.buf.pix, Stride: c.Stride, Rect: all, pool: &s.pool, buf: c.buf}
		s.cur.refs.Store(1)
		s.size.Store(uint64(c.buf.w)<<32 | uint64(c.buf.h))
		s.stamp(c.buf, c.damage, old == nil || old.Rect != all)
		s.cur.serial = s.seq
		c.buf, c.Pix = nil, nil
	}
	for v := range s.viewers {
		switch {
		case v.wait && !v.due:
			continue
		case v.wait, old == nil, old.Rect != all:
			v.damage, v.wait = Region{all}, false
		case changed:
			v.damage = v.damage.Union(c.damage)
		default:
			continue
		}
		v.signal()
	}
	if changed {
		old.Release()
	}
}
