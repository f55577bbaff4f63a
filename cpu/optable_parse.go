package cpu

import (
	"fmt"
	"strconv"
	"strings"
)

// prefix is a mandatory prefix of an encoding.
type prefix uint8

// Mandatory prefixes.
const (
	prefixAny  prefix = iota // whatever is there: 66 is the operand size, F2 and F3 are REP
	prefixNone               // none of 66, F2, F3
	prefix66
	prefixF3
	prefixF2
)

// immKind is the form of an immediate.
type immKind uint8

// Forms of immediates: see row.enc.
const (
	immNone immKind = iota
	immB
	immW
	immD
	immZ
	immV
	immCB
	immCZ
	immMoffs
	immFar
	immEnter
	immBB // two immediate bytes: imm and imm2 (EXTRQ, INSERTQ)
)

// modForm says which forms of a ModRM byte an encoding has.
type modForm uint8

// Forms of ModRM.
const (
	modNo  modForm = iota // no ModRM byte
	modAny                // registers and memory
	modMem
	modReg
)

// encoding is a row's enc, parsed.
type encoding struct {
	page   uint8 // 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A
	opcode uint8
	plusR  bool
	prefix prefix
	w      int8 // 1, 0: REX.W must be so; -1: any
	mod    modForm
	reg    int8 // ModRM.reg must be this; -1: any
	rm     int8 // ModRM.rm must be this; -1: any
	imm    immKind
}

// parseEncoding reads the notation of row.enc. Mistakes are the table's: they panic while the accelerator is built.
func parseEncoding(enc string) encoding {
	e := encoding{w: -1, reg: -1, rm: -1}
	var opcode []uint8
	for _, f := range strings.Fields(enc) {
		if !e.parsePrefix(f, len(opcode) > 0) && !e.parseSuffix(f, opcode) {
			opcode = append(opcode, e.parseByte(f, enc))
		}
	}
	e.setOpcode(opcode, enc)
	return e
}

// parsePrefix takes what may stand before the opcode.
func (e *encoding) parsePrefix(f string, late bool) bool {
	if late {
		return false
	}
	switch f {
	case "NP":
		e.prefix = prefixNone
	case "66":
		e.prefix = prefix66
	case "F3":
		e.prefix = prefixF3
	case "F2":
		e.prefix = prefixF2
	case "REX.W":
		e.w = 1
	case "REX.W0":
		e.w = 0
	default:
		return false
	}
	return true
}

func immNames() map[string]immKind {
	return map[string]immKind{
		"ib": immB, "iw": immW, "id": immD, "iz": immZ, "iv": immV, "cb": immCB, "cz": immCZ,
		"ob": immMoffs, "cp": immFar, "iwib": immEnter, "ibib": immBB,
	}
}

// parseSuffix takes what may stand after the opcode: ModRM and immediates.
func (e *encoding) parseSuffix(f string, opcode []uint8) bool {
	if k, ok := immNames()[f]; ok {
		e.imm = k
		return true
	}
	if f[0] != '/' {
		return false
	}
	e.mod = modAny
	switch f[1:] {
	case "r":
		return true
	case "rm":
		e.mod = modMem
		return true
	case "rr":
		e.mod = modReg
		return true
	}
	e.reg = int8(f[1] - '0')
	switch f[2:] {
	case "m":
		e.mod = modMem
	case "r":
		e.mod = modReg
	}
	return true
}

func (e *encoding) parseByte(f, enc string) uint8 {
	if s, ok := strings.CutSuffix(f, "+r"); ok {
		f, e.plusR = s, true
	}
	if s, ok := strings.CutSuffix(f, "+i"); ok {
		f, e.rm = s, -2
	}
	v, err := strconv.ParseUint(f, 16, 8)
	if err != nil {
		panic(fmt.Sprintf("cpu: opcode table: %q: %v", enc, err))
	}
	return uint8(v)
}

// setOpcode takes the bytes of the opcode: escapes, the opcode, and a ModRM byte where the encoding fixes it.
func (e *encoding) setOpcode(b []uint8, enc string) {
	switch {
	case len(b) > 2 && b[0] == 0x0f && b[1] == 0x38:
		e.page, b = 2, b[2:]
	case len(b) > 2 && b[0] == 0x0f && b[1] == 0x3a:
		e.page, b = 3, b[2:]
	case len(b) > 1 && b[0] == 0x0f:
		e.page, b = 1, b[1:]
	}
	if len(b) == 0 || len(b) > 2 {
		panic(fmt.Sprintf("cpu: opcode table: %q has no opcode", enc))
	}
	e.opcode = b[0]
	if len(b) == 2 {
		e.mod, e.reg = modReg, int8(b[1]>>3&7)
		if e.rm == -2 {
			e.rm = -1
		} else {
			e.rm = int8(b[1] & 7)
		}
	}
}
