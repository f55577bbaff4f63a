package usbredir

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

const oldCaps = CapFilter | CapDisconnectAck | CapBulkReceiving // no capability that changes a length

func sampleInterfaces() *InterfaceInfo {
	i := &InterfaceInfo{Count: 2}
	i.Number = [32]uint8{0, 5}
	i.Class = [32]uint8{8, 3}
	i.SubClass = [32]uint8{6, 1}
	i.Protocol = [32]uint8{0x50, 2}
	return i
}

// sampleEPs has a bulk IN endpoint 0x81 (place 17) and an interrupt OUT endpoint 0x02.
func sampleEPs(caps Caps) *EPInfo {
	e := &EPInfo{}
	for i := range e.Type {
		e.Type[i] = EPNone
	}
	e.Type[0], e.Type[16], e.Type[17], e.Type[2] = EPControl, EPControl, EPBulk, EPInterrupt
	e.Interval[2], e.Interface[17] = 8, 1
	if caps&CapEPMaxPacketSize != 0 {
		e.MaxPacketSize[17], e.MaxPacketSize[2] = 1024, 64
	}
	if caps&CapBulkStreams != 0 {
		e.MaxStreams[17] = 0x00010203
	}
	return e
}

// at is a body of n zero bytes with the given ones (hexadecimal) at offsets.
func at(n int, parts map[int]string) string {
	b := make([]byte, n)
	for off, s := range parts {
		v, err := hex.DecodeString(s)
		if err != nil {
			panic(err)
		}
		copy(b[off:], v)
	}
	return hex.EncodeToString(b)
}

var epTypes = map[int]string{0: "00" + "ff" + "03" + strings.Repeat("ff", 13) + "00" + "02" + strings.Repeat("ff", 14), 34: "08", 81: "01"}

func epBody(n int) string {
	parts := map[int]string{}
	for k, v := range epTypes {
		parts[k] = v
	}
	if n >= 160 {
		parts[96+2*2], parts[96+2*17] = "4000", "0004"
	}
	if n >= 288 {
		parts[160+4*17] = "03020100"
	}
	return at(n, parts)
}

type golden struct {
	name string
	from Role
	caps Caps   // of both ends
	wire string // type, length, id, body; blanks do not count
	p    Packet
}

var data5 = []byte("hello")

