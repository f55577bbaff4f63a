package layout

import (
	"encoding/binary"
	"slices"

	"govm-desktop/input"
)

// Keysyms that need care (X11 keysymdef.h).
const (
	symTab       = 0xff09
	symLeftTab   = 0xfe20
	symLevel3    = 0xfe03
	symSwitch    = 0xff7e // Mode_switch
	symCapsLock  = 0xffe5
	symShiftL    = 0xffe1
	symShiftR    = 0xffe2
	symCtrlL     = 0xffe3
	symCtrlR     = 0xffe4
	symMetaL     = 0xffe7
	symMetaR     = 0xffe8
	symAltL      = 0xffe9
	symAltR      = 0xffea
	symSuperL    = 0xffeb
	symHyperR    = 0xffee
	symKPSpace   = 0xff80
	symKPHome    = 0xff95 // the keypad without Num Lock
	symKPDelete  = 0xff9f
	symKPDecimal = 0xffae // and with
	symKPSep     = 0xffac
	symKP0       = 0xffb0
	symKP9       = 0xffb9
	symHangul    = 0xff31
	symHanja     = 0xff34
)

// Linux' codes of keys that are the same in every layout.
const (
	keyLeftCtrl   input.Code = 29
	keyLeftShift  input.Code = 42
	keyRightShift input.Code = 54
	keyLeftAlt    input.Code = 56
	keyCapsLock   input.Code = 58
	keyRightCtrl  input.Code = 97
	keyRightAlt   input.Code = 100
	keyLeftMeta   input.Code = 125
	keyRightMeta  input.Code = 126
	keyHangeul    input.Code = 122
	keyHanja      input.Code = 123
)

// Resolver turns one client's keysyms into keys. It remembers what it has pressed. It is of one goroutine.
type Resolver struct {
	l    *Layout
	send func(code input.Code, down bool)
	leds func() input.LEDs

	// Settle is called after modifiers were pressed or lifted around a key, for guests that look at them late; nil: nothing.
	Settle func()
	// Wait is called after Caps Lock was tapped, to wait, for a while, until the guest's light shows it: a guest that is switching its lights loses
	// keys (Linux' libps2 drops what comes before the keyboard acknowledges). nil: no waiting.
	Wait func(shown func() bool)

	held []input.Code          // in the order they went down, also those that came as keys
	by   map[uint32]input.Code // pressed keysyms, in plain form, and their keys
}

// Resolver returns a new one. send takes the keys; leds says what the guest's keyboard shows.
func (l *Layout) Resolver(send func(input.Code, bool), leds func() input.LEDs) *Resolver {
	return &Resolver{l: l, send: send, leds: leds, by: map[uint32]input.Code{}}
}

// Set presses or lets go of a key that the client knows by its place.
func (r *Resolver) Set(c input.Code, down bool) {
	if !down && !slices.Contains(r.held, c) {
		return
	}
	r.held = slices.DeleteFunc(r.held, func(o input.Code) bool { return o == c })
	if down {
		r.held = append(r.held, c)
	} else {
		for sym, o := range r.by {
			if o == c {
				delete(r.by, sym)
			}
		}
	}
	r.send(c, down)
}

// Held reports whether a key is down.
func (r *Resolver) Held(c input.Code) bool { return slices.Contains(r.held, c) }

// ReleaseAll lets go of everything, the last first.
func (r *Resolver) ReleaseAll() {
	for len(r.held) > 0 {
		r.Set(r.held[len(r.held)-1], false)
	}
}

// Keysym presses or lets go of whatever gives a keysym. False: nothing does.
func (r *Resolver) Keysym(sym uint32, down bool) bool {
	sym = plain(r.l.chars, sym)
	if !down {
		return r.release(sym)
	}
	if c, ok := r.by[sym]; ok && r.Held(c) {
		r.Set(c, true) // the client's keyboard repeats
		r.by[sym] = c
		return true
	}
	want := r.stand(sym)
	if c, ok := r.fixed(want); ok {
		r.press(sym, c)
		return true
	}
	if r.key(r.l, sym, want) {
		return true
	}
	if r.composed(sym) {
		return true
	}
	return !r.l.latin && r.l.us != nil && r.key(r.l.us, sym, want)
}

// release lets go of the key that a press of the keysym pressed; of another that gives it, if a client has it that way.
func (r *Resolver) release(sym uint32) bool {
	if c, ok := r.by[sym]; ok {
		r.Set(c, false)
		return true
	}
	if c, ok := r.fixed(sym); ok {
		r.Set(c, false)
		return true
	}
	for _, l := range []*Layout{r.l, r.l.us} {
		if l == nil {
			continue
		}
		for _, p := range l.keys[sym] {
			if r.Held(p.code) {
				r.Set(p.code, false)
				return true
			}
		}
	}
	return false
}

