// Package socket is a byte stream over TCP or a Unix socket, as server or client. A server has one client at a time: the next one waits until it has gone.
// While nobody is connected, what is written is dropped.
package socket

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"govm-desktop/chardev"
)

// Options say how to connect.
type Options struct {
	Network string // "tcp" or "unix"
	Address string // host:port or path
	Server  bool
	// Wait makes Open of a server wait for its first client.
	Wait bool
	// Reconnect is how long a client waits before it connects again; 0: it does not.
	Reconnect time.Duration
	NoDelay   bool // TCP_NODELAY
	To        int  // a server tries the ports up to this one; 0: its own alone
	// Layer puts a protocol on top of each connection: telnet, WebSocket. nil: none.
	Layer func(net.Conn) (net.Conn, error)
}

// Stream implements chardev.Stream, chardev.Announcer and chardev.Caller.
type Stream struct {
	opt Options
	lis net.Listener

	mu     sync.Mutex // guards everything below
	cond   *sync.Cond // conn or closed has changed
	conn   net.Conn
	given  bool // conn has been given out by Next
	closed bool
	watch  []func(bool)
	news   []news // what watchers have not been told yet, oldest first
	tells  bool   // a goroutine is in announce
	brk    func() // a break has come; nil: nobody wants to know
}

// news is a change of the connection, or a first word to a new watcher.
type news struct {
	to   []func(bool)
	open bool
}

// Open listens, or connects.
func Open(opt Options) (*Stream, error) {
	s := &Stream{opt: opt}
	s.cond = sync.NewCond(&s.mu)
	if !opt.Server {
		c, err := net.Dial(opt.Network, opt.Address)
		if err != nil && opt.Reconnect == 0 {
			return nil, fmt.Errorf("chardev socket: %w", err)
		}
		if err == nil {
			s.attach(c)
		}
		go s.dialer()
		return s, nil
	}
	lis, err := listenFrom(opt)
	if err != nil {
		return nil, fmt.Errorf("chardev socket: %w", err)
	}
	s.lis = lis
	go s.accepter()
	if opt.Wait {
		s.mu.Lock()
		for s.conn == nil && !s.closed {
			s.cond.Wait()
		}
		s.mu.Unlock()
	}
	return s, nil
}

// listenFrom tries the ports from the address's to opt.To.
func listenFrom(opt Options) (net.Listener, error) {
	lis, err := Listen(opt.Network, opt.Address)
	host, port, split := net.SplitHostPort(opt.Address)
	first, bad := strconv.Atoi(port)
	if err == nil || opt.Network == "unix" || split != nil || bad != nil {
		return lis, err
	}
	for p := first + 1; p <= opt.To; p++ {
		if lis, err := Listen(opt.Network, net.JoinHostPort(host, strconv.Itoa(p))); err == nil {
			return lis, nil
		}
	}
	return nil, err
}

// Listen is net.Listen, but takes over a Unix socket that a dead server left behind.
func Listen(network, address string) (net.Listener, error) {
	lis, err := net.Listen(network, address)
	if err == nil || network != "unix" {
		return lis, err
	}
	st, serr := os.Lstat(address)
	if serr != nil || st.Mode()&fs.ModeSocket == 0 {
		return nil, err
	}
	if c, derr := net.Dial("unix", address); derr == nil {
		c.Close()
		return nil, fmt.Errorf("%s: another program listens there", address)
	}
	if rerr := os.Remove(address); rerr != nil {
		return nil, err
	}
	return net.Listen(network, address)
}

// Addr is where a server listens.
func (s *Stream) Addr() net.Addr { return s.lis.Addr() }

// Watch implements chardev.Announcer.
func (s *Stream) Watch(f func(bool)) {
	s.mu.Lock()
	s.watch = append(s.watch[:len(s.watch):len(s.watch)], f)
	s.news = append(s.news, news{[]func(bool){f}, s.conn != nil})
	s.mu.Unlock()
	s.announce()
}

// announce tells the watchers, in order: what happens while it does is told by the goroutine that is at it. A watcher may call the stream.
func (s *Stream) announce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tells {
		return
	}
	s.tells = true
	for len(s.news) > 0 {
		n := s.news[0]
		s.news = s.news[1:]
		s.mu.Unlock()
		for _, f := range n.to {
			f(n.open)
		}
		s.mu.Lock()
	}
	s.tells = false
}

