package display_test

import (
	"testing"

	"govm-desktop/display"
)

func TestCP437(t *testing.T) {
	table := display.CP437()
	seen := map[rune]int{}
	for b, r := range table {
		if b >= 0x20 && b < 0x7f && r != rune(b) {
			t.Errorf("%#x shows %q", b, r)
		}
		if was, ok := seen[r]; ok && b != 0x20 {
			t.Errorf("%#x and %#x show %q", was, b, r)
		}
		seen[r] = b
	}
	for b, want := range map[int]rune{0x01: '☺', 0x80: 'Ç', 0xb3: '│', 0xc4: '─', 0xda: '┌', 0xdb: '█', 0xe1: 'ß', 0xfe: '■', 0xff: 0xa0} {
		if table[b] != want {
			t.Errorf("%#x shows %q, not %q", b, table[b], want)
		}
	}
}
