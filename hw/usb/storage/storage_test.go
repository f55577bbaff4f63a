package storage

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

// image is a disk in memory; slow, if not nil, holds every access up until it is closed, and entered hears of it.
type image struct {
	mu      sync.Mutex
	data    []byte
	slow    chan struct{}
	entered chan struct{}
}

func (d *image) Size() int64  { return int64(len(d.data)) }
func (d *image) Close() error { return nil }
func (d *image) Sync() error  { return nil }
func (d *image) ReadAt(p []byte, off int64) (int, error) {
	return d.access(func(b []byte) int { return copy(p, b) }, off, len(p))
}
func (d *image) WriteAt(p []byte, off int64) (int, error) {
	return d.access(func(b []byte) int { return copy(b, p) }, off, len(p))
}
func (d *image) access(f func([]byte) int, off int64, n int) (int, error) {
	if d.slow != nil {
		d.entered <- struct{}{}
		<-d.slow
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := block.Check(d.Size(), off, int64(n)); err != nil {
		return 0, err
	}
	return f(d.data[off:]), nil
}

func newImage(sectors int) *image {
	d := &image{data: make([]byte, sectors*512), entered: make(chan struct{}, 100)}
	for i := range d.data {
		d.data[i] = byte(i>>9*7) ^ byte(i)
	}
	return d
}

// bench is a host with a driver for one device.
type bench struct {
	*usbtest.Host
	t     *testing.T
	d     *Device
	image *image
	tag   uint32
}

func plug(t *testing.T, s usb.Speed) *bench {
	img := newImage(2000)
	d := New(Config{Units: []*scsi.Unit{scsi.New(scsi.Config{Image: img, Removable: true})}})
	t.Cleanup(func() { d.Close() })
	b := &bench{Host: usbtest.New(t, d, s), t: t, d: d, image: img}
	b.ready()
	return b
}

// ready configures the device and takes the first UNIT ATTENTION.
func (b *bench) ready() {
	b.t.Helper()
	b.Configure(1)
	if _, st, _ := b.command([]byte{0, 0, 0, 0, 0, 0}, false, 0, nil); st != statusFailed {
		b.t.Errorf("the first command ends with status %d", st)
	}
	if s, _, _ := b.command([]byte{3, 0, 0, 0, 18, 0}, true, 18, nil); len(s) != 18 || s[2] != 6 || s[12] != 0x29 {
		b.t.Errorf("sense % x", s)
	}
}

// send sends a command block wrapper.
func (b *bench) send(cdb []byte, in bool, n int) {
	b.t.Helper()
	b.tag++
	w := make([]byte, cbwSize)
	le := binary.LittleEndian
	le.PutUint32(w, cbwSignature)
	le.PutUint32(w[4:], b.tag)
	le.PutUint32(w[8:], uint32(n))
	if in {
		w[12] = flagIn
	}
	w[14] = byte(len(cdb))
	copy(w[15:], cdb)
	if k, st := b.Out(epOut, w); k != cbwSize || st != usb.OK {
		b.t.Fatalf("command block: %d bytes, %v", k, st)
	}
}

// status fetches the command status wrapper.
func (b *bench) status() (status byte, residue int) {
	b.t.Helper()
	w, st := b.In(epIn, cswSize)
	le := binary.LittleEndian
	if st != usb.OK || len(w) != cswSize || le.Uint32(w) != cswSignature || le.Uint32(w[4:]) != b.tag {
		b.t.Fatalf("status % x, %v", w, st)
	}
	return w[12], int(le.Uint32(w[8:]))
}

// command carries out a whole command, the data in two transfers.
func (b *bench) command(cdb []byte, in bool, n int, out []byte) (data []byte, status byte, residue int) {
	b.t.Helper()
	b.send(cdb, in, n)
	for _, part := range []int{n / 2 &^ 1023, n - n/2&^1023} {
		if part == 0 {
			continue
		}
		if !in {
			if k, st := b.Out(epOut, out[:part]); st != usb.OK || k != part {
				b.t.Fatalf("data: %d bytes of %d, %v", k, part, st)
			}
			out = out[part:]
			continue
		}
		got, st := b.In(epIn, part)
		if st != usb.OK {
			b.t.Fatalf("data: %v", st)
		}
		if data = append(data, got...); len(got) < part {
			break
		}
	}
	status, residue = b.status()
	return data, status, residue
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
		data := make([]byte, 1000*512)
		for i := range data {
			data[i] = byte(i * 31 >> 3)
		}
		if _, st, residue := b.command(rw(0x2a, 100, 1000), false, len(data), data); st != statusPassed || residue != 0 {
			t.Errorf("write: status %d, residue %d", st, residue)
		}
		got, st, residue := b.command(rw(0x28, 100, 1000), true, len(data), nil)
		if st != statusPassed || residue != 0 || !bytes.Equal(got, data) || !bytes.Equal(b.image.data[100*512:1100*512], data) {
			t.Errorf("read: %d bytes, status %d, residue %d", len(got), st, residue)
		}
		if max := b.Do(0xa1fe, 0, 0, 1); max[0] != 0 {
			t.Errorf("highest unit %d", max[0])
		}
	}
}

