// Package keycodemap says how the same key is called in different worlds: Linux evdev (the hub), QEMU's qcode names and qnum numbers, the AT
// keyboard's scan code sets 1, 2 and 3, and X11 keysyms.
package keycodemap

import (
	"strings"

	"govm-desktop/input"
)

// Map holds the lookups in every direction. It is immutable; one is made by New for a whole program.
type Map struct {
	scan    [4]map[input.Code][]byte // make sequences by set, 1 to 3
	byName  map[string]input.Code
	names   map[input.Code]string
	byQnum  map[uint32]input.Code
	byKsym  map[uint32]input.Code
	shifted map[uint32]bool
}

// New builds the lookups.
func New() *Map {
	m := &Map{byName: map[string]input.Code{}, names: map[input.Code]string{}, byQnum: map[uint32]input.Code{},
		byKsym: map[uint32]input.Code{}, shifted: map[uint32]bool{}}
	for set := 1; set <= 3; set++ {
		m.scan[set] = map[input.Code][]byte{}
	}
	set2 := inverse()
	for _, k := range keys() {
		m.addScan(k, set2)
		for i, n := range strings.Fields(k.name) {
			if i == 0 {
				m.names[k.code] = n
			}
			m.byName[n] = k.code
		}
		for i, sym := range k.syms {
			m.byKsym[sym] = k.code
			m.shifted[sym] = i == 1 && sym < 0x7f
		}
	}
	return m
}

func (m *Map) addScan(k key, set2 map[uint8]uint8) {
	b := uint8(k.set1)
	q := uint32(b)
	switch {
	case k.set1 >= 0xe000:
		m.scan[1][k.code] = []byte{0xe0, b}
		m.scan[2][k.code] = []byte{0xe0, set2[b]}
		q |= 0x80
	case b >= 0x80: // Hangul and Hanja: the same byte in both sets, no break code
		m.scan[1][k.code] = []byte{b}
		m.scan[2][k.code] = []byte{b}
	default:
		m.scan[1][k.code] = []byte{b}
		m.scan[2][k.code] = []byte{set2[b]}
	}
	if k.set3 != 0 {
		m.scan[3][k.code] = []byte{k.set3}
	}
	m.byQnum[q] = k.code
}

// Scancode is the make sequence of a key in the given AT set; false: the set has no such key. The bytes must not be changed.
func (m *Map) Scancode(code input.Code, set int) ([]byte, bool) {
	b, ok := m.scan[set][code]
	return b, ok
}

// ByName finds a key by its qcode or another name that people use ("ret", "enter", "ctrl_r", "hangeul").
func (m *Map) ByName(name string) (input.Code, bool) {
	c, ok := m.byName[name]
	return c, ok
}

// Name is a key's qcode; "" if it has none.
func (m *Map) Name(c input.Code) string { return m.names[c] }

// Names are all names that ByName knows.
func (m *Map) Names() []string {
	var all []string
	for n := range m.byName {
		all = append(all, n)
	}
	return all
}

// ByQnum finds a key by QEMU's number (set 1 code, bit 7 for the E0 prefix), as RFB's extended key event sends it. E0xx, as some clients send it,
// is understood too.
func (m *Map) ByQnum(q uint32) (input.Code, bool) {
	if q>>8 == 0xe0 {
		q = q&0x7f | 0x80
	}
	c, ok := m.byQnum[q]
	return c, ok
}

// ByKeysym finds the key that makes an X11 keysym on a US keyboard, and whether Shift must be held for it.
func (m *Map) ByKeysym(sym uint32) (c input.Code, shift, ok bool) {
	c, ok = m.byKsym[sym]
	return c, m.shifted[sym], ok
}

// set2to1 is the 8042's translation of set 2 to set 1, for codes below 80.
const set2to1 = "" +
	"\xff\x43\x41\x3f\x3d\x3b\x3c\x58\x64\x44\x42\x40\x3e\x0f\x29\x59" +
	"\x65\x38\x2a\x70\x1d\x10\x02\x5a\x66\x71\x2c\x1f\x1e\x11\x03\x5b" +
	"\x67\x2e\x2d\x20\x12\x05\x04\x5c\x68\x39\x2f\x21\x14\x13\x06\x5d" +
	"\x69\x31\x30\x23\x22\x15\x07\x5e\x6a\x72\x32\x24\x16\x08\x09\x5f" +
	"\x6b\x33\x25\x17\x18\x0b\x0a\x60\x6c\x34\x35\x26\x27\x19\x0c\x61" +
	"\x6d\x73\x28\x74\x1a\x0d\x62\x6e\x3a\x36\x1c\x1b\x75\x2b\x63\x76" +
	"\x55\x56\x77\x78\x79\x7a\x0e\x7b\x7c\x4f\x7d\x4b\x47\x7e\x7f\x6f" +
	"\x52\x53\x50\x4c\x4d\x48\x01\x45\x57\x4e\x51\x4a\x37\x49\x46\x54"

// inverse is the way back, from set 1 to set 2; 83 and 84 are the two codes above 7F.
func inverse() map[uint8]uint8 {
	inv := map[uint8]uint8{}
	for two := range len(set2to1) {
		inv[set2to1[two]] = uint8(two)
	}
	inv[0x41], inv[0x54] = 0x83, 0x84
	return inv
}
