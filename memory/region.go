// Package memory is address decoding: Regions (RAM, ROM, registers, groups of these, aliases) are mapped into a Space, which publishes
// immutable Views that any goroutine reads without a lock. Two instances make a PC: memory of 2^52 bytes and 2^16 ports.
//
// It also keeps count of who wrote where: dirty pages for screens and migration, and watched pages for the software CPU's translated code.
package memory

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// PageSize is the granularity of dirty tracking and of a CPU's view of RAM.
const (
	PageSize  = 1 << PageShift
	PageShift = 12
)

// Handler is a block of registers. Values are little-endian; size is 1, 2, 4 or 8; off is relative to the region. It is called from any
// goroutine and cannot fail: that is hardware.
type Handler interface {
	Read(off uint64, size int) uint64
	Write(off uint64, size int, val uint64)
}

// Repeater is what a Handler may be besides: one with registers that are read or written over and over for the data behind them. Both
// methods move at most len(p) bytes in accesses of size bytes to the same offset, and return how many they moved: a multiple of size,
// 0 where there is nothing to be gained.
type Repeater interface {
	ReadRepeated(off uint64, size int, p []byte) int
	WriteRepeated(off uint64, size int, p []byte) int
}

// Widths bounds the accesses that a Handler takes, in bytes. The bus splits larger accesses into Max-sized ones and widens smaller reads to Min
// (smaller writes are passed with the size they have, so that a register is never read to be written). Zero means 1 and 4.
type Widths struct{ Min, Max int }

// Any is every access as the guest made it.
var Any = Widths{1, 8}

type kind uint8

const (
	kindIO kind = iota
	kindRAM
	kindROM
	kindGroup
	kindAlias
	kindSplit
)

// Region is a piece of hardware with addresses: it knows its size, not where it is.
type Region struct {
	name string
	kind kind
	size uint64

	handler Handler
	widths  Widths

	ram   []byte // page-aligned and outside the Go heap, for RAM and ROM
	dirty tracker

	of       *Region // alias, split: what is shown, from offset ofOff
	ofOff    uint64
	to       *Region // split: RAM that takes the stores, from offset toOff; nil: they are dropped
	toOff    uint64
	hole     *Region // split: what is read where of shows nothing
	children []child // group: guarded by the lock of every Space that reaches it, changed in Update alone
}

type child struct {
	r    *Region
	off  uint64
	prio int
}

// Name is the name the board gave.
func (r *Region) Name() string { return r.name }

// Size is the length in bytes.
func (r *Region) Size() uint64 { return r.size }

// IsRAM reports whether the region is memory that the guest can write.
func (r *Region) IsRAM() bool { return r.kind == kindRAM }

// IsMemory reports whether the region is RAM or ROM: Bytes gives its contents.
func (r *Region) IsMemory() bool { return r.kind == kindRAM || r.kind == kindROM }

// Bytes is the memory itself: it stays where it is until Free. Who writes to it must call Wrote.
func (r *Region) Bytes() []byte { return r.ram }

// NewRAM returns zeroed memory. The size is rounded up to whole pages.
func NewRAM(name string, size uint64) (*Region, error) {
	size = (size + PageSize - 1) &^ (PageSize - 1)
	ram, err := unix.Mmap(-1, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("memory: %s: cannot get %d MiB: %w", name, size>>20, err)
	}
	r := &Region{name: name, kind: kindRAM, size: size, ram: ram}
	r.dirty.init(size)
	return r, nil
}

// NewROM returns memory with the given contents which guest stores do not change. The size is rounded up to whole pages.
func NewROM(name string, data []byte) (*Region, error) {
	r, err := NewRAM(name, max(1, uint64(len(data))))
	if err != nil {
		return nil, err
	}
	r.kind = kindROM
	copy(r.ram, data)
	return r, nil
}

// NewIO returns a block of registers.
func NewIO(name string, size uint64, h Handler, w Widths) *Region {
	if w.Min == 0 {
		w.Min = 1
	}
	if w.Max == 0 {
		w.Max = 4
	}
	return &Region{name: name, kind: kindIO, size: size, handler: h, widths: w}
}

