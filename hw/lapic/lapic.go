// Package lapic models the processors' local APICs (Intel SDM volume 3, chapter 11): xAPIC and x2APIC modes, timer (one-shot, periodic,
// TSC deadline), local vector table, inter-processor interrupts, and the bus that joins the local APICs with each other and with
// whatever sends messages.
//
// The version register says 14h with six LVT entries. CMCI, EOI-broadcast suppression, arbitration priorities on the bus and interrupt remapping are
// left out. Lowest-priority delivery goes to the processor with the lowest task or service priority, in turn among equals. The boot processor comes up with LINT0
// unmasked as ExtINT, as a BIOS leaves it, so that the 8259s work before anybody programs the APIC.
package lapic

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/snapshot"
	"govm-desktop/x86"
)

// Base is where the registers are after reset, Size how much of memory they take.
const (
	Base = 0xfee00000
	Size = 0x1000
)

// PIC is what a local APIC needs of the 8259s behind LINT0.
type PIC interface{ Ack() uint8 }

// Config is what a local APIC is wired to.
type Config struct {
	ID     uint8
	BSP    bool
	X2APIC bool // the processor has x2APIC mode
	Clock  clock.Clock
	Bus    *Bus
	PIC    PIC // who answers ExtINT; nil: nobody
	// Moved is called, with no lock held, when the register page appears, moves or goes. nil: nobody cares.
	Moved func(addr uint64, visible bool)
}

// LAPIC is one processor's local APIC. As a memory.Handler it is the register page, to be mapped with memory.Widths{Min: 4, Max: 4}.
type LAPIC struct {
	cfg   Config
	timer clock.Timer

	ready atomic.Bool                 // an interrupt waits that the processor may take; written under mu
	class atomic.Uint32               // processor priority, for lowest-priority delivery; written under mu
	addr  atomic.Pointer[destination] // how the bus finds us; written under mu
	sink  atomic.Pointer[func(accel.Signal, uint8)]

	mu      sync.Mutex // guards everything below
	base    uint64     // the APIC_BASE MSR
	id      uint8
	tpr     uint8
	ldr     uint32
	dfr     uint32
	svr     uint32
	esr     uint32
	errors  uint32 // found since ESR was last written
	icr     uint64
	lvt     [lvtCount]uint32
	irr     vectors
	isr     vectors
	tmr     vectors
	lint    [2]bool
	extINT  bool // an ExtINT message waits
	initial uint32
	divide  uint32
	running bool       // the timer counts
	start   clock.Time // when it began to count from initial
	due     uint64     // IA32_TSC_DEADLINE
	tscOff  int64      // the guest's TSC is the clock plus this
}

// New returns a local APIC in its reset state and adds it to the bus. Preconditions: the bus carries no messages yet.
func New(cfg Config) *LAPIC {
	l := &LAPIC{cfg: cfg}
	nowhere := func(accel.Signal, uint8) {}
	l.sink.Store(&nowhere)
	l.timer = cfg.Clock.NewTimer(l.fire)
	l.Reset(hw.PowerOn)
	cfg.Bus.add(l)
	return l
}

// Connect sets where signals go: the processor. Until then they are lost.
func (l *LAPIC) Connect(signal func(s accel.Signal, vector uint8)) { l.sink.Store(&signal) }

func (l *LAPIC) signal(s accel.Signal, vector uint8) { (*l.sink.Load())(s, vector) }

// Reset implements hw.Device.
func (l *LAPIC) Reset(hw.Cause) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.base = Base | x86.APICBaseEnable
	if l.cfg.BSP {
		l.base |= x86.APICBaseBSP
	}
	l.id = l.cfg.ID
	l.lint = [2]bool{}
	l.tscOff = 0
	l.initRegisters()
}

// initRegisters is the state after power-on or INIT (SDM 11.4.7.1 and 11.4.7.3), the ID and APIC_BASE apart.
// Preconditions: mu is held.
func (l *LAPIC) initRegisters() {
	l.timer.Stop()
	l.tpr, l.ldr, l.dfr, l.svr = 0, 0, 0xffffffff, 0xff
	l.esr, l.errors, l.icr = 0, 0, 0
	for i := range l.lvt {
		l.lvt[i] = lvtMasked
	}
	if l.cfg.BSP {
		l.lvt[lvtLINT0] = modeExtINT << 8
	}
	l.irr, l.isr, l.tmr = vectors{}, vectors{}, vectors{}
	l.extINT = false
	l.initial, l.divide, l.running, l.start, l.due = 0, 0, false, 0, 0
	l.publish()
	l.ready.Store(false)
	l.class.Store(0)
}

