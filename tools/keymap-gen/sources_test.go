package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The tests here hold data/keymaps.csv against the files that its columns come from, as far as Debian packages have them (see data/README.md).

func ourTable(t *testing.T) *table {
	t.Helper()
	data, err := os.ReadFile(keysFile)
	if err != nil {
		t.Fatal(err)
	}
	tab, err := readTable("keymaps.csv", data)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// source reads a file of a package; the test is skipped where the package is not installed.
func source(t *testing.T, name, pkg string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Skipf("%s is not there (Debian package %s)", name, pkg)
	}
	return string(data)
}

// macros are the numbers that headers define, by name, as the C compiler sees them.
func macros(t *testing.T, pkg string, headers ...string) map[string]uint32 {
	t.Helper()
	var src strings.Builder
	for _, h := range headers {
		source(t, "/usr/include/"+h, pkg)
		fmt.Fprintf(&src, "#include <%s>\n", h)
	}
	cmd := exec.Command("gcc", "-E", "-dM", "-DXK_MISCELLANY", "-DXK_XKB_KEYS", "-DXK_LATIN1", "-DXK_KOREAN", "-DXK_KATAKANA", "-DXK_CURRENCY", "-DXK_BRAILLE", "-")
	cmd.Stdin = strings.NewReader(src.String())
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("gcc: %v", err)
	}
	all, names := map[string]uint32{}, map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^#define (\w+)[ \t]+(\S+)`).FindAllStringSubmatch(string(out), -1) {
		if n, err := strconv.ParseUint(m[2], 0, 32); err == nil {
			all[m[1]] = uint32(n)
		} else if e := regexp.MustCompile(`^_EVDEVK\((\w+)\)$`).FindStringSubmatch(m[2]); e != nil {
			n, _ := strconv.ParseUint(e[1], 0, 32)
			all[m[1]] = 0x10081000 + uint32(n)
		} else {
			names[m[1]] = m[2]
		}
	}
	for name, other := range names {
		if n, ok := all[other]; ok {
			all[name] = n
		}
	}
	return all
}

func has(e entry, v value) bool { return slices.Contains(e.vals, v) }

// TestSources_linux: every key and button of Linux' header has its row, and every row its number.
func TestSources_linux(t *testing.T) {
	defs := macros(t, "linux-libc-dev", "linux/input-event-codes.h")
	rows := map[uint32]*key{}
	for _, k := range ourTable(t).keys {
		rows[k.cells["code"].vals[0].num] = k
		for _, name := range k.cells["linux"].vals {
			if n, ok := defs[name.str]; !ok || n != k.cells["code"].vals[0].num {
				t.Errorf("line %d: Linux has %s = %d, %v", k.line, name.str, n, ok)
			}
		}
	}
	n := 0
	for name, code := range defs {
		if !strings.HasPrefix(name, "KEY_") && !strings.HasPrefix(name, "BTN_") || code > 0x2fe {
			continue
		}
		switch name {
		case "KEY_MIN_INTERESTING", "KEY_CNT", "KEY_MAX", "BTN_MISC", "BTN_MOUSE", "BTN_JOYSTICK", "BTN_GAMEPAD", "BTN_DIGI", "BTN_WHEEL", "BTN_TRIGGER_HAPPY":
			continue // limits and starts of ranges
		case "KEY_RESERVED", "KEY_UNKNOWN":
			continue // no keys
		}
		n++
		if k := rows[code]; k == nil || !has(k.cells["linux"], value{str: name}) {
			t.Errorf("%s (%#x) has no row", name, code)
		}
	}
	if n < 500 {
		t.Errorf("only %d keys in the header", n)
	}
}

// TestSources_keysyms: each keysym's number is that of its name.
func TestSources_keysyms(t *testing.T) {
	defs := macros(t, "x11proto-dev", "X11/keysymdef.h", "X11/XF86keysym.h", "X11/Sunkeysym.h")
	for _, k := range ourTable(t).keys {
		for _, v := range k.cells["x11"].vals {
			name := v.str
			if rest, ok := strings.CutPrefix(name, "XF86"); ok {
				name = "XF86XK_" + rest
			} else if rest, ok := strings.CutPrefix(name, "Sun"); ok {
				name = "SunXK_" + rest
			} else {
				name = "XK_" + name
			}
			if n, ok := defs[name]; !ok || n != v.num {
				t.Errorf("line %d: %s=%#x, X11 has %#x, %v", k.line, v.str, v.num, n, ok)
			}
		}
	}
}

