package window

import (
	"fmt"
	"image"
	"strings"
	"testing"
	"time"

	"govm-desktop/display"
	"govm-desktop/display/displaytest"
	"govm-desktop/input"
)

// fakeKit is a toolkit that remembers what it was asked.
type fakeKit struct {
	title              string
	size               image.Point
	room               image.Point
	full               bool
	relative, confined bool
	pointer            bool
	shape              *display.Cursor
	grab, text         bool
	locks              input.LEDs
	clip               string
	told               int // calls of ShowPointer
}

func (k *fakeKit) SetTitle(s string)        { k.title = s }
func (k *fakeKit) SetSize(p image.Point)    { k.size = p }
func (k *fakeKit) SetFullScreen(on bool)    { k.full = on }
func (k *fakeKit) Room() image.Point        { return k.room }
func (k *fakeKit) SetPointer(rel, con bool) { k.relative, k.confined = rel, con }
func (k *fakeKit) GrabKeys(on bool)         { k.grab = on }
func (k *fakeKit) TextInput(on bool)        { k.text = on }
func (k *fakeKit) Locks() input.LEDs        { return k.locks }
func (k *fakeKit) Clipboard() string        { return k.clip }
func (k *fakeKit) SetClipboard(s string)    { k.clip = s }
func (k *fakeKit) ShowPointer(show bool, c *display.Cursor, _ int) {
	k.pointer, k.shape = show, c
	k.told++
}

// events are what a guest's device got.
type events []input.Event

func (e *events) Send(v input.Event) {
	if v.Kind != input.Sync {
		*e = append(*e, v)
	}
}

func (e *events) want(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, v := range *e {
		down := map[bool]string{true: "+", false: "-"}[v.Down]
		switch v.Kind {
		case input.Key, input.Button:
			got = append(got, fmt.Sprint(down, int(v.Code)))
		case input.Rel:
			got = append(got, fmt.Sprintf("rel %d,%d", v.X, v.Y))
		case input.Abs:
			got = append(got, fmt.Sprintf("abs %d,%d", v.X, v.Y))
		case input.Wheel:
			got = append(got, fmt.Sprintf("wheel %d,%d", v.X, v.Y))
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the guest got %q, want %q", got, want)
	}
	*e = nil
}

// fakeText is a head of text.
type fakeText struct{ typed, pasted, marked string }

func (f *fakeText) Type(s string)     { f.typed += s }
func (f *fakeText) Paste(s string)    { f.pasted += s }
func (f *fakeText) Selection() string { return f.marked }

type rig struct {
	*Window
	kit    *fakeKit
	guest  events
	con    events
	text   fakeText
	src    *displaytest.Fake
	router *input.Router
	closed int
	woken  chan struct{}
}

// newRig is a window on a guest with a PS/2 keyboard and mouse and a text console.
func newRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	r := &rig{kit: &fakeKit{room: image.Pt(1920, 1080)}, src: displaytest.NewFake(640, 480), router: &input.Router{}, woken: make(chan struct{}, 1)}
	screen, other := display.NewScreen(r.src, display.Options{}), display.NewScreen(nil, display.Options{})
	var con input.Router
	r.router.Add(&r.guest, input.Key, input.Button, input.Rel, input.Wheel)
	con.Add(&r.con, input.Key, input.Button, input.Abs, input.Wheel)
	grab, err := ParseGrabKey("")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Name: "vm", GrabKey: grab, Heads: []*display.Head{{Name: "VGA", Screen: screen, Input: r.router}, {Name: "monitor", Screen: other, Input: &con, Text: &r.text}},
		Close: func() { r.closed++ }, Wake: func() {
			select {
			case r.woken <- struct{}{}:
			default:
			}
		}}
	if change != nil {
		change(&cfg)
	}
	r.Window = New(cfg, r.kit)
	t.Cleanup(func() { r.Destroy(); screen.Close(); other.Close() })
	r.Resized(image.Pt(640, 480), image.Pt(640, 480))
	return r
}

// picture waits for a picture of a size.
func (r *rig) picture(t *testing.T, size image.Point) {
	t.Helper()
	late := time.After(10 * time.Second)
	for r.geometry.Guest != size {
		select {
		case <-r.woken:
			r.Update()
		case <-late:
			t.Fatalf("no picture of %v", size)
		}
	}
}

