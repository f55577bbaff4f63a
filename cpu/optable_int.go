package cpu

import "fmt"

// rowsInt are the integer instructions but strings and branches.
func rowsInt() []row {
	var r []row
	for _, group := range [][]row{rowsAlu(), rowsAluOne(), rowsShift(), rowsMul(), rowsMov(), rowsExtend(), rowsCond(), rowsStack(), rowsBit(), rowsDecimal(), rowsMisc()} {
		r = append(r, group...)
	}
	return r
}

func rowsAlu() (r []row) {
	names := []string{"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"}
	for i, name := range names {
		op, lock, undef := aluOp(i), rowLock, rowAttr(0)
		if op == aluCmp {
			lock = 0
		}
		if op == aluOr || op == aluAnd || op == aluXor {
			undef = rowUndefAF
		}
		e := func(format string, a ...any) string { return fmt.Sprintf(format, a...) }
		r = append(r,
			row{e("%02X /r", i*8), name, "Eb Gb", rowByte | lock | undef, featNone, execAluEG(op)},
			row{e("%02X /r", i*8+1), name, "Ev Gv", lock | undef, featNone, execAluEG(op)},
			row{e("%02X /r", i*8+2), name, "Gb Eb", rowByte | undef, featNone, execAluGE(op)},
			row{e("%02X /r", i*8+3), name, "Gv Ev", undef, featNone, execAluGE(op)},
			row{e("%02X ib", i*8+4), name, "AL Ib", rowByte | undef, featNone, execAluAI(op)},
			row{e("%02X iz", i*8+5), name, "rAX Iz", undef, featNone, execAluAI(op)},
			row{e("80 /%d ib", i), name, "Eb Ib", rowByte | lock | undef, featNone, execAluEI(op)},
			row{e("81 /%d iz", i), name, "Ev Iz", lock | undef, featNone, execAluEI(op)},
			row{e("82 /%d ib", i), name, "Eb Ib", rowByte | lock | undef | rowNo64, featNone, execAluEI(op)},
			row{e("83 /%d ib", i), name, "Ev Ib", lock | undef, featNone, execAluEI(op)},
		)
	}
	return append(r,
		row{"84 /r", "test", "Eb Gb", rowByte | rowUndefAF, featNone, execAluEG(aluTest)},
		row{"85 /r", "test", "Ev Gv", rowUndefAF, featNone, execAluEG(aluTest)},
		row{"A8 ib", "test", "AL Ib", rowByte | rowUndefAF, featNone, execAluAI(aluTest)},
		row{"A9 iz", "test", "rAX Iz", rowUndefAF, featNone, execAluAI(aluTest)},
		row{"F6 /0 ib", "test", "Eb Ib", rowByte | rowUndefAF, featNone, execAluEI(aluTest)},
		row{"F6 /1 ib", "test", "Eb Ib", rowByte | rowUndefAF, featNone, execAluEI(aluTest)},
		row{"F7 /0 iz", "test", "Ev Iz", rowUndefAF, featNone, execAluEI(aluTest)},
		row{"F7 /1 iz", "test", "Ev Iz", rowUndefAF, featNone, execAluEI(aluTest)},
	)
}

