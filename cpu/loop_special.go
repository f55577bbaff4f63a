package cpu

import "govm-desktop/x86"

// specialise picks the loop's own form for an instruction, where there is one: operands in registers that are no AH–BH, memory in a flat
// segment (or, in 64-bit mode, at FS or GS without an index), 32 and 64 bits and some bytes. Everything else stays with exec.
func (d *decoder) specialise(in *inst, m mode) {
	if in.row == rowInvalid || m&modeFlat == 0 || m&(mode64|modeCode32) == 0 || in.attr&attrLock != 0 {
		return
	}
	in.dst, in.src = in.reg, in.rm
	if in.attr&attrMem != 0 && !in.flatten(m) {
		return
	}
	e := &d.encs[in.row]
	switch e.page {
	case 0:
		in.specialOne(e.opcode, m)
	case 1:
		in.specialTwo(e.opcode, d.rows[in.row].attr)
	}
}

// flatten makes the memory operand one that the loop's address sum is right for; it reports false where it cannot.
func (in *inst) flatten(m mode) bool {
	if m&mode64 == 0 {
		return in.asize == 4 && (in.seg == x86.DS || in.seg == x86.SS || in.seg == x86.ES)
	}
	switch {
	case in.asize != 8:
		return false
	case in.seg != x86.FS && in.seg != x86.GS:
		return true
	case in.index != regZero:
		return false
	}
	// The code below may still decline; exec then must not see the base twice.
	in.imm2 = regFS + in.seg - x86.FS
	return true
}

// Forms of two-operand instructions, in the order of their codes.
const (
	formRR = iota
	formRI
	formRM
	formMR
	formMI
	numForms
)

// take sets the code; a segment's base takes the index's place.
func (in *inst) take(code uint16) {
	in.code = code
	if in.imm2 != 0 {
		in.index, in.scale = in.imm2, 0
	}
}

// high reports whether a byte register operand is AH–BH; in groups ModRM.reg names none.
func (in *inst) high(op uint8) bool {
	switch {
	case in.opsize != 1:
		return false
	case op >= 0x80 && op <= 0x83 || op >= 0xc0:
		return in.rm&regHigh != 0
	}
	return (in.reg|in.rm)&regHigh != 0
}

// sizeIndex numbers the operand sizes that ALU forms have: 1, 4, 8; -1 for 2.
func (in *inst) sizeIndex() int {
	switch in.opsize {
	case 1:
		return 0
	case 4:
		return 1
	case 8:
		return 2
	}
	return -1
}

// alu takes the form of an ALU operation. numbers: Add Or And Sub Xor Cmp Test.
func (in *inst) alu(op aluOp, form int) {
	z := in.sizeIndex()
	n := [9]int{aluAdd: 0, aluOr: 1, aluAdc: -1, aluSbb: -1, aluAnd: 2, aluSub: 3, aluXor: 4, aluCmp: 5, aluTest: 6}[op]
	if z < 0 || n < 0 {
		return
	}
	in.take(codeAddRR8 + uint16((n*3+z)*numForms+form))
}

// mov takes the form of a MOV between registers and memory.
func (in *inst) mov(form int) {
	z := uint16(sizeLog(in.opsize)) * 4
	switch form {
	case formRR:
		in.take(codeMovRR8 + z)
	case formRM:
		in.take(codeMovRM8 + z)
	case formMR:
		in.take(codeMovMR8 + z)
	case formMI:
		in.take(codeMovMI8 + z)
	case formRI:
		if in.opsize >= 4 {
			in.imm &= sizeMask(in.opsize)
			in.take(codeMovRI)
		}
	}
}

// eg and ge turn the operands r/m, reg and reg, r/m into a form.
func (in *inst) eg() int {
	if in.isMem() {
		in.src = in.reg
		return formMR
	}
	in.dst, in.src = in.rm, in.reg
	return formRR
}

func (in *inst) ge() int {
	in.dst, in.src = in.reg, in.rm
	if in.isMem() {
		return formRM
	}
	return formRR
}

func (in *inst) ei() int {
	if in.isMem() {
		return formMI
	}
	in.dst = in.rm
	return formRI
}

// fuse makes one form of CMP or TEST and the Jcc in the record behind it.
func (in *inst) fuse(jcc *inst) {
	if jcc.code < codeJcc0 || jcc.code > codeJcc15 || in.code < codeCmpRR8 || in.code > codeTestMI64 {
		return
	}
	// The conditions at which to jump, by 1: equal, 2: below, 4: less.
	const equal, below, less = 0b10101010, 0b11001100, 0b11110000
	var when uint8
	switch cc := uint8(jcc.code - codeJcc0); cc &^ 1 {
	case 2:
		when = below
	case 4:
		when = equal
	case 6:
		when = below | equal
	case 8:
		if in.code < codeTestRR8 {
			return // the sign of a difference says nothing on its own
		}
		when = less
	case 12:
		when = less
	case 14:
		when = less | equal
	default:
		return
	}
	if jcc.code&1 != codeJcc0&1 {
		when = ^when
	}
	in.imm2 = when
	in.code += codeCmpJRR8 - codeCmpRR8
}
