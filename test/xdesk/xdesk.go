// Package xdesk is an X desktop without a screen, for tests of programs that open windows: Xvfb, a window manager where one is wanted, and the
// tools that look at windows and type into them.
package xdesk

import (
	"bufio"
	"bytes"
	"context"
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

// toolTime is how long a tool may take that has to end by itself.
const toolTime = 30 * time.Second

// Desk is one X server.
type Desk struct {
	t       testing.TB
	display string
	dir     string // of pictures
}

// Start starts Xvfb on a display number of its own choice; it ends with the test.
func Start(t testing.TB, width, height int) *Desk {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	// Without -noreset the server starts afresh, and refuses whoever comes meanwhile, each time its last client has gone.
	cmd := exec.Command("Xvfb", "-noreset", "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height), "-nolisten", "tcp")
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
	return &Desk{t, ":" + strings.TrimSpace(line), t.TempDir()}
}

// With is the same desktop in the hands of a subtest: what it launches ends with it.
func (d *Desk) With(t testing.TB) *Desk { return &Desk{t, d.display, d.dir} }

// Display is the value of DISPLAY.
func (d *Desk) Display() string { return d.display }

// Command prepares a program that shows itself on the desktop.
func (d *Desk) Command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+d.display)
	return cmd
}

// Run runs a tool, which has to end soon, and returns what it prints.
func (d *Desk) Run(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), toolTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+d.display)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s: %w: %s", name, err, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// Program is something that runs on the desktop until the test ends.
type Program struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

// Launch starts a program with a home folder of its own; env are further variables. What it says is in Log.
func (d *Desk) Launch(env []string, name string, args ...string) *Program {
	d.t.Helper()
	cmd := d.Command(name, args...)
	dir := d.t.TempDir()
	cmd.Env = append(append(cmd.Env, "HOME="+dir), env...)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		d.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	p := &Program{cmd, log.Name(), make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		log.Close()
		close(p.done)
	}()
	d.t.Cleanup(p.Stop)
	return p
}

// Stop ends the program.
func (p *Program) Stop() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// PID is its process number.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Ended is closed when it has ended.
func (p *Program) Ended() <-chan struct{} { return p.done }

// Log is what it has said so far.
func (p *Program) Log() string {
	b, _ := os.ReadFile(p.log)
	return string(bytes.ToValidUTF8(b, []byte("?")))
}

// Window waits for the program's window.
func (d *Desk) Window(p *Program, limit time.Duration) string {
	d.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(limit); ; {
		if ids, err := d.Run("xdotool", "search", "--onlyvisible", "--pid", fmt.Sprint(p.PID())); err == nil && ids != "" {
			return strings.Fields(ids)[0]
		}
		select {
		case <-p.done:
			d.t.Fatalf("the program ended before it opened a window; it said: %s", p.Log())
		case <-end:
			d.t.Fatalf("the program opened no window; it said: %s", p.Log())
		case <-tick.C:
		}
	}
}

// Picture is what a window ("root": the desktop) shows.
func (d *Desk) Picture(window string) (*image.RGBA, error) {
	file := filepath.Join(d.dir, "window.png")
	if _, err := d.Run("import", "-silent", "-window", window, "png:"+file); err != nil {
		return nil, err
	}
	return vm.ReadPNG(file)
}

// Shows waits until a window shows a picture, exactly.
func (d *Desk) Shows(window string, want *image.RGBA, limit time.Duration) {
	d.t.Helper()
	var got *image.RGBA
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		p, err := d.Picture(window)
		if err != nil {
			d.t.Fatal(err)
		}
		if got = p; vm.Diff(got, want).Empty() {
			return
		}
	}
	d.t.Fatal(vm.Differ("the window and the guest's screen", got, want))
}
