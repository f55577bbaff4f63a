package xhci

import (
	"fmt"
	"testing"

	"govm-desktop/hw/hwtest"
	"govm-desktop/hw/usb"
)

const streamsAt = 0x18000 // the stream context array

// streamRings opens a bulk endpoint with seven streams, of which the first three have rings.
func streamRings(t *testing.T, g *gadget) (*driver, [4]*guestRing) {
	d := start(t, g)
	slot := d.attach(1).slot
	var rings [4]*guestRing
	for id := 1; id < 4; id++ {
		r := d.ring(ringAt+uint64(slot)*0x10000+0x8000+uint64(id)*ringSize, 64)
		r.slot, r.dci, r.stream = slot, 3, id
		rings[id] = r
		d.Write64(streamsAt+uint64(id)*streamSize, r.at|streamPrimary<<1|1)
	}
	d.input(0, 1|1<<3)
	d.context(0, context{31 << 27})
	d.context(3, context{2<<10 | 1<<15, 3<<1 | uint32(bulkIn)<<3 | 1024<<16, streamsAt})
	d.ok("Configure Endpoint", trb{param: inputAt, control: control(kindConfigure, forSlot(slot))})
	return d, rings
}

func TestStreams(t *testing.T) { // table 1.2, 18
	g := &gadget{speed: usb.Super}
	d, r := streamRings(t, g)
	hwtest.Want(t, "streams of the device", g.streams, 7)
	a, b, c := r[1].normal(dataAt, 512, trbIOC), r[2].normal(dataAt+0x1000, 512, trbIOC), r[2].normal(dataAt+0x2000, 512, trbIOC)
	r[1].bell()
	r[2].bell()
	for _, want := range []uint16{1, 2, 2} {
		p := g.first()
		hwtest.Want(t, "stream", p.Stream, want)
		g.got = append(g.got, p)
	}
	g.answer("x", usb.OK)
	d.want("one", ev(a, codeShort, 511))
	d.cmd.push(trb{control: control(kindStopEndpoint, forEndpoint(r[1].slot, 3))})
	d.setReg(doorCmd, 0)
	d.want("one Stopped event", ev(b, codeStopped, 512), "command 1 slot 1")
	hwtest.Want(t, "stream context", d.Read64(streamsAt+2*streamSize), b|streamPrimary<<1|1)
	a = r[1].normal(dataAt, 512, trbIOC)
	r[3].bell() // restarts them all
	hwtest.Want(t, "under way", g.waiting(), 3)
	for g.waiting() > 0 {
		g.answer("yy", usb.OK)
	}
	d.want("all", ev(a, codeShort, 510), ev(b, codeShort, 510), ev(c, codeShort, 510))
}

func TestStreams_errors(t *testing.T) {
	g := &gadget{speed: usb.Super}
	d, r := streamRings(t, g)
	for id, want := range map[int]code{0: codeStreamID, 8: codeStreamID, 0xffff: codeStreamID, 5: codeStreamType} {
		bad := *r[1]
		bad.stream = id
		bad.bell()
		d.want(fmt.Sprintf("stream %d", id), fmt.Sprintf("0: %d left 0", want))
	}
	hwtest.Want(t, "stop", d.stop(r[1]), codeSuccess)
	set := func(id int, sct uint64) code {
		c, _ := d.give(trb{param: r[1].at | sct<<1 | 1, status: uint32(id) << 16, control: control(kindSetDequeue, forEndpoint(r[1].slot, 3))})
		return c
	}
	hwtest.Want(t, "stream 0", set(0, 1), codeStreamID)
	hwtest.Want(t, "stream 8", set(8, 1), codeStreamID)
	hwtest.Want(t, "type 0", set(1, 0), codeStreamType)
	before := d.output(r[1].slot, 3, 2)
	hwtest.Want(t, "stream 5 gets a ring", set(5, 1), codeSuccess)
	hwtest.Want(t, "its context", d.Read64(streamsAt+5*streamSize), r[1].at|streamPrimary<<1|1)
	hwtest.Want(t, "the endpoint's context", d.output(r[1].slot, 3, 2), before)
	a := r[1].normal(dataAt, 8, trbIOC)
	five := *r[1]
	five.stream = 5
	five.bell()
	g.answer("12345678", usb.OK)
	got := d.all()
	if len(got) == 0 || got[0] != ev(a, codeSuccess, 0) {
		t.Errorf("events %q", got)
	}
	c, _ := d.give(trb{control: control(kindConfigure, forSlot(1)|trbBEI)})
	hwtest.Want(t, "deconfigure", c, codeSuccess)
	hwtest.Want(t, "streams of the device", g.streams, 0)
}
