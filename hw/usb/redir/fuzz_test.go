package redir

import (
	"bytes"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"govm-desktop/hw"
	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// recording is a connection that brings given bytes and takes any.
type recording struct {
	io.Reader
	closed chan struct{}
	done   atomic.Bool
}

func (r *recording) Write(p []byte) (int, error) { return len(p), nil }

func (r *recording) Close() error {
	if r.done.CompareAndSwap(false, true) {
		close(r.closed)
	}
	return nil
}

// conversation is what a host with a disk, a keyboard and a camera in one device says.
func conversation() []byte {
	e := usbredir.NewEncoder(usbredir.Config{Role: usbredir.Host, Caps: usbredir.AllCaps})
	var out []byte
	say := func(p usbredir.Packet) {
		var err error
		if out, err = e.Append(out, &p); err != nil {
			panic(err)
		}
	}
	say(usbredir.Packet{Type: usbredir.TypeHello})
	e.SetPeer(usbredir.AllCaps)
	eps, infos := &usbredir.EPInfo{}, &usbredir.InterfaceInfo{Count: 1}
	for i := range eps.Type {
		eps.Type[i] = usbredir.EPNone
	}
	eps.Type[0], eps.Type[16] = usbredir.EPControl, usbredir.EPControl
	for i, k := range map[int]usbredir.EPType{1: usbredir.EPBulk, 17: usbredir.EPBulk, 18: usbredir.EPInterrupt, 3: usbredir.EPInterrupt, 20: usbredir.EPIso, 4: usbredir.EPIso, 21: usbredir.EPBulk} {
		eps.Type[i], eps.MaxPacketSize[i], eps.Interval[i] = k, 64, 1
	}
	infos.Class[0], infos.SubClass[0], infos.Protocol[0] = 8, 6, 0x50
	say(usbredir.Packet{Type: usbredir.TypeEPInfo, EPs: eps})
	say(usbredir.Packet{Type: usbredir.TypeInterfaceInfo, Interfaces: infos})
	say(usbredir.Packet{Type: usbredir.TypeDeviceConnect, Device: usbredir.Device{Speed: usbredir.SpeedHigh, Vendor: 0x403, Product: 0x6001}})
	desc := []byte{18, 1, 0, 2, 0, 0, 0, 64, 3, 4, 1, 0x60, 0, 1, 1, 2, 3, 1}
	say(usbredir.Packet{Type: usbredir.TypeControlPacket, Endpoint: 0x80, RequestType: 0x80, Request: 6, Length: 18, Data: desc})
	for id := range uint64(2) {
		say(usbredir.Packet{Type: usbredir.TypeControlPacket, ID: id, Endpoint: 0x80, Length: 4, Data: []byte{4, 3, 'a', 0}})
	}
	for id := range uint64(24) {
		say(usbredir.Packet{Type: usbredir.TypeConfigurationStatus, ID: id, Configuration: 1})
		say(usbredir.Packet{Type: usbredir.TypeBulkPacket, ID: id, Endpoint: 0x81, Length: 13, Data: []byte("USBS123456789")})
		say(usbredir.Packet{Type: usbredir.TypeBulkPacket, ID: id, Endpoint: 1, Length: 31})
		say(usbredir.Packet{Type: usbredir.TypeInterruptPacket, ID: id, Endpoint: 0x82, Length: 8, Data: make([]byte, 8)})
		say(usbredir.Packet{Type: usbredir.TypeIsoPacket, ID: id, Endpoint: 0x84, Length: 20, Data: make([]byte, 20)})
		say(usbredir.Packet{Type: usbredir.TypeBufferedBulkPacket, ID: id, Endpoint: 0x85, Length: 70, Data: make([]byte, 70)})
	}
	say(usbredir.Packet{Type: usbredir.TypeInterruptReceivingStatus, Endpoint: 0x82, Status: usbredir.Stall})
	say(usbredir.Packet{Type: usbredir.TypeDeviceDisconnect})
	return out
}

// fuzzGuest sends some of everything to a device.
type fuzzGuest struct {
	d      *Device
	issued atomic.Int32
	ended  atomic.Int32
	packs  []*usb.Packet
	t      *testing.T
}

func (g *fuzzGuest) PortEvent(_ *usb.Port, e usb.PortEvent) {
	if e != usb.Connected {
		return
	}
	send := func(ep uint8, s usb.Setup, data []byte) {
		p := &usb.Packet{Endpoint: ep, Setup: s}
		p.Data.Append(data[:len(data)/2])
		p.Data.Append(data[len(data)/2:])
		var once atomic.Bool
		p.Done = func(p *usb.Packet) {
			if !once.CompareAndSwap(false, true) {
				g.t.Error("a transfer ends twice")
			}
			if p.Actual > p.Data.Len() {
				g.t.Errorf("%d bytes of %d", p.Actual, p.Data.Len())
			}
			g.ended.Add(1)
		}
		g.issued.Add(1)
		g.packs = append(g.packs, p)
		p.Send(g.d)
	}
	send(0, usb.Setup{Request: 9, Value: 1}, nil)
	cbw := make([]byte, 31)
	copy(cbw, "USBC1234\x40\x00\x00\x00\x80")
	for _, ep := range []uint8{0x81, 0x82, 0x84, 0x85, 3, 4} {
		for n := range 3 {
			send(ep, usb.Setup{}, make([]byte, 32*n+13))
		}
	}
	send(1, usb.Setup{}, cbw)
	send(0, usb.Setup{RequestType: 0x80, Request: 6, Value: 2 << 8, Length: 40}, make([]byte, 40))
	send(0, usb.Setup{Request: 1, RequestType: 2, Index: 0x81}, nil)
	g.d.Cancel(g.packs[2])
	g.d.Cancel(g.packs[5])
}

// FuzzDevice: whatever the other end says, every transfer ends once, and nothing hangs.
func FuzzDevice(f *testing.F) {
	f.Add(conversation(), uint16(0))
	f.Add(conversation(), uint16(700))
	f.Add([]byte{}, uint16(0))
	f.Fuzz(func(t *testing.T, in []byte, cut uint16) {
		if len(in) > 1<<16 {
			return
		}
		x := newExchange()
		d := New(Config{Stream: x, Grace: time.Minute})
		g := &fuzzGuest{d: d, t: t}
		port := usb.NewPort(g, 0, usb.SpeedSet(usb.Low, usb.Full, usb.High, usb.Super))
		if err := port.Plug(d); err != nil {
			t.Fatal(err)
		}
		at := min(int(cut), len(in))
		for _, part := range [][]byte{in[:at], in[at:]} { // the second connection starts in the middle, or anew
			r := &recording{Reader: bytes.NewReader(part), closed: make(chan struct{})}
			x.conns <- r
			<-r.closed
		}
		d.Reset(hw.BusReset)
		d.Close()
		x.Close()
		port.Unplug()
		for end := time.Now().Add(10 * time.Second); g.issued.Load() != g.ended.Load(); time.Sleep(time.Millisecond) { // the reader may be telling still
			if time.Now().After(end) {
				t.Fatalf("%d transfers, %d have ended", g.issued.Load(), g.ended.Load())
			}
		}
	})
}
