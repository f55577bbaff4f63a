package cpu

// decoder finds the row of an instruction's bytes. It is built once for a VM from the rows whose features are on, and never changes.
type decoder struct {
	rows  []row
	encs  []encoding
	pages [4][256]opcodeEntry
	near  []bool // rows that are near branches: nothing but rip changes
	// special turns off for tests: then every instruction runs by its row's exec function.
	special bool
}

// opcodeEntry holds the rows that one opcode may mean, by ModRM: index 8*(mod==3)+reg; without ModRM all are in class 0.
type opcodeEntry struct {
	modrm bool
	class [16][]uint16
}

// newDecoder builds the tables. Rows whose feature is off are left out, so that their bytes mean what they meant before the feature existed.
func newDecoder(rows []row, has func(feature) bool) *decoder {
	d := &decoder{rows: rows, encs: make([]encoding, len(rows)), near: make([]bool, len(rows)), special: true}
	for i := range rows {
		d.encs[i] = parseEncoding(rows[i].enc)
		d.near[i] = rows[i].attr&rowNear != 0
		if has(rows[i].feat) {
			d.enter(uint16(i))
		}
	}
	return d
}

func (d *decoder) enter(i uint16) {
	e := &d.encs[i]
	n := 1
	if e.plusR {
		n = 8
	}
	for op := int(e.opcode); op < int(e.opcode)+n; op++ {
		t := &d.pages[e.page][op]
		if e.mod == modNo {
			t.class[0] = append(t.class[0], i)
			continue
		}
		t.modrm = true
		for c := range 16 {
			isReg, reg := c >= 8, int8(c&7)
			anyMod := e.page == 1 && e.opcode >= 0x20 && e.opcode <= 0x23 // MOV CR and DR take mod for 3
			if e.reg >= 0 && e.reg != reg || e.mod == modMem && isReg || e.mod == modReg && !isReg && !anyMod {
				continue
			}
			t.class[c] = append(t.class[c], i)
		}
	}
}

// decodeStatus is how decoding ended.
type decodeStatus uint8

// Ends of decoding.
const (
	decodeOK      decodeStatus = iota
	decodeShort                // more bytes are needed than were given
	decodeTooLong              // more than 15 bytes: #GP
)

// maxInst is the longest an instruction can be.
const maxInst = 15

// decoding is the state of decoding one instruction.
type decoding struct {
	d      *decoder
	b      []byte
	n      int
	mode   mode
	in     *inst
	status decodeStatus

	rex      uint8
	opsz     bool
	adsz     bool
	lock     bool
	rep      uint8 // 0, F2 or F3: the last of them
	segment  int8  // of an override; -1: none
	page     uint8
	opcode   uint8
	hasModRM bool
}

// decode reads the instruction at the start of b (which holds 15 bytes, or as many as can be had) and fills in. An instruction that does
// not exist becomes one that raises #UD.
func (d *decoder) decode(b []byte, m mode, in *inst) decodeStatus {
	x := decoding{d: d, b: b, mode: m, in: in, segment: -1}
	*in = inst{base: regZero, index: regZero}
	x.prefixes()
	x.opcodeBytes()
	t := &d.pages[x.page][x.opcode]
	class := 0
	if t.modrm {
		x.hasModRM = true
		in.modrm = x.u8()
		class = int(in.modrm >> 3 & 7)
		if in.modrm >= 0xc0 {
			class += 8
		}
	}
	if x.status != decodeOK {
		return x.status
	}
	i := x.match(t.class[class])
	if i < 0 {
		x.invalid()
		return decodeOK
	}
	x.operands(uint16(i))
	if x.status == decodeOK && x.n > maxInst {
		x.status = decodeTooLong
	}
	if x.status == decodeOK && x.lock && (in.attr&attrMem == 0 || d.rows[i].attr&rowLock == 0) {
		x.invalid()
		return decodeOK
	}
	in.len = uint8(x.n)
	return x.status
}

// invalid makes the instruction one that raises #UD.
func (x *decoding) invalid() {
	*x.in = inst{exec: execUD, row: rowInvalid, len: uint8(min(x.n, maxInst)), base: regZero, index: regZero, modrm: x.in.modrm}
}

// rowInvalid is the row number of instructions that do not exist.
const rowInvalid = 0xffff

func execUD(c *CPU, _ *inst) { c.raiseUD() }

func (x *decoding) u8() uint8 {
	if x.n >= len(x.b) || x.n >= maxInst {
		if x.status == decodeOK {
			x.status = decodeShort
			if x.n >= maxInst {
				x.status = decodeTooLong
			}
		}
		return 0
	}
	v := x.b[x.n]
	x.n++
	return v
}

// uint reads an immediate of the given size.
func (x *decoding) uint(size int) (v uint64) {
	for i := range size {
		v |= uint64(x.u8()) << (8 * i)
	}
	return v
}

// int reads a sign-extended immediate.
func (x *decoding) int(size int) uint64 {
	v := x.uint(size)
	shift := uint(64 - 8*size)
	return uint64(int64(v<<shift) >> shift)
}

// prefixes reads legacy prefixes in any order, and REX, which counts only directly before the opcode (SDM volume 2, 2.2.1).
func (x *decoding) prefixes() {
	for x.status == decodeOK {
		b := x.u8()
		switch b {
		case 0x26, 0x2e, 0x36, 0x3e:
			if x.mode&mode64 == 0 || b == 0x36 { // in 64-bit mode SS still makes #SS of an address that is not canonical
				x.segment = int8(b >> 3 & 3)
			}
		case 0x64, 0x65:
			x.segment = int8(b & 7)
		case 0x66:
			x.opsz = true
		case 0x67:
			x.adsz = true
		case 0xf0:
			x.lock = true
		case 0xf2, 0xf3:
			x.rep = b
		default:
			if x.mode&mode64 != 0 && b&0xf0 == 0x40 {
				x.rex = b
				continue
			}
			x.opcode = b
			return
		}
		x.rex = 0
	}
}

func (x *decoding) opcodeBytes() {
	if x.opcode != 0x0f || x.status != decodeOK {
		return
	}
	x.page, x.opcode = 1, x.u8()
	switch x.opcode {
	case 0x38:
		x.page, x.opcode = 2, x.u8()
	case 0x3a:
		x.page, x.opcode = 3, x.u8()
	}
}

// match picks the row among the candidates: one with the mandatory prefix before one that takes any. It is -1 if there is none.
func (x *decoding) match(cand []uint16) int {
	any := -1
	for _, i := range cand {
		e, attr := &x.d.encs[i], x.d.rows[i].attr
		if e.w >= 0 && (e.w == 1) != (x.rex&8 != 0) || e.rm >= 0 && uint8(e.rm) != x.in.modrm&7 {
			continue
		}
		if x.mode&mode64 != 0 && attr&rowNo64 != 0 || x.mode&mode64 == 0 && attr&rowOnly64 != 0 || x.mode&modeProtected == 0 && attr&rowProt != 0 {
			continue
		}
		switch e.prefix {
		case prefixAny:
			if any < 0 {
				any = int(i)
			}
			continue
		case prefixNone:
			if x.opsz || x.rep != 0 {
				continue
			}
		case prefix66:
			if !x.opsz || x.rep != 0 {
				continue
			}
		case prefixF3:
			if x.rep != 0xf3 {
				continue
			}
		case prefixF2:
			if x.rep != 0xf2 {
				continue
			}
		}
		return int(i)
	}
	return any
}
