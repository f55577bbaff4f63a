package xhci

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"govm-desktop/hw/hwtest"
	"govm-desktop/hw/usb"
)

// ev is a Transfer Event in the words of said.
func ev(at uint64, c code, left int) string { return fmt.Sprintf("%x: %d left %d", at, c, left) }

func (d *driver) data(at uint64, n int) string { return string(d.RAM.Bytes()[at : at+uint64(n)]) }

func TestControl(t *testing.T) {
	g := &gadget{speed: usb.High}
	g.submit = func(p *usb.Packet) bool {
		switch p.Setup.Request {
		case 6:
			p.Complete(p.Data.CopyIn([]byte("descriptor"), 0), usb.OK)
		case 7:
			b := make([]byte, 16)
			if n := p.Data.CopyOut(b, 0); string(b[:n]) != "to device" {
				t.Errorf("the device gets %q", b[:n])
			}
			p.Complete(p.Data.Len(), usb.OK)
		case 9:
			p.Complete(0, usb.OK)
		default:
			p.Complete(0, usb.Stall)
		}
		return true
	}
	d := start(t, g)
	r := d.attach(5)
	at := r.control(usb.Setup{RequestType: 0x80, Request: 6, Length: 64}, dataAt, 64)
	r.bell()
	d.want("short IN", ev(at[1], codeShort, 54), ev(at[2], codeSuccess, 0))
	hwtest.Want(t, "data", d.data(dataAt, 10), "descriptor")
	d.RAM.Bytes()[0] = 0
	copy(d.RAM.Bytes()[dataAt:], "to device")
	at = r.control(usb.Setup{Request: 7, Length: 9}, dataAt, 9)
	r.bell()
	d.want("OUT", ev(at[2], codeSuccess, 0))
	at = r.control(usb.Setup{Request: 9, Value: 1}, 0, 0)
	r.bell()
	d.want("no data", ev(at[2], codeSuccess, 0))
	at = r.control(usb.Setup{RequestType: 0x80, Request: 99, Length: 8}, dataAt, 8)
	r.bell()
	d.want("stall", ev(at[1], codeStall, 8))
	hwtest.Want(t, "state", epState(d.output(r.slot, 1, 0)&7), epHalted)
	r.control(usb.Setup{Request: 9}, 0, 0)
	r.bell()
	d.want("doorbell of a halted endpoint")
}

func TestBulk_shortEvents(t *testing.T) { // table 1.2, 5
	g := &gadget{speed: usb.Super}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	a := r.normal(dataAt, 1024, trbChain|trbIOC)
	b := r.normal(dataAt+0x1000, 1024, trbChain|trbISP)
	c := r.push(trb{param: 0xabc0, control: control(kindEventData, trbChain|trbIOC)})
	e := r.normal(dataAt+0x2000, 1024, trbChain|trbIOC)
	r.push(trb{param: 0xdef0, control: control(kindEventData, trbIOC)})
	r.bell()
	g.answer(strings.Repeat("x", 1524), usb.OK)
	_ = c
	d.want("short in the middle", ev(a, codeSuccess, 0), ev(b, codeShort, 524), ev(0xabc0, codeShort, 1524)+" ED", ev(e, codeShort, 1024), ev(0xdef0, codeShort, 0)+" ED")
	a = r.normal(dataAt, 512, trbIOC)
	r.bell()
	g.answer("", usb.OK)
	d.want("empty", ev(a, codeShort, 512))
	r.normal(dataAt, 512, 0)
	r.bell()
	g.answer(strings.Repeat("y", 512), usb.OK)
	d.want("nobody wants to know")
	a = r.normal(0, 0, trbIOC)
	r.bell()
	g.answer("", usb.OK)
	d.want("zero length", ev(a, codeSuccess, 0))
}

