package smbios

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func sample() Config {
	return Config{
		Version: "1.0", UUID: [16]byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff},
		CPUs: 2, CPUModel: "Model", CPUMHz: 1000, RAMBelow4G: 0xc0000000, RAMAbove4G: 30 << 30,
	}
}

func TestStructures(t *testing.T) {
	tb := Build(sample())
	if len(tb.Anchor) != 31 || sum(tb.Anchor) != 0 || sum(tb.Anchor[16:]) != 0 {
		t.Fatalf("anchor % x", tb.Anchor)
	}
	want := map[uint8]uint8{0: 0x18, 1: 0x1b, 3: 0x16, 4: 0x2a, 16: 0x17, 17: 0x28, 19: 0x1f, 32: 0x0b, 127: 4}
	seen := map[uint8]int{}
	n, largest := 0, 0
	for b := tb.Tables; len(b) > 0; n++ {
		kind, length := b[0], b[1]
		if want[kind] != length {
			t.Errorf("type %d: %d bytes, want %d", kind, length, want[kind])
		}
		seen[kind]++
		end := int(length) + bytes.Index(b[length:], []byte{0, 0}) + 2
		largest = max(largest, end)
		b = b[end:]
	}
	if seen[4] != 2 || seen[17] != 3 || seen[19] != 2 || seen[127] != 1 {
		t.Errorf("structures by type: %v", seen)
	}
	le := binary.LittleEndian
	if int(le.Uint16(tb.Anchor[28:])) != n || int(le.Uint16(tb.Anchor[8:])) != largest || int(le.Uint16(tb.Anchor[22:])) != len(tb.Tables) {
		t.Errorf("anchor counts wrongly: % x (%d structures, largest %d, %d bytes)", tb.Anchor, n, largest, len(tb.Tables))
	}
}

func TestWideMapping(t *testing.T) {
	c := sample()
	c.RAMAbove4G = 8 << 40
	if tb := Build(c); len(tb.Tables) == 0 || sum(tb.Anchor) != 0 {
		t.Error("8 TiB are too much")
	}
}

// TestDMIDecode has dmidecode read the tables, where it is installed.
func TestDMIDecode(t *testing.T) {
	if _, err := exec.LookPath("dmidecode"); err != nil {
		t.Skip("no dmidecode here: apt-get install dmidecode")
	}
	tb := Build(sample())
	dump := make([]byte, 32, 32+len(tb.Tables)) // the form of dmidecode --dump-bin: entry point, then tables at 32
	copy(dump, tb.Anchor)
	binary.LittleEndian.PutUint32(dump[24:], 32)
	dump[21] -= sum(dump[16:31])
	dump[4] -= sum(dump[:31])
	file := filepath.Join(t.TempDir(), "dmi")
	if err := os.WriteFile(file, append(dump, tb.Tables...), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("dmidecode", "--from-dump", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, s := range []string{
		"SMBIOS 2.8 present", "UUID: 00112233-4455-6677-8899-aabbccddeeff", "Product Name: Standard PC (i440FX + PIIX, 1996)",
		"Size: 16 GB", "Size: 1 GB", "Maximum Capacity: 33 GB",
	} {
		if !strings.Contains(string(out), s) {
			t.Errorf("dmidecode does not say %q:\n%s", s, out)
		}
	}
	for _, s := range []string{"Invalid", "Wrong", "<BAD INDEX>", "OUT OF SPEC"} {
		if strings.Contains(string(out), s) {
			t.Errorf("dmidecode says %q:\n%s", s, out)
		}
	}
}
