// Package rfbtest is an RFB client for tests: it decodes what a server sends into a picture, after RFC 6143 and with no code of
// the server's, and plays a person's part with keys and pointer. Anything that is not as the protocol says is an error.
//
// It also decodes recordings (see fbs). It asks for pictures only when a test waits for one, so a client that is left alone is one that does not ask.
package rfbtest

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"net"
	"strings"
	"sync"
	"time"

	"govm-desktop/display"
	"govm-desktop/display/rfb/enc"
)

// Pseudo-encodings that the client understands.
const (
	DesktopSize    int32 = -223
	LastRect       int32 = -224
	PointerChange  int32 = -257
	ExtKey         int32 = -258
	LEDs           int32 = -261
	PointerPos     int32 = -232
	Cursor         int32 = -239
	XCursor        int32 = -240
	XVP            int32 = -309
	Fence          int32 = -312
	Continuous     int32 = -313
	AlphaCursor    int32 = -314
	ExtButtons     int32 = -316
	DesktopName    int32 = -307
	ExtDesktopSize int32 = -308
	VMwareCursor   int32 = 0x574d5664
	VMwareState    int32 = 0x574d5665
	VMwarePos      int32 = 0x574d5666
	VMwareLEDs     int32 = 0x574d5668
	LibvncLEDs     int32 = -0x20000
	Clipboard      int32 = -0x3f5e1a32
	Audio          int32 = -259
)

// Options say what kind of client it is. The zero value is a modern one.
type Options struct {
	Version   string      // "003.008"
	Exclusive bool        // wants the screen for itself
	Format    *enc.Format // nil: that of the server
	Encodings []int32     // nil: Default

	// Update, if there is one, is called after every update by the goroutine that receives, with the picture and the rectangles that
	// came. It may write to the server, but not wait.
	Update func(i *image.RGBA, rects []image.Rectangle)
	// Skim passes over the pixels of ZRLE and Zlib, for one of many viewers that would else compete with the server they measure.
	Skim bool
}

// Default are the encodings of a modern client.
func Default() []int32 {
	return []int32{enc.ZRLEID, enc.HextileID, enc.RawID, DesktopSize, ExtDesktopSize, LastRect, ExtKey, LEDs, DesktopName}
}

// Client is one connection. Its methods may be called from any goroutine, those that wait from one at a time.
type Client struct {
	nc net.Conn
	r  *reader

	update func(i *image.RGBA, rects []image.Rectangle)
	skim   bool
	rects  []image.Rectangle // of the update that is coming; of run alone

	wmu sync.Mutex // guards writes

	mu      sync.Mutex // guards everything below
	changed chan struct{}
	err     error // why the connection ended
	fb      *image.RGBA
	need    display.Region // pixels that were asked for and have not come
	state   State
	format  enc.Format
	colours [256][3]uint8
}

// State is what a server has said about itself, and sent.
type State struct {
	Version     string // that was agreed on
	Name        string
	Updates     int
	Rects       map[int32]int // by encoding
	Bytes       uint64
	ExtKeys     bool // it takes keys by their place
	Absolute    bool // the pointer takes positions; if PointerTold
	PointerTold bool
	LEDs        uint32
	LEDsTold    bool
	Resizes     int
	Status      int // of the last ExtendedDesktopSize
	Why         int // it came
	Heads       []Head
	VMwareState int
	Clip        []ClipMessage // of the extended clipboard
	Audio       bool          // it can be had
	Sound       []byte        // since it began
	SoundStarts int
	SoundEnds   int
	MapEntries  int
	CutText     string
	ExtButtons  bool
	PointerAt   image.Point
	CursorSize  image.Point
	CursorHot   image.Point
	CursorPix   []byte // as it came, with what masks there are
	XVP         []byte // codes
	Fences      []uint32
	Ends        int // of continuous updates, or that they are possible
	Bells       int
}

// Dial connects to host:port, or to unix:PATH.
func Dial(addr string) (*Client, error) { return DialWith(addr, Options{}) }

// DialWith connects as a particular kind of client.
func DialWith(addr string, o Options) (*Client, error) {
	network := "tcp"
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		network, addr = "unix", path
	}
	nc, err := net.DialTimeout(network, addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	return New(nc, o)
}

