package cpu

import (
	"govm-desktop/cpu/softfloat"
	"govm-desktop/x86"
)

// An x87 instruction runs in four steps: check (checkFPU), fetch a memory operand (which may fault), fpBegin, compute and write
// back, fpEnd. As on Intel's chips since Haswell FIP follows every instruction, FOP and FDP only those with an unmasked exception, and FCS
// and FDS read as zero (CPUID leaf 7, FDP_EXCPTN_ONLY and the bit for deprecated FCS and FDS).

// fpBegin starts an instruction: exceptions and C1 of its own come later.
func (c *CPU) fpBegin(in *inst) {
	f := &c.fpu
	f.fip = c.gpr[regRIP] + uint64(in.off)
	f.fsw &^= fswC1
	f.env.SetControl(f.fcw)
}

// fpEnd folds the flags of the computation into the status word.
func (c *CPU) fpEnd(in *inst) {
	f := &c.fpu
	raised := uint16(f.env.Raised)
	if raised == 0 {
		return
	}
	f.fsw |= raised
	if f.env.RoundedUp && f.env.Raised&softfloat.PE != 0 {
		f.fsw |= fswC1
	}
	if raised&^f.fcw != 0 {
		c.fpTrace(in)
	}
}

// fpTrace notes the instruction with the exception for its handler.
func (c *CPU) fpTrace(in *inst) {
	f := &c.fpu
	f.fop = uint16(c.table.encs[in.row].opcode&7)<<8 | uint16(in.modrm)
	if in.isMem() { // else the last one stays
		f.fdp = c.ea(in)
	}
}

// st is the physical index of ST(i).
func (f *fpuState) st(i uint8) uint8 { return (f.top + i) & 7 }

func (f *fpuState) empty(i uint8) bool { return f.tags>>f.st(i)&1 == 0 }

// put writes ST(i) and marks it used.
func (f *fpuState) put(i uint8, v softfloat.Float80) {
	p := f.st(i)
	f.regs[p] = v
	f.tags |= 1 << p
}

func (f *fpuState) get(i uint8) softfloat.Float80 { return f.regs[f.st(i)] }

func (f *fpuState) pop() {
	f.tags &^= 1 << f.top
	f.top = (f.top + 1) & 7
}

func (f *fpuState) push(v softfloat.Float80) {
	f.top = (f.top - 1) & 7
	f.put(0, v)
}

// fpStackFault raises a stack underflow or overflow and reports whether the masked response follows.
func (c *CPU) fpStackFault(in *inst, overflow bool) bool {
	f := &c.fpu
	f.fsw = f.fsw&^fswC1 | fswIE | fswSF
	if overflow {
		f.fsw |= fswC1
	}
	if f.fcw&fswIE == 0 {
		c.fpTrace(in)
		return false
	}
	return true
}

// fpPush pushes a value that cannot raise anything itself.
func (c *CPU) fpPush(in *inst, v softfloat.Float80) {
	f := &c.fpu
	if !f.empty(7) {
		if c.fpStackFault(in, true) {
			f.push(softfloat.Indefinite())
		}
		return
	}
	f.push(v)
}

// fpRow wraps what nearly every waiting instruction without a memory operand has in common.
func fpRow(f func(c *CPU, in *inst)) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkFPU()
		c.fpBegin(in)
		f(c, in)
	}
}

// fpRowC1 is fpRow for instructions that leave C1 as it is, a stack fault aside.
func fpRowC1(f func(c *CPU, in *inst)) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkFPU()
		c1 := c.fpu.fsw & fswC1
		c.fpBegin(in)
		c.fpu.fsw |= c1
		f(c, in)
	}
}

// Operands of arithmetic from memory. They are read after checkFPU and before anything changes.
type fpMem uint8

const (
	fpM32 fpMem = iota
	fpM64
	fpI16
	fpI32
)

func (c *CPU) fpLoadRaw(in *inst, k fpMem) uint64 {
	switch k {
	case fpM32, fpI32:
		return uint64(c.load32(c.lin(in, 4)))
	case fpI16:
		return uint64(c.load16(c.lin(in, 2)))
	}
	return c.load64(c.lin(in, 8))
}

func (c *CPU) fpOperand(raw uint64, k fpMem) softfloat.Float80 {
	switch k {
	case fpM32:
		return c.fpu.env.Operand32(uint32(raw))
	case fpM64:
		return c.fpu.env.Operand64(raw)
	case fpI16:
		return softfloat.FromInt(int64(int16(raw)))
	}
	return softfloat.FromInt(int64(int32(raw)))
}

// fpLD is FLD m32fp, m64fp and FILD m16int, m32int.
func fpLD(k fpMem) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkFPU()
		raw := c.fpLoadRaw(in, k)
		c.fpBegin(in)
		f := &c.fpu
		var v softfloat.Float80
		switch {
		case !f.empty(7):
			c.fpPush(in, v)
			return
		case k == fpM32:
			v = f.env.FromFloat32(uint32(raw))
		case k == fpM64:
			v = f.env.FromFloat64(raw)
		default:
			v = c.fpOperand(raw, k)
		}
		if !f.env.BlockedLoad() {
			f.push(v)
		}
		c.fpEnd(in)
	}
}

func fpFILD64(c *CPU, in *inst) {
	c.checkFPU()
	raw := c.load64(c.lin(in, 8))
	c.fpBegin(in)
	c.fpPush(in, softfloat.FromInt(int64(raw)))
}

func fpLD80(c *CPU, in *inst) {
	c.checkFPU()
	v := softfloat.Float80(c.load80(c.lin(in, 10)))
	c.fpBegin(in)
	c.fpPush(in, v)
}

