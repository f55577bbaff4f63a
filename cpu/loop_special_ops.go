package cpu

import "govm-desktop/x86"

// specialOne is specialise for the one-byte opcodes.
func (in *inst) specialOne(op uint8, m mode) {
	if in.isMem() && in.opsize == 1 && in.reg&regHigh != 0 && (op < 0x80 || op == 0x84 || op == 0x88 || op == 0x8a) {
		return
	}
	if !in.isMem() && in.high(op) {
		return
	}
	switch {
	case op < 0x40 && op&7 < 6:
		in.aluOne(aluOp(op>>3), op&7)
	case op >= 0x40 && op < 0x50:
		in.dst = in.reg
		in.one(op>>3&1, false)
	case op >= 0x70 && op < 0x80:
		in.branch(codeJcc0 + uint16(op&15))
	case op >= 0x80 && op <= 0x83:
		in.alu(aluOp(in.modrm>>3&7), in.ei())
	default:
		in.specialRest(op, m)
	}
}

func (in *inst) aluOne(op aluOp, form uint8) {
	switch form {
	case 0, 1:
		in.alu(op, in.eg())
	case 2, 3:
		in.alu(op, in.ge())
	default:
		in.dst = x86.RAX
		in.alu(op, formRI)
	}
}

// pick takes one of two codes by operand size, none for bytes and words.
func (in *inst) pick(code32, code64 uint16) {
	switch in.opsize {
	case 4:
		in.take(code32)
	case 8:
		in.take(code64)
	}
}

// stack takes a code of PUSH, POP and the like: the operand size must be the stack's.
func (in *inst) stack(m mode, code32, code64 uint16) {
	switch {
	case m&mode64 != 0 && in.opsize == 8:
		in.take(code64)
	case m&mode64 == 0 && in.opsize == 4 && m&modeStack32 != 0:
		in.take(code32)
	}
}

// branch takes the code of a relative branch; imm becomes the distance from the block's start.
func (in *inst) branch(code uint16) {
	if in.opsize == 2 {
		return
	}
	in.imm += uint64(in.off) + uint64(in.len)
	in.code = code
}

func (in *inst) one(dec uint8, mem bool) {
	switch {
	case mem && dec == 0:
		in.pick(codeIncM32, codeIncM64)
	case mem:
		in.pick(codeDecM32, codeDecM64)
	case dec == 0:
		in.pick(codeIncR32, codeIncR64)
	default:
		in.pick(codeDecR32, codeDecR64)
	}
}

func (in *inst) specialRest(op uint8, m mode) {
	switch op {
	case 0x50:
		in.src = in.reg
		in.stack(m, codePushR32, codePushR64)
	case 0x58:
		in.dst = in.reg
		in.stack(m, codePopR32, codePopR64)
	case 0x63:
		in.movsxd()
	case 0x68, 0x6a:
		in.stack(m, codePushI32, codePushI64)
	case 0x69, 0x6b:
		if !in.isMem() {
			in.pick(codeImulRRI32, codeImulRRI64)
		}
	case 0x84, 0x85:
		in.alu(aluTest, in.eg())
	case 0x86, 0x87:
		if !in.isMem() {
			in.pick(codeXchgRR32, codeXchgRR64)
		}
	case 0x88, 0x89:
		in.mov(in.eg())
	case 0x8a, 0x8b:
		in.mov(in.ge())
	case 0x8d:
		in.lea()
	case 0x90:
		in.nop()
	case 0x98:
		if in.opsize == 8 {
			in.take(codeCdqe)
		}
	case 0x99:
		in.pick(codeCdq, codeCqo)
	case 0xa8, 0xa9:
		in.dst = x86.RAX
		in.alu(aluTest, formRI)
	case 0xb8:
		in.dst = in.reg
		in.mov(formRI)
	default:
		in.specialHigh(op, m)
	}
}

func (in *inst) nop() {
	if in.modrm == 0 && in.reg == x86.RAX {
		in.code = codeNop
	}
}

func (in *inst) lea() {
	if in.imm2 != 0 { // a segment prefix means nothing to LEA
		in.imm2 = 0
	}
	in.pick(codeLea32, codeLea64)
}

func (in *inst) movsxd() {
	if in.opsize == 8 {
		in.take([2]uint16{codeMovsx64RR32, codeMovsx64RM32}[in.ge()/formRM])
	}
}

