package ring3

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"slices"
)

// Case is one test case: its code, its processor's state and its window of memory.
type Case struct {
	Form   *Form // nil: a sequence
	Name   string
	N      uint64 // the case's number: with the name it makes the case again
	Code   []byte // the instructions under test
	Steps  []*Form
	slot   []byte // with what leads back to the stubs
	codeAt int
	window uint64 // where data is
	in     [recordSize]byte
	data   [dataSize]byte
}

// gen makes up one case.
type gen struct {
	*Case
	r     *rand.Rand
	f     *Form
	at    uint64 // address of the window
	ip    uint64 // where the instruction being made starts
	fixed uint16 // registers that addresses must not be made of
	seq   bool   // a sequence: base registers are set beforehand
	stub  stubs
}

// seeded is the source of a case's randomness.
func seeded(name string, n uint64) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(h.Sum64(), n))
}

// NewCase makes the n-th case of a form, to be the batch's i-th, with its code at codeAt.
func NewCase(f *Form, n uint64, i, codeAt int, s stubs) *Case {
	c := &Case{Form: f, Name: f.Key(), N: n, Steps: []*Form{f}}
	g := &gen{Case: c, r: seeded(c.Name, n), f: f, at: uint64(dataAt + i*dataSize), stub: s}
	c.window = g.at
	c.codeAt = codeAt
	g.state()
	if g.is(0, 0xe0, 0xe1, 0xe2, 0xe3) || g.Form.Imm == "cb" {
		g.shortBranch()
		return c
	}
	g.ip = uint64(codeAt)
	c.Code = g.instruction()
	g.tail()
	return c
}

func (g *gen) is(page uint8, opcodes ...uint8) bool { return g.f.is(page, opcodes...) }

// tail ends the code with a jump to the stub.
func (g *gen) tail() {
	g.slot = append(slices.Clone(g.Code), g.jump(uint64(g.codeAt+len(g.Code)), g.stub.save)...)
	put(g.in[:], recTarget, uint64(g.codeAt))
}

func (g *gen) jump(from, to uint64) []byte { return append([]byte{0xe9}, le32(int(to)-int(from)-5)...) }

// shortBranch lays out a branch with a target in reach, before or behind it.
func (g *gen) shortBranch() {
	prefix := []byte{}
	if g.is(0, 0xe0, 0xe1, 0xe2, 0xe3) {
		g.setReg(1, []uint64{0, 1, 2, 1 << 32, 1<<32 | 1, 1 << 16, intValue(g.r)}[g.r.IntN(7)])
		if g.r.IntN(3) == 0 {
			prefix = append(prefix, 0x67)
		}
	}
	back := g.r.IntN(2) == 0
	start := uint64(g.codeAt)
	rel := byte(5)
	if back {
		g.slot = g.jump(start, g.stub.taken)
		start += 5
		rel = byte(-5 - 2 - len(prefix))
	}
	g.Code = append(prefix, g.f.Byte, rel)
	g.slot = append(g.slot, g.Code...)
	end := start + uint64(len(g.Code))
	g.slot = append(g.slot, g.jump(end, g.stub.save)...)
	g.slot = append(g.slot, g.jump(end+5, g.stub.taken)...)
	put(g.in[:], recTarget, start)
}

func (g *gen) reg(r int) uint64       { return get(g.in[:], 8*r) }
func (g *gen) setReg(r int, v uint64) { put(g.in[:], 8*r, v) }

// fix sets a register that the instruction uses without naming it.
func (g *gen) fix(r int, v uint64) {
	g.setReg(r, v)
	g.fixed |= 1 << r
}

// state makes up registers, flags and memory.
func (g *gen) state() {
	r := g.r
	for i := range 16 {
		g.setReg(i, intValue(r))
	}
	flags := uint64(2) | r.Uint64()&0x8d5
	if r.IntN(4) == 0 {
		flags |= r.Uint64() & 0x200400 // ID, DF
	}
	if r.IntN(24) == 0 && !(g.f.isX87() && g.f.Args == "M") && !g.f.isString() { // environments are not checked as a whole; of two operands one is, in an order of its own
		flags |= 1 << 18 // AC
	}
	put(g.in[:], recFlags, flags)
	op := g.f.operand()
	for i := 0; i < dataSize; i += 40 {
		k := op
		if r.IntN(3) == 0 {
			k = kind(r.IntN(int(numKinds)))
		}
		fill(r, g.data[i:min(i+40, dataSize)], k)
	}
	g.fpu(op)
	g.implicit()
}

