package cpu

import "govm-desktop/x86"

// String instructions. One run of an exec function makes a bounded number of iterations; if some are left it asks to be run again by leaving
// nextRIP at the instruction itself, so that the loop looks at interrupts in between.

// Iterations in one run: one by one, and by whole pieces of a page.
const (
	repSteps = 256
	repBulk  = 4096
)

// count is the repeat count: (E)CX or RCX by address size.
func (c *CPU) count(in *inst) uint64 { return c.reg(x86.RCX, in.asize) }

// advance moves RSI or RDI by n elements, up or down as DF says.
func (c *CPU) advance(r uint8, in *inst) { c.advanceBy(r, in, 1) }

func (c *CPU) advanceBy(r uint8, in *inst, n uint64) {
	d := n * uint64(in.opsize)
	if c.eflags&x86.FlagDF != 0 {
		d = -d
	}
	c.setReg(r, in.asize, c.gpr[r&31]+d)
}

// repeat runs step once, or under REP as often as the count says, within bounds. Each step leaves the registers right for the next, so that a
// fault or an interrupt finds them so.
func (c *CPU) repeat(in *inst, step func()) {
	if in.attr&(attrRep|attrRepne) == 0 {
		step()
		return
	}
	c.repeatWhile(in, func() bool {
		step()
		return true
	})
}

// cutRegs makes 32-bit registers of those that a REP with 32-bit addresses counts with, even if the count is zero or the first access faults: as
// Intel's processors do, for RSI and RDI only of MOVS and STOS.
func (c *CPU) cutRegs(in *inst) {
	if in.asize != 4 {
		return
	}
	c.setReg(x86.RCX, 4, c.gpr[x86.RCX])
	switch c.table.encs[in.row].opcode &^ 1 {
	case 0xa4:
		c.setReg(x86.RSI, 4, c.gpr[x86.RSI])
		c.setReg(x86.RDI, 4, c.gpr[x86.RDI])
	case 0xaa:
		c.setReg(x86.RDI, 4, c.gpr[x86.RDI])
	}
}

// repeatWhile is repeat for instructions that also end by what they found: step reports whether to go on.
func (c *CPU) repeatWhile(in *inst, step func() bool) {
	c.cutRegs(in)
	n := c.count(in)
	if n == 0 {
		return
	}
	limit := repSteps
	if c.eflags&x86.FlagTF != 0 {
		limit = 1
	}
	for range limit {
		more := step()
		n--
		c.setReg(x86.RCX, in.asize, n)
		if n == 0 || !more {
			return
		}
		if c.requests.Load() != 0 {
			break
		}
	}
	c.nextRIP = c.rip
}

// srcLin and dstLin are the addresses of the elements at RSI and RDI.
func (c *CPU) srcLin(in *inst) uint64 {
	return c.segLin(in.seg, c.reg(x86.RSI, in.asize), in.opsize, false)
}

func (c *CPU) dstLin(in *inst, write bool) uint64 {
	return c.segLin(x86.ES, c.reg(x86.RDI, in.asize), in.opsize, write)
}

func execMovs(c *CPU, in *inst) {
	if in.attr&(attrRep|attrRepne) != 0 && c.bulk(in, (*CPU).movsBulk) {
		return
	}
	c.repeat(in, func() {
		v := c.loadN(c.srcLin(in), in.opsize)
		c.storeN(c.dstLin(in, true), in.opsize, v)
		c.advance(x86.RSI, in)
		c.advance(x86.RDI, in)
	})
}

func execStos(c *CPU, in *inst) {
	if in.attr&(attrRep|attrRepne) != 0 && c.bulk(in, (*CPU).stosBulk) {
		return
	}
	c.repeat(in, func() {
		c.storeN(c.dstLin(in, true), in.opsize, c.reg(x86.RAX, in.opsize))
		c.advance(x86.RDI, in)
	})
}

func execLods(c *CPU, in *inst) {
	c.repeat(in, func() {
		c.setReg(x86.RAX, in.opsize, c.loadN(c.srcLin(in), in.opsize))
		c.advance(x86.RSI, in)
	})
}

// scan runs the comparing instructions: REPE goes on while equal, REPNE while not.
func (c *CPU) scan(in *inst, step func() (a, b uint64)) {
	one := func() bool {
		a, b := step()
		c.setSub(a-b, b, in.opsize)
		return (a == b) == (in.attr&attrRepne == 0)
	}
	if in.attr&(attrRep|attrRepne) == 0 {
		one()
		return
	}
	c.repeatWhile(in, one)
}

func execCmps(c *CPU, in *inst) {
	c.scan(in, func() (a, b uint64) {
		a = c.loadN(c.srcLin(in), in.opsize)
		b = c.loadN(c.dstLin(in, false), in.opsize)
		c.advance(x86.RSI, in)
		c.advance(x86.RDI, in)
		return a, b
	})
}

func execScas(c *CPU, in *inst) {
	c.scan(in, func() (a, b uint64) {
		a, b = c.reg(x86.RAX, in.opsize), c.loadN(c.dstLin(in, false), in.opsize)
		c.advance(x86.RDI, in)
		return a, b
	})
}

// bulk runs REP MOVS and STOS by pieces that lie within a page; it reports false where one iteration must be made in full.
func (c *CPU) bulk(in *inst, piece func(c *CPU, in *inst, n uint64) uint64) bool {
	c.cutRegs(in)
	n := c.count(in)
	if n == 0 {
		return true
	}
	if c.eflags&(x86.FlagDF|x86.FlagTF) != 0 {
		return false
	}
	for left := int64(repBulk); left > 0; {
		k := piece(c, in, n)
		if k == 0 {
			return left != repBulk && c.again()
		}
		n -= k
		left -= int64(k * uint64(in.opsize))
		c.setReg(x86.RCX, in.asize, n)
		if n == 0 {
			return true
		}
		if c.requests.Load() != 0 {
			break
		}
	}
	return c.again()
}

// again asks for the instruction to be run again.
func (c *CPU) again() bool {
	c.nextRIP = c.rip
	return true
}

// span is how many elements of n, from offset off in a segment, lie in one page and within the limit; 0 means: go element by element.
func (c *CPU) span(in *inst, seg uint8, off, n, limit uint64) (lin, k uint64) {
	size := uint64(in.opsize)
	lin = off + c.mmu.base[seg]
	if c.mode&mode64 == 0 {
		lin = uint64(uint32(lin))
	}
	k = min(n, (pageMask+1-lin&pageMask)/size)
	if end := off + k*size; end > limit || end < off || end-1 > sizeMask(in.asize) {
		return 0, 0
	}
	return lin, k
}

func (c *CPU) movsBulk(in *inst, n uint64) uint64 {
	src, k := c.span(in, in.seg, c.reg(x86.RSI, in.asize), n, c.mmu.rlim[in.seg])
	dst, k := c.span(in, x86.ES, c.reg(x86.RDI, in.asize), k, c.mmu.wlim[x86.ES])
	if k == 0 || !c.copyRAM(dst, src, k*uint64(in.opsize), int(in.opsize)) {
		return 0
	}
	c.advanceBy(x86.RSI, in, k)
	c.advanceBy(x86.RDI, in, k)
	return k
}

func (c *CPU) stosBulk(in *inst, n uint64) uint64 {
	dst, k := c.span(in, x86.ES, c.reg(x86.RDI, in.asize), n, c.mmu.wlim[x86.ES])
	if k == 0 || !c.fillRAM(dst, k*uint64(in.opsize), c.gpr[x86.RAX], int(in.opsize)) {
		return 0
	}
	c.advanceBy(x86.RDI, in, k)
	return k
}
