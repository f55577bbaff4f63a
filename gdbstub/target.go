package gdbstub

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"govm-desktop/x86"
)

// register is one line of the description: its place there is its number.
type register struct {
	name, typ string
	bits      int
	get       func(*x86.State, []byte)
	set       func(*x86.State, []byte)
}

// feature is a group of registers under a name that gdb knows, with what its types need.
type feature struct {
	name, types string
	regs        []register
}

// registers and description are made once from features: the list in the order of the g packet, and the XML that tells gdb of it.
var (
	registers   = list(features())
	description = describe(features())
)

func features() []feature {
	return []feature{
		{"org.gnu.gdb.i386.core", flagsType, append(append(generals(), segments()...), x87()...)},
		{"org.gnu.gdb.i386.sse", vectorTypes, vectors()},
		{"org.gnu.gdb.i386.segments", "", bases()},
		{"govm-desktop.system", "", system()},
	}
}

func list(fs []feature) (all []register) {
	for _, f := range fs {
		all = append(all, f.regs...)
	}
	return all
}

func describe(fs []feature) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0"><architecture>i386:x86-64</architecture>`)
	for _, f := range fs {
		fmt.Fprintf(&b, `<feature name="%s">%s`, f.name, f.types)
		for _, r := range f.regs {
			fmt.Fprintf(&b, `<reg name="%s" bitsize="%d" type="%s"/>`, r.name, r.bits, r.typ)
		}
		b.WriteString(`</feature>`)
	}
	b.WriteString(`</target>`)
	return b.String()
}

// flagsType names the bits of RFLAGS.
const flagsType = `<flags id="i386_eflags" size="4"><field name="CF" start="0" end="0"/><field name="PF" start="2" end="2"/>` +
	`<field name="AF" start="4" end="4"/><field name="ZF" start="6" end="6"/><field name="SF" start="7" end="7"/><field name="TF" start="8" end="8"/>` +
	`<field name="IF" start="9" end="9"/><field name="DF" start="10" end="10"/><field name="OF" start="11" end="11"/><field name="IOPL" start="12" end="13"/>` +
	`<field name="NT" start="14" end="14"/><field name="RF" start="16" end="16"/><field name="VM" start="17" end="17"/><field name="AC" start="18" end="18"/>` +
	`<field name="VIF" start="19" end="19"/><field name="VIP" start="20" end="20"/><field name="ID" start="21" end="21"/></flags>`

// vectorTypes are the ways in which gdb shows an XMM register.
const vectorTypes = `<vector id="v4f" type="ieee_single" count="4"/><vector id="v2d" type="ieee_double" count="2"/><vector id="v16i8" type="int8" count="16"/>` +
	`<vector id="v8i16" type="int16" count="8"/><vector id="v4i32" type="int32" count="4"/><vector id="v2i64" type="int64" count="2"/>` +
	`<union id="vec128"><field name="v4_float" type="v4f"/><field name="v2_double" type="v2d"/><field name="v16_int8" type="v16i8"/>` +
	`<field name="v8_int16" type="v8i16"/><field name="v4_int32" type="v4i32"/><field name="v2_int64" type="v2i64"/><field name="uint128" type="uint128"/></union>`

// word is a register of up to 64 bits.
func word(name, typ string, bits int, at func(*x86.State) *uint64) register {
	return register{name, typ, bits,
		func(s *x86.State, p []byte) { put(p, *at(s)) },
		func(s *x86.State, p []byte) { *at(s) = get(p) }}
}

func put(p []byte, v uint64) {
	for i := range p {
		p[i] = byte(v >> (8 * i))
	}
}

func get(p []byte) (v uint64) {
	for i := range p {
		v |= uint64(p[i]) << (8 * i)
	}
	return v
}

