//go:build sdl

package sdl

import (
	"errors"
	"fmt"
	"image"
	"os"
	"sync"
	"sync/atomic"

	"github.com/veandco/go-sdl2/sdl"

	"govm-desktop/display/window"
	"govm-desktop/input"
)

// Built says whether SDL is in this program.
const Built = true

// UI is a window.
type UI struct {
	cfg  Config
	win  *sdl.Window
	w    *window.Window
	back *sdl.Surface // where the screen has other than 32 bits: painted first
	wake struct {
		kind    uint32 // of SDL's event
		pending atomic.Bool
	}
	cursor *sdl.Cursor // of the guest's shape
	ended  bool        // Quit was seen

	mu   sync.Mutex // guards everything below
	todo []func(*window.Window)
	gone bool // SDL is no more
	quit bool
}

// firstSize is a window's before the first picture.
var firstSize = image.Pt(640, 480)

// New opens a window.
func New(cfg Config) (*UI, error) {
	for name, value := range map[string]string{
		sdl.HINT_NO_SIGNAL_HANDLERS: "1", sdl.HINT_GRAB_KEYBOARD: "0", sdl.HINT_APP_NAME: cfg.Name, sdl.HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR: "0",
		sdl.HINT_WINDOWS_NO_CLOSE_ON_ALT_F4: "1", sdl.HINT_FRAMEBUFFER_ACCELERATION: "0", // what has changed goes to the screen as it is: OpenGL would draw all of it, and often in software
	} {
		sdl.SetHint(name, value)
	}
	if err := sdl.Init(sdl.INIT_VIDEO); err != nil {
		return nil, fmt.Errorf("SDL finds no desktop here: %w (-vnc shows the machine to viewers elsewhere)", err)
	}
	if d, _ := sdl.GetCurrentVideoDriver(); os.Getenv("SDL_VIDEODRIVER") == "" && (d == "offscreen" || d == "dummy") {
		sdl.Quit()
		return nil, errors.New("SDL finds no desktop here (-vnc shows the machine to viewers elsewhere)")
	}
	sdl.EnableScreenSaver()
	win, err := sdl.CreateWindow(cfg.Name, sdl.WINDOWPOS_UNDEFINED, sdl.WINDOWPOS_UNDEFINED, int32(firstSize.X), int32(firstSize.Y), sdl.WINDOW_RESIZABLE|sdl.WINDOW_ALLOW_HIGHDPI)
	if err != nil {
		sdl.Quit()
		return nil, fmt.Errorf("SDL opens no window: %w", err)
	}
	u := &UI{cfg: cfg, win: win}
	u.wake.kind = sdl.RegisterEvents(1)
	u.cfg.Wake = u.poke
	u.w = window.New(u.cfg.Config, kit{u})
	u.resized()
	return u, nil
}

// poke has Run look around. It may be called from any goroutine.
func (u *UI) poke() {
	if u.wake.pending.Swap(true) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.gone {
		sdl.PushEvent(&sdl.UserEvent{Type: u.wake.kind})
	}
}

// Post has f called by Run. It may be called from any goroutine.
func (u *UI) Post(f func(*window.Window)) {
	u.mu.Lock()
	u.todo = append(u.todo, f)
	u.mu.Unlock()
	u.poke()
}

// Quit ends Run. It may be called from any goroutine.
func (u *UI) Quit() {
	u.mu.Lock()
	u.quit = true
	u.mu.Unlock()
	u.poke()
}

// Run shows the machine until Quit, and closes the window.
func (u *UI) Run() {
	for !u.ended {
		for e := sdl.WaitEvent(); e != nil; e = sdl.PollEvent() {
			u.handle(e)
		}
		u.posted()
		if u.w.Update() {
			u.paint()
		}
	}
	u.w.Destroy()
	u.mu.Lock()
	u.gone = true
	u.mu.Unlock()
	u.win.Destroy()
	sdl.Quit()
}

// posted does what others asked for.
func (u *UI) posted() {
	u.mu.Lock()
	todo := u.todo
	u.todo, u.ended = nil, u.quit
	u.mu.Unlock()
	for _, f := range todo {
		f(u.w)
	}
}

