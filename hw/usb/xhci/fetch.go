package xhci

import (
	"encoding/binary"

	"govm-desktop/hw/usb"
)

// fetch takes the next TD off the ring; nil: there is none that is complete.
func (r *ring) fetch() *td {
	c := r.ep.c
	t := c.take(r)
	at, cycle := r.deq, r.cycle
	links := 0
	for {
		b, ok := c.load(at)
		if !ok {
			t.trbs = append(t.trbs, tdTRB{addr: at, cycle: cycle})
			t.fault = codeTRB
			break
		}
		if b.control&trbCycle != 0 != cycle {
			c.recycle(t)
			return nil
		}
		if b.kind() == kindLink {
			if links++; links > maxLinks {
				t.trbs = append(t.trbs, tdTRB{addr: at, control: b.control, status: b.status, cycle: cycle})
				t.fault = codeTRB
				break
			}
			if b.control&trbIOC != 0 {
				t.trbs = append(t.trbs, tdTRB{addr: at, control: b.control, status: b.status, cycle: cycle})
			}
			at = b.param &^ 0xf
			if b.control&trbToggle != 0 {
				cycle = !cycle
			}
			continue
		}
		links = 0
		here := at
		at += trbSize
		if r.add(t, here, cycle, b); t.fault != 0 || b.control&trbChain == 0 && r.complete(t) {
			break
		}
	}
	if t.fault == 0 && !r.ready(t) {
		t.fault = codeTRB
	}
	r.deq, r.cycle = at, cycle
	r.arm(t)
	if !t.done && t.packet.Data.Len() != t.total-t.base {
		t.fault, t.done = codeTRB, true // some of its memory is not there
	}
	return t
}

// complete reports whether a TRB without Chain ends what belongs together: on a control endpoint the status stage does.
func (r *ring) complete(t *td) bool {
	return r.ep.kind != controlEP || t.trbs[0].kind() != kindSetup || t.stage == kindStatus
}

// add appends a TRB to a TD; if it does not belong there, the TD has a fault.
func (r *ring) add(t *td, at uint64, cycle bool, b trb) {
	x := tdTRB{addr: at, param: b.param, control: b.control, status: b.status, cycle: cycle}
	if len(t.trbs) == 0 {
		t.first = b
	}
	if x.moves() {
		x.len = int(b.status & transferLengthInTRB)
	}
	ok := r.allowed(t, x.kind())
	if x.kind() != kindEventData {
		t.stage = x.kind()
	}
	t.trbs = append(t.trbs, x)
	t.total += x.len
	if x.moves() || x.kind() == kindSetup {
		t.internal = false
	}
	if !ok || x.len > maxTRBLength || x.moves() && b.control&trbIDT != 0 && (x.len > 8 || r.in()) || len(t.trbs) > maxTRBs || t.total > maxBytes {
		t.fault = codeTRB
	}
}

// in reports whether the endpoint's data goes to memory, as far as that is known of it alone.
func (r *ring) in() bool { return r.ep.kind > controlEP }

// allowed reports whether a TRB may follow what is there of a TD (4.11.2, 4.11.3). On control endpoints these are Setup, then perhaps Data with Normal
// TRBs chained to it, then Status.
func (r *ring) allowed(t *td, k kind) bool {
	empty := len(t.trbs) == 0
	switch {
	case k == kindEventData:
		return true
	case k == kindNoOp:
		return empty
	case r.ep.kind.isoch():
		return k == kindIsoch && empty || k == kindNormal && !empty
	case r.ep.kind != controlEP:
		return k == kindNormal
	}
	switch last := t.stage; k {
	case kindSetup:
		return last == 0
	case kindData:
		return last == kindSetup
	case kindNormal:
		return last == kindData || last == kindNormal
	case kindStatus:
		return last == kindSetup || last == kindData || last == kindNormal
	}
	return false
}

// ready fills in the packet; false: the TD contradicts itself.
func (r *ring) ready(t *td) bool {
	p := &t.packet
	p.Endpoint, p.Stream, p.Setup = r.ep.address(), uint16(r.stream), usb.Setup{}
	if r.ep.kind != controlEP || t.internal {
		return true
	}
	return t.readySetup()
}

// readySetup checks a control transfer: the stages have to be what the setup packet says.
func (t *td) readySetup() bool {
	x := &t.trbs[0]
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], x.param)
	s := usb.ParseSetup(b)
	if x.control&trbIDT == 0 || x.status&transferLengthInTRB != 8 {
		return false
	}
	in := s.RequestType&usb.DirIn != 0
	status, data := false, false
	for i := range t.trbs {
		switch d := &t.trbs[i]; d.kind() {
		case kindData:
			data = true
			if (d.control&trbIn != 0) != in {
				return false
			}
		case kindStatus:
			status = true
			if data && (d.control&trbIn != 0) == in { // it goes the other way than the data
				return false
			}
		}
	}
	if !status || data && s.Length == 0 && t.total > 0 || !data && s.Length > 0 || !in && t.total != int(s.Length) {
		return false
	}
	t.packet.Setup, t.setup = s, s
	return true
}

// requested is told of every control transfer that has succeeded. Some say that pipes begin anew: what was kept of them is dropped.
func (s *slot) requested(r usb.Setup) {
	const setConfiguration, setInterface, clearHalt = 0x0009, 0x010b, 0x0201
	switch r.Kind() {
	case setConfiguration, setInterface:
		for _, e := range s.eps {
			if e != nil {
				e.rings((*ring).forget)
			}
		}
	case clearHalt:
		dci := int(r.Index&0xf) * 2
		if r.Index&usb.DirIn != 0 {
			dci++
		}
		if r.Value == 0 && dci > 1 && s.eps[dci] != nil {
			s.eps[dci].rings((*ring).forget)
		}
	}
}