func TestNoOp(t *testing.T) { // table 1.2, 6
	g := &gadget{speed: usb.High}
	d := start(t, g)
	r := d.open(d.attach(5).slot, 2, bulkOut)
	r.push(trb{control: control(kindNoOp, 0)})
	a := r.push(trb{control: control(kindNoOp, trbIOC)})
	e := r.push(trb{param: 5, control: control(kindEventData, trbIOC)})
	_ = e
	r.bell()
	d.want("No-Op", ev(a, codeSuccess, 0), ev(5, codeSuccess, 0)+" ED")
	hwtest.Want(t, "packets", g.seen, 0)
}

func TestImmediateData(t *testing.T) {
	g := &gadget{speed: usb.High}
	d := start(t, g)
	r := d.open(d.attach(5).slot, 2, bulkOut)
	a := r.push(trb{param: 0x64636261, status: 4, control: control(kindNormal, trbIDT|trbIOC)})
	r.bell()
	p := g.first()
	b := make([]byte, 4)
	p.Data.CopyOut(b, 0)
	hwtest.Want(t, "bytes", string(b), "abcd")
	p.Complete(4, usb.OK)
	d.want("done", ev(a, codeSuccess, 0))
}

func TestWindow(t *testing.T) { // table 1.2, 21
	g := &gadget{speed: usb.Super}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	for range 200 {
		r.normal(dataAt, 512, 0)
	}
	r.bell()
	hwtest.Want(t, "small TDs in flight", g.waiting(), 200)
	for g.waiting() > 0 {
		g.answer(strings.Repeat("z", 512), usb.OK)
	}
	for range 100 {
		r.normal(dataAt, 65536, 0)
	}
	r.bell()
	hwtest.Want(t, "large TDs in flight", g.waiting(), window/65536)
	for n := 0; n < 100; n++ {
		g.first().Complete(65536, usb.OK)
		d.c.settle()
	}
	hwtest.Want(t, "left", g.waiting(), 0)
	d.want("no events")
}

func TestStop_losesNothing(t *testing.T) { // table 1.2, 1 and 2
	for _, n := range []int{4, 20} {
		for cut := range n {
			t.Run(fmt.Sprintf("%d-%d", n, cut), func(t *testing.T) { stopAt(t, n, cut) })
		}
	}
}

// stopAt queues n TDs, takes one of them out as a driver does, and wants all others.
func stopAt(t *testing.T, n, cut int) {
	g := &gadget{speed: usb.Super}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	var at []uint64
	for i := range n {
		at = append(at, r.normal(dataAt+uint64(i)*0x400, 1024, trbIOC))
	}
	r.bell()
	d.cmd.push(trb{control: control(kindStopEndpoint, forEndpoint(r.slot, r.dci))})
	d.setReg(doorCmd, 0)
	d.want("stop", ev(at[0], codeStopped, 1024), "command 1 slot 1")
	hwtest.Want(t, "state", epState(d.output(r.slot, 3, 0)&7), epStopped)
	hwtest.Want(t, "dequeue", uint64(d.output(r.slot, 3, 2)), at[0]|1)
	if cut == 0 {
		hwtest.Want(t, "Set TR Dequeue", d.moveTo(r, at[1]|1), codeSuccess)
	} else {
		d.Write32(at[cut]+12, control(kindNoOp, 1))
	}
	r.bell()
	hwtest.Want(t, "in flight again", g.waiting(), n-1)
	var want []string
	for i := range n {
		if i != cut {
			g.answer(fmt.Sprintf("%04d", i), usb.OK)
			want = append(want, ev(at[i], codeShort, 1020))
			hwtest.Want(t, "data", d.data(dataAt+uint64(i)*0x400, 4), fmt.Sprintf("%04d", i))
		}
	}
	d.want("the others", want...)
}

