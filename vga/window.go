package vga

import (
	"encoding/binary"

	"govm-desktop/memory"
)

type windowKind uint8

const (
	planar  windowKind = iota // an address is a word of four planes
	oddEven                   // even addresses are planes 0 and 2, odd ones 1 and 3
	linear                    // chain-4 and the extension's banks: an address is a byte
)

// window is what the registers make of the legacy window.
type window struct {
	kind     windowKind
	base     uint32 // where in the 128 KiB memory shows, from there
	size     uint32 // for so many bytes
	bank     uint32 // of video memory: bytes, for planar ones words
	mask     uint32 // of the byte address in video memory
	plain    bool   // written bytes go to memory as they are
	readable bool   // read bytes come from memory as they are
	planes   uint8  // that writes reach
	extended bool   // the latches and the graphics controller have no part in it
}

// window derives it.
func (r *regs) window(vram int) window {
	w := window{mask: planesSize - 1, planes: r.seq[srMapMask]}
	switch r.gfx[grMisc] >> 2 & 3 {
	case 0:
		w.base, w.size = 0, 0x20000
	case 1:
		w.base, w.size = 0, 0x10000
	case 2:
		w.base, w.size = 0x10000, 0x8000
	case 3:
		w.base, w.size = 0x18000, 0x8000
	}
	w.plain = r.gfx[grMode]&3 == 0 && r.gfx[grDataRotate] == 0 && r.gfx[grEnableSetReset] == 0 && r.gfx[grBitMask] == 0xff
	w.readable = r.gfx[grMode]&gr5ReadMode1 == 0
	switch {
	case r.vbe() && r.dispi[dispiBPP] != 4:
		return window{kind: linear, size: 0x10000, bank: uint32(r.dispi[dispiBank]) << 16, mask: uint32(vram) - 1,
			plain: true, readable: true, planes: 15, extended: true}
	case r.vbe():
		w.base, w.size, w.bank, w.mask = 0, 0x10000, uint32(r.bank)<<16, uint32(vram)-1
	case r.seq[srMemMode]&sr4Chain4 != 0:
		w.kind = linear
	case r.gfx[grMode]&gr5OddEven != 0:
		w.kind = oddEven
	}
	return w
}

// direct reports whether the window is nothing but memory.
func (w window) direct() bool { return w.kind == linear && w.plain && w.readable && w.planes == 15 }

// rewindow derives the window anew and reports whether remap has to be called.
func (v *VGA) rewindow() (moved bool) {
	w := v.regs.window(len(v.mem))
	if w == v.win {
		return false
	}
	v.win = w
	return v.cfg.Memory != nil && v.stale()
}

// stale reports whether what is mapped into the window is not what belongs there.
func (v *VGA) stale() bool {
	if !v.win.direct() {
		return v.alias != nil
	}
	return v.alias == nil || v.shortcut != v.win
}

// remap shows video memory itself in the window where that is the same, which spares a processor the way through a
// handler. No lock may be held.
func (v *VGA) remap() {
	if v.cfg.Memory == nil {
		return
	}
	v.mu.Lock()
	stale := v.stale()
	v.mu.Unlock()
	if !stale {
		return
	}
	v.cfg.Memory.Update(func(e *memory.Edit) {
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.alias != nil {
			e.Unmap(v.window, v.alias)
			v.alias = nil
		}
		if w := v.win; w.direct() {
			v.shortcut = w
			v.alias = memory.NewAlias("vga.bank", v.vram, uint64(w.bank&w.mask), uint64(w.size))
			e.Map(v.window, uint64(w.base), v.alias, 1)
		}
	})
}

// planeIO is the window where it is not plain memory.
type planeIO struct{ v *VGA }

// Read implements memory.Handler.
func (p planeIO) Read(off uint64, size int) (val uint64) {
	v := p.v
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range size {
		val |= uint64(v.read(uint32(off)+uint32(i))) << (8 * i)
	}
	return val
}

// Write implements memory.Handler.
func (p planeIO) Write(off uint64, size int, val uint64) {
	v := p.v
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range size {
		v.write(uint32(off)+uint32(i), uint8(val>>(8*i)))
	}
}

// at is the word that an address of the window belongs to, as a byte address in video memory, and the planes it selects.
func (w *window) at(off uint32) (word uint32, planes uint8, ok bool) {
	off -= w.base
	if off >= w.size {
		return 0, 0, false
	}
	switch w.kind {
	case linear:
		a := (off + w.bank) & w.mask
		return a &^ 3, 1 << (a & 3), true
	case oddEven:
		return off >> 1 << 2 & w.mask, 5 << (off & 1), true
	}
	return (off + w.bank) << 2 & w.mask, 15, true
}

func (v *VGA) read(off uint32) uint8 {
	r, w := &v.regs, &v.win
	a, planes, ok := w.at(off)
	if !ok {
		return 0xff
	}
	word := binary.LittleEndian.Uint32(v.mem[a:])
	if !w.extended {
		r.latch = word
	}
	if !w.readable {
		return r.compare(word)
	}
	n := r.gfx[grReadMap]
	switch w.kind {
	case linear:
		n = planes >> 1 // 1, 2, 4, 8 → 0, 1, 2, 3
		if n == 4 {
			n = 3
		}
	case oddEven:
		n = n&2 | planes>>1&1
	}
	return uint8(word >> (8 * n))
}

// compare is read mode 1: a one for each pixel of the wanted colour.
func (r *regs) compare(word uint32) uint8 {
	d := (word ^ spread(r.gfx[grColourCompare])) & spread(r.gfx[grColourDontCare])
	d |= d >> 16
	return ^uint8(d | d>>8)
}

func (v *VGA) write(off uint32, val uint8) {
	w := &v.win
	a, planes, ok := w.at(off)
	planes &= w.planes
	if !ok || planes == 0 {
		return
	}
	data := uint32(val) * 0x01010101
	if !w.plain {
		data = v.regs.alu(val)
	}
	m := spread(planes)
	word := v.mem[a : a+4 : a+4]
	old := binary.LittleEndian.Uint32(word)
	now := old&^m | data&m
	if planes&4 != 0 {
		v.fonts++
	}
	if w.extended || w.kind == linear {
		// Others may write the neighbours through the frame buffer at the same time.
		for i := range word {
			if planes>>i&1 != 0 {
				word[i] = uint8(now >> (8 * i))
			}
		}
	} else {
		binary.LittleEndian.PutUint32(word, now)
	}
	v.vram.Wrote(uint64(a), 4)
}

// alu is the graphics controller between the processor's byte and the planes.
func (r *regs) alu(val uint8) uint32 {
	rot := r.gfx[grDataRotate] & 7
	turned := val>>rot | val<<(8-rot)
	data, mask := uint32(turned)*0x01010101, r.gfx[grBitMask]
	switch r.gfx[grMode] & 3 {
	case 0:
		set := spread(r.gfx[grEnableSetReset])
		data = data&^set | spread(r.gfx[grSetReset])&set
	case 1:
		return r.latch
	case 2:
		data = spread(val)
	case 3:
		data = spread(r.gfx[grSetReset])
		mask &= turned
	}
	switch r.gfx[grDataRotate] >> 3 & 3 {
	case 1:
		data &= r.latch
	case 2:
		data |= r.latch
	case 3:
		data ^= r.latch
	}
	m := uint32(mask) * 0x01010101
	return data&m | r.latch&^m
}

// spread makes each of four bits a byte of zeros or ones.
func spread(n uint8) uint32 {
	return uint32(n&15) * 0x00204081 & 0x01010101 * 0xff
}
