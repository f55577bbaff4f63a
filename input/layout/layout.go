// Package layout knows what the keys of a keyboard give in each of xkb-data's layouts, and how a guest with such a layout is made to see a
// character: for remote clients that say what they typed, not which key it was.
//
// The tables (layouts.gz: xkb-data 2.35.1, MIT and similar licences, see LICENSE.xkb-data) are what libxkbcommon makes of them for a PC keyboard
// of 105 keys: four levels, plain, Shift, AltGr and both, with Caps Lock and without. Fifth levels and further groups are left out. The composing of
// dead keys is X11's for UTF-8 locales.
package layout

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the tables
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"govm-desktop/input"
)

//go:embed layouts.gz
var packed []byte

// Layout is one layout. It is immutable.
type Layout struct {
	name   string
	level3 input.Code // the key that is AltGr; 0: there is none
	keys   map[uint32][]place
	syms   [256]*[8]uint32 // by key: four levels, and under Caps Lock
	latin  bool
	// capsLocks: the key with that name, pressed alone, locks capitals.
	capsLocks bool
	chars     map[uint32]uint32   // legacy keysyms to characters
	dead      map[uint32][]string // a character's ways to be composed, as keysyms in UTF-32 little endian
	us        *Layout             // where keys are looked for that a layout without Latin letters lacks
}

// place is where a keysym is: on a key at a level, 0 to 3; from 4 under Caps Lock.
type place struct {
	code  input.Code
	level uint8
}

// Name is the layout's name, as xkb-data has it: "de", "fr(bepo)".
func (l *Layout) Name() string { return l.name }

// aliases are QEMU's names of layouts.
func alias(name string) string {
	switch name {
	case "ar":
		return "ara"
	case "bepo":
		return "fr(bepo)"
	case "da":
		return "dk"
	case "de-ch":
		return "ch"
	case "en-gb":
		return "gb"
	case "en-us":
		return "us"
	case "et":
		return "ee"
	case "fr-be":
		return "be"
	case "fr-ca":
		return "ca"
	case "fr-ch":
		return "ch(fr)"
	case "ja":
		return "jp"
	case "pt-br":
		return "br"
	case "sl":
		return "si"
	case "sv":
		return "se"
	}
	return name
}

// QEMUNames are the names that QEMU has for layouts and understands after -k; all are understood here.
func QEMUNames() []string {
	return strings.Fields("ar bepo cz da de de-ch en-gb en-us es et fi fo fr fr-be fr-ca fr-ch hr hu is it ja lt lv mk nl no pl pt pt-br ru sl sv th tr")
}

// Find returns a layout by xkb-data's name or QEMU's.
func Find(name string) (*Layout, error) {
	want := alias(name)
	t, err := read(packed)
	if err != nil {
		return nil, fmt.Errorf("layout: the built-in tables: %w", err)
	}
	l, ok := t.layouts[want]
	if !ok {
		return nil, fmt.Errorf("there is no keyboard layout %q%s; -k help lists them", name, t.near(want))
	}
	us := t.build("us", t.layouts["us"])
	if want == "us" {
		return us, nil
	}
	out := t.build(want, l)
	out.us = us
	return out, nil
}

