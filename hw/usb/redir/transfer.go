package redir

import (
	"time"

	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// queue is what the device has to tell others, in order, with mu not held: ends of transfers and events of the port.
type queue struct {
	words, spent []word
	telling      bool
}

type word struct {
	p      *usb.Packet
	n      int
	status usb.Status

	port  *usb.Port
	event usb.PortEvent
	speed usb.Speed
}

func (d *Device) tell(p *usb.Packet, n int, s usb.Status) {
	d.words = append(d.words, word{p: p, n: n, status: s})
}

func (d *Device) tellPort(e usb.PortEvent, s usb.Speed) {
	if d.port != nil {
		d.words = append(d.words, word{port: d.port, event: e, speed: s})
	}
}

// unlock tells what there is to tell and gives mu up. If another goroutine is at it, or this one further up, that one tells it.
func (d *Device) unlock() {
	for !d.telling && len(d.words) > 0 {
		d.telling = true
		words := d.words
		d.words = d.spent[:0]
		d.mu.Unlock()
		for i := range words {
			words[i].say()
		}
		d.mu.Lock()
		clear(words)
		d.spent, d.telling = words[:0], false
	}
	d.mu.Unlock()
}

func (w *word) say() {
	switch {
	case w.p != nil:
		w.p.Complete(w.n, w.status)
	case w.event == usb.Connected:
		w.port.Connect(w.speed)
	case w.event == usb.Gone:
		w.port.Disconnect()
	default:
		w.port.Wake()
	}
}

// A transfer is one of the guest's packets, or a request of our own (p is nil).
//
// It is enlisted at its endpoint until it has ended. When it goes out it gets an id, which it keeps until the answer is in. A transfer that has to end earlier is
// orphaned: p becomes nil, the id stays taken until the answer.
type transfer struct {
	p          *usb.Packet
	ep         *endpoint
	prev, next *transfer // at the endpoint

	id        uint32
	kind      usbredir.Type // of the answer
	sent      bool          // has an id
	queued    bool          // sent, but not yet written
	skip      bool          // queued, and not to be written any more
	cancelled bool
	deadline  time.Time // for the answer to a cancel
	filling   bool      // the reader is storing data into the packet's memory
	ended     bool      // filling, and has to end with status when that is over
	unknown   bool      // was under way when the connection dropped; nobody knows whether it has happened
	status    usb.Status
	instead   usb.Status // reported in place of a cancelled end, if not OK
	done      int        // bytes moved by earlier portions
	asked     int        // bytes of the present one
	split     bool       // more portions may follow

	answer func(*transfer, *usbredir.Packet) // of our own; nil: nobody waits
	block  [31]byte                          // a command block, whose memory has been given back
	free   *transfer
}

// take gives a transfer that is not enlisted.
func (d *Device) take() *transfer {
	t := d.spare
	if t == nil {
		return &transfer{}
	}
	d.spare = t.free
	*t = transfer{}
	return t
}

// enlist appends a packet to an endpoint.
func (d *Device) enlist(e *endpoint, p *usb.Packet) *transfer {
	t := d.take()
	t.p, t.ep = p, e
	t.prev = e.last
	if e.last != nil {
		e.last.next = t
	} else {
		e.first = t
	}
	e.last = t
	if e.unsent == nil {
		e.unsent = t
	}
	d.known[p] = t
	return t
}

// delist takes a transfer from its endpoint.
func (d *Device) delist(t *transfer) {
	e := t.ep
	if e.unsent == t {
		e.unsent = t.next
	}
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		e.first = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	} else {
		e.last = t.prev
	}
	t.prev, t.next = nil, nil
	delete(d.known, t.p)
	if e.blocked == t {
		e.blocked = nil
	}
}

// number gives a transfer its id. False: there are too many without an answer, and the link is given up.
func (d *Device) number(t *transfer, kind usbredir.Type) bool {
	var slot uint32
	if n := len(d.vacant); n > 0 {
		slot = d.vacant[n-1]
		d.vacant = d.vacant[:n-1]
	} else if slot = uint32(len(d.slots)); slot >= maxSlots {
		d.lose("too many packets without an answer")
		return false
	} else {
		d.slots = append(d.slots, nil)
	}
	d.slots[slot] = t
	t.id, t.kind, t.sent = uint32(d.epoch)<<16|slot, kind, true
	return true
}

