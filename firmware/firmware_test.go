package firmware

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"govm-desktop/firmware/acpi"
	"govm-desktop/firmware/boot"
	"govm-desktop/firmware/smbios"
)

func TestSplit(t *testing.T) {
	for size, want := range map[uint64]RAM{
		64 << 20: {64 << 20, 0}, 3 << 30: {3 << 30, 0}, 0xe0000000 - 1<<20: {0xe0000000 - 1<<20, 0},
		0xe0000000: {3 << 30, 512 << 20}, 8 << 30: {3 << 30, 5 << 30},
	} {
		if got := Split(size); got != want || got.Below4G+got.Above4G != size {
			t.Errorf("%#x: %+v", size, got)
		}
	}
}

func TestE820(t *testing.T) {
	b := e820(Split(4<<30), []Range{{0xfeffc000, 0x4000}})
	var got [][3]uint64
	for ; len(b) > 0; b = b[20:] {
		le := binary.LittleEndian
		got = append(got, [3]uint64{le.Uint64(b), le.Uint64(b[8:]), uint64(le.Uint32(b[16:]))})
	}
	want := [][3]uint64{{0xfeffc000, 0x4000, 2}, {0, 3 << 30, 1}, {4 << 30, 1 << 30, 1}}
	if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("%#x", got)
	}
	if n := len(e820(Split(1<<30), nil)); n != 20 {
		t.Errorf("%d bytes for 1 GiB", n)
	}
}

func TestCMOSMemory(t *testing.T) {
	for size, want := range map[uint64][3]uint32{ // KiB above 1 MiB, 64 KiB above 16 MiB, above 4 GiB
		512 << 10: {0, 0, 0}, 8 << 20: {7 << 10, 0, 0}, 128 << 20: {63 << 10, 112 << 4, 0}, 8 << 30: {63 << 10, (3<<30 - 16<<20) >> 16, 5 << 30 >> 16},
	} {
		m := CMOSMemory(Split(size))
		got := [3]uint32{uint32(m[0x30]) | uint32(m[0x31])<<8, uint32(m[0x34]) | uint32(m[0x35])<<8, uint32(m[0x5b]) | uint32(m[0x5c])<<8 | uint32(m[0x5d])<<16}
		if got != want {
			t.Errorf("%d MiB: %v, want %v", size>>20, got, want)
		}
	}
}

func TestBootOrder(t *testing.T) {
	for order, want := range map[string][2]uint8{"": {1, 0}, "c": {1, 2}, "d": {1, 3}, DefaultOrder: {0x31, 0x12}, "ndac": {0x11, 0x34}} {
		b38, b3d, err := CMOS(order)
		if err != nil || [2]uint8{b38, b3d} != want {
			t.Errorf("%q: %#x %#x %v", order, b38, b3d, err)
		}
	}
	for order, want := range map[string]string{"cc": "named twice", "x": "is no drive", "C": "is no drive", "e": "has no drive"} {
		if _, _, err := CMOS(order); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", order, err)
		}
	}
}

func find(items []Item, name string) []byte {
	for _, it := range items {
		if it.Name == name {
			return append([]byte{}, it.Data...)
		}
	}
	return nil
}

func TestBootItems(t *testing.T) {
	ms := func(n int64) *int64 { return &n }
	for _, c := range []struct {
		b                 Boot
		order, fail, menu string
	}{
		{Boot{}, "", "\xff\xff\xff\xff", ""},
		{Boot{Devices: []string{PathIDE(1, 1, 1, 0), PathFloppy(0)}, RebootTimeout: ms(5000), SplashTime: ms(3000)},
			"/pci@i0cf8/ide@1,1/drive@1/disk@0\n/pci@i0cf8/isa@1/fdc@03f0/floppy@0\x00", "\x88\x13\x00\x00", "\xb8\x0b"},
		{Boot{Devices: []string{PathDisk(PathPCI("scsi", 4, 0)), PathNIC(3)}, Strict: true, RebootTimeout: ms(-1)},
			"/pci@i0cf8/scsi@4/disk@0,0\n/pci@i0cf8/ethernet@3/ethernet-phy@0\nHALT\x00", "\xff\xff\xff\xff", ""},
	} {
		items := c.b.items(false)
		if got := string(find(items, "bootorder")); got != c.order {
			t.Errorf("bootorder %q, want %q", got, c.order)
		}
		if got := string(find(items, "etc/boot-fail-wait")); got != c.fail {
			t.Errorf("boot-fail-wait %q, want %q", got, c.fail)
		}
		if got := string(find(items, "etc/boot-menu-wait")); got != c.menu {
			t.Errorf("boot-menu-wait %q, want %q", got, c.menu)
		}
	}
	if got := string(find(Boot{}.items(true), "bootorder")); got != "/rom@genroms/govm-boot.bin\x00" {
		t.Errorf("bootorder of a kernel %q", got)
	}
}

