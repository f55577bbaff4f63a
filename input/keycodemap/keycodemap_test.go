package keycodemap

import (
	"bytes"
	"strings"
	"testing"

	"govm-desktop/input"
)

func TestMap_knownKeys(t *testing.T) {
	m := New()
	for _, c := range []struct {
		name string
		code input.Code
		qnum uint32
		sym  uint32
		set2 []byte
		usb  uint32
	}{
		{"a", 30, 0x1e, 'a', []byte{0x1c}, 0x070004},
		{"ret", 28, 0x1c, 0xff0d, []byte{0x5a}, 0x070028},
		{"f7", 65, 0x41, 0xffc4, []byte{0x83}, 0x070040},
		{"f13", 183, 0x5d, 0xffca, []byte{0x08}, 0x070068},
		{"up", 103, 0xc8, 0xff52, []byte{0xe0, 0x75}, 0x070052},
		{"ctrl_r", 97, 0x9d, 0xffe4, []byte{0xe0, 0x14}, 0x0700e4},
		{"hangeul", 122, 0xf2, 0xff31, []byte{0xf2}, 0x070090},
		{"lang1", 122, 0x72, 0xff31, []byte{0xf2}, 0x070090},
		{"hanja", 123, 0xf1, 0xff34, []byte{0xf1}, 0x070091},
		{"lang2", 123, 0x71, 0xff34, []byte{0xf1}, 0x070091},
		{"audiomute", 113, 0xa0, 0x1008ff12, []byte{0xe0, 0x23}, 0x07007f},
		{"kp_comma", 121, 0x7e, 0xffac, []byte{0x6d}, 0x070085},
		{"kp_enter", 96, 0x9c, 0xff8d, []byte{0xe0, 0x5a}, 0x070058},
		{"sysrq", 99, 0x54, 0xff61, []byte{0xe0, 0x7c}, 0x070046},
		{"print", 99, 0xb7, 0xff15, []byte{0xe0, 0x7c}, 0x070046},
		{"pause", 119, 0xc5, 0xff13, []byte{0xe0, 0x7e}, 0x070048},
	} {
		if got, ok := m.ByName(c.name); !ok || got != c.code {
			t.Errorf("ByName(%q) = %d, %v, want %d", c.name, got, ok, c.code)
		}
		if got, ok := m.ByQnum(c.qnum); !ok || got != c.code {
			t.Errorf("ByQnum(%#x) = %d, %v, want %d", c.qnum, got, ok, c.code)
		}
		if got, _, ok := m.ByKeysym(c.sym); !ok || got != c.code {
			t.Errorf("ByKeysym(%#x) = %d, %v, want %d", c.sym, got, ok, c.code)
		}
		if got, ok := m.Scancode(c.code, 2); !ok || !bytes.Equal(got, c.set2) {
			t.Errorf("Scancode(%d, 2) = %x, %v, want %x", c.code, got, ok, c.set2)
		}
		if got, ok := m.USB(c.code); !ok || got != c.usb {
			t.Errorf("USB(%d) = %#x, %v, want %#x", c.code, got, ok, c.usb)
		}
	}
}

