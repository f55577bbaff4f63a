package window

import (
	"image"

	"govm-desktop/display"
	"govm-desktop/input"
)

// Toolkit is what a Window needs of the system beneath. It is called from the goroutine that calls the Window.
type Toolkit interface {
	SetTitle(string)
	// SetSize asks for a size in logical units. What comes of it is told to Window.Resized.
	SetSize(image.Point)
	SetFullScreen(bool)
	// Room is how big a window can be in logical units; zero where that is not known.
	Room() image.Point
	// SetPointer says how the mouse is reported: by movements alone, the pointer being caught and hidden; or by places, confined to the window or not.
	SetPointer(relative, confined bool)
	// ShowPointer shows the host's pointer over the window, in the guest's shape if there is one (scaled by a factor that is not below 1).
	ShowPointer(show bool, shape *display.Cursor, factor int)
	// GrabKeys keeps the desktop's own keys (Alt-Tab …) from it.
	GrabKeys(bool)
	// TextInput has what is typed reported as characters too.
	TextInput(bool)
	Locks() input.LEDs // what the host's keyboard has locked
	Clipboard() string
	SetClipboard(string)
}

// Config says what a Window shows and how.
type Config struct {
	Name       string
	Heads      []*display.Head // at least one: the first is shown first
	GrabKey    GrabKey
	ShowCursor bool // the host's pointer is shown over the guest too
	FullScreen bool
	// Close is called when the user closes the window; nil: closing does nothing.
	Close func()
	Wake  func() // called from any goroutine, must not block: Update is due
}

// Window is a window with a machine in it. All of its methods belong to one goroutine, except where they say otherwise.
type Window struct {
	cfg     Config
	kit     Toolkit
	feed    *Feed
	painter Painter
	fronts  []*input.Front // one for each head

	at       int // the head that is shown
	geometry Geometry
	frame    *display.Frame // the newest; nil: none yet
	damage   display.Region // not painted yet
	zoom     float64
	native   bool // the zoom is such that a dot is a pixel
	full     bool // screen
	maximal  bool
	visible  bool
	status   string

	keys    keys
	pointer pointer
	leds    input.LEDs
	guided  bool // the guest has been seen to set its keyboard's lights
}

// New returns a Window on a toolkit.
func New(cfg Config, kit Toolkit) *Window {
	w := &Window{cfg: cfg, kit: kit, feed: NewFeed(cfg.Wake), zoom: 1, visible: true}
	w.keys.init()
	for _, h := range cfg.Heads {
		w.fronts = append(w.fronts, h.Input.Front())
	}
	w.fronts[0].WatchLEDs(func(input.LEDs) { cfg.Wake() })
	w.leds = w.fronts[0].LEDs()
	w.show(0)
	if cfg.FullScreen {
		w.setFullScreen(true)
	}
	return w
}

// Destroy lets go of everything.
func (w *Window) Destroy() {
	w.feed.Show(nil)
	for _, f := range w.fronts {
		f.Close()
	}
	w.frame.Release()
	w.frame = nil
}

func (w *Window) head() *display.Head { return w.cfg.Heads[w.at] }

func (w *Window) front() *input.Front { return w.fronts[w.at] }

// show brings another head to the front.
func (w *Window) show(i int) {
	w.setGrab(false)
	w.front().ReleaseAll()
	w.at = i
	w.pointer.wheel = [2]float64{}
	w.watch()
	w.kit.TextInput(w.head().Text != nil)
	w.tellPointer()
	w.retitle()
}

// watch has pictures come, or not.
func (w *Window) watch() {
	if w.visible {
		w.feed.Show(w.head().Screen)
	} else {
		w.feed.Show(nil)
	}
}

// Update takes what is new: a picture, the guest's lights, its cursor. It reports whether Paint has something to do.
func (w *Window) Update() bool {
	if l := w.fronts[0].LEDs(); l != w.leds {
		w.leds, w.guided = l, true
		w.retitle()
	}
	f, damage := w.feed.Take()
	if f == nil {
		return w.pending()
	}
	w.frame.Release()
	w.frame = f
	w.damage = w.damage.Union(damage)
	if size := f.Rect.Size(); size != w.geometry.Guest {
		w.geometry.Guest = size
		w.painter.Redraw()
		w.resize()
	}
	w.tellPointer()
	return true
}

