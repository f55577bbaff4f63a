//go:build sdl

package sdl

import (
	"image"

	"github.com/veandco/go-sdl2/sdl"

	"govm-desktop/display"
	"govm-desktop/input"
)

// kit is SDL as window.Toolkit.
type kit struct{ u *UI }

func (k kit) SetTitle(s string) { k.u.win.SetTitle(s) }

// SetSize moves the window too if it would grow beyond the desktop.
func (k kit) SetSize(p image.Point) {
	w := k.u.win
	w.SetSize(int32(p.X), int32(p.Y))
	r, ok := k.desktop()
	if !ok {
		return
	}
	x, y := w.GetPosition()
	nx, ny := max(r.X, min(x, r.X+r.W-int32(p.X))), max(r.Y, min(y, r.Y+r.H-int32(p.Y)))
	if nx != x || ny != y {
		w.SetPosition(nx, ny)
	}
}

// desktop is where windows can be on the window's display.
func (k kit) desktop() (sdl.Rect, bool) {
	i, err := k.u.win.GetDisplayIndex()
	if err != nil {
		return sdl.Rect{}, false
	}
	r, err := sdl.GetDisplayUsableBounds(i)
	return r, err == nil
}

func (k kit) SetFullScreen(on bool) {
	flags := uint32(0)
	if on {
		flags = sdl.WINDOW_FULLSCREEN_DESKTOP
	}
	k.u.win.SetFullscreen(flags) // a desktop that has none leaves the window as it is
}

// Room leaves a title bar's height to the desktop.
func (k kit) Room() image.Point {
	const bar = 32
	r, ok := k.desktop()
	if !ok {
		return image.Point{}
	}
	return image.Pt(int(r.W), int(r.H)-bar)
}

func (k kit) SetPointer(relative, confined bool) {
	sdl.SetRelativeMouseMode(relative)
	k.u.win.SetGrab(confined)
}

func (k kit) ShowPointer(show bool, shape *display.Cursor, factor int) {
	old := k.u.cursor
	k.u.cursor = nil
	if shape != nil {
		k.u.cursor = cursor(shape, factor)
	}
	if c := k.u.cursor; c != nil {
		sdl.SetCursor(c)
	} else {
		sdl.SetCursor(sdl.GetDefaultCursor())
	}
	if old != nil {
		sdl.FreeCursor(old)
	}
	toggle := sdl.DISABLE
	if show {
		toggle = sdl.ENABLE
	}
	sdl.ShowCursor(toggle)
}

// cursor is a guest's cursor, each dot factor pixels wide; nil: SDL does not take it.
func cursor(c *display.Cursor, factor int) *sdl.Cursor {
	w, h := c.Size.X*factor, c.Size.Y*factor
	if w <= 0 || h <= 0 || len(c.Pix) < 4*c.Size.X*c.Size.Y {
		return nil
	}
	s, err := sdl.CreateRGBSurfaceWithFormat(0, int32(w), int32(h), 32, sdl.PIXELFORMAT_ARGB8888)
	if err != nil {
		return nil
	}
	defer s.Free()
	to := s.Pixels()
	for y := range h {
		for x := range w {
			copy(to[y*int(s.Pitch)+4*x:][:4], c.Pix[4*(y/factor*c.Size.X+x/factor):])
		}
	}
	return sdl.CreateColorCursor(s, int32(c.Hot.X*factor), int32(c.Hot.Y*factor))
}

func (k kit) GrabKeys(on bool) { k.u.win.SetKeyboardGrab(on) }

func (k kit) TextInput(on bool) {
	if on {
		sdl.StartTextInput()
	} else {
		sdl.StopTextInput()
	}
}

func (k kit) Locks() (l input.LEDs) {
	mod := sdl.GetModState()
	if mod&sdl.KMOD_CAPS != 0 {
		l |= input.LEDCaps
	}
	if mod&sdl.KMOD_NUM != 0 {
		l |= input.LEDNum
	}
	return l
}

func (k kit) Clipboard() string {
	s, _ := sdl.GetClipboardText() // none is an empty one
	return s
}

func (k kit) SetClipboard(s string) { sdl.SetClipboardText(s) }
