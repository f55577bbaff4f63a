package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const keysFile = "../../data/keymaps.csv"

func gen(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(args, &out); err != nil {
		t.Fatalf("keymap-gen %s: %v", strings.Join(args, " "), err)
	}
	return out.String()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestRun_mistakes holds the reports to naming the file, the line and both rows.
func TestRun_mistakes(t *testing.T) {
	const head = "linux,code,qcode,set1,set2,usb,x11,win32\n"
	for what, c := range map[string]struct{ text, want string }{
		"code twice":       {head + "KEY_A,30,,,,,,\nKEY_B,30,,,,,,\n", `keys.csv:3: column code: 0x1e is in line 2 already`},
		"name twice":       {head + "KEY_A,30,a,,,,,\nKEY_B,48,b a,,,,,\n", `keys.csv:3: column qcode: "a" is in line 2 already`},
		"scan code twice":  {head + "KEY_A,30,,0x1e,0x1c,,,\nKEY_B,48,,0x1e,0x1c,,,\n", `keys.csv:3: column set1: 0x1e is in line 2 already`},
		"unknown column":   {"code,colour\n30,red\n", `keys.csv:1: unknown column "colour"`},
		"column twice":     {"code,code\n30,30\n", `keys.csv:1: column "code" twice`},
		"no code column":   {"linux\nKEY_A\n", `keys.csv:1: no column "code"`},
		"bad number":       {head + "KEY_A,thirty,,,,,,\n", `keys.csv:2: column code: "thirty" is no number up to 0xffff`},
		"bad make code":    {head + "KEY_A,30,,0x1234,,,,\n", `keys.csv:2: column set1: "0x1234" is no make code`},
		"bad usage":        {head + "KEY_A,30,,,,7-4,,\n", `keys.csv:2: column usb: "7-4" is no page:usage`},
		"bad keysym":       {head + "KEY_A,30,,,,,a,\n", `keys.csv:2: column x11: "a" is no name=number`},
		"bad virtual key":  {head + "KEY_A,30,,,,,,0x123\n", `keys.csv:2: column win32: "0x123" is no number up to 0xff`},
		"sets disagree":    {head + "KEY_A,30,,0x1e,0x1d,,,\n", `keys.csv:2: set 2 code 0x1d translates to 0x11, set 1 has 0x1e`},
		"set 2 missing":    {head + "KEY_A,30,,0x1e,,,,\n", `keys.csv:2: 1 codes in set 1, 0 in set 2`},
		"short row":        {head + "KEY_A,30\n", `keys.csv:2: 2 cells, the header has 8`},
		"stray quote":      {head + "KEY_A,30,\"a,,,,,\n", `keys.csv: `},
		"empty file":       {"", `keys.csv: no header`},
		"two codes in one": {head + "KEY_A,30 31,,,,,,\n", `keys.csv:2: column code: one number is wanted`},
	} {
		err := run([]string{"-csv", write(t, "keys.csv", c.text), "code-map", "atset1", "linux"}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
	}
}

func TestRun_badCommands(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"", "a command is wanted"},
		{"paint", `there is no command "paint"`},
		{"code-map qnum", "code-map takes 2 maps, got 1"},
		{"code-map qnum colour", `there is no map "colour"; there are linux osx`},
		{"-lang perl code-map qnum linux", "-lang perl: there are go"},
		{"-lang go code-docs linux", "-lang go: of documents there are markdown"},
		{"-format xml code-map qnum linux", "-format xml"},
		{"name-map linux qnum", "the map qnum has no names"},
		{"-csv /nowhere.csv code-map qnum linux", "/nowhere.csv"},
		{"--colour red", "colour"},
	} {
		args := strings.Fields(c.line)
		if !strings.Contains(c.line, "-csv") {
			args = append([]string{"-csv", keysFile}, args...)
		}
		if err := run(args, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.line, err, c.want)
		}
	}
}

