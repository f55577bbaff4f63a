package rfb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"strconv"
	"time"

	"govm-desktop/display"
	"govm-desktop/display/rfb/enc"
)

// Messages from clients (RFC 6143, section 7.5, and rfbproto.rst).
const (
	msgSetPixelFormat    = 0
	msgSetEncodings      = 2
	msgUpdateRequest     = 3
	msgKeyEvent          = 4
	msgPointerEvent      = 5
	msgCutText           = 6
	msgServerCutText     = 3   // to clients
	msgContinuousUpdates = 150 // and to clients: that they have ended, or are possible
	msgFence             = 248 // both ways
	msgXVP               = 250 // both ways
	msgSetDesktopSize    = 251
	msgQEMU              = 255

	qemuExtKey = 0 // its submessages
	qemuAudio  = 1
)

// Pseudo-encodings.
const (
	encDesktopSize    int32 = -223
	encLastRect       int32 = -224
	encPointerPos     int32 = -232
	encCursor         int32 = -239
	encXCursor        int32 = -240
	encPointerChange  int32 = -257
	encExtKey         int32 = -258
	encAudio          int32 = -259
	encLEDs           int32 = -261
	encDesktopName    int32 = -307
	encExtDesktopSize int32 = -308
	encXVP            int32 = -309
	encFence          int32 = -312
	encContinuous     int32 = -313
	encAlphaCursor    int32 = -314
	encExtButtons     int32 = -316
	encVMwareCursor   int32 = 0x574d5664
	encVMwareState    int32 = 0x574d5665
	encVMwarePos      int32 = 0x574d5666
	encVMwareLEDs     int32 = 0x574d5668
	encLibvncLEDs     int32 = -0x20000    // 0xfffe0000
	encClipboard      int32 = -0x3f5e1a32 // 0xc0a1e5ce

	encLevel0   int32 = -256 // compression levels, up to 9
	encLevel9   int32 = -247
	encQuality0 int32 = -32 // of JPEG, up to 9
	encQuality9 int32 = -23
	encFine0    int32 = -512 // the same from 0 to 100
	encFine100  int32 = -412
	encWhole    int32 = -768 // chrominance as it is
	encHalved4  int32 = -767 // a quarter, and other ways of having less of it
	encHalved16 int32 = -763
)

// Bits of a fence.
const (
	fenceBlockBefore = 1 << 0
	fenceSyncNext    = 1 << 2
	fenceKnown       = 7
	fenceRequest     = 1 << 31

	maxFence  = 64 // bytes of a fence's own
	maxFences = 32 // to be answered, after which a client waits for no more
)

// readMessages serves the client's messages until one is wrong or the connection ends.
func (c *client) readMessages() error {
	for {
		t, err := c.conn.U8()
		if err != nil {
			return err
		}
		held := c.hold
		if err := c.readMessage(t); err != nil {
			return err
		}
		if held && t != msgFence { // by the fence before this message
			c.mu.Lock()
			c.hold = false
			c.pingLocked()
			c.mu.Unlock()
		}
	}
}

func (c *client) readMessage(t uint8) error {
	switch t {
	case msgSetPixelFormat:
		return c.setPixelFormat()
	case msgSetEncodings:
		return c.setEncodings()
	case msgUpdateRequest:
		return c.updateRequest()
	case msgKeyEvent:
		b, err := c.conn.Take(7)
		if err == nil {
			c.hands.keysym(binary.BigEndian.Uint32(b[3:]), b[0] != 0)
		}
		return err
	case msgPointerEvent:
		return c.pointerEvent()
	case msgCutText:
		return c.cutText()
	case msgContinuousUpdates:
		return c.continuousUpdates()
	case msgFence:
		return c.fence()
	case msgXVP:
		return c.xvp()
	case msgSetDesktopSize:
		return c.setDesktopSize()
	case msgQEMU:
		return c.qemuMessage()
	}
	return fmt.Errorf("it sent a message of type %d", t)
}

