package xhci

import (
	"errors"
	"fmt"

	"govm-desktop/clock"

	"govm-desktop/snapshot"
)

var errState = errors.New("impossible value")

// State implements hw.Device.
func (c *Controller) State(s *snapshot.Coder) {
	c.fn.State(s)
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.Loading() {
		c.clear()
	}
	snapshot.Field(s, "usbcmd", &c.usbcmd)
	snapshot.Field(s, "usbsts", &c.usbsts)
	snapshot.Field(s, "dnctrl", &c.dnctrl)
	snapshot.Field(s, "enabledslots", &c.config)
	snapshot.Field(s, "dcbaap", &c.dcbaap)
	snapshot.Field(s, "epoch", &c.epoch)
	snapshot.Field(s, "halting", &c.wantHalt)
	s.Slice("saved", &c.saved, 1<<24)
	snapshot.Field(s, "command", &c.cmd.deq)
	snapshot.Field(s, "commandcycle", &c.cmd.cycle)
	snapshot.Field(s, "commandrung", &c.cmd.rung)
	snapshot.Field(s, "commandrunning", &c.cmd.running)
	c.full = 0
	for i := range c.irs {
		s.Group(fmt.Sprintf("interrupter%d", i), func(s *snapshot.Coder) { c.irs[i].state(c, s) })
	}
	for _, p := range c.ports {
		s.Group(fmt.Sprintf("port%d", p.n), p.state)
	}
	c.slotStates(s)
	if s.Loading() {
		now := c.opt.Clock.Now()
		c.epoch = min(c.epoch, now)
		c.usbcmd &= cmdStored
		c.usbsts &= stsW1C | stsHalted
	}
}

// slotStates visits what software has set up: it is also what Save State keeps.
func (c *Controller) slotStates(s *snapshot.Coder) {
	for i := 1; i < len(c.slots); i++ {
		here := c.slots[i] != nil
		snapshot.Field(s, fmt.Sprintf("slot%d", i), &here)
		if !here {
			continue
		}
		if s.Loading() {
			c.slots[i] = &slot{c: c, id: i}
		}
		s.Group(fmt.Sprintf("slot%d", i), c.slots[i].stateOf)
	}
}

func (ir *interrupter) state(c *Controller, s *snapshot.Coder) {
	snapshot.Field(s, "iman", &ir.iman)
	snapshot.Field(s, "imodi", &ir.imodi)
	snapshot.Field(s, "erstsz", &ir.erstsz)
	snapshot.Field(s, "erstba", &ir.erstba)
	snapshot.Field(s, "erdp", &ir.erdp)
	snapshot.Field(s, "next", &ir.next)
	ir.ringState(c, s)
}

// ringState visits where the ring stands, which software does not know.
func (ir *interrupter) ringState(c *Controller, s *snapshot.Coder) {
	snapshot.Field(s, "ready", &ir.ready)
	snapshot.Field(s, "segment", &ir.seg)
	snapshot.Field(s, "index", &ir.index)
	snapshot.Field(s, "cycle", &ir.cycle)
	snapshot.Field(s, "full", &ir.full)
	snapshot.Field(s, "wanted", &ir.wanted)
	n := len(ir.segments)
	snapshot.Field(s, "segments", &n)
	if s.Loading() {
		ir.segments = make([]segment, min(max(n, 0), maxSegments))
	}
	for i := range ir.segments {
		snapshot.Field(s, fmt.Sprintf("base%d", i), &ir.segments[i].base)
		snapshot.Field(s, fmt.Sprintf("size%d", i), &ir.segments[i].size)
	}
	n = len(ir.queue)
	snapshot.Field(s, "queue", &n)
	if s.Loading() {
		ir.queue = make([]event, min(max(n, 0), maxQueue))
	}
	for i := range ir.queue {
		q := &ir.queue[i]
		s.Group(fmt.Sprintf("event%d", i), func(s *snapshot.Coder) {
			q.trb.state(s)
			snapshot.Field(s, "quiet", &q.quiet)
		})
	}
	if s.Loading() {
		ir.loaded(c, s)
	}
	if ir.full {
		c.full++
	}
}

