// Package hpet models the high precision event timer (Intel, IA-PC HPET specification 1.0a, 2004): a 64-bit counter of 100 MHz and three timers,
// all able to be periodic and 64 bits wide, edge or level triggered, with legacy replacement routing.
//
// Delivery by message (FSB) is left out and not advertised. The counter is computed from virtual time. Periodic comparators whose host was late jump to
// the next period; no interrupts are made up. A timer interrupts at most every 20 µs.
package hpet

import (
	"fmt"
	"io"
	"sync"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/snapshot"
)

// The counter's tick.
const (
	tick   = 10 * clock.Time(1) // nanoseconds
	period = 10_000_000         // femtoseconds
)

// minPeriod is the shortest time between two interrupts of a periodic timer.
const minPeriod = 20 * clock.Microsecond

// Timers is how many there are.
const Timers = 3

// Registers (specification, 2.3).
const (
	regCapabilities  = 0x000
	regConfiguration = 0x010
	regStatus        = 0x020
	regCounter       = 0x0f0
	regTimers        = 0x100 // every 0x20: configuration, comparator, FSB route
)

// Bits of the registers.
const (
	capabilities = period<<32 | 0x8086<<16 | 1<<15 | 1<<13 | (Timers-1)<<8 | 1

	cfgEnable = 1 << 0
	cfgLegacy = 1 << 1

	tmrLevel    = 1 << 1
	tmrEnable   = 1 << 2
	tmrPeriodic = 1 << 3
	tmrCanPer   = 1 << 4
	tmrCan64    = 1 << 5
	tmrSetVal   = 1 << 6
	tmr32       = 1 << 8
	tmrRoute    = 31 << 9
	tmrWritable = tmrLevel | tmrEnable | tmrPeriodic | tmrSetVal | tmr32 | tmrRoute
)

// Config is what the timer is wired to.
type Config struct {
	Clock clock.Clock
	// Inputs are the interrupt controller's inputs; timers can be routed to those that are not nil.
	Inputs [32]hw.Line
	// Legacy, while high, takes the place of the interval timer and the real-time clock: the board cuts them off. nil: nobody cares.
	Legacy hw.Line
	// LegacyOut are the outputs of timers 0 and 1 during that time.
	LegacyOut [2]hw.Line
}

// HPET is the block. Its registers are 1 KiB, at FED00000, with memory.Widths{Min: 4, Max: 8}.
type HPET struct {
	cfg    Config
	routes uint32 // inputs that are there
	wakers [Timers]clock.Timer

	mu      sync.Mutex // guards everything below; held while lines are set, so that levels arrive in order
	config  uint64
	status  uint32
	counter uint64     // the count at base; or the count, while it stands still
	base    clock.Time // when it began to run from counter
	timers  [Timers]timer
}

// timer is one comparator.
type timer struct {
	config     uint64
	comparator uint64
	period     uint64     // added to the comparator after each match in periodic mode
	at         clock.Time // the next match; Never: none in sight
}

// New returns a block in its reset state.
func New(cfg Config) *HPET {
	h := &HPET{cfg: cfg}
	for i, l := range cfg.Inputs {
		if l != nil {
			h.routes |= 1 << i
		}
	}
	for _, l := range []*hw.Line{&h.cfg.Legacy, &h.cfg.LegacyOut[0], &h.cfg.LegacyOut[1]} {
		if *l == nil {
			*l = hw.NoLine
		}
	}
	for i := range h.wakers {
		h.wakers[i] = cfg.Clock.NewTimer(func() { h.fire(i) })
	}
	h.Reset(hw.PowerOn)
	return h
}

// Reset implements hw.Device.
func (h *HPET) Reset(hw.Cause) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.config, h.status, h.counter, h.base = 0, 0, 0, 0
	for i := range h.timers {
		h.wakers[i].Stop()
		h.timers[i] = timer{comparator: ^uint64(0), at: clock.Never}
	}
}

// Start implements hw.Starter.
func (h *HPET) Start() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cfg.Legacy.Set(h.config&cfgLegacy != 0)
	for i := range h.timers {
		h.drive(i)
		h.wakers[i].Set(h.timers[i].at)
	}
}

