package xhci

import (
	"encoding/binary"

	"govm-desktop/clock"
)

// Bits of an interrupter's registers (5.5.2).
const (
	imanIP   = 1 << 0 // Interrupt Pending
	imanIE   = 1 << 1 // Interrupt Enable
	erdpBusy = 1 << 3 // Event Handler Busy

	imodReset = 4000 // 1 ms
	imodUnit  = 250  // ns
)

// Bounds of an event ring segment (6.5), in TRBs.
const (
	minSegment = 16
	maxSegment = 4096
)

// maxQueue bounds the events that wait for room.
const maxQueue = 1 << 16

// segment is a piece of an event ring.
type segment struct {
	base uint64
	size uint32
}

// interrupter is an event ring with its interrupt (4.17).
type interrupter struct {
	n      int
	timer  clock.Timer // the moderation interval is over
	iman   uint32
	imodi  uint32
	erstsz uint32
	erstba uint64
	erdp   uint64

	ready    bool // the segment table has been read
	segments []segment
	seg      int    // of the next event
	index    uint32 // of the next event in its segment
	cycle    bool
	full     bool    // a Host Controller Event says so; events wait in queue
	queue    []event // in order; empty unless full
	wanted   bool    // Interrupt Pending Enable: an event has been written that wants an interrupt
	next     clock.Time
	armed    bool
}

// event is an event on its way to a ring.
type event struct {
	trb
	quiet bool // no interrupt for it
}

func (ir *interrupter) reset() {
	ir.timer.Stop()
	*ir = interrupter{n: ir.n, timer: ir.timer, imodi: imodReset, segments: ir.segments[:0]}
}

func (ir *interrupter) read(c *Controller, off uint64) uint32 {
	switch off {
	case irIMAN:
		return ir.iman
	case irIMOD:
		left := (ir.next - c.opt.Clock.Now() + imodUnit - 1) / imodUnit
		return ir.imodi | uint32(min(max(left, 0), 0xffff))<<16
	case irERSTSZ:
		return ir.erstsz
	case irERSTBA:
		return uint32(ir.erstba)
	case irERSTBA + 4:
		return uint32(ir.erstba >> 32)
	case irERDP:
		return uint32(ir.erdp)
	case irERDP + 4:
		return uint32(ir.erdp >> 32)
	}
	return 0
}

func (ir *interrupter) write(c *Controller, off uint64, v uint32) {
	switch off {
	case irIMAN:
		if v&ir.iman&imanIP != 0 {
			ir.iman &^= imanIP
			ir.next = c.opt.Clock.Now() + clock.Time(ir.imodi)*imodUnit
		}
		ir.iman = ir.iman&^imanIE | v&imanIE
		c.deliver(ir)
		c.pend(ir)
	case irIMOD:
		ir.imodi = v & 0xffff
		ir.next = c.opt.Clock.Now() + clock.Time(v>>16)*imodUnit
		ir.armed = false
		ir.timer.Stop()
		c.pend(ir)
	case irERSTSZ:
		ir.erstsz = v & 0xffff
	case irERSTBA, irERSTBA + 4:
		mask := uint64(0x3f)
		if c.opt.Model == NEC { // whose driver does not align the table
			mask = 0xf
		}
		if off == irERSTBA {
			ir.erstba = ir.erstba>>32<<32 | uint64(v)&^mask
		} else {
			ir.erstba = ir.erstba&0xffffffff | uint64(v)<<32
		}
		ir.ready, ir.seg, ir.index, ir.cycle = false, 0, 0, true
		if ir.full {
			ir.full = false
			c.full--
		}
		ir.queue = nil
	case irERDP:
		busy := ir.erdp & erdpBusy &^ uint64(v)
		ir.erdp = ir.erdp>>32<<32 | uint64(v)&^erdpBusy | busy
		c.consumed(ir)
	case irERDP + 4:
		ir.erdp = ir.erdp&0xffffffff | uint64(v)<<32
		c.consumed(ir)
	}
}

// enqueue is where the next event goes; 0: there is no ring.
func (ir *interrupter) enqueue() uint64 {
	if ir.seg >= len(ir.segments) {
		return 0
	}
	return ir.segments[ir.seg].base + uint64(ir.index)*trbSize
}

// dequeue is what software has read up to.
func (ir *interrupter) dequeue() uint64 { return ir.erdp &^ 0xf }

// room is how many events can be written before the ring is full.
func (ir *interrupter) room() int {
	total, at, deq := 0, 0, -1
	for i, s := range ir.segments {
		if i == ir.seg {
			at = total + int(ir.index)
		}
		if d := ir.dequeue(); d >= s.base && d < s.base+uint64(s.size)*trbSize {
			deq = total + int(d-s.base)/trbSize
		}
		total += int(s.size)
	}
	if deq < 0 { // nowhere: software has not said
		return total
	}
	return (deq - at - 1 + total) % total
}

// table reads the Event Ring Segment Table (6.5).
func (ir *interrupter) table(c *Controller) bool {
	ir.segments = ir.segments[:0]
	for i := range min(ir.erstsz, maxSegments) {
		b := c.dma.Slice(ir.erstba+16*uint64(i), 16, false)
		if len(b) < 16 {
			return false
		}
		s := segment{binary.LittleEndian.Uint64(b) &^ 0x3f, binary.LittleEndian.Uint32(b[8:]) & 0xffff}
		if s.size < minSegment || s.size > maxSegment {
			return false
		}
		ir.segments = append(ir.segments, s)
	}
	return len(ir.segments) > 0
}

