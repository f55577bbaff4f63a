package cpu

import (
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// block is a run of instructions with one entry: up to a control transfer, to the end of the page, or to maxBlock instructions. Its last record
// is codeNext unless the instruction before it ends the block by itself.
type block struct {
	// What the loop looks at, in one cache line.
	first *inst
	// link is where control went from here: to the instruction after it, and to the branch's target.
	link  [2]link
	count uint32 // of instructions
	mode  mode
	len   uint32 // in bytes
	stale bool   // its bytes have changed

	key   uint64 // host address of the first byte, so that every mapping of the code shares the block
	key2  uint64 // of the page that the last instruction runs on into; 0: none
	insts []inst
	hash  *block // next in the same bucket
}

// link is a block known to follow another, as long as the translations of that generation hold.
type link struct {
	b   *block
	gen uint64
}

// sameGen marks links within one page, which hold whatever becomes of the translations while the first block is being run.
const sameGen = ^uint64(0)

// Sizes of the cache.
const (
	maxBlock   = 64      // instructions in a block
	slabInsts  = 1 << 12 // instruction records allocated at once
	slabBlocks = 1 << 9
	maxSlabs   = 200 // of records: 38 MiB, shared out among the processors
	minSlabs   = 25  // that each of them has at least
	hashSize   = 1 << 15
	jumpSize   = 1 << 12
)

// blocks is one processor's cache of decoded code. Only that processor touches it, but for written.
type blocks struct {
	buckets []*block
	jumps   []jump
	pages   map[uint64]*codeBlocks // by host address of the page

	insts  [][]inst // slabs
	blocks [][]block
	usedI  int // slabs in use, the last of them up to freeI
	freeI  int
	usedB  int
	freeB  int

	scratch [maxBlock + 1]inst
	buf     [2 * maxInst]byte

	limit int    // of insts
	lone  *block // the last that was not kept: c.cur may point into it
	epoch uint64 // counts how often everything was forgotten

	written writtenList
}

// jump remembers the block at a linear address.
type jump struct {
	lin  uint64
	gen  uint64
	mode mode
	b    *block
}

// codeBlocks are the blocks with bytes in one page.
type codeBlocks struct {
	region *memory.Region
	off    uint64
	lines  [memory.PageSize / 64 / 64]uint64 // a bit for each 64 bytes: some block has bytes there
	blocks []*block
}

func (c *CPU) initBlocks() {
	c.blk.limit = max(minSlabs, maxSlabs/max(1, c.vm.cfg.CPUs))
	c.blk.buckets = make([]*block, hashSize)
	c.blk.jumps = make([]jump, jumpSize)
	c.blk.pages = make(map[uint64]*codeBlocks)
	c.dropAll()
}

// dropAll forgets every block.
func (c *CPU) dropAll() {
	k := &c.blk
	clear(k.buckets)
	clear(k.jumps)
	for _, p := range k.pages {
		c.vm.release(p)
	}
	clear(k.pages)
	k.epoch++
	k.usedI, k.usedB = 0, 0
	k.freeI, k.freeB = slabInsts, slabBlocks
	c.cur = 0
}

func hashBlock(key uint64) uint64 { return (key ^ key>>13) & (hashSize - 1) }
func hashJump(lin uint64) uint64  { return (lin ^ lin>>12) & (jumpSize - 1) }

// linRIP is the linear address of the next instruction.
func (c *CPU) linRIP() uint64 {
	if c.mode&mode64 != 0 {
		return c.rip
	}
	return uint64(uint32(c.seg[x86.CS].Base + c.rip))
}

// findBlock is the block at c.rip. It raises the faults of fetching.
func (c *CPU) findBlock() *block {
	lin := c.linRIP()
	j := &c.blk.jumps[hashJump(lin)]
	if j.lin == lin && j.gen == c.mmu.gen && j.mode == c.mode && j.b != nil && !j.b.stale &&
		(c.mode&modeFlat != 0 || c.rip+uint64(j.b.len)-1 <= c.fetchLimit()) {
		return j.b
	}
	b := c.findBlockSlow(lin)
	if b.key != 0 {
		*j = jump{lin: lin, gen: c.mmu.gen, mode: c.mode, b: b}
	}
	return b
}

func (c *CPU) findBlockSlow(lin uint64) *block {
	if c.rip > c.fetchLimit() {
		c.raiseGP(0)
	}
	p := c.fetchPage(lin)
	if p.region == nil {
		return c.build(lin, p, 0)
	}
	key := hostAddr(p.mem) + lin&pageMask
	for b := c.blk.buckets[hashBlock(key)]; b != nil; b = b.hash {
		if b.key == key && b.mode == c.mode && c.fits(b, lin) {
			return b
		}
	}
	return c.build(lin, p, key)
}

// fits reports whether a block found by its first byte can be used at lin: its end may lie in another page, or beyond CS's limit.
func (c *CPU) fits(b *block, lin uint64) bool {
	if c.mode&modeFlat == 0 && c.rip+uint64(b.len)-1 > c.fetchLimit() {
		return false
	}
	if b.key2 == 0 {
		return true
	}
	p := c.fetchPage(c.nextPage(lin))
	return p.region != nil && hostAddr(p.mem) == b.key2
}

// build decodes the block at lin, whose first byte is in page p. key 0: the code is not in memory, and nothing is kept.
func (c *CPU) build(lin uint64, p codePage, key uint64) *block {
	k := &c.blk
	if key != 0 {
		c.watch(p.region, p.off)
	}
	n, size, key2 := c.decodeBlock(lin, p, key != 0)
	if key == 0 || n == 0 {
		insts := append([]inst(nil), k.scratch[:n+1]...)
		k.lone = &block{first: &insts[0], insts: insts, mode: c.mode, len: size, count: uint32(n)}
		return k.lone
	}
	b := c.allocBlock(n + 1)
	c.watch(p.region, p.off) // allocBlock may have dropped the block's pages with the rest
	if key2 != 0 {
		next := c.fetchPage(c.nextPage(lin))
		c.watch(next.region, next.off)
	}
	copy(b.insts, k.scratch[:n+1])
	b.key, b.key2, b.mode, b.len, b.count = key, key2, c.mode, size, uint32(n)
	h := &k.buckets[hashBlock(key)]
	b.hash, *h = *h, b
	page := key &^ pageMask
	first := uint32(key & pageMask)
	c.enterPage(page, b, first, min(first+size, memory.PageSize))
	if key2 != 0 {
		c.enterPage(key2, b, 0, first+size-memory.PageSize)
	}
	return b
}

func (c *CPU) enterPage(page uint64, b *block, from, to uint32) {
	p := c.blk.pages[page]
	for l := from >> 6; l <= (to-1)>>6; l++ {
		p.lines[l>>6] |= 1 << (l & 63)
	}
	p.blocks = append(p.blocks, b)
}

// decodeBlock decodes into scratch; it returns the number of instructions and bytes, and the second page's key. A fault in fetching is raised
// only if it hits the first instruction.
func (c *CPU) decodeBlock(lin uint64, p codePage, cached bool) (n int, size uint32, key2 uint64) {
	k, limit := &c.blk, maxBlock
	if !cached || c.single {
		limit = 1
	}
	room := c.fetchLimit() - c.rip
	for n < limit {
		off := lin&pageMask + uint64(size)
		if off >= memory.PageSize || uint64(size) > room || !c.single && c.dbg.breaksAt(off) {
			break
		}
		b := c.fetchBytes(p, off, room-uint64(size))
		in := &k.scratch[n]
		status := c.table.decode(b, c.mode, in)
		if status == decodeShort {
			if n > 0 {
				break
			}
			status, key2 = c.decodeAcross(lin, p, in, room)
		}
		if status != decodeOK {
			if n > 0 {
				break
			}
			c.raiseGP(0)
		}
		in.off, in.num = uint16(size), uint8(n)
		size += uint32(in.len)
		if in.attr&attrRIPRel != 0 {
			in.disp += int64(in.off)
		}
		n++
		if c.table.special && !c.single {
			c.table.specialise(in, c.mode)
			if n > 1 {
				k.scratch[n-2].fuse(in)
			}
		}
		if c.ends(in) {
			break
		}
	}
	k.scratch[n] = inst{code: codeNext, off: uint16(size), num: uint8(n)}
	if n == 0 {
		k.scratch[0].code = codeStale // a debugger stops here: back to turns
	}
	return n, size, key2
}

// ends reports whether the instruction ends its block, and marks it so.
func (c *CPU) ends(in *inst) bool {
	if in.row == rowInvalid {
		in.code = codeExecEnd
		return true
	}
	if c.table.rows[in.row].attr&rowEnd == 0 {
		return false
	}
	if in.code == codeExec {
		in.code = codeExecEnd
		if c.table.near[in.row] {
			in.code = codeExecJump
		}
	}
	return true
}

// fetchBytes is what can be fetched from offset off of a page on, at most 15 bytes, and at most room+1.
func (c *CPU) fetchBytes(p codePage, off, room uint64) []byte {
	n := min(maxInst, memory.PageSize-off)
	if room < maxInst {
		n = min(n, room+1)
	}
	if p.region != nil {
		return p.mem[off : off+n]
	}
	b := c.blk.buf[:n]
	for i := range b {
		b[i] = byte(c.mem.Load(p.phys+off+uint64(i), 1))
	}
	return b
}

// decodeAcross decodes an instruction that runs on into the next page.
func (c *CPU) decodeAcross(lin uint64, p codePage, in *inst, room uint64) (decodeStatus, uint64) {
	first := c.fetchBytes(p, lin&pageMask, room)
	n := copy(c.blk.buf[:], first)
	if uint64(n) > room {
		return decodeShort, 0
	}
	p2 := c.fetchPage(c.nextPage(lin))
	if p2.region != nil {
		c.watch(p2.region, p2.off)
		copy(c.blk.buf[n:], p2.mem[:maxInst])
	} else {
		for i := range maxInst {
			c.blk.buf[n+i] = byte(c.mem.Load(p2.phys+uint64(i), 1))
		}
	}
	m := uint64(maxInst)
	if room < maxInst {
		m = room + 1
	}
	status := c.table.decode(c.blk.buf[:m], c.mode, in)
	if p2.region == nil {
		return status, 0
	}
	return status, hostAddr(p2.mem)
}

// allocBlock takes a block with n records from the slabs; when they are full everything is forgotten.
func (c *CPU) allocBlock(n int) *block {
	k := &c.blk
	if k.freeI+n > slabInsts {
		if k.usedI == k.limit {
			c.dropAll()
		}
		if k.usedI == len(k.insts) {
			k.insts = append(k.insts, make([]inst, slabInsts))
		}
		k.usedI++
		k.freeI = 0
	}
	if k.freeB == slabBlocks {
		if k.usedB == len(k.blocks) {
			k.blocks = append(k.blocks, make([]block, slabBlocks))
		}
		k.usedB++
		k.freeB = 0
	}
	b := &k.blocks[k.usedB-1][k.freeB]
	k.freeB++
	insts := k.insts[k.usedI-1][k.freeI : k.freeI+n : k.freeI+n]
	*b = block{first: &insts[0], insts: insts}
	k.freeI += n
	return b
}
