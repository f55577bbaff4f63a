package cpu

import "govm-desktop/clock"

//go:generate go run gen_loop.go

// leave counts what has been run of the running block, its records up to i, and forgets it.
func (c *CPU) leave(i int) {
	c.running = nil
	c.retire(uint64(i + 1))
	c.syncBases()
}

// tick tells a clock of instructions that n more have been run.
func (c *CPU) tick(n uint32) { c.counted.Advance(clock.Time(n) * instTime) }

// follow is the block at c.rip, reached from b by its link k.
func (c *CPU) follow(b *block, k int) *block {
	if k < 0 {
		return c.findBlock()
	}
	l := &b.link[k&1]
	if l.b != nil && (l.gen == sameGen || l.gen == c.mmu.gen) && !l.b.stale && !b.stale {
		return l.b
	}
	epoch := c.blk.epoch
	next := c.findBlock()
	if c.blk.epoch == epoch {
		c.chain(b, l, next)
	}
	return next
}

// chain remembers that next follows b, where limits need not be checked.
func (c *CPU) chain(b *block, l *link, next *block) {
	if c.mode&modeFlat == 0 || next.key == 0 || b.stale || b.key == 0 || b.mode != next.mode {
		return
	}
	gen := c.mmu.gen
	if b.key2 == 0 && next.key2 == 0 && (b.key^next.key)&^pageMask == 0 && (c.gpr[regRIP]^c.rip)&^pageMask == 0 {
		gen = sameGen
	}
	*l = link{next, gen}
}
