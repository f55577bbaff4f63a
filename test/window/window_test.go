package window

import (
	"context"
	"image"
	"image/color"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"govm-desktop/display/console"
	"govm-desktop/display/shot"
	"govm-desktop/test/vm"
)

// TestGRUB uses GRUB's menu through the window: keys, sizes, the full screen, the monitor behind it.
func TestGRUB(t *testing.T) {
	newDesktop(t)
	w := open(t, "-m", "128", "-cdrom", guest(t, "grubiso/grub.iso"), "-display", "sdl", "-monitor", "vc")
	menu, _, err := w.Settle(2*time.Second, limit, func(p *image.RGBA) bool { return p.Rect.Max == image.Pt(1024, 768) })
	must(t, err)
	w.has("the guest's resolution", menu.Rect.Max)
	w.shows("the window and the guest's screen", menu)
	w.do("windowactivate", "--sync", w.id)
	w.do("key", "Down")
	_, err = w.WaitScreen(limit, func(p *image.RGBA) bool { return !vm.Diff(p, menu).Empty() })
	must(t, err)
	menu, _, err = w.Settle(time.Second, limit, nil)
	must(t, err)
	w.shows("the window after Down", menu)
	w.sizes(menu)
	w.monitor()
	w.shows("the guest's screen again", menu)
	w.grab()
	w.titled("thevm")
	_, err = w.Execute("stop", nil)
	must(t, err)
	w.titled("thevm [Paused]")
	w.do("key", "alt+F4") // the window manager asks it to close
	if code, err := w.Wait(limit); code != 0 || err != nil {
		t.Errorf("closing the window: status %d, %v: %s", code, err, w.Stderr())
	}
}

// sizes zooms, resizes and fills the screen.
func (w *window) sizes(menu *image.RGBA) {
	w.t.Helper()
	w.do("key", "ctrl+alt+equal")
	w.has("zoomed in", image.Pt(1280, 960))
	w.do("key", "ctrl+alt+minus")
	w.has("zoomed out", image.Pt(1024, 768))
	w.do("windowsize", w.id, "2048", "1536")
	w.has("twice as big", image.Pt(2048, 1536))
	w.shows("each dot as four", magnified(menu, 2))
	w.do("windowsize", w.id, "1500", "600")
	w.has("a shape of its own", image.Pt(1500, 600))
	await(w.t, "a smaller picture in the middle", func() bool {
		p := w.picture()
		if p.Rect.Max != image.Pt(1500, 600) {
			return false
		}
		blue := p.RGBAAt(750, 450)
		return p.RGBAAt(3, 300) == color.RGBA{A: 255} && p.RGBAAt(1497, 300) == color.RGBA{A: 255} && blue == menu.RGBAAt(512, 576)
	})
	w.do("key", "ctrl+alt+u")
	w.has("its native size", image.Pt(1024, 768))
	w.shows("the native size", menu)
	w.do("key", "ctrl+alt+f")
	w.has("full screen", screenSize)
	w.do("key", "ctrl+alt+f")
	w.has("out of the full screen", image.Pt(1024, 768))
	w.shows("the window after the full screen", menu)
}

// monitor types a command into the second console, and compares it with what the monitor says over QMP, drawn by a console of the test's own.
func (w *window) monitor() {
	w.t.Helper()
	_, err := w.Execute("stop", nil) // so that the registers stay what they are
	must(w.t, err)
	answer, err := w.Monitor("info registers")
	must(w.t, err)
	w.do("key", "ctrl+alt+2")
	w.titled("thevm (monitor) [Paused]")
	w.has("the console", image.Pt(640, 384))
	w.do("type", "--delay", "30", "info registers")
	w.do("key", "Return")
	c, err := console.New(console.Config{})
	must(w.t, err)
	defer c.Close()
	_, err = c.Write([]byte("(govm) info registers\r\n" + strings.ReplaceAll(answer, "\n", "\r\n") + "(govm) "))
	must(w.t, err)
	f, err := shot.Grab(context.Background(), c.Head().Screen)
	must(w.t, err)
	defer f.Release()
	want := image.NewRGBA(f.Rect)
	for y := range f.Rect.Dy() {
		for x := range f.Rect.Dx() {
			want.SetRGBA(x, y, f.RGBAAt(x, y))
		}
	}
	w.shows("the monitor's answer", want)
	w.do("key", "ctrl+alt+1")
	_, err = w.Execute("cont", nil)
	must(w.t, err)
	w.titled("thevm")
	w.has("the guest's screen", image.Pt(1024, 768))
}

