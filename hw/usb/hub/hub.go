// Package hub models a USB 2.0 hub with individual power switching and one transaction translator (USB 2.0, chapter 11). It runs at high speed
// where its own port does, else at full speed, and its ports with it.
//
// Whole transfers go from the controller to the devices behind the hub, so the translator has nothing to do and its requests are accepted.
// Over-current, test modes and indicator lights are left out: the hub says that it has none.
package hub

import (
	"fmt"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/hw/usb"
	"govm-desktop/snapshot"
)

// Ports is how many sockets a hub has where nothing is said.
const Ports = 8

// MaxPorts is what the status change endpoint and the route strings of USB 3 controllers have room for.
const MaxPorts = 15

const epChange = 0x81

// again is when a change that nobody has looked after is reported again. Hosts poll hubs seldom; ours may be asked for the next report at once.
const again = 250 * clock.Millisecond

// Config says what a hub is like.
type Config struct {
	Clock  clock.Clock
	Ports  int // 0: 8
	Serial string
}

// Hub is a hub.
type Hub struct {
	usb.Gadget
	ports []*usb.Port
	timer clock.Timer
	clock clock.Clock

	state []portState // guarded by the Gadget's lock
	fresh bool        // a change has not been reported; guarded so, too
}

// portState is wPortStatus and wPortChange of a port (11.24.2.7).
type portState struct{ status, change uint16 }

// Bits of the two.
const (
	connection = 1 << 0
	enable     = 1 << 1
	suspend    = 1 << 2
	reset      = 1 << 4
	power      = 1 << 8
	lowSpeed   = 1 << 9
	highSpeed  = 1 << 10
)

var (
	_ usb.Device = (*Hub)(nil)
	_ usb.Hub    = (*Hub)(nil)
	_ usb.Owner  = (*Hub)(nil)
	_ usb.Nested = (*Hub)(nil)
)

// New returns a hub in no port.
func New(cfg Config) (*Hub, error) {
	if cfg.Ports == 0 {
		cfg.Ports = Ports
	}
	if cfg.Ports < 1 || cfg.Ports > MaxPorts {
		return nil, fmt.Errorf("usb-hub: %d ports: 1 to %d are possible", cfg.Ports, MaxPorts)
	}
	h := &Hub{state: make([]portState, cfg.Ports), clock: cfg.Clock}
	h.timer = cfg.Clock.NewTimer(h.remind)
	for i := range cfg.Ports {
		h.ports = append(h.ports, usb.NewPort(h, i, usb.SpeedSet(usb.Low, usb.Full, usb.High)))
	}
	h.Init(usb.Design{
		Vendor: 0x0409, Product: 0x55aa, Version: 0x0101, Class: 9, HighProtocol: 1, Maker: "GOVM", Model: "GOVM USB Hub", Serial: cfg.Serial,
		Speeds: usb.SpeedSet(usb.Full, usb.High),
		Configs: []usb.Configuration{{Value: 1, SelfPowered: true, RemoteWakeup: true, Settings: []usb.Setting{{Class: 9,
			Endpoints: []usb.Endpoint{{Address: epChange, Type: usb.Interrupt, MaxPacket: (cfg.Ports + 8) / 8, Micros: 255000}}}}}},
	}, h)
	return h, nil
}

// Ports implements usb.Hub.
func (h *Hub) Ports() []*usb.Port { return h.ports }

// Plug implements usb.Device: what is plugged into the hub can be as fast as the hub is.
func (h *Hub) Plug(p *usb.Port) {
	if p != nil {
		speeds := usb.SpeedSet(usb.Low, usb.Full)
		if p.Accepts(usb.High) {
			speeds |= usb.SpeedSet(usb.High)
		}
		for _, below := range h.ports {
			below.SetSpeeds(speeds)
		}
	}
	h.Gadget.Plug(p)
}

// Close stops the timer.
func (h *Hub) Close() error {
	h.timer.Stop()
	return nil
}

// Configured implements usb.Function. A hub that is not configured has no power on its ports (11.11).
func (h *Hub) Configured(int) {
	h.fresh = false
	if h.Config() != 0 {
		return
	}
	clear(h.state)
	for i := range h.ports {
		h.resetBelow(i, func() {})
	}
}

// resetBelow resets the device in a port, when the lock has been let go, and then calls f.
func (h *Hub) resetBelow(i int, f func()) {
	h.After(func() {
		if d, _ := h.ports[i].Device(); d != nil {
			h.ports[i].SetAddress(0)
			d.Reset(hw.BusReset)
		}
		f()
	})
}

// PortEvent implements usb.Owner.
func (h *Hub) PortEvent(p *usb.Port, e usb.PortEvent) {
	h.Lock()
	defer h.Unlock()
	s := &h.state[p.Index()]
	switch e {
	case usb.Connected, usb.Gone:
		h.look(p.Index())
	case usb.RemoteWakeup:
		if s.status&suspend == 0 {
			return
		}
		s.status &^= suspend
		s.change |= suspend
		h.tell(p.Index(), false)
	}
	h.changed()
}

// look brings a port's connection up to date.
func (h *Hub) look(i int) {
	s := &h.state[i]
	_, speed := h.ports[i].Device()
	if s.status&power == 0 {
		return
	}
	s.status &^= connection | enable | suspend | lowSpeed | highSpeed
	switch speed {
	case usb.SpeedNone:
	case usb.Low:
		s.status |= connection | lowSpeed
	case usb.High:
		s.status |= connection | highSpeed
	default:
		s.status |= connection
	}
	s.change |= connection
}

// tell has the device in a port know that it is suspended, or that it resumes.
func (h *Hub) tell(i int, on bool) {
	h.After(func() {
		if d, _ := h.ports[i].Device(); d != nil {
			if s, ok := d.(usb.Suspender); ok {
				s.Suspend(on)
			}
		}
	})
}

// changed reports a change to the host.
func (h *Hub) changed() {
	h.fresh = true
	h.Wake()
	if p := h.Pipe(epChange); p != nil {
		h.Serve(p)
	}
}

// Serve implements usb.Function: the status change endpoint (11.12.4).
func (h *Hub) Serve(p *usb.Pipe) {
	t := p.Head()
	if t == nil || !h.fresh {
		return
	}
	b := make([]byte, (len(h.ports)+8)/8)
	any := false
	for i, s := range h.state {
		if s.change != 0 {
			b[(i+1)/8] |= 1 << ((i + 1) % 8)
			any = true
		}
	}
	h.fresh = false
	if any {
		p.Give(t, b)
		p.Finish(t, usb.OK)
		h.timer.Set(h.clock.Now() + again)
	}
}

// remind reports what the host has not looked after.
func (h *Hub) remind() {
	h.Lock()
	defer h.Unlock()
	if h.Config() != 0 {
		for _, s := range h.state {
			h.fresh = h.fresh || s.change != 0
		}
		if p := h.Pipe(epChange); p != nil {
			h.Serve(p)
		}
	}
}

// State implements hw.Device.
func (h *Hub) State(c *snapshot.Coder) {
	h.Lock()
	defer h.Unlock()
	keep := append([]portState(nil), h.state...)
	h.GadgetState(c)
	if !c.Loading() {
		copy(h.state, keep)
	}
	for i := range h.state {
		c.Group(fmt.Sprintf("port%d", i), func(c *snapshot.Coder) {
			snapshot.Field(c, "status", &h.state[i].status)
			snapshot.Field(c, "change", &h.state[i].change)
		})
	}
}

// Start implements hw.Starter.
func (h *Hub) Start() { h.remind() }
