package cpu

import (
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// ea is the offset of the memory operand within its segment.
func (c *CPU) ea(in *inst) uint64 {
	a := c.gpr[in.base&31] + c.gpr[in.index&31]<<(in.scale&3) + uint64(in.disp)
	switch in.asize {
	case 4:
		return uint64(uint32(a))
	case 2:
		return uint64(uint16(a))
	}
	return a
}

// lin is the linear address of the memory operand, of size bytes, checked for reading.
func (c *CPU) lin(in *inst, size uint8) uint64 {
	off := c.ea(in)
	if c.mode&modeFlat != 0 && in.seg <= x86.DS && in.seg != x86.SS {
		return off
	}
	return c.segLin(in.seg, off, size, false)
}

// linW is lin for writing (or reading and writing).
func (c *CPU) linW(in *inst, size uint8) uint64 {
	off := c.ea(in)
	if c.mode&modeFlat != 0 && (in.seg == x86.DS || in.seg == x86.ES) {
		return off
	}
	return c.segLin(in.seg, off, size, true)
}

// segLin is the linear address of size bytes at off in a segment, checked against its limit and type.
func (c *CPU) segLin(seg uint8, off uint64, size uint8, write bool) uint64 {
	lim := &c.mmu.rlim
	if write {
		lim = &c.mmu.wlim
	}
	end := off + uint64(size)
	if end > lim[seg] {
		c.segCheck(seg, off, uint64(size), write)
	}
	lin := off + c.mmu.base[seg]
	if c.mode&mode64 == 0 {
		return uint64(uint32(lin))
	}
	if seg == x86.SS && !canonical(lin) {
		c.raiseCode(x86.ExcSS, 0)
	}
	return lin
}

// segFault raises the exception for a segment's limit or rights: #SS(0) or #GP(0).
func (c *CPU) segFault(seg uint8) {
	if seg == x86.SS {
		c.raiseCode(x86.ExcSS, 0)
	}
	c.raiseGP(0)
}

// segCheck is the check of an access in full, for what the two limits of the fast path do not express: expand-down segments.
func (c *CPU) segCheck(seg uint8, off, size uint64, write bool) {
	s := &c.seg[seg]
	const down = x86.AttrDown
	if c.mode&modeProtected == 0 || s.Attr&(x86.AttrUnusable|x86.AttrP|x86.AttrS|x86.AttrCode|down) != x86.AttrP|x86.AttrS|down ||
		write && s.Attr&x86.AttrWritable == 0 {
		c.segFault(seg)
	}
	top := uint64(0xffff)
	if s.Attr&x86.AttrDB != 0 {
		top = 0xffffffff
	}
	if off <= uint64(s.Limit) || off+size-1 > top {
		c.segFault(seg)
	}
}

// loadN reads 1, 2, 4 or 8 bytes.
func (c *CPU) loadN(lin uint64, size uint8) uint64 {
	switch size {
	case 1:
		return c.load8(lin)
	case 2:
		return c.load16(lin)
	case 4:
		return c.load32(lin)
	default:
		return c.load64(lin)
	}
}

// storeN writes 1, 2, 4 or 8 bytes.
func (c *CPU) storeN(lin uint64, size uint8, v uint64) {
	switch size {
	case 1:
		c.store8(lin, v)
	case 2:
		c.store16(lin, v)
	case 4:
		c.store32(lin, v)
	default:
		c.store64(lin, v)
	}
}

// loadWN reads with write intent.
func (c *CPU) loadWN(lin uint64, size uint8) uint64 {
	switch size {
	case 1:
		return c.loadW8(lin)
	case 2:
		return c.loadW16(lin)
	case 4:
		return c.loadW32(lin)
	default:
		return c.loadW64(lin)
	}
}

// load80 reads an x87 extended-precision number.
func (c *CPU) load80(lin uint64) x86.Float80 {
	sig := c.load64(lin)
	return x86.Float80{Sig: sig, SE: uint16(c.load16(lin + 8))}
}

// store80 writes one.
func (c *CPU) store80(lin uint64, v x86.Float80) {
	c.probeW(lin, 10)
	c.store64(lin, v.Sig)
	c.store16(lin+8, uint64(v.SE))
}

// sysLoadN reads with supervisor rights, whatever the CPL: descriptor tables and task states.
func (c *CPU) sysLoadN(lin uint64, size uint8) uint64 {
	e := &c.mmu.super.hot[lin>>12&tlbMask]
	if e.rd == (lin+uint64(size)-1)&^pageMask {
		return e.cell(lin).load(size)
	}
	return c.loadVia(c.mmu.super, lin, size, accRead)
}

// sysStoreN writes with supervisor rights.
func (c *CPU) sysStoreN(lin uint64, size uint8, v uint64) { c.storeVia(c.mmu.super, lin, size, v) }

// readRM is the r/m operand.
func (c *CPU) readRM(in *inst) uint64 {
	if in.isMem() {
		return c.loadN(c.lin(in, in.opsize), in.opsize)
	}
	return c.reg(in.rm, in.opsize)
}

// writeRM sets the r/m operand.
func (c *CPU) writeRM(in *inst, v uint64) {
	if in.isMem() {
		c.storeN(c.linW(in, in.opsize), in.opsize, v)
		return
	}
	c.setReg(in.rm, in.opsize, v)
}

// rmw replaces the r/m operand by f of it; with LOCK atomically, and f may run more than once.
func (c *CPU) rmw(in *inst, f func(uint64) uint64) {
	if !in.isMem() {
		c.setReg(in.rm, in.opsize, f(c.reg(in.rm, in.opsize)))
		return
	}
	lin := c.linW(in, in.opsize)
	if in.attr&attrLock != 0 {
		c.lockRMW(lin, in.opsize, f)
		return
	}
	c.storeN(lin, in.opsize, f(c.loadWN(lin, in.opsize)))
}

// lockRMW replaces size bytes by f of them, atomically against every other processor, and returns the old ones.
func (c *CPU) lockRMW(lin uint64, size uint8, f func(uint64) uint64) uint64 {
	t := c.mmu.now
	c.checkAlign(t, lin, size)
	if lin&pageMask <= memory.PageSize-uint64(size) {
		i := c.look(t, lin, accWrite)
		c.look(t, lin, accRead)
		e := &t.info[i]
		if e.region != nil && e.region.IsRAM() {
			c.dataWatch(lin, size, accWrite)
			if old, ok := t.hot[i].cell(lin).rmw(lin&pageMask, size, f); ok {
				c.wroteVia(t, i, lin, size)
				return old
			}
		}
	}
	c.probeW(lin, uint64(size))
	s := c.vm.sys
	s.split.Lock()
	defer s.split.Unlock()
	old := c.loadWSlow(lin, size)
	c.storeSlow(lin, size, f(old))
	return old
}

// cas128 is CMPXCHG16B's exchange: 16 aligned bytes become new if they are old; it returns what they were. The bytes are written in any case.
func (c *CPU) cas128(lin, oldLo, oldHi, newLo, newHi uint64) (lo, hi uint64, ok bool) {
	t := c.mmu.now
	i := c.look(t, lin, accWrite)
	e := &t.info[i]
	if e.region != nil && e.region.IsRAM() && haveCAS128 {
		c.dataWatch(lin, 16, accWrite)
		lo, hi = oldLo, oldHi
		if ok = t.hot[i].cell(lin).cas128(&lo, &hi, newLo, newHi); ok {
			c.wroteVia(t, i, lin, 16)
		}
		return lo, hi, ok
	}
	s := c.vm.sys
	s.split.Lock()
	defer s.split.Unlock()
	lo, hi = c.loadWSlow(lin, 8), c.loadWSlow(lin+8, 8)
	if ok = lo == oldLo && hi == oldHi; ok {
		c.storeSlow(lin, 8, newLo)
		c.storeSlow(lin+8, 8, newHi)
	} else {
		c.storeSlow(lin, 8, lo)
		c.storeSlow(lin+8, 8, hi)
	}
	return lo, hi, ok
}

// stackMask is the part of RSP that the stack uses.
func (c *CPU) stackMask() uint64 {
	switch {
	case c.mode&mode64 != 0:
		return ^uint64(0)
	case c.mode&modeStack32 != 0:
		return 0xffffffff
	}
	return 0xffff
}

// setSP changes the part of RSP that the stack uses.
func (c *CPU) setSP(v uint64) {
	switch {
	case c.mode&mode64 != 0:
		c.gpr[x86.RSP] = v
	case c.mode&modeStack32 != 0:
		c.gpr[x86.RSP] = uint64(uint32(v))
	default:
		c.gpr[x86.RSP] = c.gpr[x86.RSP]&^0xffff | v&0xffff
	}
}

// push puts size bytes on the stack.
func (c *CPU) push(size uint8, v uint64) {
	sp := (c.gpr[x86.RSP] - uint64(size)) & c.stackMask()
	c.storeN(c.segLin(x86.SS, sp, size, true), size, v)
	c.setSP(sp)
}

// pop takes size bytes from the stack.
func (c *CPU) pop(size uint8) uint64 {
	m := c.stackMask()
	sp := c.gpr[x86.RSP] & m
	v := c.loadN(c.segLin(x86.SS, sp, size, false), size)
	c.setSP(sp + uint64(size))
	return v
}

// peek reads size bytes at depth bytes above the top of the stack.
func (c *CPU) peek(depth uint64, size uint8) uint64 {
	sp := (c.gpr[x86.RSP] + depth) & c.stackMask()
	return c.loadN(c.segLin(x86.SS, sp, size, false), size)
}