// New speaks over a connection, which it closes in the end.
func New(nc net.Conn, o Options) (*Client, error) {
	c := &Client{nc: nc, r: &reader{r: bufio.NewReaderSize(nc, 64<<10)}, update: o.Update, skim: o.Skim, changed: make(chan struct{})}
	c.state.Rects = map[int32]int{}
	if err := c.start(o); err != nil {
		_ = nc.Close()
		return nil, err
	}
	go c.run()
	return c, nil
}

func (c *Client) start(o Options) error {
	if err := c.nc.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	if o.Version == "" {
		o.Version = "003.008"
	}
	if err := c.handshake(o); err != nil {
		return err
	}
	if o.Format != nil {
		if err := c.SetFormat(*o.Format); err != nil {
			return err
		}
	}
	if o.Encodings == nil {
		o.Encodings = Default()
	}
	if err := c.SetEncodings(o.Encodings...); err != nil {
		return err
	}
	return c.nc.SetDeadline(time.Time{})
}

// Refused is why a server does not let the client in.
type Refused string

// Error implements error.
func (r Refused) Error() string { return "rfbtest: refused: " + string(r) }

// maxPixels bounds the picture.
const maxPixels = 16384 * 16384 / 4

// handshake goes up to the ServerInit.
func (c *Client) handshake(o Options) error {
	hello := string(c.r.bytes(12))
	if c.r.err != nil {
		return c.r.err
	}
	if hello != "RFB 003.008\n" && hello != "RFB 003.007\n" && hello != "RFB 003.003\n" {
		return fmt.Errorf("rfbtest: the server starts with %q", hello)
	}
	c.state.Version = o.Version
	c.write([]byte("RFB " + o.Version + "\n"))
	result := false
	switch o.Version {
	case "003.007", "003.008":
		n := int(c.r.u8())
		if n == 0 {
			return c.refused()
		}
		if types := c.r.bytes(n); !strings.ContainsRune(string(types), 1) {
			return fmt.Errorf("rfbtest: no security type None in %v", types)
		}
		c.write([]byte{1})
		result = o.Version == "003.008"
	default:
		switch t := c.r.u32(); t {
		case 0:
			return c.refused()
		case 1:
		default:
			return fmt.Errorf("rfbtest: the server wants the security type %d", t)
		}
	}
	if result && c.r.u32() != 0 {
		return c.refused()
	}
	share := byte(1)
	if o.Exclusive {
		share = 0
	}
	c.write([]byte{share})
	w, h := int(c.r.u16()), int(c.r.u16())
	c.format = parseFormat(c.r.bytes(16))
	c.state.Name = string(c.r.bytes(int(c.r.length(1 << 16))))
	if w*h > maxPixels {
		return fmt.Errorf("rfbtest: a picture of %dx%d", w, h)
	}
	c.fb = image.NewRGBA(image.Rect(0, 0, w, h))
	return c.r.err
}

func (c *Client) refused() error {
	why := string(c.r.bytes(int(c.r.length(1 << 16))))
	if c.r.err != nil {
		return c.r.err
	}
	return Refused(why)
}

// Close ends the connection.
func (c *Client) Close() error {
	err := c.nc.Close()
	for c.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	return err
}

// Err is why the connection ended; nil while it lasts.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// State is what is known of the server.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.state
	s.Rects = map[int32]int{}
	for k, v := range c.state.Rects {
		s.Rects[k] = v
	}
	return s
}

// Size is the size of the picture.
func (c *Client) Size() image.Point {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fb.Rect.Max
}

// Image is the picture as far as it was received.
func (c *Client) Image() *image.RGBA {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.copy()
}

func (c *Client) copy() *image.RGBA {
	i := *c.fb
	i.Pix = append([]uint8(nil), c.fb.Pix...)
	return &i
}

// Screenshot asks for the whole picture and returns it.
func (c *Client) Screenshot(ctx context.Context) (*image.RGBA, error) {
	var shot *image.RGBA
	err := c.fetch(ctx, false, func() bool {
		if !c.need.Empty() {
			return false
		}
		shot = c.copy()
		return true
	})
	return shot, err
}

// WaitFor follows the picture until it is as wanted. The function must not keep the picture, nor call the client.
func (c *Client) WaitFor(ctx context.Context, ok func(*image.RGBA) bool) error {
	if shot, err := c.Screenshot(ctx); err != nil || ok(shot) {
		return err
	}
	return c.fetch(ctx, true, func() bool { return ok(c.fb) })
}

