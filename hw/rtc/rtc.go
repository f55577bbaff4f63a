// Package rtc models the MC146818 real-time clock (Motorola MC146818A, 1984) with 128 bytes of battery-backed RAM, the CMOS, and a second bank
// of 128 bytes at ports 72 and 73 (Intel PIIX4 datasheet, 11.3).
//
// The calendar is computed from virtual time when it is read; the host's clock sets it once. Registers keep their old values until an update
// is over, so that reading twice as fast or a million times as fast gives the same time. Interrupt flags are worked out when register C is read; a timer
// runs only for enabled interrupts that are not yet pending. The square-wave pin and daylight saving (whose rules are no more) are left out.
package rtc

import (
	"sync"
	"time"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/snapshot"
)

// Registers.
const (
	regSeconds      = 0x00
	regSecondsAlarm = 0x01
	regMinutes      = 0x02
	regMinutesAlarm = 0x03
	regHours        = 0x04
	regHoursAlarm   = 0x05
	regDayOfWeek    = 0x06
	regDay          = 0x07
	regMonth        = 0x08
	regYear         = 0x09
	regA            = 0x0a
	regB            = 0x0b
	regC            = 0x0c
	regD            = 0x0d
	regCentury      = 0x32
)

// Bits of registers A to D.
const (
	aUIP     = 1 << 7
	aDivider = 7 << 4
	aRate    = 15

	bSET  = 1 << 7
	bPIE  = 1 << 6
	bAIE  = 1 << 5
	bUIE  = 1 << 4
	bSQWE = 1 << 3
	bDM   = 1 << 2 // binary
	b24   = 1 << 1

	cIRQF = 1 << 7
	cPF   = 1 << 6
	cAF   = 1 << 5
	cUF   = 1 << 4

	dVRT = 1 << 7
)

// Times of the update cycle with a 32 kHz crystal (datasheet, table 5): UIP goes high uip before the end of it.
const (
	update = 1984 * clock.Microsecond
	warn   = 244 * clock.Microsecond
	uip    = update + warn
)

// base is the frequency of the divider chain behind the periodic interrupt.
const base = 32768

// Config is what the clock is wired to.
type Config struct {
	Clock clock.Clock
	IRQ   hw.Line
	// Now is the date at power-on, in the time zone that the guest's clock shall keep. nil: the host's UTC.
	Now func() time.Time
}

// RTC is the clock. Its registers are ports 70 and 71, and 72 and 73 for the second bank.
type RTC struct {
	cfg   Config
	timer clock.Timer

	mu      sync.Mutex // guards everything below; held while the IRQ is set
	index   [2]uint8
	ram     [256]uint8 // with registers A to C, and the calendar while it stands still
	secs    int64      // the calendar's time at origin, in seconds since 1970
	origin  clock.Time // a moment at which the seconds changed
	weekday uint8      // added to the true day of the week, minus 1
	checked clock.Time // the flags in register C are right up to here
}

// New returns a clock set from cfg.Now, with an empty CMOS.
func New(cfg Config) *RTC {
	if cfg.IRQ == nil {
		cfg.IRQ = hw.NoLine
	}
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.Now().UTC() }
	}
	r := &RTC{cfg: cfg}
	r.timer = cfg.Clock.NewTimer(r.fire)
	now := cfg.Now()
	_, zone := now.Zone()
	r.secs = now.Unix() + int64(zone)
	r.origin = cfg.Clock.Now() - clock.Time(now.Nanosecond())
	r.checked = cfg.Clock.Now()
	r.ram[regA] = 0x26
	r.ram[regB] = b24
	return r
}

// Reset implements hw.Device. The battery keeps everything but the interrupt enables and flags (datasheet, "RESET").
func (r *RTC) Reset(hw.Cause) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timer.Stop()
	r.ram[regB] &^= bPIE | bAIE | bUIE | bSQWE
	r.ram[regC] = 0
	r.index = [2]uint8{}
	r.checked = r.cfg.Clock.Now()
}