func TestMap_otherWorlds(t *testing.T) {
	m := New()
	for what, c := range map[string]struct {
		want input.Code
		got  func() (input.Code, bool)
	}{
		"html KeyQ":          {16, func() (input.Code, bool) { return m.ByHTML("KeyQ") }},
		"html Lang1":         {122, func() (input.Code, bool) { return m.ByHTML("Lang1") }},
		"html OSLeft":        {125, func() (input.Code, bool) { return m.ByHTML("OSLeft") }},
		"html MediaSelect":   {226, func() (input.Code, bool) { return m.ByHTML("MediaSelect") }},
		"win Return":         {28, func() (input.Code, bool) { return m.ByWin32(0x0d) }},
		"win keypad Enter":   {96, func() (input.Code, bool) { return m.ByWin32(0x10d) }},
		"win OEM_5":          {43, func() (input.Code, bool) { return m.ByWin32(0xdc) }},
		"win OEM_102":        {86, func() (input.Code, bool) { return m.ByWin32(0xe2) }},
		"mac A":              {30, func() (input.Code, bool) { return m.ByOSX(0) }},
		"mac right option":   {100, func() (input.Code, bool) { return m.ByOSX(0x3d) }},
		"sdl2 A":             {30, func() (input.Code, bool) { return m.BySDL2(4) }},
		"sdl2 AudioNext":     {163, func() (input.Code, bool) { return m.BySDL2(258) }},
		"sdl3 media next":    {163, func() (input.Code, bool) { return m.BySDL3(267) }},
		"xorg evdev A":       {30, func() (input.Code, bool) { return m.ByXorgEvdev(38) }},
		"xorg kbd Up":        {103, func() (input.Code, bool) { return m.ByXorgKbd(98) }},
		"xquartz A":          {30, func() (input.Code, bool) { return m.ByXquartz(8) }},
		"xwin Home":          {102, func() (input.Code, bool) { return m.ByXwin(97) }},
		"usb next song":      {163, func() (input.Code, bool) { return m.ByUSB(0x0c00b5) }},
		"usb emoji":          {585, func() (input.Code, bool) { return m.ByUSB(0x0c00d9) }},
		"set 1 KP enter":     {96, func() (input.Code, bool) { return m.ByATSet1(0xe01c) }},
		"set 1 F13":          {183, func() (input.Code, bool) { return m.ByATSet1(0x64) }},
		"sun Stop":           {128, func() (input.Code, bool) { return m.BySun(1) }},
		"adb A":              {30, func() (input.Code, bool) { return m.ByADB(0) }},
		"xkb AD01":           {16, func() (input.Code, bool) { return m.ByXKB("AD01") }},
		"xtkbd right ctrl":   {97, func() (input.Code, bool) { return m.ByXTKbd(0x11d) }},
		"name emoji_picker":  {585, func() (input.Code, bool) { return m.ByName("emoji_picker") }},
		"name katakana":      {90, func() (input.Code, bool) { return m.ByName("katakana") }},
		"html NumpadMemory…": {0x4d3, func() (input.Code, bool) { return m.ByHTML("NumpadMemoryAdd") }},
	} {
		if got, ok := c.got(); !ok || got != c.want {
			t.Errorf("%s: %d, %v, want %d", what, got, ok, c.want)
		}
	}
}

// TestMap_qapi knows every name that QEMU 10's QMP has for keys.
func TestMap_qapi(t *testing.T) {
	names := "shift shift_r alt alt_r ctrl ctrl_r menu esc 1 2 3 4 5 6 7 8 9 0 minus equal backspace tab q w e r t y u i o p bracket_left bracket_right ret " +
		"a s d f g h j k l semicolon apostrophe grave_accent backslash z x c v b n m comma dot slash asterisk spc caps_lock f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 " +
		"num_lock scroll_lock kp_divide kp_multiply kp_subtract kp_add kp_enter kp_decimal sysrq kp_0 kp_1 kp_2 kp_3 kp_4 kp_5 kp_6 kp_7 kp_8 kp_9 less f11 f12 " +
		"print home pgup pgdn end left up down right insert delete stop again props undo front copy open paste find cut lf help meta_l meta_r compose pause ro " +
		"hiragana henkan yen muhenkan katakanahiragana kp_comma kp_equals power sleep wake audionext audioprev audiostop audioplay audiomute volumeup volumedown " +
		"mediaselect mail calculator computer ac_home ac_back ac_forward ac_refresh ac_bookmarks lang1 lang2 f13 f14 f15 f16 f17 f18 f19 f20 f21 f22 f23 f24"
	m := New()
	for _, n := range strings.Fields(names) {
		if _, ok := m.ByName(n); !ok {
			t.Errorf("no key is called %s", n)
		}
	}
}

