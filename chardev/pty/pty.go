// Package pty is a pseudo-terminal as a byte stream: programs like screen or minicom open its other end, and may come and go. While nobody has
// it open, what is written is dropped.
package pty

import (
	"fmt"
	"io"
	"sync"

	"golang.org/x/sys/unix"
)

// Stream implements chardev.Stream and chardev.Announcer.
type Stream struct {
	master int
	opened int // inotify: somebody opens the other end
	wake   [2]int
	path   string

	mu    sync.Mutex // guards everything below
	open  bool
	watch []func(bool)
	done  bool
}

// Open makes a pseudo-terminal.
func Open() (*Stream, error) {
	s := &Stream{master: -1, opened: -1, wake: [2]int{-1, -1}}
	if err := s.make(); err != nil {
		s.release()
		return nil, fmt.Errorf("chardev pty: %w", err)
	}
	return s, nil
}

func (s *Stream) make() (err error) {
	if s.master, err = unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0); err != nil {
		return fmt.Errorf("/dev/ptmx: %w", err)
	}
	if err = unix.IoctlSetPointerInt(s.master, unix.TIOCSPTLCK, 0); err != nil {
		return fmt.Errorf("unlocking: %w", err)
	}
	n, err := unix.IoctlGetInt(s.master, unix.TIOCGPTN)
	if err != nil {
		return err
	}
	s.path = fmt.Sprintf("/dev/pts/%d", n)
	if err = s.cook(); err != nil {
		return err
	}
	if s.opened, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err != nil {
		return err
	}
	if _, err = unix.InotifyAddWatch(s.opened, s.path, unix.IN_OPEN); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return unix.Pipe2(s.wake[:], unix.O_CLOEXEC|unix.O_NONBLOCK)
}

// cook makes the terminal raw, so that the guest's bytes pass as they are. The other end is opened and closed once for it, after which the kernel
// tells when nobody has it open.
func (s *Stream) cook() error {
	fd, err := unix.Open(s.path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	defer unix.Close(fd)
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.IEXTEN | unix.ISIG
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// Path is what others open.
func (s *Stream) Path() string { return s.path }

// Watch implements chardev.Announcer. The state is known as precisely as somebody reads.
func (s *Stream) Watch(f func(bool)) {
	s.mu.Lock()
	s.watch = append(s.watch[:len(s.watch):len(s.watch)], f)
	open := s.open
	s.mu.Unlock()
	f(open)
}

// set notes whether the other end is open.
func (s *Stream) set(open bool) {
	s.mu.Lock()
	changed := s.open != open
	s.open = open
	watch := s.watch
	s.mu.Unlock()
	if changed {
		for _, f := range watch {
			f(open)
		}
	}
}

// Read implements io.Reader.
func (s *Stream) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(s.master, p)
		if n > 0 {
			s.set(true)
			return n, nil
		}
		if err == unix.EINTR {
			continue
		}
		s.set(err == unix.EAGAIN) // EIO: nobody has the other end open
		if !s.await(err == unix.EAGAIN) {
			return 0, io.EOF
		}
	}
}

// await waits for input, or for somebody to open the other end; false: the stream is closed.
func (s *Stream) await(open bool) bool {
	fds := []unix.PollFd{{Fd: int32(s.wake[0]), Events: unix.POLLIN}, {Fd: int32(s.opened), Events: unix.POLLIN}}
	if open { // else the terminal would say POLLHUP for ever
		fds = append(fds, unix.PollFd{Fd: int32(s.master), Events: unix.POLLIN})
	}
	if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
		return false
	}
	if fds[1].Revents != 0 {
		var events [256]byte
		_, _ = unix.Read(s.opened, events[:])
	}
	return fds[0].Revents == 0
}

// Write implements io.Writer. It waits while the other end is open and does not read.
func (s *Stream) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		fds := []unix.PollFd{{Fd: int32(s.master), Events: unix.POLLOUT}, {Fd: int32(s.wake[0]), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil {
			if err == unix.EINTR {
				continue
			}
			return 0, fmt.Errorf("chardev pty: %w", err)
		}
		if fds[1].Revents != 0 {
			return 0, io.ErrClosedPipe
		}
		if fds[0].Revents&unix.POLLHUP != 0 {
			return len(p), nil
		}
		n, err := unix.Write(s.master, rest)
		if err != nil && err != unix.EAGAIN && err != unix.EINTR {
			return len(p), nil // it has just been closed
		}
		rest = rest[max(n, 0):]
	}
	return len(p), nil
}

// Close makes Read and Write return. The descriptors are kept until then: nobody may be waiting on one that becomes another file.
func (s *Stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return nil
	}
	s.done = true
	_, err := unix.Write(s.wake[1], []byte{0})
	return err
}

func (s *Stream) release() {
	for _, fd := range []int{s.master, s.opened, s.wake[0], s.wake[1]} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
