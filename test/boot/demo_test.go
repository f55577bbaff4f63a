package boot

import (
	"context"
	"flag"
	"image"
	"os"
	"path/filepath"
	"testing"

	"govm-desktop/demo"
	"govm-desktop/display/rfb/rfbtest"
	"govm-desktop/test/vm"
)

var update = flag.Bool("update", false, "store the demo guest's picture anew")

// hasDemo reports whether the demo guest has drawn its screen, up to the help at the bottom.
func hasDemo(p *image.RGBA) bool {
	if p.Rect.Max != image.Pt(demo.Width, demo.Height) {
		return false
	}
	seen := 0
	for _, r := range []image.Rectangle{demo.Help(), demo.Text(), demo.PCI(), demo.Machine(), demo.Pattern()} {
		if q := sub(p, r); !vm.Plain(q) {
			seen++
		}
	}
	return seen == 5
}

// sub copies a part of a picture.
func sub(p *image.RGBA, r image.Rectangle) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	for y := range r.Dy() {
		copy(out.Pix[y*out.Stride:(y+1)*out.Stride], p.Pix[p.PixOffset(r.Min.X, r.Min.Y+y):])
	}
	return out
}

// demoDisk writes the demo guest's disk to a file, for QEMU.
func demoDisk(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "demo.img")
	must(t, os.WriteFile(name, demo.Image(), 0o644))
	return name
}

// demoLike starts the demo guest on both.
func demoLike(t *testing.T) pair {
	t.Helper()
	need(t, "qemu-system-x86_64")
	return pair{
		qemu: start(t, vm.QEMU, "-m", "64", "-cpu", "qemu64,-svm", "-snapshot", "-drive", "file="+demoDisk(t)+",if=ide,index=0,media=disk,format=raw"),
		ours: start(t, vm.Ours, "-m", "64", "-demo"),
	}
}

// memoryLine is the line with the sizes of the memory map, which depend on how much room the tables for ACPI take.
func memoryLine() image.Rectangle {
	r := demo.Machine()
	return image.Rect(r.Min.X+90, r.Min.Y+88, r.Max.X-8, r.Min.Y+108)
}

// TestDemo_stored compares the demo guest's screen with the picture in the tree, which was looked at.
func TestDemo_stored(t *testing.T) {
	const name = "testdata/demo.png"
	m := start(t, vm.Ours, "-m", "64", "-demo")
	if *update {
		p, _, err := m.Settle(0, short, hasDemo)
		must(t, err)
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, vm.WritePNG(name, p))
	}
	want, err := vm.ReadPNG(name)
	must(t, err)
	must(t, m.WaitPicture("the demo guest", want, short, demo.Clock()))
}

// TestDemo_asQEMU types into the demo guest and moves its pointer, on ours and on QEMU.
func TestDemo_asQEMU(t *testing.T) {
	p := demoLike(t)
	same := func(what string, before *image.RGBA) *image.RGBA {
		t.Helper()
		want, err := p.qemu.WaitScreen(short, func(q *image.RGBA) bool {
			return hasDemo(q) && (before == nil || !vm.Diff(q, before, demo.Clock()).Empty())
		})
		must(t, err)
		want = p.quietDemo(t, want)
		must(t, p.ours.WaitPicture(what, want, short, demo.Clock(), memoryLine()))
		return want
	}
	first := same("the demo guest", nil)
	p.type_(t, "hello demo.\n42")
	typed := same("the demo guest after typing", first)
	if vm.Diff(sub(first, demo.Text()), sub(typed, demo.Text())).Empty() {
		t.Error("what was typed is not in the text box")
	}
	for _, m := range []*vm.Machine{p.qemu, p.ours} {
		_, err := m.Monitor("mouse_move -60 95") // from the panel of the input to that of the pattern
		must(t, err)
	}
	moved := same("the demo guest with its pointer moved", typed)
	if vm.Diff(sub(moved, demo.Pattern()), sub(typed, demo.Pattern())).Empty() {
		t.Error("the pointer has not moved to the pattern")
	}
}

// quietDemo waits until QEMU's demo has nothing more to draw but the clock.
func (p pair) quietDemo(t *testing.T, last *image.RGBA) *image.RGBA {
	t.Helper()
	equal := 0
	q, err := p.qemu.WaitScreen(short, func(q *image.RGBA) bool {
		if !vm.Diff(q, last, demo.Clock()).Empty() {
			last, equal = q, 0
		}
		equal++
		return equal > 5
	})
	must(t, err)
	return q
}

func (p pair) type_(t *testing.T, text string) {
	t.Helper()
	must(t, p.qemu.Type(text))
	must(t, p.ours.Type(text))
}

// TestDemo_overVNC types and points as a viewer does, and looks at what the viewer gets.
func TestDemo_overVNC(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "vnc")
	m := start(t, vm.Ours, "-m", "64", "-demo", "-vnc", "unix:"+socket)
	before, err := m.WaitScreen(short, hasDemo)
	must(t, err)
	c, err := rfbtest.Dial("unix:" + socket)
	must(t, err)
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), short)
	defer cancel()
	shot, err := c.Screenshot(ctx)
	must(t, err)
	must(t, vm.Differ("the viewer's picture and the screen", shot, before, demo.Clock()))

	must(t, c.Type("Typed by a viewer"))
	must(t, c.WaitFor(ctx, func(p *image.RGBA) bool { return !vm.Diff(sub(p, demo.Text()), sub(before, demo.Text())).Empty() }))
	must(t, c.Pointer(500, 300, 0))
	must(t, c.Pointer(420, 340, 0))
	pointer := image.Rect(demo.PointerX, demo.PointerY, demo.PointerX+12, demo.PointerY+19)
	must(t, c.WaitFor(ctx, func(p *image.RGBA) bool { return !vm.Diff(sub(p, pointer), sub(before, pointer)).Empty() }))
}
