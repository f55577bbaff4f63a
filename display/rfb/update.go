package rfb

import (
	"context"
	"encoding/binary"
	"image"
	"time"

	"govm-desktop/display"
	"govm-desktop/display/rfb/enc"
	"govm-desktop/display/rfb/picture"
	"govm-desktop/input"
)

// updater sends a client what it asks for. All of it is of one goroutine.
type updater struct {
	c   *client
	pic *picture.Picture

	set      settings
	pending  request
	refuse   bool // a SetDesktopSize is to be answered
	answered uint // SetEncodings messages whose pseudo-encodings were answered
	name     string
	leds     input.LEDs
	fresh    time.Time // of the last picture drawn on demand

	pixels   *enc.Pixels
	encoders map[int32]enc.Encoder

	buf    []byte
	rects  []image.Rectangle
	pieces []piece
}

// piece is a rectangle of the update being sent.
type piece struct {
	frame *display.Frame
	rect  image.Rectangle
}

func (u *updater) close() { u.pic.Close() }

// run sends updates until the connection ends.
func (u *updater) run() error {
	for {
		u.look()
		if u.pending.any {
			sent, err := u.answer()
			if err != nil {
				return err
			}
			if sent {
				continue
			}
		}
		if err := u.wait(); err != nil {
			return err
		}
	}
}

// look takes over what the client's messages have said.
func (u *updater) look() {
	c := u.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.news = false
	u.set = c.settings
	u.pending.any = u.pending.any || c.request.any
	u.pending.full = u.pending.full.Union(c.request.full)
	u.pending.changed = u.pending.changed.Union(c.request.changed)
	c.request = request{}
	u.refuse = u.refuse || c.resized
	c.resized = false
}

// wait waits for news from the client and, if it has asked for them, from the screen.
func (u *updater) wait() error {
	c := u.c
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	c.mu.Lock()
	if c.news {
		c.mu.Unlock()
		return nil
	}
	c.stopWait = cancel
	c.mu.Unlock()
	var err error
	if u.pending.any {
		err = u.pic.Wait(ctx)
	} else {
		<-ctx.Done()
	}
	c.mu.Lock()
	c.stopWait = nil
	c.mu.Unlock()
	if err != nil && ctx.Err() == nil {
		return err
	}
	return c.ctx.Err()
}

// between is the least time between two pictures drawn on demand, so that requests for the whole picture cannot keep the video
// device busy.
const between = 4 * time.Millisecond

// refresh gets the newest frame; for requests of the whole picture, one drawn after they came.
func (u *updater) refresh() error {
	if u.pending.full.Empty() {
		return u.pic.Poll()
	}
	if d := between - time.Since(u.fresh); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-u.c.ctx.Done():
			return u.c.ctx.Err()
		}
	}
	err := u.pic.Fresh(u.c.ctx)
	u.fresh = time.Now()
	return err
}

// answer sends an update, if there is anything to send.
func (u *updater) answer() (bool, error) {
	if err := u.refresh(); err != nil {
		return false, err
	}
	u.buf = u.buf[:0]
	if u.pixels == nil || u.pixels.Format() != u.set.format {
		u.pixels = enc.NewPixels(u.set.format)
		u.buf = u.pixels.AppendColourMap(u.buf)
	}
	start := len(u.buf)
	u.buf = append(u.buf, 0, 0, 0, 0) // FramebufferUpdate (7.6.1)
	pseudo, resized := u.appendPseudo()
	var parts []picture.Part
	if !resized { // else the client first has to get ready for the new picture
		parts = u.pic.Take(u.pending.full, u.pending.changed)
	}
	if pseudo == 0 && len(parts) == 0 {
		u.pending.full = nil // it was of nothing
		_, err := u.c.conn.Write(u.buf[:start])
		return false, err
	}
	u.cut(parts)
	binary.BigEndian.PutUint16(u.buf[start+2:], uint16(pseudo+len(u.pieces)))
	u.pending = request{}
	return true, u.send()
}

// flushAt is how much is gathered before it is written: it bounds the memory of a client that does not read.
const flushAt = 64 << 10

// cut makes pieces of what is to be sent.
func (u *updater) cut(parts []picture.Part) {
	u.pieces = u.pieces[:0]
	for _, p := range parts {
		u.rects = enc.Split(u.rects[:0], p.Rects...)
		for _, r := range u.rects {
			u.pieces = append(u.pieces, piece{p.Frame, r})
		}
	}
}

