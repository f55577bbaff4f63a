package boot

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"govm-desktop/test/vm"
)

// lifeDisk assembles testdata/life.asm and pads it to a disk.
func lifeDisk(t *testing.T) string {
	t.Helper()
	need(t, "nasm")
	name := filepath.Join(t.TempDir(), "life.img")
	if msg, err := exec.Command("nasm", "-f", "bin", "-o", name, "testdata/life.asm").CombinedOutput(); err != nil {
		t.Fatalf("nasm: %v\n%s", err, msg)
	}
	must(t, os.Truncate(name, 1<<20))
	return name
}

// status wants the machine's state to become the given one.
func status(t *testing.T, m *vm.Machine, want string) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(short); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var err error
		if got, err = m.Status(); err != nil {
			t.Fatal(err)
		}
		if got == want {
			return
		}
	}
	t.Fatalf("the machine is %s, want %s", got, want)
}

func TestStopAndCont(t *testing.T) {
	m := start(t, vm.Ours, "-S", "-m", "32", "-hda", lifeDisk(t))
	if s, err := m.Status(); err != nil || s == "running" {
		t.Fatalf("with -S the machine is %s, %v", s, err)
	}
	if p, err := m.Screenshot(); err != nil || !vm.Plain(p) {
		t.Errorf("with -S something is on the screen (%v)", err)
	}
	_, err := m.Execute("cont", nil)
	must(t, err)
	must(t, m.WaitSerial(".", 5, short))

	_, err = m.Execute("stop", nil)
	must(t, err)
	status(t, m, "paused")
	time.Sleep(100 * time.Millisecond) // what was on its way through the pipe
	before := m.Serial()
	time.Sleep(400 * time.Millisecond)
	if after := m.Serial(); after != before {
		t.Errorf("stopped, the guest still wrote %q", after[len(before):])
	}
	_, err = m.Execute("cont", nil)
	must(t, err)
	must(t, m.WaitSerial(".", strings.Count(before, ".")+5, short))
	must(t, m.WaitEvent("STOP", 1, short))
	must(t, m.WaitEvent("RESUME", 1, short))
	m.Quit()
	ends(t, m, 0)
}

func TestResetAndPowerButton(t *testing.T) {
	m := start(t, vm.Ours, "-m", "32", "-hda", lifeDisk(t))
	must(t, m.WaitSerial("LIFE", 1, short))
	_, err := m.Execute("system_reset", nil)
	must(t, err)
	must(t, m.WaitSerial("LIFE", 2, short))
	must(t, m.WaitEvent("RESET", 1, short))
	must(t, m.Keys("t")) // a triple fault resets too
	must(t, m.WaitSerial("LIFE", 3, short))
	_, err = m.Execute("system_powerdown", nil)
	must(t, err)
	must(t, m.WaitSerial("BUTTON", 1, short))
	must(t, m.Keys("o"))
	ends(t, m, 0)
}

func TestNoReboot(t *testing.T) {
	m := start(t, vm.Ours, "-m", "32", "-no-reboot", "-hda", lifeDisk(t))
	must(t, m.WaitSerial(".", 1, short))
	must(t, m.Keys("t"))
	ends(t, m, 0)
	if n := strings.Count(m.Serial(), "LIFE"); n != 1 {
		t.Errorf("the guest started %d times", n)
	}
}

func TestNoShutdown(t *testing.T) {
	m := start(t, vm.Ours, "-m", "32", "-no-shutdown", "-hda", lifeDisk(t))
	must(t, m.WaitSerial(".", 1, short))
	must(t, m.Keys("o"))
	status(t, m, "shutdown")
	if !m.Running() {
		t.Error("the program has ended")
	}
	m.Quit()
	ends(t, m, 0)
}

// TestSnapshot writes to a disk with and without -snapshot.
func TestSnapshot(t *testing.T) {
	for _, snapshot := range []bool{true, false} {
		disk := lifeDisk(t)
		before, err := os.ReadFile(disk)
		must(t, err)
		args := []string{"-m", "32", "-hda", disk}
		if snapshot {
			args = append(args, "-snapshot")
		}
		m := start(t, vm.Ours, args...)
		must(t, m.WaitSerial(".", 1, short))
		must(t, m.Keys("w"))
		must(t, m.WaitSerial("WRITTEN", 1, short))
		m.Quit()
		ends(t, m, 0)
		after, err := os.ReadFile(disk)
		must(t, err)
		if changed := !bytes.Equal(before, after); changed == snapshot {
			t.Errorf("-snapshot %t: the image has changed: %t", snapshot, changed)
		}
	}
}

// TestIcount wants two runs whose time is made of instructions to say the same, byte by byte, with the clock's ticks in it.
func TestIcount(t *testing.T) {
	run := func(args ...string) (serial, debug string) {
		t.Helper()
		log := filepath.Join(t.TempDir(), "debug")
		m := start(t, vm.Ours, append([]string{"-accel", "soft,icount=on", "-rtc", "base=2024-02-29T12:00:00", "-debugcon", "file:" + log}, args...)...)
		if !all() {
			must(t, m.WaitSerial(".", 20, short))
			m.Quit()
		}
		ends(t, m, 0)
		b, err := os.ReadFile(log)
		must(t, err)
		return m.Serial(), string(b)
	}
	args := []string{"-m", "32", "-hda", lifeDisk(t)}
	if all() {
		args = cloud(t, "vmlinux", "")
	}
	serial1, debug1 := run(args...)
	serial2, debug2 := run(args...)
	if !all() { // cut at the same place: it was stopped from outside
		n := min(len(serial1), len(serial2))
		serial1, serial2 = serial1[:n], serial2[:n]
	}
	if serial1 != serial2 || debug1 != debug2 || serial1 == "" || debug1 == "" {
		t.Errorf("two runs differ:\n%s\n%s\nand\n%s\n%s", debug1, serial1, debug2, serial2)
	}
}
