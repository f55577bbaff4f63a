package raw_test

import (
	"os/exec"
	"testing"
)

// TestLock_asQEMU has QEMU's tool look at images that we have open: it may read what we read, not what we write.
func TestLock_asQEMU(t *testing.T) {
	tool, err := exec.LookPath("qemu-img")
	if err != nil {
		t.Skip("no qemu-img here: apt-get install qemu-utils")
	}
	name := file(t, make([]byte, 1<<20))
	for _, c := range []struct {
		readOnly bool
		command  []string
		ok       bool
	}{
		{true, []string{"info", "-f", "raw", name}, true},
		{false, []string{"info", "-f", "raw", name}, false},
		{true, []string{"resize", "-f", "raw", name, "2M"}, false},
	} {
		d := open(t, name, c.readOnly)
		out, err := exec.Command(tool, c.command...).CombinedOutput()
		if (err == nil) != c.ok {
			t.Errorf("read-only %v: qemu-img %s: %v: %s", c.readOnly, c.command[0], err, out)
		}
		d.Close()
	}
}
