package usbredir

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseFilter(t *testing.T) {
	tests := []struct {
		text string
		sep  rune
		want Filter
	}{
		{"0x08:-1:-1:-1:0|-1:-1:-1:-1:1", OptionSeparator, Filter{{8, Any, Any, Any, false}, {Any, Any, Any, Any, true}}},
		{"0x03,-1,-1,-1,0|-1,-1,-1,-1,1", WireSeparator, Filter{{3, Any, Any, Any, false}, {Any, Any, Any, Any, true}}},
		{"|255,65535,0xFFFF,0177777,-7||", WireSeparator, Filter{{255, 65535, 65535, 65535, true}}},
		{",, 1,+2,,3,-0,0", WireSeparator, Filter{{1, 2, 3, 0, false}}},
		{"", WireSeparator, nil},
		{"|", WireSeparator, nil},
	}
	for _, tt := range tests {
		got, err := ParseFilter(tt.text, tt.sep)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: %v, %v", tt.text, got, err)
		}
		again, err := ParseFilter(got.Text(tt.sep), tt.sep)
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%q: printed as %q, read as %v, %v", tt.text, got.Text(tt.sep), again, err)
		}
	}
	f, _ := ParseFilter("8:0x1d6b:-1:512:1|-1:-1:-1:-1:0", OptionSeparator)
	if s := f.Text(WireSeparator); s != "0x08,0x1d6b,-1,0x0200,1|-1,-1,-1,-1,0" {
		t.Errorf("printed %q", s)
	}
}

// badFilters no parser of the language takes.
var badFilters = []string{"1,2,3,4", "1,2,3,4,1,1", "256,1,1,1,1", "-2,1,1,1,1", "1,65536,1,1,1", "1,1,-2,1,1", "1,1,1,65536,1", "x,1,1,1,1", "1,1,1,1,y", "1 ,1,1,1,1",
	"0x,1,1,1,1", "08,1,1,1,1", "1_0,1,1,1,1", "0b1,1,1,1,1", "0o7,1,1,1,1", "--1,1,1,1,1", "+-1,1,1,1,1", " ,1,1,1,1", "1:1:1:1:1", "-1,-1,-1,-1,1|bad"}

func TestParseFilter_bad(t *testing.T) {
	for _, s := range badFilters {
		if f, err := ParseFilter(s, WireSeparator); err == nil {
			t.Errorf("%q is %v", s, f)
		}
	}
	if _, err := ParseFilter(strings.Repeat("1,1,1,1,1|", maxRules+1), WireSeparator); err == nil {
		t.Error("rules without end")
	}
}

// A checkCase is shared with the test against libusbredirparser.
type checkCase struct {
	filter string
	d      Device
	ifs    [][3]uint8 // class, subclass, protocol
	opts   FilterOption
	want   Verdict
}

func (c checkCase) interfaces() *InterfaceInfo {
	i := &InterfaceInfo{Count: uint32(len(c.ifs))}
	for n, f := range c.ifs {
		i.Class[n], i.SubClass[n], i.Protocol[n] = f[0], f[1], f[2]
	}
	return i
}

func checkCases() []checkCase {
	storage, hid, bootHID, audio := [3]uint8{8, 6, 80}, [3]uint8{3, 0, 0}, [3]uint8{3, 1, 1}, [3]uint8{1, 1, 0}
	const noHID, onlyID = "0x03,-1,-1,-1,0|-1,-1,-1,-1,1", "-1,0x1234,0x5678,-1,1"
	id := Device{Vendor: 0x1234, Product: 0x5678, Version: 0x0110}
	class := func(c uint8) Device { d := id; d.Class = c; return d }
	return []checkCase{
		{"-1,-1,-1,-1,0|-1,-1,-1,-1,1", id, [][3]uint8{storage}, 0, Denied},
		{"-1,-1,-1,-1,1|-1,-1,-1,-1,0", id, [][3]uint8{storage}, 0, Allowed},
		{noHID, id, [][3]uint8{storage}, 0, Allowed},
		{noHID, id, [][3]uint8{hid}, 0, Denied},
		{noHID, id, [][3]uint8{audio, hid}, 0, Allowed},
		{noHID, id, [][3]uint8{audio, hid}, CheckNonBootHID, Denied},
		{noHID, id, [][3]uint8{audio, bootHID}, 0, Denied},
		{noHID, id, [][3]uint8{hid, hid}, 0, Denied},
		{noHID, class(3), [][3]uint8{storage}, 0, Denied},
		{"0xef,-1,-1,-1,0|-1,-1,-1,-1,1", class(0xef), [][3]uint8{storage}, 0, Allowed},
		{onlyID, id, [][3]uint8{storage}, 0, Allowed},
		{onlyID, Device{Vendor: 0x1234, Product: 1}, [][3]uint8{storage}, 0, NoMatch},
		{onlyID, Device{Vendor: 0x1234, Product: 1}, [][3]uint8{storage}, DefaultAllow, Allowed},
		{"8,-1,-1,-1,1", id, [][3]uint8{storage, audio}, 0, NoMatch},
		{"-1,-1,-1,0x0110,0|-1,-1,-1,-1,1", id, [][3]uint8{storage}, 0, Denied},
		{"-1,-1,-1,0x0111,0|-1,-1,-1,-1,1", id, [][3]uint8{storage}, 0, Allowed},
		{"-1,-1,-1,-1,0", id, nil, 0, Allowed},
		{"-1,-1,-1,-1,0", class(9), nil, 0, Denied},
		{"", id, [][3]uint8{storage}, 0, NoMatch},
		{"", id, [][3]uint8{storage}, DefaultAllow, Allowed},
	}
}

func TestFilter_Check(t *testing.T) {
	for _, c := range checkCases() {
		f, err := ParseFilter(c.filter, WireSeparator)
		if err != nil {
			t.Fatal(err)
		}
		if v := f.Check(c.d, c.interfaces(), c.opts); v != c.want {
			t.Errorf("%q on %+v %v, options %d: %d, want %d", c.filter, c.d, c.ifs, c.opts, v, c.want)
		}
	}
	f := Filter{{8, Any, Any, Any, false}}
	if v := f.Check(Device{Class: 8}, nil, 0); v != Denied {
		t.Errorf("without interfaces: %d", v)
	}
	if v := f.Check(Device{}, &InterfaceInfo{Count: 1 << 31}, DefaultAllow); v != Allowed {
		t.Errorf("an impossible count: %d", v)
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range append(badFilters, "0x08:-1:-1:-1:0|-1:-1:-1:-1:1", "|255,65535,0xFFFF,0177777,-7||") {
		f.Add(s, uint8(8), uint16(1), uint8(3))
	}
	f.Fuzz(func(t *testing.T, s string, class uint8, id uint16, opts uint8) {
		for _, sep := range []rune{WireSeparator, OptionSeparator} {
			rules, err := ParseFilter(s, sep)
			if err != nil {
				continue
			}
			again, err := ParseFilter(rules.Text(sep), sep)
			if err != nil || !reflect.DeepEqual(again, rules) {
				t.Fatalf("%q reads as %v, prints as %q, reads as %v, %v", s, rules, rules.Text(sep), again, err)
			}
			d, i := Device{Class: class, Vendor: id, Product: id}, &InterfaceInfo{Count: uint32(opts), Class: [32]uint8{class, 3}}
			if v := rules.Check(d, i, FilterOption(opts)); v == NoMatch && FilterOption(opts)&DefaultAllow != 0 {
				t.Fatalf("no match with a default")
			}
		}
	})
}