func (c *client) setPixelFormat() error {
	b, err := c.conn.Take(3 + enc.FormatLen)
	if err != nil {
		return err
	}
	f, err := enc.ParseFormat(b[3:])
	if err != nil {
		return fmt.Errorf("it wants an impossible pixel format: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settings.format = f
	return nil
}

// setEncodings takes the first encoding that there is; the list is of any length and is not kept.
func (c *client) setEncodings() error {
	b, err := c.conn.Take(3)
	if err != nil {
		return err
	}
	set := settings{tuning: enc.Tuning{Level: -1, Quality: -1}, encoding: enc.RawID}
	chosen := false
	for range binary.BigEndian.Uint16(b[1:]) {
		n, err := c.conn.U32()
		if err != nil {
			return err
		}
		switch id := int32(n); {
		case isPicture(id):
			if !chosen {
				set.encoding, chosen = id, true
			}
		case id >= encLevel0 && id <= encLevel9:
			set.tuning.Level = int(id - encLevel0)
		case id >= encQuality0 && id <= encQuality9 && !c.s.cfg.Lossless:
			level := int(id - encQuality0)
			set.tuning.Quality, set.tuning.Halved = enc.Quality(level)
			set.tuning.Waves = enc.Waves(level)
		case id >= encFine0 && id <= encFine100 && !c.s.cfg.Lossless:
			set.fine = int(id-encFine0) + 1
		case id >= encWhole && id <= encHalved16:
			set.chroma = int(id-encWhole) + 1
		default:
			set.can |= abilityOf(id)
		}
	}
	set.refineTuning()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clip.caps = set.can&canClipboard != 0
	set.format, set.count = c.settings.format, c.settings.count+1
	c.settings = set
	c.pingLocked()
	return nil
}

// isPicture reports whether an encoding is one of those that carry pixels and are here.
func isPicture(id int32) bool {
	switch id {
	case enc.RawID, enc.RREID, enc.CoRREID, enc.HextileID, enc.ZlibID, enc.TightID, enc.TRLEID, enc.ZRLEID, enc.ZYWRLEID, enc.TightPNGID:
		return true
	}
	return false
}

// EncodingName is what the community calls an encoding of pixels.
func EncodingName(id int32) string {
	switch id {
	case enc.RawID:
		return "Raw"
	case enc.RREID:
		return "RRE"
	case enc.CoRREID:
		return "CoRRE"
	case enc.HextileID:
		return "Hextile"
	case enc.ZlibID:
		return "Zlib"
	case enc.TightID:
		return "Tight"
	case enc.TRLEID:
		return "TRLE"
	case enc.ZRLEID:
		return "ZRLE"
	case enc.TightPNGID:
		return "TightPNG"
	}
	return strconv.Itoa(int(id))
}

// refineTuning applies what says more than a level of quality does.
func (s *settings) refineTuning() {
	t := &s.tuning
	if s.fine > 0 {
		t.Quality = max(1, s.fine-1)
	}
	if s.chroma > 0 {
		t.Halved = s.chroma > 1
	}
}

func abilityOf(id int32) ability {
	switch id {
	case enc.CopyRectID:
		return canCopy
	case encDesktopSize:
		return canResize
	case encLastRect:
		return canLastRect
	case encExtDesktopSize:
		return canExtResize
	case encDesktopName:
		return canName
	case encExtKey:
		return canExtKey
	case encPointerChange:
		return canPointerChange
	case encAudio:
		return canAudio
	case encLEDs:
		return canLEDs
	case encClipboard:
		return canClipboard
	case encVMwareCursor:
		return canVMwareCursor
	case encVMwareState:
		return canVMwareState
	case encVMwarePos:
		return canVMwarePos
	case encLibvncLEDs:
		return canLibvncLEDs
	case encVMwareLEDs:
		return canVMwareLEDs
	case encCursor:
		return canCursor
	case encXCursor:
		return canXCursor
	case encAlphaCursor:
		return canAlphaCursor
	case encPointerPos:
		return canPointerPos
	case encXVP:
		return canXVP
	case encFence:
		return canFence
	case encContinuous:
		return canContinuous
	case encExtButtons:
		return canExtButtons
	}
	return 0
}

func (c *client) updateRequest() error {
	b, err := c.conn.Take(9)
	if err != nil {
		return err
	}
	n := func(i int) int { return int(binary.BigEndian.Uint16(b[i:])) }
	r := image.Rect(n(1), n(3), n(1)+n(5), n(3)+n(7))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flight > 0 {
		c.asks.Delivered(c.begun, time.Now(), c.flight)
		c.flight = 0
	}
	q := &c.request
	q.any = true
	if b[0] == 0 {
		q.full.Add(r)
	} else {
		q.changed.Add(r)
	}
	c.pingLocked()
	return nil
}

func (c *client) pointerEvent() error {
	b, err := c.conn.Take(5)
	if err != nil {
		return err
	}
	x, y, mask := int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:])), uint16(b[0])
	absolute := c.s.cfg.Input != nil && c.s.cfg.Input.Absolute() // it takes locks of its own
	c.mu.Lock()
	moves := c.told && !c.absolute // the client knows that it has to send movements
	if c.settings.can&canPointerChange != 0 && absolute != c.absolute {
		c.pingLocked()
	}
	extended := c.settings.can&canExtButtons != 0 && mask&0x80 != 0
	c.pointer = image.Pt(x, y)
	c.mu.Unlock()
	if extended { // the top bit says that there is another byte
		more, err := c.conn.U8()
		if err != nil {
			return err
		}
		mask = mask&0x7f | uint16(more)<<7
	}
	c.hands.pointer(x, y, mask, moves)
	return nil
}

