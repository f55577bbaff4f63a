package uas

import (
	"bytes"
	"encoding/binary"
	"sync"
	"testing"

	"govm-desktop/block"
	"govm-desktop/hw/scsi"
	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/usbtest"
)

// image is a disk in memory; gate, if not nil, holds accesses to the sector of the same number up.
type image struct {
	mu      sync.Mutex
	data    []byte
	gate    chan struct{}
	entered chan struct{}
}

func (d *image) Size() int64  { return int64(len(d.data)) }
func (d *image) Close() error { return nil }
func (d *image) Sync() error  { return nil }
func (d *image) ReadAt(p []byte, off int64) (int, error) {
	if d.gate != nil && off == 0 {
		d.entered <- struct{}{}
		<-d.gate
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := block.Check(d.Size(), off, int64(len(p))); err != nil {
		return 0, err
	}
	return copy(p, d.data[off:]), nil
}
func (d *image) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := block.Check(d.Size(), off, int64(len(p))); err != nil {
		return 0, err
	}
	return copy(d.data[off:], p), nil
}

func newImage(sectors int) *image {
	d := &image{data: make([]byte, sectors*512), entered: make(chan struct{}, 100)}
	for i := range d.data {
		d.data[i] = byte(i>>9*7) ^ byte(i)
	}
	return d
}

type bench struct {
	*usbtest.Host
	t     *testing.T
	d     *Device
	image *image
}

func plug(t *testing.T, s usb.Speed) *bench {
	img := newImage(2000)
	d := New(Config{Units: []*scsi.Unit{scsi.New(scsi.Config{Image: img})}})
	t.Cleanup(func() { d.Close() })
	b := &bench{Host: usbtest.New(t, d, s), t: t, d: d, image: img}
	b.Configure(1)
	b.begin(1, []byte{0, 0, 0, 0, 0, 0})
	if st, s := b.end(1); st != 2 || s.Code() != 0x29 {
		t.Errorf("the first command ends with %d, %x", st, s)
	}
	return b
}

// begin sends a command.
func (b *bench) begin(tag uint16, cdb []byte) {
	b.t.Helper()
	iu := make([]byte, 32)
	iu[0] = iuCommand
	binary.BigEndian.PutUint16(iu[2:], tag)
	copy(iu[16:], cdb)
	if n, st := b.Out(epCommand, iu); n != 32 || st != usb.OK {
		b.t.Fatalf("command: %d bytes, %v", n, st)
	}
}

func (b *bench) stream(tag uint16) uint16 {
	if b.d.streams() {
		return tag
	}
	return 0
}

// unit fetches an information unit.
func (b *bench) unit(tag uint16) []byte {
	b.t.Helper()
	iu, st := b.StartStream(epStatus, b.stream(tag), make([]byte, 128)).Wait()
	if st != usb.OK || len(iu) < 4 || binary.BigEndian.Uint16(iu[2:]) != tag {
		b.t.Fatalf("tag %d: % x, %v", tag, iu, st)
	}
	return iu
}

// end fetches a command's status.
func (b *bench) end(tag uint16) (status byte, s scsi.Sense) {
	b.t.Helper()
	iu := b.unit(tag)
	if iu[0] != iuSense || len(iu) < 16 {
		b.t.Fatalf("% x where a sense unit belongs", iu)
	}
	if d := iu[16:]; len(d) >= 14 {
		s = scsi.Sense(d[2])<<16 | scsi.Sense(d[12])<<8 | scsi.Sense(d[13])
	}
	return iu[6], s
}

// data moves a command's data.
func (b *bench) data(tag uint16, ep uint8, buf []byte) []byte {
	b.t.Helper()
	if !b.d.streams() {
		want := byte(iuReadReady)
		if ep == epOut {
			want = iuWriteReady
		}
		if iu := b.unit(tag); iu[0] != want {
			b.t.Fatalf("% x where it should say whose turn it is", iu)
		}
	}
	got, st := b.StartStream(ep, b.stream(tag), buf).Wait()
	if st != usb.OK {
		b.t.Fatal(st)
	}
	return got
}

func rw(op byte, lba uint32, n uint16) []byte {
	return []byte{op, 0, byte(lba >> 24), byte(lba >> 16), byte(lba >> 8), byte(lba), 0, byte(n >> 8), byte(n), 0}
}

func TestContract(t *testing.T) {
	usbtest.TestDevice(t, func(testing.TB) usb.Device {
		return New(Config{Units: []*scsi.Unit{scsi.New(scsi.Config{Image: newImage(64)})}})
	})
}

func TestReadWrite(t *testing.T) {
	for _, s := range []usb.Speed{usb.Full, usb.High, usb.Super} {
		b := plug(t, s)
		data := bytes.Repeat([]byte("attached"), 100*64)
		b.begin(7, rw(0x2a, 10, 100))
		b.data(7, epOut, data)
		if st, _ := b.end(7); st != 0 || !bytes.Equal(b.image.data[10*512:110*512], data) {
			t.Errorf("%v: write ends with %d", s, st)
		}
		b.begin(8, rw(0x28, 10, 100))
		got := b.data(8, epIn, make([]byte, len(data)))
		if st, _ := b.end(8); st != 0 || !bytes.Equal(got, data) {
			t.Errorf("%v: read ends with %d", s, st)
		}
		b.begin(9, []byte{0x12, 0, 0, 0, 255, 0})
		if got := b.data(9, epIn, make([]byte, 255)); len(got) != 36 {
			t.Errorf("INQUIRY gives %d bytes", len(got))
		}
		b.end(9)
		b.begin(10, rw(0x28, 5000, 1))
		if st, sense := b.end(10); st != 2 || sense != scsi.BadRange {
			t.Errorf("%v: a bad address ends with %d, %x", s, st, sense)
		}
	}
}

