package usbtest

import (
	"bytes"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"govm-desktop/hw"
	"govm-desktop/hw/usb"
	"govm-desktop/snapshot"
)

// TestDevice holds a device to the contract of usb.Device and to chapter 9. make makes a fresh one, which is at once ready to be plugged in.
func TestDevice(t *testing.T, make func(t testing.TB) usb.Device) {
	fresh := func(t testing.TB, s usb.Speed) *Host {
		d := make(t)
		if c, ok := d.(io.Closer); ok {
			t.Cleanup(func() { c.Close() })
		}
		return New(t, d, s)
	}
	for _, s := range []usb.Speed{usb.Full, usb.High, usb.Super} {
		if d, _ := fresh(t, s).Port.Device(); d == nil {
			continue
		}
		t.Run(s.String()[:len(s.String())-5], func(t *testing.T) {
			run := func(name string, f func(*testing.T, *Host)) {
				t.Run(name, func(t *testing.T) { f(t, fresh(t, s)) })
			}
			run("Descriptors", func(t *testing.T, h *Host) { testDescriptors(t, h, s) })
			run("Requests", testRequests)
			run("Halt", testHalt)
			run("Unknown", testUnknown)
			run("Cancel", testCancel)
			run("Ends", testEnds)
			run("Hammer", testHammer)
			t.Run("RoundTrip", func(t *testing.T) { testRoundTrip(t, func() *Host { return fresh(t, s) }) })
		})
	}
}

// configs reads all configurations.
func (h *Host) configs(s usb.Speed) (list []configuration) {
	h.T.Helper()
	n := h.Do(0x8006, usb.DescDevice<<8, 0, 18)[17]
	for i := range uint16(n) {
		list = append(list, parseConfig(h.T, h.Do(0x8006, usb.DescConfig<<8|i, 0, 4096), s))
	}
	return list
}

// speed is the speed that the device shows.
func (h *Host) speed() usb.Speed {
	_, s := h.Port.Device()
	return s
}

// testDescriptors reads every descriptor, whole and cut short.
func testDescriptors(t *testing.T, h *Host, s usb.Speed) {
	d := h.Do(0x8006, usb.DescDevice<<8, 0, 255)
	if len(d) != 18 || d[0] != 18 || d[1] != usb.DescDevice || d[17] == 0 {
		t.Fatalf("device descriptor % x", d)
	}
	if want := map[usb.Speed]byte{usb.Full: 64, usb.High: 64, usb.Super: 9}[s]; d[7] != want {
		t.Errorf("packets of the control endpoint %d, want %d", d[7], want)
	}
	release := int(d[2]) | int(d[3])<<8
	if (s >= usb.Super) != (release >= 0x300) {
		t.Errorf("bcdUSB %04x", release)
	}
	named := map[uint8]bool{d[14]: true, d[15]: true, d[16]: true}
	for i, c := range h.configs(s) {
		whole := h.Do(0x8006, usb.DescConfig<<8|uint16(i), 0, 4096)
		for n := range len(whole) + 3 {
			if cut := h.Do(0x8006, usb.DescConfig<<8|uint16(i), 0, uint16(n)); !bytes.Equal(cut, whole[:min(n, len(whole))]) {
				t.Fatalf("configuration cut to %d bytes: % x", n, cut)
			}
		}
		named[c.name] = true
		for _, x := range c.settings {
			named[x.name] = true
		}
	}
	h.Refused(0x8006, usb.DescConfig<<8|uint16(d[17]), 0, 9)
	testStrings(t, h, named)
	testOtherSpeed(t, h, s)
	if release > 0x200 {
		testBOS(t, h)
	}
}

// testStrings reads every text that a descriptor names.
func testStrings(t *testing.T, h *Host, named map[uint8]bool) {
	if b := h.Do(0x8006, usb.DescString<<8, 0, 255); len(b) < 4 || int(b[0]) != len(b) {
		t.Errorf("languages % x", b)
	}
	for i := range named {
		b := h.Do(0x8006, usb.DescString<<8|uint16(i), 0x409, 255)
		if len(b) < 4 || int(b[0]) != len(b) || b[1] != usb.DescString || len(b)%2 != 0 {
			t.Errorf("string %d: % x", i, b)
		}
	}
	h.Refused(0x8006, usb.DescString<<8|0xc0, 0x409, 255)
}

// testOtherSpeed reads what the device would be at its other speed.
func testOtherSpeed(t *testing.T, h *Host, s usb.Speed) {
	q, st := h.Control(setup(0x8006, usb.DescQualifier<<8, 0, 10), nil)
	if st == usb.Stall {
		h.Refused(0x8006, usb.DescOtherSpeed<<8, 0, 9)
		return
	}
	if len(q) != 10 || q[0] != 10 || q[8] == 0 || s >= usb.Super {
		t.Errorf("device qualifier % x", q)
	}
	other := usb.High
	if s == usb.High {
		other = usb.Full
	}
	for i := range uint16(q[8]) {
		b := h.Do(0x8006, usb.DescOtherSpeed<<8|i, 0, 4096)
		if b[1] != usb.DescOtherSpeed {
			t.Errorf("type %d", b[1])
		}
		parseConfig(t, b, other)
	}
}

