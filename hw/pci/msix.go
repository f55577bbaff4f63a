package pci

import (
	"encoding/binary"

	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// The MSI-X capability (6.8.2 of the specification).
const (
	capMSIX = 0x11

	msixControl  = 2
	msixMaskAll  = 1 << 14
	msixEnable   = 1 << 15
	msixEntry    = 16
	msixAddr     = 0
	msixData     = 8
	msixVector   = 12
	msixMaskBit  = 1
	msixPriority = 2 // over the rest of the BAR
)

// MSIX says where the vectors are: offsets in the memory of a BAR.
type MSIX struct {
	Vectors    int
	BAR        int // set already, and a Group; or not set: the function makes one of 32 bits for the tables alone
	Table, PBA uint32
}

type msix struct {
	cap, bar   int
	at, pbaAt  uint64
	tableR     *memory.Region
	pbaR       *memory.Region
	table, pba []byte // guarded by the function's lock
}

// AddMSIX gives the function MSI-X.
// Preconditions: used before the function is plugged in; table and pending bits fit into the BAR.
func (f *Function) AddMSIX(c MSIX) {
	m := &msix{bar: c.BAR, at: uint64(c.Table), pbaAt: uint64(c.PBA),
		table: make([]byte, c.Vectors*msixEntry), pba: make([]byte, (c.Vectors+63)/64*8)}
	m.tableR = memory.NewIO("msix-table", uint64(len(m.table)), (*msixTable)(f), memory.Widths{Min: 4, Max: 8})
	m.pbaR = memory.NewIO("msix-pba", uint64(len(m.pba)), (*msixPBA)(f), memory.Any)
	if f.bars[c.BAR].region == nil {
		end := max(m.at+m.tableR.Size(), m.pbaAt+m.pbaR.Size())
		f.SetBAR(c.BAR, Mem32, memory.NewGroup("msix", max(ceilPow2(end), memory.PageSize)))
	}
	f.msix = m
	m.reset()
	body := make([]byte, 10)
	binary.LittleEndian.PutUint16(body, uint16(c.Vectors-1))
	binary.LittleEndian.PutUint32(body[2:], c.Table|uint32(c.BAR))
	binary.LittleEndian.PutUint32(body[6:], c.PBA|uint32(c.BAR))
	mask := make([]byte, len(body))
	binary.LittleEndian.PutUint16(mask, msixEnable|msixMaskAll)
	m.cap = f.AddCap(capMSIX, body, mask)
}

// mapInto puts the tables into the group of the BAR.
func (m *msix) mapInto(e *memory.Edit, bar *memory.Region) {
	e.Map(bar, m.at, m.tableR, msixPriority)
	e.Map(bar, m.pbaAt, m.pbaR, msixPriority)
}

func (m *msix) reset() {
	if m == nil {
		return
	}
	clear(m.table)
	clear(m.pba)
	for v := range len(m.table) / msixEntry {
		m.table[v*msixEntry+msixVector] = msixMaskBit
	}
}

func (m *msix) state(c *snapshot.Coder) {
	if m != nil {
		c.Bytes("msix-table", m.table)
		c.Bytes("msix-pba", m.pba)
	}
}

func (f *Function) msixOn() bool {
	return f.msix != nil && binary.LittleEndian.Uint16(f.cfg[f.msix.cap+msixControl:])&msixEnable != 0
}

func (f *Function) notifyMSIX(v int) {
	m := f.msix
	if v < 0 || v >= len(m.table)/msixEntry {
		return
	}
	ctl := binary.LittleEndian.Uint16(f.cfg[m.cap+msixControl:])
	e := m.table[v*msixEntry:]
	if ctl&msixMaskAll != 0 || e[msixVector]&msixMaskBit != 0 {
		m.pba[v/8] |= 1 << (v % 8)
		return
	}
	f.send(binary.LittleEndian.Uint64(e[msixAddr:]), binary.LittleEndian.Uint32(e[msixData:]))
}

// flush sends the pending messages that are not masked any more.
func (m *msix) flush(f *Function) {
	for i, b := range m.pba {
		if b == 0 {
			continue
		}
		m.pba[i] = 0
		for bit := range 8 {
			if b&(1<<bit) != 0 {
				f.notifyMSIX(i*8 + bit)
			}
		}
	}
}

// ClearPending forgets a message held back by a mask: the device's reason for it has gone.
func (f *Function) ClearPending(vector int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.msix; m != nil && vector < len(m.table)/msixEntry {
		m.pba[vector/8] &^= 1 << (vector % 8)
	}
}

type msixTable Function

// Read implements memory.Handler.
func (t *msixTable) Read(off uint64, size int) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return load(t.msix.table, off, size)
}

// Write implements memory.Handler. Writes smaller than 32 bits are undefined by the specification, and are dropped.
func (t *msixTable) Write(off uint64, size int, val uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if size < 4 || off%4 != 0 || off+uint64(size) > uint64(len(t.msix.table)) {
		return
	}
	for i := range size {
		t.msix.table[off+uint64(i)] = byte(val >> (8 * i))
	}
	e := t.msix.table[off/msixEntry*msixEntry:]
	e[msixAddr] &^= 3
	binary.LittleEndian.PutUint32(e[msixVector:], uint32(e[msixVector]&msixMaskBit))
	if f := (*Function)(t); f.msixOn() {
		f.msix.flush(f)
	}
}

type msixPBA Function

// Read implements memory.Handler.
func (p *msixPBA) Read(off uint64, size int) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return load(p.msix.pba, off, size)
}

// Write implements memory.Handler: the pending bits are read-only.
func (p *msixPBA) Write(uint64, int, uint64) {}

func load(b []byte, off uint64, size int) (val uint64) {
	for i := range uint64(size) {
		if off+i < uint64(len(b)) {
			val |= uint64(b[off+i]) << (8 * i)
		}
	}
	return val
}
