package usb

import (
	"slices"
	"sync"

	"govm-desktop/hw"
	"govm-desktop/snapshot"
)

// Function is what makes a Gadget a device of its kind. Its methods are called with the Gadget's lock held.
type Function interface {
	// Control answers a class's or vendor's request, or a standard one for an interface's own descriptors. out is the data stage that came;
	// what is returned is sent, cut to the length asked for. False: the request is refused.
	Control(s Setup, out []byte) (in []byte, ok bool)
	// Serve is called when a transfer has come to a pipe, and when a halt has ended. The transfers stay in the pipe until Finish.
	Serve(p *Pipe)
	// Configured is called when pipes have been made anew: after a reset, SET_CONFIGURATION, SET_INTERFACE and after loading. What was under
	// way on the interface has ended. iface is the interface, -1: all of them.
	Configured(iface int)
}

// Gadget is the shared half of the emulated devices: descriptors, standard requests, the queue of each endpoint, halt, cancel and reset.
// Devices embed it. Its lock is the device's own mu.
type Gadget struct {
	fn     Function
	design Design

	mu        sync.Mutex // guards everything below, and whatever the Function wants guarded
	port      *Port
	hidden    bool // the device does not show itself at its port
	speed     Speed
	config    uint8
	alternate []uint8 // by interface
	wakeup    bool    // the host has enabled remote wake-up
	suspended bool
	pipes     [32]*Pipe // by number, those to the host from 16 on
	news      []news    // to be told when the lock is let go
	spare     []news
	telling   bool
}

// news is a transfer that has ended, or something else to be done without the lock.
type news struct {
	p *Packet
	n int
	s Status
	f func()
}

var (
	_ Device    = (*Gadget)(nil)
	_ Suspender = (*Gadget)(nil)
	_ Describer = (*Gadget)(nil)
)

// Init makes a gadget. Preconditions: called once, before anything else.
func (g *Gadget) Init(d Design, f Function) {
	g.design, g.fn = d, f
	n := 0
	for _, c := range d.Configs {
		n = max(n, c.interfaces())
	}
	g.alternate = make([]uint8, n)
	g.speed = Full
}

// Lock takes the device's lock.
func (g *Gadget) Lock() { g.mu.Lock() }

// Unlock lets go of it, and then tells the controller of the transfers that have ended, in order. If another goroutine is telling already, that
// one goes on with these.
func (g *Gadget) Unlock() {
	if g.telling {
		g.mu.Unlock()
		return
	}
	g.telling = true
	for len(g.news) > 0 {
		list := g.news
		g.news = g.spare[:0]
		g.mu.Unlock()
		for _, e := range list {
			if e.f != nil {
				e.f()
			} else {
				e.p.Complete(e.n, e.s)
			}
		}
		g.mu.Lock()
		clear(list)
		g.spare = list
	}
	g.telling = false
	g.mu.Unlock()
}

// After has f called when the lock has been let go, in the order of what else is told. Preconditions: the lock is held.
func (g *Gadget) After(f func()) { g.news = append(g.news, news{f: f}) }

func (g *Gadget) ended(p *Packet, n int, s Status) { g.news = append(g.news, news{p: p, n: n, s: s}) }

// Product implements Describer.
func (g *Gadget) Product() string { return g.design.Model }

// Socket is where the device is plugged in, or nil.
func (g *Gadget) Socket() *Port {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.port
}

// SpeedNow is the speed that the device runs at. Preconditions: the lock is held.
func (g *Gadget) SpeedNow() Speed { return g.speed }

// Config is the configuration that the host has chosen, 0: none. Preconditions: the lock is held.
func (g *Gadget) Config() uint8 { return g.config }

// Alternate is the setting of an interface. Preconditions: the lock is held.
func (g *Gadget) Alternate(iface int) uint8 { return g.alternate[iface] }

// Suspended reports whether the port is suspended. Preconditions: the lock is held.
func (g *Gadget) Suspended() bool { return g.suspended }

// Pipe is an endpoint of the present settings; nil: there is none. Preconditions: the lock is held.
func (g *Gadget) Pipe(address uint8) *Pipe { return g.pipes[address&0xf|address>>3&0x10] }

// Show has the device appear at its port, or disappear from it: for those that come and go while plugged in. Preconditions: the lock is held.
func (g *Gadget) Show(on bool) {
	if g.hidden == !on {
		return
	}
	g.hidden = !on
	if g.port == nil {
		return
	}
	if on {
		g.connect()
		return
	}
	g.reset(Disconnected)
	g.After(g.port.Disconnect)
}

// connect shows the device at the fastest speed that it and the port have.
func (g *Gadget) connect() {
	port := g.port
	for s := SuperPlus; s > SpeedNone; s-- {
		if g.design.Speeds.Has(s) && port.Accepts(s) {
			g.speed = s
			g.reset(Disconnected)
			g.After(func() { port.Connect(s) })
			return
		}
	}
}

// Plug implements Device.
func (g *Gadget) Plug(p *Port) {
	g.Lock()
	defer g.Unlock()
	g.port = p
	if p == nil {
		g.reset(Disconnected)
	} else if !g.hidden {
		g.connect()
	}
}

// Reset implements hw.Device.
func (g *Gadget) Reset(c hw.Cause) {
	g.Lock()
	defer g.Unlock()
	if c == hw.WakeUp {
		g.dropAll(Cancelled)
		return
	}
	g.reset(Cancelled)
}

