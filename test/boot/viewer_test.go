package boot

import (
	"bufio"
	"encoding/json"
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

// desktop is an X server without a screen.
type desktop struct{ display string }

// startX starts Xvfb on a display number of its own choice.
func startX(t *testing.T) desktop {
	t.Helper()
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1600x1200x24", "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{w}
	must(t, cmd.Start())
	w.Close()
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(r).ReadString('\n')
	must(t, err)
	return desktop{":" + strings.TrimSpace(line)}
}

// run runs a program on the display and returns what it prints.
func (d desktop) run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+d.display)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s: %w: %s", name, err, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// picture is what a window shows.
func (d desktop) picture(window, file string) (*image.RGBA, error) {
	if _, err := d.run("import", "-silent", "-window", window, "png:"+file); err != nil {
		return nil, err
	}
	return vm.ReadPNG(file)
}

// vncPort asks the machine for the port it listens on.
func vncPort(t *testing.T, m *vm.Machine) string {
	t.Helper()
	r, err := m.Execute("query-vnc", nil)
	must(t, err)
	var v struct{ Service string }
	must(t, json.Unmarshal(r, &v))
	return v.Service
}

// TestViewer looks at GRUB's menu with Debian's xtigervncviewer and types into it, in each of the encodings.
func TestViewer(t *testing.T) {
	for _, tool := range []string{"Xvfb", "xtigervncviewer", "xdotool", "import"} {
		need(t, tool)
	}
	x := startX(t)
	m := start(t, vm.Ours, "-m", "128", "-cdrom", guest(t, "grubiso/grub.iso"), "-vnc", "127.0.0.1:0,to=99")
	menu, _, err := m.Settle(2*time.Second, short, size(1024, 768))
	must(t, err)
	port := vncPort(t, m)
	for i, encoding := range []string{"ZRLE", "Hextile", "Raw"} {
		t.Run(encoding, func(t *testing.T) {
			window := x.viewer(t, port, encoding)
			file := filepath.Join(t.TempDir(), "window.png")
			x.shows(t, window, file, menu)
			key := "Down"
			if i%2 == 1 {
				key = "Up"
			}
			_, err = x.run("xdotool", "windowfocus", "--sync", window)
			must(t, err)
			_, err = x.run("xdotool", "key", "--delay", "60", key)
			must(t, err)
			if _, err := m.WaitScreen(short, func(p *image.RGBA) bool { return !vm.Diff(p, menu).Empty() }); err != nil {
				t.Fatalf("the bar has not moved by a key typed in the viewer: %v", err)
			}
			moved, _, err := m.Settle(time.Second, short, nil)
			must(t, err)
			x.shows(t, window, file, moved)
			menu = moved
		})
	}
}

// viewer starts a viewer, which ends with the test, and returns its window.
func (d desktop) viewer(t *testing.T, port, encoding string) string {
	t.Helper()
	cmd := exec.Command("xtigervncviewer", "-AutoSelect=0", "-PreferredEncoding="+encoding, "-DotWhenNoCursor=0", "-RemoteResize=0", "-FullScreen=0",
		"-FullColor=1", "-Shared=1", "-SecurityTypes=None", "127.0.0.1::"+port)
	cmd.Env = append(os.Environ(), "DISPLAY="+d.display, "HOME="+t.TempDir())
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	must(t, err)
	cmd.Stdout, cmd.Stderr = log, log
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait(); log.Close() })
	for deadline := time.Now().Add(short); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if ids, err := d.run("xdotool", "search", "--onlyvisible", "--pid", fmt.Sprint(cmd.Process.Pid)); err == nil && ids != "" {
			return strings.Fields(ids)[0]
		}
	}
	b, _ := os.ReadFile(log.Name())
	t.Fatalf("the viewer opened no window; it said: %s", b)
	return ""
}

// shows waits until a window shows a picture.
func (d desktop) shows(t *testing.T, window, file string, want *image.RGBA) {
	t.Helper()
	var got *image.RGBA
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		p, err := d.picture(window, file)
		if err != nil {
			t.Fatal(err)
		}
		if got = p; vm.Diff(got, want).Empty() {
			return
		}
	}
	t.Fatal(vm.Differ("the viewer's window and the guest's screen", got, want))
}
