package raw_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"govm-desktop/block"
	"govm-desktop/block/blocktest"
	"govm-desktop/block/raw"
)

func file(t *testing.T, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t *testing.T, name string, readOnly bool) *raw.File {
	t.Helper()
	d, err := raw.Open(name, raw.Options{ReadOnly: readOnly})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestConformance(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		blocktest.Run(t, blocktest.Kit{New: func(t *testing.T, b []byte) block.Disk { return open(t, file(t, b), false) }})
	})
	t.Run("read-only", func(t *testing.T) {
		blocktest.Run(t, blocktest.Kit{New: func(t *testing.T, b []byte) block.Disk { return open(t, file(t, b), true) }})
	})
	t.Run("memory", func(t *testing.T) {
		blocktest.Run(t, blocktest.Kit{New: func(t *testing.T, b []byte) block.Disk { return raw.NewMemory(b) }})
	})
}

func TestPartialSector(t *testing.T) {
	name := file(t, bytes.Repeat([]byte{7}, 700))
	d := open(t, name, false)
	defer d.Close()
	p := make([]byte, 512)
	if _, err := d.ReadAt(p, 512); d.Size() != 1024 || err != nil || p[187] != 7 || p[188] != 0 {
		t.Errorf("size %d, bytes %d %d, %v", d.Size(), p[187], p[188], err)
	}
	if _, err := d.WriteAt(bytes.Repeat([]byte{9}, 512), 512); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(name); len(b) != 1024 || b[1023] != 9 || b[511] != 7 {
		t.Errorf("file of %d bytes", len(b))
	}
	m := raw.NewMemory([]byte{1, 2, 3})
	if _, err := m.ReadAt(p, 0); err != nil || m.Size() != 512 || p[2] != 3 || p[3] != 0 {
		t.Errorf("memory: %v", err)
	}
}

// TestTruncated shortens a file that is open: what is gone cannot be read, and is not made up.
func TestTruncated(t *testing.T) {
	name := file(t, bytes.Repeat([]byte{7}, 1800))
	d := open(t, name, false)
	defer d.Close()
	if err := os.Truncate(name, 700); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 2048)
	if n, err := d.ReadAt(p, 0); n != 700 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Read = %d, %v, want 700 and an unexpected EOF", n, err)
	}
	if _, err := d.ReadAt(p[:512], 1024); err == nil {
		t.Error("a sector that is gone was read")
	}
	if _, err := d.ReadAt(p[:512], 0); err != nil {
		t.Errorf("a sector that is there: %v", err)
	}
}

func TestLock(t *testing.T) {
	name := file(t, make([]byte, 512))
	for _, c := range []struct {
		name          string
		first, second bool // read-only
		want          string
	}{
		{"two readers", true, true, ""},
		{"two writers", false, false, "disk.img: another machine or drive has it open; stop that one, use a copy"},
		{"a reader, then a writer", true, false, "disk.img: another machine"},
		{"a writer, then a reader", false, true, "disk.img: another machine or drive has it open for writing; stop that one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := open(t, name, c.first)
			defer d.Close()
			e, err := raw.Open(name, raw.Options{ReadOnly: c.second})
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("error %v, want %q", err, c.want)
			}
			if err == nil {
				e.Close()
			}
		})
	}
	d := open(t, name, false)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, name, false).Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	empty := file(t, nil)
	for _, c := range []struct{ name, want string }{
		{filepath.Join(dir, "missing.img"), "missing.img: no such file or directory"},
		{dir, "is a directory"},
		{empty, "is empty; give it a size"},
		{"/dev/null", "neither a file nor a block device"},
	} {
		if _, err := raw.Open(c.name, raw.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	name := file(t, make([]byte, 512))
	d := open(t, name, true)
	defer d.Close()
	if _, err := d.WriteAt(make([]byte, 512), 0); err == nil {
		t.Error("wrote to a read-only image")
	}
}
