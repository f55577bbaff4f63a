package cpu

import (
	"encoding/binary"
	"fmt"
	"testing"

	"govm-desktop/accel"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// faults runs f as an instruction would run, and says what it raised: "" or "#GP(0)".
func (b *bench) faults(f func()) (out string) {
	defer func() {
		if r := recover(); r != nil {
			if r != any(&b.cpu.exc) {
				panic(r)
			}
			out = b.cpu.exc.String()
		}
	}()
	f()
	return ""
}

// String is the exception as the manuals write it.
func (e *exception) String() string {
	names := map[uint8]string{0: "#DE", 1: "#DB", 6: "#UD", 7: "#NM", 8: "#DF", 10: "#TS", 11: "#NP", 12: "#SS", 13: "#GP", 14: "#PF", 16: "#MF", 17: "#AC", 19: "#XM"}
	if !e.hasCode {
		return names[e.vector]
	}
	return fmt.Sprintf("%s(%x)", names[e.vector], e.code)
}

func (b *bench) put(addr uint64, size int, v uint64) {
	var p [8]byte
	binary.LittleEndian.PutUint64(p[:], v)
	copy(b.ram.Bytes()[addr:], p[:size])
}

func (b *bench) get(addr uint64, size int) uint64 {
	var p [8]byte
	copy(p[:size], b.ram.Bytes()[addr:])
	return binary.LittleEndian.Uint64(p[:])
}

func (b *bench) want(what string, got, want any) {
	b.Helper()
	if got != want {
		b.Errorf("%s: got %v, want %v", what, show(got), show(want))
	}
}

func show(v any) any {
	switch v.(type) {
	case uint64, uint32, uint16:
		return fmt.Sprintf("%#x", v)
	}
	return v
}

// Where the tests of the system side have their tables.
const (
	testGDT = 0x1000
	testIDT = 0x2000
	testTSS = 0x3000
	testLDT = 0x3800
)

// desc is a descriptor's eight bytes.
func descBytes(base, limit uint32, attr uint32) uint64 {
	lo := limit&0xffff | base<<16
	hi := base>>16&0xff | base&0xff000000 | limit&0xf0000 | attr<<8&0xf0ff00
	return uint64(lo) | uint64(hi)<<32
}

// gateBytes is a gate's.
func gateBytes(sel uint16, off uint32, attr uint8) uint64 {
	return uint64(off&0xffff|uint32(sel)<<16) | uint64(off&0xffff0000|uint32(attr)<<8)<<32
}

// Selectors of tables.
const (
	selCode   = 0x08
	selData   = 0x10
	selUser   = 0x18 + 3
	selUserD  = 0x20 + 3
	selTSS    = 0x28
	selCode16 = 0x30
	selData16 = 0x38
	selTask   = 0x40
	selNP     = 0x48
	selCode64 = 0x50
)

// tables makes a GDT, an IDT whose gates lead to testCode+0x800+16*vector (HLT there), and a TSS.
func (b *bench) tables(s *x86.State) {
	for i, d := range []uint64{
		0, descBytes(0, 0xfffff, 0xc09b), descBytes(0, 0xfffff, 0xc093), descBytes(0, 0xfffff, 0xc0fb), descBytes(0, 0xfffff, 0xc0f3),
		descBytes(testTSS, 0x67, 0x89), descBytes(0, 0xffff, 0x9b), descBytes(0, 0xffff, 0x93), descBytes(testTSS+0x200, 0x67, 0x89),
		descBytes(0, 0xfffff, 0xc013), descBytes(0, 0xfffff, 0xa09b), 0,
	} {
		b.put(testGDT+uint64(i)*8, 8, d)
	}
	s.GDTR = x86.Table{Base: testGDT, Limit: 12*8 - 1}
	long := s.EFER&x86.EFERLMA != 0
	for v := range uint64(32) {
		at := testCode + 0x800 + 16*v
		b.ram.Bytes()[at] = 0xf4
		if long {
			b.put(testIDT+16*v, 8, gateBytes(selCode64, uint32(at), 0x8e))
			b.put(testIDT+16*v+8, 8, 0)
		} else {
			b.put(testIDT+8*v, 8, gateBytes(selCode, uint32(at), 0x8e))
		}
	}
	s.IDTR = x86.Table{Base: testIDT, Limit: 32*8 - 1}
	if long {
		s.IDTR.Limit = 32*16 - 1
		b.put(testTSS+4, 8, testStack+0x1000)
	} else {
		b.put(testTSS+4, 4, testStack+0x1000)
		b.put(testTSS+8, 4, selData)
	}
	s.TR = x86.Segment{Selector: selTSS, Base: testTSS, Limit: 0x67, Attr: x86.AttrP | 11}
}

// user makes a state CPL 3.
func user(s *x86.State) *x86.State {
	for i := range s.Seg {
		s.Seg[i].Attr |= x86.AttrDPL
		s.Seg[i].Selector |= 3
	}
	return s
}

// vectorAt is the vector whose HLT the state stands behind.
func vectorAt(s *x86.State) int { return int(s.RIP-1-testCode-0x800) / 16 }

func TestPageFaultCodes(t *testing.T) {
	const base = testPML4 + 0x8000 // of a page directory and a table
	type page struct{ pde, pte uint64 }
	pages := map[string]page{
		"user":     {7, 7},
		"readonly": {7, 5},
		"ro table": {5, 7},
		"kernel":   {7, 3},
		"ktable":   {3, 7},
		"absent":   {7, 0},
		"notable":  {0, 7},
		"nx":       {7, 7 | 1<<63},
		"reserved": {7, 7 | 1<<45},
	}
	const lin = 0x12345
	for _, c := range []struct {
		page string
		user bool
		acc  access
		wp   bool
		nxe  bool
		want string
	}{
		{"user", true, accRead, true, true, ""},
		{"user", true, accWrite, true, true, ""},
		{"user", true, accExec, true, true, ""},
		{"readonly", true, accRead, true, true, ""},
		{"readonly", true, accWrite, true, true, "#PF(7)"},
		{"readonly", false, accWrite, true, true, "#PF(3)"},
		{"readonly", false, accWrite, false, true, ""},
		{"ro table", true, accWrite, false, true, "#PF(7)"},
		{"kernel", true, accRead, true, true, "#PF(5)"},
		{"kernel", true, accWrite, true, true, "#PF(7)"},
		{"kernel", true, accExec, true, true, "#PF(15)"},
		{"kernel", false, accWrite, true, true, ""},
		{"ktable", true, accRead, true, true, "#PF(5)"},
		{"absent", true, accRead, true, true, "#PF(4)"},
		{"absent", true, accWrite, true, true, "#PF(6)"},
		{"absent", false, accRead, true, true, "#PF(0)"},
		{"absent", false, accWrite, true, true, "#PF(2)"},
		{"absent", false, accExec, true, true, "#PF(10)"},
		{"absent", false, accExec, true, false, "#PF(0)"},
		{"notable", true, accExec, true, true, "#PF(14)"},
		{"nx", true, accRead, true, true, ""},
		{"nx", true, accExec, true, true, "#PF(15)"},
		{"nx", false, accExec, true, true, "#PF(11)"},
		{"nx", false, accRead, true, false, "#PF(9)"},
		{"nx", true, accWrite, true, false, "#PF(f)"},
		{"reserved", false, accRead, true, true, "#PF(9)"},
		{"reserved", true, accWrite, true, true, "#PF(f)"},
		{"reserved", true, accExec, true, true, "#PF(1d)"},
	} {
		for _, long := range []bool{false, true} {
			b := newBench(t, false)
			s := b.state64()
			if !long {
				s = b.state32()
				s.CR0 |= x86.CR0PG
				s.CR4 |= x86.CR4PAE
				b.put(base+0x4000, 8, base|1)
				s.CR3 = base + 0x4000
			}
			s.EFER &^= x86.EFERNXE
			if c.nxe {
				s.EFER |= x86.EFERNXE
			}
			if c.wp {
				s.CR0 |= x86.CR0WP
			}
			if c.user {
				user(s)
			}
			pde := uint64(base)
			if long {
				pde = testPML4 + 0x2000
			}
			b.put(pde, 8, pages[c.page].pde|(base+0x1000)*(pages[c.page].pde&1))
			b.put(base+0x1000+lin>>12*8, 8, pages[c.page].pte|0x12000)
			b.cpu.Set(s)
			got := b.faults(func() { b.cpu.look(b.cpu.mmu.now, lin, c.acc) })
			if got != c.want {
				t.Errorf("%+v, long %v: got %s", c, long, got)
			}
			if got != "" && b.cpu.exc.cr2 != lin {
				t.Errorf("%+v: CR2 %#x", c, b.cpu.exc.cr2)
			}
		}
	}
}

func TestSMEPAndSMAP(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	s.CR4 |= x86.CR4SMEP | x86.CR4SMAP
	b.cpu.Set(s)
	c := b.cpu
	b.want("fetch", b.faults(func() { c.fetchPage(0x5000) }), "#PF(11)")
	b.want("load", b.faults(func() { c.load32(0x5000) }), "#PF(1)")
	b.want("store", b.faults(func() { c.store32(0x5000, 1) }), "#PF(3)")
	c.changeFlags(x86.FlagAC, x86.FlagAC)
	b.want("load with AC", b.faults(func() { c.load32(0x5000) }), "")
	c.changeFlags(0, x86.FlagAC)
	b.want("load without", b.faults(func() { c.load32(0x5000) }), "#PF(1)")
}

func TestAccessedDirty(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	b.put(testPML4+0x2000, 8, testPML4+0x3000|7)
	b.put(testPML4+0x3000+5*8, 8, 0x5007)
	b.cpu.Set(s)
	c := b.cpu
	c.load8(0x5123)
	b.want("after a load", b.get(testPML4+0x3028, 8), uint64(0x5027))
	b.want("table", b.get(testPML4+0x2000, 8)&pteA, uint64(pteA))
	c.store8(0x5123, 7)
	b.want("after a store", b.get(testPML4+0x3028, 8), uint64(0x5067))
	b.put(testPML4+0x3028, 8, 0x5007)
	c.store8(0x5123, 8)
	b.want("cached", b.get(testPML4+0x3028, 8), uint64(0x5007))
	c.invlpg(0x5000)
	c.store8(0x5123, 8)
	b.want("after INVLPG", b.get(testPML4+0x3028, 8), uint64(0x5067))
}

func TestLargePageInvalidation(t *testing.T) {
	b := newBench(t, false)
	b.cpu.Set(b.state64())
	c := b.cpu
	b.put(0x7000, 4, 0x77)
	b.want("before", c.load32(0x7000), uint64(0x77))
	b.put(testPML4+0x2000, 8, 0) // the 2 MiB page that holds everything
	b.want("cached", b.faults(func() { c.load32(0x7000) }), "")
	c.invlpg(0x12345) // another part of the same large page
	b.want("gone", b.faults(func() { c.load32(0x7000) }), "#PF(0)")
}

func TestPageCrossing(t *testing.T) {
	b := newBench(t, false)
	b.cpu.Set(b.state64())
	c := b.cpu
	b.put(testPML4+0x2000, 8, testPML4+0x3000|7)
	b.put(testPML4+0x3000, 8, 0x6007)
	b.put(testPML4+0x3008, 8, 0x4007)
	c.flushTLB(true)
	c.store64(0xffd, 0x1122334455667788)
	b.want("low part", b.get(0x6ffd, 3), uint64(0x667788))
	b.want("high part", b.get(0x4000, 5), uint64(0x1122334455))
	b.want("load", c.load64(0xffd), uint64(0x1122334455667788))
	b.put(testPML4+0x3008, 8, 0x4005)
	c.cr0 |= x86.CR0WP
	c.flushTLB(true)
	b.want("fault", b.faults(func() { c.store64(0xffd, 0) }), "#PF(3)")
	b.want("address", c.exc.cr2, uint64(0x1000))
	b.want("nothing written", b.get(0x6ffd, 3), uint64(0x667788))
	b.want("store128", b.faults(func() { c.store128(0xff8, 0, 0) }), "#PF(3)")
	b.want("nothing of it", b.get(0x6ff8, 8), uint64(0x6677880000000000))
}

func TestNonCanonical(t *testing.T) {
	b := newBench(t, false)
	b.cpu.Set(b.state64())
	c := b.cpu
	const bad = 1 << 47
	b.want("load", b.faults(func() { c.load8(bad) }), "#GP(0)")
	b.want("fetch", b.faults(func() { c.fetchPage(bad) }), "#GP(0)")
	b.want("stack", b.faults(func() { c.segLin(x86.SS, bad, 8, false) }), "#SS(0)")
	c.gpr[x86.RSP] = bad + 8
	b.want("push", b.faults(func() { c.push(8, 1) }), "#SS(0)")
	b.want("target", b.faults(func() { c.jmpFar(0, 0) }), "#GP(0)")
}

func TestAlignmentCheck(t *testing.T) {
	b := newBench(t, false)
	s := user(b.state64())
	s.CR0 |= x86.CR0AM
	s.RFLAGS |= x86.FlagAC
	b.cpu.Set(s)
	c := b.cpu
	for size := uint8(1); size <= 8; size *= 2 {
		for off := range uint64(8) {
			want := ""
			if off%uint64(size) != 0 {
				want = "#AC(0)"
			}
			b.want(fmt.Sprint("load ", size, off), b.faults(func() { c.loadN(testData+off, size) }), want)
			b.want(fmt.Sprint("store ", size, off), b.faults(func() { c.storeN(testData+off, size, 0) }), want)
		}
	}
	c.changeFlags(0, x86.FlagAC)
	b.want("off", b.faults(func() { c.load32(testData + 1) }), "")
}

func TestA20(t *testing.T) {
	b := newBench(t, false)
	hi, err := memory.NewRAM("high", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer hi.Free()
	b.cpu.mem.Update(func(e *memory.Edit) { e.Map(nil, 1<<20, hi, 0) })
	s := x86.Reset(true)
	s.Seg[x86.DS] = x86.Segment{Selector: 0xffff, Base: 0xffff0, Limit: 0xffff, Attr: s.Seg[x86.DS].Attr}
	b.cpu.Set(&s)
	c := b.cpu
	store := func(v uint64) { c.store8(c.segLin(x86.DS, 0x20, 1, true), v) }
	store(1)
	b.want("A20 on", hi.Bytes()[0x10], uint8(1))
	b.vm.SetA20(false)
	c.events()
	store(2)
	b.want("A20 off", b.get(0x10, 1), uint64(2))
	b.want("above", hi.Bytes()[0x10], uint8(1))
	b.vm.SetA20(true)
	c.events()
	store(3)
	b.want("on again", hi.Bytes()[0x10], uint8(3))
}

// recorder is a device.
type recorder struct{ log []string }

func (r *recorder) Read(off uint64, size int) uint64 {
	r.log = append(r.log, fmt.Sprintf("r%d %x", size, off))
	return 0x1122334455667788 >> (64 - 8*size)
}

func (r *recorder) Write(off uint64, size int, v uint64) {
	r.log = append(r.log, fmt.Sprintf("w%d %x=%x", size, off, v))
}

func TestMMIOAndROM(t *testing.T) {
	b := newBench(t, false)
	dev := new(recorder)
	rom, err := memory.NewROM("rom", []byte{1, 2, 3, 4})
	if err != nil {
		t.Fatal(err)
	}
	defer rom.Free()
	b.cpu.mem.Update(func(e *memory.Edit) {
		e.Map(nil, 0x200000, memory.NewIO("dev", 0x800, dev, memory.Any), 0)
		e.Map(nil, 0x201000, rom, 0)
	})
	b.cpu.Set(b.state32())
	c := b.cpu
	c.store16(0x200010, 0xabcd)
	b.want("load", c.load32(0x200020), uint64(0x11223344))
	b.want("log", fmt.Sprint(dev.log), "[w2 10=abcd r4 20]")
	b.want("nothing there", c.load32(0x200900), uint64(0xffffffff))
	c.store8(0x201001, 9)
	b.want("ROM", c.load32(0x201000), uint64(0x04030201))
	p := c.fetchPage(0x200000)
	b.want("code page", p.mem == nil && p.phys == 0x200000, true)
}

func TestDirtyLog(t *testing.T) {
	b := newBench(t, false)
	b.ram.Log(memory.DirtyDisplay, true)
	b.ram.TakeDirty(memory.DirtyDisplay, 0, testRAM)
	b.cpu.Set(b.state32())
	c := b.cpu
	for range 3 {
		c.store32(0x5000, 1)
		c.lockRMW(0x9ffc, 4, func(v uint64) uint64 { return v + 1 })
		c.store16(0x6fff, 1)
		d := b.ram.TakeDirty(memory.DirtyDisplay, 0, testRAM)
		b.want("dirty", d[0], uint64(1<<5|1<<6|1<<7|1<<9))
	}
}

func TestLockedRMW(t *testing.T) {
	b := newBench(t, false)
	b.cpu.Set(b.state32())
	c := b.cpu
	for off := uint64(0x4ff0); off < 0x5008; off++ {
		for size := uint8(1); size <= 8; size *= 2 {
			for i := range uint64(64) {
				b.ram.Bytes()[0x4fe8+i] = byte(i)
			}
			want := b.get(off, int(size))
			got := c.lockRMW(off, size, func(v uint64) uint64 { return ^v })
			b.want("old", got, want)
			b.want("new", b.get(off, int(size)), ^want&sizeMask(size))
			b.want("before", b.get(off-1, 1), (off-1-0x4fe8)&0xff)
			b.want("after", b.get(off+uint64(size), 1), (off+uint64(size)-0x4fe8)&0xff)
		}
	}
	b.put(0x5000, 8, 1)
	b.put(0x5008, 8, 2)
	lo, hi, ok := c.cas128(0x5000, 1, 2, 3, 4)
	b.want("cas128", fmt.Sprint(lo, hi, ok, b.get(0x5000, 8), b.get(0x5008, 8)), "1 2 true 3 4")
	lo, hi, ok = c.cas128(0x5000, 1, 2, 5, 6)
	b.want("cas128 fails", fmt.Sprint(lo, hi, ok, b.get(0x5000, 8)), "3 4 false 3")
}

func TestMapChangeFlushes(t *testing.T) {
	b := newBench(t, false)
	b.cpu.Set(b.state32())
	c := b.cpu
	b.put(0x5000, 1, 5)
	b.want("RAM", c.load8(0x5000), uint64(5))
	rom, err := memory.NewROM("rom", []byte{9})
	if err != nil {
		t.Fatal(err)
	}
	defer rom.Free()
	c.mem.Update(func(e *memory.Edit) { e.Map(nil, 0x5000, rom, 1) })
	c.events()
	b.want("ROM over it", c.load8(0x5000), uint64(9))
}

var _ accel.VCPU = (*CPU)(nil)