func rowsAluOne() []row {
	minus := ^uint64(0)
	return []row{
		{"40+r", "inc", "Zv", rowNo64, featNone, execAddOneReg(1)},
		{"48+r", "dec", "Zv", rowNo64, featNone, execAddOneReg(minus)},
		{"FE /0", "inc", "Eb", rowByte | rowLock, featNone, execAddOne(1)},
		{"FE /1", "dec", "Eb", rowByte | rowLock, featNone, execAddOne(minus)},
		{"FF /0", "inc", "Ev", rowLock, featNone, execAddOne(1)},
		{"FF /1", "dec", "Ev", rowLock, featNone, execAddOne(minus)},
		{"F6 /2", "not", "Eb", rowByte | rowLock, featNone, execNot},
		{"F7 /2", "not", "Ev", rowLock, featNone, execNot},
		{"F6 /3", "neg", "Eb", rowByte | rowLock, featNone, execNeg},
		{"F7 /3", "neg", "Ev", rowLock, featNone, execNeg},
		{"0F C0 /r", "xadd", "Eb Gb", rowByte | rowLock, featNone, execXadd},
		{"0F C1 /r", "xadd", "Ev Gv", rowLock, featNone, execXadd},
		{"0F B0 /r", "cmpxchg", "Eb Gb", rowByte | rowLock, featNone, execCmpxchg},
		{"0F B1 /r", "cmpxchg", "Ev Gv", rowLock, featNone, execCmpxchg},
		{"0F C7 /1m", "cmpxchg8b", "Mq", rowLock, featCX8, execCmpxchg8b},
		{"66 0F 38 F6 /r", "adcx", "Gy Ey", 0, featADX, execAdx(1)},
		{"F3 0F 38 F6 /r", "adox", "Gy Ey", 0, featADX, execAdx(1 << 11)},
	}
}

func rowsShift() (r []row) {
	names := []string{"rol", "ror", "rcl", "rcr", "shl", "shr", "shl", "sar"}
	for i, name := range names {
		op, undef := shiftOp(i), rowUndefOF
		if i >= 4 {
			undef |= rowUndefAF
		}
		r = append(r,
			row{fmt.Sprintf("C0 /%d ib", i), name, "Eb Ib", rowByte | undef, featNone, execShiftI(op)},
			row{fmt.Sprintf("C1 /%d ib", i), name, "Ev Ib", undef, featNone, execShiftI(op)},
			row{fmt.Sprintf("D0 /%d", i), name, "Eb 1", rowByte | undef&^rowUndefOF, featNone, execShift1(op)},
			row{fmt.Sprintf("D1 /%d", i), name, "Ev 1", undef &^ rowUndefOF, featNone, execShift1(op)},
			row{fmt.Sprintf("D2 /%d", i), name, "Eb CL", rowByte | undef, featNone, execShiftCL(op)},
			row{fmt.Sprintf("D3 /%d", i), name, "Ev CL", undef, featNone, execShiftCL(op)},
		)
	}
	const undef = rowUndefAF | rowUndefOF
	return append(r,
		row{"0F A4 /r ib", "shld", "Ev Gv Ib", undef, featNone, execShxdI(true)},
		row{"0F A5 /r", "shld", "Ev Gv CL", undef, featNone, execShxdCL(true)},
		row{"0F AC /r ib", "shrd", "Ev Gv Ib", undef, featNone, execShxdI(false)},
		row{"0F AD /r", "shrd", "Ev Gv CL", undef, featNone, execShxdCL(false)},
	)
}

func rowsMul() []row {
	const mul = rowUndefSF | rowUndefZF | rowUndefAF | rowUndefPF
	const div = mul | rowUndefCF | rowUndefOF
	return []row{
		{"F6 /4", "mul", "Eb", rowByte | mul, featNone, execMul},
		{"F7 /4", "mul", "Ev", mul, featNone, execMul},
		{"F6 /5", "imul", "Eb", rowByte | mul, featNone, execImul1},
		{"F7 /5", "imul", "Ev", mul, featNone, execImul1},
		{"0F AF /r", "imul", "Gv Ev", mul, featNone, execImul2},
		{"69 /r iz", "imul", "Gv Ev Iz", mul, featNone, execImul3},
		{"6B /r ib", "imul", "Gv Ev Ib", mul, featNone, execImul3},
		{"F6 /6", "div", "Eb", rowByte | div, featNone, execDiv},
		{"F7 /6", "div", "Ev", div, featNone, execDiv},
		{"F6 /7", "idiv", "Eb", rowByte | div, featNone, execIdiv},
		{"F7 /7", "idiv", "Ev", div, featNone, execIdiv},
	}
}

