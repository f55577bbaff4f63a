package rfbclients

import (
	"context"
	"fmt"
	"image"
	"strings"
	"testing"
	"time"

	"govm-desktop/display/displaytest"
	"govm-desktop/display/rfb"
	"govm-desktop/display/rfb/enc"
	"govm-desktop/display/rfb/rfbtest"
	"govm-desktop/test/xdesk"
)

// obliging is a screen whose guest takes every size that is suggested.
type obliging struct {
	*displaytest.Fake
	s *stage
}

// Suggest implements display.Suggester.
func (o obliging) Suggest(w, h int) bool {
	go o.s.repaint(w, h)
	return true
}

func (s *stage) oblige() { s.screen.SetSource(obliging{s.fake, s}) }

// TestResize has viewers ask for another size, which the guest takes.
func TestResize(t *testing.T) {
	t.Run("xtigervncviewer", func(t *testing.T) {
		need(t, "Xvfb", "xdotool", "import", "xtigervncviewer")
		x := xdesk.Start(t, 1000, 800)
		s := newStage(t, 720, 400, rfb.Config{Name: "stage"})
		s.oblige()
		p := x.Launch(nil, "xtigervncviewer", "-AutoSelect=0", "-PreferredEncoding=ZRLE", "-RemoteResize=1", "-DesktopSize=800x600", fmt.Sprintf("127.0.0.1::%d", s.at.Port))
		x.Shows(x.Window(p, patience), picture(800, 600), patience)
	})
	t.Run("noVNC", func(t *testing.T) {
		s := newPage(t, 720, 400, rfb.Config{}, nil)
		s.oblige()
		p := startBrowser(t).open(t, s.url)
		p.until("document.querySelector('#screen canvas')?.width === 720")
		p.eval(`document.getElementById("size").value = "follow", document.getElementById("size").onchange()`)
		w, h := int(p.eval(`document.getElementById("screen").clientWidth`).(float64)), int(p.eval(`document.getElementById("screen").clientHeight`).(float64))
		p.shows(picture(w, h))
	})
}

// TestClipboard passes texts from viewers to each other, some of which know the extended clipboard.
func TestClipboard(t *testing.T) {
	const text = "Grüße → λ\nzwei"
	const answer = "zurück: ñ 漢"
	passes := func(t *testing.T, s *stage, other *rfbtest.Client) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		err := other.Await(ctx, func(st *rfbtest.State, _ *image.RGBA) bool {
			return len(st.Clip) > 0 && st.Clip[len(st.Clip)-1].Text == strings.ReplaceAll(text, "\n", "\r\n")
		})
		if err != nil {
			t.Fatalf("%v: %+v", err, other.State().Clip)
		}
		must(t, other.Provide(answer))
	}
	listener := func(t *testing.T, s *stage) *rfbtest.Client {
		t.Helper()
		c, err := rfbtest.DialWith(s.at.String(), rfbtest.Options{Encodings: []int32{enc.ZRLEID, rfbtest.Clipboard}})
		must(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	t.Run("noVNC", func(t *testing.T) {
		s := newPage(t, 720, 400, rfb.Config{}, nil)
		p := startBrowser(t).open(t, s.url)
		p.shows(picture(720, 400))
		other := listener(t, s.stage)
		p.eval(fmt.Sprintf(`document.getElementById("text").value = %q, document.getElementById("give").click()`, text))
		passes(t, s.stage, other)
		p.until(fmt.Sprintf(`document.getElementById("text").value === %q`, answer))
	})
	t.Run("xtigervncviewer", func(t *testing.T) {
		need(t, "Xvfb", "xdotool", "import", "xtigervncviewer", "openbox", "xclip", "xprop")
		x := xdesk.Start(t, 1000, 800)
		manage(t, x)
		s := newStage(t, 720, 400, rfb.Config{Name: "stage"})
		p := x.Launch(nil, "xtigervncviewer", "-AutoSelect=0", "-PreferredEncoding=ZRLE", "-Shared=1", fmt.Sprintf("127.0.0.1::%d", s.at.Port))
		window := x.Window(p, patience)
		x.Shows(window, picture(720, 400), patience)
		other := listener(t, s)
		owner := x.Command("xclip", "-selection", "clipboard", "-i", "-quiet")
		owner.Stdin = strings.NewReader(text)
		must(t, owner.Start())
		defer func() {
			_ = owner.Process.Kill()
			_ = owner.Wait()
		}()
		time.Sleep(500 * time.Millisecond) // until it owns the selection
		_, err := x.Run("xdotool", "windowfocus", "--sync", window)
		must(t, err)
		passes(t, s, other)
		got := ""
		for end := time.Now().Add(patience); got != answer && time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
			got, _ = x.Run("timeout", "5", "xclip", "-selection", "clipboard", "-o")
		}
		if got != answer {
			t.Errorf("the desktop's clipboard is %q", got)
		}
	})
}

// manage starts a window manager and waits for it.
func manage(t *testing.T, x *xdesk.Desk) {
	t.Helper()
	if !all() {
		t.Skip("has a window manager's desktop: make test-all")
	}
	x.Launch(nil, "openbox")
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if out, err := x.Run("xprop", "-root", "_NET_SUPPORTING_WM_CHECK"); err == nil && strings.Contains(out, "window id") {
			return
		}
		if time.Now().After(end) {
			t.Fatal("no window manager")
		}
	}
}
