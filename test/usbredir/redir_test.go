// Package usbredir tests redirected USB devices with whole machines: Linux in ours, and at the other end of the line a host on libusbredirparser, with its
// latencies and drops, or our own govm-usbredir.
package usbredir

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"govm-desktop/test/vm"
)

// patience is generous: it says only when to give up.
const patience = 6 * time.Minute

// bench is what the tests of this package are made with.
type bench struct {
	*testing.T
	dir string
}

func newBench(t *testing.T) *bench {
	if os.Getenv("GOVM_TEST_ALL") == "" {
		t.Skip("boots Linux with USB drivers: make test-all")
	}
	return &bench{t, t.TempDir()}
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) run(name string, args ...string) string {
	b.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		b.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// cc builds a C program; static ones are for guests.
func (b *bench) cc(source string, flags ...string) string {
	b.Helper()
	out := filepath.Join(b.dir, strings.TrimSuffix(filepath.Base(source), ".c"))
	b.run("gcc", append([]string{"-O1", "-Wall", "-o", out, source}, flags...)...)
	return out
}

// initrd is the USB guest's, with programs of ours in /bin.
func (b *bench) initrd(programs ...string) string {
	b.Helper()
	base, err := vm.Guest("usb/initrd.gz")
	b.must(err)
	tree := filepath.Join(b.dir, "tree", "bin")
	b.must(os.MkdirAll(tree, 0o755))
	for _, p := range programs {
		b.run("cp", p, tree)
	}
	out := filepath.Join(b.dir, "initrd.gz")
	b.run("sh", "-c", "cat "+base+" > "+out+" && cd "+filepath.Dir(tree)+" && find bin | cpio --quiet -o -H newc | gzip >> "+out)
	return out
}

// guest starts our machine with a redirected device and waits for its shell.
func (b *bench) guest(initrd, options string, args ...string) *vm.Machine {
	b.Helper()
	program, err := vm.Build(b.dir)
	b.must(err)
	kernel, err := vm.Guest("usb/vmlinux")
	b.must(err)
	m, err := vm.Start(vm.Ours, program, append([]string{"-m", "256", "-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 guest.end=shell " + options,
		"-device", "qemu-xhci"}, args...)...)
	b.must(err)
	b.Cleanup(func() {
		if b.Failed() {
			b.Logf("serial:\n%s\nstderr:\n%s", m.Serial(), m.Stderr())
		}
		m.Close()
	})
	return m
}

// shell has the guest do something and returns what that printed.
func (b *bench) shell(m *vm.Machine, n int, command string) string {
	b.Helper()
	b.must(m.Send(fmt.Sprintf("echo BEG''IN%d; %s; echo EN''D%d\n", n, command, n)))
	b.must(m.WaitSerial(fmt.Sprintf("END%d", n), 1, patience))
	_, out, _ := strings.Cut(m.Serial(), fmt.Sprintf("BEGIN%d\n", n))
	out, _, _ = strings.Cut(out, fmt.Sprintf("END%d", n))
	return out
}

func freePort(t *testing.T) string {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	_, port, _ := net.SplitHostPort(lis.Addr().String())
	return port
}

// peer starts the host on libusbredirparser. What it prints is in the file that is returned.
func (b *bench) peer(program string, args ...string) (log string, kill func()) {
	b.Helper()
	f, err := os.CreateTemp(b.dir, "peer*.log")
	b.must(err)
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = f, f
	b.must(cmd.Start())
	f.Close()
	done := make(chan struct{})
	go func() { cmd.Wait(); close(done) }()
	kill = func() { cmd.Process.Kill(); <-done }
	b.Cleanup(kill)
	return f.Name(), kill
}

// TestDisk writes to a redirected stick and has the connection drop in the middle, within the grace and beyond.
func TestDisk(t *testing.T) {
	b := newBench(t)
	host := b.cc("testdata/peer/peer.c", "-lusbredirparser")
	image := filepath.Join(b.dir, "stick.img")
	b.must(os.WriteFile(image, nil, 0o644))
	b.must(os.Truncate(image, 48<<20))
	b.run("mkfs.vfat", "-F", "32", image)
	port := freePort(t)
	m := b.guest(b.initrd(), "guest.devices=1 guest.disks=1", "-chardev", "socket,id=r,host=127.0.0.1,port="+port+",server=on,wait=off", "-device", "usb-redir,chardev=r,id=stick")
	log, kill := b.peer(host, "-d", "53000", "-a", "1500", "disk", image, "127.0.0.1", port)
	b.must(m.WaitSerial("GUEST-SHELL", 1, patience))
	sum := b.shell(m, 1, "mount /dev/sda /mnt && dd if=/dev/urandom of=/mnt/x bs=64k count=160 conv=fsync 2>/dev/null; md5sum </mnt/x; sync; umount /mnt")
	sum = regexp.MustCompile(`[0-9a-f]{32}  -\n`).FindString(sum) // the kernel's messages lie between
	if out := b.shell(m, 2, "mount -o ro /dev/sda /mnt && md5sum </mnt/x; umount /mnt; dmesg -n 1; dmesg | grep -c 'I/O error'; ls /dev/sd?"); !strings.HasSuffix(out, sum+"0\n/dev/sda\n") || len(sum) < 32 {
		t.Errorf("after a drop in the middle: %q, want %q", out, sum+"0\n/dev/sda\n")
	}
	text, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(text), "peer: dropped") {
		t.Errorf("the connection has not dropped: %q", text)
	}
	kill()
	if got := b.run("sh", "-c", "mcopy -n -i "+image+" ::x - | md5sum"); got != sum {
		t.Errorf("the image holds %q, the guest wrote %q", got, sum)
	}
	if out := b.shell(m, 3, "while [ -e /dev/sda ]; do sleep 0.2; done; dmesg | grep -c 'USB disconnect'"); out != "1\n" { // beyond the grace
		t.Errorf("the guest counts %q disconnections, want one", out)
	}
	b.peer(host, "disk", image, "127.0.0.1", port)
	if out := b.shell(m, 4, "while [ ! -e /dev/sda ]; do sleep 0.2; done; mount -o ro /dev/sda /mnt && md5sum </mnt/x"); !strings.Contains(out, sum) {
		t.Errorf("plugged in again: %q, want %q", out, sum)
	}
}

