// Package redir is a USB device that is somewhere else: what is plugged into the socket here is the usb-guest end of the usbredir protocol, and the
// device with its driver-side work is at the usb-host end, across a byte stream.
//
// The protocol followed is "USB Network Redirection protocol description" 0.7 with its later capabilities; the numbers of transfers kept under way are
// those that hosts on libusb are known to bear. Three things go beyond it. A connection that drops is waited for (Config.Grace): when the same device
// comes back, its configuration is set again and what can be repeated is repeated. A bus reset that could change nothing is not sent. And commands of
// bulk-only mass storage cost one round trip each instead of three (see bot.go).
//
// Left out: moving a connection to another machine with a snapshot: a
// machine that is loaded has to be connected to the device itself, and configures it as it was.
package redir

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"govm-desktop/chardev"
	"govm-desktop/hw"
	"govm-desktop/hw/usb"
	"govm-desktop/snapshot"
	"govm-desktop/usbredir"
)

// Limits of what is under way or waits.
const (
	window      = 4 << 20 // bytes under way at one endpoint
	portion     = 4 << 20 // longest transfer asked for in one packet
	batchSize   = 256 << 10
	maxMessages = 1 << 15 // waiting to be written, beside those that carry a guest's transfer
	maxSlots    = 1 << 16 // packets without an answer
	cancelWait  = 2 * time.Second
)

// Version is what our hello says.
const version = "govm-desktop usb-redir"

// Config is a redirected device as the user wants it.
type Config struct {
	Name   string // for the log
	Stream chardev.Stream
	// Filter says which devices are let in, the first rule that fits; nil: all are. What no rule fits is refused.
	Filter usbredir.Filter
	// Grace is how long the guest is kept waiting when the connection drops; 0: the device is gone at once.
	Grace time.Duration
	// SuppressRemoteWake hides from the guest that the device can wake it.
	SuppressRemoteWake bool
	NoStreams          bool // bulk streams are not offered
	NoBulkOnlyAhead    bool // commands of bulk-only storage take their three round trips
	Debug              int  // 3 and more: every packet is logged
	Log                *slog.Logger
}

// Device implements usb.Device, usb.Streamer, usb.Suspender and usb.Describer.
type Device struct {
	cfg  Config
	caps usbredir.Caps
	log  *slog.Logger

	mu     sync.Mutex // guards everything below
	queue             // what is to be told outside of mu
	port   *usb.Port
	serves bool // the goroutine that takes connections runs
	closed bool
	link   *link // nil: nobody is there

	shown   bool        // the guest sees a device
	live    bool        // the device at the other end is the one the guest sees, and configured so
	grace   *time.Timer // the connection has dropped
	drops   int         // of connections, so often
	self    identity    // of the device the guest sees
	eps     [32]endpoint
	infos   usbredir.InterfaceInfo
	config  uint8 // that the guest has set; 0: none
	alts    map[uint8]uint8
	streams map[int]uint32 // endpoints with streams, by usbredir.EPIndex
	bots    []*bot
	loaded  bool // and not configured so yet
	dirty   bool // something has happened since the last reset that a reset would undo
	resets  int  // sent

	suspended, wakes bool

	slots  []*transfer
	vacant []uint32
	epoch  uint16 // of the ids: answers to another device's packets are not taken for this one's
	known  map[*usb.Packet]*transfer
	spare  *transfer
	late   *time.Timer // the next look at cancelled transfers without an answer
	pieces [][]byte
}

// New makes the device. It shows itself when it is plugged in and a device has come over the stream.
func New(cfg Config) *Device {
	d := &Device{cfg: cfg, caps: usbredir.AllCaps, log: cfg.Log, alts: map[uint8]uint8{}, streams: map[int]uint32{}, known: map[*usb.Packet]*transfer{}}
	if cfg.NoStreams {
		d.caps &^= usbredir.CapBulkStreams
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.log = d.log.With("device", cfg.Name)
	d.clearEndpoints()
	return d
}

// Reset implements hw.Device. Of the board's resets the device hears by its bus.
func (d *Device) Reset(c hw.Cause) {
	if c == hw.BusReset {
		d.mu.Lock()
		d.busReset()
		d.unlock()
	}
}

// State implements hw.Device: how the guest has configured the device. The rest is at the other end.
func (d *Device) State(c *snapshot.Coder) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var has uint32
	var alts [32]byte
	for i, a := range d.alts {
		if i < 32 {
			has |= 1 << i
			alts[i] = a
		}
	}
	snapshot.Field(c, "config", &d.config)
	snapshot.Field(c, "has", &has)
	c.Bytes("alternates", alts[:])
	snapshot.Field(c, "suspended", &d.suspended)
	snapshot.Field(c, "wakes", &d.wakes)
	if !c.Loading() {
		return
	}
	d.loaded = true
	clear(d.alts)
	for i := range uint8(32) {
		if has>>i&1 != 0 {
			d.alts[i] = alts[i]
		}
	}
}