// TestRun_everyTable makes every table in every language: twice the same, with the sum and the command line in its head.
func TestRun_everyTable(t *testing.T) {
	for _, lang := range []string{"go", "stdc", "stdc-header", "rust", "python3", "js"} {
		for _, m := range mappings() {
			args := []string{"-csv", keysFile, "--lang", lang, "code-map", m.name, "linux"}
			a, b := gen(t, args...), gen(t, args...)
			if a != b {
				t.Errorf("%v: not the same twice", args)
			}
			if !strings.Contains(a, "keymap-gen "+strings.Join(args, " ")) || len(a) < 500 && lang != "stdc-header" {
				t.Errorf("%v: %.200s", args, a)
			}
			gen(t, "-csv", keysFile, "--lang", lang, "code-table", m.name)
		}
	}
	for _, lang := range []string{"markdown", "rst", "pod"} {
		for _, m := range mappings() {
			gen(t, "-csv", keysFile, "--lang", lang, "--title", "Keys", "code-docs", m.name)
			gen(t, "-csv", keysFile, "--lang", lang, "name-docs", m.name)
		}
	}
}

// TestRun_compilers has the languages' own tools judge.
func TestRun_compilers(t *testing.T) {
	for lang, c := range map[string]struct {
		file string
		cmd  []string
	}{
		"stdc":        {"t.c", []string{"gcc", "-std=c99", "-Wall", "-Werror", "-fsyntax-only"}},
		"stdc-header": {"t.h", []string{"gcc", "-std=c99", "-Wall", "-Werror", "-fsyntax-only"}},
		"rust":        {"t.rs", []string{"rustc", "--crate-type", "lib", "--emit", "metadata", "--out-dir", os.TempDir()}},
		"python3":     {"t.py", []string{"python3", "-B"}},
		"js":          {"t.mjs", []string{"node", "--check"}},
		"go":          {"t.go", []string{"go", "vet"}},
	} {
		t.Run(lang, func(t *testing.T) {
			if out, err := exec.Command(c.cmd[0], "--version").CombinedOutput(); lang != "go" && err != nil {
				t.Skipf("%s: %v: %.100s (make deps-test)", c.cmd[0], err, out)
			}
			for _, table := range [][]string{{"code-map", "qnum", "linux"}, {"code-map", "html", "usb"}, {"code-map", "qnum", "qcode"}, {"name-map", "x11", "win32"},
				{"code-table", "osx"}, {"name-table", "qcode"}} {
				dir := t.TempDir()
				p := filepath.Join(dir, c.file)
				gen(t, append([]string{"-csv", keysFile, "--lang", lang, "-o", p}, table...)...)
				cmd := exec.Command(c.cmd[0], append(c.cmd[1:], p)...)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%v: %v\n%.500s", table, err, out)
				}
			}
		})
	}
}

func TestRun_values(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--lang js code-map qnum qcode", `0xf2: "lang1",`},
		{"--lang js code-map qnum qcode", `0x71: "lang2",`},
		{"--lang python3 code-map html atset1", `"KeyA": 0x1e,`},
		{"--lang js code-map win32 linux", `0x10d: 0x60,`},
		{"--lang js code-map linux xtkbd", `0x61: 0x11d,`},
		{"--lang js code-map xorgevdev qcode", `0x26: "a",`},
		{"--lang js code-map xorgquartz linux", ""},
		{"--lang js name-map linux win32", `0x1c: "VK_RETURN",`},
		{"--lang js --varname x code-map qcode usb", `"hangeul": 0x70090,`},
		{"--lang stdc --varname my_table code-map osx linux", `my_table_len`},
	} {
		if c.want == "" {
			continue
		}
		if got := gen(t, append([]string{"-csv", keysFile}, strings.Fields(c.args)...)...); !strings.Contains(got, c.want) {
			t.Errorf("%s: no %s in %.300s", c.args, c.want, got)
		}
	}
}