// post sends an event to an interrupter. While only the pin is there, all go to the first one: no driver would look at the others.
func (c *Controller) post(n int, t trb, quiet bool) {
	if n >= len(c.irs) || n > 0 && !c.messages() {
		n = 0
	}
	ir := &c.irs[n]
	if ir.erstsz == 0 || c.usbsts&stsHSE != 0 {
		return
	}
	if !ir.ready {
		if ir.ready = ir.table(c); !ir.ready {
			c.fail("the event ring segment table")
			return
		}
		ir.seg, ir.index, ir.cycle = 0, 0, true
	}
	if ir.full {
		if len(ir.queue) < maxQueue { // what is in flight fits; only a guest that makes events without reading them gets here
			ir.queue = append(ir.queue, event{t, quiet})
		}
		return
	}
	if ir.room() <= 1 {
		c.put(ir, event{trb: trb{status: uint32(codeEventRingFull) << 24, control: control(kindHostController, 0)}})
		ir.full = true
		c.full++
		ir.queue = append(ir.queue, event{t, quiet})
		return
	}
	c.put(ir, event{t, quiet})
}

// put writes an event.
func (c *Controller) put(ir *interrupter, e event) {
	e.control &^= trbCycle
	if ir.cycle {
		e.control |= trbCycle
	}
	if !c.store(ir.enqueue(), e.trb) {
		c.fail("an event ring segment")
		return
	}
	if ir.index++; ir.index >= ir.segments[ir.seg].size {
		ir.index = 0
		if ir.seg++; ir.seg >= int(min(ir.erstsz, maxSegments)) {
			ir.seg, ir.cycle = 0, !ir.cycle
		}
		if !ir.table(c) || ir.seg >= len(ir.segments) {
			c.fail("the event ring segment table")
			return
		}
	}
	if !e.quiet {
		ir.wanted = true
		c.pend(ir)
	}
}

// consumed is a write to ERDP: what has waited for room goes out (4.9.4).
func (c *Controller) consumed(ir *interrupter) {
	if !ir.ready {
		return
	}
	if ir.full {
		n := 0
		for n < len(ir.queue) && ir.room() > 1 && c.usbsts&stsHSE == 0 {
			c.put(ir, ir.queue[n])
			n++
		}
		if ir.queue = ir.queue[n:]; len(ir.queue) == 0 && ir.room() > 1 {
			ir.queue, ir.full = nil, false
			if c.full--; c.full == 0 {
				c.kickAll()
			}
		}
	}
	if ir.dequeue() == ir.enqueue() {
		ir.wanted = false
	}
	c.pend(ir)
}

// pend raises the interrupt that an event wants: not while the handler is busy, and not before the moderation interval is over (4.17.2).
func (c *Controller) pend(ir *interrupter) {
	if !ir.wanted || ir.erdp&erdpBusy != 0 || ir.iman&imanIP != 0 {
		return
	}
	if now := c.opt.Clock.Now(); now < ir.next {
		if !ir.armed {
			ir.armed = true
			ir.timer.Set(ir.next)
		}
		return
	}
	c.usbsts |= stsEINT
	ir.iman |= imanIP
	ir.erdp |= erdpBusy
	c.deliver(ir)
}

// moderated is the end of a moderation interval.
func (c *Controller) moderated(ir *interrupter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ir.armed {
		ir.armed = false
		c.pend(ir)
	}
}

// deliver sends a pending interrupt on its way. A message clears the pending bit.
func (c *Controller) deliver(ir *interrupter) {
	if ir.iman&(imanIP|imanIE) == imanIP|imanIE && c.usbcmd&cmdINTE != 0 && c.messages() {
		ir.iman &^= imanIP
		ir.next = c.opt.Clock.Now() + clock.Time(ir.imodi)*imodUnit
		c.fn.Notify(ir.n)
	}
	c.updateLine()
}

func (c *Controller) deliverAll() {
	for i := range c.irs {
		if c.irs[i].iman&imanIP != 0 {
			c.deliver(&c.irs[i])
		}
	}
	c.updateLine()
}

// updateLine drives the pin.
func (c *Controller) updateLine() {
	high := false
	if c.usbcmd&cmdINTE != 0 && !c.messages() {
		for i := range c.irs {
			high = high || c.irs[i].iman&(imanIP|imanIE) == imanIP|imanIE
		}
	}
	c.line.Set(high)
}

const (
	microframe = 125 * clock.Microsecond
	indexMask  = 0x3fff // of MFINDEX
)

// now is the time in microframes since MFINDEX was 0.
func (c *Controller) now() int64 { return int64((c.opt.Clock.Now() - c.epoch) / microframe) }

// mfindex is the Microframe Index (5.5.1), which ticks from reset on.
func (c *Controller) mfindex() uint32 { return uint32(c.now()) & indexMask }

// at is when a microframe begins.
func (c *Controller) at(uframe int64) clock.Time { return c.epoch + clock.Time(uframe)*microframe }

// armWrap sets the timer of the MFINDEX Wrap Event, if it is wanted.
func (c *Controller) armWrap() {
	if c.usbcmd&(cmdRun|cmdEWE) != cmdRun|cmdEWE {
		c.wrap.Stop()
		return
	}
	c.wrap.Set(c.at((c.now()/(indexMask+1) + 1) * (indexMask + 1)))
}

func (c *Controller) wrapped() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.usbcmd&(cmdRun|cmdEWE) != cmdRun|cmdEWE {
		return
	}
	if c.full == 0 { // it says the time, which has no use later
		c.post(0, trb{status: uint32(codeSuccess) << 24, control: control(kindIndexWrap, 0)}, false)
	}
	c.armWrap()
}
