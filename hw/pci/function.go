package pci

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"govm-desktop/hw"
	"govm-desktop/snapshot"
)

// Registers of the configuration header (type 0).
const (
	VendorID      = 0x00
	DeviceID      = 0x02
	Command       = 0x04
	Status        = 0x06
	RevisionID    = 0x08
	ClassCode     = 0x09
	CacheLine     = 0x0c
	LatencyTimer  = 0x0d
	HeaderType    = 0x0e
	BAR0          = 0x10
	SubVendorID   = 0x2c
	SubsystemID   = 0x2e
	ROMBar        = 0x30
	CapPointer    = 0x34
	InterruptLine = 0x3c
	InterruptPin  = 0x3d
)

// Bits of the command register.
const (
	CommandIO          = 1 << 0
	CommandMemory      = 1 << 1
	CommandMaster      = 1 << 2
	CommandParity      = 1 << 6
	CommandSERR        = 1 << 8
	CommandINTxDisable = 1 << 10
)

// Bits of the status register.
const (
	StatusINTx        = 1 << 3
	StatusCaps        = 1 << 4
	StatusFastB2B     = 1 << 7
	StatusDevselMed   = 1 << 9
	StatusMasterAbort = 1 << 13
)

const (
	statusClear = 0xf900 // bits that a one clears
	commandMask = CommandIO | CommandMemory | CommandMaster | CommandParity | CommandSERR | CommandINTxDisable
	multiFlag   = 0x80 // in the header type: look for more functions
)

// ID says what a function is.
type ID struct {
	Vendor, Device         uint16
	Revision               uint8
	Class                  uint32 // base class, subclass, programming interface: 0x030000 is a VGA
	SubVendor, SubsystemID uint16
	Pin                    uint8 // interrupt pin: 1 for A to 4 for D; 0: none
}

// Function is the common half of a device: all that software sees of it in configuration space. Devices make one with NewFunction,
// shape it (Init, SetBAR, SetROM, AddMSI, AddMSIX, AddCap) before it is plugged in, and call Reset and State of it from their own.
//
// Its lock comes after those of devices: they may call any method but Reset with theirs held.
type Function struct {
	at     atomic.Pointer[plug]
	master atomic.Bool // Bus Master Enable

	mu      sync.Mutex // guards everything below
	cfg     [256]byte
	initial [256]byte // after reset
	mask    [256]byte // bits that software may write
	w1c     [256]byte // bits that software clears by writing ones
	capFrom int       // where the first capability starts, if not at 0x40
	lastCap int       // where the last capability starts; 0: there is none
	capEnd  int
	bars    [numBARs]bar
	onWrite func(off, size int)
	levels  [maxVectors / 64]uint64 // of the interrupt lines
	intx    bool                    // the pin is driven
	msi     int                     // where the capabilities are, or 0
	msix    *msix
}

// NewFunction returns a function with nothing but a header.
func NewFunction(id ID) *Function {
	f := &Function{}
	f.Init(VendorID, 2, uint32(id.Vendor), 0)
	f.Init(DeviceID, 2, uint32(id.Device), 0)
	f.Init(Command, 2, 0, commandMask)
	f.Init(Status, 2, 0, 0)
	f.Init(RevisionID, 4, id.Class<<8|uint32(id.Revision), 0)
	f.Init(CacheLine, 1, 0, 0xff)
	f.Init(LatencyTimer, 1, 0, 0xf8)
	f.Init(SubVendorID, 2, uint32(id.SubVendor), 0)
	f.Init(SubsystemID, 2, uint32(id.SubsystemID), 0)
	f.Init(InterruptLine, 1, 0, 0xff)
	f.Init(InterruptPin, 1, uint32(id.Pin), 0)
	binary.LittleEndian.PutUint16(f.w1c[Status:], statusClear)
	return f
}

// Init gives a register of 1, 2 or 4 bytes its value after reset, which it takes at once, and says which bits software may write.
func (f *Function) Init(off, size int, val, writable uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range size {
		f.initial[off+i] = byte(val >> (8 * i))
		f.cfg[off+i] = f.initial[off+i]
		f.mask[off+i] = byte(writable >> (8 * i))
	}
}

// InitW1C says which bits of a register software clears by writing ones.
func (f *Function) InitW1C(off, size int, bits uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range size {
		f.w1c[off+i] = byte(bits >> (8 * i))
	}
}

// Protect changes which bits of a one-byte register software may write.
func (f *Function) Protect(off int, writable byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mask[off] = writable
}

// OnWrite sets what is called after software has written size bytes at off of the configuration space. No lock is held then, so that it
// may call Space.Update.
func (f *Function) OnWrite(hook func(off, size int)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onWrite = hook
}

// Get reads a register of 1, 2 or 4 bytes.
func (f *Function) Get(off, size int) (val uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.get(off, size)
}

func (f *Function) get(off, size int) (val uint32) {
	for i := range size {
		val |= uint32(f.cfg[off+i]) << (8 * i)
	}
	return val
}

// Set changes a register from the device's side, whatever software may write there.
func (f *Function) Set(off, size int, val uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range size {
		f.cfg[off+i] = byte(val >> (8 * i))
	}
}

