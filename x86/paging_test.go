package x86

import (
	"encoding/binary"
	"testing"
)

func TestTranslate(t *testing.T) {
	mem := make([]byte, 0x8000)
	put := func(at int, e uint64) { binary.LittleEndian.PutUint64(mem[at:], e) }
	load := func(at uint64, size int) uint64 {
		if size == 4 {
			return uint64(binary.LittleEndian.Uint32(mem[at:]))
		}
		return binary.LittleEndian.Uint64(mem[at:])
	}
	// 1000: top level (long), 2000: pointers (PAE's four too), 3000: directory, 4000: table; 5000: 32-bit directory, 6000: its table.
	put(0x1000+511*8, 0x2003)
	put(0x2000, 0x3001)
	put(0x2000+510*8, 0x3003)
	put(0x2000+511*8, 0x40000083)
	put(0x3000+3*8, 0x4003)
	put(0x3000+4*8, 1<<63|0xa00083)
	put(0x4000+5*8, 1<<63|0x123007)
	binary.LittleEndian.PutUint32(mem[0x5000+4:], 0x6003)
	binary.LittleEndian.PutUint32(mem[0x5000+8:], 0x00c0_2083)
	binary.LittleEndian.PutUint32(mem[0x6000+7*4:], 0x777003)
	long := State{CR0: CR0PG, CR3: 0x1000, CR4: CR4PAE, EFER: EFERLMA}
	pae := State{CR0: CR0PG, CR3: 0x2000, CR4: CR4PAE}
	legacy := State{CR0: CR0PG, CR3: 0x5000, CR4: CR4PSE}
	for _, c := range []struct {
		name string
		s    *State
		lin  uint64
		phys uint64
		ok   bool
	}{
		{"off", &State{}, 0x1_2345_6789, 0x23456789, true},
		{"4 KiB", &long, 0xffffff80_00000000 | 510<<30 | 3<<21 | 5<<12 | 0xabc, 0x123abc, true},
		{"2 MiB", &long, 0xffffff80_00000000 | 510<<30 | 4<<21 | 0x12345, 0xa12345, true},
		{"1 GiB", &long, 0xffffff80_00000000 | 511<<30 | 0x1234567, 0x41234567, true},
		{"no table", &long, 0x1000, 0, false},
		{"no page", &long, 0xffffff80_00000000 | 510<<30 | 3<<21 | 6<<12, 0, false},
		{"PAE", &pae, 3<<21 | 5<<12 | 1, 0x123001, true},
		{"PAE 2 MiB", &pae, 4<<21 | 2, 0xa00002, true},
		{"32-bit", &legacy, 1<<22 | 7<<12 | 3, 0x777003, true},
		{"32-bit 4 MiB", &legacy, 2<<22 | 0x54321, 0x1_00c54321, true},
		{"32-bit none", &legacy, 3 << 22, 0, false},
	} {
		phys, ok := Translate(c.s, load, c.lin)
		if ok != c.ok || ok && phys != c.phys {
			t.Errorf("%s: %#x = %#x, %v; want %#x, %v", c.name, c.lin, phys, ok, c.phys, c.ok)
		}
	}
}
