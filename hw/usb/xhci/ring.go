package xhci

import (
	"slices"

	"govm-desktop/hw/usb"
)

// Bounds of what is in flight.
const (
	window   = 4 << 20 // bytes of TDs in flight on a ring; one TD may be larger
	tdCost   = 512     // what a TD counts for at least
	maxTRBs  = 1 << 14 // of a TD
	maxBytes = 64 << 20
	maxKept  = window / tdCost // transfers of which something is kept: no more are in flight at once
)

// ring is a Transfer Ring (4.9.2): of an endpoint, or of one of its streams.
type ring struct {
	ep     *endpoint
	stream int
	deq    uint64 // the TRB to be fetched next
	cycle  bool
	queued bool // in the endpoint's todo

	head, tail *td // in flight, in the order of the ring
	bytes      int // of them

	// Where a TD has been interrupted: deq is the TRB in progress, of which skip bytes have been moved.
	inside bool // deq is not the first TRB of its TD, or skip is not 0
	begun  bool // the TD had been fetched
	skip   int
	left   int    // bytes of the TRB that are still to be moved, for the Stopped event
	target int    // interrupter of that TRB
	edtla  uint32 // Event Data Transfer Length Accumulator (4.11.5.2), up to deq

	pipe []arrival // what has come in for TDs that had been called back
	sent []sent    // what has gone out for such TDs
}

// arrival is data that the device has given, for whatever TD is the next.
type arrival struct {
	data  []byte
	short bool // the transfer ended here
}

// sent is a TD that the device has taken, in part or as a whole, though one before it was called back.
type sent struct {
	addr uint64
	trb  trb // the TD's first one, to know it by
	n    int
	all  bool
}

// position is where the ring stands, as contexts show it.
func (r *ring) position() uint64 {
	at, cycle := r.deq, r.cycle
	if r.head != nil && r.ep.state == epRunning {
		at, cycle = r.head.trbs[0].addr, r.head.trbs[0].cycle
	}
	if cycle {
		at |= 1
	}
	return at
}

func (r *ring) push(t *td) {
	t.next = nil
	if r.tail == nil {
		r.head = t
	} else {
		r.tail.next = t
	}
	r.tail = t
	r.bytes += t.cost()
}

func (r *ring) pop() *td {
	t := r.head
	if r.head = t.next; r.head == nil {
		r.tail = nil
	}
	r.bytes -= t.cost()
	return t
}

// retire ends the TDs at the front that are done, in order.
func (r *ring) retire() {
	e := r.ep
	for r.head != nil && r.head.done && e.state == epRunning {
		if r.head.unfinished() && e.stopping > 0 {
			return // the rest is settled when all have come back
		}
		t := r.pop()
		r.finish(t)
		e.c.recycle(t)
	}
}

// settle takes the ring back to the first TD that is not done, and keeps what has been moved for those behind.
func (r *ring) settle() {
	e := r.ep
	for t := r.head; t != nil; t = t.next {
		if !t.done { // the device does not answer
			t.orphan = true
			e.out--
		}
	}
	r.retire()
	if r.head != nil && e.state == epRunning {
		t := r.pop()
		r.interrupt(t)
		e.c.recycle(t)
	}
	var back *td
	for r.head != nil {
		t := r.pop()
		if back == nil {
			back = t
		}
		r.keep(t)
		e.c.recycle(t)
	}
}

// interrupt takes the ring back to a TD that has been called back, at the TRB in progress.
func (r *ring) interrupt(t *td) {
	n := 0
	if t.done {
		n = t.base + t.packet.Actual
	}
	if t.ring.ep.kind == controlEP || t.ring.ep.kind.isoch() { // these begin anew
		n = 0
	}
	i, got := t.locate(n)
	r.walk(t, n, i, 0)
	r.stand(t, i, got)
}

// stand sets where the ring goes on: at byte got of TRB i.
func (r *ring) stand(t *td, i, got int) {
	b := &t.trbs[i]
	r.deq, r.cycle = b.addr, b.cycle
	r.skip, r.left, r.target = got, b.len-got, b.target()
	r.inside, r.begun = i > 0 && r.ep.kind != controlEP || got > 0 || t.inside, true
}

// keep notes what has been moved for a TD behind one that was called back.
func (r *ring) keep(t *td) {
	e := r.ep
	if !t.done || t.fault != 0 || e.kind.isoch() || e.kind == controlEP || t.internal {
		return
	}
	n, ok := t.packet.Actual, t.packet.Status == usb.OK
	if n == 0 && t.base == 0 && !ok {
		return
	}
	if e.kind == bulkOut || e.kind == intOut {
		if len(r.sent) == maxKept { // of rings that have gone long since
			r.sent = r.sent[1:]
		}
		r.sent = append(r.sent, sent{t.trbs[0].addr, t.first, t.base + n, ok})
		return
	}
	if len(r.pipe) == maxKept {
		r.pipe = r.pipe[1:]
	}
	p := make([]byte, t.base+n)
	t.gather(0)
	t.packet.Data.CopyOut(p, 0)
	r.pipe = append(r.pipe, arrival{p, ok && t.base+n < t.total})
}

// forget drops data that belongs to a pipe which has been reset.
func (r *ring) forget() { r.pipe, r.sent = nil, nil }

// carry gives a TD what was kept for it. True: there is nothing left for the device to do.
func (r *ring) carry(t *td) bool {
	if i := slices.IndexFunc(r.sent, func(s sent) bool { return s.addr == t.trbs[0].addr }); i >= 0 {
		s := r.sent[i]
		r.sent = slices.Delete(r.sent, i, i+1)
		if s.trb == t.first {
			t.base = min(s.n, t.total)
			return s.all || t.base == t.total && t.total > 0
		}
	}
	if len(r.pipe) == 0 || t.packet.Endpoint&usb.DirIn == 0 {
		return false
	}
	t.gather(t.base)
	moved := 0
	for len(r.pipe) > 0 {
		a := &r.pipe[0]
		n := t.packet.Data.CopyIn(a.data, moved)
		moved += n
		if a.data = a.data[n:]; len(a.data) > 0 {
			break // the TD is full
		}
		short := a.short
		r.pipe = r.pipe[1:]
		if short {
			t.packet.Actual = moved
			return true
		}
		if t.base+moved == t.total {
			break
		}
	}
	t.packet.Actual = moved
	if t.base+moved == t.total {
		return true
	}
	t.wrote()
	t.base += moved
	t.packet.Actual = 0
	return false
}

// arm sets a TD going: what the ring has for it from before is taken, the rest is the packet's.
func (r *ring) arm(t *td) {
	t.base, t.inside = r.skip, r.inside
	r.skip, r.inside, r.begun = 0, false, false
	t.packet.Actual, t.packet.Status = 0, usb.OK
	if !t.inside {
		t.clean = true
	}
	if t.internal || t.fault != 0 {
		t.done = true
		return
	}
	if r.ep.kind != controlEP && !r.ep.kind.isoch() && r.carry(t) {
		t.done = true
		t.wrote()
		return
	}
	t.gather(t.base)
}
