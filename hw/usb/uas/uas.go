// Package uas models USB attached SCSI devices (T10/2095-D, USB Attached SCSI): many commands at once, each with a tag. At SuperSpeed the tag is the
// number of the stream on which the command's data and status travel; at lower speeds the device says by READ READY and WRITE READY whose turn
// it is.
//
// Left out: long command blocks, priorities and ordered tasks, ACA. Tasks are carried out as they come, in parallel.
package uas

import (
	"encoding/binary"
	"fmt"
	"sync"

	"govm-desktop/hw/scsi"
	"govm-desktop/hw/usb"
	"govm-desktop/snapshot"
)

// Endpoints.
const (
	epCommand = 0x01
	epStatus  = 0x82
	epIn      = 0x83
	epOut     = 0x04
)

// streamBits makes 64 streams: tags from 1 to 64.
const streamBits = 6

const (
	maxTasks = 64
	workers  = 4
)

// Config says what a device is.
type Config struct {
	Units  []*scsi.Unit // one or more
	Model  string       // "": ours
	Serial string       // "": one that all such devices have
}

// phase is what comes next in a task.
type phase uint8

const (
	phaseData phase = iota
	phaseEnd        // what comes after the data
	phaseStatus
)

// task is a command under way.
type task struct {
	tag     uint16
	phase   phase
	req     scsi.Request
	ready   bool // READ READY or WRITE READY has been queued (below SuperSpeed)
	running bool // a worker has it, without the lock
	gone    bool // it has been aborted
}

// message is an information unit for the status pipe.
type message struct {
	stream uint16
	data   []byte
}

// Device is a USB attached SCSI device. Its goroutines do what needs the images.
type Device struct {
	usb.Gadget
	target scsi.Target
	cond   *sync.Cond // on the Gadget's lock: there is work, or a worker has ended its work
	done   sync.WaitGroup

	// Guarded by the Gadget's lock; a worker has a task's req to itself while that is running.
	tasks   []*task
	status  []message
	turn    [2]*task // whose data the pipes in and out carry (below SuperSpeed)
	running int
	closed  bool
}

// New returns a device in no port. It must be Closed; the units' images stay the caller's.
func New(cfg Config) *Device {
	if cfg.Model == "" {
		cfg.Model = "GOVM USB Attached SCSI"
	}
	if cfg.Serial == "" {
		cfg.Serial = "474F564D0003"
	}
	d := &Device{target: scsi.Target{Units: cfg.Units[:min(len(cfg.Units), 256)]}}
	d.cond = sync.NewCond(&d.Gadget)
	pipe := func(address, id, streams uint8) usb.Endpoint {
		return usb.Endpoint{Address: address, Type: usb.Bulk, Burst: 15, Streams: streams, Extra: []byte{4, usb.DescPipe, id, 0}}
	}
	d.Init(usb.Design{
		Vendor: 0x46f4, Product: 0x0003, Version: 0x0100, Maker: "GOVM", Model: cfg.Model, Serial: cfg.Serial,
		Speeds: usb.SpeedSet(usb.Full, usb.High, usb.Super),
		Configs: []usb.Configuration{{Value: 1, SelfPowered: true, Settings: []usb.Setting{{Class: 8, Subclass: 6, Protocol: 0x62, Endpoints: []usb.Endpoint{
			pipe(epCommand, 1, 0), pipe(epStatus, 2, streamBits), pipe(epIn, 3, streamBits), pipe(epOut, 4, streamBits)}}}}},
	}, d)
	for range workers {
		d.done.Go(d.worker)
	}
	return d
}

// Units are the logical units, for those who exchange media.
func (d *Device) Units() []*scsi.Unit { return d.target.Units }

// Close ends the workers.
func (d *Device) Close() error {
	d.Lock()
	d.closed = true
	d.cond.Broadcast()
	d.Unlock()
	d.done.Wait()
	return nil
}

// Drain implements hw.Drainer.
func (d *Device) Drain() {
	d.Lock()
	defer d.Unlock()
	for d.running > 0 {
		d.cond.Wait()
	}
}

// Control implements usb.Function: the class has no requests.
func (d *Device) Control(usb.Setup, []byte) ([]byte, bool) { return nil, false }