// fpu makes up FXSAVE's image.
func (g *gen) fpu(op kind) {
	r, fx, le := g.r, g.in[recFX:], binary.LittleEndian
	le.PutUint16(fx, controlWord(r))
	status := uint16(r.Uint32()) & 0x7f00 // condition bits, TOP
	if r.IntN(5) == 0 {
		status |= uint16(r.Uint32()) & 0x7f
		if r.IntN(3) != 0 { // none pending
			status &= le.Uint16(fx)&0x3f | 0xffc0
		}
	}
	if status&^le.Uint16(fx)&0x3f != 0 {
		status |= 0x8080
	}
	le.PutUint16(fx[2:], status)
	fx[4] = 0xff
	if r.IntN(5) == 0 {
		fx[4] = byte(r.Uint32())
	}
	le.PutUint16(fx[6:], uint16(r.Uint32())&0x7ff)
	le.PutUint64(fx[8:], uint64(r.Uint32()))
	le.PutUint64(fx[16:], uint64(r.Uint32()))
	le.PutUint32(fx[24:], mxcsrValue(r))
	for i := range 8 {
		sig, se := f80Value(r)
		if g.f.isMMX() && r.IntN(4) != 0 {
			fill(r, fx[32+16*i:][:8], kindInt)
			sig = le.Uint64(fx[32+16*i:])
		}
		le.PutUint64(fx[32+16*i:], sig)
		le.PutUint16(fx[40+16*i:], se)
	}
	if op == kindF80 || op == kindEnv || op == kindBCD {
		op = kindInt
	}
	for i := range 16 {
		k := op
		if r.IntN(4) == 0 {
			k = kind(r.IntN(3))
		}
		fill(r, fx[160+16*i:][:16], k)
		if r.IntN(6) == 0 && i > 0 {
			copy(fx[160+16*i:][:16], fx[160+16*(i-1):][:16])
		}
	}
}

// implicit sets registers and memory that the instruction uses without naming them.
func (g *gen) implicit() {
	r, f := g.r, g.f
	inside := func() uint64 { return g.at + 200 + uint64(r.IntN(200)) }
	switch {
	case f.isString():
		g.strings()
	case f.is(0, 0xc4, 0xd7): // xlat
		g.fix(3, g.at+uint64(r.IntN(300)))
		g.fixed |= 1
	case f.is(0, 0xd2, 0xd3), f.is(1, 0xa5, 0xad):
		g.fix(1, g.reg(1)&^0xff|countValue(r))
	case f.Name == "div", f.Name == "idiv":
		g.divide()
	case f.Name == "pcmpestrm", f.Name == "pcmpestri":
		g.fix(0, g.length())
		g.fix(2, g.length())
	case f.Name == "maskmovq", f.Name == "maskmovdqu":
		t := g.target(16)
		if t-faultAt < 1<<16 { // not across pages: bytes that the mask leaves out may fault or not
			t = t&^0xfff | t&0xff0
		}
		g.fix(7, t)
	case f.Name == "cmpxchg", f.Name == "cmpxchg8b", f.Name == "cmpxchg16b":
		g.fixed |= 1<<0 | 1<<1 | 1<<2 | 1<<3
	case f.is(0, 0xc2, 0xc3): // ret
		g.fix(4, inside()&^7)
		put(g.data[:], int(g.reg(4)-g.at), g.codeTarget())
	case f.Name == "push", f.Name == "pop", f.Name == "pushf", f.Name == "call":
		g.fix(4, inside()&^7)
		if r.IntN(12) == 0 {
			g.setReg(4, g.target(8))
		}
	case f.Name == "popf":
		g.fix(4, inside()&^7)
		at := int(g.reg(4) - g.at)
		put(g.data[:], at, r.Uint64()&^uint64(0x100))
		if r.IntN(10) == 0 { // a single step
			put(g.data[:], at, r.Uint64()|0x100)
		}
	case f.Name == "enter":
		g.fix(4, g.at+400+uint64(r.IntN(150))&^7)
		g.fix(5, g.at+300+uint64(r.IntN(200))&^7)
	case f.Name == "leave":
		g.fix(5, inside()&^7)
	}
}

