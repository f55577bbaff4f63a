package cpu

import "fmt"

// rowsBranch are the near branches.
func rowsBranch() []row {
	r := []row{
		{"EB cb", "jmp", "Jb", rowForce64 | rowEnd | rowNear, featNone, execJmpRel},
		{"E9 cz", "jmp", "Jz", rowForce64 | rowEnd | rowNear, featNone, execJmpRel},
		{"FF /4", "jmp", "Ev", rowForce64 | rowEnd | rowNear, featNone, execJmpE},
		{"E8 cz", "call", "Jz", rowForce64 | rowEnd | rowNear, featNone, execCallRel},
		{"FF /2", "call", "Ev", rowForce64 | rowEnd | rowNear, featNone, execCallE},
		{"C3", "ret", "", rowForce64 | rowEnd | rowNear, featNone, execRet},
		{"C2 iw", "ret", "Iw", rowForce64 | rowEnd | rowNear, featNone, execRetI},
		{"E0 cb", "loopne", "Jb", rowForce64 | rowEnd | rowNear, featNone, execLoop(0)},
		{"E1 cb", "loope", "Jb", rowForce64 | rowEnd | rowNear, featNone, execLoop(1)},
		{"E2 cb", "loop", "Jb", rowForce64 | rowEnd | rowNear, featNone, execLoop(-1)},
		{"E3 cb", "jcxz", "Jb", rowForce64 | rowEnd | rowNear, featNone, execJcxz},
	}
	for i, n := range condNames() {
		cc := uint8(i)
		r = append(r,
			row{fmt.Sprintf("%02X cb", 0x70+i), "j" + n, "Jb", rowForce64 | rowEnd | rowNear, featNone, execJcc(cc)},
			row{fmt.Sprintf("0F %02X cz", 0x80+i), "j" + n, "Jz", rowForce64 | rowEnd | rowNear, featNone, execJcc(cc)},
		)
	}
	return r
}
