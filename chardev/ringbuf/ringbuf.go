// Package ringbuf keeps the last bytes that were written, for the monitor to look at.
package ringbuf

import (
	"fmt"
	"io"
	"sync"
)

// DefaultSize is how much is kept where nothing else is said, in bytes.
const DefaultSize = 64 << 10

// Stream implements chardev.Stream. Nothing is ever read from it by the guest.
type Stream struct {
	mu    sync.Mutex // guards everything below
	cond  sync.Cond  // closed
	buf   []byte
	start int
	n     int
	done  bool
}

// New returns a buffer of size bytes, a power of two.
func New(size int64) (*Stream, error) {
	if size <= 0 || size&(size-1) != 0 || size > 1<<30 {
		return nil, fmt.Errorf("chardev ringbuf: a size of %d is no power of two up to 1G", size)
	}
	s := &Stream{buf: make([]byte, size)}
	s.cond.L = &s.mu
	return s, nil
}

// Write keeps p, and forgets as much of the oldest.
func (s *Stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range p {
		s.buf[(s.start+s.n)&(len(s.buf)-1)] = b
		if s.n < len(s.buf) {
			s.n++
		} else {
			s.start = (s.start + 1) & (len(s.buf) - 1)
		}
	}
	return len(p), nil
}

// Take removes up to n of the oldest bytes and returns them.
func (s *Stream) Take(n int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := make([]byte, max(0, min(n, s.n)))
	for i := range p {
		p[i] = s.buf[(s.start+i)&(len(s.buf)-1)]
	}
	s.start, s.n = (s.start+len(p))&(len(s.buf)-1), s.n-len(p)
	return p
}

// Read waits for Close.
func (s *Stream) Read([]byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.done {
		s.cond.Wait()
	}
	return 0, io.EOF
}

// Close ends Read.
func (s *Stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	s.cond.Broadcast()
	return nil
}
