// Package acpi models the power management registers of the PIIX4 (Intel 82371AB datasheet, chapter 7.2; ACPI specification, chapter 4): PM1 event and
// control blocks, the 3.579545 MHz timer, general-purpose events, the SMI command port with its status port.
//
// The PCI function around the registers is a chip of its own. A board without system management mode has ACPI switched on and off here, by
// the command bytes that its FADT names. The throttling and idle registers, the device monitors and the general-purpose pins are storage without effect.
package acpi

import (
	"fmt"
	"io"
	"sync"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// TimerHz is the frequency of the PM timer, 24 bits wide.
const TimerHz = 3579545

const (
	timerMask = 1<<24 - 1
	timerHalf = 1 << 23 // its top bit: TMR_STS is set whenever it changes
)

// Registers of the block at PMBASE.
const (
	regPMSTS   = 0x00
	regPMEN    = 0x02
	regPMCNTRL = 0x04
	regPMTMR   = 0x08
	regGPSTS   = 0x0c
	regGLBCTL  = 0x28
	blockSize  = 0x40
)

// Bits of PMSTS and PMEN, and of PMCNTRL.
const (
	tmrSTS    = 1 << 0
	gblSTS    = 1 << 5
	pwrbtnSTS = 1 << 8
	slpbtnSTS = 1 << 9
	rtcSTS    = 1 << 10
	wakSTS    = 1 << 15

	enables  = tmrSTS | gblSTS | pwrbtnSTS | slpbtnSTS | rtcSTS
	statuses = enables | wakSTS

	sciEN    = 1 << 0
	gblRLS   = 1 << 2
	slpTYP   = 7 << 10
	slpEN    = 1 << 13
	cntrlRW  = 0x1c07
	typShift = 10
)

// Command bytes of the SMI command port, as the FADT names them.
const (
	CommandEnable  = 0xf1
	CommandDisable = 0xf0
)

// Sleep is a sleeping state.
type Sleep int

// Sleeping states: suspend to RAM, to disk, off.
const (
	S3 Sleep = 3 + iota
	S4
	S5
)

// Config is what the registers are wired to. All but Clock may be nil.
type Config struct {
	Clock clock.Clock
	SCI   hw.Line
	// SMI is called, with no lock held, for each write of the command port: a board with system management mode raises an SMI.
	SMI func(command uint8)
	// Sleep is called, with no lock held, when the guest goes to sleep: S3 suspends, S4 and S5 power off.
	Sleep func(state Sleep)
	// Types gives the state that each SLP_TYP stands for, 0: none. All zero: 0 is S5, 1 is S3, 2 is S4, as firmware's own tables for this chip have it.
	Types [8]Sleep
}

// PM is the registers.
type PM struct {
	cfg   Config
	timer clock.Timer

	mu       sync.Mutex // guards everything below; held while the SCI is set
	sts, en  uint16
	cntrl    uint16
	gpeSTS   uint16
	gpeEN    uint16
	gpe      uint16           // levels of the events
	block    [blockSize]uint8 // the other registers of the block
	apmc     uint8
	apms     uint8
	checked  clock.Time // TMR_STS is right up to here
	sleeping bool       // in S3
}

// New returns the registers in their reset state.
func New(cfg Config) *PM {
	if cfg.SCI == nil {
		cfg.SCI = hw.NoLine
	}
	if cfg.SMI == nil {
		cfg.SMI = func(uint8) {}
	}
	if cfg.Sleep == nil {
		cfg.Sleep = func(Sleep) {}
	}
	if cfg.Types == [8]Sleep{} {
		cfg.Types = [8]Sleep{S5, S3, S4}
	}
	p := &PM{cfg: cfg}
	p.timer = cfg.Clock.NewTimer(p.fire)
	p.Reset(hw.PowerOn)
	return p
}

// Reset implements hw.Device. After S3 the wake status stays for the firmware to find.
func (p *PM) Reset(cause hw.Cause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer.Stop()
	if cause == hw.WakeUp {
		p.sts &= wakSTS | pwrbtnSTS | slpbtnSTS | rtcSTS
	} else {
		p.sts = 0
	}
	p.en, p.cntrl = 0, 0
	p.gpeSTS, p.gpeEN, p.gpe = 0, 0, 0
	p.block = [blockSize]uint8{}
	p.apmc, p.apms, p.sleeping = 0, 0, false
	p.checked = p.cfg.Clock.Now()
}

// Start implements hw.Starter.
func (p *PM) Start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.update()
}

// State implements hw.Device.
func (p *PM) State(c *snapshot.Coder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	snapshot.Field(c, "pmsts", &p.sts)
	snapshot.Field(c, "pmen", &p.en)
	snapshot.Field(c, "pmcntrl", &p.cntrl)
	snapshot.Field(c, "gpests", &p.gpeSTS)
	snapshot.Field(c, "gpeen", &p.gpeEN)
	snapshot.Field(c, "gpe", &p.gpe)
	c.Bytes("block", p.block[:])
	snapshot.Field(c, "apmc", &p.apmc)
	snapshot.Field(c, "apms", &p.apms)
	snapshot.Field(c, "checked", &p.checked)
	snapshot.Field(c, "sleeping", &p.sleeping)
	if c.Loading() {
		p.checked = min(max(p.checked, 0), p.cfg.Clock.Now())
	}
}

// Inspect implements hw.Inspector.
func (p *PM) Inspect(w io.Writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(w, "pm1 sts=%04x en=%04x cntrl=%04x timer=%06x gpe sts=%04x en=%04x sleeping=%t\n",
		p.sts, p.en, p.cntrl, p.count(p.cfg.Clock.Now())&timerMask, p.gpeSTS, p.gpeEN, p.sleeping)
}

// PowerButton presses the power button. It reports whether the guest will hear of it: one without ACPI does not.
func (p *PM) PowerButton() bool { return p.event(pwrbtnSTS) }

// SleepButton presses the sleep button.
func (p *PM) SleepButton() bool { return p.event(slpbtnSTS) }

// RTCAlarm is the real-time clock's alarm, which wakes from S3.
func (p *PM) RTCAlarm() bool { return p.event(rtcSTS) }

func (p *PM) event(bit uint16) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sts |= bit
	p.update()
	return p.en&bit != 0 && p.cntrl&sciEN != 0
}

// Wake ends S3: the wake status is set. It reports whether the guest was asleep; the board then resets the machine with hw.WakeUp.
func (p *PM) Wake() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.sleeping
	p.sleeping = false
	if was {
		p.sts |= wakSTS
		p.update()
	}
	return was
}

// GPE is the wire of a general-purpose event, 0 to 15.
func (p *PM) GPE(n int) hw.Line {
	bit := uint16(1) << (n & 15)
	return hw.LineFunc(func(high bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if high {
			p.gpe |= bit
			p.gpeSTS |= bit
		} else {
			p.gpe &^= bit
		}
		p.update()
	})
}

// Block is the 64 bytes at PMBASE, GPE0 the four bytes of the general-purpose events (status, enable), SMI the ports B2 and B3. All want memory.Any.
func (p *PM) Block() memory.Handler { return (*block)(p) }

// GPE0 is the block of general-purpose events.
func (p *PM) GPE0() memory.Handler { return (*gpe)(p) }

// SMI is the command and status port of system management, B2 and B3.
func (p *PM) SMI() memory.Handler { return (*smi)(p) }

type (
	block PM
	gpe   PM
	smi   PM
)
