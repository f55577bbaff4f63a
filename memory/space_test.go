package memory

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// regs is a Handler of bytes that remembers its accesses.
type regs struct {
	data [64]byte
	log  []string
}

func (h *regs) Read(off uint64, size int) (v uint64) {
	h.log = append(h.log, fmt.Sprintf("r%d@%d", size, off))
	for i := range size {
		v |= uint64(h.data[int(off)+i]) << (8 * i)
	}
	return v
}

func (h *regs) Write(off uint64, size int, val uint64) {
	h.log = append(h.log, fmt.Sprintf("w%d@%d=%x", size, off, val))
}

func (h *regs) want(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(h.log, want) {
		t.Errorf("accesses %v, want %v", h.log, want)
	}
	h.log = nil
}

func newRAM(t testing.TB, size uint64) *Region {
	t.Helper()
	r, err := NewRAM("ram", size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Free(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestIO_widths(t *testing.T) {
	h := &regs{}
	for i := range h.data {
		h.data[i] = byte(i)
	}
	s := NewSpace("ports", 1<<16)
	for i, w := range []Widths{{1, 1}, {4, 4}, {1, 8}, {}, {2, 4}} {
		s.Update(func(e *Edit) { e.Map(nil, uint64(i)*0x100, NewIO("io", 64, h, w), 0) })
	}
	for _, c := range []struct {
		addr uint64
		size int
		want uint64
		log  []string
	}{
		{0x002, 4, 0x05040302, []string{"r1@2", "r1@3", "r1@4", "r1@5"}},
		{0x101, 1, 0x01, []string{"r4@0"}},
		{0x102, 2, 0x0302, []string{"r4@0"}},
		{0x103, 2, 0x0403, []string{"r4@0", "r4@4"}},
		{0x104, 8, 0x0b0a090807060504, []string{"r4@4", "r4@8"}},
		{0x208, 8, 0x0f0e0d0c0b0a0908, []string{"r8@8"}},
		{0x308, 8, 0x0f0e0d0c0b0a0908, []string{"r4@8", "r4@12"}},
		{0x405, 1, 0x05, []string{"r2@4"}},
		{0x03f, 2, 0xff3f, []string{"r1@63"}},
		{0x0ff, 2, 0x00ff, []string{"r4@0"}},
	} {
		if got := s.Load(c.addr, c.size); got != c.want {
			t.Errorf("%d bytes at %#x: %#x, want %#x", c.size, c.addr, got, c.want)
		}
		h.want(t, c.log...)
	}
	s.Store(0x002, 2, 0xaabb)
	s.Store(0x102, 1, 0xcc) // narrow writes pass
	s.Store(0x108, 8, 0x1122334455667788)
	s.Store(0x03f, 2, 0x1234)
	h.want(t, "w1@2=bb", "w1@3=aa", "w1@2=cc", "w4@8=55667788", "w4@12=11223344", "w1@63=34")
}

func TestSpace_unmapped(t *testing.T) {
	s := NewSpace("memory", 1<<20)
	s.Store(5, 4, 0)
	for size, want := range map[int]uint64{1: 0xff, 2: 0xffff, 4: 0xffffffff, 8: ^uint64(0)} {
		if got := s.Load(0x1234, size); got != want {
			t.Errorf("%d bytes of nothing: %#x", size, got)
		}
	}
}

func TestSpace_wraps(t *testing.T) {
	s := NewSpace("memory", 1<<16)
	ram := newRAM(t, 1<<16)
	s.Update(func(e *Edit) { e.Map(nil, 0, ram, 0) })
	s.Store(0xffff, 2, 0xbbaa)
	if ram.Bytes()[0xffff] != 0xaa || ram.Bytes()[0] != 0xbb {
		t.Error("a store across the end does not go on at the beginning")
	}
	if got := s.Load(0x1ffff, 2); got != 0xbbaa {
		t.Errorf("load across the end: %#x", got)
	}
}

func TestROM(t *testing.T) {
	rom, err := NewROM("rom", []byte{1, 2, 3, 4})
	if err != nil {
		t.Fatal(err)
	}
	defer rom.Free()
	s := NewSpace("memory", 1<<20)
	s.Update(func(e *Edit) { e.Map(nil, 0x1000, rom, 0) })
	s.Store(0x1000, 4, 0)
	if got := s.Load(0x1000, 4); got != 0x04030201 {
		t.Errorf("ROM reads %#x after a store", got)
	}
	if rom.Size() != PageSize || rom.IsRAM() || !rom.IsMemory() {
		t.Error("what it says of itself")
	}
}

func TestDMA(t *testing.T) {
	s := NewSpace("memory", 1<<20)
	low, high := newRAM(t, PageSize), newRAM(t, PageSize)
	dev := &regs{}
	s.Update(func(e *Edit) {
		e.Map(nil, 0, low, 0)
		e.Map(nil, PageSize, NewIO("io", 16, dev, Any), 0)
		e.Map(nil, PageSize+32, high, 0)
	})
	p := make([]byte, 100)
	for i := range p {
		p[i] = byte(i + 1)
	}
	if n, err := s.WriteAt(p, PageSize-4); n != 100 || err == nil {
		t.Errorf("a write over a device: %d, %v", n, err)
	}
	dev.want(t)
	if low.Bytes()[PageSize-1] != 4 || high.Bytes()[0] != 37 || high.Bytes()[63] != 100 {
		t.Error("the parts that are RAM were not written")
	}
	q := make([]byte, 100)
	if n, err := s.ReadAt(q, PageSize-4); n != 100 || err == nil {
		t.Errorf("a read over a device: %d, %v", n, err)
	}
	if q[3] != 4 || q[4] != 0xff || q[35] != 0xff || q[36] != 37 || q[99] != 100 {
		t.Errorf("read %v", q)
	}
	if n, err := s.ReadAt(q[:8], 16); n != 8 || err != nil {
		t.Errorf("a read of RAM: %d, %v", n, err)
	}
	if b := s.Slice(PageSize-4, 100, true); len(b) != 4 || &b[0] != &low.Bytes()[PageSize-4] {
		t.Errorf("Slice gives %d bytes, want the 4 that lie together", len(b))
	}
	if s.Slice(PageSize, 4, false) != nil {
		t.Error("Slice gives a device's registers")
	}
	if _, err := s.ReadAt(q, 1<<20-50); err == nil {
		t.Error("a read of nothing across the end succeeds")
	}
}

func TestDirty(t *testing.T) {
	ram := newRAM(t, 200*PageSize)
	s := NewSpace("memory", 1<<24)
	s.Update(func(e *Edit) { e.Map(nil, 0x10000, ram, 0) })
	wakes, syncs := 0, 0
	ram.OnDirty(func() { wakes++ })
	take := func(off, n uint64) []uint64 { return ram.TakeDirty(DirtyDisplay, off, n) }
	if got := take(0, ram.Size()); !slices.Equal(got, make([]uint64, 4)) || ram.Logged() {
		t.Errorf("dirty before anybody logs: %x", got)
	}
	ram.Log(DirtyDisplay, true)
	if got := take(0, 64*PageSize); got[0] != ^uint64(0) {
		t.Errorf("not all dirty at the start: %x", got)
	}
	take(0, ram.Size())
	s.Store(0x10000+70*PageSize-1, 2, 0)
	s.Store(0x10000+70*PageSize, 1, 0)
	if wakes != 1 {
		t.Errorf("woken %d times, want once: the second store found its page dirty", wakes)
	}
	if got := take(69*PageSize, 64*PageSize); got[0] != 3 {
		t.Errorf("pages from 69 on: %x, want 3", got[0])
	}
	if got := take(0, ram.Size()); !slices.Equal(got, make([]uint64, 4)) {
		t.Errorf("still dirty: %x", got)
	}
	if got := take(5, 0); len(got) != 0 {
		t.Errorf("of no bytes: %x", got)
	}
	remove := ram.AddSyncer(func() { syncs++; ram.MarkDirty(0, 1) })
	if !ram.Polled() || take(0, 1)[0] != 1 || syncs != 1 {
		t.Error("what is kept elsewhere is not fetched")
	}
	remove()
	if ram.Polled() {
		t.Error("polled still")
	}
	if _, err := s.WriteAt(make([]byte, 3*PageSize), 0x10000+10); err != nil || take(0, 64*PageSize)[0] != 15 {
		t.Error("DMA does not mark")
	}
	ram.Log(DirtyDisplay, false)
	s.Store(0x10000, 1, 0)
	if take(0, 1)[0] != 0 {
		t.Error("marked when nobody logs")
	}
}

type watcher []string

func (w *watcher) Written(_ *Region, off, n uint64) { *w = append(*w, fmt.Sprintf("%d+%d", off, n)) }

func TestWatch(t *testing.T) {
	ram := newRAM(t, 4*PageSize)
	s := NewSpace("memory", 1<<20)
	s.Update(func(e *Edit) { e.Map(nil, 0, ram, 0) })
	var w watcher
	ram.AddWatcher(&w)
	ram.Watch(2)
	s.Store(PageSize, 1, 0)
	s.Store(2*PageSize-1, 2, 0)
	ram.Unwatch(2)
	s.Store(2*PageSize, 1, 0)
	if want := (watcher{"8191+2"}); !slices.Equal(w, want) {
		t.Errorf("told of %v, want %v", w, want)
	}
}

type listener struct{ old, now *View }

func (l *listener) Changed(old, now *View) { l.old, l.now = old, now }

func TestNewOver(t *testing.T) {
	base := NewSpace("system", 1<<20)
	over := NewOver("cpu", base)
	ram, dev := newRAM(t, 1<<16), &regs{}
	io := NewIO("apic", 64, dev, Any)
	var l listener
	over.Listen(&l)
	base.Update(func(e *Edit) { e.Map(nil, 0, ram, 0) })
	if l.now != over.View() || len(l.now.Ranges()) != 1 {
		t.Error("a change of the base is not seen above")
	}
	over.Update(func(e *Edit) { e.Map(nil, 0x100, io, 0) })
	dev.data[1] = 0x55
	if over.Load(0x101, 1) != 0x55 || base.Load(0x101, 1) != 0 {
		t.Error("the page is not the processor's own")
	}
	if r := over.View().Ranges(); len(r) != 3 || r[2].Off != 0x140 {
		t.Errorf("ranges %+v", r)
	}
	over.Unlisten(&l)
	over.Update(func(e *Edit) { e.Unmap(nil, io) })
	if over.Load(0x101, 1) != 0 || len(l.now.Ranges()) != 3 {
		t.Error("after unmapping")
	}
}

// tag is a Handler that answers with its number.
type tag uint64

func (n tag) Read(uint64, int) uint64   { return uint64(n) }
func (n tag) Write(uint64, int, uint64) {}

// node is the oracle's picture of a region.
type node struct {
	r        *Region
	tag      uint64 // leaf
	of       *node  // alias
	ofOff    uint64
	children []placed
}

type placed struct {
	n    *node
	off  uint64
	prio int
	seq  int
}

// at is what an address within a region shows, by trying everything.
func (n *node) at(off uint64) (uint64, bool) {
	switch {
	case off >= n.r.size:
		return 0, false
	case n.of != nil:
		return n.of.at(n.ofOff + off)
	case n.r.kind != kindGroup:
		return n.tag, true
	}
	order := slices.Clone(n.children)
	slices.SortFunc(order, func(a, b placed) int {
		if a.prio != b.prio {
			return b.prio - a.prio
		}
		return b.seq - a.seq
	})
	for _, c := range order {
		if off >= c.off {
			if v, ok := c.n.at(off - c.off); ok {
				return v, true
			}
		}
	}
	return 0, false
}

// TestView_random compares views of random trees with the oracle, address by address.
func TestView_random(t *testing.T) {
	const size = 256
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := NewSpace("memory", size)
		root := &node{r: s.root}
		nodes := []*node{root}
		s.Update(func(e *Edit) {
			for i := range 12 {
				n := &node{tag: uint64(i)}
				length := 1 + r.Uint64N(size/2)
				switch k := r.IntN(4); {
				case k == 0:
					n.r = NewGroup("group", length)
				case k == 1 && len(nodes) > 1:
					n.of, n.ofOff = nodes[1+r.IntN(len(nodes)-1)], r.Uint64N(32)
					n.r = NewAlias("alias", n.of.r, n.ofOff, length)
				default:
					n.r = NewIO("io", length, tag(i), Any)
				}
				in := root
				for range 3 {
					if p := nodes[r.IntN(len(nodes))]; p.r.kind == kindGroup {
						in = p
					}
				}
				if in != root && n.of != nil {
					in = root // an alias within what it shows would never end
				}
				at, prio := r.Uint64N(in.r.size), r.IntN(3)
				e.Map(in.r, at, n.r, prio)
				in.children = append(in.children, placed{n, at, prio, i})
				nodes = append(nodes, n)
			}
		})
		for a := range uint64(size) {
			want, ok := root.at(a)
			if !ok {
				want = 0xff
			}
			if got := s.Load(a, 1); got != want {
				t.Fatalf("seed %d: address %d shows %d, want %d", seed, a, got, want)
			}
		}
		end := uint64(0)
		for _, x := range s.View().Ranges() {
			if x.Addr < end || x.Size == 0 {
				t.Fatalf("seed %d: ranges overlap or are empty: %+v", seed, s.View().Ranges())
			}
			end = x.Addr + x.Size
		}
	}
}

// TestSpace_concurrent maps and unmaps while others read: for the race detector.
func TestSpace_concurrent(t *testing.T) {
	s := NewSpace("memory", 1<<20)
	ram := newRAM(t, 1<<16)
	io := NewIO("io", 0x1000, tag(7), Any)
	s.Update(func(e *Edit) { e.Map(nil, 0, ram, 0) })
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for i := range uint64(2000) {
				if v := s.Load(0x2000, 1); v != 0 && v != 7 {
					t.Errorf("reads %d", v)
				}
				s.Store(0x8000+i%8*PageSize, 1, 0)
				ram.TakeDirty(DirtyDisplay, 0, ram.Size())
			}
		})
	}
	for i := range 300 {
		s.Update(func(e *Edit) { e.Map(nil, 0x2000, io, 1) })
		ram.Log(DirtyDisplay, i%2 == 0)
		s.Update(func(e *Edit) { e.Unmap(nil, io) })
	}
	wg.Wait()
}

func BenchmarkLoad(b *testing.B) {
	s := NewSpace("memory", 1<<32)
	ram := newRAM(b, 1<<20)
	s.Update(func(e *Edit) {
		for i := range uint64(64) {
			e.Map(nil, i<<24, NewIO("io", 64, tag(i), Any), 0)
		}
		e.Map(nil, 1<<31, ram, 0)
	})
	for b.Loop() {
		s.Load(1<<31+8, 4)
	}
}