func (r *Resolver) press(sym uint32, c input.Code) {
	r.Set(c, true)
	r.by[sym] = c
}

// fixed are keys that layouts do not move about, and AltGr.
func (r *Resolver) fixed(sym uint32) (input.Code, bool) {
	switch sym {
	case symShiftL:
		return keyLeftShift, true
	case symShiftR:
		return keyRightShift, true
	case symCtrlL:
		return keyLeftCtrl, true
	case symCtrlR:
		return keyRightCtrl, true
	case symAltL, symMetaL:
		return keyLeftAlt, true
	case symAltR, symMetaR:
		return keyRightAlt, true
	case symSuperL, symSuperL + 2:
		return keyLeftMeta, true
	case symSuperL + 1, symHyperR:
		return keyRightMeta, true
	case symLevel3, symSwitch:
		if r.l.level3 != 0 {
			return r.l.level3, true
		}
		return keyRightAlt, true
	case symHangul:
		return keyHangeul, true
	case symHanja:
		return keyHanja, true
	}
	return 0, false
}

// stand is the keysym to look for. On the keypad it depends on the guest's Num Lock, which need not be that of the client: where the key
// would do something else, another that does the right thing stands in.
func (r *Resolver) stand(sym uint32) uint32 {
	num := r.leds()&input.LEDNum != 0
	switch {
	case sym >= symKP0 && sym <= symKP9 && !num:
		return '0' + sym - symKP0
	case (sym == symKPDecimal || sym == symKPSep) && !num:
		if sym == symKPSep && len(r.l.keys[symKPSep]) == 0 {
			return ','
		}
		return '.'
	case sym >= symKPHome && sym <= symKPDelete && num:
		grey := [...]uint32{0xff50, 0xff51, 0xff52, 0xff53, 0xff54, 0xff55, 0xff56, 0xff57, symKPHome + 8, 0xff63, 0xffff}
		return grey[sym-symKPHome]
	case sym == symLeftTab:
		return symTab
	}
	return sym
}

// keypad is the key that gives a keypad keysym, with Num Lock or without.
func keypad(sym uint32) (input.Code, bool) {
	switch {
	case sym >= symKP0 && sym <= symKP9:
		return [...]input.Code{82, 79, 80, 81, 75, 76, 77, 71, 72, 73}[sym-symKP0], true
	case sym == symKPDecimal || sym == symKPSep:
		return 83, true
	case sym >= symKPHome && sym <= symKPDelete: // Home Left Up Right Down Prior Next End Begin Insert Delete
		return [...]input.Code{71, 75, 72, 77, 80, 73, 81, 79, 76, 82, 83}[sym-symKPHome], true
	}
	return 0, false
}

// key presses the key for a keysym with the modifiers that it needs.
func (r *Resolver) key(l *Layout, sym, want uint32) bool {
	if c, ok := keypad(want); ok && !(want == symKPSep && len(l.keys[want]) > 0) {
		r.press(sym, c)
		return true
	}
	p, ok := r.best(l, want)
	if !ok {
		return false
	}
	restore := r.modifiers(want, p)
	r.press(sym, p.code)
	restore()
	return true
}

// best is the place of a keysym that asks for the fewest changes of modifiers.
func (r *Resolver) best(l *Layout, sym uint32) (place, bool) {
	if r.leds()&input.LEDCaps != 0 {
		if p, ok := r.bestUnder(l, sym, true); ok {
			return p, true
		}
		if !l.capsLocks && sym < 0x80 && (sym|0x20 >= 'a' && sym|0x20 <= 'z') {
			sym ^= 0x20 // jp: the tables do not say what Shift and Caps Lock together switch on
		}
	}
	return r.bestUnder(l, sym, false)
}

func (r *Resolver) bestUnder(l *Layout, sym uint32, caps bool) (place, bool) {
	best, cost := place{}, 100
	for _, p := range l.keys[sym] {
		if p.level&4 != 0 != caps || p.level&2 != 0 && r.l.level3 == 0 || p.code == r.l.level3 {
			continue
		}
		n := 0
		if p.level&1 != 0 != (r.Held(keyLeftShift) || r.Held(keyRightShift)) {
			n += 2
		}
		if p.level&2 != 0 != r.level3Held() {
			n += 3
		}
		if c := p.code; c == 55 || c >= 71 && c <= 83 || c == 98 || c == 117 || c == 121 || c > 127 {
			n += 20 // the keypad and its neighbours are for their own keysyms
		}
		if n < cost {
			best, cost = p, n
		}
	}
	return best, cost < 100
}

