package ide

import (
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"govm-desktop/block"
	"govm-desktop/hw"
	"govm-desktop/hw/ata"
	"govm-desktop/hw/hwtest"
	"govm-desktop/hw/pci"
	"govm-desktop/memory"
)

// memDisk is a disk in memory that fails where it is told to, and waits where it is told to.
type memDisk struct {
	mu        sync.Mutex
	data      []byte
	bad       map[int64]bool // sectors
	readOnly  bool
	syncs     int
	discarded int64
	gate      chan struct{} // if not nil, each access takes one value from it
}

var errBad = errors.New("bad sector")

func newDisk(sectors int) *memDisk {
	d := &memDisk{data: make([]byte, sectors*512), bad: map[int64]bool{}}
	for i := range sectors {
		binary.LittleEndian.PutUint32(d.data[i*512:], uint32(i)*0x01010101)
		d.data[i*512+511] = byte(i) ^ 0x5a
	}
	return d
}

func (d *memDisk) access(off, n int64) error {
	if d.gate != nil {
		<-d.gate
	}
	if err := block.Check(int64(len(d.data)), off, n); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for s := off / 512; s < (off+n+511)/512; s++ {
		if d.bad[s] {
			return errBad
		}
	}
	return nil
}

func (d *memDisk) ReadAt(p []byte, off int64) (int, error) {
	if err := d.access(off, int64(len(p))); err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return copy(p, d.data[off:]), nil
}

func (d *memDisk) WriteAt(p []byte, off int64) (int, error) {
	if d.readOnly {
		return 0, errBad
	}
	if err := d.access(off, int64(len(p))); err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return copy(d.data[off:], p), nil
}

func (d *memDisk) Size() int64    { return int64(len(d.data)) }
func (d *memDisk) ReadOnly() bool { return d.readOnly }
func (d *memDisk) Close() error   { return nil }

func (d *memDisk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	return nil
}

func (d *memDisk) Discard(off, n int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.discarded += n
	return nil
}

// sector is what newDisk put there.
func (d *memDisk) sector(i int) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Clone(d.data[i*512 : (i+1)*512])
}

// fixture is a controller on a bus, with the guest's hands.
type fixture struct {
	*hwtest.Bench
	t    testing.TB
	ctl  *Controller
	irq  [2]*hwtest.Wire
	bus  *pci.Bus
	base uint16 // command block of the channel in use
	ctrl uint16
	bm   uint16
}

const bmBase = 0xc000

func newFixture(t testing.TB, drives [2][2]*ata.Drive) *fixture {
	b := hwtest.New(t)
	f := &fixture{Bench: b, t: t, irq: [2]*hwtest.Wire{b.Line("irq14"), b.Line("irq15")}}
	f.ctl = New(Config{Drives: drives, IRQ: [2]hw.Line{f.irq[0], f.irq[1]}})
	f.bus = pci.NewBus(pci.Config{Memory: b.Memory, Ports: b.Ports, DMA: b.Memory})
	if err := f.bus.Add(1, 1, f.ctl); err != nil {
		t.Fatal(err)
	}
	b.Ports.Update(func(e *memory.Edit) {
		e.Map(nil, pci.PortBase, f.bus.Ports(), 0)
		f.ctl.MapLegacy(e)
	})
	t.Cleanup(func() {
		if err := f.ctl.Close(); err != nil {
			t.Error(err)
		}
	})
	f.powerOn()
	f.channel(0)
	return f
}

func (f *fixture) powerOn() {
	f.ctl.Reset(hw.PowerOn)
	f.bus.Start()
	f.ctl.Start()
	f.config(0x20, bmBase|1)
	f.config(0x04, pci.CommandIO|pci.CommandMaster)
}

func (f *fixture) config(reg int, val uint32) {
	f.Out32(0xcf8, uint32(0x80000000|1<<11|1<<8|reg))
	f.Out32(0xcfc, val)
}

func (f *fixture) channel(n int) {
	f.base, f.ctrl, f.bm = 0x1f0, 0x3f6, bmBase
	if n == 1 {
		f.base, f.ctrl, f.bm = 0x170, 0x376, bmBase+8
	}
}

