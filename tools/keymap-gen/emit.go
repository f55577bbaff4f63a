package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// array is what a command gives: values by number, by word, or in a row.
type array struct {
	name  string
	what  string
	from  mapping
	byKey bool // pairs, looked up by from; else a row
	words bool // the values are words
	pairs []pair
	row   []*value
	hole  uint32 // a number that stands for none
}

// array computes the table of a command.
func (j *job) array(cmd string, maps []mapping) (*array, error) {
	m := maps[len(maps)-1]
	a := &array{name: cmd[:4] + "_" + strings.Join(mapNames(maps), "_to_"), from: maps[0], words: m.words}
	if m.name == "osx" || m.name == "adb" || m.name == "xorgxquartz" {
		a.hole = 0xff // 0 is a key there
	}
	byName := cmd[:4] == "name"
	if byName && !hasNames(m) {
		return nil, fmt.Errorf("the map %s has no names", m.name)
	}
	if byName {
		names := map[uint32]string{}
		for _, l := range j.table.list(m) {
			if l.code != nil {
				names[l.linux] = l.name
			}
		}
		m.words, a.words = true, true
		m.cells = func(t *table, k *key) entry {
			if s := names[k.cells["code"].vals[0].num]; s != "" {
				return entry{vals: []value{{str: s}}}
			}
			return entry{}
		}
	}
	a.what = "the " + m.title + " " + map[bool]string{true: "name", false: "code"}[byName]
	if strings.HasSuffix(cmd, "-map") {
		a.byKey, a.pairs = true, j.table.join(maps[0], m)
		a.what += " by " + maps[0].title + " code"
		return a, nil
	}
	a.what += " of every key, in the order of Linux' codes"
	for _, l := range j.table.list(m) {
		a.row = append(a.row, l.code)
	}
	return a, nil
}

func mapNames(maps []mapping) []string {
	var s []string
	for _, m := range maps {
		s = append(s, m.name)
	}
	return s
}

func hasNames(m mapping) bool {
	switch m.name {
	case "linux", "osx", "win32", "x11", "html", "xkb", "qcode":
		return true
	}
	return false
}

// dense is the values by number, nil for none; only for tables looked up by number.
func (a *array) dense() []*value {
	if !a.byKey {
		return a.row
	}
	if len(a.pairs) == 0 {
		return nil
	}
	all := make([]*value, a.pairs[len(a.pairs)-1].from.num+1)
	for i, p := range a.pairs {
		all[p.from.num] = &a.pairs[i].to
	}
	return all
}

// sparse reports a table that is better searched than indexed.
func (a *array) sparse() bool {
	return a.byKey && (a.from.words || len(a.pairs) > 0 && a.pairs[len(a.pairs)-1].from.num > 0xffff)
}

type language struct {
	comment string
	name    func(string) string
	write   func(io.Writer, *array)
}

func languages() map[string]language {
	plain := func(s string) string { return s }
	return map[string]language{
		"go":          {"//", camel, writeGo},
		"stdc":        {"//", plain, writeC},
		"stdc-header": {"//", plain, writeHeader},
		"rust":        {"//", strings.ToUpper, writeRust},
		"python3":     {"#", plain, writePython},
		"js":          {"//", plain, writeJS},
	}
}

func camel(s string) string {
	var b strings.Builder
	for i, w := range strings.Split(s, "_") {
		if i > 0 {
			w = strings.ToUpper(w[:1]) + w[1:]
		}
		b.WriteString(w)
	}
	return b.String()
}

func (a *array) lit(v *value) string {
	switch {
	case v == nil && a.words:
		return `""`
	case v == nil:
		return fmt.Sprintf("%#x", a.hole)
	case a.words:
		return strconv.Quote(v.str)
	}
	return fmt.Sprintf("%#x", v.num)
}

func (a *array) key(v value) string {
	if a.from.words {
		return strconv.Quote(v.str)
	}
	return fmt.Sprintf("%#x", v.num)
}