func rowsMov() []row {
	return []row{
		{"88 /r", "mov", "Eb Gb", rowByte, featNone, execMovEG},
		{"89 /r", "mov", "Ev Gv", 0, featNone, execMovEG},
		{"8A /r", "mov", "Gb Eb", rowByte, featNone, execMovGE},
		{"8B /r", "mov", "Gv Ev", 0, featNone, execMovGE},
		{"A0 ob", "mov", "AL Ob", rowByte, featNone, execMovAO},
		{"A1 ob", "mov", "rAX Ov", 0, featNone, execMovAO},
		{"A2 ob", "mov", "Ob AL", rowByte, featNone, execMovOA},
		{"A3 ob", "mov", "Ov rAX", 0, featNone, execMovOA},
		{"B0+r ib", "mov", "Zb Ib", rowByte, featNone, execMovGI},
		{"B8+r iv", "mov", "Zv Iv", 0, featNone, execMovGI},
		{"C6 /0 ib", "mov", "Eb Ib", rowByte, featNone, execMovEI},
		{"C7 /0 iz", "mov", "Ev Iz", 0, featNone, execMovEI},
		{"8D /rm", "lea", "Gv M", 0, featNone, execLea},
		{"86 /r", "xchg", "Eb Gb", rowByte | rowLock, featNone, execXchg},
		{"87 /r", "xchg", "Ev Gv", rowLock, featNone, execXchg},
		{"90+r", "xchg", "Zv rAX", 0, featNone, execXchgA},
		{"0F C8+r", "bswap", "Zv", 0, featNone, execBswap},
		{"NP 0F C3 /rm", "movnti", "My Gy", 0, featSSE2, execMovnti},
		{"0F 38 F0 /rm", "movbe", "Gv Mv", 0, featMOVBE, execMovbeGM},
		{"0F 38 F1 /rm", "movbe", "Mv Gv", 0, featMOVBE, execMovbeMG},
		{"D7", "xlat", "", rowByte, featNone, execXlat},
	}
}

func rowsExtend() []row {
	return []row{
		{"0F B6 /r", "movzx", "Gv Eb", 0, featNone, execMovzx(1)},
		{"0F B7 /r", "movzx", "Gv Ew", 0, featNone, execMovzx(2)},
		{"0F BE /r", "movsx", "Gv Eb", 0, featNone, execMovsx(1)},
		{"0F BF /r", "movsx", "Gv Ew", 0, featNone, execMovsx(2)},
		{"63 /r", "movsxd", "Gv Ed", rowOnly64, featNone, execMovsxd},
		{"98", "cbw", "", 0, featNone, execCbw},
		{"99", "cwd", "", 0, featNone, execCwd},
	}
}

// condNames are the conditions, numbered as the low four bits of Jcc's opcode.
func condNames() [16]string {
	return [16]string{"o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"}
}

func rowsCond() (r []row) {
	for i, n := range condNames() {
		cc := uint8(i)
		r = append(r,
			row{fmt.Sprintf("0F %02X /r", 0x90+i), "set" + n, "Eb", rowByte, featNone, execSetcc(cc)},
			row{fmt.Sprintf("0F %02X /r", 0x40+i), "cmov" + n, "Gv Ev", 0, featCMOV, execCmov(cc)},
		)
	}
	return r
}

func rowsStack() []row {
	return []row{
		{"50+r", "push", "Zv", rowDef64, featNone, execPushG},
		{"58+r", "pop", "Zv", rowDef64, featNone, execPopG},
		{"68 iz", "push", "Iz", rowDef64, featNone, execPushI},
		{"6A ib", "push", "Ib", rowDef64, featNone, execPushI},
		{"FF /6", "push", "Ev", rowDef64, featNone, execPushE},
		{"8F /0", "pop", "Ev", rowDef64, featNone, execPopE},
		{"60", "pusha", "", rowNo64, featNone, execPusha},
		{"61", "popa", "", rowNo64, featNone, execPopa},
		{"9C", "pushf", "", rowDef64, featNone, execPushf},
		{"9D", "popf", "", rowDef64 | rowEnd, featNone, execPopf},
		{"C8 iwib", "enter", "Iw Ib", rowDef64, featNone, execEnter},
		{"C9", "leave", "", rowDef64, featNone, execLeave},
	}
}