// Start implements hw.Starter: after loading, the device is configured as it was.
func (d *Device) Start() {
	d.mu.Lock()
	defer d.unlock()
	if d.loaded && d.live {
		d.live = false
		d.replay(d.link)
	} else {
		d.loaded = false
	}
}

// Plug implements usb.Device.
func (d *Device) Plug(p *usb.Port) {
	d.mu.Lock()
	defer d.unlock()
	d.port = p
	if p == nil {
		d.hide(usb.Disconnected)
		if d.link != nil {
			d.link.close()
		}
		return
	}
	if !d.serves && !d.closed && d.cfg.Stream != nil {
		d.serves = true
		go d.serve()
	}
}

// Close ends the device's use of the stream, which the caller closes.
func (d *Device) Close() {
	d.mu.Lock()
	d.closed = true
	d.hide(usb.Disconnected)
	if d.link != nil {
		d.link.close()
	}
	d.unlock()
}

// Product implements usb.Describer.
func (d *Device) Product() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case !d.shown:
		return "USB Redirection Device"
	case d.self.product != "":
		return d.self.product
	}
	return fmt.Sprintf("USB Redirection Device %04x:%04x", d.self.dev.Vendor, d.self.dev.Product)
}

// Suspend implements usb.Suspender.
func (d *Device) Suspend(on bool) {
	d.mu.Lock()
	defer d.unlock()
	d.suspended = on
}

// Streams implements usb.Streamer. What the other end says to it shows in the transfers that follow.
func (d *Device) Streams(endpoints []uint8, n int) {
	d.mu.Lock()
	defer d.unlock()
	var set uint32
	for _, a := range endpoints {
		i := usbredir.EPIndex(a)
		if d.eps[i].kind != usbredir.EPBulk {
			continue
		}
		set |= 1 << i
		delete(d.streams, i)
		if n > 0 {
			d.streams[i] = uint32(n)
		}
	}
	if set != 0 && d.live && d.shares(usbredir.CapBulkStreams) {
		d.sendStreams(set, uint32(n))
	}
}

func (d *Device) sendStreams(set, n uint32) {
	p := usbredir.Packet{Type: usbredir.TypeAllocBulkStreams, Endpoints: set, Streams: n}
	if n == 0 {
		p.Type = usbredir.TypeFreeBulkStreams
	}
	d.dirty = true
	d.send(p)
}

// Inspect implements hw.Inspector.
func (d *Device) Inspect(w io.Writer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(w, "connected %v, shown %v, live %v, %04x:%04x, configuration %d, %d packets under way, %d resets sent\n",
		d.link != nil, d.shown, d.live, d.self.dev.Vendor, d.self.dev.Product, d.config, len(d.slots)-len(d.vacant), d.resets)
}

// Submit implements usb.Device.
func (d *Device) Submit(p *usb.Packet) {
	d.mu.Lock()
	defer d.unlock()
	if !d.shown {
		d.tell(p, 0, usb.Disconnected)
		return
	}
	if p.Endpoint&0x0f == 0 {
		if p.Endpoint&0x70 != 0 || !d.control(p) {
			d.tell(p, 0, usb.Stall)
		}
		return
	}
	e := d.endpoint(p.Endpoint)
	if e == nil || p.Endpoint&0x70 != 0 {
		d.tell(p, 0, usb.Stall)
		return
	}
	d.dirty = true
	if e.kind == usbredir.EPIso {
		d.iso(e, p)
		return
	}
	d.enlist(e, p)
	d.pump(e)
}

// Cancel implements usb.Device.
func (d *Device) Cancel(p *usb.Packet) {
	d.mu.Lock()
	defer d.unlock()
	t := d.known[p]
	switch {
	case t == nil || t.cancelled || t.ended:
	case !t.sent || t.queued:
		d.drop(t, usb.Cancelled)
		d.pump(t.ep)
	default:
		d.cancel(t)
	}
}