// generals are in gdb's order, which is not the instructions'.
func generals() (r []register) {
	for i, n := range []int{x86.RAX, x86.RBX, x86.RCX, x86.RDX, x86.RSI, x86.RDI, x86.RBP, x86.RSP, 8, 9, 10, 11, 12, 13, 14, 15} {
		name := fmt.Sprintf("r%d", n)
		if i < 8 {
			name = [...]string{"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"}[i]
		}
		typ := "int64"
		if n == x86.RBP || n == x86.RSP {
			typ = "data_ptr"
		}
		r = append(r, word(name, typ, 64, func(s *x86.State) *uint64 { return &s.GPR[n] }))
	}
	flags := word("eflags", "i386_eflags", 32, func(s *x86.State) *uint64 { return &s.RFLAGS })
	flags.set = func(s *x86.State, p []byte) { s.RFLAGS = get(p) | x86.FlagOne }
	return append(r, word("rip", "code_ptr", 64, func(s *x86.State) *uint64 { return &s.RIP }), flags)
}

// segments are the selectors. A new one takes its base along where a selector is a base: in real and virtual 8086 mode.
func segments() (r []register) {
	for i, n := range []int{x86.CS, x86.SS, x86.DS, x86.ES, x86.FS, x86.GS} {
		r = append(r, register{[...]string{"cs", "ss", "ds", "es", "fs", "gs"}[i], "int32", 32,
			func(s *x86.State, p []byte) { put(p, uint64(s.Seg[n].Selector)) },
			func(s *x86.State, p []byte) {
				sel := uint16(get(p))
				if sel != s.Seg[n].Selector && (s.CR0&x86.CR0PE == 0 || s.RFLAGS&x86.FlagVM != 0) {
					s.Seg[n].Base = uint64(sel) << 4
				}
				s.Seg[n].Selector = sel
			}})
	}
	return r
}

func x87() (r []register) {
	for i := range 8 {
		reg := func(s *x86.State) *x86.Float80 { return &s.FPU.Regs[(int(s.FPU.FSW>>11)+i)&7] }
		r = append(r, register{fmt.Sprintf("st%d", i), "i387_ext", 80,
			func(s *x86.State, p []byte) { put(p[:8], reg(s).Sig); put(p[8:], uint64(reg(s).SE)) },
			func(s *x86.State, p []byte) { *reg(s) = x86.Float80{Sig: get(p[:8]), SE: uint16(get(p[8:]))} }})
	}
	half := func(name string, at func(*x86.State) *uint16) register {
		return register{name, "int", 32,
			func(s *x86.State, p []byte) { put(p, uint64(*at(s))) },
			func(s *x86.State, p []byte) { *at(s) = uint16(get(p)) }}
	}
	low := func(name string, at func(*x86.State) *uint64) register {
		return register{name, "int", 32,
			func(s *x86.State, p []byte) { put(p, *at(s)) },
			func(s *x86.State, p []byte) { *at(s) = *at(s)&^0xffffffff | get(p) }}
	}
	return append(r,
		half("fctrl", func(s *x86.State) *uint16 { return &s.FPU.FCW }),
		half("fstat", func(s *x86.State) *uint16 { return &s.FPU.FSW }),
		register{"ftag", "int", 32, func(s *x86.State, p []byte) { put(p, uint64(fullTags(&s.FPU))) },
			func(s *x86.State, p []byte) { s.FPU.Tags = shortTags(uint16(get(p))) }},
		half("fiseg", func(s *x86.State) *uint16 { return &s.FPU.FCS }),
		low("fioff", func(s *x86.State) *uint64 { return &s.FPU.FIP }),
		half("foseg", func(s *x86.State) *uint16 { return &s.FPU.FDS }),
		low("fooff", func(s *x86.State) *uint64 { return &s.FPU.FDP }),
		half("fop", func(s *x86.State) *uint16 { return &s.FPU.FOP }))
}

// fullTags is the tag word of FSAVE: two bits a register (SDM volume 1, 8.1.7).
func fullTags(f *x86.FPU) (w uint16) {
	for i, r := range f.Regs {
		tag := uint16(0)
		switch exp := r.SE & 0x7fff; {
		case f.Tags>>i&1 == 0:
			tag = 3
		case exp == 0 && r.Sig == 0:
			tag = 1
		case exp == 0 || exp == 0x7fff || r.Sig>>63 == 0:
			tag = 2
		}
		w |= tag << (2 * i)
	}
	return w
}

func shortTags(w uint16) (t uint8) {
	for i := range 8 {
		if w>>(2*i)&3 != 3 {
			t |= 1 << i
		}
	}
	return t
}