// Start implements hw.Starter.
func (r *RTC) Start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refresh()
}

// State implements hw.Device.
func (r *RTC) State(c *snapshot.Coder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	snapshot.Field(c, "index", &r.index[0])
	snapshot.Field(c, "index2", &r.index[1])
	c.Bytes("ram", r.ram[:])
	snapshot.Field(c, "secs", &r.secs)
	snapshot.Field(c, "origin", &r.origin)
	snapshot.Field(c, "weekday", &r.weekday)
	snapshot.Field(c, "checked", &r.checked)
	if c.Loading() {
		const far = 1 << 61
		r.secs = min(max(r.secs, -far), far)
		r.origin = min(max(r.origin, -far), far)
		r.checked = min(max(r.checked, 0), far)
		r.weekday %= 7
		r.index[0] &= 0x7f
		r.index[1] &= 0x7f
	}
}

// SetCMOS sets a byte of the battery-backed RAM: how a board tells its firmware of itself.
func (r *RTC) SetCMOS(i int, v uint8) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ram[i&0xff] = v
}

// CMOS is a byte of the battery-backed RAM.
func (r *RTC) CMOS(i int) uint8 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ram[i&0xff]
}

// Time is the calendar's date and time.
func (r *RTC) Time() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Unix(r.now(), 0).UTC()
}

// Read implements memory.Handler.
func (r *RTC) Read(off uint64, _ int) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch off & 3 {
	case 1:
		return uint64(r.read(r.index[0]))
	case 3:
		return uint64(r.ram[0x80|r.index[1]])
	case 2:
		return uint64(r.index[1])
	}
	return 0xff // the index is write-only
}

// Write implements memory.Handler. Bit 7 of the index masks NMI, which nothing here raises.
func (r *RTC) Write(off uint64, _ int, val uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := uint8(val)
	switch off & 3 {
	case 0:
		r.index[0] = v & 0x7f
	case 1:
		r.write(r.index[0], v)
	case 2:
		r.index[1] = v & 0x7f
	case 3:
		r.ram[0x80|r.index[1]] = v
	}
}

func (r *RTC) read(i uint8) uint8 {
	switch i {
	case regSeconds, regMinutes, regHours, regDayOfWeek, regDay, regMonth, regYear, regCentury:
		r.show()
		return r.ram[i]
	case regA:
		if r.running() && r.phase() >= clock.Second-uip {
			return r.ram[regA] | aUIP
		}
		return r.ram[regA]
	case regC:
		return r.readC()
	case regD:
		return dVRT
	}
	return r.ram[i]
}

func (r *RTC) write(i, v uint8) {
	switch i {
	case regSeconds, regMinutes, regHours, regDayOfWeek, regDay, regMonth, regYear, regCentury:
		r.flags()
		r.show()
		r.ram[i] = v
		if r.running() {
			r.set(r.cfg.Clock.Now() - r.phase())
		}
		r.refresh()
	case regSecondsAlarm, regMinutesAlarm, regHoursAlarm:
		r.flags()
		r.ram[i] = v
		r.refresh()
	case regA:
		r.writeControl(i, v&^aUIP)
	case regB:
		if v&bSET != 0 {
			v &^= bUIE // datasheet, register B
		}
		r.writeControl(i, v)
	case regC, regD:
	default:
		r.ram[i] = v
	}
}

// writeControl changes register A or B: the calendar may stop or go on, or show itself in another format.
func (r *RTC) writeControl(i, v uint8) {
	r.flags()
	was := r.running()
	if was {
		r.show()
	}
	now, held := r.cfg.Clock.Now(), r.ram[regA]&0x60 == 0x60
	old := r.at(now)
	r.ram[i] = v
	switch {
	case was && !r.running():
		r.secs, r.origin = old, now-r.phase()
	case !was && r.running() && i == regA && held:
		r.set(now - clock.Second/2) // out of divider reset the first update comes after half a second
	case !was && r.running():
		r.set(now - r.phase()) // SET does not stop the divider
	}
	r.refresh()
}
