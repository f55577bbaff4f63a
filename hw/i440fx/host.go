// Package i440fx models the chipset of the board: the 82441FX host bridge (PMC) and the PIIX3 and PIIX4 parts around the ISA bus: ISA bridge with
// interrupt routing, power management function, SMBus controller. It follows Intel's datasheets 82441FX (290549), 82371SB (290550)
// and 82371AB (290562).
//
// Left out: DRAM timing, ECC, the AGP-less PCI arbitration registers beyond being readable, and the PIIX's DMA and IDE, which are devices of
// their own. No SMBus slave exists, so every transfer ends as on a bus without memory modules.
package i440fx

import (
	"fmt"
	"sync"

	"govm-desktop/hw"
	"govm-desktop/hw/pci"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// Registers of the host bridge.
const (
	regPMCCFG = 0x50 // PMC configuration
	regDRAMC  = 0x57
	regPAM    = 0x59 // seven of them
	regDRB    = 0x60 // DRAM row boundaries, eight of them
	regSMRAM  = 0x72
	numPAM    = 7
)

// Bits of SMRAM.
const (
	smramOpen   = 1 << 6 // everybody sees it
	smramClosed = 1 << 5 // nobody reads it as data
	smramLock   = 1 << 4
	smramEnable = 1 << 3
	smramBase   = 0x02 // the only place there is: A0000
)

const (
	windowStart = 0xa0000
	windowSize  = 0x20000
	// Priorities of the windows over the board's map, which has RAM at 0 and the PCI hole below or at it.
	shadowPriority = 10
	smramPriority  = 20
)

// HostConfig says what the host bridge is connected to.
type HostConfig struct {
	Space *memory.Space  // the system's memory
	RAM   *memory.Region // which starts at address 0; the board has mapped it
	Hole  *memory.Region // the group with everything on PCI, its offsets being addresses
	Size  uint64         // of RAM below 4 GiB, for the row boundary registers
}

// Host is the host bridge, 8086:1237.
type Host struct {
	cfg  HostConfig
	fn   *pci.Function
	pams [numPAM*2 - 1]segment
	open *memory.Region // the window of SMRAM for all

	mu     sync.Mutex // guards everything below, and the segments' states; taken inside Space.Update
	locked bool       // SMRAM's D_LCK
	opened bool       // open is mapped
	cpus   []*cpuWindow
}

// segment is one stretch of addresses with attributes of its own.
type segment struct {
	base, size uint64
	views      [4]*memory.Region // by attributes: bit 0 reads RAM, bit 1 writes RAM; nil: the board's RAM shows
	shown      *memory.Region

	// The first view is a group: what is on PCI, over a bus that floats, so that RAM does not show where nothing is.
	onPCI, floating *memory.Region
}

// floating is a bus that nobody drives.
type floating struct{}

// Read implements memory.Handler.
func (floating) Read(uint64, int) uint64 { return ^uint64(0) }

// Write implements memory.Handler.
func (floating) Write(uint64, int, uint64) {}

// cpuWindow is one processor's sight of SMRAM.
type cpuWindow struct {
	space  *memory.Space
	window *memory.Region
	inSMM  bool
	mapped bool
}

// NewHost returns the host bridge.
func NewHost(cfg HostConfig) *Host {
	h := &Host{cfg: cfg, fn: pci.NewFunction(pci.ID{Vendor: 0x8086, Device: 0x1237, Revision: 2, Class: 0x060000,
		SubVendor: 0x1af4, SubsystemID: 0x1100})}
	f := h.fn
	f.Init(pci.Command, 2, pci.CommandMemory|pci.CommandMaster, pci.CommandSERR)
	f.Init(pci.Status, 2, pci.StatusFastB2B|pci.StatusDevselMed, 0)
	f.Init(regPMCCFG, 2, 0, 0xffff)
	f.Init(regDRAMC, 1, 1, 0xff)
	for i := range numPAM {
		f.Init(regPAM+i, 1, 0, 0x33)
	}
	f.Init(regPAM, 1, 0, 0x30) // The low half of the first one is reserved.
	for i := range 8 {
		f.Init(regDRB+i, 1, uint32(min(cfg.Size>>23, 0xff)), 0xff)
	}
	f.Init(regSMRAM, 1, smramBase, smramOpen|smramClosed|smramLock|smramEnable)
	f.OnWrite(h.configured)
	for i := range h.pams {
		h.pams[i] = h.segment(i)
	}
	h.open = memory.NewAlias("smram", cfg.RAM, windowStart, windowSize)
	return h
}

// segment makes the views of the i-th segment: F0000 to FFFFF, then C0000 to EFFFF in twelve of 16 KiB.
func (h *Host) segment(i int) segment {
	s := segment{base: 0xf0000, size: 0x10000}
	if i > 0 {
		s = segment{base: 0xc0000 + uint64(i-1)*0x4000, size: 0x4000}
	}
	name := fmt.Sprintf("pam-%x", s.base)
	s.views[0] = memory.NewGroup(name+"-pci", s.size)
	s.onPCI = memory.NewAlias(name+"-hole", h.cfg.Hole, s.base, s.size)
	s.floating = memory.NewIO(name+"-floating", s.size, floating{}, memory.Any)
	s.views[1] = memory.NewSplit(name+"-ro", h.cfg.RAM, s.base, nil, 0, s.size)
	s.views[2] = memory.NewSplit(name+"-wo", h.cfg.Hole, s.base, h.cfg.RAM, s.base, s.size)
	s.views[3] = memory.NewAlias(name+"-ram", h.cfg.RAM, s.base, s.size)
	return s
}

// attributes are the two bits of the i-th segment.
func (h *Host) attributes(i int) uint32 {
	nibble := i + 1 // Counted from the low half of the first register, which is reserved.
	if i == 0 {
		nibble = 1
	}
	return h.fn.Get(regPAM+nibble/2, 1) >> (4 * (nibble % 2)) & 3
}

// Function implements pci.Device.
func (h *Host) Function() *pci.Function { return h.fn }

// AddCPU gives a processor its sight of SMRAM: space is its own over the system's. The result is called, by that processor alone, when it
// enters and leaves system management mode.
func (h *Host) AddCPU(space *memory.Space) func(inSMM bool) {
	c := &cpuWindow{space: space, window: memory.NewAlias("smram", h.cfg.RAM, windowStart, windowSize)}
	h.mu.Lock()
	h.cpus = append(h.cpus, c)
	h.mu.Unlock()
	return func(in bool) {
		h.mu.Lock()
		c.inSMM = in
		h.mu.Unlock()
		h.updateCPU(c)
	}
}

// Reset implements hw.Device. The windows follow at Start. At the end of a sleep the PAM registers are as they were: memory keeps its contents, and the
// BIOS finds its variables there, by which it knows that it is to resume.
func (h *Host) Reset(cause hw.Cause) {
	var pam [numPAM]uint32
	for i := range pam {
		pam[i] = h.fn.Get(regPAM+i, 1)
	}
	h.fn.Reset()
	if cause == hw.WakeUp {
		for i, v := range pam {
			h.fn.Set(regPAM+i, 1, v)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.locked = false
	h.unlockSMRAM()
	for _, c := range h.cpus {
		c.inSMM = false
	}
}

// Start implements hw.Starter.
func (h *Host) Start() {
	h.update()
	for _, c := range h.windows() {
		h.updateCPU(c)
	}
}

// State implements hw.Device.
func (h *Host) State(c *snapshot.Coder) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fn.State(c)
	snapshot.Field(c, "locked", &h.locked)
	for i, w := range h.cpus {
		snapshot.Field(c, fmt.Sprintf("smm%d", i), &w.inSMM)
	}
	if c.Loading() {
		h.unlockSMRAM()
		if h.locked {
			h.fn.Protect(regSMRAM, smramClosed)
		}
	}
}

// configured acts on a write to the configuration space. No lock is held.
func (h *Host) configured(off, size int) {
	if off <= regSMRAM && off+size > regSMRAM {
		h.mu.Lock()
		h.lockSMRAM(h.fn.Get(regSMRAM, 1))
		h.mu.Unlock()
		h.update()
		for _, c := range h.windows() {
			h.updateCPU(c)
		}
	} else if off < regPAM+numPAM && off+size > regPAM {
		h.update()
	}
}

// lockSMRAM honours D_LCK: D_OPEN is cleared and nothing but a reset opens it again.
func (h *Host) lockSMRAM(val uint32) {
	if val&smramLock == 0 || h.locked {
		return
	}
	h.locked = true
	h.fn.Protect(regSMRAM, smramClosed)
	h.fn.Set(regSMRAM, 1, val&^smramOpen)
}

func (h *Host) unlockSMRAM() {
	h.fn.Protect(regSMRAM, smramOpen|smramClosed|smramLock|smramEnable)
}

func (h *Host) windows() []*cpuWindow {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cpus
}

// update shows the segments and the open SMRAM as the registers say.
func (h *Host) update() {
	if !h.stale() {
		return
	}
	h.cfg.Space.Update(func(e *memory.Edit) {
		h.mu.Lock()
		defer h.mu.Unlock()
		for i := range h.pams {
			s := &h.pams[i]
			want := s.views[h.attributes(i)]
			if s.shown == want {
				continue
			}
			if s.shown != nil {
				e.Unmap(nil, s.shown)
			}
			e.Map(s.views[0], 0, s.floating, 0)
			e.Map(s.views[0], 0, s.onPCI, 1)
			e.Map(nil, s.base, want, shadowPriority)
			s.shown = want
		}
		if want := h.smramOpen(); want != h.opened {
			h.opened = want
			if want {
				e.Map(nil, windowStart, h.open, smramPriority)
			} else {
				e.Unmap(nil, h.open)
			}
		}
	})
}

func (h *Host) stale() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.pams {
		if h.pams[i].shown != h.pams[i].views[h.attributes(i)] {
			return true
		}
	}
	return h.opened != h.smramOpen()
}

func (h *Host) smramOpen() bool {
	return h.fn.Get(regSMRAM, 1)&(smramEnable|smramOpen) == smramEnable|smramOpen
}

// updateCPU shows or hides SMRAM to one processor.
func (h *Host) updateCPU(c *cpuWindow) {
	h.mu.Lock()
	stale := h.wants(c) != c.mapped
	h.mu.Unlock()
	if !stale {
		return
	}
	c.space.Update(func(e *memory.Edit) {
		h.mu.Lock()
		defer h.mu.Unlock()
		c.mapped = h.wants(c)
		if c.mapped {
			e.Map(nil, windowStart, c.window, smramPriority)
		} else {
			e.Unmap(nil, c.window)
		}
	})
}

func (h *Host) wants(c *cpuWindow) bool { return c.inSMM && h.fn.Get(regSMRAM, 1)&smramEnable != 0 }
