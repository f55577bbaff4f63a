package rfb

import "govm-desktop/input"

// Bits of a PointerEvent's mask (RFC 6143, section 7.5.5): the first three are buttons, then come wheels, and what clients with
// extended buttons have at the side.
const (
	wheelUp = 3
	side    = 7
)

const (
	origin  = 0x7fff // what a client that sends movements adds to them
	maxMove = 0x2000 // what moves further is a position, sent before the client knew better
)

// pointer takes a PointerEvent. moves says that the client knows of sending movements.
func (h *hands) pointer(x, y int, mask uint16, moves bool) {
	if h.to == nil {
		return
	}
	switch dx, dy := x-origin, y-origin; {
	case h.abs():
		h.position(x, y)
	case moves && max(dx, -dx, dy, -dy) <= maxMove:
		h.move(dx, dy)
		h.known = false
	default:
		// A mouse that moves, seen by a client that has positions: the first one is where it starts.
		if h.known {
			h.move(x-h.x, y-h.y)
		}
		h.x, h.y, h.known = x, y, true
	}
	h.press(mask)
	h.send(input.Event{Kind: input.Sync})
	h.screen.Hurry()
}

func (h *hands) move(dx, dy int) {
	if dx != 0 || dy != 0 {
		h.send(input.Event{Kind: input.Rel, X: int32(dx), Y: int32(dy)})
	}
}

// position points at a pixel.
func (h *hands) position(x, y int) {
	h.known = false
	w, height := h.screen.Size()
	scale := func(v, size int) int32 {
		if size < 2 {
			return 0
		}
		return int32((min(v, size-1)*input.AbsMax + (size-1)/2) / (size - 1))
	}
	h.send(input.Event{Kind: input.Abs, X: scale(x, w), Y: scale(y, height)})
}

// press sends what changed about the buttons. A wheel's notch is a press of one.
func (h *hands) press(mask uint16) {
	changed := mask ^ h.buttons
	h.buttons = mask
	for bit, code := range [wheelUp]input.Code{input.BtnLeft, input.BtnMiddle, input.BtnRight} {
		if changed>>bit&1 != 0 {
			h.send(input.Event{Kind: input.Button, Code: code, Down: mask>>bit&1 != 0})
		}
	}
	for i, code := range [...]input.Code{input.BtnSide, input.BtnExtra} {
		if changed>>(side+i)&1 != 0 {
			h.send(input.Event{Kind: input.Button, Code: code, Down: mask>>(side+i)&1 != 0})
		}
	}
	for i, e := range [...]input.Event{{Y: 1}, {Y: -1}, {X: -1}, {X: 1}} {
		if changed&mask>>(wheelUp+i)&1 != 0 {
			e.Kind = input.Wheel
			h.send(e)
		}
	}
}
