package demo

import (
	"bytes"
	"encoding/binary"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

func TestImage_bootable(t *testing.T) {
	b := Image()
	if len(b) != Size {
		t.Fatalf("size %d, want %d", len(b), Size)
	}
	if b[510] != 0x55 || b[511] != 0xAA {
		t.Errorf("boot signature % x", b[510:512])
	}
	entry := b[446:462]
	if entry[0] != 0x80 {
		t.Errorf("first partition is not active: %#x", entry[0])
	}
	// End head and sector give the BIOS the geometry.
	if entry[5] != 15 || entry[6] != 63 {
		t.Errorf("partition ends at head %d, sector %d, want 15, 63", entry[5], entry[6])
	}
	start, n := binary.LittleEndian.Uint32(entry[8:]), binary.LittleEndian.Uint32(entry[12:])
	if start != 1 || int64(start+n)*512 != Size {
		t.Errorf("partition of %d sectors from %d does not fill the image", n, start)
	}
	for i, c := range b[462:510] {
		if c != 0 {
			t.Errorf("byte %d of the other partition entries is %#x", i, c)
		}
	}
}

func TestImage_copy(t *testing.T) {
	Image()[0] ^= 0xFF
	if a, b := Image()[0], img[0]; a != b {
		t.Errorf("a caller changed the image: %#x, was %#x", b, a)
	}
	if Image()[0] != 0xFA { // CLI
		t.Errorf("first byte %#x", Image()[0])
	}
}

// TestImage_rebuilt assembles the source again: the image in the tree must be
// what the source in the tree says.
func TestImage_rebuilt(t *testing.T) {
	nasm, err := exec.LookPath("nasm")
	if err != nil {
		t.Skip("nasm is not installed: cannot rebuild demo.img")
	}
	out := filepath.Join(t.TempDir(), "demo.img")
	if msg, err := exec.Command(nasm, "-f", "bin", "-o", out, "demo.asm").CombinedOutput(); err != nil {
		t.Fatalf("nasm: %v\n%s", err, msg)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, img) {
		t.Error("demo.img is not what demo.asm assembles to: run go generate")
	}
}

// TestRectangles compares the rectangles with the layout in the source.
func TestRectangles(t *testing.T) {
	src, err := os.ReadFile("panels.asm")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := bytes.Cut(src, []byte("\nlayouts:\n"))
	if !ok {
		t.Fatal("no layout table in panels.asm")
	}
	table, _, _ = bytes.Cut(table, []byte("\nLAYOUT_SIZE"))
	var v []int
	for _, s := range regexp.MustCompile(`\d+`).FindAllString(string(table), -1) {
		n, _ := strconv.Atoi(s)
		v = append(v, n)
	}
	if len(v) != 2+8*4+2 {
		t.Fatalf("%d numbers in the first layout", len(v))
	}
	if v[0] != Width || v[1] != Height {
		t.Errorf("picture %dx%d, want %dx%d", v[0], v[1], Width, Height)
	}
	if x, y := v[34], v[35]; x != PointerX || y != PointerY {
		t.Errorf("pointer at %d,%d, want %d,%d", x, y, PointerX, PointerY)
	}
	rect := func(i int) image.Rectangle {
		r := v[2+4*i:]
		return image.Rect(r[0], r[1], r[0]+r[2], r[1]+r[3])
	}
	for _, c := range []struct {
		name  string
		index int
		got   image.Rectangle
	}{
		{"Clock", 1, Clock()}, {"Machine", 2, Machine()}, {"PCI", 3, PCI()},
		{"Text", 4, Text()}, {"Input", 5, Input()}, {"Help", 7, Help()},
	} {
		if want := rect(c.index); c.got != want {
			t.Errorf("%s is %v, the source says %v", c.name, c.got, want)
		}
	}
	if p, panel := Pattern(), rect(6); !p.In(panel) || p.Dx()%8 != 0 {
		t.Errorf("Pattern %v is not eight bars in %v", p, panel)
	}
}
