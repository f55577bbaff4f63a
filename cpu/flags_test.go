package cpu

import (
	"math/bits"
	"testing"

	"govm-desktop/x86"
)

// wantFlags are the status flags by the words of the SDM, from the wide sum of the operands.
func wantFlags(res uint8, carry, half, over bool) uint64 {
	var f uint64
	set := func(on bool, bit uint64) {
		if on {
			f |= bit
		}
	}
	set(carry, x86.FlagCF)
	set(half, x86.FlagAF)
	set(over, x86.FlagOF)
	set(res == 0, x86.FlagZF)
	set(res >= 0x80, x86.FlagSF)
	set(bits.OnesCount8(res)%2 == 0, x86.FlagPF)
	return f
}

// TestFlags8 goes through all operands of all two-operand byte operations, by exec and by the lazy flags.
func TestFlags8(t *testing.T) {
	c := &CPU{}
	in := &inst{opsize: 1, reg: 1, rm: 0, exec: nil}
	for op := aluAdd; op <= aluTest; op++ {
		for i := range 1 << 17 {
			a, b, cin := i&0xff, i>>8&0xff, i>>16
			c.setStatus(uint64(cin))
			c.gpr[0], c.gpr[1] = uint64(a), uint64(b)
			execAluEG(op)(c, in)
			res, f := reference8(op, a, b, cin)
			got := uint8(c.gpr[0])
			if op >= aluCmp {
				got = res
			}
			if got != res || c.status() != f {
				t.Fatalf("op %d: %#x, %#x, CF %d: %#x flags %#x, want %#x flags %#x", op, a, b, cin, got, c.status(), res, f)
			}
			for cc := range uint8(16) {
				if c.cond(cc) != referenceCond(cc, f) {
					t.Fatalf("op %d: %#x, %#x, CF %d: condition %d with flags %#x", op, a, b, cin, cc, f)
				}
			}
			if c.cf() != f&1 {
				t.Fatalf("op %d: %#x, %#x, CF %d: cf", op, a, b, cin)
			}
		}
	}
}

func reference8(op aluOp, a, b, cin int) (uint8, uint64) {
	sa, sb := int(int8(a)), int(int8(b))
	switch op {
	case aluAdd, aluAdc:
		if op == aluAdd {
			cin = 0
		}
		s := sa + sb + cin
		return uint8(a + b + cin), wantFlags(uint8(a+b+cin), a+b+cin > 0xff, a&15+b&15+cin > 15, s < -128 || s > 127)
	case aluSub, aluSbb, aluCmp:
		if op != aluSbb {
			cin = 0
		}
		s := sa - sb - cin
		return uint8(a - b - cin), wantFlags(uint8(a-b-cin), a < b+cin, a&15 < b&15+cin, s < -128 || s > 127)
	}
	r := uint8(a & b)
	switch op {
	case aluOr:
		r = uint8(a | b)
	case aluXor:
		r = uint8(a ^ b)
	}
	return r, wantFlags(r, false, false, false)
}

func referenceCond(cc uint8, f uint64) bool {
	has := func(b uint64) bool { return f&b != 0 }
	r := [8]bool{has(x86.FlagOF), has(x86.FlagCF), has(x86.FlagZF), has(x86.FlagCF | x86.FlagZF), has(x86.FlagSF), has(x86.FlagPF),
		has(x86.FlagSF) != has(x86.FlagOF), has(x86.FlagZF) || has(x86.FlagSF) != has(x86.FlagOF)}[cc>>1]
	return r != (cc&1 != 0)
}

// TestFlags_all sets every combination of flags as POPF does: impossible ones too must read back and decide conditions.
func TestFlags_all(t *testing.T) {
	c := &CPU{}
	for i := range uint64(64) {
		var f uint64
		for k, b := range []uint64{x86.FlagCF, x86.FlagPF, x86.FlagAF, x86.FlagZF, x86.FlagSF, x86.FlagOF} {
			f |= i >> k & 1 * b
		}
		c.setFlags(f, x86.FlagsStatus)
		if c.status() != f {
			t.Errorf("%#x reads back as %#x", f, c.status())
		}
		for cc := range uint8(16) {
			if c.cond(cc) != referenceCond(cc, f) {
				t.Errorf("condition %d with flags %#x", cc, f)
			}
		}
	}
}

