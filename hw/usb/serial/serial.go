// Package serial models a USB serial adapter with FTDI's FT232BM, as drivers know it (Linux's ftdi_sio.h, FTDI's AN232B-04): one port whose
// line is a stream of the host's.
//
// Characters go as fast as the stream takes and gives them; speed and format are taken and mean nothing. Every packet to the host begins with two
// bytes of status; one is sent when there are characters or when the status has changed, not every 16 ms as the chip does. The modem's lines CTS,
// DSR and RLSD are on while somebody is at the other end of the stream. The EEPROM is blank. Event characters and bit-bang modes are left out.
package serial

import (
	"govm-desktop/chardev"
	"govm-desktop/hw/usb"
	"govm-desktop/snapshot"
)

// Endpoints.
const (
	epIn  = 0x81
	epOut = 0x02
)

// Vendor requests, out 40xx and in c0xx.
const (
	reqReset       = 0x4000 // value 0: everything, 1: what has been received, 2: what is to be sent
	reqModemCtrl   = 0x4001
	reqFlowCtrl    = 0x4002
	reqBaudRate    = 0x4003
	reqData        = 0x4004
	reqModemStatus = 0xc005
	reqEventChar   = 0x4006
	reqErrorChar   = 0x4007
	reqSetLatency  = 0x4009
	reqGetLatency  = 0xc00a
	reqBitMode     = 0x400b
	reqPins        = 0xc00c
	reqEEPROM      = 0xc090
)

// Bits of the two status bytes.
const (
	modemOne  = 1 << 0 // always
	modemCTS  = 1 << 4
	modemDSR  = 1 << 5
	modemRLSD = 1 << 7
	lineBreak = 1 << 4
	lineTHRE  = 1 << 5
	lineTEMT  = 1 << 6
)

const (
	defaultLatency = 16 // ms
	fifoSize       = 4096
	headerSize     = 2
)

// Config says what a device is like.
type Config struct {
	Stream chardev.Stream // nil: nothing is plugged in
	// AlwaysPlugged leaves the device in its port while nobody is at the other end of the stream; else it comes and goes with them.
	AlwaysPlugged bool
	Serial        string
}

// Device is an adapter.
type Device struct {
	usb.Gadget
	pump *chardev.Pump

	// Guarded by the Gadget's lock.
	open    bool // somebody is at the other end
	rx      []byte
	breaks  bool // a break condition has been received
	told    [headerSize]byte
	latency uint8
	starved bool   // the stream has more than there was room for
	out     []byte // taken from a transfer, and not by the stream yet
}

// New returns a device in no port, coupled to its stream; Close lets go of it.
func New(cfg Config) *Device {
	d := &Device{open: true, latency: defaultLatency}
	d.Init(usb.Design{
		Vendor: 0x0403, Product: 0x6001, Version: 0x0400, Maker: "GOVM", Model: "GOVM USB Serial", Serial: cfg.Serial, Speeds: usb.SpeedSet(usb.Full),
		Configs: []usb.Configuration{{Value: 1, RemoteWakeup: true, MilliAmps: 100, Settings: []usb.Setting{{Class: 0xff, Subclass: 0xff, Protocol: 0xff,
			Endpoints: []usb.Endpoint{{Address: epIn, Type: usb.Bulk}, {Address: epOut, Type: usb.Bulk}}}}}},
	}, d)
	d.pump = chardev.NewPump(cfg.Stream, (*line)(d))
	if a, ok := cfg.Stream.(chardev.Announcer); ok {
		a.Watch(func(open bool) { d.announce(open, cfg.AlwaysPlugged) })
	}
	return d
}

// Close writes out what the guest has sent and closes the stream.
func (d *Device) Close() error { return d.pump.Close() }

// announce is somebody coming to the other end of the stream, or leaving it.
func (d *Device) announce(open, always bool) {
	d.Lock()
	defer d.Unlock()
	d.open = open
	if !always {
		d.Show(open)
	}
	d.send()
}

// Break is a break condition on the line.
func (d *Device) Break() {
	d.Lock()
	defer d.Unlock()
	d.breaks = true
	d.send()
}

// Configured implements usb.Function.
func (d *Device) Configured(int) {
	d.told = [headerSize]byte{}
	d.out = nil
	if d.Config() == 0 {
		d.rx, d.breaks, d.latency = nil, false, defaultLatency
	} else {
		d.resume() // what came before there was a driver
	}
}

