package main

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// mapping is one way to call keys: a column, or what follows from one.
type mapping struct {
	name  string
	title string
	words bool // its values are words
	cells func(*table, *key) entry
	names string // the column with the names of its codes
}

// mappings are all that the generator knows, in the order of its help.
func mappings() []mapping {
	col := func(name string) func(*table, *key) entry {
		return func(_ *table, k *key) entry { return k.cells[name] }
	}
	plus := func(n uint32, get func(*table, *key) entry) func(*table, *key) entry {
		return func(t *table, k *key) entry { return changed(get(t, k), func(v uint32) uint32 { return v + n }) }
	}
	linux := func(_ *table, k *key) entry {
		e := k.cells["code"]
		e.names = words(k.cells["linux"], e.names)
		return e
	}
	return []mapping{
		{"linux", "Linux", false, linux, "linux"},
		{"osx", "macOS", false, col("osx"), ""},
		{"atset1", "AT set 1", false, col("set1"), ""},
		{"atset2", "AT set 2", false, col("set2"), ""},
		{"atset3", "AT set 3", false, col("set3"), ""},
		{"atset1linux", "AT set 1 for Linux guests", false, variant("set1"), ""},
		{"atset2linux", "AT set 2 for Linux guests", false, variant("set2"), ""},
		{"usb", "USB HID", false, col("usb"), ""},
		{"win32", "Win32", false, named("win32", "win32_name"), ""},
		{"xwinxt", "Xwin XT", false, col("xwin"), ""},
		{"xkbdxt", "XFree86 XT", false, xkbdxt, ""},
		{"x11", "X11 keysym", false, keysyms, ""},
		{"html", "HTML code", true, col("html"), ""},
		{"xkb", "XKB key name", true, col("xkb"), ""},
		{"qcode", "QKeyCode", true, col("qcode"), ""},
		{"sun", "Sun", false, col("sun"), ""},
		{"adb", "Apple ADB", false, col("adb"), ""},
		{"sdl2", "SDL 2", false, col("sdl2"), ""},
		{"sdl3", "SDL 3", false, col("sdl3"), ""},
		{"qnum", "QEMU number", false, qnum, ""},
		{"xtkbd", "XT keyboard", false, xtkbd, ""},
		{"xorgevdev", "Xorg evdev", false, plus(8, col("code")), ""},
		{"xorgkbd", "Xorg kbd", false, plus(8, xkbdxt), ""},
		{"xorgxquartz", "Xquartz", false, plus(8, col("osx")), ""},
		{"xorgxwin", "Xwin", false, plus(8, col("xwin")), ""},
	}
}

func words(e entry, otherwise []string) []string {
	var s []string
	for _, v := range e.vals {
		s = append(s, v.str)
	}
	if s == nil {
		return otherwise
	}
	return s
}

// changed is an entry with each number put through f; a number that comes out as none is dropped.
func changed(e entry, f func(uint32) uint32) entry {
	out := entry{line: e.line}
	for _, v := range e.vals {
		if n := f(v.num); n != none {
			out.vals = append(out.vals, value{num: n})
		}
	}
	return out
}

const none = ^uint32(0)

func named(col, names string) func(*table, *key) entry {
	return func(_ *table, k *key) entry {
		e := k.cells[col]
		e.names = words(k.cells[names], e.names)
		return e
	}
}

// variant is what the key sends where Linux' driver wants other codes than Windows.
func variant(col string) func(*table, *key) entry {
	return func(_ *table, k *key) entry {
		if e, ok := k.cells[col+"_linux"]; ok {
			return e
		}
		return k.cells[col]
	}
}

// xkbdxt is 8 less than what xkb-data has; keycodemapdb has it so.
func xkbdxt(_ *table, k *key) entry {
	if e, ok := k.cells["xkbdxt"]; ok {
		return e
	}
	return changed(k.cells["xorgkbd"], func(v uint32) uint32 { return v - 8 })
}

