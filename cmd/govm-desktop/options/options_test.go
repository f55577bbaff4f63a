package options

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse_syntax(t *testing.T) {
	o := Parse("-x", "first,a=1,b=x,,y,c,nod,a=2,nodelay,=e", "implied")
	for key, want := range map[string]string{"implied": "first", "a": "2", "b": "x,y", "c": "on", "d": "off", "nodelay": "on", "": "e"} {
		if got := o.Str(key, "?"); got != want {
			t.Errorf("%s = %q, want %q", key, got, want)
		}
	}
	if err := o.Rest(); err != nil {
		t.Error(err)
	}
	if all := o.All("a"); len(all) != 2 || all[0] != "1" {
		t.Errorf("all a: %q", all)
	}
	if got := Parse("-x", o.String(), "").String(); got != o.String() {
		t.Errorf("%q becomes %q", o, got)
	}
	if err := Parse("-x", "colour=red", "").Rest(); err == nil || !strings.Contains(err.Error(), "none here") {
		t.Errorf("nobody asked: %v", err)
	}
}

func TestOpts_types(t *testing.T) {
	o := Parse("-x", "on=yes,off=n,bad=maybe,n=0x10,size=2k,bare=3", "")
	if v, err := o.Bool("on", false); !v || err != nil {
		t.Error(v, err)
	}
	if v, err := o.Bool("off", true); v || err != nil {
		t.Error(v, err)
	}
	if _, err := o.Bool("bad", true); err == nil || err.Error() != "-x on=yes,off=n,bad=maybe,n=0x10,size=2k,bare=3: bad=maybe: on or off belongs there" {
		t.Error(err)
	}
	if n, err := o.Number("n", 0); n != 16 || err != nil {
		t.Error(n, err)
	}
	if _, err := o.Number("bad", 0); err == nil {
		t.Error("bad is a number")
	}
	if n, err := o.Size("size", 0, 1); n != 2048 || err != nil {
		t.Error(n, err)
	}
	if n, err := o.Size("bare", 0, 1<<20); n != 3<<20 || err != nil {
		t.Error(n, err)
	}
	if n, err := o.Size("none", 7, 1); n != 7 || err != nil {
		t.Error(n, err)
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]uint64{"512": 512 << 20, "1G": 1 << 30, "1.5G": 3 << 29, "64k": 64 << 10, "0x10": 16 << 20, "0x1b": 27 << 20, "100b": 100, "1T": 1 << 40, "0x2M": 2 << 20} {
		if got, err := ParseSize(s, 1<<20); err != nil || got != want {
			t.Errorf("%s = %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "x", "-1", "1e300", "NaN", "99999999999T", "0x1.8p3", "k", "1 G"} {
		if got, err := ParseSize(s, 1<<20); err == nil {
			t.Errorf("%q = %d, want an error", s, got)
		}
	}
}

// scene is what the options of the tests set up.
type scene struct{ said []string }

func stage() *Table[*scene] {
	say := func(s *scene, o *Opts) error { s.said = append(s.said, o.Option+" "+o.Text); return o.sayRest() }
	return &Table[*scene]{
		Program: "stage-x", Title: "a stage", Synopsis: "[options] [play]", Text: "One.\n\n-Two.",
		Absent: func(n string) string {
			if n == "orchestra" {
				return "not yet"
			}
			return ""
		},
		Options: []Option[*scene]{
			{Name: "", Set: say},
			{Name: "lamp", Also: []string{"l"}, Arg: "[colour=]C[,watts=N]", Help: "a lamp", Part: "Light", Config: "lamp", Implied: "colour", Keys: []Key{{Name: "colour", Values: []string{"red", "blue"}},
				{Name: "watts", Type: Number, Help: "how bright"}, {Name: "id"}, {Name: "on", Type: Bool}, {Name: "size", Type: Size}, {Name: "notes", Help: ".as they are"}}, Set: say},
			{Name: "prop", Arg: "KIND,id=ID", Help: "a prop", Part: "Things", Config: "prop", Implied: "kind", Kinds: []Kind{{Name: "chair", Help: "to sit on", Keys: []Key{{Name: "legs", Type: Number}, {Name: "plan", Type: File}}},
				{Name: "ghost", Open: true}}, Set: say},
			{Name: "title", Arg: "TEXT", Help: "it's free text", Part: "Things", Set: say},
			{Name: "photo", Arg: "FILE", Files: true, Help: "a file", Part: "Things", Set: say},
			{Name: "dark", Help: "no light", Part: "Light", Set: say},
			{Name: "voice", Arg: "V", Values: []string{"alto", "bass"}, List: func() string { return "alto bass\n" }, Help: "a voice", Part: "Things", Set: say},
			{Name: "readconfig", Arg: "FILE", Part: "Files"}, {Name: "writeconfig", Arg: "FILE", Part: "Files"}, {Name: "set", Arg: "S.I.K=V", Part: "Files"},
		},
	}
}

func (o *Opts) sayRest() error { return nil }

func TestTable_apply(t *testing.T) {
	for _, c := range []struct{ args, said, fails string }{
		{"-lamp red,watts=60 --dark play.txt -l blue,on=off", "-lamp red,watts=60|--dark |play.txt play.txt|-l blue,on=off", ""},
		{"-title a,b=c,,d", "-title a,b=c,,d", ""},
		{"-title help", "-title help", ""},
		{"-prop chair,legs=4,id=c1", "-prop chair,legs=4,id=c1", ""},
		{"-prop kind=ghost,sheet=white", "-prop kind=ghost,sheet=white", ""},
		{"-lamp red,notes=x,notes", "-lamp red,notes=x,notes", ""},
		{"-lamp red,id=l1 -set lamp.l1.watts=25", "-lamp colour=red,id=l1,watts=25", ""},
		{"-", "- -", ""},
		{"-lapm red", "", "-lapm: no such option; the nearest is -lamp (-help lists all)"},
		{"-orchestra", "", "-orchestra: not yet"},
		{"-lamp", "", "-lamp: needs an argument: [colour=]C[,watts=N]"},
		{"-lamp green", "", "-lamp green: colour=green: red or blue belongs there"},
		{"-lamp red,wats=5", "", `-lamp red,wats=5: unknown property "wats"; the nearest is "watts"`},
		{"-lamp red,watts=many", "", "watts=many: a number belongs there"},
		{"-lamp red,on=perhaps", "", "on or off"},
		{"-lamp red,size=huge", "", `"huge" is not a size`},
		{"-prop cahir", "", `unknown prop "cahir"; the nearest is "chair" (-prop help lists what there is)`},
		{"-prop chair,arms=2", "", `unknown property "arms"`},
		{"-prop id=x", "", "unknown prop"},
		{"-set lamp.l1.watts=25", "", "no -lamp before it has id=l1"},
		{"-set lamp", "", "SECTION.ID.PROPERTY=VALUE"},
		{"-readconfig /no/such", "", "/no/such"},
	} {
		var s scene
		err := stage().Apply(&s, strings.Fields(c.args))
		if said := strings.Join(s.said, "|"); c.fails == "" && (err != nil || said != c.said) {
			t.Errorf("%s: said %q, %v", c.args, said, err)
		}
		if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %v, want %q", c.args, err, c.fails)
		}
	}
}

func TestTable_help(t *testing.T) {
	for args, want := range map[string]string{
		"-prop help":            "chair                to sit on",
		"-prop ?":               "ghost",
		"-prop chair,help":      "legs=<int>",
		"-lamp help":            "watts=<int>",
		"-lamp red,help":        "(red|blue)",
		"-voice help":           "alto bass",
		"-prop kind=chair,help": "plan=<file>",
	} {
		var h Help
		var s scene
		if err := stage().Apply(&s, strings.Fields(args)); !errors.As(err, &h) || !strings.Contains(string(h), want) || len(s.said) > 0 {
			t.Errorf("%s: %v (%q), want %q", args, err, s.said, want)
		}
	}
	if u := stage().Usage(); !strings.Contains(u, "Light:\n  -lamp [colour=]C[,watts=N]\n  -l [colour=]C[,watts=N]\n        a lamp\n  -dark\n") {
		t.Errorf("usage:\n%s", u)
	}
}

func TestConfig_roundTrip(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "stage.cfg")
	var a, b scene
	args := strings.Fields("-lamp red,watts=60,id=l1 -title x -prop ghost,sheet=a,,b=c,quote=\"\\\" -writeconfig " + name)
	if err := stage().Apply(&a, args); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if want := "\n[lamp \"l1\"]\n  colour = \"red\"\n  watts = \"60\"\n\n[prop]\n  kind = \"ghost\"\n  sheet = \"a,b=c\"\n  quote = \"\"\\\"\"\n"; !strings.HasSuffix(string(text), want) {
		t.Errorf("written:\n%s", text)
	}
	if err := stage().Apply(&b, []string{"-readconfig", name, "-dark"}); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(b.said), `[-lamp id=l1,colour=red,watts=60 -prop kind=ghost,sheet=a,,b=c,quote="\" -dark ]`; got != want {
		t.Errorf("read: %s\nwant  %s", got, want)
	}
	if err := stage().Apply(&a, []string{"-lamp", "notes=a\nb", "-writeconfig", name}); err == nil {
		t.Error("a line break is written")
	}
}

