// Package parallel models a PC's parallel port with a printer on it: the data, status and control registers of IBM's printer adapter and the
// direction bit of the PS/2 (IEEE 1284-1994, compatibility mode; IBM Technical Reference, Printer Adapter). What is printed goes to a stream; a
// stream that is slow makes the printer busy. EPP and ECP are left out: their registers read as ones.
package parallel

import (
	"fmt"
	"io"
	"sync"

	"govm-desktop/chardev"
	"govm-desktop/hw"
	"govm-desktop/snapshot"
)

// Registers.
const (
	regData    = 0
	regStatus  = 1
	regControl = 2
)

// Bits of the status register. BUSY and ACK are seen inverted: one means ready, and no acknowledgement.
const (
	statusUnused = 7
	statusError  = 1 << 3 // one: no error
	statusSelect = 1 << 4
	statusAck    = 1 << 6
	statusBusy   = 1 << 7
)

// Bits of the control register.
const (
	controlStrobe = 1 << 0
	controlInit   = 1 << 2 // zero: the printer is reset
	controlIRQ    = 1 << 4
	controlDir    = 1 << 5 // the port does not drive the data lines
	controlUnused = 3 << 6
)

// Config is what the port is wired to.
type Config struct {
	IRQ    hw.Line
	Stream chardev.Stream // nil: a printer that prints nowhere
}

// Port is one port. Its registers are eight ports, of which it drives three.
type Port struct {
	cfg  Config
	pump *chardev.Pump

	mu      sync.Mutex // guards everything below
	data    uint8
	control uint8
	held    uint8 // a character that the stream had no room for
	busy    bool  // there is one
}

// New returns a port in its reset state; Close lets go of its stream.
func New(cfg Config) *Port {
	if cfg.IRQ == nil {
		cfg.IRQ = hw.NoLine
	}
	p := &Port{cfg: cfg}
	p.Reset(hw.PowerOn)
	p.pump = chardev.NewPump(cfg.Stream, (*printer)(p))
	return p
}

// Close prints what is left and closes the stream.
func (p *Port) Close() error { return p.pump.Close() }

// Reset implements hw.Device.
func (p *Port) Reset(hw.Cause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.data, p.control = 0, controlInit|controlUnused|1<<3
	p.held, p.busy = 0, false
}

// Start implements hw.Starter: a character that was waiting in a saved machine goes on.
func (p *Port) Start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retry()
}

// State implements hw.Device.
func (p *Port) State(c *snapshot.Coder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	snapshot.Field(c, "data", &p.data)
	snapshot.Field(c, "control", &p.control)
	snapshot.Field(c, "held", &p.held)
	snapshot.Field(c, "busy", &p.busy)
}

// Inspect implements hw.Inspector.
func (p *Port) Inspect(w io.Writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(w, "data=%02x status=%02x control=%02x\n", p.data, p.status(), p.control)
}

// Read implements memory.Handler.
func (p *Port) Read(off uint64, _ int) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch off {
	case regData:
		if p.control&controlDir == 0 {
			return uint64(p.data)
		}
	case regStatus:
		return uint64(p.status())
	case regControl:
		return uint64(p.control)
	}
	return 0xff // nobody drives the lines
}

// Write implements memory.Handler.
func (p *Port) Write(off uint64, _ int, val uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch off {
	case regData:
		p.data = uint8(val)
	case regControl:
		strobe := uint8(val)&^p.control&controlStrobe != 0
		p.control = uint8(val) | controlUnused
		if strobe && p.ready() {
			p.held, p.busy = p.data, true
			p.retry()
		}
	}
}

// ready reports whether the printer takes a character. Preconditions of all below: mu is held.
func (p *Port) ready() bool { return !p.busy && p.control&controlInit != 0 }

func (p *Port) status() uint8 {
	s := uint8(statusUnused | statusError | statusSelect | statusAck)
	if p.ready() {
		s |= statusBusy
	}
	return s
}

// retry prints the character that waits, and acknowledges it: a pulse of ACK, which the adapter turns into its interrupt.
func (p *Port) retry() {
	if !p.busy || !p.pump.Put(p.held) {
		return
	}
	p.busy = false
	if p.control&controlIRQ != 0 {
		hw.Pulse(p.cfg.IRQ)
	}
}

// printer is the pump's side of the port.
type printer Port

// Receive implements chardev.Device: a printer in compatibility mode has nothing to say.
func (p *printer) Receive(b []byte) int { return len(b) }

// Ready implements chardev.Device.
func (p *printer) Ready() {
	port := (*Port)(p)
	port.mu.Lock()
	defer port.mu.Unlock()
	port.retry()
}