// grab catches and releases keyboard and mouse in each of the ways.
func (w *window) grab() {
	w.t.Helper()
	const caught = "thevm - press Ctrl-Alt-G to release the grab"
	w.do("key", "ctrl+alt+g")
	w.titled(caught)
	w.do("key", "ctrl+alt+g")
	w.titled("thevm")
	w.do("mousemove", "--window", w.id, "500", "500")
	w.do("click", "1")
	w.titled(caught)
	w.do("keydown", "ctrl", "keydown", "alt", "keyup", "alt", "keyup", "ctrl")
	w.titled("thevm")
}

// TestWindowLinux types and moves the mouse in Linux: what its input devices say comes back over the serial port.
func TestWindowLinux(t *testing.T) {
	if os.Getenv("GOVM_TEST_ALL") != "1" {
		t.Skip("boots Debian's full kernel: make test-all")
	}
	newDesktop(t)
	w := open(t, "-m", "512", "-kernel", guest(t, "fbcon/vmlinux"), "-initrd", guest(t, "fbcon/initrd.gz"), "-append", "console=ttyS0 guest.fb=drm guest.end=shell", "-display", "sdl")
	must(t, w.WaitSerial("GUEST-SHELL", 1, 10*time.Minute))
	must(t, w.Send("cat </dev/tty1 &\nod -v -An -tx1 -w3 </dev/input/mice &\necho REA''DY\n"))
	must(t, w.WaitSerial("READY", 1, limit))
	screen, cursor, err := w.Settle(3*time.Second, limit, func(p *image.RGBA) bool { return p.Rect.Max == image.Pt(1280, 800) })
	must(t, err)
	w.has("Linux' console", image.Pt(1280, 800))
	await(t, "Linux' console in the window", func() bool { return vm.Diff(w.picture(), screen, cursor).Empty() })
	w.do("windowactivate", "--sync", w.id)
	w.do("type", "--delay", "60", "Typed in a window: 42!")
	w.do("key", "Return")
	must(t, w.WaitSerial("Typed in a window: 42!", 1, limit))
	w.do("mousemove", "--window", w.id, "600", "400")
	w.do("click", "1")
	w.titled("thevm - press Ctrl-Alt-G to release the grab")
	w.do("mousemove_relative", "--", "9", "-5")
	// PS/2: flags, x, y upward. The kernel may be told in more than one packet.
	await(t, "movement", func() bool { return strings.Contains(after(w.Serial(), "42!"), " 08 ") })
	w.do("mousedown", "3")
	must(t, w.WaitSerial(" 0a 00 00", 1, limit))
	w.do("mouseup", "3")
	w.do("key", "ctrl+alt+g")
	w.titled("thevm")
}

func after(s, mark string) string {
	_, rest, _ := strings.Cut(s, mark)
	return rest
}

// TestNoDesktop starts the program where there is none: it must say so, not run unseen.
func TestNoDesktop(t *testing.T) {
	if program == "" {
		t.Skip("SDL is not installed (make deps-test)")
	}
	cmd := exec.Command(program, "-accel", "soft", "-display", "sdl")
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name != "DISPLAY" && name != "WAYLAND_DISPLAY" && name != "SDL_VIDEODRIVER" {
			cmd.Env = append(cmd.Env, v)
		}
	}
	watchdog := time.AfterFunc(limit, func() { cmd.Process.Kill() })
	defer watchdog.Stop()
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no desktop here") {
		t.Errorf("%v: %s", err, out)
	}
}
