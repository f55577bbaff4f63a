package pci

// Info is what a person wants to know of a function.
type Info struct {
	Slot, Function         int
	Vendor, Device         uint16
	SubVendor, SubsystemID uint16
	Class                  uint16 // base class and subclass
	Pin, Line              uint8  // the interrupt pin, 1 for A, 0 for none; what the firmware wrote into the line register
	BARs                   []BARInfo
}

// BARInfo is a base address register.
type BARInfo struct {
	Index  int // 6: the expansion ROM
	Kind   BARKind
	Size   uint64
	Mapped uint64 // all ones: nowhere
}

// Infos are all functions on the bus.
func (b *Bus) Infos() (all []Info) {
	for i := range b.slots {
		if p := b.slots[i].Load(); p != nil {
			all = append(all, p.dev.Function().info(p))
		}
	}
	return all
}

func (f *Function) info(p *plug) Info {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := Info{Slot: p.slot, Function: p.fn, Vendor: uint16(f.get(VendorID, 2)), Device: uint16(f.get(DeviceID, 2)), SubVendor: uint16(f.get(SubVendorID, 2)),
		SubsystemID: uint16(f.get(SubsystemID, 2)), Class: uint16(f.get(RevisionID, 4) >> 16), Pin: f.cfg[InterruptPin], Line: f.cfg[InterruptLine]}
	for n := range f.bars {
		if b := &f.bars[n]; b.region != nil {
			i.BARs = append(i.BARs, BARInfo{n, b.kind, b.size, b.mapped})
		}
	}
	return i
}
