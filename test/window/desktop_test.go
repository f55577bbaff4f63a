// Package window puts govm-desktop's window on a desktop, an X server without a screen and the window manager icewm, and uses it with xdotool as a person
// would: what the window shows is compared with the guest's screen dot by dot.
package window

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"govm-desktop/test/vm"
)

// program is govm-desktop with SDL; "": it cannot be built here.
var program string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "govm-window")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if exec.Command("pkg-config", "--exists", "sdl2").Run() == nil {
		program = filepath.Join(dir, "govm-desktop")
		if msg, err := exec.Command("go", "build", "-tags", "sdl", "-o", program, "govm-desktop/cmd/govm-desktop").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build -tags sdl: %v\n%s", err, msg)
			return 1
		}
	}
	return m.Run()
}

// limit is when to give up on a loaded machine.
const limit = 3 * time.Minute

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func guest(t *testing.T, name string) string {
	t.Helper()
	p, err := vm.Guest(name)
	must(t, err)
	return p
}

// screenSize is the desktop's.
var screenSize = image.Pt(2200, 1700)

// desktop is a display with a window manager on it.
type desktop struct{ display string }

// newDesktop starts both, for the time of the test. The window manager's own keys are switched off where they are the window's.
func newDesktop(t *testing.T) desktop {
	t.Helper()
	if program == "" {
		t.Skip("SDL is not installed (make deps-test)")
	}
	for _, tool := range []string{"Xvfb", "icewm", "xdotool", "import"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed (make deps-test)", tool)
		}
	}
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	x := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", screenSize.X, screenSize.Y), "-nolisten", "tcp")
	x.ExtraFiles = []*os.File{w}
	must(t, x.Start())
	w.Close()
	t.Cleanup(func() { x.Process.Kill(); x.Wait() })
	line, err := bufio.NewReader(r).ReadString('\n')
	must(t, err)
	d := desktop{":" + strings.TrimSpace(line)}
	home := t.TempDir()
	must(t, os.Mkdir(filepath.Join(home, ".icewm"), 0o755))
	var prefs strings.Builder
	for i := 1; i <= 12; i++ {
		fmt.Fprintf(&prefs, "KeySysWorkspace%d=\"\"\nKeySysWorkspace%dTakeWin=\"\"\n", i, i)
	}
	must(t, os.WriteFile(filepath.Join(home, ".icewm", "preferences"), []byte(prefs.String()), 0o644))
	wm := exec.Command("icewm")
	wm.Env = append(os.Environ(), "DISPLAY="+d.display, "HOME="+home)
	must(t, wm.Start())
	t.Cleanup(func() { wm.Process.Kill(); wm.Wait() })
	t.Setenv("DISPLAY", d.display)
	t.Setenv("SDL_VIDEODRIVER", "x11")
	await(t, "the window manager", func() bool {
		out, err := exec.Command("xdotool", "get_num_desktops").Output()
		return err == nil && strings.TrimSpace(string(out)) != "" && strings.TrimSpace(string(out)) != "0"
	})
	return d
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, limit)
		}
	}
}

// window is the machine's.
type window struct {
	*vm.Machine
	t  *testing.T
	id string
}

// open starts a machine with a window, which ends with the test.
func open(t *testing.T, args ...string) *window {
	t.Helper()
	m, err := vm.Start(vm.Ours, program, append([]string{"-name", "thevm"}, args...)...)
	must(t, err)
	t.Cleanup(m.Close)
	w := &window{Machine: m, t: t}
	await(t, "the window", func() bool {
		out, err := exec.Command("xdotool", "search", "--onlyvisible", "--pid", fmt.Sprint(m.PID())).Output()
		if f := strings.Fields(string(out)); err == nil && len(f) > 0 {
			w.id = f[0]
			return true
		}
		return false
	})
	return w
}

// do runs xdotool.
func (w *window) do(args ...string) string {
	w.t.Helper()
	out, err := exec.Command("xdotool", args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		w.t.Fatalf("xdotool %v: %v: %s", args, err, exit.Stderr)
	}
	must(w.t, err)
	return strings.TrimSpace(string(out))
}

func (w *window) title() string { return w.do("getwindowname", w.id) }

func (w *window) size() (p image.Point) {
	for _, line := range strings.Split(w.do("getwindowgeometry", "--shell", w.id), "\n") {
		fmt.Sscanf(line, "WIDTH=%d", &p.X)
		fmt.Sscanf(line, "HEIGHT=%d", &p.Y)
	}
	return p
}

// picture is what the window shows.
func (w *window) picture() *image.RGBA {
	w.t.Helper()
	file := filepath.Join(w.Dir, "window.png")
	if out, err := exec.Command("import", "-silent", "-window", w.id, "png:"+file).CombinedOutput(); err != nil {
		w.t.Fatalf("import: %v: %s", err, out)
	}
	p, err := vm.ReadPNG(file)
	must(w.t, err)
	return p
}

// shows waits until the window shows a picture.
func (w *window) shows(what string, want *image.RGBA) {
	w.t.Helper()
	var got *image.RGBA
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if got = w.picture(); vm.Diff(got, want).Empty() {
			return
		}
	}
	w.t.Fatal(vm.Differ(what, got, want))
}

// has waits for a size.
func (w *window) has(what string, size image.Point) {
	w.t.Helper()
	await(w.t, fmt.Sprintf("%s: a window of %v", what, size), func() bool { return w.size() == size })
}

// titled waits for a title.
func (w *window) titled(want string) {
	w.t.Helper()
	await(w.t, fmt.Sprintf("the title %q", want), func() bool { return w.title() == want })
}

// magnified is a picture with each dot k times as wide and high.
func magnified(p *image.RGBA, k int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, p.Rect.Dx()*k, p.Rect.Dy()*k))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			copy(out.Pix[out.PixOffset(x, y):][:4], p.Pix[p.PixOffset(x/k, y/k):])
		}
	}
	return out
}
