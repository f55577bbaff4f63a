package curses

import (
	"image"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"govm-desktop/display"
	"govm-desktop/display/console"
	"govm-desktop/display/displaytest"
	"govm-desktop/input"
	"govm-desktop/input/layout"
)

type events []input.Code // releases are negative, by their complement

func (e *events) Send(v input.Event) {
	c := v.Code
	if !v.Down {
		c = ^c
	}
	*e = append(*e, c)
}

// snapshots is a simulated terminal that keeps what it has shown: the simulation hands out memory that it goes on using.
type snapshots struct {
	tcell.SimulationScreen

	mu    sync.Mutex // guards everything below
	cells []tcell.SimCell
	w     int
	x, y  int
	on    bool
}

func (s *snapshots) Show() {
	s.SimulationScreen.Show()
	s.mu.Lock()
	defer s.mu.Unlock()
	cells, w, _ := s.SimulationScreen.GetContents()
	s.cells, s.w = s.cells[:0:0], w
	for _, c := range cells {
		c.Runes = slices.Clone(c.Runes)
		s.cells = append(s.cells, c)
	}
	s.x, s.y, s.on = s.GetCursor()
}

// rig is a simulated terminal on a guest of pixels and a text console.
type rig struct {
	term  *snapshots
	ui    *UI
	guest events
	con   *console.Console
}

func newRig(t *testing.T, w, h int, l *layout.Layout) *rig {
	t.Helper()
	r := &rig{term: &snapshots{SimulationScreen: tcell.NewSimulationScreen("UTF-8")}}
	src := displaytest.NewFake(64, 48)
	src.Fill(image.Rect(0, 0, 32, 48), 0xff0000)
	screen := display.NewScreen(src, display.Options{})
	var router input.Router
	router.Add(&r.guest, input.Key)
	var err error
	if r.con, err = console.New(console.Config{Name: "monitor"}); err != nil {
		t.Fatal(err)
	}
	if r.ui, err = newUI(Config{Name: "vm", Heads: []*display.Head{{Screen: screen, Input: &router}, r.con.Head()}, Layout: l}, r.term); err != nil {
		t.Fatal(err)
	}
	r.term.SetSize(w, h)
	done := make(chan struct{})
	go func() {
		r.ui.Run()
		close(done)
	}()
	t.Cleanup(func() {
		r.ui.Quit()
		r.ui.Quit()
		<-done
		r.con.Close()
		screen.Close()
	})
	return r
}

// shows waits until the terminal is as wanted.
func (r *rig) shows(t *testing.T, what string, ok func(cells []tcell.SimCell, w int) bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		r.term.mu.Lock()
		done := ok(r.term.cells, r.term.w)
		r.term.mu.Unlock()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the terminal does not show %s", what)
		}
	}
}

