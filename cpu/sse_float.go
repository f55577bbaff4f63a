package cpu

import "govm-desktop/cpu/softfloat"

type (
	fn32 = func(s *softfloat.SSE, a, b uint32) uint32
	fn64 = func(s *softfloat.SSE, a, b uint64) uint64
)

// fp32 runs f on the two lanes of a half.
func fp32(s *softfloat.SSE, f fn32, a, b uint64) uint64 {
	lo := f(s, uint32(a), uint32(b))
	return uint64(lo) | uint64(f(s, uint32(a>>32), uint32(b>>32)))<<32
}

// ssePS, ssePD, sseSS, sseSD are V = f(V, W) on all or the lowest lane.
func ssePS(f fn32) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		lo, hi := c.xmmSrc16(in)
		s := &c.fpu.sse
		s.Raised = 0
		d := &c.fpu.xmm[in.reg&15]
		lo, hi = fp32(s, f, d[0], lo), fp32(s, f, d[1], hi)
		c.sseCommit()
		d[0], d[1] = lo, hi
	}
}

func ssePD(f fn64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		lo, hi := c.xmmSrc16(in)
		s := &c.fpu.sse
		s.Raised = 0
		d := &c.fpu.xmm[in.reg&15]
		lo, hi = f(s, d[0], lo), f(s, d[1], hi)
		c.sseCommit()
		d[0], d[1] = lo, hi
	}
}

func sseSS(f fn32) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		b := c.xmmSrc32(in)
		s := &c.fpu.sse
		s.Raised = 0
		d := &c.fpu.xmm[in.reg&15]
		r := f(s, uint32(d[0]), b)
		c.sseCommit()
		setLow32(d, r)
	}
}

func sseSD(f fn64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		b := c.xmmSrc64(in)
		s := &c.fpu.sse
		s.Raised = 0
		d := &c.fpu.xmm[in.reg&15]
		r := f(s, d[0], b)
		c.sseCommit()
		d[0] = r
	}
}

// one32 and one64 make an operation of W alone one of V and W.
func one32(f func(s *softfloat.SSE, b uint32) uint32) fn32 {
	return func(s *softfloat.SSE, _, b uint32) uint32 { return f(s, b) }
}

func one64(f func(s *softfloat.SSE, b uint64) uint64) fn64 {
	return func(s *softfloat.SSE, _, b uint64) uint64 { return f(s, b) }
}

func recip32(_ *softfloat.SSE, _, b uint32) uint32 { return softfloat.Recip32(b) }
func rsqrt32(_ *softfloat.SSE, _, b uint32) uint32 { return softfloat.RSqrt32(b) }
func fill64(b bool) uint64                         { return -b2i(b) }

func fill32(b bool) uint32 { return uint32(-b2i(b)) }

func cmp32(p uint8) fn32 {
	return func(s *softfloat.SSE, a, b uint32) uint32 { return fill32(s.Predicate32(a, b, p)) }
}

func cmp64(p uint8) fn64 {
	return func(s *softfloat.SSE, a, b uint64) uint64 { return fill64(s.Predicate64(a, b, p)) }
}

