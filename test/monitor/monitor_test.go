// Package monitor compares the monitors of govm-desktop with QEMU's: the same machine, the same guest, the same questions, in the same run. socat types the
// lines of the monitor for people, Python's json speaks QMP.
package monitor

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"govm-desktop/test/vm"
)

var program string

func TestMain(m *testing.M) { os.Exit(vm.Main(m, &program)) }

// limit is when to give up on a loaded machine.
const limit = 2 * time.Minute

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is missing: make deps-test installs it", tool)
		}
	}
}

// guest is the disk of testdata/long.asm.
func guest(t *testing.T) string {
	t.Helper()
	img := filepath.Join(t.TempDir(), "long.img")
	out, err := exec.Command("nasm", "-f", "bin", "-o", img, "testdata/long.asm").CombinedOutput()
	if err != nil {
		t.Fatalf("nasm: %v\n%s", err, out)
	}
	must(t, os.Truncate(img, 1<<20))
	return img
}

// pair are the two machines.
type pair struct {
	ours, qemu   *vm.Machine
	hmp, qmp     string // names of sockets in each machine's folder
	ourDir, qDir string
}

// startPair starts both with the guest, and waits until it halts.
func startPair(t *testing.T) *pair {
	t.Helper()
	need(t, "qemu-system-x86_64", "nasm", "socat", "python3")
	p := &pair{hmp: "hmp", qmp: "qmp2"}
	img := guest(t)
	start := func(kind vm.Kind) (*vm.Machine, string) {
		dir := t.TempDir()
		m, err := vm.Start(kind, program, "-m", "64", "-name", "same", "-uuid", "00112233-4455-6677-8899-aabbccddeeff", "-drive", "file="+img+",format=raw,if=ide,snapshot=on",
			"-monitor", "unix:"+dir+"/hmp,server=on,wait=off", "-qmp", "unix:"+dir+"/qmp2,server=on,wait=off")
		must(t, err)
		t.Cleanup(m.Close)
		for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
			if text, err := m.Monitor("info registers"); err == nil && hasAll(text, "RAX=1122334455667788", "HLT=1") {
				return m, dir
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: the guest did not halt within %v", kind, limit)
			}
		}
	}
	p.qemu, p.qDir = start(vm.QEMU)
	p.ours, p.ourDir = start(vm.Ours)
	return p
}