// NewGroup returns a container. Where children overlap the one with the higher priority is seen, among equals the one mapped later;
// where no child is, what lies under the group is seen.
func NewGroup(name string, size uint64) *Region {
	return &Region{name: name, kind: kindGroup, size: size}
}

// NewAlias returns a window onto part of another region.
func NewAlias(name string, of *Region, off, size uint64) *Region {
	return &Region{name: name, kind: kindAlias, size: size, of: of, ofOff: off}
}

// NewSplit returns a window that shows part of one region and sends stores to RAM elsewhere (writes nil: drops them): shadow RAM that is
// read-only, or ROM over RAM that can be written through it (the PAM registers of PC host bridges).
func NewSplit(name string, reads *Region, readOff uint64, writes *Region, writeOff, size uint64) *Region {
	if writes != nil && writes.kind != kindRAM {
		panic(fmt.Sprintf("memory: %s: stores to %s, which is not RAM", name, writes.name))
	}
	return &Region{name: name, kind: kindSplit, size: size, of: reads, ofOff: readOff, to: writes, toOff: writeOff,
		hole: NewIO(name, size, floating{}, Any)}
}

// floating is a bus that nobody drives.
type floating struct{}

// Read implements Handler.
func (floating) Read(uint64, int) uint64 { return ^uint64(0) }

// Write implements Handler.
func (floating) Write(uint64, int, uint64) {}

// Free gives the memory back to the host. Preconditions: no Space shows the region any more and nothing reads it.
func (r *Region) Free() error {
	if r.ram == nil {
		return nil
	}
	err := unix.Munmap(r.ram)
	r.ram = nil
	return err
}

// DirtyClient is one who asks which pages were written.
type DirtyClient uint8

// Clients of dirty tracking.
const (
	DirtyDisplay DirtyClient = iota
	DirtyMigration
	numDirty
)

// tracker says which pages were written, per client, and which pages somebody watches.
type tracker struct {
	on      atomic.Uint32 // bit per client; bit watchBit: some page is watched
	bits    [numDirty]atomic.Pointer[[]atomic.Uint64]
	watched []atomic.Uint64 // pages with translated code

	mu       sync.Mutex // guards everything below
	watchers []Watcher
	syncers  []*func() // replaced, never changed in place
	wake     func()
}

const watchBit = 1 << 31

// Watcher is told of stores made by others to pages it watches.
type Watcher interface {
	// Written may be called from any goroutine, with locks held, and must not block. Pages are watched on until Unwatch.
	Written(r *Region, off, n uint64)
}

func (t *tracker) init(size uint64) { t.watched = make([]atomic.Uint64, words(size)) }

func words(size uint64) uint64 { return ((size+PageSize-1)>>PageShift + 63) / 64 }

// Log switches tracking for a client on or off. Pages count as dirty from then on when they are written; at the switch all are.
// A Space that shows the region must be Updated afterwards for its listeners to know.
func (r *Region) Log(who DirtyClient, on bool) {
	if !on {
		r.dirty.on.And(^(uint32(1) << who))
		return
	}
	b := make([]atomic.Uint64, words(r.size))
	for i := range b {
		b[i].Store(^uint64(0))
	}
	r.dirty.bits[who].Store(&b)
	r.dirty.on.Or(1 << who)
}

// Logged reports whether any client tracks the region.
func (r *Region) Logged() bool { return r.dirty.on.Load()&^watchBit != 0 }

// OnDirty sets what is called when the first page becomes dirty for the display. It must not block.
func (r *Region) OnDirty(f func()) {
	r.dirty.mu.Lock()
	r.dirty.wake = f
	r.dirty.mu.Unlock()
}

// AddSyncer adds what TakeDirty calls first, to fetch a log that is kept elsewhere (KVM's). The result removes it.
func (r *Region) AddSyncer(f func()) (remove func()) {
	entry := &f
	r.dirty.mu.Lock()
	defer r.dirty.mu.Unlock()
	r.dirty.syncers = append(r.dirty.syncers[:len(r.dirty.syncers):len(r.dirty.syncers)], entry)
	return func() {
		r.dirty.mu.Lock()
		defer r.dirty.mu.Unlock()
		r.dirty.syncers = slices.DeleteFunc(slices.Clone(r.dirty.syncers), func(e *func()) bool { return e == entry })
	}
}

