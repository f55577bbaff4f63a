// Package storage models USB mass storage devices that take SCSI commands by the bulk-only transport (USB Mass Storage Class Bulk-Only Transport
// 1.0): sticks, disks and CD-ROM drives.
//
// Where the specification leaves a choice (6.7, the thirteen cases), data that the host expects and the device has not are answered by a short
// transfer, data that the device does not want are taken and dropped. A command block that is not valid halts both endpoints until the host's
// reset recovery (6.6.1).
package storage

import (
	"sync"

	"govm-desktop/hw/scsi"
	"govm-desktop/hw/usb"
	"govm-desktop/snapshot"
)

// Endpoints.
const (
	epIn  = 0x81
	epOut = 0x02
)

// Class requests.
const (
	reqReset  = 0x21ff
	reqMaxLUN = 0xa1fe
)

// Wrappers of commands and of their status (5.1, 5.2).
const (
	cbwSize      = 31
	cbwSignature = 0x43425355
	cswSize      = 13
	cswSignature = 0x53425355
	flagIn       = 0x80

	statusPassed = 0
	statusFailed = 1
	statusPhase  = 2
)

const maxLUNs = 16

// phase is what comes next.
type phase uint8

const (
	phaseCommand phase = iota
	phaseIn            // data to the host
	phaseOut           // data from it
	phaseEnd           // the command has work to do after its data
	phaseStatus
	phaseInvalid // until reset recovery
)

// Config says what a device is.
type Config struct {
	Units  []*scsi.Unit // one to sixteen
	Model  string       // "": ours
	Serial string       // "": one that all such devices have
}

// Device is a mass storage device. A goroutine of its own does what needs the images.
type Device struct {
	usb.Gadget
	target scsi.Target
	cond   *sync.Cond // on the Gadget's lock: there is work, or the worker has ended its work
	done   chan struct{}

	// Guarded by the Gadget's lock; the worker has req to itself while running.
	progress
	req     scsi.Request
	running bool   // the worker is at work, without the lock
	epoch   uint64 // counts resets: what the worker brings from before one is dropped
	closed  bool
}

// progress is how far a command has come.
type progress struct {
	phase  phase
	tag    uint32
	length uint32 // of the data, as the host expects them
	left   uint32 // of length
	used   uint32 // of length: what the command has moved
	broken bool   // the host and the command disagree about the data
}

// New returns a device in no port. It must be Closed; the units' images stay the caller's.
func New(cfg Config) *Device {
	if cfg.Model == "" {
		cfg.Model = "GOVM USB Storage"
	}
	if cfg.Serial == "" {
		cfg.Serial = "474F564D0001"
	}
	d := &Device{target: scsi.Target{Units: cfg.Units[:min(len(cfg.Units), maxLUNs)]}, done: make(chan struct{})}
	d.cond = sync.NewCond(&d.Gadget)
	d.Init(usb.Design{
		Vendor: 0x46f4, Product: 0x0001, Version: 0x0100, Maker: "GOVM", Model: cfg.Model, Serial: cfg.Serial,
		Speeds: usb.SpeedSet(usb.Full, usb.High, usb.Super),
		Configs: []usb.Configuration{{Value: 1, SelfPowered: true, Settings: []usb.Setting{{Class: 8, Subclass: 6, Protocol: 0x50,
			Endpoints: []usb.Endpoint{{Address: epIn, Type: usb.Bulk, Burst: 15}, {Address: epOut, Type: usb.Bulk, Burst: 15}}}}}},
	}, d)
	go d.worker()
	return d
}

// Units are the logical units, for those who exchange media.
func (d *Device) Units() []*scsi.Unit { return d.target.Units }

// Close ends the worker.
func (d *Device) Close() error {
	d.Lock()
	d.closed = true
	d.cond.Broadcast()
	d.Unlock()
	<-d.done
	return nil
}

// Drain implements hw.Drainer.
func (d *Device) Drain() {
	d.Lock()
	defer d.Unlock()
	for d.running {
		d.cond.Wait()
	}
}

// Configured implements usb.Function: whatever was under way is forgotten. With the configuration the units are reset, too.
func (d *Device) Configured(int) {
	d.forget()
	if d.Config() == 0 {
		for _, u := range d.target.Units {
			u.Reset()
		}
	}
}

func (d *Device) forget() {
	d.epoch++
	d.progress = progress{}
	d.cond.Broadcast()
}

// Control implements usb.Function.
func (d *Device) Control(s usb.Setup, _ []byte) ([]byte, bool) {
	if s.Index != 0 || s.Value != 0 || d.Config() == 0 {
		return nil, false
	}
	switch s.Kind() {
	case reqReset:
		d.forget()
		return nil, true
	case reqMaxLUN:
		return []byte{byte(len(d.target.Units) - 1)}, true
	}
	return nil, false
}

// Serve implements usb.Function: what needs no image is done at once.
func (d *Device) Serve(p *usb.Pipe) {
	if d.phase == phaseInvalid && !p.Halted() { // CLEAR_FEATURE alone does not help
		p.Halt()
		return
	}
	for !d.running && d.step(false) {
	}
}

// worker does the rest.
func (d *Device) worker() {
	defer close(d.done)
	d.Lock()
	defer d.Unlock()
	for !d.closed {
		if !d.step(true) {
			d.cond.Wait()
		}
	}
}

// outside runs f without the lock; only the worker may. False: the device has been reset meanwhile.
func (d *Device) outside(f func()) bool {
	epoch := d.epoch
	d.running = true
	d.Unlock()
	f()
	d.Lock()
	d.running = false
	d.cond.Broadcast()
	return epoch == d.epoch
}

// later leaves work that uses the image to the worker. It is the result of a step: nothing more can be done here.
func (d *Device) later() bool {
	d.cond.Broadcast()
	return false
}

// State implements hw.Device.
func (d *Device) State(c *snapshot.Coder) {
	d.Lock()
	defer d.Unlock()
	keep := d.progress
	d.GadgetState(c) // which, loading, forgets what was under way
	d.progress = keep
	snapshot.Field(c, "phase", &d.phase)
	snapshot.Field(c, "tag", &d.tag)
	snapshot.Field(c, "length", &d.length)
	snapshot.Field(c, "left", &d.left)
	snapshot.Field(c, "used", &d.used)
	snapshot.Field(c, "broken", &d.broken)
	if c.Loading() && (d.phase > phaseInvalid || d.left > d.length || d.used > d.length) {
		d.progress = progress{}
	}
	c.Group("request", func(c *snapshot.Coder) { d.req.State(c, &d.target) })
	for i, u := range d.target.Units {
		c.Group("unit"+string(rune('a'+i)), u.State)
	}
}
