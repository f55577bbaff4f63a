package ide

import (
	"sync"

	"govm-desktop/hw"
	"govm-desktop/hw/ata"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// Bits of the device control register.
const (
	ctlNIEN = 1 << 1 // no interrupts
	ctlSRST = 1 << 2
	ctlHOB  = 1 << 7 // reads show what was written before
)

// channel is two drives' bus. It is their ata.Port.
type channel struct {
	irq              hw.Line
	dma              hw.DMA
	drives           [2]*ata.Drive
	command, control *memory.Region

	mu       sync.Mutex // guards everything below, and the drives
	selected int
	ctl      uint8
	level    bool // of the interrupt line
	quiet    bool // during a reset: the line is left alone
	bm       master
}

// Lock implements ata.Port.
func (ch *channel) Lock() { ch.mu.Lock() }

// Unlock implements ata.Port.
func (ch *channel) Unlock() { ch.mu.Unlock() }

// drive is the selected drive, or nil.
func (ch *channel) drive() *ata.Drive { return ch.drives[ch.selected] }

// each calls f for the drives that are there.
func (ch *channel) each(f func(*ata.Drive)) {
	for _, d := range ch.drives {
		if d != nil {
			f(d)
		}
	}
}

// INTRQ implements ata.Port.
func (ch *channel) INTRQ(*ata.Drive) { ch.updateLine() }

// updateLine sets the line to the selected drive's interrupt request. Its rising edge is noted by the bus master.
func (ch *channel) updateLine() {
	if ch.quiet {
		return
	}
	d := ch.drive()
	level := d != nil && d.INTRQ() && ch.ctl&ctlNIEN == 0
	if level == ch.level {
		return
	}
	ch.level = level
	if level {
		ch.bm.status |= bmInterrupt
	}
	ch.irq.Set(level)
}

func (ch *channel) reset() {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.quiet = true
	ch.each((*ata.Drive).Reset)
	ch.quiet = false
	ch.selected, ch.ctl, ch.level = 0, 0, false
	ch.bm = master{}
}

func (ch *channel) start() {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.irq.Set(ch.level)
}

func (ch *channel) state(c *snapshot.Coder) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	snapshot.Field(c, "selected", &ch.selected)
	ch.selected &= 1
	snapshot.Field(c, "control", &ch.ctl)
	snapshot.Field(c, "level", &ch.level)
	c.Group("busmaster", ch.bm.state)
	for i, name := range []string{"device0", "device1"} {
		if ch.drives[i] != nil {
			c.Group(name, ch.drives[i].State)
		}
	}
}

// commandBlock is the eight ports of the task file.
type commandBlock channel

// Read implements memory.Handler.
func (b *commandBlock) Read(off uint64, size int) uint64 {
	ch := (*channel)(b)
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if off == ata.RegData {
		return ch.readData(size)
	}
	var val uint64
	for i := range uint64(size) {
		if off+i < 8 {
			val |= uint64(ch.readReg(int(off+i))) << (8 * i)
		}
	}
	return val
}

// Write implements memory.Handler.
func (b *commandBlock) Write(off uint64, size int, val uint64) {
	ch := (*channel)(b)
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if off == ata.RegData {
		ch.writeData(size, val)
		return
	}
	for i := range uint64(size) {
		if off+i < 8 {
			ch.writeReg(int(off+i), uint8(val>>(8*i)))
		}
	}
}

// ReadRepeated implements memory.Repeater for the data port.
func (b *commandBlock) ReadRepeated(off uint64, size int, p []byte) (n int) {
	return (*channel)(b).repeat(off, size, p, true, (*ata.Drive).ReadData)
}

// WriteRepeated implements memory.Repeater for the data port.
func (b *commandBlock) WriteRepeated(off uint64, size int, p []byte) (n int) {
	return (*channel)(b).repeat(off, size, p, false, (*ata.Drive).WriteData)
}

// repeat moves whole words as long as the drive has any.
func (ch *channel) repeat(off uint64, size int, p []byte, toHost bool, move func(*ata.Drive, []byte) int) (n int) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	d := ch.drive()
	if off != ata.RegData || d == nil {
		return 0
	}
	for {
		waits, dir := d.DataWaits()
		k := min(waits, len(p)-n) / size * size
		if k == 0 || dir != toHost {
			return n
		}
		n += move(d, p[n:n+k])
	}
}

func (ch *channel) readData(size int) (val uint64) {
	var p [4]byte
	if d := ch.drive(); d != nil {
		d.ReadData(p[:size])
	}
	for i := range size {
		val |= uint64(p[i]) << (8 * i)
	}
	return val
}

func (ch *channel) writeData(size int, val uint64) {
	p := [4]byte{byte(val), byte(val >> 8), byte(val >> 16), byte(val >> 24)}
	if d := ch.drive(); d != nil {
		d.WriteData(p[:size])
	}
}

// readReg reads a register of the selected drive. For one that is missing its mate answers with nothing but zeros, and an empty channel
// reads as if it did (ATA/ATAPI-7, 5.18 of volume 2, asks the status register for no more).
func (ch *channel) readReg(r int) uint8 {
	d := ch.drive()
	if d == nil {
		if mate := ch.drives[1-ch.selected]; r == ata.RegDevice && mate != nil {
			return mate.ReadReg(r, false)
		}
		return 0
	}
	val := d.ReadReg(r, ch.ctl&ctlHOB != 0)
	if r == ata.RegStatus {
		d.Acknowledge()
	}
	return val
}

// writeReg writes a register, of both drives unless it is the command register.
func (ch *channel) writeReg(r int, val uint8) {
	ch.ctl &^= ctlHOB
	switch r {
	case ata.RegStatus:
		ch.execute(val)
		return
	case ata.RegDevice:
		ch.selected = int(val >> 4 & 1)
	}
	ch.each(func(d *ata.Drive) { d.WriteReg(r, val) })
	if r == ata.RegDevice {
		ch.updateLine()
	}
}

func (ch *channel) execute(cmd uint8) {
	if ch.ctl&ctlSRST != 0 {
		return
	}
	if cmd == ata.CmdDiagnose {
		ch.selected = 0
		first := true
		ch.each(func(d *ata.Drive) {
			d.Diagnose(first)
			first = false
		})
		ch.updateLine()
		return
	}
	if d := ch.drive(); d != nil {
		d.Command(cmd)
	}
}

// controlBlock is the port of alternate status and device control.
type controlBlock channel

// Read implements memory.Handler: the alternate status acknowledges nothing.
func (b *controlBlock) Read(uint64, int) uint64 {
	ch := (*channel)(b)
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if d := ch.drive(); d != nil {
		return uint64(d.ReadReg(ata.RegStatus, false))
	}
	return 0
}

// Write implements memory.Handler.
func (b *controlBlock) Write(_ uint64, _ int, val uint64) {
	ch := (*channel)(b)
	ch.mu.Lock()
	defer ch.mu.Unlock()
	old := ch.ctl
	ch.ctl = uint8(val) & (ctlNIEN | ctlSRST | ctlHOB)
	switch {
	case ch.ctl&^old&ctlSRST != 0:
		ch.each((*ata.Drive).HoldReset)
	case old&^ch.ctl&ctlSRST != 0:
		ch.each((*ata.Drive).SoftReset)
		ch.selected = 0
	}
	ch.updateLine()
}