func testBOS(t *testing.T, h *Host) {
	b := h.Do(0x8006, usb.DescBOS<<8, 0, 4096)
	if len(b) < 5 || b[0] != 5 || int(b[2])|int(b[3])<<8 != len(b) {
		t.Fatalf("BOS % x", b)
	}
	n := 0
	for rest := b[5:]; len(rest) > 0; rest = rest[rest[0]:] {
		if rest[0] < 3 || int(rest[0]) > len(rest) || rest[1] != usb.DescCapability {
			t.Fatalf("BOS % x", b)
		}
		n++
	}
	if n != int(b[4]) {
		t.Errorf("%d capabilities, want %d", n, b[4])
	}
}

// testRequests goes through configurations, settings and what must be refused.
func testRequests(t *testing.T, h *Host) {
	want := func(what string, got []byte, want ...byte) {
		t.Helper()
		if !bytes.Equal(got, want) {
			t.Errorf("%s: % x, want % x", what, got, want)
		}
	}
	h.Do(0x0005, 9, 0, 0)
	want("configuration after reset", h.Do(0x8008, 0, 0, 1), 0)
	h.Refused(0x810a, 0, 0, 1)
	h.Refused(0x0009, 0xee, 0, 0)
	for _, c := range h.configs(h.speed()) {
		h.Configure(uint16(c.value))
		want("configuration", h.Do(0x8008, 0, 0, 1), c.value)
		for _, x := range c.settings {
			h.Do(0x010b, uint16(x.alternate), uint16(x.iface), 0)
			want("alternate", h.Do(0x810a, 0, uint16(x.iface), 1), x.alternate)
			for _, e := range x.endpoints {
				want("endpoint status", h.Do(0x8200, 0, uint16(e.address), 2), 0, 0)
			}
		}
		h.Refused(0x010b, 0xee, 0, 0)
		h.Refused(0x810a, 0, uint16(c.interfaces), 1)
		h.Configure(uint16(c.value))
		want("alternate after SET_CONFIGURATION", h.Do(0x810a, 0, 0, 1), 0)
		if st := h.Do(0x8000, 0, 0, 2); len(st) != 2 || st[0]&1 != c.attributes>>6&1 {
			t.Errorf("device status % x, attributes %02x", st, c.attributes)
		}
		testWakeup(t, h, c.attributes&0x20 != 0)
	}
	want("status of endpoint 0", h.Do(0x8200, 0, 0, 2), 0, 0)
	h.Refused(0x8200, 0, 0x0f, 2)
	h.Refused(0x8006, 0x7f00, 0, 64)
	h.Refused(0x0007, usb.DescDevice<<8, 0, 18, make([]byte, 18)...)
	h.Refused(0x40ff, 0x1234, 0x5678, 0)
	h.Configure(0)
	want("configuration 0", h.Do(0x8008, 0, 0, 1), 0)
}

// testWakeup switches remote wake-up, which SuperSpeed does by interface.
func testWakeup(t *testing.T, h *Host, can bool) {
	kind := func(on uint16) uint16 { return 1 + on*2 }
	switch {
	case h.speed() >= usb.Super:
		return
	case !can:
		h.Refused(kind(1), 1, 0, 0)
		return
	}
	for _, on := range []uint16{1, 0} {
		h.Do(kind(on), 1, 0, 0)
		if st := h.Do(0x8000, 0, 0, 2); uint16(st[0]>>1&1) != on {
			t.Errorf("wake-up %d, status % x", on, st)
		}
	}
}

// everySetting puts the device into each of its settings in turn; enter does so again.
func (h *Host) everySetting(f func(x setting, enter func())) {
	for _, c := range h.configs(h.speed()) {
		for _, x := range c.settings {
			enter := func() {
				h.Configure(uint16(c.value))
				h.Do(0x010b, uint16(x.alternate), uint16(x.iface), 0)
			}
			enter()
			f(x, enter)
		}
	}
}

