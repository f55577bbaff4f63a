package keycodemap

import (
	"bytes"
	"testing"

	"govm-desktop/input"
)

func TestMap_knownKeys(t *testing.T) {
	m := New()
	for _, c := range []struct {
		name string
		code input.Code
		qnum uint32
		sym  uint32
		set2 []byte
	}{
		{"a", 30, 0x1e, 'a', []byte{0x1c}},
		{"ret", 28, 0x1c, 0xff0d, []byte{0x5a}},
		{"f7", 65, 0x41, 0xffc4, []byte{0x83}},
		{"up", 103, 0xc8, 0xff52, []byte{0xe0, 0x75}},
		{"ctrl_r", 97, 0x9d, 0xffe4, []byte{0xe0, 0x14}},
		{"hangeul", 122, 0xf2, 0xff31, []byte{0xf2}},
		{"hanja", 123, 0xf1, 0xff34, []byte{0xf1}},
	} {
		if got, ok := m.ByName(c.name); !ok || got != c.code {
			t.Errorf("ByName(%q) = %d, %v, want %d", c.name, got, ok, c.code)
		}
		if got, ok := m.ByQnum(c.qnum); !ok || got != c.code {
			t.Errorf("ByQnum(%#x) = %d, %v, want %d", c.qnum, got, ok, c.code)
		}
		if got, _, ok := m.ByKeysym(c.sym); !ok || got != c.code {
			t.Errorf("ByKeysym(%#x) = %d, %v, want %d", c.sym, got, ok, c.code)
		}
		if got, ok := m.Scancode(c.code, 2); !ok || !bytes.Equal(got, c.set2) {
			t.Errorf("Scancode(%d, 2) = %x, %v, want %x", c.code, got, ok, c.set2)
		}
	}
}

// TestMap_setsAgree checks that set 2 goes through the 8042's translation to set 1.
func TestMap_setsAgree(t *testing.T) {
	m := New()
	for code, two := range m.scan[2] {
		b := two[len(two)-1]
		one := b
		switch {
		case b < 0x80:
			one = set2to1[b]
		case b == 0x83:
			one = 0x41
		case b == 0x84:
			one = 0x54
		}
		if w := m.scan[1][code]; one != w[len(w)-1] {
			t.Errorf("key %d: set 2 %x is translated to %#x, set 1 has %x", code, two, one, w)
		}
	}
}

func TestMap_noNameTwice(t *testing.T) {
	seen := map[input.Code]bool{}
	for _, k := range keys() {
		if seen[k.code] {
			t.Errorf("key %d has two rows", k.code)
		}
		seen[k.code] = true
	}
}
