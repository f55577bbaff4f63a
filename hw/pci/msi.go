package pci

import (
	"encoding/binary"
	"math/bits"
)

// The MSI capability with 64-bit address and masks (6.8.1 of the specification), offsets from its start.
const (
	capMSI = 0x05

	msiControl = 2
	msiAddr    = 4
	msiData    = 12
	msiMask    = 16
	msiPending = 20

	msiEnable  = 1 << 0
	msi64      = 1 << 7
	msiMasking = 1 << 8
)

// AddMSI gives the function message-signalled interrupts with the given number of vectors: 1, 2, 4, … 32.
// Preconditions: used before the function is plugged in.
func (f *Function) AddMSI(vectors int) {
	log := uint16(bits.Len(uint(vectors)) - 1)
	body, mask := make([]byte, 22), make([]byte, 22)
	le := binary.LittleEndian
	le.PutUint16(body, msi64|msiMasking|log<<1)
	le.PutUint16(mask, msiEnable|7<<4)
	le.PutUint64(mask[msiAddr-2:], ^uint64(3))
	le.PutUint16(mask[msiData-2:], 0xffff)
	le.PutUint32(mask[msiMask-2:], uint32(1<<vectors-1))
	f.msi = f.AddCap(capMSI, body, mask)
}

func (f *Function) msiOn() bool { return f.msi != 0 && f.cfg[f.msi+msiControl]&msiEnable != 0 }

func (f *Function) notifyMSI(v int) {
	le := binary.LittleEndian
	ctl := le.Uint16(f.cfg[f.msi+msiControl:])
	n := uint32(1) << min(ctl>>4&7, ctl>>1&7) // vectors granted
	i := uint32(v) & (n - 1)
	if le.Uint32(f.cfg[f.msi+msiMask:])&(1<<i) != 0 {
		p := f.cfg[f.msi+msiPending:]
		le.PutUint32(p, le.Uint32(p)|1<<i)
		return
	}
	f.send(le.Uint64(f.cfg[f.msi+msiAddr:]), uint32(le.Uint16(f.cfg[f.msi+msiData:]))&^(n-1)|i)
}

func (f *Function) flushMSI() {
	le := binary.LittleEndian
	pending := f.cfg[f.msi+msiPending:]
	ready := le.Uint32(pending) &^ le.Uint32(f.cfg[f.msi+msiMask:])
	le.PutUint32(pending, le.Uint32(pending)&^ready)
	for ; ready != 0; ready &= ready - 1 {
		f.notifyMSI(bits.TrailingZeros32(ready))
	}
}
