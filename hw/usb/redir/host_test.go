package redir

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/usbtest"
	"govm-desktop/usbredir"
)

// fakeHost is the other end, packet by packet.
type fakeHost struct {
	t    *testing.T
	conn net.Conn
	enc  *usbredir.Encoder
	dec  *usbredir.Decoder
}

func (h *fakeHost) say(p usbredir.Packet) {
	h.t.Helper()
	b, err := h.enc.Append(nil, &p)
	if err == nil {
		_, err = h.conn.Write(b)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// hear waits for a packet of a type; others pass by.
func (h *fakeHost) hear(want usbredir.Type) usbredir.Packet {
	h.t.Helper()
	h.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		p, err := h.dec.Next(h.conn)
		if err != nil {
			h.t.Fatalf("waiting for %v: %v", want, err)
		}
		if p.Type == want {
			return *p
		}
	}
}

// logged collects what is logged.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSpace(l.b.String()), "\n")
}

// newFake plugs a device in and brings it to where a host has announced one with a bulk endpoint each way. desc changes what it says of itself.
func newFake(t *testing.T, cfg Config, speed usbredir.Speed, packet uint16, maxPacket0 uint8) (*fakeHost, *Device, *usb.Port, *watcher) {
	x := newExchange()
	cfg.Stream = x
	d := New(cfg)
	w := newWatcher()
	port := usb.NewPort(w, 0, usb.SpeedSet(usb.Low, usb.Full, usb.High, usb.Super))
	if err := port.Plug(d); err != nil {
		t.Fatal(err)
	}
	a, b := pair(t)
	x.conns <- a
	t.Cleanup(func() { d.Close(); x.Close() })
	c := usbredir.Config{Role: usbredir.Host, Caps: usbredir.AllCaps &^ usbredir.CapBulkStreams}
	h := &fakeHost{t, b, usbredir.NewEncoder(c), usbredir.NewDecoder(c)}
	h.say(usbredir.Packet{Type: usbredir.TypeHello})
	h.enc.SetPeer(h.hear(usbredir.TypeHello).Hello.Caps)
	eps := &usbredir.EPInfo{}
	for i := range eps.Type {
		eps.Type[i] = usbredir.EPNone
	}
	for _, i := range []int{1, 17} {
		eps.Type[i], eps.MaxPacketSize[i] = usbredir.EPBulk, packet
	}
	h.say(usbredir.Packet{Type: usbredir.TypeEPInfo, EPs: eps})
	h.say(usbredir.Packet{Type: usbredir.TypeInterfaceInfo, Interfaces: &usbredir.InterfaceInfo{Count: 1, Class: [32]uint8{0xff}}})
	h.say(usbredir.Packet{Type: usbredir.TypeDeviceConnect, Device: usbredir.Device{Speed: speed, Class: 0xff, Vendor: 1, Product: 2}})
	q := h.hear(usbredir.TypeControlPacket)
	desc := make([]byte, 18)
	desc[0], desc[1], desc[7] = 18, 1, maxPacket0
	h.say(usbredir.Packet{Type: usbredir.TypeControlPacket, ID: q.ID, Endpoint: 0x80, RequestType: 0x80, Request: 6, Length: 18, Data: desc})
	select {
	case <-w.events:
	case <-time.After(20 * time.Second):
		t.Fatal("the device does not show itself")
	}
	return h, d, port, w
}

func TestSpeed(t *testing.T) {
	for _, c := range []struct {
		speed  usbredir.Speed
		packet uint16
		ep0    uint8
		want   usb.Speed
	}{
		{usbredir.SpeedUnknown, 1024, 9, usb.Super}, {usbredir.SpeedUnknown, 1024, 64, usb.Super}, {usbredir.SpeedUnknown, 512, 64, usb.High},
		{usbredir.SpeedUnknown, 64, 64, usb.Full}, {usbredir.SpeedSuper, 1024, 9, usb.Super}, {usbredir.SpeedHigh, 512, 64, usb.High},
		{usbredir.SpeedFull, 64, 8, usb.Full}, {usbredir.SpeedLow, 8, 8, usb.Low},
	} {
		_, _, port, _ := newFake(t, Config{}, c.speed, c.packet, c.ep0)
		if _, s := port.Device(); s != c.want {
			t.Errorf("%+v: shown as %v", c, s)
		}
	}
}

