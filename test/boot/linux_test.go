package boot

import (
	"testing"

	"govm-desktop/test/vm"
)

// cloud are the arguments that boot Debian's cloud kernel.
func cloud(t *testing.T, kernel, options string) []string {
	return []string{"-m", "256", "-kernel", guest(t, "cloud/"+kernel), "-initrd", guest(t, "cloud/initrd.gz"), "-append", "console=ttyS0 guest.loop=0 " + options}
}

// TestCloudKernel boots Debian's kernel without a boot loader to its power-off.
func TestCloudKernel(t *testing.T) {
	kernels := []string{"vmlinux"}
	if all() {
		kernels = append(kernels, "vmlinuz")
	}
	for _, kernel := range kernels {
		t.Run(kernel, func(t *testing.T) {
			m := start(t, vm.Ours, cloud(t, kernel, "")...)
			must(t, m.WaitSerial("GUEST-OK cloud", 1, medium))
			ends(t, m, 0)
		})
	}
}

// TestCloudKernel_reboot lets the guest start itself anew, and not with -no-reboot.
func TestCloudKernel_reboot(t *testing.T) {
	if all() {
		m := start(t, vm.Ours, cloud(t, "vmlinuz", "guest.end=reboot")...)
		must(t, m.WaitSerial("GUEST-OK cloud", 2, long))
	}
	m := start(t, vm.Ours, append(cloud(t, "vmlinux", "guest.end=reboot"), "-no-reboot")...)
	must(t, m.WaitSerial("GUEST-OK cloud", 1, medium))
	ends(t, m, 0)
}

// TestCloudKernel_shell talks to a shell over the serial port.
func TestCloudKernel_shell(t *testing.T) {
	m := start(t, vm.Ours, cloud(t, "vmlinux", "guest.end=shell")...)
	must(t, m.WaitSerial("GUEST-SHELL", 1, medium))
	must(t, m.WaitSerial("# ", 1, medium))
	must(t, m.Send("echo $((6*7))-is-the-answer; cat /sys/devices/system/clocksource/clocksource0/current_clocksource\n"))
	must(t, m.WaitSerial("42-is-the-answer", 1, medium))
	must(t, m.Send("poweroff -f\n"))
	ends(t, m, 0)
}
