// Package zero models Linux's gadget zero, the device that the kernel's usbtest driver tests hosts with: a source and a sink of bytes on bulk,
// isochronous and interrupt endpoints, a control buffer that is read back, and in a second configuration a loopback.
//
// Followed are drivers/usb/misc/usbtest.c and the gadget's documentation, in what a host can see. The alternate settings of the first
// configuration are 0: bulk; 1: bulk and isochronous; 2: bulk and interrupt. A sink that gets bytes other than its pattern's halts, as there.
package zero

import (
	"fmt"

	"govm-desktop/hw/usb"
	"govm-desktop/snapshot"
)

// Patterns of bytes, as the module parameter of the same name counts them.
const (
	Zeros     = 0 // nothing but zeros
	Mod63     = 1 // each packet counts from 0 on, modulo 63
	Unchecked = 2 // zeros from the source; the sink takes anything
)

// Endpoints: numbers are the same in and out.
const (
	epBulk = 1
	epIso  = 2
	epInt  = 3
)

// Configuration values.
const (
	configSourceSink = 3
	configLoopback   = 2
)

// Vendor requests: write a buffer on the device, and read it back.
const (
	reqWriteBuffer = 0x405b
	reqReadBuffer  = 0xc05c
)

const (
	bufferSize   = 0xffff
	loopbackSize = 128 << 10 // bytes that may wait in the loopback
)

// Config says what the device is like.
type Config struct {
	Pattern int
	Serial  string
}

// Device is a gadget zero.
type Device struct {
	usb.Gadget
	pattern int
	fill    []byte // the pattern, as long as the largest packet

	// Guarded by the Gadget's lock.
	buffer []byte
	loop   [][]byte // what the loopback has taken, a piece for each transfer
	size   int      // of loop
}

// New returns a device in no port.
func New(cfg Config) (*Device, error) {
	if cfg.Pattern < Zeros || cfg.Pattern > Unchecked {
		return nil, fmt.Errorf("usb-zero: pattern %d: 0 (zeros), 1 (modulo 63) and 2 (unchecked) are there", cfg.Pattern)
	}
	if cfg.Serial == "" {
		cfg.Serial = "0123456789.0123456789.0123456789"
	}
	d := &Device{pattern: cfg.Pattern}
	d.Init(design(cfg.Serial), d)
	return d, nil
}

func design(serial string) usb.Design {
	pair := func(n uint8, e usb.Endpoint) []usb.Endpoint {
		in, out := e, e
		in.Address, out.Address = n|usb.DirIn, n
		return []usb.Endpoint{in, out}
	}
	bulk := pair(epBulk, usb.Endpoint{Type: usb.Bulk})
	iso := pair(epIso, usb.Endpoint{Type: usb.Isochronous, MaxPacket: 1024, Micros: 1000})
	intr := pair(epInt, usb.Endpoint{Type: usb.Interrupt, MaxPacket: 1024, Micros: 1000})
	setting := func(alt uint8, name string, more []usb.Endpoint) usb.Setting {
		return usb.Setting{Alternate: alt, Class: 0xff, Name: name, Endpoints: append(bulk[:2:2], more...)}
	}
	const name = "source and sink data"
	return usb.Design{
		Vendor: 0x0525, Product: 0xa4a0, Version: 0x0100, Class: 0xff, Maker: "GOVM", Model: "Gadget Zero", Serial: serial,
		Speeds: usb.SpeedSet(usb.Full, usb.High, usb.Super),
		Configs: []usb.Configuration{
			{Value: configSourceSink, Name: name, SelfPowered: true, RemoteWakeup: true, MilliAmps: 2,
				Settings: []usb.Setting{setting(0, name, nil), setting(1, name, iso), setting(2, name, intr)}},
			{Value: configLoopback, Name: "loop input to output", SelfPowered: true, RemoteWakeup: true, MilliAmps: 2,
				Settings: []usb.Setting{setting(0, "loop input to output", nil)}},
		},
	}
}