func (f *fixture) reg(r uint16) uint8      { return f.In8(f.base + r) }
func (f *fixture) put(r uint16, val uint8) { f.Out8(f.base+r, val) }

// wait polls until the drive is not busy, and returns the status.
func (f *fixture) wait() uint8 {
	f.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if st := f.In8(f.ctrl); st&ata.StatusBSY == 0 {
			return st
		}
	}
	f.t.Fatal("the drive stays busy")
	return 0
}

// command writes the task file for a 28-bit command and the command.
func (f *fixture) command(cmd uint8, lba uint32, count uint8) {
	f.put(ata.RegCount, count)
	f.put(ata.RegLow, uint8(lba))
	f.put(ata.RegMid, uint8(lba>>8))
	f.put(ata.RegHigh, uint8(lba>>16))
	f.put(ata.RegDevice, f.reg(ata.RegDevice)&0x10|0xe0|uint8(lba>>24))
	f.put(ata.RegStatus, cmd)
}

// commandExt is command with 48 bits.
func (f *fixture) commandExt(cmd uint8, lba uint64, count uint16) {
	f.put(ata.RegCount, uint8(count>>8))
	f.put(ata.RegCount, uint8(count))
	f.put(ata.RegLow, uint8(lba>>24))
	f.put(ata.RegMid, uint8(lba>>32))
	f.put(ata.RegHigh, uint8(lba>>40))
	f.put(ata.RegLow, uint8(lba))
	f.put(ata.RegMid, uint8(lba>>8))
	f.put(ata.RegHigh, uint8(lba>>16))
	f.put(ata.RegDevice, f.reg(ata.RegDevice)&0x10|0xe0)
	f.put(ata.RegStatus, cmd)
}

// words reads n bytes from the data port.
func (f *fixture) words(n int) []byte {
	b := make([]byte, n)
	for i := 0; i < n; i += 2 {
		binary.LittleEndian.PutUint16(b[i:], f.In16(f.base))
	}
	return b
}

func (f *fixture) putWords(b []byte) {
	for ; len(b) > 0; b = b[2:] {
		f.Out16(f.base, binary.LittleEndian.Uint16(b))
	}
}

// wantStatus waits and wants status and error register.
func (f *fixture) wantStatus(what string, status, err uint8) {
	f.t.Helper()
	st := f.wait()
	if e := f.reg(ata.RegError); st != status || e != err {
		f.t.Errorf("%s: status %02x error %02x, want %02x %02x", what, st, e, status, err)
	}
}

// wantIRQ wants an interrupt, waiting for it, and acknowledges it.
func (f *fixture) wantIRQ(what string) {
	f.t.Helper()
	f.wait()
	w := f.irq[0]
	if f.base == 0x170 {
		w = f.irq[1]
	}
	if !w.High() {
		f.t.Errorf("%s: no interrupt", what)
	}
	f.reg(ata.RegStatus)
	if w.High() {
		f.t.Errorf("%s: the interrupt stays", what)
	}
}

// prd writes a list of regions at 0x1000: pairs of address and length.
func (f *fixture) prd(pairs ...uint32) {
	for i := 0; i < len(pairs); i += 2 {
		n := pairs[i+1] & 0xffff
		if i+2 == len(pairs) {
			n |= 1 << 31
		}
		f.Write32(0x1000+uint64(i)*4, pairs[i])
		f.Write32(0x1004+uint64(i)*4, n)
	}
	f.Out32(f.bm+4, 0x1000)
}

const (
	atPRD = 0x8000 // where the tests transfer to
	okay  = ata.StatusDRDY | ata.StatusDSC
)

// waitDMA waits for the end of a transfer by its interrupt bit.
func (f *fixture) waitDMA() uint8 {
	f.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if st := f.In8(f.bm + 2); st&bmInterrupt != 0 {
			return st
		}
	}
	f.t.Fatal("no interrupt from the bus master")
	return 0
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func disk(image block.Disk) *ata.Drive {
	return ata.New(ata.Config{Kind: ata.Disk, Image: image, Name: "hd", Log: quiet()})
}

func cdrom(image block.Disk) *ata.Drive {
	return ata.New(ata.Config{Kind: ata.CDROM, Image: image, Name: "cd", Log: quiet()})
}