func goldens() []golden {
	const id = 0x0807060504030201
	device := Device{SpeedHigh, 9, 1, 2, 0x1234, 0xabcd, 0}
	versioned := device
	versioned.Version = 0x0310
	h64 := func(t, n string) string { return t + "000000 " + n + "0000 0102030405060708 " }
	return []golden{
		{"device_connect", Host, AllCaps, h64("01", "0a00") + "02 09 01 02 3412 cdab 1003", Packet{Type: TypeDeviceConnect, ID: id, Device: versioned}},
		{"device_connect old", Host, oldCaps, "01000000 08000000 04030201 02 09 01 02 3412 cdab", Packet{Type: TypeDeviceConnect, ID: 0x01020304, Device: device}},
		{"device_disconnect", Host, AllCaps, h64("02", "0000"), Packet{Type: TypeDeviceDisconnect, ID: id}},
		{"reset", Guest, AllCaps, h64("03", "0000"), Packet{Type: TypeReset, ID: id}},
		{"interface_info", Host, AllCaps, h64("04", "8400") + at(132, map[int]string{0: "02", 5: "05", 36: "0803", 68: "0601", 100: "5002"}),
			Packet{Type: TypeInterfaceInfo, ID: id, Interfaces: sampleInterfaces()}},
		{"ep_info", Host, AllCaps, h64("05", "2001") + epBody(288), Packet{Type: TypeEPInfo, ID: id, EPs: sampleEPs(AllCaps)}},
		{"ep_info no streams", Host, AllCaps &^ CapBulkStreams, h64("05", "a000") + epBody(160), Packet{Type: TypeEPInfo, ID: id, EPs: sampleEPs(CapEPMaxPacketSize)}},
		{"ep_info old", Host, oldCaps, "05000000 60000000 04030201" + epBody(96), Packet{Type: TypeEPInfo, ID: 0x01020304, EPs: sampleEPs(0)}},
		{"set_configuration", Guest, AllCaps, h64("06", "0100") + "07", Packet{Type: TypeSetConfiguration, ID: id, Configuration: 7}},
		{"get_configuration", Guest, AllCaps, h64("07", "0000"), Packet{Type: TypeGetConfiguration, ID: id}},
		{"configuration_status", Host, AllCaps, h64("08", "0200") + "04 07", Packet{Type: TypeConfigurationStatus, ID: id, Status: Stall, Configuration: 7}},
		{"set_alt_setting", Guest, AllCaps, h64("09", "0200") + "03 01", Packet{Type: TypeSetAltSetting, ID: id, Interface: 3, Alt: 1}},
		{"get_alt_setting", Guest, AllCaps, h64("0a", "0100") + "03", Packet{Type: TypeGetAltSetting, ID: id, Interface: 3}},
		{"alt_setting_status", Host, AllCaps, h64("0b", "0300") + "02 03 01", Packet{Type: TypeAltSettingStatus, ID: id, Status: Invalid, Interface: 3, Alt: 1}},
		{"start_iso_stream", Guest, AllCaps, h64("0c", "0300") + "82 20 03", Packet{Type: TypeStartIsoStream, ID: id, Endpoint: 0x82, PacketsPerURB: 32, URBs: 3}},
		{"stop_iso_stream", Guest, AllCaps, h64("0d", "0100") + "02", Packet{Type: TypeStopIsoStream, ID: id, Endpoint: 2}},
		{"iso_stream_status", Host, AllCaps, h64("0e", "0200") + "03 82", Packet{Type: TypeIsoStreamStatus, ID: id, Status: IOError, Endpoint: 0x82}},
		{"start_interrupt_receiving", Guest, AllCaps, h64("0f", "0100") + "83", Packet{Type: TypeStartInterruptReceiving, ID: id, Endpoint: 0x83}},
		{"stop_interrupt_receiving", Guest, AllCaps, h64("10", "0100") + "83", Packet{Type: TypeStopInterruptReceiving, ID: id, Endpoint: 0x83}},
		{"interrupt_receiving_status", Host, AllCaps, h64("11", "0200") + "05 83", Packet{Type: TypeInterruptReceivingStatus, ID: id, Status: Timeout, Endpoint: 0x83}},
		{"alloc_bulk_streams", Guest, AllCaps, h64("12", "0800") + "04000200 20000000", Packet{Type: TypeAllocBulkStreams, ID: id, Endpoints: 1<<2 | 1<<17, Streams: 32}},
		{"free_bulk_streams", Guest, AllCaps, h64("13", "0400") + "04000200", Packet{Type: TypeFreeBulkStreams, ID: id, Endpoints: 1<<2 | 1<<17}},
		{"bulk_streams_status", Host, AllCaps, h64("14", "0900") + "04000200 20000000 03", Packet{Type: TypeBulkStreamsStatus, ID: id, Endpoints: 1<<2 | 1<<17, Streams: 32, Status: IOError}},
		{"cancel_data_packet", Guest, AllCaps, h64("15", "0000"), Packet{Type: TypeCancelDataPacket, ID: id}},
		{"filter_reject", Guest, AllCaps, h64("16", "0000"), Packet{Type: TypeFilterReject, ID: id}},
		{"filter_filter", Host, AllCaps, h64("17", "1800") + hex.EncodeToString([]byte("0x08,-1,0x0001,0x0200,1")) + "00",
			Packet{Type: TypeFilterFilter, ID: id, Data: []byte("0x08,-1,0x0001,0x0200,1")}},
		{"device_disconnect_ack", Guest, AllCaps, h64("18", "0000"), Packet{Type: TypeDeviceDisconnectAck, ID: id}},
		{"start_bulk_receiving", Guest, AllCaps, h64("19", "0a00") + "09000000 00400000 81 05", Packet{Type: TypeStartBulkReceiving, ID: id, Stream: 9, Length: 0x4000, Endpoint: 0x81, URBs: 5}},
		{"stop_bulk_receiving", Guest, AllCaps, h64("1a", "0500") + "09000000 81", Packet{Type: TypeStopBulkReceiving, ID: id, Stream: 9, Endpoint: 0x81}},
		{"bulk_receiving_status", Host, AllCaps, h64("1b", "0600") + "09000000 81 04", Packet{Type: TypeBulkReceivingStatus, ID: id, Stream: 9, Endpoint: 0x81, Status: Stall}},
		{"control IN asked", Guest, AllCaps, h64("64", "0a00") + "80 06 80 00 0001 0900 1200",
			Packet{Type: TypeControlPacket, ID: id, Endpoint: 0x80, Request: 6, RequestType: 0x80, Value: 0x0100, Index: 9, Length: 18}},
		{"control IN answered", Host, AllCaps, h64("64", "0f00") + "80 06 80 00 0001 0900 0500 68656c6c6f",
			Packet{Type: TypeControlPacket, ID: id, Endpoint: 0x80, Request: 6, RequestType: 0x80, Value: 0x0100, Index: 9, Length: 5, Data: data5}},
		{"control OUT", Guest, AllCaps, h64("64", "0f00") + "00 09 21 00 0002 0000 0500 68656c6c6f",
			Packet{Type: TypeControlPacket, ID: id, Request: 9, RequestType: 0x21, Value: 0x0200, Length: 5, Data: data5}},
		{"bulk IN asked", Guest, AllCaps, h64("65", "0a00") + "81 00 0100 0a000000 0200", Packet{Type: TypeBulkPacket, ID: id, Endpoint: 0x81, Length: 0x20001, Stream: 10}},
		{"bulk IN answered", Host, AllCaps, h64("65", "0f00") + "81 06 0500 0a000000 0000 68656c6c6f",
			Packet{Type: TypeBulkPacket, ID: id, Endpoint: 0x81, Status: Babble, Length: 5, Stream: 10, Data: data5}},
		{"bulk OUT answered", Host, AllCaps, h64("65", "0a00") + "02 01 0000 0a000000 0100", Packet{Type: TypeBulkPacket, ID: id, Endpoint: 2, Status: Cancelled, Length: 0x10000, Stream: 10}},
		{"bulk OUT old", Guest, oldCaps, "65000000 0d000000 04030201 02 00 0500 00000000 68656c6c6f", Packet{Type: TypeBulkPacket, ID: 0x01020304, Endpoint: 2, Length: 5, Data: data5}},
		{"iso IN", Host, AllCaps, h64("66", "0900") + "84 00 0500 68656c6c6f", Packet{Type: TypeIsoPacket, ID: id, Endpoint: 0x84, Length: 5, Data: data5}},
		{"iso OUT", Guest, AllCaps, h64("66", "0900") + "04 00 0500 68656c6c6f", Packet{Type: TypeIsoPacket, ID: id, Endpoint: 4, Length: 5, Data: data5}},
		{"interrupt IN", Host, AllCaps, h64("67", "0900") + "83 00 0500 68656c6c6f", Packet{Type: TypeInterruptPacket, ID: id, Endpoint: 0x83, Length: 5, Data: data5}},
		{"interrupt OUT", Guest, AllCaps, h64("67", "0900") + "03 00 0500 68656c6c6f", Packet{Type: TypeInterruptPacket, ID: id, Endpoint: 3, Length: 5, Data: data5}},
		{"interrupt OUT answered", Host, AllCaps, h64("67", "0400") + "03 04 0300", Packet{Type: TypeInterruptPacket, ID: id, Endpoint: 3, Status: Stall, Length: 3}},
		{"buffered_bulk_packet", Host, AllCaps, h64("68", "0f00") + "0b000000 05000000 81 00 68656c6c6f",
			Packet{Type: TypeBufferedBulkPacket, ID: id, Stream: 11, Length: 5, Endpoint: 0x81, Data: data5}},
	}
}

