package redir

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/export"
	"govm-desktop/hw/usb/usbtest"
	"govm-desktop/hw/usb/zero"
	"govm-desktop/usbredir"
)

const (
	sourceSink = 3
	loopback   = 2
	bulkIn     = 0x81
	bulkOut    = 0x01
)

func host(t testing.TB, u *tunnel, s usb.Speed, config uint16) *usbtest.Host {
	h := usbtest.New(t, u, s)
	if config != 0 {
		h.Configure(config)
	}
	return h
}

// numbered is a block whose every word is its number.
func numbered(n uint32, size int) []byte {
	b := make([]byte, size)
	for i := 0; i+4 <= size; i += 4 {
		binary.LittleEndian.PutUint32(b[i:], n)
	}
	return b
}

// TestCancel_losesNothing queues reads, cancels some, and counts what arrives: what a cancelled read has not got, the next ones get.
func TestCancel_losesNothing(t *testing.T) {
	for _, size := range []int{512, 4096, 64 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			h := host(t, newTunnel(t, gadget(t, zero.Zeros), Config{}, export.Config{}), usb.High, loopback)
			r := rand.New(rand.NewPCG(7, uint64(size)))
			sent, want := uint32(0), uint32(0)
			for range 20 {
				var reads []*usbtest.Transfer
				for range 20 {
					reads = append(reads, h.Start(bulkIn, make([]byte, size)))
				}
				for _, i := range r.Perm(20)[:6] {
					h.Device.Cancel(&reads[i].Packet)
				}
				for range 14 {
					if n, st := h.Out(bulkOut, numbered(sent, size)); n != size || st != usb.OK {
						t.Fatalf("write: %d bytes, %v", n, st)
					}
					sent++
				}
				for i, x := range reads {
					b, st := x.Wait()
					if st == usb.Cancelled && len(b) == 0 {
						continue
					}
					if st != usb.OK || !bytes.Equal(b, numbered(want, size)) {
						t.Fatalf("read %d: %d bytes, %v, starts % x; want block %d", i, len(b), st, b[:min(len(b), 4)], want)
					}
					want++
				}
			}
			if sent != want {
				t.Errorf("%d blocks sent, %d received", sent, want)
			}
		})
	}
}

// TestCapabilities: hosts with fewer capabilities do as well.
func TestCapabilities(t *testing.T) {
	for _, caps := range []usbredir.Caps{
		usbredir.AllCaps &^ usbredir.Cap64BitIDs, usbredir.AllCaps &^ usbredir.Cap32BitBulkLength, usbredir.AllCaps &^ usbredir.CapEPMaxPacketSize,
		usbredir.AllCaps &^ usbredir.CapBulkReceiving, usbredir.AllCaps &^ usbredir.CapBulkStreams, usbredir.CapDeviceVersion,
	} {
		t.Run(fmt.Sprintf("%#x", uint32(caps)), func(t *testing.T) {
			h := host(t, newTunnel(t, gadget(t, zero.Zeros), Config{}, export.Config{Caps: caps}), usb.High, loopback)
			data := make([]byte, 300<<10) // several packets without 32-bit lengths
			for i := range data {
				data[i] = byte(i * 7 >> 3)
			}
			out := h.Start(bulkOut, data)
			var got []byte
			for len(got) < len(data) {
				b, st := h.In(bulkIn, 120<<10)
				if st != usb.OK {
					t.Fatal(st)
				}
				got = append(got, b...)
			}
			if _, st := out.Wait(); st != usb.OK || !bytes.Equal(got, data) {
				t.Errorf("%v; the bytes that came back differ", st)
			}
		})
	}
}

