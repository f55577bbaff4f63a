package keyboard

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"govm-desktop/display/rfb/rfbtest"
	"govm-desktop/test/vm"
)

// session is a guest whose X server has a layout, and a client of our VNC server that sends it keysyms only.
type session struct {
	m *vm.Machine
	c *rfbtest.Client
	n int // how often Escape was pressed
}

// startSession boots the desktop guest with a layout in its X server, and the same one after -k.
func startSession(t *testing.T, layout string) *session {
	t.Helper()
	dir := t.TempDir()
	reader := filepath.Join(dir, "xread")
	if out, err := exec.Command("gcc", "-O1", "-o", reader, "testdata/xread.c", "-lX11").CombinedOutput(); err != nil {
		t.Fatalf("gcc (make deps-test): %v\n%s", err, out)
	}
	program, err := vm.Build(dir)
	must(t, err)
	kernel, err := vm.Guest("desktop/vmlinux")
	must(t, err)
	initrd, err := os.ReadFile(filepath.Join(filepath.Dir(kernel), "initrd.gz"))
	must(t, err)
	file, socket := filepath.Join(dir, "initrd.gz"), filepath.Join(dir, "vnc")
	must(t, os.WriteFile(file, append(initrd, archive(t, map[string]string{"session": "testdata/session", "xread": reader})...), 0o644))
	s := &session{}
	s.m, err = vm.Start(vm.Ours, program, "-m", "256", "-kernel", kernel, "-initrd", file, "-append", "console=ttyS0 quiet loglevel=1 guest.layout="+layout,
		"-vnc", "unix:"+socket+",keys=auto", "-k", layout)
	must(t, err)
	t.Cleanup(s.m.Close)
	must(t, s.m.WaitSerial("READY", 1, 2*limit))
	nc, err := net.Dial("unix", socket)
	must(t, err)
	s.c, err = rfbtest.New(nc, rfbtest.Options{})
	must(t, err)
	t.Cleanup(func() { s.c.Close() })
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// symbols are what the X server says that the first four levels of its keys give, as far as keys lead to them: without an AltGr only two.
func (s *session) symbols(t *testing.T) []uint32 {
	t.Helper()
	levels := 2
	at := map[uint32]int{}
	for line := range strings.Lines(s.m.Serial()) {
		var key, level int
		var sym uint32
		if n, _ := fmt.Sscanf(line, "M %d %d %x", &key, &level, &sym); n != 3 {
			continue
		}
		if level == 0 && sym == 0xfe03 && key != 92 {
			levels = 4
		}
		if l, ok := at[sym]; !ok || level < l {
			at[sym] = level
		}
	}
	var all []uint32
	for sym, level := range at {
		if level < levels && printable(sym) {
			all = append(all, sym)
		}
	}
	slices.Sort(all)
	return all
}

// printable reports a keysym that is a character or a dead key: Latin-1, the old ones of other scripts, Unicode.
func printable(sym uint32) bool {
	return sym > 0x20 && sym < 0x7f || sym > 0xa0 && sym <= 0xff || sym >= 0x100 && sym < 0xfd00 || sym >= 0xfe50 && sym < 0xfe90 || sym > 0x01000000 && sym <= 0x0110ffff
}

// modifier reports a keysym that only changes others.
func modifier(sym uint64) bool {
	return sym >= 0xffe1 && sym <= 0xffee || sym >= 0xfe01 && sym <= 0xfe13 || sym == 0xff7e || sym == 0xff7f
}

// typed sends a keysym, and an Escape, and returns what the guest's program got of it: the keysyms of the keys, and text.
func (s *session) typed(t *testing.T, sym uint32) (syms []uint32, text string) {
	t.Helper()
	before := len(s.m.Serial())
	for _, k := range []uint32{sym, 0xff1b} {
		must(t, s.c.Key(k, true))
		must(t, s.c.Key(k, false))
	}
	s.n++
	must(t, s.m.WaitSerial("R ff1b", s.n, limit))
	for line := range strings.Lines(s.m.Serial()[before:]) {
		kind, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch n, err := strconv.ParseUint(value, 16, 32); {
		case kind == "R" && err == nil && n != 0xff1b && !modifier(n):
			syms = append(syms, uint32(n))
		case kind == "S":
			b, _ := hex.DecodeString(value)
			text += string(b)
		}
	}
	return syms, strings.ReplaceAll(text, "\x1b", "") // of the Escape before, too
}

// TestX_layouts types every printable symbol of layouts, as a viewer that sends keysyms, into X sessions that have them.
func TestX_layouts(t *testing.T) {
	if os.Getenv("GOVM_TEST_ALL") != "1" {
		t.Skip("boots a desktop five times: make test-all")
	}
	for _, layout := range []string{"de", "fr", "ru", "kr", "jp"} {
		t.Run(layout, func(t *testing.T) {
			s := startSession(t, layout)
			all, arrived := s.symbols(t), 0
			for _, sym := range all {
				syms, text := s.typed(t, sym)
				if len(syms) == 1 && syms[0] == sym || text != "" && text == character(sym) {
					arrived++
				} else {
					t.Errorf("keysym %#x %q: the guest's program got keysyms %x and text %q", sym, character(sym), syms, text)
				}
			}
			t.Logf("%d of %d symbols arrive (%.1f %%)", arrived, len(all), 100*float64(arrived)/float64(max(len(all), 1)))
			if len(all) < 90 {
				t.Errorf("the layout has only %d symbols", len(all))
			}
			s.others(t, layout)
			s.keepShot(t, layout)
		})
	}
}

// others types what no key of the layout has: characters that it composes, Unicode keysyms, keys of Korean keyboards; then with Shift held, and with the
// Ctrl and Alt that some viewers send for AltGr; and under Caps Lock.
func (s *session) others(t *testing.T, layout string) {
	t.Helper()
	const ctrl, altR, shift, caps = 0xffe3, 0xffea, 0xffe1, 0xffe5
	type try struct {
		hold []uint32 // before the key
		sym  uint32
		want string // text, or a keysym in hexadecimal
	}
	tries := map[string][]try{
		"de": {{nil, 0xe9, "é"}, {nil, 0xd4, "Ô"}, {[]uint32{shift}, '#', "#"}, {[]uint32{shift}, '@', "@"}, {[]uint32{ctrl, altR}, '@', "@"}, {[]uint32{ctrl, altR}, 0x20ac, "€"}},
		"fr": {{nil, 0xee, "î"}, {nil, 0xcb, "Ë"}, {[]uint32{shift}, '&', "&"}, {[]uint32{ctrl, altR}, '#', "#"}},
		"ru": {{nil, 0x01000436, "ж"}, {nil, 0x01002116, "№"}, {[]uint32{shift}, '7', "7"}},
		"kr": {{nil, 0xff31, "ff31"}, {nil, 0xff34, "ff34"}, {[]uint32{ctrl, altR}, '@', "@"}},
		"jp": {{[]uint32{shift}, '^', "^"}},
	}
	locked := map[string][]try{
		"de": {{nil, 'a', "a"}, {nil, 'A', "A"}, {nil, 'ü', "ü"}, {nil, '1', "1"}}, "fr": {{nil, 'a', "a"}, {nil, 'é', "é"}, {nil, '1', "1"}},
		"ru": {{nil, 0x6d6, "ж"}, {nil, 0x6f6, "Ж"}}, "kr": {{nil, 'a', "a"}, {nil, 'A', "A"}, {nil, '!', "!"}}, "jp": {{nil, 'a', "a"}, {nil, 'A', "A"}},
	}
	check := func(what string, all []try) {
		for _, k := range all {
			for _, h := range k.hold {
				must(t, s.c.Key(h, true))
			}
			syms, text := s.typed(t, k.sym)
			for _, h := range slices.Backward(k.hold) {
				must(t, s.c.Key(h, false))
			}
			if text != k.want && fmt.Sprintf("%x", syms) != "["+k.want+"]" {
				t.Errorf("%s, %x held, keysym %#x: the guest's program got keysyms %x and text %q, want %s", what, k.hold, k.sym, syms, text, k.want)
			}
		}
	}
	check("plain", tries[layout])
	s.typed(t, 0xff1b) // what was held has come up by now: a guest that switches its lights loses keys
	s.n++
	s.lock(t, layout, true)
	check("Caps Lock", locked[layout])
	s.lock(t, layout, false)
}

// lock switches Caps Lock, where jp has it with Shift, as a person does it: the key comes up when the light has changed, or the other way about.
func (s *session) lock(t *testing.T, layout string, on bool) {
	t.Helper()
	const shift, caps = 0xffe1, 0xffe5
	light := func() {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		for s.c.State().LEDs&4 != 0 != on {
			_, err := s.c.Screenshot(ctx)
			must(t, err)
		}
	}
	if layout == "jp" {
		must(t, s.c.Key(shift, true))
	}
	must(t, s.c.Key(caps, true))
	if on {
		light()
	}
	must(t, s.c.Key(caps, false))
	if layout == "jp" {
		must(t, s.c.Key(shift, false))
	}
	light()
}

// character is a keysym's text where the number says it.
func character(sym uint32) string {
	switch {
	case sym < 0x100:
		return string(rune(sym))
	case sym > 0x01000000:
		return string(rune(sym & 0xffffff))
	}
	return ""
}

// keepShot looks at the screen: the window with the text is there. GOVM_SHOTS names a folder for the picture.
func (s *session) keepShot(t *testing.T, name string) {
	t.Helper()
	p, err := s.m.Screenshot()
	must(t, err)
	if vm.Plain(p) {
		t.Error("the screen is empty")
	}
	if dir := os.Getenv("GOVM_SHOTS"); dir != "" {
		must(t, vm.WritePNG(filepath.Join(dir, "x-"+name+".png"), p))
	}
}
