package pci

import (
	"errors"

	"govm-desktop/hw"
)

// errMaster is what DMA ends with when the function may not drive the bus.
var errMaster = errors.New("pci: bus mastering is off")

type dma struct{ f *Function }

// mem is memory, or nil when it cannot be reached.
func (d dma) mem() hw.DMA {
	p := d.f.at.Load()
	if p == nil || !d.f.master.Load() || p.bus.cfg.DMA == nil {
		return nil
	}
	return p.bus.cfg.DMA
}

// done notes a failed cycle in the status register.
func (d dma) done(err error) error {
	if err != nil {
		d.f.mu.Lock()
		d.f.cfg[Status+1] |= StatusMasterAbort >> 8
		d.f.mu.Unlock()
	}
	return err
}

// ReadAt implements hw.DMA.
func (d dma) ReadAt(p []byte, addr int64) (int, error) {
	m := d.mem()
	if m == nil {
		for i := range p {
			p[i] = 0xff
		}
		return len(p), errMaster
	}
	n, err := m.ReadAt(p, addr)
	return n, d.done(err)
}

// WriteAt implements hw.DMA.
func (d dma) WriteAt(p []byte, addr int64) (int, error) {
	m := d.mem()
	if m == nil {
		return len(p), errMaster
	}
	n, err := m.WriteAt(p, addr)
	return n, d.done(err)
}

// Slice implements hw.DMA.
func (d dma) Slice(addr, n uint64, write bool) []byte {
	if m := d.mem(); m != nil {
		return m.Slice(addr, n, write)
	}
	return nil
}

// Wrote implements hw.DMA.
func (d dma) Wrote(addr, n uint64) {
	if p := d.f.at.Load(); p != nil && p.bus.cfg.DMA != nil {
		p.bus.cfg.DMA.Wrote(addr, n)
	}
}
