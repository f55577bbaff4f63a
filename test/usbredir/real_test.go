package usbredir

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"govm-desktop/test/vm"
)

// far is the computer that gives its USB devices away: QEMU, with gadgets plugged into itself. Its user network reaches us at 10.0.2.2.
type far struct {
	b      *bench
	in     io.Writer
	serial string // a file
}

// newFar starts it, with govm-usbredir in /bin.
func (b *bench) newFar() *far {
	b.Helper()
	kernel, err := vm.Guest("usbhost/vmlinuz")
	b.must(err)
	base, err := vm.Guest("usbhost/initrd.gz")
	b.must(err)
	tree, initrd := filepath.Join(b.dir, "far", "bin"), filepath.Join(b.dir, "far.gz")
	b.must(os.MkdirAll(tree, 0o755))
	b.exporter(tree)
	b.run("sh", "-c", "cat "+base+" > "+initrd+" && cd "+filepath.Dir(tree)+" && find bin | cpio --quiet -o -H newc | gzip >> "+initrd)
	f := &far{b: b, serial: filepath.Join(b.dir, "far.log")}
	cmd := exec.Command("qemu-system-x86_64", "-accel", "tcg", "-m", "384", "-nodefaults", "-display", "none", "-serial", "stdio", "-kernel", kernel, "-initrd", initrd,
		"-append", "console=ttyS0 guest.end=shell", "-netdev", "user,id=n", "-device", "e1000,netdev=n")
	log, err := os.Create(f.serial)
	b.must(err)
	cmd.Stdout, cmd.Stderr = log, log
	in, err := cmd.StdinPipe()
	b.must(err)
	b.must(cmd.Start())
	f.in = in
	b.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
		if b.Failed() {
			text, _ := os.ReadFile(f.serial)
			b.Logf("the far computer:\n%s", text)
		}
	})
	f.await("GUEST-SHELL")
	return f
}

// exporter builds govm-usbredir, which runs anywhere, into a folder.
func (b *bench) exporter(dir string) string {
	b.Helper()
	name := filepath.Join(dir, "govm-usbredir")
	build := exec.Command("go", "build", "-o", name, "govm-desktop/cmd/govm-usbredir")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if p := os.Getenv("GOVM_PROGRAM"); p != "" { // its neighbour
		build = exec.Command("cp", filepath.Join(filepath.Dir(p), "govm-usbredir"), dir)
	}
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return name
}

// TestBoot has SeaBIOS boot from a redirected stick.
func TestBoot(t *testing.T) {
	b := &bench{t, t.TempDir()}
	image, err := vm.Guest("isolinux/syslinux.img")
	b.must(err)
	program, err := vm.Build(b.dir)
	b.must(err)
	sock := filepath.Join(b.dir, "s")
	b.peer(b.exporter(b.dir), "--disk", image, "--read-only", "--unix", sock, "--wait")
	m, err := vm.Start(vm.Ours, program, "-m", "128", "-chardev", "socket,id=r,path="+sock+",server=on,wait=on", "-device", "qemu-xhci", "-device", "usb-redir,chardev=r,bootindex=0")
	b.must(err)
	t.Cleanup(m.Close)
	if err := m.WaitSerial("isolinux test menu", 1, patience); err != nil {
		t.Error(err)
	}
}

func (f *far) text() string {
	text, _ := os.ReadFile(f.serial)
	return strings.ReplaceAll(string(text), "\r", "")
}

func (f *far) await(word string) {
	f.b.Helper()
	for end := time.Now().Add(patience); !strings.Contains(f.text(), word); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			f.b.Fatalf("the far computer does not say %s", word)
		}
	}
}

// do has the far computer do something and returns what that printed.
func (f *far) do(mark, command string) string {
	f.b.Helper()
	_, err := io.WriteString(f.in, "echo BEG''IN-"+mark+"; "+command+"; echo EN''D-"+mark+"\n")
	f.b.must(err)
	f.await("END-" + mark + "\n")
	_, out, _ := strings.Cut(f.text(), "BEGIN-"+mark+"\n")
	out, _, _ = strings.Cut(out, "END-"+mark)
	return out
}