// xkbCodes reads a file of xkb-data's keycodes: names, and the names that stand for them.
func xkbCodes(text string) (codes map[string]uint32, aliases map[string]string) {
	codes, aliases = map[string]uint32{}, map[string]string{}
	text = regexp.MustCompile(`//.*`).ReplaceAllString(text, "")
	for _, m := range regexp.MustCompile(`<([^>]+)>\s*=\s*(\d+)\s*;`).FindAllStringSubmatch(text, -1) {
		if _, ok := codes[m[1]]; !ok { // the file's first keyboard is the plain one
			n, _ := strconv.Atoi(m[2])
			codes[m[1]] = uint32(n)
		}
	}
	for _, m := range regexp.MustCompile(`alias\s+<([^>]+)>\s*=\s*<([^>]+)>`).FindAllStringSubmatch(text, -1) {
		aliases[m[1]] = m[2]
	}
	return codes, aliases
}

// TestSources_xkb: names of keycodes are those of xkb-data's evdev file, 8 more than Linux' numbers, and none is left out.
func TestSources_xkb(t *testing.T) {
	codes, aliases := xkbCodes(source(t, "/usr/share/X11/xkb/keycodes/evdev", "xkb-data"))
	seen := map[string]bool{"LVL3": true, "MDSW": true, "ALT": true, "META": true, "SUPR": true, "HYPR": true, "I248": true} // no keyboard has these keys
	for _, k := range ourTable(t).keys {
		for _, v := range k.cells["xkb"].vals {
			name := v.str
			seen[name] = true
			if a, ok := aliases[name]; ok {
				name = a
			}
			if codes[name] != k.cells["code"].vals[0].num+8 {
				t.Errorf("line %d: %s is %d in xkb-data", k.line, v.str, codes[name])
			}
		}
	}
	for name, code := range codes {
		if !seen[name] && code > 8 {
			t.Errorf("<%s> = %d has no row", name, code)
		}
	}
}

// TestSources_xorgkbd: the kbd driver's keycodes are those of xkb-data's xfree86 file, where the two files have the key under the same name.
func TestSources_xorgkbd(t *testing.T) {
	codes, _ := xkbCodes(source(t, "/usr/share/X11/xkb/keycodes/xfree86", "xkb-data"))
	n := 0
	for _, k := range ourTable(t).keys {
		e := k.cells["xorgkbd"]
		for _, v := range k.cells["xkb"].vals {
			if c, ok := codes[v.str]; ok && len(e.vals) > 0 && !strings.HasPrefix(v.str, "I") {
				if n++; !has(e, value{num: c}) {
					t.Errorf("line %d: <%s> is %d in xkb-data, the column has %v", k.line, v.str, c, e.vals)
				}
			}
		}
	}
	if n < 90 {
		t.Errorf("only %d keys compared", n)
	}
}

// TestSources_sdl: SDL's scancodes below 256 are usages of page 07, in both versions; the others are as in its headers, and complete.
func TestSources_sdl(t *testing.T) {
	above := map[string]map[uint32]string{"sdl2": {}, "sdl3": {}}
	for _, k := range ourTable(t).keys {
		for column, found := range above {
			for _, v := range k.cells[column].vals {
				if v.num > 0xff {
					found[v.num] = k.cells["qcode"].vals[0].str
				} else if !has(k.cells["usb"], value{num: 0x070000 | v.num}) {
					t.Errorf("line %d: %s %d is no usage of the key's", k.line, column, v.num)
				}
			}
		}
	}
	// SDL_scancode.h of SDL 2.26 and of SDL 3.2, from 257.
	for column, names := range map[string]string{
		"sdl2": "mode audionext audioprev audiostop audioplay audiomute mediaselect www mail calculator computer search ac_home ac_back ac_forward stop " +
			"ac_refresh ac_bookmarks brightnessdown brightnessup switchvideomode kbdillumtoggle kbdillumdown kbdillumup ejectcd sleep prog1 prog2 rewind fastforward " +
			"soft_left soft_right phone end_call",
		"sdl3": "mode sleep wake channelup channeldown play pausecd record fastforward rewind audionext audioprev audiostop ejectcd audioplay mediaselect new open close exit " +
			"save key_print props search ac_home ac_back ac_forward stop ac_refresh ac_bookmarks soft_left soft_right phone end_call",
	} {
		for i, name := range strings.Fields(names) {
			if code := uint32(257 + i); above[column][code] != name && !(column == "sdl2" && name == "audiomute") {
				t.Errorf("%s %d is the key %q, want %q", column, code, above[column][code], name)
			}
		}
	}
}