func (w *Window) pending() bool { return w.frame != nil && (w.painter.whole || !w.damage.Empty()) }

// Paint brings the surface up to date and returns the parts that have changed, in pixels.
func (w *Window) Paint(dst *Surface) []image.Rectangle {
	if w.frame == nil {
		return nil
	}
	g := w.geometry
	g.Pixels = dst.Size // it may be ahead of what was told
	cursor := w.head().Screen.Cursor()
	if !w.pointer.relative {
		cursor = nil // the host shows it
	}
	out := w.painter.Paint(dst, g, w.frame, w.damage, cursor)
	w.damage = nil
	return out
}

// Exposed says that the surface has lost what was on it.
func (w *Window) Exposed() { w.painter.Redraw() }

// Resized says how big the window is.
func (w *Window) Resized(window, pixels image.Point) {
	w.geometry.Window, w.geometry.Pixels = window, pixels
	w.painter.Redraw()
	w.pointer.shown = shown{} // its shape may have another scale
	w.tellPointer()
}

// Maximised says that the window fills the desktop, or does no more.
func (w *Window) Maximised(on bool) { w.maximal = on }

// Visible says whether anybody can see the window. Nothing is drawn for one that nobody sees.
func (w *Window) Visible(on bool) {
	if on != w.visible {
		w.visible = on
		w.painter.Redraw()
		w.watch()
	}
}

// Closed says that the user wants the window to be gone.
func (w *Window) Closed() {
	if w.cfg.Close != nil {
		w.cfg.Close()
	}
}

// SetStatus is what the title says of the machine; "" while it runs.
func (w *Window) SetStatus(s string) {
	if s != w.status {
		w.status = s
		w.retitle()
	}
}

// resize makes the window as big as picture and zoom ask for.
func (w *Window) resize() {
	if w.full || w.maximal || w.geometry.Guest == (image.Point{}) {
		return
	}
	zoom := w.zoom
	if w.native && w.geometry.Pixels.X > 0 {
		zoom = float64(w.geometry.Window.X) / float64(w.geometry.Pixels.X)
	}
	w.kit.SetSize(fit(w.geometry.Guest, zoom, w.kit.Room()))
}

func (w *Window) setFullScreen(on bool) {
	w.full = on
	w.kit.SetFullScreen(on)
	w.painter.Redraw()
	if !on {
		w.resize()
	}
}

// zoomBy goes a step up or down from what is seen, or back to 1.
func (w *Window) zoomBy(step int) {
	if w.full || w.geometry.Guest.X == 0 {
		return
	}
	now := float64(w.geometry.Window.X) / float64(w.geometry.Guest.X)
	if y := float64(w.geometry.Window.Y) / float64(w.geometry.Guest.Y); y < now && y > 0 {
		now = y
	}
	w.native = false
	if step == 0 {
		w.zoom = 1
	} else {
		w.zoom = nextZoom(now, step > 0)
	}
	w.resize()
}

// retitle says what the window shows, and how to get out of it.
func (w *Window) retitle() {
	t := w.cfg.Name
	if w.at > 0 || w.head().Text != nil {
		t += " (" + w.head().Name + ")"
	}
	if w.status != "" {
		t += " [" + w.status + "]"
	}
	for _, l := range []struct {
		bit  input.LEDs
		name string
	}{{input.LEDCaps, "Caps Lock"}, {input.LEDScroll, "Scroll Lock"}} {
		if w.leds&l.bit != 0 && w.head().Text == nil {
			t += " [" + l.name + "]"
		}
	}
	if w.pointer.grabbed {
		t += " - press " + w.cfg.GrabKey.String() + "-G to release the grab"
	}
	w.kit.SetTitle(t)
}