// CapsFrom says where the first capability starts, for devices with registers of their own from 0x40 on.
// Preconditions: used before the first capability is added.
func (f *Function) CapsFrom(off int) { f.capFrom = off }

// AddCap appends a capability with the given body (what follows its two header bytes) and returns where it starts. writable says which
// bits of the body software may write.
// Preconditions: there is room from 0x40 on; used before the function is plugged in.
func (f *Function) AddCap(id uint8, body, writable []byte) int {
	off, prev := max(f.capFrom, 0x40), CapPointer
	if f.lastCap != 0 {
		off, prev = (f.capEnd+3)&^3, f.lastCap+1
	}
	f.capEnd = off + 2 + len(body)
	if f.capEnd > len(f.cfg) {
		panic(fmt.Sprintf("pci: no room for capability %#x", id))
	}
	f.Init(off, 1, uint32(id), 0)
	for i, b := range body {
		f.Init(off+2+i, 1, uint32(b), uint32(writable[i]))
	}
	f.Init(prev, 1, uint32(off), 0)
	f.Init(Status, 1, StatusCaps, 0)
	f.lastCap = off
	return off
}

// Reset puts the configuration space in its reset state. The windows follow at the Start of the bus.
func (f *Function) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cfg = f.initial
	clear(f.levels[:])
	f.intx = false
	f.msix.reset()
	f.master.Store(false)
}

// State saves or loads the configuration space and the interrupts' levels. The windows follow at the Start of the bus.
func (f *Function) State(c *snapshot.Coder) {
	f.mu.Lock()
	defer f.mu.Unlock()
	saved := f.cfg
	c.Bytes("config", saved[:])
	if c.Loading() {
		f.restore(&saved)
	}
	for i := range f.levels {
		snapshot.Field(c, fmt.Sprintf("levels%d", i), &f.levels[i])
	}
	f.msix.state(c)
	f.master.Store(f.cfg[Command]&CommandMaster != 0)
	f.intx = f.wantINTx()
}

// restore takes a saved configuration: whatever is fixed by construction stays as it is.
func (f *Function) restore(saved *[256]byte) {
	for i := range f.cfg {
		fixed := byte(0)
		if i < Command || i >= RevisionID && i < CacheLine || i == HeaderType || i == CapPointer || i == InterruptPin || f.inBAR(i) {
			fixed = ^f.mask[i]
		}
		f.cfg[i] = f.initial[i]&fixed | saved[i]&^fixed
	}
}

// start brings windows and interrupt pin in line with the registers.
func (f *Function) start() {
	f.sync()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.intx = f.wantINTx()
	if p := f.at.Load(); p != nil {
		p.line.Set(f.intx)
	}
}

func (f *Function) plugIn(p *plug) {
	f.at.Store(p)
	f.start()
}

func (f *Function) unplug() {
	f.mu.Lock()
	p := f.at.Load()
	f.at.Store(nil)
	f.intx = false
	f.mu.Unlock()
	p.line.Set(false)
	f.syncOn(p.bus)
}

// configRead is a read by software.
func (f *Function) configRead(off, size int) uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	val := f.get(off, size)
	if p := f.at.Load(); off <= HeaderType && off+size > HeaderType && p != nil && p.fn == 0 && p.bus.multi(p.slot) {
		val |= multiFlag << (8 * (HeaderType - off))
	}
	return val
}

// configWrite is a write by software.
func (f *Function) configWrite(off, size int, val uint32) {
	f.mu.Lock()
	for i := range size {
		o, v := off+i, byte(val>>(8*i))
		m := f.mask[o]
		f.cfg[o] = f.cfg[o]&^m | v&m
		f.cfg[o] &^= v & f.w1c[o]
	}
	f.master.Store(f.cfg[Command]&CommandMaster != 0)
	f.sendPending()
	f.driveINTx()
	hook := f.onWrite
	f.mu.Unlock()
	if overlaps(off, size, Command, 2) || overlaps(off, size, BAR0, 24) || overlaps(off, size, ROMBar, 4) {
		f.sync()
	}
	if hook != nil {
		hook(off, size)
	}
}

func overlaps(off, size, reg, n int) bool { return off < reg+n && reg < off+size }

func (f *Function) inspect(w io.Writer, p *plug) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fmt.Fprintf(w, "%02x.%x %04x:%04x class %06x", p.slot, p.fn, f.get(VendorID, 2), f.get(DeviceID, 2), f.get(RevisionID, 4)>>8)
	if pin := f.cfg[InterruptPin]; pin != 0 {
		fmt.Fprintf(w, " INT%c line %d", 'A'+pin-1, f.cfg[InterruptLine])
	}
	fmt.Fprintln(w)
	for i := range f.bars {
		b := &f.bars[i]
		if b.region == nil {
			continue
		}
		if b.mapped == nowhere {
			fmt.Fprintf(w, "  %s: %d bytes, not mapped\n", b.name(i), b.size)
		} else {
			fmt.Fprintf(w, "  %s: %#x, %d bytes\n", b.name(i), b.mapped, b.size)
		}
	}
}

// DMA is the function's way to memory, which fails while Bus Master Enable is off.
func (f *Function) DMA() hw.DMA { return dma{f} }
