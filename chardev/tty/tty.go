// Package tty is a serial port of the host as a byte stream. The guest's settings of its own port are passed on to it.
package tty

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"govm-desktop/chardev"
)

// Stream implements chardev.Stream and chardev.Port.
type Stream struct {
	f     *os.File
	fd    int
	saved unix.Termios
	once  sync.Once
}

// Open takes the port over, at 115200 baud, 8 data bits, no parity, until the guest says otherwise.
func Open(path string) (*Stream, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("chardev serial: %w", err)
	}
	// Fd would make the file blocking, and Close wait for a Read; so it is asked for by the connection.
	s := &Stream{f: f}
	raw, err := f.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { s.fd = int(fd) })
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("chardev serial: %w", err)
	}
	t, err := unix.IoctlGetTermios(s.fd, unix.TCGETS)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("chardev serial: %s is no serial port: %w", path, err)
	}
	s.saved = *t
	if err := s.SetLine(chardev.Line{Baud: 115200, Bits: 8, Stop: 1}); err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

// bauds are the rates that termios has constants for.
var bauds = []struct {
	rate int
	flag uint32
}{
	{50, unix.B50}, {75, unix.B75}, {110, unix.B110}, {134, unix.B134}, {150, unix.B150}, {200, unix.B200}, {300, unix.B300}, {600, unix.B600},
	{1200, unix.B1200}, {1800, unix.B1800}, {2400, unix.B2400}, {4800, unix.B4800}, {9600, unix.B9600}, {19200, unix.B19200}, {38400, unix.B38400},
	{57600, unix.B57600}, {115200, unix.B115200},
}

// baud is the constant nearest to a rate.
func baud(rate int) uint32 {
	best := bauds[0]
	for _, b := range bauds {
		if abs(b.rate-rate) < abs(best.rate-rate) {
			best = b
		}
	}
	return best.flag
}

func abs(n int) int { return max(n, -n) }

// SetLine implements chardev.Port.
func (s *Stream) SetLine(l chardev.Line) error {
	t, err := unix.IoctlGetTermios(s.fd, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("chardev serial: %w", err)
	}
	speed := baud(l.Baud)
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.IEXTEN | unix.ISIG
	t.Cflag &^= unix.CSIZE | unix.PARENB | unix.PARODD | unix.CSTOPB | unix.CRTSCTS | unix.CBAUD
	t.Cflag |= unix.CREAD | unix.CLOCAL | speed
	t.Cflag |= map[int]uint32{5: unix.CS5, 6: unix.CS6, 7: unix.CS7, 8: unix.CS8}[l.Bits]
	t.Ispeed, t.Ospeed = speed, speed
	if l.Parity != 0 {
		t.Cflag |= unix.PARENB
	}
	if l.Parity == 'O' {
		t.Cflag |= unix.PARODD
	}
	if l.Stop == 2 {
		t.Cflag |= unix.CSTOPB
	}
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(s.fd, unix.TCSETSW, t); err != nil {
		return fmt.Errorf("chardev serial: cannot set the port: %w", err)
	}
	return nil
}

// SetBreak implements chardev.Port.
func (s *Stream) SetBreak(on bool) error {
	req := uint(unix.TIOCCBRK)
	if on {
		req = unix.TIOCSBRK
	}
	return unix.IoctlSetInt(s.fd, req, 0)
}

// SetModem implements chardev.Port. A port without such lines, like a terminal, says so once and is left alone.
func (s *Stream) SetModem(dtr, rts bool) error {
	bits := 0
	if dtr {
		bits |= unix.TIOCM_DTR
	}
	if rts {
		bits |= unix.TIOCM_RTS
	}
	return unix.IoctlSetPointerInt(s.fd, unix.TIOCMSET, bits)
}

// Read implements io.Reader.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.f.Read(p)
	if errors.Is(err, os.ErrClosed) {
		err = io.EOF
	}
	return n, err
}

// Write implements io.Writer.
func (s *Stream) Write(p []byte) (int, error) { return s.f.Write(p) }

// Close gives the port back as it was.
func (s *Stream) Close() (err error) {
	s.once.Do(func() {
		restored := unix.IoctlSetTermios(s.fd, unix.TCSETS, &s.saved)
		err = errors.Join(restored, s.f.Close())
	})
	return err
}
