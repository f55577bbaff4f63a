package main

import (
	"bytes"
	"fmt"
	"go/format"
	"strings"
)

// goTables is the package input/keycodemap's data: for each map the Linux code by the map's, and the other way, as 16-bit numbers; 0 is none
// towards Linux, ffff from it (ffffffff where codes are wider).
func (j *job) goTables() ([]byte, error) {
	var w bytes.Buffer
	j.header(&w, "//")
	fmt.Fprintf(&w, "\npackage %s\n", j.pkg)
	linux, err := findMap("linux")
	if err != nil {
		return nil, err
	}
	for _, m := range mappings() {
		switch m.name {
		case "linux", "xorgevdev": // the hub, and 8 more
			continue
		}
		to := j.table.join(m, linux)
		if m.words || to[len(to)-1].from.num > 0x1fff {
			typ := "pair"
			if m.words {
				typ = "wordPair"
			}
			fmt.Fprintf(&w, "\n// %sTo is Linux codes by %s code, sorted.\nvar %sTo = [...]%s{\n", m.name, m.title, m.name, typ)
			for _, p := range to {
				fmt.Fprintf(&w, "\t{%s, %d},\n", (&array{from: m}).key(p.from), p.to.num)
			}
		} else {
			fmt.Fprintf(&w, "\n// %sTo is Linux codes by %s code.\nvar %sTo = [%#x]uint16{\n", m.name, m.title, m.name, to[len(to)-1].from.num+1)
			goRow(&w, to)
		}
		fmt.Fprintln(&w, "}")
		j.goFrom(&w, linux, m)
	}
	fmt.Fprintf(&w, "\n// linuxNames are the kernel's names by code.\nvar linuxNames = [...]string{\n")
	for i, l := range j.table.list(linux) {
		if l.linux < 0x300 {
			fmt.Fprintf(&w, "%d: %q,", l.linux, l.name)
		}
		if i%6 == 5 {
			fmt.Fprintln(&w)
		}
	}
	fmt.Fprintln(&w, "\n}")
	j.goFlags(&w)
	return format.Source(w.Bytes())
}

func goRow(w *bytes.Buffer, pairs []pair) {
	for i, p := range pairs {
		fmt.Fprintf(w, "%#x: %d,", p.from.num, p.to.num)
		if i%8 == 7 {
			fmt.Fprintln(w)
		}
	}
	fmt.Fprintln(w)
}

// goFrom is the way from Linux' codes, without gaps.
func (j *job) goFrom(w *bytes.Buffer, linux, m mapping) {
	from := j.table.join(linux, m)
	a := &array{from: linux, byKey: true, words: m.words, pairs: from, hole: 0xffff, size: int(from[len(from)-1].from.num) + 1}
	typ := "uint16"
	switch {
	case m.words:
		typ = "string"
	case a.wide():
		typ, a.hole = "uint32", 0xffffffff
	}
	fmt.Fprintf(w, "\n// %sFrom is %s codes by Linux code.\nvar %sFrom = [...]%s{\n", m.name, m.title, m.name, typ)
	for i, v := range a.dense() {
		fmt.Fprintf(w, "%s,", a.lit(v))
		if i%12 == 11 {
			fmt.Fprintln(w)
		}
	}
	fmt.Fprintf(w, "\n}\n")
}

// goFlags is the keys that only make.
func (j *job) goFlags(w *bytes.Buffer) {
	var codes []string
	for _, k := range j.table.keys {
		if len(k.cells["make_only"].vals) > 0 {
			codes = append(codes, fmt.Sprint(k.cells["code"].vals[0].num))
		}
	}
	fmt.Fprintf(w, "\n// makeOnly are the Linux codes of keys that send nothing when they are let go.\nvar makeOnly = [...]uint16{%s}\n", strings.Join(codes, ", "))
}
