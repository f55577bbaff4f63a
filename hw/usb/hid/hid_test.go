package hid

import (
	"bytes"
	"fmt"
	"testing"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/usbtest"
	"govm-desktop/input"
	"govm-desktop/input/keycodemap"
)

type bench struct {
	t      *testing.T
	clock  *clock.Manual
	router *input.Router
	*usbtest.Host
}

// plug makes a device, configures it and has it polled once, so that it takes part.
func plug(t *testing.T, make func(Config) usb.Device) *bench {
	b := &bench{t: t, clock: clock.NewManual(), router: &input.Router{}}
	b.Host = usbtest.New(t, make(Config{Clock: b.clock, Input: b.router}), usb.High)
	b.Configure(1)
	b.Device.Cancel(&b.Start(0x81, nil).Packet)
	b.drain()
	return b
}

// drain waits until the router knows of everything.
func (b *bench) drain() { b.Device.(hw.Drainer).Drain() }

func newKeyboard(cfg Config) usb.Device {
	return NewKeyboard(cfg, keycodemap.New().USB)
}
func newMouse(cfg Config) usb.Device  { return NewMouse(cfg) }
func newTablet(cfg Config) usb.Device { return NewTablet(cfg) }

func (b *bench) key(c input.Code, down bool) {
	b.router.Send(input.Event{Kind: input.Key, Code: c, Down: down})
}

// want reads a report.
func (b *bench) want(ep uint8, want ...byte) {
	b.t.Helper()
	if got, st := b.In(ep, 64); st != usb.OK || !bytes.Equal(got, want) {
		b.t.Errorf("report % x, %v, want % x", got, st, want)
	}
}

// quiet wants no report to wait.
func (b *bench) quiet(ep uint8) {
	b.t.Helper()
	x := b.Start(ep|usb.DirIn, make([]byte, 64))
	if x.Ended() {
		b.t.Errorf("a report nobody wants: % x", x.Buf[:x.Actual])
	}
	b.Device.Cancel(&x.Packet)
	x.Wait()
}

func TestContract(t *testing.T) {
	for name, f := range map[string]func(Config) usb.Device{"keyboard": newKeyboard, "mouse": newMouse, "tablet": newTablet} {
		t.Run(name, func(t *testing.T) {
			usbtest.TestDevice(t, func(testing.TB) usb.Device { return f(Config{Clock: clock.NewManual(), Input: &input.Router{}}) })
		})
	}
}

func TestKeyboard_keys(t *testing.T) {
	b := plug(t, newKeyboard)
	b.key(42, true) // left shift
	b.key(30, true) // a
	b.key(30, true)
	b.key(30, false)
	b.key(42, false)
	b.want(1, 2, 0, 0, 0, 0, 0, 0, 0)
	b.want(1, 2, 0, 4, 0, 0, 0, 0, 0)
	b.want(1, 2, 0, 0, 0, 0, 0, 0, 0)
	b.want(1, 0, 0, 0, 0, 0, 0, 0, 0)
	b.quiet(1)
	b.key(113, true) // mute
	b.want(2, 1, 0xe1, 0, 0, 0, 0, 0, 0, 0)
	b.key(113, false)
	b.want(2, 1, 0, 0, 0, 0, 0, 0, 0, 0)
	b.key(116, true) // power
	b.want(2, 2, 1, 0)
	b.key(142, true) // sleep
	b.want(2, 2, 1, 2)
}

// codes are letters, by usage from 4 on.
func codes(t *testing.T, n int) (list []input.Code) {
	m := keycodemap.New()
	for u := range uint32(n) {
		c, ok := m.ByUSB(pageKeyboard<<16 | 4 + u)
		if !ok {
			t.Fatal("no such key")
		}
		list = append(list, c)
	}
	return list
}

func TestKeyboard_manyKeys(t *testing.T) {
	b := plug(t, newKeyboard)
	b.Device.Cancel(&b.Start(0x82, nil).Packet) // the guest knows the second interface
	keys := codes(t, 8)
	for _, c := range keys {
		b.key(c, true)
	}
	for n := range bootKeys {
		want := make([]byte, 8)
		for i := range n + 1 {
			want[2+i] = byte(4 + i)
		}
		b.want(1, want...)
	}
	b.quiet(1)
	extra := make([]byte, 29)
	extra[0], extra[2] = reportKeys, 1<<2 // usage 10
	b.want(2, extra...)
	extra[2] |= 1 << 3
	b.want(2, extra...)
	b.key(keys[1], false)
	b.want(1, 0, 0, 4, 0, 6, 7, 8, 9)
	b.key(keys[6], false)
	extra[2] = 1 << 3
	b.want(2, extra...)
	if got := b.Do(0xa101, 0x0100, 0, 8); !bytes.Equal(got, []byte{0, 0, 4, 0, 6, 7, 8, 9}) {
		t.Errorf("GET_REPORT % x", got)
	}
}