func (r *Resolver) level3Held() bool { return r.l.level3 != 0 && r.Held(r.l.level3) }

// modifiers presses and lifts Shift and AltGr for a place, and returns what undoes that.
func (r *Resolver) modifiers(sym uint32, p place) (restore func()) {
	restore = func() {}
	if sym >= 0xfd00 && sym < unicode && (sym < 0xfe50 || sym > 0xfe93) || sym >= 0x10000000 {
		return restore // no character: Shift and F3 is another thing than F3
	}
	if sym == ' ' && p.level&2 == 0 {
		return restore
	}
	letter := sym < 0x80 && (sym|0x20 >= 'a' && sym|0x20 <= 'z')
	if letter && (r.Held(keyLeftCtrl) || r.Held(keyRightCtrl) || r.Held(keyLeftAlt) || r.Held(keyLeftMeta) || r.Held(keyRightMeta) || r.altR()) {
		return restore // a shortcut: its Shift is meant
	}
	lift, press := r.changes(p)
	if !letter && (sym < '0' || sym > '9') {
		lift = append(r.altGrLikes(), lift...)
	}
	caps := p.level&4 == 0 && r.leds()&input.LEDCaps != 0 && r.l.capsLocks
	r.tapCaps(caps)
	for _, c := range lift {
		r.send(c, false)
	}
	for _, c := range press {
		r.send(c, true)
	}
	if (caps || len(lift)+len(press) > 0) && r.Settle != nil {
		r.Settle()
	}
	return func() {
		for _, c := range slices.Backward(press) {
			r.send(c, false)
		}
		for _, c := range lift {
			r.send(c, true)
		}
		r.tapCaps(caps)
	}
}

// tapCaps switches Caps Lock, which the guest's light says is on, off around a character that there is only without it, and on again.
func (r *Resolver) tapCaps(caps bool) {
	if !caps {
		return
	}
	want := r.leds()&input.LEDCaps ^ input.LEDCaps
	shown := func() bool { return r.leds()&input.LEDCaps == want }
	r.send(keyCapsLock, true)
	if r.Wait != nil && want != 0 { // X locks when the key goes down, and unlocks when it comes up
		r.Wait(shown)
	}
	r.send(keyCapsLock, false)
	if r.Wait != nil {
		r.Wait(shown)
	}
}

// changes are the modifiers to lift and to press for a place.
func (r *Resolver) changes(p place) (lift, press []input.Code) {
	if want, has := p.level&2 != 0, r.by[symLevel3]; !want && has != 0 {
		lift = append(lift, has)
	} else if !want && r.level3Held() {
		lift = append(lift, r.l.level3)
	} else if want && !r.level3Held() {
		press = append(press, r.l.level3)
	}
	shifted := false
	for _, c := range []input.Code{keyLeftShift, keyRightShift} {
		if r.Held(c) {
			if shifted = true; p.level&1 == 0 {
				lift = append(lift, c)
			}
		}
	}
	if p.level&1 != 0 && !shifted {
		press = append(press, keyLeftShift)
	}
	return lift, press
}

// altGrLikes are the keys that clients on Windows hold for AltGr, left Ctrl with an Alt, where they are not the layout's AltGr: they belong to how the
// character was typed there, and with them the guest would take it for a shortcut.
func (r *Resolver) altGrLikes() (lift []input.Code) {
	if !r.Held(keyLeftCtrl) || !(r.Held(keyRightAlt) || r.level3Held()) {
		return nil
	}
	if r.altR() {
		return []input.Code{keyLeftCtrl, keyRightAlt}
	}
	return []input.Code{keyLeftCtrl}
}

// altR reports a right Alt that is no AltGr.
func (r *Resolver) altR() bool {
	return r.Held(keyRightAlt) && r.l.level3 != keyRightAlt && r.by[symLevel3] != keyRightAlt && r.by[symSwitch] != keyRightAlt
}

// composed types a character that the layout has no key for as dead keys and a base.
func (r *Resolver) composed(sym uint32) bool {
	for _, seq := range r.l.dead[sym] {
		var parts []uint32
		ok := true
		for i := 0; i < len(seq) && ok; i += 4 {
			s := binary.LittleEndian.Uint32([]byte(seq[i : i+4]))
			_, ok = r.best(r.l, s)
			parts = append(parts, s)
		}
		if !ok {
			continue
		}
		for _, s := range parts[:len(parts)-1] {
			p, _ := r.best(r.l, s)
			restore := r.modifiers(s, p)
			r.send(p.code, true)
			r.send(p.code, false)
			restore()
		}
		last := parts[len(parts)-1]
		return r.key(r.l, sym, last)
	}
	return false
}
