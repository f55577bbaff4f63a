package console

import (
	"image"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"govm-desktop/display"
	"govm-desktop/display/displaytest"
	"govm-desktop/input"
	"govm-desktop/input/layout"
)

func newConsole(t *testing.T, cfg Config) *Console {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (c *Console) say(t *testing.T, s string) {
	t.Helper()
	if n, err := c.Write([]byte(s)); n != len(s) || err != nil {
		t.Fatal(n, err)
	}
}

// read is what was typed, which must be there.
func (c *Console) read(t *testing.T) string {
	t.Helper()
	c.mu.Lock()
	n := len(c.typed)
	c.mu.Unlock()
	if n == 0 {
		return ""
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestConsole_source(t *testing.T) {
	c := newConsole(t, Config{Cols: 40, Rows: 10})
	c.screen.Close() // the kit makes its own
	rnd := rand.New(rand.NewPCG(1, 2))
	var steps []func()
	for range 40 {
		steps = append(steps, func() {
			var b strings.Builder
			for range rnd.IntN(20) {
				b.WriteString([]string{"word ", "\r\n", "\x1b[1;33;44m", "\x1b[m", "┌─┐", "日本", "\x1b[3;5H", "\x1b[2K", "\x1b[5L", "Ж", "\x1b[7mx\x1b[4m"}[rnd.IntN(11)])
			}
			c.say(t, b.String())
		})
	}
	steps = append(steps, func() { c.change(func() { c.scroll(5) }) }, func() { c.Type("x") })
	displaytest.TestSource(t, c, steps...)
}

func TestConsole_keys(t *testing.T) {
	const ctrl, shift, alt, altGr = keyLeftCtrl, keyLeftShift, keyLeftAlt, keyRightAlt
	for _, c := range []struct {
		layout, setup string
		keys          []input.Code // held together
		want          string
	}{
		{"us", "", []input.Code{30}, "a"},
		{"us", "", []input.Code{shift, 30}, "A"},
		{"us", "", []input.Code{ctrl, 46}, "\x03"},
		{"us", "", []input.Code{ctrl, 57}, "\x00"},
		{"us", "", []input.Code{alt, 30}, "\x1ba"},
		{"us", "", []input.Code{altGr, 30}, "\x1ba"},
		{"us", "", []input.Code{keyEnter}, "\r"},
		{"us", "\x1b[20h", []input.Code{keyEnter}, "\r\n"},
		{"us", "", []input.Code{keyBackspace}, "\x7f"},
		{"us", "", []input.Code{keyTab}, "\t"},
		{"us", "", []input.Code{shift, keyTab}, "\x1b[Z"},
		{"us", "", []input.Code{keyUp}, "\x1b[A"},
		{"us", "\x1b[?1h", []input.Code{keyUp}, "\x1bOA"},
		{"us", "", []input.Code{ctrl, 105}, "\x1b[1;5D"},
		{"us", "", []input.Code{59}, "\x1bOP"},
		{"us", "", []input.Code{63}, "\x1b[15~"},
		{"us", "", []input.Code{shift, 88}, "\x1b[24;2~"},
		{"us", "", []input.Code{111}, "\x1b[3~"},
		{"us", "", []input.Code{79}, "1"},
		{"us", "", []input.Code{keyKPEnter}, "\r"},
		{"us", "", []input.Code{keyCapsLock, 30}, "A"},
		{"us", "", []input.Code{shift, keyPageUp}, ""},
		{"de", "", []input.Code{21}, "z"},
		{"de", "", []input.Code{altGr, 16}, "@"},
		{"de", "", []input.Code{26}, "ü"},
	} {
		l, err := layout.Find(c.layout)
		if err != nil {
			t.Fatal(err)
		}
		con := newConsole(t, Config{Layout: l})
		con.say(t, c.setup)
		f := con.input.Front()
		for _, k := range c.keys {
			f.Send(input.Event{Kind: input.Key, Code: k, Down: true})
		}
		f.Close()
		if got := con.read(t); got != c.want {
			t.Errorf("%+v types %q", c, got)
		}
		con.Close()
	}
}

func TestConsole_paste(t *testing.T) {
	c := newConsole(t, Config{})
	c.Paste("a\r\nb\nc\x03\x1b[0m\t")
	if got := c.read(t); got != "a\rb\rc[0m\t" {
		t.Errorf("%q", got)
	}
	c.say(t, "\x1b[?2004h")
	c.Paste("x\x1b[201~y")
	if got := c.read(t); got != "\x1b[200~x[201~y\x1b[201~" {
		t.Errorf("%q", got)
	}
	big := strings.Repeat("x", maxTyped)
	c.Paste(big)
	c.Paste(big)
	if got := c.read(t); len(got) > maxTyped {
		t.Errorf("%d bytes are kept", len(got))
	}
}

// drag moves the pointer between the middles of two cells with the left button held.
func drag(f *input.Front, c *Console, x0, y0, x1, y1 int) {
	at := func(x, y int) {
		f.Send(input.Event{Kind: input.Abs, X: int32((2*x + 1) * (input.AbsMax + 1) / 2 / c.term.cols), Y: int32((2*y + 1) * (input.AbsMax + 1) / 2 / c.term.rows)})
	}
	at(x0, y0)
	f.Send(input.Event{Kind: input.Button, Code: input.BtnLeft, Down: true})
	at(x1, y1)
	f.Send(input.Event{Kind: input.Button, Code: input.BtnLeft})
}

func TestConsole_selection(t *testing.T) {
	c := newConsole(t, Config{Cols: 20, Rows: 5})
	f := c.input.Front()
	c.say(t, "first line\r\nsecond /some/path here\r\n日本 last")
	want := func(text string) {
		t.Helper()
		if got := c.Selection(); got != text {
			t.Errorf("marked is %q, want %q", got, text)
		}
	}
	want("")
	drag(f, c, 2, 0, 5, 1)
	want("rst line\nsecond")
	drag(f, c, 5, 1, 2, 0) // backwards
	want("rst line\nsecond")
	drag(f, c, 12, 1, 3, 2) // over a line that goes on
	want("/path here")
	for range 20 {
		c.say(t, "\r\nmore")
	}
	want("/path here") // it has scrolled away with the text
	f.Send(input.Event{Kind: input.Wheel, Y: 100})
	if got := strings.TrimRight(c.line(c.topLine()).text(0, 20), " "); got != "first line" {
		t.Errorf("scrolled to %q", got)
	}
	time.Sleep(doubleClick + time.Millisecond)
	drag(f, c, 9, 1, 9, 1)
	drag(f, c, 9, 1, 9, 1)
	want("/some/path")
	drag(f, c, 9, 1, 9, 1)
	want("second /some/path here")
	c.Type("x")
	want("")
	if c.view.offset != 0 {
		t.Error("typing does not go back to the cursor")
	}
}

func TestConsole_viewStays(t *testing.T) {
	c := newConsole(t, Config{Cols: 10, Rows: 3, History: 10})
	for i := range 9 {
		c.say(t, "\r\n"+string(rune('a'+i)))
	}
	c.change(func() { c.scroll(2) })
	before := c.line(c.topLine()).text(0, 1)
	c.say(t, "\r\nx\r\ny")
	if now := c.line(c.topLine()).text(0, 1); now != before {
		t.Errorf("the view moved from %q to %q", before, now)
	}
	c.say(t, strings.Repeat("\r\nz", 100))
	if c.view.offset != 10 {
		t.Errorf("offset %d of 10 lines", c.view.offset)
	}
}

func TestConsole_text(t *testing.T) {
	c := newConsole(t, Config{Cols: 10, Rows: 3})
	c.say(t, "a\x1b[1;31mb\x1b[4;1H")
	s := c.screen.Text()
	if s.Cols != 10 || s.Rows != 3 || s.Cells[0].Rune != 'a' || s.Cells[1].Attr != display.CellBold || s.Cells[1].Fg != 0xff0000 ||
		!s.CursorOn || s.Cursor != image.Pt(0, 2) {
		t.Errorf("%+v", s)
	}
}

func TestConsole_close(t *testing.T) {
	c := newConsole(t, Config{})
	done := make(chan error)
	go func() {
		_, err := c.Read(make([]byte, 10))
		done <- err
	}()
	c.Close()
	c.Close()
	if err := <-done; err != io.EOF {
		t.Error(err)
	}
	if _, err := c.Write([]byte("x")); err != io.ErrClosedPipe {
		t.Error(err)
	}
	c.Head().Input.Front().Send(input.Event{Kind: input.Key, Code: 30, Down: true})
}

// TestGlyphs looks at what has to meet without gaps, and that the fonts are found.
func TestGlyphs(t *testing.T) {
	var s glyphs
	var none int
	for _, r := range "Aéßąž£←→↑↓▲▼◄►☺♠αΩЖя√∞≈≤≥╬░█" {
		if *s.get(r, false) == *missing() {
			none++
			t.Errorf("%q has no picture", r)
		}
	}
	for r := rune(0x2500); r < 0x2580; r++ {
		if r >= 0x2571 && r <= 0x2573 {
			continue
		}
		g := s.get(r, false)
		arms := boxArms[5*(r-0x2500):]
		for d, at := range [4]int{midX, midY*cellW + cellW - 1, (cellH-1)*cellW + midX, midY * cellW} {
			w := int(arms[d] - '0')
			dashed := r >= 0x2504 && r <= 0x250b || r >= 0x254c && r <= 0x254f
			if got := g[at] != 0; got != (w == 1 || w == 2) && !dashed {
				t.Errorf("%c: edge %d is drawn %v", r, d, got)
			}
		}
	}
	if len(s.known) > maxGlyphs {
		t.Error(len(s.known))
	}
	for r := rune(0x4000); r < 0x4000+2*maxGlyphs; r++ {
		s.get(r, false)
	}
	if len(s.known) > maxGlyphs {
		t.Errorf("%d glyphs are kept", len(s.known))
	}
}

// TestTerm_tmux compares with tmux's terminal, on texts that both know how to show.
func TestTerm_tmux(t *testing.T) {
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("no tmux")
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	words := strings.Split("\r \n \r\n \x1b[A \x1b[2B \x1b[3C \x1b[2D \x1b[5;10H \x1b[20;3H \x1b[K \x1b[1K \x1b[2K \x1b[J \x1b[1J \x1b[r\x1b[2B\x1b[2L\r \x1b[r\x1b[3B\x1b[M\r \x1b[3@ \x1b[2P \x1b[4X \x1bM \x1bD \x1bE "+
		"\x1b[5;15r \x1b[r \x1b7 \x1b8 \x1b[?7l \x1b[?7h \t \b \x1b[2S \x1b[T \x1b[10G \x1b[7d 日 \x1b[b \x1b[3g \x1bH \x1b[Z", " ")
	dir := t.TempDir()
	for round := range 12 {
		var all []string
		for range 300 {
			if rnd.IntN(3) > 0 {
				all = append(all, []string{"some", "words", "qxl", "more text", "0123456789"}[rnd.IntN(5)])
			} else {
				all = append(all, words[rnd.IntN(len(words))])
			}
		}
		in := strings.Join(all, "")
		want := tmuxScreen(t, dir, in)
		term := newTerm(80, 24, 0)
		term.parser.feed([]byte(in), term)
		if got := term.show(); got != want {
			t.Fatalf("round %d: %q\nours:\n%s\ntmux's:\n%s", round, in, got, want)
		}
	}
}

// tmuxScreen is what tmux shows of a text.
func tmuxScreen(t *testing.T, dir, in string) string {
	t.Helper()
	file, socket, ready := filepath.Join(dir, "in"), filepath.Join(t.TempDir(), "tmux"), filepath.Join(dir, "ready")
	os.Remove(ready)
	if err := os.WriteFile(file, []byte(in), 0o600); err != nil {
		t.Fatal(err)
	}
	tmux := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("tmux", append([]string{"-S", socket, "-f", "/dev/null"}, args...)...)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TERM=xterm")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	tmux("new-session", "-d", "-x", "80", "-y", "24", "stty raw -echo; cat '"+file+"'; touch '"+ready+"'; sleep 100", ";", "set", "-g", "status", "off")
	defer tmux("kill-server")
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(ready); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("tmux has not shown it within 20 s")
		}
	}
	var last string
	for { // it has been written; shown it is a moment later
		now := tmux("capture-pane", "-p")
		if now == last {
			break
		}
		last = now
		time.Sleep(30 * time.Millisecond)
	}
	lines := strings.Split(last, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}
