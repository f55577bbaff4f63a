// Package tone is a sound to try loudspeakers with: a sine wave, left and right in turn, as long as there is no sound card to listen to.
package tone

import (
	"io"
	"math"
	"sync"
	"time"

	"govm-desktop/audio"
)

// Source is an audio.Source.
type Source struct {
	Hz int // 0: 440
}

const (
	volume = 0.25 // of the loudest
	turn   = time.Second
	block  = 20 * time.Millisecond
)

// Listen implements audio.Source.
func (s Source) Listen(f audio.Format) io.ReadCloser {
	hz := s.Hz
	if hz <= 0 {
		hz = 440
	}
	return &stream{f: f, hz: hz, start: time.Now(), closed: make(chan struct{})}
}

// stream is the tone for one listener, at the pace of the clock.
type stream struct {
	f      audio.Format
	hz     int
	start  time.Time
	done   int // moments
	once   sync.Once
	closed chan struct{}
}

// Read implements io.Reader.
func (s *stream) Read(b []byte) (int, error) {
	due := func() int { return int(time.Since(s.start) * time.Duration(s.f.Rate) / time.Second) }
	if s.done >= due() {
		t := time.NewTimer(block)
		defer t.Stop()
		select {
		case <-t.C:
		case <-s.closed:
		}
	}
	select {
	case <-s.closed:
		return 0, io.EOF
	default:
	}
	n := min(max(due()-s.done, 0), len(b)/s.f.Frame())
	out := b[:0]
	for range n {
		v := int16(volume * math.MaxInt16 * math.Sin(2*math.Pi*float64(s.hz)*float64(s.done)/float64(s.f.Rate)))
		right := s.done/(int(turn/time.Second)*s.f.Rate)%2 == 1
		for ch := range s.f.Channels {
			w := v
			if s.f.Channels == 2 && right != (ch == 1) {
				w = 0
			}
			out = s.f.Sample.Put(out, w)
		}
		s.done++
	}
	return len(out), nil
}

// Close implements io.Closer.
func (s *stream) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}
