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
	// byName: cells gives the names, not the codes; a key without one has none
	byName bool
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
		{name: "linux", title: "Linux", cells: linux},
		{name: "osx", title: "macOS", cells: col("osx")},
		{name: "atset1", title: "AT set 1", cells: col("set1")},
		{name: "atset2", title: "AT set 2", cells: col("set2")},
		{name: "atset3", title: "AT set 3", cells: col("set3")},
		{name: "atset1linux", title: "AT set 1 for Linux guests", cells: variant("set1")},
		{name: "atset2linux", title: "AT set 2 for Linux guests", cells: variant("set2")},
		{name: "usb", title: "USB HID", cells: col("usb")},
		{name: "win32", title: "Win32", cells: named("win32", "win32_name")},
		{name: "xwinxt", title: "Xwin XT", cells: col("xwin")},
		{name: "xkbdxt", title: "XFree86 XT", cells: xkbdxt},
		{name: "x11", title: "X11 keysym", cells: keysyms},
		{name: "html", title: "HTML code", words: true, cells: col("html")},
		{name: "xkb", title: "XKB key name", words: true, cells: col("xkb")},
		{name: "qcode", title: "QKeyCode", words: true, cells: col("qcode")},
		{name: "sun", title: "Sun", cells: col("sun")},
		{name: "adb", title: "Apple ADB", cells: col("adb")},
		{name: "sdl2", title: "SDL 2", cells: col("sdl2")},
		{name: "sdl3", title: "SDL 3", cells: col("sdl3")},
		{name: "qnum", title: "QEMU number", cells: qnum},
		{name: "xtkbd", title: "XT keyboard", cells: xtkbd},
		{name: "xorgevdev", title: "Xorg evdev", cells: plus(8, col("code"))},
		{name: "xorgkbd", title: "Xorg kbd", cells: plus(8, xkbdxt)},
		{name: "xorgxquartz", title: "Xquartz", cells: plus(8, col("osx"))},
		{name: "xorgxwin", title: "Xwin", cells: plus(8, col("xwin"))},
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
			if t.later && code == 0 && !to.byName {
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

// size is one more than the highest code of a map.
func (t *table) size(m mapping) int {
	n := 0
	for _, k := range t.keys {
		for _, v := range m.cells(t, k).vals {
			if !m.words && !blank(v, m) {
				n = max(n, int(v.num)+1)
			}
		}
	}
	return n
}

// line is a key's row in tables and documents: its code in a mapping, the code's name, and the key's own name.
type line struct {
	linux uint32
	code  *value
	name  string
	key   string
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
		if len(e.names) > 0 {
			l.name = e.names[0]
		} else if len(e.vals) > 0 && m.words {
			l.name = l.code.str
		}
		for _, column := range []string{"linux", "qcode"} {
			if l.key == "" && len(k.cells[column].vals) > 0 {
				l.key = k.cells[column].vals[0].str
			}
		}
	}
	var out []line
	for _, l := range at {
		if rest := at[0]; t.later && l.code == nil && rest != nil && !m.byName {
			l.code = rest.code
		}
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
