// Package ps2 models the PC's keyboard controller (Intel 8042 with IBM's firmware: IBM PS/2 hardware technical reference, 1988), an AT
// keyboard (IBM PS/2 keyboard technical reference; scan sets 1, 2 and 3) and a PS/2 mouse with Microsoft's wheel and five-button extensions.
//
// Bytes wait in the devices while the controller's one output buffer is full; after a read the next one follows a fifth of a millisecond later, so that a
// chain of interrupt handlers may read the same byte several times, as it may on a PC. Commands take no time. The controller's password and its
// diagnostic dump are left out, as are the fake shifts that keyboards put around the grey keys.
package ps2

import (
	"fmt"
	"io"
	"sync"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/input"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// gap is the time between a read of the output buffer and the next byte from a device.
const gap = 200 * clock.Microsecond

// Bits of the status register, of the command byte and of the output port.
const (
	statOBF  = 1 << 0
	statSYS  = 1 << 2
	statCMD  = 1 << 3 // the last write was to port 64
	statOpen = 1 << 4 // the keyboard is not locked
	statAux  = 1 << 5 // the byte is from the mouse

	modeKbdInt  = 1 << 0
	modeAuxInt  = 1 << 1
	modeSYS     = 1 << 2
	modeKbdOff  = 1 << 4
	modeAuxOff  = 1 << 5
	modeXlate   = 1 << 6
	outReset    = 1 << 0 // low resets the processor
	outA20      = 1 << 1
	outKbdFull  = 1 << 4
	outAuxFull  = 1 << 5
	outPullUps  = 0xcc
	ramReset    = modeKbdInt | modeAuxInt | modeSYS | modeXlate
	inputPort   = 0xa0 // not locked, colour display
	keyboardAck = 0xfa
)

// Config is what the controller is wired to.
type Config struct {
	Clock    clock.Clock
	IRQ1     hw.Line          // keyboard
	IRQ12    hw.Line          // mouse
	A20      hw.Line          // bit 1 of the output port; nil: goes nowhere
	ResetCPU func()           // bit 0 of the output port fell; called with no lock held
	LEDs     func(input.LEDs) // the guest changed the keyboard's lights; called with no lock held
	// Scancode is the make code of a key in scan set 1, 2 or 3, with its E0 or E1; false: the keyboard has no such key.
	Scancode func(code input.Code, set int) (make []byte, ok bool)
}

// source says where the byte in the output buffer came from.
type source uint8

const (
	fromController source = iota
	fromKeyboard
	fromMouse
)

// Controller is the keyboard controller with both its devices. Ports gives its registers; Keyboard and Mouse are the sinks of input.
type Controller struct {
	cfg   Config
	timer clock.Timer // the next byte may come
	kbd   keyboard
	mouse mouse

	mu      sync.Mutex // guards everything below, and the devices; held while lines are set
	ram     [32]uint8  // byte 0 is the command byte
	out     uint8      // the output port
	obf     bool
	obfFrom source
	data    uint8 // the output buffer, which stays readable
	scan    bool  // what is in it is of a key, not an answer
	saved   bool  // a device's byte that a reply of the controller's has pushed aside
	savedBy source
	savedAs uint8
	// savedScan: it is of a key.
	savedScan bool
	lastCmd   bool  // the last write was to port 64
	pending   uint8 // the command whose data byte is awaited; 0: none
	xlateF0   bool  // a break prefix was swallowed
	readyAt   clock.Time
	leds      input.LEDs // as last told
}

// New returns a controller in its reset state.
func New(cfg Config) *Controller {
	for _, l := range []*hw.Line{&cfg.IRQ1, &cfg.IRQ12, &cfg.A20} {
		if *l == nil {
			*l = hw.NoLine
		}
	}
	if cfg.ResetCPU == nil {
		cfg.ResetCPU = func() {}
	}
	if cfg.LEDs == nil {
		cfg.LEDs = func(input.LEDs) {}
	}
	if cfg.Scancode == nil {
		cfg.Scancode = func(input.Code, int) ([]byte, bool) { return nil, false }
	}
	c := &Controller{cfg: cfg}
	c.timer = cfg.Clock.NewTimer(c.wake)
	c.kbd.c, c.mouse.c = c, c
	c.kbd.typematic = cfg.Clock.NewTimer(c.kbd.fire)
	c.mouse.timer = cfg.Clock.NewTimer(c.mouse.fire)
	c.Reset(hw.PowerOn)
	return c
}

// Reset implements hw.Device.
func (c *Controller) Reset(hw.Cause) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer.Stop()
	c.ram = [32]uint8{ramReset}
	c.out = outReset | outA20 | outPullUps
	c.obf, c.obfFrom, c.data, c.lastCmd, c.pending, c.xlateF0, c.readyAt = false, 0, 0, false, 0, false, 0
	c.scan, c.saved, c.savedBy, c.savedAs, c.savedScan = false, false, 0, 0, false
	c.kbd.powerOn()
	c.mouse.powerOn()
}

