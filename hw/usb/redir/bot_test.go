package redir

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"govm-desktop/hw"
	"govm-desktop/hw/scsi"
	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/export"
	"govm-desktop/hw/usb/storage"
	"govm-desktop/hw/usb/usbtest"
)

// memory is a disk in memory.
type memory []byte

func (m memory) ReadAt(p []byte, off int64) (int, error)  { return copy(p, m[off:]), nil }
func (m memory) WriteAt(p []byte, off int64) (int, error) { return copy(m[off:], p), nil }
func (m memory) Size() int64                              { return int64(len(m)) }
func (memory) Sync() error                                { return nil }
func (memory) Close() error                               { return nil }

// slowLine is a tunnel whose other end answers late.
type slowLine struct {
	net.Conn
	out chan late
}

type late struct {
	at   time.Time
	data []byte
}

// slowly delays what is written.
func slowly(c net.Conn, by time.Duration) io.ReadWriteCloser {
	s := &slowLine{c, make(chan late, 4096)}
	go func() {
		for l := range s.out {
			time.Sleep(time.Until(l.at))
			if _, err := s.Conn.Write(l.data); err != nil {
				return
			}
		}
	}()
	return &delayed{s, by}
}

type delayed struct {
	*slowLine
	by time.Duration
}

func (d *delayed) Write(p []byte) (int, error) {
	d.out <- late{time.Now().Add(d.by), bytes.Clone(p)}
	return len(p), nil
}

// stick is a redirected stick with what is on it.
func stick(t *testing.T, cfg Config, latency time.Duration) (*usbtest.Host, memory, *tunnel) {
	m := make(memory, 8<<20)
	for i := range m {
		m[i] = byte(i>>9) ^ byte(i)
	}
	d := storage.New(storage.Config{Units: []*scsi.Unit{scsi.New(scsi.Config{Image: m})}})
	t.Cleanup(func() { d.Close() })
	u := newTunnel(t, d, cfg, export.Config{})
	u.latency = latency
	h := usbtest.New(t, u, usb.High)
	h.Configure(1)
	for tag := uint32(1); command(t, h, tag, 0, true, make([]byte, 6))[12] != 0; tag += 2 { // it reports that it has been put in
		command(t, h, tag+1, 18, true, []byte{3, 0, 0, 0, 18, 0})
	}
	return h, m, u
}

// command sends a command and, for input, reads its data; the status follows.
func command(t *testing.T, h *usbtest.Host, tag, length uint32, in bool, cdb []byte) []byte {
	t.Helper()
	send(t, h, tag, length, in, cdb)
	if length > 0 && in {
		h.In(0x81, int(length))
	}
	b, st := h.In(0x81, 13)
	if st != usb.OK || len(b) != 13 || binary.LittleEndian.Uint32(b[4:]) != tag {
		t.Fatalf("status of command %d: %v, % x", tag, st, b)
	}
	return b
}

func send(t *testing.T, h *usbtest.Host, tag, length uint32, in bool, cdb []byte) {
	t.Helper()
	b := make([]byte, 31)
	copy(b, "USBC")
	binary.LittleEndian.PutUint32(b[4:], tag)
	binary.LittleEndian.PutUint32(b[8:], length)
	if in {
		b[12] = 0x80
	}
	b[14] = byte(len(cdb))
	copy(b[15:], cdb)
	if n, st := h.Out(0x02, b); n != 31 || st != usb.OK {
		t.Fatalf("command %d: %v", tag, st)
	}
}

func rw(op byte, lba uint32, sectors int) []byte {
	c := make([]byte, 10)
	c[0] = op
	binary.BigEndian.PutUint32(c[2:], lba)
	binary.BigEndian.PutUint16(c[7:], uint16(sectors))
	return c
}

// TestBulkOnly_roundTrips: with the accelerator a command costs one round trip, and its data are right.
func TestBulkOnly_roundTrips(t *testing.T) {
	const latency, n = 20 * time.Millisecond, 10
	took := map[bool]time.Duration{}
	for _, plain := range []bool{false, true} {
		h, m, _ := stick(t, Config{NoBulkOnlyAhead: plain}, latency)
		start := time.Now()
		for i := range uint32(n) {
			send(t, h, i, 4096, true, rw(0x28, i*8, 8))
			if b, st := h.In(0x81, 4096); st != usb.OK || !bytes.Equal(b, m[i*4096:][:4096]) {
				t.Fatalf("read %d: %v, wrong data", i, st)
			}
			if b, _ := h.In(0x81, 13); len(b) != 13 || b[12] != 0 {
				t.Fatalf("status % x", b)
			}
		}
		took[plain] = time.Since(start)
	}
	if took[false]*4 > took[true]*3 { // a third, on an idle machine
		t.Errorf("%d reads with %v: %v, without prefetching %v", n, latency, took[false], took[true])
	}
	t.Logf("%d reads: %v, without prefetching %v", n, took[false], took[true])
}

// TestBulkOnly_writes: data are acknowledged by the device alone.
func TestBulkOnly_writes(t *testing.T) {
	h, m, _ := stick(t, Config{}, time.Millisecond)
	for i := range uint32(20) {
		data := bytes.Repeat([]byte{byte(i + 100)}, 8192)
		send(t, h, i, 8192, false, rw(0x2a, i*16, 16))
		if n, st := h.Out(0x02, data[:4096]); n != 4096 || st != usb.OK {
			t.Fatal(st)
		}
		if n, st := h.Out(0x02, data[4096:]); n != 4096 || st != usb.OK {
			t.Fatal(st)
		}
		if b, _ := h.In(0x81, 13); len(b) != 13 || b[12] != 0 {
			t.Fatalf("status % x", b)
		}
		if !bytes.Equal(m[i*8192:][:8192], data) {
			t.Fatalf("write %d is not on the disk", i)
		}
	}
}

