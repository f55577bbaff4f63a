package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"govm-desktop/hw/usb"
)

// plug writes a device's attributes as the kernel shows them.
func plug(t *testing.T, root, name string, attrs map[string]string, descriptors []byte) {
	t.Helper()
	dir := filepath.Join(root, "sys/bus/usb/devices", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for k, v := range attrs {
		if err := os.WriteFile(filepath.Join(dir, k), []byte(v+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "descriptors"), descriptors, 0o644); err != nil {
		t.Fatal(err)
	}
}

func stick() []byte {
	d := make([]byte, 18)
	d[0], d[1], d[17] = 18, 1, 1
	return append(d, 9, 2, 32, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 2, 8, 6, 0x50, 0, 7, 5, 0x81, 2, 0, 2, 0, 7, 5, 2, 2, 0, 2, 0)
}

func TestList(t *testing.T) {
	root := t.TempDir()
	plug(t, root, "usb1", map[string]string{"busnum": "1", "devnum": "1", "idVendor": "1d6b", "idProduct": "0002", "bDeviceClass": "09", "speed": "480"}, stick())
	plug(t, root, "1-4.2", map[string]string{"busnum": "1", "devnum": "12", "idVendor": "0951", "idProduct": "1666", "bcdDevice": "0110", "bDeviceClass": "00", "speed": "5000",
		"bConfigurationValue": "1", "manufacturer": "Kingston", "product": "DataTraveler", "serial": "ABC"}, stick())
	plug(t, root, "1-3", map[string]string{"busnum": "1", "devnum": "7", "idVendor": "046d", "idProduct": "c31c", "bDeviceClass": "00", "speed": "1.5"}, []byte{1, 2})
	plug(t, root, "1-4.2:1.0", map[string]string{"bInterfaceClass": "08"}, nil)
	list, err := List(root)
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %d devices, want 2: %+v", err, len(list), list)
	}
	s := list[1]
	if s.Port != "4.2" || s.Speed != usb.Super || s.Vendor != 0x0951 || s.ID != 0x1666 || s.Version != 0x110 || s.Name() != "Kingston DataTraveler" || s.Config != 1 {
		t.Errorf("%+v", s)
	}
	if !strings.HasSuffix(s.node(root), "/dev/bus/usb/001/012") {
		t.Error(s.node(root))
	}
	if n, c := s.Interfaces(); len(n) != 1 || c[0] != [3]uint8{8, 6, 0x50} {
		t.Errorf("interfaces %v %v", n, c)
	}
	for _, c := range []struct {
		m    Match
		fits string
	}{
		{Match{Vendor: 0x0951, ID: 0x1666}, "4.2"}, {Match{Vendor: 0x0951, ID: -1}, "4.2"}, {Match{Vendor: 0x0951, ID: 1}, ""}, {Match{Bus: 1, Addr: 12}, "4.2"},
		{Match{Bus: 1, Port: "4.2"}, "4.2"}, {Match{Bus: 1, Port: "4.1"}, ""}, {Match{Bus: 1, Addr: 1}, ""}, {Match{Serial: "ABC", Vendor: -1}, "4.2"},
		{Match{Filter: func(i *Info) bool { return false }}, ""}, {Match{Vendor: -1, ID: -1}, "4.2"},
	} {
		got := ""
		for _, i := range list {
			if c.m.Fits(&i) {
				got += i.Port
			}
		}
		if got != c.fits {
			t.Errorf("%+v fits %q, want %q", c.m, got, c.fits)
		}
	}
	if _, err := Probe(Match{Vendor: 1}, root); err != ErrNone {
		t.Error(err)
	}
}

func TestUSBEvent(t *testing.T) {
	for text, want := range map[string]bool{
		"add@/devices/x\x00ACTION=add\x00DEVTYPE=usb_device\x00": true, "add@/devices/x\x00ACTION=add\x00DEVTYPE=usb_interface\x00": false,
		"x\x00ACTION=offline\x00DEVTYPE=usb_device\x00": false, "": false,
	} {
		if usbEvent([]byte(text)) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func FuzzDescriptors(f *testing.F) {
	f.Add(stick())
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 18 {
			return
		}
		d := New(Config{})
		d.info = Info{Descriptors: b, Config: 1}
		d.active, d.alts, d.eps = 1, map[uint8]uint8{}, map[uint8]*endpoint{}
		d.info.Interfaces()
		d.rebuild()
		if len(d.eps) > 256 {
			t.Error(len(d.eps))
		}
	})
}