// paint brings the window up to date.
func (u *UI) paint() {
	s, err := u.win.GetSurface()
	if err != nil {
		return // between two sizes: another event follows
	}
	to := s
	if f := s.Format.Format; f != sdl.PIXELFORMAT_RGB888 && f != sdl.PIXELFORMAT_ARGB8888 {
		to = u.behind(s)
	}
	if to == nil {
		return
	}
	changed := u.w.Paint(&window.Surface{Pix: to.Pixels(), Stride: int(to.Pitch), Size: image.Pt(int(to.W), int(to.H))})
	rects := make([]sdl.Rect, 0, len(changed))
	for _, r := range changed {
		rects = append(rects, sdl.Rect{X: int32(r.Min.X), Y: int32(r.Min.Y), W: int32(r.Dx()), H: int32(r.Dy())})
		if to != s {
			to.Blit(&rects[len(rects)-1], s, &rects[len(rects)-1])
		}
	}
	if len(rects) > 0 && u.win.UpdateSurfaceRects(rects) != nil {
		u.w.Exposed()
	}
}

// behind is a surface of 32 bits for a screen that has others.
func (u *UI) behind(s *sdl.Surface) *sdl.Surface {
	if u.back == nil || u.back.W != s.W || u.back.H != s.H {
		if u.back != nil {
			u.back.Free()
		}
		var err error
		if u.back, err = sdl.CreateRGBSurfaceWithFormat(0, s.W, s.H, 32, sdl.PIXELFORMAT_RGB888); err != nil {
			u.back = nil
		}
		u.w.Exposed()
	}
	return u.back
}

// resized tells the window its sizes.
func (u *UI) resized() {
	w, h := u.win.GetSize()
	pixels := image.Pt(int(w), int(h))
	if s, err := u.win.GetSurface(); err == nil {
		pixels = image.Pt(int(s.W), int(s.H))
	}
	u.w.Resized(image.Pt(int(w), int(h)), pixels)
}

func (u *UI) handle(e sdl.Event) {
	switch e := e.(type) {
	case *sdl.UserEvent:
		if e.Type == u.wake.kind {
			u.wake.pending.Store(false)
		}
	case *sdl.WindowEvent:
		u.window(e)
	case *sdl.QuitEvent:
		u.w.Closed()
	case *sdl.KeyboardEvent:
		if c, ok := u.cfg.Keys.BySDL2(uint32(e.Keysym.Scancode)); ok {
			u.w.Key(c, e.State == sdl.PRESSED)
		}
	case *sdl.TextInputEvent:
		u.w.Text(e.GetText())
	case *sdl.MouseMotionEvent:
		u.w.Motion(image.Pt(int(e.X), int(e.Y)), image.Pt(int(e.XRel), int(e.YRel)))
	case *sdl.MouseButtonEvent:
		buttons := map[uint8]input.Code{sdl.BUTTON_LEFT: input.BtnLeft, sdl.BUTTON_MIDDLE: input.BtnMiddle, sdl.BUTTON_RIGHT: input.BtnRight, sdl.BUTTON_X1: input.BtnSide, sdl.BUTTON_X2: input.BtnExtra}
		if c, ok := buttons[e.Button]; ok {
			u.w.Button(c, e.State == sdl.PRESSED, image.Pt(int(e.X), int(e.Y)))
		}
	case *sdl.MouseWheelEvent:
		u.w.Wheel(float64(e.PreciseX), float64(e.PreciseY))
	}
}

func (u *UI) window(e *sdl.WindowEvent) {
	switch e.Event {
	case sdl.WINDOWEVENT_EXPOSED:
		u.w.Exposed()
	case sdl.WINDOWEVENT_SIZE_CHANGED, sdl.WINDOWEVENT_DISPLAY_CHANGED:
		u.resized()
	case sdl.WINDOWEVENT_MAXIMIZED:
		u.w.Visible(true)
		u.w.Maximised(true)
	case sdl.WINDOWEVENT_RESTORED:
		u.w.Visible(true)
		u.w.Maximised(false)
	case sdl.WINDOWEVENT_SHOWN:
		u.w.Visible(true)
	case sdl.WINDOWEVENT_MINIMIZED, sdl.WINDOWEVENT_HIDDEN:
		u.w.Visible(false)
	case sdl.WINDOWEVENT_FOCUS_GAINED:
		u.w.Focus(true)
	case sdl.WINDOWEVENT_FOCUS_LOST:
		u.w.Focus(false)
	case sdl.WINDOWEVENT_CLOSE:
		u.w.Closed()
	}
}