// TestThirteenCases are those of 6.7 of the specification.
func TestThirteenCases(t *testing.T) {
	sector := make([]byte, 512)
	for _, c := range []struct {
		name    string
		cdb     []byte
		in      bool
		n       int
		status  byte
		data    int
		residue int
	}{
		{"1 Hn = Dn", []byte{0, 0, 0, 0, 0, 0}, false, 0, statusPassed, 0, 0},
		{"2 Hn < Di", rw(0x28, 0, 1), false, 0, statusPhase, 0, 0},
		{"3 Hn < Do", rw(0x2a, 0, 1), false, 0, statusPhase, 0, 0},
		{"4 Hi > Dn", []byte{0, 0, 0, 0, 0, 0}, true, 512, statusPassed, 0, 512},
		{"5 Hi > Di", rw(0x28, 0, 1), true, 1000, statusPassed, 512, 488},
		{"6 Hi = Di", rw(0x28, 0, 1), true, 512, statusPassed, 512, 0},
		{"7 Hi < Di", rw(0x28, 0, 2), true, 512, statusPhase, 512, 0},
		{"8 Hi <> Do", rw(0x2a, 0, 1), true, 512, statusPhase, 0, 512},
		{"9 Ho > Dn", []byte{0, 0, 0, 0, 0, 0}, false, 512, statusPassed, 0, 512},
		{"10 Ho <> Di", rw(0x28, 0, 1), false, 512, statusPhase, 0, 512},
		{"11 Ho > Do", rw(0x2a, 0, 1), false, 1024, statusPassed, 0, 512},
		{"12 Ho = Do", rw(0x2a, 0, 1), false, 512, statusPassed, 0, 0},
		{"13 Ho < Do", rw(0x2a, 0, 2), false, 512, statusPhase, 0, 0},
		{"a failure", rw(0x28, 5000, 1), true, 512, statusFailed, 0, 512},
		{"less of an answer", []byte{0x12, 0, 0, 0, 36, 0}, true, 8, statusPassed, 8, 0},
	} {
		b := plug(t, usb.High)
		data, st, residue := b.command(c.cdb, c.in, c.n, append(sector, sector...))
		if st != c.status || len(data) != c.data || residue != c.residue {
			t.Errorf("%s: status %d, %d bytes, residue %d; want %d, %d, %d", c.name, st, len(data), residue, c.status, c.data, c.residue)
		}
		if _, st, _ := b.command([]byte{0, 0, 0, 0, 0, 0}, false, 0, nil); st != statusPassed {
			t.Errorf("%s: the next command ends with status %d", c.name, st)
		}
	}
}

func TestInvalidWrapper(t *testing.T) {
	b := plug(t, usb.High)
	for _, w := range [][]byte{make([]byte, 31), []byte("USBC"), nil} {
		if _, st := b.Out(epOut, w); st != usb.Stall {
			t.Errorf("a wrapper of %d bytes ends with %v", len(w), st)
		}
		if _, st := b.In(epIn, 13); st != usb.Stall {
			t.Errorf("the other endpoint: %v", st)
		}
		b.Do(0x0201, 0, epIn, 0) // which alone does not help
		if _, st := b.In(epIn, 13); st != usb.Stall {
			t.Errorf("without a reset: %v", st)
		}
		b.Do(0x21ff, 0, 0, 0)
		b.Do(0x0201, 0, epIn, 0)
		b.Do(0x0201, 0, epOut, 0)
		if _, st, _ := b.command([]byte{0, 0, 0, 0, 0, 0}, false, 0, nil); st != statusPassed {
			t.Errorf("after reset recovery: status %d", st)
		}
	}
}