func TestStop_partial(t *testing.T) { // 1.3, 3 and 6
	g := &gadget{speed: usb.Super, cancel: func(p *usb.Packet) {
		n := 0
		if p.Data.Len() == 3072 {
			n = p.Data.CopyIn(bytes.Repeat([]byte("a"), 1536), 0)
		}
		p.Complete(n, usb.Cancelled)
	}}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	r.normal(dataAt, 1024, trbChain)
	mid := r.normal(dataAt+0x1000, 1024, trbChain)
	r.normal(dataAt+0x2000, 1024, trbChain)
	r.push(trb{param: 0x77, control: control(kindEventData, trbIOC)})
	r.bell()
	d.cmd.push(trb{control: control(kindStopEndpoint, forEndpoint(r.slot, r.dci))})
	d.setReg(doorCmd, 0)
	d.want("stop in the middle", ev(mid, codeStopped, 512), "command 1 slot 1")
	r.bell()
	p := g.first()
	hwtest.Want(t, "the rest", p.Data.Len(), 1536)
	p.Data.CopyIn(bytes.Repeat([]byte("b"), 1536), 0)
	p.Complete(1536, usb.OK)
	d.want("all of it", ev(0x77, codeSuccess, 3072)+" ED")
	hwtest.Want(t, "first half", d.data(dataAt+0x1000, 1024), strings.Repeat("a", 512)+strings.Repeat("b", 512))
	hwtest.Want(t, "second half", d.data(dataAt+0x2000, 1024), strings.Repeat("b", 1024))
}

func TestStop_raced(t *testing.T) { // 1.3, 3 (a): answered after all
	g := &gadget{speed: usb.Super, cancel: func(p *usb.Packet) { p.Complete(p.Data.CopyIn([]byte("seq0"), 0), usb.OK) }}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	a := r.normal(dataAt, 1024, trbISP)
	r.bell()
	d.cmd.push(trb{control: control(kindStopEndpoint, forEndpoint(r.slot, r.dci))})
	d.setReg(doorCmd, 0)
	d.want("data that came late", ev(a, codeShort, 1020), ev(a+16, codeStoppedInvalid, 0), "command 1 slot 1")
	hwtest.Want(t, "data", d.data(dataAt, 4), "seq0")
}

func TestStop_allMoved(t *testing.T) { // 1.3, 3 (a): cancelled with every byte moved
	g := &gadget{speed: usb.Super, cancel: func(p *usb.Packet) { p.Complete(p.Data.Len(), usb.Cancelled) }}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 2, bulkOut)
	a := r.normal(dataAt, 1024, trbIOC)
	r.bell()
	d.cmd.push(trb{control: control(kindStopEndpoint, forEndpoint(r.slot, r.dci))})
	d.setReg(doorCmd, 0)
	d.want("moved", ev(a, codeSuccess, 0), ev(a+16, codeStoppedInvalid, 0), "command 1 slot 1")
	r.bell()
	hwtest.Want(t, "not again", g.waiting(), 0)
}

func TestStop_pipeKeepsOrder(t *testing.T) { // 1.3, 6: data behind a TD that was called back is the next TD's
	n := 0
	g := &gadget{speed: usb.Super, cancel: func(p *usb.Packet) {
		if n++; n == 2 { // the last one was called back first; this one has got data meanwhile
			p.Complete(p.Data.CopyIn([]byte("seq0"), 0), usb.OK)
			return
		}
		p.Complete(0, usb.Cancelled)
	}}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	var at [3]uint64
	for i := range at {
		at[i] = r.normal(dataAt+uint64(i)*0x1000, 1024, trbIOC)
	}
	r.bell()
	hwtest.Want(t, "stop", d.stop(r), codeSuccess)
	d.all()
	r.bell()
	d.want("the first TD has the first data", ev(at[0], codeShort, 1020))
	hwtest.Want(t, "data", d.data(dataAt, 4), "seq0")
	hwtest.Want(t, "in flight", g.waiting(), 2)
	g.answer("seq1", usb.OK)
	d.want("then the second", ev(at[1], codeShort, 1020))
	hwtest.Want(t, "data", d.data(dataAt+0x1000, 4), "seq1")
}