// Start implements hw.Starter.
func (c *Controller) Start() {
	c.mu.Lock()
	c.cfg.A20.Set(c.out&outA20 != 0)
	c.pump()
	c.lines()
	c.kbd.arm()
	c.mouse.arm()
	c.mu.Unlock()
	c.tellLEDs()
}

// State implements hw.Device.
func (c *Controller) State(s *snapshot.Coder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Bytes("ram", c.ram[:])
	snapshot.Field(s, "out", &c.out)
	snapshot.Field(s, "obf", &c.obf)
	snapshot.Field(s, "from", &c.obfFrom)
	snapshot.Field(s, "data", &c.data)
	snapshot.Field(s, "saved", &c.saved)
	snapshot.Field(s, "scan", &c.scan)
	snapshot.Field(s, "savedscan", &c.savedScan)
	snapshot.Field(s, "savedfrom", &c.savedBy)
	snapshot.Field(s, "saveddata", &c.savedAs)
	snapshot.Field(s, "lastcmd", &c.lastCmd)
	snapshot.Field(s, "pending", &c.pending)
	snapshot.Field(s, "xlatef0", &c.xlateF0)
	snapshot.Field(s, "readyat", &c.readyAt)
	s.Group("keyboard", c.kbd.state)
	s.Group("mouse", c.mouse.state)
	if s.Loading() {
		c.readyAt = min(c.readyAt, c.cfg.Clock.Now()+gap)
	}
}

// Inspect implements hw.Inspector.
func (c *Controller) Inspect(w io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(w, "status=%02x command byte=%02x output port=%02x data=%02x\n", c.status(), c.ram[0], c.out, c.data)
	fmt.Fprintf(w, "keyboard: scanning=%t set=%d leds=%d queued=%d\n", c.kbd.scanning, c.kbd.set, c.kbd.leds, len(c.kbd.q))
	fmt.Fprintf(w, "mouse: reporting=%t id=%d rate=%d remote=%t queued=%d\n", c.mouse.reporting, c.mouse.id, c.mouse.rate, c.mouse.remote, len(c.mouse.q))
}

// Data is port 60, Command port 64.
func (c *Controller) Data() memory.Handler { return (*dataPort)(c) }

// Command is port 64.
func (c *Controller) Command() memory.Handler { return (*commandPort)(c) }

type (
	dataPort    Controller
	commandPort Controller
)