// Start implements hw.Starter.
func (l *LAPIC) Start() {
	l.mu.Lock()
	l.publish()
	l.arm()
	l.update()
	base := l.base
	l.mu.Unlock()
	l.moved(base)
}

func (l *LAPIC) moved(base uint64) {
	if l.cfg.Moved != nil {
		l.cfg.Moved(base&^(Size-1), base&x86.APICBaseEnable != 0 && base&x86.APICBaseX2APIC == 0)
	}
}

// State implements hw.Device.
func (l *LAPIC) State(c *snapshot.Coder) {
	l.mu.Lock()
	defer l.mu.Unlock()
	snapshot.Field(c, "base", &l.base)
	snapshot.Field(c, "id", &l.id)
	snapshot.Field(c, "tpr", &l.tpr)
	snapshot.Field(c, "ldr", &l.ldr)
	snapshot.Field(c, "dfr", &l.dfr)
	snapshot.Field(c, "svr", &l.svr)
	snapshot.Field(c, "esr", &l.esr)
	snapshot.Field(c, "errors", &l.errors)
	snapshot.Field(c, "icr", &l.icr)
	for i, name := range lvtNames {
		snapshot.Field(c, name, &l.lvt[i])
	}
	c.Group("irr", l.irr.state)
	c.Group("isr", l.isr.state)
	c.Group("tmr", l.tmr.state)
	snapshot.Field(c, "lint0level", &l.lint[0])
	snapshot.Field(c, "lint1level", &l.lint[1])
	snapshot.Field(c, "extint", &l.extINT)
	snapshot.Field(c, "initial", &l.initial)
	snapshot.Field(c, "divide", &l.divide)
	snapshot.Field(c, "running", &l.running)
	snapshot.Field(c, "start", &l.start)
	snapshot.Field(c, "deadline", &l.due)
	snapshot.Field(c, "tscoffset", &l.tscOff)
	if c.Loading() {
		const far = 1 << 61 // keeps sums of times from overflowing
		l.start = min(max(l.start, 0), far)
		l.tscOff = min(max(l.tscOff, -far), far)
		l.publish()
	}
}

// vectors is a set of interrupt vectors: IRR, ISR or TMR.
type vectors [8]uint32

func (v *vectors) set(n uint8)      { v[n>>5] |= 1 << (n & 31) }
func (v *vectors) clear(n uint8)    { v[n>>5] &^= 1 << (n & 31) }
func (v *vectors) has(n uint8) bool { return v[n>>5]&(1<<(n&31)) != 0 }

func (v *vectors) state(c *snapshot.Coder) {
	for i, name := range [8]string{"0", "1", "2", "3", "4", "5", "6", "7"} {
		snapshot.Field(c, name, &v[i])
	}
}

// x2APIC reports that mode, enabled that the APIC is on in APIC_BASE, alive that software has enabled it too (SVR, bit 8).
// Preconditions of all: mu is held.
func (l *LAPIC) x2APIC() bool  { return l.base&x86.APICBaseX2APIC != 0 }
func (l *LAPIC) enabled() bool { return l.base&x86.APICBaseEnable != 0 }
func (l *LAPIC) alive() bool   { return l.enabled() && l.svr&svrEnable != 0 }

// Inspect implements hw.Inspector.
func (l *LAPIC) Inspect(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(w, "lapic id=%d base=%#x svr=%#x ldr=%#x dfr=%#x esr=%#x icr=%#x\n", l.id, l.base, l.svr, l.ldr, l.dfr, l.esr, l.icr)
	fmt.Fprintf(w, "tpr=%02x ppr=%02x highest irr=%d isr=%d lint0=%t lint1=%t\n", l.tpr, l.ppr(), l.irr.top(), l.isr.top(), l.lint[0], l.lint[1])
	for i, name := range lvtNames {
		fmt.Fprintf(w, "lvt %-7s %08x\n", name, l.lvt[i])
	}
	fmt.Fprintf(w, "timer initial=%#x current=%#x divide by %d deadline=%#x\n", l.initial, l.current(), l.divisor(), l.due)
}