// loaded checks what has been loaded.
func (ir *interrupter) loaded(c *Controller, s *snapshot.Coder) {
	ir.armed = false
	ir.next = min(ir.next, c.opt.Clock.Now()+clock.Time(0xffff)*imodUnit)
	bad := ir.seg < 0 || ir.seg > 0 && ir.seg >= len(ir.segments) || ir.ready && len(ir.segments) == 0 || !ir.full && len(ir.queue) > 0 || ir.full && !ir.ready
	for _, g := range ir.segments {
		bad = bad || g.size < minSegment || g.size > maxSegment
	}
	bad = bad || ir.seg < len(ir.segments) && ir.index >= ir.segments[ir.seg].size
	if bad {
		s.Fail(fmt.Errorf("interrupter: %w", errState))
		ir.reset()
	}
}

func (t *trb) state(s *snapshot.Coder) {
	snapshot.Field(s, "param", &t.param)
	snapshot.Field(s, "status", &t.status)
	snapshot.Field(s, "control", &t.control)
}

func (p *port) state(s *snapshot.Coder) {
	snapshot.Field(s, "sc", &p.sc)
	snapshot.Field(s, "pmsc", &p.pmsc)
	snapshot.Field(s, "hlpmc", &p.hlpmc)
	snapshot.Field(s, "fresh", &p.fresh)
	snapshot.Field(s, "traffic", &p.traffic)
	snapshot.Field(s, "suspended", &p.suspended)
	address := p.socket.Address()
	snapshot.Field(s, "address", &address)
	if s.Loading() {
		p.wanted, p.resetting, p.warm = p.suspended, false, false
		if d, _ := p.device(); d != nil {
			p.socket.SetAddress(address)
		}
	}
}

func (s *slot) stateOf(v *snapshot.Coder) {
	snapshot.Field(v, "state", &s.state)
	snapshot.Field(v, "root", &s.root)
	snapshot.Field(v, "route", &s.route)
	snapshot.Field(v, "address", &s.address)
	if v.Loading() && (s.state > slotConfigured || s.state != slotEnabled && (s.root < 1 || s.root > len(s.c.ports))) {
		v.Fail(fmt.Errorf("slot: %w", errState))
		s.state, s.root = slotEnabled, 0
	}
	if v.Loading() && s.state != slotEnabled {
		if p := s.c.find(s.root, s.route&0xfffff); p != nil {
			s.port = p
			if s.dev, _ = p.Device(); s.dev != nil {
				p.SetAddress(s.address)
			}
		}
	}
	for dci := 1; dci < len(s.eps); dci++ {
		here := s.eps[dci] != nil
		snapshot.Field(v, fmt.Sprintf("endpoint%d", dci), &here)
		if here {
			v.Group(fmt.Sprintf("endpoint%d", dci), func(v *snapshot.Coder) { s.endpointState(v, dci) })
		}
	}
}

