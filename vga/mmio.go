package vga

// Offsets in the memory-mapped registers, BAR 2.
const (
	mmioSize  = 0x1000
	mmioEDID  = 0x000
	mmioPorts = 0x400 // ports 3C0 to 3DF
	mmioDispi = 0x500 // the display interface's registers, 16 bits each
	mmioExt   = 0x600 // extended registers: their size in bytes, then the byte order of pixels

	extSize      = 8
	orderBig     = 0xbebebebe
	orderLittle  = 0x1e1e1e1e
	mmioDispiEnd = mmioDispi + 2*(dispiMemory64+1)
)

// mmioIO is BAR 2. Accesses come with the size that the guest used, 4 bytes at most.
type mmioIO struct{ v *VGA }

// Read implements memory.Handler.
func (m mmioIO) Read(off uint64, size int) uint64 {
	switch {
	case off >= mmioExt && off < mmioExt+extSize:
		return m.readExt(off, size)
	case off >= mmioDispi && off < mmioDispiEnd:
		return m.readDispi(off, size)
	}
	var val uint64
	for i := range size {
		val |= uint64(m.readByte(off+uint64(i))) << (8 * i)
	}
	return val
}

func (m mmioIO) readByte(off uint64) uint8 {
	switch {
	case off < mmioEDID+edidSize:
		return m.v.edid.Load()[off-mmioEDID]
	case off >= mmioPorts && off < mmioPorts+0x20:
		return m.v.readPort(uint16(portAttr + off - mmioPorts))
	}
	return 0
}

func (m mmioIO) readDispi(off uint64, size int) (val uint64) {
	v := m.v
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range size {
		o := off - mmioDispi + uint64(i)
		b := v.readDispi(uint16(o>>1)) >> (8 * (o & 1))
		val |= uint64(b&0xff) << (8 * i)
	}
	return val
}

func (m mmioIO) readExt(off uint64, size int) uint64 {
	v := m.v
	v.mu.Lock()
	defer v.mu.Unlock()
	val := uint64(orderLittle)<<32 | extSize
	if v.regs.bigEndian {
		val = orderBig<<32 | extSize
	}
	return val >> (8 * (off - mmioExt)) & (1<<(8*size) - 1)
}

// Write implements memory.Handler.
func (m mmioIO) Write(off uint64, size int, val uint64) {
	switch {
	case off >= mmioPorts && off < mmioPorts+0x20:
		for i := range min(uint64(size), mmioPorts+0x20-off) {
			m.v.writePort(uint16(portAttr+off-mmioPorts+i), uint8(val>>(8*i)))
		}
	case off >= mmioDispi && off < mmioDispiEnd && off&1 == 0:
		for i := uint64(0); i < uint64(size); i += 2 {
			m.writeDispi(uint16(off-mmioDispi+i)>>1, uint16(val>>(8*i)))
		}
	case off == mmioExt+4:
		m.writeOrder(uint32(val))
	}
}

func (m mmioIO) writeDispi(i, val uint16) {
	m.v.mu.Lock()
	moved := m.v.writeDispi(i, val)
	m.v.mu.Unlock()
	if moved {
		m.v.remap()
	}
}

func (m mmioIO) writeOrder(val uint32) {
	if val != orderBig && val != orderLittle {
		return
	}
	m.v.mu.Lock()
	defer m.v.mu.Unlock()
	m.v.regs.bigEndian = val == orderBig
	m.v.wakeSoon()
}
