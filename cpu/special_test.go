package cpu

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"govm-desktop/x86"
)

// randomInst makes up an instruction of the table's integer rows; false if it came out as none.
func randomInst(r *rand.Rand, d *decoder, m mode, pick func(*row) bool) ([]byte, bool) {
	i := r.IntN(len(d.rows))
	e := &d.encs[i]
	if !pick(&d.rows[i]) {
		return nil, false
	}
	var b []byte
	if r.IntN(7) == 0 {
		b = append(b, 0x66)
	}
	switch e.prefix {
	case prefix66:
		b = append(b, 0x66)
	case prefixF2:
		b = append(b, 0xf2)
	case prefixF3:
		b = append(b, 0xf3)
	}
	if m&mode64 != 0 && r.IntN(2) == 0 {
		b = append(b, 0x40|byte(r.IntN(16)))
	}
	switch e.page {
	case 1:
		b = append(b, 0x0f)
	case 2:
		b = append(b, 0x0f, 0x38)
	case 3:
		b = append(b, 0x0f, 0x3a)
	}
	op := e.opcode
	if e.plusR {
		op += byte(r.IntN(8))
	}
	b = append(b, op)
	if e.mod != modNo {
		b = append(b, randomModRM(r, e)...)
	}
	for range 8 {
		v, w := r.Uint32(), r.Uint32() // often a small number
		b = append(b, byte(v&w))
	}
	var in inst
	if d.decode(b, m, &in) != decodeOK || in.row == rowInvalid || !pick(&d.rows[in.row]) {
		return nil, false
	}
	return b[:in.len], true
}

func randomModRM(r *rand.Rand, e *encoding) []byte {
	reg := byte(r.IntN(8))
	if e.reg >= 0 {
		reg = byte(e.reg)
	}
	mod := byte(r.IntN(4))
	if e.mod == modReg {
		mod = 3
	} else if e.mod == modMem {
		mod &= 1
	}
	b := []byte{mod<<6 | reg<<3 | byte(r.IntN(8))}
	switch {
	case mod == 3:
	case b[0]&7 == 4:
		b = append(b, byte(r.IntN(256)))
	}
	if mod == 2 {
		b = append(b, byte(r.IntN(256)), byte(r.IntN(4)), 0, 0)
	}
	return b
}

func randomState(r *rand.Rand, s *x86.State) {
	for i := range s.GPR {
		switch r.IntN(4) {
		case 0:
			s.GPR[i] = []uint64{0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1<<63 - 1, 1 << 63, ^uint64(0)}[r.IntN(14)]
		case 1:
			s.GPR[i] = r.Uint64()
		default:
			s.GPR[i] = testData + uint64(r.IntN(0x1000))
		}
	}
	s.GPR[x86.RSP] = testStack
	s.RFLAGS = x86.FlagOne | r.Uint64()&x86.FlagsStatus
}

// TestSpecial runs random code on the loop's specialised forms and on the rows' functions: both must do the same.
func TestSpecial(t *testing.T) {
	n := 6000
	if testing.Short() {
		n = 3000
	}
	r := rand.New(rand.NewPCG(1, 2))
	fast, slow := newBench(t, false), newBench(t, true)
	pick := func(w *row) bool {
		return w.attr&(rowPriv|rowNoGen) == 0 && w.feat < featMMX && (w.attr&rowEnd == 0 || w.attr&rowNear != 0)
	}
	used := map[uint16]int{}
	for k := range n {
		m, s := mode64|modeFlat|modeProtected|modeLong, fast.state64()
		if k&3 == 0 {
			m, s = modeCode32|modeStack32|modeFlat|modeProtected, fast.state32()
		}
		slow.state64()
		randomState(r, s)
		if m&mode64 == 0 {
			for i := range s.GPR {
				s.GPR[i] = uint64(uint32(s.GPR[i]))
				if i > 7 {
					s.GPR[i] = 0
				}
			}
		}
		var code []byte
		var list string
		for i := 0; i < 6; {
			if r.IntN(4) == 0 { // the loop has forms of its own for what stands before a jump
				code = append(code, 0x70|byte(r.IntN(16)), byte(r.IntN(4)))
				i++
			} else if b, ok := randomInst(r, fast.vm.table, m, pick); ok {
				code = append(code, b...)
				list += fmt.Sprintf("% x; ", b)
				i++
			}
		}
		code = append(code, 0xf4)
		data := make([]byte, 0x2000)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		a, b := fast.runAny(s, code, data), slow.runAny(s, code, data)
		if m&mode64 == 0 && (b.GPR[x86.RSP] > 1<<32-16 || b.GPR[x86.RBP] > 1<<32-16) {
			continue // an operand across 4 GiB: the loop's forms let it wrap, as processors may (SDM volume 3, 5.3)
		}
		if a.FPU.XMM != b.FPU.XMM || a.GPR != b.GPR || a.RIP != b.RIP || a.RFLAGS != b.RFLAGS || a.CR2 != b.CR2 {
			t.Fatalf("%d: %s\nspecial %x rip %x flags %x cr2 %x\ngeneric %x rip %x flags %x cr2 %x\nstart   %x %x", k, list, a.GPR, a.RIP, a.RFLAGS, a.CR2, b.GPR, b.RIP, b.RFLAGS, b.CR2, s.GPR, s.RFLAGS)
		}
		x, y := fast.ram.Bytes()[:testPML4], slow.ram.Bytes()[:testPML4]
		if !bytes.Equal(x, y) {
			for i := range x {
				if x[i] != y[i] {
					t.Fatalf("%d: %s\nmemory differs at %#x: %x, %x", k, list, i, x[i], y[i])
				}
			}
		}
		for _, blk := range fast.cpu.blk.buckets {
			for ; blk != nil; blk = blk.hash {
				for i := range blk.insts {
					used[blk.insts[i].code]++
				}
			}
		}
		fast.cpu.dropAll()
		slow.cpu.dropAll()
	}
	for code := codeExec; code < codeEnd; code++ {
		if used[code] == 0 && code != codeStale && !testing.Short() {
			t.Logf("code %d was never used", code)
		}
	}
}

// runAny runs code from a state until the processor halts or dies, but not for long.
func (b *bench) runAny(s *x86.State, code, data []byte) *x86.State {
	ram := b.ram.Bytes()
	clear(ram[:0x80000])
	copy(ram[testCode:], code)
	copy(ram[testData:], data)
	b.ram.Wrote(0, testPML4)
	b.cpu.Set(s)
	b.cpu.budget(2000)
	b.cpu.Run()
	out := new(x86.State)
	b.cpu.Get(out)
	return out
}
