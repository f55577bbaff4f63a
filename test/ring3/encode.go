package ring3

import (
	"encoding/binary"
	"strings"
)

// place is a memory operand: the bytes of its ModRM, and what must come before.
type place struct {
	prefix []byte
	rex    byte
	rm     []byte // ModRM without reg, SIB, displacement
	ripRel bool
	addr   uint64
}

// instruction makes up an instruction of the form.
func (g *gen) instruction() []byte {
	f, r := g.f, g.r
	var prefix []byte
	var rex byte
	switch f.Extra {
	case "lock":
		prefix = append(prefix, 0xf0)
	case "rep":
		prefix = append(prefix, 0xf3)
	case "repne":
		prefix = append(prefix, 0xf2)
	}
	if f.Extra == "" && r.IntN(150) == 0 && !g.seq && f.Args != "M" {
		prefix = append(prefix, 0xf0) // LOCK where it may not be
	}
	if f.Size == 2 || f.Prefix == 0x66 {
		prefix = append(prefix, 0x66)
	}
	if f.Prefix > 0x66 {
		prefix = append(prefix, f.Prefix)
	}
	if f.W == 1 || f.Size == 8 && !f.Def64 && !f.Force64 {
		rex |= 0x48
	}
	if r.IntN(3) == 0 || f.Size == 0 && f.W < 0 && r.IntN(12) == 0 {
		rex |= 0x40
		if f.Size == 0 && f.W < 0 && f.Imm != "iv" && r.IntN(4) == 0 {
			rex |= 8
		}
	}
	op, modrm := g.opcode(&rex), []byte(nil)
	var p place
	if f.ModRM {
		modrm, p = g.modrm(&rex)
	} else if f.isString() || f.Imm == "ob" || f.is(0, 0xd7) {
		prefix = append(g.loosePrefixes(), prefix...)
	}
	imm := g.immediate(prefix, rex)
	var b []byte
	b = append(b, p.prefix...)
	b = append(b, prefix...)
	if rex != 0 {
		b = append(b, rex|0x40)
	}
	b = append(b, op...)
	b = append(b, modrm...)
	if p.ripRel {
		next := g.ip + uint64(len(b)+len(imm))
		binary.LittleEndian.PutUint32(b[len(b)-4:], uint32(p.addr-next))
	}
	if f.Imm == "cz" {
		return append(b, le32(int(g.stub.taken)-int(g.ip)-len(b)-4)...)
	}
	return append(b, imm...)
}

// loosePrefixes are segment and address size for instructions with implied memory operands.
func (g *gen) loosePrefixes() (p []byte) {
	if g.r.IntN(8) == 0 {
		p = append(p, 0x67)
		for _, r := range []int{1, 3, 6, 7} { // the upper halves do not count
			if g.fixed>>r&1 != 0 && g.reg(r) < 1<<32 && g.r.IntN(2) == 0 {
				g.setReg(r, g.reg(r)|g.r.Uint64()<<32)
			}
		}
	}
	if g.r.IntN(16) == 0 {
		p = append(p, []byte{0x26, 0x2e, 0x36, 0x3e}[g.r.IntN(4)])
	}
	return p
}

// opcode is the opcode with its escapes.
func (g *gen) opcode(rex *byte) []byte {
	op := g.f.Byte
	if g.f.PlusR {
		n := g.anyReg()
		if g.is(0, 0x90) && n == 0 && g.f.Size != 0 && *rex&1 == 0 {
			n = 1
		}
		op += byte(n & 7)
		*rex |= byte(n >> 3)
		if n > 7 {
			*rex |= 0x40
		}
	}
	switch g.f.Page {
	case 1:
		return []byte{0x0f, op}
	case 2:
		return []byte{0x0f, 0x38, op}
	case 3:
		return []byte{0x0f, 0x3a, op}
	}
	return []byte{op}
}

// anyReg is a register's number; in a sequence not one that is used for addresses.
func (g *gen) anyReg() int {
	for {
		if n := g.r.IntN(16); !g.seq || n != 4 && n != 5 && n != 8 && n != 14 {
			return n
		}
	}
}

// modrm makes up ModRM and what belongs to it.
func (g *gen) modrm(rex *byte) ([]byte, place) {
	f := g.f
	reg := g.anyReg()
	if f.Reg >= 0 {
		reg = int(f.Reg)
	}
	*rex |= byte(reg>>3) << 2
	if f.Mem || !f.Registers {
		size := g.memSize(*rex)
		g.operandReg(reg)
		p := g.memory(size)
		*rex |= p.rex
		p.rm[0] |= byte(reg&7) << 3
		g.contents(p.addr, size, reg)
		return p.rm, p
	}
	rm := g.anyReg()
	if f.RM >= 0 {
		rm = int(f.RM)
	}
	if f.isX87() {
		rm &= 7
	}
	*rex |= byte(rm >> 3)
	if f.is(0, 0xff) && (f.Reg == 2 || f.Reg == 4) {
		if rm == 4 && f.Reg == 2 { // the stack is not code
			rm = 3
		}
		g.setReg(rm, g.codeTarget())
	}
	return []byte{0xc0 | byte(reg&7)<<3 | byte(rm&7)}, place{}
}