// State implements hw.Device.
func (h *HPET) State(c *snapshot.Coder) {
	h.mu.Lock()
	defer h.mu.Unlock()
	snapshot.Field(c, "config", &h.config)
	snapshot.Field(c, "status", &h.status)
	snapshot.Field(c, "counter", &h.counter)
	snapshot.Field(c, "base", &h.base)
	for i, name := range [Timers]string{"0", "1", "2"} {
		t := &h.timers[i]
		c.Group(name, func(c *snapshot.Coder) {
			snapshot.Field(c, "config", &t.config)
			snapshot.Field(c, "comparator", &t.comparator)
			snapshot.Field(c, "period", &t.period)
			snapshot.Field(c, "at", &t.at)
			t.at = max(t.at, 0)
		})
	}
	if c.Loading() {
		h.base = min(max(h.base, 0), h.cfg.Clock.Now())
	}
}

// Inspect implements hw.Inspector.
func (h *HPET) Inspect(w io.Writer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fmt.Fprintf(w, "config=%x status=%x counter=%x\n", h.config, h.status, h.now())
	for i, t := range h.timers {
		fmt.Fprintf(w, "timer %d: config=%x comparator=%x period=%x\n", i, t.config, t.comparator, t.period)
	}
}

// now is the main counter.
// Preconditions of all below: mu is held.
func (h *HPET) now() uint64 {
	if h.config&cfgEnable == 0 {
		return h.counter
	}
	return h.counter + uint64((h.cfg.Clock.Now()-h.base)/tick)
}

// rebase makes the counter run on from a count.
func (h *HPET) rebase(count uint64) {
	h.counter, h.base = count, h.cfg.Clock.Now()
}

// Read implements memory.Handler.
func (h *HPET) Read(off uint64, size int) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	v := h.read(off &^ 7)
	if size == 8 && off&7 == 0 {
		return v
	}
	return v >> (8 * (off & 7))
}

func (h *HPET) read(reg uint64) uint64 {
	switch reg {
	case regCapabilities:
		return capabilities
	case regConfiguration:
		return h.config
	case regStatus:
		return uint64(h.status)
	case regCounter:
		return h.now()
	}
	n := (reg - regTimers) >> 5
	if reg < regTimers || n >= Timers {
		return 0
	}
	t := &h.timers[n]
	switch reg & 0x18 {
	case 0x00:
		return t.config | tmrCanPer | tmrCan64 | uint64(h.routes)<<32
	case 0x08:
		h.catchUp(int(n))
		return t.comparator
	}
	return 0
}

// Write implements memory.Handler. Half a register may be written; bytes and words count as the 32 bits that they lie in.
func (h *HPET) Write(off uint64, size int, val uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	reg, mask := off&^7, ^uint64(0)
	if size < 8 || off&7 != 0 {
		shift := 8 * (off & 4)
		mask = 0xffffffff << shift
		val = val << (8 * (off & 7)) & mask
	}
	switch reg {
	case regConfiguration:
		h.writeConfig(h.config&^mask | val)
	case regStatus:
		h.status &^= uint32(val)
		for i := range h.timers {
			h.drive(i)
		}
	case regCounter:
		if h.config&cfgEnable == 0 { // the specification asks for it to stand still
			h.rebase(h.counter&^mask | val)
		}
	default:
		n := int((reg - regTimers) >> 5)
		if reg < regTimers || n >= Timers {
			return
		}
		switch reg & 0x18 {
		case 0x00:
			h.writeTimer(n, h.timers[n].config&^mask|val)
		case 0x08:
			h.writeComparator(n, val, mask)
		}
	}
}

func (h *HPET) writeConfig(v uint64) {
	for i := range h.timers {
		h.settle(i)
	}
	old := h.config
	v &= cfgEnable | cfgLegacy
	if old&cfgEnable != v&cfgEnable {
		h.rebase(h.now())
	}
	if (old^v)&cfgLegacy != 0 {
		for i := range h.timers {
			h.line(i).Set(false)
		}
		h.cfg.Legacy.Set(v&cfgLegacy != 0)
	}
	h.config = v
	for i := range h.timers {
		h.drive(i)
		h.arm(i)
	}
}