// testHalt halts each endpoint and recovers it.
func testHalt(t *testing.T, h *Host) {
	h.everySetting(func(x setting, enter func()) {
		for _, e := range x.endpoints {
			enter() // some kinds of devices need more than CLEAR_FEATURE after what does not belong there
			at := uint16(e.address)
			if e.attributes&3 == 1 {
				h.Refused(0x0203, 0, at, 0)
				continue
			}
			if e.address&usb.DirIn != 0 {
				waits := h.Start(e.address, make([]byte, e.packet))
				h.Do(0x0203, 0, at, 0)
				waits.Wait()
			}
			h.Do(0x0203, 0, at, 0)
			if st := h.Do(0x8200, 0, at, 2); st[0] != 1 {
				t.Errorf("endpoint %02x halted, status % x", e.address, st)
			}
			if _, st := h.Start(e.address, make([]byte, e.packet)).Wait(); st != usb.Stall {
				t.Errorf("a transfer to endpoint %02x, halted, ends with %v", e.address, st)
			}
			h.Do(0x0201, 0, at, 0)
			if st := h.Do(0x8200, 0, at, 2); st[0] != 0 {
				t.Errorf("endpoint %02x recovered, status % x", e.address, st)
			}
			again := h.Start(e.address, make([]byte, e.packet))
			h.Device.Cancel(&again.Packet)
			again.Wait()
		}
	})
	h.Refused(0x0203, 0, 0x8f, 0)
	h.Refused(0x0203, 7, 0, 0)
}

// testUnknown sends to every endpoint number: those that the device has not, stall.
func testUnknown(t *testing.T, h *Host) {
	h.everySetting(func(setting, func()) {})
	for n := range 512 {
		x := h.NewTransfer(uint8(n), make([]byte, 13))
		if n >= 256 {
			x.Stream = uint16(n * 257)
		}
		x.Setup = usb.Setup{RequestType: 0xff, Request: 0xff, Length: 13}
		x.Send(h.Device)
		h.Device.Cancel(&x.Packet)
		if _, st := x.Wait(); n&0x70 == 0x70 && n&0xf != 0 && st != usb.Stall && st != usb.Cancelled && st != usb.OK {
			t.Errorf("endpoint %02x: %v", n, st)
		}
	}
	h.Configure(0)
	for n := range 256 {
		if n&0xf == 0 {
			continue
		}
		if _, st := h.Start(uint8(n), make([]byte, 8)).Wait(); st != usb.Stall {
			t.Errorf("endpoint %02x of no configuration: %v", n, st)
		}
	}
}

// sane reports whether a transfer that was cancelled may have ended so.
func sane(s usb.Status) bool {
	return slices.Contains([]usb.Status{usb.OK, usb.Stall, usb.Babble, usb.Cancelled, usb.IOError}, s)
}

// testCancel queues transfers at every endpoint and cancels them in any order: each ends once.
func testCancel(t *testing.T, h *Host) {
	r := rand.New(rand.NewPCG(1, 2))
	h.everySetting(func(x setting, _ func()) {
		for range 4 {
			var all []*Transfer
			for _, e := range x.endpoints {
				for i := range 8 {
					all = append(all, h.Start(e.address, make([]byte, e.packet*i)))
				}
			}
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for _, x := range all {
				h.Device.Cancel(&x.Packet)
				h.Device.Cancel(&x.Packet)
			}
			h.once(all, sane)
		}
		for _, e := range x.endpoints { // what the noise has halted
			if e.attributes&3 != 1 {
				h.Do(0x0201, 0, uint16(e.address), 0)
			}
		}
	})
}

// once wants every transfer to have ended, or to end soon, exactly once.
func (h *Host) once(all []*Transfer, ok func(usb.Status) bool) {
	h.T.Helper()
	for _, x := range all {
		if _, st := x.Wait(); !ok(st) {
			h.T.Errorf("endpoint %02x ends with %v", x.Endpoint, st)
		}
	}
	for _, x := range all {
		if n := x.ends.Load(); n != 1 {
			h.T.Errorf("a transfer of endpoint %02x has ended %d times", x.Endpoint, n)
		}
	}
}

// testEnds resets the device, and pulls it out, with transfers under way.
func testEnds(t *testing.T, h *Host) {
	fill := func() (all []*Transfer) {
		for _, c := range h.configs(h.speed()) {
			h.Configure(uint16(c.value))
			for _, x := range c.settings {
				if x.alternate != 0 {
					continue
				}
				for _, e := range x.endpoints {
					for range 3 {
						all = append(all, h.Start(e.address, make([]byte, e.packet)))
					}
				}
			}
		}
		return all
	}
	all := fill()
	h.Reset()
	h.once(all, sane)
	if got := h.Do(0x8008, 0, 0, 1); got[0] != 0 {
		t.Errorf("configuration %d after reset", got[0])
	}
	all = fill()
	h.Events()
	h.Port.Unplug()
	h.once(all, func(s usb.Status) bool { return s == usb.Disconnected || sane(s) })
	if e := h.Events(); !slices.Equal(e, []usb.PortEvent{usb.Gone}) {
		t.Errorf("events %v when the device is pulled out", e)
	}
	if _, st := h.Start(0, nil).Wait(); st != usb.Disconnected {
		t.Errorf("a transfer to a device in no port ends with %v", st)
	}
	if err := h.Port.Plug(h.Device); err != nil {
		t.Fatal(err)
	}
	if e := h.Events(); !slices.Equal(e, []usb.PortEvent{usb.Connected}) {
		t.Errorf("events %v when the device is plugged in again", e)
	}
	h.configs(h.speed())
}