func b2i(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// sseImm chooses among eight instructions by the immediate: the predicates of CMPPS and its kin.
func sseImm(make func(p uint8) func(*CPU, *inst)) func(*CPU, *inst) {
	var forms [8]func(*CPU, *inst)
	for p := range forms {
		forms[p] = make(uint8(p))
	}
	return func(c *CPU, in *inst) { forms[in.imm&7](c, in) }
}

func sseCMPPS(p uint8) func(*CPU, *inst) { return ssePS(cmp32(p)) }
func sseCMPPD(p uint8) func(*CPU, *inst) { return ssePD(cmp64(p)) }
func sseCMPSS(p uint8) func(*CPU, *inst) { return sseSS(cmp32(p)) }
func sseCMPSD(p uint8) func(*CPU, *inst) { return sseSD(cmp64(p)) }

// sseRound is ROUNDPS and its kin, whose mode is in the immediate: scalar or packed, 32 or 64 bits.
func sseRound(packed, double bool) func(*CPU, *inst) {
	var forms [16]func(*CPU, *inst)
	for i := range forms {
		imm := uint8(i)
		f32 := func(s *softfloat.SSE, _, b uint32) uint32 { return s.Round32(b, imm) }
		f64 := func(s *softfloat.SSE, _, b uint64) uint64 { return s.Round64(b, imm) }
		switch {
		case packed && double:
			forms[i] = ssePD(f64)
		case packed:
			forms[i] = ssePS(f32)
		case double:
			forms[i] = sseSD(f64)
		default:
			forms[i] = sseSS(f32)
		}
	}
	return func(c *CPU, in *inst) { forms[in.imm&15](c, in) }
}

// sseCOMI is COMISS, UCOMISS (quiet) and the same for doubles.
func sseCOMI(double, quiet bool) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		s := &c.fpu.sse
		var r softfloat.Relation
		if double {
			b := c.xmmSrc64(in)
			s.Raised = 0
			r = s.Compare64(c.fpu.xmm[in.reg&15][0], b, quiet)
		} else {
			b := c.xmmSrc32(in)
			s.Raised = 0
			r = s.Compare32(uint32(c.fpu.xmm[in.reg&15][0]), b, quiet)
		}
		c.sseCommit()
		c.setStatus(relFlags(r))
	}
}

// sseResult ends an instruction that computed a whole register.
func (c *CPU) sseResult(in *inst, lo, hi uint64) {
	c.sseCommit()
	c.fpu.xmm[in.reg&15] = [2]uint64{lo, hi}
}

// sseADDSUB is ADDSUBPS and ADDSUBPD.
func sseADDSUB(double bool) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		lo, hi := c.xmmSrc16(in)
		s := &c.fpu.sse
		s.Raised = 0
		d := &c.fpu.xmm[in.reg&15]
		if double {
			lo, hi = s.Sub64(d[0], lo), s.Add64(d[1], hi)
		} else {
			lo, hi = addsub32(s, d[0], lo), addsub32(s, d[1], hi)
		}
		c.sseResult(in, lo, hi)
	}
}

func addsub32(s *softfloat.SSE, a, b uint64) uint64 {
	lo := s.Sub32(uint32(a), uint32(b))
	return uint64(lo) | uint64(s.Add32(uint32(a>>32), uint32(b>>32)))<<32
}

// sseHPS and sseHPD are the horizontal additions and subtractions.
func sseHPS(f fn32) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		lo, hi := c.xmmSrc16(in)
		s := &c.fpu.sse
		s.Raised = 0
		d := &c.fpu.xmm[in.reg&15]
		pair := func(v uint64) uint64 { return uint64(f(s, uint32(v), uint32(v>>32))) }
		lo, hi = pair(d[0])|pair(d[1])<<32, pair(lo)|pair(hi)<<32
		c.sseResult(in, lo, hi)
	}
}

func sseHPD(f fn64) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		lo, hi := c.xmmSrc16(in)
		s := &c.fpu.sse
		s.Raised = 0
		d := &c.fpu.xmm[in.reg&15]
		lo, hi = f(s, d[0], d[1]), f(s, lo, hi)
		c.sseResult(in, lo, hi)
	}
}

// sseDPPS and sseDPPD are the dot products: the products that the upper bits of the immediate name are added pairwise, and the sum goes
// where its lower bits say. The products' exceptions come before those of the sums.
func sseDPPS(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	s := &c.fpu.sse
	s.Raised = 0
	d := &c.fpu.xmm[in.reg&15]
	var p [4]uint32
	for i := range uint8(4) {
		if in.imm>>(4+i)&1 != 0 {
			p[i] = s.Mul32(uint32(lane32(d[0], d[1], i)), uint32(lane32(lo, hi, i)))
		}
	}
	c.sseCommit()
	s.Raised = 0
	// The lanes' sums take their operands in different orders, as seen on hardware: which of several NaNs comes through depends on it.
	t0, t1 := uint64(s.Add32(p[1], p[0])), uint64(s.Add32(p[0], p[1]))
	t2, t3 := uint64(s.Add32(p[3], p[2])), uint64(s.Add32(p[2], p[3]))
	c.sseCommit()
	s.Raised = 0
	add := func(a, b uint64) uint64 { return uint64(s.Add32(uint32(a), uint32(b))) }
	lo, hi = add(t0, t2)|add(t1, t3)<<32, add(t2, t0)|add(t3, t1)<<32
	c.sseResult(in, lo&bitLanes(in.imm, 32), hi&bitLanes(in.imm>>2, 32))
}

