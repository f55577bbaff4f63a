package pci

import "govm-desktop/memory"

// PortBase is where Ports belongs.
const PortBase = 0xcf8

// Ports are the eight ports of configuration mechanism 1 (3.2.2.3.2 of the specification): CONFIG_ADDRESS, which takes
// 32-bit accesses alone, and CONFIG_DATA. The reset control register of PC chipsets answers bytes in the midst of the former.
func (b *Bus) Ports() *memory.Region {
	return memory.NewIO("pci-config", 8, (*ports)(b), memory.Widths{Min: 1, Max: 4})
}

type ports Bus

const resetControl = 1 // CF9

// Read implements memory.Handler.
func (p *ports) Read(off uint64, size int) uint64 {
	b := (*Bus)(p)
	switch {
	case off == 0 && size == 4:
		return uint64(b.addr.Load())
	case off == resetControl && size == 1 && b.cfg.Reset != nil:
		return b.cfg.Reset.Read(0, 1)
	case off < 4:
		return ^uint64(0)
	case off&3+uint64(size) > 4: // across the end of the window
		return p.Read(off, 1) | p.Read(off+1, size-1)<<8
	}
	f, reg := b.selected(off)
	if f == nil {
		return ^uint64(0)
	}
	return uint64(f.configRead(reg, size))
}

// Write implements memory.Handler.
func (p *ports) Write(off uint64, size int, val uint64) {
	b := (*Bus)(p)
	switch {
	case off == 0 && size == 4:
		b.addr.Store(uint32(val) & 0x80fffffc)
	case off == resetControl && size == 1 && b.cfg.Reset != nil:
		b.cfg.Reset.Write(0, 1, val)
	case off < 4:
	case off&3+uint64(size) > 4:
		p.Write(off, 1, val&0xff)
		p.Write(off+1, size-1, val>>8)
	default:
		if f, reg := b.selected(off); f != nil {
			f.configWrite(reg, size, uint32(val))
		}
	}
}

// selected is the function that CONFIG_ADDRESS names, nil when nobody answers, and the register that CONFIG_DATA shows at off.
func (b *Bus) selected(off uint64) (*Function, int) {
	a := b.addr.Load()
	if a&0x80ff0000 != 0x80000000 { // enabled, bus 0
		return nil, 0
	}
	p := b.slots[a>>8&0xff].Load()
	if p == nil {
		return nil, 0
	}
	return p.dev.Function(), int(a&0xfc | uint32(off&3))
}
