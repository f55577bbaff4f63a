package rfb

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestPeer_tigervnc has Debian's viewer look at a screen under Xvfb: what its window shows is the screen's picture, exactly,
// and what is typed and clicked into it arrives.
func TestPeer_tigervnc(t *testing.T) {
	if testing.Short() {
		t.Skip("a real viewer takes its time")
	}
	for _, tool := range []string{"xtigervncviewer", "Xvfb", "xdotool", "import"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	x := newX(t)
	for name, args := range map[string][]string{
		"ZRLE":    {"-PreferredEncoding=ZRLE"},
		"Hextile": {"-PreferredEncoding=Hextile"},
		"Raw":     {"-PreferredEncoding=Raw"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, 720, 400, Config{Name: "peer " + name})
			b.fake.Paint(image.Rect(0, 0, 720, 400), desktop)
			args := append([]string{strings.Replace(b.addr, ":", "::", 1), "-AutoSelect=0"}, args...)
			stop := x.start("xtigervncviewer", args...)
			defer stop()
			x.shows(t, b, 720, 400)
			x.typeAndClick(t, b)
			b.fake.Fill(image.Rect(100, 100, 150, 120), 0xffffff)
			b.fake.Resize(640, 480)
			b.fake.Paint(image.Rect(0, 0, 640, 480), desktop)
			x.shows(t, b, 640, 480)
		})
	}
}

// xserver is an X server without a screen.
type xserver struct {
	t       *testing.T
	display string
}

func newX(t *testing.T) *xserver {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command("Xvfb", "-noreset", "-displayfd", "3", "-screen", "0", "1280x900x24")
	cmd.ExtraFiles = []*os.File{w}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb: %v", err)
	}
	return &xserver{t, ":" + strings.TrimSpace(line)}
}

func (x *xserver) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+x.display)
	return cmd
}

func (x *xserver) start(name string, args ...string) (stop func()) {
	cmd := x.command(name, args...)
	if err := cmd.Start(); err != nil {
		x.t.Fatal(err)
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// window is the viewer's, once there is one.
func (x *xserver) window(b *bench) string {
	out, err := x.command("xdotool", "search", "--name", b.s.desktopName()).Output()
	if err != nil {
		return ""
	}
	id, _, _ := strings.Cut(string(out), "\n")
	return id
}

// shows waits until the viewer's window holds the picture.
func (x *xserver) shows(t *testing.T, b *bench, w, h int) {
	t.Helper()
	why := "no window"
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		id := x.window(b)
		if id == "" {
			continue
		}
		out, err := x.command("import", "-window", id, "png:-").Output()
		if err != nil {
			continue
		}
		img, err := png.Decode(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if why = differs(img, w, h); why == "" {
			return
		}
	}
	t.Fatalf("the viewer does not show the screen: %s", why)
}

func differs(img image.Image, w, h int) string {
	if img.Bounds() != image.Rect(0, 0, w, h) {
		return fmt.Sprintf("size %v", img.Bounds())
	}
	for y := range h {
		for x := range w {
			r, g, bl, _ := img.At(x, y).RGBA()
			if got, want := r>>8<<16|g>>8<<8|bl>>8, desktop(x, y); got != want {
				return fmt.Sprintf("at %d,%d: %06x instead of %06x", x, y, got, want)
			}
		}
	}
	return ""
}

// typeAndClick uses the keyboard and the mouse.
func (x *xserver) typeAndClick(t *testing.T, b *bench) {
	t.Helper()
	id := x.window(b)
	for _, args := range [][]string{
		{"mousemove", "--window", id, "100", "100", "windowfocus", id},
		{"mousemove", "--window", id, "130", "120", "click", "1", "click", "4"},
		{"type", "aB"},
		{"key", "ctrl+alt+Delete", "Left"},
	} {
		if out, err := x.command("xdotool", args...).CombinedOutput(); err != nil {
			t.Fatalf("xdotool %v: %v: %s", args, err, out)
		}
	}
	var got string
	want := []string{"b+272", "b-272", "w0,1", "+30", "-30", "+42", "+48", "-48", "+29", "+56", "+111", "-111", "+105", "-105"}
	missing := ""
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		got += " " + said(b.guest.take())
		missing = ""
		at := 0
		for _, w := range want {
			i := strings.Index(got[at:]+" ", " "+w+" ")
			if i < 0 {
				missing = w
				break
			}
			at += i + 1
		}
		if missing == "" {
			return
		}
	}
	t.Errorf("%s is missing in%s", missing, got)
}