func sseDPPD(c *CPU, in *inst) {
	c.checkSSE()
	lo, hi := c.xmmSrc16(in)
	s := &c.fpu.sse
	s.Raised = 0
	d := &c.fpu.xmm[in.reg&15]
	var p, q uint64
	if in.imm&0x10 != 0 {
		p = s.Mul64(d[0], lo)
	}
	if in.imm&0x20 != 0 {
		q = s.Mul64(d[1], hi)
	}
	c.sseCommit()
	s.Raised = 0
	lo, hi = s.Add64(p, q), s.Add64(q, p)
	c.sseResult(in, lo&bitLanes(in.imm, 64), hi&bitLanes(in.imm>>1, 64))
}

// Conversions with general registers.

func sseCVTSI2SS(c *CPU, in *inst) {
	c.checkSSE()
	v := int64(signExtend(c.loadE(in), wideReg(in)))
	s := &c.fpu.sse
	s.Raised = 0
	r := s.FromInt32(v)
	c.sseCommit()
	setLow32(&c.fpu.xmm[in.reg&15], r)
}

func sseCVTSI2SD(c *CPU, in *inst) {
	c.checkSSE()
	v := int64(signExtend(c.loadE(in), wideReg(in)))
	s := &c.fpu.sse
	s.Raised = 0
	r := s.FromInt64(v)
	c.sseCommit()
	c.fpu.xmm[in.reg&15][0] = r
}

// sseToInt is CVTSS2SI, CVTSD2SI and the truncating ones.
func sseToInt(double, trunc bool) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		size := wideReg(in)
		s := &c.fpu.sse
		var v uint64
		if double {
			b := c.xmmSrc64(in)
			s.Raised = 0
			v = double2int(s, b, size, trunc)
		} else {
			b := c.xmmSrc32(in)
			s.Raised = 0
			v = single2int(s, b, size, trunc)
		}
		c.sseCommit()
		c.setReg(in.reg, size, v)
	}
}

func double2int(s *softfloat.SSE, b uint64, size uint8, trunc bool) uint64 {
	if size == 8 {
		return uint64(s.ToInt64From64(b, trunc))
	}
	return uint64(uint32(s.ToInt32From64(b, trunc)))
}

func single2int(s *softfloat.SSE, b uint32, size uint8, trunc bool) uint64 {
	if size == 8 {
		return uint64(s.ToInt64From32(b, trunc))
	}
	return uint64(uint32(s.ToInt32From32(b, trunc)))
}

// Conversions between packed forms, half by half.

func ps2dq(s *softfloat.SSE, v uint64, trunc bool) uint64 {
	lo := single2int(s, uint32(v), 4, trunc)
	return lo | single2int(s, uint32(v>>32), 4, trunc)<<32
}

func dq2ps(s *softfloat.SSE, v uint64) uint64 {
	lo := s.FromInt32(int64(int32(v)))
	return uint64(lo) | uint64(s.FromInt32(int64(int32(v>>32))))<<32
}

func pd2dq(s *softfloat.SSE, lo, hi uint64, trunc bool) uint64 {
	r := double2int(s, lo, 4, trunc)
	return r | double2int(s, hi, 4, trunc)<<32
}

// sseConvert is V = f(W), W of 16 bytes.
func sseConvert(f func(s *softfloat.SSE, lo, hi uint64) (uint64, uint64)) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		lo, hi := c.xmmSrc16(in)
		s := &c.fpu.sse
		s.Raised = 0
		lo, hi = f(s, lo, hi)
		c.sseResult(in, lo, hi)
	}
}