func (g *gen) length() uint64 {
	if g.r.IntN(5) == 0 {
		return intValue(g.r)
	}
	return uint64(int64(g.r.IntN(41) - 20))
}

// divide makes most quotients fit.
func (g *gen) divide() {
	g.fixed |= 1<<0 | 1<<2
	switch g.r.IntN(4) {
	case 0, 1:
		g.setReg(2, uint64(g.r.IntN(3)))
		if g.f.Size == 1 {
			g.setReg(0, g.reg(0)&^0xff00|uint64(g.r.IntN(3))<<8)
		}
	case 2:
		n := uint(8 * g.f.Size)
		if sign := g.reg(0) >> (n - 1) & 1; sign != 0 {
			g.setReg(2, ^uint64(0))
		} else {
			g.setReg(2, 0)
		}
	}
}

// strings sets pointers and count of a string instruction.
func (g *gen) strings() {
	r := g.r
	place := func() uint64 {
		if r.IntN(25) == 0 {
			return g.target(8)
		}
		return g.at + 180 + uint64(r.IntN(240))
	}
	g.fix(6, place())
	g.fix(7, place())
	n := uint64(r.IntN(20))
	if r.IntN(6) == 0 {
		n = uint64(r.IntN(3))
	}
	g.fix(1, n)
	g.fixed |= 1
	if g.is(0, 0xa6, 0xa7, 0xae, 0xaf) && r.IntN(3) != 0 { // long equal runs
		v := byte(r.Uint32())
		for i := range g.data {
			if r.IntN(60) != 0 {
				g.data[i] = v
			}
		}
		g.setReg(0, uint64(v)*0x0101010101010101)
	}
}

// codeTarget is where an indirect branch goes.
func (g *gen) codeTarget() uint64 {
	switch g.r.IntN(12) {
	case 0:
		return intValue(g.r) | 1<<50 // not canonical
	case 1:
		return faultAt + uint64(g.r.IntN(10))<<12 // not to be executed, not there, not the user's
	}
	return g.stub.taken
}

// target is the address of a memory operand.
func (g *gen) target(size int) uint64 {
	r := g.r
	switch x := r.IntN(100); {
	case g.seq || x >= 8:
	case x < 5: // about the borders of pages with other rights
		t := faultAt + uint64(1+r.IntN(12))<<12 + uint64(r.IntN(40)) - 20
		if size > 64 {
			t &^= 15
		}
		return t
	case x < 6: // not canonical
		return r.Uint64() | 1<<55&^(1<<63)
	default: // nothing there
		return uint64(r.Uint32())<<12 | 1<<40 | r.Uint64()&0xfff
	}
	span := max(dataSize-256-size, 0)
	t := g.at + 128 + uint64(r.IntN(span+1))
	if size > dataSize/2 {
		t = g.at + uint64(r.IntN(dataSize-size+1))
	}
	if page := (g.at + 128 + uint64(size)) &^ 0xfff; page > g.at+128 && page < g.at+128+uint64(span) && r.IntN(2) == 0 && size <= 16 && size > 1 {
		t = page + 0x0 - uint64(1+r.IntN(size))
	}
	align := uint64(1)
	switch {
	case g.f.Aligned || size > 64:
		if r.IntN(8) != 0 || size > 64 { // KVM's emulator runs FXSAVE and FXRSTOR again, and knows nothing of their alignment
			align = 16
		}
	case r.IntN(2) == 0 || get(g.in[:], recFlags)>>18&1 != 0 && r.IntN(3) != 0:
		for align < uint64(size) && align < 16 {
			align *= 2
		}
	}
	if a := (t + align - 1) &^ (align - 1); a+uint64(size) <= g.at+dataSize {
		return a
	}
	return t &^ (align - 1)
}
