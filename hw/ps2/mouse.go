package ps2

import (
	"govm-desktop/clock"
	"govm-desktop/input"
	"govm-desktop/snapshot"
)

// packetLimit is how many bytes of packets may wait; movement beyond that adds up, and movementLimit bounds what adds up.
const (
	packetLimit   = 64
	movementLimit = 4096
)

// Identities of a mouse.
const (
	idPlain    = 0
	idWheel    = 3 // IntelliMouse
	idExplorer = 4 // IntelliMouse Explorer: five buttons
)

// mouse is the mouse. The controller's mu guards it.
type mouse struct {
	c     *Controller
	timer clock.Timer // the next sample

	id         uint8
	rate       uint8
	resolution uint8
	double     bool // scaling 2:1
	reporting  bool
	remote     bool
	wrap       bool
	cmd        uint8    // the command whose parameter is awaited; 0: none
	rates      [3]uint8 // the last three set, oldest first
	last       []byte   // for resending
	q          queue

	buttons    uint8 // left, right, middle, side, extra from bit 0
	dx, dy, dz int32
	changed    bool // since the last packet
	nextAt     clock.Time
}

func (m *mouse) powerOn() {
	m.timer.Stop()
	m.defaults()
	m.id, m.rates, m.cmd, m.last, m.q = idPlain, [3]uint8{}, 0, nil, nil
	m.buttons, m.nextAt = 0, 0
	m.wrap = false
}

func (m *mouse) defaults() {
	m.rate, m.resolution, m.double, m.reporting, m.remote = 100, 2, false, false, false
	m.clear()
}

func (m *mouse) clear() { m.dx, m.dy, m.dz, m.changed = 0, 0, 0, false }

func (m *mouse) state(s *snapshot.Coder) {
	snapshot.Field(s, "id", &m.id)
	snapshot.Field(s, "rate", &m.rate)
	snapshot.Field(s, "resolution", &m.resolution)
	snapshot.Field(s, "double", &m.double)
	snapshot.Field(s, "reporting", &m.reporting)
	snapshot.Field(s, "remote", &m.remote)
	snapshot.Field(s, "wrap", &m.wrap)
	snapshot.Field(s, "cmd", &m.cmd)
	s.Bytes("rates", m.rates[:])
	s.Slice("last", &m.last, packetLimit)
	s.Slice("queue", (*[]byte)(&m.q), 2*packetLimit)
	snapshot.Field(s, "buttons", &m.buttons)
	snapshot.Field(s, "dx", &m.dx)
	snapshot.Field(s, "dy", &m.dy)
	snapshot.Field(s, "dz", &m.dz)
	snapshot.Field(s, "changed", &m.changed)
	snapshot.Field(s, "nextat", &m.nextAt)
	if s.Loading() {
		m.dx, m.dy, m.dz = bound(m.dx, movementLimit), bound(m.dy, movementLimit), bound(m.dz, movementLimit)
	}
}

func bound(v, limit int32) int32 { return min(max(v, -limit), limit) }

// Mouse is where the pointer's relative movements, buttons and wheel go.
func (c *Controller) Mouse() input.Sink { return (*mouseSink)(&c.mouse) }

type mouseSink mouse

// Send implements input.Sink.
func (s *mouseSink) Send(e input.Event) {
	m := (*mouse)(s)
	m.c.mu.Lock()
	defer m.c.mu.Unlock()
	switch e.Kind {
	case input.Rel:
		x, y := bound(e.X, movementLimit), bound(e.Y, movementLimit)
		m.dx, m.dy = bound(m.dx+x, movementLimit), bound(m.dy-y, movementLimit)
	case input.Wheel:
		m.dz = bound(m.dz-bound(e.Y, movementLimit), movementLimit)
	case input.Button:
		if !m.button(e.Code, e.Down) {
			return
		}
	default:
		return
	}
	m.changed = true
	m.sample()
	m.c.pump()
	m.c.lines()
}

// button changes a button; false: nothing changed. What happened before goes out first, so that no click is lost between two samples.
func (m *mouse) button(code input.Code, down bool) bool {
	if code < input.BtnLeft || code > input.BtnExtra {
		return false
	}
	bit := uint8(1) << (code - input.BtnLeft)
	if m.buttons&bit != 0 == down {
		return false
	}
	if m.changed && m.streaming() && len(m.q) < packetLimit {
		m.report()
	}
	m.buttons ^= bit
	return true
}

func (m *mouse) streaming() bool { return m.reporting && !m.remote && !m.wrap }

// sample sends what has changed, at the mouse's rate: as fast as it is set, and only while the guest keeps up.
func (m *mouse) sample() {
	now := m.c.cfg.Clock.Now()
	if m.changed && m.streaming() && now >= m.nextAt && len(m.q) == 0 {
		m.report()
		m.nextAt = now + clock.Second/clock.Time(max(1, m.rate))
	}
	m.arm()
}

