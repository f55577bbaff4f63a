// Package ide models the IDE function of the PIIX3 (Intel 82371SB, 290550): two channels at the legacy ports, with a bus master for each
// (Programming Interface for Bus Master IDE Controller, revision 1.0). The drives are package ata's.
//
// Left out: timing (the IDETIM registers hold what is written), the decode enable bits (the legacy ports always answer, as software that
// never saw a BIOS expects), and the simplex bit.
package ide

import (
	"errors"
	"fmt"
	"io"

	"govm-desktop/hw"
	"govm-desktop/hw/ata"
	"govm-desktop/hw/pci"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// Registers of the configuration space.
const (
	regIDETIM  = 0x40 // a word for each channel
	regSIDETIM = 0x44
	busMaster  = 4 // the BAR
)

// Config says what the controller is connected to.
type Config struct {
	Drives [2][2]*ata.Drive // by channel (primary, secondary) and device (master, slave); nil: none
	IRQ    [2]hw.Line       // of the channels: IRQ 14 and 15
}

// Controller is the function, 8086:7010.
type Controller struct {
	fn       *pci.Function
	channels [2]*channel
}

// New returns the controller with its drives attached; Close ends their workers.
func New(cfg Config) *Controller {
	f := pci.NewFunction(pci.ID{Vendor: 0x8086, Device: 0x7010, Class: 0x010180, SubVendor: 0x1af4, SubsystemID: 0x1100})
	f.Init(pci.Status, 2, pci.StatusFastB2B|pci.StatusDevselMed, 0)
	f.Init(regIDETIM, 4, 0, 0xffffffff)
	f.Init(regSIDETIM, 1, 0, 0xff)
	c := &Controller{fn: f}
	f.SetBAR(busMaster, pci.IO, memory.NewIO("ide-busmaster", 16, (*masters)(c), memory.Widths{Min: 1, Max: 4}))
	for i := range c.channels {
		ch := &channel{irq: cfg.IRQ[i], drives: cfg.Drives[i], dma: f.DMA()}
		if ch.irq == nil {
			ch.irq = hw.NoLine
		}
		for unit, d := range ch.drives {
			if d != nil {
				d.Attach(ch, unit)
			}
		}
		ch.command = memory.NewIO(fmt.Sprintf("ide%d-command", i), 8, (*commandBlock)(ch), memory.Widths{Min: 1, Max: 4})
		ch.control = memory.NewIO(fmt.Sprintf("ide%d-control", i), 1, (*controlBlock)(ch), memory.Widths{Min: 1, Max: 1})
		c.channels[i] = ch
	}
	return c
}

// MapLegacy puts the channels at the ports that PCs have them at.
func (c *Controller) MapLegacy(e *memory.Edit) {
	for i, at := range []struct{ command, control uint64 }{{0x1f0, 0x3f6}, {0x170, 0x376}} {
		e.Map(nil, at.command, c.channels[i].command, 0)
		e.Map(nil, at.control, c.channels[i].control, 0)
	}
}

// Function implements pci.Device.
func (c *Controller) Function() *pci.Function { return c.fn }

// Drive is a drive, by channel and device, or nil.
func (c *Controller) Drive(channel, device int) *ata.Drive { return c.channels[channel].drives[device] }

// Reset implements hw.Device.
func (c *Controller) Reset(hw.Cause) {
	c.fn.Reset()
	for _, ch := range c.channels {
		ch.reset()
	}
}

// Start implements hw.Starter.
func (c *Controller) Start() {
	for _, ch := range c.channels {
		ch.start()
	}
}

// State implements hw.Device.
func (c *Controller) State(s *snapshot.Coder) {
	c.fn.State(s)
	for i, ch := range c.channels {
		s.Group(fmt.Sprintf("channel%d", i), ch.state)
	}
}

// Drain implements hw.Drainer.
func (c *Controller) Drain() {
	for _, ch := range c.channels {
		for _, d := range ch.drives {
			if d != nil {
				d.Drain()
			}
		}
	}
}

// Close implements io.Closer.
func (c *Controller) Close() error {
	var errs []error
	for _, ch := range c.channels {
		for _, d := range ch.drives {
			if d != nil {
				errs = append(errs, d.Close())
			}
		}
	}
	return errors.Join(errs...)
}

// Inspect implements hw.Inspector.
func (c *Controller) Inspect(w io.Writer) {
	for i, ch := range c.channels {
		ch.mu.Lock()
		fmt.Fprintf(w, "channel %d: device %d, control %02x, bus master %02x/%02x at %08x\n", i, ch.selected, ch.ctl, ch.bm.command, ch.bm.status, ch.bm.table)
		for unit, d := range ch.drives {
			if d != nil {
				fmt.Fprintf(w, "  device %d: status %02x error %02x\n", unit, d.ReadReg(ata.RegStatus, false), d.ReadReg(ata.RegError, false))
			}
		}
		ch.mu.Unlock()
	}
}
