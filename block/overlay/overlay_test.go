package overlay_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"govm-desktop/block"
	"govm-desktop/block/blocktest"
	"govm-desktop/block/overlay"
	"govm-desktop/block/raw"
)

func TestConformance(t *testing.T) {
	blocktest.Run(t, blocktest.Kit{New: func(t *testing.T, b []byte) block.Disk {
		d, err := overlay.New(raw.NewMemory(b), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return d
	}})
}

func TestCopyUp(t *testing.T) {
	base := bytes.Repeat([]byte{0x11}, 4<<16)
	keep := bytes.Clone(base)
	dir := t.TempDir()
	d, err := overlay.New(raw.NewMemory(base), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if names, _ := os.ReadDir(dir); len(names) != 0 {
		t.Errorf("the temporary file has a name: %v", names)
	}
	for _, c := range []struct{ off, n, clusters int }{
		{100, 10, 1}, {50, 200, 1}, {3<<16 - 5, 10, 3}, {1 << 16, 1 << 16, 4},
	} {
		if _, err := d.WriteAt(bytes.Repeat([]byte{0x22}, c.n), int64(c.off)); err != nil {
			t.Fatal(err)
		}
		if got := d.Clusters(); got != c.clusters {
			t.Errorf("after writing %d bytes at %d: %d clusters, want %d", c.n, c.off, got, c.clusters)
		}
	}
	if !bytes.Equal(base, keep) {
		t.Error("the base has changed")
	}
	p := make([]byte, 3)
	if _, err := d.ReadAt(p, 49); err != nil || p[0] != 0x11 || p[1] != 0x22 {
		t.Errorf("%x, %v", p, err)
	}
}

func TestNoFolder(t *testing.T) {
	if _, err := overlay.New(raw.NewMemory(nil), "/nonexistent"); err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("error %v", err)
	}
}