func (in *inst) specialHigh(op uint8, m mode) {
	switch op {
	case 0xc0, 0xc1, 0xd0, 0xd1:
		in.shift(op)
	case 0xc3:
		in.stack(m, codeRet32, codeRet64)
	case 0xc6, 0xc7:
		in.mov(in.ei())
	case 0xc9:
		in.stack(m, codeLeave32, codeLeave64)
	case 0xe8:
		if m&mode64 != 0 || in.opsize == 4 && m&modeStack32 != 0 {
			in.branch([2]uint16{codeCall32, codeCall64}[m&mode64/mode64])
		}
	case 0xe9, 0xeb:
		in.branch(codeJmp)
	case 0xf6, 0xf7:
		in.group3()
	case 0xfe, 0xff:
		in.group5(m)
	}
}

func (in *inst) shift(op uint8) {
	if op >= 0xd0 {
		in.imm = 1
	}
	n := in.imm & uint64(8*in.opsize-1)
	if in.isMem() || n == 0 {
		return
	}
	in.dst = in.rm
	switch in.modrm >> 3 & 7 {
	case 4, 6:
		in.pick(codeShlRI32, codeShlRI64)
	case 5:
		in.pick(codeShrRI32, codeShrRI64)
	case 7:
		in.pick(codeSarRI32, codeSarRI64)
	}
}

func (in *inst) group3() {
	switch in.modrm >> 3 & 7 {
	case 0, 1:
		in.alu(aluTest, in.ei())
	case 2:
		if !in.isMem() {
			in.dst = in.rm
			in.pick(codeNotR32, codeNotR64)
		}
	case 3:
		if !in.isMem() {
			in.dst = in.rm
			in.pick(codeNegR32, codeNegR64)
		}
	}
}

func (in *inst) group5(m mode) {
	in.dst, in.src = in.rm, in.rm
	mem := in.isMem()
	switch n := in.modrm >> 3 & 7; {
	case n < 2:
		in.one(n, mem)
	case n == 2 && mem:
		in.stack(m, codeCallM32, codeCallM64)
	case n == 2:
		in.stack(m, codeCallR32, codeCallR64)
	case n == 4 && mem:
		in.stack(m, codeJmpM32, codeJmpM64)
	case n == 4:
		in.stack(m, codeJmpR, codeJmpR)
	case n == 6 && mem:
		in.stack(m, codePushM32, codePushM64)
	case n == 6:
		in.stack(m, codePushR32, codePushR64)
	}
}

// specialTwo is specialise for the opcodes after 0F.
func (in *inst) specialTwo(op uint8, attr rowAttr) {
	switch {
	case op >= 0x80 && op < 0x90:
		in.branch(codeJcc0 + uint16(op&15))
	case op >= 0x90 && op < 0xa0:
		if !in.isMem() && in.rm&regHigh == 0 {
			in.dst = in.rm
			in.take(codeSet0 + uint16(op&15))
		}
	case op >= 0x40 && op < 0x50:
		if in.ge() == formRR {
			in.pick(codeCmovRR32x0+uint16(op&15), codeCmovRR64x0+uint16(op&15))
		}
	case op >= 0x19 && op < 0x20:
		in.code = codeNop
	case op == 0xaf:
		if in.ge() == formRR {
			in.pick(codeImulRR32, codeImulRR64)
		} else {
			in.pick(codeImulRM32, codeImulRM64)
		}
	case op == 0xb6 || op == 0xb7 || op == 0xbe || op == 0xbf:
		in.extend(op)
	}
}

// extend is MOVZX and MOVSX.
func (in *inst) extend(op uint8) {
	mem := in.ge() / formRM
	if in.opsize < 4 || mem == 0 && op&1 == 0 && in.attr&attrREX == 0 && in.rm >= 4 {
		return
	}
	zx := [2][2]uint16{{codeMovzxRR8, codeMovzxRM8}, {codeMovzxRR16, codeMovzxRM16}}
	sx32 := [2][2]uint16{{codeMovsx32RR8, codeMovsx32RM8}, {codeMovsx32RR16, codeMovsx32RM16}}
	sx64 := [2][2]uint16{{codeMovsx64RR8, codeMovsx64RM8}, {codeMovsx64RR16, codeMovsx64RM16}}
	if op < 0xb8 {
		in.take(zx[op&1][mem])
		return
	}
	in.pick(sx32[op&1][mem], sx64[op&1][mem])
}
