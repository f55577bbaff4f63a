package sysctl

import (
	"sync"

	"govm-desktop/hw"
)

// FERR is the latch between a processor's FERR# pin and IRQ 13 (IBM PC/AT technical reference; SDM volume 1, 8.7.2): an unmasked floating-point
// error raises the interrupt, and a write to port F0 or F1 (coprocessor reset) takes it away.
type FERR struct {
	irq hw.Line

	mu sync.Mutex // guards the line's level
}

// NewFERR returns the latch with its output low.
func NewFERR(irq hw.Line) *FERR { return &FERR{irq: irq} }

// Set implements hw.Line: the processor's pin. Its falling does not clear the latch.
func (f *FERR) Set(high bool) {
	if high {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.irq.Set(true)
	}
}

// Read implements memory.Handler: nobody drives the bus.
func (f *FERR) Read(uint64, int) uint64 { return 0xff }

// Write implements memory.Handler over ports F0 and F1.
func (f *FERR) Write(uint64, int, uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.irq.Set(false)
}
