// Package rfb is a VNC server: the Remote Framebuffer Protocol 3.3, 3.7 and 3.8 (RFC 6143 and the community's rfbproto.rst)
// over a display.Screen and an input.Router, for any number of viewers.
//
// Four things are kept apart: how pixels are packed (enc), how bytes travel (stream), who may come in (auth), and what a client
// has of the picture (picture). A client is two goroutines: one reads its messages, the other sends it updates at the pace that
// it asks for them. Neither waits for another client, and the guest waits for none of them.
//
// Clients share a clipboard, in which the guest takes part if it has an agent. The size that a client wishes for is passed on to the
// guest, which decides.
//
// Left out: H.264, and files, pictures and formatted text in the clipboard.
package rfb

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"govm-desktop/audio"
	"govm-desktop/display"
	"govm-desktop/display/rfb/auth"
	"govm-desktop/display/rfb/enc"
	"govm-desktop/display/rfb/stream"
	"govm-desktop/input"
	"govm-desktop/input/keycodemap"
	"govm-desktop/input/layout"
)

// Input is what viewers drive: an input.Router.
type Input interface {
	input.Sink
	Absolute() bool
	LEDs() input.LEDs
	WatchLEDs(func(input.LEDs))
}

// Share says what becomes of the others when a client wants the screen for itself.
type Share uint8

// Policies, as QEMU's share=.
const (
	AllowExclusive Share = iota // it gets its will: the others are dropped, and those who would share are refused
	ForceShared                 // it is refused
	IgnoreShare                 // it shares all the same
)

// Power is a wish of a client's (xvp).
type Power uint8

// Wishes.
const (
	PowerShutdown Power = 2 + iota
	PowerReboot
	PowerReset
)

// Config is what a Server is made of. Screen is needed, the rest may be left.
type Config struct {
	Screen *display.Screen
	Input  Input           // nil: viewers can only look
	Keys   *keycodemap.Map // nil: a new one
	Layout *layout.Layout  // of the guest, for clients that send keysyms; nil: us
	Name   string          // the desktop's name; "govm-desktop"
	Share  Share
	Log    *slog.Logger // nil: none

	Audio     audio.Source       // nil: there is nothing to hear
	Clipboard *display.Clipboard // that viewers share; nil: one of the server's own

	Security    []auth.Type         // in order of preference; none: auth.None
	Inside      []auth.Type         // the same for browsers that come through TLS; none: Security
	Event       func(Event, Client) // what happens to connections; nil: nobody wants to know
	Power       func(Power)         // what a client's power buttons do; nil: it has none
	KeyMode     KeyMode             // what is believed of clients' keys
	Lossless    bool                // no JPEG, even for clients that say a quality
	NonAdaptive bool                // no search for what moved, no second look at what is worth sending
	NoLockSync  bool                // do not take the guest's Caps Lock into account
	KeyDelay    time.Duration       // between the keys that make up for another keyboard
	Connections int                 // how many at once; 32
	Handshake   time.Duration       // how long a client may take to get in; 10 s
	Stalled     time.Duration       // how long a client may take to read 64 KB; 60 s
}

