// Package pit models the 8254 programmable interval timer (Intel 8254 datasheet, 1993): three channels, all six modes, binary and BCD,
// counter latch and read-back, gates.
//
// Nothing ticks: counters and outputs are computed from virtual time when they are looked at, and a timer is armed only for the edges of
// outputs that are wired. A count is loaded at the clock pulse after its write, as in the chip. Edges that come due while the host sleeps are
// not made up for. Periodic outputs faster than 50 kHz are sampled at that rate on their wires; reads of counters and outputs stay exact.
package pit

import (
	"fmt"
	"io"
	"sync"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/snapshot"
)

// Frequency is that of the clock inputs, in hertz.
const Frequency = 1193182

// minPeriod is the shortest time between two events of a periodic output's wire.
const minPeriod = 20 * clock.Microsecond

// Config is what the timer is wired to.
type Config struct {
	Clock clock.Clock
	Out   [3]hw.Line // outputs; nil: polled only
}

// PIT is the timer. Its registers are ports 40 to 43.
type PIT struct {
	cfg    Config
	timers [3]clock.Timer

	mu  sync.Mutex // guards everything below; held while outputs are set, so that levels arrive in order
	chs [3]channel
}

// New returns a timer in its reset state: gates 0 and 1 high, gate 2 low.
func New(cfg Config) *PIT {
	p := &PIT{cfg: cfg}
	for i := range p.timers {
		p.timers[i] = cfg.Clock.NewTimer(func() { p.fire(i) })
	}
	p.Reset(hw.PowerOn)
	return p
}

// Reset implements hw.Device.
func (p *PIT) Reset(hw.Cause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.chs {
		p.timers[i].Stop()
		p.chs[i] = channel{mode: 3, rw: rwBoth, gate: i != 2, edge: -1}
	}
}

// Start implements hw.Starter.
func (p *PIT) Start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.now()
	for i := range p.chs {
		p.changed(i, t)
	}
}

// State implements hw.Device.
func (p *PIT) State(c *snapshot.Coder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, name := range [3]string{"0", "1", "2"} {
		c.Group(name, p.chs[i].state)
	}
}

// Inspect implements hw.Inspector.
func (p *PIT) Inspect(w io.Writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.now()
	for i := range p.chs {
		c := &p.chs[i]
		c.sync(t)
		fmt.Fprintf(w, "channel %d: mode=%d bcd=%t count=%d initial=%d gate=%t out=%t\n", i, c.mode, c.bcd, c.value(t), c.n, c.gate, c.out(t))
	}
}

// now is the time in ticks of the input clock.
func (p *PIT) now() int64 { return int64(clock.Ticks(p.cfg.Clock.Now(), Frequency)) }

// Out is the level of a channel's output.
func (p *PIT) Out(ch int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.now()
	p.chs[ch].sync(t)
	return p.chs[ch].out(t)
}

// SetGate sets the level of a channel's gate.
func (p *PIT) SetGate(ch int, high bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.now()
	p.chs[ch].sync(t)
	p.chs[ch].setGate(high, t)
	p.changed(ch, t)
}

// Tone is the frequency in hertz of a channel's square wave or rate, 0 while it makes none: for a speaker that synthesises.
func (p *PIT) Tone(ch int) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.now()
	c := &p.chs[ch]
	c.sync(t)
	if (c.mode == 2 || c.mode == 3) && c.gate && c.elapsed(t) >= 0 {
		return Frequency / float64(c.n)
	}
	return 0
}

// Read implements memory.Handler.
func (p *PIT) Read(off uint64, _ int) uint64 {
	if off&3 == 3 {
		return 0xff // the control word cannot be read
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.now()
	c := &p.chs[off&3]
	c.sync(t)
	return uint64(c.read(t))
}

// Write implements memory.Handler.
func (p *PIT) Write(off uint64, _ int, val uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.now()
	if off&3 == 3 {
		p.control(uint8(val), t)
		return
	}
	c := &p.chs[off&3]
	c.sync(t)
	c.write(uint8(val), t)
	p.changed(int(off&3), t)
}

// control is a control word, a counter latch command or a read-back command (datasheet, figures 7, 9 and 10).
func (p *PIT) control(v uint8, t int64) {
	ch := int(v >> 6)
	if ch < 3 {
		c := &p.chs[ch]
		c.sync(t)
		if v&0x30 == 0 {
			c.latchCount(t)
			return
		}
		c.program(v)
		p.changed(ch, t)
		return
	}
	for i := range p.chs {
		if v&(2<<i) == 0 {
			continue
		}
		c := &p.chs[i]
		c.sync(t)
		if v&0x20 == 0 {
			c.latchCount(t)
		}
		if v&0x10 == 0 {
			c.latchStatus(t)
		}
	}
}

// changed drives a channel's output and arms its timer after any change of its state.
// Preconditions: mu is held.
func (p *PIT) changed(ch int, t int64) {
	if p.cfg.Out[ch] == nil {
		return
	}
	p.cfg.Out[ch].Set(p.chs[ch].out(t))
	p.arm(ch, t)
}

func (p *PIT) arm(ch int, t int64) {
	c := &p.chs[ch]
	c.edge = c.nextEdge(t)
	if c.edge < 0 {
		p.timers[ch].Stop()
		return
	}
	at := clock.FromTicks(uint64(c.edge), Frequency)
	if c.mode == 2 || c.mode == 3 {
		at = max(at, p.cfg.Clock.Now()+minPeriod)
	}
	p.timers[ch].Set(at)
}

// fire is the timer: an edge of the output is due.
func (p *PIT) fire(ch int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.now()
	c := &p.chs[ch]
	c.sync(t)
	if c.edge < 0 || t < c.edge {
		return // from before the last change, which has armed the timer anew
	}
	if c.strobes() {
		p.cfg.Out[ch].Set(false) // low for one tick, which is over
	}
	p.cfg.Out[ch].Set(c.out(t) || c.strobes())
	p.arm(ch, t)
}
