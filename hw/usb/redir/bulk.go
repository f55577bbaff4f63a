package redir

import (
	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// pumpBulk sends the transfers of a bulk endpoint, or of an interrupt endpoint towards the device, as many as the window holds.
func (d *Device) pumpBulk(e *endpoint) {
	for t := e.unsent; t != nil && e.blocked == nil; t = e.unsent {
		if e.bot != nil && !e.bot.admit(d, e, t) {
			if e.unsent == t {
				return
			}
			continue // it has ended
		}
		left := t.p.Data.Len() - t.done
		n := min(left, d.most(e))
		if e.inFlight > 0 && e.inFlight+n > window {
			return
		}
		if !d.submit(e, t, n) {
			return
		}
		e.unsent = t.next
		if t.split = n < left; t.split {
			e.blocked = t
		}
		if e.bot != nil {
			e.bot.sent(d, e, n)
		}
	}
}

// most is the longest transfer that goes into one packet, in whole packets of the endpoint.
func (d *Device) most(e *endpoint) int {
	n := portion
	if e.kind == usbredir.EPInterrupt || !d.shares(usbredir.Cap32BitBulkLength) {
		n = 0xffff
	}
	return max(n-n%max(e.maxPacket, 1), 1)
}

// submit sends one portion of a transfer.
func (d *Device) submit(e *endpoint, t *transfer, n int) bool {
	p := usbredir.Packet{Type: usbredir.TypeBulkPacket, Endpoint: e.addr, Length: uint32(n), Stream: uint32(t.p.Stream)}
	if e.kind == usbredir.EPInterrupt {
		p.Type, p.Stream = usbredir.TypeInterruptPacket, 0
	}
	if !d.number(t, p.Type) {
		return false
	}
	t.asked = n
	e.inFlight += n
	p.ID = uint64(t.id)
	d.post(message{Packet: p, t: t})
	return true
}

// bulkAnswer ends a transfer, or goes on with its next portion.
func (d *Device) bulkAnswer(t *transfer, p *usbredir.Packet) {
	e, asked, split := t.ep, t.asked, t.split
	n, s := d.landed(t, p, outcome(t, p.Status))
	n += t.done
	if s == usb.Cancelled && n >= t.p.Data.Len() && n > 0 {
		s = usb.OK // all of it was there before
	}
	if split && s == usb.OK && n-t.done == asked && !t.cancelled && !t.ended {
		d.vacate(t)
		t.done = n
		if left := t.p.Data.Len() - n; d.submit(e, t, min(left, d.most(e))) {
			if t.split = left > t.asked; !t.split {
				e.blocked = nil
			}
		}
		d.pump(e)
		return
	}
	if split && s == usb.OK && t.cancelled && n < t.p.Data.Len() && n-t.done == asked {
		s = usb.Cancelled // between two portions
	}
	if e.bot != nil && e == e.bot.in && n == cswLength {
		var head [cswLength]byte
		t.p.Data.CopyOut(head[:], 0)
		e.bot.sawInput(head[:])
	}
	d.finish(t, n, s)
	if e.bot != nil {
		e.bot.pump(d)
	} else {
		d.pump(e)
	}
}
