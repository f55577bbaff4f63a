// Package debugcon models the debug console of PC emulators: a port that prints what is written to it, and reads as E9 so that firmware knows that
// it is there (the Bochs documentation's "port E9 hack"). What a slow stream cannot take is dropped when the queue is full.
package debugcon

import (
	"govm-desktop/chardev"
	"govm-desktop/hw"
	"govm-desktop/snapshot"
)

// present is what the port reads as.
const present = 0xe9

// Config is what the port is wired to.
type Config struct {
	Stream chardev.Stream
}

// Port is the console: one port, at 402 or E9.
type Port struct{ pump *chardev.Pump }

// New returns a console that prints to a stream; Close lets go of it.
func New(cfg Config) *Port {
	p := &Port{}
	p.pump = chardev.NewPump(cfg.Stream, p)
	return p
}

// Close writes out what is queued and closes the stream.
func (p *Port) Close() error { return p.pump.Close() }

// Reset implements hw.Device.
func (p *Port) Reset(hw.Cause) {}

// State implements hw.Device: there is none.
func (p *Port) State(*snapshot.Coder) {}

// Read implements memory.Handler.
func (p *Port) Read(uint64, int) uint64 { return present }

// Write implements memory.Handler.
func (p *Port) Write(_ uint64, _ int, val uint64) { p.pump.Put(uint8(val)) }

// Receive implements chardev.Device: the console has no input.
func (p *Port) Receive(b []byte) int { return len(b) }

// Ready implements chardev.Device.
func (p *Port) Ready() {}