// reset is the Default state (USB 2.0, 9.1.1).
func (g *Gadget) reset(s Status) {
	g.dropAll(s)
	g.config, g.wakeup, g.suspended = 0, false, false
	clear(g.alternate)
	g.pipes = [32]*Pipe{}
	g.fn.Configured(-1)
}

func (g *Gadget) dropAll(s Status) {
	for _, p := range g.pipes {
		if p != nil {
			p.drop(s)
		}
	}
}

// Suspend implements Suspender.
func (g *Gadget) Suspend(on bool) {
	g.Lock()
	defer g.Unlock()
	g.suspended = on
}

// Wake signals resume, if the port is suspended and the host wants to be woken. Preconditions: the lock is held.
func (g *Gadget) Wake() {
	if g.suspended && g.wakeup && g.port != nil {
		g.After(g.port.Wake)
	}
}

// Submit implements Device.
func (g *Gadget) Submit(p *Packet) {
	g.Lock()
	defer g.Unlock()
	p.pipe, p.moved, p.claimed, p.cancelled = nil, 0, false, false
	pipe := g.Pipe(p.Endpoint)
	switch {
	case g.port == nil || g.hidden:
		g.ended(p, 0, Disconnected)
	case p.Endpoint&0xf == 0:
		g.control(p)
	case pipe == nil || pipe.halted || p.Stream != 0 && (pipe.Streams == 0 || uint(p.Stream) > 1<<pipe.Streams):
		g.ended(p, 0, Stall)
	default:
		p.pipe = pipe
		pipe.queue = append(pipe.queue, p)
		g.fn.Serve(pipe)
	}
}

// Cancel implements Device.
func (g *Gadget) Cancel(p *Packet) {
	g.Lock()
	defer g.Unlock()
	switch pipe := p.pipe; {
	case pipe == nil: // it has ended
	case pipe.g != g:
	case p.claimed:
		if !p.cancelled {
			p.cancelled, p.end = true, Cancelled
		}
	default:
		pipe.Finish(p, Cancelled)
	}
}

// configure makes the pipes of a configuration, or none for 0.
func (g *Gadget) configure(value uint8) {
	g.dropAll(Cancelled)
	g.config = value
	clear(g.alternate)
	g.build()
	g.fn.Configured(-1)
}

// active is the configuration in use, or nil.
func (g *Gadget) active() *Configuration { return g.find(g.config) }

func (g *Gadget) find(value uint8) *Configuration {
	i := slices.IndexFunc(g.design.Configs, func(c Configuration) bool { return c.Value == value })
	if i < 0 || value == 0 {
		return nil
	}
	return &g.design.Configs[i]
}

// build makes the pipes of the settings in force, none of them halted.
func (g *Gadget) build() {
	g.pipes = [32]*Pipe{}
	if c := g.active(); c != nil {
		for i := range c.interfaces() {
			g.addPipes(c.setting(uint8(i), g.alternate[i]))
		}
	}
}

func (g *Gadget) addPipes(t *Setting) {
	for _, e := range t.Endpoints {
		p := &Pipe{Endpoint: e, Packet: e.PacketAt(g.speed), g: g}
		if g.speed < Super {
			p.Streams = 0
		}
		g.pipes[e.Address&0xf|e.Address>>3&0x10] = p
	}
}

// alter puts an interface into another setting.
func (g *Gadget) alter(c *Configuration, iface, alt uint8) {
	for _, e := range c.setting(iface, g.alternate[iface]).Endpoints {
		g.Pipe(e.Address).drop(Cancelled)
		g.pipes[e.Address&0xf|e.Address>>3&0x10] = nil
	}
	g.alternate[iface] = alt
	g.addPipes(c.setting(iface, alt))
	g.fn.Configured(int(iface))
}

// State implements hw.Device for the shared half; devices that have more call GadgetState under their own lock instead.
func (g *Gadget) State(c *snapshot.Coder) {
	g.Lock()
	defer g.Unlock()
	g.GadgetState(c)
}

// GadgetState saves or loads the shared half. Transfers are no part of it: the controller has cancelled them, and sends them again.
// Preconditions: the lock is held.
func (g *Gadget) GadgetState(c *snapshot.Coder) {
	var halted uint32
	for i, p := range g.pipes {
		if p != nil && p.halted {
			halted |= 1 << i
		}
	}
	c.Group("usb", func(c *snapshot.Coder) {
		snapshot.Field(c, "speed", &g.speed)
		snapshot.Field(c, "config", &g.config)
		c.Bytes("alternate", g.alternate)
		snapshot.Field(c, "wakeup", &g.wakeup)
		snapshot.Field(c, "suspended", &g.suspended)
		snapshot.Field(c, "halted", &halted)
	})
	if !c.Loading() {
		return
	}
	if !g.design.Speeds.Has(g.speed) {
		g.speed = Full
	}
	g.mend()
	g.dropAll(Cancelled)
	g.build()
	for i, p := range g.pipes {
		if p != nil {
			p.halted = halted>>i&1 != 0
		}
	}
	g.fn.Configured(-1)
}

// mend takes back what a damaged stream has loaded and the design has not.
func (g *Gadget) mend() {
	cfg := g.active()
	if cfg == nil {
		g.config = 0
	}
	for i, alt := range g.alternate {
		if cfg == nil || cfg.setting(uint8(i), alt) == nil {
			g.alternate[i] = 0
		}
	}
}
