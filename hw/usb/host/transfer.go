package host

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"govm-desktop/hw/usb"
)

// Types of requests, as usbfs numbers them.
const (
	isochronous = 0
	interrupt   = 1
	controlType = 2
	bulk        = 3
)

// endpoint is one of the device's in the settings in force.
type endpoint struct {
	addr, kind uint8
	iface      uint8
	maxPacket  int // bytes in a service interval
	interval   uint8
	waiting    []*transfer // not given to the kernel yet
	inFlight   int         // bytes
	urbs       int
	split      *transfer // more portions of it follow: nothing overtakes
	iso        *isoStream
}

// transfer is one of the guest's packets.
type transfer struct {
	p         *usb.Packet // nil: it has been told that it ended
	ep        *endpoint   // nil: control
	done      int         // bytes of earlier portions
	asked     int
	cancelled bool
}

// rebuild makes the endpoints of the settings in force.
func (d *Device) rebuild() {
	old := d.eps
	d.eps = map[uint8]*endpoint{}
	active, iface := false, uint8(0)
	var last *endpoint
	walk(d.info.config(d.active), func(b []byte) {
		switch {
		case b[1] == usb.DescInterface && len(b) >= 9:
			iface, active, last = b[2], d.alts[b[2]] == b[3], nil
		case b[1] == usb.DescEndpoint && len(b) >= 7 && active && b[2]&0x0f != 0:
			size := int(binary.LittleEndian.Uint16(b[4:]))
			last = &endpoint{addr: b[2], iface: iface, interval: b[6], maxPacket: size & 0x7ff * (1 + size>>11&3)}
			last.kind = [4]uint8{controlType, isochronous, bulk, interrupt}[b[3]&3]
			if o := old[last.addr]; o != nil && o.kind == last.kind && o.maxPacket == last.maxPacket {
				last = o
			}
			d.eps[b[2]] = last
		case b[1] == usb.DescCompanion && len(b) >= 6 && active && last != nil && last.kind == isochronous:
			last.maxPacket = int(binary.LittleEndian.Uint16(b[4:]))
		}
	})
	for a, o := range old {
		if d.eps[a] != o {
			d.dropWaiting(o, usb.Stall)
		}
	}
}

func (d *Device) dropWaiting(e *endpoint, s usb.Status) {
	for _, t := range e.waiting {
		d.tell(t.p, t.done, s)
	}
	e.waiting, e.split = nil, nil
}

// pump gives the kernel what waits, as much as the window holds.
func (d *Device) pump(e *endpoint) {
	for len(e.waiting) > 0 && d.file != nil && !d.working {
		t := e.waiting[0]
		if e.split != nil && e.split != t || e.split == t && e.urbs > 0 {
			return
		}
		left := t.p.Data.Len() - t.done
		n := min(left, maxURB)
		if e.inFlight > 0 && e.inFlight+n > window {
			return
		}
		u := newURB(e.kind, e.addr, n, int(t.p.Stream))
		u.t = t
		if e.addr&usb.DirIn == 0 {
			t.p.Data.CopyOut(u.buf, t.done)
		}
		switch err := d.file.submit(u); {
		case errors.Is(err, unix.ENOMEM) && len(d.file.urbs) > 0:
			return // again when another has ended
		case err != nil:
			e.waiting, e.split = e.waiting[1:], nil
			d.tell(t.p, t.done, refusal(err))
			continue
		}
		t.asked = n
		e.inFlight += n
		e.urbs++
		e.waiting = e.waiting[1:]
		if e.split = nil; n < left {
			e.split = t
			return
		}
	}
}

// refusal is the end of a transfer that the kernel has not taken.
func refusal(err error) usb.Status {
	switch {
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ESHUTDOWN):
		return usb.Disconnected
	case errors.Is(err, unix.EPIPE), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT):
		return usb.Stall
	}
	return usb.IOError
}

// outcome translates the kernel's status, a negative errno.
func outcome(status int32) usb.Status {
	switch unix.Errno(-status) {
	case 0:
		return usb.OK
	case unix.ENOENT, unix.ECONNRESET:
		return usb.Cancelled
	case unix.EPIPE:
		return usb.Stall
	case unix.EOVERFLOW:
		return usb.Babble
	case unix.ENODEV, unix.ESHUTDOWN:
		return usb.Disconnected
	}
	return usb.IOError
}

// reap takes requests that have ended, until the device is let go.
func (d *Device) reap(f *file) {
	defer close(f.gone)
	more := true
	for more {
		more = f.await()
		for {
			key, err := reapOne(f.f)
			if err == unix.EAGAIN {
				break
			}
			if err != nil {
				d.mu.Lock()
				if d.file == f {
					d.log.Warn("usb-host: the device has gone", "device", d.info.Name())
					d.lose()
				}
				d.unlock()
				return
			}
			d.mu.Lock()
			if u := f.urbs[key]; u != nil {
				delete(f.urbs, key)
				u.pin.Unpin()
				d.ended(f, u)
			}
			d.unlock()
		}
	}
}

// ended handles a request that has ended.
func (d *Device) ended(f *file, u *urb) {
	if u.iso != nil {
		u.iso.ended(d, f, u)
		return
	}
	t, k := u.t, u.kernel()
	n, s := int(k.actual), outcome(k.status)
	if t.ep != nil {
		t.ep.inFlight -= t.asked
		t.ep.urbs--
	}
	if t.p == nil {
		return
	}
	n = min(max(n, 0), t.asked)
	data := u.buf
	if t.ep == nil {
		data = data[min(8, len(data)):]
	}
	if t.p.In() {
		t.p.Data.CopyIn(data[:min(n, len(data))], t.done)
	}
	full := n == t.asked
	t.done += n
	switch {
	case s == usb.OK && full && t.ep != nil && t.ep.split == t && !t.cancelled:
		t.ep.waiting = append([]*transfer{t}, t.ep.waiting...)
	case s == usb.Cancelled && !t.cancelled:
		d.endTransfer(t, usb.IOError) // by the kernel: the interface was reset
	case s == usb.Cancelled && t.done == t.p.Data.Len() && n > 0:
		d.endTransfer(t, usb.OK)
	default:
		d.endTransfer(t, s)
	}
	if t.ep != nil {
		d.pump(t.ep)
	}
	for _, e := range d.eps { // which may have been short of the kernel's memory
		if len(e.waiting) > 0 && e.urbs == 0 {
			d.pump(e)
		}
	}
}

func (d *Device) endTransfer(t *transfer, s usb.Status) {
	if t.ep != nil && t.ep.split == t {
		t.ep.split = nil
	}
	p := t.p
	t.p = nil
	d.tell(p, t.done, s)
}
