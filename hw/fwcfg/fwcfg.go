// Package fwcfg models QEMU's firmware configuration device: a row of numbered items, and a directory of named files among them,
// which the firmware reads byte by byte or by DMA.
//
// Followed is "QEMU Firmware Configuration (fw_cfg) Device" (docs/specs/fw_cfg). Left out are the architecture-local keys beyond
// 8004h and writing through the data port, which QEMU has ignored since 2.4: nobody writes but by DMA.
package fwcfg

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"sync"

	"govm-desktop/hw"
	"govm-desktop/snapshot"
)

// PortBase and PortCount are where a PC has the device.
const (
	PortBase  = 0x510
	PortCount = 12
)

// Registers, as offsets from PortBase.
const (
	regSelector = 0 // 16 bits, write only
	regData     = 1 // 8 bits
	regDMAHigh  = 4 // 32 bits, big-endian
	regDMALow   = 8 // 32 bits, big-endian; starts the transfer
)

// Config is what the device is built of.
type Config struct {
	DMA hw.DMA // nil: the device has no DMA interface
}

// Device is a fw_cfg device.
type Device struct {
	cfg Config

	mu      sync.Mutex // guards everything below
	items   map[uint16]*item
	files   []*file // sorted by name: file i has the key FileFirst+i
	key     uint16
	off     uint64 // of the next byte in the selected item; stops at its end
	cur     *item  // selected; nil if there is none such
	dmaHigh uint32
}

var _ hw.Device = (*Device)(nil)

// New returns a device that holds its signature and feature word.
func New(cfg Config) *Device {
	d := &Device{cfg: cfg, items: map[uint16]*item{}}
	d.AddBytes(KeySignature, []byte("QEMU"))
	features := uint32(featureTraditional)
	if cfg.DMA != nil {
		features |= featureDMA
	}
	d.AddBytes(KeyID, binary.LittleEndian.AppendUint32(nil, features))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.items[KeyFileDir] = &item{fill: d.directory}
	d.choose(KeySignature)
	return d
}

// Reset implements hw.Device. Files that the guest has written get their first contents back, unless the machine but wakes up.
func (d *Device) Reset(c hw.Cause) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.files {
		if f.writable && c != hw.WakeUp {
			f.data = append([]byte(nil), f.initial...)
		}
	}
	d.dmaHigh = 0
	d.choose(KeySignature)
}

// State implements hw.Device. What the items hold belongs to the machine's configuration, save what the guest has written.
func (d *Device) State(c *snapshot.Coder) {
	d.mu.Lock()
	defer d.mu.Unlock()
	snapshot.Field(c, "selected", &d.key)
	off := d.off
	snapshot.Field(c, "dmahigh", &d.dmaHigh)
	for _, f := range d.files {
		if f.writable {
			c.Bytes("file/"+f.name, f.data)
		}
	}
	if c.Loading() {
		d.choose(d.key)
	}
	snapshot.Field(c, "offset", &off)
	d.off = off
	if d.cur != nil {
		d.off = min(off, d.cur.size())
	}
}

// Inspect implements hw.Inspector.
func (d *Device) Inspect(w io.Writer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(w, "selected %04x offset %d\n", d.key, d.off)
	for i, f := range d.files {
		fmt.Fprintf(w, "%04x %8d %s\n", FileFirst+i, f.size(), f.name)
	}
}

// Read implements memory.Handler over the ports from PortBase on.
func (d *Device) Read(off uint64, size int) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case off <= regData && size == 1: // the selector's port reads as data too
		return uint64(d.next())
	case off >= regDMAHigh && off+uint64(size) <= PortCount && d.cfg.DMA != nil:
		var v uint64
		for i := range size {
			v |= uint64(dmaSignature[off-regDMAHigh+uint64(i)]) << (8 * i)
		}
		return v
	}
	return ^uint64(0)
}

// Write implements memory.Handler over the ports from PortBase on.
func (d *Device) Write(off uint64, size int, val uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case off == regSelector && size == 2:
		d.choose(uint16(val))
	case d.cfg.DMA == nil:
	case off == regDMAHigh && size == 4:
		d.dmaHigh = bits.ReverseBytes32(uint32(val))
	case off == regDMALow && size == 4:
		addr := uint64(d.dmaHigh)<<32 | uint64(bits.ReverseBytes32(uint32(val)))
		d.dmaHigh = 0
		d.transfer(addr)
	case off == regDMAHigh && size == 8:
		d.dmaHigh = 0
		d.transfer(bits.ReverseBytes64(val))
	}
}

// choose selects an item and goes to its first byte. The caller holds mu.
func (d *Device) choose(key uint16) {
	d.key, d.off, d.cur = key, 0, nil
	key &^= keyWrite
	if i := int(key) - FileFirst; i >= 0 && i < len(d.files) {
		d.cur = &d.files[i].item
	} else {
		d.cur = d.items[key]
	}
	if d.cur != nil && d.cur.fill != nil {
		d.cur.refill()
	}
}

// next takes one byte of the selected item: zero past its end and where there is none. The caller holds mu.
func (d *Device) next() uint8 {
	if d.cur == nil || d.off >= d.cur.size() {
		return 0
	}
	var b [1]byte
	d.cur.read(b[:], d.off)
	d.off++
	return b[0]
}