// TestBulkOnly_recovery gives commands up at every stage, resets, and wants the next to work.
func TestBulkOnly_recovery(t *testing.T) {
	h, m, _ := stick(t, Config{}, 2*time.Millisecond)
	for round := range uint32(24) {
		lba := round * 8
		send(t, h, round, 4096, true, rw(0x28, lba, 8))
		var under []*usbtest.Transfer
		if round&1 != 0 {
			under = append(under, h.Start(0x81, make([]byte, 2048)))
		}
		if round&2 != 0 {
			under = append(under, h.Start(0x81, make([]byte, 2048)))
		}
		if round&4 != 0 {
			time.Sleep(5 * time.Millisecond)
		}
		for _, x := range under {
			h.Device.Cancel(&x.Packet)
		}
		for _, x := range under {
			x.Wait()
		}
		if round&8 != 0 {
			h.Device.Reset(hw.BusReset)
			h.Configure(1)
		} else {
			h.Do(0x21ff, 0, 0, 0)
			h.Do(0x0201, 0, 0x81, 0)
			h.Do(0x0201, 0, 0x02, 0)
		}
		for tag := uint32(1000); ; tag++ {
			send(t, h, tag, 4096, true, rw(0x28, lba, 8))
			b, st := h.In(0x81, 4096)
			if st == usb.Stall {
				h.Do(0x0201, 0, 0x81, 0)
			}
			csw, cst := h.In(0x81, 13)
			if cst != usb.OK || len(csw) != 13 || binary.LittleEndian.Uint32(csw[4:]) != tag {
				t.Fatalf("round %d: data %v, status %v % x", round, st, cst, csw)
			}
			if csw[12] == 0 {
				if !bytes.Equal(b, m[lba*512:][:4096]) {
					t.Fatalf("round %d: wrong data", round)
				}
				break
			}
			command(t, h, 5000, 18, true, []byte{3, 0, 0, 0, 18, 0}) // sense, after a reset
			if tag > 1003 {
				t.Fatalf("round %d: status % x", round, csw)
			}
		}
	}
}

// TestBulkOnly_refused: a command block that is no good shows at the data stage.
func TestBulkOnly_refused(t *testing.T) {
	h, _, _ := stick(t, Config{}, time.Millisecond)
	b := make([]byte, 31)
	copy(b, "USBC")
	b[8], b[12], b[13], b[14] = 64, 0x80, 9, 99 // no such unit, no such length
	if _, st := h.Out(0x02, b); st != usb.OK {
		t.Fatalf("command: %v", st)
	}
	if _, st := h.In(0x81, 64); st != usb.Stall {
		t.Errorf("data stage: %v, want a stall", st)
	}
	h.Do(0x21ff, 0, 0, 0)
	h.Do(0x0201, 0, 0x81, 0)
	h.Do(0x0201, 0, 0x02, 0)
	command(t, h, 7, 18, true, []byte{3, 0, 0, 0, 18, 0})
}

// TestBulkOnly_drop loses the connection in the middle of a command: it fails until a reset, and at once.
func TestBulkOnly_drop(t *testing.T) {
	h, m, u := stick(t, Config{Grace: time.Minute}, 200*time.Millisecond)
	send(t, h, 1, 4096, true, rw(0x28, 0, 8))
	x := h.Start(0x81, make([]byte, 4096))
	u.cut()
	u.latency = 0
	u.dial()
	for range 3 { // as a driver repeats it
		if _, st := x.Wait(); st != usb.IOError {
			t.Fatalf("data stage: %v", st)
		}
		x = h.Start(0x81, make([]byte, 4096))
	}
	x.Wait()
	h.Reset()
	h.Configure(1)
	for tag := range uint32(5) {
		send(t, h, tag, 512, true, rw(0x28, 1, 1))
		b, st := h.In(0x81, 512)
		if st == usb.Stall {
			h.Do(0x0201, 0, 0x81, 0)
		}
		if csw, _ := h.In(0x81, 13); len(csw) == 13 && csw[12] == 0 {
			if !bytes.Equal(b, m[512:1024]) {
				t.Error("wrong data")
			}
			return
		}
		command(t, h, 5000, 18, true, []byte{3, 0, 0, 0, 18, 0})
	}
	t.Error("the disk does not work again")
}

// TestSteady_allocations: a transfer allocates nothing at our end; what the other end, the connection and the test allocate is bounded.
func TestSteady_allocations(t *testing.T) {
	d := New(Config{})
	d.live, d.shown = true, true
	d.link = &link{conn: nil, wake: nil}
	e := &d.eps[17]
	e.kind, e.maxPacket = 2, 512
	var p usb.Packet
	var ended atomic.Int32
	p.Endpoint, p.Done = 0x81, func(*usb.Packet) { ended.Add(1) }
	p.Data.Append(make([]byte, 512))
	d.link.wake = newCond(d)
	one := func() {
		p.Send(d)
		d.mu.Lock()
		m := d.link.out[0]
		m.t.queued = false
		d.link.out = d.link.out[:0]
		m.Status, m.Length = 0, 512
		m.Placed = true
		_ = d.answer(m.t, &m.Packet)
		d.unlock()
	}
	for range 100 {
		one()
	}
	if n := testing.AllocsPerRun(200, one); n > 1 { // the copy of the message that this test makes
		t.Errorf("%v allocations in a transfer", n)
	}
	if ended.Load() == 0 {
		t.Error("nothing has ended")
	}
}