// TestSources_sdl2Header: every scancode of SDL 2's header has a row.
func TestSources_sdl2Header(t *testing.T) {
	text := source(t, "/usr/include/SDL2/SDL_scancode.h", "libsdl2-dev")
	text = regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(text, "")
	keys, n := ourTable(t).keys, 0
	for _, m := range regexp.MustCompile(`(SDL_SCANCODE_\w+) = (\d+)`).FindAllStringSubmatch(text, -1) {
		code, _ := strconv.Atoi(m[2])
		if n++; code > 0 && !slices.ContainsFunc(keys, func(k *key) bool { return has(k.cells["sdl2"], value{num: uint32(code)}) }) {
			t.Errorf("%s (%d) has no row", m[1], code)
		}
	}
	if n < 200 {
		t.Errorf("only %d scancodes in the header", n)
	}
}

// TestSources_html: every value of W3C's "UI Events KeyboardEvent code Values" (2017, with its legacy and special ones) has its row.
func TestSources_html(t *testing.T) {
	names := strings.Fields(`Backquote Backslash BracketLeft BracketRight Comma Equal IntlBackslash IntlRo IntlYen Minus Period Quote Semicolon Slash
		AltLeft AltRight Backspace CapsLock ContextMenu ControlLeft ControlRight Enter MetaLeft MetaRight ShiftLeft ShiftRight Space Tab
		Convert KanaMode Lang1 Lang2 Lang3 Lang4 Lang5 NonConvert Delete End Help Home Insert PageDown PageUp ArrowDown ArrowLeft ArrowRight ArrowUp
		NumLock NumpadAdd NumpadBackspace NumpadClear NumpadClearEntry NumpadComma NumpadDecimal NumpadDivide NumpadEnter NumpadEqual NumpadHash
		NumpadMemoryAdd NumpadMemoryClear NumpadMemoryRecall NumpadMemoryStore NumpadMemorySubtract NumpadMultiply NumpadParenLeft NumpadParenRight
		NumpadStar NumpadSubtract Escape Fn FnLock PrintScreen ScrollLock Pause
		BrowserBack BrowserFavorites BrowserForward BrowserHome BrowserRefresh BrowserSearch BrowserStop Eject LaunchApp1 LaunchApp2 LaunchMail
		MediaPlayPause MediaSelect MediaStop MediaTrackNext MediaTrackPrevious Power Sleep AudioVolumeDown AudioVolumeMute AudioVolumeUp WakeUp
		Hyper Super Turbo Abort Resume Suspend Again Copy Cut Find Open Paste Props Select Undo Hiragana Katakana`)
	for c := 'A'; c <= 'Z'; c++ {
		names = append(names, "Key"+string(c))
	}
	for i := range 24 {
		names = append(names, fmt.Sprintf("F%d", i+1))
		if i < 10 {
			names = append(names, fmt.Sprintf("Digit%d", i), fmt.Sprintf("Numpad%d", i))
		}
	}
	seen := map[string]bool{}
	for _, k := range ourTable(t).keys {
		for _, v := range k.cells["html"].vals {
			seen[v.str] = true
		}
	}
	for _, n := range names {
		if !seen[n] {
			t.Errorf("%s has no row", n)
		}
	}
}

// TestSources_win32: each virtual key's number is that of its name.
func TestSources_win32(t *testing.T) {
	const header = "/usr/share/mingw-w64/include/winuser.h"
	defs := map[string]uint32{}
	for _, m := range regexp.MustCompile(`#define (VK_\w+) (0x\w+)`).FindAllStringSubmatch(source(t, header, "mingw-w64-common"), -1) {
		n, _ := strconv.ParseUint(m[2], 0, 32)
		defs[m[1]] = uint32(n)
	}
	for _, k := range ourTable(t).keys {
		for _, name := range k.cells["win32_name"].vals {
			plain, extended := strings.CutSuffix(name.str, "+")
			n, ok := defs[plain]
			if extended {
				n |= 0x100
			}
			if c := strings.TrimPrefix(plain, "VK_"); len(c) == 1 {
				n, ok = uint32(c[0]), true // letters and digits are ASCII
			}
			if !ok || !has(k.cells["win32"], value{num: n}) {
				t.Errorf("line %d: %s is %#x, %v, the column has %v", k.line, name.str, n, ok, k.cells["win32"].vals)
			}
		}
	}
}