// TestKeyboard_rollOver is a BIOS that knows nothing of the second interface.
func TestKeyboard_rollOver(t *testing.T) {
	b := plug(t, newKeyboard)
	b.Do(0x210b, protocolBoot, 0, 0)
	keys := codes(t, 7)
	for _, c := range keys {
		b.key(c, true)
	}
	for range bootKeys {
		b.In(1, 8)
	}
	b.want(1, 0, 0, 1, 1, 1, 1, 1, 1)
	b.key(keys[6], false)
	b.want(1, 0, 0, 4, 5, 6, 7, 8, 9)
}

func TestKeyboard_leds(t *testing.T) {
	b := plug(t, newKeyboard)
	b.Do(0x2109, 0x0200, 0, 0, 2)
	b.drain()
	if l := b.router.LEDs(); l != input.LEDCaps {
		t.Errorf("lights %d", l)
	}
	b.Do(0x2109, 0x0200, 0, 0, 5)
	b.drain()
	if l := b.router.LEDs(); l != input.LEDNum|input.LEDScroll {
		t.Errorf("lights %d", l)
	}
	b.Refused(0x2109, 0x0300, 0, 0, 5)
}

func TestKeyboard_idle(t *testing.T) {
	b := plug(t, newKeyboard)
	b.Do(0x210a, 25<<8, 0, 0) // 100 ms
	if got := b.Do(0xa102, 0, 0, 1); got[0] != 25 {
		t.Errorf("idle rate %d", got[0])
	}
	b.key(30, true)
	b.want(1, 0, 0, 4, 0, 0, 0, 0, 0)
	b.quiet(1)
	b.clock.Step(99 * clock.Millisecond)
	b.quiet(1)
	b.clock.Step(clock.Millisecond)
	b.want(1, 0, 0, 4, 0, 0, 0, 0, 0)
	b.Do(0x210a, 0, 0, 0)
	b.clock.Step(clock.Second)
	b.quiet(1)
}

// TestKeyboard_nobodyReads has more keys than may wait; none may hang at the end.
func TestKeyboard_nobodyReads(t *testing.T) {
	b := plug(t, newKeyboard)
	for i := range 5000 {
		b.key(30+input.Code(i%8), i%16 < 8)
	}
	for _, c := range []input.Code{30, 31, 32, 33, 34, 35, 36, 37} {
		b.key(c, false)
	}
	last, n := []byte(nil), 0
	for {
		x := b.Start(0x81, make([]byte, 8))
		if !x.Ended() {
			b.Device.Cancel(&x.Packet)
			break
		}
		last = x.Buf
		n++
	}
	if n > queueHard || !bytes.Equal(last, make([]byte, 8)) {
		t.Errorf("after %d reports: % x", n, last)
	}
}

func TestKeyboard_takesPartWhenPolled(t *testing.T) {
	b := &bench{t: t, clock: clock.NewManual(), router: &input.Router{}}
	var ps2 sink
	b.router.Add(&ps2, input.Key)
	b.Host = usbtest.New(t, newKeyboard(Config{Clock: b.clock, Input: b.router}), usb.Full)
	b.Configure(1)
	b.key(30, true)
	b.key(30, false)
	x := b.Start(0x81, make([]byte, 8))
	b.drain()
	b.key(31, true)
	if got, _ := x.Wait(); got[2] != 0x16 {
		t.Errorf("report % x", got)
	}
	b.Reset()
	b.drain()
	b.key(32, true)
	if fmt.Sprint(ps2) != "[{0 30 true 0 0} {0 30 false 0 0} {0 32 true 0 0}]" {
		t.Errorf("the other keyboard got %v", ps2)
	}
}

type sink []input.Event

func (s *sink) Send(e input.Event) { *s = append(*s, e) }

// wake is told of a remote wake-up.
func TestKeyboard_wakes(t *testing.T) {
	b := plug(t, newKeyboard)
	b.Do(0x0003, 1, 0, 0)
	b.Events()
	b.Device.(usb.Suspender).Suspend(true)
	b.key(30, true)
	if e := b.Events(); len(e) != 1 || e[0] != usb.RemoteWakeup {
		t.Errorf("events %v", e)
	}
	b.Device.(usb.Suspender).Suspend(false)
	b.want(1, 0, 0, 4, 0, 0, 0, 0, 0)
}