// probe finds out within seconds that the other end's network is gone: it may be back with a new connection, which waits until the old one has ended.
func probe() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 3 * time.Second, Interval: time.Second, Count: 3}
}

func (s *Stream) attach(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		t.SetNoDelay(s.opt.NoDelay)
		t.SetKeepAliveConfig(probe())
	}
	if s.opt.Layer != nil {
		l, err := s.opt.Layer(c)
		if err != nil {
			c.Close()
			return
		}
		if b, ok := l.(chardev.Breaker); ok {
			b.OnBreak(s.broke)
		}
		c = l
	}
	s.mu.Lock()
	if s.closed {
		c.Close()
	}
	s.conn, s.given = c, false
	s.news = append(s.news, news{s.watch, true})
	s.cond.Broadcast()
	s.mu.Unlock()
	s.announce()
}

// OnBreak implements chardev.Breaker, where the layer has breaks.
func (s *Stream) OnBreak(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.brk = f
}

func (s *Stream) broke() {
	s.mu.Lock()
	f := s.brk
	s.mu.Unlock()
	if f != nil {
		f()
	}
}

// detach forgets a connection that has ended.
func (s *Stream) detach(c net.Conn) {
	c.Close()
	s.mu.Lock()
	if s.conn == c {
		s.conn = nil
		s.news = append(s.news, news{s.watch, false})
		s.cond.Broadcast()
	}
	s.mu.Unlock()
	s.announce()
}

// idle waits until nobody is connected; false: the stream is closed.
func (s *Stream) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.conn != nil && !s.closed {
		s.cond.Wait()
	}
	return !s.closed
}

func (s *Stream) accepter() {
	for s.idle() {
		c, err := s.lis.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of descriptors, perhaps: try again, not at once
			continue
		}
		s.attach(c)
	}
}

func (s *Stream) dialer() {
	for s.idle() && s.opt.Reconnect > 0 {
		time.Sleep(s.opt.Reconnect)
		if c, err := net.Dial(s.opt.Network, s.opt.Address); err == nil {
			s.attach(c)
		}
	}
}

// current is the connection; block waits for one. nil: the stream is closed, or a client that does not reconnect has lost its server.
func (s *Stream) current(block bool) net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for block && s.conn == nil && !s.closed && (s.opt.Server || s.opt.Reconnect > 0) {
		s.cond.Wait()
	}
	if s.closed {
		return nil
	}
	return s.conn
}

// Read waits for bytes, from whoever is connected.
func (s *Stream) Read(p []byte) (int, error) {
	for {
		c := s.current(true)
		if c == nil {
			return 0, io.EOF
		}
		n, err := c.Read(p)
		if n > 0 {
			return n, nil
		}
		if err != nil {
			s.detach(c)
		}
	}
}

// Write sends p to whoever is connected.
func (s *Stream) Write(p []byte) (int, error) {
	if c := s.current(false); c != nil {
		if _, err := c.Write(p); err != nil {
			s.detach(c)
		}
	}
	return len(p), nil
}

// Next implements chardev.Caller.
func (s *Stream) Next() io.ReadWriteCloser {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed && (s.conn == nil || s.given) {
		if s.conn == nil && !s.opt.Server && s.opt.Reconnect == 0 {
			return nil
		}
		s.cond.Wait()
	}
	if s.closed {
		return nil
	}
	s.given = true
	return &client{s, s.conn}
}

// client is one connection.
type client struct {
	s *Stream
	c net.Conn
}

// Read ends with io.EOF, for whatever reason.
func (c *client) Read(p []byte) (int, error) {
	n, err := c.c.Read(p)
	if n == 0 && err != nil {
		err = io.EOF
	}
	return n, err
}

// Write drops what a client that has gone should have got.
func (c *client) Write(p []byte) (int, error) {
	_, _ = c.c.Write(p)
	return len(p), nil
}

func (c *client) Close() error {
	c.s.detach(c.c)
	return nil
}

// Close ends the stream; a server's Unix socket is removed.
func (s *Stream) Close() error {
	s.mu.Lock()
	s.closed = true
	c := s.conn
	s.conn = nil
	s.cond.Broadcast()
	s.mu.Unlock()
	if c != nil {
		c.Close()
	}
	if s.lis != nil {
		return s.lis.Close()
	}
	return nil
}
