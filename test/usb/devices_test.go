package usb

import (
	"crypto/md5"
	"fmt"
	"image"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"govm-desktop/display/rfb/rfbtest"
	"govm-desktop/hw/usb/hid"
	"govm-desktop/input"
	"govm-desktop/input/keycodemap"
	"govm-desktop/test/vm"
)

// disk is an empty image.
func disk(t *testing.T, mib int64) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "disk.img")
	f, err := os.Create(p)
	must(t, err)
	must(t, f.Truncate(mib<<20))
	must(t, f.Close())
	return p
}

// qmp has the machine do something.
func qmp(t *testing.T, m *vm.Machine, command string, args map[string]any) {
	t.Helper()
	if _, err := m.Execute(command, args); err != nil {
		t.Fatal(err)
	}
}

// TestStick has Linux make a file system on a stick, fill it, lose the stick and find everything when it comes back.
func TestStick(t *testing.T) {
	rd := guest(t, "initrd.gz")
	devices := []string{"usb-storage", "usb-uas", "usb-hub"}
	if !all() {
		devices = devices[:1]
	}
	for i, device := range devices {
		t.Run(device, func(t *testing.T) {
			image := disk(t, 64)
			plug := map[string]any{"driver": device, "id": "stick", "drive": "s"}
			args := []string{"-device", "qemu-xhci,id=x", "-drive", "if=none,id=s,file=" + image}
			if device == "usb-hub" { // a stick behind two hubs
				plug["driver"], plug["port"] = "usb-storage", "1.8.3"
				args = append(args, "-device", "usb-hub,port=1", "-device", "usb-hub,port=1.8")
			}
			boot := "usb-storage,id=stick,drive=s"
			if device == "usb-uas" {
				boot = "usb-uas,id=stick,drive=s"
			} else if device == "usb-hub" {
				boot += ",port=1.8.3"
			}
			m := linux(t, rd, "guest.disks=1", append(args, "-device", boot)...)
			format := []string{"mkdosfs /dev/sda", "mke2fs /dev/sda", "mkdosfs /dev/sda"}[i]
			out := shell(t, m, 1, format+" >/dev/null; mkdir -p /m; mount /dev/sda /m && for i in 1 2 3 4 5 6; do dd if=/dev/urandom of=/m/f$i bs=64k count=$((i*i*3)) 2>/dev/null; done; cd /m; md5sum f* > sums; cd /; sync; umount /m && echo WRIT''TEN")
			if !strings.Contains(out, "WRITTEN") {
				t.Fatal(out)
			}
			before := shell(t, m, 2, "md5sum < /dev/sda")
			b, err := os.ReadFile(image)
			must(t, err)
			if sum := fmt.Sprintf("%x", md5.Sum(b)); !strings.Contains(before, sum) {
				t.Errorf("the guest reads %s, the image is %s", before, sum)
			}
			qmp(t, m, "device_del", map[string]any{"id": "stick"})
			shell(t, m, 3, "while [ -e /dev/sda ]; do sleep 0.1; done")
			qmp(t, m, "device_add", plug)
			out = shell(t, m, 4, "while ! ls /dev/sd? 2>/dev/null; do sleep 0.1; done; sleep 1; mount /dev/sd? /m; cd /m; md5sum -c sums; cd /; umount /m")
			if strings.Count(out, ": OK") != 6 {
				t.Error(out)
			}
			if log := shell(t, m, 5, "dmesg"); strings.Contains(log, "I/O error") || strings.Contains(log, "reset SuperSpeed") || strings.Contains(log, "reset high-speed") {
				t.Error(log)
			}
		})
	}
}

