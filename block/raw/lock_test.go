package raw_test

import (
	"os/exec"
	"testing"
)

// TestLock_asQEMU has QEMU's tool look at images that we have open: it may read what we read, and write nothing.
func TestLock_asQEMU(t *testing.T) {
	tool, err := exec.LookPath("qemu-io")
	if err != nil {
		t.Skip("no qemu-io here: apt-get install qemu-utils")
	}
	name := file(t, make([]byte, 1<<20))
	for _, c := range []struct {
		readOnly bool
		command  []string
		ok       bool
	}{
		{true, []string{"-r", "-f", "raw", "-c", "read 0 512", name}, true},
		{false, []string{"-f", "raw", "-c", "write 0 512", name}, false},
		{true, []string{"-f", "raw", "-c", "write 0 512", name}, false},
	} {
		d := open(t, name, c.readOnly)
		out, err := exec.Command(tool, c.command...).CombinedOutput()
		if (err == nil) != c.ok {
			t.Errorf("read-only %v: qemu-io %s: %v: %s", c.readOnly, c.command, err, out)
		}
		d.Close()
	}
}