func (g golden) bytes() []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(g.wire, " ", ""))
	if err != nil {
		panic(g.name + ": " + err.Error())
	}
	return b
}

var helloSample = Packet{Type: TypeHello, Hello: Hello{Version: "tester 1"}}

// ends are an Encoder of one end and a Decoder of the other, with the hellos done.
func ends(t testing.TB, from Role, caps Caps, cfg Config) (*Encoder, *Decoder) {
	t.Helper()
	e := NewEncoder(Config{Role: from, Caps: caps})
	cfg.Role, cfg.Caps = from.Peer(), caps
	d := NewDecoder(cfg)
	b, err := e.Append(nil, &helloSample)
	if err == nil {
		err = d.Feed(b, func(*Packet) error { return nil })
	}
	if err != nil || d.Caps() != caps.Normal() {
		t.Fatalf("hello: %v, capabilities %#x", err, d.Caps())
	}
	e.SetPeer(caps)
	return e, d
}

// clone keeps a packet beyond the call it came in.
func clone(p *Packet) Packet {
	c := *p
	if c.Data != nil {
		c.Data = bytes.Clone(c.Data)
	}
	if c.EPs != nil {
		e := *c.EPs
		c.EPs = &e
	}
	if c.Interfaces != nil {
		i := *c.Interfaces
		c.Interfaces = &i
	}
	return c
}

