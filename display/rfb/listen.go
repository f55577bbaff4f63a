package rfb

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Listen opens what the argument of -vnc says; it returns nil for none.
func Listen(arg string) (net.Listener, error) {
	s, err := ParseSpec(arg)
	if err != nil {
		return nil, err
	}
	return s.Listen()
}

// Listen opens the socket; it returns nil for none.
func (s Spec) Listen() (net.Listener, error) {
	switch {
	case s.None, s.Reverse:
		return nil, nil
	case s.Path != "":
		return listenUnix(s.Path)
	}
	for n := s.Display; ; n++ {
		l, err := net.Listen(s.network(), net.JoinHostPort(s.Host, strconv.Itoa(basePort+n)))
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("vnc: %w", err)
		}
		if n < s.To {
			continue
		}
		if s.To > s.Display {
			return nil, fmt.Errorf("vnc: the displays %d to %d of %s are all in use; say another to=", s.Display, s.To, s.Host)
		}
		return nil, fmt.Errorf("vnc: display %d (port %d of %s) is in use; say another, or %s:%d,to=99 to have a free one found",
			n, basePort+n, s.Host, s.Host, n)
	}
}

// network is what net calls the kind of address that is wanted.
func (s Spec) network() string {
	switch {
	case s.IPv4 && !s.IPv6:
		return "tcp4"
	case s.IPv6 && !s.IPv4:
		return "tcp6"
	}
	return "tcp"
}

// Dial connects to a viewer that waits for it (reverse): there the number is a port.
func (s Spec) Dial() (net.Conn, error) {
	network, addr := s.network(), net.JoinHostPort(s.Host, strconv.Itoa(s.Display))
	if s.Path != "" {
		network, addr = "unix", s.Path
	}
	nc, err := net.DialTimeout(network, addr, 10*time.Second)
	if err != nil {
		return nil, fmt.Errorf("vnc: reverse: %w", err)
	}
	return nc, nil
}

// ListenWebSocket opens the socket for browsers, if one of its own was asked for. at is where viewers connect.
func (s Spec) ListenWebSocket(at net.Listener) (net.Listener, error) {
	host, port := s.Host, s.WebSocket
	if h, p, err := net.SplitHostPort(port); err == nil {
		host, port = h, p
	}
	if port == "on" {
		n := s.Display
		if t, ok := at.Addr().(*net.TCPAddr); ok {
			n = t.Port - basePort
		}
		port = strconv.Itoa(webSocketPort + n)
	}
	l, err := net.Listen(s.network(), net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("vnc: websocket: %w", err)
	}
	return l, nil
}

// listenUnix opens a Unix socket, in the place of one that nobody serves any more.
func listenUnix(path string) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if err == nil {
		return l, nil
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("vnc: %w", err)
	}
	if i, err := os.Lstat(path); err != nil || i.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("vnc: %s exists and is no socket; say another path, or remove it", path)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("vnc: %s is in use by another program; say another path", path)
	}
	if err := os.Remove(path); err != nil {
		return nil, fmt.Errorf("vnc: %w", err)
	}
	if l, err = net.Listen("unix", path); err != nil {
		return nil, fmt.Errorf("vnc: %w", err)
	}
	return l, nil
}

// Describe says where a listener can be reached, and by whom.
func (s Spec) Describe(l net.Listener) string {
	t, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return fmt.Sprintf("VNC on the socket %s", l.Addr())
	}
	who := "from this machine only"
	switch {
	case t.IP.IsLoopback():
	case s.TLSCreds != "" && s.wantsPassword():
		who = "open to the network, with TLS and a password"
	case s.TLSCreds != "":
		who = "open to the network, with TLS and without a password"
	case s.wantsPassword():
		who = "open to the network, with a password"
	default:
		who = "open to the network, without a password"
	}
	return fmt.Sprintf("VNC on %s, display %d, %s", t, t.Port-basePort, who)
}

// Describe says where a listener without a password can be reached.
func Describe(l net.Listener) string { return Spec{}.Describe(l) }
