package xhci

import (
	"encoding/binary"

	"govm-desktop/hw/usb"
)

// slotState is the state of a slot, as its context shows it (6.2.2).
type slotState uint8

const (
	slotEnabled slotState = iota // no context yet: it reads 0, as that of a disabled one
	slotDefault
	slotAddressed
	slotConfigured
)

var slotStates = [...]string{"enabled", "default", "addressed", "configured"}

// slot is a Device Slot.
type slot struct {
	c       *Controller
	id      int
	state   slotState
	root    int    // root hub port, from 1
	route   uint32 // and what follows from it
	port    *usb.Port
	dev     usb.Device
	address uint8
	eps     [32]*endpoint // by Device Context Index; 0 is not used
}

// ctxSize is the size of each part of a context (CSZ is 0).
const ctxSize = 32

// context is part of a device or input context, as it is in memory.
type context [ctxSize / 4]uint32

func (c *Controller) readContext(addr uint64) (ctx context, ok bool) {
	var b [ctxSize]byte
	_, err := c.dma.ReadAt(b[:], int64(addr))
	for i := range ctx {
		ctx[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return ctx, err == nil
}

func (c *Controller) writeContext(addr uint64, ctx context) {
	var b [ctxSize]byte
	for i, v := range ctx {
		binary.LittleEndian.PutUint32(b[4*i:], v)
	}
	c.dma.WriteAt(b[:], int64(addr))
}

// slot is an enabled slot, or nil.
func (c *Controller) slot(n int) *slot {
	if n < 1 || n >= len(c.slots) {
		return nil
	}
	return c.slots[n]
}

// output is where part n of the slot's output context is: 0 the slot's, the rest the endpoints'. False: there is none.
func (s *slot) output(n int) (uint64, bool) {
	var b [8]byte
	_, err := s.c.dma.ReadAt(b[:], int64(s.c.dcbaap)+8*int64(s.id))
	at := binary.LittleEndian.Uint64(b[:]) &^ 0x3f
	return at + uint64(n)*ctxSize, err == nil && at != 0
}

// enableSlot is Enable Slot (4.6.3).
func (c *Controller) enableSlot() result {
	for id := 1; id < len(c.slots) && id <= int(c.config&0xff); id++ {
		if c.slots[id] == nil {
			c.slots[id] = &slot{c: c, id: id}
			return result{codeSuccess, id}
		}
	}
	return result{codeNoSlots, 0}
}

// disableSlot is Disable Slot (4.6.4).
func (c *Controller) disableSlot(s *slot) code {
	c.removeEndpoints(s, 1)
	if c.slots[s.id] != s {
		return codeSuccess
	}
	s.show(0)
	c.slots[s.id] = nil
	if s.port != nil {
		s.port.SetAddress(0)
	}
	return codeSuccess
}

// show writes the slot's state and address into its output context.
func (s *slot) show(state slotState) {
	at, ok := s.output(0)
	if !ok {
		return
	}
	if ctx, ok := s.c.readContext(at); ok {
		ctx[3] = uint32(s.address) | uint32(state)<<27
		if state == slotEnabled {
			ctx[3] = 0
		}
		s.c.writeContext(at, ctx)
	}
}

// removeEndpoints takes all endpoints from the given index on out of service.
func (c *Controller) removeEndpoints(s *slot, from int) {
	var list []*endpoint
	for _, e := range s.eps[from:] {
		if e != nil {
			list = append(list, e)
		}
	}
	c.remove(list)
}

// remove takes endpoints out of service: what they have with devices is called back first.
func (c *Controller) remove(list []*endpoint) {
	if len(list) == 0 {
		return
	}
	c.quiesce(list...)
	streams := map[usb.Device][]uint8{}
	for _, e := range list {
		if e.slot.eps[e.dci] != e {
			continue // a reset came in between
		}
		e.slot.eps[e.dci] = nil
		e.close()
		if e.streams != nil && e.slot.dev != nil {
			streams[e.slot.dev] = append(streams[e.slot.dev], e.address())
		}
		if at, ok := e.slot.output(e.dci); ok {
			if ctx, ok := c.readContext(at); ok {
				ctx[0] &^= 7
				c.writeContext(at, ctx)
			}
		}
	}
	for d, eps := range streams {
		c.tellStreams(d, eps, 0)
	}
}

// tellStreams tells a device of its streams.
func (c *Controller) tellStreams(d usb.Device, eps []uint8, n int) {
	if d, ok := d.(usb.Streamer); ok && len(eps) > 0 {
		c.mu.Unlock()
		d.Streams(eps, n)
		c.mu.Lock()
	}
}

// abandon is the slot's end in a reset of the controller.
func (s *slot) abandon() {
	for i, e := range s.eps {
		if e != nil {
			e.abandon()
			s.eps[i] = nil
		}
	}
	if s.port != nil {
		s.port.SetAddress(0)
	}
}

// The speeds of Port Status and Slot Context (7.2.2.1.1).
const (
	speedFull  = 1
	speedLow   = 2
	speedHigh  = 3
	speedSuper = 4
)

func speedID(s usb.Speed) uint32 {
	return [...]uint32{usb.SpeedNone: 0, usb.Low: speedLow, usb.Full: speedFull, usb.High: speedHigh, usb.Super: speedSuper, usb.SuperPlus: speedSuper}[s]
}

// find is the port that a slot context names: root hub port and route string (8.9 of the USB 3 specification).
func (c *Controller) find(root int, route uint32) *usb.Port {
	if root < 1 || root > len(c.ports) {
		return nil
	}
	r := c.ports[root-1]
	if r.sc&scPED == 0 {
		return nil
	}
	p := r.socket
	for ; route != 0; route >>= 4 {
		d, _ := p.Device()
		h, ok := d.(usb.Hub)
		n := int(route & 0xf)
		if !ok || n < 1 || n > len(h.Ports()) {
			return nil
		}
		p = h.Ports()[n-1]
	}
	return p
}

// addressDevice is Address Device (4.6.5). The device learns nothing of it: its address is between its port and us.
func (c *Controller) addressDevice(s *slot, t trb) code {
	block := t.control&trbBEI != 0 // BSR: to the Default state only
	if s.state > slotDefault || block && s.state != slotEnabled {
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
	if ctl[0]&3 != 0 || ctl[1]&3 != 3 {
		return codeTRB
	}
	root, route := int(sctx[1]>>16&0xff), sctx[0]&0xfffff
	cfg, ok := parseEndpoint(c, 1, ectx)
	if !ok || root < 1 || root > len(c.ports) || c.taken(s, root, route) {
		return codeParameter
	}
	port := c.find(root, route)
	if port == nil {
		return codeTransaction
	}
	dev, _ := port.Device()
	if dev == nil {
		return codeTransaction
	}
	c.removeEndpoints(s, 1)
	if c.slots[s.id] != s { // a reset came in between
		return codeSlotNotEnabled
	}
	s.root, s.route, s.port, s.dev, s.state, s.address = root, route, port, dev, slotDefault, 0
	if !block {
		s.state, s.address = slotAddressed, uint8(s.id)
	}
	port.SetAddress(s.address)
	e := newEndpoint(s, 1, cfg)
	s.eps[1] = e
	sctx[3] = uint32(s.address) | uint32(s.state)<<27
	c.writeContext(out, sctx)
	c.writeContext(out+ctxSize, e.context(ectx))
	return codeSuccess
}

// taken reports whether another slot has a port.
func (c *Controller) taken(s *slot, root int, route uint32) bool {
	for _, o := range c.slots {
		if o != nil && o != s && o.state != slotEnabled && o.root == root && o.route == route && o.live() {
			return true
		}
	}
	return false
}

// live reports whether the slot's device still is where it was, under the address it was given: no other, and not reset.
func (s *slot) live() bool {
	if s.port == nil {
		return false
	}
	d, _ := s.port.Device()
	return d != nil && d == s.dev && s.port.Address() == s.address
}

// resetDevice is Reset Device (4.6.11): software has reset the port.
func (c *Controller) resetDevice(s *slot) code {
	if s.state != slotAddressed && s.state != slotConfigured {
		return codeContextState
	}
	c.removeEndpoints(s, 2)
	if c.slots[s.id] != s {
		return codeSlotNotEnabled
	}
	s.state, s.address = slotDefault, 0
	s.port.SetAddress(0)
	if at, ok := s.output(0); ok {
		if ctx, ok := c.readContext(at); ok {
			ctx[0] = ctx[0]&^(0x1f<<27) | 1<<27
			ctx[3] = uint32(slotDefault) << 27
			c.writeContext(at, ctx)
		}
	}
	return codeSuccess
}
