package ide

import (
	"encoding/binary"
	"errors"

	"govm-desktop/hw/ata"
	"govm-desktop/snapshot"
)

// Registers of a bus master, of which each channel has eight bytes.
const (
	bmCommand = 0
	bmStatus  = 2
	bmTable   = 4
)

// Bits of the command register.
const (
	cmdStart    = 1 << 0
	cmdToMemory = 1 << 3
)

// Bits of the status register.
const (
	bmActive    = 1 << 0
	bmError     = 1 << 1
	bmInterrupt = 1 << 2
	bmDrives    = 3 << 5 // firmware's note that the drives can do DMA
)

// master is the bus master of a channel.
type master struct {
	command, status uint8
	table           uint32 // address of the physical region descriptors

	next uint32 // the descriptor to fetch
	addr uint32 // of the present region
	left uint32 // bytes of it
	last bool   // it was the list's last one
}

func (m *master) state(c *snapshot.Coder) {
	snapshot.Field(c, "command", &m.command)
	snapshot.Field(c, "status", &m.status)
	snapshot.Field(c, "table", &m.table)
	snapshot.Field(c, "next", &m.next)
	snapshot.Field(c, "address", &m.addr)
	snapshot.Field(c, "left", &m.left)
	snapshot.Field(c, "last", &m.last)
}

// exhausted reports whether the whole list has been used.
func (m *master) exhausted() bool { return m.last && m.left == 0 }

// masters is the window of both bus masters.
type masters Controller

// Read implements memory.Handler.
func (b *masters) Read(off uint64, size int) (val uint64) {
	ch := b.channels[off>>3&1]
	ch.mu.Lock()
	defer ch.mu.Unlock()
	regs := [8]byte{bmCommand: ch.bm.command, bmStatus: ch.bm.status}
	binary.LittleEndian.PutUint32(regs[bmTable:], ch.bm.table)
	for i := range uint64(size) {
		if r := off&7 + i; r < 8 {
			val |= uint64(regs[r]) << (8 * i)
		}
	}
	return val
}

// Write implements memory.Handler.
func (b *masters) Write(off uint64, size int, val uint64) {
	ch := b.channels[off>>3&1]
	ch.mu.Lock()
	defer ch.mu.Unlock()
	for i := range uint64(size) {
		if r := off&7 + i; r < 8 {
			ch.writeMaster(int(r), uint8(val>>(8*i)))
		}
	}
}

func (ch *channel) writeMaster(r int, val uint8) {
	m := &ch.bm
	switch r {
	case bmCommand:
		was := m.command
		m.command = val & (cmdStart | cmdToMemory)
		switch {
		case m.command&^was&cmdStart != 0:
			ch.startMaster()
		case was&^m.command&cmdStart != 0:
			m.status &^= bmActive
			ch.each((*ata.Drive).StopDMA)
		}
	case bmStatus:
		m.status = m.status&^bmDrives | val&bmDrives
		m.status &^= val & (bmError | bmInterrupt)
	case bmTable, bmTable + 1, bmTable + 2, bmTable + 3:
		s := 8 * (r - bmTable)
		m.table = (m.table&^(0xff<<s) | uint32(val)<<s) &^ 3
	}
}

// startMaster begins at the front of the list.
func (ch *channel) startMaster() {
	m := &ch.bm
	m.status |= bmActive
	m.next, m.left, m.last = m.table, 0, false
	if d := ch.drive(); d != nil && d.WantsDMA() {
		d.StartDMA()
	}
}

// DMARQ implements ata.Port.
func (ch *channel) DMARQ(d *ata.Drive) {
	if ch.bm.status&bmActive != 0 && !ch.bm.exhausted() {
		d.StartDMA()
	}
}

// DMADone implements ata.Port. A list that was longer than the transfer leaves the bus master active, which software tells from the
// interrupt bit that is set as well.
func (ch *channel) DMADone(*ata.Drive) {
	if ch.bm.exhausted() {
		ch.bm.status &^= bmActive
	}
}

var errDirection = errors.New("ide: the bus master is off or goes the other way")

// Transfer implements ata.Port.
func (ch *channel) Transfer(_ *ata.Drive, p []byte, toMemory bool) (n int, err error) {
	m := &ch.bm
	if m.status&bmActive == 0 || m.command&cmdToMemory != 0 != toMemory {
		return 0, ch.masterFailed(errDirection)
	}
	for n < len(p) {
		if m.left == 0 {
			if m.last {
				return n, nil
			}
			if err := ch.fetch(); err != nil {
				return n, ch.masterFailed(err)
			}
		}
		k := min(len(p)-n, int(m.left))
		if toMemory {
			_, err = ch.dma.WriteAt(p[n:n+k], int64(m.addr))
		} else {
			_, err = ch.dma.ReadAt(p[n:n+k], int64(m.addr))
		}
		if err != nil {
			return n, ch.masterFailed(err)
		}
		n += k
		m.addr += uint32(k)
		m.left -= uint32(k)
	}
	return n, nil
}

// fetch reads the next descriptor: address, count (0 for 64 KiB), and the end of the list in the top bit. Both are even. The
// list lies within 64 KiB, at the end of which it wraps.
func (ch *channel) fetch() error {
	var prd [8]byte
	m := &ch.bm
	if _, err := ch.dma.ReadAt(prd[:], int64(m.next)); err != nil {
		return err
	}
	m.next = m.next&0xffff0000 | (m.next+8)&0xffff
	m.addr = binary.LittleEndian.Uint32(prd[:]) &^ 1
	if m.left = uint32(binary.LittleEndian.Uint16(prd[4:]) &^ 1); m.left == 0 {
		m.left = 1 << 16
	}
	m.last = prd[7]&0x80 != 0
	return nil
}

// masterFailed ends the transfer with an error.
func (ch *channel) masterFailed(err error) error {
	ch.bm.status = ch.bm.status&^bmActive | bmError
	return err
}
