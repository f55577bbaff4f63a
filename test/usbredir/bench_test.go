package usbredir

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"govm-desktop/test/vm"
)

var rates = regexp.MustCompile(`rate ([0-9.]+)`)

// rate is what the guest says of its speed, in MB/s.
func rate(out string) string {
	if m := rates.FindStringSubmatch(out); m != nil {
		return m[1]
	}
	return "?"
}

// TestSpeed prints what a redirected high-speed stick reads and writes, with 0, 1, 5 and 20 ms added to each answer, in our machine and in QEMU's.
// It judges nothing but the row that QEMU is weakest in: storage at 20 ms.
func TestSpeed(t *testing.T) {
	if os.Getenv("GOVM_BENCH_USB") == "" {
		t.Skip("measures: make bench-usb")
	}
	b := &bench{t, t.TempDir()}
	host := b.cc("testdata/peer/peer.c", "-lusbredirparser")
	image := filepath.Join(b.dir, "stick.img")
	b.must(os.WriteFile(image, nil, 0o644))
	b.must(os.Truncate(image, 64<<20))
	initrd := b.initrd(b.cc("testdata/guest/rate.c", "-static"))
	t.Log("MB/s                read 1M direct   write 1M direct   read 4K direct   processor seconds of the machine")
	for _, kind := range []vm.Kind{vm.Ours, vm.QEMU} {
		program, err := vm.Build(b.dir)
		b.must(err)
		kernel, err := vm.Guest("usb/" + map[vm.Kind]string{vm.Ours: "vmlinux", vm.QEMU: "vmlinuz"}[kind])
		b.must(err)
		port := freePort(t)
		m, err := vm.Start(kind, program, "-m", "256", "-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 guest.end=shell",
			"-device", "qemu-xhci", "-chardev", "socket,id=r,host=127.0.0.1,port="+port+",server=on,wait=off", "-device", "usb-redir,chardev=r")
		b.must(err)
		t.Cleanup(m.Close)
		b.must(m.WaitSerial("GUEST-SHELL", 1, patience))
		b.shell(m, 1, "dmesg -n 1")
		for i, latency := range []int{0, 1, 5, 20} {
			_, kill := b.peer(host, "-l", fmt.Sprint(latency), "disk", image, "127.0.0.1", port)
			b.shell(m, 10*i+10, "while [ ! -e /dev/sda ]; do sleep 0.2; done; sleep 1")
			before, err := m.CPUTime()
			b.must(err)
			mb := map[int]int{0: 32, 1: 24, 5: 12, 20: 6}[latency]
			var row []string
			for k, c := range []string{
				fmt.Sprintf("rate read /dev/sda 1048576 %d", mb), fmt.Sprintf("rate write /dev/sda 1048576 %d", mb), fmt.Sprintf("rate read /dev/sda 4096 %d", mb*8),
			} {
				row = append(row, rate(b.shell(m, 10*i+11+k, c)))
			}
			after, err := m.CPUTime()
			b.must(err)
			t.Logf("%-12s %2d ms %14s %17s %16s %18.1f", kind, latency, row[0], row[1], row[2], (after - before).Seconds())
			if v, _ := strconv.ParseFloat(row[0], 64); kind == vm.Ours && latency == 20 && v < 4 {
				t.Errorf("%s MB/s at 20 ms, want 4", row[0])
			}
			kill()
			b.shell(m, 10*i+15, "while [ -e /dev/sda ]; do sleep 0.2; done")
		}
		m.Close()
	}
}
