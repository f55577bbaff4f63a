// Package hid models USB keyboards, mice and tablets: the HID class (HID 1.11) with boot protocols, and its usages (HID Usage Tables 1.4).
//
// A keyboard has two interfaces: a boot keyboard of six keys, which every BIOS drives, and a second one for the keys beyond these six, for media
// keys (consumer page) and system keys. Physical descriptors, feature reports and force feedback are left out, as in nearly all such devices.
package hid

import (
	"slices"

	"govm-desktop/clock"
	"govm-desktop/hw/usb"
	"govm-desktop/input"
	"govm-desktop/snapshot"
)

// Class requests (HID 1.11, 7.2) and GET_DESCRIPTOR of an interface.
const (
	reqGetReport     = 0xa101
	reqGetIdle       = 0xa102
	reqGetProtocol   = 0xa103
	reqSetReport     = 0x2109
	reqSetIdle       = 0x210a
	reqSetProtocol   = 0x210b
	reqGetDescriptor = 0x8106
)

// Report types, as requests name them.
const (
	reportInput  = 1
	reportOutput = 2
)

// Protocols (HID 1.11, 7.2.5).
const (
	protocolBoot   = 0
	protocolReport = 1
)

// queueLimit is how many reports may wait for the guest, and queueHard how many with those that let keys go.
const (
	queueLimit = 64
	queueHard  = 256
)

// idleUnit is what SET_IDLE counts in.
const idleUnit = 4 * clock.Millisecond

// Config is what a device is wired to.
type Config struct {
	Clock  clock.Clock
	Input  *input.Router
	Serial string // "": none
}

// ids are QEMU's, which guests know: systemd lets these devices sleep.
const (
	vendor  = 0x0627
	product = 0x0001
)

// kind is what a device of the family is beyond the common half. Its methods are called with the lock held.
type kind interface {
	// report is an interface's present state in the form of its input report with an ID (0: it has none); nil: there is no such report.
	report(iface int, id uint8) []byte
	// output takes an output report.
	output(iface int, data []byte) bool
	// polled is told that the guest waits for reports of an interface.
	polled(iface int)
	// forget lets go of everything: the device has been reset.
	forget()
}

// device is the common half.
type device struct {
	usb.Gadget
	cfg   Config
	kind  kind
	kinds []input.Kind // of events that it takes
	timer clock.Timer  // for idle rates

	ifaces  []*iface // guarded by the lock
	leave   func()   // takes the device off the router; errands alone touch it
	errands errands
	active  bool // the guest reads the device, so it takes events; guarded by the lock
}

// iface is an interface and the reports that wait there.
type iface struct {
	descriptor []byte // of reports
	boot       bool   // has a boot protocol

	protocol uint8
	idle     uint8 // in units of 4 ms; 0: only changes are reported
	idleAt   clock.Time
	queue    [][]byte
	last     []byte // reported
	rest     []byte // of a report that a transfer had too little room for
}

func (d *device) init(cfg Config, model string, k kind, kinds []input.Kind, config usb.Configuration, ifaces ...*iface) {
	d.cfg, d.kind, d.kinds, d.ifaces = cfg, k, kinds, ifaces
	for _, i := range ifaces {
		i.protocol = protocolReport
	}
	d.timer = cfg.Clock.NewTimer(d.fire)
	config.Value, config.RemoteWakeup, config.MilliAmps = 1, true, 100
	for n, i := range ifaces {
		config.Settings[n].Extra = hidDescriptor(i.descriptor)
	}
	d.Init(usb.Design{Vendor: vendor, Product: product, Version: 0x0100, Maker: "GOVM", Model: model, Serial: cfg.Serial, Speeds: usb.SpeedSet(usb.Full, usb.High),
		Configs: []usb.Configuration{config}}, d)
}

// hidDescriptor is HID 1.11, 6.2.1.
func hidDescriptor(report []byte) []byte {
	return []byte{9, usb.DescHID, 0x11, 0x01, 0, 1, usb.DescReport, byte(len(report)), byte(len(report) >> 8)}
}

// Configured implements usb.Function.
func (d *device) Configured(n int) {
	for i, f := range d.ifaces {
		if n >= 0 && n != i {
			continue
		}
		f.queue, f.last, f.rest = nil, nil, nil
	}
	if n < 0 && d.Config() == 0 {
		for _, f := range d.ifaces {
			f.protocol, f.idle = protocolReport, 0
		}
		d.kind.forget()
		d.setActive(false)
	}
}

// setActive puts the device on the router, or takes it off.
func (d *device) setActive(on bool) {
	if d.active == on || d.cfg.Input == nil {
		return
	}
	d.active = on
	d.errands.add(func() {
		if d.leave != nil {
			d.leave()
			d.leave = nil
		}
		if on {
			d.leave = d.cfg.Input.AddPointer(d.Product(), d.kind.(input.Sink), d.kinds...)
		}
	})
}

// Drain implements hw.Drainer.
func (d *device) Drain() { d.errands.wait() }

// Close takes the device off the router.
func (d *device) Close() error {
	d.Lock()
	d.timer.Stop()
	d.setActive(false)
	d.Unlock()
	d.Drain()
	return nil
}

// Serve implements usb.Function.
func (d *device) Serve(p *usb.Pipe) {
	n := int(p.Address&0xf) - 1
	if n >= len(d.ifaces) || p.Head() == nil {
		return
	}
	d.setActive(true)
	d.kind.polled(n)
	d.send(n)
}