// TestMedia takes the medium out of a stick's drive and puts another one in, reads a CD, and sends lines through a serial adapter.
func TestMedia(t *testing.T) {
	one, two, file := disk(t, 8), disk(t, 12), filepath.Join(t.TempDir(), "out")
	m := linux(t, guest(t, "initrd.gz"), "guest.disks=1", "-device", "qemu-xhci", "-drive", "if=none,id=s,file="+one, "-device", "usb-storage,drive=s,removable=on",
		"-drive", "if=none,id=c,media=cdrom,file="+guest(t, "vmlinuz"), "-device", "usb-storage,drive=c",
		"-chardev", "file,id=f,path="+file, "-device", "usb-serial,chardev=f")
	if out := shell(t, m, 1, "cat /sys/block/sda/removable /sys/block/sda/size; dd if=/dev/sr0 bs=2048 count=64 2>/dev/null | md5sum"); !strings.HasPrefix(out, "1\n16384\n") {
		t.Error(out)
	} else {
		b, err := os.ReadFile(guest(t, "vmlinuz"))
		must(t, err)
		if sum := fmt.Sprintf("%x", md5.Sum(b[:64*2048])); !strings.Contains(out, sum) {
			t.Errorf("the CD reads %s, want %s", out, sum)
		}
	}
	for n, command := range []string{"eject s", "change s " + two} {
		if _, err := m.Monitor(command); err != nil {
			t.Fatal(err)
		}
		out := shell(t, m, 2+n, "dd if=/dev/sda of=/dev/null bs=1M count=1; blockdev --getsize64 /dev/sda")
		if want := []string{"No medium found", "12582912"}[n]; !strings.Contains(out, want) {
			t.Errorf("%s: %s", command, out)
		}
	}
	shell(t, m, 5, "stty -F /dev/ttyUSB0 raw 115200; seq 1 3000 > /dev/ttyUSB0; sleep 1")
	var want strings.Builder
	for i := range 3000 {
		fmt.Fprintln(&want, i+1)
	}
	deadline := time.Now().Add(short)
	for {
		b, err := os.ReadFile(file)
		must(t, err)
		if string(b) == want.String() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes of %d have come out of the serial adapter", len(b), want.Len())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// reader starts the reader of input events in the guest.
func reader(t *testing.T, word string, args ...string) *vm.Machine {
	t.Helper()
	rd := initrd(t, map[string][]byte{"evdev": tool(t, "testdata/evdev.c")})
	m := linux(t, rd, "guest.devices=1", append([]string{"-device", "qemu-xhci"}, args...)...)
	must(t, m.Send("evdev "+word+"\n"))
	must(t, m.WaitSerial("READY", 1, short))
	return m
}

func send(t *testing.T, m *vm.Machine, events ...map[string]any) {
	t.Helper()
	qmp(t, m, "input-send-event", map[string]any{"events": events})
}

func event(kind string, data map[string]any) map[string]any {
	return map[string]any{"type": kind, "data": data}
}

// TestPointers points at places with a tablet, of which the guest hears as they are, and moves a mouse far, which adds up.
func TestPointers(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "vnc")
	m := reader(t, "GOVM", "-device", "usb-mouse", "-device", "usb-tablet", "-vnc", "unix:"+socket)
	places := [][2]int{{1, 2}, {32767, 32766}, {16384, 100}, {5, 32767}, {12345, 23456}}
	for _, p := range places {
		send(t, m, event("abs", map[string]any{"axis": "x", "value": p[0]}), event("abs", map[string]any{"axis": "y", "value": p[1]}))
		must(t, m.WaitSerial(fmt.Sprintf("a0:%d a1:%d ", p[0], p[1]), 1, short))
	}
	for i, b := range []string{"left", "right", "middle", "side", "extra"} {
		for _, down := range []bool{true, false} {
			send(t, m, event("btn", map[string]any{"button": b, "down": down}))
			want := fmt.Sprintf("k%d:%d ", 0x110+i, map[bool]int{true: 1}[down])
			must(t, m.WaitSerial(want, 1, short))
		}
	}
	for _, b := range []string{"wheel-up", "wheel-down"} {
		send(t, m, event("btn", map[string]any{"button": b, "down": true}))
		send(t, m, event("btn", map[string]any{"button": b, "down": false}))
		must(t, m.WaitSerial(map[string]string{"wheel-up": "r8:1 ", "wheel-down": "r8:-1 "}[b], 1, short))
	}
	byViewer(t, m, socket)
	send(t, m, event("rel", map[string]any{"axis": "x", "value": 1000}), event("rel", map[string]any{"axis": "y", "value": -300}))
	deadline := time.Now().Add(short)
	for {
		var x, y int
		for _, f := range strings.Fields(m.Serial()[strings.Index(m.Serial(), "READY"):]) {
			var v int
			if n, _ := fmt.Sscanf(f, "r0:%d", &v); n == 1 {
				x += v
			} else if n, _ := fmt.Sscanf(f, "r1:%d", &v); n == 1 {
				y += v
			}
		}
		if x == 1000 && y == -300 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the guest has moved by %d, %d", x, y)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// byViewer moves a VNC viewer's mouse: the guest's pointer is at the same pixel.
func byViewer(t *testing.T, m *vm.Machine, socket string) {
	t.Helper()
	nc, err := net.Dial("unix", socket)
	must(t, err)
	c, err := rfbtest.New(nc, rfbtest.Options{})
	must(t, err)
	defer c.Close()
	size := c.Size()
	for _, p := range []image.Point{{1, 1}, {size.X - 1, size.Y - 1}, {size.X / 3, size.Y / 2}, {}} {
		must(t, c.Pointer(p.X, p.Y, 0))
		x, y := scale(p.X, size.X), scale(p.Y, size.Y)
		must(t, m.WaitSerial(fmt.Sprintf("a0:%d a1:%d ", x, y), 1, time.Minute))
		if got := image.Pt((x*(size.X-1)+input.AbsMax/2)/input.AbsMax, (y*(size.Y-1)+input.AbsMax/2)/input.AbsMax); got != p {
			t.Errorf("the viewer points at %v of %v, the guest at %v", p, size, got)
		}
	}
}

func scale(v, size int) int { return (v*input.AbsMax + (size-1)/2) / (size - 1) }

// TestEveryUSBKey presses each key that HID can carry and reads what Linux makes of it, and then ten at once.
func TestEveryUSBKey(t *testing.T) {
	m := reader(t, "Keyboard", "-device", "usb-kbd")
	keys := keycodemap.New()
	begin := len(m.Serial())
	var want []string
	for c := range input.Code(0x300) {
		usage, ok := keys.USB(c)
		name := keys.Name(c)
		if !ok || !hid.Carries(usage) || name == "" {
			continue
		}
		qmp(t, m, "send-key", map[string]any{"keys": []any{map[string]any{"type": "qcode", "data": name}}, "hold-time": 1})
		if err := m.WaitSerial(fmt.Sprintf("k%d:0 ", c), 1, time.Minute); err != nil {
			t.Fatalf("%s (usage %06x): %v", name, usage, err)
		}
		want = append(want, fmt.Sprintf("k%d:1", c), fmt.Sprintf("k%d:0", c))
	}
	got := strings.Fields(m.Serial()[begin:])
	if len(want) < 500 || !slices.Equal(got, want) {
		t.Errorf("%d events, %d wanted: %v", len(got), len(want), got)
	}
	var many []any
	want = nil
	for _, k := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		many = append(many, map[string]any{"type": "qcode", "data": k})
		c, _ := keys.ByName(k)
		want = append(want, fmt.Sprintf("k%d:1", c))
	}
	before := len(m.Serial())
	qmp(t, m, "send-key", map[string]any{"keys": many, "hold-time": 300})
	for _, w := range want {
		must(t, m.WaitSerial(strings.Replace(w, ":1", ":0", 1), 2, short))
	}
	var down []string
	for _, f := range strings.Fields(m.Serial()[before:]) {
		if strings.HasSuffix(f, ":0") {
			break
		}
		down = append(down, f)
	}
	slices.Sort(down)
	slices.Sort(want)
	if !slices.Equal(down, want) {
		t.Errorf("ten keys at once: %v before the first release", down)
	}
}

// TestSeaBIOS boots a stick by its boot index, though there is a disk as well.
func TestSeaBIOS(t *testing.T) {
	stick, err := vm.Guest("isolinux/syslinux.img")
	must(t, err)
	devices := []string{"usb-storage,drive=s,bootindex=0", "usb-storage,drive=s,bootindex=0,port=2.3"}
	if !all() {
		devices = devices[:1]
	}
	for _, device := range devices {
		log := filepath.Join(t.TempDir(), "log")
		args := []string{"-m", "128", "-debugcon", "file:" + log, "-device", "qemu-xhci", "-hda", disk(t, 8), "-drive", "if=none,id=s,snapshot=on,file=" + stick}
		if strings.Contains(device, "port") {
			args = append(args, "-device", "usb-hub,port=2")
		}
		m := start(t, append(args, "-device", device, "-device", "usb-kbd,port=4")...)
		must(t, m.WaitSerial("govm isolinux test menu", 1, medium))
		b, err := os.ReadFile(log)
		must(t, err)
		for _, want := range []string{"USB MSC vendor='GOVM'", "USB keyboard initialized", "/storage@"} {
			if !strings.Contains(string(b), want) {
				t.Errorf("%s: SeaBIOS says nothing of %q:\n%s", device, want, b)
			}
		}
		m.Close()
	}
}
