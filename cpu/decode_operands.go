package cpu

// operands fills the instruction in, its row being known.
func (x *decoding) operands(i uint16) {
	in, r, e := x.in, &x.d.rows[i], &x.d.encs[i]
	in.row, in.exec = i, r.exec
	x.sizes(r.attr, e.prefix)
	x.attributes()
	in.seg = 3
	if x.segment >= 0 {
		in.seg = uint8(x.segment)
	}
	if e.plusR {
		in.reg = x.register(x.opcode&7, x.rex&1, in.opsize)
		in.rm = in.reg
	}
	if x.hasModRM {
		x.modRM(e.mod == modReg)
	}
	x.immediate(e.imm)
	if in.attr&attrRIPRel != 0 {
		in.disp += int64(x.n)
	}
}

// sizes sets operand and address size (SDM volume 1, tables 3-3 and 3-4).
func (x *decoding) sizes(attr rowAttr, p prefix) {
	in := x.in
	opsz := x.opsz && p != prefix66
	switch {
	case x.mode&mode64 != 0:
		in.asize = 8
		if x.adsz {
			in.asize = 4
		}
		switch {
		case attr&rowByte != 0:
			in.opsize = 1
		case attr&rowForce64 != 0 || x.rex&8 != 0:
			in.opsize = 8
		case opsz:
			in.opsize = 2
		case attr&rowDef64 != 0:
			in.opsize = 8
		default:
			in.opsize = 4
		}
		return
	case (x.mode&modeCode32 != 0) != x.adsz:
		in.asize = 4
	default:
		in.asize = 2
	}
	switch {
	case attr&rowByte != 0:
		in.opsize = 1
	case (x.mode&modeCode32 != 0) != opsz:
		in.opsize = 4
	default:
		in.opsize = 2
	}
}

func (x *decoding) attributes() {
	a := &x.in.attr
	if x.lock {
		*a |= attrLock
	}
	switch x.rep {
	case 0xf3:
		*a |= attrRep
	case 0xf2:
		*a |= attrRepne
	}
	if x.opsz {
		*a |= attrOpsz
	}
	if x.rex != 0 {
		*a |= attrREX
	}
	if x.rex&8 != 0 {
		*a |= attrREXW
	}
}

// register is a register's number in an inst: REX's bit added, or AH–BH told apart.
func (x *decoding) register(n, ext, size uint8) uint8 {
	if size == 1 && x.rex == 0 && n >= 4 {
		return regHigh | n&3
	}
	return n | ext<<3
}

// modRM reads what ModRM names. regOnly: the instruction takes mod for 3 whatever it says.
func (x *decoding) modRM(regOnly bool) {
	in := x.in
	mod, rm := in.modrm>>6, in.modrm&7
	in.reg = x.register(in.modrm>>3&7, x.rex>>2&1, in.opsize)
	in.rm = x.register(rm, x.rex&1, in.opsize)
	if mod == 3 || regOnly {
		return
	}
	in.attr |= attrMem
	if in.asize == 2 {
		x.mem16(mod, rm)
		return
	}
	stack := false
	switch {
	case rm == 4:
		stack = x.sib(mod)
	case rm == 5 && mod == 0:
		in.disp = int64(x.int(4))
		if x.mode&mode64 != 0 {
			in.base = regRIP
			in.attr |= attrRIPRel
		}
	default:
		in.base = rm | x.rex&1<<3
		stack = in.base == 5
	}
	switch mod {
	case 1:
		in.disp = int64(x.int(1))
	case 2:
		in.disp = int64(x.int(4))
	}
	if stack && x.segment < 0 {
		in.seg = 2
	}
}

// sib reads the SIB byte; true if the base makes SS the default segment.
func (x *decoding) sib(mod uint8) bool {
	in, b := x.in, x.u8()
	if i := b>>3&7 | x.rex>>1&1<<3; i != 4 {
		in.index, in.scale = i, b>>6
	}
	if b&7 == 5 && mod == 0 {
		in.disp = int64(x.int(4))
		return false
	}
	in.base = b&7 | x.rex&1<<3
	return in.base == 4 || in.base == 5
}

// mem16 is 16-bit addressing (SDM volume 2, table 2-1).
func (x *decoding) mem16(mod, rm uint8) {
	in := x.in
	base := [8]uint8{3, 3, 5, 5, 6, 7, 5, 3}
	index := [8]uint8{6, 7, 6, 7, regZero, regZero, regZero, regZero}
	in.base, in.index = base[rm], index[rm]
	if rm == 6 && mod == 0 {
		in.base = regZero
		in.disp = int64(x.int(2))
		return
	}
	switch mod {
	case 1:
		in.disp = int64(x.int(1))
	case 2:
		in.disp = int64(x.int(2))
	}
	if in.base == 5 && x.segment < 0 {
		in.seg = 2
	}
}

func (x *decoding) immediate(k immKind) {
	in := x.in
	switch k {
	case immB, immCB:
		in.imm = x.int(1)
	case immW:
		in.imm = x.int(2)
	case immD:
		in.imm = x.int(4)
	case immZ:
		in.imm = x.int(min(4, int(in.opsize)))
	case immV:
		in.imm = x.int(int(in.opsize))
	case immCZ:
		in.imm = x.int(min(4, int(in.opsize)))
	case immMoffs:
		in.imm = x.uint(int(in.asize))
	case immFar:
		in.imm = x.uint(int(in.opsize))
		in.disp = int64(x.uint(2))
	case immEnter:
		in.imm = x.uint(2)
		in.imm2 = x.u8()
	case immBB:
		in.imm = x.int(1)
		in.imm2 = x.u8()
	}
}
