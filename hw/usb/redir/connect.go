package redir

import (
	"errors"
	"io"
	"maps"
	"slices"
	"time"

	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// identity is what tells one device from another.
type identity struct {
	dev     usbredir.Device
	desc    [18]byte // the device descriptor; zero if it was not to be had
	serial  string   // the string descriptor as it came
	product string
}

// same leaves the product's name out: it says nothing that the numbers do not.
func (i *identity) same(o *identity) bool {
	return i.dev == o.dev && i.desc == o.desc && i.serial == o.serial
}

// arrival is a device that has been announced on a link and is being looked at.
type arrival struct {
	identity
	refused bool
	waits   int // string descriptors asked for
}

// greet answers the hello.
func (d *Device) greet(l *link, p *usbredir.Packet) {
	l.hello, l.shared = true, p.Hello.Caps&d.caps
	l.enc.SetPeer(p.Hello.Caps)
	if d.cfg.Filter != nil && l.shared&usbredir.CapFilter != 0 {
		d.send(usbredir.Packet{Type: usbredir.TypeFilterFilter, Data: []byte(d.cfg.Filter.Text(usbredir.WireSeparator))})
	}
}

// arrive handles device_connect.
func (d *Device) arrive(l *link, p *usbredir.Packet) error {
	switch {
	case !l.hello || l.device != nil && !l.device.refused:
		return garbage(p, "a second device")
	case l.eps == nil || l.infos == nil:
		return garbage(p, "before ep_info and interface_info")
	}
	l.device = &arrival{identity: identity{dev: p.Device}}
	if d.cfg.Filter != nil && d.cfg.Filter.Check(p.Device, l.infos, 0) != usbredir.Allowed {
		d.refuse(l, "the filter does not allow it")
		return nil
	}
	d.ask(usb.Setup{RequestType: usb.DirIn, Request: 6, Value: 1 << 8, Length: 18}, func(b []byte) {
		copy(l.device.desc[:], b)
		d.strings(l)
	})
	return nil
}

// refuse lets a device not in.
func (d *Device) refuse(l *link, why string) {
	a := l.device
	a.refused = true
	d.log.Warn("usb-redir: the device is refused: "+why, "vendor", a.dev.Vendor, "product", a.dev.Product, "class", a.dev.Class)
	if l.shared&usbredir.CapFilter != 0 {
		d.send(usbredir.Packet{Type: usbredir.TypeFilterReject})
	}
	d.hide(usb.Disconnected)
}

// ask sends a request of our own for a descriptor; f gets what comes, nil after an error.
func (d *Device) ask(s usb.Setup, f func([]byte)) {
	t := d.take()
	t.answer = func(t *transfer, p *usbredir.Packet) {
		b := p.Data
		if p.Type != usbredir.TypeControlPacket || p.Status != usbredir.Success {
			b = nil
		}
		d.vacate(t)
		d.recycle(t)
		f(b)
	}
	t.ep = &d.eps[0]
	if d.number(t, usbredir.TypeControlPacket) {
		d.post(message{Packet: usbredir.Packet{Type: usbredir.TypeControlPacket, ID: uint64(t.id), Endpoint: usb.DirIn, RequestType: s.RequestType, Request: s.Request,
			Value: s.Value, Index: s.Index, Length: uint32(s.Length)}, t: t})
	}
}

// englishUS is the language that strings are asked for in.
const englishUS = 0x0409

// strings asks for serial number and name, both at once.
func (d *Device) strings(l *link) {
	a := l.device
	product, serial := a.desc[15], a.desc[16]
	a.waits = 1
	get := func(index uint8, to *string) {
		if index == 0 {
			return
		}
		a.waits++
		d.ask(usb.Setup{RequestType: usb.DirIn, Request: 6, Value: 3<<8 | uint16(index), Index: englishUS, Length: 255}, func(b []byte) {
			*to = text(b)
			d.recognised(l)
		})
	}
	get(serial, &a.serial)
	get(product, &a.product)
	d.recognised(l)
}

// text decodes a string descriptor, as far as it is printable.
func text(b []byte) string {
	var s []rune
	for i := 2; i+1 < len(b); i += 2 {
		if r := rune(b[i]) | rune(b[i+1])<<8; r >= ' ' && (r < 0x7f || r >= 0xa0) && (r < 0xd800 || r >= 0xe000) {
			s = append(s, r)
		}
	}
	return string(s)
}

// recognised goes on when all is known about the new device.
func (d *Device) recognised(l *link) {
	if l.device.waits--; l.device.waits > 0 {
		return
	}
	switch {
	case d.shown && d.grace != nil && d.self.same(&l.device.identity):
		d.replay(l)
		return
	case d.shown:
		d.log.Warn("usb-redir: another device has come back")
		d.hide(usb.Disconnected)
	}
	speed, why := d.speed(l)
	if why != "" {
		d.refuse(l, why)
		return
	}
	d.self, d.infos = l.device.identity, *l.infos
	d.config, d.dirty = 0, false
	clear(d.alts)
	clear(d.streams)
	d.setEndpoints(l.eps)
	d.classify()
	d.shown, d.live = true, true
	d.tellPort(usb.Connected, speed)
}

// speed is how fast the device shows itself, at most as fast as the socket. One whose endpoints are not possible at the lower speed cannot be shown.
func (d *Device) speed(l *link) (usb.Speed, string) {
	s := usb.Speed(l.device.dev.Speed) + usb.Low
	if l.device.dev.Speed > usbredir.SpeedSuper {
		s = d.guessSpeed(l)
	}
	if d.port == nil {
		return 0, "it is not plugged in"
	}
	for ; s >= usb.Low && !d.port.Accepts(s); s-- {
		if !slower(l, s) {
			return 0, "the port is too slow for it; another controller, or a USB 3 port, is needed"
		}
	}
	if s < usb.Low {
		return 0, "the port takes no device so slow; a USB 2 port is needed"
	}
	return s, ""
}

// guessSpeed finds out about a device of a speed that the other end has no number for.
func (d *Device) guessSpeed(l *link) usb.Speed {
	s := usb.Full
	if l.device.desc[7] == 9 {
		return usb.Super // an exponent
	}
	for i, k := range l.eps.Type {
		switch most := l.eps.MaxPacketSize[i] & 0x7ff; {
		case k == usbredir.EPBulk && most == 1024:
			return usb.Super
		case k == usbredir.EPBulk && most > 64, k == usbredir.EPIso && most > 1023, k == usbredir.EPInterrupt && most > 64:
			s = usb.High
		}
	}
	if s == usb.Full && l.device.desc[3] >= 3 {
		return usb.Super
	}
	return s
}

// slower reports whether the device would work one speed below s.
func slower(l *link, s usb.Speed) bool {
	if s == usb.SuperPlus {
		return true
	}
	limit := map[usb.Speed][4]uint16{usb.High: {64, 1023, 64, 64}, usb.Full: {8, 0, 0, 8}}[s]
	if l.device.desc[7] == 9 {
		return false
	}
	for i, k := range l.eps.Type {
		if k <= usbredir.EPInterrupt && i&0x0f != 0 && l.eps.MaxPacketSize[i]&0x7ff > limit[k] {
			return false
		}
	}
	return s > usb.Low
}

// leave handles device_disconnect: somebody has pulled the device out.
func (d *Device) leave(l *link) {
	l.device = nil
	l.eps, l.infos = nil, nil
	d.forget()
	for i := range d.eps {
		d.suspendEndpoint(&d.eps[i])
	}
	d.epoch++
	d.hide(usb.Disconnected)
	if l.shared&usbredir.CapDisconnectAck != 0 {
		d.send(usbredir.Packet{Type: usbredir.TypeDeviceDisconnectAck})
	}
}

// hide takes the device away from the guest and ends its transfers. With status 0 only if it is not there any more.
func (d *Device) hide(s usb.Status) {
	d.live = false
	if d.grace != nil {
		d.grace.Stop()
		d.grace = nil
	}
	if !d.shown {
		return
	}
	if s == usb.OK {
		s = usb.Disconnected
	}
	d.shown = false
	d.tellPort(usb.Gone, 0)
	d.endAll(s)
	for _, b := range d.bots {
		b.reset(d)
	}
	d.bots = nil
	d.clearEndpoints()
	d.infos.Count = 0
}

// endAll ends every packet of the guest.
func (d *Device) endAll(s usb.Status) {
	for i := range d.eps {
		for t := d.eps[i].first; t != nil; {
			next := t.next
			d.drop(t, s)
			t = next
		}
	}
}

// forget gives up everything that waits for an answer of a connection, or of a device, that is no more.
func (d *Device) forget() {
	for _, b := range d.bots {
		b.ahead, b.cbw = nil, nil
	}
	for _, t := range d.slots {
		if t == nil {
			continue
		}
		t.answer = nil
		if t.p == nil {
			d.vacate(t)
			d.recycle(t)
		} else if t.ended {
			d.finish(t, t.done, t.status)
		} else if t.cancelled {
			d.finish(t, t.done, outcome(t, usbredir.Cancelled))
		}
	}
}

// dropped handles the end of a connection.
func (d *Device) dropped(l *link, err error) {
	if d.link != l {
		return
	}
	d.link, d.live = nil, false
	clear(l.out)
	l.out = nil
	d.forget()
	var bad *usbredir.Error
	keep := !errors.As(err, &bad) && d.shown && d.cfg.Grace > 0 && !d.closed
	if bad != nil {
		d.log.Error("usb-redir: detached: the other end sent what cannot be: " + err.Error())
	} else if d.shown && err != io.EOF && err != errEnded {
		d.log.Warn("usb-redir: the connection dropped", "err", err)
	}
	for _, b := range d.bots {
		b.interrupted()
	}
	for i := range d.eps {
		d.suspendEndpoint(&d.eps[i])
	}
	if !keep {
		d.hide(0)
		return
	}
	if d.grace == nil {
		d.drops++
		n := d.drops
		d.grace = time.AfterFunc(d.cfg.Grace, func() { d.graceOver(n) })
	}
}

// suspendEndpoint turns what was under way into what waits: input can be asked for again, of output and requests nobody knows what became.
func (d *Device) suspendEndpoint(e *endpoint) {
	for t := e.first; t != nil; t = t.next {
		if !t.sent {
			break
		}
		t.unknown = e.addr&0x80 == 0
		t.skip = false
		d.vacate(t)
	}
	e.unsent, e.blocked, e.inFlight = e.first, nil, 0
	e.stopReceiving()
}

// graceOver takes the device away: it has been waited for long enough.
func (d *Device) graceOver(n int) {
	d.mu.Lock()
	defer d.unlock()
	if d.grace != nil && d.drops == n && !d.live {
		d.log.Warn("usb-redir: the connection has not come back; the device is gone")
		d.hide(usb.Disconnected)
	}
}

// replay brings the device that has come back to where the guest has left it.
func (d *Device) replay(l *link) {
	steps := []usbredir.Packet{}
	if d.config != 0 {
		steps = append(steps, usbredir.Packet{Type: usbredir.TypeSetConfiguration, Configuration: d.config})
	}
	for _, i := range slices.Sorted(maps.Keys(d.alts)) {
		steps = append(steps, usbredir.Packet{Type: usbredir.TypeSetAltSetting, Interface: i, Alt: d.alts[i]})
	}
	d.step(l, steps)
}

// step sends the next request of a replay when the one before has succeeded.
func (d *Device) step(l *link, steps []usbredir.Packet) {
	switch {
	case !d.shown: // it has taken too long
		d.anew(l)
		return
	case len(steps) == 0:
		d.resume(l)
		return
	}
	p := steps[0]
	t := d.take()
	t.ep = &d.eps[0]
	t.answer = func(t *transfer, answer *usbredir.Packet) {
		d.vacate(t)
		d.recycle(t)
		if answer.Status != usbredir.Success {
			d.log.Warn("usb-redir: the device that came back cannot be configured as it was", "packet", answer.Type.String())
			d.anew(l)
			return
		}
		d.step(l, steps[1:])
	}
	if d.number(t, p.Type+2) { // both are two before their status
		p.ID = uint64(t.id)
		d.post(message{Packet: p, t: t})
	}
}

// anew shows the device that has come as a new one.
func (d *Device) anew(l *link) {
	d.hide(usb.Disconnected)
	l.device.waits++
	d.recognised(l)
}

// resume carries on after an interruption.
func (d *Device) resume(l *link) {
	if d.loaded {
		d.loaded = false
		d.setEndpoints(l.eps)
	} else if !d.sameEndpoints(l.eps) {
		d.log.Warn("usb-redir: the device has come back with other endpoints")
		d.anew(l)
		return
	}
	if d.grace != nil {
		d.grace.Stop()
		d.grace = nil
	}
	d.live = true
	d.infos = *l.infos
	d.classify()
	groups := map[uint32]uint32{}
	for i, n := range d.streams {
		groups[n] |= 1 << i
	}
	for _, n := range slices.Sorted(maps.Keys(groups)) {
		if d.shares(usbredir.CapBulkStreams) {
			d.sendStreams(groups[n], n)
		}
	}
	for i := range d.eps {
		e := &d.eps[i]
		for t := e.first; t != nil; {
			next := t.next
			if t.unknown {
				d.finish(t, t.done, usb.IOError)
			}
			t = next
		}
		d.pump(e)
	}
}

// busReset is what the socket does to the device. The other end resets the device when it announces it, and a device that has only told about itself since the
// last reset would not be changed by one: some do not survive it, and all take their time.
func (d *Device) busReset() {
	d.endAll(usb.Cancelled)
	for _, b := range d.bots {
		b.reset(d)
	}
	for i := range d.eps {
		d.stopEndpoint(&d.eps[i])
	}
	d.config, d.wakes = 0, false
	clear(d.alts)
	if d.dirty && d.live {
		d.send(usbredir.Packet{Type: usbredir.TypeReset})
		d.resets++
		d.dirty = false
	}
}
