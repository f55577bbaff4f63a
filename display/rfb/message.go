package rfb

import (
	"encoding/binary"
	"fmt"
	"image"

	"govm-desktop/display/rfb/enc"
)

// Messages from clients (RFC 6143, section 7.5, and rfbproto.rst).
const (
	msgSetPixelFormat = 0
	msgSetEncodings   = 2
	msgUpdateRequest  = 3
	msgKeyEvent       = 4
	msgPointerEvent   = 5
	msgCutText        = 6
	msgSetDesktopSize = 251
	msgQEMU           = 255

	qemuExtKey = 0 // its submessage
)

// Pseudo-encodings.
const (
	encDesktopSize    int32 = -223
	encPointerChange  int32 = -257
	encExtKey         int32 = -258
	encLEDs           int32 = -261
	encDesktopName    int32 = -307
	encExtDesktopSize int32 = -308
	encVMwareLEDs     int32 = 0x574d5668

	encLevel0 int32 = -256 // compression levels, up to 9
	encLevel9 int32 = -247
)

// maxCutText bounds a clipboard, which is dropped anyway: what says to be longer is no clipboard.
const maxCutText = 1 << 20

// readMessages serves the client's messages until one is wrong or the connection ends.
func (c *client) readMessages() error {
	for {
		t, err := c.conn.U8()
		if err != nil {
			return err
		}
		if err := c.readMessage(t); err != nil {
			return err
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
	set, chosen := settings{level: -1}, false
	for range binary.BigEndian.Uint16(b[1:]) {
		n, err := c.conn.U32()
		if err != nil {
			return err
		}
		switch id := int32(n); {
		case id == enc.RawID || id == enc.HextileID || id == enc.ZRLEID:
			if !chosen {
				set.encoding, chosen = id, true
			}
		case id >= encLevel0 && id <= encLevel9:
			set.level = int(id - encLevel0)
		default:
			set.can |= abilityOf(id)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	set.format, set.count = c.settings.format, c.settings.count+1
	c.settings = set
	c.pingLocked()
	return nil
}

func abilityOf(id int32) ability {
	switch id {
	case encDesktopSize:
		return canResize
	case encExtDesktopSize:
		return canExtResize
	case encDesktopName:
		return canName
	case encExtKey:
		return canExtKey
	case encPointerChange:
		return canPointerChange
	case encLEDs:
		return canLEDs
	case encVMwareLEDs:
		return canVMwareLEDs
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
	absolute := c.s.cfg.Input != nil && c.s.cfg.Input.Absolute() // it takes locks of its own
	c.mu.Lock()
	moves := c.told && !c.absolute // the client knows that it has to send movements
	if c.settings.can&canPointerChange != 0 && absolute != c.absolute {
		c.pingLocked()
	}
	c.mu.Unlock()
	x, y := int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	c.hands.pointer(x, y, b[0], moves)
	return nil
}

// cutText drops what the client has in its clipboard. Negative lengths are those of the extended clipboard.
func (c *client) cutText() error {
	b, err := c.conn.Take(7)
	if err != nil {
		return err
	}
	n := int64(int32(binary.BigEndian.Uint32(b[3:])))
	if n = max(n, -n); n > maxCutText {
		return fmt.Errorf("it sent a clipboard of %d bytes", n)
	}
	return c.conn.Skip(int(n))
}

// setDesktopSize drops the layout that a client wishes for: the guest alone decides.
func (c *client) setDesktopSize() error {
	b, err := c.conn.Take(7)
	if err != nil {
		return err
	}
	if err := c.conn.Skip(16 * int(b[5])); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resized = true
	c.pingLocked()
	return nil
}

func (c *client) qemuMessage() error {
	t, err := c.conn.U8()
	if err != nil {
		return err
	}
	if t != qemuExtKey {
		return fmt.Errorf("it sent a message of type 255/%d", t)
	}
	b, err := c.conn.Take(10)
	if err == nil {
		c.hands.key(binary.BigEndian.Uint32(b[2:]), binary.BigEndian.Uint32(b[6:]), binary.BigEndian.Uint16(b) != 0)
	}
	return err
}