// TestIncDec8 goes through INC, DEC and NEG of all bytes.
func TestIncDec8(t *testing.T) {
	c := &CPU{}
	in := &inst{opsize: 1}
	for i := range 512 {
		a, cin := i&0xff, i>>8
		for op, exec := range []func(*CPU, *inst){execAddOne(1), execAddOne(^uint64(0)), execNeg} {
			c.setStatus(uint64(cin))
			c.gpr[0] = uint64(a)
			exec(c, in)
			var res uint8
			var f uint64
			switch op {
			case 0:
				res, f = reference8(aluAdd, a, 1, 0)
				f = f&^1 | uint64(cin)
			case 1:
				res, f = reference8(aluSub, a, 1, 0)
				f = f&^1 | uint64(cin)
			case 2:
				res, f = reference8(aluSub, 0, a, 0)
			}
			if uint8(c.gpr[0]) != res || c.status() != f {
				t.Errorf("op %d of %#x: %#x flags %#x, want %#x flags %#x", op, a, c.gpr[0], c.status(), res, f)
			}
		}
	}
}

// TestShift8 goes through all shifts and rotates of all bytes by all counts, step by step as the SDM's pseudocode does.
func TestShift8(t *testing.T) {
	c := &CPU{}
	in := &inst{opsize: 1}
	for op := shiftRol; op <= shiftSar; op++ {
		for i := range 1 << 14 {
			v, cin, n := i&0xff, i>>8&1, i>>9
			c.setStatus(uint64(cin))
			c.gpr[0] = uint64(v)
			c.shiftRM(in, op, uint64(n))
			res, cf := referenceShift(op, v, cin, n&31)
			if int(c.gpr[0]) != res || int(c.cf()) != cf {
				t.Fatalf("op %d of %#x by %d with CF %d: %#x CF %d, want %#x CF %d", op, v, n, cin, c.gpr[0], c.cf(), res, cf)
			}
			if n&31 == 1 {
				over := (v^res)&0x80 != 0
				if op == shiftSar {
					over = false
				}
				if over != c.cond(0) {
					t.Fatalf("op %d of %#x by 1: OF %v", op, v, c.cond(0))
				}
			}
		}
	}
}

func referenceShift(op shiftOp, v, cf, n int) (int, int) {
	for range n {
		top, low := v>>7&1, v&1
		switch op {
		case shiftRol:
			v, cf = v<<1&0xff|top, top
		case shiftRor:
			v, cf = v>>1|low<<7, low
		case shiftRcl:
			v, cf = v<<1&0xff|cf, top
		case shiftRcr:
			v, cf = v>>1|cf<<7, low
		case shiftShr:
			v, cf = v>>1, low
		case shiftSar:
			v, cf = v>>1|top<<7, low
		default:
			v, cf = v<<1&0xff, top
		}
	}
	return v, cf
}

// TestDecimal compares DAA and DAS with the SDM's tables through a packed sum and difference.
func TestDecimal(t *testing.T) {
	c := &CPU{}
	in := &inst{opsize: 1, reg: 1}
	bcd := func(n int) uint64 { return uint64(n/10<<4 | n%10) }
	for a := range 100 {
		for b := range 100 {
			c.gpr[0], c.gpr[1] = bcd(a), bcd(b)
			execAluEG(aluAdd)(c, in)
			execDaa(c, in)
			if c.gpr[0]&0xff != bcd((a+b)%100) || c.cf() != uint64((a+b)/100) {
				t.Errorf("DAA of %d+%d: %#x CF %d", a, b, c.gpr[0], c.cf())
			}
			c.gpr[0], c.gpr[1] = bcd(a), bcd(b)
			execAluEG(aluSub)(c, in)
			execDas(c, in)
			borrow := uint64(0)
			if a < b {
				borrow = 1
			}
			if c.gpr[0]&0xff != bcd((a-b+100)%100) || c.cf() != borrow {
				t.Errorf("DAS of %d-%d: %#x CF %d", a, b, c.gpr[0], c.cf())
			}
		}
	}
}