func TestStop_sentOnce(t *testing.T) { // the same for OUT: what the device has taken is not sent again
	n := 0
	g := &gadget{speed: usb.Super, cancel: func(p *usb.Packet) {
		if n++; n == 1 {
			p.Complete(p.Data.Len(), usb.OK)
			return
		}
		p.Complete(0, usb.Cancelled)
	}}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 2, bulkOut)
	a, b := r.normal(dataAt, 512, trbIOC), r.normal(dataAt, 1024, trbIOC)
	r.bell()
	hwtest.Want(t, "stop", d.stop(r), codeSuccess)
	d.all()
	r.bell()
	hwtest.Want(t, "in flight", g.waiting(), 1)
	g.answer(strings.Repeat("x", 512), usb.OK)
	d.want("both", ev(a, codeSuccess, 0), ev(b, codeSuccess, 0))
}

func TestStop_deadPeer(t *testing.T) { // 1.3, 2
	var lost []*usb.Packet
	g := &gadget{speed: usb.Super, cancel: func(p *usb.Packet) { lost = append(lost, p) }}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	a := r.normal(dataAt, 512, trbIOC)
	r.bell()
	d.cmd.push(trb{control: control(kindStopEndpoint, forEndpoint(r.slot, r.dci))})
	d.setReg(doorCmd, 0)
	d.want("nothing has moved", ev(a, codeStopped, 512), "command 1 slot 1")
	lost[0].Complete(5, usb.OK) // too late
	d.want("nobody listens")
	r.bell()
	g.answer("again", usb.OK)
	d.want("a new packet", ev(a, codeShort, 507))
}

func TestEndpointCommands_states(t *testing.T) { // table 1.2, 1, 8 and 17
	g := &gadget{speed: usb.Super}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	send := func(k kind, slot, dci int) code {
		c, _ := d.give(trb{param: ringAt | 1, control: control(k, forEndpoint(slot, dci))})
		return c
	}
	for _, k := range []kind{kindStopEndpoint, kindResetEndpoint, kindSetDequeue} {
		hwtest.Want(t, "no slot", send(k, 7, 3), codeSlotNotEnabled)
		hwtest.Want(t, "slot 0", send(k, 0, 3), codeSlotNotEnabled)
		hwtest.Want(t, "no endpoint", send(k, r.slot, 9), codeNotEnabled)
		hwtest.Want(t, "endpoint 0", send(k, r.slot, 0), codeTRB)
	}
	hwtest.Want(t, "reset while running", send(kindResetEndpoint, r.slot, 3), codeContextState)
	hwtest.Want(t, "set dequeue while running", send(kindSetDequeue, r.slot, 3), codeContextState)
	d.cmd.push(trb{control: control(kindStopEndpoint, forEndpoint(r.slot, r.dci))})
	d.setReg(doorCmd, 0)
	d.want("between two TDs", ev(r.here()&^1, codeStoppedInvalid, 0), "command 1 slot 1")
	hwtest.Want(t, "stop when stopped", send(kindStopEndpoint, r.slot, 3), codeContextState)
	hwtest.Want(t, "reset when stopped", send(kindResetEndpoint, r.slot, 3), codeContextState)
	r.normal(dataAt, 512, trbIOC)
	r.bell()
	g.answer("", usb.Stall)
	d.c.settle()
	hwtest.Want(t, "stop when halted", send(kindStopEndpoint, r.slot, 3), codeContextState)
	hwtest.Want(t, "set dequeue when halted", send(kindSetDequeue, r.slot, 3), codeContextState)
	hwtest.Want(t, "reset when halted", send(kindResetEndpoint, r.slot, 3), codeSuccess)
}

