package cpu

import (
	"govm-desktop/cpu/softfloat"
	"govm-desktop/x86"
)

// fpArith is one of the eight operations of D8, in the order of their ModRM.reg.
type fpArith uint8

const (
	fpADD fpArith = iota
	fpMUL
	fpCOM
	fpCOMP
	fpSUB
	fpSUBR
	fpDIV
	fpDIVR
)

func (op fpArith) run(e *softfloat.X87, a, b softfloat.Float80) softfloat.Float80 {
	switch op {
	case fpADD:
		return e.Add(a, b)
	case fpMUL:
		return e.Mul(a, b)
	case fpSUB:
		return e.Sub(a, b)
	case fpSUBR:
		return e.Sub(b, a)
	case fpDIV:
		return e.Div(a, b)
	}
	return e.Div(b, a)
}

// fpArithMem is ST(0) = ST(0) op memory.
func fpArithMem(op fpArith, k fpMem) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkFPU()
		raw := c.fpLoadRaw(in, k)
		c.fpBegin(in)
		f := &c.fpu
		if f.empty(0) {
			if c.fpStackFault(in, false) {
				f.put(0, softfloat.Indefinite())
			}
			return
		}
		b := c.fpOperand(raw, k)
		r := op.run(&f.env, f.get(0), b)
		if !f.env.Blocked() {
			f.put(0, r)
		}
		c.fpEnd(in)
	}
}

// fpArithReg is D8: ST(0) = ST(0) op ST(i); or DC and DE: ST(i) = ST(i) op ST(0), where the table gives the reversed operations.
func fpArithReg(op fpArith, toSTi, pop bool) func(*CPU, *inst) {
	return fpRow(func(c *CPU, in *inst) {
		f := &c.fpu
		i := in.modrm & 7
		dst := uint8(0)
		if toSTi {
			dst = i
		}
		if f.empty(0) || f.empty(i) {
			if c.fpStackFault(in, false) {
				f.put(dst, softfloat.Indefinite())
				if pop {
					f.pop()
				}
			}
			return
		}
		a, b := f.get(0), f.get(i)
		if toSTi {
			a, b = b, a
		}
		r := op.run(&f.env, a, b)
		if !f.env.Blocked() {
			f.put(dst, r)
			if pop {
				f.pop()
			}
		}
		c.fpEnd(in)
	})
}

// fpUnary is ST(0) = op(ST(0)).
func fpUnary(op func(e *softfloat.X87, v softfloat.Float80) softfloat.Float80) func(*CPU, *inst) {
	return fpRow(func(c *CPU, in *inst) {
		f := &c.fpu
		if f.empty(0) {
			if c.fpStackFault(in, false) {
				f.put(0, softfloat.Indefinite())
			}
			return
		}
		r := op(&f.env, f.get(0))
		if !f.env.Blocked() {
			f.put(0, r)
		}
		c.fpEnd(in)
	})
}

// fpLog is FYL2X, FYL2XP1 and FPATAN: ST(1) = op(ST(1), ST(0)), then pop.
func fpLog(op func(e *softfloat.X87, y, x softfloat.Float80) softfloat.Float80) func(*CPU, *inst) {
	return fpRow(func(c *CPU, in *inst) {
		f := &c.fpu
		if f.empty(0) || f.empty(1) {
			if c.fpStackFault(in, false) {
				f.put(1, softfloat.Indefinite())
				f.pop()
			}
			return
		}
		r := op(&f.env, f.get(1), f.get(0))
		if !f.env.Blocked() {
			f.put(1, r)
			f.pop()
		}
		c.fpEnd(in)
	})
}

// fpOnePush checks the stack for an instruction that replaces ST(0) and pushes one more; false: it is over.
func (c *CPU) fpOnePush(in *inst) bool {
	f := &c.fpu
	under := f.empty(0)
	if !under && f.empty(7) {
		return true
	}
	if c.fpStackFault(in, !under) {
		f.put(0, softfloat.Indefinite())
		f.push(softfloat.Indefinite())
	}
	return false
}

// fpReplacePush ends such an instruction.
func (c *CPU) fpReplacePush(in *inst, below, top softfloat.Float80) {
	f := &c.fpu
	if !f.env.Blocked() {
		f.put(0, below)
		f.push(top)
	}
	c.fpEnd(in)
}

func fpXTRACT(c *CPU, in *inst) {
	if c.fpOnePush(in) {
		exp, sig := c.fpu.env.Extract(c.fpu.get(0))
		c.fpReplacePush(in, exp, sig)
	}
}

// fpRange sets C2 by whether a trigonometric operand was in range.
func (f *fpuState) fpRange(ok bool) {
	f.fsw &^= fswC2
	if !ok {
		f.fsw |= fswC2
	}
}

func fpSINCOS(c *CPU, in *inst) {
	c.fpu.fsw &^= fswC2
	if !c.fpOnePush(in) {
		return
	}
	f := &c.fpu
	sin, cos, ok := f.env.SinCos(f.get(0), true, true)
	f.fpRange(ok)
	if ok {
		c.fpReplacePush(in, sin, cos)
	}
}

func fpPTAN(c *CPU, in *inst) {
	c.fpu.fsw &^= fswC2
	if !c.fpOnePush(in) {
		return
	}
	f := &c.fpu
	tan, ok := f.env.Tan(f.get(0))
	f.fpRange(ok)
	switch {
	case !ok:
	case tan.NaN():
		c.fpReplacePush(in, tan, tan)
	default:
		c.fpReplacePush(in, tan, softfloat.One())
	}
}