func (m *mouse) arm() {
	if !m.changed || !m.streaming() {
		m.timer.Stop()
		return
	}
	now := m.c.cfg.Clock.Now()
	m.timer.Set(min(max(m.nextAt, now+clock.Millisecond), now+clock.Second))
}

func (m *mouse) fire() {
	m.c.mu.Lock()
	defer m.c.mu.Unlock()
	m.nextAt = min(m.nextAt, m.c.cfg.Clock.Now())
	m.sample()
	m.c.pump()
	m.c.lines()
}

// report puts a packet into the queue; movement that does not fit stays for the next one.
func (m *mouse) report() {
	m.last = m.packet(m.double && !m.remote)
	m.q = append(m.q, m.last...)
}

// packet is the state since the last packet (PS/2 mouse reference, "data report"; Microsoft's extensions for the fourth byte).
func (m *mouse) packet(double bool) []byte {
	x, y := bound(m.dx, 255), bound(m.dy, 255)
	m.dx, m.dy = m.dx-x, m.dy-y
	if double {
		x, y = twice(x), twice(y)
	}
	p := []byte{8 | m.buttons&7 | uint8(x>>8)&1<<4 | uint8(y>>8)&1<<5, uint8(x), uint8(y)}
	z := int32(0)
	switch m.id {
	case idWheel:
		z = bound(m.dz, 127)
		p = append(p, uint8(z))
	case idExplorer:
		z = bound(m.dz, 7)
		p = append(p, uint8(z)&15|m.buttons>>3&3<<4)
	default:
		m.dz = 0
	}
	m.dz -= z
	m.changed = m.dx != 0 || m.dy != 0 || m.dz != 0
	return p
}

// twice is scaling 2:1.
func twice(v int32) int32 {
	a := max(v, -v)
	switch {
	case a > 5:
		a = min(2*a, 255)
	default:
		a = [6]int32{0, 1, 1, 3, 6, 9}[a]
	}
	if v < 0 {
		return -a
	}
	return a
}

// write is a byte from the host. Whatever was waiting to be sent is dropped.
func (m *mouse) write(v uint8) {
	m.q = nil
	if m.wrap && v != 0xec && v != 0xff {
		m.reply(v)
		return
	}
	if cmd := m.cmd; cmd != 0 && v < 0xe6 {
		m.cmd = 0
		m.parameter(cmd, v)
		return
	}
	m.cmd = 0
	switch v {
	case 0xe6, 0xe7: // scaling 1:1, 2:1
		m.double = v == 0xe7
		m.reply(keyboardAck)
	case 0xe8, 0xf3: // resolution, rate
		m.cmd = v
		m.reply(keyboardAck)
	case 0xe9:
		m.reply(keyboardAck, m.status(), m.resolution, m.rate)
	case 0xea, 0xf0: // stream mode, remote mode
		m.remote = v == 0xf0
		m.clear()
		m.reply(keyboardAck)
	case 0xeb: // read data
		m.last = m.packet(false)
		m.reply(append([]byte{keyboardAck}, m.last...)...)
	case 0xec, 0xee: // wrap mode off, on
		m.wrap = v == 0xee
		m.clear()
		m.reply(keyboardAck)
	case 0xf2: // identify
		m.reply(keyboardAck, m.id)
	case 0xf4, 0xf5: // reporting on, off
		m.reporting = v == 0xf4
		m.clear()
		m.reply(keyboardAck)
	case 0xf6: // defaults
		m.defaults()
		m.reply(keyboardAck)
	case 0xfe: // resend
		m.reply(m.last...)
	case 0xff: // reset
		m.powerOn()
		m.reply(keyboardAck, 0xaa, m.id)
	default:
		m.reply(0xfe)
	}
	m.arm()
}

func (m *mouse) reply(b ...byte) { m.q = append(m.q, b...) }

// parameter is the byte after a command that takes one.
func (m *mouse) parameter(cmd, v uint8) {
	switch {
	case cmd == 0xe8 && v <= 3:
		m.resolution = v
	case cmd == 0xf3 && v != 0:
		m.rate = v
		m.knock(v)
	default:
		m.reply(0xfe)
		return
	}
	m.reply(keyboardAck)
}

// knock turns on the wheel after the rates 200, 100, 80, and five buttons after 200, 200, 80.
func (m *mouse) knock(rate uint8) {
	m.rates = [3]uint8{m.rates[1], m.rates[2], rate}
	switch m.rates {
	case [3]uint8{200, 100, 80}:
		if m.id == idPlain {
			m.id = idWheel
		}
	case [3]uint8{200, 200, 80}:
		m.id = idExplorer
	}
}

// status is the first byte of the answer to E9.
func (m *mouse) status() uint8 {
	v := m.buttons&1<<2 | m.buttons>>1&1 | m.buttons>>2&1<<1
	if m.double {
		v |= 1 << 4
	}
	if m.reporting {
		v |= 1 << 5
	}
	if m.remote {
		v |= 1 << 6
	}
	return v
}
