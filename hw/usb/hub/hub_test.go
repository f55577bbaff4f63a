package hub

import (
	"bytes"
	"testing"

	"govm-desktop/clock"
	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/usbtest"
	"govm-desktop/hw/usb/zero"
)

func fresh(t testing.TB, c clock.Clock) *Hub {
	h, err := New(Config{Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestContract(t *testing.T) {
	usbtest.TestDevice(t, func(t testing.TB) usb.Device { return fresh(t, clock.NewManual()) })
	t.Run("occupied", func(t *testing.T) {
		usbtest.TestDevice(t, func(t testing.TB) usb.Device {
			h := fresh(t, clock.NewManual())
			if err := h.Ports()[2].Plug(newZero(t)); err != nil {
				t.Fatal(err)
			}
			return h
		})
	})
}

func newZero(t testing.TB) *zero.Device {
	d, err := zero.New(zero.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestNew_ports(t *testing.T) {
	for n, ok := range map[int]bool{1: true, 15: true, 16: false, -1: false} {
		if _, err := New(Config{Clock: clock.NewManual(), Ports: n}); (err == nil) != ok {
			t.Errorf("%d ports: %v", n, err)
		}
	}
}

type bench struct {
	*usbtest.Host
	t     *testing.T
	hub   *Hub
	clock *clock.Manual
}

func plug(t *testing.T, s usb.Speed) *bench {
	c := clock.NewManual()
	b := &bench{t: t, hub: fresh(t, c), clock: c}
	b.Host = usbtest.New(t, b.hub, s)
	b.Configure(1)
	return b
}

// status wants a port's two words.
func (b *bench) status(port uint16, status, change byte, high byte) {
	b.t.Helper()
	if got := b.Do(0xa300, 0, port, 4); !bytes.Equal(got, []byte{status, high, change, 0}) {
		b.t.Errorf("port %d: % x, want %02x %02x %02x 00", port, got, status, high, change)
	}
}

func (b *bench) changes(want ...byte) {
	b.t.Helper()
	if got, st := b.In(epChange, 8); st != usb.OK || !bytes.Equal(got, want) {
		b.t.Errorf("changes % x, %v, want % x", got, st, want)
	}
}

func (b *bench) quiet() {
	b.t.Helper()
	x := b.Start(epChange, make([]byte, 2))
	if x.Ended() {
		b.t.Error("a change nobody knows of")
	}
	b.Device.Cancel(&x.Packet)
	x.Wait()
}

// TestEnumeration goes the way that hub drivers go.
func TestEnumeration(t *testing.T) {
	b := plug(t, usb.High)
	if d := b.Do(0xa006, usb.DescHub<<8, 0, 64); len(d) != 11 || d[0] != 11 || d[2] != 8 {
		t.Errorf("hub descriptor % x", d)
	}
	b.status(3, 0, 0, 0)
	z := newZero(t)
	if err := b.hub.Ports()[2].Plug(z); err != nil {
		t.Fatal(err)
	}
	b.quiet() // no power
	for i := range uint16(8) {
		b.Do(0x2303, featurePower, i+1, 0)
	}
	b.changes(8, 0)
	b.status(3, connection, connection, (power|highSpeed)>>8)
	b.quiet() // it has been told
	b.clock.Step(again)
	b.changes(8, 0)
	b.Do(0x2301, featureChange, 3, 0)
	b.status(3, connection, 0, (power|highSpeed)>>8)
	b.Do(0x2303, featureReset, 3, 0)
	b.changes(8, 0)
	b.status(3, connection|enable, reset, (power|highSpeed)>>8)
	b.Do(0x2301, featureChangeLast, 3, 0)
	b.Do(0x2303, featureSuspend, 3, 0)
	b.status(3, connection|enable|suspend, 0, (power|highSpeed)>>8)
	b.Do(0x2301, featureSuspend, 3, 0)
	b.status(3, connection|enable, suspend, (power|highSpeed)>>8)
	b.changes(8, 0)
	b.Do(0x2301, 18, 3, 0)
	if got := b.hub.Ports()[2].Path(); got != "1.3" {
		t.Errorf("path %q", got)
	}
	b.hub.Ports()[2].Unplug()
	b.changes(8, 0)
	b.status(3, 0, connection, power>>8)
	b.Do(0x2301, featurePower, 3, 0)
	b.status(3, 0, 0, 0)
	b.Refused(0x2303, 99, 3, 0)
	b.Refused(0x2303, featurePower, 9, 0)
	b.Refused(0xa300, 0, 0, 4)
}

// TestSpeeds has the devices follow the hub's speed.
func TestSpeeds(t *testing.T) {
	h, z := fresh(t, clock.NewManual()), newZero(t)
	if err := h.Ports()[0].Plug(z); err != nil {
		t.Fatal(err)
	}
	for _, s := range []usb.Speed{usb.Full, usb.High, usb.Full} {
		up := usbtest.New(t, h, s)
		if _, got := h.Ports()[0].Device(); got != s {
			t.Errorf("behind a hub at %v the device runs at %v", s, got)
		}
		up.Port.Unplug()
	}
}

func TestReset(t *testing.T) {
	b := plug(t, usb.Full)
	z := newZero(t)
	if err := b.hub.Ports()[0].Plug(z); err != nil {
		t.Fatal(err)
	}
	b.Do(0x2303, featurePower, 1, 0)
	below := usb.Packet{Setup: usb.Setup{Request: 9, Value: 3}}
	below.Send(z)
	config := func() byte {
		p := usb.Packet{Setup: usb.Setup{RequestType: 0x80, Request: 8, Length: 1}}
		v := make([]byte, 1)
		p.Data.Append(v)
		p.Send(z)
		return v[0]
	}
	if config() != 3 {
		t.Fatal("the device has not been configured")
	}
	b.Do(0x2303, featureReset, 1, 0)
	if config() != 0 {
		t.Error("the reset of a port does not reach the device")
	}
	b.status(1, connection|enable, connection|reset, power>>8)
	b.Reset()
	b.Configure(1)
	b.status(1, 0, 0, 0)
}