// fpTrig is FSIN (cos false) and FCOS.
func fpTrig(cos bool) func(*CPU, *inst) {
	return fpRow(func(c *CPU, in *inst) {
		f := &c.fpu
		f.fsw &^= fswC2
		if f.empty(0) {
			if c.fpStackFault(in, false) {
				f.put(0, softfloat.Indefinite())
			}
			return
		}
		r, rc, ok := f.env.SinCos(f.get(0), !cos, cos)
		if cos {
			r = rc
		}
		f.fpRange(ok)
		if ok && !f.env.Blocked() {
			f.put(0, r)
		}
		c.fpEnd(in)
	})
}

// fpPREM is FPREM and FPREM1.
func fpPREM(nearest bool) func(*CPU, *inst) {
	return fpRow(func(c *CPU, in *inst) {
		f := &c.fpu
		f.fsw &^= fswC2
		if f.empty(0) || f.empty(1) {
			if c.fpStackFault(in, false) {
				f.put(0, softfloat.Indefinite())
			}
			return
		}
		r, q, partial := f.env.Rem(f.get(0), f.get(1), nearest)
		if !f.env.Blocked() {
			f.put(0, r)
			if r.NaN() { // C0 and C3 stay
				c.fpEnd(in)
				return
			}
			f.fsw &^= fswCC
			if partial {
				f.fsw |= fswC2
			} else {
				f.fsw |= uint16(q>>2&1)<<8 | uint16(q>>1&1)<<14 | uint16(q&1)<<9
			}
		}
		c.fpEnd(in)
	})
}

// fpSCALE is FSCALE.
func fpSCALE(c *CPU, in *inst) {
	f := &c.fpu
	if f.empty(0) || f.empty(1) {
		if c.fpStackFault(in, false) {
			f.put(0, softfloat.Indefinite())
		}
		return
	}
	r := f.env.Scale(f.get(0), f.get(1))
	if !f.env.Blocked() {
		f.put(0, r)
	}
	c.fpEnd(in)
}

func fpCHS(_ *softfloat.X87, v softfloat.Float80) softfloat.Float80 { return v.Chs() }
func fpABS(_ *softfloat.X87, v softfloat.Float80) softfloat.Float80 { return v.Abs() }

func fpXAM(c *CPU, _ *inst) {
	f := &c.fpu
	v := f.get(0)
	f.fsw &^= fswCC
	if f.empty(0) {
		f.fsw |= fswC3 | fswC0
	} else {
		f.fsw |= v.Exam()
	}
	if v.Neg() {
		f.fsw |= fswC1
	}
}

// fpRelation sets the condition codes by a comparison.
func (f *fpuState) fpRelation(r softfloat.Relation) {
	f.fsw &^= fswC0 | fswC2 | fswC3
	f.fsw |= [4]uint16{softfloat.Less: fswC0, softfloat.Equal: fswC3, softfloat.Unordered: fswC0 | fswC2 | fswC3}[r]
}

// fpCompare compares ST(0) with a value that is there (have) or not, and pops.
func (c *CPU) fpCompare(in *inst, b func() softfloat.Float80, have, quiet bool, pops int) {
	f := &c.fpu
	if f.empty(0) || !have {
		masked := c.fpStackFault(in, false)
		f.fpRelation(softfloat.Unordered)
		if !masked {
			pops = 0
		}
	} else {
		f.fpRelation(f.env.Compare(f.get(0), b(), quiet))
		if f.env.Blocked() {
			pops = 0
		}
		c.fpEnd(in)
	}
	for ; pops > 0; pops-- {
		f.pop()
	}
}

// fpCOMMem is FCOM and FCOMP with memory, FICOM and FICOMP.
func fpCOMMem(k fpMem, pops int) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkFPU()
		raw := c.fpLoadRaw(in, k)
		c.fpBegin(in)
		c.fpCompare(in, func() softfloat.Float80 { return c.fpOperand(raw, k) }, true, false, pops)
	}
}

// fpCOMReg is FCOM ST(i), FUCOM and their popping forms.
func fpCOMReg(quiet bool, pops int) func(*CPU, *inst) {
	return fpRow(func(c *CPU, in *inst) {
		f := &c.fpu
		i := in.modrm & 7
		c.fpCompare(in, func() softfloat.Float80 { return f.get(i) }, !f.empty(i), quiet, pops)
	})
}

// fpTST is FTST.
func fpTST(c *CPU, in *inst) {
	c.fpCompare(in, func() softfloat.Float80 { return softfloat.Float80{} }, true, false, 0)
}

// relFlags are the status flags of COMISS and FCOMI.
func relFlags(r softfloat.Relation) uint64 {
	return [4]uint64{softfloat.Less: x86.FlagCF, softfloat.Equal: x86.FlagZF, softfloat.Unordered: x86.FlagZF | x86.FlagPF | x86.FlagCF}[r]
}

// fpCOMI is FCOMI, FUCOMI and their popping forms.
func fpCOMI(quiet, pop bool) func(*CPU, *inst) {
	return fpRowC1(func(c *CPU, in *inst) {
		f := &c.fpu
		i := in.modrm & 7
		ok := true
		if f.empty(0) || f.empty(i) {
			ok = c.fpStackFault(in, false)
			c.setStatus(relFlags(softfloat.Unordered)) // masked or not
		} else {
			r := f.env.Compare(f.get(0), f.get(i), quiet)
			ok = !f.env.Blocked()
			c.setStatus(relFlags(r)) // blocked or not
			c.fpEnd(in)
		}
		if ok && pop {
			f.pop()
		}
	})
}
