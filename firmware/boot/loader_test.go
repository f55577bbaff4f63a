package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"govm-desktop/memory"
)

func TestPlace(t *testing.T) {
	dir := t.TempDir()
	raw, elf, empty := filepath.Join(dir, "raw"), filepath.Join(dir, "elf"), filepath.Join(dir, "empty")
	for file, data := range map[string]string{raw: "raw bytes", elf: string(pvhImage(0x20000)), empty: ""} {
		if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		o    PlacementOptions
		at   int
		want string
		err  string
	}{
		{"raw", PlacementOptions{File: raw, Addr: "0x1000"}, 0xfff, "\xffraw bytes\xff", ""},
		{"elf", PlacementOptions{File: elf}, 0x1ffff, "\xffcode" + strings.Repeat("\x00", 96) + "\xff", ""},
		{"elf as it is", PlacementOptions{File: elf, Addr: "4096", ForceRaw: true}, 0x1000, "\x7fELF", ""},
		{"data", PlacementOptions{Data: "0x1234", DataLen: "2", Addr: "0x10"}, 0xf, "\xff\x34\x12\xff", ""},
		{"big-endian", PlacementOptions{Data: "0x1234", DataLen: "4", DataBE: true, Addr: "0x10"}, 0xf, "\xff\x00\x00\x12\x34\xff", ""},
		{"nowhere", PlacementOptions{File: raw, Addr: "0x10000000"}, 0, "", "not RAM"},
		{"half outside", PlacementOptions{File: raw, Addr: "0xffffe"}, 0, "", "not RAM"},
		{"wrapping", PlacementOptions{File: raw, Addr: "0xfffffffffffffffc"}, 0, "", "not RAM"},
		{"no address", PlacementOptions{File: raw}, 0, "", "addr= belongs"},
		{"bad address", PlacementOptions{File: raw, Addr: "x"}, 0, "", "not a number"},
		{"empty", PlacementOptions{File: empty, Addr: "0"}, 0, "", "empty"},
		{"folder", PlacementOptions{File: dir, Addr: "0"}, 0, "", "not a regular file"},
		{"none", PlacementOptions{File: filepath.Join(dir, "none"), Addr: "0"}, 0, "", "no such file"},
		{"both", PlacementOptions{File: raw, Data: "1"}, 0, "", "one of file= and data="},
		{"neither", PlacementOptions{}, 0, "", "one of file= and data="},
		{"long data", PlacementOptions{Data: "0x100", DataLen: "1", Addr: "0"}, 0, "", "not a number of 1 bytes"},
		{"no length", PlacementOptions{Data: "0x100", Addr: "0"}, 0, "", "1 to 8"},
		{"data nowhere", PlacementOptions{Data: "1", DataLen: "1"}, 0, "", "without addr="},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem, ram := memory.NewSpace("memory", 1<<52), mustRAM(t, 1<<20)
			mem.Update(func(e *memory.Edit) { e.Map(nil, 0, ram, 0) })
			p, err := Place(c.o)
			if err == nil {
				defer p.Close()
				err = p.WriteTo(mem)
			}
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := string(ram.Bytes()[c.at : c.at+len(c.want)]); got != c.want {
				t.Errorf("memory %q, want %q", got, c.want)
			}
			if (p.Entry != nil) != (c.name == "elf") {
				t.Errorf("entry %v", p.Entry)
			}
		})
	}
}

func mustRAM(t *testing.T, size uint64) *memory.Region {
	t.Helper()
	ram, err := memory.NewRAM("ram", size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ram.Free() })
	for i := range ram.Bytes() {
		ram.Bytes()[i] = 0xff
	}
	return ram
}
