package fbs

import (
	"errors"
	"fmt"
	"image"
	"io"
	"net"
	"sync"
	"time"

	"govm-desktop/display"
	"govm-desktop/display/rfb/rfbtest"
)

// Player is a display.Source that shows a recording, from when somebody first looks.
type Player struct {
	conn *conn

	mu    sync.Mutex // guards everything below
	wake  func()
	c     *rfbtest.Client
	err   error // why it ended; io.EOF: it is over
	begun bool
	seen  int // updates that have been drawn
	done  chan struct{}
}

// NewPlayer shows what r holds, speed times as fast as it was.
func NewPlayer(r io.Reader, speed float64) (*Player, error) {
	f, err := NewReader(r)
	if err != nil {
		return nil, err
	}
	return &Player{conn: &conn{r: f, speed: speed, stop: make(chan struct{})}, done: make(chan struct{})}, nil
}

// Draw implements display.Source.
func (p *Player) Draw(c *display.Canvas) {
	p.mu.Lock()
	if !p.begun {
		p.begun = true
		go p.play()
	}
	client, seen := p.c, p.seen
	p.mu.Unlock()
	if client == nil {
		if c.Resize(640, 480) {
			clear(c.Pix)
		}
		return
	}
	updates := client.State().Updates
	img := client.Image()
	full := c.Resize(img.Rect.Dx(), img.Rect.Dy())
	if !full && updates == seen {
		return
	}
	b := c.Bounds().Intersect(img.Rect)
	for y := range b.Dy() {
		from, to := img.Pix[y*img.Stride:][:4*b.Dx()], c.Pix[y*c.Stride:][:4*b.Dx()]
		for i := 0; i < len(from); i += 4 {
			to[i], to[i+1], to[i+2], to[i+3] = from[i+2], from[i+1], from[i], 0
		}
	}
	c.Damage(b)
	p.mu.Lock()
	p.seen = updates
	p.mu.Unlock()
}

// Notify implements display.Notifier.
func (p *Player) Notify(wake func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wake = wake
}

// play decodes the recording to its end.
func (p *Player) play() {
	defer close(p.done)
	p.conn.start = time.Now()
	client, err := rfbtest.New(p.conn, rfbtest.Options{Version: "003.003"})
	if err != nil {
		p.end(fmt.Errorf("the recording starts with something else than a session: %w", err))
		return
	}
	p.mu.Lock()
	p.c = client
	p.mu.Unlock()
	seen := -1
	for {
		_ = client.Await(p.conn.ctx(), func(s *rfbtest.State, _ *image.RGBA) bool { // it ends with the connection
			news := s.Updates != seen
			seen = s.Updates
			return news
		})
		p.poke()
		if err := client.Err(); err != nil {
			p.end(err)
			return
		}
	}
}

func (p *Player) poke() {
	p.mu.Lock()
	wake := p.wake
	p.mu.Unlock()
	if wake != nil {
		wake()
	}
}

func (p *Player) end(err error) {
	p.mu.Lock()
	p.err = err
	p.mu.Unlock()
}

// Done is closed when the recording has come to its end.
func (p *Player) Done() <-chan struct{} { return p.done }

// Err is what is wrong with the recording, if it has ended.
func (p *Player) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if errors.Is(p.err, io.EOF) || errors.Is(p.err, net.ErrClosed) {
		return nil
	}
	return p.err
}

// Close ends it.
func (p *Player) Close() error { return p.conn.Close() }
