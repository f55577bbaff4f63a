package export

import (
	"bytes"
	"io"
	"testing"

	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/zero"
	"govm-desktop/usbredir"
)

// recording is a connection that brings given bytes and takes any.
type recording struct {
	io.Reader
}

func (recording) Write(p []byte) (int, error) { return len(p), nil }
func (recording) Close() error                { return nil }

// conversation is what a guest may say.
func conversation() []byte {
	e := usbredir.NewEncoder(usbredir.Config{Role: usbredir.Guest, Caps: usbredir.AllCaps})
	var out []byte
	say := func(p usbredir.Packet) {
		var err error
		if out, err = e.Append(out, &p); err != nil {
			panic(err)
		}
	}
	say(usbredir.Packet{Type: usbredir.TypeHello})
	e.SetPeer(usbredir.AllCaps)
	say(usbredir.Packet{Type: usbredir.TypeFilterFilter, Data: []byte("-1,-1,-1,-1,1")})
	say(usbredir.Packet{Type: usbredir.TypeSetConfiguration, ID: 1, Configuration: 3})
	for alt := range uint8(3) {
		say(usbredir.Packet{Type: usbredir.TypeSetAltSetting, ID: 2, Alt: alt})
		say(usbredir.Packet{Type: usbredir.TypeStartInterruptReceiving, Endpoint: 0x83})
		say(usbredir.Packet{Type: usbredir.TypeStartIsoStream, Endpoint: 0x82, PacketsPerURB: 8, URBs: 4})
		say(usbredir.Packet{Type: usbredir.TypeStartBulkReceiving, Endpoint: 0x81, Length: 1024, URBs: 3})
		say(usbredir.Packet{Type: usbredir.TypeBulkPacket, ID: 3, Endpoint: 0x81, Length: 4096})
		say(usbredir.Packet{Type: usbredir.TypeCancelDataPacket, ID: 3})
		say(usbredir.Packet{Type: usbredir.TypeBulkPacket, ID: 4, Endpoint: 1, Length: 3, Data: []byte{0, 0, 1}})
		say(usbredir.Packet{Type: usbredir.TypeInterruptPacket, ID: 5, Endpoint: 3, Length: 3, Data: []byte{0, 0, 1}})
		say(usbredir.Packet{Type: usbredir.TypeIsoPacket, ID: 6, Endpoint: 2, Length: 3, Data: []byte{0, 0, 1}})
		say(usbredir.Packet{Type: usbredir.TypeControlPacket, ID: 7, Endpoint: 0x80, RequestType: 0x80, Request: 6, Value: 0x200, Length: 255})
		say(usbredir.Packet{Type: usbredir.TypeAllocBulkStreams, Endpoints: 0x20002, Streams: 4})
		say(usbredir.Packet{Type: usbredir.TypeStopBulkReceiving, Endpoint: 0x81})
		say(usbredir.Packet{Type: usbredir.TypeStopInterruptReceiving, Endpoint: 0x83})
		say(usbredir.Packet{Type: usbredir.TypeStopIsoStream, Endpoint: 0x82})
		say(usbredir.Packet{Type: usbredir.TypeReset})
	}
	say(usbredir.Packet{Type: usbredir.TypeDeviceDisconnectAck})
	return out
}

// slow brings the hello, and the rest when the device has been announced.
type slow struct {
	parts [][]byte
	x     *Exporter
}

func (s *slow) Read(p []byte) (int, error) {
	if len(s.parts) == 0 {
		return 0, io.EOF
	}
	if len(s.parts) == 1 {
		for n := 0; n < 200_000; n++ { // a while, without a clock: some inputs are such that nothing is announced
			s.x.mu.Lock()
			t := s.x.session
			s.x.mu.Unlock()
			t.mu.Lock()
			ready := t.announced || t.closed || !t.hello
			t.mu.Unlock()
			if ready {
				break
			}
		}
	}
	n := copy(p, s.parts[0])
	if s.parts[0] = s.parts[0][n:]; len(s.parts[0]) == 0 {
		s.parts = s.parts[1:]
	}
	return n, nil
}

// FuzzSession: whatever the other end says, the session ends with the connection, and the device can be used by the next.
func FuzzSession(f *testing.F) {
	hello := 12 + 64 + 4
	f.Add(conversation(), uint16(hello))
	f.Add(conversation(), uint16(0))
	f.Fuzz(func(t *testing.T, in []byte, cut uint16) {
		if len(in) > 1<<15 {
			return
		}
		d, err := zero.New(zero.Config{})
		if err != nil {
			t.Fatal(err)
		}
		x, err := New(Config{Device: d, Speeds: usb.SpeedSet(usb.High)})
		if err != nil {
			t.Fatal(err)
		}
		at := min(int(cut), len(in))
		_ = x.Serve(recording{&slow{[][]byte{in[:at], in[at:]}, x}})
		_ = x.Serve(recording{bytes.NewReader(nil)})
		x.Close()
	})
}
