package memory

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// Space is an address space: the regions mapped into it, and the View of them that is current.
type Space struct {
	name string
	size uint64
	base *Space // seen where nothing of our own is mapped; nil: nothing
	root *Region
	view atomic.Pointer[View]

	mu        *sync.Mutex // one for a Space and all Spaces over it; guards everything below, and the children of every group
	over      []*Space
	listeners []Listener
}

// Listener learns of every change of the map, in order, after the new View is current.
type Listener interface{ Changed(old, new *View) }

// NewSpace returns an empty address space of the given size in bytes (a power of two; larger addresses wrap).
func NewSpace(name string, size uint64) *Space {
	s := &Space{name: name, size: size, root: NewGroup(name, size), mu: new(sync.Mutex)}
	s.view.Store(&View{mask: size - 1})
	return s
}

// NewOver returns a Space that shows base, and what is mapped into itself over it: one processor's view of a machine's memory.
func NewOver(name string, base *Space) *Space {
	s := &Space{name: name, size: base.size, base: base, root: NewGroup(name, base.size), mu: base.mu}
	base.mu.Lock()
	defer base.mu.Unlock()
	base.over = append(base.over, s)
	s.view.Store(s.render())
	return s
}

// Name is the name the board gave.
func (s *Space) Name() string { return s.name }

// Listen adds a listener and tells it of the present map as a change from nothing.
func (s *Space) Listen(l Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, l)
	l.Changed(&View{mask: s.size - 1}, s.view.Load())
}

// Unlisten removes a listener.
func (s *Space) Unlisten(l Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, x := range s.listeners {
		if x == l {
			s.listeners = append(s.listeners[:i:i], s.listeners[i+1:]...)
			return
		}
	}
}

// Edit is a change of the map under way.
type Edit struct{ s *Space }

// Update makes one change of the map, seen whole or not at all. No lock that a Handler takes may be held.
func (s *Space) Update(f func(*Edit)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&Edit{s})
	s.publish()
}

// Map puts r at offset off of the group in; in == nil stands for the Space itself. Higher priorities cover lower ones.
func (e *Edit) Map(in *Region, off uint64, r *Region, prio int) {
	if in == nil {
		in = e.s.root
	}
	if in.kind != kindGroup {
		panic(fmt.Sprintf("memory: %s is not a group", in.name))
	}
	e.unmap(in, r)
	i := 0
	for i < len(in.children) && in.children[i].prio > prio {
		i++
	}
	in.children = append(in.children[:i:i], append([]child{{r, off, prio}}, in.children[i:]...)...)
}

// Unmap takes r out of the group in (nil: the Space itself), if it is there.
func (e *Edit) Unmap(in, r *Region) {
	if in == nil {
		in = e.s.root
	}
	e.unmap(in, r)
}

func (e *Edit) unmap(in, r *Region) {
	for i, c := range in.children {
		if c.r == r {
			in.children = append(in.children[:i:i], in.children[i+1:]...)
			return
		}
	}
}

// publish makes the map as it is the current View, here and in every Space over this one.
func (s *Space) publish() {
	old, now := s.view.Load(), s.render()
	s.view.Store(now)
	for _, l := range s.listeners {
		l.Changed(old, now)
	}
	for _, o := range s.over {
		o.publish()
	}
}

func (s *Space) render() *View {
	v := &View{mask: s.size - 1}
	paint(s.root, 0, 0, s.size, v)
	if s.base != nil {
		for _, r := range s.base.view.Load().ranges {
			v.add(r)
		}
	}
	return v
}

// paint adds what r shows between offsets lo and hi, seen at address at, to the view, under what is there already.
func paint(r *Region, at, lo, hi uint64, v *View) {
	hi = min(hi, r.size)
	if lo >= hi {
		return
	}
	switch r.kind {
	case kindGroup:
		for _, c := range r.children {
			from, to := max(lo, c.off), min(hi, c.off+c.r.size)
			if from < to {
				paint(c.r, at+from-lo, from-c.off, to-c.off, v)
			}
		}
	case kindAlias:
		paint(r.of, at, r.ofOff+lo, r.ofOff+hi, v)
	case kindSplit:
		sub := &View{mask: v.mask}
		paint(r.of, at, r.ofOff+lo, r.ofOff+hi, sub)
		sub.add(Range{Addr: at, Size: hi - lo, Region: r.hole, Off: lo})
		for _, x := range sub.ranges {
			x.ReadOnly, x.to, x.toOff = true, r.to, r.toOff+lo+x.Addr-at
			v.add(x)
		}
	default:
		v.add(Range{Addr: at, Size: hi - lo, Region: r, Off: lo})
	}
}

// View is the current map.
func (s *Space) View() *View { return s.view.Load() }

// Load reads 1, 2, 4 or 8 bytes, little-endian, as a processor does: from RAM or from a device. Where nothing answers it reads ones.
func (s *Space) Load(addr uint64, size int) uint64 { return s.view.Load().Load(addr, size) }

// Store writes 1, 2, 4 or 8 bytes, as Load reads them.
func (s *Space) Store(addr uint64, size int, val uint64) { s.view.Load().Store(addr, size, val) }

// errNotRAM is what a DMA transfer ends with that reached something else than RAM.
var errNotRAM = fmt.Errorf("memory: address is not RAM: %w", io.ErrUnexpectedEOF)

// ReadAt implements hw.DMA: what is not memory reads as ones.
func (s *Space) ReadAt(p []byte, addr int64) (n int, err error) {
	v := s.view.Load()
	for n < len(p) {
		b, gap := v.bytes(uint64(addr)+uint64(n), uint64(len(p)-n), false)
		if b == nil {
			for i := range gap {
				p[n+int(i)] = 0xff
			}
			n, err = n+int(gap), errNotRAM
			continue
		}
		n += copy(p[n:], b)
	}
	return n, err
}

// WriteAt implements hw.DMA: what is meant for anything but RAM is dropped.
func (s *Space) WriteAt(p []byte, addr int64) (n int, err error) {
	v := s.view.Load()
	for n < len(p) {
		a := uint64(addr) + uint64(n)
		b, gap := v.bytes(a, uint64(len(p)-n), true)
		if b == nil {
			n, err = n+int(gap), errNotRAM
			continue
		}
		k := copy(b, p[n:])
		v.wrote(a, uint64(k))
		n += k
	}
	return n, err
}

// Slice implements hw.DMA.
func (s *Space) Slice(addr, n uint64, write bool) []byte {
	b, _ := s.view.Load().bytes(addr, n, write)
	return b
}

// Wrote implements hw.DMA.
func (s *Space) Wrote(addr, n uint64) { s.view.Load().wrote(addr, n) }
