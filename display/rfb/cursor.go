package rfb

import (
	"image"

	"govm-desktop/display"
	"govm-desktop/display/rfb/enc"
)

// appendCursor appends the hardware cursor, for a client that draws it itself, and where it is. Guests without one draw their own
// into the picture.
func (u *updater) appendCursor(first bool) (n int) {
	const shapes = canCursor | canXCursor | canAlphaCursor | canVMwareCursor
	can := u.set.can
	if can&(shapes|canPointerPos|canVMwarePos|canVMwareState) == 0 {
		return 0
	}
	now, was := u.c.s.cfg.Screen.Cursor(), u.cursor
	if now == was && !first || now == nil {
		return 0
	}
	u.cursor = now
	n += u.appendPointer(was, now, first)
	if !first && was != nil && sameShape(was, now) || can&shapes == 0 {
		return n
	}
	c := *now
	if !c.Visible || c.Size.X <= 0 || c.Size.Y <= 0 || len(c.Pix) < 4*c.Size.X*c.Size.Y {
		c = display.Cursor{}
	}
	r := image.Rectangle{Min: c.Hot, Max: c.Hot.Add(c.Size)}
	switch {
	case can&canAlphaCursor != 0:
		u.buf = append(appendRect(u.buf, r, encAlphaCursor), 0, 0, 0, 0) // in Raw
		u.buf = enc.AppendAlpha(u.buf, c.Pix[:4*c.Size.X*c.Size.Y])
	case can&canVMwareCursor != 0:
		u.buf = append(appendRect(u.buf, r, encVMwareCursor), 1, 0) // with an alpha channel, here not multiplied
		u.buf = enc.AppendRGBA(u.buf, c.Pix[:4*c.Size.X*c.Size.Y])
	case can&canCursor != 0:
		u.buf = appendRect(u.buf, r, encCursor)
		f := &display.Frame{Pix: c.Pix, Stride: 4 * c.Size.X, Rect: image.Rectangle{Max: c.Size}}
		u.buf = enc.AppendMask(enc.Raw{}.Encode(u.buf, u.pixels, f, f.Rect), &c, false)
	default:
		u.buf = appendRect(u.buf, r, encXCursor)
		if c.Size.X > 0 {
			u.buf = append(u.buf, 255, 255, 255, 0, 0, 0) // light and dark
			u.buf = enc.AppendMask(enc.AppendMask(u.buf, &c, true), &c, false)
		}
	}
	return n + 1
}

// Flags of VMware's cursor state.
const (
	vmwareVisible  = 1
	vmwareAbsolute = 2
)

// appendPointer appends where the cursor is and whether it is seen, without its shape.
func (u *updater) appendPointer(was, now *display.Cursor, first bool) (n int) {
	at := image.Rectangle{Min: now.Pos, Max: now.Pos}
	if can := u.set.can; was == nil || was.Pos != now.Pos {
		if can&canPointerPos != 0 {
			u.buf = appendRect(u.buf, at, encPointerPos)
			n++
		}
		if can&canVMwarePos != 0 {
			u.buf = appendRect(u.buf, at, encVMwarePos)
			n++
		}
	}
	if u.set.can&canVMwareState != 0 && (first || was == nil || was.Visible != now.Visible) {
		state := byte(0)
		if now.Visible {
			state |= vmwareVisible
		}
		if in := u.c.s.cfg.Input; in != nil && in.Absolute() {
			state |= vmwareAbsolute
		}
		u.buf = append(appendRect(u.buf, image.Rectangle{}, encVMwareState), 0, state)
		n++
	}
	return n
}

func sameShape(a, b *display.Cursor) bool {
	return a.Visible == b.Visible && a.Hot == b.Hot && a.Size == b.Size && (len(a.Pix) == 0 || len(b.Pix) > 0 && &a.Pix[0] == &b.Pix[0])
}