// TestMap_unknown looks up what is not there.
func TestMap_unknown(t *testing.T) {
	m := New()
	for _, n := range []uint32{0, 0xfe, 0x1234, 0xe0ff, 0xffffffff} {
		if c, ok := m.ByQnum(n); ok {
			t.Errorf("qnum %#x is key %d", n, c)
		}
		if c, ok := m.BySDL2(n); ok {
			t.Errorf("SDL %#x is key %d", n, c)
		}
		if c, ok := m.ByXorgEvdev(n); ok && n != 0xfe {
			t.Errorf("X keycode %#x is key %d", n, c)
		}
		if c, _, ok := m.ByKeysym(n); ok && n != 0xfe {
			t.Errorf("keysym %#x is key %d", n, c)
		}
	}
	for _, s := range []string{"", "nonsense", "zzzz"} {
		if c, ok := m.ByName(s); ok {
			t.Errorf("%q is key %d", s, c)
		}
	}
	for _, c := range []input.Code{0, 0x2ff, 0x600, 0xffff} {
		if n := m.Name(c); n != "" {
			t.Errorf("key %d is called %q", c, n)
		}
		if b, ok := m.Scancode(c, 2); ok {
			t.Errorf("key %d sends %x", c, b)
		}
	}
	if _, ok := m.Scancode(30, 4); ok {
		t.Error("there is a set 4")
	}
}

// TestMap_setsAgree checks that set 2 goes through the 8042's translation to set 1, in both variants.
func TestMap_setsAgree(t *testing.T) {
	const xlate = "\xff\x43\x41\x3f\x3d\x3b\x3c\x58\x64\x44\x42\x40\x3e\x0f\x29\x59" +
		"\x65\x38\x2a\x70\x1d\x10\x02\x5a\x66\x71\x2c\x1f\x1e\x11\x03\x5b" +
		"\x67\x2e\x2d\x20\x12\x05\x04\x5c\x68\x39\x2f\x21\x14\x13\x06\x5d" +
		"\x69\x31\x30\x23\x22\x15\x07\x5e\x6a\x72\x32\x24\x16\x08\x09\x5f" +
		"\x6b\x33\x25\x17\x18\x0b\x0a\x60\x6c\x34\x35\x26\x27\x19\x0c\x61" +
		"\x6d\x73\x28\x74\x1a\x0d\x62\x6e\x3a\x36\x1c\x1b\x75\x2b\x63\x76" +
		"\x55\x56\x77\x78\x79\x7a\x0e\x7b\x7c\x4f\x7d\x4b\x47\x7e\x7f\x6f" +
		"\x52\x53\x50\x4c\x4d\x48\x01\x45\x57\x4e\x51\x4a\x37\x49\x46\x54"
	for _, v := range []Variant{Windows, Linux} {
		m, n := New(v), 0
		for c := range input.Code(codes) {
			two, has := m.Scancode(c, 2)
			one, also := m.Scancode(c, 1)
			if has != also || len(one) != len(two) {
				t.Errorf("key %d: sets 1 and 2 have %x and %x", c, one, two)
			}
			if !has || !also {
				continue
			}
			n++
			b := two[len(two)-1]
			switch {
			case b < 0x80:
				b = xlate[b]
			case b == 0x83:
				b = 0x41
			case b == 0x84:
				b = 0x54
			}
			if one[len(one)-1] != b {
				t.Errorf("key %d: set 2 %x is translated to %#x, set 1 has %x", c, two, b, one)
			}
		}
		if n < 150 {
			t.Errorf("only %d keys have scan codes", n)
		}
	}
}

func TestMap_variants(t *testing.T) {
	for _, c := range []struct {
		v    Variant
		code input.Code
		want []byte
	}{
		{Windows, 183, []byte{0x08}}, {Linux, 183, []byte{0x2f}}, {Linux, 193, []byte{0x57}},
		{Windows, 194, []byte{0x5f}}, {Linux, 194, nil}, {Windows, 85, nil}, {Linux, 85, []byte{0x5f}},
	} {
		if got, _ := New(c.v).Scancode(c.code, 2); !bytes.Equal(got, c.want) {
			t.Errorf("variant %d, key %d: %x, want %x", c.v, c.code, got, c.want)
		}
	}
}