func (r *rig) press(codes ...input.Code) {
	for _, c := range codes {
		r.Key(c, true)
	}
	for i := range codes {
		r.Key(codes[len(codes)-1-i], false)
	}
}

const (
	ctrl, alt, shiftKey, rctrl = keyLeftCtrl, keyLeftAlt, keyLeftShift, keyRightCtrl
	keyA, keyG, keyF, keyU     = 30, 34, 33, 22
)

func TestKeys(t *testing.T) {
	r := newRig(t, nil)
	r.Focus(true)
	r.press(shiftKey, keyA)
	r.guest.want(t, "+42", "+30", "-30", "-42")
	r.Key(keyA, true)
	r.Key(keyA, true) // it repeats
	r.Focus(false)
	r.guest.want(t, "+30", "+30", "-30")
	r.Key(keyA, false) // late
	r.guest.want(t)
	r.Focus(true)
	r.press(ctrl, alt, 59) // no command: the guest's
	r.guest.want(t, "+29", "+56", "+59", "-59", "-56", "-29")
	r.Key(ctrl, true)
	r.Key(alt, true)
	r.Key(keyF, true)
	r.Key(keyF, true)
	r.guest.want(t, "+29", "+56", "-56", "-29") // the guest sees them no more
	if !r.kit.full {
		t.Error("no full screen, or it was left again by repetition")
	}
	r.Key(ctrl, false)
	r.Key(alt, false)
	r.Key(keyF, false)
	r.guest.want(t)
	r.press(ctrl, alt, 107)
	r.guest.want(t, "+29", "+56", "-56", "-29", "+29", "+56", "+111", "-111", "-56", "-29")
	r.press(ctrl, alt, 9) // there is no console 8
	r.guest.want(t, "+29", "+56", "+9", "-9", "-56", "-29")
}

func TestKeys_grabModifiers(t *testing.T) {
	for _, c := range []struct {
		name  string
		keys  []input.Code
		other []input.Code
		title string
	}{
		{"", []input.Code{ctrl, alt}, []input.Code{rctrl}, "Ctrl-Alt-G"},
		{"lshift-lctrl-lalt", []input.Code{shiftKey, ctrl, alt}, []input.Code{ctrl, alt}, "Ctrl-Alt-Shift-G"},
		{"rctrl", []input.Code{rctrl}, []input.Code{ctrl, alt}, "Right-Ctrl-G"},
	} {
		g, err := ParseGrabKey(c.name)
		if err != nil {
			t.Fatal(err)
		}
		r := newRig(t, func(cfg *Config) { cfg.GrabKey = g })
		r.press(append(c.other, keyG)...)
		if r.kit.grab {
			t.Errorf("%s: %v grabs", c.name, c.other)
		}
		r.press(append(c.keys, keyG)...)
		if !r.kit.grab || !strings.Contains(r.kit.title, c.title) {
			t.Errorf("%s: no grab; title %q", c.name, r.kit.title)
		}
		r.press(append(c.keys, 59)...)
		if !r.kit.grab {
			t.Errorf("%s: released though another key was pressed too", c.name)
		}
		r.press(c.keys...)
		if r.kit.grab || strings.Contains(r.kit.title, "-G") {
			t.Errorf("%s: the keys alone do not release the grab; title %q", c.name, r.kit.title)
		}
		r.press(c.keys...)
		if r.kit.grab {
			t.Errorf("%s: the keys alone grab", c.name)
		}
	}
	if _, err := ParseGrabKey("meta"); err == nil {
		t.Error("grab-mod=meta passes")
	}
}

