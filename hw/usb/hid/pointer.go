package hid

import (
	"govm-desktop/hw/usb"
	"govm-desktop/input"
	"govm-desktop/snapshot"
)

// Pointer is a mouse or a tablet.
type Pointer struct {
	device
	tablet bool

	// Guarded by the lock.
	buttons    uint8 // left, right, middle, side, extra from bit 0
	x, y       int32 // of a tablet
	dx, dy     int32 // not reported yet, of a mouse
	wheel, pan int32 // not reported yet
	changed    bool  // since the last report
}

var (
	_ usb.Device = (*Pointer)(nil)
	_ input.Sink = (*Pointer)(nil)
)

// movementLimit bounds what adds up while the guest does not look.
const movementLimit = 4096

// NewMouse returns a mouse of five buttons with a wheel that tilts, in no port.
func NewMouse(cfg Config) *Pointer {
	p := &Pointer{}
	p.init(cfg, "GOVM USB Mouse", p, []input.Kind{input.Rel, input.Button, input.Wheel, input.Sync}, usb.Configuration{Settings: []usb.Setting{{
		Class: 3, Subclass: 1, Protocol: 2, Endpoints: []usb.Endpoint{{Address: 0x81, Type: usb.Interrupt, MaxPacket: 8, Micros: 4000}},
	}}}, &iface{descriptor: mouseReports(), boot: true})
	return p
}

// NewTablet returns a tablet, in no port: its pointer is where the user's is.
func NewTablet(cfg Config) *Pointer {
	p := &Pointer{tablet: true}
	p.init(cfg, "GOVM USB Tablet", p, []input.Kind{input.Abs, input.Button, input.Wheel, input.Sync}, usb.Configuration{Settings: []usb.Setting{{
		Class: 3, Endpoints: []usb.Endpoint{{Address: 0x81, Type: usb.Interrupt, MaxPacket: 8, Micros: 4000}},
	}}}, &iface{descriptor: tabletReports()})
	return p
}

// Pieces that the two report descriptors share (HID 1.11, 6.2.2).
const (
	reportButtons = "\x05\x01\x09\x02\xa1\x01\x09\x01\xa1\x00" + // mouse: pointer
		"\x05\x09\x19\x01\x29\x05\x15\x00\x25\x01\x95\x05\x75\x01\x81\x02\x95\x01\x75\x03\x81\x01" // five buttons, three bits of nothing
	reportWheels = "\x05\x01\x09\x38\x15\x81\x25\x7f\x35\x00\x45\x00\x75\x08\x95\x01\x81\x06" + // wheel
		"\x05\x0c\x0a\x38\x02\x95\x01\x81\x06\xc0\xc0" // AC Pan
)

func mouseReports() []byte {
	return []byte(reportButtons + "\x05\x01\x09\x30\x09\x31\x15\x81\x25\x7f\x75\x08\x95\x02\x81\x06" + reportWheels)
}

func tabletReports() []byte {
	return []byte(reportButtons + "\x05\x01\x09\x30\x09\x31\x15\x00\x26\xff\x7f\x35\x00\x46\xff\x7f\x75\x10\x95\x02\x81\x02" + reportWheels)
}

func bound(v, limit int32) int32 { return min(max(v, -limit), limit) }