// TestRun_keycodemapdb reads the other project's format, with its rule that the later row wins.
func TestRun_keycodemapdb(t *testing.T) {
	const head = `"Linux Name","Linux Keycode","OS-X Name","OS-X Keycode","AT set1 keycode","AT set2 keycode","AT set3 keycode","USB Keycodes","Win32 Name",` +
		`"Win32 Keycode","Xwin XT","Xfree86 KBD XT","X11 keysym name","X11 keysym","HTML code","XKB key name","QEMU QKeyCode","Sun KBD","Apple ADB"` + "\n" +
		"KEY_RESERVED,0,,0xff,,,,,,,,,,,,,unmapped,,0xff\n" +
		"KEY_A,30,ANSI_A,0x0,0x1e,0x1c,0x1c,4,VK_A,0x41,0x1e,0x1e,A,0x61,KeyA,AC01,a,0x4d,0x0\n" +
		"KEY_BATTERY,236,,,0xe071,,,,,,,,,,,,,,\n" +
		"KEY_BLUETOOTH,237,,,0xe072,,,,,,,,,,,,,,\n" +
		"KEY_SYSRQ,99,,,0x54,0x84,0x57,70,VK_SNAPSHOT,0x2c,,,,,PrintScreen,PRSC,sysrq,0x15,\n"
	const rows = "KEY_VIDEO_NEXT,241,,,0xe071,0x19,,,VK_HANJA,0x19,,,,,,I249,hanja,,\nKEY_VIDEO_PREV,242,,,0xe072,0x39,,,VK_HANGEUL,0x15,,,,,,I250,hangeul,,\n"
	for _, c := range []struct{ text, args, want string }{
		{head, "code-map qnum qcode", `0xf1: "unmapped",`},
		{head + rows, "code-map qnum qcode", `0xf1: "hanja",`},
		{head + rows, "code-map qnum qcode", `0xf2: "hangeul",`},
		{head + rows, "code-map qcode atset2", `"hanja": 0x19,`},
		{head, "code-map qnum qcode", `0xb7: "sysrq",`},
		{head, "code-map atset1 osx", `0x54: 0xff,`},
		{head, "code-map xorgevdev qcode", `0x26: "a",`},
		{head + "KEY_B,48,,,0x1e,,,,,,,,,,,,b,,\n", "code-map atset1 qcode", `0x1e: "b",`},
		{head, "name-map html win32", `"KeyA": "VK_A",`},
		// In C, as the other tool has them: QAPI's constants, and arrays by them.
		{head, "--lang stdc code-map atset1 qcode", "const unsigned short code_map_atset1_to_qcode[57459] = {\n  [0x1e] = Q_KEY_CODE_A,"},
		{head, "--lang stdc code-map qcode atset1", "const unsigned short code_map_qcode_to_atset1[Q_KEY_CODE__MAX] = {\n  [Q_KEY_CODE_A] = 0x1e,"},
		{head, "--lang stdc code-map html osx", `  {"KeyA", 0x0},`},
		{head, "--lang stdc-header name-table osx", "extern const char * name_table_osx[5];"},
		{head, "--lang stdc code-table osx", "  [0x2] = 0xff,"}, // what the reserved key has
		{head, "--lang python3 name-table osx", "[\n  None,\n  \"ANSI_A\",\n  None,"},
		{head, "--lang rust code-map osx linux", "pub static CODE_MAP_OSX_TO_LINUX: &[u16] = &[\n  0x1e,"},
	} {
		args := append([]string{"--format", "keycodemapdb", "--lang", "js", "-csv", write(t, "keymaps.csv", c.text)}, strings.Fields(c.args)...)
		if got := gen(t, args...); !strings.Contains(got, c.want) {
			t.Errorf("%s: no %s in\n%s", c.args, c.want, got)
		}
	}
	for _, text := range []string{"", head + "KEY_B\n", head + "KEY_B,x,,,,,,,,,,,,,,,,,\n", head + "KEY_B,,,,,,,,,,,,,,,,,,\n"} {
		if err := run([]string{"-format", "keycodemapdb", "-csv", write(t, "k.csv", text), "code-map", "qnum", "linux"}, &bytes.Buffer{}); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

// TestGoTables_current compares the tree with what the generator gives, and takes its time.
func TestGoTables_current(t *testing.T) {
	start := time.Now()
	got := gen(t, "-csv", "../../data/keymaps.csv", "go-tables")
	t.Logf("all Go tables in %v", time.Since(start))
	have, err := os.ReadFile("../../input/keycodemap/tables.go")
	if err != nil {
		t.Fatal(err)
	}
	body := func(s string) string { return s[strings.Index(s, "\npackage"):] }
	if body(got) != body(string(have)) {
		t.Error("input/keycodemap/tables.go is not what data/keymaps.csv gives: make generate")
	}
}

// FuzzReadTable feeds both readers: they report, and do not panic; what they take can be made into tables.
func FuzzReadTable(f *testing.F) {
	f.Add("linux,code,set1\nKEY_A,30,0x1e\n")
	f.Add("code,x11,win32,usb\n1,a=0x61,0x41+,07:04\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func(string, []byte) (*table, error){readTable, readForeign} {
			tab, err := read("f.csv", []byte(text))
			if err != nil {
				continue
			}
			for _, m := range mappings() {
				tab.join(m, mappings()[0])
				tab.list(m)
			}
		}
	})
}
