package rfbtest

import (
	"encoding/binary"
	"fmt"
	"image"

	"govm-desktop/display/rfb/enc"
)

// X11 keysyms of keys that tests press.
const (
	Backspace uint32 = 0xff08
	Tab       uint32 = 0xff09
	Return    uint32 = 0xff0d
	Escape    uint32 = 0xff1b
	Home      uint32 = 0xff50
	Left      uint32 = 0xff51
	Up        uint32 = 0xff52
	Right     uint32 = 0xff53
	Down      uint32 = 0xff54
	PageUp    uint32 = 0xff55
	PageDown  uint32 = 0xff56
	End       uint32 = 0xff57
	F1        uint32 = 0xffbe // and so on up to F12
	ShiftL    uint32 = 0xffe1
	CtrlL     uint32 = 0xffe3
	AltL      uint32 = 0xffe9
	Delete    uint32 = 0xffff
)

// Write sends bytes as they are: a test's own message.
func (c *Client) Write(b []byte) error { return c.write(b) }

func (c *Client) write(b []byte) error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if _, err := c.nc.Write(b); err != nil {
		return fmt.Errorf("rfbtest: %w", err)
	}
	return nil
}

// SetFormat asks for another pixel format. No update may be under way.
func (c *Client) SetFormat(f enc.Format) error {
	c.mu.Lock()
	c.format = f
	c.mu.Unlock()
	return c.write(f.Append([]byte{0, 0, 0, 0}))
}

// SetEncodings says what the client understands, what it likes best first.
func (c *Client) SetEncodings(ids ...int32) error {
	b := binary.BigEndian.AppendUint16([]byte{2, 0}, uint16(len(ids)))
	for _, id := range ids {
		b = binary.BigEndian.AppendUint32(b, uint32(id))
	}
	return c.write(b)
}

// Request asks for an update of a part of the picture.
func (c *Client) Request(r image.Rectangle, incremental bool) error {
	b := []byte{3, flag(incremental)}
	for _, v := range [4]int{r.Min.X, r.Min.Y, r.Dx(), r.Dy()} {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return c.write(b)
}

// Key presses or releases the key for an X11 keysym.
func (c *Client) Key(sym uint32, down bool) error {
	return c.write(binary.BigEndian.AppendUint32([]byte{4, flag(down), 0, 0}, sym))
}

// Press presses keys one after the other and releases them the other way round: a chord.
func (c *Client) Press(syms ...uint32) error {
	for _, s := range syms {
		if err := c.Key(s, true); err != nil {
			return err
		}
	}
	for i := range syms {
		if err := c.Key(syms[len(syms)-1-i], false); err != nil {
			return err
		}
	}
	return nil
}

// KeyCode presses or releases a key by QEMU's number: its AT set 1 code, with bit 7 for the E0 prefix. The keysym may be 0.
func (c *Client) KeyCode(qnum, sym uint32, down bool) error {
	b := binary.BigEndian.AppendUint32([]byte{255, 0, 0, flag(down)}, sym)
	return c.write(binary.BigEndian.AppendUint32(b, qnum))
}

// Type types a text: ASCII, with newlines as Return.
func (c *Client) Type(text string) error {
	for _, r := range text {
		sym := uint32(r)
		switch r {
		case '\n':
			sym = Return
		case '\t':
			sym = Tab
		case '\b':
			sym = Backspace
		}
		if err := c.Press(sym); err != nil {
			return err
		}
	}
	return nil
}

// Pointer moves the pointer to a pixel, with the buttons of mask down: 1 left, 2 middle, 4 right, 8 and 16 the wheel.
func (c *Client) Pointer(x, y int, mask uint8) error {
	b := binary.BigEndian.AppendUint16([]byte{5, mask}, uint16(x))
	return c.write(binary.BigEndian.AppendUint16(b, uint16(y)))
}

func flag(on bool) byte {
	if on {
		return 1
	}
	return 0
}