func (s *slot) endpointState(v *snapshot.Coder, dci int) {
	var cfg epConfig
	state, base := epRunning, uint64(0)
	if e := s.eps[dci]; e != nil {
		cfg, state, base = e.epConfig, e.state, e.base
	}
	snapshot.Field(v, "kind", &cfg.kind)
	snapshot.Field(v, "mps", &cfg.mps)
	snapshot.Field(v, "interval", &cfg.interval)
	snapshot.Field(v, "payload", &cfg.payload)
	snapshot.Field(v, "streams", &cfg.streams)
	snapshot.Field(v, "state", &state)
	snapshot.Field(v, "base", &base)
	if v.Loading() {
		bad := cfg.kind == 0 || cfg.kind > intIn || (cfg.kind == controlEP) != (dci == 1) || dci > 1 && (cfg.kind > controlEP) != (dci&1 == 1) ||
			cfg.interval < 1 || cfg.interval > 1<<15 || cfg.streams < 0 || cfg.streams > 2<<maxPSA || cfg.streams > 0 && cfg.kind != bulkIn && cfg.kind != bulkOut ||
			state < epRunning || state > epError
		if bad {
			v.Fail(fmt.Errorf("endpoint: %w", errState))
			return
		}
		e := newEndpoint(s, dci, cfg)
		e.state, e.base = state, base
		s.eps[dci] = e
	}
	e := s.eps[dci]
	if e.ring != nil {
		e.ring.state(v)
	}
	for id := range e.streams {
		here := e.streams[id] != nil
		snapshot.Field(v, fmt.Sprintf("stream%d", id), &here)
		if !here {
			continue
		}
		if e.streams[id] == nil {
			e.streams[id] = &ring{ep: e, stream: id}
		}
		v.Group(fmt.Sprintf("stream%d", id), e.streams[id].state)
	}
	if v.Loading() {
		e.rings(e.queue)
	}
}

func (r *ring) state(v *snapshot.Coder) {
	snapshot.Field(v, "dequeue", &r.deq)
	snapshot.Field(v, "cycle", &r.cycle)
	snapshot.Field(v, "inside", &r.inside)
	snapshot.Field(v, "begun", &r.begun)
	snapshot.Field(v, "skip", &r.skip)
	snapshot.Field(v, "left", &r.left)
	snapshot.Field(v, "target", &r.target)
	snapshot.Field(v, "edtla", &r.edtla)
	pipe, out := len(r.pipe), len(r.sent)
	snapshot.Field(v, "pipe", &pipe)
	snapshot.Field(v, "sent", &out)
	if v.Loading() {
		r.pipe, r.sent = make([]arrival, min(max(pipe, 0), maxKept)), make([]sent, min(max(out, 0), maxKept))
		r.skip, r.left = min(max(r.skip, 0), maxTRBLength), min(max(r.left, 0), maxTRBLength)
	}
	for i := range r.pipe {
		a := &r.pipe[i]
		v.Group(fmt.Sprintf("pipe%d", i), func(v *snapshot.Coder) {
			v.Slice("data", &a.data, maxBytes)
			snapshot.Field(v, "short", &a.short)
		})
	}
	for i := range r.sent {
		o := &r.sent[i]
		v.Group(fmt.Sprintf("sent%d", i), func(v *snapshot.Coder) {
			snapshot.Field(v, "address", &o.addr)
			o.trb.state(v)
			snapshot.Field(v, "bytes", &o.n)
			snapshot.Field(v, "all", &o.all)
			o.n = min(max(o.n, 0), maxBytes)
		})
	}
}

// slotMemory is what Save State keeps (4.23.2): what software does not write itself. It stands on auxiliary power.
type slotMemory struct{ c *Controller }

// State implements snapshot.State.
func (m slotMemory) State(s *snapshot.Coder) {
	if s.Loading() {
		for i, o := range m.c.slots {
			if o != nil {
				o.abandon()
				m.c.slots[i] = nil
			}
		}
	}
	m.c.slotStates(s)
	m.c.full = 0
	for i := range m.c.irs {
		s.Group(fmt.Sprintf("interrupter%d", i), func(s *snapshot.Coder) { m.c.irs[i].ringState(m.c, s) })
	}
}

// save is Controller Save State. It takes no time: SSS is never seen set.
func (c *Controller) save() {
	if c.usbsts&stsHalted != 0 && c.usbsts&stsHSE == 0 {
		c.saved = snapshot.Save(slotMemory{c})
	} else {
		c.usbsts |= stsSRE
	}
}

// restore is Controller Restore State. Where nothing has been saved it fails, and software begins anew.
func (c *Controller) restore() {
	c.usbsts &^= stsSRE
	if c.usbsts&stsHalted == 0 || c.saved == nil || snapshot.Load(slotMemory{c}, c.saved) != nil {
		c.usbsts |= stsSRE
	}
	c.saved = nil
}
