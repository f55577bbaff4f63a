package redir

import (
	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// endpoint is one of the device's, or a place for one.
type endpoint struct {
	addr      uint8 // 0 for the control endpoint
	kind      usbredir.EPType
	maxPacket int
	interval  uint8
	iface     uint8
	mult      int // packets in one service interval, as high-speed endpoints have it in wMaxPacketSize

	first, last, unsent *transfer // what the guest wants of it, in order
	inFlight            int       // bytes
	blocked             *transfer // has more portions to come: nothing behind it is sent
	bot                 *bot      // that it belongs to
	bulkAhead           bool      // the other end reads without being asked

	started bool        // the other end sends, or expects, data without being asked for each packet
	held    int         // bytes of inbox
	inbox   []arrived   // what has come without being asked for
	lost    bool        // some of it did not fit
	paused  bool        // the other end was told to stop, since nobody takes what comes
	jitter  *usb.Jitter // of an isochronous endpoint
	outID   uint64      // of the next isochronous packet
	problem usb.Status  // receiving has stopped for this reason, which the guest has not been told
}

// arrived is a packet that came in without being asked for.
type arrived struct {
	data   []byte
	status usb.Status
	more   bool // data end where the other end's buffer ended: no short packet
}

// endpoint is the one with an address; nil: there is none.
func (d *Device) endpoint(addr uint8) *endpoint {
	e := &d.eps[usbredir.EPIndex(addr)]
	if e.kind > usbredir.EPInterrupt || e.kind == usbredir.EPControl {
		return nil
	}
	return e
}

// clearEndpoints leaves none but the control endpoint, which has both its places in eps[0].
func (d *Device) clearEndpoints() {
	for i := range d.eps {
		e := &d.eps[i]
		e.addr, e.kind, e.bot = usbredir.EPAddress(i), usbredir.EPNone, nil
		e.stopReceiving()
	}
	d.eps[0].kind = usbredir.EPControl
}

// endpoints handles ep_info.
func (d *Device) endpoints(l *link, p *usbredir.Packet) error {
	eps := *p.EPs
	for i, k := range eps.Type {
		if k == usbredir.EPNone || k == usbredir.EPControl || eps.MaxPacketSize[i] == 0 && l.shared&usbredir.CapEPMaxPacketSize == 0 {
			continue
		}
		if n := eps.MaxPacketSize[i] & 0x7ff; n > 1024 {
			return garbage(p, "endpoint %#02x has packets of %d bytes", usbredir.EPAddress(i), n)
		}
	}
	l.eps = &eps
	if d.live {
		d.setEndpoints(l.eps)
		d.classify()
	}
	return nil
}

// setEndpoints takes over what the other end says of the endpoints.
func (d *Device) setEndpoints(info *usbredir.EPInfo) {
	for i := range d.eps {
		e := &d.eps[i]
		if i&0x0f == 0 {
			continue
		}
		kind, most := info.Type[i], info.MaxPacketSize[i]
		if kind != e.kind {
			for t := e.first; t != nil; {
				next := t.next
				d.drop(t, usb.Stall)
				t = next
			}
			e.stopReceiving()
			e.kind = kind
		}
		e.interval, e.iface = info.Interval[i], info.Interface[i]
		e.maxPacket, e.mult = int(most&0x7ff), 1+int(most>>11&3)
		if e.maxPacket == 0 {
			e.maxPacket = d.usualPacket(kind)
		}
		if e.jitter != nil && e.jitter.Rate() != d.rate(e) {
			e.jitter = nil
		}
	}
}

// usualPacket is the packet size of an endpoint of which the other end does not tell it.
func (d *Device) usualPacket(k usbredir.EPType) int {
	switch {
	case k == usbredir.EPIso || d.self.dev.Speed == usbredir.SpeedSuper:
		return 1024
	case k == usbredir.EPBulk && d.self.dev.Speed == usbredir.SpeedHigh:
		return 512
	}
	return 64
}

// sameEndpoints reports whether the endpoints are what the guest was shown.
func (d *Device) sameEndpoints(info *usbredir.EPInfo) bool {
	for i := range d.eps {
		e := &d.eps[i]
		if i&0x0f != 0 && (e.kind != info.Type[i] || info.MaxPacketSize[i] != 0 && e.kind != usbredir.EPNone && e.maxPacket != int(info.MaxPacketSize[i]&0x7ff)) {
			return false
		}
	}
	return true
}

// stopReceiving forgets what has come in unasked and that more was to come.
func (e *endpoint) stopReceiving() {
	e.started, e.paused, e.lost, e.held, e.problem = false, false, false, 0, usb.OK
	clear(e.inbox)
	e.inbox = e.inbox[:0]
	if e.jitter != nil {
		e.jitter.Reset()
	}
}

// stopEndpoint tells the other end too.
func (d *Device) stopEndpoint(e *endpoint) {
	if e.started {
		d.sendStop(e)
	}
	e.stopReceiving()
}

// pump sends what may be sent at an endpoint.
func (d *Device) pump(e *endpoint) {
	if !d.live {
		return
	}
	switch {
	case e.kind == usbredir.EPControl:
		d.pumpControl(e)
	case e.receives():
		d.pumpStream(e)
	case e.kind == usbredir.EPBulk || e.kind == usbredir.EPInterrupt:
		d.pumpBulk(e)
	}
}