func TestStall_freezes(t *testing.T) { // table 1.2, 17
	g := &gadget{speed: usb.Super}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	var at [4]uint64
	for i := range at {
		at[i] = r.normal(dataAt+uint64(i)*0x1000, 512, trbIOC)
	}
	r.bell()
	g.answer("one", usb.OK)
	g.answer("xx", usb.Stall)
	d.want("halt", ev(at[0], codeShort, 509), ev(at[1], codeStall, 510))
	hwtest.Want(t, "with the device", g.waiting(), 0)
	hwtest.Want(t, "dequeue", uint64(d.output(r.slot, 3, 2)), at[1]|1)
	hwtest.Want(t, "state", epState(d.output(r.slot, 3, 0)&7), epHalted)
	d.ok("Reset Endpoint", trb{control: control(kindResetEndpoint, forEndpoint(r.slot, 3))})
	hwtest.Want(t, "ring untouched", uint64(d.output(r.slot, 3, 2)), at[1]|1)
	hwtest.Want(t, "Set TR Dequeue", d.moveTo(r, at[2]|1), codeSuccess)
	r.bell()
	g.answer("three", usb.OK)
	g.answer("four", usb.OK)
	d.want("the others", ev(at[2], codeShort, 507), ev(at[3], codeShort, 508))
}

func TestErrors(t *testing.T) {
	for s, want := range map[usb.Status]code{usb.Stall: codeStall, usb.Babble: codeBabble, usb.IOError: codeTransaction, usb.Disconnected: codeTransaction, usb.Overrun: codeTransaction} {
		g := &gadget{speed: usb.Super}
		d := start(t, g)
		r := d.open(d.attach(1).slot, 3, bulkIn)
		a := r.normal(dataAt, 512, 0)
		r.bell()
		g.answer("", s)
		d.want(s.String(), ev(a, want, 512))
	}
}

// TestTRBErrors is table 1.2, 7 and 8: what is malformed halts the endpoint in the Error state, which Set TR Dequeue alone ends.
func TestTRBErrors(t *testing.T) {
	setup := func(bits uint32, n uint32) trb {
		b := usb.Setup{RequestType: 0x80, Request: 6, Length: 8}.Bytes()
		return trb{param: uint64(b[0]) | uint64(b[1])<<8 | 8<<48, status: n, control: control(kindSetup, bits)}
	}
	data := trb{param: dataAt, status: 8, control: control(kindData, trbIn)}
	status := trb{control: control(kindStatus, trbIOC)}
	for _, c := range []struct {
		name string
		dci  int
		trbs []trb
		bad  int // which one the event names
	}{
		{"setup without IDT", 1, []trb{setup(0, 8), data, status}, 2},
		{"setup of 7 bytes", 1, []trb{setup(trbIDT, 7), data, status}, 2},
		{"wrong direction", 1, []trb{setup(trbIDT, 8), {param: dataAt, status: 8, control: control(kindData, 0)}, status}, 2},
		{"status like data", 1, []trb{setup(trbIDT, 8), data, {control: control(kindStatus, trbIn)}}, 2},
		{"no data stage", 1, []trb{setup(trbIDT, 8), status}, 1},
		{"no setup", 1, []trb{data}, 0},
		{"two setups", 1, []trb{setup(trbIDT, 8), setup(trbIDT, 8)}, 1},
		{"normal on control", 1, []trb{{param: dataAt, status: 8, control: control(kindNormal, 0)}}, 0},
		{"setup on bulk", 3, []trb{setup(trbIDT, 8)}, 0},
		{"isoch on bulk", 3, []trb{{param: dataAt, status: 8, control: control(kindIsoch, 0)}}, 0},
		{"type 0", 3, []trb{{}}, 0},
		{"type 63", 3, []trb{{control: 63 << 10}}, 0},
		{"immediate IN", 3, []trb{{status: 8, control: control(kindNormal, trbIDT)}}, 0},
		{"not memory", 3, []trb{{param: 0xf0000000, status: 8, control: control(kindNormal, 0)}}, 0},
		{"behind memory", 3, []trb{{param: hwtest.RAMSize - 4, status: 8, control: control(kindNormal, 0)}}, 0},
		{"no end of the address space", 3, []trb{{param: ^uint64(3), status: 8, control: control(kindNormal, 0)}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &gadget{speed: usb.Super}
			d := start(t, g)
			r := d.attach(1)
			if c.dci != 1 {
				r = d.open(r.slot, c.dci, bulkIn)
			}
			var at []uint64
			for _, x := range c.trbs {
				at = append(at, r.push(x))
			}
			r.bell()
			ev, ok := d.next()
			if !ok || ev.param != at[c.bad] || code(ev.status>>24) != codeTRB {
				t.Fatalf("event %v %s, want a TRB Error at %x", ok, said(ev), at[c.bad])
			}
			d.free()
			hwtest.Want(t, "packets", g.seen, 0)
			hwtest.Want(t, "state", epState(d.output(r.slot, r.dci, 0)&7), epError)
			r.bell()
			d.want("doorbell")
			c, _ := d.give(trb{control: control(kindResetEndpoint, forEndpoint(r.slot, r.dci))})
			hwtest.Want(t, "Reset Endpoint", c, codeContextState)
			hwtest.Want(t, "Set TR Dequeue", d.moveTo(r, r.here()), codeSuccess)
			hwtest.Want(t, "state", epState(d.output(r.slot, r.dci, 0)&7), epStopped)
		})
	}
}

