package pci

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"govm-desktop/memory"
)

// BARKind is the low bits of a base address register.
type BARKind uint8

// Kinds of base address registers (6.2.5.1 of the specification). Prefetch may be added to both kinds of memory.
const (
	Mem32    BARKind = 0
	IO       BARKind = 1
	Mem64    BARKind = 4
	Prefetch BARKind = 8
)

const (
	romBar  = 6 // in bars: the expansion ROM
	numBARs = 7

	barPriority = 1          // over whatever the board maps into the hole
	nowhere     = ^uint64(0) // address of a window that is not mapped
)

type bar struct {
	region *memory.Region // nil: there is none
	kind   BARKind
	size   uint64 // decoded: a power of two
	mapped uint64
}

func (b *bar) name(i int) string {
	switch {
	case i == romBar:
		return "ROM"
	case b.kind == IO:
		return fmt.Sprintf("BAR%d ports", i)
	case b.kind&Mem64 != 0:
		return fmt.Sprintf("BAR%d memory64", i)
	}
	return fmt.Sprintf("BAR%d memory", i)
}

// reg is where a BAR's register is.
func reg(i int) int {
	if i == romBar {
		return ROMBar
	}
	return BAR0 + 4*i
}

// inBAR reports whether a byte of the configuration space belongs to a BAR.
func (f *Function) inBAR(i int) bool { return i >= BAR0 && i < BAR0+24 || i >= ROMBar && i < ROMBar+4 }

// SetBAR gives the function a window: base address register n (two of them for Mem64) will map r. Its size is rounded up to a power of two.
// Preconditions: used before the function is plugged in; no BAR n yet.
func (f *Function) SetBAR(n int, kind BARKind, r *memory.Region) {
	size := max(ceilPow2(r.Size()), 16)
	if kind == IO {
		size = max(ceilPow2(r.Size()), 4)
	}
	f.bars[n] = bar{region: r, kind: kind, size: size, mapped: nowhere}
	low := ^uint64(size-1) &^ 0xf
	if kind == IO {
		low = ^uint64(size-1) & 0xfffffffc
	}
	f.Init(reg(n), 4, uint32(kind), uint32(low))
	if kind&Mem64 != 0 {
		f.Init(reg(n)+4, 4, 0, uint32(low>>32))
	}
}

// SetROM gives the function an expansion ROM, padded to a power of two of at least a page.
// Preconditions: used before the function is plugged in.
func (f *Function) SetROM(data []byte) error {
	size := max(ceilPow2(uint64(len(data))), memory.PageSize)
	padded := make([]byte, size)
	copy(padded, data)
	r, err := memory.NewROM("option-rom", padded)
	if err != nil {
		return fmt.Errorf("pci: option ROM: %w", err)
	}
	f.bars[romBar] = bar{region: r, size: size, mapped: nowhere}
	f.Init(ROMBar, 4, 0, uint32(^(size-1)&0xfffff800)|1)
	return nil
}

func ceilPow2(n uint64) uint64 {
	if n <= 1 {
		return 1
	}
	return 1 << bits.Len64(n-1)
}

// wanted is where window i belongs by the registers' present values.
func (f *Function) wanted(i int) uint64 {
	b := &f.bars[i]
	if b.region == nil || f.at.Load() == nil {
		return nowhere
	}
	cmd := binary.LittleEndian.Uint16(f.cfg[Command:])
	val := uint64(binary.LittleEndian.Uint32(f.cfg[reg(i):]))
	limit := uint64(1)<<32 - 1
	switch {
	case b.kind == IO:
		// The window of all ones that sizing leaves must not cover the ports of the board.
		val, limit = val&^3, 0xffff
		if cmd&CommandIO == 0 {
			return nowhere
		}
	case cmd&CommandMemory == 0 || i == romBar && val&1 == 0:
		return nowhere
	case b.kind&Mem64 != 0:
		val |= uint64(binary.LittleEndian.Uint32(f.cfg[reg(i)+4:])) << 32
		limit = 1<<52 - 1
	}
	val &^= b.size - 1
	if val == 0 || val+(b.size-1) < val || val+(b.size-1) >= limit {
		return nowhere
	}
	return val
}

// sync maps the windows where the registers say. It is called unlocked after every change that may matter and does nothing when it did not.
func (f *Function) sync() {
	if p := f.at.Load(); p != nil {
		f.syncOn(p.bus)
	}
}

func (f *Function) syncOn(bus *Bus) {
	if f.stale(false) {
		bus.cfg.Memory.Update(func(e *memory.Edit) { f.remap(e, bus.cfg.Hole, false) })
	}
	if f.stale(true) {
		bus.cfg.Ports.Update(func(e *memory.Edit) { f.remap(e, nil, true) })
	}
}

// stale reports whether a window of the memory or port space is not where it belongs.
func (f *Function) stale(ports bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.bars {
		if b := &f.bars[i]; b.region != nil && (b.kind == IO) == ports && b.mapped != f.wanted(i) {
			return true
		}
	}
	return false
}

// remap runs inside Update: whoever comes last maps by the registers as they are then, so that racing writers agree in the end.
func (f *Function) remap(e *memory.Edit, in *memory.Region, ports bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.bars {
		b := &f.bars[i]
		if b.region == nil || (b.kind == IO) != ports {
			continue
		}
		want := f.wanted(i)
		if want == b.mapped {
			continue
		}
		e.Unmap(in, b.region)
		if want != nowhere {
			if f.msix != nil && f.msix.bar == i {
				f.msix.mapInto(e, b.region)
			}
			e.Map(in, want, b.region, barPriority)
		}
		b.mapped = want
	}
}
