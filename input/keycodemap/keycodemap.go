// Package keycodemap says how the same key is called in different worlds: Linux evdev (the hub), QEMU's qcode names and qnum numbers, the AT
// keyboard's scan code sets, USB HID usages, browsers' KeyboardEvent.code, X11 keysyms and keycodes, SDL scancodes, Windows, macOS, Sun and ADB.
//
// The tables are made from data/keymaps.csv by tools/keymap-gen; data/README.md says where each column comes from. Codes above 2ff are the
// project's own, for keys that Linux has no code for.
package keycodemap

import (
	"strings"

	"govm-desktop/input"
)

//go:generate go run ../../tools/keymap-gen -csv ../../data/keymaps.csv -o tables.go go-tables

// Variant picks the scan codes of keys that Windows and Linux know by different ones (F13 to F24, Zenkaku/Hankaku).
type Variant int

// Variants.
const (
	Windows Variant = iota
	Linux
)

// codes is one more than the highest code that the tables have.
const codes = len(qcodeFrom)

// Map holds the lookups in every direction. It is immutable; one is made by New for a whole program.
type Map struct {
	scan                  [4][codes][]byte // make sequences by set, 1 to 3
	byName, byHTML, byXKB map[string]uint16
	byKeysym, byUSB       map[uint32]uint16
}

// New builds the lookups, with the scan codes that Windows expects unless a variant says otherwise.
func New(v ...Variant) *Map {
	m := &Map{byName: words(qcodeTo[:]), byHTML: words(htmlTo[:]), byXKB: words(xkbTo[:]), byKeysym: numbers(x11To[:]), byUSB: numbers(usbTo[:])}
	one, two := atset1From[:], atset2From[:]
	if len(v) > 0 && v[0] == Linux {
		one, two = atset1linuxFrom[:], atset2linuxFrom[:]
	}
	for i, t := range [][]uint16{1: one, 2: two, 3: atset3From[:]} {
		for c, code := range t {
			switch {
			case code == 0xffff:
			case code > 0xff:
				m.scan[i][c] = []byte{byte(code >> 8), byte(code)}
			default:
				m.scan[i][c] = []byte{byte(code)}
			}
		}
	}
	return m
}

// Scancode is the make sequence of a key in the given AT set; false: the set has no such key. The bytes must not be changed.
func (m *Map) Scancode(c input.Code, set int) ([]byte, bool) {
	if int(c) >= codes || set < 1 || set > 3 || m.scan[set][c] == nil {
		return nil, false
	}
	return m.scan[set][c], true
}

// MakeOnly reports a key that sends nothing on PS/2 when it is let go.
func (m *Map) MakeOnly(c input.Code) bool {
	for _, k := range makeOnly {
		if k == uint16(c) {
			return true
		}
	}
	return false
}

// ByName finds a key by its qcode or another name that people use ("ret", "enter", "ctrl_r", "hangeul").
func (m *Map) ByName(name string) (input.Code, bool) {
	c, ok := m.byName[name]
	return input.Code(c), ok
}

// Name is a key's qcode; "" if it has none.
func (m *Map) Name(c input.Code) string {
	if int(c) >= len(qcodeFrom) {
		return ""
	}
	return qcodeFrom[c]
}

// LinuxName is the kernel's name of a key (KEY_A); "" for the project's own codes.
func (m *Map) LinuxName(c input.Code) string {
	if int(c) >= len(linuxNames) {
		return ""
	}
	return linuxNames[c]
}

// Names are all names that ByName knows, sorted.
func (m *Map) Names() []string {
	var all []string
	for _, e := range qcodeTo {
		all = append(all, strings.Clone(e.from))
	}
	return all
}

// ByQnum finds a key by QEMU's number (set 1 code, bit 7 for the E0 prefix), as RFB's extended key event sends it. E0xx, as some clients send it,
// is understood too.
func (m *Map) ByQnum(q uint32) (input.Code, bool) {
	if q>>8 == 0xe0 {
		q = q&0x7f | 0x80
	}
	return dense(qnumTo[:], q)
}

// ByKeysym finds the key that makes an X11 keysym on a US keyboard, and whether Shift must be held for it.
func (m *Map) ByKeysym(sym uint32) (c input.Code, shift, ok bool) {
	code, ok := m.byKeysym[sym]
	return input.Code(code), ok && sym < 0x7f && (sym >= 'A' && sym <= 'Z' || strings.IndexByte(`~!@#$%^&*()_+{}|:"<>?`, byte(sym)) >= 0), ok
}
