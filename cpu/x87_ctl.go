package cpu

import (
	"govm-desktop/cpu/softfloat"
	"govm-desktop/x86"
)

func fpNOP(*CPU, *inst) {}

// fpNENI is FNENI, FNDISI and FNSETPM, which have had no effect since the 387.
func fpNENI(c *CPU, _ *inst) { c.checkNM() }

// fpWAIT is FWAIT: it heeds CR0.MP and TS together, and pending exceptions.
func fpWAIT(c *CPU, _ *inst) {
	if c.cr0&x86.CR0MP != 0 && c.cr0&x86.CR0TS != 0 {
		c.raise(x86.ExcNM)
	}
	if c.fpu.pending() {
		c.mathFault()
	}
}

func fpINCSTP(c *CPU, _ *inst) { c.fpu.top = (c.fpu.top + 1) & 7 }
func fpDECSTP(c *CPU, _ *inst) { c.fpu.top = (c.fpu.top - 1) & 7 }

// fpFREE is FFREE, and FFREEP with pop.
func fpFREE(pop bool) func(*CPU, *inst) {
	return fpRow(func(c *CPU, in *inst) {
		f := &c.fpu
		f.tags &^= 1 << f.st(in.modrm&7)
		if pop {
			f.pop()
		}
	})
}

func fpNINIT(c *CPU, _ *inst) {
	c.checkNM()
	c.fpu.finit()
}

func fpNCLEX(c *CPU, _ *inst) {
	c.checkNM()
	c.fpu.fsw &^= fswFlags | fswSF
}

func fpNSTSWax(c *CPU, _ *inst) {
	c.checkNM()
	c.setReg(x86.RAX, 2, uint64(c.fpu.statusWord()))
}

func fpNSTSW(c *CPU, in *inst) {
	c.checkNM()
	c.store16(c.linW(in, 2), uint64(c.fpu.statusWord()))
}

func fpNSTCW(c *CPU, in *inst) {
	c.checkNM()
	c.store16(c.linW(in, 2), uint64(c.fpu.fcw))
}

func fpLDCW(c *CPU, in *inst) {
	c.checkFPU()
	c.fpu.setControlWord(uint16(c.load16(c.lin(in, 2))))
}

// The environment has four layouts: 16 or 32 bits, with selectors in protected mode or linear addresses in real and virtual-8086 mode
// (SDM volume 1, figures 8-9 to 8-12). It is seven fields, each of 2 or 4 bytes.
func (c *CPU) fpEnvLayout(in *inst) (field, size uint8, real bool) {
	field = 4
	if in.opsize == 2 {
		field = 2
	}
	return field, 7 * field, c.mode&modeProtected == 0
}

func (c *CPU) fpStoreEnv(lin uint64, field uint8, real bool) {
	f := &c.fpu
	put := func(i int, v uint64) { c.storeN(lin+uint64(i)*uint64(field), field, v) }
	const ones = 0xffff0000
	put(0, ones|uint64(f.fcw))
	put(1, ones|uint64(f.statusWord()))
	put(2, ones|uint64(f.tagWord()))
	if !real {
		put(3, f.fip)
		put(4, uint64(f.fop)<<16|uint64(f.fcs))
		put(5, f.fdp)
		put(6, ones|uint64(f.fds))
		return
	}
	ip, dp := uint64(f.fcs)<<4+f.fip, uint64(f.fds)<<4+f.fdp
	if field == 2 {
		put(3, ip)
		put(4, ip>>4&0xf000|uint64(f.fop))
		put(5, dp)
		put(6, dp>>4&0xf000)
		return
	}
	put(3, ones|ip&0xffff)
	put(4, ip>>16&0xffff<<12|uint64(f.fop))
	put(5, ones|dp&0xffff)
	put(6, dp>>16&0xffff<<12)
}

// fpEnv is an environment read from memory but not yet loaded.
type fpEnv struct {
	cw, sw, tw, fop, fcs, fds uint16
	fip, fdp                  uint64
}

func (c *CPU) fpReadEnv(lin uint64, field uint8, real bool) (e fpEnv) {
	get := func(i int) uint64 { return c.loadN(lin+uint64(i)*uint64(field), field) }
	e.cw, e.sw, e.tw = uint16(get(0)), uint16(get(1)), uint16(get(2))
	e.fip, e.fdp = get(3), get(5)
	w4, w6 := get(4), get(6)
	switch {
	case !real:
		e.fcs, e.fop, e.fds = uint16(w4), uint16(w4>>16)&0x7ff, uint16(w6)
	case field == 2:
		e.fop = uint16(w4) & 0x7ff
		e.fip |= w4 & 0xf000 << 4
		e.fdp |= w6 & 0xf000 << 4
	default:
		e.fop = uint16(w4) & 0x7ff
		e.fip = e.fip&0xffff | w4>>12&0xffff<<16
		e.fdp = e.fdp&0xffff | w6>>12&0xffff<<16
	}
	return e
}

func (f *fpuState) loadEnv(e fpEnv) {
	f.setControlWord(e.cw)
	f.setStatusWord(e.sw)
	f.setTagWord(e.tw)
	f.fop, f.fip, f.fdp = e.fop, e.fip, e.fdp
	f.fcs, f.fds = 0, 0 // deprecated: read as zero
}

