package acpi

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Term is a piece of ACPI machine language: a value, a reference, an operation or a definition (ACPI 6.4, chapter 20).
type Term []byte

// cat joins terms.
func cat(terms ...Term) Term {
	var out Term
	for _, t := range terms {
		out = append(out, t...)
	}
	return out
}

// packaged puts a PkgLength, which counts itself, before a body (20.2.4).
func packaged(body Term) Term {
	n := len(body)
	for extra := range 4 {
		if total := n + 1 + extra; extra == 0 && total < 1<<6 || extra > 0 && total < 1<<(4+8*extra) {
			return append(pkgLength(total, extra), body...)
		}
	}
	panic("acpi: package larger than 256 MiB")
}

func pkgLength(n, extra int) Term {
	if extra == 0 {
		return Term{uint8(n)}
	}
	out := Term{uint8(extra<<6 | n&0xf)}
	for i := range extra {
		out = append(out, uint8(n>>(4+8*i)))
	}
	return out
}

// Path is a reference to a name: segments of up to four letters joined by dots, after "\" or "^"s.
func Path(name string) Term {
	var out Term
	for name != "" && (name[0] == '\\' || name[0] == '^') {
		out = append(out, name[0])
		name = name[1:]
	}
	if name == "" {
		return append(out, 0)
	}
	segs := strings.Split(name, ".")
	switch len(segs) {
	case 1:
	case 2:
		out = append(out, 0x2e)
	default:
		out = append(out, 0x2f, uint8(len(segs)))
	}
	for _, s := range segs {
		if len(s) == 0 || len(s) > 4 {
			panic(fmt.Sprintf("acpi: name segment %q", s))
		}
		out = append(out, (s + "____")[:4]...)
	}
	return out
}

// Int is an integer in its shortest form.
func Int(v uint64) Term {
	switch {
	case v <= 1:
		return Term{uint8(v)}
	case v < 1<<8:
		return Term{0x0a, uint8(v)}
	case v < 1<<16:
		return binary.LittleEndian.AppendUint16(Term{0x0b}, uint16(v))
	case v < 1<<32:
		return binary.LittleEndian.AppendUint32(Term{0x0c}, uint32(v))
	}
	return binary.LittleEndian.AppendUint64(Term{0x0e}, v)
}

// Str is a string of ASCII.
func Str(s string) Term { return append(append(Term{0x0d}, s...), 0) }

// EISAID is the number that stands for a seven-letter plug-and-play name such as PNP0A03 (19.6.36).
func EISAID(id string) Term {
	var n uint16
	for _, c := range id[:3] {
		n = n<<5 | uint16(c-'@')&0x1f
	}
	var product uint16
	if _, err := fmt.Sscanf(id[3:], "%04X", &product); err != nil {
		panic("acpi: EISA ID " + id)
	}
	return Term{0x0c, uint8(n >> 8), uint8(n), uint8(product >> 8), uint8(product)}
}

// Buffer is a row of bytes.
func Buffer(b []byte) Term { return append(Term{0x11}, packaged(append(Int(uint64(len(b))), b...))...) }

// Package is a list of values.
func Package(elems ...Term) Term {
	return append(Term{0x12}, packaged(append(Term{uint8(len(elems))}, cat(elems...)...))...)
}

// Definitions.

// Scope opens a place in the name space that exists.
func Scope(name string, body ...Term) Term {
	return append(Term{0x10}, packaged(cat(Path(name), cat(body...)))...)
}

// Device defines a device.
func Device(name string, body ...Term) Term {
	return append(Term{0x5b, 0x82}, packaged(cat(Path(name), cat(body...)))...)
}

// Name defines a value.
func Name(name string, value Term) Term { return cat(Term{0x08}, Path(name), value) }

// Method defines a method; a serialized one is not entered twice at a time.
func Method(name string, args int, serialized bool, body ...Term) Term {
	flags := uint8(args)
	if serialized {
		flags |= 8
	}
	return append(Term{0x14}, packaged(cat(Path(name), Term{flags}, cat(body...)))...)
}

// Space is what an operation region lies in.
type Space uint8

// Spaces of operation regions.
const (
	SystemMemory Space = 0
	SystemIO     Space = 1
	PCIConfig    Space = 2
)

// OperationRegion defines a row of registers.
func OperationRegion(name string, in Space, off, length uint64) Term {
	return cat(Term{0x5b, 0x80}, Path(name), Term{uint8(in)}, Int(off), Int(length))
}

// Bits is a named part of a region; without a name it is passed over.
type Bits struct {
	Name string
	N    int
}

// ByteField names parts of a region that is accessed in bytes, not locked, the rest preserved.
func ByteField(region string, parts ...Bits) Term {
	body := append(Path(region), 0x01)
	for _, p := range parts {
		if p.Name == "" {
			body = append(body, 0)
		} else {
			body = append(body, Path(p.Name)...)
		}
		extra := 0
		if p.N >= 1<<6 {
			extra = 1
		}
		body = append(body, pkgLength(p.N, extra)...)
	}
	return append(Term{0x5b, 0x81}, packaged(body)...)
}

// CreateDWordField names four bytes of a buffer.
func CreateDWordField(buffer Term, index uint64, name string) Term {
	return cat(Term{0x8a}, buffer, Int(index), Path(name))
}

// Statements and operations.

// Local is a method's variable 0–7.
func Local(n int) Term { return Term{0x60 + uint8(n)} }

// Arg is a method's argument 0–6.
func Arg(n int) Term { return Term{0x68 + uint8(n)} }

// Store copies a value to a target.
func Store(value, to Term) Term { return cat(Term{0x70}, value, to) }

// And is the bitwise conjunction, left in to as well, unless that is nil.
func And(a, b, to Term) Term { return cat(Term{0x7b}, a, b, target(to)) }

// Or is the bitwise disjunction.
func Or(a, b, to Term) Term { return cat(Term{0x7d}, a, b, target(to)) }

func target(to Term) Term {
	if to == nil {
		return Term{0}
	}
	return to
}

// Less is true if a < b.
func Less(a, b Term) Term { return cat(Term{0x95}, a, b) }

// Equal is true if a == b.
func Equal(a, b Term) Term { return cat(Term{0x93}, a, b) }

// If runs the body where the condition is not zero.
func If(cond Term, body ...Term) Term {
	return append(Term{0xa0}, packaged(cat(cond, cat(body...)))...)
}

// Else follows If.
func Else(body ...Term) Term { return append(Term{0xa1}, packaged(cat(body...))...) }

// Return ends a method with a value.
func Return(v Term) Term { return append(Term{0xa4}, v...) }
