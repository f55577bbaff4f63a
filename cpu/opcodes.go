package cpu

import "govm-desktop/x86"

// Opcode is a row of the opcode table as generators of tests see it.
type Opcode struct {
	Enc, Name, Args string // see the comments of the table: encoding, mnemonic, operands
	Page            uint8  // 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A
	Byte            uint8  // the opcode
	PlusR           bool   // its low three bits are a register
	Prefix          uint8  // mandatory prefix: 66, F2, F3; 0: none
	NoPrefix        bool   // and none of these may be there
	W               int8   // REX.W must be so; -1: any
	ModRM           bool   // there is a ModRM byte
	Registers       bool   // with register forms
	Memory          bool   // with memory forms
	Reg, RM         int8   // fields of ModRM that are fixed; -1: not
	Imm             string // immediate: "", ib iw id iz iv cb cz ob cp iwib ibib
	EightBit        bool   // the operand size is 1
	Def64, Force64  bool   // the operand size is 8 without REX.W; whatever the prefixes
	Lock            bool   // LOCK is allowed
	No64, Only64    bool   // not in 64-bit mode; only there
	Privileged      bool   // CPL 0 only
	System          bool   // on system state, time or ports: not for generated user code
	Aligned         bool   // the memory operand must be aligned to 16
	Undefined       uint64 // status flags that the manuals leave undefined
	Feature         string // CPUID feature; "": always there
}

// Opcodes lists the opcode table.
func Opcodes() []Opcode {
	names := make(map[immKind]string)
	for n, k := range immNames() {
		names[k] = n
	}
	features := featureTable()
	var all []Opcode
	for _, w := range rows() {
		e := parseEncoding(w.enc)
		o := Opcode{
			Enc: w.enc, Name: w.name, Args: w.args, Page: e.page, Byte: e.opcode, PlusR: e.plusR, NoPrefix: e.prefix == prefixNone, W: e.w,
			ModRM: e.mod != modNo, Registers: e.mod == modAny || e.mod == modReg, Memory: e.mod == modAny || e.mod == modMem, Reg: e.reg, RM: e.rm,
			Imm: names[e.imm], EightBit: w.attr&rowByte != 0, Def64: w.attr&rowDef64 != 0, Force64: w.attr&rowForce64 != 0, Lock: w.attr&rowLock != 0,
			No64: w.attr&rowNo64 != 0, Only64: w.attr&rowOnly64 != 0, Privileged: w.attr&rowPriv != 0, System: w.attr&rowNoGen != 0,
			Aligned: w.attr&rowMem16 != 0, Undefined: w.attr.undefined(), Feature: features[w.feat].name,
		}
		switch e.prefix {
		case prefix66:
			o.Prefix = 0x66
		case prefixF2:
			o.Prefix = 0xf2
		case prefixF3:
			o.Prefix = 0xf3
		}
		all = append(all, o)
	}
	return all
}

// undefined are the status flags that an instruction leaves undefined.
func (a rowAttr) undefined() (f uint64) {
	for _, x := range []struct {
		bit  rowAttr
		flag uint64
	}{{rowUndefSF, x86.FlagSF}, {rowUndefZF, x86.FlagZF}, {rowUndefAF, x86.FlagAF}, {rowUndefPF, x86.FlagPF}, {rowUndefCF, x86.FlagCF}, {rowUndefOF, x86.FlagOF}} {
		if a&x.bit != 0 {
			f |= x.flag
		}
	}
	return f
}
