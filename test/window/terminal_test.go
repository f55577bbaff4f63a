package window

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"govm-desktop/test/vm"
)

// terminal is a terminal of tmux's with a program in it.
type terminal struct {
	t      *testing.T
	socket string
}

// newTerminal runs a program in a terminal of a size.
func newTerminal(t *testing.T, w, h string, argv ...string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed (make deps-test)")
	}
	term := &terminal{t, filepath.Join(t.TempDir(), "tmux")}
	for i, a := range argv {
		argv[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	term.tmux("new-session", "-d", "-x", w, "-y", h, strings.Join(argv, " ")+"; echo; echo ENDED $?; sleep 1000")
	t.Cleanup(func() { exec.Command("tmux", "-S", term.socket, "kill-server").Run() })
	return term
}

func (x *terminal) tmux(args ...string) string {
	x.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-S", x.socket, "-f", "/dev/null"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TERM=xterm-256color")
	out, err := cmd.CombinedOutput()
	if err != nil {
		x.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

// shows waits until what is on the terminal matches.
func (x *terminal) shows(want string) string {
	x.t.Helper()
	re := regexp.MustCompile(want)
	for deadline := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		text := x.tmux("capture-pane", "-p")
		if re.MatchString(text) {
			return text
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("the terminal does not show %s:\n%s", want, text)
		}
	}
}

// keys types: names of keys as tmux has them.
func (x *terminal) keys(names ...string) {
	x.t.Helper()
	x.tmux(append([]string{"send-keys"}, names...)...)
}

// build is govm-desktop, with SDL where that is installed.
func build(t *testing.T) string {
	t.Helper()
	if program != "" {
		return program
	}
	p, err := vm.Build(t.TempDir())
	must(t, err)
	return p
}

// TestNographic logs in to Linux on a terminal, by busybox's getty and login, and looks at the monitor behind it.
func TestNographic(t *testing.T) {
	if _, err := exec.LookPath("cpio"); err != nil {
		t.Skip("cpio is not installed (make deps-test)")
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "guest.sh"), []byte("hostname onaserialline\necho root::0:0:root:/:/bin/sh > /etc/passwd\nwhile :; do getty -L 115200 ttyS0 vt100; done\n"), 0o644))
	cpio := exec.Command("sh", "-c", "echo guest.sh | cpio -o -H newc --quiet | gzip | cat '"+guest(t, "cloud/initrd.gz")+"' - > initrd")
	cpio.Dir = dir
	if out, err := cpio.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	x := newTerminal(t, "100", "30", build(t), "-nographic", "-accel", "soft", "-m", "128", "-kernel", guest(t, "cloud/vmlinux"), "-initrd", filepath.Join(dir, "initrd"), "-append", "console=ttyS0 quiet")
	x.shows("onaserialline login:")
	x.keys("root", "Enter")
	x.shows(`(?m)^/ #`)
	x.keys("echo answer $((6*7))", "Enter")
	x.shows(`(?m)^answer 42$`)
	x.keys("C-a", "c")
	x.shows(`\(govm\)`)
	x.keys("info status", "Enter")
	x.shows(`(?m)^VM status: running$`)
	x.keys("C-a", "c", "C-a", "t", "echo timed", "Enter")
	x.shows(`(?m)^\[\d\d:\d\d:\d\d\.\d{3}\] timed$`)
	x.keys("C-a", "t", "C-a", "h")
	x.shows(`Ctrl-A b +send a break`)
	x.keys("C-a", "x")
	x.shows(`(?m)^ENDED 0$`)
}

// TestCurses uses GRUB's menu in a terminal: its graphical one as half blocks, its text one as text.
func TestCurses(t *testing.T) {
	x := newTerminal(t, "100", "32", build(t), "-curses", "-accel", "soft", "-m", "128", "-cdrom", guest(t, "grubiso/grub.iso"))
	x.shows("▀▀▀")
	for deadline := time.Now().Add(limit); ; time.Sleep(300 * time.Millisecond) { // until the menu takes keys
		x.keys("c")
		time.Sleep(300 * time.Millisecond)
		x.keys("BSpace", "terminal_output console", "Enter")
		time.Sleep(500 * time.Millisecond)
		if strings.Contains(x.tmux("capture-pane", "-p"), "grub>") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no command line:\n%s", x.tmux("capture-pane", "-p"))
		}
	}
	x.keys("Escape")
	menu := x.shows(`┌─{20,}┐\s*\n\s*│\*Linux cloud kernel`)
	if !strings.Contains(menu, "Use the ↑ and ↓ keys") {
		t.Errorf("arrows are not what they should be:\n%s", menu)
	}
	x.keys("Down")
	x.shows(`│ Linux cloud kernel(?s).*│\*Memtest86`)
	x.keys("M-2")
	x.shows(`\(govm\)`)
	x.keys("info status", "Enter")
	x.shows(`VM status: running`)
	x.keys("M-1")
	x.shows(`│\*Memtest86`)
	x.keys("M-2", "quit", "Enter")
	x.shows(`(?m)^ENDED 0$`)
}