func vectors() (r []register) {
	for i := range 16 {
		r = append(r, register{fmt.Sprintf("xmm%d", i), "vec128", 128,
			func(s *x86.State, p []byte) { put(p[:8], s.FPU.XMM[i][0]); put(p[8:], s.FPU.XMM[i][1]) },
			func(s *x86.State, p []byte) { s.FPU.XMM[i] = [2]uint64{get(p[:8]), get(p[8:])} }})
	}
	return append(r, register{"mxcsr", "int", 32,
		func(s *x86.State, p []byte) { binary.LittleEndian.PutUint32(p, s.FPU.MXCSR) },
		func(s *x86.State, p []byte) { s.FPU.MXCSR = binary.LittleEndian.Uint32(p) & s.FPU.MXCSRMask }})
}

func bases() []register {
	return []register{
		word("fs_base", "int64", 64, func(s *x86.State) *uint64 { return &s.Seg[x86.FS].Base }),
		word("gs_base", "int64", 64, func(s *x86.State) *uint64 { return &s.Seg[x86.GS].Base }),
	}
}

func system() []register {
	return []register{
		word("k_gs_base", "int64", 64, func(s *x86.State) *uint64 { return &s.KernelGSBase }),
		word("cr0", "int64", 64, func(s *x86.State) *uint64 { return &s.CR0 }),
		word("cr2", "int64", 64, func(s *x86.State) *uint64 { return &s.CR2 }),
		word("cr3", "int64", 64, func(s *x86.State) *uint64 { return &s.CR3 }),
		word("cr4", "int64", 64, func(s *x86.State) *uint64 { return &s.CR4 }),
		word("cr8", "int64", 64, func(s *x86.State) *uint64 { return &s.CR8 }),
		word("efer", "int64", 64, func(s *x86.State) *uint64 { return &s.EFER }),
	}
}

// readRegisters is the g packet: all registers, in order.
func (s *session) readRegisters() string {
	var st x86.State
	if s.t.State(s.cpu, &st) != nil {
		return replyFail
	}
	var out []byte
	for _, r := range registers {
		p := make([]byte, r.bits/8)
		r.get(&st, p)
		out = append(out, p...)
	}
	return hex.EncodeToString(out)
}

// writeRegisters is the G packet; gdb may send fewer than there are.
func (s *session) writeRegisters(arg string) string {
	p, err := hex.DecodeString(arg)
	var st x86.State
	if err != nil || s.t.State(s.cpu, &st) != nil {
		return replyBad
	}
	for _, r := range registers {
		n := r.bits / 8
		if len(p) < n {
			break
		}
		r.set(&st, p[:n])
		p = p[n:]
	}
	if s.t.SetState(s.cpu, &st) != nil {
		return replyFail
	}
	return replyOK
}

// readRegister is the p packet.
func (s *session) readRegister(arg string) string {
	n, err := strconv.ParseUint(arg, 16, 16)
	if err != nil || n >= uint64(len(registers)) {
		return replyBad
	}
	var st x86.State
	if s.t.State(s.cpu, &st) != nil {
		return replyFail
	}
	p := make([]byte, registers[n].bits/8)
	registers[n].get(&st, p)
	return hex.EncodeToString(p)
}

// writeRegister is the P packet: number=value.
func (s *session) writeRegister(arg string) string {
	num, val, ok := strings.Cut(arg, "=")
	n, err := strconv.ParseUint(num, 16, 16)
	if !ok || err != nil || n >= uint64(len(registers)) {
		return replyBad
	}
	p, err := hex.DecodeString(val)
	if err != nil || len(p) != registers[n].bits/8 {
		return replyBad
	}
	var st x86.State
	if s.t.State(s.cpu, &st) != nil {
		return replyFail
	}
	registers[n].set(&st, p)
	if s.t.SetState(s.cpu, &st) != nil {
		return replyFail
	}
	return replyOK
}

func (s *session) setPC(cpu int, at uint64) bool {
	var st x86.State
	if s.t.State(cpu, &st) != nil {
		return false
	}
	st.RIP = at
	return s.t.SetState(cpu, &st) == nil
}
