package main

import (
	"time"

	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/host"
	"govm-desktop/hw/usb/redir"
	"govm-desktop/usbredir"
)

// defaultGrace is how many seconds a redirected device whose connection dropped is waited for.
const defaultGrace = 10

// foreignKinds are the USB devices that are real: somewhere else, or in this computer.
func foreignKinds() []usbKind {
	num := func(name, help string) options.Key { return options.Key{Name: name, Type: options.Number, Help: help} }
	sw := func(name, help string) options.Key { return options.Key{Name: name, Type: options.Bool, Help: help} }
	return []usbKind{
		{options.Kind{Name: "usb-redir", Help: "a device that comes over the usbredir protocol, from govm-usbredir, usbredirect or a SPICE client", Keys: []options.Key{
			{Name: "chardev", Help: "the stream that it comes over"},
			{Name: "filter", Help: "which are let in: class:vendor:product:version:allow|…, the first rule that fits; -1 is any"},
			num("reconnect-grace", "seconds to wait for a connection that has dropped (10; 0: none)"), num("debug", "3 and more: log every packet"),
			sw("suppress-remote-wake", "hide that the device can wake the guest (on)"), sw("streams", "bulk streams (on)"),
			sw("bot-accel", "commands of disks take one round trip, not three (on)"),
		}}, "usb-redir", (*program).usbRedir},
		{options.Kind{Name: "usb-host", Help: "a device of this computer", Keys: []options.Key{
			{Name: "vendorid", Help: "0x1234"}, {Name: "productid", Help: "0x5678"}, num("hostbus", "as lsusb lists it"), num("hostaddr", "the same"),
			{Name: "hostport", Help: "socket on that bus: 1.4"}, {Name: "serial", Help: "its serial number"},
		}}, "usb-host", (*program).usbHost},
	}
}

// usbRedir makes -device usb-redir.
func (p *program) usbRedir(o *options.Opts) (usb.Device, error) {
	id := o.Str("chardev", "")
	stream := p.streams.byID[id]
	if stream == nil {
		return nil, o.Fail("chardev=%s: no -chardev has this id", id)
	}
	c := redir.Config{Name: o.ID(), Stream: stream, Log: p.log}
	if c.Name == "" {
		c.Name = id
	}
	grace, err := o.Number("reconnect-grace", defaultGrace)
	if err != nil {
		return nil, err
	}
	if grace < 0 || grace > 3600 {
		return nil, o.Fail("reconnect-grace=%d: 0 to 3600 seconds are possible", grace)
	}
	c.Grace = time.Duration(grace) * time.Second
	debug, err := o.Number("debug", 0)
	if err != nil {
		return nil, err
	}
	c.Debug = int(debug)
	streams, ahead := true, true
	for _, b := range []struct {
		key string
		to  *bool
		def bool
	}{{"suppress-remote-wake", &c.SuppressRemoteWake, true}, {"streams", &streams, true}, {"bot-accel", &ahead, true}} {
		if *b.to, err = o.Bool(b.key, b.def); err != nil {
			return nil, err
		}
	}
	c.NoStreams, c.NoBulkOnlyAhead = !streams, !ahead
	if text, ok := o.Get("filter"); ok {
		if c.Filter, err = usbredir.ParseFilter(text, usbredir.OptionSeparator); err != nil {
			return nil, o.Fail("%v", err)
		}
		if c.Filter == nil {
			c.Filter = usbredir.Filter{}
		}
	}
	return redir.New(c), nil
}

// usbHost makes -device usb-host.
func (p *program) usbHost(o *options.Opts) (usb.Device, error) {
	m := host.Match{Port: o.Str("hostport", ""), Serial: o.Str("serial", ""), ID: -1}
	for _, n := range []struct {
		key string
		to  *int
		max int64
	}{{"vendorid", &m.Vendor, 0xffff}, {"productid", &m.ID, 0xffff}, {"hostbus", &m.Bus, 999}, {"hostaddr", &m.Addr, 127}} {
		v, err := o.Number(n.key, int64(*n.to))
		if err != nil {
			return nil, err
		}
		if o.Has(n.key) && (v < 0 || v > n.max) {
			return nil, o.Fail("%s=%d: 0 to %d is possible", n.key, v, n.max)
		}
		*n.to = int(v)
	}
	if m.Vendor == 0 && m.ID < 0 && m.Bus == 0 && m.Port == "" && m.Serial == "" {
		return nil, o.Fail("vendorid= and productid=, or hostbus= with hostaddr= or hostport=, say which device")
	}
	if i, err := host.Probe(m, "/"); err != nil && err != host.ErrNone {
		return nil, o.Fail("%s: %v", i.Name(), err)
	}
	return host.New(host.Config{Match: m, Root: "/", Log: p.log}), nil
}
