package redir

import (
	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// What hosts bear of isochronous packets in one transfer, and transfers.
const (
	isoPackets   = 32
	isoTransfers = 16
	isoQueue     = 2 << 20 // bytes towards the device that wait to be written
)

// rate is how many packets in a second an isochronous endpoint moves.
func (d *Device) rate(e *endpoint) int {
	shift := min(max(int(e.interval), 1), 16) - 1
	if d.self.dev.Speed >= usbredir.SpeedHigh {
		return max(8000>>shift, 1)
	}
	return max(1000>>shift, 1)
}

// iso moves what belongs to one interval. It never waits: the bus does not.
func (d *Device) iso(e *endpoint, p *usb.Packet) {
	if !d.live {
		d.tell(p, 0, usb.OK)
		return
	}
	if e.problem != usb.OK {
		s := e.problem
		e.problem = usb.OK
		d.tell(p, 0, s)
		return
	}
	if e.jitter == nil {
		e.jitter = usb.NewJitter(d.rate(e))
	}
	if !e.started {
		e.started = true
		d.sendStart(e)
	}
	if e.addr&0x80 != 0 {
		n, s := e.jitter.Take(&p.Data)
		d.tell(p, n, s)
		return
	}
	n := min(p.Data.Len(), 0xffff)
	if l := d.link; l != nil && len(l.out)*max(e.maxPacket*e.mult, 64) < isoQueue {
		data := make([]byte, n)
		p.Data.CopyOut(data, 0)
		d.send(usbredir.Packet{Type: usbredir.TypeIsoPacket, ID: e.outID, Endpoint: e.addr, Length: uint32(n), Data: data})
	} // else the line is too slow, and late sound is worse than none
	e.outID++
	d.tell(p, n, usb.OK)
}

// startIso has the other end move a buffer's length of packets in transfers that take a hundredth of a second each.
func (d *Device) startIso(e *endpoint) {
	rate := d.rate(e)
	per := min(max(rate/100, 1), isoPackets)
	target := rate * 60 / 1000
	if e.addr&0x80 == 0 {
		target *= 2
	}
	n := min(max((target+per-1)/per, 2), isoTransfers)
	d.send(usbredir.Packet{Type: usbredir.TypeStartIsoStream, Endpoint: e.addr, PacketsPerURB: uint8(per), URBs: uint8(n)})
}

// isoData takes an isochronous packet.
func (d *Device) isoData(p *usbredir.Packet) error {
	e := d.endpoint(p.Endpoint)
	if e == nil || e.kind != usbredir.EPIso || !e.started || e.jitter == nil {
		return nil
	}
	if most := max(e.maxPacket*e.mult, 1024) * 16; len(p.Data) > most {
		return garbage(p, "%d bytes, at most %d go in an interval", len(p.Data), most)
	}
	e.jitter.Put(p.Data, outcome(nil, p.Status))
	return nil
}
