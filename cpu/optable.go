package cpu

// row is one line of the opcode table: one encoding with its operand forms. All of decoding, naming and test generation is derived from it.
type row struct {
	// enc is the encoding in Intel's notation, upper-case hex bytes: "0F AF /r", "80 /5 ib", "F3 0F 10 /r", "66 REX.W 0F 6E /r", "B8+r iv", "D8 C0+i", "NP 0F 77".
	//   prefixes   NP (none of 66 F2 F3), 66, F2, F3 as mandatory ones come first; absent: any are accepted (66 is then the operand size, F2/F3 are REP)
	//   REX.W      W must be set; REX.W0: must be clear (else: any)
	//   /r /0–/7   a ModRM byte, its reg field an operand or an opcode extension; "/5m": memory forms only, "/5r", "/rm", "/rr" likewise
	//   C0+i, C8   after D8–DF: the whole ModRM byte (register forms), +i: low three bits are ST(i)
	//   +r         low three opcode bits are a register (inst.reg)
	//   ib iw id   immediates of 1, 2, 4 bytes, sign-extended;  iz: 2 or 4 bytes by operand size;  iv: 2, 4 or 8
	//   cb cz      branch displacements of 1 byte, or 2/4 by operand size (4 in 64-bit mode)
	//   ob         moffs: an address of the address size;  cp: far pointer (imm = offset, disp = selector);  iwib: ENTER (imm, imm2)
	enc  string
	name string // mnemonic, lower case, as Intel spells it
	// args are the operands in the notation of SDM volume 2 appendix A: Eb Ev Gb Gv Ib Iz Yb Xv M Mp Sw Vdq Wdq Pq Qq ST STi … (for names, and for generated tests)
	args string
	attr rowAttr
	feat feature // CPUID feature that must be on, else #UD
	exec func(*CPU, *inst)
}

// rowAttr are properties that decoding and the generator of tests need.
type rowAttr uint32

// Bits of rowAttr.
const (
	rowByte    rowAttr = 1 << iota // operand size is 1
	rowDef64                       // operand size is 8 in 64-bit mode (66 makes it 2): PUSH, POP, near branches …
	rowForce64                     // operand size is 8 in 64-bit mode whatever the prefixes say: near branches
	rowLock                        // LOCK is allowed with a memory destination
	rowNo64                        // #UD in 64-bit mode
	rowOnly64                      // only in 64-bit mode
	rowProt                        // #UD in real and virtual-8086 mode
	rowEnd                         // ends a block: control transfer, or a change of what decoding or address translation depends on
	rowNear                        // a near branch: it ends a block and changes nothing but rip
	rowPriv                        // CPL 0 only (for the generator; exec checks)
	rowNoGen                       // not for generated ring-3 tests (system state, I/O, time, …)
	rowUndefSF                     // status flags left undefined, for the generator: bits follow
	rowUndefZF
	rowUndefAF
	rowUndefPF
	rowUndefCF
	rowUndefOF
	rowMem16 // memory operand of an SSE instruction must be aligned to 16
)

// rows is the whole table. It is a function, not a variable, since exec functions reach the decoder again.
func rows() []row {
	var all []row
	for _, group := range [][]row{rowsInt(), rowsString(), rowsBranch(), rowsSystem(), rowsX87(), rowsMMX(), rowsSSE()} {
		all = append(all, group...)
	}
	return all
}