// noise does something at random and returns the transfers that it started.
func (h *Host) noise(r *rand.Rand, c configuration, all []*Transfer) []*Transfer {
	x := c.settings[r.IntN(len(c.settings))]
	switch k := r.IntN(16); {
	case k < 8 && len(x.endpoints) > 0:
		e := x.endpoints[r.IntN(len(x.endpoints))]
		buf := make([]byte, r.IntN(3*e.packet+1))
		for i := range buf {
			buf[i] = byte(r.Uint32() >> r.IntN(24))
		}
		return append(all, h.Start(e.address, buf))
	case k < 11 && len(all) > 0:
		h.Device.Cancel(&all[r.IntN(len(all))].Packet)
	case k == 11:
		h.Control(setup(uint16(r.Uint32()), uint16(r.IntN(4)), uint16(r.IntN(4)), uint16(r.IntN(64))), make([]byte, r.IntN(64)))
	case k == 12 && len(x.endpoints) > 0:
		h.Control(setup(0x0201, 0, uint16(x.endpoints[0].address), 0), nil)
	case k == 13:
		h.Control(setup(0x010b, uint16(x.alternate), uint16(x.iface), 0), nil)
	case k == 14:
		h.Control(setup(0x0009, uint16(c.value), 0, 0), nil)
	}
	return all
}

// first puts the device into its first configuration.
func (h *Host) first() configuration {
	c := h.configs(h.speed())[0]
	h.Configure(uint16(c.value))
	return c
}

// testHammer plays on the device from several goroutines at once: for the race detector, and for transfers that get lost.
func testHammer(t *testing.T, h *Host) {
	c := h.first()
	var wg sync.WaitGroup
	lists := make([][]*Transfer, 4)
	for i := range lists {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 3))
			for range 400 {
				lists[i] = h.noise(r, c, lists[i])
			}
		})
	}
	wg.Go(func() {
		for i := range 8 {
			time.Sleep(time.Millisecond)
			if i%4 == 3 {
				h.Port.Unplug()
				if err := h.Port.Plug(h.Device); err != nil {
					t.Error(err)
				}
			}
			h.Reset()
			h.Configure(uint16(c.value))
		}
	})
	wg.Wait()
	for _, l := range lists {
		for _, x := range l {
			h.Device.Cancel(&x.Packet)
		}
	}
	for _, l := range lists {
		h.once(l, func(usb.Status) bool { return true })
	}
	h.Reset()
	h.configs(h.speed())
}

// testRoundTrip saves a device after some noise and loads it into a fresh one, and loads what is damaged.
func testRoundTrip(t *testing.T, fresh func() *Host) {
	for seed := range uint64(6) {
		a := fresh()
		r := rand.New(rand.NewPCG(seed, 5))
		c := a.first()
		var all []*Transfer
		for range 60 {
			all = a.noise(r, c, all)
		}
		for _, x := range all {
			a.Device.Cancel(&x.Packet)
		}
		a.once(all, func(usb.Status) bool { return true })
		drain(a.Device)
		saved := snapshot.Save(a.Device)
		b := fresh()
		if err := snapshot.Load(b.Device, saved); err != nil {
			t.Fatal(err)
		}
		if s, ok := b.Device.(hw.Starter); ok {
			s.Start()
		}
		if again := snapshot.Save(b.Device); !bytes.Equal(saved, again) {
			t.Fatalf("state saved, loaded and saved again differs:\n%q\n%q", saved, again)
		}
		if got, want := b.Do(0x8008, 0, 0, 1), a.Do(0x8008, 0, 0, 1); !bytes.Equal(got, want) {
			t.Errorf("configuration %v, want %v", got, want)
		}
		for range 40 {
			damaged := bytes.Clone(saved)
			for range 1 + r.IntN(8) {
				damaged[r.IntN(len(damaged))] ^= 1 << r.IntN(8)
			}
			if snapshot.Load(b.Device, damaged) != nil {
				b.Device.Reset(hw.PowerOn)
			}
			if s, ok := b.Device.(hw.Starter); ok {
				s.Start()
			}
			var late []*Transfer
			for range 10 {
				late = b.noise(r, c, late)
			}
			for _, x := range late {
				b.Device.Cancel(&x.Packet)
			}
			b.once(late, func(usb.Status) bool { return true })
		}
	}
}

func drain(d usb.Device) {
	if d, ok := d.(hw.Drainer); ok {
		d.Drain()
	}
}
