package ring3

import (
	"fmt"
	"slices"
	"strings"

	"govm-desktop/cpu"
)

// Form is one way to use a row of the opcode table: what the coverage counts.
type Form struct {
	cpu.Opcode
	Mem   bool
	Size  int    // operand size in bytes; 0: the row has but one
	Extra string // "lock", "rep", "repne"
}

// Key names the form; cases are made from it and a number.
func (f *Form) Key() string {
	s := f.Enc + " " + f.Name
	if f.Size != 0 {
		s += fmt.Sprintf(" %d", 8*f.Size)
	}
	if f.ModRM && f.Memory && f.Registers {
		if f.Mem {
			s += " mem"
		} else {
			s += " reg"
		}
	}
	if f.Extra != "" {
		s += " " + f.Extra
	}
	return s
}

// Class is the group that the form is counted with.
func (f *Form) Class() string {
	switch {
	case f.isString():
		return "string"
	case f.isX87():
		return "x87"
	case f.Feature == "" || f.Feature == "cx8" || f.Feature == "cmov" || f.Feature == "lahf-lm" || f.Feature == "clflush":
		return "integer"
	}
	return f.Feature
}

func (f *Form) isString() bool {
	return f.Page == 0 && f.Byte >= 0xa4 && f.Byte <= 0xaf && f.Byte&0xfe != 0xa8
}
func (f *Form) isX87() bool {
	return f.Page == 0 && (f.Byte >= 0xd8 && f.Byte <= 0xdf || f.Byte == 0x9b)
}
func (f *Form) isMMX() bool { return strings.ContainsAny(f.Args, "PQN") }

// is reports whether the form is an opcode of a page.
func (f *Form) is(page uint8, opcodes ...uint8) bool {
	return f.Page == page && slices.Contains(opcodes, f.Byte)
}

// has reports whether an operand of the row ends in one of the given letters of size ("v" "z" "y").
func (f *Form) has(sizes string) bool {
	for _, a := range strings.Fields(f.Args) {
		if a == "rAX" || len(a) == 2 && strings.Contains(sizes, a[1:]) && a[0] != 'V' {
			return true
		}
	}
	return false
}

// sizes are the operand sizes of a row.
func (f *Form) sizes() []int {
	switch {
	case f.EightBit:
		return []int{1}
	case f.Force64:
		return []int{8}
	case f.Def64:
		return []int{2, 8}
	case f.has("vz"), f.isString(), f.is(0, 0x98, 0x99):
		return []int{2, 4, 8}
	case f.has("y"):
		return []int{4, 8}
	case f.is(0, 0xd9) && f.Args == "M", f.is(0, 0xdd) && f.Args == "M", f.is(1, 0xc7):
		return map[bool][]int{true: {4, 8}, false: {2, 4}}[f.Page == 1]
	}
	return []int{0}
}

// Forms lists all forms of the table that user code in 64-bit mode can be made of.
func Forms() (all []Form) {
	for _, o := range cpu.Opcodes() {
		if o.No64 || o.Privileged || o.System {
			continue
		}
		f := Form{Opcode: o}
		for _, size := range f.sizes() {
			for _, mem := range []bool{false, true} {
				if mem && !o.Memory || !mem && o.ModRM && !o.Registers {
					continue
				}
				f.Size, f.Mem = size, mem
				for _, f.Extra = range f.extras() {
					all = append(all, f)
				}
			}
		}
	}
	return all
}

func (f *Form) extras() []string {
	switch {
	case f.isString():
		return []string{"", "rep", "repne"}
	case f.Lock && f.Mem:
		return []string{"", "lock"}
	}
	return []string{""}
}

// operand is the kind of numbers that the form works on.
func (f *Form) operand() kind {
	n := f.Name
	switch {
	case strings.HasPrefix(n, "cvtdq"), strings.HasPrefix(n, "cvtpi"), strings.HasPrefix(n, "cvtsi"), strings.HasPrefix(n, "fi"):
		return kindInt
	case n == "fbld":
		return kindBCD
	case n == "fldcw", n == "fldenv", n == "frstor", n == "fxrstor", n == "ldmxcsr":
		return kindEnv
	case f.isX87() && f.Args == "Md":
		return kindF32
	case f.isX87() && f.Args == "Mq":
		return kindF64
	case f.isX87():
		return kindF80
	case strings.HasSuffix(n, "ps"), strings.HasSuffix(n, "ss"), strings.HasPrefix(n, "cvtps"), strings.HasPrefix(n, "cvtss"), strings.HasPrefix(n, "cvttps"), strings.HasPrefix(n, "cvttss"):
		return kindF32
	case strings.HasSuffix(n, "pd"), strings.HasSuffix(n, "sd") && f.Page != 0, strings.HasPrefix(n, "cvt"):
		return kindF64
	}
	if strings.Contains(f.Args, "sd") || strings.Contains(f.Args, "pd") {
		return kindF64
	}
	return kindInt
}
