package xhci

import (
	"time"

	"govm-desktop/hw/usb"
)

// epState is the state of an endpoint, as its context shows it (6.2.3).
type epState uint8

const (
	epDisabled epState = iota
	epRunning
	epHalted
	epStopped
	epError
)

var epStates = [...]string{"disabled", "running", "halted", "stopped", "error"}

// endpoint is an enabled endpoint. Its worker is the only one that submits and cancels its packets.
type endpoint struct {
	worker
	epConfig
	c     *Controller
	slot  *slot
	dci   int
	state epState
	gone  bool // it is not enabled any more

	stopping int  // so many wait for all packets to come back: nothing new is begun
	recall   bool // the worker shall cancel what is with the device
	out      int  // packets with the device

	ring    *ring
	streams []*ring // by stream ID, in place of ring; nil: not used so far
	base    uint64  // of the stream context array
	todo    []*ring // that may have TDs
	iso     isoch
}

func newEndpoint(s *slot, dci int, cfg epConfig) *endpoint {
	e := &endpoint{epConfig: cfg, c: s.c, slot: s, dci: dci, state: epRunning}
	s.c.employ(&e.worker, e.work)
	if cfg.streams > 0 {
		e.streams, e.base = make([]*ring, cfg.streams), cfg.deq
	} else {
		e.ring = &ring{ep: e, deq: cfg.deq, cycle: cfg.cycle}
	}
	if cfg.kind.isoch() {
		e.iso.timer = s.c.opt.Clock.NewTimer(e.due)
	}
	return e
}

// rings are those in use.
func (e *endpoint) rings(visit func(*ring)) {
	if e.ring != nil {
		visit(e.ring)
	}
	for _, r := range e.streams {
		if r != nil {
			visit(r)
		}
	}
}

// context is the output context of an endpoint just enabled.
func (e *endpoint) context(in context) context {
	in[0] = in[0]&^7 | uint32(e.state)
	return in
}

// show writes the endpoint's state and where its rings stand into its output context.
func (e *endpoint) show() {
	at, ok := e.slot.output(e.dci)
	if !ok {
		return
	}
	ctx, ok := e.c.readContext(at)
	if !ok {
		return
	}
	ctx[0] = ctx[0]&^7 | uint32(e.state)
	if e.ring != nil && e.state != epRunning {
		p := e.ring.position()
		ctx[2], ctx[3] = uint32(p), uint32(p>>32)
	}
	e.c.writeContext(at, ctx)
	if e.state == epRunning {
		return
	}
	for id, r := range e.streams {
		if r != nil {
			e.showStream(id, r)
		}
	}
}

// bell is a doorbell.
func (e *endpoint) bell(stream int) {
	switch e.state {
	case epRunning:
	case epStopped:
		e.state = epRunning
		e.show()
		e.rings(e.queue) // one doorbell starts all streams (4.12)
	default:
		return
	}
	if r := e.target(stream); r != nil {
		e.queue(r)
	}
	e.c.kick(&e.worker)
}

// queue notes that a ring may have TDs.
func (e *endpoint) queue(r *ring) {
	if !r.queued {
		r.queued = true
		e.todo = append(e.todo, r)
	}
}

// unqueue forgets a ring, which is looked at again when its doorbell rings.
func (e *endpoint) unqueue(r *ring) {
	for i, q := range e.todo {
		if q == r {
			e.todo = append(e.todo[:i], e.todo[i+1:]...)
			break
		}
	}
	r.queued = false
}

// work is the worker.
func (e *endpoint) work() {
	for e.step() {
	}
}

// step does one thing; false: there is nothing to do.
func (e *endpoint) step() bool {
	if e.recall {
		e.callBack()
		return true
	}
	if e.state != epRunning || e.stopping > 0 || e.gone || !e.c.runs() {
		return false
	}
	r := e.pick()
	if r == nil {
		return false
	}
	if e.kind.isoch() {
		return e.isochStep(r)
	}
	t := r.fetch()
	if t == nil {
		e.unqueue(r)
		return true
	}
	e.begin(t)
	return true
}

