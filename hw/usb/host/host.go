// Package host is a USB device of this computer, as Linux's usbfs gives it to programs: a usb.Device whose transfers are URBs. It takes the device away from the
// kernel's drivers while it is plugged in, and gives it back.
//
// Followed is the kernel's include/uapi/linux/usbdevice_fs.h and its documentation of usbfs; devices are found in /sys/bus/usb/devices, and their coming and
// going is heard from the kernel's uevents. A device is chosen by a Match and may go and come back as often as it likes.
//
// Left out: suspending the device when the guest does; USB 3 link states.
package host

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"govm-desktop/hw"
	"govm-desktop/hw/usb"
	"govm-desktop/snapshot"
)

// Config chooses a device.
type Config struct {
	Match Match
	Root  string // in place of "/", for tests
	Log   *slog.Logger
	// Once leaves a device that has gone alone when it comes back.
	Once bool
}

// Limits of what is under way.
const (
	maxURB = 1 << 20
	window = 4 << 20 // bytes at one endpoint
)

// Device implements usb.Device, usb.Streamer and usb.Describer.
type Device struct {
	cfg Config
	log *slog.Logger

	mu sync.Mutex // guards everything below
	queue
	port     *usb.Port
	watching chan struct{} // closed to end watch
	file     *file         // nil: the device is not there
	info     Info
	config   uint8 // that the guest has set; 0: none
	active   uint8 // that the device is in
	alts     map[uint8]uint8
	claimed  map[uint8]bool
	eps      map[uint8]*endpoint
	ops      []func(*file) // what is to be done one by one, by work
	working  bool
	dirty    bool // something has happened since the last reset that a reset would undo
	taken    bool // has been there
}

// New makes the device. Plugged in, it looks for the real one.
func New(cfg Config) *Device {
	d := &Device{cfg: cfg, log: cfg.Log}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	return d
}

// ErrNone says that no device fits.
var ErrNone = errors.New("no such device is plugged in; lsusb lists those that are")

// Probe reports whether a device that fits is there and may be used.
func Probe(m Match, root string) (Info, error) {
	list, err := List(root)
	if err != nil {
		return Info{}, err
	}
	for _, i := range list {
		if m.Fits(&i) {
			f, err := openFile(i.node(root))
			if err != nil {
				return i, fmt.Errorf("%s: %w; a udev rule or root may open it", i.node(root), err)
			}
			f.close()
			return i, nil
		}
	}
	return Info{}, ErrNone
}

// Plug implements usb.Device.
func (d *Device) Plug(p *usb.Port) {
	d.mu.Lock()
	d.port = p
	stop := d.watching
	if p == nil {
		d.watching = nil
		d.lose()
	} else if stop == nil {
		d.watching = make(chan struct{})
		go d.watch(d.watching)
		stop = nil
	}
	d.unlock()
	if p == nil && stop != nil {
		close(stop)
	}
}

// Reset implements hw.Device.
func (d *Device) Reset(c hw.Cause) {
	if c == hw.BusReset {
		d.mu.Lock()
		d.busReset()
		d.unlock()
	}
}

// State implements hw.Device: the device itself has it.
func (*Device) State(*snapshot.Coder) {}

// Product implements usb.Describer.
func (d *Device) Product() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		return "USB Host Device"
	}
	return d.info.Name()
}

// Streams implements usb.Streamer.
func (d *Device) Streams(endpoints []uint8, n int) {
	d.mu.Lock()
	defer d.unlock()
	d.do(func(f *file) {
		if err := f.streams(endpoints, n); err != nil {
			d.log.Warn("usb-host: bulk streams", "streams", n, "err", err)
		}
	})
}

// Submit implements usb.Device.
func (d *Device) Submit(p *usb.Packet) {
	d.mu.Lock()
	defer d.unlock()
	switch {
	case d.file == nil:
		d.tell(p, 0, usb.Disconnected)
	case p.Endpoint&0x70 != 0:
		d.tell(p, 0, usb.Stall)
	case p.Endpoint&0x0f == 0:
		d.control(p)
	default:
		e := d.eps[p.Endpoint]
		if e == nil {
			d.tell(p, 0, usb.Stall)
			return
		}
		d.dirty = true
		if e.kind == isochronous {
			d.iso(e, p)
			return
		}
		e.waiting = append(e.waiting, &transfer{p: p, ep: e})
		d.pump(e)
	}
}

// Cancel implements usb.Device.
func (d *Device) Cancel(p *usb.Packet) {
	d.mu.Lock()
	defer d.unlock()
	for _, e := range d.eps {
		for i, t := range e.waiting {
			if t.p == p {
				e.waiting = append(e.waiting[:i], e.waiting[i+1:]...)
				if t == e.split {
					e.split = nil
				}
				d.tell(p, t.done, usb.Cancelled)
				d.pump(e)
				return
			}
		}
	}
	if d.file == nil {
		return
	}
	for _, u := range d.file.urbs {
		if u.t != nil && u.t.p == p {
			u.t.cancelled = true
			d.file.discard(u)
			return
		}
	}
}

// watch takes the device when it is there, and again when it has come back.
func (d *Device) watch(stop chan struct{}) {
	events, closeEvents, err := listen()
	if err != nil {
		d.log.Warn("usb-host: no news of devices that come and go", "err", err)
	} else {
		defer closeEvents()
	}
	for {
		d.look()
		select {
		case <-stop:
			return
		case <-events:
		}
	}
}

// look opens the device if it is there and is not open.
func (d *Device) look() {
	d.mu.Lock()
	open := d.file != nil || d.port == nil || d.cfg.Once && d.taken
	d.mu.Unlock()
	if open {
		return
	}
	list, err := List(d.cfg.Root)
	if err != nil {
		d.log.Warn("usb-host", "err", err)
		return
	}
	for _, i := range list {
		if !d.cfg.Match.Fits(&i) {
			continue
		}
		if err := d.open(i); err != nil {
			d.log.Warn("usb-host: the device cannot be used", "device", i.Name(), "err", err)
			continue
		}
		return
	}
}

// open takes the device from the kernel's drivers and shows it.
func (d *Device) open(i Info) error {
	f, err := openFile(i.node(d.cfg.Root))
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.unlock()
	if d.port == nil {
		f.close()
		return nil
	}
	speed := i.Speed
	for speed > usb.SpeedNone && !d.port.Accepts(speed) {
		if speed != usb.SuperPlus {
			f.close()
			return fmt.Errorf("it runs at %v, which its port here does not", i.Speed)
		}
		speed--
	}
	d.file, d.info, d.taken = f, i, true
	d.config, d.active, d.dirty = 0, i.Config, true
	d.alts, d.claimed, d.eps = map[uint8]uint8{}, map[uint8]bool{}, map[uint8]*endpoint{}
	if d.claimed, err = d.claim(f, i.Config); err != nil {
		d.file = nil
		release(f, d.claimed)
		f.close()
		return err
	}
	d.rebuild()
	go d.reap(f)
	d.tellPort(true, speed)
	return nil
}

// lose gives the device up, gone or not: all its transfers end.
func (d *Device) lose() {
	f := d.file
	if f == nil {
		return
	}
	d.file = nil
	for _, e := range d.eps {
		d.dropWaiting(e, usb.Disconnected)
	}
	for _, u := range f.urbs {
		if u.t != nil && u.t.p != nil {
			d.tell(u.t.p, u.t.done, usb.Disconnected)
			u.t.p = nil
		}
	}
	d.tellPort(false, 0)
	claimed := d.claimed
	d.claimed = nil
	f.end(claimed)
}
