// Package stdio is the terminal that the program was started from as a byte stream. A terminal is put in raw mode, so that
// every key reaches the guest, and back by Close.
package stdio

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Stream implements chardev.Stream on standard input and output.
type Stream struct {
	in, out *os.File
	saved   *unix.Termios
	wake    [2]int // a pipe: its closing ends Read
	once    sync.Once
}

// Open takes the terminal over. With signals, Ctrl-C and Ctrl-Z keep their meaning; else they are typed.
func Open(in, out *os.File, signals bool) (*Stream, error) {
	s := &Stream{in: in, out: out}
	if err := unix.Pipe2(s.wake[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("chardev stdio: %w", err)
	}
	if t, err := unix.IoctlGetTermios(int(in.Fd()), unix.TCGETS); err == nil {
		saved := *t
		s.saved = &saved
		t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
		t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.IEXTEN
		if !signals {
			t.Lflag &^= unix.ISIG
		}
		t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
		if err := unix.IoctlSetTermios(int(in.Fd()), unix.TCSETS, t); err != nil {
			return nil, fmt.Errorf("chardev stdio: cannot set the terminal: %w", err)
		}
	}
	return s, nil
}

// Read waits for input; io.EOF after Close, or when the input has ended.
func (s *Stream) Read(p []byte) (int, error) {
	fds := []unix.PollFd{{Fd: int32(s.in.Fd()), Events: unix.POLLIN}, {Fd: int32(s.wake[0]), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			return 0, fmt.Errorf("chardev stdio: %w", err)
		}
		if fds[1].Revents != 0 {
			return 0, io.EOF
		}
		if fds[0].Revents != 0 {
			return s.in.Read(p)
		}
	}
}

// Write sends p to standard output.
func (s *Stream) Write(p []byte) (int, error) { return s.out.Write(p) }

// Close gives the terminal back as it was.
func (s *Stream) Close() (err error) {
	s.once.Do(func() {
		unix.Close(s.wake[1])
		if s.saved != nil {
			err = unix.IoctlSetTermios(int(s.in.Fd()), unix.TCSETS, s.saved)
		}
	})
	return err
}