func (c *Config) fill() {
	if c.Keys == nil {
		c.Keys = keycodemap.New()
	}
	if c.Name == "" {
		c.Name = "govm-desktop"
	}
	if c.Clipboard == nil {
		c.Clipboard = &display.Clipboard{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if len(c.Security) == 0 {
		c.Security = []auth.Type{auth.None{}}
	}
	if c.Connections <= 0 {
		c.Connections = 32
	}
	if c.Handshake <= 0 {
		c.Handshake = 10 * time.Second
	}
	if c.Stalled <= 0 {
		c.Stalled = time.Minute
	}
}

// Server serves one Screen.
type Server struct {
	cfg      Config
	wg       sync.WaitGroup // connections
	throttle auth.Throttle
	shared   enc.Shared
	layout   func() *layout.Layout

	mu        sync.Mutex // guards everything below; a client's mu may be taken under it
	name      string
	arranged  arrangement
	clients   map[*client]struct{} // every connection, from accept on
	refusing  int                  // connections that are being told why not
	listeners []net.Listener
	closed    bool
}

// guestLayout unpacks the layout when the first client comes.
func (s *Server) guestLayout() *layout.Layout {
	if s.cfg.Layout != nil {
		return s.cfg.Layout
	}
	l, err := layout.Find("us")
	if err != nil {
		s.cfg.Log.Error("keyboard layout", "err", err)
		l = &layout.Layout{}
	}
	return l
}

// ErrClosed is what Serve returns after Close.
var ErrClosed = errors.New("rfb: server closed")

// New returns a Server that serves nobody yet.
func New(cfg Config) *Server {
	cfg.fill()
	s := &Server{cfg: cfg, name: cfg.Name, clients: map[*client]struct{}{}}
	s.layout = sync.OnceValue(s.guestLayout)
	if cfg.Input != nil {
		cfg.Input.WatchLEDs(func(input.LEDs) { s.pingAll() })
	}
	return s
}

// Serve takes connections until the listener or the Server is closed. It may be called for several listeners.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = l.Close()
		return ErrClosed
	}
	s.listeners = append(s.listeners, l)
	s.mu.Unlock()
	s.cfg.Log.Info(Describe(l))
	for pause := time.Duration(0); ; {
		nc, err := l.Accept()
		if err == nil {
			pause = 0
			s.accept(nc)
			continue
		}
		if s.isClosed() {
			return ErrClosed
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("rfb: %w", err)
		}
		// Out of file descriptors, or a client that went away at once: others will come.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.cfg.Log.Warn("cannot take a connection", "err", err)
		time.Sleep(pause)
	}
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// maxRefusing bounds the connections beyond the limit that get to hear why they are not let in.
const maxRefusing = 8

// accept starts a client, or turns it away.
func (s *Server) accept(nc net.Conn) {
	c := newClient(s, stream.New(nc, s.cfg.Stalled), nc.RemoteAddr())
	if w, ok := nc.(*webConn); ok {
		c.types, c.tag, c.browser = w.types, w.tag, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		_ = nc.Close()
	case s.seen() < s.cfg.Connections:
		s.clients[c] = struct{}{}
		s.wg.Go(c.run)
	case s.refusing < maxRefusing:
		s.refusing++
		s.cfg.Log.Warn("too many connections", "from", c.addr)
		s.wg.Go(func() {
			c.refuse("too many connections")
			s.mu.Lock()
			defer s.mu.Unlock()
			s.refusing--
		})
	default:
		_ = nc.Close()
	}
}

// seen is the number of connections from outside. Preconditions: mu is held.
func (s *Server) seen() (n int) {
	for c := range s.clients {
		if !c.unseen {
			n++
		}
	}
	return n
}

// Close ends all connections and listeners, and waits until everything held by clients is released.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	listeners := s.listeners
	s.listeners = nil
	for c := range s.clients {
		c.drop(ErrClosed)
	}
	s.mu.Unlock()
	var errs []error
	for _, l := range listeners {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	s.wg.Wait()
	return errors.Join(errs...)
}

// Clients are the addresses of those who look at the screen.
func (s *Server) Clients() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for c := range s.clients {
		if c.in && !c.unseen {
			all = append(all, c.addr)
		}
	}
	slices.Sort(all)
	return all
}

// Client is one who looks at the screen.
type Client struct {
	Addr     string
	User     string // "": it has no name
	ViewOnly bool
	Security uint8 // the type that it passed
	Sent     uint64
	Encoding int32
	Browser  bool      // it came over WebSocket
	Tag      string    // what was said of a browser
	Since    time.Time // it got in
	Name     string    // of its certificate; "": it showed none
}

// List is everybody who looks at the screen, by address.
func (s *Server) List() []Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Client
	for c := range s.clients {
		if c.in && !c.unseen {
			all = append(all, c.info())
		}
	}
	slices.SortFunc(all, func(a, b Client) int { return strings.Compare(a.Addr, b.Addr) })
	return all
}

// DropAll sends everybody away who looks at the screen.
func (s *Server) DropAll(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.clients {
		if c.unseen {
			continue
		}
		c.drop(why)
	}
}

// Security names the security types that are offered.
func (s *Server) Security() []auth.Type { return s.cfg.Security }

// Take serves a connection that came some other way than through a listener.
func (s *Server) Take(nc net.Conn) { s.accept(nc) }

// SetName gives the desktop another name and tells the clients that want to know.
func (s *Server) SetName(name string) {
	s.mu.Lock()
	s.name = name
	s.mu.Unlock()
	s.pingAll()
}

func (s *Server) desktopName() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name
}

// pingAll makes every client see whether there is something to tell.
func (s *Server) pingAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.clients {
		c.ping()
	}
}

// admit applies the share policy to a client that has sent its ClientInit.
func (s *Server) admit(c *client, shared bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case c.unseen:
	case s.cfg.Share == ForceShared && !shared:
		return errors.New("it wants the screen for itself, which is not allowed")
	case s.cfg.Share == AllowExclusive && shared:
		for o := range s.clients {
			if o.in && o.exclusive {
				return fmt.Errorf("%s has the screen for itself", o.addr)
			}
		}
	case s.cfg.Share == AllowExclusive:
		for o := range s.clients {
			if o.in && !o.unseen {
				o.in = false
				o.drop(fmt.Errorf("%s wants the screen for itself", c.addr))
			}
		}
	}
	c.in, c.exclusive, c.since = true, !shared, time.Now()
	s.share()
	return nil
}

func (s *Server) remove(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
	s.share()
}

// share tells how many may share work; it has s.mu held.
func (s *Server) share() {
	n := 0
	for c := range s.clients {
		if c.in {
			n++
		}
	}
	s.shared.SetUsers(n)
}
