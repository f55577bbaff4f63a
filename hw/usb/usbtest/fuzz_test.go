package usbtest_test

import (
	"io"
	"testing"

	"govm-desktop/block/raw"
	"govm-desktop/clock"
	"govm-desktop/hw/scsi"
	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/hid"
	"govm-desktop/hw/usb/hub"
	"govm-desktop/hw/usb/serial"
	"govm-desktop/hw/usb/storage"
	"govm-desktop/hw/usb/uas"
	"govm-desktop/hw/usb/usbtest"
	"govm-desktop/hw/usb/zero"
	"govm-desktop/input"
	"govm-desktop/input/keycodemap"
)

// kinds are all emulated devices.
func kinds(t testing.TB, n byte, keys *keycodemap.Map) usb.Device {
	c := hid.Config{Clock: clock.NewManual(), Input: &input.Router{}}
	units := []*scsi.Unit{scsi.New(scsi.Config{Image: raw.NewMemory(make([]byte, 4096))})}
	var d usb.Device
	var err error
	switch n % 8 {
	case 0:
		d = hid.NewKeyboard(c, keys.USB)
	case 1:
		d = hid.NewMouse(c)
	case 2:
		d = hid.NewTablet(c)
	case 3:
		d, err = hub.New(hub.Config{Clock: c.Clock})
	case 4:
		d = storage.New(storage.Config{Units: units})
	case 5:
		d = uas.New(uas.Config{Units: units})
	case 6:
		d = serial.New(serial.Config{})
	case 7:
		d, err = zero.New(zero.Config{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// FuzzControl sends requests of any kind to devices of every kind: each ends at once, with no more data than were asked for.
func FuzzControl(f *testing.F) {
	f.Add(byte(0), byte(2), []byte{0x80, 6, 0, 1, 0, 0, 18, 0, 0x00, 9, 1, 0, 0, 0, 0, 0, 0x21, 9, 0, 2, 0, 0, 1, 0})
	f.Add(byte(3), byte(1), []byte{0x00, 9, 1, 0, 0, 0, 0, 0, 0x23, 3, 8, 0, 1, 0, 0, 0, 0xa3, 0, 0, 0, 1, 0, 4, 0})
	f.Add(byte(7), byte(3), []byte{0x00, 9, 3, 0, 0, 0, 0, 0, 0x01, 11, 1, 0, 0, 0, 0, 0, 0x02, 3, 0, 0, 0x81, 0, 0, 0})
	keys := keycodemap.New()
	f.Fuzz(func(t *testing.T, kind, speed byte, script []byte) {
		d := kinds(t, kind, keys)
		if c, ok := d.(io.Closer); ok {
			defer c.Close()
		}
		h := usbtest.New(t, d, []usb.Speed{usb.Low, usb.Full, usb.High, usb.Super}[speed%4])
		for n := 0; len(script) >= 8 && n < 64; n++ {
			s := usb.ParseSetup([8]byte(script))
			script = script[8:]
			x := h.NewTransfer(0, make([]byte, min(int(s.Length), 1<<14)))
			x.Setup = s
			x.Send(d)
			x.Wait()
		}
	})
}
