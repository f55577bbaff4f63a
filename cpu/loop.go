package cpu

import "govm-desktop/clock"

//go:generate go run gen_loop.go

// leave counts the n instructions that have been run of the running block, and forgets where in it we are.
func (c *CPU) leave(n uint8) {
	c.cur = 0
	c.retire(uint64(n))
	c.syncBases()
}

// tick tells a clock of instructions that n more have been run.
func (c *CPU) tick(n uint32) { c.counted.Advance(clock.Time(n) * instTime) }

// follow is the block at c.rip, reached from b by its link k, which does not know it yet.
func (c *CPU) follow(b *block, k int) *block {
	if k < 0 {
		return c.findBlock()
	}
	epoch := c.blk.epoch
	next := c.findBlock()
	if c.blk.epoch == epoch {
		c.chain(b, &b.link[k&1], next)
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
