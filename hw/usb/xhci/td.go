package xhci

import (
	"govm-desktop/hw/usb"
)

// tdTRB is a TRB of a TD in flight.
type tdTRB struct {
	addr    uint64
	param   uint64
	control uint32
	status  uint32
	len     int // bytes that it moves
	cycle   bool
}

func (b *tdTRB) kind() kind  { return kind(b.control >> 10 & 0x3f) }
func (b *tdTRB) target() int { return int(b.status >> interrupterShift) }

// moves reports whether the TRB stands for bytes on the bus.
func (b *tdTRB) moves() bool {
	k := b.kind()
	return k == kindNormal || k == kindData || k == kindIsoch
}

// td is a Transfer Descriptor in flight: for a control endpoint, all of a control transfer. They are used again and again.
type td struct {
	c      *Controller
	packet usb.Packet
	ring   *ring
	next   *td
	dev    usb.Device
	trbs   []tdTRB
	first  trb // as it was in memory
	total  int // bytes

	base     int  // moved before, as packets that were called back
	inside   bool // trbs do not begin with the TD's first one
	clean    bool // EDTLA starts at 0
	internal bool // no packet
	fault    code // it cannot be done: the last TRB is bad
	setup    usb.Setup
	stage    kind // of a control transfer: the last one seen

	done, cancelled         bool
	orphan, pinned, retired bool
}

// take is a TD to be filled in.
func (c *Controller) take(r *ring) *td {
	t := c.free
	if t == nil {
		t = &td{c: c}
		t.packet.Done = t.complete
	} else {
		c.free = t.next
	}
	t.ring, t.next, t.dev = r, nil, nil
	t.trbs, t.total, t.base, t.first, t.stage = t.trbs[:0], 0, 0, trb{}, 0
	t.inside, t.clean, t.internal, t.fault = false, false, true, 0
	t.done, t.cancelled, t.orphan, t.pinned, t.retired = false, false, false, false, false
	return t
}

// keepTRBs is how large a list of TRBs is kept for the next TD.
const keepTRBs = 1024

// recycle keeps a TD for the next one; one that a device or a canceller still holds, not yet.
func (c *Controller) recycle(t *td) {
	t.retired = true
	if t.pinned || t.orphan && !t.done {
		return
	}
	t.packet.Data.Reset()
	if cap(t.trbs) > keepTRBs {
		t.trbs = nil
	}
	t.ring, t.next = nil, c.free
	c.free = t
}

func (t *td) cost() int { return max(t.total, tdCost) }

// unfinished reports whether the packet was called back before it had moved all its bytes.
func (t *td) unfinished() bool {
	return t.packet.Status == usb.Cancelled && t.fault == 0 && !t.internal && (t.total == 0 || t.base+t.packet.Actual < t.total)
}

// gather makes the packet's buffer of the TD's bytes from the given one on; false: some of it is not memory.
func (t *td) gather(from int) bool {
	t.packet.Data.Reset()
	write := t.packet.In()
	for i := range t.trbs {
		b := &t.trbs[i]
		if !b.moves() || b.len == 0 {
			continue
		}
		if from >= b.len {
			from -= b.len
			continue
		}
		addr, left := b.data()+uint64(from), uint64(b.len-from)
		from = 0
		for left > 0 {
			p := t.c.dma.Slice(addr, left, write)
			if len(p) == 0 {
				return false
			}
			t.packet.Data.Append(p)
			addr, left = addr+uint64(len(p)), left-uint64(len(p))
		}
	}
	return true
}

// data is where a TRB's bytes are; immediate data is in the TRB itself.
func (b *tdTRB) data() uint64 {
	if b.control&trbIDT != 0 {
		return b.addr
	}
	return b.param
}

// wrote tells the machine what the device has written.
func (t *td) wrote() {
	n := t.packet.Actual
	if n == 0 || !t.packet.In() {
		return
	}
	from := t.base
	for i := range t.trbs {
		b := &t.trbs[i]
		if !b.moves() {
			continue
		}
		if from >= b.len {
			from -= b.len
			continue
		}
		k := min(n, b.len-from)
		t.c.dma.Wrote(b.data()+uint64(from), uint64(k))
		if n, from = n-k, 0; n == 0 {
			return
		}
	}
}