// operandReg prepares the register operand of a memory form.
func (g *gen) operandReg(reg int) {
	if g.is(1, 0xa3, 0xab, 0xb3, 0xbb) && !g.seq { // bit offsets reach beyond the operand
		v := uint64(int64(g.r.IntN(2000) - 1000))
		if g.r.IntN(50) == 0 {
			v = intValue(g.r)
		} else if g.f.Size < 8 {
			n := uint(8 * g.f.Size)
			v = v&(1<<n-1) | g.r.Uint64()<<n
		}
		g.fix(reg, v)
	}
}

// contents makes some memory operands equal to registers, or what the instruction wants there.
func (g *gen) contents(addr uint64, size, reg int) {
	at := int(addr - g.at)
	if addr < g.at || addr >= g.at+dataSize || at+max(size, 16) > dataSize {
		return
	}
	f, r := g.f, g.r
	switch {
	case f.is(0, 0xff) && (f.Reg == 2 || f.Reg == 4):
		put(g.data[:], at, g.codeTarget())
	case strings.HasPrefix(f.Name, "cmpxchg") && r.IntN(2) == 0:
		put(g.data[:], at, g.reg(0))
		if f.is(1, 0xc7) {
			if size == 8 {
				put(g.data[:], at, g.reg(0)&(1<<32-1)|g.reg(2)<<32)
			} else {
				put(g.data[:], at+8, g.reg(2))
			}
		}
	case f.Name == "cmp" && r.IntN(3) == 0:
		put(g.data[:], at, g.reg(reg))
	case f.Name == "ldmxcsr" && r.IntN(10) != 0:
		binary.LittleEndian.PutUint32(g.data[at:], mxcsrValue(r))
	case f.Name == "fxrstor":
		put(g.data[:], at+8, uint64(r.Uint32())) // how many bits of FIP and FDP there are is the processor's
		put(g.data[:], at+16, uint64(r.Uint32()))
		if r.IntN(10) != 0 {
			binary.LittleEndian.PutUint32(g.data[at+24:], mxcsrValue(r))
		}
	case f.operand() == kindF80 && size == 10, f.operand() == kindBCD, f.operand() == kindF32, f.operand() == kindF64:
		if r.IntN(4) != 0 {
			fill(r, g.data[at:at+min(max(size, 4), 16)], f.operand())
		}
	}
}

// memSize is how many bytes the memory operand has.
func (g *gen) memSize(rex byte) int {
	f := g.f
	mem := ""
	for _, a := range strings.Fields(f.Args) {
		if strings.Contains("EMWQO", a[:1]) {
			mem = a[1:]
		}
	}
	switch f.Name {
	case "fxsave", "fxrstor":
		return 512
	case "fldenv", "fnstenv":
		return 28
	case "frstor", "fnsave":
		return 108
	case "cmpxchg8b":
		return 2 * f.Size
	}
	switch mem {
	case "b":
		return 1
	case "w":
		return 2
	case "d", "ss":
		return 4
	case "q", "pi", "sd":
		return 8
	case "t":
		return 10
	case "v", "y":
		return max(f.Size, 2)
	}
	return 16
}

// memory makes up a memory operand: an address, and a way to write it.
func (g *gen) memory(size int) place {
	r := g.r
	t := g.target(size)
	if g.seq {
		return g.seqMemory(t)
	}
	if g.f.Name == "pop" && r.IntN(6) == 0 { // the address counts after the increment
		return place{rm: []byte{0x44, 0x24, byte(r.IntN(64))}, addr: g.reg(4) + 8}
	}
	near := t < 1<<31
	switch r.IntN(12) {
	case 0, 1:
		if near {
			return place{rm: []byte{5, 0, 0, 0, 0}, ripRel: true, addr: t}
		}
	case 2:
		if near {
			return place{rm: append([]byte{4, 0x25}, le32(int(t))...), addr: t}
		}
	case 3:
		return g.indexed(t, true)
	case 4, 5, 6:
		return g.indexed(t, false)
	}
	return g.based(t)
}

// register picks one to make an address of.
func (g *gen) register(not int) (int, bool) {
	for range 30 {
		if n := g.r.IntN(16); g.fixed>>n&1 == 0 && n != not {
			return n, true
		}
	}
	return 0, false
}

func (g *gen) disp() (mod byte, b []byte, v uint64) {
	switch g.r.IntN(3) {
	case 0:
		return 0, nil, 0
	case 1:
		d := int8(g.r.Uint32())
		return 0x40, []byte{byte(d)}, uint64(int64(d))
	}
	d := int32(g.r.Uint32())
	return 0x80, le32(int(d)), uint64(int64(d))
}