// TestZero has the kernel's own test of USB hosts run over a redirected device, and cancels many requests.
func TestZero(t *testing.T) {
	b := newBench(t)
	host := b.cc("testdata/peer/peer.c", "-lusbredirparser")
	initrd := b.initrd(b.cc("testdata/guest/usbtest.c", "-static"), b.cc("testdata/guest/urbs.c", "-static"))
	port := freePort(t)
	m := b.guest(initrd, "guest.devices=1", "-chardev", "socket,id=r,host=127.0.0.1,port="+port+",server=on,wait=off", "-device", "usb-redir,chardev=r")
	_, kill := b.peer(host, "zero", "127.0.0.1", port)
	b.must(m.WaitSerial("GUEST-SHELL", 1, patience))
	const node = "N=/dev/bus/usb/001/$(printf %03d $(cat /sys/bus/usb/devices/1-1/devnum))"
	out := b.shell(m, 1, "insmod /usbtest/lib/modules/usbtest.ko; sleep 1; "+node+"; usbtest $N 120 20 512 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 17 18 19 20 21 24 25 26 27 28 29")
	if !strings.Contains(out, "all passed") {
		t.Errorf("usbtest:\n%s", out)
	}
	t.Log(out)
	for i, latency := range []string{"0", "7"} {
		kill()
		b.shell(m, 20+i, "while [ -e /sys/bus/usb/devices/1-1 ]; do sleep 0.2; done")
		_, kill = b.peer(host, "-n", "-l", latency, "zero", "127.0.0.1", port)
		out := b.shell(m, 10+i, "rmmod usbtest 2>/dev/null; while [ ! -e /sys/bus/usb/devices/1-1/devnum ]; do sleep 0.2; done; sleep 1; "+node+"; urbs $N 40 20 5 4096; urbs $N 40 20 18 512; urbs $N 20 60 20 16384")
		if strings.Count(out, " 0 lost, 0 twice") != 3 {
			t.Errorf("latency %s ms: %s", latency, out)
		}
		t.Log(out)
	}
}
