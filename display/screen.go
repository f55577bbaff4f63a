package display

import (
	"errors"
	"hash/maphash"
	"image"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is what Next returns once the Screen or the Viewer is closed.
var ErrClosed = errors.New("display: closed")

// Screen shows what a Source draws to any number of Viewers. It draws only while one of them waits for a picture, at once
// after a Wake, and at most at its rate after that; with nobody waiting it does nothing at all.
type Screen struct {
	opts   Options
	start  time.Time
	seed   maphash.Seed
	period time.Duration
	pool   pool
	kick   chan struct{} // something to look at for run
	done   chan struct{} // closed by Close
	ended  chan struct{} // closed when run has returned

	pending atomic.Bool  // a Wake has not been answered by a Draw
	woken   atomic.Int64 // when that was, in time since the Screen's start
	waiting atomic.Int32 // viewers in Next
	size    atomic.Uint64
	cursor  atomic.Pointer[Cursor]

	// Of run alone.
	canvas              Canvas
	lastDraw, lastFrame time.Time
	turn                time.Time       // when the last frame was due, had frames come at the Screen's rate
	seq                 uint64          // of the current frame
	history             [history]Region // damage of the last frames, by seq

	mu      sync.Mutex // guards everything below
	src     Source
	viewers map[*Viewer]struct{}
	cur     *Frame
	force   bool // a new viewer wants to be sure of the newest picture
	redraw  bool // all of it has to be drawn
	hurry   time.Time
	closed  bool
}

// NewScreen returns a Screen of src; nil is a black screen. Close ends it.
func NewScreen(src Source, opts Options) *Screen {
	opts.fill()
	s := &Screen{
		opts: opts, start: time.Now(), seed: maphash.MakeSeed(), period: time.Second / time.Duration(opts.Rate),
		kick: make(chan struct{}, 1), done: make(chan struct{}), ended: make(chan struct{}),
		viewers: map[*Viewer]struct{}{},
	}
	s.canvas.s = s
	s.SetSource(src)
	go s.run()
	return s
}

// SetSource puts another video device on the screen.
func (s *Screen) SetSource(src Source) {
	if src == nil {
		src = Blank{}
	}
	s.mu.Lock()
	old := s.src
	s.src, s.redraw = src, true
	s.mu.Unlock()
	if n, ok := old.(Notifier); ok {
		n.Notify(nil)
	}
	if n, ok := src.(Notifier); ok {
		n.Notify(s.Wake)
	}
	s.Wake()
}

// Wake says that something may have changed. It may be called from any goroutine, with locks held, and never blocks.
func (s *Screen) Wake() {
	if s.pending.Swap(true) {
		return
	}
	s.woken.Store(int64(time.Since(s.start)))
	if s.waiting.Load() > 0 {
		s.poke()
	}
}

// Redraw makes the Source draw everything anew.
func (s *Screen) Redraw() {
	s.mu.Lock()
	s.redraw = true
	s.mu.Unlock()
	s.Wake()
}

// Hurry says that there was input, to which an answer is likely to be seen soon. It never blocks.
func (s *Screen) Hurry() {
	s.mu.Lock()
	s.hurry = time.Now().Add(s.opts.HurryFor)
	s.mu.Unlock()
	if s.waiting.Load() > 0 {
		s.poke()
	}
}

// Size is the size of the newest picture; 0, 0 before the first.
func (s *Screen) Size() (w, h int) {
	n := s.size.Load()
	return int(n >> 32), int(uint32(n))
}

// Cursor is the hardware cursor, nil where there is none. Next returns, perhaps with no damage, when it changes.
func (s *Screen) Cursor() *Cursor { return s.cursor.Load() }

// SetCursor is for the video device: it shows another cursor, or the same elsewhere.
func (s *Screen) SetCursor(c *Cursor) {
	s.cursor.Store(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	for v := range s.viewers {
		v.cursor = true
		v.signal()
	}
}

// Close ends the Screen: every Next returns ErrClosed. When Close returns the Source is drawn no more. The caller must hold
// no lock that Draw takes.
func (s *Screen) Close() {
	s.mu.Lock()
	was := s.closed
	s.closed = true
	src, cur := s.src, s.cur
	s.cur = nil
	s.mu.Unlock()
	if was {
		return
	}
	close(s.done)
	<-s.ended
	cur.Release()
	if n, ok := src.(Notifier); ok {
		n.Notify(nil)
	}
}

func (s *Screen) poke() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// run draws when it is due.
func (s *Screen) run() {
	defer close(s.ended)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var c <-chan time.Time
		wait, ok := s.due()
		switch {
		case ok && wait <= 0:
			s.draw()
			continue
		case ok:
			timer.Reset(wait)
			c = timer.C
		}
		select {
		case <-s.done:
			return
		case <-s.kick:
		case <-c:
		}
		timer.Stop()
	}
}

// settle is how long a Source that is busy gets to finish a picture after its first change, so that half a picture is not followed by
// the rest a whole period later.
const settle = 2 * time.Millisecond

// due says in how long a picture has to be drawn, if at all. The rate is kept by turns rather than by distances: a frame may come up to
// half a period before its turn, so that a Source of the same rate is followed picture by picture.
func (s *Screen) due() (time.Duration, bool) {
	if s.waiting.Load() == 0 {
		return 0, false
	}
	s.mu.Lock()
	src, force, hurry, closed := s.src, s.force, s.hurry, s.closed
	s.mu.Unlock()
	if closed {
		return 0, false
	}
	if force {
		return 0, true
	}
	pending := s.pending.Load()
	if !pending {
		if p, ok := src.(Poller); !ok || !p.Poll() {
			return 0, false
		}
	}
	now := time.Now()
	hurried, every := now.Before(hurry), s.opts.Poll
	if hurried {
		every = s.opts.Hurry
	}
	at := s.lastDraw.Add(every)
	if f := s.turn.Add(s.period / 2); f.After(at) {
		at = f
	}
	if pending && !hurried && now.Sub(s.lastFrame) < 2*s.period {
		if f := s.start.Add(time.Duration(s.woken.Load()) + min(settle, s.period/8)); f.After(at) {
			at = f
		}
	}
	return at.Sub(now), true
}

// draw lets the Source draw and publishes what it drew.
func (s *Screen) draw() {
	s.mu.Lock()
	src, cur, redraw := s.src, s.cur, s.redraw
	s.force, s.redraw = false, false
	closed := s.closed
	if !closed && cur != nil {
		cur.Retain()
	}
	for v := range s.viewers {
		v.due = true
	}
	s.mu.Unlock()
	if closed {
		return
	}
	s.pending.Store(false)
	s.lastDraw = time.Now()
	c := &s.canvas
	c.begin(cur)
	c.full = c.full || redraw || cur == nil
	if redraw && c.buf != nil {
		c.buf.wipe() // so that a Source that leaves something out is seen
	}
	src.Draw(c)
	if c.buf == nil { // drew nothing at all
		c.Resize(640, 480)
	}
	c.finish()
	c.buf.seq = s.seq
	s.publish(c)
	cur.Release()
}

// history is how many frames back a buffer can be and still be brought up to date by what was damaged since.
const history = 8

// missing is where a buffer differs from the current frame.
func (s *Screen) missing(b *buffer) (g Region) {
	if b.seq+history < s.seq {
		return Region{image.Rect(0, 0, b.w, b.h)}
	}
	for q := b.seq + 1; q <= s.seq; q++ {
		g = g.Union(s.history[q%history])
	}
	return g
}

// stamp numbers the buffer that becomes the current frame.
func (s *Screen) stamp(b *buffer, damage Region, resized bool) {
	if resized {
		s.seq += history + 1
	}
	s.seq++
	b.seq = s.seq
	s.history[s.seq%history] = damage
}