// Next waits for one update after asking for what has changed.
func (c *Client) Next(ctx context.Context) error {
	c.mu.Lock()
	before := c.state.Updates
	c.mu.Unlock()
	return c.fetch(ctx, true, func() bool { return c.state.Updates != before })
}

// fetch asks for updates until enough, called with c.mu held, is true.
func (c *Client) fetch(ctx context.Context, incremental bool, enough func() bool) error {
	c.mu.Lock()
	c.need = display.Region{c.fb.Rect}
	c.mu.Unlock()
	asked := -1
	for {
		c.mu.Lock()
		err, size, updates, changed := c.err, c.fb.Rect, c.state.Updates, c.changed
		done := asked >= 0 && enough()
		c.mu.Unlock()
		switch {
		case done:
			return nil
		case err != nil:
			return err
		}
		if asked != updates { // what was asked for has come, and was not enough
			asked = updates
			if err := c.Request(size, incremental); err != nil {
				return err
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("rfbtest: waiting for the picture: %w", ctx.Err())
		}
	}
}

// run receives messages until the connection ends.
func (c *Client) run() {
	for {
		t := c.r.u8()
		if c.r.err == nil {
			c.r.err = c.message(t)
		}
		c.mu.Lock()
		c.state.Bytes = c.r.count
		c.err = c.r.err
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
		if c.r.err != nil {
			_ = c.nc.Close()
			return
		}
	}
}

func (c *Client) message(t uint8) error {
	switch t {
	case 0:
		return c.frame()
	case 1:
		return c.colourMap()
	case 2:
		c.mu.Lock()
		c.state.Bells++
		c.mu.Unlock()
		return nil
	case 3:
		c.r.bytes(3)
		n := int32(c.r.u32())
		if n < 0 {
			return c.extendedText(int(-int64(n)))
		}
		if n > 1<<20 {
			return fmt.Errorf("rfbtest: a clipboard of %d bytes", n)
		}
		text := string(c.r.bytes(int(n)))
		c.mu.Lock()
		c.state.CutText = text
		c.mu.Unlock()
		return c.r.err
	}
	if done, err := c.control(t); done {
		return err
	}
	return fmt.Errorf("rfbtest: message of type %d", t)
}

func (c *Client) colourMap() error {
	c.r.u8()
	first, n := int(c.r.u16()), int(c.r.u16())
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range n {
		rgb := [3]uint8{uint8(c.r.u16() >> 8), uint8(c.r.u16() >> 8), uint8(c.r.u16() >> 8)}
		if c.r.err != nil {
			return c.r.err
		}
		if first+i > 255 {
			return errors.New("rfbtest: a colour map of more than 256")
		}
		c.colours[first+i] = rgb
		c.state.MapEntries++
	}
	return c.r.err
}

// reader reads numbers and remembers the first error.
type reader struct {
	r     *bufio.Reader
	err   error
	count uint64
	buf   []byte
	z     inflater // ZRLE's
	zlib  inflater
	tight [4]inflater
}

// bytes are valid until the next read.
func (r *reader) bytes(n int) []byte {
	if cap(r.buf) < n {
		r.buf = make([]byte, n)
	}
	b := r.buf[:n]
	clear(b)
	if r.err != nil {
		return b
	}
	for got := 0; got < n; {
		k, err := r.r.Read(b[got:])
		got += k
		r.count += uint64(k)
		if err != nil {
			r.err = err
			return b
		}
	}
	return b
}

// skip passes over n bytes.
func (r *reader) skip(n int) {
	if r.err == nil {
		n, r.err = r.r.Discard(n)
		r.count += uint64(n)
	}
}

func (r *reader) u8() uint8   { return r.bytes(1)[0] }
func (r *reader) u16() uint16 { return binary.BigEndian.Uint16(r.bytes(2)) }
func (r *reader) u32() uint32 { return binary.BigEndian.Uint32(r.bytes(4)) }

// length is a number that must not be greater than most.
func (r *reader) length(most int) int {
	n := int64(r.u32())
	if n > int64(most) && r.err == nil {
		r.err = fmt.Errorf("rfbtest: a length of %d", n)
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}
