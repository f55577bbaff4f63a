package zero

import (
	"bytes"
	"testing"

	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/usbtest"
)

func fresh(t testing.TB, pattern int) *Device {
	d, err := New(Config{Pattern: pattern})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestContract(t *testing.T) {
	usbtest.TestDevice(t, func(t testing.TB) usb.Device { return fresh(t, Zeros) })
}

func TestNew_pattern(t *testing.T) {
	if _, err := New(Config{Pattern: 3}); err == nil {
		t.Error("a pattern that is not there is accepted")
	}
}

func TestControlBuffer(t *testing.T) {
	h := usbtest.New(t, fresh(t, Zeros), usb.High)
	data := bytes.Repeat([]byte("gadget"), 700)
	h.Do(0x405b, 0, 0, 0, data...)
	if got := h.Do(0xc05c, 0, 0, uint16(len(data))); !bytes.Equal(got, data) {
		t.Errorf("read back %d bytes that differ", len(got))
	}
	h.Refused(0x405b, 1, 0, 0, 1)
	h.Refused(0xc05c, 0, 1, 1)
}

// pattern is what n bytes look like in packets of a size.
func pattern(n, packet int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % packet % 63)
	}
	return b
}

func TestSourceSink(t *testing.T) {
	for _, c := range []struct {
		speed  usb.Speed
		ep     uint8
		alt    uint16
		n      int
		packet int
		got    int // of the source
	}{
		{usb.Full, epBulk, 0, 1000, 64, 1000}, {usb.High, epBulk, 0, 5000, 512, 5000}, {usb.Super, epBulk, 1, 70000, 1024, 70000},
		{usb.Full, epInt, 2, 64, 64, 64}, {usb.High, epInt, 2, 3000, 1024, 3000},
		{usb.Full, epIso, 1, 2000, 1023, 1023}, {usb.High, epIso, 1, 1024, 1024, 1024}, {usb.Super, epIso, 1, 100, 1024, 100},
	} {
		h := usbtest.New(t, fresh(t, Mod63), c.speed)
		h.Configure(configSourceSink)
		h.Do(0x010b, c.alt, 0, 0)
		want := pattern(c.n, c.packet)
		if got, st := h.In(c.ep, c.n); st != usb.OK || !bytes.Equal(got, want[:c.got]) {
			t.Errorf("%v endpoint %d: source gives %d bytes, %v", c.speed, c.ep, len(got), st)
		}
		if n, st := h.Out(c.ep, want); st != usb.OK || n != c.n {
			t.Errorf("%v endpoint %d: sink takes %d bytes, %v", c.speed, c.ep, n, st)
		}
		want[c.n-1]++
		switch n, st := h.Out(c.ep, want); {
		case c.ep == epIso && (st != usb.OK || n != c.n-1):
			t.Errorf("isochronous sink takes %d bytes of a wrong pattern, %v", n, st)
		case c.ep != epIso && st != usb.Stall:
			t.Errorf("%v endpoint %d: a wrong pattern ends with %v", c.speed, c.ep, st)
		}
	}
}

func TestLoopback(t *testing.T) {
	h := usbtest.New(t, fresh(t, Zeros), usb.High)
	h.Configure(configLoopback)
	early := h.Start(epBulk|usb.DirIn, make([]byte, 100))
	for _, s := range []string{"one", "and two", "three"} {
		if _, st := h.Out(epBulk, []byte(s)); st != usb.OK {
			t.Fatal(st)
		}
	}
	if got, _ := early.Wait(); string(got) != "one" {
		t.Errorf("got %q", got)
	}
	for _, want := range []string{"and", " tw", "o", "thr", "ee"} {
		if got, st := h.In(epBulk, 3); st != usb.OK || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, st, want)
		}
	}
	var many []*usbtest.Transfer
	for range 100 {
		many = append(many, h.Start(epBulk, make([]byte, 4096)))
	}
	if many[99].Ended() {
		t.Error("the loopback takes without bound")
	}
	for range 100 {
		if got, st := h.In(epBulk, 4096); st != usb.OK || len(got) != 4096 {
			t.Fatalf("%d bytes, %v", len(got), st)
		}
	}
	many[99].Wait()
}
