package rfbtest

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"image"
	"io"
)

// Head is a screen of an ExtendedDesktopSize.
type Head struct {
	ID    uint32
	Rect  image.Rectangle
	Flags uint32
}

// ClipMessage is a message of the extended clipboard: its flags, and the text if it provides one, else what follows the flags.
type ClipMessage struct {
	Flags uint32
	Text  string
	Data  []byte
}

// Flags of the extended clipboard.
const (
	ClipText    uint32 = 1
	ClipCaps    uint32 = 1 << 24
	ClipRequest uint32 = 1 << 25
	ClipPeek    uint32 = 1 << 26
	ClipNotify  uint32 = 1 << 27
	ClipProvide uint32 = 1 << 28
)

func (c *Client) heads() []Head {
	n := int(c.r.u8())
	c.r.bytes(3)
	var all []Head
	for range n {
		id, x, y := c.r.u32(), int(c.r.u16()), int(c.r.u16())
		w, h := int(c.r.u16()), int(c.r.u16())
		all = append(all, Head{id, image.Rect(x, y, x+w, y+h), c.r.u32()})
	}
	return all
}

// SetSize asks for a picture of another size.
func (c *Client) SetSize(w, h int, heads ...Head) error {
	b := binary.BigEndian.AppendUint16([]byte{251, 0}, uint16(w))
	b = append(binary.BigEndian.AppendUint16(b, uint16(h)), byte(len(heads)), 0)
	for _, s := range heads {
		b = binary.BigEndian.AppendUint32(b, s.ID)
		for _, v := range [4]int{s.Rect.Min.X, s.Rect.Min.Y, s.Rect.Dx(), s.Rect.Dy()} {
			b = binary.BigEndian.AppendUint16(b, uint16(v))
		}
		b = binary.BigEndian.AppendUint32(b, s.Flags)
	}
	return c.write(b)
}

// extendedText receives a message of the extended clipboard.
func (c *Client) extendedText(n int) error {
	if n < 4 || n > 1<<21 {
		return fmt.Errorf("rfbtest: an extended clipboard of %d bytes", n)
	}
	b := bytes.Clone(c.r.bytes(n))
	if c.r.err != nil {
		return c.r.err
	}
	m := ClipMessage{Flags: binary.BigEndian.Uint32(b), Data: b[4:]}
	if m.Flags&ClipProvide != 0 && m.Flags&ClipCaps == 0 {
		z, err := zlib.NewReader(bytes.NewReader(m.Data))
		if err != nil {
			return err
		}
		text, err := io.ReadAll(z)
		if err != nil || len(text) < 5 || int(binary.BigEndian.Uint32(text)) != len(text)-4 || text[len(text)-1] != 0 {
			return fmt.Errorf("rfbtest: a clipboard %q, %v", text, err)
		}
		m.Text, m.Data = string(text[4:len(text)-1]), nil
	}
	c.mu.Lock()
	c.state.Clip = append(c.state.Clip, m)
	c.mu.Unlock()
	return nil
}

// SendClip sends a message of the extended clipboard.
func (c *Client) SendClip(flags uint32, data []byte) error {
	b := binary.BigEndian.AppendUint32([]byte{6, 0, 0, 0}, uint32(-(4 + len(data))))
	return c.write(append(binary.BigEndian.AppendUint32(b, flags), data...))
}

// Provide sends a text.
func (c *Client) Provide(text string) error {
	text += "\x00"
	return c.SendClip(ClipProvide|ClipText, Deflate(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)))
}

// Deflate packs bytes as the extended clipboard does.
func Deflate(b []byte) []byte {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	_, _ = z.Write(b) // a Buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

// CutText sends a text as clients do that do not know the extended clipboard.
func (c *Client) CutText(latin1 string) error {
	return c.write(append(binary.BigEndian.AppendUint32([]byte{6, 0, 0, 0}, uint32(len(latin1))), latin1...))
}

// SetSound switches sound on, with the format: a sample's kind (0 U8, 1 S8, 2 U16, 3 S16, 4 U32, 5 S32), channels and rate; or off.
func (c *Client) SetSound(on bool, kind, channels uint8, rate uint32) error {
	b := binary.BigEndian.AppendUint32([]byte{255, 1, 0, 2, kind, channels}, rate)
	if on {
		return c.write(append(b, 255, 1, 0, 0))
	}
	return c.write([]byte{255, 1, 0, 1})
}

// sound receives QEMU's audio messages.
func (c *Client) sound() error {
	if sub := c.r.u8(); sub != 1 && c.r.err == nil {
		return fmt.Errorf("rfbtest: message 255/%d", sub)
	}
	op := c.r.u16()
	var data []byte
	if op == 2 {
		data = bytes.Clone(c.r.bytes(c.r.length(1 << 20)))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.state
	switch op {
	case 0:
		s.SoundEnds++
	case 1:
		s.SoundStarts++
		s.Sound = nil
	case 2:
		s.Sound = append(s.Sound, data...)
	default:
		return fmt.Errorf("rfbtest: audio operation %d", op)
	}
	return c.r.err
}
