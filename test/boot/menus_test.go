package boot

import (
	"image"
	"strings"
	"testing"

	"govm-desktop/test/vm"
)

// TestSeaBIOS boots with nothing to boot from.
func TestSeaBIOS(t *testing.T) {
	f := font(t)
	done := func(p *image.RGBA) bool { return strings.Contains(f.Read(p), "No bootable device") }
	for _, accel := range []string{"soft", "kvm"} {
		t.Run(accel, func(t *testing.T) {
			if err := vm.KVM(); accel == "kvm" && err != nil {
				t.Skipf("no KVM here: %v", err)
			}
			p := both(t, []string{"-m", "64"}, "-accel", accel)
			want := p.same(t, "SeaBIOS", short, done)
			if text := f.Read(want); !strings.HasPrefix(text, "SeaBIOS (version ") {
				t.Errorf("the screen does not start with SeaBIOS's version:\n%s", text)
			}
		})
	}
}

// TestGRUB shows GRUB's menu in its graphical terminal and moves the bar.
func TestGRUB(t *testing.T) {
	p := both(t, []string{"-m", "128", "-cdrom", guest(t, "grubiso/grub.iso")})
	menu := p.same(t, "GRUB's menu", short, size(1024, 768))
	p.keys(t, "down", "down")
	down := p.same(t, "GRUB's menu after two times down", short, func(q *image.RGBA) bool { return !vm.Diff(q, menu).Empty() })
	p.keys(t, "up")
	p.same(t, "GRUB's menu after up", short, func(q *image.RGBA) bool { return !vm.Diff(q, down).Empty() })
}

// TestISOLINUX shows vesamenu over a picture and moves the bar.
func TestISOLINUX(t *testing.T) {
	p := both(t, []string{"-m", "128", "-cdrom", guest(t, "isolinux/isolinux.iso")})
	menu := p.same(t, "isolinux's menu", short, size(640, 480))
	p.keys(t, "down")
	p.same(t, "isolinux's menu after down", short, func(q *image.RGBA) bool { return !vm.Diff(q, menu).Empty() })
}

// TestSYSLINUX does the same from a hard disk, which neither side may change.
func TestSYSLINUX(t *testing.T) {
	p := both(t, []string{"-m", "128", "-snapshot", "-drive", "file=" + guest(t, "isolinux/syslinux.img") + ",if=ide,index=0,media=disk,format=raw"})
	p.same(t, "syslinux's menu", short, size(640, 480))
}
