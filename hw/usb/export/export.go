// Package export is the usb-host end of the usbredir protocol: it gives any usb.Device, real or emulated, to whoever is at the other end of a byte
// stream. It is the device's only owner: it plugs the device into a port of its own, and does for it what a host's operating system does, configure it and
// keep its pipes busy.
//
// The protocol followed is "USB Network Redirection protocol description" 0.7 with its later capabilities; where that leaves room, what usbredirhost does.
// The other end is not trusted: what it can have under way, and make this end hold, is bounded.
package export

import (
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"govm-desktop/hw"
	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// Limits of one connection.
const (
	maxTransfer  = 16 << 20 // bytes of one transfer
	maxBytes     = 64 << 20 // bytes under way
	maxJobs      = 8192     // transfers under way
	maxQueue     = 4 << 20  // bytes waiting to be written, above which nothing more is read from the device unasked
	controlLimit = 5 * time.Second
	ackLimit     = 5 * time.Second

	farewellLimit = time.Second
)

const version = "govm-usbredir"

// Config says what is exported.
type Config struct {
	Device usb.Device
	Caps   usbredir.Caps   // offered; 0: all
	Filter usbredir.Filter // told to the other end, and obeyed; nil: none
	// KeepState leaves the device as it is when a connection begins. Else it is reset, so that it begins anew with each.
	KeepState bool
	Speeds    usb.Speeds // that the device may use; 0: all
	Log       *slog.Logger
}

// Exporter has a device and serves it to one connection at a time.
type Exporter struct {
	cfg  Config
	caps usbredir.Caps
	log  *slog.Logger
	port *usb.Port

	turn sync.Mutex // held by the connection that is served

	mu      sync.Mutex // guards everything below
	speed   usb.Speed  // SpeedNone: the device is not there
	session *session
	closed  bool
}

// ErrClosed is the answer after Close.
var ErrClosed = errors.New("export: the device is not exported any more")

// ErrRejected says that the other end's filter does not let the device in.
var ErrRejected = errors.New("export: the other end does not allow this device")

// New plugs the device in.
func New(cfg Config) (*Exporter, error) {
	x := &Exporter{cfg: cfg, caps: cfg.Caps, log: cfg.Log}
	if x.caps == 0 {
		x.caps = usbredir.AllCaps
	}
	x.caps = x.caps.Normal()
	if x.log == nil {
		x.log = slog.New(slog.DiscardHandler)
	}
	speeds := cfg.Speeds
	if speeds == 0 {
		speeds = usb.SpeedSet(usb.Low, usb.Full, usb.High, usb.Super, usb.SuperPlus)
	}
	x.port = usb.NewPort(x, 0, speeds)
	if err := x.port.Plug(cfg.Device); err != nil {
		return nil, err
	}
	return x, nil
}

// Close pulls the device out, which the other end is told, and ends the connection.
func (x *Exporter) Close() {
	x.mu.Lock()
	s := x.session
	x.closed = true
	x.mu.Unlock()
	x.port.Unplug()
	if s != nil {
		s.farewell()
		s.close()
	}
}

// PortEvent implements usb.Owner.
func (x *Exporter) PortEvent(p *usb.Port, e usb.PortEvent) {
	_, speed := p.Device()
	x.mu.Lock()
	if e != usb.RemoteWakeup {
		x.speed = speed
	}
	s := x.session
	x.mu.Unlock()
	if s != nil && e != usb.RemoteWakeup {
		s.changed()
	}
}

func (x *Exporter) present() usb.Speed {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.speed
}

// Serve exports the device over a connection until that ends or the device is refused. It closes the connection. One at a time is served, others wait.
func (x *Exporter) Serve(conn io.ReadWriteCloser) error {
	x.turn.Lock()
	defer x.turn.Unlock()
	s := newSession(x, conn)
	x.mu.Lock()
	if x.closed {
		x.mu.Unlock()
		conn.Close()
		return ErrClosed
	}
	x.session = s
	x.mu.Unlock()
	err := s.run()
	x.mu.Lock()
	x.session = nil
	x.mu.Unlock()
	return err
}

// reset resets the device as its port does.
func (x *Exporter) reset() {
	x.port.SetAddress(0)
	x.cfg.Device.Reset(hw.BusReset)
}
