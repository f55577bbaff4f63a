package rom

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestFindOrder(t *testing.T) {
	own, system := t.TempDir(), t.TempDir()
	write := func(dir, name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(own, "a.bin", "own")
	write(system, "a.bin", "system")
	write(system, "b.bin", "system")
	write(system, "c.bin", "system")
	write(system, "empty.bin", "")
	if err := os.Mkdir(filepath.Join(system, "d.bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	f := Finder{Dirs: []string{own}, System: []string{"/nonexistent", system}, Builtin: fstest.MapFS{
		"a.bin": {Data: []byte("builtin")}, "b.bin": {Data: []byte("builtin")}, "README": {Data: []byte("text")},
	}}
	for _, c := range []struct{ name, want, err string }{
		{"a.bin", "own", ""},
		{"b.bin", "builtin", ""},
		{"c.bin", "system", ""},
		{filepath.Join(system, "a.bin"), "system", ""},
		{"empty.bin", "", "0 bytes"},
		{"d.bin", "", "not a regular file"},
		{"README", "", "not in the program"},
		{"x.bin", "", "x.bin: not in the program nor in " + own + ", /nonexistent, " + system + " (apt-get install seabios, or -L DIR)"},
		{"x.rom", "", "ipxe-qemu"},
		{"./x.bin", "", "no such file"},
	} {
		img, err := f.Find(c.name)
		switch {
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: error %v, want %q", c.name, err, c.err)
		case c.err == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.err == "" && string(img.Data) != c.want:
			t.Errorf("%s: %q from %s, want %q", c.name, img.Data, img.Path, c.want)
		}
		if f.Has(c.name) != (c.err == "") {
			t.Errorf("Has(%s) differs from Find", c.name)
		}
	}
}

func TestSystemImages(t *testing.T) {
	f := Finder{}
	if !f.Has(BIOS) {
		t.Skip("no SeaBIOS here: apt-get install seabios")
	}
	img, err := f.Find(BIOS)
	if err != nil {
		t.Fatal(err)
	}
	if low, err := MapBIOS(img); err != nil || low != 128<<10 || len(img.Data) != 256<<10 {
		t.Errorf("%d bytes, %d of them low, %v", len(img.Data), low, err)
	}
	if vga, err := f.Find(StdVGA); err != nil || vga.Data[0] != 0x55 || vga.Data[1] != 0xaa {
		t.Errorf("no option ROM: %v", err)
	}
}

func TestMapBIOS(t *testing.T) {
	for n, ok := range map[int]bool{64 << 10: true, 128 << 10: true, 4 << 20: true, 1000: false} {
		low, err := MapBIOS(&Image{Path: "x", Data: make([]byte, n)})
		if (err == nil) != ok || ok && low != min(n, 128<<10) {
			t.Errorf("%d bytes: %d, %v", n, low, err)
		}
	}
}
