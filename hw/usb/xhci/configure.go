package xhci

import "govm-desktop/hw/usb"

// configure is Configure Endpoint (4.6.6). Everything is checked before anything is changed.
func (c *Controller) configure(s *slot, t trb) code {
	if s.state != slotAddressed && s.state != slotConfigured {
		return codeContextState
	}
	if t.control&trbBEI != 0 { // DC: deconfigure
		if s.state == slotConfigured {
			c.removeEndpoints(s, 2)
			if c.slots[s.id] != s {
				return codeSlotNotEnabled
			}
			s.state = slotAddressed
			s.show(s.state)
		}
		return codeSuccess
	}
	in := t.param &^ 0xf
	ctl, ok1 := c.readContext(in)
	sctx, ok2 := c.readContext(in + ctxSize)
	out, ok3 := s.output(0)
	if !ok1 || !ok2 || !ok3 {
		return codeParameter
	}
	drop, add := ctl[0], ctl[1]
	if drop&3 != 0 || add&3 != 1 {
		return codeTRB
	}
	var cfgs [32]epConfig
	var ctxs [32]context
	for dci := 2; dci < 32; dci++ {
		if add>>dci&1 == 0 {
			continue
		}
		ctx, ok := c.readContext(in + uint64(dci+1)*ctxSize)
		if !ok {
			return codeParameter
		}
		cfg, ok := parseEndpoint(c, dci, ctx)
		if !ok {
			return codeParameter
		}
		cfgs[dci], ctxs[dci] = cfg, ctx
	}
	return c.reconfigure(s, drop, add, cfgs[:], ctxs[:], sctx, out)
}

// reconfigure does what has been checked.
func (c *Controller) reconfigure(s *slot, drop, add uint32, cfgs []epConfig, ctxs []context, sctx context, out uint64) code {
	var gone []*endpoint
	for dci := 2; dci < 32; dci++ {
		if (drop|add)>>dci&1 != 0 && s.eps[dci] != nil {
			gone = append(gone, s.eps[dci])
		}
	}
	c.remove(gone)
	if c.slots[s.id] != s {
		return codeSlotNotEnabled
	}
	streams := map[int][]uint8{}
	s.state = slotAddressed
	for dci := 2; dci < 32; dci++ {
		if add>>dci&1 != 0 {
			e := newEndpoint(s, dci, cfgs[dci])
			s.eps[dci] = e
			c.writeContext(out+uint64(dci)*ctxSize, e.context(ctxs[dci]))
			if n := len(e.streams); n > 0 {
				streams[n-1] = append(streams[n-1], e.address())
			}
		}
		if s.eps[dci] != nil {
			s.state = slotConfigured
		}
	}
	if old, ok := c.readContext(out); ok {
		old[0] = old[0]&0x00ffffff | sctx[0]&0xff000000
		old[1] = old[1]&0x00ffffff | sctx[1]&0xff000000
		old[2] = old[2]&0xffc00000 | sctx[2]&0x003fffff
		old[3] = uint32(s.address) | uint32(s.state)<<27
		c.writeContext(out, old)
	}
	for n, eps := range streams {
		c.tellStreams(s.dev, eps, n)
	}
	return codeSuccess
}

// evaluate is Evaluate Context (4.6.7): of the slot its exit latency and interrupter, of the default endpoint the packet size.
func (c *Controller) evaluate(s *slot, t trb) code {
	if s.state == slotEnabled {
		return codeContextState
	}
	in := t.param &^ 0xf
	ctl, ok1 := c.readContext(in)
	sctx, ok2 := c.readContext(in + ctxSize)
	ectx, ok3 := c.readContext(in + 2*ctxSize)
	out, ok4 := s.output(0)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return codeParameter
	}
	if ctl[0] != 0 || ctl[1] == 0 {
		return codeTRB
	}
	for dci := 2; dci < 32; dci++ {
		if ctl[1]>>dci&1 != 0 && s.eps[dci] == nil {
			return codeNotEnabled
		}
	}
	if ctl[1]&2 != 0 && ectx[1]>>16 == 0 {
		return codeParameter
	}
	if old, ok := c.readContext(out); ok && ctl[1]&1 != 0 {
		old[1] = old[1]&^0xffff | sctx[1]&0xffff
		old[2] = old[2]&^(0x3ff<<22) | sctx[2]&(0x3ff<<22)
		c.writeContext(out, old)
	}
	if old, ok := c.readContext(out + ctxSize); ok && ctl[1]&2 != 0 {
		s.eps[1].mps = int(ectx[1] >> 16)
		old[1] = old[1]&0xffff | ectx[1]&0xffff0000
		c.writeContext(out+ctxSize, old)
	}
	return codeSuccess
}

// epKind is the type of an endpoint (6.2.3).
type epKind uint8

const (
	isochOut  epKind = 1
	bulkOut   epKind = 2
	intOut    epKind = 3
	controlEP epKind = 4
	isochIn   epKind = 5
	bulkIn    epKind = 6
	intIn     epKind = 7
)

// String names the type.
func (k epKind) String() string {
	return [...]string{"invalid", "isochronous out", "bulk out", "interrupt out", "control", "isochronous in", "bulk in", "interrupt in"}[k&7]
}

func (k epKind) isoch() bool { return k == isochOut || k == isochIn }

// epConfig is what an endpoint context says.
type epConfig struct {
	kind     epKind
	mps      int
	interval int64 // between isochronous transfers, in microframes
	payload  int   // of an isochronous interval, at most
	streams  int   // entries of the stream array; 0: no streams
	deq      uint64
	cycle    bool
}

// parseEndpoint checks and reads an endpoint context.
func parseEndpoint(c *Controller, dci int, ctx context) (cfg epConfig, ok bool) {
	cfg = epConfig{kind: epKind(ctx[1] >> 3 & 7), mps: int(ctx[1] >> 16), deq: uint64(ctx[2]&^0xf) | uint64(ctx[3])<<32, cycle: ctx[2]&1 != 0}
	switch {
	case cfg.kind == 0, cfg.mps == 0, (cfg.kind == controlEP) != (dci == 1):
		return cfg, false
	case dci > 1 && (cfg.kind > controlEP) != (dci&1 == 1):
		return cfg, false
	case ctx[0]>>16&0xff > 15:
		return cfg, false
	}
	cfg.interval = 1 << (ctx[0] >> 16 & 0xf)
	mult, burst := int(ctx[0]>>8&3)+1, int(ctx[1]>>8&0xff)+1
	cfg.payload = max(cfg.mps*burst*mult, int(ctx[4]>>16|ctx[0]>>24<<16))
	if n := ctx[0] >> 10 & 0x1f; n > 0 {
		if !c.opt.Streams || n > maxPSA || cfg.kind != bulkIn && cfg.kind != bulkOut || ctx[0]&(1<<15) == 0 { // LSA: linear arrays alone
			return cfg, false
		}
		cfg.streams = 2 << n
	}
	return cfg, true
}

// address is the endpoint's address on the device.
func (e *endpoint) address() uint8 {
	a := uint8(e.dci / 2)
	if e.dci > 1 && e.dci&1 != 0 {
		a |= usb.DirIn
	}
	return a
}