// TestGrace drops the connection with transfers under way, and has the device come back.
func TestGrace(t *testing.T) {
	u := newTunnel(t, gadget(t, zero.Zeros), Config{Grace: time.Minute}, export.Config{})
	h := host(t, u, usb.High, loopback)
	h.Events()
	read := h.Start(bulkIn, make([]byte, 512)) // nothing comes
	u.cut()
	eventually(t, "the connection is seen to have dropped", func() bool { u.Device.mu.Lock(); defer u.Device.mu.Unlock(); return u.link == nil })
	later := h.Start(bulkOut, numbered(5, 512))
	gone := h.Start(bulkIn, make([]byte, 512))
	h.Device.Cancel(&gone.Packet)
	if _, st := gone.Wait(); st != usb.Cancelled {
		t.Errorf("cancelled while nobody is there: %v", st)
	}
	if read.Ended() || later.Ended() {
		t.Error("transfers have not waited")
	}
	u.dial()
	if b, st := later.Wait(); st != usb.OK || len(b) != 512 {
		t.Errorf("write after the drop: %v", st)
	}
	if b, st := read.Wait(); st != usb.OK || !bytes.Equal(b, numbered(5, 512)) {
		t.Errorf("read from before the drop: %v, %d bytes", st, len(b))
	}
	if got := h.Do(0x8008, 0, 0, 1); got[0] != loopback {
		t.Errorf("configuration %d, want %d", got[0], loopback)
	}
	if e := h.Events(); len(e) != 0 {
		t.Errorf("the guest saw %v", e)
	}
}

// TestGrace_output: of output under way at the drop nobody knows what became.
func TestGrace_output(t *testing.T) {
	u := newTunnel(t, gadget(t, zero.Zeros), Config{Grace: time.Minute}, export.Config{})
	h := host(t, u, usb.High, loopback)
	var writes []*usbtest.Transfer
	for range 6 { // more than the loopback holds
		writes = append(writes, h.Start(bulkOut, make([]byte, 64<<10)))
	}
	eventually(t, "some are done", func() bool { return writes[1].Ended() })
	u.cut()
	u.dial()
	failed := 0
	for i, w := range writes {
		switch _, st := w.Wait(); {
		case st == usb.IOError:
			failed++
		case st != usb.OK:
			t.Errorf("write %d: %v", i, st)
		}
	}
	if failed != 4 {
		t.Errorf("%d of 6 writes failed, want 4", failed)
	}
}

// TestGrace_over: who waits too long is told that the device is gone; what comes later is a new device.
func TestGrace_over(t *testing.T) {
	u := newTunnel(t, gadget(t, zero.Zeros), Config{Grace: 30 * time.Millisecond}, export.Config{})
	h := host(t, u, usb.High, loopback)
	read := h.Start(bulkIn, make([]byte, 512))
	u.cut()
	if _, st := read.Wait(); st != usb.Disconnected {
		t.Errorf("read: %v", st)
	}
	u.dial()
	eventually(t, "the device is back", func() bool { d, _ := h.Port.Device(); return d != nil })
	if e := h.Events(); fmt.Sprint(e) != fmt.Sprint([]usb.PortEvent{usb.Connected, usb.Gone, usb.Connected}) {
		t.Errorf("events %v", e)
	}
}

// TestGrace_other: another device does not take the place of the one that was there.
func TestGrace_other(t *testing.T) {
	u := newTunnel(t, gadget(t, zero.Zeros), Config{Grace: time.Minute}, export.Config{})
	h := host(t, u, usb.High, loopback)
	read := h.Start(bulkIn, make([]byte, 512))
	u.cut()
	other, err := zero.New(zero.Config{Serial: "another"})
	if err != nil {
		t.Fatal(err)
	}
	first := u.exp
	defer first.Close()
	if u.exp, err = export.New(export.Config{Device: other, Speeds: usb.SpeedSet(usb.High)}); err != nil {
		t.Fatal(err)
	}
	u.dial()
	if _, st := read.Wait(); st != usb.Disconnected {
		t.Errorf("read: %v", st)
	}
	eventually(t, "the device is there", func() bool { d, _ := h.Port.Device(); return d != nil })
}