// TestGarbage: what cannot be a packet ends it, at once, with one line that says which and why.
func TestGarbage(t *testing.T) {
	log := &logged{}
	h, _, _, w := newFake(t, Config{Grace: time.Hour, Log: slog.New(slog.NewTextHandler(log, nil))}, usbredir.SpeedHigh, 512, 64)
	if _, err := h.conn.Write([]byte{101, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	if e := <-w.events; e != usb.Gone {
		t.Errorf("event %v", e)
	}
	if l := log.lines(); len(l) != 1 || !strings.Contains(l[0], "bulk_packet, id 7") || !strings.Contains(l[0], "detached") {
		t.Errorf("log: %q", l)
	}
}

// start submits a read.
func start(t *testing.T, d *Device, n int) *usbtest.Transfer {
	x := (&usbtest.Host{T: t}).NewTransfer(0x81, make([]byte, n))
	x.Send(d)
	return x
}

// TestCancel_late: data that crosses the cancel is not lost.
func TestCancel_late(t *testing.T) {
	h, d, _, _ := newFake(t, Config{}, usbredir.SpeedHigh, 512, 64)
	a, b := start(t, d, 512), start(t, d, 512)
	first := h.hear(usbredir.TypeBulkPacket)
	second := h.hear(usbredir.TypeBulkPacket)
	d.Cancel(&a.Packet)
	if c := h.hear(usbredir.TypeCancelDataPacket); c.ID != first.ID {
		t.Fatalf("cancels %d, not %d", c.ID, first.ID)
	}
	for i, id := range []uint64{first.ID, second.ID} {
		h.say(usbredir.Packet{Type: usbredir.TypeBulkPacket, ID: id, Endpoint: 0x81, Length: 512, Data: bytes.Repeat([]byte{byte(i + 1)}, 512)})
	}
	for i, x := range []*usbtest.Transfer{a, b} {
		if got, st := x.Wait(); st != usb.OK || len(got) != 512 || got[511] != byte(i+1) {
			t.Errorf("read %d: %v, %d bytes", i, st, len(got))
		}
	}
	c := start(t, d, 512)
	id := h.hear(usbredir.TypeBulkPacket).ID
	d.Cancel(&c.Packet)
	h.say(usbredir.Packet{Type: usbredir.TypeBulkPacket, ID: id, Endpoint: 0x81, Status: usbredir.Cancelled, Length: 100, Data: make([]byte, 100)})
	if got, st := c.Wait(); st != usb.Cancelled || len(got) != 100 {
		t.Errorf("cancelled with a part: %v, %d bytes", st, len(got))
	}
}

// TestCancel_silence: an end that does not answer is not waited for longer than a driver waits.
func TestCancel_silence(t *testing.T) {
	h, d, _, _ := newFake(t, Config{}, usbredir.SpeedHigh, 512, 64)
	a := start(t, d, 512)
	id := h.hear(usbredir.TypeBulkPacket).ID
	d.Cancel(&a.Packet)
	if got, st := a.Wait(); st != usb.Cancelled || len(got) != 0 {
		t.Errorf("%v, %d bytes", st, len(got))
	}
	h.say(usbredir.Packet{Type: usbredir.TypeBulkPacket, ID: id, Endpoint: 0x81, Length: 512, Data: bytes.Repeat([]byte{9}, 512)}) // too late: nobody's memory
	b := start(t, d, 512)
	id = h.hear(usbredir.TypeBulkPacket).ID
	h.say(usbredir.Packet{Type: usbredir.TypeBulkPacket, ID: id, Endpoint: 0x81, Length: 512, Data: bytes.Repeat([]byte{5}, 512)})
	if got, st := b.Wait(); st != usb.OK || len(got) != 512 || got[0] != 5 {
		t.Errorf("%v, %d bytes", st, len(got))
	}
	if a.Buf[0] != 0 {
		t.Error("memory that was given back has been written")
	}
}

// TestAnswers: more than was asked for is babble; a wrong endpoint ends the connection.
func TestAnswers(t *testing.T) {
	h, d, _, w := newFake(t, Config{}, usbredir.SpeedHigh, 512, 64)
	a := start(t, d, 512)
	id := h.hear(usbredir.TypeBulkPacket).ID
	h.say(usbredir.Packet{Type: usbredir.TypeBulkPacket, ID: id, Endpoint: 0x81, Length: 1024, Data: make([]byte, 1024)})
	if got, st := a.Wait(); st != usb.Babble || len(got) != 512 {
		t.Errorf("%v, %d bytes", st, len(got))
	}
	start(t, d, 512)
	id = h.hear(usbredir.TypeBulkPacket).ID
	h.say(usbredir.Packet{Type: usbredir.TypeBulkPacket, ID: id, Endpoint: 0x82, Length: 1, Data: make([]byte, 1)})
	if e := <-w.events; e != usb.Gone {
		t.Errorf("event %v", e)
	}
}

// TestDescriptors_changed: remote wake-up is hidden, and streams that cannot be carried.
func TestDescriptors_changed(t *testing.T) {
	h, d, _, _ := newFake(t, Config{SuppressRemoteWake: true}, usbredir.SpeedSuper, 1024, 9)
	desc := []byte{9, 2, 31, 0, 1, 1, 0, 0xa0, 50, 9, 4, 0, 0, 1, 8, 6, 0x62, 0, 7, 5, 0x81, 2, 0, 4, 0, 6, 0x30, 15, 5, 0, 0}
	x := (&usbtest.Host{T: t}).NewTransfer(0, make([]byte, 255))
	x.Setup = usb.Setup{RequestType: 0x80, Request: 6, Value: 2 << 8, Length: 255}
	x.Send(d)
	id := h.hear(usbredir.TypeControlPacket).ID
	h.say(usbredir.Packet{Type: usbredir.TypeControlPacket, ID: id, Endpoint: 0x80, Length: 31, Data: desc})
	want := bytes.Clone(desc)
	want[7], want[28] = 0x80, 0
	if got, st := x.Wait(); st != usb.OK || !bytes.Equal(got, want) {
		t.Errorf("%v\n% x, want\n% x", st, got, want)
	}
}
