package ring3

import (
	"fmt"
	"slices"
	"strings"
)

// SequenceForms are the forms that sequences are made of: without those whose results may differ, and those that need their operands prepared.
func SequenceForms(forms []Form) (pool []*Form) {
	var not []string
	for _, f := range freedoms() {
		not = append(not, strings.Fields(f.names)...)
	}
	not = append(not, "jmp", "call", "ret", "enter", "leave", "popf", "xlat", "fldcw", "loop", "loope", "loopne", "jcxz")
	for i := range forms {
		f := &forms[i]
		bits := f.is(1, 0xa3, 0xab, 0xb3, 0xbb) && f.Mem
		if !slices.Contains(not, f.Name) && !f.isString() && !bits && f.Imm != "cb" && f.Imm != "cz" && f.Args != "M" {
			pool = append(pool, f)
		}
	}
	return pool
}

// NewSequence makes the n-th sequence of instructions, to be the batch's i-th case. Most are integer instructions, so that flags live long.
func NewSequence(pool []*Form, n uint64, i, codeAt int, s stubs) *Case {
	c := &Case{Name: "sequence", N: n, codeAt: codeAt}
	g := &gen{Case: c, r: seeded(c.Name, n), f: pool[0], at: uint64(dataAt + i*dataSize), stub: s}
	c.window = g.at
	g.f = pool[g.r.IntN(len(pool))] // what x87 and SSE registers hold
	g.state()
	g.seq = true
	for _, r := range []int{5, 8, 14} {
		g.setReg(r, g.at+uint64(200+g.r.IntN(200)))
	}
	g.setReg(4, g.at+uint64(320+8*g.r.IntN(8)))
	integer := g.r.IntN(4) != 0
	for range 5 + g.r.IntN(26) {
		g.step(pool, integer)
	}
	g.tail()
	return c
}

// step adds an instruction, at times one that a conditional jump may skip.
func (g *gen) step(pool []*Form, integer bool) {
	for {
		g.f = pool[g.r.IntN(len(pool))]
		if !integer || g.f.Class() == "integer" || g.r.IntN(12) == 0 {
			break
		}
	}
	g.Steps = append(g.Steps, g.f)
	g.ip = uint64(g.codeAt + len(g.Code))
	if g.r.IntN(8) != 0 {
		g.Code = append(g.Code, g.instruction()...)
		return
	}
	g.ip += 2
	b := g.instruction()
	g.Code = append(g.Code, 0x70|byte(g.r.IntN(16)), byte(len(b)))
	g.Code = append(g.Code, b...)
}

// mnemonics lists a sequence's instructions.
func (c *Case) mnemonics() string {
	s := ""
	for _, f := range c.Steps {
		s += fmt.Sprintf(" %s/%d", f.Name, f.Size)
	}
	return s
}