// pick is a ring on which a TD may be begun.
func (e *endpoint) pick() *ring {
	for _, r := range e.todo {
		if r.head == nil || r.bytes < window && e.kind != controlEP {
			return r
		}
	}
	return nil
}

// begin puts a TD in flight and submits it, if there is something for the device to do.
func (e *endpoint) begin(t *td) {
	t.ring.push(t)
	if !t.done && !e.slot.live() {
		t.done, t.packet.Status, t.packet.Actual = true, usb.Disconnected, 0
	}
	if t.done {
		t.ring.retire()
		return
	}
	e.out++
	t.dev = e.slot.dev
	if p := e.c.ports[e.slot.root-1]; !p.traffic {
		p.traffic = true
	}
	e.c.mu.Unlock()
	t.packet.Send(t.dev)
	e.c.mu.Lock()
}

// complete is what a device's Packet.Complete calls.
func (t *td) complete(*usb.Packet) {
	c := t.c
	c.mu.Lock()
	defer c.mu.Unlock()
	t.done = true
	t.wrote()
	if t.orphan {
		c.recycle(t)
		return
	}
	e := t.ring.ep
	e.out--
	t.ring.retire()
	if e.stopping > 0 {
		c.cond.Broadcast()
	} else if len(e.todo) > 0 || e.recall {
		c.kick(&e.worker)
	}
}

// callBack cancels all packets, the last one first: what still ends in between ends in order.
func (e *endpoint) callBack() {
	e.recall = false
	var list []*td
	e.rings(func(r *ring) {
		for t := r.head; t != nil; t = t.next {
			if !t.done && !t.cancelled {
				t.cancelled, t.pinned = true, true
				list = append(list, t)
			}
		}
	})
	cancelAll(e.c, list)
}

func cancelAll(c *Controller, list []*td) {
	c.mu.Unlock()
	for i := len(list) - 1; i >= 0; i-- {
		list[i].dev.Cancel(&list[i].packet)
	}
	c.mu.Lock()
	for _, t := range list {
		t.pinned = false
		if t.retired {
			c.recycle(t)
		}
	}
}

// patience is how long a device may take to give a packet back; then it counts as one with which nothing has happened. Drivers wait 5 s for
// Stop Endpoint.
const patience = 2 * time.Second

// quiesce stops endpoints, calls their packets back and waits for all of them. Afterwards nothing is in flight, events have been written for what
// ended, and each ring stands where it goes on. mu is let go of meanwhile.
func (c *Controller) quiesce(list ...*endpoint) {
	out := func() (n int) {
		for _, e := range list {
			n += e.out
		}
		return n
	}
	for _, e := range list {
		e.stopping++
		if e.out > 0 {
			e.recall = true
			c.kick(&e.worker)
		}
	}
	if out() > 0 {
		late := false
		timer := time.AfterFunc(patience, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			late = true
			c.cond.Broadcast()
		})
		for out() > 0 && !late {
			c.cond.Wait()
		}
		timer.Stop()
	}
	for _, e := range list {
		e.settle()
		e.stopping--
	}
}

// settle takes the rings of an endpoint back to what is not done. Preconditions: every packet has come back, or will not.
func (e *endpoint) settle() {
	e.rings((*ring).settle)
	e.iso.on = false
	if e.iso.timer != nil {
		e.iso.timer.Stop()
	}
	e.rings(e.queue)
}

// close ends an endpoint that is quiet.
func (e *endpoint) close() {
	e.gone = true
	if e.iso.timer != nil {
		e.iso.timer.Stop()
	}
}

// abandon ends an endpoint at once: its packets are called back, and nobody waits for them.
func (e *endpoint) abandon() {
	e.close()
	var list []*td
	e.rings(func(r *ring) {
		for t := r.head; t != nil; t = t.next {
			if !t.done {
				t.orphan = true
				t.pinned = true
				list = append(list, t)
			}
		}
		r.head, r.tail = nil, nil
	})
	e.out = 0
	if len(list) > 0 {
		go func() {
			e.c.mu.Lock()
			defer e.c.mu.Unlock()
			cancelAll(e.c, list)
		}()
	}
}