// vacate gives the id back.
func (d *Device) vacate(t *transfer) {
	slot := t.id & (maxSlots - 1)
	d.slots[slot] = nil
	d.vacant = append(d.vacant, slot)
	t.sent, t.queued, t.filling = false, false, false
	if t.ep != nil {
		t.ep.inFlight -= t.asked
	}
	t.asked = 0
}

// recycle keeps a transfer that nothing refers to any more.
func (d *Device) recycle(t *transfer) {
	t.free, d.spare = d.spare, t
}

// find is the transfer with an id that an answer of the given kind belongs to.
func (d *Device) find(id uint64, kind usbredir.Type) *transfer {
	slot := id & (maxSlots - 1)
	if slot >= uint64(len(d.slots)) || d.slots[slot] == nil {
		return nil
	}
	if t := d.slots[slot]; uint64(t.id) == id && t.kind == kind && !t.queued {
		return t
	}
	return nil
}

// finish ends a transfer whose answer is in, or which has never been sent.
func (d *Device) finish(t *transfer, n int, s usb.Status) {
	if t.sent {
		d.vacate(t)
	}
	if t.p != nil {
		p := t.p
		d.delist(t)
		d.tell(p, n, s)
	}
	d.recycle(t)
}

// drop ends a transfer before its answer.
func (d *Device) drop(t *transfer, s usb.Status) {
	switch {
	case !t.sent:
		d.finish(t, t.done, s)
	case t.filling:
		t.ended, t.status = true, s // its memory is in use
		d.await(t)
	default:
		p := t.p
		if p != nil {
			d.delist(t)
			d.tell(p, t.done, s)
			t.p = nil
		}
		t.answer = nil
		if t.queued {
			t.skip = true
		} else if !t.cancelled {
			d.sendCancel(t)
		}
	}
}

// cancel asks the other end to end a transfer.
func (d *Device) cancel(t *transfer) {
	d.sendCancel(t)
	d.await(t)
}

func (d *Device) sendCancel(t *transfer) {
	if t.cancelled || t.kind < usbredir.TypeControlPacket {
		return
	}
	t.cancelled = true
	d.send(usbredir.Packet{Type: usbredir.TypeCancelDataPacket, ID: uint64(t.id)})
}

// await sets a limit to the time in which the answer comes. A host controller's driver waits only so long for its endpoint to stop.
func (d *Device) await(t *transfer) {
	t.deadline = time.Now().Add(cancelWait)
	if d.late == nil {
		d.late = time.AfterFunc(cancelWait, d.overdue)
	}
}

// overdue ends cancelled transfers without an answer.
func (d *Device) overdue() {
	d.mu.Lock()
	defer d.unlock()
	d.late = nil
	now := time.Now()
	var next time.Time
	for _, t := range d.slots {
		switch {
		case t == nil || t.deadline.IsZero() || t.p == nil:
		case t.deadline.After(now):
			if next.IsZero() || t.deadline.Before(next) {
				next = t.deadline
			}
		case t.filling:
			t.ended, t.status = true, usb.Cancelled
			d.lose("stopped in the middle of a packet")
		default:
			d.drop(t, usb.Cancelled)
		}
	}
	if !next.IsZero() {
		d.late = time.AfterFunc(next.Sub(now), d.overdue)
	}
}

// outcome translates the other end's status.
func outcome(t *transfer, s usbredir.Status) usb.Status {
	switch s {
	case usbredir.Success:
		return usb.OK
	case usbredir.Stall, usbredir.Invalid:
		return usb.Stall
	case usbredir.Babble:
		return usb.Babble
	}
	if t != nil && t.cancelled {
		if t.instead != usb.OK {
			return t.instead
		}
		return usb.Cancelled
	}
	return usb.IOError
}
