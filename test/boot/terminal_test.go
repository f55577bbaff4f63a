package boot

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestNographic uses the machine on a terminal: the serial port, and the monitor behind Ctrl-A c.
func TestNographic(t *testing.T) {
	cmd := exec.Command(program, "-nographic", "-accel", "soft", "-m", "32", "-hda", lifeDisk(t))
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer cmd.Process.Kill()
	watchdog := time.AfterFunc(short, func() { cmd.Process.Kill() })
	defer watchdog.Stop()
	r := bufio.NewReader(out)
	wait := func(word string) {
		t.Helper()
		var seen strings.Builder
		for !strings.HasSuffix(seen.String(), word) {
			b, err := r.ReadByte()
			if err != nil {
				t.Fatalf("waiting for %q: %v; it said %q", word, err, seen.String())
			}
			seen.WriteByte(b)
		}
	}
	say := func(text string) {
		t.Helper()
		_, err := io.WriteString(in, text)
		must(t, err)
	}
	wait("SeaBIOS")
	wait("LIFE")
	wait(".")
	say("\x01c")
	wait("(govm) ")
	say("info status\r")
	wait("VM status: running")
	say("\x01c")
	wait(".")
	say("\x01x")
	_, err = io.Copy(io.Discard, r)
	must(t, err)
	must(t, cmd.Wait())
}
