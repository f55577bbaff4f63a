// Package sysctl models the odd ports of the PC's board: system control port B (61: speaker, gate of timer 2, refresh), the PS/2's port A
// (92: A20 and fast reset), the A20 gate, the reset control register (CF9), and the diagnostic port 80 (IBM PS/2 technical reference,
// 1988; Intel 82371SB (PIIX3) datasheet, section 2.5).
//
// Parity and channel check are left out: their bits read as no error. The A20 gate follows the last change from either of its inputs, port 92 or the
// keyboard controller, where a real board has an OR gate: SeaBIOS's INT 15h, AX=2400h turns it off through port 92 alone.
package sysctl

import (
	"sync"
	"sync/atomic"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// Timer is what port 61 needs of the interval timer.
type Timer interface {
	SetGate(ch int, high bool)
	Out(ch int) bool
}

// Config is what the ports are wired to. Any output may be nil.
type Config struct {
	Clock   clock.Clock
	Timer   Timer
	Speaker hw.Line          // the speaker's data enable (port 61, bit 1)
	A20     hw.Line          // the gate of address line 20: high lets it through
	Reset   func(c hw.Cause) // the reset line (Hard) or INIT (Soft); called with no lock held
	Post    func(code uint8) // a write to port 80; called with no lock held
}

// Ports is all of them.
type Ports struct {
	cfg  Config
	b    atomic.Uint32 // port 61, bits 0 to 3
	a    atomic.Uint32 // port 92, bits 0 and 1
	cf9  atomic.Uint32
	post atomic.Uint32

	mu  sync.Mutex // guards everything below; held while A20 is set, so that levels arrive in order
	a20 bool
}

// Bits of the ports.
const (
	bGate2   = 1 << 0
	bSpeaker = 1 << 1
	bRefresh = 1 << 4
	bOut2    = 1 << 5
	aReset   = 1 << 0
	aA20     = 1 << 1
	cf9Hard  = 1 << 1
	cf9Reset = 1 << 2
)

// refresh is half the period of the refresh request: 18 ticks of timer 1.
const refresh = 15085

// New returns the ports in their reset state.
func New(cfg Config) *Ports {
	for _, l := range []*hw.Line{&cfg.Speaker, &cfg.A20} {
		if *l == nil {
			*l = hw.NoLine
		}
	}
	if cfg.Reset == nil {
		cfg.Reset = func(hw.Cause) {}
	}
	if cfg.Post == nil {
		cfg.Post = func(uint8) {}
	}
	p := &Ports{cfg: cfg}
	p.Reset(hw.PowerOn)
	return p
}

// Reset implements hw.Device. A20 comes up open.
func (p *Ports) Reset(hw.Cause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.b.Store(0)
	p.a.Store(0)
	p.cf9.Store(0)
	p.a20 = true
}

// Start implements hw.Starter.
func (p *Ports) Start() {
	p.mu.Lock()
	p.cfg.A20.Set(p.a20)
	p.mu.Unlock()
	p.cfg.Speaker.Set(p.b.Load()&bSpeaker != 0)
	p.cfg.Timer.SetGate(2, p.b.Load()&bGate2 != 0)
}

// State implements hw.Device.
func (p *Ports) State(c *snapshot.Coder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range []struct {
		name string
		v    *atomic.Uint32
	}{{"b", &p.b}, {"a", &p.a}, {"cf9", &p.cf9}, {"post", &p.post}} {
		v := f.v.Load()
		snapshot.Field(c, f.name, &v)
		f.v.Store(v)
	}
	snapshot.Field(c, "a20", &p.a20)
}

// A20 is the gate's level.
func (p *Ports) A20() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.a20
}

// A20Input is the keyboard controller's wire to the gate.
func (p *Ports) A20Input() hw.Line { return hw.LineFunc(p.setA20) }

func (p *Ports) setA20(high bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.a20 = high
	p.cfg.A20.Set(high)
	if high {
		p.a.Or(aA20)
	} else {
		p.a.And(^uint32(aA20))
	}
}

// block makes a pair of functions a memory.Handler of one port.
type block struct {
	read  func() uint8
	write func(uint8)
}

// Read implements memory.Handler.
func (b *block) Read(uint64, int) uint64 { return uint64(b.read()) }

// Write implements memory.Handler.
func (b *block) Write(_ uint64, _ int, val uint64) { b.write(uint8(val)) }

// PortB is port 61.
func (p *Ports) PortB() memory.Handler { return &block{p.readB, p.writeB} }

func (p *Ports) readB() uint8 {
	v := uint8(p.b.Load())
	if p.cfg.Clock.Now()/refresh&1 != 0 {
		v |= bRefresh
	}
	if p.cfg.Timer.Out(2) {
		v |= bOut2
	}
	return v
}

func (p *Ports) writeB(v uint8) {
	p.b.Store(uint32(v & 15))
	p.cfg.Timer.SetGate(2, v&bGate2 != 0)
	p.cfg.Speaker.Set(v&bSpeaker != 0)
}

// PortA is port 92.
func (p *Ports) PortA() memory.Handler { return &block{p.readA, p.writeA} }

func (p *Ports) readA() uint8 { return uint8(p.a.Load()) }

func (p *Ports) writeA(v uint8) {
	old := p.a.Swap(uint32(v & (aReset | aA20)))
	if (old^uint32(v))&aA20 != 0 {
		p.setA20(v&aA20 != 0)
	}
	if v&aReset != 0 && old&aReset == 0 {
		p.cfg.Reset(hw.Soft)
	}
}

// CF9 is the reset control register: one byte in the midst of the PCI configuration address, whose owner must pass on what is one byte wide.
func (p *Ports) CF9() memory.Handler { return &block{p.readCF9, p.writeCF9} }

func (p *Ports) readCF9() uint8 { return uint8(p.cf9.Load()) }

func (p *Ports) writeCF9(v uint8) {
	old := p.cf9.Swap(uint32(v &^ cf9Reset)) // the reset ends by itself
	if v&cf9Reset == 0 {
		return
	}
	if old&cf9Hard != 0 || v&cf9Hard != 0 {
		p.cfg.Reset(hw.Hard)
	} else {
		p.cfg.Reset(hw.Soft)
	}
}

// Port80 is the diagnostic port.
func (p *Ports) Port80() memory.Handler { return &block{p.readPost, p.writePost} }

func (p *Ports) readPost() uint8 { return uint8(p.post.Load()) }

func (p *Ports) writePost(v uint8) {
	p.post.Store(uint32(v))
	p.cfg.Post(v)
}
