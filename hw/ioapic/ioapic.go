// Package ioapic models the 82093AA I/O APIC (Intel 82093AA datasheet, 1996): 24 inputs, a redirection entry each, edge and level triggering with
// remote IRR, all delivery modes. It answers the local APICs' end-of-interrupt broadcast. Interrupts leave as messages (hw.MSI) with the layout of
// the processor's message-signalled interrupts (Intel SDM volume 3, 11.11), which carries everything that the APIC bus did.
//
// It reports version 11, as the PIIX3's companion does; the EOI register of later ones is left out.
package ioapic

import (
	"fmt"
	"io"
	"sync"

	"govm-desktop/hw"
	"govm-desktop/snapshot"
)

// Inputs is how many interrupt inputs there are.
const Inputs = 24

// Registers in memory, and those reached through IOREGSEL (datasheet, 3.1 and 3.2).
const (
	regSelect = 0x00
	regWindow = 0x10

	regID          = 0x00
	regVersion     = 0x01
	regArbitration = 0x02
	regTable       = 0x10
)

// version is the chip's version, and the number of the last entry.
const version = 0x11 | (Inputs-1)<<16

// Bits of a redirection entry.
const (
	rteVector    = 0xff
	rteMode      = 7 << 8
	rteLogical   = 1 << 11
	rteStatus    = 1 << 12 // read only: send pending
	rteRemoteIRR = 1 << 14 // read only
	rteLevel     = 1 << 15
	rteMasked    = 1 << 16
	rteLow       = 1 << 13 // input polarity: active low
	rteDestShift = 56

	rteWritable = rteVector | rteMode | rteLogical | rteLow | rteLevel | rteMasked | 0xff<<rteDestShift
)

// Delivery modes.
const (
	modeFixed  = 0
	modeLowest = 1
	modeSMI    = 2
	modeNMI    = 4
	modeINIT   = 5
	modeExtINT = 7
)

// Config is what the chip is wired to.
type Config struct {
	MSI hw.MSI // the way to the local APICs
}

// IOAPIC is the chip. Its registers are a page, at FEC00000.
type IOAPIC struct {
	msi hw.MSI

	mu     sync.Mutex // guards everything below; held while messages are sent
	sel    uint8
	id     uint8
	level  uint32 // of the inputs
	irr    uint32 // requests waiting: latched edges, and levels
	routes [Inputs]uint64
}

// New returns a chip in its reset state.
func New(cfg Config) *IOAPIC {
	a := &IOAPIC{msi: cfg.MSI}
	a.Reset(hw.PowerOn)
	return a
}

// Reset implements hw.Device.
func (a *IOAPIC) Reset(hw.Cause) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sel, a.id, a.level, a.irr = 0, 0, 0, 0
	for i := range a.routes {
		a.routes[i] = rteMasked
	}
}

// State implements hw.Device.
func (a *IOAPIC) State(c *snapshot.Coder) {
	a.mu.Lock()
	defer a.mu.Unlock()
	snapshot.Field(c, "sel", &a.sel)
	snapshot.Field(c, "id", &a.id)
	snapshot.Field(c, "level", &a.level)
	snapshot.Field(c, "irr", &a.irr)
	for i := range a.routes {
		snapshot.Field(c, fmt.Sprint("route", i), &a.routes[i])
	}
}

// Inspect implements hw.Inspector.
func (a *IOAPIC) Inspect(w io.Writer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fmt.Fprintf(w, "ioapic id=%d sel=%02x irr=%06x\n", a.id, a.sel, a.irr)
	for i, r := range a.routes {
		fmt.Fprintf(w, "pin %2d: %016x dest=%02x vector=%02x mode=%d logical=%t level=%t masked=%t remote-irr=%t\n",
			i, r, r>>rteDestShift, r&rteVector, r&rteMode>>8, r&rteLogical != 0, r&rteLevel != 0, r&rteMasked != 0, r&rteRemoteIRR != 0)
	}
}

