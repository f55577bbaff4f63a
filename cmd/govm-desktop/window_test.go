package main

import (
	"bytes"
	"strings"
	"testing"

	"govm-desktop/cmd/govm-desktop/options"
)

func TestWindow_options(t *testing.T) {
	for line, want := range map[string]struct {
		display, grab       string
		cursor, full, close bool
	}{
		"-display sdl":                                 {"sdl", "", false, false, true},
		"-sdl -full-screen -no-quit":                   {"sdl", "", false, true, false},
		"-alt-grab -display sdl,show-cursor=on":        {"sdl", "Ctrl-Alt-Shift", true, false, true},
		"-display sdl,grab-mod=rctrl":                  {"sdl", "Right-Ctrl", false, false, true},
		"-display sdl,alt_grab=on":                     {"sdl", "Ctrl-Alt-Shift", false, false, true},
		"-ctrl-grab -sdl":                              {"sdl", "Right-Ctrl", false, false, true},
		"-display sdl,window-close=off,full-screen=on": {"sdl", "", false, true, false},
		"-curses":         {"curses", "", false, false, true},
		"-display curses": {"curses", "", false, false, true},
		"-display none":   {"none", "", false, false, true},
	} {
		s, err := parse(strings.Fields(line))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		w := s.window
		if s.display != want.display || w.grab.String() != want.grab || w.showCursor != want.cursor || w.fullScreen != want.full || w.noClose == want.close {
			t.Errorf("%s: display %q, %+v", line, s.display, w)
		}
	}
	for _, line := range []string{"-display sdl,grab-mod=meta", "-display sdl,full-screen=perhaps", "-display sdl,color=red", "-display sdi", "-echr 300", "-echr x"} {
		if _, err := parse(strings.Fields(line)); err == nil {
			t.Errorf("%s passes", line)
		}
	}
}

func TestConsoles_arguments(t *testing.T) {
	for arg, want := range map[string]string{"": "", "640x480": "width=640 height=480", "80Cx24C": "cols=80 rows=24", "100Cx480": "cols=100 height=480"} {
		k, err := vcArg("-serial", arg)
		if err != nil {
			t.Errorf("vc:%s: %v", arg, err)
			continue
		}
		var got []string
		for _, p := range k.Pairs[1:] {
			got = append(got, p.Key+"="+p.Value)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("vc:%s is %v", arg, got)
		}
	}
	var c consoles
	for _, o := range []struct{ option, text string }{{"-serial", "vc"}, {"-chardev", "vc,id=mine"}, {"-monitor", "vc"}, {"-serial", "vc,cols=40,rows=10"}} {
		con, err := c.vc(options.Parse(o.option, o.text, "backend"))
		if err != nil {
			t.Fatal(err)
		}
		defer con.Close()
	}
	var names []string
	for _, h := range c.heads() {
		names = append(names, h.Name)
	}
	if got := strings.Join(names, " "); got != "monitor serial0 serial1 mine" {
		t.Errorf("consoles: %s", got)
	}
	for _, bad := range []string{"cols=9999", "cols=-1", "rows=x"} {
		if _, err := c.vc(options.Parse("-serial", "vc,"+bad, "backend")); err == nil {
			t.Errorf("%s passes", bad)
		}
	}
	if _, err := vcArg("-serial", "80"); err == nil {
		t.Error("vc:80 passes")
	}
}

func TestHeldWriter(t *testing.T) {
	var out bytes.Buffer
	h := &heldWriter{w: &out}
	h.Write([]byte("a"))
	h.hold()
	h.Write([]byte("b"))
	h.Write(make([]byte, maxHeld))
	if out.String() != "a" {
		t.Errorf("%q got through", out.String())
	}
	if h.release(); out.String() != "ab" {
		t.Errorf("%q", out.String())
	}
	h.Write([]byte("c"))
	if out.String() != "abc" {
		t.Errorf("%q", out.String())
	}
}
