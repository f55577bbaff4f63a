package kvm

import (
	"fmt"
	"sync"

	"govm-desktop/memory"
)

// slots keeps the kernel's memory slots equal to the RAM and ROM of a Space.
type slots struct {
	v *VM

	mu   sync.Mutex // guards everything below
	used map[slotKey]*slot
	free []uint32
	next uint32
	err  error // the first that the kernel gave
}

// slotKey is what makes two slots the same.
type slotKey struct {
	addr, size, off uint64
	region          *memory.Region
	flags           uint32
}

type slot struct {
	id     uint32
	remove func() // of the dirty log's syncer; nil if not logged
}

func newSlots(v *VM) *slots { return &slots{v: v, used: map[slotKey]*slot{}} }

func (s *slots) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Changed implements memory.Listener: what has gone is taken away first, since slots must not overlap.
func (s *slots) Changed(_, now *memory.View) {
	s.mu.Lock()
	defer s.mu.Unlock()
	want := map[slotKey]bool{}
	for _, r := range now.Ranges() {
		if k, ok := keyOf(r); ok {
			want[k] = true
		}
	}
	for k, sl := range s.used {
		if !want[k] {
			s.drop(k, sl)
		}
	}
	for k := range want {
		if s.used[k] == nil {
			s.add(k)
		}
	}
}

// keyOf is the slot for a range; false if it is not memory, or not of whole pages (then every access is an exit, served from the Space).
func keyOf(r memory.Range) (slotKey, bool) {
	const odd = memory.PageSize - 1
	if !r.Region.IsMemory() || r.Addr&odd != 0 || r.Off&odd != 0 || r.Size&odd != 0 {
		return slotKey{}, false
	}
	k := slotKey{addr: r.Addr, size: r.Size, off: r.Off, region: r.Region}
	if !r.Writable() {
		k.flags |= memReadonly
	}
	if r.Region.Logged() {
		k.flags |= memLogDirtyPages
	}
	return k, true
}

func (s *slots) add(k slotKey) {
	id := s.next
	if n := len(s.free); n > 0 {
		id, s.free = s.free[n-1], s.free[:n-1]
	} else {
		s.next++
	}
	m := memoryRegion{Slot: id, Flags: k.flags, GuestAddr: k.addr, Size: k.size, UserspaceAddr: addrOf(k.region.Bytes()[k.off:])}
	if err := call(s.v.fd, reqSetUserMemoryRegion, &m); err != nil {
		if s.err == nil {
			s.err = fmt.Errorf("memory slot for %s at %#x: %w", k.region.Name(), k.addr, err)
		}
		s.free = append(s.free, id)
		return
	}
	sl := &slot{id: id}
	s.used[k] = sl
	if k.flags&memLogDirtyPages != 0 {
		sl.remove = k.region.AddSyncer(func() { s.sync(k) })
	}
}

func (s *slots) drop(k slotKey, sl *slot) {
	if sl.remove != nil {
		s.fetch(k, sl)
		sl.remove()
	}
	m := memoryRegion{Slot: sl.id, GuestAddr: k.addr}
	if err := call(s.v.fd, reqSetUserMemoryRegion, &m); err != nil && s.err == nil {
		s.err = fmt.Errorf("memory slot of %s at %#x: %w", k.region.Name(), k.addr, err)
	}
	delete(s.used, k)
	s.free = append(s.free, sl.id)
}

// sync carries the kernel's dirty log of a slot over to the region.
func (s *slots) sync(k slotKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sl := s.used[k]; sl != nil {
		s.fetch(k, sl)
	}
}

func (s *slots) fetch(k slotKey, sl *slot) {
	bits := make([]uint64, (k.size>>memory.PageShift+63)/64)
	if getDirtyLog(s.v.fd, sl.id, bits) != nil {
		return
	}
	for w, b := range bits {
		for i := 0; b != 0; i, b = i+1, b>>1 {
			if b&1 != 0 {
				k.region.MarkDirty(k.off+uint64(w*64+i)<<memory.PageShift, memory.PageSize)
			}
		}
	}
}

func (s *slots) close() {
	s.v.cfg.Memory.Unlisten(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, sl := range s.used {
		s.drop(k, sl)
	}
}