// qnum is what QEMU's RFB extension sends: the set 1 code with bit 7 in place of the E0. A column of its own adds and overrides.
func qnum(t *table, k *key) entry {
	if e, ok := k.cells["qnum"]; ok {
		return e
	}
	e := changed(k.cells["set1"], func(v uint32) uint32 {
		switch {
		case v == 0:
			return none
		case t.later && (v == 0xf1 || v == 0xf2):
			return v &^ 0x80
		case v>>8 == 0xe0:
			return v&0x7f | 0x80
		}
		return v
	})
	if t.later && len(e.vals) > 0 && e.vals[0].num == 0x54 {
		e.vals = append(e.vals, value{num: 0xb7})
	}
	return e
}

// xtkbd is the keycode of Linux' old XT keyboard driver and of Xen's protocol.
func xtkbd(_ *table, k *key) entry {
	return changed(k.cells["set1"], func(v uint32) uint32 {
		switch {
		case v == 0:
			return none
		case v>>8 == 0xe0:
			return v&0xff | 0x100
		}
		return v
	})
}

func findMap(name string) (mapping, error) {
	var all []string
	for _, m := range mappings() {
		if m.name == name {
			return m, nil
		}
		all = append(all, m.name)
	}
	return mapping{}, fmt.Errorf("there is no map %q; there are %s", name, strings.Join(all, " "))
}

// pair is one line of a map from values to values.
type pair struct{ from, to value }

// join is the map from one mapping to another, sorted by what it is looked up by.
func (t *table) join(from, to mapping) []pair {
	to1 := map[uint32]value{}
	var rest *value
	for _, k := range t.keys {
		code := k.cells["code"].vals[0].num
		if e := to.cells(t, k); len(e.vals) > 0 && !blank(e.vals[0], to) {
			to1[code] = e.vals[0]
			if t.later && code == 0 {
				rest = &e.vals[0]
			}
		}
	}
	m := map[value]value{}
	for _, k := range t.keys {
		to, ok := to1[k.cells["code"].vals[0].num]
		for _, v := range from.cells(t, k).vals {
			switch {
			case blank(v, from):
			case ok:
				m[v] = to
			case rest != nil:
				m[v] = *rest
			default:
				delete(m, v)
			}
		}
	}
	var out []pair
	for f, to := range m {
		out = append(out, pair{f, to})
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i].from, out[j].from
		return a.num < b.num || a.num == b.num && a.str < b.str
	})
	return out
}

// blank reports a scan code that says there is none.
func blank(v value, m mapping) bool { return strings.HasPrefix(m.name, "atset") && v == (value{}) }

// line is a key's row in tables and documents: its code in a mapping and the code's name.
type line struct {
	linux uint32
	code  *value
	name  string
}

// list is every key in the order of the Linux codes.
func (t *table) list(m mapping) []line {
	at := map[uint32]*line{}
	for _, k := range t.keys {
		c := k.cells["code"].vals[0].num
		l := at[c]
		if l == nil {
			l = &line{linux: c}
			at[c] = l
		}
		e := m.cells(t, k)
		if len(e.vals) > 0 && !blank(e.vals[0], m) {
			l.code = &e.vals[0]
		}
		switch {
		case len(e.names) > 0:
			l.name = e.names[0]
		case l.code != nil && m.words:
			l.name = l.code.str
		case l.name == "" && len(k.cells["linux"].vals) > 0:
			l.name = k.cells["linux"].vals[0].str
		case l.name == "" && len(k.cells["qcode"].vals) > 0:
			l.name = k.cells["qcode"].vals[0].str
		}
	}
	var out []line
	for _, l := range at {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b line) int { return int(a.linux) - int(b.linux) })
	return out
}

// keysyms are the numbers, with the names beside them.
func keysyms(_ *table, k *key) entry {
	e := k.cells["x11"]
	out := entry{line: e.line, names: e.names}
	for _, v := range e.vals {
		if v.str != "" {
			out.names = append(out.names, v.str)
		}
		out.vals = append(out.vals, value{num: v.num})
	}
	return out
}