// locate is the TRB in which byte n of the TD lies, and where in it. Behind the last byte it is the TRB that ends the TD: the status stage, or the
// last one that moves bytes.
func (t *td) locate(n int) (i, got int) {
	last := 0
	for i := range t.trbs {
		b := &t.trbs[i]
		switch {
		case b.kind() == kindStatus:
			return i, 0
		case !b.moves():
			continue
		case n < b.len:
			return i, n
		}
		last, got = i, b.len
		n -= b.len
	}
	return last, got
}

// ends are the completion codes of a packet's end.
func ends(s usb.Status, isoch bool) code {
	switch s {
	case usb.OK:
		return codeSuccess
	case usb.Stall:
		if !isoch { // isochronous endpoints do not stall
			return codeStall
		}
	case usb.Babble:
		return codeBabble
	case usb.Overrun:
		if isoch {
			return codeIsochOverrun
		}
	case usb.Cancelled: // all bytes had been moved
		return codeSuccess
	}
	return codeTransaction
}

// finish writes the events of a TD that has ended, and halts the endpoint where that is due.
func (r *ring) finish(t *td) {
	e := r.ep
	if t.fault != 0 {
		r.refuse(t)
		return
	}
	n := min(t.base+t.packet.Actual, t.total)
	end := ends(t.packet.Status, e.kind.isoch())
	if t.unfinished() { // by the device's own doing: it was reset
		end = codeTransaction
	}
	if end == codeSuccess || t.internal {
		r.walk(t, n, len(t.trbs), codeSuccess)
		if e.kind == controlEP && !t.internal {
			e.slot.requested(t.setup)
		}
		return
	}
	i, got := t.locate(n)
	r.walk(t, n, i, end)
	if !e.kind.isoch() {
		r.stand(t, i, got)
		e.halt(epHalted)
	}
}

// refuse is the end of a TD that cannot be done.
func (r *ring) refuse(t *td) {
	i := len(t.trbs) - 1
	b := &t.trbs[i]
	r.event(b, t.fault, b.len)
	if r.ep.kind.isoch() && t.fault != codeTRB {
		return
	}
	r.stand(t, i, 0)
	r.inside = false
	r.ep.halt(epError)
}

// halt freezes the endpoint: nothing behind the TD that failed is done.
func (e *endpoint) halt(s epState) {
	e.state = s
	e.todo = e.todo[:0]
	e.rings(func(r *ring) { r.queued = false })
	e.show()
	if e.out > 0 {
		e.recall = true
		e.c.kick(&e.worker)
	}
}

// walk goes through the TRBs of a TD of which n bytes have been moved, and writes the events that they ask for. It ends before TRB stop, for which
// it writes an event with the code end, if that is not 0; if stop is behind the last one, the TD has been done, if only by a short packet.
func (r *ring) walk(t *td, n, stop int, end code) {
	if t.clean {
		r.edtla = 0
	}
	now, short := codeSuccess, false
	for i := range t.trbs {
		b := &t.trbs[i]
		if i == stop {
			if end != 0 {
				r.event(b, end, b.len-min(n, b.len))
			}
			return
		}
		switch {
		case b.kind() == kindEventData:
			r.eventData(b, now)
			continue
		case b.kind() == kindStatus:
			now = codeSuccess
		}
		got := 0
		if b.moves() {
			got = min(n, b.len)
			n -= got
			r.edtla = (r.edtla + uint32(got)) & lengthMask
			if got < b.len && !short {
				now, short = codeShort, true
				if b.control&(trbISP|trbIOC) != 0 {
					r.event(b, now, b.len-got)
				}
				continue
			}
		}
		if b.control&trbIOC != 0 {
			left := 0
			if b.moves() {
				left = b.len - got
			}
			r.event(b, now, left)
		}
	}
}

// event writes a Transfer Event for a TRB.
func (r *ring) event(b *tdTRB, c code, left int) {
	r.post(b.target(), trb{param: b.addr, status: uint32(c)<<24 | uint32(left)&lengthMask}, b.control&trbBEI != 0)
}

// eventData writes the Transfer Event of an Event Data TRB.
func (r *ring) eventData(b *tdTRB, c code) {
	if b.control&trbIOC != 0 {
		r.post(b.target(), trb{param: b.param, status: uint32(c)<<24 | r.edtla, control: trbEventData}, b.control&trbBEI != 0)
	}
	r.edtla = 0
}

func (r *ring) post(target int, t trb, quiet bool) {
	e := r.ep
	t.control |= control(kindTransferEvent, uint32(e.dci)<<16|uint32(e.slot.id)<<24)
	e.c.post(target, t, quiet)
}