// Read implements memory.Handler.
func (p *dataPort) Read(uint64, int) uint64 {
	c := (*Controller)(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.data
	if c.obf {
		c.obf = false
		c.readyAt = c.cfg.Clock.Now() + gap
		c.pump()
		c.lines()
	}
	return uint64(v)
}

// Write implements memory.Handler.
func (p *dataPort) Write(_ uint64, _ int, val uint64) {
	c := (*Controller)(p)
	c.mu.Lock()
	c.lastCmd = false
	reset := c.writeData(uint8(val))
	c.pump()
	c.lines()
	c.mu.Unlock()
	if reset {
		c.cfg.ResetCPU()
	}
	c.tellLEDs()
}

// Read implements memory.Handler.
func (p *commandPort) Read(uint64, int) uint64 {
	c := (*Controller)(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.obf { // a byte whose time has come is there, even if the timer's goroutine is late
		if c.pump(); c.obf {
			c.lines()
		}
	}
	return uint64(c.status())
}

// Write implements memory.Handler.
func (p *commandPort) Write(_ uint64, _ int, val uint64) {
	c := (*Controller)(p)
	c.mu.Lock()
	c.lastCmd = true
	reset := c.command(uint8(val))
	c.pump()
	c.lines()
	c.mu.Unlock()
	if reset {
		c.cfg.ResetCPU()
	}
}

// tellLEDs passes a change of the lights on. Preconditions: mu is not held, since displays come in through it with locks of their own.
func (c *Controller) tellLEDs() {
	c.mu.Lock()
	now := c.kbd.leds
	changed := now != c.leds
	c.leds = now
	c.mu.Unlock()
	if changed {
		c.cfg.LEDs(now)
	}
}

// status is the status register.
// Preconditions of all below: mu is held.
func (c *Controller) status() uint8 {
	v := uint8(statOpen) | c.ram[0]&statSYS
	if c.obf {
		v |= statOBF
		if c.obfFrom == fromMouse {
			v |= statAux
		}
	}
	if c.lastCmd {
		v |= statCMD
	}
	return v
}

// lines brings the interrupt lines up to date.
func (c *Controller) lines() {
	c.cfg.IRQ1.Set(c.obf && c.obfFrom != fromMouse && c.ram[0]&modeKbdInt != 0)
	c.cfg.IRQ12.Set(c.obf && c.obfFrom == fromMouse && c.ram[0]&modeAuxInt != 0)
}

// reply puts a byte of the controller's own into the output buffer at once: who gives a command reads its answer next. A device's byte that
// is there comes again afterwards.
func (c *Controller) reply(v uint8, as source) {
	if c.obf && c.obfFrom != fromController {
		c.saved, c.savedBy, c.savedAs, c.savedScan = true, c.obfFrom, c.data, c.scan
	}
	c.obf = false
	c.lines()
	c.obf, c.obfFrom, c.data, c.scan = true, as, v, false
}

// pump moves the next byte of a device into the output buffer if that is empty. The keyboard comes first.
func (c *Controller) pump() {
	if !c.obf && c.saved && !(c.savedBy == fromKeyboard && c.kbd.commanded()) {
		c.lines()
		c.obf, c.obfFrom, c.data, c.scan, c.saved = true, c.savedBy, c.savedAs, c.savedScan, false
	}
	for !c.obf {
		kbd := c.kbd.waiting() && c.ram[0]&modeKbdOff == 0
		aux := len(c.mouse.q) > 0 && c.ram[0]&modeAuxOff == 0
		if !kbd && !aux {
			return
		}
		if now := c.cfg.Clock.Now(); now < c.readyAt {
			c.timer.Set(c.readyAt)
			return
		}
		c.lines() // low between two bytes, for an edge each
		if !kbd {
			c.obf, c.obfFrom, c.data, c.scan = true, fromMouse, c.mouse.q.take(), false
			return
		}
		scan := len(c.kbd.replies) == 0
		if v, ok := c.translate(c.kbd.take()); ok {
			c.obf, c.obfFrom, c.data, c.scan = true, fromKeyboard, v, scan
		}
	}
}

func (c *Controller) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pump()
	c.lines()
}

// translate turns set 2 into set 1 if the command byte says so; false: the byte is a prefix that is swallowed.
func (c *Controller) translate(v uint8) (uint8, bool) {
	if c.ram[0]&modeXlate == 0 {
		c.xlateF0 = false
		return v, true
	}
	if v == 0xf0 {
		c.xlateF0 = true
		return 0, false
	}
	t := v
	if v < 0x80 {
		t = translation[v]
	} else if v == 0x83 {
		t = 0x41
	} else if v == 0x84 {
		t = 0x54
	}
	if c.xlateF0 {
		t |= 0x80
		c.xlateF0 = false
	}
	return t, true
}
