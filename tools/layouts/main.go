// Command layouts packs what dump.c prints into the file that input/layout embeds: the distinct keys once, then each layout as what is different
// from the layout before. input/layout's reader says the format.
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: layouts VERSION OUT < dump")
		os.Exit(1)
	}
	data, err := pack(os.Stdin, os.Args[1])
	if err == nil {
		err = os.WriteFile(os.Args[2], data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "layouts:", err)
		os.Exit(1)
	}
}

// one is one layout: for each of Linux' codes the number of its row.
type one struct {
	name   string
	level3 uint64
	keys   [256]uint64
}

type packer struct {
	rows    map[string]uint64
	inOrder [][]uint64
	all     []*one
	chars   [][]uint64
	compose [][]uint64
}

func pack(r io.Reader, version string) ([]byte, error) {
	p := &packer{rows: map[string]uint64{"": 0}, inOrder: [][]uint64{nil}}
	s := bufio.NewScanner(r)
	for s.Scan() {
		if err := p.line(s.Text()); err != nil {
			return nil, fmt.Errorf("%q: %w", s.Text(), err)
		}
	}
	return squeeze(p.bytes(version))
}

// squeeze compresses.
func squeeze(raw []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(raw); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// bytes is the file before compression.
func (p *packer) bytes(version string) []byte {
	var raw bytes.Buffer
	w := func(n ...uint64) {
		for _, v := range n {
			raw.Write(binary.AppendUvarint(nil, v))
		}
	}
	str := func(s string) { w(uint64(len(s))); raw.WriteString(s) }
	str(version)
	w(uint64(len(p.inOrder)))
	for _, row := range p.inOrder {
		w(row...)
	}
	w(uint64(len(p.all)))
	var before [256]uint64
	for _, l := range p.all {
		str(l.name)
		w(l.level3)
		for code, row := range l.keys {
			if row != before[code] {
				w(uint64(code), row)
			}
		}
		w(0)
		before = l.keys
	}
	w(uint64(len(p.chars)))
	for _, c := range p.chars {
		w(c...)
	}
	w(uint64(len(p.compose)))
	for _, c := range p.compose {
		w(uint64(len(c)))
		w(c...)
	}
	return raw.Bytes()
}

func (p *packer) line(text string) error {
	f := strings.Fields(text)
	if len(f) < 3 {
		return io.ErrUnexpectedEOF
	}
	var n []uint64
	for _, s := range f[2:] {
		base := 16
		if f[0] == "L" {
			base = 10
		}
		v, err := strconv.ParseUint(s, base, 32)
		if err != nil {
			return err
		}
		n = append(n, v)
	}
	switch f[0] {
	case "L":
		p.all = append(p.all, &one{name: f[1], level3: n[0]})
	case "K":
		code, err := strconv.ParseUint(f[1], 10, 8)
		if err != nil || len(n) != 8 {
			return fmt.Errorf("a key has eight keysyms: %w", err)
		}
		p.all[len(p.all)-1].keys[code] = p.row(n)
	default:
		v, err := strconv.ParseUint(f[1], 16, 32)
		if err != nil {
			return err
		}
		n = append([]uint64{v}, n...)
		if f[0] == "U" {
			p.chars = append(p.chars, n)
		} else {
			p.compose = append(p.compose, n)
		}
	}
	return nil
}

// row numbers a key's keysyms: a mode, four keysyms, and for mode 2 four more. Under Caps Lock mode 0 gives the same, mode 1 swaps Shift.
func (p *packer) row(s []uint64) uint64 {
	r := append([]uint64{2}, s...)
	switch [4]uint64(s[4:]) {
	case [4]uint64(s[:4]):
		r = append([]uint64{0}, s[:4]...)
	case [4]uint64{s[1], s[0], s[3], s[2]}:
		r = append([]uint64{1}, s[:4]...)
	}
	key := fmt.Sprint(r)
	n, ok := p.rows[key]
	if !ok {
		n = uint64(len(p.inOrder))
		p.rows[key], p.inOrder = n, append(p.inOrder, r)
	}
	return n
}
