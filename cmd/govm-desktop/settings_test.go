package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse_options(t *testing.T) {
	s, err := parse(strings.Fields("-m 1G -smp cores=2,sockets=2 -cpu max,+avx,-nx,sse3=off -boot order=dc,once=n,menu=on,splash-time=10 -accel kvm -M pc,accel=tcg,hpet=off " +
		"-name vm1,process=x -uuid 00112233-4455-6677-8899-aabbccddeeff -hdc a.img -vnc :1 -snapshot -nodefaults --no-reboot disk.img"))
	if err != nil {
		t.Fatal(err)
	}
	if s.ram != 1<<30 || s.cpus != 4 || s.model != "max" || s.name != "vm1" || s.uuid[15] != 0xff || !s.noReboot || !s.nodefaults || !s.snapshot || !s.noHPET || s.noACPI {
		t.Errorf("settings %+v", s)
	}
	if !s.features["avx"] || s.features["nx"] || s.features["sse3"] {
		t.Errorf("features %v", s.features)
	}
	if s.boot.Order != "dc" || s.bootOnce != "n" || !s.boot.Menu || *s.boot.SplashTime != 10 {
		t.Errorf("boot %+v, once %q", s.boot, s.bootOnce)
	}
	if len(s.accels) != 2 || len(s.drives) != 2 || s.drives[0].unit != 2 || s.drives[1].file != "disk.img" {
		t.Errorf("accels %v, drives %+v", s.accels, s.drives)
	}
}

func TestParse_mistakes(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-hdz x", "-hdz: no such option; the nearest is -hda"},
		{"-netdev user", "-netdev: an option of QEMU's that govm-desktop does not have yet"},
		{"-m", "-m: needs an argument"},
		{"-m lots", "not a size"},
		{"-m 2T", "1 MiB to 1 TiB"},
		{"-m 512,slots=2", `unknown property "slots"`},
		{"-smp 0", "1 to 255"},
		{"-smp two", "a number belongs there"},
		{"-M q35", `unknown machine "q35"`},
		{"-cpu max,avx", "belongs where"},
		{"-uuid 1", "not a UUID"},
		{"-drive if=scsi,file=x", "if=scsi"},
		{"-drive file=x,format=qcow2", "format=qcow2"},
		{"-drive media=tape,file=x", "media=tape"},
		{"-drive file=x,index=4", "four IDE drives"},
		{"-drive file=x,readonly=maybe", "on or off"},
		{"-drive if=ide", "needs file=FILE"},
		{"-boot order=z", "no drive"},
		{"-vga cirrus", "std and none"},
		{"-display gtk", `unknown display "gtk"`},
		{"-chardev msmouse,id=a", `unknown chardev "msmouse"`},
		{"-accel magic", "accel=magic: kvm, soft or tcg belongs there"},
		{"-device e1000", `unknown device "e1000"`},
	} {
		_, err := parse(strings.Fields(c.args))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.args, err, c.want)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error has several lines", c.args)
		}
	}
}

// TestBuild_mistakes are those that are found when things are opened: each ends in one line that names the option, and leaves nothing behind.
func TestBuild_mistakes(t *testing.T) {
	dir := t.TempDir()
	img := filepath.Join(dir, "disk.img")
	if err := os.WriteFile(img, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"-hda " + dir + "/none.img", "none.img"},
		{dir, dir},
		{"-hda " + img + " -drive file=" + img, "disk.img"},
		{"-hda " + img + " -drive file=" + img + ",index=0", "taken"},
		{"-kernel " + img, "-kernel"},
		{"-append x", "-kernel alone"},
		{"-serial fifo:x", "-serial fifo:x"},
		{"-serial chardev:none", "no -chardev"},
		{"-chardev null", "needs id=ID"},
		{"-chardev null,id=a -chardev null,id=a", "there already"},
		{"-serial file:" + dir + "/no/such", "no such file"},
		{"-serial stdio -monitor stdio", "in use by -serial"},
		{"-bios " + img + ".x", "disk.img.x"},
		{"-device loader,file=" + img + ".x,addr=0", "disk.img.x"},
		{"-accel soft,icount=on -smp 2", "-smp 1"},
		{"-cpu magic", "magic"},
		{"-rtc base=noon", "belongs there"},
		{"-m 1T", "give the guest less"},
		{"-vnc nonsense", "-vnc nonsense"},
		{"-serial null -serial null -serial null -serial null -serial null", "4 serial ports"},
	} {
		s, err := parse(strings.Fields(c.args + " -display none"))
		if err != nil {
			t.Fatalf("%s: %v", c.args, err)
		}
		p, err := build(s, nil)
		if err == nil {
			p.close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.args, err, c.want)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error has several lines: %v", c.args, err)
		}
	}
}