func all(d *Decoder, b []byte) (out []Packet, err error) {
	err = d.Feed(b, func(p *Packet) error { out = append(out, clone(p)); return nil })
	return
}

func TestGolden_hello(t *testing.T) {
	want := "00000000 44000000 00000000" + at(68, map[int]string{0: hex.EncodeToString([]byte("tester 1")), 64: "ff000000"})
	g := golden{wire: want}
	e := NewEncoder(Config{Role: Host, Caps: AllCaps})
	got, err := e.Append(nil, &helloSample)
	if err != nil || !bytes.Equal(got, g.bytes()) {
		t.Fatalf("hello is %x, %v", got, err)
	}
	d := NewDecoder(Config{Role: Guest, Caps: AllCaps &^ CapEPMaxPacketSize})
	ps, err := all(d, got)
	if err != nil || len(ps) != 1 || ps[0].Hello != (Hello{"tester 1", AllCaps}) {
		t.Fatalf("decoded %+v, %v", ps, err)
	}
	if d.Caps() != AllCaps&^CapEPMaxPacketSize&^CapBulkStreams {
		t.Errorf("shared capabilities %#x: bulk streams need packet sizes", d.Caps())
	}
}

func TestGolden(t *testing.T) {
	seen := map[Type]bool{TypeHello: true}
	for _, g := range goldens() {
		seen[g.p.Type] = true
		t.Run(g.name, func(t *testing.T) {
			e, d := ends(t, g.from, g.caps, Config{})
			got, err := e.Append([]byte("x"), &g.p)
			if err != nil || !bytes.Equal(got[1:], g.bytes()) {
				t.Errorf("encoded\n%x, %v, want\n%x", got, err, g.bytes())
			}
			ps, err := all(d, g.bytes())
			if err != nil || len(ps) != 1 || !reflect.DeepEqual(ps[0], g.p) {
				t.Errorf("decoded\n%+v, %v, want\n%+v", ps, err, g.p)
			}
			if wrong := NewDecoder(Config{Role: g.from, Caps: g.caps}); !eitherWay(g.p.Type) {
				hello, _ := NewEncoder(Config{Role: g.from.Peer(), Caps: g.caps}).Append(nil, &helloSample)
				if _, err := all(wrong, append(hello, g.bytes()...)); err == nil {
					t.Error("the sender took its own packet")
				}
			}
		})
	}
	for ty := Type(0); ty < 256; ty++ {
		if _, ok := layoutOf(ty); ok && !seen[ty] {
			t.Errorf("no golden bytes for %v", ty)
		}
	}
}