func (b *bench) pointer(k input.Kind, x, y int32) {
	b.router.Send(input.Event{Kind: k, X: x, Y: y})
}

func (b *bench) button(c input.Code, down bool) {
	b.router.Send(input.Event{Kind: input.Button, Code: c, Down: down})
}

func TestTablet(t *testing.T) {
	b := plug(t, newTablet)
	if !b.router.Absolute() {
		t.Error("the router knows nothing of it")
	}
	x := b.Start(0x81, make([]byte, 8))
	b.pointer(input.Abs, 100, 0x1234)
	b.pointer(input.Abs, 200, 0x1235)
	if x.Ended() {
		t.Error("a report before what belongs together is there")
	}
	b.pointer(input.Sync, 0, 0)
	if got, _ := x.Wait(); !bytes.Equal(got, []byte{0, 200, 0, 0x35, 0x12, 0, 0}) {
		t.Errorf("report % x", got)
	}
	// A click and a move with nobody looking: the click is where it was.
	b.button(input.BtnLeft, true)
	b.button(input.BtnLeft, false)
	b.pointer(input.Abs, 0, 32767)
	b.pointer(input.Wheel, -1, 2)
	b.pointer(input.Sync, 0, 0)
	b.want(1, 1, 200, 0, 0x35, 0x12, 0, 0)
	b.want(1, 0, 0, 0, 0xff, 0x7f, 2, 0xff)
	b.quiet(1)
	b.pointer(input.Abs, -5, 99999)
	b.button(input.BtnExtra, true)
	b.want(1, 0, 0, 0, 0xff, 0x7f, 0, 0)
	b.want(1, 16, 0, 0, 0xff, 0x7f, 0, 0)
}

func TestMouse(t *testing.T) {
	b := plug(t, newMouse)
	b.pointer(input.Rel, 300, -130)
	b.pointer(input.Sync, 0, 0)
	b.want(1, 0, 127, 0x81, 0, 0)
	b.want(1, 0, 127, 0xfd, 0, 0)
	b.want(1, 0, 46, 0, 0, 0)
	b.button(input.BtnMiddle, true)
	b.pointer(input.Sync, 0, 0)
	b.want(1, 4, 0, 0, 0, 0)
	b.Do(0x210b, protocolBoot, 0, 0)
	b.pointer(input.Rel, 1, 2)
	b.pointer(input.Wheel, 1, 1)
	b.want(1, 4, 1, 2)
	b.quiet(1)
	if got := b.Do(0xa103, 0, 0, 1); got[0] != protocolBoot {
		t.Error("the protocol has not been set")
	}
}

// TestReport_shortTransfer has too little room: what does not end at a packet is lost, what does goes on.
func TestReport_shortTransfer(t *testing.T) {
	b := plug(t, newKeyboard)
	b.key(30, true)
	if _, st := b.In(1, 3); st != usb.Babble {
		t.Errorf("a report of 8 bytes into 3 ends with %v", st)
	}
}

// TestDescriptors wants the descriptors of reports to be as long as their items say, with their collections closed.
func TestDescriptors(t *testing.T) {
	for _, d := range [][]byte{bootReports(), extraReports(), mouseReports(), tabletReports()} {
		depth := 0
		for i := 0; i < len(d); {
			switch d[i] &^ 3 {
			case 0xa0:
				depth++
			case 0xc0:
				depth--
			}
			i += 1 + [4]int{0, 1, 2, 4}[d[i]&3]
			if i > len(d) {
				t.Errorf("the last item of % x is cut", d)
			}
		}
		if depth != 0 {
			t.Errorf("% x leaves %d collections open", d, depth)
		}
	}
}

// TestKeyboard_everyKey presses each key of the table that HID has, and finds its usage in a report.
func TestKeyboard_everyKey(t *testing.T) {
	m, n := keycodemap.New(), 0
	for c := range input.Code(0x300) {
		usage, ok := m.USB(c)
		if !ok {
			continue
		}
		if !Carries(usage) {
			t.Errorf("%s (usage %06x) cannot be sent", m.Name(c), usage)
			continue
		}
		n++
		b := plug(t, newKeyboard)
		b.key(c, true)
		ep := uint8(1)
		if usual(usage)>>16 != pageKeyboard {
			ep = 2
		}
		down, _ := b.In(ep, 32)
		b.key(c, false)
		up, _ := b.In(ep, 32)
		if bytes.Equal(down, up) {
			t.Errorf("%s: % x, % x", m.Name(c), down, up)
		}
	}
	if n < 270 {
		t.Errorf("%d keys", n)
	}
}