func TestConfig_mistakes(t *testing.T) {
	for text, want := range map[string]string{
		"[lapm]":            `x.cfg:1: no section is called "lapm"; the nearest is "lamp"`,
		"\n[lamp":           "x.cfg:2: a section ends with ]",
		"[lamp l1]":         "stands in quotes",
		"a = \"b\"":         "a [section] has to come first",
		"[lamp]\na = b":     `x.cfg:2: key = "value" belongs there`,
		"[lamp]\nhello":     `key = "value"`,
		"[lamp]\na = \"":    `key = "value"`,
		"\x00\xff":          `key = "value"`,
		"[]":                "no section",
		"# only\n\n[title]": "no section",
	} {
		if _, err := stage().ReadConfig("x.cfg", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, make([]byte, maxConfig+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := stage().ReadFile(big); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("%v", err)
	}
}

// TestMan has troff's own complaints.
func TestMan(t *testing.T) {
	page := stage().Man("1.0")
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("no groff")
	}
	cmd := exec.Command(groff, "-man", "-Tascii", "-ww", "-P-cbou")
	cmd.Stdin = strings.NewReader(page)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil || complaints.Len() > 0 {
		t.Errorf("groff: %v: %s", err, complaints.String())
	}
	for _, want := range []string{"stage-x - a stage", "-lamp [colour=]C[,watts=N]", "watts=int", "how bright", ".as they are", "it's free text", "-Two."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, out.String())
		}
	}
}

