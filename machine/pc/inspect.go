package pc

import (
	"sync/atomic"

	"govm-desktop/accel"
	"govm-desktop/firmware"
	"govm-desktop/hw"
	"govm-desktop/hw/pci"
	"govm-desktop/memory"
)

// CPUMemory is what a processor sees.
func (b *PC) CPUMemory(n int) *memory.Space { return b.sockets[n].space }

// Ports are the I/O ports.
func (b *PC) Ports() *memory.Space { return b.ports }

// Bus is the PCI bus.
func (b *PC) Bus() *pci.Bus { return b.bus }

// NMI sends every processor a non-maskable interrupt.
func (b *PC) NMI() {
	for _, c := range b.cpus {
		c.Signal(accel.NMI, 0)
	}
}

// SetBootOrder changes the boot order, now and for resets to come.
func (b *PC) SetBootOrder(order string) error {
	low, high, err := firmware.CMOS(order)
	if err != nil {
		return err
	}
	b.order.set([2]uint8{low, high})
	return nil
}

// irqCounts count how often the inputs of the interrupt controllers have risen.
type irqCounts [24]atomic.Uint64

// input is an input of the interrupt controllers, counted.
func (b *PC) input(gsi int) hw.Line {
	to, n, trace := b.chip.Input(gsi), &b.irqs[gsi], b.cfg.TraceIRQ
	return hw.LineFunc(func(high bool) {
		if high {
			n.Add(1)
		}
		if trace != nil {
			trace(gsi, high)
		}
		to.Set(high)
	})
}

// Interrupts are how often each input has risen since the start.
func (b *PC) Interrupts() []uint64 {
	out := make([]uint64, len(b.irqs))
	for i := range b.irqs {
		out[i] = b.irqs[i].Load()
	}
	return out
}

// FirmwareFile is a file of fw_cfg.
type FirmwareFile struct {
	Name string
	Size uint64
}

// FirmwareFiles are what the firmware was given.
func (b *PC) FirmwareFiles() []FirmwareFile { return b.files }

// BIOS is where the firmware is mapped, and how long it is.
func (b *PC) BIOS() (at, size uint64) {
	n := uint64(len(b.cfg.BIOS)+memory.PageSize-1) &^ (memory.PageSize - 1)
	return 1<<32 - n, n
}
