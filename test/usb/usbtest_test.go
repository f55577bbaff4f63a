package usb

import (
	"fmt"
	"strings"
	"testing"
)

// node has the shell variable N name the device that usbtest has bound.
const node = "D=$(ls -d /sys/bus/usb/drivers/usbtest/*:*); D=$(readlink -f $D/..); N=/dev/bus/usb/$(printf %03d/%03d $(cat $D/busnum) $(cat $D/devnum))"

// TestUSBTest runs the kernel's own tests of a host controller, on a device that is made for them. Alternate setting 1 has isochronous endpoints
// beside the bulk ones, 2 has interrupt ones.
func TestUSBTest(t *testing.T) {
	const guest = "../usbredir/testdata/guest/"
	rd := initrd(t, map[string][]byte{"usbtest": tool(t, guest+"usbtest.c")})
	setups := [][]string{{"-device", "qemu-xhci,id=x"}}
	if all() {
		setups = append(setups, []string{"-device", "nec-usb-xhci,id=x"}, []string{"-device", "qemu-xhci,id=x,p3=0,msix=off"})
	}
	for _, s := range setups {
		t.Run(s[1], func(t *testing.T) {
			m := linux(t, rd, "guest.devices=1", append(s, "-device", "usb-zero,bus=x.0")...)
			for i, alt := range []string{"1 usbtest $N 120 10 1024 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 27 28 29", "2 usbtest $N 120 10 1024 25 26"} {
				n, run, _ := strings.Cut(alt, " ")
				out := shell(t, m, i, fmt.Sprintf("rmmod usbtest 2>/dev/null; insmod /usbtest/lib/modules/usbtest.ko alt=%s; sleep 1; %s; %s", n, node, run))
				if !strings.Contains(out, "all passed") {
					t.Error(out)
				}
			}
		})
	}
}
