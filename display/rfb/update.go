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
	stream   display.Region // continuous updates
	room     int            // bytes that may go on their way now
	paced    bool           // there is a Pace to obey
	speed    float64        // of the line, in bytes a second; 0: not known
	trip     time.Duration  // to the client and back
	fast     bool           // it is no use to compress much
	left     bool           // the last update was cut short,
	next     image.Point    // and is to go on here
	pointer  image.Point
	resized  int  // a SetDesktopSize is to be answered: 1 and its status
	arranged uint // arrangements of screens that the client knows of
	answered uint // SetEncodings messages whose pseudo-encodings were answered
	name     string
	leds     input.LEDs
	cursor   *display.Cursor
	fresh    time.Time // of the last picture drawn on demand
	rest     time.Time // when what was sent with loss is looked at again

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
		if err := u.look(); err != nil {
			return err
		}
		if u.wanted() {
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

// wanted reports whether the client expects an update, and its line takes one.
func (u *updater) wanted() bool {
	return u.pending.any || !u.stream.Empty() && u.room > 0
}

// look takes over what the client's messages have said, and answers what needs no picture.
func (u *updater) look() error {
	c := u.c
	c.mu.Lock()
	c.news = false
	u.room = c.pace.Room(c.conn.Sent())
	u.speed, u.trip = c.speed()
	if c.hold {
		c.mu.Unlock()
		return nil
	}
	u.set = c.settings
	u.pending.any = u.pending.any || c.request.any
	u.pending.full = u.pending.full.Union(c.request.full)
	u.pending.changed = u.pending.changed.Union(c.request.changed)
	c.request = request{}
	u.stream, u.pointer = c.continuous, c.pointer
	if c.resized != 0 {
		u.resized = c.resized
	}
	c.resized = 0
	clip := c.takeClipboard()
	u.buf = u.buf[:0]
	for _, f := range c.fences {
		u.buf = append(u.buf, f...)
	}
	c.fences = c.fences[:0]
	if c.ended {
		u.buf = append(u.buf, msgContinuousUpdates)
	}
	if c.powerless {
		u.buf = append(u.buf, msgXVP, 0, 1, 0) // XVP_FAIL
	}
	c.ended, c.powerless = false, false
	u.appendSound()
	c.mu.Unlock()
	u.paced = u.set.can&canFence != 0
	u.appendClipboard(clip)
	return u.flush()
}

// restAfter is how long a part of the picture stays as it is before what was lost of it is sent.
const restAfter = 250 * time.Millisecond

// wait waits for news from the client and, if it has asked for them, from the screen.
func (u *updater) wait() error {
	c := u.c
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	if u.wanted() && u.pic.IsRough() {
		t := time.AfterFunc(time.Until(u.rest), cancel)
		defer t.Stop()
	}
	c.mu.Lock()
	if c.news {
		c.mu.Unlock()
		return nil
	}
	c.stopWait = cancel
	c.mu.Unlock()
	var err error
	if u.wanted() {
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
	switch {
	case u.pending.full.Empty() && u.left:
		return u.pic.Newest(u.c.ctx)
	case u.pending.full.Empty():
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
		u.cursor = nil // of the old format
	}
	u.greet()
	start := len(u.buf)
	u.buf = append(u.buf, 0, 0, 0, 0) // FramebufferUpdate (7.6.1)
	pseudo, resized := u.appendPseudo()
	var up picture.Update
	lossless := false
	if !resized { // else the client first has to get ready for the new picture
		changed := u.pending.changed.Union(u.stream)
		if u.pic.IsRough() && !time.Now().Before(u.rest) {
			up, lossless = u.pic.Rest(changed), true
			u.rest = time.Now().Add(restAfter)
		}
		if up.Empty() {
			up, lossless = u.pic.Take(u.pending.full, changed, u.set.can&canCopy != 0), false
		}
	}
	if pseudo == 0 && up.Empty() {
		u.pending.full = nil // it was of nothing
		u.buf = u.buf[:start]
		return false, u.flush()
	}
	for _, c := range up.Copies {
		u.buf = appendRect(u.buf, c.To, enc.CopyRectID)
		u.buf = binary.BigEndian.AppendUint16(u.buf, uint16(c.From.X))
		u.buf = binary.BigEndian.AppendUint16(u.buf, uint16(c.From.Y))
	}
	limit := u.limit()
	e := u.encoder(lossless)
	u.cut(e, up.Parts, limit)
	u.pending = request{}
	if err := u.send(e, start, pseudo+len(up.Copies), limit, lossless); err != nil {
		return true, err
	}
	return true, u.ping()
}

func appendRect(b []byte, r image.Rectangle, encoding int32) []byte {
	for _, v := range [4]int{r.Min.X, r.Min.Y, r.Dx(), r.Dy()} {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return binary.BigEndian.AppendUint32(b, uint32(encoding))
}

// greet says which messages of its own the server understands, to a client that has said the same.
func (u *updater) greet() {
	if u.answered == u.set.count {
		return
	}
	can := u.set.can
	if can&canFence != 0 {
		u.buf = appendFence(u.buf, fenceRequest|fenceSyncNext, nil)
		u.c.mu.Lock()
		u.c.pace.Ping(time.Now(), time.Now(), u.c.conn.Sent()+uint64(len(u.buf)))
		u.c.mu.Unlock()
	}
	if can&canContinuous != 0 && can&canFence != 0 {
		u.buf = append(u.buf, msgContinuousUpdates)
	}
	if can&canXVP != 0 && u.c.s.cfg.Power != nil && u.c.hands.to != nil {
		u.buf = append(u.buf, msgXVP, 0, 1, 1) // XVP_INIT
	}
}

// appendPseudo appends what is to be told without pixels, and reports how many rectangles that took and whether the picture is
// of another size now.
func (u *updater) appendPseudo() (n int, resized bool) {
	can, all := u.set.can, image.Rectangle{Max: u.pic.Size()}
	first := u.answered != u.set.count // since the last SetEncodings
	u.answered = u.set.count
	n, resized = u.appendSize(first)
	if first {
		for bit, id := range map[ability]int32{canExtKey: encExtKey, canExtButtons: encExtButtons, canAudio: encAudio} {
			if can&bit != 0 && (bit != canAudio || u.c.s.cfg.Audio != nil) {
				u.buf = appendRect(u.buf, all, id)
				n++
			}
		}
	}
	if name := u.c.s.desktopName(); name != u.name && can&canName != 0 {
		u.name = name
		u.buf = appendString(appendRect(u.buf, image.Rectangle{}, encDesktopName), name)
		n++
	}
	n += u.appendCursor(first)
	if u.c.s.cfg.Input == nil {
		return n, resized
	}
	if mode, tell := u.pointerMode(first); tell {
		u.buf = appendRect(u.buf, all.Add(image.Pt(mode, 0)), encPointerChange)
		n++
	}
	return n + u.appendLEDs(first), resized
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
	case changed && can&canLibvncLEDs != 0: // in place of a position
		u.buf = appendRect(u.buf, image.Rectangle{Min: image.Pt(libvncLEDs(leds), 0), Max: image.Pt(libvncLEDs(leds), 0)}, encLibvncLEDs)
		return 1
	}
	return 0
}

// libvncLEDs is libvncserver's order of the lights, among bits of modifiers.
func libvncLEDs(leds input.LEDs) (mask int) {
	for led, bit := range map[input.LEDs]int{input.LEDCaps: 1 << 1, input.LEDNum: 1 << 7, input.LEDScroll: 1 << 8} {
		if leds&led != 0 {
			mask |= bit
		}
	}
	return mask
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
