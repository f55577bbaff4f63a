package boot

import (
	"context"
	"image"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"govm-desktop/display/rfb/rfbtest"
	"govm-desktop/test/vm"
)

// consoles are the ways in which Debian's full kernel shows a console. vmlinuz is the kernel as it is in the package, which unpacks itself for
// four thousand million instructions.
var consoles = []struct {
	name, kernel, options string
	size                  image.Point
}{
	{"bochs-drm", "vmlinux", "guest.fb=drm", image.Pt(1280, 800)},
	{"vesafb", "vmlinuz", "vga=0x344", image.Pt(1024, 768)},
	{"vgacon", "vmlinuz", "", image.Pt(720, 400)},
}

// TestConsole boots Debian's full kernel and compares its console's colours and text with QEMU's.
func TestConsole(t *testing.T) {
	for _, c := range consoles {
		if !all() {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			args := []string{"-m", "512", "-kernel", guest(t, "fbcon/"+c.kernel), "-initrd", guest(t, "fbcon/initrd.gz"),
				"-append", "console=ttyS0 guest.end=stay " + c.options}
			q := start(t, vm.QEMU, args...)
			must(t, q.WaitSerial("GUEST-OK fbcon", 1, medium))
			want, cursor, err := q.Settle(5*time.Second, medium, func(p *image.RGBA) bool { return p.Rect.Max == c.size })
			must(t, err)
			q.Close()
			m := start(t, vm.Ours, args...)
			must(t, m.WaitSerial("GUEST-OK fbcon", 1, long))
			must(t, m.WaitPicture("the console", want, short, cursor))
			if c.name == "vgacon" {
				if text := font(t).Read(want); !strings.Contains(text, "GUEST-OK fbcon") {
					t.Errorf("the text is not on the screen:\n%s", text)
				}
			}
		})
	}
}

// busy makes a condition: a picture of a size, most of which is not black.
func busy(w, h int) func(*image.RGBA) bool {
	return func(p *image.RGBA) bool {
		if p.Rect.Max != image.Pt(w, h) {
			return false
		}
		lit := 0
		for i := 0; i < len(p.Pix); i += 4 {
			if p.Pix[i] > 0 || p.Pix[i+1] > 0 || p.Pix[i+2] > 0 {
				lit++
			}
		}
		return lit > w*h/2
	}
}

// TestInstaller boots Debian's installer to its language menu, and goes on to the next page by keys sent over VNC. What the pages look like,
// QEMU says.
func TestInstaller(t *testing.T) {
	if !all() {
		return
	}
	args := []string{"-m", "1024", "-cdrom", guest(t, "di/text.iso")}
	q := start(t, vm.QEMU, args...)
	language, cursor1, err := q.Settle(10*time.Second, long, busy(1280, 800))
	must(t, err)
	must(t, q.Keys("up", "down", "down", "ret"))
	country, cursor2, err := q.Settle(5*time.Second, medium, func(p *image.RGBA) bool { return busy(1280, 800)(p) && !vm.Diff(p, language).Empty() })
	must(t, err)
	q.Close()

	socket := filepath.Join(t.TempDir(), "vnc")
	m := start(t, vm.Ours, append(args, "-vnc", "unix:"+socket)...)
	_, err = m.WaitScreen(long, func(p *image.RGBA) bool { return vm.Diff(p, language, cursor1).Empty() })
	if err != nil {
		t.Fatal(err, m.WaitPicture("the language menu", language, time.Second, cursor1))
	}
	c, err := rfbtest.Dial("unix:" + socket)
	must(t, err)
	defer c.Close()
	const up, down, enter = 0xff52, 0xff54, 0xff0d
	for _, sym := range []uint32{up, down, down, enter} {
		must(t, c.Press(sym))
		time.Sleep(500 * time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(context.Background(), medium)
	defer cancel()
	err = c.WaitFor(ctx, func(p *image.RGBA) bool { return vm.Diff(p, country, cursor2).Empty() })
	if err != nil {
		t.Fatal(err, m.WaitPicture("the page after the language", country, time.Second, cursor2))
	}
}
