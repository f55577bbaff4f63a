package x86

// Translate finds the physical address behind a linear one, as a processor in state s would without asking for rights: what a debugger or a
// monitor looks at (SDM volume 3, 4.3 to 4.5). load reads physical memory, 4 or 8 bytes. ok is false where nothing is mapped.
func Translate(s *State, load func(addr uint64, size int) uint64, lin uint64) (phys uint64, ok bool) {
	switch {
	case s.CR0&CR0PG == 0:
		return lin & 0xffffffff, true
	case s.CR4&CR4PAE == 0:
		return translateLegacy(s, load, uint64(uint32(lin)))
	case s.EFER&EFERLMA == 0:
		lin = uint64(uint32(lin))
		dir := load(s.CR3&^31+lin>>30*8, 8)
		return translateTables(load, dir, lin, 21)
	default:
		return translateTables(load, s.CR3|entryPresent, lin, 39)
	}
}

// Bits of paging-structure entries.
const (
	entryPresent = 1 << 0
	entryLarge   = 1 << 7
	entryAddr    = 0x000ffffffffff000
)

// translateTables goes down the 8-byte entries, from the table that the entry e points to, indexed by the nine bits of lin from shift on.
func translateTables(load func(uint64, int) uint64, e, lin uint64, shift uint) (uint64, bool) {
	for ; ; shift -= 9 {
		if e&entryPresent == 0 {
			return 0, false
		}
		e = load(e&entryAddr+lin>>shift&511*8, 8)
		if shift == 12 || shift < 39 && e&entryLarge != 0 {
			break
		}
	}
	page := uint64(1)<<shift - 1
	return e&entryAddr&^page | lin&page, e&entryPresent != 0
}

func translateLegacy(s *State, load func(uint64, int) uint64, lin uint64) (uint64, bool) {
	e := load(s.CR3&0xfffff000+lin>>22*4, 4)
	if e&entryPresent == 0 {
		return 0, false
	}
	if e&entryLarge != 0 && s.CR4&CR4PSE != 0 {
		return e&0xffc00000 | e>>13&0xff<<32 | lin&0x3fffff, true
	}
	e = load(e&0xfffff000+lin>>12&1023*4, 4)
	return e&0xfffff000 | lin&0xfff, e&entryPresent != 0
}
