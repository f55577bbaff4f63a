// Package null is a byte stream whose other end never says anything and takes everything.
package null

import (
	"io"
	"sync"
)

// Stream implements chardev.Stream.
type Stream struct {
	once sync.Once
	done chan struct{}
}

// New returns an open stream.
func New() *Stream { return &Stream{done: make(chan struct{})} }

// Read blocks until Close.
func (s *Stream) Read([]byte) (int, error) {
	<-s.done
	return 0, io.EOF
}

// Write drops p.
func (s *Stream) Write(p []byte) (int, error) { return len(p), nil }

// Close ends a Read under way.
func (s *Stream) Close() error {
	s.once.Do(func() { close(s.done) })
	return nil
}
