package rfbtest

import (
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"slices"
)

// control receives messages that are no pictures.
func (c *Client) control(t uint8) (bool, error) {
	switch t {
	case 150:
		c.mu.Lock()
		c.state.Ends++
		c.mu.Unlock()
	case 248:
		c.r.bytes(3)
		flags := c.r.u32()
		payload := slices.Clone(c.r.bytes(int(c.r.u8())))
		c.mu.Lock()
		c.state.Fences = append(c.state.Fences, flags)
		c.mu.Unlock()
		if flags>>31 != 0 && c.r.err == nil {
			return true, c.SendFence(flags&7, payload)
		}
	case 250:
		c.r.u8()
		c.r.u8()
		code := c.r.u8()
		c.mu.Lock()
		c.state.XVP = append(c.state.XVP, code)
		c.mu.Unlock()
	case 255:
		return true, c.sound()
	default:
		return false, nil
	}
	return true, c.r.err
}

// SendFence sends a fence, or the answer to one.
func (c *Client) SendFence(flags uint32, payload []byte) error {
	b := binary.BigEndian.AppendUint32([]byte{248, 0, 0, 0}, flags)
	return c.write(append(append(b, byte(len(payload))), payload...))
}

// Stream switches continuous updates on for a part of the picture, or off.
func (c *Client) Stream(on bool, r image.Rectangle) error {
	b := []byte{150, flag(on)}
	for _, v := range [4]int{r.Min.X, r.Min.Y, r.Dx(), r.Dy()} {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return c.write(b)
}

// cursor receives a cursor of any kind.
func (c *Client) cursor(r image.Rectangle, id int32) error {
	mask := (r.Dx() + 7) / 8 * r.Dy()
	var n int
	switch id {
	case Cursor:
		c.mu.Lock()
		n = r.Dx()*r.Dy()*int(c.format.BPP)/8 + mask
		c.mu.Unlock()
	case XCursor:
		if n = 2 * mask; n > 0 {
			n += 6
		}
	case VMwareCursor:
		if kind := c.r.u16(); kind != 1<<8 && c.r.err == nil {
			return fmt.Errorf("rfbtest: a VMware cursor of the kind %#x", kind)
		}
		n = 4 * r.Dx() * r.Dy()
	default:
		c.r.u32()
		n = 4 * r.Dx() * r.Dy()
	}
	pix := slices.Clone(c.r.bytes(n))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.CursorHot, c.state.CursorSize, c.state.CursorPix = r.Min, r.Size(), pix
	return c.r.err
}

// Await waits, without asking for anything, until what the server sent by itself is as wanted.
func (c *Client) Await(ctx context.Context, ok func(s *State, i *image.RGBA) bool) error {
	for {
		c.mu.Lock()
		done, err, changed := ok(&c.state, c.fb), c.err, c.changed
		c.mu.Unlock()
		switch {
		case done:
			return nil
		case err != nil:
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Follow follows the picture as WaitFor does, without asking for all of it first.
func (c *Client) Follow(ctx context.Context, ok func(*image.RGBA) bool) error {
	return c.fetch(ctx, true, func() bool { return ok(c.fb) })
}