// TestCancel cancels a read in its midst: what the driver then asks for is what follows.
func TestCancel(t *testing.T) {
	b := plug(t, usb.High)
	b.send(rw(0x28, 10, 8), true, 4096)
	if got, _ := b.In(epIn, 1024); !bytes.Equal(got, b.image.data[10*512:12*512]) {
		t.Error("the first part differs")
	}
	b.image.slow = make(chan struct{})
	x := b.Start(epIn, make([]byte, 512))
	<-b.image.entered
	b.Device.Cancel(&x.Packet)
	close(b.image.slow)
	got, st := x.Wait()
	if st == usb.OK && len(got) != 512 || st == usb.Cancelled && len(got) == 512 {
		t.Errorf("%d bytes, %v", len(got), st)
	}
	rest, _ := b.In(epIn, 4096)
	if all := append(bytes.Clone(got), rest...); !bytes.Equal(all, b.image.data[12*512:18*512]) {
		t.Errorf("%d and %d bytes that differ", len(got), len(rest))
	}
	if st, residue := b.status(); st != statusPassed || residue != 0 {
		t.Errorf("status %d, residue %d", st, residue)
	}
}

// TestReset resets the device while the image is slow: nothing of before comes back.
func TestReset(t *testing.T) {
	b := plug(t, usb.High)
	b.image.slow = make(chan struct{})
	b.send(rw(0x28, 10, 8), true, 4096)
	x := b.Start(epIn, make([]byte, 4096))
	<-b.image.entered
	b.Reset()
	if x.Ended() {
		t.Error("the transfer has ended while its memory is in use")
	}
	close(b.image.slow)
	if _, st := x.Wait(); st != usb.Cancelled && st != usb.OK {
		t.Errorf("the transfer ends with %v", st)
	}
	b.ready()
	if got, st, _ := b.command(rw(0x28, 1, 1), true, 512, nil); st != statusPassed || !bytes.Equal(got, b.image.data[512:1024]) {
		t.Errorf("after the reset: status %d, %d bytes", st, len(got))
	}
}

func TestMedia(t *testing.T) {
	b := plug(t, usb.High)
	u := b.d.Units()[0]
	if _, err := u.Eject(false); err != nil {
		t.Fatal(err)
	}
	if _, st, _ := b.command([]byte{0, 0, 0, 0, 0, 0}, false, 0, nil); st != statusFailed {
		t.Errorf("TEST UNIT READY without a medium: status %d", st)
	}
	if _, err := u.SetMedium(newImage(7)); err != nil {
		t.Fatal(err)
	}
	b.command([]byte{0, 0, 0, 0, 0, 0}, false, 0, nil)
	if c, st, _ := b.command(rw(0x25, 0, 0), true, 8, nil); st != statusPassed || c[3] != 6 {
		t.Errorf("READ CAPACITY % x, status %d", c, st)
	}
}

func FuzzTransport(f *testing.F) {
	cbw := func(cdb []byte, n byte, in byte) []byte {
		w := make([]byte, 31)
		copy(w, "USBC")
		w[8], w[12], w[14] = n, in, byte(len(cdb))
		copy(w[15:], cdb)
		return w
	}
	f.Add(append([]byte{31}, cbw(rw(0x28, 0, 1), 0, 0x80)...))
	f.Add(append(append([]byte{31}, cbw([]byte{0x12, 0, 0, 0, 36, 0}, 36, 0x80)...), 0xa4, 0x8d))
	f.Add(append(append([]byte{31}, cbw(rw(0x2a, 0, 1), 4, 0)...), 4, 1, 2, 3, 4, 0x8d))
	f.Fuzz(func(t *testing.T, script []byte) {
		d := New(Config{Units: []*scsi.Unit{scsi.New(scsi.Config{Image: newImage(16)})}})
		defer d.Close()
		h := usbtest.New(t, d, usb.High)
		h.Configure(1)
		var all []*usbtest.Transfer
		for len(script) > 0 && len(all) < 64 { // a byte: out that many of what follows; from 80 on: in; f0 and above: control
			op := script[0]
			script = script[1:]
			switch {
			case op >= 0xf0:
				x := h.NewTransfer(0, make([]byte, 8))
				x.Setup = [...]usb.Setup{{RequestType: 0x21, Request: 0xff}, {RequestType: 2, Request: 1, Index: epIn}, {RequestType: 2, Request: 1, Index: epOut},
					{RequestType: 0xa1, Request: 0xfe, Length: 1}}[op&3]
				x.Send(d)
				all = append(all, x)
			case op >= 0x80:
				all = append(all, h.Start(epIn, make([]byte, int(op&0x7f)*16)))
			default:
				n := min(int(op), len(script))
				all = append(all, h.Start(epOut, script[:n]))
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
