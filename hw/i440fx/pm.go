package i440fx

import (
	"sync"

	"govm-desktop/hw"
	"govm-desktop/hw/pci"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// Registers of the power management function.
const (
	regPMBASE    = 0x40
	regDEVACTB   = 0x58 // bit 25: APMC_EN
	regDEVRESC   = 0x5f // bit 7: a parallel port is there (what firmware's own ACPI tables look at)
	regDEVRESG   = 0x67 // bits 3, 7: serial ports A, B are there
	regPMREGMISC = 0x80
	regSMBBASE   = 0x90
	regSMBHSTCFG = 0xd2

	apmcEnable  = 0x02 // in the top byte of DEVACTB
	pmEnable    = 0x01
	smbusEnable = 0x01
	basePM      = 0xffc0
	baseSMBus   = 0xfff0
	notMapped   = ^uint64(0)
	portWindow  = 1 // priority
)

// PMConfig says what the power management function is connected to and what it tells firmware of the board.
type PMConfig struct {
	Ports    *memory.Space
	PM       *memory.Region // the 64 bytes of ACPI registers, which are a chip of their own; nil: none
	NoSMM    bool           // APMC_EN is set from reset on, which tells firmware that system management mode needs no setting up
	COM      [2]bool        // serial ports A and B are there
	Parallel bool
}

// PM is function 3 of the PIIX4, 8086:7113, with its SMBus controller.
type PM struct {
	cfg PMConfig
	fn  *pci.Function
	smb smbus

	mu            sync.Mutex // guards everything below; taken inside Space.Update
	pmAt, smbusAt uint64
}

// NewPM returns the function.
func NewPM(cfg PMConfig) *PM {
	p := &PM{cfg: cfg, pmAt: notMapped, smbusAt: notMapped, fn: pci.NewFunction(pci.ID{Vendor: 0x8086, Device: 0x7113, Revision: 3, Class: 0x068000,
		SubVendor: 0x1af4, SubsystemID: 0x1100, Pin: 1})}
	f := p.fn
	f.Init(pci.Status, 2, pci.StatusFastB2B|pci.StatusDevselMed, 0)
	f.Init(regPMBASE, 4, 1, basePM)
	f.Init(0x44, 4, 0, 0xffffffff) // CNTA
	f.Init(0x48, 4, 0, 0xffffffff) // CNTB
	f.Init(0x4c, 4, 0, 0xffffffff) // GPICTL
	f.Init(0x50, 4, 0, 0xffffffff) // DEVRESD, DEVACTA
	f.Init(0x54, 4, 0, 0xffffffff)
	f.Init(regDEVACTB, 4, 0, 0xffffffff)
	f.Init(0x5c, 4, 0, 0xffffffff) // DEVRESA to DEVRESJ
	for off := 0x60; off < 0x80; off += 4 {
		f.Init(off, 4, 0, 0xffffffff)
	}
	f.Init(0x63, 1, 0x60, 0xff)
	if cfg.NoSMM {
		f.Init(regDEVACTB+3, 1, apmcEnable, 0xff)
	}
	f.Init(regDEVRESC, 1, flag(cfg.Parallel, 0x80)|0x10, 0xff)
	f.Init(regDEVRESG, 1, flag(cfg.COM[0], 0x08)|flag(cfg.COM[1], 0x90), 0xff)
	f.Init(regPMREGMISC, 1, 0, pmEnable)
	f.Init(regSMBBASE, 4, 1, baseSMBus)
	f.Init(regSMBHSTCFG, 4, 0, 0x0000ff0f) // SMBHSTCFG, SMBREV, SMBSLVC
	f.OnWrite(func(off, size int) {
		if off >= regPMBASE {
			p.update()
		}
	})
	p.smb.region = memory.NewIO("smbus", 16, &p.smb, memory.Widths{Min: 1, Max: 1})
	return p
}

func flag(on bool, bits uint32) uint32 {
	if on {
		return bits
	}
	return 0
}

// Function implements pci.Device.
func (p *PM) Function() *pci.Function { return p.fn }

// APMCEnabled reports whether writes to the port APMC raise system management interrupts.
func (p *PM) APMCEnabled() bool { return p.fn.Get(regDEVACTB+3, 1)&apmcEnable != 0 }

// Reset implements hw.Device. The windows follow at Start.
func (p *PM) Reset(hw.Cause) {
	p.fn.Reset()
	p.smb.reset()
}

// Start implements hw.Starter.
func (p *PM) Start() { p.update() }

// State implements hw.Device.
func (p *PM) State(c *snapshot.Coder) {
	p.fn.State(c)
	c.Group("smbus", p.smb.state)
}

// wanted is where the two blocks belong.
func (p *PM) wanted() (pm, smb uint64) {
	pm, smb = notMapped, notMapped
	if base := p.fn.Get(regPMBASE, 4) & basePM; p.fn.Get(regPMREGMISC, 1)&pmEnable != 0 && base != 0 && p.cfg.PM != nil {
		pm = uint64(base)
	}
	if base := p.fn.Get(regSMBBASE, 4) & baseSMBus; p.fn.Get(regSMBHSTCFG, 1)&smbusEnable != 0 && base != 0 {
		smb = uint64(base)
	}
	return pm, smb
}

// update maps the blocks where the registers say. No lock is held.
func (p *PM) update() {
	p.mu.Lock()
	pm, smb := p.wanted()
	stale := pm != p.pmAt || smb != p.smbusAt
	p.mu.Unlock()
	if !stale {
		return
	}
	p.cfg.Ports.Update(func(e *memory.Edit) {
		p.mu.Lock()
		defer p.mu.Unlock()
		pm, smb := p.wanted()
		move(e, p.cfg.PM, &p.pmAt, pm)
		move(e, p.smb.region, &p.smbusAt, smb)
	})
}

func move(e *memory.Edit, r *memory.Region, at *uint64, to uint64) {
	if *at == to {
		return
	}
	if *at != notMapped {
		e.Unmap(nil, r)
	}
	if to != notMapped {
		e.Map(nil, to, r, portWindow)
	}
	*at = to
}
