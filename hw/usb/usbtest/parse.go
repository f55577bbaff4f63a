package usbtest

import (
	"testing"

	"govm-desktop/hw/usb"
)

// endpoint is what a descriptor says of one.
type endpoint struct {
	address, attributes uint8
	packet              int
	interval            uint8
	companion           []byte
}

// setting is what descriptors say of an interface.
type setting struct {
	iface, alternate, name uint8
	endpoints              []endpoint
}

// configuration is a configuration descriptor taken apart.
type configuration struct {
	value, name, attributes uint8
	interfaces              int
	settings                []setting
}

// parseConfig takes a configuration descriptor apart and reports what is wrong with it.
func parseConfig(t testing.TB, b []byte, s usb.Speed) (c configuration) {
	t.Helper()
	if len(b) < 9 || b[0] != 9 || int(b[2])|int(b[3])<<8 != len(b) {
		t.Fatalf("configuration descriptor of %d bytes: % x", len(b), b)
	}
	c = configuration{value: b[5], name: b[6], attributes: b[7], interfaces: int(b[4])}
	if c.attributes&0x80 == 0 || c.attributes&0x1f != 0 || c.value == 0 {
		t.Errorf("configuration value %d, attributes %02x", c.value, c.attributes)
	}
	left := 0 // endpoints to come
	for b = b[9:]; len(b) > 0; b = b[b[0]:] {
		if b[0] < 2 || int(b[0]) > len(b) {
			t.Fatalf("a descriptor of %d bytes where there are %d", b[0], len(b))
		}
		switch b[1] {
		case usb.DescInterface:
			if left != 0 || b[0] != 9 {
				t.Errorf("%d endpoints are missing before % x", left, b[:b[0]])
			}
			c.settings = append(c.settings, setting{iface: b[2], alternate: b[3], name: b[8]})
			left = int(b[4])
		case usb.DescEndpoint:
			if left--; left < 0 {
				t.Fatalf("an endpoint too many: % x", b[:b[0]])
			}
			last := &c.settings[len(c.settings)-1]
			last.endpoints = append(last.endpoints, endpoint{address: b[2], attributes: b[3], packet: int(b[4]) | int(b[5])<<8, interval: b[6]})
		case usb.DescCompanion:
			last := &c.settings[len(c.settings)-1]
			last.endpoints[len(last.endpoints)-1].companion = b[:b[0]]
		}
	}
	if left != 0 {
		t.Errorf("%d endpoints are missing", left)
	}
	c.check(t, s)
	return c
}

// check holds interfaces and endpoints to the rules of the speed.
func (c *configuration) check(t testing.TB, s usb.Speed) {
	t.Helper()
	next := map[uint8]uint8{}
	for _, x := range c.settings {
		if x.alternate != next[x.iface] || int(x.iface) >= c.interfaces {
			t.Errorf("interface %d alternate %d of %d interfaces", x.iface, x.alternate, c.interfaces)
		}
		next[x.iface]++
		seen := map[uint8]bool{}
		for _, e := range x.endpoints {
			if seen[e.address] || e.address&0x70 != 0 || e.address&0xf == 0 {
				t.Errorf("endpoint address %02x", e.address)
			}
			seen[e.address] = true
			e.check(t, s)
		}
	}
	if len(next) != c.interfaces {
		t.Errorf("%d interfaces, %d described", c.interfaces, len(next))
	}
}

func (e *endpoint) check(t testing.TB, s usb.Speed) {
	t.Helper()
	if (s >= usb.Super) != (e.companion != nil) {
		t.Errorf("endpoint %02x at %v: companion % x", e.address, s, e.companion)
	}
	want := map[usb.Speed][4][2]int{ // least and most, by type
		usb.Low: {3: {1, 8}}, usb.Full: {1: {0, 1023}, 2: {8, 64}, 3: {1, 64}}, usb.High: {1: {0, 1024}, 2: {512, 512}, 3: {1, 1024}},
		usb.Super: {1: {0, 1024}, 2: {1024, 1024}, 3: {1, 1024}},
	}[s][e.attributes&3]
	if e.packet < want[0] || e.packet > want[1] || e.attributes&3 == 0 {
		t.Errorf("endpoint %02x type %d at %v: packets of %d bytes, want %v", e.address, e.attributes&3, s, e.packet, want)
	}
	isBulk := e.attributes&3 == 2
	if !isBulk && (e.interval < 1 || s >= usb.High && e.interval > 16) {
		t.Errorf("endpoint %02x at %v: interval %d", e.address, s, e.interval)
	}
}
