package rfb

import (
	"context"
	"errors"
	"image"
	"io"
	"net"
	"sync"
	"time"

	"govm-desktop/display"
	"govm-desktop/display/rfb/auth"
	"govm-desktop/display/rfb/enc"
	"govm-desktop/display/rfb/stream"
)

// client is one connection.
type client struct {
	s     *Server
	conn  *stream.Conn
	addr  string
	types []auth.Type // that are offered to it

	unseen  bool   // it is a recording
	browser bool   // it came over WebSocket
	tag     string // what was said of it
	ctx     context.Context
	end     context.CancelCauseFunc

	hands     hands           // of the reading goroutine alone
	clipboard *display.Sharer // nil: it has no part in it

	// Guarded by s.mu.
	in, exclusive bool // it has got in, and wants the screen for itself
	viewOnly      bool
	user          string
	security      uint8  // type
	name          string // of its certificate
	since         time.Time

	hold bool // of the reading goroutine, which sets it with mu held: the sender may not look before the next message

	mu         sync.Mutex // guards everything below
	news       bool       // something below has changed since the sender looked
	stopWait   func()     // wakes the sender, if it waits
	settings   settings
	request    request
	continuous display.Region // to be sent without requests
	ended      bool           // that has ended, which has to be said
	fences     [][]byte       // answers
	pace       stream.Pace
	asks       stream.Speed // of the line, by when the client asks again
	begun      time.Time    // when the newest update began on its way
	flight     int          // bytes since the client asked
	powerless  bool         // a wish for power has to be turned down
	resized    int          // SetDesktopSize has to be answered: 1 and its status
	clip       clipboard
	sound      sound
	told       bool        // the client knows whether the pointer is absolute
	absolute   bool        // what it knows
	pointer    image.Point // where it points
}

// settings are what the client's messages have set.
type settings struct {
	format   enc.Format
	encoding int32
	tuning   enc.Tuning
	fine     int // a finer quality and kind of chrominance, each plus 1
	chroma   int
	can      ability
	count    uint // of SetEncodings messages
}

// ability is a set of pseudo-encodings.
type ability uint32

const (
	canResize ability = 1 << iota
	canExtResize
	canName
	canExtKey
	canPointerChange
	canLEDs
	canVMwareLEDs
	canCopy
	canLastRect
	canCursor
	canXCursor
	canAlphaCursor
	canPointerPos
	canXVP
	canFence
	canContinuous
	canExtButtons
	canClipboard
	canAudio
	canVMwareCursor
	canVMwareState
	canVMwarePos
	canLibvncLEDs
)

// request is what the client has asked for and not been sent.
type request struct {
	any           bool           // it expects an update
	full, changed display.Region // to be sent as it is; once it changes
}

func newClient(s *Server, conn *stream.Conn, addr net.Addr) *client {
	c := &client{s: s, conn: conn, addr: "local", types: s.cfg.Security}
	if a := addr.String(); a != "" && a != "@" {
		c.addr = a
	}
	c.ctx, c.end = context.WithCancelCause(context.Background())
	c.settings = settings{format: enc.Native(), encoding: enc.RawID, tuning: enc.Tuning{Level: -1, Quality: -1}}
	c.hands.init(&s.cfg, s.layout())
	return c
}

// drop ends the connection for a reason. It may be called from any goroutine, and does not wait.
func (c *client) drop(why error) {
	c.end(why)
	_ = c.conn.Close()
}

// run serves the client to its end.
func (c *client) run() {
	log := c.s.cfg.Log.With("client", c.addr)
	c.s.tell(Connected, c)
	defer func() {
		c.s.remove(c)
		c.s.tell(Disconnected, c)
	}()
	defer c.end(nil)
	defer c.conn.Close()
	err := c.serve(func() { log.Info("viewer connected") })
	if cause := context.Cause(c.ctx); cause != nil {
		err = cause
	}
	c.unlisten()
	if c.clipboard != nil {
		c.clipboard.Close()
	}
	c.hands.releaseAll()
	if c.hands.front != nil {
		c.hands.front.Close()
	}
	if err == nil || errors.Is(err, io.EOF) {
		log.Info("viewer disconnected")
		return
	}
	log.Info("viewer dropped", "err", err)
}

// serve shakes hands, and then reads messages while another goroutine sends updates.
func (c *client) serve(started func()) error {
	u, err := c.handshake()
	if err != nil {
		return err
	}
	started()
	c.s.tell(Initialized, c)
	c.shareClipboard()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer u.close()
		c.drop(u.run())
	}()
	err = c.readMessages()
	c.end(err)
	_ = c.conn.Close()
	<-done
	return err
}

// refuse lets a client know why it cannot come in.
func (c *client) refuse(reason string) {
	defer c.end(nil)
	defer c.conn.Close()
	if err := c.conn.Limit(time.Now().Add(min(c.s.cfg.Handshake, 2*time.Second))); err != nil {
		return
	}
	if v, err := c.version(); err == nil {
		_ = c.sendRefusal(v, reason) // if it does not want to hear, it need not
	}
}

// ping makes the sender look again.
func (c *client) ping() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pingLocked()
}

// pingLocked is ping with c.mu held.
func (c *client) pingLocked() {
	c.news = true
	if c.stopWait != nil {
		c.stopWait()
	}
}
