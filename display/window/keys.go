package window

import (
	"fmt"
	"strings"

	"govm-desktop/input"
)

// Keys that matter here, by Linux' numbers.
const (
	keyLeftCtrl   input.Code = 29
	keyLeftShift  input.Code = 42
	keyRightShift input.Code = 54
	keyLeftAlt    input.Code = 56
	keyCapsLock   input.Code = 58
	keyNumLock    input.Code = 69
	keyRightCtrl  input.Code = 97
	keyRightAlt   input.Code = 100
	keyInsert     input.Code = 110
	keyDelete     input.Code = 111
)

// GrabKey is the keys that begin the window's own commands, and release the grab when pressed alone.
type GrabKey struct {
	name  string
	codes []input.Code
}

// The grab keys there are.
func grabKeys() []GrabKey {
	return []GrabKey{
		{"Ctrl-Alt", []input.Code{keyLeftCtrl, keyLeftAlt}},
		{"Ctrl-Alt-Shift", []input.Code{keyLeftShift, keyLeftCtrl, keyLeftAlt}},
		{"Right-Ctrl", []input.Code{keyRightCtrl}},
	}
}

// ParseGrabKey reads grab-mod=: lctrl-lalt (the default), lshift-lctrl-lalt or rctrl.
func ParseGrabKey(s string) (GrabKey, error) {
	switch s {
	case "", "lctrl-lalt":
		return grabKeys()[0], nil
	case "lshift-lctrl-lalt":
		return grabKeys()[1], nil
	case "rctrl":
		return grabKeys()[2], nil
	}
	return GrabKey{}, fmt.Errorf("grab-mod=%s: lshift-lctrl-lalt or rctrl belongs there", s)
}

// String is how people call it.
func (g GrabKey) String() string { return g.name }

func (g GrabKey) has(c input.Code) bool {
	for _, k := range g.codes {
		if k == c {
			return true
		}
	}
	return false
}

// keys is the host's keyboard.
type keys struct {
	held  map[input.Code]bool
	eaten map[input.Code]bool // pressed for the window: the release is not for the guest either
	alone bool                // the grab key was pressed, and nothing else since
}

func (k *keys) init() { k.held, k.eaten = map[input.Code]bool{}, map[input.Code]bool{} }

func (k *keys) chord(g GrabKey) bool {
	for _, c := range g.codes {
		if !k.held[c] {
			return false
		}
	}
	return len(g.codes) > 0
}

// Key is a key of the host's keyboard, which may repeat.
func (w *Window) Key(c input.Code, down bool) {
	k := &w.keys
	if !down {
		w.keyUp(c)
		return
	}
	again := k.held[c]
	k.held[c] = true
	g := w.cfg.GrabKey
	switch {
	case g.has(c):
		k.alone = k.chord(g)
	case k.chord(g):
		k.alone = false
		if k.eaten[c] || w.command(c) {
			k.eaten[c] = true
			return
		}
	default:
		k.alone = false
	}
	if k.eaten[c] && again {
		return
	}
	delete(k.eaten, c)
	if w.head().Text != nil && w.textKey(c) {
		return
	}
	w.front().Send(input.Event{Kind: input.Key, Code: c, Down: true})
	w.head().Screen.Hurry()
}

func (w *Window) keyUp(c input.Code) {
	k := &w.keys
	if k.alone && w.cfg.GrabKey.has(c) {
		k.alone = false
		if w.pointer.grabbed {
			w.setGrab(false)
		}
	}
	delete(k.held, c)
	if k.eaten[c] {
		delete(k.eaten, c)
		return
	}
	w.front().Send(input.Event{Kind: input.Key, Code: c})
	w.head().Screen.Hurry()
}

// digit is the number that a key of the upper row shows.
func digit(c input.Code) (int, bool) {
	if c >= 2 && c <= 10 {
		return int(c) - 1, true
	}
	return 0, c == 11
}

