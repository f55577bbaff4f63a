package usb

import (
	"strings"
	"testing"
)

// TestSleep puts Linux to sleep (ACPI S3) with devices that are configured: afterwards they are where they were. The controller's interrupts come
// over the pin in the second run.
func TestSleep(t *testing.T) {
	modes := []string{"", "pci=nomsi"}
	if !all() {
		modes = modes[1:]
	}
	for _, mode := range modes {
		m := linux(t, guest(t, "initrd.gz"), "guest.disks=1 no_console_suspend "+mode, "-device", "qemu-xhci,id=x", "-drive", "if=none,id=s,file="+disk(t, 8), "-device", "usb-storage,bus=x.0,drive=s",
			"-device", "usb-hub,bus=x.0", "-device", "usb-tablet,bus=x.0,port=2.1")
		irqs := shell(t, m, 1, "dd if=/dev/urandom of=/dev/sda bs=1M count=8; sync; md5sum /dev/sda; grep xhci /proc/interrupts")
		if msi := strings.Contains(irqs, "PCI-MSI"); msi != (mode == "") {
			t.Errorf("%q: interrupts: %s", mode, irqs)
		}
		must(t, m.Send("dmesg -c >/dev/null; echo mem > /sys/power/state; echo AWA''KE\n"))
		must(t, m.WaitEvent("SUSPEND", 1, short))
		if _, err := m.Execute("system_wakeup", nil); err != nil {
			t.Fatal(err)
		}
		must(t, m.WaitSerial("AWAKE", 1, short))
		out := shell(t, m, 2, "echo 3 > /proc/sys/vm/drop_caches; md5sum /dev/sda; cat /sys/bus/usb/devices/1-2.1/product; dmesg")
		_, sum, _ := strings.Cut(irqs, "out\n")
		sum = sum[strings.LastIndex(sum[:strings.Index(sum, "  /dev/sda")], "\n")+1:]
		if !strings.Contains(out, sum[:32]) || !strings.Contains(out, "GOVM USB Tablet") {
			t.Errorf("%q: the stick had %s; after the sleep: %s", mode, sum[:32], out)
		}
		for _, bad := range []string{"USB disconnect", "new SuperSpeed", "new high-speed", "HC died", "I/O error", "reset SuperSpeed", "reset high-speed"} {
			if strings.Contains(out, bad) {
				t.Errorf("%q: the kernel says %q: %s", mode, bad, out)
			}
		}
	}
}
