package redir

import (
	"encoding/binary"

	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// Mass storage by the bulk-only transport (USB Mass Storage Class, Bulk-Only Transport 1.0) is three transfers a command, one after the other: command
// block, data, status. Across a network each would cost a round trip. Here the guest is told at once that its command block has arrived, so that its data transfer follows
// right behind, and one packet of input is asked for where the status comes next, before the guest does.
//
// That packet is the next one of the pipe, whatever it holds: the guest's next input transfer gets it, as a device's buffer would give it. It is given up where a
// device's buffer is: at a reset, of the bus or of the transport. Data are never acknowledged early. A command block that turns out not to have arrived
// is reported at the transfer after it.
type bot struct {
	in, out *endpoint
	phase   phase
	input   bool // direction of the data stage
	left    int  // bytes of the data stage that have not been asked for, or sent
	cbw     *transfer
	ahead   *transfer  // the packet asked for in advance
	held    []byte     // it has come
	holds   bool       // held is there, and may be empty
	failed  usb.Status // of the command block, not told yet
	broken  bool       // the device has lost a command with its connection: nothing works until a reset
}

type phase uint8

const (
	idle phase = iota
	dataStage
	statusStage
)

const (
	massStorage = 0x08
	bulkOnly    = 0x50
	cbwLength   = 31
	cswLength   = 13
)

// classify finds out which endpoints need more than forwarding.
func (d *Device) classify() {
	old := d.bots
	d.bots = nil
	for i := range d.eps {
		d.eps[i].bot = nil
	}
	n := int(min(d.infos.Count, 32))
	for i := range n {
		if d.infos.Class[i] == massStorage && d.infos.Protocol[i] == bulkOnly && !d.cfg.NoBulkOnlyAhead {
			d.addBot(d.infos.Number[i], old)
		}
	}
	for _, b := range old {
		if b.in.bot != b {
			b.reset(d)
		}
	}
	serial := serialAdapter(d.self.dev.Vendor, d.self.dev.Product) && d.shares(usbredir.CapBulkReceiving)
	for i := range d.eps {
		e := &d.eps[i]
		e.bulkAhead = serial && e.kind == usbredir.EPBulk && e.addr&0x80 != 0
	}
}

func (d *Device) addBot(iface uint8, old []*bot) {
	b := &bot{}
	for i := range d.eps {
		e := &d.eps[i]
		if e.kind == usbredir.EPBulk && e.iface == iface {
			if e.addr&0x80 != 0 {
				b.in = e
			} else {
				b.out = e
			}
		}
	}
	if b.in == nil || b.out == nil {
		return
	}
	for _, o := range old {
		if o.in == b.in && o.out == b.out {
			b = o
		}
	}
	b.in.bot, b.out.bot = b, b
	d.bots = append(d.bots, b)
}

// admit reports whether a transfer, the next of an endpoint, is to be sent. If not, it waits or has ended.
func (b *bot) admit(d *Device, e *endpoint, t *transfer) bool {
	switch {
	case b.broken:
		d.finish(t, t.done, usb.IOError)
	case e == b.out && b.isCommand(t):
		b.command(d, t)
	case b.failed != usb.OK:
		s := b.failed
		b.failed = usb.OK
		d.finish(t, t.done, s)
	case e == b.out:
		return true
	case b.holds:
		return b.deliver(d, t)
	default:
		return b.ahead == nil
	}
	return false
}

// isCommand reports whether a transfer is a command block (5.1) where one may be.
func (b *bot) isCommand(t *transfer) bool {
	var sign [4]byte
	return t.p.Data.Len() == cbwLength && (b.phase != dataStage || b.input) && t.p.Data.CopyOut(sign[:], 0) == 4 && string(sign[:]) == "USBC"
}

// command sends a command block and says that it has arrived.
func (b *bot) command(d *Device, t *transfer) {
	if b.cbw != nil || b.ahead != nil { // of a command that the guest has given up: first that must be over
		if b.ahead != nil {
			d.sendCancel(b.ahead)
		}
		return
	}
	c := d.take()
	c.ep = b.out
	t.p.Data.CopyOut(c.block[:], 0)
	if !d.number(c, usbredir.TypeBulkPacket) {
		return
	}
	c.answer = func(t *transfer, p *usbredir.Packet) { b.arrived(d, t, p) }
	b.cbw, b.failed = c, usb.OK
	d.post(message{Packet: usbredir.Packet{Type: usbredir.TypeBulkPacket, ID: uint64(c.id), Endpoint: b.out.addr, Length: cbwLength, Data: c.block[:]}, t: c})
	b.phase, b.left, b.input = dataStage, int(binary.LittleEndian.Uint32(c.block[8:])), c.block[12]&0x80 != 0
	d.finish(t, cbwLength, usb.OK)
	if b.left == 0 {
		b.askAhead(d)
	}
}

// sent takes note of a transfer of the data stage.
func (b *bot) sent(d *Device, e *endpoint, n int) {
	if b.phase != dataStage || b.input != (e == b.in) {
		return
	}
	switch b.left -= n; {
	case b.left == 0:
		b.askAhead(d)
	case b.left < 0: // the status may come in this transfer
		b.phase = statusStage
	}
}

// askAhead asks for the packet that should be the status.
func (b *bot) askAhead(d *Device) {
	b.phase = statusStage
	if b.ahead != nil || b.holds {
		return
	}
	t := d.take()
	t.ep = b.in
	if !d.number(t, usbredir.TypeBulkPacket) {
		return
	}
	t.answer = func(t *transfer, p *usbredir.Packet) {
		d.vacate(t)
		d.recycle(t)
		b.ahead = nil
		if p.Status == usbredir.Success || len(p.Data) > 0 {
			b.held, b.holds = append(b.held[:0], p.Data...), true
		} // else the guest asks itself, and is told what is wrong
		b.pump(d)
	}
	b.ahead = t
	d.post(message{Packet: usbredir.Packet{Type: usbredir.TypeBulkPacket, ID: uint64(t.id), Endpoint: b.in.addr, Length: uint32(b.in.maxPacket)}, t: t})
}

// deliver gives the packet that came ahead to the guest. True: the transfer goes on behind it.
func (b *bot) deliver(d *Device, t *transfer) bool {
	n := t.p.Data.CopyIn(b.held, t.done)
	t.done += n
	whole := len(b.held) == b.in.maxPacket
	b.holds = false
	if n < len(b.held) {
		d.finish(t, t.done, usb.Babble)
		return false
	}
	b.sawInput(b.held)
	if whole && t.done < t.p.Data.Len() {
		return true
	}
	d.finish(t, t.done, usb.OK)
	return false
}

// sawInput ends a command when its status (5.2) has come.
func (b *bot) sawInput(p []byte) {
	if len(p) == cswLength && string(p[:4]) == "USBS" {
		b.phase = idle
	}
}

// arrived handles the answer to a command block.
func (b *bot) arrived(d *Device, t *transfer, p *usbredir.Packet) {
	s := outcome(nil, p.Status)
	if s == usb.OK && p.Length != cbwLength {
		s = usb.IOError
	}
	d.vacate(t)
	d.recycle(t)
	b.cbw = nil
	if s != usb.OK {
		told := false
		for t := b.in.first; t != nil && t.sent; t = t.next {
			told, t.instead = true, s
			if !t.cancelled {
				d.cancel(t)
			}
		}
		if t := b.out.first; t != nil && t.sent {
			told = true // the device refuses these as well
		}
		if !told {
			b.failed = s
		}
		if b.ahead != nil {
			d.sendCancel(b.ahead)
		}
		b.phase = idle
	}
	b.pump(d)
}

// clearHalt is called before the guest makes an endpoint work again.
func (b *bot) clearHalt(d *Device, e *endpoint) {
	if e == b.in && b.ahead != nil {
		d.sendCancel(b.ahead)
	}
}

// reset gives up what was under way.
func (b *bot) reset(d *Device) {
	for _, t := range []*transfer{b.ahead, b.cbw} {
		if t != nil {
			d.drop(t, usb.Cancelled)
		}
	}
	*b = bot{in: b.in, out: b.out, held: b.held}
}

// interrupted takes note of the end of a connection. The device is reset before it comes back, and has forgotten its command.
func (b *bot) interrupted() {
	finished := b.phase == statusStage && b.holds
	b.broken = b.broken || b.phase != idle && !finished
	b.cbw, b.ahead, b.failed, b.phase = nil, nil, usb.OK, idle
	b.holds = finished
}

// pump carries on at both endpoints.
func (b *bot) pump(d *Device) {
	d.pump(b.out)
	d.pump(b.in)
}