// command is what a key does together with the grab key. False: nothing.
func (w *Window) command(c input.Code) bool {
	if n, ok := digit(c); ok && n > 0 {
		if n > len(w.cfg.Heads) {
			return false
		}
		w.front().ReleaseAll()
		w.show(n - 1)
		return true
	}
	var do func()
	switch c {
	case 34: // G
		do = func() { w.setGrab(!w.pointer.grabbed) }
	case 33: // F
		do = func() { w.setFullScreen(!w.full) }
	case 22: // U
		do = func() { w.zoom, w.native = 1, true; w.resize() }
	case 13, 78: // = and +, keypad +
		do = func() { w.zoomBy(+1) }
	case 12, 74: // -
		do = func() { w.zoomBy(-1) }
	case 11, 82: // 0
		do = func() { w.zoomBy(0) }
	case 107: // End, as with other virtual machines: the host keeps Delete
		do = w.ctrlAltDel
	default:
		return false
	}
	w.front().ReleaseAll() // Ctrl and Alt were not meant for the guest
	do()
	return true
}

func (w *Window) ctrlAltDel() {
	all := []input.Code{keyLeftCtrl, keyLeftAlt, keyDelete}
	for _, c := range all {
		w.front().Send(input.Event{Kind: input.Key, Code: c, Down: true})
	}
	for i := range all {
		w.front().Send(input.Event{Kind: input.Key, Code: all[len(all)-1-i]})
	}
}

// Focus says whether the host's keyboard is the window's. What was held is let go with it.
func (w *Window) Focus(on bool) {
	w.keys.init()
	w.keys.alone = false
	if !on {
		w.front().ReleaseAll()
		w.setGrab(false)
		return
	}
	w.syncLocks()
}

// syncLocks presses Caps Lock and Num Lock where the guest's light differs from the host's, if the guest is known to set its lights.
func (w *Window) syncLocks() {
	if !w.guided || w.head().Text != nil {
		return
	}
	differ := w.kit.Locks() ^ w.fronts[0].LEDs()
	for bit, c := range map[input.LEDs]input.Code{input.LEDCaps: keyCapsLock, input.LEDNum: keyNumLock} {
		if differ&bit != 0 {
			w.front().Send(input.Event{Kind: input.Key, Code: c, Down: true})
			w.front().Send(input.Event{Kind: input.Key, Code: c})
		}
	}
}

func (w *Window) ctrl() bool  { return w.keys.held[keyLeftCtrl] || w.keys.held[keyRightCtrl] }
func (w *Window) shift() bool { return w.keys.held[keyLeftShift] || w.keys.held[keyRightShift] }

// Text is what the host says was typed, for a head of text.
func (w *Window) Text(s string) {
	if t := w.head().Text; t != nil && !w.keys.held[keyLeftAlt] && (!w.ctrl() || w.keys.held[keyRightAlt]) {
		t.Type(strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return -1
			}
			return r
		}, s))
	}
}

// textKey takes the keys of a head of text that are the clipboard's, and those that come as characters.
func (w *Window) textKey(c input.Code) bool {
	t := w.head().Text
	switch {
	case c == 46 && w.ctrl() && w.shift(), c == keyInsert && w.ctrl(): // C
		if s := t.Selection(); s != "" {
			w.kit.SetClipboard(s)
		}
	case c == 47 && w.ctrl() && w.shift(), c == keyInsert && w.shift(): // V
		t.Paste(w.kit.Clipboard())
	case w.ctrl() && !w.keys.held[keyRightAlt] || w.keys.held[keyLeftAlt]:
		return false
	case c >= 71 && c <= 83 && c != 74 && c != 78 && w.kit.Locks()&input.LEDNum == 0:
		if to, ok := unlocked(c); ok {
			w.front().Send(input.Event{Kind: input.Key, Code: to, Down: true})
			w.front().Send(input.Event{Kind: input.Key, Code: to})
		}
	default:
		return typing(c)
	}
	return true
}

// typing are the keys that make characters.
func typing(c input.Code) bool {
	return c >= 2 && c <= 13 || c >= 16 && c <= 27 || c >= 30 && c <= 41 || c >= 43 && c <= 53 || c == 55 || c == 57 ||
		c >= 71 && c <= 83 || c == 86 || c == 89 || c == 98 || c == 117 || c == 121 || c == 124
}

// unlocked is what a key of the keypad is without Num Lock.
func unlocked(c input.Code) (input.Code, bool) {
	to := [...]input.Code{102, 103, 104, 0, 105, 0, 106, 0, 107, 108, 109, 110, 111}[c-71]
	return to, to != 0
}
