package vga

import (
	"govm-desktop/hw/pci"
	"govm-desktop/memory"
)

// buildFunction makes the PCI function: 1234:1111, as Bochs and QEMU have it.
func (v *VGA) buildFunction() error {
	v.fn = pci.NewFunction(pci.ID{
		Vendor: 0x1234, Device: 0x1111, Revision: 2, Class: 0x030000,
		SubVendor: 0x1af4, SubsystemID: 0x1100,
	})
	v.fn.SetBAR(0, pci.Mem32|pci.Prefetch, v.vram)
	v.fn.SetBAR(2, pci.Mem32, memory.NewIO("vga.mmio", mmioSize, mmioIO{v}, memory.Widths{Min: 1, Max: 4}))
	if len(v.cfg.ROM) == 0 {
		return nil
	}
	return v.fn.SetROM(v.cfg.ROM)
}
