// Package boot boots whole guests on govm-desktop and compares what is seen with QEMU: the same image, the same ROMs, in the same run.
//
// The short tests run always; the long ones, which boot operating systems, with GOVM_TEST_ALL=1. Guests come from test/guests/build.sh. Where
// screens are compared, QEMU's is taken first, when it is known to be complete, and ours has to become equal to it; the cell of a blinking
// cursor is left out.
package boot

import (
	"image"
	"os"
	"os/exec"
	"testing"
	"time"

	"govm-desktop/test/vm"
)

// program is govm-desktop, built once for all tests.
var program string

func TestMain(m *testing.M) { os.Exit(vm.Main(m, &program)) }

// Limits: when to give up on a loaded machine. Nothing is expected to take as long.
const (
	short  = 3 * time.Minute
	medium = 8 * time.Minute
	long   = 25 * time.Minute
)

// all reports whether the long tests are wanted too.
func all() bool { return os.Getenv("GOVM_TEST_ALL") == "1" }

// guest is a file that the guests' script has built.
func guest(t *testing.T, name string) string {
	t.Helper()
	p, err := vm.Guest(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// need skips the test if a program is not installed.
func need(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("%s is not installed (make deps-test)", tool)
	}
}

// start starts a machine that ends with the test.
func start(t *testing.T, kind vm.Kind, args ...string) *vm.Machine {
	t.Helper()
	if kind == vm.QEMU {
		need(t, "qemu-system-x86_64")
	}
	m, err := vm.Start(kind, program, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// must ends the test at an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ends waits for the end of the process and wants a status.
func ends(t *testing.T, m *vm.Machine, want int) {
	t.Helper()
	status, err := m.Wait(short)
	must(t, err)
	if status != want {
		t.Fatalf("%s ended with status %d, want %d; it said: %s", m.Kind, status, want, m.Stderr())
	}
}

func font(t *testing.T) *vm.Font {
	t.Helper()
	f, err := vm.VGAFont()
	must(t, err)
	return f
}

// pair is the same machine twice.
type pair struct{ ours, qemu *vm.Machine }

// both starts the same machine on QEMU and on ours. Ours takes more arguments, as for the accelerator.
func both(t *testing.T, common []string, more ...string) pair {
	t.Helper()
	return pair{qemu: start(t, vm.QEMU, common...), ours: start(t, vm.Ours, append(more, common...)...)}
}

// same waits until QEMU's screen is complete and quiet, then until ours equals it. It returns the picture.
func (p pair) same(t *testing.T, what string, limit time.Duration, ok func(*image.RGBA) bool, masks ...image.Rectangle) *image.RGBA {
	t.Helper()
	want, cursor, err := p.qemu.Settle(2*time.Second, limit, ok)
	must(t, err)
	if err := p.ours.WaitPicture(what, want, limit, append(masks, cursor)...); err != nil {
		t.Fatal(err)
	}
	return want
}

// keys presses the same keys on both.
func (p pair) keys(t *testing.T, names ...string) {
	t.Helper()
	must(t, p.qemu.Keys(names...))
	must(t, p.ours.Keys(names...))
}

// size makes a condition for same: a picture of a size, with something on it.
func size(w, h int) func(*image.RGBA) bool {
	return func(p *image.RGBA) bool { return p.Rect.Max == image.Pt(w, h) && !vm.Plain(p) }
}
