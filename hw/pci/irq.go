package pci

import (
	"encoding/binary"

	"govm-desktop/hw"
)

const maxVectors = 2048 // of MSI-X

// Interrupt is the wire of one of the function's interrupt sources. Its level counts for the interrupt pin, which is the OR of all sources;
// its rising edge sends the source's message while MSI or MSI-X is enabled.
func (f *Function) Interrupt(vector int) hw.Line {
	return hw.LineFunc(func(high bool) { f.setLevel(vector, high) })
}

// Notify sends the message of a vector, and reports false when neither MSI nor MSI-X is enabled: the device must then use the pin.
func (f *Function) Notify(vector int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.notify(vector)
}

// MSIEnabled reports whether interrupts go out as messages of MSI.
func (f *Function) MSIEnabled() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.msiOn()
}

// MSIXEnabled reports whether interrupts go out as messages of MSI-X.
func (f *Function) MSIXEnabled() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.msixOn()
}

func (f *Function) setLevel(v int, high bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	word, bit := v/64, uint64(1)<<(v%64)
	if f.levels[word]&bit != 0 == high {
		return
	}
	f.levels[word] ^= bit
	if high {
		f.notify(v)
	}
	f.driveINTx()
}

func (f *Function) notify(v int) bool {
	switch {
	case f.msixOn():
		f.notifyMSIX(v)
	case f.msiOn():
		f.notifyMSI(v)
	default:
		return false
	}
	return true
}

// send puts a message on the bus.
func (f *Function) send(addr uint64, data uint32) {
	if p := f.at.Load(); p != nil && p.bus.cfg.MSI != nil && f.master.Load() {
		p.bus.cfg.MSI.Send(addr, data)
	}
}

// wantINTx works out the interrupt status bit and whether the pin is to be driven.
func (f *Function) wantINTx() bool {
	f.cfg[Status] &^= StatusINTx
	any := uint64(0)
	for _, l := range f.levels {
		any |= l
	}
	if any == 0 || f.cfg[InterruptPin] == 0 || f.msiOn() || f.msixOn() {
		return false
	}
	f.cfg[Status] |= StatusINTx
	return binary.LittleEndian.Uint16(f.cfg[Command:])&CommandINTxDisable == 0
}

func (f *Function) driveINTx() {
	want := f.wantINTx()
	if want == f.intx {
		return
	}
	f.intx = want
	if p := f.at.Load(); p != nil {
		p.line.Set(want)
	}
}

// sendPending sends what was held back and is no longer masked, after a write to the configuration space.
func (f *Function) sendPending() {
	if f.msiOn() {
		f.flushMSI()
	}
	if f.msixOn() {
		f.msix.flush(f)
	}
}