func lines(cells []tcell.SimCell, w int) string {
	var b strings.Builder
	for i, c := range cells {
		if len(c.Runes) > 0 {
			b.WriteRune(c.Runes[0])
		}
		if i%w == w-1 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func TestUI(t *testing.T) {
	r := newRig(t, 100, 30, nil)
	r.shows(t, "half red, half black", func(cells []tcell.SimCell, w int) bool {
		at := func(x, y int) tcell.Color {
			_, bg, _ := cells[y*w+x].Style.Decompose()
			return bg
		}
		return len(cells) == 3000 && at(25, 10) == tcell.NewHexColor(0xff0000) && at(75, 10) == tcell.PaletteColor(0)
	})
	r.term.InjectKey(tcell.KeyRune, '2', tcell.ModAlt)
	r.con.Write([]byte("\x1b[3;5H\x1b[31mhello"))
	r.shows(t, "the console's text in the middle, and the cursor", func(cells []tcell.SimCell, w int) bool {
		x, y, on := r.term.x, r.term.y, r.term.on
		rows := strings.Split(lines(cells, w), "\n")
		return len(rows) > 5 && strings.HasPrefix(rows[5], strings.Repeat(" ", 14)+"hello") && on && x == 19 && y == 5
	})
	r.term.InjectKey(tcell.KeyRune, 'ü', tcell.ModNone)
	r.term.InjectKey(tcell.KeyUp, 0, tcell.ModNone)
	r.term.InjectKey(tcell.KeyCtrlC, 0, tcell.ModCtrl)
	buf := make([]byte, 64)
	var typed string
	for len(typed) < len("ü\x1b[A\x03") {
		n, err := r.con.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		typed += string(buf[:n])
	}
	if typed != "ü\x1b[A\x03" {
		t.Errorf("typed %q", typed)
	}
	r.term.SetSize(40, 10)
	if err := r.term.PostEvent(tcell.NewEventResize(40, 10)); err != nil { // the simulation leaves that to others
		t.Fatal(err)
	}
	r.shows(t, "the part with the cursor", func(cells []tcell.SimCell, w int) bool {
		return w == 40 && strings.Contains(lines(cells, w), "hello")
	})
}

// TestKeys looks at what reaches a guest: a key down and up for each that was typed, modifiers around it.
func TestKeys(t *testing.T) {
	de, err := layout.Find("de")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key  tcell.Key
		r    rune
		mod  tcell.ModMask
		want []input.Code
	}{
		{tcell.KeyRune, 'z', 0, []input.Code{21, ^input.Code(21)}},
		{tcell.KeyRune, 'Ü', 0, []input.Code{42, 26, ^input.Code(42), ^input.Code(26)}},
		{tcell.KeyEnter, 0, 0, []input.Code{28, ^input.Code(28)}},
		{tcell.KeyBackspace2, 0, 0, []input.Code{14, ^input.Code(14)}},
		{tcell.KeyF12, 0, 0, []input.Code{88, ^input.Code(88)}},
		{tcell.KeyBacktab, 0, 0, []input.Code{42, 15, ^input.Code(15), ^input.Code(42)}},
		{tcell.KeyCtrlC, 0, tcell.ModCtrl, []input.Code{29, 46, ^input.Code(46), ^input.Code(29)}},
		{tcell.KeyRune, 'x', tcell.ModAlt, []input.Code{56, 45, ^input.Code(45), ^input.Code(56)}},
		{tcell.KeyLeft, 0, tcell.ModCtrl, []input.Code{29, 105, ^input.Code(105), ^input.Code(29)}},
	} {
		var router input.Router
		var got events
		router.Add(&got, input.Key)
		screen := display.NewScreen(nil, display.Options{})
		h := newHands(&display.Head{Screen: screen, Input: &router}, de)
		h.key(tcell.NewEventKey(c.key, c.r, c.mod))
		screen.Close()
		if string(codes(got)) != string(codes(c.want)) {
			t.Errorf("%v %q %v: %v, want %v", c.key, c.r, c.mod, got, c.want)
		}
	}
}

func codes(c []input.Code) []rune {
	var out []rune
	for _, v := range c {
		out = append(out, rune(v))
	}
	return out
}

func TestColours(t *testing.T) {
	m := newMapper()
	for rgb, want := range map[uint32]tcell.Color{
		0x000000: tcell.PaletteColor(0), 0x0000a8: tcell.PaletteColor(4), 0xa80000: tcell.PaletteColor(1), 0xa85400: tcell.PaletteColor(3),
		0x575757: tcell.PaletteColor(8), 0xa8a8a8: tcell.PaletteColor(7), 0x5757ff: tcell.PaletteColor(12), 0xffff57: tcell.PaletteColor(11), 0xffffff: tcell.PaletteColor(15),
		0x123456: tcell.NewHexColor(0x123456),
	} {
		if got := m.colour(rgb); got != want {
			t.Errorf("%06x is %v, want %v", rgb, got, want)
		}
	}
}
