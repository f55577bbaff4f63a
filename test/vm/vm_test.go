package vm

import (
	"image"
	"image/color"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func blank(w, h int) *image.RGBA {
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := 3; i < len(p.Pix); i += 4 {
		p.Pix[i] = 0xff
	}
	return p
}

func TestDiff(t *testing.T) {
	a, b := blank(100, 50), blank(100, 50)
	if r := Diff(a, b); !r.Empty() {
		t.Errorf("equal pictures differ in %v", r)
	}
	b.SetRGBA(10, 20, color.RGBA{1, 0, 0, 255})
	b.SetRGBA(40, 30, color.RGBA{0, 0, 255, 255})
	if r, want := Diff(a, b), image.Rect(10, 20, 41, 31); r != want {
		t.Errorf("differ in %v, want %v", r, want)
	}
	if r, want := Diff(a, b, image.Rect(36, 16, 45, 32)), image.Rect(10, 20, 11, 21); r != want {
		t.Errorf("outside the mask they differ in %v, want %v", r, want)
	}
	if r := Diff(a, b, image.Rect(36, 16, 45, 32), image.Rect(9, 16, 18, 32)); !r.Empty() {
		t.Errorf("outside both masks they differ in %v", r)
	}
	if r := Diff(a, blank(100, 51)); r.Empty() {
		t.Error("pictures of different sizes are equal")
	}
}

func TestDiffer_leavesPictures(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	a, b := blank(20, 20), blank(30, 20)
	if err := Differ("x", a, a); err != nil {
		t.Errorf("equal pictures: %v", err)
	}
	err := Differ("x", a, b)
	if err == nil {
		t.Fatal("different pictures are no error")
	}
	dir := regexp.MustCompile(`see (\S+)`).FindStringSubmatch(err.Error())
	if dir == nil {
		t.Fatalf("%v names no folder", err)
	}
	for name, size := range map[string]image.Point{"got.png": {20, 20}, "want.png": {30, 20}, "diff.png": {30, 20}} {
		p, err := ReadPNG(filepath.Join(dir[1], name))
		if err != nil || p.Rect.Max != size {
			t.Errorf("%s: %v, %v, want a picture of %v", name, p, err, size)
		}
	}
}

func TestCell(t *testing.T) {
	for _, c := range []struct{ in, want image.Rectangle }{
		{image.Rectangle{}, image.Rectangle{}},
		{image.Rect(18, 13, 26, 15), image.Rect(18, 0, 27, 16)},  // the lines of a cursor
		{image.Rect(20, 30, 28, 34), image.Rect(20, 30, 28, 34)}, // lies across cells
		{image.Rect(0, 0, 100, 100), image.Rect(0, 0, 100, 100)}, // no cursor
		{image.Rect(711, 384, 720, 400), image.Rect(711, 384, 720, 400)},
	} {
		if got := cell(c.in); got != c.want {
			t.Errorf("cell(%v) = %v, want %v", c.in, got, c.want)
		}
	}
}

// TestFont draws with the font of the VGA BIOS and reads it back.
func TestFont(t *testing.T) {
	f, err := VGAFont()
	if err != nil {
		t.Skipf("no VGA BIOS here: %v", err)
	}
	if len(f.byShape) < 200 {
		t.Fatalf("%d characters", len(f.byShape))
	}
	shape := map[byte][16]byte{}
	for s, c := range f.byShape {
		shape[c] = s
	}
	const text = "No bootable device. {0123} ~!@#"
	for _, width := range []int{8, 9} {
		p := blank(80*width, 400)
		for i := range len(text) {
			for row, bits := range shape[text[i]] {
				for col := range 8 {
					if on := bits&(0x80>>col) != 0; on != (i%5 == 4) { // some in inverse
						p.SetRGBA((i+3)*width+col, 32+row, color.RGBA{0xaa, 0xaa, 0xaa, 255})
					}
				}
			}
		}
		want := "\n\n   " + text + "\n"
		if got := f.Read(p); len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("cells %d wide: read %q, want %q", width, got[:min(len(got), 60)], want)
		}
	}
}

func TestStart_refused(t *testing.T) {
	name := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(name, []byte("#!/bin/sh\necho it will not >&2\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if m, err := Start(Ours, name); err == nil {
		m.Close()
		t.Fatal("a program that ends at once counts as started")
	} else if !regexp.MustCompile("it will not").MatchString(err.Error()) {
		t.Errorf("%v does not say what the program said", err)
	}
}