// Polled reports whether some writer tells of its stores only when asked: a display must then ask by the clock, since OnDirty stays silent.
func (r *Region) Polled() bool {
	r.dirty.mu.Lock()
	defer r.dirty.mu.Unlock()
	return len(r.dirty.syncers) > 0
}

// Wrote says that n bytes from off have been written, after they have. Cheap when nobody tracks the region.
func (r *Region) Wrote(off, n uint64) {
	on := r.dirty.on.Load()
	if on == 0 || n == 0 {
		return
	}
	r.MarkDirty(off, n)
	if on&watchBit != 0 && r.Watched(off, n) {
		r.dirty.mu.Lock()
		ws := r.dirty.watchers
		r.dirty.mu.Unlock()
		for _, w := range ws {
			w.Written(r, off, n)
		}
	}
}

// MarkDirty is Wrote for all but the watchers: the software CPU calls it for its own stores.
func (r *Region) MarkDirty(off, n uint64) {
	first, last := off>>PageShift, (off+n-1)>>PageShift
	for who := range numDirty {
		if r.dirty.on.Load()&(1<<who) == 0 {
			continue
		}
		bits := *r.dirty.bits[who].Load()
		fresh := false
		for p := first; p <= last && p>>6 < uint64(len(bits)); p++ {
			w, m := &bits[p>>6], uint64(1)<<(p&63)
			if w.Load()&m == 0 {
				w.Or(m)
				fresh = true
			}
		}
		if fresh && who == DirtyDisplay {
			r.wakeDisplay()
		}
	}
}

func (r *Region) wakeDisplay() {
	r.dirty.mu.Lock()
	f := r.dirty.wake
	r.dirty.mu.Unlock()
	if f != nil {
		f()
	}
}

// TakeDirty fetches and clears a client's bits of the pages that hold [off, off+n): bit 0 of word 0 is the page of off.
// The order matters to the caller: take the bits, then read the memory.
func (r *Region) TakeDirty(who DirtyClient, off, n uint64) []uint64 {
	if n == 0 {
		return nil
	}
	r.dirty.mu.Lock()
	syncers := r.dirty.syncers
	r.dirty.mu.Unlock()
	for _, f := range syncers {
		(*f)()
	}
	first, last := off>>PageShift, (off+n-1)>>PageShift
	out := make([]uint64, (last-first)/64+1)
	if r.dirty.on.Load()&(1<<who) == 0 {
		return out
	}
	bits := *r.dirty.bits[who].Load()
	for p := first; p <= last && p>>6 < uint64(len(bits)); p++ {
		w, m := &bits[p>>6], uint64(1)<<(p&63)
		if w.Load()&m != 0 {
			w.And(^m)
			out[(p-first)>>6] |= 1 << ((p - first) & 63)
		}
	}
	return out
}

// AddWatcher adds one who may watch pages.
func (r *Region) AddWatcher(w Watcher) {
	r.dirty.mu.Lock()
	r.dirty.watchers = append(r.dirty.watchers[:len(r.dirty.watchers):len(r.dirty.watchers)], w)
	r.dirty.mu.Unlock()
}

// Watch makes stores to a page reach the watchers. All watchers share one set of pages.
func (r *Region) Watch(page uint64) {
	r.dirty.watched[page>>6].Or(1 << (page & 63))
	r.dirty.on.Or(watchBit)
}

// Unwatch ends that for one page.
func (r *Region) Unwatch(page uint64) { r.dirty.watched[page>>6].And(^(uint64(1) << (page & 63))) }

// Watched reports whether any page of [off, off+n) is watched.
func (r *Region) Watched(off, n uint64) bool {
	for p := off >> PageShift; p <= (off+n-1)>>PageShift; p++ {
		if p>>6 < uint64(len(r.dirty.watched)) && r.dirty.watched[p>>6].Load()&(1<<(p&63)) != 0 {
			return true
		}
	}
	return false
}
