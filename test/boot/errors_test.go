package boot

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"govm-desktop/test/vm"
)

// refuse runs the program and wants it to end at once with status 1 and one line that has all the words in it.
func refuse(t *testing.T, attr *syscall.SysProcAttr, args []string, words ...string) {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} { // for those that run as another user
		must(t, os.Chmod(d, 0o777))
	}
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.SysProcAttr = dir, attr
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%v: %v, want exit status 1", args, err)
	}
	line := msg.String()
	if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
		t.Errorf("%v: want one line, got %q", args, line)
	}
	if out.Len() > 0 {
		t.Errorf("%v: printed %q", args, out.String())
	}
	for _, w := range words {
		if !strings.Contains(line, w) {
			t.Errorf("%v: %q lacks %q", args, line, w)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v: files are left behind: %v, %v", args, left, err)
	}
}

// TestRefusals are the mistakes that a person makes on the command line.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	unreadable := filepath.Join(dir, "dir.img")
	must(t, os.Mkdir(unreadable, 0o755))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	n, err := strconv.Atoi(port)
	must(t, err)
	taken := filepath.Join(dir, "taken")
	u, err := net.Listen("unix", taken)
	must(t, err)
	defer u.Close()
	for _, c := range []struct {
		args  []string
		words []string
	}{
		{[]string{"-no-such-option"}, []string{"-no-such-option", "nearest"}},
		{[]string{"-snapshut"}, []string{"-snapshut", "-snapshot"}},
		{[]string{"-netdev", "x"}, []string{"-netdev", "QEMU"}},
		{[]string{"-m"}, []string{"-m", "argument"}},
		{[]string{"-m", "lots"}, []string{"-m", "lots"}},
		{[]string{"-m", "99999999G", "-display", "none"}, []string{"-m", "99999999G"}},
		{[]string{"-accel", "soft", "-m", "900G", "-display", "none"}, []string{"-m", "the host has"}},
		{[]string{"-cpu", "nonsense", "-display", "none"}, []string{"-cpu", "nonsense"}},
		{[]string{"-accel", "nonsense"}, []string{"nonsense"}},
		{[]string{"-smp", "0"}, []string{"-smp"}},
		{[]string{"-vga", "nonsense"}, []string{"-vga", "nonsense"}},
		{[]string{"-accel", "soft", "missing.img"}, []string{"missing.img", "no such file"}},
		{[]string{"-accel", "soft", "-hda", unreadable}, []string{unreadable}},
		{[]string{"-accel", "soft", "-kernel", "missing"}, []string{"missing", "no such file"}},
		{[]string{"-accel", "soft", "-kernel", "/etc/passwd"}, []string{"/etc/passwd"}},
		{[]string{"-accel", "soft", "-bios", "/missing"}, []string{"/missing"}},
		{[]string{"-accel", "soft", "-drive", "file=x,if=floppy"}, []string{"floppy"}},
		{[]string{"-accel", "soft", "-drive", "file=x,format=qcow9"}, []string{"qcow9"}},
		{[]string{"-accel", "soft", "-vnc", "127.0.0.1:" + strconv.Itoa(n-5900)}, []string{"in use"}},
		{[]string{"-accel", "soft", "-display", "none", "-qmp", "unix:" + taken + ",server=on,wait=off"}, []string{taken}},
		{[]string{"-accel", "soft", "-display", "none", "-serial", "file:/missing/x"}, []string{"/missing/x"}},
	} {
		refuse(t, nil, c.args, c.words...)
	}
}

// TestRefusal_noKVM asks for KVM as a user who may not open it.
func TestRefusal_noKVM(t *testing.T) {
	args := []string{"-accel", "kvm", "-display", "none"}
	switch {
	case os.Getuid() == 0:
		const nobody = 65534
		must(t, os.Chmod(filepath.Dir(program), 0o755))
		if st, err := os.Stat("/dev/kvm"); err == nil && st.Mode().Perm()&0o006 == 0o006 {
			t.Skip("everybody may open /dev/kvm here")
		}
		refuse(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}, args, "/dev/kvm", "-accel soft")
	case vm.KVM() != nil:
		refuse(t, nil, args, "/dev/kvm", "-accel soft")
	default:
		t.Skip("/dev/kvm opens, and this is not root, who could do without")
	}
}

// TestRefusal_locked opens an image for writing twice.
func TestRefusal_locked(t *testing.T) {
	disk := lifeDisk(t)
	m := start(t, vm.Ours, "-m", "32", "-hda", disk)
	must(t, m.WaitSerial("LIFE", 1, short))
	refuse(t, nil, []string{"-accel", "soft", "-display", "none", "-hda", disk}, disk, "-hda")
	m.Quit()
	ends(t, m, 0)
	again := start(t, vm.Ours, "-m", "32", "-hda", disk)
	must(t, again.WaitSerial("LIFE", 1, short))
}
