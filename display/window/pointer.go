package window

import (
	"image"

	"govm-desktop/display"
	"govm-desktop/input"
)

// pointer is the host's mouse.
type pointer struct {
	grabbed  bool // keyboard and mouse are the guest's alone
	relative bool // movements are reported, not places
	click    bool // the left button is down to grab
	wheel    [2]float64
	shown    shown
}

// shown is how the host's pointer was last asked to look.
type shown struct {
	valid, on bool
	shape     *display.Cursor
	factor    int
}

// absolute reports whether the head that is shown takes places.
func (w *Window) absolute() bool { return w.front().Absolute() }

// setGrab gives keyboard and mouse to the guest alone, or back.
func (w *Window) setGrab(on bool) {
	p := &w.pointer
	on = on && w.head().Text == nil
	if on == p.grabbed {
		return
	}
	p.grabbed = on
	p.relative = on && !w.absolute()
	w.kit.SetPointer(p.relative, on)
	w.kit.GrabKeys(on)
	w.painter.Redraw() // the cursor changes hands
	w.tellPointer()
	w.retitle()
}

// follow takes account of a tablet that has come or gone.
func (w *Window) follow() {
	p := &w.pointer
	if p.grabbed && p.relative == w.absolute() {
		p.relative = !w.absolute()
		w.kit.SetPointer(p.relative, true)
		w.painter.Redraw()
	}
	w.tellPointer()
}

// tellPointer has the host show its pointer, or the guest's in its place, or none where the guest draws one.
func (w *Window) tellPointer() {
	now := shown{valid: true, on: true, factor: max(1, w.geometry.Factor())}
	if w.head().Text == nil && (w.pointer.relative || w.absolute()) {
		c := w.head().Screen.Cursor()
		switch {
		case c == nil || w.pointer.relative:
			now.on = w.cfg.ShowCursor && !w.pointer.relative
		case c.Visible:
			now.shape = c
		default:
			now.on = w.cfg.ShowCursor
		}
	}
	if was := w.pointer.shown; now != was && !(was.valid && was.on == now.on && was.factor == now.factor && sameShape(was.shape, now.shape)) {
		w.kit.ShowPointer(now.on, now.shape, now.factor)
	}
	w.pointer.shown = now
}

// sameShape reports whether two cursors look alike, wherever they are.
func sameShape(a, b *display.Cursor) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Size == b.Size && a.Hot == b.Hot && (len(a.Pix) == 0 || len(b.Pix) > 0 && &a.Pix[0] == &b.Pix[0])
}

// Motion is a movement of the mouse: to a place in logical units, by so much.
func (w *Window) Motion(at, by image.Point) {
	w.follow()
	if w.pointer.relative {
		w.send(input.Event{Kind: input.Rel, X: int32(by.X), Y: int32(by.Y)})
		return
	}
	if w.absolute() && w.geometry.Guest.X > 0 {
		x, y := w.geometry.Abs(at)
		w.send(input.Event{Kind: input.Abs, X: x, Y: y})
	}
}

// send sends an event of the pointer, and that it is complete.
func (w *Window) send(e input.Event) {
	w.front().Send(e)
	w.front().Send(input.Event{Kind: input.Sync})
	w.head().Screen.Hurry()
}

// Button is a button of the mouse.
func (w *Window) Button(c input.Code, down bool, at image.Point) {
	w.keys.alone = false
	w.follow()
	p := &w.pointer
	if !w.absolute() && !p.grabbed { // a click catches the mouse, and is not for the guest
		if c == input.BtnLeft {
			if !down && p.click && w.geometry.Inside(at) {
				w.setGrab(true)
			}
			p.click = down
		}
		return
	}
	if t := w.head().Text; t != nil && c == input.BtnMiddle {
		if down {
			t.Paste(w.kit.Clipboard())
		}
		return
	}
	if !p.relative {
		w.Motion(at, image.Point{})
	}
	w.send(input.Event{Kind: input.Button, Code: c, Down: down})
}

// Wheel is turns of the wheels, in notches or parts of them: y up, x to the right.
func (w *Window) Wheel(x, y float64) {
	w.follow()
	p := &w.pointer
	if !w.absolute() && !p.grabbed {
		return
	}
	p.wheel[0], p.wheel[1] = p.wheel[0]+x, p.wheel[1]+y
	nx, ny := int32(p.wheel[0]), int32(p.wheel[1])
	p.wheel[0], p.wheel[1] = p.wheel[0]-float64(nx), p.wheel[1]-float64(ny)
	if nx != 0 || ny != 0 {
		w.send(input.Event{Kind: input.Wheel, X: nx, Y: ny})
	}
}
