package redir

import (
	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// Limits of what comes in unasked and waits for the guest, in packets and bytes of one endpoint.
const (
	inboxPackets = 1000
	inboxBytes   = 256 << 10
	inboxHigh    = 256 // packets above which the other end is asked to stop
)

// What the other end is asked to keep under way at an endpoint that is received from without asking, and the shortest of these transfers.
const (
	aheadTransfers = 5
	aheadBytes     = 512
)

// receives reports whether the other end sends what comes in at the endpoint by itself.
func (e *endpoint) receives() bool {
	return e.addr&0x80 != 0 && (e.kind == usbredir.EPInterrupt || e.kind == usbredir.EPBulk && e.bulkAhead)
}

// chips of serial adapters: their drivers keep few transfers under way, and what they sent would come one round trip at a time.
func serialAdapter(vendor, product uint16) bool {
	switch vendor {
	case 0x0403: // FTDI
		return product >= 0x6001 && product <= 0x6015
	case 0x067b: // Prolific
		return product == 0x2303 || product >= 0x23a3 && product <= 0x23f3
	case 0x10c4: // Silicon Labs
		return product >= 0xea60 && product <= 0xea71
	case 0x1a86: // WCH
		return product == 0x7523 || product == 0x5523 || product >= 0x55d2 && product <= 0x55d8
	}
	return false
}

// pumpStream gives the guest what has come in, and has the other end send more if that is all.
func (d *Device) pumpStream(e *endpoint) {
	for t := e.first; t != nil && len(e.inbox) > 0; t = e.first {
		if !d.fill(e, t) {
			break
		}
	}
	if t := e.first; t != nil && e.problem != usb.OK && len(e.inbox) == 0 {
		s := e.problem
		e.problem = usb.OK
		d.finish(t, t.done, s)
		return // the guest deals with that first
	}
	if e.first != nil && !e.started && len(e.inbox) < inboxHigh/4 {
		e.started, e.paused = true, false
		d.sendStart(e)
	}
}

// fill moves packets into a transfer until one of them, or the room, ends it. False: it needs more.
func (d *Device) fill(e *endpoint, t *transfer) bool {
	for len(e.inbox) > 0 {
		a := &e.inbox[0]
		room := t.p.Data.Len() - t.done
		n := t.p.Data.CopyIn(a.data, t.done)
		t.done += n
		rest, status, short := a.data[n:], a.status, !a.more && len(a.data) < max(e.maxPacket, 1)
		if e.kind == usbredir.EPBulk && len(rest) > 0 && room > 0 {
			a.data = rest // a pipe of bytes: the next transfer has the rest
			e.held -= n
			d.finish(t, t.done, usb.OK)
			return true
		}
		e.held -= len(a.data)
		e.inbox[0] = arrived{}
		e.inbox = e.inbox[1:]
		switch {
		case status != usb.OK:
			d.finish(t, t.done, status)
		case len(rest) > 0:
			d.finish(t, t.done, usb.Babble)
		case short || t.done == t.p.Data.Len() || e.kind == usbredir.EPBulk && !a.more:
			d.finish(t, t.done, usb.OK)
		default:
			continue
		}
		return true
	}
	return false
}

func (d *Device) sendStart(e *endpoint) {
	switch e.kind {
	case usbredir.EPInterrupt:
		d.send(usbredir.Packet{Type: usbredir.TypeStartInterruptReceiving, Endpoint: e.addr})
	case usbredir.EPBulk:
		d.send(usbredir.Packet{Type: usbredir.TypeStartBulkReceiving, Endpoint: e.addr, Length: uint32(e.aheadLength()), URBs: aheadTransfers})
	case usbredir.EPIso:
		d.startIso(e)
	}
	d.dirty = true
}

func (e *endpoint) aheadLength() int {
	n := max(e.maxPacket, 1)
	return (aheadBytes + n - 1) / n * n
}

func (d *Device) sendStop(e *endpoint) {
	switch e.kind {
	case usbredir.EPInterrupt:
		d.send(usbredir.Packet{Type: usbredir.TypeStopInterruptReceiving, Endpoint: e.addr})
	case usbredir.EPBulk:
		d.send(usbredir.Packet{Type: usbredir.TypeStopBulkReceiving, Endpoint: e.addr})
	case usbredir.EPIso:
		d.send(usbredir.Packet{Type: usbredir.TypeStopIsoStream, Endpoint: e.addr})
	}
}

// streamData takes what the other end sends by itself.
func (d *Device) streamData(p *usbredir.Packet) error {
	e := d.endpoint(p.Endpoint)
	want := usbredir.EPInterrupt
	if p.Type == usbredir.TypeBufferedBulkPacket {
		want = usbredir.EPBulk
	}
	if e == nil || e.kind != want || !e.started && !e.paused {
		return nil // was on its way when receiving ended
	}
	if len(p.Data) > 64<<10 {
		return garbage(p, "%d bytes, more than was asked for", len(p.Data))
	}
	a := arrived{data: append([]byte(nil), p.Data...), status: outcome(nil, p.Status)}
	a.more = want == usbredir.EPBulk && len(p.Data) == e.aheadLength()
	for len(e.inbox) >= inboxPackets || e.held+len(a.data) > inboxBytes { // the oldest goes: what a device said last is how it is now
		if !e.lost {
			d.log.Warn("usb-redir: the guest does not take what the device sends", "endpoint", e.addr)
		}
		e.lost = true
		e.held -= len(e.inbox[0].data)
		e.inbox[0] = arrived{}
		e.inbox = e.inbox[1:]
	}
	e.inbox = append(e.inbox, a)
	e.held += len(a.data)
	if e.first == nil && len(e.inbox) >= inboxHigh && e.started {
		e.started, e.paused = false, true
		d.sendStop(e)
	}
	if d.suspended && d.wakes {
		d.tellPort(usb.RemoteWakeup, 0)
	}
	d.pump(e)
	return nil
}

// receiving handles the status of a start or a stop, and the word that receiving has ended by an error.
func (d *Device) receiving(p *usbredir.Packet) error {
	e := d.endpoint(p.Endpoint)
	if e == nil || p.Status == usbredir.Success || !e.started {
		return nil
	}
	e.started = false
	e.problem = outcome(nil, p.Status)
	d.pump(e)
	return nil
}