func TestMouse_relative(t *testing.T) {
	r := newRig(t, nil)
	r.picture(t, image.Pt(640, 480))
	at := image.Pt(100, 100)
	r.Motion(at, image.Pt(3, 4))
	r.Wheel(0, 1)
	r.Button(input.BtnRight, true, at)
	r.Button(input.BtnRight, false, at)
	r.guest.want(t)
	r.Button(input.BtnLeft, true, at)
	if r.kit.relative {
		t.Error("caught before the button is up")
	}
	r.Button(input.BtnLeft, false, at)
	r.guest.want(t) // this click was the window's
	if !r.kit.relative || !r.kit.confined || !r.kit.grab || r.kit.pointer {
		t.Errorf("%+v", r.kit)
	}
	r.Motion(at, image.Pt(3, -4))
	r.Button(input.BtnSide, true, at)
	r.Button(input.BtnSide, false, at)
	r.Wheel(0.5, -1)
	r.Wheel(0.5, 0)
	r.guest.want(t, "rel 3,-4", "+275", "-275", "wheel 0,-1", "wheel 1,0")
	r.Button(input.BtnLeft, true, at)
	r.Focus(false)
	r.guest.want(t, "+272", "-272")
	if r.kit.relative || r.kit.grab || !r.kit.pointer {
		t.Errorf("the grab outlives the focus: %+v", r.kit)
	}
}

func TestMouse_absolute(t *testing.T) {
	r := newRig(t, nil)
	r.picture(t, image.Pt(640, 480))
	r.press(ctrl, alt, keyG)
	r.guest = nil
	var tablet events
	remove := r.router.Add(&tablet, input.Abs, input.Button)
	r.Motion(image.Pt(639, 0), image.Pt(1, 1))
	tablet.want(t, "abs 32741,34")
	if r.kit.relative || r.kit.pointer {
		t.Errorf("a tablet does not end relative movement: %+v", r.kit)
	}
	r.Button(input.BtnLeft, true, image.Pt(0, 479))
	r.Button(input.BtnLeft, false, image.Pt(0, 479))
	tablet.want(t, "abs 25,32732", "+272", "abs 25,32732", "-272")
	c := &display.Cursor{Pix: make([]byte, 4*16), Size: image.Pt(4, 4), Visible: true}
	r.head().Screen.SetCursor(c)
	r.Motion(image.Pt(1, 1), image.Pt(1, 1))
	if !r.kit.pointer || r.kit.shape == nil {
		t.Errorf("the guest's cursor is not the host's: %+v", r.kit)
	}
	told := r.kit.told
	moved := *c
	moved.Pos = image.Pt(7, 7)
	r.head().Screen.SetCursor(&moved)
	r.Motion(image.Pt(2, 2), image.Pt(1, 1))
	if r.kit.told != told {
		t.Error("the host makes a new cursor for each movement")
	}
	remove()
	r.Motion(image.Pt(3, 3), image.Pt(1, 1))
	if !r.kit.relative {
		t.Error("the mouse is back, but not caught")
	}
}

func TestConsoles(t *testing.T) {
	r := newRig(t, nil)
	r.Key(keyA, true)
	r.guest = nil
	r.press(ctrl, alt, 3)
	r.guest.want(t, "+29", "+56", "-56", "-29", "-30") // nothing stays pressed behind
	if r.kit.title != "vm (monitor)" || !r.kit.text || !r.kit.pointer {
		t.Errorf("%+v", r.kit)
	}
	r.Key(keyA, false)
	r.con = nil
	r.press(keyA)
	r.Text("ä")
	r.press(ctrl, 46)
	r.Text("x") // some toolkits say it though Ctrl is held
	if r.text.typed != "äx" {
		t.Errorf("typed %q", r.text.typed)
	}
	r.con.want(t, "+29", "+46", "-46", "-29")
	r.Key(ctrl, true)
	r.Text("y")
	r.Key(ctrl, false)
	if r.text.typed != "äx" {
		t.Errorf("typed %q with Ctrl held", r.text.typed)
	}
	r.text.marked, r.con = "marked", nil
	r.press(ctrl, shiftKey, 46)
	if r.kit.clip != "marked" {
		t.Errorf("the clipboard has %q", r.kit.clip)
	}
	r.kit.clip = "from afar"
	r.press(ctrl, shiftKey, 47)
	r.Button(input.BtnMiddle, true, image.Pt(5, 5))
	r.Button(input.BtnMiddle, false, image.Pt(5, 5))
	if r.text.pasted != "from afarfrom afar" {
		t.Errorf("pasted %q", r.text.pasted)
	}
	r.press(79) // keypad 1 without Num Lock
	r.kit.locks = input.LEDNum
	r.press(79)
	r.con.want(t, "+29", "+42", "-42", "-29", "+29", "+42", "-42", "-29", "+107", "-107")
	r.press(ctrl, alt, 2)
	if r.kit.title != "vm" || r.kit.text {
		t.Errorf("back: %+v", r.kit)
	}
}

