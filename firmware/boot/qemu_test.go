package boot

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// qemu boots an image with our option ROM on QEMU's own machine and returns what the guest says on its serial port.
func qemu(t *testing.T, img *Image, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	rom, file := filepath.Join(dir, "rom.bin"), filepath.Join(dir, "boot")
	if err := os.WriteFile(rom, img.ROM, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, io.NewSectionReader(img.File, 0, img.File.Size())); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", append([]string{
		"-M", "pc", "-accel", "tcg", "-m", "256", "-nodefaults", "-vga", "std", "-display", "none", "-serial", "stdio", "-no-reboot",
		"-device", "isa-debug-exit,iobase=0x501,iosize=1",
		"-option-rom", rom, "-fw_cfg", "name=" + FileName + ",file=" + file,
	}, args...)...)
	out, _ := cmd.CombinedOutput() // its status is the debug port's
	return string(out)
}

func needTools(t *testing.T, tools ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots a machine")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s here: apt-get install qemu-system-x86 nasm", tool)
		}
	}
}

// assemble builds a variant of testdata/kernel.asm and returns its path.
func assemble(t *testing.T, variant string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "kernel")
	if msg, err := exec.Command("nasm", "-f", "bin", "-D"+variant, "-o", out, "testdata/kernel.asm").CombinedOutput(); err != nil {
		t.Fatalf("nasm: %v\n%s", err, msg)
	}
	return out
}

func TestSmallKernelsUnderQEMU(t *testing.T) {
	needTools(t, "qemu-system-x86_64", "nasm")
	mod := filepath.Join(t.TempDir(), "mod")
	if err := os.WriteFile(mod, []byte("contents\x00"), 0o644); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, make([]byte, 5000), 0o644); err != nil {
		t.Fatal(err)
	}
	multi := "bss=00000000 eax=2badb002 cmdline=a=1 b module=" + mod + " x=1, is contents\x00 lower=0000027f upper=0003fb80 map=00000001 end\n"
	for _, c := range []struct{ variant, initrd, want string }{
		{"FLAT", other + "," + mod + " x=1,,", multi},
		{"ELF", other + "," + mod + " x=1,,", multi},
		{"PVH", mod, "bss=00000000 eax=00000000 magic=336ec578 cmdline=a=1 b module=contents rsdp=RSD PTR  map=00000001 end\n"},
	} {
		t.Run(c.variant, func(t *testing.T) {
			kernel := assemble(t, c.variant)
			img, err := Open(Options{Kernel: kernel, Initrd: c.initrd, Cmdline: "a=1 b", RAMBelow4G: 256 << 20})
			if err != nil {
				t.Fatal(err)
			}
			defer img.Close()
			st, err := os.Stat(kernel)
			if err != nil {
				t.Fatal(err)
			}
			dirt := fmt.Sprintf("loader,addr=%#x,data=0xdeadbeef,data-len=4", 0x200000+st.Size()) // where zeros belong
			out := qemu(t, img, "-device", dirt)
			i := strings.Index(out, "upper=")
			if i >= 0 && c.variant != "PVH" { // the firmware keeps something at the end of memory: compare MiB
				out = out[:i+len("upper=")+4] + "fb80" + out[i+len("upper=")+8:]
			}
			if strings.ReplaceAll(out, "\r", "") != c.want {
				t.Errorf("%v kernel says\n%q, want\n%q", img.Kind, out, c.want)
			}
		})
	}
}

func TestLinuxUnderQEMU(t *testing.T) {
	needTools(t, "qemu-system-x86_64")
	home, err := os.UserHomeDir()
	if err != nil {
		t.Skip(err)
	}
	dir := filepath.Join(home, ".cache/govm-desktop/guests/cloud")
	for kernel, kind := range map[string]Kind{"vmlinuz": Linux, "vmlinux": PVH} {
		t.Run(kernel, func(t *testing.T) {
			img, err := Open(Options{
				Kernel: filepath.Join(dir, kernel), Initrd: filepath.Join(dir, "initrd.gz"), Cmdline: "console=ttyS0 quiet", RAMBelow4G: 256 << 20,
			})
			if err != nil {
				t.Skipf("no guest: %v", err)
			}
			defer img.Close()
			if img.Kind != kind {
				t.Errorf("taken for %v, is %v", img.Kind, kind)
			}
			if out := qemu(t, img); !strings.Contains(out, "GUEST-OK cloud") || !strings.Contains(out, "Power down") {
				t.Errorf("guest does not say GUEST-OK:\n%s", out)
			}
		})
	}
}