// TestReal has devices given away by the real usbredirect, on libusb and the kernel, and by our govm-usbredir, on the kernel alone.
func TestReal(t *testing.T) {
	b := newBench(t)
	far := b.newFar()
	port := freePort(t)
	m := b.guest(b.initrd(b.cc("testdata/guest/usbtest.c", "-static"), b.cc("testdata/guest/urbs.c", "-static")), "",
		"-chardev", "socket,id=r,host=127.0.0.1,port="+port+",server=on,wait=off", "-device", "usb-redir,chardev=r")
	b.must(m.WaitSerial("GUEST-SHELL", 1, patience))
	b.shell(m, 1, "dmesg -n 1")
	far.do("quiet", "dmesg -n 1; dd if=/dev/urandom of=/disk.img bs=1M count=12 2>/dev/null")
	n := 10
	for _, program := range []string{"usbredirect", "govm-usbredir"} {
		for _, speed := range []string{"high", "super"} {
			mark := program + "-" + speed
			far.do("msd-"+mark, "gadget msd /disk.img "+speed+"; while ! grep -q 0104 /sys/bus/usb/devices/*/idProduct; do sleep 0.2; done; sleep 2; ("+
				program+" --device 1d6b:0104 --to 10.0.2.2:"+port+" >/"+mark+".log 2>&1 &)")
			n++
			b.shell(m, n, "while [ ! -e /dev/sda ]; do sleep 0.2; done")
			n++
			got := b.shell(m, n, "md5sum </dev/sda; dd if=/dev/urandom of=/dev/sda bs=64k count=60 seek=20 conv=fsync 2>/dev/null; echo 3 >/proc/sys/vm/drop_caches; md5sum </dev/sda; cat /sys/block/sda/device/../../../../../../speed 2>/dev/null")
			want := far.do("sum-"+mark, "sync; md5sum </disk.img")
			if lines := strings.Split(got, "\n"); len(lines) < 2 || lines[1]+"\n" != want {
				t.Errorf("%s: the guest reads %q, the far computer %q", mark, got, want)
			}
			t.Logf("%s: %s", mark, got)
			far.do("kill-"+mark, "killall "+program+"; sleep 1; cat /"+mark+".log")
			n++
			b.shell(m, n, "while [ -e /dev/sda ]; do sleep 0.2; done")
			far.do("zero-"+mark, "gadget off; gadget zero "+speed+"; while ! grep -q a4a0 /sys/bus/usb/devices/*/idProduct; do sleep 0.2; done; sleep 2; ("+
				program+" --device 0525:a4a0 --to 10.0.2.2:"+port+" >/"+mark+".log 2>&1 &)")
			n++
			out := b.shell(m, n, "insmod /usbtest/lib/modules/usbtest.ko 2>/dev/null; D=; while [ -z \"$D\" ]; do sleep 0.5; D=$(grep -l a4a0 /sys/bus/usb/devices/*/idProduct); D=${D%/*}; done; sleep 2; "+
				"usbtest /dev/bus/usb/$(printf %03d/%03d $(cat $D/busnum) $(cat $D/devnum)) 200 10 "+map[string]string{"high": "512", "super": "1024"}[speed]+" 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 17 18 19 20 21 24 27 28 29; dmesg | tail -40 | grep usbtest")
			if !strings.Contains(out, "all passed") {
				t.Errorf("%s: usbtest:\n%s", mark, out)
			}
			t.Logf("%s: %s", mark, out)
			far.do("end-"+mark, "killall "+program+"; sleep 1; gadget off; cat /"+mark+".log")
			n++
			b.shell(m, n, "while grep -q a4a0 /sys/bus/usb/devices/*/idProduct; do sleep 0.2; done; rmmod usbtest")
		}
	}
}