// send gives reports that wait to transfers that wait.
func (d *device) send(n int) {
	f, p := d.ifaces[n], d.Pipe(usb.DirIn|uint8(n+1))
	if p == nil {
		return
	}
	sent := false
	for t := p.Head(); t != nil && (len(f.rest) > 0 || len(f.queue) > 0); t = p.Head() {
		sent = true
		b := f.rest
		if len(b) == 0 {
			b = f.queue[0]
			f.queue = f.queue[1:]
			f.last = b
		}
		b = b[p.Give(t, b):]
		f.rest = nil
		switch {
		case len(b) == 0:
			p.Finish(t, usb.OK)
		case t.Room() == 0 && t.Moved() > 0 && t.Moved()%p.Packet == 0: // the rest comes in the next transaction
			f.rest = b
			p.Finish(t, usb.OK)
		default:
			p.Finish(t, usb.Babble)
		}
	}
	if sent {
		d.arm(n)
	}
}

// push queues a report. Where the guest is slow, what is latest takes the place of what was queued last.
func (d *device) push(n int, b []byte, must bool) {
	f := d.ifaces[n]
	if d.Config() == 0 {
		return
	}
	limit := queueLimit
	if must {
		limit = queueHard
	}
	if len(f.queue) >= limit {
		f.queue = f.queue[:len(f.queue)-1]
	}
	f.queue = append(f.queue, b)
	d.Wake()
	d.send(n)
}

// arm starts the idle timer after a report has been sent.
func (d *device) arm(n int) {
	f := d.ifaces[n]
	if f.idle == 0 {
		return
	}
	f.idleAt = d.cfg.Clock.Now() + clock.Time(f.idle)*idleUnit
	d.rearm()
}

func (d *device) rearm() {
	next := clock.Never
	for _, f := range d.ifaces {
		if f.idle != 0 {
			next = min(next, f.idleAt)
		}
	}
	if next == clock.Never {
		d.timer.Stop()
		return
	}
	d.timer.Set(next)
}

// fire repeats reports of interfaces whose idle time has passed (HID 1.11, 7.2.4).
func (d *device) fire() {
	d.Lock()
	defer d.Unlock()
	now := d.cfg.Clock.Now()
	for n, f := range d.ifaces {
		if f.idle == 0 || f.idleAt > now {
			continue
		}
		f.idleAt = now + clock.Time(f.idle)*idleUnit
		if len(f.queue) == 0 && len(f.rest) == 0 && d.Config() != 0 && !d.Suspended() {
			last := f.last
			if last == nil {
				last = d.kind.report(n, 0)
			}
			if last != nil {
				f.queue = append(f.queue, last)
				d.send(n)
			}
		}
	}
	d.rearm()
}

// Control implements usb.Function.
func (d *device) Control(s usb.Setup, out []byte) ([]byte, bool) {
	n := int(s.Index)
	if n >= len(d.ifaces) {
		return nil, false
	}
	f := d.ifaces[n]
	switch s.Kind() {
	case reqGetDescriptor:
		switch s.Value {
		case usb.DescHID << 8:
			return hidDescriptor(f.descriptor), true
		case usb.DescReport << 8:
			return f.descriptor, true
		}
	case reqGetReport:
		if s.Value>>8 == reportInput {
			b := d.kind.report(n, uint8(s.Value))
			return b, b != nil
		}
	case reqSetReport:
		return nil, s.Value>>8 == reportOutput && d.kind.output(n, out)
	case reqGetIdle:
		return []byte{f.idle}, true
	case reqSetIdle:
		f.idle = uint8(s.Value >> 8)
		d.arm(n)
		return nil, true
	case reqGetProtocol:
		return []byte{f.protocol}, f.boot
	case reqSetProtocol:
		if f.boot && s.Value <= protocolReport {
			f.protocol = uint8(s.Value)
			return nil, true
		}
	}
	return nil, false
}

// state saves or loads the common half.
func (d *device) state(c *snapshot.Coder) {
	active := d.active
	names := []string{"interface0", "interface1"}
	keep := make([]iface, len(d.ifaces))
	for i, f := range d.ifaces {
		keep[i] = *f
	}
	d.GadgetState(c) // which, loading, forgets what waits
	for i, f := range d.ifaces {
		if !c.Loading() {
			*f = keep[i]
		}
		c.Group(names[i], f.state)
	}
	snapshot.Field(c, "active", &active)
	if c.Loading() {
		d.setActive(active && d.Config() != 0)
		for i := range d.ifaces {
			d.arm(i)
		}
	}
}

func (f *iface) state(c *snapshot.Coder) {
	snapshot.Field(c, "protocol", &f.protocol)
	snapshot.Field(c, "idle", &f.idle)
	f.protocol = min(f.protocol, protocolReport)
	var queue []byte // reports, each after its length
	for _, b := range f.queue {
		queue = append(append(queue, byte(len(b))), b...)
	}
	c.Slice("queue", &queue, queueHard*40)
	c.Slice("rest", &f.rest, 40)
	c.Slice("last", &f.last, 40)
	if !c.Loading() {
		return
	}
	if len(f.last) == 0 {
		f.last = nil
	}
	f.queue = nil
	for len(queue) > 0 && int(queue[0]) < len(queue) && len(f.queue) < queueHard {
		n := int(queue[0])
		if n > 0 {
			f.queue = append(f.queue, slices.Clone(queue[1:1+n]))
		}
		queue = queue[1+n:]
	}
}
