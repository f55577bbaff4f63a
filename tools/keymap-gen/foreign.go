package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
)

// The columns of keycodemapdb's file, by position.
const (
	fLinuxName = iota
	fLinux
	fOSXName
	fOSX
	fSet1
	fSet2
	fSet3
	fUSB
	fWin32Name
	fWin32
	fXwin
	fXkbd
	fX11Name
	fX11
	fHTML
	fXKB
	fQcode
	fSun
	fADB
	foreignColumns
)

// readForeign reads keycodemapdb's format. Rows of one Linux code are one key; in each column the last of them that has a value wins.
func readForeign(file string, data []byte) (*table, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	recs, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(recs) == 0 {
		return nil, fmt.Errorf("%s: no header", file)
	}
	t := &table{file: file, later: true}
	for i, rec := range recs[1:] {
		line := i + 2
		if len(rec) != foreignColumns {
			return nil, fmt.Errorf("%s:%d: %d cells, the format has %d", file, line, len(rec), foreignColumns)
		}
		k, err := foreignKey(file, line, rec)
		if err != nil {
			return nil, err
		}
		t.keys = append(t.keys, k)
	}
	return t, nil
}

func foreignKey(file string, line int, rec []string) (*key, error) {
	k := &key{line: line, cells: map[string]entry{}}
	for _, c := range []struct {
		name     string
		at, also int
		number   bool
	}{
		{"code", fLinux, fLinuxName, true}, {"linux", fLinuxName, -1, false}, {"osx", fOSX, fOSXName, true}, {"set1", fSet1, -1, true},
		{"set2", fSet2, -1, true}, {"set3", fSet3, -1, true}, {"usb", fUSB, -1, true}, {"win32", fWin32, fWin32Name, true}, {"xwin", fXwin, -1, true},
		{"xkbdxt", fXkbd, -1, true}, {"x11", fX11, fX11Name, true}, {"html", fHTML, -1, false}, {"xkb", fXKB, -1, false},
		{"qcode", fQcode, -1, false}, {"sun", fSun, -1, true}, {"adb", fADB, -1, true},
	} {
		e := entry{line: line}
		if c.also >= 0 && rec[c.also] != "" {
			e.names = []string{rec[c.also]}
		}
		switch s := rec[c.at]; {
		case s == "":
		case c.number:
			n, err := strconv.ParseUint(s, 0, 32)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: cell %d: %q is no number", file, line, c.at+1, s)
			}
			e.vals = []value{{num: uint32(n)}}
		default:
			e.vals = []value{{str: s}}
		}
		if len(e.vals) > 0 {
			k.cells[c.name] = e
		}
	}
	if len(k.cells["code"].vals) == 0 {
		return nil, fmt.Errorf("%s:%d: no Linux code", file, line)
	}
	return k, nil
}
