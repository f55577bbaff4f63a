// Package pic models the PC's two 8259A interrupt controllers (Intel 8259A datasheet, 1988) with the edge/level control registers of the
// PIIX (ELCR, ports 4D0 and 4D1): initialisation words 1–4, fixed and rotating priority, special mask, special fully nested and automatic EOI modes,
// polling, and the spurious vectors 7 and 15. The slave hangs on the master's input 2.
//
// MCS-80 mode and buffered mode, which no PC uses, are left out: their bits are ignored. An edge is remembered until it is acknowledged even if
// the wire has fallen since, as in the PIIX's own cells; so a pulse of no length is an interrupt.
package pic

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"govm-desktop/hw"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// Config is what the controllers are wired to.
type Config struct {
	INTR hw.Line // the master's output, high while an interrupt waits
}

// PIC is both controllers.
type PIC struct {
	intr hw.Line
	out  atomic.Bool // level of INTR, for Pending

	mu    sync.Mutex // guards everything below; held while INTR is set, so that levels arrive in order
	chips [2]chip    // master, slave
}

// Numbers of the chips, and the master's input where the slave hangs.
const (
	master  = 0
	slave   = 1
	cascade = 2
)

// New returns controllers in their reset state.
func New(cfg Config) *PIC {
	if cfg.INTR == nil {
		cfg.INTR = hw.NoLine
	}
	p := &PIC{intr: cfg.INTR}
	p.Reset(hw.PowerOn)
	return p
}

// Reset implements hw.Device.
func (p *PIC) Reset(hw.Cause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.chips {
		p.chips[i] = chip{slave: i == slave, imr: 0xff, base: 8 + 0x68*uint8(i)}
	}
	p.out.Store(false)
}

// Start implements hw.Starter.
func (p *PIC) Start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.update(true)
}

// State implements hw.Device.
func (p *PIC) State(c *snapshot.Coder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.Group("master", p.chips[master].state)
	c.Group("slave", p.chips[slave].state)
}

// Inspect implements hw.Inspector.
func (p *PIC) Inspect(w io.Writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.chips {
		c := &p.chips[i]
		fmt.Fprintf(w, "pic%d: irr=%02x imr=%02x isr=%02x hprio=%d irq_base=%02x rr_sel=%t elcr=%02x fnm=%t\n",
			i, c.irr, c.imr, c.isr, c.highest, c.base, c.readISR, c.elcr, c.sfnm)
	}
}

// Input is the wire of an interrupt request, 0 to 15. Input 2 is taken by the cascade and goes nowhere.
func (p *PIC) Input(n int) hw.Line {
	if n < 0 || n > 15 || n == cascade {
		return hw.NoLine
	}
	return hw.LineFunc(func(high bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.chips[n>>3].input(uint(n&7), high)
		p.update(false)
	})
}

// Pending reports whether INTR is high.
func (p *PIC) Pending() bool { return p.out.Load() }

// Ack is the processor's pair of INTA cycles: it takes the interrupt and returns its vector.
func (p *PIC) Ack() uint8 {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.update(false)
	n, ok := p.chips[master].pending()
	if !ok {
		return p.chips[master].base + 7 // gone meanwhile (datasheet, "edge and level triggered modes")
	}
	p.chips[master].take(n)
	if n != cascade {
		return p.chips[master].base + n
	}
	s := &p.chips[slave]
	if n, ok = s.pending(); !ok {
		return s.base + 7
	}
	s.take(n)
	return s.base + n
}

// update brings the slave's output to the master and the master's to INTR.
// Preconditions: mu is held.
func (p *PIC) update(force bool) {
	_, wait := p.chips[slave].pending()
	p.chips[master].cascaded(wait)
	_, wait = p.chips[master].pending()
	if p.out.Swap(wait) != wait || force {
		p.intr.Set(wait)
	}
}

// Ports is the register block of one chip: 0 is the master's (ports 20 and 21), 1 the slave's (A0 and A1).
func (p *PIC) Ports(n int) memory.Handler { return &ports{p, n & 1} }

type ports struct {
	p *PIC
	n int
}

// Read implements memory.Handler.
func (h *ports) Read(off uint64, _ int) uint64 {
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	c := &h.p.chips[h.n]
	if c.poll {
		v := c.pollRead()
		h.p.update(false)
		return uint64(v)
	}
	switch {
	case off&1 == 1:
		return uint64(c.imr)
	case c.readISR:
		return uint64(c.isr)
	default:
		return uint64(c.irr)
	}
}

// Write implements memory.Handler.
func (h *ports) Write(off uint64, _ int, val uint64) {
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	c := &h.p.chips[h.n]
	v := uint8(val)
	switch {
	case off&1 == 1:
		c.writeData(v)
	case v&icw1 != 0:
		c.initialise(v)
	case v&ocw3 != 0:
		c.writeOCW3(v)
	default:
		c.writeOCW2(v)
	}
	h.p.update(false)
}

// ELCR is the pair of edge/level control registers, one byte a chip (ports 4D0 and 4D1).
func (p *PIC) ELCR() memory.Handler { return (*elcr)(p) }

type elcr PIC

// Read implements memory.Handler.
func (e *elcr) Read(off uint64, _ int) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return uint64(e.chips[off&1].elcr)
}

// Write implements memory.Handler. The inputs that only chips of the board use are edge-triggered for good (PIIX3 datasheet, 2.5.3).
func (e *elcr) Write(off uint64, _ int, val uint64) {
	mask := [2]uint8{0xf8, 0xde}[off&1]
	e.mu.Lock()
	defer e.mu.Unlock()
	c := &e.chips[off&1]
	c.elcr = uint8(val) & mask
	c.irr = c.irr&^c.elcr | c.level&c.elcr
	(*PIC)(e).update(false)
}
