package acpi

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

func full() Config {
	return Config{
		CPUs: 2, RAMBelow4G: 0xc0000000, RAMAbove4G: 5 << 30, HPET: true, Keyboard: true, Mouse: true,
		Serial: [4]bool{true, true, true, true}, Parallel: true, Floppy: true, VGA: true, S3: true, S4: true, GPE0: 0xafe0,
	}
}

// load carries out the loader's commands as the firmware does, the files put at the given addresses.
func load(t *testing.T, tb Tables, addr map[string]uint32) map[string][]byte {
	t.Helper()
	src := map[string][]byte{FileTables: tb.Tables, FileRSDP: tb.RSDP}
	mem := map[string][]byte{}
	name := func(b []byte) string { return string(bytes.TrimRight(b[:nameSize], "\x00")) }
	for cmds := tb.Loader; len(cmds) > 0; cmds = cmds[cmdSize:] {
		a := cmds[4:cmdSize]
		le := func(off int) int { return int(binary.LittleEndian.Uint32(a[off:])) }
		switch kind := binary.LittleEndian.Uint32(cmds); kind {
		case cmdAllocate:
			mem[name(a)] = append([]byte(nil), src[name(a)]...)
		case cmdAddPointer:
			at := mem[name(a)][le(2*nameSize):]
			binary.LittleEndian.PutUint32(at, binary.LittleEndian.Uint32(at)+addr[name(a[nameSize:])])
			if size := a[2*nameSize+4]; size != 4 && size != 8 {
				t.Errorf("pointer of %d bytes", size)
			}
		case cmdAddChecksum:
			m, start := mem[name(a)], le(nameSize+4)
			m[le(nameSize)] -= sum(m[start : start+le(nameSize+8)])
		default:
			t.Fatalf("command %d", kind)
		}
	}
	return mem
}

func TestTablesHangTogether(t *testing.T) {
	const at = 0x7ffe0000
	tb := Build(full())
	mem := load(t, tb, map[string]uint32{FileTables: at, FileRSDP: 0xf5000})
	rsdp, blob := mem[FileRSDP], mem[FileTables]
	if string(rsdp[:8]) != "RSD PTR " || sum(rsdp) != 0 || len(rsdp) != 20 {
		t.Fatalf("RSDP % x", rsdp)
	}
	table := func(ptr uint32) []byte {
		b := blob[ptr-at:]
		n := binary.LittleEndian.Uint32(b[4:])
		if string(b[:4]) != "FACS" && sum(b[:n]) != 0 {
			t.Errorf("%s: wrong checksum", b[:4])
		}
		return b[:n]
	}
	rsdt := table(binary.LittleEndian.Uint32(rsdp[16:]))
	var sigs []string
	for i := 36; i < len(rsdt); i += 4 {
		tab := table(binary.LittleEndian.Uint32(rsdt[i:]))
		sigs = append(sigs, string(tab[:4]))
		if string(tab[:4]) != "FACP" {
			continue
		}
		facs, dsdt := binary.LittleEndian.Uint32(tab[36:]), binary.LittleEndian.Uint32(tab[40:])
		if string(table(facs)[:4]) != "FACS" || facs%64 != 0 || string(table(dsdt)[:4]) != "DSDT" {
			t.Errorf("FADT points at %#x and %#x", facs, dsdt)
		}
		if x := binary.LittleEndian.Uint64(tab[140:]); x != uint64(dsdt) {
			t.Errorf("X_DSDT %#x, DSDT %#x", x, dsdt)
		}
	}
	if got := len(sigs); got != 4 || sigs[0] != "FACP" || sigs[1] != "APIC" || sigs[2] != "HPET" || sigs[3] != "WAET" {
		t.Errorf("tables %v", sigs)
	}
}

func TestTermEncoding(t *testing.T) {
	for _, c := range []struct {
		name string
		got  Term
		want string
	}{
		{"zero", Int(0), "\x00"}, {"one", Int(1), "\x01"}, {"byte", Int(0xff), "\x0a\xff"}, {"word", Int(0x100), "\x0b\x00\x01"},
		{"dword", Int(0x10000), "\x0c\x00\x00\x01\x00"}, {"qword", Int(1 << 32), "\x0e\x00\x00\x00\x00\x01\x00\x00\x00"},
		{"root", Path(`\`), "\\\x00"}, {"two", Path(`\_SB.PCI0`), "\\\x2e_SB_PCI0"}, {"three", Path("^A.B.C"), "^\x2f\x03A___B___C___"},
		{"eisa", EISAID("PNP0A03"), "\x0c\x41\xd0\x0a\x03"}, {"package", Package(Int(5), Int(0)), "\x12\x05\x02\x0a\x05\x00"},
		{"method", Method("_STA", 0, false, Return(Int(0xf))), "\x14\x09_STA\x00\xa4\x0a\x0f"},
	} {
		if string(c.got) != c.want {
			t.Errorf("%s: % x, want % x", c.name, []byte(c.got), c.want)
		}
	}
	for n, want := range map[int]int{0: 1, 62: 1, 63: 2, 4093: 2, 4094: 3, 1 << 20: 4} {
		if got := len(packaged(make(Term, n))) - n; got != want {
			t.Errorf("body of %d: length in %d bytes, want %d", n, got, want)
		}
	}
}

// TestCompiler has ACPICA take the tables apart and put the DSDT together again.
func TestCompiler(t *testing.T) {
	if _, err := exec.LookPath("iasl"); err != nil {
		t.Skip("no iasl here: apt-get install acpica-tools")
	}
	small := Config{CPUs: 1, RAMBelow4G: 64 << 20}
	for name, c := range map[string]Config{"full": full(), "small": small} {
		dir := t.TempDir()
		for table, data := range map[string][]byte{"dsdt": DSDT(c), "facp": fadt(c), "apic": madt(c), "hpet": hpet(), "waet": waet()} {
			if err := os.WriteFile(filepath.Join(dir, table+".aml"), data, 0o644); err != nil {
				t.Fatal(err)
			}
			iasl(t, dir, "-d", table+".aml")
			out := iasl(t, dir, "-oa", "-p", table+"-new", table+".dsl")
			again, err := os.ReadFile(filepath.Join(dir, table+"-new.aml"))
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(\d+) (Errors|Warnings|Remarks)`).FindAllStringSubmatch(out, -1) {
				if m[1] != "0" {
					t.Errorf("%s %s: %s %s\n%s", name, table, m[1], m[2], out)
				}
			}
			if table == "dsdt" && !bytes.Equal(again[36:], data[36:]) {
				t.Errorf("%s: compiled again the DSDT has %d bytes, ours %d", name, len(again), len(data))
			}
		}
	}
}

func iasl(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("iasl", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("iasl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestWindows(t *testing.T) {
	for _, c := range []struct{ below, above, hole, hole64 uint64 }{
		{64 << 20, 0, 64 << 20, 4 << 30}, {0xc0000000, 1 << 20, 0xc0000000, 5 << 30}, {0xc0000000, 4 << 30, 0xc0000000, 8 << 30},
	} {
		cfg := Config{RAMBelow4G: c.below, RAMAbove4G: c.above}
		if cfg.holeStart() != c.hole || cfg.hole64Start() != c.hole64 {
			t.Errorf("%+v: %#x %#x", c, cfg.holeStart(), cfg.hole64Start())
		}
	}
}
