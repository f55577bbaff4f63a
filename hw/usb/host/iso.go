package host

import (
	"govm-desktop/hw/usb"
)

// isoStream keeps an isochronous endpoint busy: several requests are always with the kernel, and a buffer lies between them and the guest.
type isoStream struct {
	e       *endpoint
	jitter  *usb.Jitter
	urbs    []*urb
	stopped bool
	failed  usb.Status
}

const isoURBs = 4

// rate is how many packets in a second an isochronous endpoint moves.
func (d *Device) rate(e *endpoint) int {
	shift := min(max(int(e.interval), 1), 16) - 1
	if d.info.Speed >= usb.High {
		return max(8000>>shift, 1)
	}
	return max(1000>>shift, 1)
}

// iso moves what belongs to one interval. It never waits: the bus does not.
func (d *Device) iso(e *endpoint, p *usb.Packet) {
	if d.working {
		d.tell(p, 0, usb.OK)
		return
	}
	i := e.iso
	if i == nil || i.stopped && i.failed == usb.OK {
		i = &isoStream{e: e, jitter: usb.NewJitter(d.rate(e))}
		e.iso = i
		i.start(d)
	}
	if i.failed != usb.OK {
		s := i.failed
		i.failed = usb.OK
		d.tell(p, 0, s)
		return
	}
	if e.addr&usb.DirIn != 0 {
		n, s := i.jitter.Take(&p.Data)
		d.tell(p, n, s)
		return
	}
	buf := make([]byte, min(p.Data.Len(), e.maxPacket))
	p.Data.CopyOut(buf, 0)
	i.jitter.Put(buf, usb.OK)
	d.tell(p, len(buf), usb.OK)
}

// start gives the kernel as many requests as hold 40 ms.
func (i *isoStream) start(d *Device) {
	packets := min(max(d.rate(i.e)/100, 1), 32)
	for range isoURBs {
		u := newURB(isochronous, i.e.addr, packets*i.e.maxPacket, packets)
		u.iso = i
		i.urbs = append(i.urbs, u)
		i.send(d.file, u, packets)
	}
}

// send prepares a request and submits it.
func (i *isoStream) send(f *file, u *urb, packets int) {
	at := 0
	for n := range packets {
		size := i.e.maxPacket
		if i.e.addr&usb.DirIn == 0 {
			var b usb.Buffer
			b.Append(u.buf[at : at+size])
			size, _ = i.jitter.Take(&b)
		}
		*u.packet(n) = kernelPacket{length: uint32(size)}
		at += size
	}
	k := u.kernel()
	k.flags, k.packets, k.status, k.actual, k.errors = flagASAP, int32(packets), 0, 0, 0
	k.length = int32(at)
	if err := f.submit(u); err != nil {
		i.stopped, i.failed = true, refusal(err)
	}
}

// ended takes what a request has brought and submits it again.
func (i *isoStream) ended(d *Device, f *file, u *urb) {
	packets := (len(u.mem) - urbSize) / packetSize
	packets = min(packets, int(u.kernel().packets))
	if i.e.addr&usb.DirIn != 0 {
		for n := range packets {
			p := u.packet(n)
			at := n * i.e.maxPacket
			size := min(int(p.actual), i.e.maxPacket, len(u.buf)-at)
			s := outcome(int32(p.status))
			if s == usb.Cancelled {
				continue
			}
			i.jitter.Put(u.buf[at:at+size], s)
		}
	}
	if s := outcome(u.kernel().status); !i.stopped && s != usb.OK && s != usb.Cancelled {
		i.stopped, i.failed = true, s
	}
	if !i.stopped && d.file == f {
		i.send(f, u, packets)
	}
}

func (i *isoStream) stop(d *Device) {
	i.stopped = true
	for _, u := range i.urbs {
		if d.file != nil {
			d.file.discard(u)
		}
	}
	i.e.iso = nil
}
