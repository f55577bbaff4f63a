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