// Names are all layouts that Find knows by xkb-data's names, sorted.
func Names() []string {
	t, err := read(packed)
	if err != nil {
		return nil
	}
	var all []string
	for n := range t.layouts {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// table is the file, unpacked.
type table struct {
	version string
	rows    [][8]uint32
	layouts map[string]*packedLayout
	chars   map[uint32]uint32
	dead    map[uint32][]string
}

type packedLayout struct {
	level3 input.Code
	keys   [256]uint32
}

// near is a hint: layouts that begin like the one that is not there.
func (t *table) near(name string) string {
	base, _, _ := strings.Cut(name, "(")
	var like []string
	for n := range t.layouts {
		if b, _, _ := strings.Cut(n, "("); b == base {
			like = append(like, n)
		}
	}
	if slices.Sort(like); len(like) == 0 {
		return ""
	}
	return " (there are " + strings.Join(like, " ") + ")"
}

// reader reads the numbers and words of the file.
type reader struct {
	r   *bytes.Reader
	err error
}

func (r *reader) n(limit uint64) uint32 {
	v, err := binary.ReadUvarint(r.r)
	if err == nil && v > limit {
		err = fmt.Errorf("%d where at most %d may be", v, limit)
	}
	if err != nil {
		if r.err == nil {
			r.err = err
		}
		return 0
	}
	return uint32(v)
}

func (r *reader) word() string {
	b := make([]byte, r.n(100))
	if _, err := io.ReadFull(r.r, b); err != nil && r.err == nil {
		r.err = err
	}
	return string(b)
}

const anySym = 1<<32 - 1

// read unpacks the file: its version; the distinct keys, a mode and four keysyms (mode 1: Caps Lock swaps Shift; mode 2: four more, under Caps
// Lock); the layouts, each a name, its AltGr and pairs of a key and its row where they differ from the layout before, up to a 0; characters of legacy
// keysyms; and compositions, a count, the character and the keysyms.
func read(data []byte) (*table, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(z, 8<<20))
	if err != nil {
		return nil, err
	}
	r := &reader{r: bytes.NewReader(raw)}
	t := &table{version: r.word(), layouts: map[string]*packedLayout{}, chars: map[uint32]uint32{}, dead: map[uint32][]string{}}
	t.rows = make([][8]uint32, r.n(1<<16))
	for i := 1; i < len(t.rows) && r.err == nil; i++ {
		t.rows[i] = r.row()
	}
	var before [256]uint32
	for n := r.n(4096); n > 0 && r.err == nil; n-- {
		name := r.word()
		l := &packedLayout{level3: input.Code(r.n(255)), keys: before}
		for code := r.n(255); code != 0; code = r.n(255) {
			l.keys[code] = r.n(uint64(len(t.rows) - 1))
		}
		t.layouts[name], before = l, l.keys
	}
	for n := r.n(1 << 16); n > 0 && r.err == nil; n-- {
		sym := r.n(anySym)
		t.chars[sym] = r.n(anySym)
	}
	for n := r.n(1 << 16); n > 0 && r.err == nil; n-- {
		t.composition(r)
	}
	return t, r.err
}

func (r *reader) row() (s [8]uint32) {
	mode := r.n(2)
	for i := range 4 {
		s[i] = r.n(anySym)
	}
	for i := range 4 {
		switch mode {
		case 0:
			s[4+i] = s[i]
		case 1:
			s[4+i] = s[i^1]
		default:
			s[4+i] = r.n(anySym)
		}
	}
	return s
}

func (t *table) composition(r *reader) {
	n := r.n(5)
	c := t.plain(r.n(anySym) | unicode)
	var seq []byte
	for ; n > 1; n-- {
		seq = binary.LittleEndian.AppendUint32(seq, t.plain(r.n(anySym)))
	}
	if len(seq) > 0 {
		t.dead[c] = append(t.dead[c], string(seq))
	}
}

// unicode marks a keysym that is a character.
const unicode = 0x01000000

// plain brings a keysym into the one form that it is compared in: Latin-1 as it is, other characters in the Unicode form.
func (t *table) plain(sym uint32) uint32 { return plain(t.chars, sym) }

func plain(chars map[uint32]uint32, sym uint32) uint32 {
	if u, ok := chars[sym]; ok {
		sym = unicode | u
	}
	if sym >= unicode+0x20 && sym < unicode+0x7f || sym >= unicode+0xa0 && sym <= unicode+0xff {
		sym &^= unicode
	}
	return sym
}

func (t *table) build(name string, p *packedLayout) *Layout {
	l := &Layout{name: name, level3: p.level3, keys: map[uint32][]place{}, chars: t.chars, dead: t.dead}
	for code, row := range p.keys {
		if row == 0 {
			continue
		}
		s := t.rows[row]
		l.syms[code] = &s
		for level, sym := range s {
			if sym != 0 {
				s[level] = t.plain(sym)
				l.keys[s[level]] = append(l.keys[s[level]], place{input.Code(code), uint8(level)})
			}
		}
	}
	l.capsLocks = slices.Contains(l.keys[symCapsLock], place{keyCapsLock, 0})
	l.latin = len(l.keys['a']) > 0 && len(l.keys['z']) > 0
	return l
}