func rowsBit() (r []row) {
	const undef = rowUndefOF | rowUndefSF | rowUndefAF | rowUndefPF
	for i, n := range []string{"bt", "bts", "btr", "btc"} {
		op, lock := bitOp(i), rowLock
		if i == 0 {
			lock = 0
		}
		r = append(r,
			row{fmt.Sprintf("0F %02X /r", 0xa3+8*i), n, "Ev Gv", lock | undef, featNone, execBitG(op)},
			row{fmt.Sprintf("0F BA /%d ib", 4+i), n, "Ev Ib", lock | undef, featNone, execBitI(op)},
		)
	}
	return append(r,
		row{"0F BC /r", "bsf", "Gv Ev", undef | rowUndefCF, featNone, execBsf},
		row{"0F BD /r", "bsr", "Gv Ev", undef | rowUndefCF, featNone, execBsr},
		row{"F3 0F BC /r", "tzcnt", "Gv Ev", undef, featBMI1, execTzcnt},
		row{"F3 0F BD /r", "lzcnt", "Gv Ev", undef, featABM, execLzcnt},
		row{"F3 0F B8 /r", "popcnt", "Gv Ev", 0, featPOPCNT, execPopcnt},
		row{"F2 0F 38 F0 /r", "crc32", "Gd Eb", 0, featSSE42, execCrc32(1)},
		row{"F2 0F 38 F1 /r", "crc32", "Gd Ev", 0, featSSE42, execCrc32(0)},
	)
}

func rowsDecimal() []row {
	const aaa = rowUndefOF | rowUndefSF | rowUndefZF | rowUndefPF
	const aam = rowUndefOF | rowUndefAF | rowUndefCF
	return []row{
		{"27", "daa", "", rowNo64 | rowUndefOF, featNone, execDaa},
		{"2F", "das", "", rowNo64 | rowUndefOF, featNone, execDas},
		{"37", "aaa", "", rowNo64 | aaa, featNone, execAaa},
		{"3F", "aas", "", rowNo64 | aaa, featNone, execAas},
		{"D4 ib", "aam", "Ib", rowNo64 | aam, featNone, execAam},
		{"D5 ib", "aad", "Ib", rowNo64 | aam, featNone, execAad},
	}
}

func rowsMisc() (r []row) {
	r = []row{
		{"F3 90", "pause", "", 0, featNone, execNop},
		{"9E", "sahf", "", rowOnly64, featLAHF, execSahf},
		{"9F", "lahf", "", rowOnly64, featLAHF, execLahf},
		{"9E", "sahf", "", rowNo64, featNone, execSahf},
		{"9F", "lahf", "", rowNo64, featNone, execLahf},
		{"F8", "clc", "", 0, featNone, execClc},
		{"F9", "stc", "", 0, featNone, execStc},
		{"F5", "cmc", "", 0, featNone, execCmc},
		{"FC", "cld", "", 0, featNone, execCld},
		{"FD", "std", "", 0, featNone, execStd},
		{"D6", "salc", "", rowNo64, featNone, execSalc},
		{"62 /rm", "bound", "Gv Ma", rowNo64, featNone, execBound},
		{"0F 0D /rm", "prefetchw", "Mb", rowByte, featNone, execNopE},
		{"NP 0F AE /5r", "lfence", "", 0, featSSE2, execNop},
		{"NP 0F AE /6r", "mfence", "", 0, featSSE2, execNop},
		{"NP 0F AE /7r", "sfence", "", 0, featSSE, execNop},
		{"NP 0F AE /7m", "clflush", "Mb", rowByte, featCLFSH, execClflush},
		{"66 0F AE /7m", "clflushopt", "Mb", rowByte, featCLFLUSHOPT, execClflush},
	}
	for i := range 8 {
		r = append(r, row{fmt.Sprintf("0F %02X /r", 0x18+i), "nop", "Ev", 0, featNone, execNopE})
	}
	return r
}
