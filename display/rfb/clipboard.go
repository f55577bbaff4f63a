package rfb

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"govm-desktop/display"
)

// The extended clipboard (rfbproto.rst, Extended Clipboard Pseudo-Encoding): a cut text whose length is negative starts with
// flags, of which the low half says of which formats it is and the high half what is done.
const (
	clipText = 1 << 0 // UTF-8, lines end in CR LF, a NUL at the end

	clipCaps    = 1 << 24
	clipRequest = 1 << 25
	clipPeek    = 1 << 26
	clipNotify  = 1 << 27
	clipProvide = 1 << 28
	clipActions = clipCaps | clipRequest | clipPeek | clipNotify | clipProvide

	// Bounds of what clients send: what is longer than a clipboard of ours is skipped up to what an honest one may hold, and
	// beyond that it is none.
	maxCutText  = display.MaxClipboard + 1<<12
	mostCutText = 64 << 20

	// What a client takes unasked that has not said so.
	clipUnasked = 20 << 20
)

// clipboard is what the sender has to know and do for a client about the clipboard. Guarded by client.mu.
type clipboard struct {
	caps    bool   // say what is possible here
	news    bool   // another has put a text
	request bool   // ask for the client's
	provide bool   // the client asks for the text
	notify  bool   // or whether there is one
	known   bool   // the next two are the client's own
	actions uint32 // that it understands
	unasked uint32 // bytes of text that it takes without asking
}

// shareClipboard makes the client take part, once it has got in. Who only looks has no part in it.
func (c *client) shareClipboard() {
	if c.hands.to == nil {
		return
	}
	c.clipboard = c.s.cfg.Clipboard.Share(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.clip.news = true
		c.pingLocked()
	})
}

// cutText takes what the client has in its clipboard.
func (c *client) cutText() error {
	b, err := c.conn.Take(7)
	if err != nil {
		return err
	}
	n := int64(int32(binary.BigEndian.Uint32(b[3:])))
	extended := n < 0
	if n = max(n, -n); n > mostCutText {
		return fmt.Errorf("it sent a clipboard of %d bytes", n)
	}
	if n > maxCutText || c.clipboard == nil {
		return c.conn.Skip(int(n))
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(c.conn, text); err != nil {
		return err
	}
	if extended {
		return c.extendedCutText(text)
	}
	var utf strings.Builder
	for _, l := range text { // ISO 8859-1
		utf.WriteRune(rune(l))
	}
	c.clipboard.Put(utf.String())
	return nil
}

func (c *client) extendedCutText(b []byte) error {
	if len(b) < 4 {
		return errors.New("it sent an extended clipboard without flags")
	}
	flags := binary.BigEndian.Uint32(b)
	if flags&clipActions == clipProvide && flags&clipText != 0 {
		text, err := inflateText(b[4:])
		if err == nil && text != nil {
			c.clipboard.Put(strings.ReplaceAll(string(bytes.ToValidUTF8(text, []byte("\ufffd"))), "\r\n", "\n"))
		}
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.pingLocked()
	clip := &c.clip
	switch {
	case flags&clipCaps != 0: // other actions beside it are abilities
		clip.known, clip.actions, clip.unasked = true, flags&clipActions, 0
		if flags&clipText != 0 {
			if len(b) < 8 {
				return errors.New("it sent an extended clipboard without sizes")
			}
			clip.unasked = binary.BigEndian.Uint32(b[4:])
		}
	case flags&clipRequest != 0:
		clip.provide = flags&clipText != 0
	case flags&clipPeek != 0:
		clip.notify = true
	case flags&clipNotify != 0:
		clip.request = flags&clipText != 0
	}
	return nil
}

// inflateText unpacks a provided text: its size, and so many bytes. It never unpacks more than is kept; what says to be more is
// no text (nil), what says to be less than it is, or to be impossibly much, is an error.
func inflateText(b []byte) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("its clipboard: %w", err)
	}
	var head [4]byte
	if _, err := io.ReadFull(z, head[:]); err != nil {
		return nil, fmt.Errorf("its clipboard: %w", err)
	}
	n := binary.BigEndian.Uint32(head[:])
	switch {
	case n > mostCutText:
		return nil, fmt.Errorf("its clipboard says to be of %d bytes", n)
	case n > maxCutText:
		return nil, nil
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(z, text); err != nil {
		return nil, fmt.Errorf("its clipboard: %w", err)
	}
	if more, _ := z.Read(head[:1]); more > 0 { // an end of the stream is no must: noVNC flushes it and leaves it open
		return nil, errors.New("its clipboard is longer than it says")
	}
	return bytes.TrimRight(text, "\x00"), nil
}

// takeClipboard is what there is to do. Preconditions: mu is held.
func (c *client) takeClipboard() clipboard {
	now := c.clip
	c.clip.caps, c.clip.news, c.clip.request, c.clip.provide, c.clip.notify = false, false, false, false, false
	return now
}

// appendClipboard appends what there is to say about the clipboard.
func (u *updater) appendClipboard(clip clipboard) {
	share := u.c.clipboard
	if share == nil || !clip.caps && !clip.news && !clip.request && !clip.provide && !clip.notify {
		return
	}
	if u.set.can&canClipboard == 0 {
		if clip.news {
			u.buf = appendString(append(u.buf, msgServerCutText, 0, 0, 0), latin1(share.Text()))
		}
		return
	}
	if clip.caps {
		u.appendExtended(clipActions|clipText, binary.BigEndian.AppendUint32(nil, display.MaxClipboard))
	}
	if clip.request {
		u.appendExtended(clipRequest|clipText, nil)
	}
	if !clip.known {
		clip.actions, clip.unasked = clipActions, clipUnasked
	}
	text := share.Text()
	provide := clip.provide || clip.news && clip.actions&clipProvide != 0 && len(text) <= int(clip.unasked)
	switch {
	case provide:
		u.appendExtended(clipProvide|clipText, deflateText(text))
	case clip.notify && text == "":
		u.appendExtended(clipNotify, nil)
	case clip.notify, clip.news && clip.actions&clipNotify != 0:
		u.appendExtended(clipNotify|clipText, nil)
	}
}

func (u *updater) appendExtended(flags uint32, data []byte) {
	u.buf = append(u.buf, msgServerCutText, 0, 0, 0)
	u.buf = binary.BigEndian.AppendUint32(u.buf, uint32(-(4 + len(data))))
	u.buf = binary.BigEndian.AppendUint32(u.buf, flags)
	u.buf = append(u.buf, data...)
}

// deflateText packs a text as it is provided.
func deflateText(text string) []byte {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n") + "\x00"
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	_, err := z.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...))
	if err = errors.Join(err, z.Close()); err != nil {
		return nil // a Buffer takes everything
	}
	return out.Bytes()
}

// latin1 is a text for clients that know of no other: what is not in ISO 8859-1 becomes a question mark.
func latin1(text string) string {
	b := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			r = '?'
		}
		b = append(b, byte(r))
	}
	return string(b)
}
