package enc

import (
	"image"
	"sync"

	"github.com/klauspost/compress/flate"
)

// Shared keeps what the Encoders of several connections would else each make of the same picture: what comes before the compression that
// has a history, blocks without one, JPEG files. Who comes first makes it, the others wait for it. It is bounded, and what was made of
// pictures that are gone goes first. All methods may be called from any goroutine.
type Shared struct {
	mu      sync.Mutex // guards everything below
	users   int
	made    map[work]*product
	order   []work // the oldest first
	bytes   int
	writers []*flate.Writer
	hits    uint64
}

// work is what is made: of equal works the bytes are equal.
type work struct {
	frame   uint64 // its serial number
	rect    image.Rectangle
	id      int32
	format  Format
	kind    workKind
	quality int
	halved  bool
}

type workKind uint8

const (
	workTiles workKind = iota
	workBlock          // the tiles, compressed without history
	workFile
)

// product is the bytes, once done is closed, and how many of them are pixels as they are.
type product struct {
	done  chan struct{}
	bytes []byte
	raw   int
}

// What is worth keeping, and how much of it.
const (
	minShared = 64 * 64 // pixels
	maxShared = 4 << 20 // bytes
	maxWorks  = 1024
)

// Sharer is an Encoder that shares its work with others.
type Sharer interface{ Share(*Shared) }

// SetUsers says how many connections there are: one alone shares nothing.
func (s *Shared) SetUsers(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users = n; n < 2 {
		s.made, s.order, s.bytes, s.writers = nil, nil, 0, nil
	}
}

// Hits is how often something was there already.
func (s *Shared) Hits() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hits
}

// get returns what f makes, or has made for another connection; ok is false where nothing is shared. The bytes are not to be changed.
func (s *Shared) get(w work, f func() (b []byte, raw int)) (b []byte, raw int, ok bool) {
	if s == nil || w.frame == 0 || w.rect.Dx()*w.rect.Dy() < minShared {
		return nil, 0, false
	}
	s.mu.Lock()
	if s.users < 2 {
		s.mu.Unlock()
		return nil, 0, false
	}
	if p := s.made[w]; p != nil {
		s.hits++
		s.mu.Unlock()
		<-p.done
		return p.bytes, p.raw, true
	}
	p := &product{done: make(chan struct{})}
	if s.made == nil {
		s.made = map[work]*product{}
	}
	s.made[w] = p
	s.order = append(s.order, w)
	s.mu.Unlock()
	defer close(p.done)
	p.bytes, p.raw = f()
	s.keep(p)
	return p.bytes, p.raw, true
}

// keep counts a product and forgets the oldest beyond what is kept.
func (s *Shared) keep(p *product) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes += len(p.bytes)
	for len(s.order) > 0 && (s.bytes > maxShared || len(s.order) > maxWorks) {
		w := s.order[0]
		s.order = s.order[1:]
		if old := s.made[w]; old != nil {
			s.bytes -= len(old.bytes)
			delete(s.made, w)
		}
	}
}

// block compresses data by itself: what it makes refers to nothing before.
func (s *Shared) block(data []byte) []byte {
	out := appender{b: make([]byte, 0, len(data)+len(data)/8)}
	var w *flate.Writer
	s.mu.Lock()
	if n := len(s.writers); n > 0 {
		w, s.writers = s.writers[n-1], s.writers[:n-1]
	}
	s.mu.Unlock()
	if w == nil {
		w, _ = flate.NewWriter(&out, zrleLevel) // the level is a valid one
	} else {
		w.Reset(&out)
	}
	// Neither can fail: an appender does not.
	_, _ = w.Write(data)
	_ = w.Flush()
	w.Reset(nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users >= 2 && len(s.writers) < 2 {
		s.writers = append(s.writers, w)
	}
	return out.b
}