// TestReset_coalesced: a reset goes out only if it could change something.
func TestReset_coalesced(t *testing.T) {
	u := newTunnel(t, gadget(t, zero.Zeros), Config{}, export.Config{})
	h := host(t, u, usb.High, 0)
	sent := func() int { u.Device.mu.Lock(); defer u.Device.mu.Unlock(); return u.resets }
	for range 5 {
		h.Reset()
		h.Do(0x8006, 1<<8, 0, 18)
		h.Do(0x0005, 9, 0, 0)
	}
	if n := sent(); n != 0 {
		t.Errorf("%d resets sent, none could change anything", n)
	}
	h.Configure(loopback)
	for range 3 {
		h.Reset()
	}
	if n := sent(); n != 1 {
		t.Errorf("%d resets sent, want 1", n)
	}
}

// TestFilter: the first rule that fits decides.
func TestFilter(t *testing.T) {
	for text, in := range map[string]bool{"0xff,-1,-1,-1,1": true, "-1,0x0525,-1,-1,0|-1,-1,-1,-1,1": false, "0x03,-1,-1,-1,1": false, "-1,-1,-1,-1,1|-1,0x0525,-1,-1,0": true} {
		f, err := usbredir.ParseFilter(text, usbredir.WireSeparator)
		if err != nil {
			t.Fatal(err)
		}
		stream := newExchange()
		d := New(Config{Stream: stream, Filter: f})
		exp, err := export.New(export.Config{Device: gadget(t, 0)})
		if err != nil {
			t.Fatal(err)
		}
		h := newWatcher()
		port := usb.NewPort(h, 0, usb.SpeedSet(usb.Full, usb.High, usb.Super))
		if err := port.Plug(d); err != nil {
			t.Fatal(err)
		}
		a, b := pair(t)
		ended := make(chan error, 1)
		go func() { ended <- exp.Serve(b) }()
		stream.conns <- a
		select {
		case <-h.events:
			if !in {
				t.Errorf("%s: the device got in", text)
			}
		case err := <-ended:
			if in || err != export.ErrRejected {
				t.Errorf("%s: the connection ended: %v", text, err)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s: nothing happens", text)
		}
		d.Close()
		stream.Close()
		exp.Close()
	}
}

type watcher struct{ events chan usb.PortEvent }

func newWatcher() *watcher { return &watcher{make(chan usb.PortEvent, 16)} }

func (w *watcher) PortEvent(_ *usb.Port, e usb.PortEvent) { w.events <- e }

func TestInterruptQueue(t *testing.T) {
	h := host(t, newTunnel(t, gadget(t, zero.Zeros), Config{}, export.Config{}), usb.High, sourceSink)
	h.Do(0x010b, 2, 0, 0)
	for range 300 {
		if b, st := h.In(0x83, 1024); st != usb.OK || len(b) != 1024 {
			t.Fatalf("%d bytes, %v", len(b), st)
		}
	}
	for range 50 {
		if n, st := h.Out(0x03, make([]byte, 1024)); st != usb.OK || n != 1024 {
			t.Fatalf("%d bytes, %v", n, st)
		}
	}
}

func TestIso(t *testing.T) {
	h := host(t, newTunnel(t, gadget(t, zero.Mod63), Config{}, export.Config{}), usb.High, sourceSink)
	h.Do(0x010b, 1, 0, 0)
	start, first, got := time.Now(), time.Duration(0), 0
	for tick := time.NewTicker(time.Millisecond); got < 200 && time.Since(start) < 20*time.Second; <-tick.C {
		b, st := h.In(0x82, 1024)
		if st != usb.OK {
			t.Fatal(st)
		}
		if len(b) == 0 {
			continue
		}
		if first == 0 {
			first = time.Since(start)
		}
		if len(b) != 1024 || b[100] != 100%63 {
			t.Fatalf("%d bytes", len(b))
		}
		got++
	}
	if got < 200 {
		t.Errorf("%d packets in %v", got, time.Since(start))
	}
	t.Logf("first data after %v", first)
	for range 100 {
		if n, st := h.Out(0x02, make([]byte, 64)); st != usb.OK || n != 64 {
			t.Fatalf("out: %d, %v", n, st)
		}
	}
}
