package web

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// firstPort is where the page is served if nothing is said: the port of VNC's own pages since the nineties, or one of the next.
const (
	firstPort = 5800
	lastPort  = 5899
)

// Spec is where the page is served.
type Spec struct {
	Host string
	Port int // 0: the first free one from 5800 on
}

// ParseSpec reads what is said after -display web=: HOST:PORT, :PORT, PORT or nothing.
func ParseSpec(arg string) (Spec, error) {
	s := Spec{Host: "127.0.0.1"}
	if arg == "" {
		return s, nil
	}
	host, port, err := net.SplitHostPort(arg)
	if err != nil {
		host, port = "", arg
	}
	if host != "" {
		s.Host = host
	}
	s.Port, err = strconv.Atoi(port)
	if err != nil || s.Port < 1 || s.Port > 65535 {
		return s, fmt.Errorf("%q is no HOST:PORT, as in 127.0.0.1:%d", arg, firstPort)
	}
	return s, nil
}

// Listen opens the socket.
func (s Spec) Listen() (net.Listener, error) {
	first, last := s.Port, s.Port
	if s.Port == 0 {
		first, last = firstPort, lastPort
	}
	for n := first; ; n++ {
		l, err := net.Listen("tcp", net.JoinHostPort(s.Host, strconv.Itoa(n)))
		switch {
		case err == nil:
			return l, nil
		case errors.Is(err, syscall.EADDRINUSE) && n < last:
		case errors.Is(err, syscall.EADDRINUSE):
			return nil, fmt.Errorf("port %d of %s is in use; say another, or leave it out to have a free one found", n, s.Host)
		default:
			return nil, err
		}
	}
}

// URL is where browsers find a listener.
func (s Spec) URL(l net.Listener, secure bool) string {
	scheme, host := "http", s.Host
	if secure {
		scheme = "https"
	}
	port := ""
	if t, ok := l.Addr().(*net.TCPAddr); ok {
		port = strconv.Itoa(t.Port)
		if t.IP.IsUnspecified() {
			host = "localhost"
		}
	}
	return scheme + "://" + net.JoinHostPort(host, port) + "/"
}