// continuousUpdates switches updates without requests on or off.
func (c *client) continuousUpdates() error {
	b, err := c.conn.Take(9)
	if err != nil {
		return err
	}
	n := func(i int) int { return int(binary.BigEndian.Uint16(b[i:])) }
	r := image.Rect(n(1), n(3), n(1)+n(5), n(3)+n(7))
	c.mu.Lock()
	defer c.mu.Unlock()
	was := !c.continuous.Empty()
	c.continuous = nil
	if b[0] != 0 && !r.Empty() {
		c.continuous = display.Region{r}
	} else if was || b[0] == 0 {
		c.ended = true
	}
	c.pingLocked()
	return nil
}

// fence answers a client's fence, or takes its answer to one of ours.
func (c *client) fence() error {
	b, err := c.conn.Take(8)
	if err != nil {
		return err
	}
	flags, n := binary.BigEndian.Uint32(b[3:]), int(b[7])
	if n > maxFence {
		return fmt.Errorf("it sent a fence of %d bytes", n)
	}
	if b, err = c.conn.Take(n); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.pingLocked()
	if flags&fenceRequest == 0 {
		c.pace.Pong(time.Now())
		return nil
	}
	if len(c.fences) >= maxFences {
		return errors.New("it sends fences and does not read the answers")
	}
	c.fences = append(c.fences, appendFence(nil, flags&fenceKnown, b))
	// What the next message changes has to take effect together with the answer.
	c.hold = flags&fenceSyncNext != 0
	return nil
}

func appendFence(b []byte, flags uint32, payload []byte) []byte {
	b = append(b, msgFence, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, flags)
	return append(append(b, byte(len(payload))), payload...)
}

// xvp takes a client's wish for power.
func (c *client) xvp() error {
	b, err := c.conn.Take(3)
	if err != nil {
		return err
	}
	version, code := b[1], Power(b[2])
	power := c.s.cfg.Power
	if version == 1 && code >= PowerShutdown && code <= PowerReset && power != nil && c.hands.to != nil {
		c.s.cfg.Log.Info("a viewer's power button", "client", c.addr, "code", code)
		power(code)
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.powerless = true
	c.pingLocked()
	return nil
}

func (c *client) qemuMessage() error {
	t, err := c.conn.U8()
	switch {
	case err != nil:
		return err
	case t == qemuAudio:
		return c.qemuSound()
	case t != qemuExtKey:
		return fmt.Errorf("it sent a message of type 255/%d", t)
	}
	b, err := c.conn.Take(10)
	if err == nil {
		c.hands.key(binary.BigEndian.Uint32(b[2:]), binary.BigEndian.Uint32(b[6:]), binary.BigEndian.Uint16(b) != 0)
	}
	return err
}