func TestParseUUID(t *testing.T) {
	u, ok := ParseUUID("00112233-4455-6677-8899-AAbbccddeeff")
	if !ok || !bytes.Equal(u[:], []byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}) {
		t.Errorf("% x %v", u, ok)
	}
	for _, s := range []string{"", "00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-aabbccddeefg", "-0112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeef"} {
		if _, ok := ParseUUID(s); ok {
			t.Errorf("%q is no UUID", s)
		}
	}
}

func TestBuildHasNoItemTwice(t *testing.T) {
	type id struct {
		key  uint16
		name string
	}
	seen := map[id]bool{}
	for _, it := range Build(Config{RAM: Split(1 << 30), CPUs: 4, ACPI: &acpi.Config{}, SMBIOS: &smbios.Config{}, SerialConsole: 0x3f8}) {
		k := id{it.Key, it.Name}
		if seen[k] || len(it.Name) > 55 || (it.Key != 0) == (it.Name != "") {
			t.Errorf("item %v", k)
		}
		seen[k] = true
		if it.Data == nil && it.Reader == nil {
			t.Errorf("%v holds nothing", k)
		}
	}
	for _, name := range []string{"etc/e820", "etc/acpi/tables", "etc/acpi/rsdp", "etc/table-loader", "etc/smbios/smbios-anchor", "etc/system-states", "etc/boot-fail-wait", "etc/sercon-port"} {
		if !seen[id{0, name}] {
			t.Errorf("no %s", name)
		}
	}
}

// TestTablesUnderQEMU boots Linux on a machine of QEMU's that brings no tables of its own, with ours.
func TestTablesUnderQEMU(t *testing.T) {
	if testing.Short() {
		t.Skip("boots a machine")
	}
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		t.Skip("no QEMU here: apt-get install qemu-system-x86")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Skip(err)
	}
	guest := filepath.Join(home, ".cache/govm-desktop/guests/cloud")
	kernel, err := boot.Open(boot.Options{
		Kernel: filepath.Join(guest, "vmlinuz"), Initrd: filepath.Join(guest, "initrd.gz"), Cmdline: "console=ttyS0", RAMBelow4G: 512 << 20,
	})
	if err != nil {
		t.Skipf("no guest: %v", err)
	}
	defer kernel.Close()
	items := Build(Config{
		RAM: Split(512 << 20), CPUs: 2, Kernel: kernel, SMBIOS: &smbios.Config{Version: "test"},
		ACPI: &acpi.Config{HPET: true, Keyboard: true, Mouse: true, Serial: [4]bool{true}, VGA: true, S3: true, S4: true, GPE0: 0xafe0},
	})
	out := linuxOnQEMU(t, items)
	for _, want := range []string{
		"RSDT", "GOVM   GOVMRSDT", "SMBIOS 2.8 present", "govm-desktop Standard PC (i440FX + PIIX, 1996), BIOS govm-desktop test",
		"1 ACPI AML tables successfully acquired", "supports S0 S3 S4 S5", "root bus resource [mem 0x20000000-0xfebfffff window]",
		"Interrupt link LNKD configured for IRQ 11", "PNP: PS/2 Controller [PNP0303:KBD,PNP0f13:MOU] at 0x60,0x64 irq 1,12",
		"ttyS0 at I/O 0x3f8 (irq = 4", "hpet0: at MMIO 0xfed00000", "IOAPIC[0]: apic_id 0, version", "GUEST-OK cloud", "x2", "Power down",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("Linux does not say %q", want)
		}
	}
	for _, bad := range []string{"ACPI Error", "ACPI BIOS Error", "ACPI Warning", "ACPI BIOS Warning", "firmware bug", "Firmware Bug"} {
		if strings.Contains(out, bad) {
			t.Errorf("Linux says %q", bad)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

func linuxOnQEMU(t *testing.T, items []Item) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{
		"-M", "pc-i440fx-1.6", "-global", "fw_cfg_io.dma_enabled=on", "-accel", "tcg", "-smp", "2", "-m", "512", "-nodefaults",
		"-vga", "std", "-display", "none", "-serial", "stdio", "-no-reboot",
	}
	for _, it := range items {
		data := it.Data
		if it.Reader != nil {
			var err error
			if data, err = io.ReadAll(io.NewSectionReader(it.Reader, 0, it.Size)); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(dir, strings.ReplaceAll(it.Name, "/", "_"))
		switch {
		case it.Name == boot.FileName, strings.HasPrefix(it.Name, "etc/acpi"), it.Name == "etc/table-loader", strings.HasPrefix(it.Name, "etc/smbios"):
			args = append(args, "-fw_cfg", "name="+it.Name+",file="+file)
		case strings.HasPrefix(it.Name, "genroms/"):
			args = append(args, "-option-rom", file)
		default:
			continue
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "qemu-system-x86_64", args...).CombinedOutput()
	if err != nil {
		t.Errorf("qemu: %v", err)
	}
	return string(out)
}
