package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// array is what a command gives: values by number, by word, or in a row. Names and shapes are those that keycodemapdb's tool gives them, so that a
// program can take its tables from either.
type array struct {
	name    string
	what    string
	from    mapping
	byKey   bool // pairs, looked up by from; else a row
	words   bool // the values are words
	qcodes  bool // the values are QEMU's constants Q_KEY_CODE_…, in C
	byEnum  bool // as are what is looked up by
	foreign bool // the file is keycodemapdb's
	pairs   []pair
	row     []*value
	hole    uint32 // a number that stands for none
	size    int    // one more than the highest number that is looked up, if it has no value either
}

// array computes the table of a command.
func (j *job) array(cmd string, maps []mapping) (*array, error) {
	m := maps[len(maps)-1]
	a := &array{name: strings.ReplaceAll(cmd, "-", "_") + "_" + strings.Join(mapNames(maps), "_to_"), from: maps[0], words: m.words, foreign: j.table.later}
	if !a.foreign && (m.name == "osx" || m.name == "adb" || m.name == "xorgxquartz") {
		a.hole = 0xff // 0 is a key there
	}
	byName := cmd[:4] == "name"
	if byName && !hasNames(m) {
		return nil, fmt.Errorf("the map %s has no names", m.name)
	}
	a.qcodes = a.foreign && !byName && m.name == "qcode"
	a.byEnum = a.foreign && cmd == "code-map" && maps[0].name == "qcode"
	a.what = "the " + m.title + " " + map[bool]string{true: "name", false: "code"}[byName]
	if byName {
		m = j.namesOf(m)
		a.words = true
	}
	if strings.HasSuffix(cmd, "-map") {
		a.byKey, a.pairs = true, j.table.join(maps[0], m)
		a.size = j.table.size(maps[0])
		a.what += " by " + strings.TrimSuffix(maps[0].title, " code") + " code"
		return a, nil
	}
	a.what += " of every key, in the order of Linux' codes"
	for _, l := range j.table.list(m) {
		a.row = append(a.row, l.code)
	}
	return a, nil
}

// namesOf is the map to the names of a map's codes.
func (j *job) namesOf(m mapping) mapping {
	names := map[uint32]string{}
	for _, l := range j.table.list(m) {
		names[l.linux] = l.name
	}
	m.words, m.byName = true, true
	m.cells = func(t *table, k *key) entry {
		if s := names[k.cells["code"].vals[0].num]; s != "" {
			return entry{vals: []value{{str: s}}}
		}
		return entry{}
	}
	return m
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
	all := make([]*value, a.size)
	for i, p := range a.pairs {
		all[p.from.num] = &a.pairs[i].to
	}
	return all
}

// sparse reports a table that is better searched than indexed.
func (a *array) sparse() bool { return a.byKey && (a.from.words || a.size > 0x10000) }

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

// typeC is what the values are in C.
func (a *array) typeC() string {
	switch {
	case a.words && !a.qcodes:
		return "const char *"
	case a.wide():
		return "unsigned int"
	}
	return "unsigned short"
}

// litC is a value in C; those of words that are not there are null pointers.
func (a *array) litC(v *value) string {
	switch {
	case v == nil && a.words:
		return "0"
	case a.qcodes:
		return constant(*v)
	}
	return a.lit(v)
}

// constant is a qcode in QAPI's enumeration.
func constant(v value) string { return "Q_KEY_CODE_" + strings.ToUpper(v.str) }

// elementC is an element of an array in C: constant.
func (a *array) elementC() string { return "const " + strings.TrimPrefix(a.typeC(), "const ") + " " }

// pairC is the structure of a table that is searched.
func (a *array) pairC() string {
	from := "const unsigned int"
	if a.from.words {
		from = "const char *"
	}
	return fmt.Sprintf("struct _%s {\n  %s from;\n  %s to;\n}", a.name, from, strings.TrimSuffix(a.elementC(), " "))
}

func writeC(w io.Writer, a *array) {
	if a.byEnum {
		fmt.Fprintf(w, "%s%s[Q_KEY_CODE__MAX] = {\n", a.elementC(), a.name)
		for _, p := range a.pairs {
			fmt.Fprintf(w, "  [%s] = %s,\n", constant(p.from), a.litC(&p.to))
		}
	} else if a.sparse() {
		fmt.Fprintf(w, "const %s %s[] = {\n", a.pairC(), a.name)
		for _, p := range a.pairs {
			fmt.Fprintf(w, "  {%s, %s},\n", a.key(p.from), a.litC(&p.to))
		}
	} else {
		all := a.dense()
		fmt.Fprintf(w, "%s%s[%d] = {\n", a.elementC(), a.name, len(all))
		for i, v := range all {
			if v != nil || a.hole != 0 && !a.words {
				fmt.Fprintf(w, "  [%#x] = %s,\n", i, a.litC(v))
			}
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
	if a.byEnum {
		fmt.Fprintf(w, "extern %s%s[Q_KEY_CODE__MAX];\n", a.elementC(), a.name)
	} else if a.sparse() {
		fmt.Fprintf(w, "%s;\nextern const struct _%s %s[%d];\n", a.pairC(), a.name, a.name, len(a.pairs))
	} else {
		fmt.Fprintf(w, "extern %s%s[%d];\n", a.elementC(), a.name, len(a.dense()))
	}
	fmt.Fprintf(w, "extern const unsigned int %s_len;\n", a.name)
}

// writeRust writes slices; what is not there is 0 (or ff, see hole) or "". Tables that are searched are sorted pairs.
func writeRust(w io.Writer, a *array) {
	typ := "u16"
	switch {
	case a.words:
		typ = "&str"
	case a.wide():
		typ = "u32"
	}
	if a.sparse() {
		from := "u32"
		if a.from.words {
			from = "&str"
		}
		fmt.Fprintf(w, "/// %s, sorted.\npub static %s: &[(%s, %s)] = &[\n", a.what, a.name, from, typ)
		for _, p := range a.pairs {
			fmt.Fprintf(w, "  (%s, %s),\n", a.key(p.from), a.lit(&p.to))
		}
	} else {
		fmt.Fprintf(w, "/// %s.\npub static %s: &[%s] = &[\n", a.what, a.name, typ)
		for _, v := range a.dense() {
			fmt.Fprintf(w, "  %s,\n", a.lit(v))
		}
	}
	fmt.Fprintln(w, "];")
}

// writePython writes lists, and dictionaries for tables that are searched.
func writePython(w io.Writer, a *array) {
	if !a.sparse() {
		fmt.Fprintf(w, "%s = [\n", a.name)
		for _, v := range a.dense() {
			s := "None"
			if v != nil {
				s = a.lit(v)
			}
			fmt.Fprintf(w, "  %s,\n", s)
		}
		fmt.Fprintln(w, "]")
		return
	}
	fmt.Fprintf(w, "%s = {\n", a.name)
	for _, p := range a.pairs {
		fmt.Fprintf(w, "  %s: %s,\n", a.key(p.from), a.lit(&p.to))
	}
	fmt.Fprintln(w, "}")
}

// writeJS writes one object, by code or by place.
func writeJS(w io.Writer, a *array) {
	fmt.Fprintln(w, "export default {")
	for _, p := range a.pairs {
		fmt.Fprintf(w, "  %s: %s,\n", a.key(p.from), a.lit(&p.to))
	}
	for i, v := range a.row {
		if v != nil {
			fmt.Fprintf(w, "  %#x: %s,\n", i, a.lit(v))
		}
	}
	fmt.Fprintln(w, "};")
}
