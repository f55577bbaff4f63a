package xhci

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"govm-desktop/clock"
	"govm-desktop/hw/hwtest"
	"govm-desktop/hw/usb"
)

// isochRing opens an isochronous endpoint with an interval of 1 ms and a payload of 1024 bytes.
func isochRing(t *testing.T, g *gadget, kind epKind) (*driver, *guestRing) {
	d := start(t, g)
	slot, dci := d.attach(1).slot, 2
	if kind == isochIn {
		dci = 3
	}
	r := d.open(slot, dci, kind, 3<<16, 1<<8) // bursts of two packets of 512 bytes
	d.Step(100 * clock.Millisecond)
	return d, r
}

// td pushes an isochronous TD; frame -1: as soon as possible.
func (r *guestRing) isoch(buf uint64, n int, frame int) uint64 {
	bits := uint32(trbSIA)
	if frame >= 0 {
		bits = uint32(frame&frameMask) << 20
	}
	return r.push(trb{param: buf, status: uint32(n), control: control(kindIsoch, trbIOC|bits)})
}

func TestIsoch_pace(t *testing.T) { // table 1.2, 15
	for _, frame := range []int{-1, 150} {
		t.Run(fmt.Sprint(frame), func(t *testing.T) {
			g := &gadget{speed: usb.Super}
			g.submit = func(p *usb.Packet) bool { p.Complete(p.Data.Len(), usb.OK); return true }
			d, r := isochRing(t, g, isochOut)
			var want []string
			for i := range 20 {
				f := frame
				if frame >= 0 {
					f += i
				}
				want = append(want, ev(r.isoch(dataAt, 800, f), codeSuccess, 0))
			}
			r.bell()
			if frame >= 0 {
				d.Step(49 * clock.Millisecond)
				d.c.settle()
				hwtest.Want(t, "before its frame", g.seen, 0)
				d.Step(clock.Millisecond)
				d.c.settle()
				g.seen = 0
			}
			for i := range 10 {
				d.Step(clock.Millisecond)
				d.c.settle()
				hwtest.Want(t, "packets", g.seen, i+1)
			}
			for range 20 {
				d.Step(clock.Millisecond)
				d.c.settle()
			}
			d.want("all, and one underrun", append(want, ev(r.here()&^1, codeUnderrun, 0))...)
			d.Step(clock.Second)
			d.want("once")
			a := r.isoch(dataAt, 8, -1)
			r.bell()
			for range 5 {
				d.Step(clock.Millisecond)
				d.c.settle()
			}
			d.want("and again", ev(a, codeSuccess, 0), ev(r.here()&^1, codeUnderrun, 0))
		})
	}
}

func TestIsoch_errors(t *testing.T) {
	g := &gadget{speed: usb.Super}
	n := 0
	g.submit = func(p *usb.Packet) bool {
		n++
		p.Complete(p.Data.CopyIn([]byte(strings.Repeat("x", 100)), 0), []usb.Status{usb.OK, usb.Babble, usb.Stall, usb.IOError, usb.Overrun, usb.OK}[n-1])
		return true
	}
	d, r := isochRing(t, g, isochIn)
	var want []string
	for _, c := range []code{codeShort, codeBabble, codeTransaction, codeTransaction, codeIsochOverrun, codeShort} {
		want = append(want, ev(r.isoch(dataAt, 500, -1), c, 400))
	}
	want = append(want, ev(r.isoch(dataAt, 2000, -1), codeBandwidthOverrun, 2000), ev(r.isoch(dataAt, 1, 10), codeMissedService, 1), ev(r.here()&^1, codeOverrun, 0))
	r.bell()
	for range 20 {
		d.Step(clock.Millisecond)
		d.c.settle()
	}
	d.want("none of them halts", want...)
	hwtest.Want(t, "state", epState(d.output(r.slot, 3, 0)&7), epRunning)
}

func TestIsoch_stop(t *testing.T) { // 1.3, 7
	g := &gadget{speed: usb.Super}
	d, r := isochRing(t, g, isochIn)
	var at []uint64
	for range 6 {
		at = append(at, r.isoch(dataAt, 500, -1))
	}
	r.bell()
	for range 3 {
		d.Step(clock.Millisecond)
		d.c.settle()
	}
	hwtest.Want(t, "under way", g.waiting(), 3)
	g.answer("one", usb.OK)
	hwtest.Want(t, "stop", d.stop(r), codeSuccess)
	hwtest.Want(t, "dequeue", uint64(d.output(r.slot, 3, 2)), at[1]|1)
	d.Step(clock.Second)
	d.want("while it stands")
	r.bell()
	for range 8 {
		d.Step(clock.Millisecond)
		d.c.settle()
		for g.waiting() > 0 {
			g.answer("more", usb.OK)
		}
	}
	got := d.all()
	for _, a := range at[1:] {
		if !slices.Contains(got, ev(a, codeShort, 496)) {
			t.Errorf("the TD at %x is lost: %q", a, got)
		}
	}
}
