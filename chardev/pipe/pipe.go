// Package pipe is a pair of named pipes as a byte stream: PATH.in, which the guest reads, and PATH.out, which it writes; where they are not there,
// PATH alone for both.
package pipe

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Stream implements chardev.Stream.
type Stream struct{ in, out *os.File }

// Open opens the pipes. They are opened for both directions, so that nobody has to be at the other end yet.
func Open(path string) (*Stream, error) {
	in, err := os.OpenFile(path+".in", os.O_RDWR, 0)
	if err == nil {
		var out *os.File
		if out, err = os.OpenFile(path+".out", os.O_RDWR, 0); err == nil {
			return check(&Stream{in, out})
		}
		in.Close()
	}
	both, berr := os.OpenFile(path, os.O_RDWR, 0)
	if berr != nil {
		if errors.Is(err, os.ErrNotExist) && errors.Is(berr, os.ErrNotExist) {
			return nil, fmt.Errorf("chardev pipe: there is neither %s.in with %s.out nor %s: make them with mkfifo", path, path, path)
		}
		return nil, fmt.Errorf("chardev pipe: %w", berr)
	}
	return check(&Stream{both, both})
}

func check(s *Stream) (*Stream, error) {
	for _, f := range []*os.File{s.in, s.out} {
		if st, err := f.Stat(); err != nil || st.Mode()&(os.ModeNamedPipe|os.ModeCharDevice|os.ModeSocket) == 0 {
			s.Close()
			return nil, fmt.Errorf("chardev pipe: %s is no pipe: make it with mkfifo, or use file", f.Name())
		}
	}
	return s, nil
}

// Read implements io.Reader.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	if errors.Is(err, os.ErrClosed) {
		err = io.EOF
	}
	return n, err
}

// Write implements io.Writer.
func (s *Stream) Write(p []byte) (int, error) { return s.out.Write(p) }

// Close closes both.
func (s *Stream) Close() error {
	err := s.in.Close()
	if s.out != s.in {
		err = errors.Join(err, s.out.Close())
	}
	return err
}