// Send implements input.Sink. What happened before a button changed is reported first, so that no click is lost between two reports.
func (p *Pointer) Send(e input.Event) {
	p.Lock()
	defer p.Unlock()
	switch e.Kind {
	case input.Rel:
		p.dx = bound(p.dx+bound(e.X, movementLimit), movementLimit)
		p.dy = bound(p.dy+bound(e.Y, movementLimit), movementLimit)
	case input.Abs:
		p.x, p.y = min(max(e.X, 0), input.AbsMax), min(max(e.Y, 0), input.AbsMax)
	case input.Wheel:
		p.wheel = bound(p.wheel+bound(e.Y, movementLimit), movementLimit)
		p.pan = bound(p.pan+bound(e.X, movementLimit), movementLimit)
	case input.Button:
		if e.Code < input.BtnLeft || e.Code > input.BtnExtra {
			return
		}
		bit := uint8(1) << (e.Code - input.BtnLeft)
		if p.buttons&bit != 0 == e.Down {
			return
		}
		if p.changed && len(p.ifaces[0].queue) < queueLimit {
			p.push(0, p.take(), false)
		}
		p.buttons ^= bit
	case input.Sync:
		p.send(0)
		if p.changed && p.waits() {
			p.polled(0)
			p.send(0)
		}
		return
	default:
		return
	}
	p.changed = true
	p.Wake()
}

// waits reports whether the guest waits for a report.
func (p *Pointer) waits() bool {
	pipe := p.Pipe(0x81)
	return pipe != nil && pipe.Head() != nil && len(p.ifaces[0].queue) == 0
}

// polled implements kind: the report is made as late as possible.
func (p *Pointer) polled(int) {
	if f := p.ifaces[0]; p.changed && len(f.queue) == 0 && len(f.rest) == 0 {
		f.queue = append(f.queue, p.take())
	}
}

// take is a report of what has happened; movement that does not fit stays for the next.
func (p *Pointer) take() []byte {
	x, y, w, h := bound(p.dx, 127), bound(p.dy, 127), bound(p.wheel, 127), bound(p.pan, 127)
	b := p.bytes(x, y, w, h)
	p.dx, p.dy, p.wheel, p.pan = p.dx-x, p.dy-y, p.wheel-w, p.pan-h
	if p.ifaces[0].protocol == protocolBoot { // which has no wheels
		p.wheel, p.pan = 0, 0
	}
	p.changed = p.dx != 0 || p.dy != 0 || p.wheel != 0 || p.pan != 0
	return b
}

func (p *Pointer) bytes(x, y, wheel, pan int32) []byte {
	switch {
	case p.tablet:
		return []byte{p.buttons, byte(p.x), byte(p.x >> 8), byte(p.y), byte(p.y >> 8), byte(wheel), byte(pan)}
	case p.ifaces[0].protocol == protocolBoot:
		return []byte{p.buttons & 7, byte(x), byte(y)}
	}
	return []byte{p.buttons, byte(x), byte(y), byte(wheel), byte(pan)}
}

// report implements kind.
func (p *Pointer) report(_ int, id uint8) []byte {
	if id != 0 {
		return nil
	}
	return p.bytes(0, 0, 0, 0)
}

// output implements kind: there is none.
func (p *Pointer) output(int, []byte) bool { return false }

// forget implements kind. A tablet's pen stays where it is.
func (p *Pointer) forget() {
	p.buttons, p.dx, p.dy, p.wheel, p.pan, p.changed = 0, 0, 0, 0, 0, false
}

// State implements hw.Device.
func (p *Pointer) State(c *snapshot.Coder) {
	p.Lock()
	defer p.Unlock()
	p.state(c)
	snapshot.Field(c, "buttons", &p.buttons)
	snapshot.Field(c, "x", &p.x)
	snapshot.Field(c, "y", &p.y)
	snapshot.Field(c, "dx", &p.dx)
	snapshot.Field(c, "dy", &p.dy)
	snapshot.Field(c, "wheel", &p.wheel)
	snapshot.Field(c, "pan", &p.pan)
	snapshot.Field(c, "changed", &p.changed)
	if c.Loading() {
		p.buttons &= 0x1f
		p.x, p.y = min(max(p.x, 0), input.AbsMax), min(max(p.y, 0), input.AbsMax)
		p.dx, p.dy = bound(p.dx, movementLimit), bound(p.dy, movementLimit)
		p.wheel, p.pan = bound(p.wheel, movementLimit), bound(p.pan, movementLimit)
	}
}
