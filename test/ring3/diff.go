package ring3

import (
	"encoding/binary"
	"fmt"
	"strings"
)

func regName(i int) string {
	return strings.Fields("rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15")[i]
}

// Field is one thing that two results, or a case and its result, disagree on.
type Field struct {
	Name      string
	Got, Want string
}

func (f Field) String() string { return fmt.Sprintf("%s = %s, want %s", f.Name, f.Got, f.Want) }

// Diff lists where two results of a case differ.
func Diff(got, want *Result) (d []Field) {
	add := func(name string, a, b any) {
		d = append(d, Field{name, fmt.Sprintf("%x", a), fmt.Sprintf("%x", b)})
	}
	quad := func(name string, at int) {
		if a, b := get(got.Out[:], at), get(want.Out[:], at); a != b {
			add(name, a, b)
		}
	}
	for i := range 16 {
		quad(regName(i), 8*i)
	}
	for i, n := range strings.Fields("rflags how vector code rip frame frame.rsp") {
		quad(n, recFlags+8*i)
	}
	if get(got.Out[:], recVector) == 14 && get(want.Out[:], recVector) == 14 {
		quad("cr2", recCR2)
	}
	le := binary.LittleEndian
	a, b := got.Out[recFX:], want.Out[recFX:]
	for _, f := range []struct {
		name string
		at   int
	}{{"fcw", 0}, {"fsw", 2}, {"ftw", 4}, {"fop", 6}} {
		if x, y := le.Uint16(a[f.at:]), le.Uint16(b[f.at:]); x != y {
			add(f.name, x, y)
		}
	}
	for i, n := range []string{"fip", "fdp"} {
		if x, y := get(a, 8+8*i), get(b, 8+8*i); x != y {
			add(n, x, y)
		}
	}
	if x, y := le.Uint32(a[24:]), le.Uint32(b[24:]); x != y {
		add("mxcsr", x, y)
	}
	for i := range 24 {
		n, at := fmt.Sprintf("st%d", i), 32+16*i
		if i >= 8 {
			n = fmt.Sprintf("xmm%d", i-8)
		}
		x, y := [2]uint64{get(a, at), get(a, at+8)}, [2]uint64{get(b, at), get(b, at+8)}
		if x != y {
			d = append(d, Field{n, fmt.Sprintf("%04x:%016x", x[1], x[0]), fmt.Sprintf("%04x:%016x", y[1], y[0])})
		}
	}
	for i := 0; i < dataSize; i += 8 {
		if x, y := get(got.Data[:], i), get(want.Data[:], i); x != y {
			add(fmt.Sprintf("data+%d", i), x, y)
		}
	}
	return d
}

// String shows the case for a report.
func (c *Case) String() string {
	s := fmt.Sprintf("%s #%d: % x\n   ", c.Name, c.N, c.Code)
	if c.Form == nil {
		s += c.mnemonics() + "\n   "
	}
	for i := range 16 {
		s += fmt.Sprintf(" %s=%x", regName(i), get(c.in[:], 8*i))
	}
	fx := c.in[recFX:]
	s += fmt.Sprintf(" flags=%x fcw=%x fsw=%x ftw=%x mxcsr=%x window=%x\n   ", get(c.in[:], recFlags), fx[0:2], fx[2:4], fx[4], binary.LittleEndian.Uint32(fx[24:]), c.window)
	for i := range 8 {
		s += fmt.Sprintf(" st%d=%04x:%016x", i, get(fx, 40+16*i)&0xffff, get(fx, 32+16*i))
	}
	if c.Form == nil || strings.ContainsAny(c.Form.Args, "VWU") {
		s += "\n   "
		for i := range 16 {
			s += fmt.Sprintf(" x%d=%016x:%016x", i, get(fx, 168+16*i), get(fx, 160+16*i))
		}
	}
	return s
}