// TestDepth has as many commands at once as there are tags, data and status fetched in another order.
func TestDepth(t *testing.T) {
	b := plug(t, usb.Super)
	const depth = 1 << streamBits
	var data, status [depth + 1]*usbtest.Transfer
	for tag := uint16(1); tag <= depth; tag++ {
		b.begin(tag, rw(0x28, uint32(tag)*8, 8))
	}
	for tag := uint16(depth); tag > 0; tag-- {
		status[tag] = b.StartStream(epStatus, tag, make([]byte, 64))
		data[tag] = b.StartStream(epIn, tag, make([]byte, 4096))
	}
	for tag := 1; tag <= depth; tag++ {
		got, st := data[tag].Wait()
		if st != usb.OK || !bytes.Equal(got, b.image.data[tag*4096:(tag+1)*4096]) {
			t.Errorf("tag %d: %d bytes, %v", tag, len(got), st)
		}
		if iu, st := status[tag].Wait(); st != usb.OK || iu[0] != iuSense || iu[6] != 0 {
			t.Errorf("tag %d: % x, %v", tag, iu, st)
		}
	}
}

// TestParallel wants a slow command to hold no other up.
func TestParallel(t *testing.T) {
	b := plug(t, usb.Super)
	b.image.gate = make(chan struct{})
	b.begin(1, rw(0x28, 0, 8))
	slow := b.StartStream(epIn, 1, make([]byte, 4096))
	<-b.image.entered
	b.begin(2, rw(0x28, 8, 8))
	if got := b.data(2, epIn, make([]byte, 4096)); !bytes.Equal(got, b.image.data[4096:8192]) {
		t.Error("the second command's data differ")
	}
	b.end(2)
	if slow.Ended() {
		t.Error("the first one has ended")
	}
	close(b.image.gate)
	slow.Wait()
	b.end(1)
}

func (b *bench) manage(tag, target uint16, function byte) {
	b.t.Helper()
	iu := make([]byte, 16)
	iu[0], iu[3], iu[4], iu[7] = iuManagement, byte(tag), function, byte(target)
	b.Out(epCommand, iu)
}

func (b *bench) response(tag uint16, code byte) {
	b.t.Helper()
	if iu := b.unit(tag); iu[0] != iuResponse || iu[7] != code {
		b.t.Errorf("response % x, want code %d", iu, code)
	}
}

func TestManagement(t *testing.T) {
	b := plug(t, usb.Super)
	b.begin(5, rw(0x28, 8, 8))
	b.manage(6, 5, queryTask)
	b.response(6, responseSucceeded)
	b.manage(6, 5, abortTask)
	b.response(6, responseComplete)
	b.manage(6, 5, queryTask)
	b.response(6, responseComplete)
	b.begin(5, rw(0x28, 8, 8)) // the tag is free again
	if got := b.data(5, epIn, make([]byte, 4096)); !bytes.Equal(got, b.image.data[4096:8192]) {
		t.Error("the data differ")
	}
	b.end(5)
	b.manage(6, 0, unitReset)
	b.response(6, responseComplete)
	b.begin(5, rw(0x28, 8, 8))
	if st, s := b.end(5); st != 2 || s != scsi.PowerOnReset {
		t.Errorf("after a reset: %d, %x", st, s)
	}
	b.begin(5, rw(0x28, 8, 8))
	b.begin(5, rw(0x28, 8, 8))
	b.response(5, responseOverlapped)
	b.manage(6, 0, 0x33)
	b.response(6, responseNotSupported)
	b.Out(epCommand, []byte{0x77, 0, 0, 6})
	b.response(6, responseInvalid)
}

func FuzzUnits(f *testing.F) {
	f.Add([]byte{32, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x28, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x81, 0xc1}, true)
	f.Add([]byte{16, 5, 0, 0, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x82}, false)
	f.Fuzz(func(t *testing.T, script []byte, super bool) {
		d := New(Config{Units: []*scsi.Unit{scsi.New(scsi.Config{Image: newImage(16)})}})
		defer d.Close()
		s := usb.High
		if super {
			s = usb.Super
		}
		h := usbtest.New(t, d, s)
		h.Configure(1)
		var all []*usbtest.Transfer
		for len(script) > 0 && len(all) < 64 { // a byte: a unit of that many bytes; from 80 on: status, from c0 on: data in, from e0 on: data out
			op := script[0]
			script = script[1:]
			stream := uint16(0)
			if super {
				stream = uint16(op & 0x1f)
			}
			switch {
			case op >= 0xe0:
				all = append(all, h.StartStream(epOut, stream, make([]byte, 512)))
			case op >= 0xc0:
				all = append(all, h.StartStream(epIn, stream, make([]byte, 700)))
			case op >= 0x80:
				all = append(all, h.StartStream(epStatus, stream, make([]byte, 64)))
			default:
				n := min(int(op), len(script))
				all = append(all, h.Start(epCommand, script[:n]))
				script = script[n:]
			}
		}
		for _, x := range all {
			d.Cancel(&x.Packet)
		}
		for _, x := range all {
			x.Wait()
		}
	})
}