// send encodes the pieces and writes them.
func (u *updater) send() error {
	e := u.encoder()
	for _, p := range u.pieces {
		u.buf = appendRect(u.buf, p.rect, u.set.encoding)
		u.buf = e.Encode(u.buf, u.pixels, p.frame, p.rect)
		if len(u.buf) < flushAt {
			continue
		}
		if err := u.flush(); err != nil {
			return err
		}
	}
	return u.flush()
}

func (u *updater) flush() error {
	_, err := u.c.conn.Write(u.buf)
	u.buf = u.buf[:0]
	return err
}

// encoder is the client's, which is kept even while it uses another: its stream goes on.
func (u *updater) encoder() enc.Encoder {
	id := u.set.encoding
	e := u.encoders[id]
	if e == nil {
		if u.encoders == nil {
			u.encoders = map[int32]enc.Encoder{}
		}
		e = enc.New(id)
		u.encoders[id] = e
	}
	if l, ok := e.(interface{ SetLevel(int) }); ok {
		l.SetLevel(u.set.level)
	}
	return e
}

func appendRect(b []byte, r image.Rectangle, encoding int32) []byte {
	for _, v := range [4]int{r.Min.X, r.Min.Y, r.Dx(), r.Dy()} {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return binary.BigEndian.AppendUint32(b, uint32(encoding))
}

// appendPseudo appends what is to be told without pixels, and reports how many rectangles that took and whether the picture is
// of another size now.
func (u *updater) appendPseudo() (n int, resized bool) {
	can, all := u.set.can, image.Rectangle{Max: u.pic.Size()}
	first := u.answered != u.set.count // since the last SetEncodings
	u.answered = u.set.count
	n, resized = u.appendSize(first)
	if first && can&canExtKey != 0 {
		u.buf = appendRect(u.buf, all, encExtKey)
		n++
	}
	if name := u.c.s.desktopName(); name != u.name && can&canName != 0 {
		u.name = name
		u.buf = appendString(appendRect(u.buf, image.Rectangle{}, encDesktopName), name)
		n++
	}
	if u.c.s.cfg.Input == nil {
		return n, resized
	}
	if mode, tell := u.pointerMode(first); tell {
		u.buf = appendRect(u.buf, all.Add(image.Pt(mode, 0)), encPointerChange)
		n++
	}
	return n + u.appendLEDs(first), resized
}

// appendSize appends the size of the picture.
func (u *updater) appendSize(first bool) (n int, resized bool) {
	can, all := u.set.can, image.Rectangle{Max: u.pic.Size()}
	resized = u.pic.Size() != u.pic.ClientSize() && can&(canResize|canExtResize) != 0
	switch {
	case can&canExtResize != 0:
		if resized || first {
			u.buf = appendRect(u.buf, all, encExtDesktopSize)
			u.appendScreens()
			n++
		}
		if u.refuse { // reason 1: this client's wish; status 1: it is not allowed
			u.buf = appendRect(u.buf, all.Add(image.Pt(1, 1)), encExtDesktopSize)
			u.appendScreens()
			n++
		}
	case resized:
		u.buf = appendRect(u.buf, all, encDesktopSize)
		n++
	}
	u.refuse = false
	if resized {
		u.pic.SetClientSize(u.pic.Size())
	}
	return n, resized
}

// appendLEDs appends the lights of the guest's keyboard.
func (u *updater) appendLEDs(first bool) int {
	leds := u.c.s.cfg.Input.LEDs()
	changed := first || leds != u.leds
	u.leds = leds
	switch can := u.set.can; {
	case changed && can&canLEDs != 0:
		u.buf = append(appendRect(u.buf, image.Rectangle{}, encLEDs), byte(leds))
		return 1
	case changed && can&canVMwareLEDs != 0:
		u.buf = append(appendRect(u.buf, image.Rectangle{}, encVMwareLEDs), 0, 0, 0, byte(leds))
		return 1
	}
	return 0
}

// appendScreens is the body of an ExtendedDesktopSize: one screen.
func (u *updater) appendScreens() {
	size := u.pic.Size()
	u.buf = append(u.buf, 1, 0, 0, 0, 0, 0, 0, 0)
	u.buf = appendRect(u.buf, image.Rectangle{Max: size}, 0) // and no flags
}

// pointerMode says whether the client has to be told of the pointer, and what: 1 for positions, 0 for movements.
func (u *updater) pointerMode(first bool) (mode int, tell bool) {
	absolute := u.c.s.cfg.Input.Absolute()
	c := u.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if u.set.can&canPointerChange == 0 {
		c.told = false
		return 0, false
	}
	tell = first || !c.told || absolute != c.absolute
	c.told, c.absolute = true, absolute
	if absolute {
		mode = 1
	}
	return mode, tell
}
