package layout

import (
	"testing"

	"govm-desktop/input"
)

func TestChar(t *testing.T) {
	for _, c := range []struct {
		layout             string
		code               input.Code
		shift, altGr, caps bool
		want               rune // 0: none
	}{
		{"us", 30, false, false, false, 'a'},
		{"us", 30, true, false, false, 'A'},
		{"us", 30, false, false, true, 'A'},
		{"us", 30, true, false, true, 'a'},
		{"us", 2, true, false, true, '!'},
		{"us", 59, false, false, false, 0},
		{"us", 1000, false, false, false, 0},
		{"de", 21, false, false, false, 'z'},
		{"de", 16, false, true, false, '@'},
		{"de", 18, false, true, false, '€'},
		{"de", 13, false, false, false, 0}, // a dead acute
		{"de", 39, true, false, false, 'Ö'},
		{"ru", 33, false, false, false, 'а'},
	} {
		l, err := Find(c.layout)
		if err != nil {
			t.Fatal(err)
		}
		if r, ok := l.Char(c.code, c.shift, c.altGr, c.caps); r != c.want || ok != (c.want != 0) {
			t.Errorf("%+v gives %q, %v", c, r, ok)
		}
	}
}
