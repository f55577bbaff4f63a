package boot

import (
	"encoding/json"
	"image"
	"testing"
	"time"

	"govm-desktop/test/vm"
	"govm-desktop/test/xdesk"
)

// vncPort asks the machine for the port it listens on.
func vncPort(t *testing.T, m *vm.Machine) string {
	t.Helper()
	r, err := m.Execute("query-vnc", nil)
	must(t, err)
	var v struct{ Service string }
	must(t, json.Unmarshal(r, &v))
	return v.Service
}

// TestViewer looks at GRUB's menu with Debian's xtigervncviewer and types into it, in each of the encodings.
func TestViewer(t *testing.T) {
	for _, tool := range []string{"Xvfb", "xtigervncviewer", "xdotool", "import"} {
		need(t, tool)
	}
	x := xdesk.Start(t, 1600, 1200)
	m := start(t, vm.Ours, "-m", "128", "-cdrom", guest(t, "grubiso/grub.iso"), "-vnc", "127.0.0.1:0,to=99")
	menu, _, err := m.Settle(2*time.Second, short, size(1024, 768))
	must(t, err)
	port := vncPort(t, m)
	for i, encoding := range []string{"ZRLE", "Hextile", "Raw"} {
		t.Run(encoding, func(t *testing.T) {
			x := x.With(t)
			window := viewer(x, port, encoding)
			x.Shows(window, menu, time.Minute)
			key := "Down"
			if i%2 == 1 {
				key = "Up"
			}
			_, err = x.Run("xdotool", "windowfocus", "--sync", window)
			must(t, err)
			_, err = x.Run("xdotool", "key", "--delay", "60", key)
			must(t, err)
			if _, err := m.WaitScreen(short, func(p *image.RGBA) bool { return !vm.Diff(p, menu).Empty() }); err != nil {
				t.Fatalf("the bar has not moved by a key typed in the viewer: %v", err)
			}
			moved, _, err := m.Settle(time.Second, short, nil)
			must(t, err)
			x.Shows(window, moved, time.Minute)
			menu = moved
		})
	}
}

// viewer starts a viewer, which ends with the test, and returns its window.
func viewer(x *xdesk.Desk, port, encoding string) string {
	p := x.Launch(nil, "xtigervncviewer", "-AutoSelect=0", "-PreferredEncoding="+encoding, "-DotWhenNoCursor=0", "-RemoteResize=0", "-FullScreen=0",
		"-FullColor=1", "-Shared=1", "-SecurityTypes=None", "127.0.0.1::"+port)
	return x.Window(p, short)
}