// Configured implements usb.Function: whatever was under way is forgotten.
func (d *Device) Configured(int) {
	d.abort(func(*task) bool { return true })
	d.status = nil
	if d.Config() == 0 {
		for _, u := range d.target.Units {
			u.Reset()
		}
	}
}

// abort ends tasks without a word, and returns how many. What a worker is at is dropped when it is done.
func (d *Device) abort(which func(*task) bool) (n int) {
	var rest []*task
	for _, t := range d.tasks {
		if !which(t) {
			rest = append(rest, t)
			continue
		}
		t.gone = true
		n++
		for i := range d.turn {
			if d.turn[i] == t {
				d.turn[i] = nil
			}
		}
	}
	d.tasks = rest
	return n
}

// worker does what takes its time.
func (d *Device) worker() {
	d.Lock()
	defer d.Unlock()
	for !d.closed {
		if !d.advance(true) {
			d.cond.Wait()
		}
	}
}

// outside runs f without the lock; only workers may. False: the task has been aborted meanwhile.
func (d *Device) outside(t *task, f func()) bool {
	t.running = true
	d.running++
	d.Unlock()
	f()
	d.Lock()
	t.running = false
	d.running--
	d.cond.Broadcast()
	return !t.gone
}

// Serve implements usb.Function.
func (d *Device) Serve(*usb.Pipe) {
	d.advance(false)
}

// advance does all that can be done, and reports whether it has done anything. Only workers do what takes its time.
func (d *Device) advance(worker bool) (any bool) {
	if d.Config() == 0 {
		return false
	}
	for again := true; again; {
		again = d.commands()
		for _, t := range append([]*task(nil), d.tasks...) {
			for !t.running && !t.gone && d.step(t, worker) {
				any, again = true, true
			}
		}
		d.answer()
	}
	return any
}

// State implements hw.Device.
func (d *Device) State(c *snapshot.Coder) {
	d.Lock()
	defer d.Unlock()
	tasks, status, turn := d.tasks, d.status, d.turn
	d.GadgetState(c) // which, loading, forgets what was under way
	if !c.Loading() {
		d.tasks, d.status, d.turn = tasks, status, turn
	}
	n, m := len(d.tasks), len(d.status)
	snapshot.Field(c, "tasks", &n)
	snapshot.Field(c, "messages", &m)
	for i := range min(max(n, 0), maxTasks) {
		if i == len(d.tasks) {
			d.tasks = append(d.tasks, &task{})
		}
		c.Group(fmt.Sprintf("task%d", i), func(c *snapshot.Coder) { d.tasks[i].state(c, d) })
	}
	for i := range min(max(m, 0), 4*maxTasks) {
		if i == len(d.status) {
			d.status = append(d.status, message{})
		}
		c.Group(fmt.Sprintf("message%d", i), func(c *snapshot.Coder) {
			snapshot.Field(c, "stream", &d.status[i].stream)
			c.Slice("data", &d.status[i].data, 64)
		})
	}
	for i, u := range d.target.Units {
		c.Group(fmt.Sprintf("unit%d", i), u.State)
	}
}

func (t *task) state(c *snapshot.Coder, d *Device) {
	var mine [2]bool
	for i := range d.turn {
		mine[i] = d.turn[i] == t
	}
	snapshot.Field(c, "tag", &t.tag)
	snapshot.Field(c, "phase", &t.phase)
	snapshot.Field(c, "ready", &t.ready)
	snapshot.Field(c, "in", &mine[0])
	snapshot.Field(c, "out", &mine[1])
	c.Group("request", func(c *snapshot.Coder) { t.req.State(c, &d.target) })
	t.phase = min(t.phase, phaseStatus)
	for i := range d.turn {
		if c.Loading() && mine[i] {
			d.turn[i] = t
		}
	}
}

// lun is a unit's number, in the form of simple devices (SAM-5, 4.7.7); -1: one that there cannot be.
func lun(b []byte) int {
	if b[0] != 0 || binary.BigEndian.Uint64(b)<<16 != 0 {
		return -1
	}
	return int(b[1])
}
