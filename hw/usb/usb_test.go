package usb

import (
	"errors"
	"slices"
	"testing"

	"govm-desktop/hw"
	"govm-desktop/snapshot"
)

type toy struct {
	port *Port
	got  []*Packet
}

func (t *toy) Reset(hw.Cause)        {}
func (t *toy) State(*snapshot.Coder) {}
func (t *toy) Plug(p *Port)          { t.port = p }
func (t *toy) Submit(p *Packet)      { t.got = append(t.got, p) }
func (t *toy) Cancel(p *Packet)      { p.Complete(0, Cancelled) }

// hub is a toy with sockets.
type hub struct {
	toy
	ports  []*Port
	events []PortEvent
}

func (h *hub) Ports() []*Port                 { return h.ports }
func (h *hub) Socket() *Port                  { return h.port }
func (h *hub) PortEvent(p *Port, e PortEvent) { h.events = append(h.events, e) }

func newHub(n int) *hub {
	h := &hub{}
	for i := range n {
		h.ports = append(h.ports, NewPort(h, i, SpeedSet(Full, High)))
	}
	return h
}

func TestPort_life(t *testing.T) {
	root, h, d := newHub(2), newHub(4), &toy{}
	root.ports[1].Connect(Full) // nothing is plugged in
	if err := errors.Join(root.ports[1].Plug(h), h.ports[2].Plug(d)); err != nil {
		t.Fatal(err)
	}
	if err := h.ports[2].Plug(&toy{}); !errors.Is(err, ErrOccupied) {
		t.Errorf("a second plug: %v", err)
	}
	if got := d.port.Path(); got != "2.3" {
		t.Errorf("path %q", got)
	}
	h.port.Connect(High)
	d.port.Wake() // not connected yet
	d.port.Connect(Full)
	d.port.Connect(Full)
	d.port.Wake()
	d.port.SetAddress(7)
	if Find(root, 7) != Device(d) || Find(root, 8) != nil {
		t.Error("Find does not find by address")
	}
	if h.ports[2].Unplug() != Device(d) || d.port != nil || Find(root, 7) != nil || h.ports[2].Address() != 0 {
		t.Error("Unplug leaves something behind")
	}
	if want := []PortEvent{Connected, RemoteWakeup, Gone}; !slices.Equal(h.events, want) {
		t.Errorf("events %v, want %v", h.events, want)
	}
}

func TestPacket_endsOnce(t *testing.T) {
	ends := 0
	p := &Packet{Endpoint: DirIn | 1, Done: func(*Packet) { ends++ }}
	if p.Complete(1, OK) {
		t.Error("a packet that was not sent ends")
	}
	p.Send(&toy{})
	if !p.Busy() || !p.Complete(5, Stall) || p.Complete(6, OK) || ends != 1 || p.Actual != 5 || p.Status != Stall {
		t.Errorf("%d ends, %d bytes, %v", ends, p.Actual, p.Status)
	}
}

func TestPacket_direction(t *testing.T) {
	for _, c := range []struct {
		p    *Packet
		want bool
	}{
		{&Packet{Endpoint: 0x81}, true},
		{&Packet{Endpoint: 0x01}, false},
		{&Packet{Setup: Setup{RequestType: 0x80, Length: 1}}, true},
		{&Packet{Setup: Setup{RequestType: 0x80}}, false},
		{&Packet{Setup: Setup{RequestType: 0x00, Length: 1}}, false},
	} {
		if c.p.In() != c.want {
			t.Errorf("%+v: In = %v", c.p.Setup, c.p.In())
		}
	}
}

func TestSetup(t *testing.T) {
	b := [8]byte{0x80, 6, 0x00, 0x01, 0x09, 0x04, 0x40, 0x02}
	s := ParseSetup(b)
	if want := (Setup{0x80, 6, 0x0100, 0x0409, 0x0240}); s != want || s.Bytes() != b || s.Kind() != 0x8006 {
		t.Errorf("%+v", s)
	}
}

func TestBuffer(t *testing.T) {
	var b Buffer
	one, two, three := make([]byte, 3), make([]byte, 1), make([]byte, 4)
	b.Append(one)
	b.Append(nil)
	b.Append(two)
	b.Append(three)
	if n := b.CopyIn([]byte("abcdefghij"), 2); n != 6 || string(one)+string(two)+string(three) != "\x00\x00abcdef" {
		t.Errorf("%d: %q %q %q", n, one, two, three)
	}
	p := make([]byte, 10)
	if n := b.CopyOut(p, 1); n != 7 || string(p[:n]) != "\x00abcdef" {
		t.Errorf("%d: %q", n, p)
	}
	if n := b.CopyOut(p[:2], 3); n != 2 || string(p[:n]) != "bc" {
		t.Errorf("%d: %q", n, p[:2])
	}
	if n := b.CopyOut(p, 8); n != 0 {
		t.Errorf("%d bytes beyond the end", n)
	}
	b.Reset()
	if b.Len() != 0 {
		t.Error("not empty after Reset")
	}
}
