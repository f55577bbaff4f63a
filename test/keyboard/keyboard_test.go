// Package keyboard presses every key of the table in a machine and reads what Linux' own keyboard driver makes of it.
package keyboard

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"govm-desktop/display/rfb/rfbtest"
	"govm-desktop/input"
	"govm-desktop/input/keycodemap"
	"govm-desktop/test/vm"
)

// limit is when to give up; a software processor on a busy host takes its time.
const limit = 3 * time.Minute

// boot starts a guest that prints its key events.
func boot(t *testing.T, args ...string) *vm.Machine {
	t.Helper()
	dir := t.TempDir()
	program, err := vm.Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := vm.Guest("cloud/vmlinux")
	if err != nil {
		t.Fatal(err)
	}
	initrd := filepath.Join(dir, "initrd.gz")
	if err := os.WriteFile(initrd, initramfs(t, dir, filepath.Dir(filepath.Dir(kernel))), 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := vm.Start(vm.Ours, program, append([]string{"-m", "128", "-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 quiet loglevel=1"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	if err := m.WaitSerial("Set 2 keyboard", 1, limit); err != nil {
		t.Fatal(err)
	}
	return m
}

// initramfs is the guest's program and the one module that it needs, in cpio's newc format.
func initramfs(t *testing.T, dir, guests string) []byte {
	t.Helper()
	init := filepath.Join(dir, "init")
	if out, err := exec.Command("gcc", "-static", "-O1", "-o", init, "testdata/init.c").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	mods, err := filepath.Glob(filepath.Join(guests, ".cache/x/linux-image-*-cloud-amd64/lib/modules/*/kernel/drivers/input/evdev.ko"))
	if err != nil || len(mods) == 0 {
		t.Fatal("no evdev.ko of the cloud kernel beside the guests (make guests builds them)")
	}
	return archive(t, map[string]string{"init": init, "evdev.ko": mods[len(mods)-1]})
}

// archive is files, by the names that they get in the guest, in cpio's newc format, compressed.
func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	entry := func(name string, mode int, data []byte) {
		fmt.Fprintf(z, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
		z.Write(append([]byte(name), make([]byte, 1+(4-(110+len(name)+1)%4)%4)...))
		z.Write(append(data, make([]byte, (4-len(data)%4)%4)...))
	}
	for name, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		entry(name, 0o100755, data)
	}
	entry("TRAILER!!!", 0, nil)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tapped presses a key and then Escape; the result is what the guest saw of the key, without repetitions.
func tapped(t *testing.T, m *vm.Machine, n int, name string) []string {
	t.Helper()
	before := len(m.Serial())
	for _, k := range []string{name, "esc"} {
		if _, err := m.Execute("send-key", map[string]any{"keys": []any{map[string]any{"type": "qcode", "data": k}}, "hold-time": 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.WaitSerial("k1:0", n, limit); err != nil {
		t.Fatalf("after %s: %v", name, err)
	}
	var out []string
	for _, f := range strings.Fields(m.Serial()[before:]) {
		if !strings.HasSuffix(f, ":2") && f != "k1:1" && f != "k1:0" && f != "s1" {
			out = append(out, f)
		}
	}
	return out
}

// unknown are keys whose codes Linux 6.1's driver has no key for: those of Windows keyboards.
func unknown(v keycodemap.Variant, code input.Code) bool {
	switch code {
	case 131, 133, 135, 137, 138, 161: // Undo, Copy, Paste, Cut, Help, Eject
		return true
	case 183, 184, 185:
		return v == keycodemap.Windows
	}
	return code >= 186 && code <= 192
}

// expected is what the guest shall see of a key.
func expected(keys *keycodemap.Map, v keycodemap.Variant, code input.Code) (press, release string, known bool) {
	seq, _ := keys.Scancode(code, 1)
	scan := int(seq[len(seq)-1])
	if len(seq) == 2 {
		scan |= 0x80
	}
	if unknown(v, code) {
		return fmt.Sprintf("s%x", scan), fmt.Sprintf("s%x", scan), false
	}
	if v == keycodemap.Windows && code == 194 {
		code = 85 // F24 of Windows is Zenkaku/Hankaku of Linux
	}
	return fmt.Sprintf("k%d:1", code), fmt.Sprintf("k%d:0", code), true
}

// TestEveryKey presses each key that PS/2 can carry, with the codes of both variants.
func TestEveryKey(t *testing.T) {
	for name, v := range map[string]keycodemap.Variant{"windows": keycodemap.Windows, "linux": keycodemap.Linux} {
		t.Run(name, func(t *testing.T) {
			m := boot(t, "-global", "ps2-kbd.scancodes="+name)
			keys := keycodemap.New(v)
			n, scans := 0, 0
			for code := range input.Code(0x300) {
				if _, ok := keys.Scancode(code, 2); !ok || code == 1 {
					continue
				}
				n++
				got := tapped(t, m, n, keys.Name(code))
				press, release, known := expected(keys, v, code)
				if !known {
					scans++
				}
				if !slices.Contains(got, press) || !slices.Contains(got[slices.Index(got, press)+1:], release) || count(got, "k") != map[bool]int{true: 2}[known] {
					t.Errorf("%s (%d): the guest saw %v, want %s %s", keys.Name(code), code, got, press, release)
				}
			}
			t.Logf("%d keys pressed, %d of them codes without a key in Linux", n, scans)
			if n < 140 {
				t.Errorf("only %d keys", n)
			}
			// The two names of the Korean keys, and a chord.
			for _, c := range []struct{ name, want string }{
				{"hangeul", "k122:1 k122:0"}, {"lang1", "k122:1 k122:0"}, {"hanja", "k123:1 k123:0"}, {"lang2", "k123:1 k123:0"},
			} {
				n++
				got := strings.Join(slices.DeleteFunc(tapped(t, m, n, c.name), func(s string) bool { return s[0] == 's' }), " ")
				if got != c.want {
					t.Errorf("%s: %s, want %s", c.name, got, c.want)
				}
			}
		})
	}
}

func count(list []string, prefix string) (n int) {
	for _, s := range list {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

// TestKeyboard_overVNC sends keys as viewers do: by place, with QEMU's numbers and those of vendors, and by keysym, into a guest with a layout.
func TestKeyboard_overVNC(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "vnc")
	m := boot(t, "-vnc", "unix:"+socket, "-k", "de")
	nc, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	c, err := rfbtest.New(nc, rfbtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Screenshot(context.Background()); err != nil { // the server has said that it takes places of keys
		t.Fatal(err)
	}
	n := 0
	for _, k := range []struct {
		what      string
		qnum, sym uint32
		want      string
	}{
		{"a letter by its place", 0x15, 'z', "k21:1 k21:0"},
		{"Hangul", 0x72, 0xff31, "k122:1 k122:0"},
		{"Hanja", 0x71, 0xff34, "k123:1 k123:0"},
		{"Hangul as 242", 0xf2, 0xff31, "k122:1 k122:0"},
		{"Hanja as 241", 0xf1, 0xff34, "k123:1 k123:0"},
		{"the keysym Hangul", 0, 0xff31, "k122:1 k122:0"},
		{"the keysym Hangul_Hanja", 0, 0xff34, "k123:1 k123:0"},
		{"@ on a German keyboard", 0, '@', "k100:1 k16:1 k100:0 k16:0"},
		{"é, which it has no key for", 0, 0xe9, "k13:1 k13:0 k18:1 k18:0"},
		{"Print", 0x54, 0xff61, "k99:1 k99:0"},
		{"Pause", 0xc6, 0xff13, "k119:1 k119:0"},
	} {
		n++
		before := len(m.Serial())
		for _, e := range [][2]uint32{{k.qnum, k.sym}, {0x01, 0xff1b}} {
			for _, down := range []bool{true, false} {
				if err := c.KeyCode(e[0], e[1], down); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := m.WaitSerial("k1:0", n, limit); err != nil {
			t.Fatalf("%s: %v", k.what, err)
		}
		got := slices.DeleteFunc(strings.Fields(m.Serial()[before:]), func(s string) bool { return s[0] == 's' || strings.HasPrefix(s, "k1:") })
		if strings.Join(got, " ") != k.want {
			t.Errorf("%s: the guest saw %v, want %s", k.what, got, k.want)
		}
	}
}

// TestKeyboard_viewerLeaves holds keys and goes: the guest sees them come up.
func TestKeyboard_viewerLeaves(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "vnc")
	m := boot(t, "-vnc", "unix:"+socket)
	nc, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	c, err := rfbtest.New(nc, rfbtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, sym := range []uint32{0xffe3, 0xffe1} {
		if err := c.Key(sym, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.WaitSerial("k42:1", 1, limit); err != nil {
		t.Fatal(err)
	}
	c.Close()
	for _, up := range []string{"k42:0", "k29:0"} {
		if err := m.WaitSerial(up, 1, limit); err != nil {
			t.Error(err)
		}
	}
}