// based is [base], [base+disp8] or [base+disp32], at times with a segment or 32-bit addresses.
func (g *gen) based(t uint64) (p place) {
	base, _ := g.register(-1)
	mod, disp, d := g.disp()
	if base&7 == 5 && mod == 0 {
		mod, disp = 0x40, []byte{0}
	}
	p.addr, p.rex = t, byte(base>>3)
	p.rm = []byte{mod | byte(base&7)}
	if base&7 == 4 {
		p.rm = append(p.rm, 0x24)
	}
	p.rm = append(p.rm, disp...)
	v := t - d
	switch g.r.IntN(12) {
	case 0:
		p.prefix, v = []byte{0x64}, v-fsBase
	case 1:
		p.prefix, v = []byte{0x65}, v-gsBase
	case 2:
		if t < 1<<32 {
			p.prefix, v = []byte{0x67}, v&(1<<32-1)|g.r.Uint64()<<32
		}
	case 3:
		p.prefix = []byte{[]byte{0x26, 0x2e, 0x36, 0x3e}[g.r.IntN(4)]}
	}
	g.setReg(base, v)
	return p
}

// indexed is [base+index*scale+disp], or without a base.
func (g *gen) indexed(t uint64, noBase bool) (p place) {
	index, ok := g.register(4)
	base, ok2 := g.register(index)
	if !ok || !ok2 {
		return g.based(t)
	}
	scale := g.r.IntN(4)
	p.addr, p.rex = t, byte(index>>3)<<1
	if noBase {
		d := int32(g.r.Uint32())
		v := (t - uint64(int64(d))) >> scale
		g.setReg(index, v)
		d += int32(t - (v<<scale + uint64(int64(d))))
		if v<<scale+uint64(int64(d)) != t {
			p.addr = v<<scale + uint64(int64(d))
		}
		p.rm = append([]byte{4, byte(scale)<<6 | byte(index&7)<<3 | 5}, le32(int(d))...)
		return p
	}
	mod, disp, d := g.disp()
	if base&7 == 5 && mod == 0 {
		mod, disp = 0x40, []byte{0}
	}
	p.rex |= byte(base >> 3)
	p.rm = append([]byte{mod | 4, byte(scale)<<6 | byte(index&7)<<3 | byte(base&7)}, disp...)
	v := t - d - g.reg(index)<<scale
	if t < 1<<32 && g.r.IntN(10) == 0 {
		p.prefix, v = []byte{0x67}, v&(1<<32-1)|g.r.Uint64()<<32
	}
	g.setReg(base, v)
	return p
}

// immediate makes up the immediate operands.
func (g *gen) immediate(prefix []byte, rex byte) []byte {
	r, f, le := g.r, g.f, binary.LittleEndian
	v := intValue(r)
	switch f.Imm {
	case "ib":
		if f.is(0, 0xc0, 0xc1) || f.is(1, 0xa4, 0xac, 0xba) {
			v = countValue(r)
		}
		return []byte{byte(v)}
	case "ibib":
		return []byte{byte(v), byte(r.Uint32())}
	case "iw":
		if f.is(0, 0xc2) {
			v = uint64(r.IntN(2)) * v
		}
		return []byte{byte(v), byte(v >> 8)}
	case "id":
		return le32(int(v))
	case "iz", "iv":
		switch n := f.Size; {
		case n == 2:
			return le.AppendUint16(nil, uint16(v))
		case n == 8 && f.Imm == "iv":
			return le.AppendUint64(nil, v)
		case n == 1:
			return []byte{byte(v)}
		}
		return le32(int(v))
	case "iwib":
		n := r.IntN(64)
		if r.IntN(8) == 0 {
			n = r.IntN(1 << 16)
		}
		return []byte{byte(n), byte(n >> 8), []byte{0, 0, 1, 2, 3, 5, 31, 32, 33, byte(v)}[r.IntN(10)]}
	case "ob":
		t := g.target(max(f.Size, 1))
		for _, b := range prefix {
			if b == 0x67 {
				return le32(int(t))
			}
		}
		return le.AppendUint64(nil, t)
	}
	return nil
}

// seqMemory is a memory operand by one of the registers that sequences keep for addresses.
func (g *gen) seqMemory(t uint64) (p place) {
	base := []int{5, 8, 14}[g.r.IntN(3)]
	p.addr, p.rex = t, byte(base>>3)
	d := t - g.reg(base)
	if int64(d) == int64(int8(d)) && g.r.IntN(4) != 0 {
		p.rm = []byte{0x40 | byte(base&7), byte(d)}
	} else {
		p.rm = append([]byte{0x80 | byte(base&7)}, le32(int(d))...)
	}
	return p
}
