package usb

import (
	"errors"
	"fmt"
	"sync"
)

// PortEvent is what happens at a socket from the device's side.
type PortEvent uint8

// Events of a port.
const (
	Connected    PortEvent = iota // the device shows itself; Speed says how fast it is
	Gone                          // it has gone; the transfers under way end with Disconnected
	RemoteWakeup                  // it signals resume
)

// Owner has sockets: a host controller or a hub.
type Owner interface {
	// PortEvent is called with no lock of a device held, one event of a port at a time, in order. It may submit and cancel; it does not make
	// the same port's device connect or disconnect.
	PortEvent(p *Port, e PortEvent)
}

// Nested is an Owner that sits in a socket itself: a hub. Found by type assertion.
type Nested interface {
	// Socket is where it is plugged in, or nil.
	Socket() *Port
}

// Port is a socket. The wiring plugs a device into it; the device then connects, disconnects and wakes; the owner resets, suspends and sends.
type Port struct {
	owner Owner
	index int // from 0, among its owner's

	events sync.Mutex // held while the owner is told

	mu      sync.Mutex // guards everything below
	speeds  Speeds     // that work in the socket
	device  Device     // plugged in
	speed   Speed      // of the device when it is connected, else SpeedNone
	address uint8      // which the host has given the device; 0 after a reset
}

// ErrOccupied is the cause of a Plug into a socket that is taken.
var ErrOccupied = errors.New("usb: the port is taken")

// NewPort makes the owner's socket with an index from 0.
func NewPort(o Owner, index int, speeds Speeds) *Port {
	return &Port{owner: o, index: index, speeds: speeds}
}

// Index is the port's place among its owner's, from 0.
func (p *Port) Index() int { return p.index }

// Path is how people name the port: "2", or "2.1" behind a hub in port 2.
func (p *Port) Path() string {
	if n, ok := p.owner.(Nested); ok {
		if up := n.Socket(); up != nil {
			return fmt.Sprintf("%s.%d", up.Path(), p.index+1)
		}
	}
	return fmt.Sprint(p.index + 1)
}

// Accepts reports whether a device of the given speed works in the socket.
func (p *Port) Accepts(s Speed) bool { return p.allowed().Has(s) }

// SetSpeeds changes which speeds work in the socket, for a hub that runs at another speed itself now. Whatever is plugged in comes anew.
func (p *Port) SetSpeeds(s Speeds) {
	if p.allowed() == s {
		return
	}
	d := p.Unplug()
	p.mu.Lock()
	p.speeds, p.device = s, d
	p.mu.Unlock()
	if d != nil {
		d.Plug(p)
	}
}

func (p *Port) allowed() Speeds {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.speeds
}

// Plug puts a device into the socket.
func (p *Port) Plug(d Device) error {
	p.mu.Lock()
	if p.device != nil {
		p.mu.Unlock()
		return fmt.Errorf("port %s: %w", p.Path(), ErrOccupied)
	}
	p.device = d
	p.mu.Unlock()
	d.Plug(p)
	return nil
}

// Unplug pulls out whatever is in the socket and returns it.
func (p *Port) Unplug() Device {
	p.Disconnect()
	p.mu.Lock()
	d := p.device
	p.device = nil
	p.mu.Unlock()
	if d != nil {
		d.Plug(nil)
	}
	return d
}

// Plugged is the device in the socket, connected or not; nil: the socket is free.
func (p *Port) Plugged() Device {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.device
}

// Device is the device that shows itself at the port, and its speed; nil: there is none.
func (p *Port) Device() (Device, Speed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.speed == SpeedNone {
		return nil, SpeedNone
	}
	return p.device, p.speed
}

// Address is the address which the host has given the device.
func (p *Port) Address() uint8 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.address
}

// SetAddress is called by the controller when the host has given the device an address, and with 0 when the port is reset.
func (p *Port) SetAddress(a uint8) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.address = a
}

// Connect is called by the device to show itself. A device that is faster than the socket says a speed that the socket accepts.
func (p *Port) Connect(s Speed) { p.change(s, Connected) }

// Disconnect is called by a device that goes while its plug stays in the socket.
func (p *Port) Disconnect() { p.change(SpeedNone, Gone) }

func (p *Port) change(s Speed, e PortEvent) {
	p.events.Lock()
	defer p.events.Unlock()
	p.mu.Lock()
	same := p.speed == s || p.device == nil
	if !same {
		p.speed, p.address = s, 0
	}
	p.mu.Unlock()
	if !same {
		p.owner.PortEvent(p, e)
	}
}

// Wake is called by a suspended device to which something has happened.
func (p *Port) Wake() {
	p.events.Lock()
	defer p.events.Unlock()
	if d, _ := p.Device(); d != nil {
		p.owner.PortEvent(p, RemoteWakeup)
	}
}

// Walk visits every port of a hub, and of the hubs connected to it, in order.
func Walk(h Hub, visit func(*Port)) {
	for _, p := range h.Ports() {
		visit(p)
		if below, ok := p.Plugged().(Hub); ok {
			Walk(below, visit)
		}
	}
}

// Find returns the connected device with an address; nil: there is none. Controllers that address devices by number use it.
func Find(h Hub, address uint8) Device {
	var found Device
	Walk(h, func(p *Port) {
		if d, _ := p.Device(); d != nil && found == nil && p.Address() == address {
			found = d
		}
	})
	return found
}