func fpFBLD(c *CPU, in *inst) {
	c.checkFPU()
	v := softfloat.Float80(c.load80(c.lin(in, 10)))
	c.fpBegin(in)
	c.fpPush(in, softfloat.FromBCD(softfloat.BCD{Digits: v.Sig, Top: v.SE}))
}

// fpLDsti is FLD ST(i).
func fpLDsti(c *CPU, in *inst) {
	f := &c.fpu
	i := in.modrm & 7
	if f.empty(i) {
		// Underflow comes before overflow: the push happens even onto a full stack.
		if c.fpStackFault(in, false) {
			f.push(softfloat.Indefinite())
		}
		return
	}
	c.fpPush(in, f.get(i))
}

// fpConst is FLD1 to FLDZ.
func fpConst(k softfloat.Constant) func(*CPU, *inst) {
	return fpRow(func(c *CPU, in *inst) { c.fpPush(in, k.Load(c.fpu.env.Mode)) })
}

// fpST is FST and FSTP to memory, FIST, FISTP and FISTTP: conv gives the bits to store.
func fpST(size uint8, pop bool, conv func(e *softfloat.X87, v softfloat.Float80) uint64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkFPU()
		f := &c.fpu
		// The store may fault: nothing is committed before. If an unmasked exception keeps it from happening its address does not matter.
		var env softfloat.X87
		env.SetControl(f.fcw)
		under := f.empty(0)
		v := f.get(0)
		if under {
			v = softfloat.Indefinite()
		}
		bits := conv(&env, v)
		write := !env.BlockedStore()
		if under {
			write = f.fcw&fswIE != 0
		}
		if write {
			c.storeN(c.linW(in, size), size, bits)
		}
		c.fpBegin(in)
		if under {
			c.fpStackFault(in, false)
		} else {
			f.env = env
			c.fpEnd(in)
		}
		if write && pop {
			f.pop()
		}
	}
}

func fpConvF32(e *softfloat.X87, v softfloat.Float80) uint64 { return uint64(e.ToFloat32(v)) }
func fpConvF64(e *softfloat.X87, v softfloat.Float80) uint64 { return e.ToFloat64(v) }

func fpConvInt(size uint) func(e *softfloat.X87, v softfloat.Float80) uint64 {
	return func(e *softfloat.X87, v softfloat.Float80) uint64 { return uint64(e.ToInt(v, size)) }
}

func fpConvTrunc(size uint) func(e *softfloat.X87, v softfloat.Float80) uint64 {
	return func(e *softfloat.X87, v softfloat.Float80) uint64 { return uint64(e.TruncInt(v, size)) }
}

// fpSTP80 is FSTP m80fp, fpFBSTP FBSTP m80bcd.
func fpSTP80(c *CPU, in *inst) {
	c.checkFPU()
	lin := c.linW(in, 10)
	f := &c.fpu
	under := f.empty(0)
	v := f.get(0)
	if under {
		v = softfloat.Indefinite()
	}
	write := !under || f.fcw&fswIE != 0
	if write {
		c.store80(lin, x86.Float80(v))
	}
	c.fpBegin(in)
	if under {
		c.fpStackFault(in, false)
	}
	if write {
		f.pop()
	}
}

func fpFBSTP(c *CPU, in *inst) {
	c.checkFPU()
	lin := c.linW(in, 10)
	f := &c.fpu
	var env softfloat.X87
	env.SetControl(f.fcw)
	under := f.empty(0)
	v := f.get(0)
	if under {
		v = softfloat.Indefinite()
	}
	b := env.ToBCD(v)
	write := !env.BlockedStore()
	if write {
		c.store80(lin, x86.Float80{Sig: b.Digits, SE: b.Top})
	}
	c.fpBegin(in)
	if under {
		c.fpStackFault(in, false)
	} else {
		f.env = env
		c.fpEnd(in)
	}
	if write {
		f.pop()
	}
}

// fpSTsti is FST ST(i) and FSTP ST(i).
func fpSTsti(pop bool) func(*CPU, *inst) {
	return fpRow(func(c *CPU, in *inst) {
		f := &c.fpu
		v := f.get(0)
		if f.empty(0) {
			if !c.fpStackFault(in, false) {
				return
			}
			v = softfloat.Indefinite()
		}
		f.put(in.modrm&7, v)
		if pop {
			f.pop()
		}
	})
}

// fpSTP1 is the FSTP of D9 D8, to which an empty ST(0) is no fault.
func fpSTP1(c *CPU, in *inst) {
	f := &c.fpu
	i := in.modrm & 7
	if !f.empty(0) {
		f.put(i, f.get(0))
	}
	f.pop()
}

func fpXCH(c *CPU, in *inst) {
	f := &c.fpu
	i := in.modrm & 7
	a, b := f.get(0), f.get(i)
	if f.empty(0) || f.empty(i) {
		if !c.fpStackFault(in, false) {
			return
		}
		if f.empty(0) {
			a = softfloat.Indefinite()
		}
		if f.empty(i) {
			b = softfloat.Indefinite()
		}
	}
	f.put(0, b)
	f.put(i, a)
}

// fpCMOV is FCMOVcc, cc as the integer conditions are numbered.
func fpCMOV(cc uint8) func(*CPU, *inst) {
	return fpRowC1(func(c *CPU, in *inst) {
		f := &c.fpu
		i := in.modrm & 7
		if f.empty(0) || f.empty(i) {
			if c.fpStackFault(in, false) {
				f.put(0, softfloat.Indefinite())
			}
			return
		}
		if c.cond(cc) {
			f.put(0, f.get(i))
		}
	})
}
