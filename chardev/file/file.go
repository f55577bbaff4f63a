// Package file is a byte stream that is kept in a file; nothing comes back from it.
package file

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// Stream implements chardev.Stream.
type Stream struct {
	f    *os.File
	once sync.Once
	done chan struct{}
}

// Open creates the file, or empties it; with add, it is written on at its end.
func Open(path string, add bool) (*Stream, error) {
	mode := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if add {
		mode = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	}
	f, err := os.OpenFile(path, mode, 0o644)
	if err != nil {
		return nil, fmt.Errorf("chardev file: %w", err)
	}
	return &Stream{f: f, done: make(chan struct{})}, nil
}

// Read blocks until Close.
func (s *Stream) Read([]byte) (int, error) {
	<-s.done
	return 0, io.EOF
}

// Write appends p to the file.
func (s *Stream) Write(p []byte) (int, error) { return s.f.Write(p) }

// Close ends a Read under way and closes the file.
func (s *Stream) Close() (err error) {
	s.once.Do(func() {
		close(s.done)
		err = s.f.Close()
	})
	return err
}