func TestSizes(t *testing.T) {
	r := newRig(t, nil)
	r.picture(t, image.Pt(640, 480))
	follow := func(p image.Point) { r.Resized(p, p) }
	want := func(what string, p image.Point) {
		t.Helper()
		if r.kit.size != p {
			t.Errorf("%s: %v, want %v", what, r.kit.size, p)
		}
		follow(r.kit.size)
	}
	want("first", image.Pt(640, 480))
	r.press(ctrl, alt, 13)
	want("zoomed", image.Pt(800, 600))
	r.src.Resize(1024, 768)
	r.picture(t, image.Pt(1024, 768))
	want("follows with its zoom", image.Pt(1280, 960))
	r.src.Resize(1600, 1200)
	r.picture(t, image.Pt(1600, 1200))
	want("no bigger than the desktop", image.Pt(1440, 1080))
	r.press(ctrl, alt, 12)
	want("zoomed out", image.Pt(1200, 900))
	r.press(ctrl, alt, 12)
	want("zoomed out more", image.Pt(800, 600))
	r.press(ctrl, alt, 11)
	want("back", image.Pt(1440, 1080))
	r.src.Resize(640, 480)
	r.picture(t, image.Pt(640, 480))
	want("again", image.Pt(640, 480))
	r.Resized(image.Pt(640, 480), image.Pt(1280, 960)) // a dense display
	r.press(ctrl, alt, keyU)
	if r.kit.size != image.Pt(320, 240) {
		t.Errorf("a dot is not a pixel: %v", r.kit.size)
	}
	follow(image.Pt(640, 480))
	r.kit.size = image.Point{}
	r.press(ctrl, alt, keyF)
	r.src.Resize(800, 600)
	r.picture(t, image.Pt(800, 600))
	r.press(ctrl, alt, 13)
	if r.kit.size != (image.Point{}) || !r.kit.full {
		t.Errorf("the full screen was resized to %v", r.kit.size)
	}
	r.press(ctrl, alt, keyF)
	want("out of the full screen", image.Pt(800, 600))
}

func TestTitle(t *testing.T) {
	r := newRig(t, nil)
	r.SetStatus("Paused")
	r.router.SetLEDs(input.LEDCaps | input.LEDNum)
	r.Update()
	if r.kit.title != "vm [Paused] [Caps Lock]" {
		t.Errorf("%q", r.kit.title)
	}
	r.Closed()
	if r.closed != 1 {
		t.Error("closing does nothing")
	}
}

// TestLocks brings the guest's locks in line with the host's, if the guest sets its lights at all.
func TestLocks(t *testing.T) {
	r := newRig(t, nil)
	r.kit.locks = input.LEDCaps
	r.Focus(true)
	r.guest.want(t)
	r.router.SetLEDs(input.LEDNum)
	r.Update()
	r.kit.locks = input.LEDCaps | input.LEDNum
	r.Focus(true)
	r.guest.want(t, "+58", "-58")
}

func TestPaint_hiddenWindow(t *testing.T) {
	r := newRig(t, nil)
	r.picture(t, image.Pt(640, 480))
	if got := r.Paint(surface(640, 480)); len(got) != 1 {
		t.Errorf("first painted %v", got)
	}
	r.src.Fill(image.Rect(10, 20, 13, 25), 0x123456)
	<-r.woken
	for !r.Update() {
		<-r.woken
	}
	if got := r.Paint(surface(640, 480)); len(got) != 1 || got[0] != image.Rect(10, 20, 13, 25) {
		t.Errorf("painted %v", got)
	}
	r.Visible(false)
	draws := r.src.Draws()
	r.src.Fill(image.Rect(0, 0, 640, 480), 1)
	time.Sleep(3 * time.Millisecond)
	if r.src.Draws() > draws+1 {
		t.Error("drawn for nobody")
	}
}
