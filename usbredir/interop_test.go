package usbredir

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// relay builds the program that has libusbredirparser at both its ends.
func relay(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("needs gcc")
	}
	if _, err := os.Stat("/usr/include/usbredirparser.h"); err != nil {
		t.Skip("needs libusbredirparser-dev")
	}
	bin := filepath.Join(t.TempDir(), "relay")
	if out, err := exec.Command("gcc", "-O1", "-Wall", "-o", bin, "testdata/interop/relay.c", "-lusbredirparser").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	return bin
}

// line is what the relay prints for a packet.
func line(p *Packet) string {
	s := p.Type.String()
	switch p.Type {
	case TypeHello:
		return s + " version=" + p.Hello.Version
	case TypeDeviceConnect:
		d := p.Device
		return fmt.Sprintf("%s speed=%d class=%d/%d/%d id=%04x:%04x version=%04x", s, d.Speed, d.Class, d.SubClass, d.Protocol, d.Vendor, d.Product, d.Version)
	case TypeInterfaceInfo:
		i := p.Interfaces
		s += fmt.Sprintf(" count=%d", i.Count)
		for n := range i.Count {
			s += fmt.Sprintf(" %d:%d/%d/%d", i.Number[n], i.Class[n], i.SubClass[n], i.Protocol[n])
		}
		return s
	case TypeEPInfo:
		for i := range p.EPs.Type {
			s += fmt.Sprintf(" %d/%d/%d/%d/%d", p.EPs.Type[i], p.EPs.Interval[i], p.EPs.Interface[i], p.EPs.MaxPacketSize[i], p.EPs.MaxStreams[i])
		}
		return s
	case TypeFilterFilter:
		return s + " " + string(p.Data)
	}
	if nameless(p.Type) {
		return s
	}
	return fmt.Sprintf("%s id=%x%s", s, p.ID, fields(p))
}

// nameless packets go without id through the library.
func nameless(t Type) bool {
	switch t {
	case TypeHello, TypeDeviceConnect, TypeDeviceDisconnect, TypeReset, TypeInterfaceInfo, TypeEPInfo, TypeFilterReject, TypeFilterFilter, TypeDeviceDisconnectAck:
		return true
	}
	return false
}

func fields(p *Packet) string {
	ep, st := fmt.Sprintf(" ep=%02x", p.Endpoint), fmt.Sprintf(" status=%d", p.Status)
	switch p.Type {
	case TypeSetConfiguration:
		return fmt.Sprintf(" configuration=%d", p.Configuration)
	case TypeConfigurationStatus:
		return fmt.Sprintf("%s configuration=%d", st, p.Configuration)
	case TypeSetAltSetting:
		return fmt.Sprintf(" interface=%d alt=%d", p.Interface, p.Alt)
	case TypeGetAltSetting:
		return fmt.Sprintf(" interface=%d", p.Interface)
	case TypeAltSettingStatus:
		return fmt.Sprintf("%s interface=%d alt=%d", st, p.Interface, p.Alt)
	case TypeStartIsoStream:
		return fmt.Sprintf("%s pkts=%d urbs=%d", ep, p.PacketsPerURB, p.URBs)
	case TypeStopIsoStream, TypeStartInterruptReceiving, TypeStopInterruptReceiving:
		return ep
	case TypeIsoStreamStatus, TypeInterruptReceivingStatus:
		return st + ep
	case TypeAllocBulkStreams:
		return fmt.Sprintf(" eps=%x streams=%d", p.Endpoints, p.Streams)
	case TypeFreeBulkStreams:
		return fmt.Sprintf(" eps=%x", p.Endpoints)
	case TypeBulkStreamsStatus:
		return fmt.Sprintf(" eps=%x streams=%d%s", p.Endpoints, p.Streams, st)
	case TypeStartBulkReceiving:
		return fmt.Sprintf(" stream=%d bytes=%d%s urbs=%d", p.Stream, p.Length, ep, p.URBs)
	case TypeStopBulkReceiving:
		return fmt.Sprintf(" stream=%d%s", p.Stream, ep)
	case TypeBulkReceivingStatus:
		return fmt.Sprintf(" stream=%d%s%s", p.Stream, ep, st)
	case TypeControlPacket:
		return fmt.Sprintf("%s request=%02x type=%02x%s value=%04x index=%04x length=%d data=%x", ep, p.Request, p.RequestType, st, p.Value, p.Index, p.Length, p.Data)
	case TypeBulkPacket:
		return fmt.Sprintf("%s%s length=%d stream=%d data=%x", ep, st, p.Length, p.Stream, p.Data)
	case TypeIsoPacket, TypeInterruptPacket:
		return fmt.Sprintf("%s%s length=%d data=%x", ep, st, p.Length, p.Data)
	case TypeBufferedBulkPacket:
		return fmt.Sprintf(" stream=%d length=%d%s%s data=%x", p.Stream, p.Length, ep, st, p.Data)
	}
	return ""
}