// eitherWay is whether a packet of this type may go either way, and so may please both ends.
func eitherWay(t Type) bool {
	return t == TypeFilterFilter || t >= TypeControlPacket && t != TypeBufferedBulkPacket
}

// stream is every golden packet that the end sends with all capabilities.
func stream(t testing.TB, from Role) (b []byte, want []Packet) {
	b, _ = NewEncoder(Config{Role: from, Caps: AllCaps}).Append(nil, &helloSample)
	hello := helloSample
	hello.Hello.Caps = AllCaps
	want = append(want, hello)
	for _, g := range goldens() {
		if g.from == from && g.caps == AllCaps {
			b, want = append(b, g.bytes()...), append(want, g.p)
		}
	}
	return b, want
}

func TestFeed_anyPortions(t *testing.T) {
	for _, from := range []Role{Guest, Host} {
		b, want := stream(t, from)
		for _, n := range []int{1, 2, 3, 7, 11, 12, 13, 16, 64, 1000, len(b)} {
			d := NewDecoder(Config{Role: from.Peer(), Caps: AllCaps})
			var got []Packet
			for rest := b; len(rest) > 0; rest = rest[min(n, len(rest)):] {
				ps, err := all(d, rest[:min(n, len(rest))])
				if err != nil {
					t.Fatalf("portions of %d: %v", n, err)
				}
				got = append(got, ps...)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("portions of %d: %d packets, want %d, or others", n, len(got), len(want))
			}
		}
	}
}

func TestNext(t *testing.T) {
	for _, from := range []Role{Guest, Host} {
		b, want := stream(t, from)
		long := bytes.Repeat([]byte("0123456789abcdef"), 40_000)
		e, _ := ends(t, from, AllCaps, Config{})
		p := Packet{Type: TypeBulkPacket, Endpoint: 0x81, Length: uint32(len(long)), Data: long}
		if from == Guest {
			p.Endpoint = 1
		}
		b, _ = e.Append(b, &p)
		b, _ = e.Append(b, &want[1])
		want = append(want, p, want[1])
		for name, r := range map[string]io.Reader{"whole": bytes.NewReader(b), "half": iotest.HalfReader(bytes.NewReader(b)), "byte": iotest.OneByteReader(bytes.NewReader(b)),
			"data with EOF": iotest.DataErrReader(bytes.NewReader(b))} {
			d := NewDecoder(Config{Role: from.Peer(), Caps: AllCaps})
			for i := range want {
				p, err := d.Next(r)
				if err != nil || !reflect.DeepEqual(clone(p), want[i]) {
					t.Fatalf("%s: packet %d: %v", name, i, err)
				}
			}
			if _, err := d.Next(r); err != io.EOF {
				t.Errorf("%s: at the end: %v", name, err)
			}
		}
		d := NewDecoder(Config{Role: from.Peer(), Caps: AllCaps})
		r, err := bytes.NewReader(b[:len(b)-1]), error(nil)
		for err == nil {
			_, err = d.Next(r)
		}
		if err != io.ErrUnexpectedEOF {
			t.Errorf("cut: %v", err)
		}
	}
}

func TestPlace(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	for _, size := range []int{1, 15, 5000, 66_000, len(long)} {
		guest := make([]byte, size)
		place := func(p *Packet, n int) [][]byte {
			if n != size || p.ID != 42 {
				t.Errorf("asked for %d bytes of packet %d", n, p.ID)
			}
			return [][]byte{{}, guest[:n/3], {}, guest[n/3 : n/2], guest[n/2:], {}}
		}
		e, d := ends(t, Host, AllCaps, Config{Place: place})
		b, _ := e.Append(nil, &Packet{Type: TypeBulkPacket, ID: 42, Endpoint: 0x81, Length: uint32(size), Data: long[:size]})
		p, err := d.Next(iotest.HalfReader(bytes.NewReader(b)))
		if err != nil || !p.Placed || p.Data != nil || !bytes.Equal(guest, long[:size]) {
			t.Errorf("%d bytes: %v, placed %v", size, err, p != nil && p.Placed)
		}
	}
}