// Control implements usb.Function.
func (d *Device) Control(s usb.Setup, out []byte) ([]byte, bool) {
	if s.Value != 0 || s.Index != 0 {
		return nil, false
	}
	switch s.Kind() {
	case reqWriteBuffer:
		d.buffer = append(d.buffer[:0], out...)
		return nil, true
	case reqReadBuffer:
		in := make([]byte, s.Length)
		copy(in, d.buffer)
		return in, true
	}
	return nil, false
}

// Configured implements usb.Function.
func (d *Device) Configured(int) {
	d.loop, d.size = nil, 0
	d.fill = nil
}

// Serve implements usb.Function.
func (d *Device) Serve(p *usb.Pipe) {
	switch {
	case d.Config() == configLoopback:
		d.serveLoop()
	case p.Address&usb.DirIn != 0:
		for t := p.Head(); t != nil; t = p.Head() {
			d.source(p, t)
		}
	default:
		for t := p.Head(); t != nil; t = p.Head() {
			d.sink(p, t)
		}
	}
}

// want is what a packet of n bytes holds.
func (d *Device) want(p *usb.Pipe, n int) []byte {
	if len(d.fill) < p.Packet {
		d.fill = make([]byte, max(p.Packet, 1024))
		if d.pattern == Mod63 {
			for i := range d.fill {
				d.fill[i] = byte(i % 63)
			}
		}
	}
	return d.fill[:n]
}

// source fills a transfer; an isochronous one has a packet in each interval.
func (d *Device) source(p *usb.Pipe, t *usb.Packet) {
	room := t.Room()
	if p.Type == usb.Isochronous {
		room = min(room, p.Packet)
	}
	for room > 0 {
		n := min(room, p.Packet)
		p.Give(t, d.want(p, n))
		room -= n
	}
	p.Finish(t, usb.OK)
}

// sink takes a transfer and compares it with the pattern.
func (d *Device) sink(p *usb.Pipe, t *usb.Packet) {
	if d.pattern == Unchecked {
		p.Skip(t, t.Room())
		p.Finish(t, usb.OK)
		return
	}
	at := 0
	for b := range t.Data.Pieces(0, t.Room()) {
		for _, v := range b {
			if v != d.want(p, p.Packet)[at%p.Packet] {
				p.Skip(t, at)
				if p.Type == usb.Isochronous { // no endpoint that could halt
					p.Finish(t, usb.OK)
				} else {
					p.Halt()
				}
				return
			}
			at++
		}
	}
	p.Skip(t, at)
	p.Finish(t, usb.OK)
}

// serveLoop moves what has come out back in.
func (d *Device) serveLoop() {
	out, in := d.Pipe(epBulk), d.Pipe(epBulk|usb.DirIn)
	for moved := true; moved; {
		moved = false
		if t := out.Head(); t != nil && d.size+t.Data.Len() <= max(loopbackSize, t.Data.Len()) {
			piece := make([]byte, t.Data.Len())
			out.Take(t, piece)
			out.Finish(t, usb.OK)
			d.loop, d.size, moved = append(d.loop, piece), d.size+len(piece), true
		}
		if t := in.Head(); t != nil && len(d.loop) > 0 {
			n := in.Give(t, d.loop[0])
			d.size -= n
			if d.loop[0] = d.loop[0][n:]; len(d.loop[0]) == 0 {
				d.loop = d.loop[1:]
			}
			in.Finish(t, usb.OK)
			moved = true
		}
	}
}

// State implements hw.Device.
func (d *Device) State(c *snapshot.Coder) {
	d.Lock()
	defer d.Unlock()
	var loop []byte
	for _, p := range d.loop {
		loop = append(loop, p...)
	}
	d.GadgetState(c)
	c.Slice("buffer", &d.buffer, bufferSize)
	c.Slice("loop", &loop, 2*loopbackSize)
	if c.Loading() && len(loop) > 0 && d.Config() == configLoopback {
		d.loop, d.size = [][]byte{loop}, len(loop)
	}
}