// status is the two bytes that every packet begins with.
func (d *Device) status() [headerSize]byte {
	s := [headerSize]byte{modemOne, lineTHRE | lineTEMT}
	if d.open {
		s[0] |= modemCTS | modemDSR | modemRLSD
	}
	if d.breaks {
		s[1] |= lineBreak
	}
	return s
}

// Control implements usb.Function.
func (d *Device) Control(s usb.Setup, _ []byte) ([]byte, bool) {
	switch s.Kind() {
	case reqReset:
		if s.Value == 0 || s.Value == 1 {
			d.rx = nil
			d.resume()
		}
		return nil, s.Value <= 2
	case reqModemCtrl, reqFlowCtrl, reqBaudRate, reqData, reqEventChar, reqErrorChar, reqBitMode:
		return nil, true
	case reqModemStatus:
		st := d.status()
		return st[:], true
	case reqSetLatency:
		d.latency = uint8(s.Value)
		return nil, true
	case reqGetLatency:
		return []byte{d.latency}, true
	case reqPins:
		return []byte{d.status()[0]}, true
	case reqEEPROM:
		return []byte{0xff, 0xff}, true
	}
	return nil, false
}

// Serve implements usb.Function.
func (d *Device) Serve(p *usb.Pipe) {
	if p.Address == epIn {
		d.send()
		return
	}
	d.receive(p)
}

// send fills transfers to the host, packet by packet.
func (d *Device) send() {
	p := d.Pipe(epIn)
	if p == nil {
		return
	}
	for t := p.Head(); t != nil; t = p.Head() {
		st := d.status()
		if len(d.rx) == 0 && st == d.told {
			return
		}
		for first := true; t.Room() >= headerSize && (first || len(d.rx) > 0); first = false {
			n := min(len(d.rx), p.Packet-headerSize, t.Room()-headerSize)
			p.Give(t, st[:])
			p.Give(t, d.rx[:n])
			d.rx = d.rx[n:]
			if headerSize+n < p.Packet {
				break
			}
		}
		d.breaks = false
		d.told = st
		p.Finish(t, usb.OK)
	}
	d.resume()
}

// resume asks for input that did not fit.
func (d *Device) resume() {
	if d.starved && len(d.rx) < fifoSize {
		d.starved = false
		d.pump.Resume()
	}
}

// receive takes what the host sends, as long as the stream does.
func (d *Device) receive(p *usb.Pipe) {
	for {
		for len(d.out) > 0 {
			if !d.pump.Put(d.out[0]) {
				return
			}
			d.out = d.out[1:]
		}
		t := p.Head()
		if t == nil {
			return
		}
		d.out = make([]byte, min(t.Room(), fifoSize))
		p.Take(t, d.out)
		if t.Room() == 0 {
			p.Finish(t, usb.OK)
		}
	}
}

// line is the pump's side of the device.
type line Device

// Receive implements chardev.Device.
func (l *line) Receive(b []byte) int {
	d := (*Device)(l)
	d.Lock()
	defer d.Unlock()
	n := min(len(b), max(0, fifoSize-len(d.rx)))
	if d.Config() == 0 {
		n = 0 // nobody would read it
	}
	d.rx = append(d.rx, b[:n]...)
	d.starved = n < len(b)
	d.Wake()
	d.send()
	return n
}

// Ready implements chardev.Device.
func (l *line) Ready() {
	d := (*Device)(l)
	d.Lock()
	defer d.Unlock()
	if p := d.Pipe(epOut); p != nil {
		d.receive(p)
	}
}

// State implements hw.Device.
func (d *Device) State(c *snapshot.Coder) {
	d.Lock()
	defer d.Unlock()
	told, out := d.told, d.out
	d.GadgetState(c) // which, loading, forgets what was under way
	if !c.Loading() {
		d.told, d.out = told, out
	}
	c.Slice("received", &d.rx, fifoSize)
	c.Slice("out", &d.out, fifoSize)
	c.Bytes("told", d.told[:])
	snapshot.Field(c, "break", &d.breaks)
	snapshot.Field(c, "latency", &d.latency)
	if c.Loading() && d.starved {
		d.starved = false
		d.pump.Resume()
	}
}
