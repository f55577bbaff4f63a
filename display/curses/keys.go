package curses

import (
	"github.com/gdamore/tcell/v2"

	"govm-desktop/input"
)

// Keysyms and keys that matter here.
const (
	unicodeSym              = 0x01000000
	keyLeftCtrl  input.Code = 29
	keyLeftShift input.Code = 42
	keyLeftAlt   input.Code = 56
)

// special is the key that a terminal's name of a key stands for.
func special(k tcell.Key) (input.Code, bool) {
	switch {
	case k >= tcell.KeyF1 && k <= tcell.KeyF10:
		return 59 + input.Code(k-tcell.KeyF1), true
	case k == tcell.KeyF11 || k == tcell.KeyF12:
		return 87 + input.Code(k-tcell.KeyF11), true
	case k > tcell.KeyF12 && k <= tcell.KeyF24:
		return 183 + input.Code(k-tcell.KeyF13), true
	}
	c, ok := map[tcell.Key]input.Code{
		tcell.KeyEnter: 28, tcell.KeyTab: 15, tcell.KeyBacktab: 15, tcell.KeyEscape: 1, tcell.KeyBackspace: 14, tcell.KeyBackspace2: 14,
		tcell.KeyUp: 103, tcell.KeyDown: 108, tcell.KeyLeft: 105, tcell.KeyRight: 106, tcell.KeyHome: 102, tcell.KeyEnd: 107,
		tcell.KeyPgUp: 104, tcell.KeyPgDn: 109, tcell.KeyInsert: 110, tcell.KeyDelete: 111, tcell.KeyPrint: 99, tcell.KeyPause: 119,
		tcell.KeyHelp: 138, tcell.KeyMenu: 139, tcell.KeyCenter: 76,
	}[k]
	return c, ok
}

// control is the character that Ctrl was held with.
func control(k tcell.Key) (rune, bool) {
	switch {
	case k == tcell.KeyCtrlSpace:
		return ' ', true
	case k > tcell.KeyCtrlSpace && k <= tcell.KeyCtrlZ:
		return 'a' + rune(k-tcell.KeyCtrlA), true
	case k > tcell.KeyCtrlZ && k <= tcell.KeyCtrlUnderscore:
		return rune(`[\]^_`[k-tcell.KeyCtrlLeftSq]), true
	case k > 0 && k < ' ':
		return 'a' + rune(k) - 1, true
	}
	return 0, false
}

// key types what a terminal says was typed.
func (h *hands) key(e *tcell.EventKey) {
	mods := e.Modifiers()
	code, isKey := special(e.Key())
	r, isCtrl := control(e.Key())
	switch {
	case isKey:
		if e.Key() == tcell.KeyBacktab {
			mods |= tcell.ModShift
		}
		if e.Key() < ' ' {
			mods &^= tcell.ModCtrl // that is how a terminal sends it
		}
		h.with(mods, func() { h.tap(code) })
	case isCtrl:
		h.with(mods|tcell.ModCtrl, func() { h.char(r) })
	case e.Key() == tcell.KeyRune && h.head.Text != nil && mods&(tcell.ModAlt|tcell.ModCtrl) == 0:
		h.head.Text.Type(string(e.Rune()))
	case e.Key() == tcell.KeyRune:
		h.with(mods&^tcell.ModShift, func() { h.char(e.Rune()) })
	}
	h.head.Screen.Hurry()
}

// with does something with modifiers held.
func (h *hands) with(mods tcell.ModMask, do func()) {
	var held []input.Code
	for _, m := range []struct {
		bit  tcell.ModMask
		code input.Code
	}{{tcell.ModShift, keyLeftShift}, {tcell.ModCtrl, keyLeftCtrl}, {tcell.ModAlt, keyLeftAlt}, {tcell.ModMeta, keyLeftAlt}} {
		if mods&m.bit != 0 && !h.typ.Held(m.code) {
			h.typ.Set(m.code, true)
			held = append(held, m.code)
		}
	}
	do()
	for i := range held {
		h.typ.Set(held[len(held)-1-i], false)
	}
}

func (h *hands) tap(c input.Code) {
	h.typ.Set(c, true)
	h.typ.Set(c, false)
}

// char types a character as the guest's layout has it.
func (h *hands) char(r rune) {
	sym := uint32(r)
	if r >= 0x100 {
		sym |= unicodeSym
	}
	h.typ.Keysym(sym, true)
	h.typ.Keysym(sym, false)
}
