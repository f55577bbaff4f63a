package redir

import (
	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// Requests that are not, or not only, forwarded: type and request in one word, as usb.Setup.Kind makes it.
const (
	setAddress       = 0x0005
	setConfiguration = 0x0009
	getConfiguration = 0x8008
	setInterface     = 0x010b
	getInterface     = 0x810a
	getDescriptor    = 0x8006
	setFeature       = 0x0003
	clearFeature     = 0x0001
	clearHalt        = 0x0201
	setHalt          = 0x0203
	bulkOnlyReset    = 0x21ff
	remoteWakeup     = 1
)

// control starts a control transfer. False: it cannot be one.
func (d *Device) control(p *usb.Packet) bool {
	s := p.Setup
	switch {
	case s.Kind() == setAddress:
		d.tell(p, 0, usb.OK)
		return true
	case s.Kind() == clearHalt && s.Value == 0 && s.Index&0x7f == 0: // the next SETUP does that; hosts fail at it
		d.tell(p, 0, usb.OK)
		return true
	case s.Kind() == getConfiguration && d.config == 0 && s.Length > 0:
		d.tell(p, p.Data.CopyIn([]byte{0}, 0), usb.OK)
		return true
	case s.Kind() == setConfiguration && s.Value > 255, s.Kind() == setInterface && (s.Value > 255 || s.Index > 255), s.Kind() == getInterface && s.Index > 255:
		return false
	case d.config == 0 && (s.Kind() == setInterface || s.Kind() == getInterface):
		return false
	case !p.In() && p.Data.Len() < int(s.Length):
		return false
	}
	d.enlist(&d.eps[0], p)
	d.pump(&d.eps[0])
	return true
}

// pumpControl sends all the requests that wait: the other end does one after the other.
func (d *Device) pumpControl(e *endpoint) {
	for t := e.unsent; t != nil; t = e.unsent {
		m := message{Packet: d.request(t.p.Setup), t: t}
		if !d.number(t, answerType(m.Type)) {
			return
		}
		e.unsent = t.next
		t.asked = int(m.Length)
		e.inFlight += t.asked
		m.ID = uint64(t.id)
		d.before(t.p.Setup)
		d.post(m)
	}
}

// answerType is the type of the answer to a request.
func answerType(t usbredir.Type) usbredir.Type {
	switch t {
	case usbredir.TypeSetConfiguration, usbredir.TypeGetConfiguration:
		return usbredir.TypeConfigurationStatus
	case usbredir.TypeSetAltSetting, usbredir.TypeGetAltSetting:
		return usbredir.TypeAltSettingStatus
	}
	return t
}

// request is the packet for a request.
func (d *Device) request(s usb.Setup) usbredir.Packet {
	switch s.Kind() {
	case setConfiguration:
		return usbredir.Packet{Type: usbredir.TypeSetConfiguration, Configuration: uint8(s.Value)}
	case getConfiguration:
		return usbredir.Packet{Type: usbredir.TypeGetConfiguration}
	case setInterface:
		return usbredir.Packet{Type: usbredir.TypeSetAltSetting, Interface: uint8(s.Index), Alt: uint8(s.Value)}
	case getInterface:
		return usbredir.Packet{Type: usbredir.TypeGetAltSetting, Interface: uint8(s.Index)}
	}
	return usbredir.Packet{Type: usbredir.TypeControlPacket, Endpoint: s.RequestType & usb.DirIn, RequestType: s.RequestType, Request: s.Request,
		Value: s.Value, Index: s.Index, Length: uint32(s.Length)}
}

// before does what a request asks of us.
func (d *Device) before(s usb.Setup) {
	switch s.Kind() {
	case getConfiguration, getInterface, getDescriptor:
		return
	case setConfiguration:
		for i := range d.eps {
			d.stopEndpoint(&d.eps[i])
		}
		for _, b := range d.bots {
			b.reset(d)
		}
	case setInterface:
		for i := range d.eps {
			if e := &d.eps[i]; i&0x0f != 0 && e.iface == uint8(s.Index) {
				d.stopEndpoint(e)
				if e.bot != nil {
					e.bot.reset(d)
				}
			}
		}
	case setFeature, clearFeature:
		if s.Value == remoteWakeup {
			d.wakes = s.Kind() == setFeature
		}
	case clearHalt:
		if e := d.endpoint(uint8(s.Index)); e != nil {
			e.problem = usb.OK
			if e.bot != nil {
				e.bot.clearHalt(d, e)
			}
		}
	case setHalt:
		if e := d.endpoint(uint8(s.Index)); e != nil {
			d.stopEndpoint(e)
		}
	case bulkOnlyReset:
		for _, b := range d.bots {
			if b.in.iface == uint8(s.Index) {
				b.reset(d)
			}
		}
	}
	d.dirty = true
}

// controlAnswer ends a control transfer.
func (d *Device) controlAnswer(t *transfer, p *usbredir.Packet) {
	s, n, status := t.p.Setup, 0, outcome(t, p.Status)
	switch p.Type {
	case usbredir.TypeConfigurationStatus:
		if s.Kind() == setConfiguration && status == usb.OK {
			d.config = p.Configuration
			clear(d.alts)
		} else if status == usb.OK {
			n = t.p.Data.CopyIn([]byte{p.Configuration}, 0)
		}
	case usbredir.TypeAltSettingStatus:
		if s.Kind() == setInterface && status == usb.OK {
			d.alts[p.Interface] = p.Alt
		} else if status == usb.OK {
			n = t.p.Data.CopyIn([]byte{p.Alt}, 0)
		}
	default:
		n, status = d.landed(t, p, status)
		if s.Kind() == getDescriptor && s.Value>>8 == 2 {
			d.patch(t.p, n)
		}
	}
	if e := d.endpoint(uint8(s.Index)); s.Kind() == setHalt && status == usb.OK && e != nil && e.receives() {
		for e.first != nil {
			d.finish(e.first, e.first.done, usb.Stall)
		}
	}
	d.finish(t, n, status)
}

// landed is how many bytes an answer has brought to where they belong, which is done here unless the decoder has.
func (d *Device) landed(t *transfer, p *usbredir.Packet, s usb.Status) (int, usb.Status) {
	n := int(p.Length)
	switch {
	case !t.p.In():
		return min(n, t.asked), s
	case p.Placed:
		return n, s
	case len(p.Data) > t.asked || len(p.Data) > t.p.Data.Len()-t.done:
		if s == usb.OK {
			s = usb.Babble
		}
	}
	return t.p.Data.CopyIn(p.Data[:min(len(p.Data), t.asked)], t.done), s
}

// patch changes a configuration descriptor on its way to the guest: remote wake-up may be hidden, and bulk streams that the other end cannot carry are not
// promised (USB 3.2, 9.6.7).
func (d *Device) patch(p *usb.Packet, n int) {
	noStreams := !d.shares(usbredir.CapBulkStreams)
	if !noStreams && !d.cfg.SuppressRemoteWake {
		return
	}
	b := make([]byte, n)
	p.Data.CopyOut(b, 0)
	bulk := false
	for at := 0; at+2 <= len(b) && b[at] >= 2; at += int(b[at]) {
		size, kind := int(b[at]), b[at+1]
		switch {
		case kind == 2 && size >= 8 && at+8 <= len(b) && d.cfg.SuppressRemoteWake:
			b[at+7] &^= 1 << 5
		case kind == 5 && size >= 4 && at+4 <= len(b):
			bulk = b[at+3]&3 == 2
		case kind == 0x30 && size >= 4 && at+4 <= len(b) && bulk && noStreams:
			b[at+3] &^= 0x1f
		}
	}
	p.Data.CopyIn(b, 0)
}