// TestBash has bash itself complete.
func TestBash(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "plan.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"-la":                        "-lamp",
		"-lamp ":                     "red|blue|help|colour=|watts=|id=|on=|size=|notes=",
		"-lamp r":                    "red",
		"-lamp red,wa":               "red,watts=",
		"-lamp colour=b":             "blue",
		"-lamp red,on=o":             "on|off",
		"-lamp red,on=on,w":          "on,watts=",
		"-prop gh":                   "ghost",
		"-prop chair,l":              "chair,legs=",
		"-prop chair,plan=pl":        "plan.txt",
		"-dark pl":                   "plan.txt",
		"-photo pl":                  "plan.txt",
		"--lamp bl":                  "blue",
		"-voice a":                   "alto",
		"-title he":                  "",
		"-lamp red -prop chair -voi": "-voice",
	} {
		full := "stage-x " + line
		script := stage().Bash() + fmt.Sprintf("\nCOMP_LINE=%s; COMP_POINT=%d; _stage_x; IFS='|'; echo -n \"${COMPREPLY[*]}\"\n", quote(full), len(full))
		cmd := exec.Command("bash", "-c", script)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%q completes to %q, %v; want %q", line, out, err, want)
		}
	}
}

func FuzzOpts(f *testing.F) {
	f.Add("-lamp red,watts=5,on", "[lamp \"a\"]\n a = \"b\"\n")
	f.Add("-prop chair,legs=,help", "# x\n[prop]\nkind=\"ghost\"")
	f.Fuzz(func(t *testing.T, args, config string) {
		var s scene
		words := strings.Split(args, " ")
		for i, w := range words {
			if strings.HasSuffix(w, "config") { // files
				words[i] = "x"
			}
		}
		if err := stage().Apply(&s, words); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
		o := Parse("-x", args, "first")
		if p := Parse("-x", o.String(), ""); p.String() != o.String() && !strings.HasPrefix(o.String(), "=") {
			t.Errorf("%q becomes %q", o, p)
		}
		if n, err := ParseSize(args, 1<<20); err == nil && n >= maxSize {
			t.Errorf("%q is %d", args, n)
		}
		uses, err := stage().ReadConfig("x", config)
		if err != nil {
			return
		}
		var b strings.Builder
		if err := stage().WriteConfig(&b, uses); err != nil {
			return // it holds what a file cannot
		}
		if _, err := stage().ReadConfig("again", b.String()); err != nil {
			t.Errorf("%q is read, but not what is written of it:\n%s%v", config, &b, err)
		}
	})
}
