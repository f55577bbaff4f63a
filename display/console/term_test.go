package console

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// show is the terminal's screen as lines, blanks at the right and empty lines at the bottom left out.
func (t *term) show() string {
	var b strings.Builder
	for _, l := range t.screen {
		b.WriteString(strings.TrimRight(l.text(0, t.cols), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

func TestTerm(t *testing.T) {
	for name, c := range map[string]struct {
		in, want string
		x, y     int
	}{
		"text":             {"hello\r\nworld", "hello\nworld", 5, 1},
		"wrap":             {"0123456789ab", "0123456789\nab", 2, 1},
		"wrap is pending":  {"0123456789\rX", "X123456789", 1, 0},
		"no wrap":          {"\x1b[?7l0123456789ab", "012345678b", 9, 0},
		"scroll":           {"1\r\n2\r\n3\r\n4\r\n5\r\n6", "2\n3\n4\n5\n6", 1, 4},
		"position":         {"\x1b[3;4Hx\x1b[Hy", "y\n\n   x", 1, 0},
		"too far":          {"\x1b[99;99Hx\x1b[0;0Hy", "y\n\n\n\n         x", 1, 0},
		"moves":            {"\x1b[2B\x1b[3Ca\x1b[A\x1b[2Db\x1b[Gc\x1b[5dd", "\nc b\n   a\n\n d", 2, 4},
		"erase line":       {"abcdef\x1b[3D\x1b[K\r\nabcdef\x1b[3D\x1b[1K\r\nabc\x1b[2Kd", "abc\n    ef\n   d", 4, 2},
		"erase screen":     {"a\r\nb\r\nc\x1b[A\x1b[J", "a\nb", 1, 1},
		"erase above":      {"a\r\nbcd\r\ne\x1b[A\x1b[1J", "\n  d\ne", 1, 1},
		"insert":           {"abc\x1b[D\x1b[D\x1b[2@X", "aX bc", 2, 0},
		"delete":           {"abcdef\x1b[4D\x1b[2P", "abef", 2, 0},
		"erase characters": {"abcdef\x1b[4D\x1b[2X", "ab  ef", 2, 0},
		"insert mode":      {"abc\r\x1b[4hX\x1b[4lY", "XYbc", 2, 0},
		"insert lines":     {"a\r\nb\r\nc\x1b[2;1H\x1b[LX", "a\nX\nb\nc", 1, 1},
		"delete lines":     {"a\r\nb\r\nc\x1b[1;1H\x1b[M", "b\nc", 0, 0},
		"region":           {"1\r\n2\r\n3\r\n4\r\n5\x1b[2;4r\x1b[4;1H\nX", "1\n3\n4\nX\n5", 1, 3},
		"reverse":          {"1\r\n2\x1b[H\x1bMX", "X\n1\n2", 1, 0},
		"origin":           {"\x1b[2;4r\x1b[?6h\x1b[HX\x1b[9;1HY", "\nX\n\nY", 1, 3},
		"scroll commands":  {"1\r\n2\r\n3\x1b[S\x1b[2T", "\n\n2\n3", 1, 2},
		"tabs":             {"\ta\x1b[3g\r\x1b[3C\x1bH\r\tb\x1b[Zc", "   c    a", 4, 0},
		"save":             {"\x1b[2;3H\x1b7\x1b[HA\x1b8B", "A\n  B", 3, 1},
		"alternate":        {"main\x1b[?1049hother\x1b[?1049l!", "main!", 5, 0},
		"line drawing":     {"\x1b(0lqk\x1b(Blqk", "┌─┐lqk", 6, 0},
		"shift out":        {"\x1b)0\x0eq\x0fq", "─q", 2, 0},
		"utf-8":            {"grüße €", "grüße €", 7, 0},
		"bad utf-8":        {"a\xffb\xc3(c", "a�b�(c", 6, 0},
		"c1":               {"a\xc2\x9bb", "a�b", 3, 0},
		"wide":             {"日本x", "日本x", 5, 0},
		"wide at the edge": {"012345678日", "012345678\n日", 2, 1},
		"half of wide":     {"日本\x1b[2Gx", " x本", 2, 0},
		"combining":        {"e\u0301x", "ex", 2, 0},
		"repeat":           {"ab\x1b[3b", "abbbb", 5, 0},
		"osc":              {"a\x1b]0;title\x07b\x1b]8;;x\x1b\\c", "abc", 3, 0},
		"dcs":              {"a\x1bPq#0\x1b\\b", "ab", 2, 0},
		"cancel":           {"a\x1b[12\x18b", "ab", 2, 0},
		"control inside":   {"a\x1b[\r2Cb", "a b", 3, 0},
		"unknown":          {"a\x1b[?99z\x1b[1$zb\x1b%Gc", "abc", 3, 0},
		"alignment":        {"\x1b#8", strings.TrimRight(strings.Repeat("EEEEEEEEEE\n", 5), "\n"), 0, 0},
		"reset":            {"abc\x1b[2;3r\x1bcx", "x", 1, 0},
		"back tab at 0":    {"\x1b[Zx", "x", 1, 0},
		"newline mode":     {"\x1b[20ha\nb", "a\nb", 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			term := newTerm(10, 5, 100)
			term.parser.feed([]byte(c.in), term)
			if got := term.show(); got != c.want || term.cur.x != c.x || term.cur.y != c.y {
				t.Errorf("%q shows\n%s\nwith the cursor at %d, %d; want\n%s\nand %d, %d", c.in, got, term.cur.x, term.cur.y, c.want, c.x, c.y)
			}
			bytewise := newTerm(10, 5, 100)
			for i := range len(c.in) {
				bytewise.parser.feed([]byte{c.in[i]}, bytewise)
			}
			if got := bytewise.show(); got != c.want {
				t.Errorf("byte by byte %q shows\n%s", c.in, got)
			}
		})
	}
}

func TestTerm_rendition(t *testing.T) {
	for in, want := range map[string]cell{
		"\x1b[1;31;44mx":                          {'x', 2, 5, bold},
		"\x1b[1;4;7;9mx":                          {'x', 0, 0, bold | underline | reverse | strike},
		"\x1b[1;4;7m\x1b[22;24mx":                 {'x', 0, 0, reverse},
		"\x1b[31m\x1b[mx":                         {'x', 0, 0, 0},
		"\x1b[38;5;196;48;2;1;2;3mx":              {'x', 197, rgbColour | 0x010203, 0},
		"\x1b[38:2::17:34:51;1mx":                 {'x', rgbColour | 0x112233, 0, bold},
		"\x1b[38:2:17:34:51mx":                    {'x', rgbColour | 0x112233, 0, 0},
		"\x1b[38:5:3;48:5:4mx":                    {'x', 4, 5, 0},
		"\x1b[4:3mx":                              {'x', 0, 0, underline},
		"\x1b[4m\x1b[4:0mx":                       {'x', 0, 0, 0},
		"\x1b[97;103mx":                           {'x', 16, 12, 0},
		"\x1b[38;5mx":                             {'x', 0, 0, 0},
		"\x1b[38;5;999;1mx":                       {'x', 0, 0, bold},
		"\x1b[38;9;1mx":                           {'x', 0, 0, bold},
		"\x1b[" + strings.Repeat("1;", 99) + "mx": {'x', 0, 0, 0},
	} {
		term := newTerm(10, 2, 0)
		term.parser.feed([]byte(in), term)
		if got := term.screen[0].cells[0]; got != want {
			t.Errorf("%q: %+v, want %+v", in, got, want)
		}
	}
}

func TestTerm_answers(t *testing.T) {
	for in, want := range map[string]string{
		"\x1b[5n":                         "\x1b[0n",
		"\x1b[2;3H\x1b[6n":                "\x1b[2;3R",
		"\x1b[c":                          "\x1b[?62;22c",
		"\x1b[>c":                         "\x1b[>1;10;0c",
		"\x1bZ":                           "\x1b[?62;22c",
		"\x1b[2;4r\x1b[?6h\x1b[2d\x1b[6n": "\x1b[2;1R",
		"\x1b]0;x\x07\x1b[21t":            "", // a title is never sent back
	} {
		term := newTerm(10, 5, 0)
		var got string
		term.reply = func(p []byte) { got += string(p) }
		term.parser.feed([]byte(in), term)
		if got != want {
			t.Errorf("%q is answered %q, want %q", in, got, want)
		}
	}
}

func TestTerm_history(t *testing.T) {
	term := newTerm(10, 3, 4)
	for _, s := range strings.Split("1 2 3 4 5 6 7 8 9", " ") {
		term.parser.feed([]byte(s+"\r\n"), term)
	}
	var got string
	for i := range term.history {
		got += term.back(i).text(0, 1)
	}
	if got != "7654" || term.show() != "8\n9" || term.pushed != 7 {
		t.Errorf("history %q, screen %q, %d lines gone", got, term.show(), term.pushed)
	}
	term.parser.feed([]byte("\x1b[?1049h\n\n\n\n\n\x1b[?1049l\x1b[2;3r\n\n\n\n"), term)
	if len(term.history) != 4 || term.pushed != 7 {
		t.Error("the alternate screen or a region went into the history")
	}
	term.parser.feed([]byte("\x1b[3J"), term)
	if len(term.history) != 0 {
		t.Error("ED 3 left the history")
	}
}

// check says what must hold whatever was written.
func (t *term) check(fail func(string, ...any)) {
	if t.cur.x < 0 || t.cur.x >= t.cols || t.cur.y < 0 || t.cur.y >= t.rows || t.top < 0 || t.bottom > t.rows || t.top >= t.bottom {
		fail("cursor %d, %d; region %d to %d", t.cur.x, t.cur.y, t.top, t.bottom)
	}
	if len(t.history) > t.maxHistory || len(t.screen) != t.rows || len(t.other) != t.rows {
		fail("%d lines of history, %d and %d of screens", len(t.history), len(t.screen), len(t.other))
	}
	seen := map[*line]bool{}
	for _, s := range [][]*line{t.screen, t.other, t.history} {
		for _, l := range s {
			if seen[l] || len(l.cells) != t.cols {
				fail("a line is there twice, or has %d cells", len(l.cells))
			}
			seen[l] = true
			for x, c := range l.cells {
				if c.attr&wide != 0 && (x+1 == t.cols || l.cells[x+1].r != 0) {
					fail("half a wide character at column %d", x)
				}
			}
		}
	}
}

func FuzzTerm(f *testing.F) {
	f.Add([]byte("\x1b[2;4r\x1b[?6h\x1b[5;5Hx\x1b[99@日\x1b[1;31mz\x1b[?1049h\x1b[3L\x1b[2M"))
	f.Add([]byte("\x1b[38:2::1:2:3m\x1b(0qqq\x1b7\x1b8\x1b[65535b\x1b[6n\xff\xfe\x1b]0;x\x07"))
	f.Add([]byte("日本語日本語日本語\x1b[2G\x1b[P\x1b[3G\x1b[@x\x1b[4hy\x1b[?7lzz日"))
	f.Fuzz(func(t *testing.T, data []byte) {
		term := newTerm(11, 5, 7)
		n := 0
		term.reply = func(p []byte) { n += len(p) }
		term.parser.feed(data, term)
		term.check(t.Fatalf)
		if n > 12*len(data) {
			t.Fatalf("%d bytes are answered with %d", len(data), n)
		}
		again := newTerm(11, 5, 7)
		for _, b := range data {
			again.parser.feed([]byte{b}, again)
		}
		if again.show() != term.show() || again.cur != term.cur {
			t.Fatal("byte by byte it is another screen")
		}
	})
}

func TestTerm_anything(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 6))
	words := strings.Split("\x1b[ \x1b] \x1b ( 0 B ; : ? > 1 2 5 10 99 @ A B C D H J K L M P S T X b d g h l m n r s u \n \r \t \b a 日 é \x07 \x0e \x0f #8 c 7 8 1049 7 6 4 38 48 !p", " ")
	for range 300 {
		term := newTerm(2+rnd.IntN(20), 2+rnd.IntN(8), rnd.IntN(10))
		for range 200 {
			term.parser.feed([]byte(words[rnd.IntN(len(words))]), term)
			term.check(t.Fatalf)
		}
	}
}
