package cpu

import (
	"unsafe"

	"govm-desktop/x86"
)

// loadX and storeX are lin and load128 in one, for the moves that copying and scanning loops of user land live on: a hit in the TLB costs
// one call. align is 15 where the operand must be aligned, else 0.

func (c *CPU) loadX(in *inst, align uint64) (lo, hi uint64) {
	lin := c.ea(in)
	if c.mode&modeFlat == 0 || in.seg > x86.DS || in.seg == x86.SS {
		lin = c.segLin(in.seg, lin, 16, false)
	}
	if lin&align != 0 {
		c.raiseGP(0)
	}
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.rd == (lin+15)&^pageMask {
		p := (*[2]uint64)(unsafe.Add(e.host, lin&pageMask))
		return p[0], p[1]
	}
	return c.load128(lin)
}

func (c *CPU) storeX(in *inst, align, lo, hi uint64) {
	lin := c.ea(in)
	if c.mode&modeFlat == 0 || in.seg != x86.DS && in.seg != x86.ES {
		lin = c.segLin(in.seg, lin, 16, true)
	}
	if lin&align != 0 {
		c.raiseGP(0)
	}
	e := &c.mmu.cur[lin>>12&tlbMask]
	if e.wr == (lin+15)&^pageMask {
		p := (*[2]uint64)(unsafe.Add(e.host, lin&pageMask))
		p[0], p[1] = lo, hi
		return
	}
	c.store128(lin, lo, hi)
}