func TestPlace_declined(t *testing.T) {
	for _, segments := range [][][]byte{nil, {}, {make([]byte, 4)}, {make([]byte, 6)}} {
		e, d := ends(t, Host, AllCaps, Config{Place: func(*Packet, int) [][]byte { return segments }})
		b, _ := e.Append(nil, &Packet{Type: TypeIsoPacket, Endpoint: 0x81, Length: 5, Data: data5})
		ps, err := all(d, b)
		if err != nil || ps[0].Placed || !bytes.Equal(ps[0].Data, data5) {
			t.Errorf("%d segments: %+v, %v", len(segments), ps, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	h := func(ty byte, n string) string { return fmt.Sprintf("%02x000000 %s 0100000000000000 ", ty, n) }
	tests := []struct {
		name string
		from Role
		caps Caps
		wire string
		want string
	}{
		{"unknown type", Host, AllCaps, h(28, "00000000"), "packet type 28, id 1: unknown type"},
		{"unknown high type", Host, AllCaps, h(105, "00000000"), "unknown type"},
		{"second hello", Host, AllCaps, h(0, "40000000"), "second hello"},
		{"from the wrong end", Host, AllCaps, h(3, "00000000"), "reset, id 1: is not for the usb-host to send"},
		{"too long for its type", Guest, AllCaps, h(3, "01000000"), "which should be 0 to 0"},
		{"too short", Host, AllCaps, h(1, "09000000"), "which should be 10 to 10"},
		{"length of the other capability", Host, AllCaps, h(5, "a0000000"), "should be 288"},
		{"4 GiB", Host, AllCaps, h(101, "ffffffff"), "bulk_packet"},
		{"above the limit", Host, AllCaps, h(101, "0b001000"), "should be 10 to 1048586"},
		{"asked above the limit", Guest, AllCaps, h(101, "0a000000") + "81 00 0100 00000000 1000", "length 1048577, the limit is 1048576"},
		{"transfers above the limit", Guest, AllCaps, h(25, "0a000000") + "00000000 01001000 81 05", "transfers of 1048577"},
		{"33 interfaces", Host, AllCaps, h(4, "84000000") + at(132, map[int]string{0: "21"}), "33 interfaces"},
		{"unknown endpoint type", Host, AllCaps, h(5, "20010000") + at(288, map[int]string{17: "04"}), "endpoint 0x81 has unknown type 4"},
		{"endpoint 0 bulk", Host, AllCaps, h(5, "20010000") + at(288, map[int]string{16: "02"}), "endpoint 0x80 has type 2"},
		{"bulk on 0x80", Guest, AllCaps, h(101, "0a000000") + "80 00 0100 00000000 0000", "control endpoint"},
		{"bulk on 0x00", Host, AllCaps, h(101, "0a000000") + "00 00 0100 00000000 0000", "control endpoint"},
		{"reserved endpoint bits", Guest, AllCaps, h(101, "0a000000") + "91 00 0100 00000000 0000", "reserved bits"},
		{"control reserved bits", Guest, AllCaps, h(100, "0a000000") + "90 06 80 00 0001 0000 1200", "reserved bits"},
		{"data longer than said", Host, AllCaps, h(103, "06000000") + "83 00 0100 aabb", "2 bytes of data, but length 1"},
		{"data shorter than said", Host, AllCaps, h(103, "05000000") + "83 00 0200 aa", "1 bytes of data, but length 2"},
		{"data against the direction", Host, AllCaps, h(101, "0b000000") + "01 00 0100 00000000 0000 aa", "against the direction"},
		{"iso OUT from the host", Host, AllCaps, h(102, "04000000") + "04 00 0000", "other direction"},
		{"iso IN from the guest", Guest, AllCaps, h(102, "04000000") + "84 00 0000", "other direction"},
		{"interrupt IN asked", Guest, AllCaps, h(103, "04000000") + "83 00 0000", "other direction"},
		{"buffered bulk OUT", Host, AllCaps, h(104, "0a000000") + "00000000 00000000 01 00", "other direction"},
		{"interrupt receiving OUT", Guest, AllCaps, h(15, "01000000") + "03", "no input"},
		{"bulk receiving OUT", Guest, AllCaps, h(26, "05000000") + "00000000 01", "no input"},
		{"iso stream on 0", Guest, AllCaps, h(13, "01000000") + "80", "control endpoint"},
		{"filter empty", Host, AllCaps, h(23, "00000000"), "NUL"},
		{"filter without NUL", Host, AllCaps, h(23, "01000000") + "31", "NUL"},
		{"filter with two NULs", Host, AllCaps, h(23, "02000000") + "0000", "NUL"},
		{"filter not offered", Host, Cap64BitIDs, h(23, "01000000") + "00", "not offered"},
		{"streams not offered", Guest, Cap64BitIDs, h(19, "04000000") + "00000000", "not offered"},
		{"ack not offered", Guest, Cap64BitIDs, h(24, "00000000"), "not offered"},
		{"receiving not offered", Host, Cap64BitIDs, h(27, "06000000") + "000000008100", "not offered"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, d := ends(t, tt.from, tt.caps, Config{MaxData: 1 << 20})
			ps, err := all(d, golden{wire: tt.wire}.bytes())
			var e *Error
			if len(ps) != 0 || !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("%d packets, error %v, want %q", len(ps), err, tt.want)
			}
			if again := d.Feed([]byte{1}, func(*Packet) error { t.Error("a packet after an error"); return nil }); again != err {
				t.Errorf("then %v", again)
			}
		})
	}
}

func TestMalformed_hello(t *testing.T) {
	for name, wire := range map[string]string{
		"before hello":            "02000000 00000000 00000000",
		"be 64 to 320":            "00000000 3f000000 00000000",
		"should be 64 to 320":     "00000000 41010000 00000000",
		"capabilities are not wh": "00000000 42000000 00000000" + at(66, nil),
	} {
		if _, err := all(NewDecoder(Config{Role: Guest, Caps: AllCaps}), golden{wire: wire}.bytes()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q gives %v", name, err)
		}
	}
	full := at(64, map[int]string{0: strings.Repeat("41", 64)})
	ps, err := all(NewDecoder(Config{}), golden{wire: "00000000 40000000 00000000" + full}.bytes())
	if err != nil || len(ps) != 1 || ps[0].Hello != (Hello{strings.Repeat("A", 63), 0}) {
		t.Errorf("hello without capabilities or NUL: %+v, %v", ps, err)
	}
}

func TestEncoder_refuses(t *testing.T) {
	for name, tt := range map[string]struct {
		from Role
		peer Caps
		p    Packet
	}{
		"wrong end":         {Guest, AllCaps, Packet{Type: TypeDeviceDisconnect}},
		"unknown":           {Guest, AllCaps, Packet{Type: 28}},
		"no capability":     {Guest, 0, Packet{Type: TypeDeviceDisconnectAck}},
		"64-bit id":         {Guest, 0, Packet{Type: TypeReset, ID: 1 << 32}},
		"32-bit length":     {Guest, 0, Packet{Type: TypeBulkPacket, Endpoint: 0x81, Length: 1 << 16}},
		"control too long":  {Guest, AllCaps, Packet{Type: TypeControlPacket, Endpoint: 0x80, Length: 1 << 16}},
		"length not data's": {Host, AllCaps, Packet{Type: TypeBulkPacket, Endpoint: 0x81, Length: 4, Data: data5}},
		"data where none":   {Guest, AllCaps, Packet{Type: TypeReset, Data: data5}},
		"nil ep_info":       {Host, AllCaps, Packet{Type: TypeEPInfo}},
		"nil interfaces":    {Host, AllCaps, Packet{Type: TypeInterfaceInfo}},
		"NUL in filter":     {Host, AllCaps, Packet{Type: TypeFilterFilter, Data: []byte("a\x00")}},
		"long version":      {Host, AllCaps, Packet{Type: TypeHello, Hello: Hello{Version: strings.Repeat("v", 64)}}},
	} {
		e := NewEncoder(Config{Role: tt.from, Caps: AllCaps})
		e.SetPeer(tt.peer)
		if b, err := e.Append([]byte("x"), &tt.p); err == nil || string(b) != "x" {
			t.Errorf("%s: %x, %v", name, b, err)
		}
	}
	if _, err := NewEncoder(Config{}).Append(nil, &Packet{Type: TypeReset}); err == nil {
		t.Error("a packet before the other end's hello")
	}
}

// TestMemory_announced: a header costs nothing; only bytes that come are kept.
func TestMemory_announced(t *testing.T) {
	_, d := ends(t, Host, AllCaps, Config{})
	wire := golden{wire: "65000000 0a000008 0100000000000000 81 00 0000 00000000 0008"}.bytes()
	if err := d.Feed(append(wire, make([]byte, 10_000)...), func(*Packet) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if cap(d.buf) > 32<<10 {
		t.Errorf("10000 bytes of 128 MiB came, %d are held", cap(d.buf))
	}
}

// TestMemory_afterLong: a long payload does not stay when shorter ones follow.
func TestMemory_afterLong(t *testing.T) {
	e, d := ends(t, Host, AllCaps, Config{})
	long := make([]byte, keepBuffer+1)
	b, _ := e.Append(nil, &Packet{Type: TypeBulkPacket, Endpoint: 0x81, Length: uint32(len(long)), Data: long})
	b, _ = e.Append(b, &Packet{Type: TypeIsoPacket, Endpoint: 0x81, Length: 5, Data: data5})
	if ps, err := all(d, b); err != nil || len(ps) != 2 || !bytes.Equal(ps[1].Data, data5) {
		t.Fatal(len(ps), err)
	}
	if cap(d.buf) > keepBuffer {
		t.Errorf("%d bytes are held", cap(d.buf))
	}
}

func TestAllocations(t *testing.T) {
	e, d := ends(t, Host, AllCaps, Config{})
	p := Packet{Type: TypeBulkPacket, ID: 1, Endpoint: 0x81, Length: 4096, Data: make([]byte, 4096)}
	var buf []byte
	if n := testing.AllocsPerRun(100, func() {
		var err error
		if buf, err = e.Append(buf[:0], &p); err != nil {
			t.Fatal(err)
		}
		if err = d.Feed(buf, func(*Packet) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a packet", n)
	}
}

func FuzzDecoder(f *testing.F) {
	for _, from := range []Role{Guest, Host} {
		b, _ := stream(f, from)
		f.Add(b, uint8(from), uint32(AllCaps), uint8(5))
		f.Add(b, uint8(from), uint32(oldCaps), uint8(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, role uint8, caps uint32, portion uint8) {
		from := Role(role & 1)
		cfg := Config{Role: from.Peer(), Caps: Caps(caps), MaxData: 1 << 20}
		whole := NewDecoder(cfg)
		want, wantErr := all(whole, b)
		d := NewDecoder(cfg)
		var got []Packet
		var err error
		for rest := b; len(rest) > 0 && err == nil; rest = rest[min(int(portion)+1, len(rest)):] {
			var ps []Packet
			ps, err = all(d, rest[:min(int(portion)+1, len(rest))])
			got = append(got, ps...)
		}
		if !reflect.DeepEqual(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("portions change the result: %v, %v", err, wantErr)
		}
		var e *Encoder
		back := NewDecoder(cfg)
		for i := range got {
			if i == 0 {
				e = NewEncoder(Config{Role: from, Caps: whole.Caps(), MaxData: 1 << 20})
				e.SetPeer(Caps(caps))
				got[0].Hello.Caps = whole.Caps()
			}
			out, err := e.Append(nil, &got[i])
			if err != nil {
				t.Fatalf("packet %d cannot be sent again: %v", i, err)
			}
			ps, err := all(back, out)
			if err != nil || len(ps) != 1 || !reflect.DeepEqual(ps[0], got[i]) {
				t.Fatalf("packet %d came back as %+v, %v, not %+v", i, ps, err, got[i])
			}
		}
	})
}