func TestSetDequeue_cycle(t *testing.T) { // table 1.2, 8: DCS counts
	g := &gadget{speed: usb.Super}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	hwtest.Want(t, "stop", d.stop(r), codeSuccess)
	hwtest.Want(t, "Set TR Dequeue", d.moveTo(r, r.at), codeSuccess) // DCS 0
	hwtest.Want(t, "dequeue", uint64(d.output(r.slot, 3, 2)), r.at)
	d.all()
	r.cycle = 0
	r.push(trb{control: control(kindNoOp, trbIOC)}) // as the zeros that follow, which are type 0
	r.cycle = 1
	r.push(trb{})
	r.bell()
	d.want("with the other cycle state", ev(r.at, codeSuccess, 0))
}

func TestLinks_loop(t *testing.T) {
	g := &gadget{speed: usb.Super}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	r.push(trb{param: r.at, control: control(kindLink, 0)})
	r.bell()
	d.want("a link to itself", ev(r.at, codeTRB, 0))
}

func TestDisconnect(t *testing.T) {
	g := &gadget{speed: usb.Super}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	a := r.normal(dataAt, 512, trbIOC)
	r.bell()
	d.c.Ports()[0].Unplug()
	got := d.all()
	if len(got) != 2 || got[0] != "port 1" && got[1] != "port 1" {
		t.Errorf("events %q", got)
	}
	d.ok("Reset Endpoint", trb{control: control(kindResetEndpoint, forEndpoint(r.slot, 3))})
	hwtest.Want(t, "Set TR Dequeue", d.moveTo(r, a|1), codeSuccess)
	r.bell()
	d.want("nobody is there", ev(a, codeTransaction, 512))
	d.ok("Disable Slot", trb{control: control(kindDisableSlot, forSlot(r.slot))})
}

func TestNoAllocation(t *testing.T) {
	g := &gadget{speed: usb.Super}
	g.submit = func(p *usb.Packet) bool { p.Complete(p.Data.Len(), usb.OK); return true }
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	r.normal(dataAt, 512, trbIOC)
	r.bell()
	e := d.c.slots[r.slot].eps[3]
	n := testing.AllocsPerRun(100, func() {
		for range 10 {
			r.normal(dataAt, 4096, trbIOC)
		}
		d.c.mu.Lock()
		e.queue(e.ring)
		e.work()
		d.c.mu.Unlock()
		d.all0()
	})
	if n > 0 {
		t.Errorf("%v allocations for ten TDs", n)
	}
}

// all0 takes all events and looks at none.
func (d *driver) all0() {
	for _, ok := d.next(); ok; _, ok = d.next() {
	}
	d.free()
}