// Input is the wire of an input; high means active, whatever the entry's polarity says.
func (a *IOAPIC) Input(n int) hw.Line {
	if n < 0 || n >= Inputs {
		return hw.NoLine
	}
	bit := uint32(1) << n
	return hw.LineFunc(func(high bool) {
		a.mu.Lock()
		defer a.mu.Unlock()
		rose := high && a.level&bit == 0
		if !high {
			a.level &^= bit
			return
		}
		a.level |= bit
		if r := a.routes[n]; rose && r&rteMasked == 0 && !levels(r) {
			a.irr |= bit
		}
		a.service(n)
	})
}

// EOI is the local APICs' broadcast that an interrupt with this vector has ended. Preconditions: no local APIC's lock is held.
func (a *IOAPIC) EOI(vector uint8) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for n := range a.routes {
		if a.routes[n]&(rteLevel|rteRemoteIRR) == rteLevel|rteRemoteIRR && uint8(a.routes[n]) == vector {
			a.routes[n] &^= rteRemoteIRR
			a.service(n)
		}
	}
}

// service sends the message of an input if one is due.
// Preconditions: mu is held.
func (a *IOAPIC) service(n int) {
	r := &a.routes[n]
	bit := uint32(1) << n
	if *r&rteMasked != 0 {
		return
	}
	if !levels(*r) {
		if a.irr&bit != 0 {
			a.irr &^= bit
			a.send(*r)
		}
		return
	}
	if a.level&bit != 0 && *r&rteRemoteIRR == 0 {
		*r |= rteRemoteIRR
		a.send(*r)
	}
}

// levels reports whether an entry is level-triggered: only the modes of ordinary interrupts can be, the others are edges whatever
// bit 15 says (datasheet, 3.2.4).
func levels(r uint64) bool {
	m := r & rteMode >> 8
	return r&rteLevel != 0 && (m == modeFixed || m == modeLowest)
}

// send makes the message of an entry: the address carries the destination, the data the rest.
func (a *IOAPIC) send(r uint64) {
	addr := 0xfee00000 | r>>rteDestShift<<12
	if r&rteLogical != 0 {
		addr |= 1 << 2
	}
	if r&rteMode>>8 == modeLowest {
		addr |= 1 << 3
	}
	data := uint32(r&(rteVector|rteMode)) | 1<<14
	if levels(r) {
		data |= 1 << 15
	}
	a.msi.Send(addr, data)
}

// Read implements memory.Handler.
func (a *IOAPIC) Read(off uint64, _ int) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch off & 0xff {
	case regSelect:
		return uint64(a.sel)
	case regWindow:
		return uint64(a.read())
	}
	return 0
}

func (a *IOAPIC) read() uint32 {
	switch a.sel {
	case regID, regArbitration:
		return uint32(a.id) << 24
	case regVersion:
		return version
	}
	i := int(a.sel) - regTable
	if i < 0 || i >= 2*Inputs {
		return 0
	}
	return uint32(a.routes[i/2] >> (32 * (i & 1)))
}

// Write implements memory.Handler.
func (a *IOAPIC) Write(off uint64, _ int, val uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch off & 0xff {
	case regSelect:
		a.sel = uint8(val)
	case regWindow:
		a.write(uint32(val))
	}
}

func (a *IOAPIC) write(v uint32) {
	if a.sel == regID {
		a.id = uint8(v>>24) & 15
		return
	}
	i := int(a.sel) - regTable
	if i < 0 || i >= 2*Inputs {
		return
	}
	n, shift := i/2, 32*(i&1)
	r := a.routes[n]
	now := r&^(0xffffffff<<shift) | uint64(v)<<shift
	now = now&rteWritable | r&rteRemoteIRR
	if now&rteLevel == 0 {
		now &^= rteRemoteIRR // kernels clear a stuck one by switching to edge and back
	} else {
		a.irr &^= 1 << n
	}
	a.routes[n] = now
	a.service(n)
}
