package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// entry is what one key has in one map: the value that is written out, and the others that are understood.
type entry struct {
	vals  []value
	names []string // of maps whose codes have names (linux, osx, win32)
	line  int
}

// value is a number or a word.
type value struct {
	num uint32
	str string
}

// String is the value as tables print it.
func (v value) String() string {
	if v.str != "" {
		return strconv.Quote(v.str)
	}
	return fmt.Sprintf("%#x", v.num)
}

// key is one row.
type key struct {
	line  int
	cells map[string]entry
}

// table is a whole file of keys.
type table struct {
	file string
	keys []*key
	// later: a value that two keys have belongs to the later one, as keycodemapdb's tool has it; and a known key without a value in
	// the other map gets what the reserved key has there.
	later bool
}

// column says how the cells of one column are read.
type column struct {
	name string
	read func(string) (value, error)
}

// columns are those of our own file, in their order.
func columns() []column {
	return []column{{"linux", word}, {"code", number(0xffff)}, {"qcode", word}, {"qnum", number(0xff)}, {"set1", sequence}, {"set1_linux", sequence},
		{"set2", sequence}, {"set2_linux", sequence}, {"set3", number(0xff)}, {"make_only", word}, {"usb", usage}, {"html", word}, {"x11", keysym},
		{"xkb", word}, {"xorgkbd", number(0xff)}, {"xwin", number(0xff)}, {"win32", virtualKey}, {"win32_name", word}, {"osx", number(0xff)},
		{"sdl2", number(0x1ff)}, {"sdl3", number(0x1ff)}, {"sun", number(0x7f)}, {"adb", number(0x7f)}}
}

func word(s string) (value, error) { return value{str: s}, nil }

func number(limit uint64) func(string) (value, error) {
	return func(s string) (value, error) {
		n, err := strconv.ParseUint(s, 0, 32)
		if err != nil || n > limit {
			return value{}, fmt.Errorf("%q is no number up to %#x", s, limit)
		}
		return value{num: uint32(n)}, nil
	}
}

// sequence is a make code: a byte, or E0 and a byte; "-" says that there is none.
func sequence(s string) (value, error) {
	if s == "-" {
		return value{}, nil
	}
	n, err := strconv.ParseUint(s, 0, 16)
	if err != nil || n == 0 || n > 0xff && (n>>8 != 0xe0 || n&0x80 != 0) {
		return value{}, fmt.Errorf("%q is no make code (0xNN or 0xe0NN)", s)
	}
	return value{num: uint32(n)}, nil
}

// usage is a HID usage, page:usage in hexadecimal.
func usage(s string) (value, error) {
	page, id, ok := strings.Cut(s, ":")
	p, err := strconv.ParseUint(page, 16, 8)
	u, err2 := strconv.ParseUint(id, 16, 16)
	if !ok || errors.Join(err, err2) != nil {
		return value{}, fmt.Errorf("%q is no page:usage", s)
	}
	return value{num: uint32(p<<16 | u)}, nil
}

// virtualKey is a Windows key; + is the extended flag, bit 8 of the code.
func virtualKey(s string) (value, error) {
	n, ext := strings.CutSuffix(s, "+")
	v, err := number(0xff)(n)
	if ext {
		v.num |= 0x100
	}
	return v, err
}

// keysym is an X11 keysym, name=number.
func keysym(s string) (value, error) {
	name, n, ok := strings.Cut(s, "=")
	v, err := number(0x1fffffff)(n)
	if !ok || name == "" || err != nil {
		return value{}, fmt.Errorf("%q is no name=number of a keysym", s)
	}
	v.str = name
	return v, nil
}

// readTable reads our own format. Every mistake is reported, with its line.
func readTable(file string, data []byte) (*table, error) {
	t := &table{file: file}
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: no header: %w", file, err)
	}
	known := map[string]column{}
	for _, c := range columns() {
		known[c.name] = c
	}
	at := map[string]bool{}
	var bad []error
	for _, h := range header {
		if _, ok := known[h]; !ok {
			bad = append(bad, fmt.Errorf("%s:1: unknown column %q", file, h))
		} else if at[h] {
			bad = append(bad, fmt.Errorf("%s:1: column %q twice", file, h))
		}
		at[h] = true
	}
	if !at["code"] {
		bad = append(bad, fmt.Errorf("%s:1: no column \"code\"", file))
	}
	for len(bad) == 0 {
		rec, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		line, _ := r.FieldPos(0)
		if len(rec) != len(header) {
			return nil, fmt.Errorf("%s:%d: %d cells, the header has %d", file, line, len(rec), len(header))
		}
		k, errs := readKey(file, line, header, rec, known)
		t.keys, bad = append(t.keys, k), append(bad, errs...)
	}
	if len(bad) == 0 {
		bad = t.check()
	}
	return t, errors.Join(bad...)
}

