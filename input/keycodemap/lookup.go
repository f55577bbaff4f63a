package keycodemap

import "govm-desktop/input"

// pair and wordPair are lines of sorted tables.
type (
	pair struct {
		from uint32
		to   uint16
	}
	wordPair struct {
		from string
		to   uint16
	}
)

func dense(t []uint16, i uint32) (input.Code, bool) {
	if i >= uint32(len(t)) || t[i] == 0 {
		return 0, false
	}
	return input.Code(t[i]), true
}

func sparse(t []pair, key uint32) (input.Code, bool) {
	lo, hi := 0, len(t)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if t[mid].from < key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(t) || t[lo].from != key {
		return 0, false
	}
	return input.Code(t[lo].to), true
}

// words and numbers are hashed copies of sorted tables, for those that are too long to search in a few steps.
func words(t []wordPair) map[string]uint16 {
	m := make(map[string]uint16, len(t))
	for _, p := range t {
		m[p.from] = p.to
	}
	return m
}

func numbers(t []pair) map[uint32]uint16 {
	m := make(map[uint32]uint16, len(t))
	for _, p := range t {
		m[p.from] = p.to
	}
	return m
}

// from is a table by Linux code.
func from(t []uint16, c input.Code) (uint16, bool) {
	if int(c) >= len(t) || t[c] == 0xffff {
		return 0, false
	}
	return t[c], true
}

// ByATSet1 finds a key by its set 1 make code (0xe0NN with the prefix), as Windows has them.
func (m *Map) ByATSet1(code uint16) (input.Code, bool) { return sparse(atset1To[:], uint32(code)) }

// ByATSet2 finds a key by its set 2 make code.
func (m *Map) ByATSet2(code uint16) (input.Code, bool) { return sparse(atset2To[:], uint32(code)) }

// ByATSet3 finds a key by its set 3 make code.
func (m *Map) ByATSet3(code uint16) (input.Code, bool) { return dense(atset3To[:], uint32(code)) }

// ByUSB finds a key by its HID usage, page in the upper half: 0x070004 is A.
func (m *Map) ByUSB(usage uint32) (input.Code, bool) {
	c, ok := m.byUSB[usage]
	return input.Code(c), ok
}

// ByHTML finds a key by a browser's KeyboardEvent.code.
func (m *Map) ByHTML(code string) (input.Code, bool) {
	c, ok := m.byHTML[code]
	return input.Code(c), ok
}

// ByXKB finds a key by its name in xkb-data's evdev keycodes.
func (m *Map) ByXKB(name string) (input.Code, bool) {
	c, ok := m.byXKB[name]
	return input.Code(c), ok
}

// BySDL2 finds a key by SDL 2's scancode.
func (m *Map) BySDL2(code uint32) (input.Code, bool) { return dense(sdl2To[:], code) }

// BySDL3 finds a key by SDL 3's scancode.
func (m *Map) BySDL3(code uint32) (input.Code, bool) { return dense(sdl3To[:], code) }

// ByWin32 finds a key by its Windows virtual key, with bit 8 for the extended flag; where that makes no difference, the flag may be wrong.
func (m *Map) ByWin32(vk uint32) (input.Code, bool) {
	if c, ok := dense(win32To[:], vk); ok {
		return c, true
	}
	return dense(win32To[:], vk^0x100)
}

// ByOSX finds a key by macOS' virtual key.
func (m *Map) ByOSX(code uint32) (input.Code, bool) { return dense(osxTo[:], code) }

// BySun finds a key by a Sun keyboard's code.
func (m *Map) BySun(code uint32) (input.Code, bool) { return dense(sunTo[:], code) }

// ByADB finds a key by Apple's desktop bus code.
func (m *Map) ByADB(code uint32) (input.Code, bool) { return dense(adbTo[:], code) }

// ByXTKbd finds a key by Linux' XT keycode (bit 8 for the prefix).
func (m *Map) ByXTKbd(code uint32) (input.Code, bool) { return dense(xtkbdTo[:], code) }

// ByXorgEvdev finds a key by an X server's keycode with the evdev driver, and under Wayland.
func (m *Map) ByXorgEvdev(code uint32) (input.Code, bool) {
	if code < 8 || m.Name(input.Code(min(code-8, 0xffff))) == "" || code-8 > 0x2ff {
		return 0, false
	}
	return input.Code(code - 8), true
}

// ByXorgKbd finds a key by an X server's keycode with the old kbd driver.
func (m *Map) ByXorgKbd(code uint32) (input.Code, bool) { return dense(xorgkbdTo[:], code) }

// ByXquartz finds a key by Xquartz' keycode.
func (m *Map) ByXquartz(code uint32) (input.Code, bool) { return dense(xorgxquartzTo[:], code) }

// ByXwin finds a key by Cygwin's X server's keycode.
func (m *Map) ByXwin(code uint32) (input.Code, bool) { return dense(xorgxwinTo[:], code) }

// Qnum is a key's QEMU number.
func (m *Map) Qnum(c input.Code) (uint16, bool) { return from(qnumFrom[:], c) }

// USB is a key's HID usage, page in the upper half.
func (m *Map) USB(c input.Code) (uint32, bool) {
	if int(c) >= len(usbFrom) || usbFrom[c] == 0xffffffff {
		return 0, false
	}
	return usbFrom[c], true
}

// ATSet1 is a key's set 1 make code, as Windows has it.
func (m *Map) ATSet1(c input.Code) (uint16, bool) { return from(atset1From[:], c) }

// ATSet2 is a key's set 2 make code.
func (m *Map) ATSet2(c input.Code) (uint16, bool) { return from(atset2From[:], c) }

// ATSet3 is a key's set 3 make code.
func (m *Map) ATSet3(c input.Code) (uint16, bool) { return from(atset3From[:], c) }

// Sun is a key's code on a Sun keyboard.
func (m *Map) Sun(c input.Code) (uint16, bool) { return from(sunFrom[:], c) }

// ADB is a key's code on Apple's desktop bus.
func (m *Map) ADB(c input.Code) (uint16, bool) { return from(adbFrom[:], c) }
