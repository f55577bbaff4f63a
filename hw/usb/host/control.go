package host

import (
	"fmt"
	"maps"

	"golang.org/x/sys/unix"

	"govm-desktop/hw/usb"
)

// Requests that the kernel wants to hear of, or that are answered here.
const (
	setAddress       = 0x0005
	setConfiguration = 0x0009
	getConfiguration = 0x8008
	setAlternate     = 0x010b
	clearHalt        = 0x0201
)

// control does a control transfer.
func (d *Device) control(p *usb.Packet) {
	s := p.Setup
	switch s.Kind() {
	case setAddress:
		d.tell(p, 0, usb.OK)
	case getConfiguration:
		if d.config == 0 && s.Length > 0 {
			d.tell(p, p.Data.CopyIn([]byte{0}, 0), usb.OK)
			return
		}
		d.request(p)
	case setConfiguration:
		d.ask(p, func(f *file) error { return d.configure(f, uint8(s.Value)) })
	case setAlternate:
		d.ask(p, func(f *file) error { return d.alternate(f, uint8(s.Index), uint8(s.Value)) })
	case clearHalt:
		if s.Value != 0 || s.Index&0x0f == 0 {
			d.request(p)
			return
		}
		d.ask(p, func(f *file) error { return ioctlNumber(f.f, ioClearHalt, uint32(uint8(s.Index))) })
	default:
		d.request(p)
	}
	if s.Kind()&0x8000 == 0 && s.Kind() != setAddress {
		d.dirty = true
	}
}

// request sends a control transfer to the device.
func (d *Device) request(p *usb.Packet) {
	if d.working { // after what has to be done before
		d.ops = append(d.ops, func(*file) {
			d.mu.Lock()
			defer d.unlock()
			if d.file == nil {
				d.tell(p, 0, usb.Disconnected)
				return
			}
			d.send(p)
		})
		return
	}
	d.send(p)
}

func (d *Device) send(p *usb.Packet) {
	n := int(p.Setup.Length)
	if !p.In() && p.Data.Len() < n {
		d.tell(p, 0, usb.Stall)
		return
	}
	u := newURB(controlType, 0, 8+n, 0)
	head := p.Setup.Bytes()
	copy(u.buf, head[:])
	if !p.In() {
		p.Data.CopyOut(u.buf[8:], 0)
	}
	u.t = &transfer{p: p, asked: n}
	if err := d.file.submit(u); err != nil {
		d.tell(p, 0, refusal(err))
	}
}

// ask does what takes the kernel a while, and ends a control transfer with its outcome.
func (d *Device) ask(p *usb.Packet, f func(*file) error) {
	d.do(func(file *file) {
		err := f(file)
		d.mu.Lock()
		defer d.unlock()
		switch {
		case err == nil:
			d.tell(p, 0, usb.OK)
		case d.file != file:
			d.tell(p, 0, usb.Disconnected)
		default:
			d.tell(p, 0, usb.Stall)
		}
	})
}

// do has something done that may wait, after what was asked for before. No other transfer is started until it is done.
func (d *Device) do(f func(*file)) {
	d.ops = append(d.ops, f)
	if !d.working {
		d.working = true
		go d.work()
	}
}

func (d *Device) work() {
	for {
		d.mu.Lock()
		if len(d.ops) == 0 {
			d.working = false
			for _, e := range d.eps {
				d.pump(e)
			}
			d.unlock()
			return
		}
		op, f := d.ops[0], d.file
		d.ops = d.ops[1:]
		d.mu.Unlock()
		if f == nil {
			f = closedFile
		}
		op(f)
	}
}

// closedFile answers every request with an error.
var closedFile = &file{}

// claim takes the interfaces of a configuration.
func (d *Device) claim(f *file, value uint8) (map[uint8]bool, error) {
	claimed := map[uint8]bool{}
	var first error
	walk(d.info.config(value), func(b []byte) {
		if b[1] != usb.DescInterface || len(b) < 9 || claimed[b[2]] {
			return
		}
		if err := claimInterface(f.f, b[2]); err != nil {
			if first == nil {
				first = fmt.Errorf("interface %d: %w", b[2], err)
			}
			return
		}
		claimed[b[2]] = true
	})
	return claimed, first
}

func release(f *file, claimed map[uint8]bool) {
	for i := range claimed {
		_ = ioctlNumber(f.f, ioRelease, uint32(i))
	}
}

// begin is the state that a change of settings starts from; nil maps: the device is not there any more.
func (d *Device) begin(f *file) (claimed, alts map[uint8]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file != f {
		return nil, nil
	}
	d.stopAll()
	alts = map[uint8]bool{}
	for i, a := range d.alts {
		alts[i] = a != 0
	}
	return maps.Clone(d.claimed), alts
}

// configure chooses a configuration. One that is in force already is not set again: some devices take that badly.
func (d *Device) configure(f *file, value uint8) error {
	claimed, alts := d.begin(f)
	switch {
	case claimed == nil:
		return unix.ENODEV
	case value != 0 && d.info.config(value) == nil:
		return unix.EINVAL
	}
	active := value
	if value == d.active || value == 0 {
		active = d.active
		for i, set := range alts {
			if set {
				if err := setInterface(f.f, i, 0); err != nil {
					return err
				}
			}
		}
	} else {
		release(f, claimed)
		err := ioctlNumber(f.f, ioSetConfiguration, uint32(value))
		if err == nil {
			claimed, err = d.claim(f, value)
		}
		if err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.unlock()
	if d.file == f {
		d.active, d.config, d.claimed = active, value, claimed
		clear(d.alts)
		d.rebuild()
	}
	return nil
}

// alternate chooses a setting of an interface.
func (d *Device) alternate(f *file, iface, alt uint8) error {
	d.mu.Lock()
	for _, e := range d.eps {
		if e.iface == iface && e.iso != nil {
			e.iso.stop(d)
		}
	}
	d.mu.Unlock()
	if err := setInterface(f.f, iface, alt); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.unlock()
	if d.file == f {
		d.alts[iface] = alt
		d.rebuild()
	}
	return nil
}

func (d *Device) stopAll() {
	for _, e := range d.eps {
		if e.iso != nil {
			e.iso.stop(d)
		}
	}
}

// busReset is what the socket does to the device.
func (d *Device) busReset() {
	f := d.file
	if f == nil {
		return
	}
	d.stopAll()
	for _, e := range d.eps {
		d.dropWaiting(e, usb.Cancelled)
	}
	for _, u := range f.urbs {
		if u.t != nil && u.t.p != nil {
			u.t.cancelled = true
			f.discard(u)
		}
	}
	d.config = 0
	if !d.dirty {
		return
	}
	d.dirty = false
	d.do(d.resetNow)
}

// resetNow resets the device. The kernel unbinds who has its interfaces, so they are let go and claimed again.
func (d *Device) resetNow(f *file) {
	claimed, _ := d.begin(f)
	if claimed == nil {
		return
	}
	release(f, claimed)
	err := resetDevice(f.f)
	if err == nil {
		claimed, err = d.claim(f, d.active)
	}
	d.mu.Lock()
	defer d.unlock()
	if d.file != f {
		return
	}
	if err != nil {
		d.log.Warn("usb-host: reset", "device", d.info.Name(), "err", err)
		d.lose()
		return
	}
	d.claimed = claimed
	clear(d.alts)
	d.rebuild()
}