func fpNSTENV(c *CPU, in *inst) {
	c.checkNM()
	field, size, real := c.fpEnvLayout(in)
	lin := c.linW(in, size)
	c.probeW(lin, uint64(size))
	c.fpStoreEnv(lin, field, real)
	c.fpu.fcw |= fswFlags
}

func fpLDENV(c *CPU, in *inst) {
	c.checkFPU()
	field, size, real := c.fpEnvLayout(in)
	c.fpu.loadEnv(c.fpReadEnv(c.lin(in, size), field, real))
}

func fpNSAVE(c *CPU, in *inst) {
	c.checkNM()
	field, size, real := c.fpEnvLayout(in)
	lin := c.linW(in, size+80)
	c.probeW(lin, uint64(size)+80)
	c.fpStoreEnv(lin, field, real)
	lin += uint64(size)
	for i := range uint8(8) {
		v := c.fpu.get(i)
		c.store64(lin, v.Sig)
		c.store16(lin+8, uint64(v.SE))
		lin += 10
	}
	c.fpu.finit()
}

func fpRSTOR(c *CPU, in *inst) {
	c.checkFPU()
	field, size, real := c.fpEnvLayout(in)
	lin := c.lin(in, size+80)
	e := c.fpReadEnv(lin, field, real)
	var regs [8]softfloat.Float80
	for i := range regs {
		regs[i] = softfloat.Float80(c.load80(lin + uint64(size) + 10*uint64(i)))
	}
	f := &c.fpu
	f.loadEnv(e)
	for i := range uint8(8) {
		f.regs[f.st(i)] = regs[i]
	}
}

// fxArea is the linear address of the operand of FXSAVE and FXRSTOR: 512 bytes, aligned to 16.
func (c *CPU) fxArea(in *inst, write bool) uint64 {
	c.checkNM()
	off := c.ea(in)
	lin := c.segLin(in.seg, off, 16, write)
	c.segLin(in.seg, off+496, 16, write)
	if lin&15 != 0 {
		c.raiseGP(0)
	}
	return lin
}

// fxXMM is how many XMM registers FXSAVE and FXRSTOR move: none if the system does not know of them.
func (c *CPU) fxXMM() int {
	switch {
	case c.cr4&x86.CR4OSFXSR == 0:
		return 0
	case c.mode&mode64 == 0:
		return 8
	}
	return 16
}

// fpFXSAVE is FXSAVE and FXSAVE64 (SDM volume 2, table 3-43 and 3-44).
func fpFXSAVE(c *CPU, in *inst) {
	lin := c.fxArea(in, true)
	c.probeW(lin, 512)
	f := &c.fpu
	c.store64(lin, uint64(f.fcw)|uint64(f.statusWord())<<16|uint64(f.tags)<<32|uint64(f.fop)<<48)
	if in.attr&attrREXW != 0 {
		c.store64(lin+8, f.fip)
		c.store64(lin+16, f.fdp)
	} else {
		c.store64(lin+8, f.fip&0xffffffff|uint64(f.fcs)<<32)
		c.store64(lin+16, f.fdp&0xffffffff|uint64(f.fds)<<32)
	}
	n := c.fxXMM()
	if n > 0 {
		c.store64(lin+24, uint64(f.sse.MXCSR)|mxcsrValid<<32)
	}
	for i := range uint8(8) {
		v := f.get(i)
		c.store128(lin+32+16*uint64(i), v.Sig, uint64(v.SE))
	}
	for i := range n {
		c.store128(lin+160+16*uint64(i), f.xmm[i][0], f.xmm[i][1])
	}
}

// fpFXRSTOR is FXRSTOR and FXRSTOR64.
func fpFXRSTOR(c *CPU, in *inst) {
	lin := c.fxArea(in, false)
	n := c.fxXMM()
	mxcsr := c.fpu.sse.MXCSR
	if n > 0 {
		if mxcsr = uint32(c.load32(lin + 24)); mxcsr&^mxcsrValid != 0 {
			c.raiseGP(0)
		}
	}
	// One read of the last bytes finds every fault: the area is within two pages.
	c.load64(lin + 504)
	f := &c.fpu
	w := c.load64(lin)
	ip, dp := c.load64(lin+8), c.load64(lin+16)
	f.setControlWord(uint16(w))
	f.setStatusWord(uint16(w >> 16))
	f.tags = uint8(w >> 32)
	f.fop = uint16(w>>48) & 0x7ff
	f.fcs, f.fds = 0, 0
	if in.attr&attrREXW == 0 {
		ip, dp = ip&0xffffffff, dp&0xffffffff
	}
	f.fip, f.fdp = ip, dp
	f.sse.MXCSR = mxcsr
	for i := range uint8(8) {
		lo, hi := c.load128(lin + 32 + 16*uint64(i))
		f.regs[f.st(i)] = softfloat.Float80{Sig: lo, SE: uint16(hi)}
	}
	for i := range n {
		f.xmm[i][0], f.xmm[i][1] = c.load128(lin + 160 + 16*uint64(i))
	}
}
