package layout

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"govm-desktop/input"
)

// typed is what a resolver sends for keysyms: negative ones are let go.
func typed(t *testing.T, name string, leds input.LEDs, syms ...int64) string {
	t.Helper()
	l, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	r := l.Resolver(func(c input.Code, down bool) {
		out = append(out, fmt.Sprintf("%c%d", map[bool]byte{true: '+', false: '-'}[down], c))
	}, func() input.LEDs { return leds })
	for _, s := range syms {
		r.Keysym(uint32(max(s, -s)), s > 0)
	}
	return strings.Join(out, " ")
}

func tap(sym int64) []int64 { return []int64{sym, -sym} }

func TestResolver(t *testing.T) {
	for _, c := range []struct {
		what, layout string
		leds         input.LEDs
		syms         []int64
		want         string
	}{
		{"@ from a layout that is not the guest's", "us", 0, tap('@'), "+42 +3 -42 -3"},
		{"@ needs AltGr in Germany", "de", 0, tap('@'), "+100 +16 -100 -16"},
		{"z and y change places", "de", 0, tap('z'), "+21 -21"},
		{"é has no key: dead acute, e", "de", 0, tap(0xe9), "+13 -13 +18 -18"},
		{"É", "de", 0, tap(0xc9), "+13 -13 +42 +18 -42 -18"},
		{"ê by a shifted state of its own", "de", 0, tap(0xea), "+41 -41 +18 -18"},
		{"Cyrillic as Unicode", "ru", 0, tap(0x01000430), "+33 -33"},
		{"the same as a legacy keysym", "ru", 0, tap(0x6c1), "+33 -33"},
		{"Latin letters where there are none", "ru", 0, tap('a'), "+30 -30"},
		{"an Arabic letter is no g", "ru", 0, tap(0x010006d0), ""},
		{"Hangul", "kr", 0, tap(0xff31), "+122 -122"},
		{"Hanja", "kr", 0, tap(0xff34), "+123 -123"},
		{"AltGr held already", "de", 0, []int64{0xfe03, 0x20ac, -0x20ac, -0xfe03}, "+100 +18 -18 -100"},
		{"Mode_switch is AltGr too", "de", 0, []int64{0xff7e, 0x20ac, -0x20ac, -0xff7e}, "+100 +18 -18 -100"},
		{"Shift is lifted", "de", 0, []int64{0xffe1, '#', -'#', -0xffe1}, "+42 -42 +43 +42 -43 -42"},
		{"the release finds the key of the press", "us", 0, []int64{'a', 0xffe1, -'A', -0xffe1}, "+30 +42 -30 -42"},
		{"Shift and Tab", "us", 0, []int64{0xffe1, 0xfe20, -0xfe20, -0xffe1}, "+42 +15 -15 -42"},
		{"Ctrl and Shift and c", "us", 0, []int64{0xffe3, 0xffe1, 'C', -'C', -0xffe1, -0xffe3}, "+29 +42 +46 -46 -42 -29"},
		{"keypad with Shift held", "us", input.LEDNum, []int64{0xffe1, 0xffb7, -0xffb7, -0xffe1}, "+42 +71 -71 -42"},
		{"Caps Lock in the guest", "de", input.LEDCaps, tap('a'), "+42 +30 -42 -30"},
		{"Caps Lock does not shift digits", "us", input.LEDCaps, tap('1'), "+2 -2"},
		{"é is only to be had without Caps Lock", "fr", input.LEDCaps, tap(0xe9), "+58 -58 +3 +58 -58 -3"},
		{"French digits are shifted", "fr", 0, tap('1'), "+42 +2 -42 -2"},
		{"Ctrl and Alt of Windows for AltGr", "de", 0, []int64{0xffe3, 0xffea, '@', -'@', -0xffea, -0xffe3}, "+29 +100 -29 +16 +29 -16 -100 -29"},
		{"the same from a client that says Level3", "de", 0, []int64{0xffe3, 0xfe03, '@', -'@', -0xfe03, -0xffe3}, "+29 +100 -29 +16 +29 -16 -100 -29"},
		{"the same where there is no AltGr", "us", 0, []int64{0xffe3, 0xffea, '@', -'@', -0xffea, -0xffe3}, "+29 +100 -29 -100 +42 +3 -42 +29 +100 -3 -100 -29"},
		{"the same where the character needs none", "us", 0, []int64{0xffe3, 0xffea, '#', -'#', -0xffea, -0xffe3}, "+29 +100 -29 -100 +42 +4 -42 +29 +100 -4 -100 -29"},
		{"Ctrl and Alt and a letter are a shortcut", "de", 0, []int64{0xffe3, 0xffe9, 't', -'t', -0xffe9, -0xffe3}, "+29 +56 +20 -20 -56 -29"},
		{"Ctrl and AltGr and a digit too", "us", 0, []int64{0xffe3, 0xffea, '1', -'1', -0xffea, -0xffe3}, "+29 +100 +2 -2 -100 -29"},
		{"nobody knows it", "us", 0, tap(0x0101f600), ""},
		{"volume", "us", 0, tap(0x1008ff13), "+115 -115"},
	} {
		if got := typed(t, c.layout, c.leds, c.syms...); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

func TestFind_names(t *testing.T) {
	for _, q := range QEMUNames() {
		if _, err := Find(q); err != nil {
			t.Errorf("QEMU's %s: %v", q, err)
		}
	}
	for name, want := range map[string]string{"et": "ee", "en-us": "us", "bepo": "fr(bepo)", "fr(bepo)": "fr(bepo)", "kr": "kr", "gb": "gb"} {
		if l, err := Find(name); err != nil || l.Name() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	for name, hint := range map[string]string{"xx": "\"xx\"", "de(bepo)": "de(neo)", "": "-k help"} {
		if _, err := Find(name); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if n := Names(); len(n) < 500 || !slices.Contains(n, "ua") {
		t.Errorf("%d layouts", len(n))
	}
}

func TestResolver_releaseAll(t *testing.T) {
	l, err := Find("de")
	if err != nil {
		t.Fatal(err)
	}
	down := map[input.Code]bool{}
	r := l.Resolver(func(c input.Code, d bool) { down[c] = d }, func() input.LEDs { return 0 })
	for _, s := range []uint32{0xffe1, 0xfe03, '@', 0xe9} {
		r.Keysym(s, true)
	}
	r.Set(30, true)
	r.ReleaseAll()
	for c, d := range down {
		if d {
			t.Errorf("key %d is still down", c)
		}
	}
}

func TestRead_size(t *testing.T) {
	if len(packed) > 200<<10 {
		t.Errorf("the tables take %d bytes", len(packed))
	}
}

// FuzzRead feeds the reader of the packed tables.
func FuzzRead(f *testing.F) {
	f.Add(packed[:100])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) { _, _ = read(data) })
}

// FuzzResolver feeds keysyms: what goes down must come up, and nothing may panic.
func FuzzResolver(f *testing.F) {
	var layouts []*Layout
	for _, n := range []string{"us", "de", "ru", "jp", "de(neo)"} {
		l, err := Find(n)
		if err != nil {
			f.Fatal(err)
		}
		layouts = append(layouts, l)
	}
	f.Add(uint8(0), uint8(0), []byte{0xe1, 0xff, 1, 'A', 0, 1, 'A', 0, 0})
	f.Fuzz(func(t *testing.T, which, leds uint8, keys []byte) {
		down := map[input.Code]bool{}
		r := layouts[int(which)%len(layouts)].Resolver(func(c input.Code, d bool) {
			if c == 0 || c > 0xff {
				t.Fatalf("key %d", c)
			}
			down[c] = d
		}, func() input.LEDs { return input.LEDs(leds & 7) })
		for ; len(keys) >= 3; keys = keys[3:] {
			sym := uint32(keys[0]) | uint32(keys[1])<<8
			if keys[2]&2 != 0 {
				sym |= unicode
			}
			r.Keysym(sym, keys[2]&1 != 0)
		}
		r.ReleaseAll()
		for c, d := range down {
			if d {
				t.Errorf("key %d is still down", c)
			}
		}
	})
}