func readKey(file string, line int, header, rec []string, known map[string]column) (*key, []error) {
	k := &key{line: line, cells: map[string]entry{}}
	var bad []error
	for i, cell := range rec {
		e := entry{line: line}
		for _, s := range strings.Fields(cell) {
			v, err := known[header[i]].read(s)
			if err != nil {
				bad = append(bad, fmt.Errorf("%s:%d: column %s: %w", file, line, header[i], err))
				continue
			}
			e.vals = append(e.vals, v)
		}
		if len(e.vals) > 0 {
			k.cells[header[i]] = e
		}
	}
	if len(k.cells["code"].vals) != 1 && len(bad) == 0 {
		bad = append(bad, fmt.Errorf("%s:%d: column code: one number is wanted", file, line))
	}
	return k, bad
}

// check finds values that two keys claim, and scan codes that disagree.
func (t *table) check() []error {
	var bad []error
	for _, c := range columns() {
		if c.name == "make_only" {
			continue
		}
		owner := map[value]int{}
		for _, k := range t.keys {
			for _, v := range k.cells[c.name].vals {
				if v == (value{}) && strings.HasPrefix(c.name, "set") {
					continue // "-"
				}
				if first, ok := owner[v]; ok {
					bad = append(bad, fmt.Errorf("%s:%d: column %s: %v is in line %d already", t.file, k.line, c.name, v, first))
				}
				owner[v] = k.line
			}
		}
	}
	for _, k := range t.keys {
		for _, variant := range []string{"", "_linux"} {
			bad = append(bad, t.checkSets(k, k.cells["set1"+variant], k.cells["set2"+variant])...)
		}
	}
	return bad
}

// checkSets holds a key's set 2 against its set 1.
func (t *table) checkSets(k *key, one, two entry) []error {
	if len(one.vals) != len(two.vals) {
		return []error{fmt.Errorf("%s:%d: %d codes in set 1, %d in set 2", t.file, k.line, len(one.vals), len(two.vals))}
	}
	var bad []error
	for i, v := range two.vals {
		if got := translate(v.num); got != one.vals[i].num {
			bad = append(bad, fmt.Errorf("%s:%d: set 2 code %v translates to %#x, set 1 has %v", t.file, k.line, v, got, one.vals[i]))
		}
	}
	return bad
}

// translate is what the 8042 makes of a set 2 make code.
func translate(code uint32) uint32 {
	b := code & 0xff
	switch {
	case code == 0:
		return 0
	case b < 0x80:
		b = uint32(set2to1[b])
	case b == 0x83:
		b = 0x41
	case b == 0x84:
		b = 0x54
	}
	return code&0xff00 | b
}

// set2to1 is the 8042's translation table, for codes below 80.
const set2to1 = "" +
	"\xff\x43\x41\x3f\x3d\x3b\x3c\x58\x64\x44\x42\x40\x3e\x0f\x29\x59" +
	"\x65\x38\x2a\x70\x1d\x10\x02\x5a\x66\x71\x2c\x1f\x1e\x11\x03\x5b" +
	"\x67\x2e\x2d\x20\x12\x05\x04\x5c\x68\x39\x2f\x21\x14\x13\x06\x5d" +
	"\x69\x31\x30\x23\x22\x15\x07\x5e\x6a\x72\x32\x24\x16\x08\x09\x5f" +
	"\x6b\x33\x25\x17\x18\x0b\x0a\x60\x6c\x34\x35\x26\x27\x19\x0c\x61" +
	"\x6d\x73\x28\x74\x1a\x0d\x62\x6e\x3a\x36\x1c\x1b\x75\x2b\x63\x76" +
	"\x55\x56\x77\x78\x79\x7a\x0e\x7b\x7c\x4f\x7d\x4b\x47\x7e\x7f\x6f" +
	"\x52\x53\x50\x4c\x4d\x48\x01\x45\x57\x4e\x51\x4a\x37\x49\x46\x54"
