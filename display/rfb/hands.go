package rfb

import (
	"slices"
	"time"

	"govm-desktop/display"
	"govm-desktop/input"
	"govm-desktop/input/keycodemap"
)

// X11 keysyms that need care (keysymdef.h).
const (
	symShiftL  = 0xffe1
	symShiftR  = 0xffe2
	symCtrlL   = 0xffe3
	symCtrlR   = 0xffe4
	symMetaR   = 0xffe8
	symAltL    = 0xffe9
	symAltR    = 0xffea
	symSuperL  = 0xffeb
	symSuperR  = 0xffec
	symLevel3  = 0xfe03     // AltGr
	symUnicode = 0x01000000 // plus a character

	symKPHome    = 0xff95 // the keypad without Num Lock
	symKPDelete  = 0xff9f
	symKPDecimal = 0xffae // and with
	symKP0       = 0xffb0
	symKP9       = 0xffb9
)

// hands are what one client holds down: it is let go when the client leaves. All of it is of one goroutine.
type hands struct {
	to     input.Sink // nil: the client only looks
	leds   func() input.LEDs
	abs    func() bool
	keys   *keycodemap.Map
	screen *display.Screen

	noLocks bool          // do not ask for the guest's locks
	delay   time.Duration // after a modifier that is lifted or pressed

	syms map[uint32]input.Code // pressed, and the keys that were pressed for them
	held []input.Code          // in the order they went down

	buttons uint16
	x, y    int
	known   bool // x, y
}

func (h *hands) init(in Input, keys *keycodemap.Map, screen *display.Screen) {
	h.keys, h.screen, h.syms = keys, screen, map[uint32]input.Code{}
	if in != nil {
		h.to, h.leds, h.abs = in, in.LEDs, in.Absolute
	}
}

// set presses or releases a key.
func (h *hands) set(c input.Code, down bool) {
	h.held = slices.DeleteFunc(h.held, func(o input.Code) bool { return o == c })
	if down {
		h.held = append(h.held, c)
	} else {
		for sym, o := range h.syms {
			if o == c {
				delete(h.syms, sym)
			}
		}
	}
	h.send(input.Event{Kind: input.Key, Code: c, Down: down})
}

func (h *hands) send(e input.Event) { h.to.Send(e) }

// key is a key by its place on the keyboard, which needs no guessing; where the place is not known, by its keysym.
func (h *hands) key(sym, qnum uint32, down bool) {
	if h.to == nil {
		return
	}
	c, ok := h.keys.ByQnum(qnum)
	if !ok || qnum == 0 {
		h.keysym(sym, down)
		return
	}
	if down || slices.Contains(h.held, c) {
		h.set(c, down)
	}
	h.screen.Hurry()
}

// keysym is a key by what the client's keyboard makes of it. It comes out as on a US keyboard: Shift and AltGr are brought into
// the state that the character needs there, and back.
func (h *hands) keysym(sym uint32, down bool) {
	if h.to == nil {
		return
	}
	c, shift, ok := h.find(sym)
	if !down {
		if was, pressed := h.syms[sym]; pressed {
			c, ok = was, true
		}
		if ok && slices.Contains(h.held, c) {
			h.set(c, false)
			h.screen.Hurry()
		}
		return
	}
	if !ok {
		return
	}
	restore := h.modifiers(sym, shift)
	h.set(c, true)
	h.syms[sym] = c
	restore()
	h.screen.Hurry()
}

// find is the key for a keysym. On the keypad it depends on the guest's Num Lock, which need not be that of the client: where
// the key would do something else, another key that does the right thing stands in.
func (h *hands) find(sym uint32) (c input.Code, shift, ok bool) {
	num := h.leds()&input.LEDNum != 0
	switch {
	case sym&^0xff == symUnicode:
		sym &^= symUnicode
	case sym == symMetaR:
		sym = symAltR
	case sym >= symKP0 && sym <= symKP9 && !num:
		sym = '0' + sym - symKP0
	case sym == symKPDecimal && !num:
		sym = '.'
	case sym >= symKPHome && sym <= symKPDelete && num:
		// The same key beside the letters; the 5 has none.
		grey := [...]uint32{0xff50, 0xff51, 0xff52, 0xff53, 0xff54, 0xff55, 0xff56, 0xff57, symKPHome + 8, 0xff63, 0xffff}
		sym = grey[sym-symKPHome]
	}
	return h.keys.ByKeysym(sym)
}

// modifiers lifts or presses modifiers for a character, and returns what undoes that.
func (h *hands) modifiers(sym uint32, shift bool) (restore func()) {
	restore = func() {}
	if sym&^0xff == symUnicode {
		sym &^= symUnicode
	}
	if sym <= ' ' || sym > '~' {
		return restore
	}
	letter := sym|0x20 >= 'a' && sym|0x20 <= 'z'
	if letter && h.holds(symCtrlL, symCtrlR, symAltL, symAltR, symSuperL, symSuperR) {
		return restore // a shortcut: its Shift is meant
	}
	if letter && !h.noLocks && h.leds()&input.LEDCaps != 0 {
		shift = !shift
	}
	var lift []input.Code
	if c, pressed := h.syms[symLevel3]; pressed {
		lift = append(lift, c)
	}
	has := false
	for _, s := range [...]uint32{symShiftL, symShiftR} {
		c, _, _ := h.keys.ByKeysym(s)
		if slices.Contains(h.held, c) {
			if has = true; !shift {
				lift = append(lift, c)
			}
		}
	}
	left, _, _ := h.keys.ByKeysym(symShiftL)
	press := shift && !has
	for _, c := range lift {
		h.send(input.Event{Kind: input.Key, Code: c})
	}
	if press {
		h.send(input.Event{Kind: input.Key, Code: left, Down: true})
	}
	if press || len(lift) > 0 {
		time.Sleep(h.delay)
	}
	return func() {
		if press {
			h.send(input.Event{Kind: input.Key, Code: left})
		}
		for _, c := range lift {
			h.send(input.Event{Kind: input.Key, Code: c, Down: true})
		}
	}
}

// holds reports whether a key of one of the keysyms is down. AltGr is no Alt.
func (h *hands) holds(syms ...uint32) bool {
	for _, s := range syms {
		if c, _, ok := h.keys.ByKeysym(s); ok && slices.Contains(h.held, c) && h.syms[symLevel3] != c {
			return true
		}
	}
	return false
}

// releaseAll lets go of everything.
func (h *hands) releaseAll() {
	if h.to == nil {
		return
	}
	for len(h.held) > 0 {
		h.set(h.held[len(h.held)-1], false)
	}
	if h.buttons != 0 {
		h.press(0)
		h.send(input.Event{Kind: input.Sync})
	}
}
