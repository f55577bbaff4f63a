// Package usb runs guests with USB devices: SeaBIOS and Debian's kernel drive the controllers, the kernel's usbtest driver tries them.
//
// Guests come from test/guests/build.sh. Programs that run inside a guest are built here and added to its initial ramdisk.
package usb

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"govm-desktop/test/vm"
)

// program is govm-desktop, built once for all tests; work is a folder that goes with them.
var program, work string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	var err error
	if work, err = os.MkdirTemp("", "govm-usb"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(work)
	if program, err = vm.Build(work); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Limits: when to give up on a loaded machine.
const (
	short  = 3 * time.Minute
	medium = 8 * time.Minute
)

// all reports whether the long tests are wanted too.
func all() bool { return os.Getenv("GOVM_TEST_ALL") == "1" }

// must ends the test at an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// guest is a file that the guests' script has built.
func guest(t *testing.T, name string) string {
	t.Helper()
	p, err := vm.Guest("usb/" + name)
	must(t, err)
	return p
}

// start starts a machine that ends with the test.
func start(t *testing.T, args ...string) *vm.Machine {
	t.Helper()
	m, err := vm.Start(vm.Ours, program, args...)
	must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s\n%s", m.Serial(), m.Stderr())
		}
		m.Close()
	})
	return m
}

// tool builds a program for the guest.
func tool(t *testing.T, source string) []byte {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("gcc is not installed (make deps-test)")
	}
	out := filepath.Join(t.TempDir(), "tool")
	if msg, err := exec.Command("gcc", "-O1", "-Wall", "-static", "-o", out, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	b, err := os.ReadFile(out)
	must(t, err)
	return b
}

// initrd is the guest's initial ramdisk with programs added in /bin.
func initrd(t *testing.T, programs map[string][]byte) string {
	t.Helper()
	base, err := os.ReadFile(guest(t, "initrd.gz"))
	must(t, err)
	var out bytes.Buffer
	out.Write(base)
	z := gzip.NewWriter(&out)
	ino := 0
	entry := func(name string, mode int, data []byte) {
		ino++
		h := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00", 900000+ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
		fmt.Fprintf(z, "%s%s%s%s", h, make([]byte, -len(h)&3), data, make([]byte, -len(data)&3))
	}
	for name, data := range programs {
		entry("bin/"+name, 0o100755, data)
	}
	entry("TRAILER!!!", 0, nil)
	must(t, z.Close())
	p := filepath.Join(t.TempDir(), "initrd.gz")
	must(t, os.WriteFile(p, out.Bytes(), 0o600))
	return p
}

// linux starts the guest with a shell on its serial port.
func linux(t *testing.T, initrd, append string, args ...string) *vm.Machine {
	t.Helper()
	m := start(t, slices.Concat([]string{"-m", "512", "-kernel", guest(t, "vmlinux"), "-initrd", initrd, "-append", "console=ttyS0 guest.end=shell " + append}, args)...)
	must(t, m.WaitSerial("GUEST-SHELL", 1, medium))
	must(t, m.WaitSerial("# ", 1, short))
	return m
}

// shell has the guest do something and returns what that printed. n tells it from the others.
func shell(t *testing.T, m *vm.Machine, n int, command string) string {
	t.Helper()
	must(t, m.Send(fmt.Sprintf("echo BEG''IN%d; %s; echo EN''D%d\n", n, command, n)))
	must(t, m.WaitSerial(fmt.Sprintf("END%d", n), 1, medium))
	_, out, _ := strings.Cut(m.Serial(), fmt.Sprintf("BEGIN%d\n", n))
	out, _, _ = strings.Cut(out, fmt.Sprintf("END%d", n))
	return out
}
