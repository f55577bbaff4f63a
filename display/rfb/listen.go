package rfb

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// basePort is the port of display 0.
const basePort = 5900

// Spec is what is said after -vnc.
type Spec struct {
	None bool   // no server
	Path string // of a Unix socket; "": TCP
	Host string // "127.0.0.1" where none was given
	// Displays, as ports from 5900 on: the first, and the last to try.
	Display, To int
	Share       Share
	Connections int // 0: not given
}

// ParseSpec reads a -vnc argument: host:N, unix:PATH or none, and options after commas.
func ParseSpec(arg string) (Spec, error) {
	addr, opts, _ := strings.Cut(arg, ",")
	var s Spec
	if err := s.address(addr); err != nil {
		return s, fmt.Errorf("vnc: %s: %w", arg, err)
	}
	for o := range strings.SplitSeq(opts, ",") {
		if o == "" {
			continue
		}
		if err := s.option(o); err != nil {
			return s, fmt.Errorf("vnc: %s: %w", arg, err)
		}
	}
	return s, nil
}

func (s *Spec) address(addr string) error {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		if s.Path = path; path == "" {
			return errors.New("unix: needs the path of a socket")
		}
		return nil
	}
	if addr == "none" {
		s.None = true
		return nil
	}
	i := strings.LastIndexByte(addr, ':')
	if i < 0 {
		return errors.New("this is neither host:display, as in 127.0.0.1:1, nor unix:PATH, nor none")
	}
	n, err := displayNumber(addr[i+1:])
	if err != nil {
		return err
	}
	s.Display, s.To = n, n
	s.Host = strings.TrimSuffix(strings.TrimPrefix(addr[:i], "["), "]")
	if s.Host == "" {
		s.Host = "127.0.0.1"
	}
	return nil
}

func displayNumber(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 65535-basePort {
		return 0, fmt.Errorf("%q is no display number: 0 to %d, for the ports from %d on", s, 65535-basePort, basePort)
	}
	return n, nil
}

// notYet are options of QEMU's that this server does not have.
const notYet = " reverse websocket password password-secret tls-creds tls-authz tls x509 x509verify sasl sasl-authz acl lossy non-adaptive " +
	"lock-key-sync key-delay-ms audiodev power-control display head id ipv4 ipv6 "

func (s *Spec) option(o string) error {
	name, value, _ := strings.Cut(o, "=")
	var err error
	switch name {
	case "to":
		if s.To, err = displayNumber(value); err == nil && s.To < s.Display {
			err = fmt.Errorf("to=%d is below the display %d", s.To, s.Display)
		}
		return err
	case "connections":
		if s.Connections, err = strconv.Atoi(value); err != nil || s.Connections < 1 {
			return fmt.Errorf("connections=%s: how many, from 1 on?", value)
		}
		return nil
	case "share":
		switch value {
		case "allow-exclusive":
			s.Share = AllowExclusive
		case "force-shared":
			s.Share = ForceShared
		case "ignore":
			s.Share = IgnoreShare
		default:
			return fmt.Errorf("share=%s: it can be allow-exclusive, force-shared or ignore", value)
		}
		return nil
	}
	if strings.Contains(notYet, " "+name+" ") {
		return fmt.Errorf("the option %s is not here yet", name)
	}
	return fmt.Errorf("there is no option %s; there are to, share and connections", name)
}

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
	case s.None:
		return nil, nil
	case s.Path != "":
		return s.listenUnix()
	}
	for n := s.Display; ; n++ {
		l, err := net.Listen("tcp", net.JoinHostPort(s.Host, strconv.Itoa(basePort+n)))
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

// listenUnix opens a Unix socket, in the place of one that nobody serves any more.
func (s Spec) listenUnix() (net.Listener, error) {
	l, err := net.Listen("unix", s.Path)
	if err == nil {
		return l, nil
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("vnc: %w", err)
	}
	if i, err := os.Lstat(s.Path); err != nil || i.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("vnc: %s exists and is no socket; say another path, or remove it", s.Path)
	}
	if c, err := net.DialTimeout("unix", s.Path, time.Second); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("vnc: %s is in use by another program; say another path", s.Path)
	}
	if err := os.Remove(s.Path); err != nil {
		return nil, fmt.Errorf("vnc: %w", err)
	}
	if l, err = net.Listen("unix", s.Path); err != nil {
		return nil, fmt.Errorf("vnc: %w", err)
	}
	return l, nil
}

// Describe says where a listener can be reached, and by whom.
func Describe(l net.Listener) string {
	t, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return fmt.Sprintf("VNC on the socket %s", l.Addr())
	}
	who := "from this machine only"
	if !t.IP.IsLoopback() {
		who = "open to the network, without a password"
	}
	return fmt.Sprintf("VNC on %s, display %d, %s", t, t.Port-basePort, who)
}