// TestInterop_packets: what our Encoder sends, libusbredirparser prints field by field and sends again, and our Decoder reads that as what was sent.
func TestInterop_packets(t *testing.T) {
	bin := relay(t)
	for _, from := range []Role{Guest, Host} {
		for _, caps := range []Caps{AllCaps, AllCaps &^ CapBulkStreams, AllCaps &^ Cap64BitIDs, AllCaps &^ Cap32BitBulkLength, AllCaps &^ CapDeviceVersion, oldCaps} {
			t.Run(fmt.Sprintf("%v/%#x", from, caps), func(t *testing.T) { interop(t, bin, from, caps) })
		}
	}
}

func interop(t *testing.T, bin string, from Role, caps Caps) {
	e := NewEncoder(Config{Role: from, Caps: caps})
	hello := helloSample
	stream, err := e.Append(nil, &hello)
	if err != nil {
		t.Fatal(err)
	}
	e.SetPeer(caps)
	lines, want := []string{line(&hello)}, []Packet{}
	for _, g := range goldens() {
		l, _ := layoutOf(g.p.Type)
		if caps&Cap64BitIDs == 0 {
			g.p.ID = uint64(uint32(g.p.ID))
		}
		if g.from != from || l.need&^caps != 0 || g.caps == oldCaps && caps != oldCaps || !fits(&g.p, caps) {
			continue
		}
		if stream, err = e.Append(stream, &g.p); err != nil {
			t.Fatalf("%s: %v", g.name, err)
		}
		lines = append(lines, strings.TrimRight(line(&g.p), "|"))
		if g.p.Type == TypeDeviceDisconnectAck {
			continue // the library sends it by itself alone
		}
		if nameless(g.p.Type) {
			g.p.ID = 0
		}
		want = append(want, g.p)
	}
	cmd := exec.Command(bin, from.String()[4:], fmt.Sprint(uint32(caps)))
	var out, text bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stream), &out, &text
	if err := cmd.Run(); err != nil {
		t.Fatal(err, text.String())
	}
	got := strings.Split(strings.ReplaceAll(strings.TrimSpace(text.String()), "|\n", "\n"), "\n")
	if !reflect.DeepEqual(got, lines) {
		t.Errorf("the library read\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
	ps, err := all(NewDecoder(Config{Role: from.Peer(), Caps: caps}), out.Bytes())
	if err != nil || len(ps) != len(want)+1 {
		t.Fatalf("from the library: %v; %d packets, want %d", err, len(ps), len(want)+1)
	}
	if h := ps[0].Hello; h.Caps != caps || !strings.HasPrefix(h.Version, "relay") {
		t.Errorf("the library's hello is %+v", h)
	}
	for i, p := range ps[1:] {
		p.Data = bytes.TrimRight(p.Data, "|")
		if len(p.Data) == 0 {
			p.Data = nil
		}
		if !reflect.DeepEqual(p, want[i]) {
			t.Errorf("from the library\n%+v, want\n%+v", p, want[i])
		}
	}
}

// fits is whether nothing in p needs a capability that is not there.
func fits(p *Packet, caps Caps) bool {
	switch p.Type {
	case TypeDeviceConnect:
		return caps&CapDeviceVersion != 0 || p.Device.Version == 0
	case TypeEPInfo:
		return reflect.DeepEqual(p.EPs, sampleEPs(caps))
	case TypeBulkPacket:
		return caps&Cap32BitBulkLength != 0 || p.Length < 1<<16
	}
	return true
}

// TestInterop_filter: the library parses, prints and judges as we do.
func TestInterop_filter(t *testing.T) {
	bin := relay(t)
	cases := checkCases()
	for _, s := range badFilters {
		cases = append(cases, checkCase{filter: s})
	}
	for _, s := range []string{"|255,65535,0xFFFF,0177777,-7||", ",, 1,+2,,3,-0,0", "|"} {
		cases = append(cases, checkCase{filter: s, d: Device{Class: 255, Vendor: 65535, Product: 65535, Version: 65535}})
	}
	var in strings.Builder
	for _, c := range cases {
		fmt.Fprintf(&in, "%d %d %d %d %d %d ", c.opts, c.d.Class, c.d.Vendor, c.d.Product, c.d.Version, len(c.ifs))
		for _, i := range c.ifs {
			fmt.Fprintf(&in, "%d %d %d ", i[0], i[1], i[2])
		}
		fmt.Fprintf(&in, "@%s\n", c.filter)
	}
	cmd := exec.Command(bin, "filter")
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	answers := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if err != nil || len(answers) != len(cases) {
		t.Fatalf("%v, %d answers to %d questions", err, len(answers), len(cases))
	}
	results := map[Verdict]int{Allowed: 0, Denied: -1, NoMatch: -2} // 0, -EPERM, -ENOENT
	for i, c := range cases {
		want := "bad"
		if f, err := ParseFilter(c.filter, WireSeparator); err == nil {
			want = fmt.Sprintf("%d %s", results[f.Check(c.d, c.interfaces(), c.opts)], f.Text(WireSeparator))
		}
		if got := strings.TrimRight(answers[i], "|"); got != want {
			t.Errorf("%q on %+v %v, options %d: the library says %q, we %q", c.filter, c.d, c.ifs, c.opts, got, want)
		}
	}
}
