package rfb

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"govm-desktop/display/rfb/rfbtest"
	"govm-desktop/input"
	"govm-desktop/input/layout"
)

// said is a list of events as text: "+30 -30" for keys, "b+272", "m5,-3", "a0,0", "w0,1".
func said(events []input.Event) string {
	var out []string
	for _, e := range events {
		sign := "-"
		if e.Down {
			sign = "+"
		}
		switch e.Kind {
		case input.Key:
			out = append(out, fmt.Sprintf("%s%d", sign, e.Code))
		case input.Button:
			out = append(out, fmt.Sprintf("b%s%d", sign, e.Code))
		case input.Rel:
			out = append(out, fmt.Sprintf("m%d,%d", e.X, e.Y))
		case input.Abs:
			out = append(out, fmt.Sprintf("a%d,%d", e.X, e.Y))
		case input.Wheel:
			out = append(out, fmt.Sprintf("w%d,%d", e.X, e.Y))
		}
	}
	return strings.Join(out, " ")
}

func (b *bench) events(c *rfbtest.Client) string {
	b.shot(c) // messages are taken in order: all input before is through
	return said(b.guest.take())
}

func TestHands_keysyms(t *testing.T) {
	const shift, shiftR, caps, altGr, meta = 0xffe1, 0xffe2, 0xffe5, 0xfe03, 0xffe8
	down := func(syms ...uint32) (ks []int64) {
		for _, s := range syms {
			ks = append(ks, int64(s))
		}
		return ks
	}
	up := func(syms ...uint32) (ks []int64) {
		for _, s := range syms {
			ks = append(ks, -int64(s))
		}
		return ks
	}
	tap := func(s uint32) []int64 { return []int64{int64(s), -int64(s)} }
	for _, c := range []struct {
		name string
		leds input.LEDs
		keys []int64 // negative: release
		want string
	}{
		{"letter", 0, tap('a'), "+30 -30"},
		{"capital without Shift", 0, tap('A'), "+42 +30 -42 -30"},
		{"capital with Shift", 0, slices.Concat(down(shift), tap('A'), up(shift)), "+42 +30 -30 -42"},
		{"capital with the right Shift", 0, slices.Concat(down(shiftR), tap('A'), up(shiftR)), "+54 +30 -30 -54"},
		{"capital by Caps Lock", input.LEDCaps, tap('A'), "+30 -30"},
		{"small with Caps Lock", input.LEDCaps, tap('a'), "+42 +30 -42 -30"},
		{"small with Shift", 0, slices.Concat(down(shift), tap('a'), up(shift)), "+42 -42 +30 +42 -30 -42"},
		{"digit with Caps Lock", input.LEDCaps, tap('1'), "+2 -2"},
		{"symbol", 0, tap('$'), "+42 +5 -42 -5"},
		{"plain symbol with Shift, as on a German keyboard", 0, slices.Concat(down(shift), tap('/'), up(shift)), "+42 -42 +53 +42 -53 -42"},
		{"AltGr", 0, slices.Concat(down(altGr), tap('@'), up(altGr)), "+100 -100 +42 +3 -42 +100 -3 -100"},
		{"Shift and F3", 0, slices.Concat(down(shift), tap(0xffc0), up(shift)), "+42 +61 -61 -42"},
		{"Ctrl and a capital", 0, slices.Concat(down(0xffe3), tap('C'), up(0xffe3)), "+29 +46 -46 -29"},
		{"released by another name", 0, slices.Concat(down('a', shift), up('A', shift)), "+30 +42 -30 -42"},
		{"repeated", 0, slices.Concat(down('a', 'a', 'a'), up('a')), "+30 +30 +30 -30"},
		{"release only", 0, up('a'), ""},
		{"unknown", 0, tap(0x0de1), ""},
		{"Unicode", 0, tap(0x01000041), "+42 +30 -42 -30"},
		{"Meta", 0, tap(meta), "+100 -100"},
		{"keypad with Num Lock", input.LEDNum, tap(0xffb7), "+71 -71"},
		{"keypad digit without Num Lock", 0, tap(0xffb7), "+8 -8"},
		{"keypad Home", 0, tap(0xff95), "+71 -71"},
		{"keypad Home with Num Lock", input.LEDNum, tap(0xff95), "+102 -102"},
		{"keypad Delete with Num Lock", input.LEDNum, tap(0xff9f), "+111 -111"},
		{"chord", 0, slices.Concat(down(0xffe3, 0xffe9, 0xffff), up(0xffff, 0xffe9, 0xffe3)), "+29 +56 +111 -111 -56 -29"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, 64, 48, Config{})
			v := b.dial(rfbtest.Options{})
			b.router.SetLEDs(c.leds)
			for _, k := range c.keys {
				sym, d := k, true
				if k < 0 {
					sym, d = -k, false
				}
				if err := v.Key(uint32(sym), d); err != nil {
					t.Fatal(err)
				}
			}
			if got := b.events(v); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestHands_layoutsAndModes(t *testing.T) {
	de, err := layout.Find("de")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what      string
		mode      KeyMode
		qnum, sym uint32
		want      string
	}{
		{"a place is believed whatever the layout is", KeysAuto, 0x15, 'z', "+21 -21"},
		{"Hangul as vendors send it", KeysAuto, 0xf2, 0xff31, "+122 -122"},
		{"Hanja as vendors send it", KeysAuto, 0xf1, 0xff34, "+123 -123"},
		{"and as QEMU numbers it", KeysAuto, 0x72, 0, "+122 -122"},
		{"no place, a character", KeysAuto, 0, 'z', "+21 -21"},
		{"é is composed", KeysAuto, 0, 0xe9, "+13 -13 +18 -18"},
		{"keysyms only", KeysKeysym, 0x1e, '@', "+100 +16 -100 -16"},
		{"places only", KeysRaw, 0, 'z', ""},
		{"places only", KeysRaw, 0x1e, 'z', "+30 -30"},
	} {
		b := newBench(t, 64, 48, Config{Layout: de, KeyMode: c.mode})
		v := b.dial(rfbtest.Options{})
		b.shot(v)
		for _, down := range []bool{true, false} {
			if err := v.KeyCode(c.qnum, c.sym, down); err != nil {
				t.Fatal(err)
			}
		}
		if got := b.events(v); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

func TestHands_placesOfKeys(t *testing.T) {
	b := newBench(t, 64, 48, Config{})
	c := b.dial(rfbtest.Options{})
	b.shot(c)
	if !c.State().ExtKeys {
		t.Fatal("the server did not offer keys by place")
	}
	for _, k := range []struct {
		qnum, sym uint32
		want      string
	}{
		{0x1e, 'A', "+30 -30"}, // what the client's Shift does is another key
		{0xc8, 0, "+103 -103"},
		{0xe048, 0, "+103 -103"},
		{0xc6, 0, "+119 -119"},
		{0, 'b', "+48 -48"},
		{0x7777, 'b', "+48 -48"},
		{0x7777, 0, ""},
	} {
		for _, down := range []bool{true, false} {
			if err := c.KeyCode(k.qnum, k.sym, down); err != nil {
				t.Fatal(err)
			}
		}
		if got := b.events(c); got != k.want {
			t.Errorf("%#x, %#x: %s, want %s", k.qnum, k.sym, got, k.want)
		}
	}
}

func (b *bench) point(c *rfbtest.Client, x, y int, mask uint8) string {
	b.t.Helper()
	if err := c.Pointer(x, y, mask); err != nil {
		b.t.Fatal(err)
	}
	return b.events(c)
}

func TestHands_mouse(t *testing.T) {
	b := newBench(t, 640, 480, Config{})
	c := b.dial(rfbtest.Options{})
	for _, p := range []struct {
		x, y int
		mask uint8
		want string
	}{
		{100, 100, 0, ""}, // where it starts
		{105, 97, 0, "m5,-3"},
		{105, 97, 1, "b+272"},
		{106, 97, 7, "m1,0 b+274 b+273"},
		{106, 97, 0, "b-272 b-274 b-273"},
		{106, 97, 8, "w0,1"},
		{106, 97, 0, ""},
		{106, 97, 16, "w0,-1"},
		{106, 97, 32 | 64, "w-1,0 w1,0"},
		{0, 0, 0, "m-106,-97"},
	} {
		if got := b.point(c, p.x, p.y, p.mask); got != p.want {
			t.Errorf("%d,%d,%d: %q, want %q", p.x, p.y, p.mask, got, p.want)
		}
	}
}

func TestHands_tablet(t *testing.T) {
	b := newBench(t, 641, 481, Config{})
	b.router.Add(b.guest, input.Abs)
	c := b.dial(rfbtest.Options{})
	for _, p := range []struct {
		x, y int
		want string
	}{
		{0, 0, "a0,0"}, {640, 480, "a32767,32767"}, {320, 240, "a16384,16384"}, {65535, 65535, "a32767,32767"},
	} {
		if got := b.point(c, p.x, p.y, 0); got != p.want {
			t.Errorf("%d,%d: %q, want %q", p.x, p.y, got, p.want)
		}
	}
}

// TestHands_pointerChange has a client that can send movements, and a tablet that comes and goes.
func TestHands_pointerChange(t *testing.T) {
	b := newBench(t, 640, 480, Config{})
	c := b.dial(rfbtest.Options{Encodings: []int32{0, rfbtest.PointerChange}})
	b.shot(c)
	if s := c.State(); !s.PointerTold || s.Absolute {
		t.Fatalf("the client was told %v, %v", s.PointerTold, s.Absolute)
	}
	for _, p := range []struct {
		x, y int
		want string
	}{
		{0x7fff + 4, 0x7fff - 2, "m4,-2"},
		{0x7fff - 4, 0x7fff, "m-4,0"},
		{100, 100, ""}, // a position from before it knew
	} {
		if got := b.point(c, p.x, p.y, 0); got != p.want {
			t.Errorf("%d,%d: %q, want %q", p.x, p.y, got, p.want)
		}
	}
	remove := b.router.Add(b.guest, input.Abs)
	b.point(c, 0x7fff, 0x7fff, 0)
	b.shot(c)
	if s := c.State(); !s.Absolute {
		t.Error("the client does not know of the tablet")
	}
	if got := b.point(c, 0, 479, 0); got != "a0,32767" {
		t.Error(got)
	}
	remove()
	b.point(c, 0, 479, 0)
	b.shot(c)
	if s := c.State(); s.Absolute {
		t.Error("the client still knows of the tablet")
	}
}

// gone waits until the server has noticed that a client left, and returns what it released.
func (b *bench) gone(c *rfbtest.Client) string {
	c.Close()
	b.s.wg.Wait()
	return said(b.guest.take())
}

func TestHands_releasedOnDisconnect(t *testing.T) {
	b := newBench(t, 64, 48, Config{})
	c := b.dial(rfbtest.Options{})
	for _, err := range []error{c.Key('a', true), c.Key(0xffe3, true), c.KeyCode(0xc8, 0, true), c.Pointer(1, 1, 5)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := b.events(c); got != "+30 +29 +103 b+272 b+273" {
		t.Fatal(got)
	}
	if got := b.gone(c); got != "-103 -29 -30 b-272 b-273" {
		t.Error(got)
	}
}

func TestServer_viewOnly(t *testing.T) {
	b := newBench(t, 64, 48, Config{})
	s := New(Config{Screen: b.screen})
	defer s.Close()
	l, err := Listen("unix:" + t.TempDir() + "/vnc")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	c, err := rfbtest.Dial("unix:" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Type("hello"); err != nil {
		t.Fatal(err)
	}
	if err := c.Pointer(1, 2, 3); err != nil {
		t.Fatal(err)
	}
	if got := b.events(c); got != "" {
		t.Error(got)
	}
}
