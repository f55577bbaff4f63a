package display

import (
	"strings"
	"testing"
)

func TestClipboard(t *testing.T) {
	var c Clipboard
	told := [2]int{}
	a, b := c.Share(func() { told[0]++ }), c.Share(func() { told[1]++ })
	a.Put("one")
	a.Put("one")
	if told != [2]int{0, 1} || b.Text() != "one" {
		t.Errorf("%v %q", told, b.Text())
	}
	b.Put(strings.Repeat("x", MaxClipboard+1))
	if told != [2]int{0, 1} || a.Text() != "one" {
		t.Errorf("too long a text: %v", told)
	}
	b.Put(strings.Repeat("x", MaxClipboard))
	b.Close()
	a.Put("two")
	if told != [2]int{1, 1} || c.Share(func() {}).Text() != "two" {
		t.Errorf("%v", told)
	}
}

type suggested struct {
	Blank
	w, h int
}

func (s *suggested) Suggest(w, h int) bool {
	s.w, s.h = w, h
	return true
}

func TestScreen_suggest(t *testing.T) {
	src := &suggested{}
	s := NewScreen(src, Options{MaxBytes: 4 * 2000 * 1000})
	defer s.Close()
	if !s.Suggest(1000, 800) || src.w != 1000 || src.h != 800 {
		t.Errorf("%+v", src)
	}
	for _, size := range [][2]int{{0, 5}, {5, -1}, {MaxWidth + 1, 1}, {2000, 1001}} {
		if s.Suggest(size[0], size[1]) {
			t.Errorf("%v is taken", size)
		}
	}
	s.SetSource(Blank{})
	if s.Suggest(1000, 800) {
		t.Error("a source that cannot has taken it")
	}
}
