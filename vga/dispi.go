package vga

// The display interface of the Bochs VBE extension: an index and a data port of 16 bits.
const (
	dispiPort = 0x1ce

	dispiID       = 0
	dispiXRes     = 1
	dispiYRes     = 2
	dispiBPP      = 3
	dispiEnable   = 4
	dispiBank     = 5
	dispiVirtW    = 6
	dispiVirtH    = 7
	dispiXOffset  = 8
	dispiYOffset  = 9
	numDispi      = 10
	dispiMemory64 = 10 // read only: video memory in units of 64 KiB

	dispiID0 = 0xb0c0
	dispiID5 = 0xb0c5

	enableOn      = 0x01
	enableGetCaps = 0x02
	enable8BitDAC = 0x20
	enableNoClear = 0x80

	maxXRes, maxYRes, maxBPP = 16000, 12000, 32
)

var dispiNames = [numDispi]string{"id", "xres", "yres", "bpp", "enable", "bank", "virt-width", "virt-height", "x-offset", "y-offset"}

// dispiIO is ports 1CE (index), 1CF and 1D0 (data, twice).
type dispiIO struct{ v *VGA }

// Read implements memory.Handler.
func (d dispiIO) Read(off uint64, _ int) uint64 {
	v := d.v
	v.mu.Lock()
	defer v.mu.Unlock()
	switch off {
	case 0:
		return uint64(v.regs.dispiIndex)
	case 1, 2:
		return uint64(v.readDispi(v.regs.dispiIndex))
	}
	return 0xffff
}

// Write implements memory.Handler.
func (d dispiIO) Write(off uint64, _ int, val uint64) {
	v := d.v
	switch off {
	case 0:
		v.mu.Lock()
		v.regs.dispiIndex = uint16(val)
		v.mu.Unlock()
	case 1, 2:
		v.mu.Lock()
		moved := v.writeDispi(v.regs.dispiIndex, uint16(val))
		v.mu.Unlock()
		if moved {
			v.remap()
		}
	}
}

// vbe reports whether the extension makes the picture, and not the IBM registers.
func (r *regs) vbe() bool { return r.dispi[dispiEnable]&enableOn != 0 }

func (v *VGA) readDispi(i uint16) uint16 {
	r := &v.regs
	if r.dispi[dispiEnable]&enableGetCaps != 0 {
		switch i {
		case dispiXRes:
			return maxXRes
		case dispiYRes:
			return maxYRes
		case dispiBPP:
			return maxBPP
		}
	}
	switch {
	case i < numDispi:
		return r.dispi[i]
	case i == dispiMemory64:
		return uint16(len(v.mem) >> 16)
	}
	return 0
}

func (v *VGA) writeDispi(i, val uint16) (moved bool) {
	r := &v.regs
	switch i {
	case dispiID:
		if val >= dispiID0 && val <= dispiID5 {
			r.dispi[i] = val
		}
	case dispiXRes, dispiYRes, dispiBPP, dispiVirtW, dispiXOffset, dispiYOffset:
		r.dispi[i] = val
		r.fixDispi(len(v.mem))
	case dispiBank:
		r.dispi[i] = val & uint16(len(v.mem)>>16-1)
		r.bank = r.dispi[i]
		return v.rewindow()
	case dispiEnable:
		v.enableDispi(val)
	default:
		return false
	}
	v.wakeSoon()
	return v.rewindow()
}

func (v *VGA) enableDispi(val uint16) {
	r := &v.regs
	on := val&enableOn != 0
	if !on {
		r.bank = 0
	}
	if on && !r.vbe() {
		r.dispi[dispiVirtW], r.dispi[dispiXOffset], r.dispi[dispiYOffset] = 0, 0, 0
		r.dispi[dispiEnable] = val
		r.fixDispi(len(v.mem))
		r.shadowDispi()
		if val&enableNoClear == 0 {
			n := min(int(r.dispi[dispiYRes])*r.pitch(), len(v.mem))
			clear(v.mem[:n])
			v.vram.Wrote(0, uint64(n))
		}
	}
	r.dispi[dispiEnable] = val
}

// depth is how many bits of memory a pixel takes.
func (r *regs) depth() int {
	if r.dispi[dispiBPP] == 15 {
		return 16
	}
	return int(r.dispi[dispiBPP])
}

// pitch is the bytes of memory from one line to the next.
func (r *regs) pitch() int { return int(r.dispi[dispiVirtW]) * r.depth() / 8 }

// fixDispi brings the values of an enabled extension into what memory allows, as the interface promises.
func (r *regs) fixDispi(vram int) {
	if !r.vbe() {
		return
	}
	d := &r.dispi
	switch d[dispiBPP] {
	case 4, 8, 15, 16, 24, 32:
	default:
		d[dispiBPP] = 8
	}
	d[dispiXRes] = min(max(d[dispiXRes]&^7, 8), maxXRes)
	d[dispiVirtW] = max(min(d[dispiVirtW]&^7, maxXRes), d[dispiXRes])
	rows := vram / r.pitch()
	d[dispiYRes] = uint16(min(max(int(d[dispiYRes]), 1), maxYRes, rows))
	d[dispiXOffset] = min(d[dispiXOffset], maxXRes)
	d[dispiYOffset] = min(d[dispiYOffset], maxYRes)
	fits := func() bool {
		return int(d[dispiXOffset])*r.depth()/8+(int(d[dispiYOffset])+int(d[dispiYRes]))*r.pitch() <= vram
	}
	if !fits() {
		d[dispiYOffset] = 0
	}
	if !fits() {
		d[dispiXOffset] = 0
	}
	d[dispiVirtH] = uint16(rows)
}

// shadowDispi leaves in the IBM registers what software finds there after the extension has been switched on: a graphics
// mode of the same size.
func (r *regs) shadowDispi() {
	r.gfx[grMisc] = r.gfx[grMisc]&^0x0c | 0x04 | gr6Graphics
	r.crtc[crModeControl] |= cr17NoCGA | cr17NoHercules
	r.crtc[crOffset] = uint8(r.pitch() >> 3)
	r.crtc[crHDispEnd] = uint8(r.dispi[dispiXRes]>>3 - 1)
	h := int(r.dispi[dispiYRes]) - 1
	r.crtc[crVDispEnd] = uint8(h)
	r.crtc[crOverflow] = r.crtc[crOverflow]&^0x42 | uint8(h>>7&0x02) | uint8(h>>3&0x40) | 0x10
	r.crtc[crLineCompare] = 0xff
	r.crtc[crMaxScan] = r.crtc[crMaxScan]&^0x9f | 0x40
	r.crtc[crStartHigh], r.crtc[crStartLow] = 0, 0
	r.gfx[grMode] &^= 0x60
	if r.dispi[dispiBPP] == 4 {
		r.seq[srClocking] &^= sr1HalfClock
		return
	}
	r.gfx[grMode] |= 0x40
	r.seq[srMemMode] |= sr4Chain4
	r.seq[srMapMask] = 0x0f
}