// sseConvert8 is the same with W of 8 bytes.
func sseConvert8(f func(s *softfloat.SSE, v uint64) (uint64, uint64)) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		v := c.xmmSrc64(in)
		s := &c.fpu.sse
		s.Raised = 0
		lo, hi := f(s, v)
		c.sseResult(in, lo, hi)
	}
}

func cvtDQ2PS(s *softfloat.SSE, lo, hi uint64) (uint64, uint64) { return dq2ps(s, lo), dq2ps(s, hi) }

func cvtPS2DQ(trunc bool) func(s *softfloat.SSE, lo, hi uint64) (uint64, uint64) {
	return func(s *softfloat.SSE, lo, hi uint64) (uint64, uint64) {
		return ps2dq(s, lo, trunc), ps2dq(s, hi, trunc)
	}
}

func cvtPD2DQ(trunc bool) func(s *softfloat.SSE, lo, hi uint64) (uint64, uint64) {
	return func(s *softfloat.SSE, lo, hi uint64) (uint64, uint64) { return pd2dq(s, lo, hi, trunc), 0 }
}

func cvtPD2PS(s *softfloat.SSE, lo, hi uint64) (uint64, uint64) {
	r := uint64(s.Narrow(lo))
	return r | uint64(s.Narrow(hi))<<32, 0
}

func cvtPS2PD(s *softfloat.SSE, v uint64) (uint64, uint64) {
	return s.Widen(uint32(v)), s.Widen(uint32(v >> 32))
}

func cvtDQ2PD(s *softfloat.SSE, v uint64) (uint64, uint64) {
	return s.FromInt64(int64(int32(v))), s.FromInt64(int64(int32(v >> 32)))
}

func sseCVTSD2SS(c *CPU, in *inst) {
	c.checkSSE()
	b := c.xmmSrc64(in)
	s := &c.fpu.sse
	s.Raised = 0
	r := s.Narrow(b)
	c.sseCommit()
	setLow32(&c.fpu.xmm[in.reg&15], r)
}

func sseCVTSS2SD(c *CPU, in *inst) {
	c.checkSSE()
	b := c.xmmSrc32(in)
	s := &c.fpu.sse
	s.Raised = 0
	r := s.Widen(b)
	c.sseCommit()
	c.fpu.xmm[in.reg&15][0] = r
}

// Conversions with MMX registers.

// sseCVTPI2PS and sseCVTPI2PD do not touch the x87 state when they read memory.
func sseCVTPI2PS(c *CPU, in *inst) {
	c.checkSSE()
	if !in.isMem() {
		c.checkMMX()
	}
	v := c.mmxSrc(in)
	s := &c.fpu.sse
	s.Raised = 0
	r := dq2ps(s, v)
	if !in.isMem() {
		c.enterMMX() // even if an exception follows
	}
	c.sseCommit()
	c.fpu.xmm[in.reg&15][0] = r
}

func sseCVTPI2PD(c *CPU, in *inst) {
	c.checkSSE()
	if !in.isMem() {
		c.checkMMX()
	}
	v := c.mmxSrc(in)
	if !in.isMem() {
		c.enterMMX()
	}
	lo, hi := cvtDQ2PD(&c.fpu.sse, v)
	c.fpu.xmm[in.reg&15] = [2]uint64{lo, hi}
}

// sseToMMX is CVTPS2PI, CVTPD2PI and the truncating ones.
func sseToMMX(double, trunc bool) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		c.checkSSE()
		c.checkMMX()
		s := &c.fpu.sse
		var r uint64
		if double {
			lo, hi := c.xmmSrc16(in)
			s.Raised = 0
			r = pd2dq(s, lo, hi, trunc)
		} else {
			v := c.xmmSrc64(in)
			s.Raised = 0
			r = ps2dq(s, v, trunc)
		}
		c.enterMMX() // even if an exception follows
		c.sseCommit()
		c.setMM(in.reg, r)
	}
}