// TestMap_roundTrips goes out and back in every world that a key has a code in.
func TestMap_roundTrips(t *testing.T) {
	m := New()
	for c := range input.Code(codes) {
		for name, f := range map[string]func() (input.Code, bool, bool){
			"name":   func() (input.Code, bool, bool) { n := m.Name(c); b, ok := m.ByName(n); return b, n != "", ok },
			"qnum":   func() (input.Code, bool, bool) { n, has := m.Qnum(c); b, ok := m.ByQnum(uint32(n)); return b, has, ok },
			"usb":    func() (input.Code, bool, bool) { n, has := m.USB(c); b, ok := m.ByUSB(n); return b, has, ok },
			"atset1": func() (input.Code, bool, bool) { n, has := m.ATSet1(c); b, ok := m.ByATSet1(n); return b, has, ok },
			"atset2": func() (input.Code, bool, bool) { n, has := m.ATSet2(c); b, ok := m.ByATSet2(n); return b, has, ok },
			"atset3": func() (input.Code, bool, bool) { n, has := m.ATSet3(c); b, ok := m.ByATSet3(n); return b, has, ok },
			"sun":    func() (input.Code, bool, bool) { n, has := m.Sun(c); b, ok := m.BySun(uint32(n)); return b, has, ok },
			"adb":    func() (input.Code, bool, bool) { n, has := m.ADB(c); b, ok := m.ByADB(uint32(n)); return b, has, ok },
		} {
			if b, has, ok := f(); has && (!ok || b != c) {
				t.Errorf("%s: key %d comes back as %d, %v", name, c, b, ok)
			}
		}
	}
}

// lookups are all that is looked up while keys are typed.
func lookups(m *Map) map[string]func() {
	return map[string]func(){
		"ByQnum": func() { m.ByQnum(0xf2) }, "ByName": func() { m.ByName("hangeul") }, "ByKeysym": func() { m.ByKeysym(0xff31) },
		"ByHTML": func() { m.ByHTML("KeyQ") }, "ByUSB": func() { m.ByUSB(0x0c00b5) }, "BySDL2": func() { m.BySDL2(258) },
		"BySDL3": func() { m.BySDL3(267) }, "ByWin32": func() { m.ByWin32(0x10d) }, "ByOSX": func() { m.ByOSX(0) },
		"ByATSet1": func() { m.ByATSet1(0xe01c) }, "ByATSet2": func() { m.ByATSet2(0xe05a) }, "ByATSet3": func() { m.ByATSet3(0x1c) },
		"ByXKB": func() { m.ByXKB("AD01") }, "ByXorgEvdev": func() { m.ByXorgEvdev(38) }, "ByXorgKbd": func() { m.ByXorgKbd(98) },
		"ByXquartz": func() { m.ByXquartz(8) }, "ByXwin": func() { m.ByXwin(97) }, "BySun": func() { m.BySun(1) }, "ByADB": func() { m.ByADB(0) },
		"ByXTKbd": func() { m.ByXTKbd(0x11d) }, "Name": func() { m.Name(122) }, "Qnum": func() { m.Qnum(122) }, "USB": func() { m.USB(122) },
		"ATSet1": func() { m.ATSet1(122) }, "ATSet2": func() { m.ATSet2(122) }, "ATSet3": func() { m.ATSet3(122) },
		"Scancode": func() { m.Scancode(103, 2) }, "Sun": func() { m.Sun(103) }, "ADB": func() { m.ADB(103) },
	}
}

func TestMap_noAllocation(t *testing.T) {
	for name, f := range lookups(New()) {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkMap(b *testing.B) {
	for name, f := range lookups(New()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