func writeGo(w io.Writer, a *array) {
	typ := "uint32"
	if a.words {
		typ = "string"
	}
	fmt.Fprintf(w, "\n// %s is %s.\n", a.name, a.what)
	if a.sparse() {
		from := "uint32"
		if a.from.words {
			from = "string"
		}
		fmt.Fprintf(w, "var %s = [...]struct {\n\tfrom %s\n\tto %s\n}{\n", a.name, from, typ)
		for _, p := range a.pairs {
			fmt.Fprintf(w, "\t{%s, %s},\n", a.key(p.from), a.lit(&p.to))
		}
		fmt.Fprintln(w, "}")
		return
	}
	fmt.Fprintf(w, "var %s = [...]%s{\n", a.name, typ)
	for i, v := range a.dense() {
		if v != nil || !a.byKey || a.hole != 0 || i == 0 {
			fmt.Fprintf(w, "\t%#x: %s,\n", i, a.lit(v))
		}
	}
	fmt.Fprintln(w, "}")
}

func writeC(w io.Writer, a *array) {
	typ := "unsigned short"
	switch {
	case a.words:
		typ = "char *const"
	case a.wide():
		typ = "unsigned int"
	}
	if a.sparse() {
		from := "unsigned int"
		if a.from.words {
			from = "const char *"
		}
		fmt.Fprintf(w, "const struct { %s from; const %s to; } %s[] = {\n", from, typ, a.name)
		for _, p := range a.pairs {
			fmt.Fprintf(w, "  { %s, %s },\n", a.key(p.from), a.lit(&p.to))
		}
	} else {
		fmt.Fprintf(w, "const %s %s[] = {\n", typ, a.name)
		for i, v := range a.dense() {
			s := a.lit(v)
			if v == nil && a.words {
				s = "0"
			}
			fmt.Fprintf(w, "  [%#x] = %s,\n", i, s)
		}
	}
	fmt.Fprintf(w, "};\nconst unsigned int %s_len = sizeof(%s)/sizeof(%s[0]);\n", a.name, a.name, a.name)
}

func (a *array) wide() bool {
	for _, p := range a.pairs {
		if p.to.num > 0xffff {
			return true
		}
	}
	for _, v := range a.row {
		if v != nil && v.num > 0xffff {
			return true
		}
	}
	return false
}

func writeHeader(w io.Writer, a *array) {
	typ := "unsigned short"
	switch {
	case a.words:
		typ = "char *const"
	case a.wide():
		typ = "unsigned int"
	}
	fmt.Fprintf(w, "#pragma once\nextern const unsigned int %s_len;\n", a.name)
	if !a.sparse() {
		fmt.Fprintf(w, "extern const %s %s[%d];\n", typ, a.name, len(a.dense()))
		return
	}
	from := "unsigned int"
	if a.from.words {
		from = "const char *"
	}
	fmt.Fprintf(w, "struct %s_pair { %s from; const %s to; };\nextern const struct %s_pair %s[%d];\n", a.name, from, typ, a.name, a.name, len(a.pairs))
}

func writeRust(w io.Writer, a *array) {
	typ := "u32"
	if a.words {
		typ = "&str"
	}
	if a.sparse() {
		from := "u32"
		if a.from.words {
			from = "&str"
		}
		fmt.Fprintf(w, "/// %s, sorted.\npub static %s: [(%s, %s); %d] = [\n", a.what, a.name, from, typ, len(a.pairs))
		for _, p := range a.pairs {
			fmt.Fprintf(w, "    (%s, %s),\n", a.key(p.from), a.lit(&p.to))
		}
	} else {
		all := a.dense()
		fmt.Fprintf(w, "/// %s.\npub static %s: [Option<%s>; %d] = [\n", a.what, a.name, typ, len(all))
		for _, v := range all {
			if v == nil {
				fmt.Fprintln(w, "    None,")
			} else {
				fmt.Fprintf(w, "    Some(%s),\n", a.lit(v))
			}
		}
	}
	fmt.Fprintln(w, "];")
}

func writePython(w io.Writer, a *array) { writeScript(w, a, a.name+" = ", "None", "") }

func writeJS(w io.Writer, a *array) { writeScript(w, a, "export default ", "undefined", ";") }

func writeScript(w io.Writer, a *array, start, hole, end string) {
	if !a.byKey {
		fmt.Fprintln(w, start+"[")
		for _, v := range a.row {
			s := hole
			if v != nil {
				s = a.lit(v)
			}
			fmt.Fprintf(w, "  %s,\n", s)
		}
		fmt.Fprintln(w, "]"+end)
		return
	}
	fmt.Fprintln(w, start+"{")
	for _, p := range a.pairs {
		fmt.Fprintf(w, "  %s: %s,\n", a.key(p.from), a.lit(&p.to))
	}
	fmt.Fprintln(w, "}"+end)
}
