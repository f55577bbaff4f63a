package cpu

import "govm-desktop/x86"

func execPushG(c *CPU, in *inst) { c.push(in.opsize, c.reg(in.reg, in.opsize)) }
func execPushI(c *CPU, in *inst) { c.push(in.opsize, in.imm) }
func execPushE(c *CPU, in *inst) { c.push(in.opsize, c.readRM(in)) }

func execPopG(c *CPU, in *inst) {
	v := c.pop(in.opsize)
	c.setReg(in.reg, in.opsize, v)
}

// execPopE computes an address that uses RSP with RSP already moved (SDM volume 2, POP).
func execPopE(c *CPU, in *inst) {
	old := c.gpr[x86.RSP]
	v := c.pop(in.opsize)
	if !in.isMem() {
		c.setReg(in.rm, in.opsize, v)
		return
	}
	sp := c.gpr[x86.RSP]
	lin := c.popLin(in, old, sp)
	c.storeN(lin, in.opsize, v)
	c.gpr[x86.RSP] = sp
}

// popLin is the address of POP's operand, RSP being put back to old in case the store faults.
func (c *CPU) popLin(in *inst, old, sp uint64) uint64 {
	off := c.ea(in)
	c.gpr[x86.RSP] = old
	lin := c.segLin(in.seg, off, in.opsize, true)
	c.probeW(lin, uint64(in.opsize))
	c.gpr[x86.RSP] = sp
	return lin
}

// execPusha and execPopa move the stack pointer last, so that a fault leaves it alone.
func execPusha(c *CPU, in *inst) {
	size, m := uint64(in.opsize), c.stackMask()
	sp := c.gpr[x86.RSP]
	for i := range uint64(8) {
		lin := c.segLin(x86.SS, (sp-(i+1)*size)&m, in.opsize, true)
		c.storeN(lin, in.opsize, c.reg(uint8(i), in.opsize))
	}
	c.setSP(sp - 8*size)
}

func execPopa(c *CPU, in *inst) {
	var v [8]uint64
	for i := range v {
		v[7-i] = c.peek(uint64(i)*uint64(in.opsize), in.opsize)
	}
	sp := c.gpr[x86.RSP] + 8*uint64(in.opsize)
	for i, x := range v {
		if i != x86.RSP {
			c.setReg(uint8(i), in.opsize, x)
		}
	}
	c.setSP(sp)
}

func execPushf(c *CPU, in *inst) { c.push(in.opsize, c.pushFlags()) }

func execPopf(c *CPU, in *inst) {
	old := c.gpr[x86.RSP]
	v := c.pop(in.opsize)
	sp := c.gpr[x86.RSP]
	c.gpr[x86.RSP] = old
	c.loadFlags(v, in.opsize)
	c.gpr[x86.RSP] = sp
}

// execEnter is ENTER (SDM volume 2): a frame, with copies of the enclosing frames' pointers.
func execEnter(c *CPU, in *inst) {
	size, m := uint64(in.opsize), c.stackMask()
	level := uint64(in.imm2 & 31)
	sp, bp := c.gpr[x86.RSP], c.gpr[x86.RBP]
	put := func(v uint64) {
		sp -= size
		c.storeN(c.segLin(x86.SS, sp&m, in.opsize, true), in.opsize, v)
	}
	put(c.reg(x86.RBP, in.opsize))
	frame := sp
	for i := uint64(1); i < level; i++ {
		bp -= size
		put(c.loadN(c.segLin(x86.SS, bp&m, in.opsize, false), in.opsize))
	}
	if level > 0 {
		put(frame)
	}
	sp -= in.imm
	c.probeW(c.segLin(x86.SS, sp&m, in.opsize, true), uint64(in.opsize))
	c.setReg(x86.RBP, c.frameSize(in), frame&m|c.gpr[x86.RBP]&^m)
	c.setSP(sp)
}

// frameSize is how much of RBP ENTER writes.
func (c *CPU) frameSize(in *inst) uint8 {
	if in.opsize == 2 {
		return 2
	}
	return in.opsize
}

func execLeave(c *CPU, in *inst) {
	m := c.stackMask()
	sp := c.gpr[x86.RBP] & m
	v := c.loadN(c.segLin(x86.SS, sp, in.opsize, false), in.opsize)
	c.setSP(sp + uint64(in.opsize))
	c.setReg(x86.RBP, in.opsize, v)
}

// jump continues at target, an offset in CS already cut to the operand size.
func (c *CPU) jump(target uint64) {
	if c.mode&mode64 != 0 {
		if !canonical(target) {
			c.raiseGP(0)
		}
	} else if target > c.fetchLimit() {
		c.raiseGP(0)
	}
	c.nextRIP = target
}

// relative is the target of a branch with a displacement.
func (c *CPU) relative(in *inst) uint64 { return (c.nextRIP + in.imm) & sizeMask(in.opsize) }

func execJmpRel(c *CPU, in *inst) { c.jump(c.relative(in)) }
func execJmpE(c *CPU, in *inst)   { c.jump(c.readRM(in)) }

func execJcc(cc uint8) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		if c.cond(cc) {
			c.jump(c.relative(in))
		}
	}
}

func execCallRel(c *CPU, in *inst) { c.callTo(in, c.relative(in)) }
func execCallE(c *CPU, in *inst)   { c.callTo(in, c.readRM(in)) }

func (c *CPU) callTo(in *inst, target uint64) {
	sp := c.gpr[x86.RSP]
	c.push(in.opsize, c.nextRIP)
	next := c.gpr[x86.RSP]
	c.gpr[x86.RSP] = sp // until it is sure that the target is good; what was stored stays, as on Intel's processors
	c.jump(target)
	c.gpr[x86.RSP] = next
}

func execRet(c *CPU, in *inst)  { c.ret(in, 0) }
func execRetI(c *CPU, in *inst) { c.ret(in, in.imm&0xffff) }

func (c *CPU) ret(in *inst, extra uint64) {
	c.jump(c.peek(0, in.opsize))
	c.setSP(c.gpr[x86.RSP] + uint64(in.opsize) + extra)
}

// execLoop is LOOP (want < 0), LOOPE (1) and LOOPNE (0).
func execLoop(want int) func(*CPU, *inst) {
	return func(c *CPU, in *inst) {
		n := (c.reg(x86.RCX, in.asize) - 1) & sizeMask(in.asize)
		if n != 0 && (want < 0 || (c.ccDst == 0) == (want == 1)) {
			c.jump(c.relative(in))
		}
		c.setReg(x86.RCX, in.asize, n)
	}
}

func execJcxz(c *CPU, in *inst) {
	if c.reg(x86.RCX, in.asize) == 0 {
		c.jump(c.relative(in))
	}
}
