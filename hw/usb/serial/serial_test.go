package serial

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/usbtest"
)

// stream is a line whose other end the test holds.
type stream struct {
	in  *io.PipeReader
	out *io.PipeWriter
}

func (s stream) Read(b []byte) (int, error)  { return s.in.Read(b) }
func (s stream) Write(b []byte) (int, error) { return s.out.Write(b) }
func (s stream) Close() error {
	s.in.Close()
	return s.out.Close()
}

type bench struct {
	*usbtest.Host
	d   *Device
	in  *io.PipeWriter
	out *io.PipeReader
}

func plug(t *testing.T) *bench {
	var s stream
	b := &bench{}
	s.in, b.in = io.Pipe()
	b.out, s.out = io.Pipe()
	b.d = New(Config{Stream: s})
	t.Cleanup(func() { b.d.Close() })
	b.Host = usbtest.New(t, b.d, usb.Full)
	b.Configure(1)
	if got, _ := b.In(epIn, 64); !bytes.Equal(got, []byte{0xb1, 0x60}) {
		t.Errorf("status % x", got)
	}
	return b
}

func TestContract(t *testing.T) {
	usbtest.TestDevice(t, func(testing.TB) usb.Device { return New(Config{}) })
}

func TestOut(t *testing.T) {
	b := plug(t)
	want := bytes.Repeat([]byte("0123456789"), 2000)
	go b.Start(epOut, want)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(b.out, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes that differ, %v", len(got), err)
	}
}

func TestIn(t *testing.T) {
	b := plug(t)
	want := bytes.Repeat([]byte("abcdefg"), 3000)
	go b.in.Write(want)
	var got []byte
	for len(got) < len(want) {
		buf, st := b.In(epIn, 512)
		if st != usb.OK {
			t.Fatal(st)
		}
		for ; len(buf) > 0; buf = buf[min(64, len(buf)):] {
			p := buf[:min(64, len(buf))]
			if !bytes.Equal(p[:2], []byte{0xb1, 0x60}) {
				t.Fatalf("packet % x", p)
			}
			got = append(got, p[2:]...)
		}
	}
	if !bytes.Equal(got, want) {
		t.Error("the bytes differ")
	}
}

// TestIn_early has input come before a driver.
func TestIn_early(t *testing.T) {
	b := plug(t)
	b.Configure(0)
	go b.in.Write([]byte("early"))
	for len(b.state()) == 0 {
		runtime.Gosched()
	}
	b.Configure(1)
	var got []byte
	for len(got) < 5 {
		p, _ := b.In(epIn, 64)
		got = append(got, p[2:]...)
	}
	if string(got) != "early" {
		t.Errorf("got %q", got)
	}
}

// state waits for the stream to have offered something.
func (b *bench) state() string {
	b.d.Lock()
	defer b.d.Unlock()
	if b.d.starved {
		return "starved"
	}
	return ""
}

func TestRequests(t *testing.T) {
	b := plug(t)
	b.Do(0x4009, 5, 0, 0)
	if got := b.Do(0xc00a, 0, 0, 1); got[0] != 5 {
		t.Errorf("latency %d", got[0])
	}
	for _, k := range []uint16{0x4000, 0x4001, 0x4002, 0x4003, 0x4004} {
		b.Do(k, 0, 0, 0)
	}
	if got := b.Do(0xc005, 0, 0, 2); !bytes.Equal(got, []byte{0xb1, 0x60}) {
		t.Errorf("modem status % x", got)
	}
	b.Refused(0x4000, 3, 0, 0)
	b.d.Break()
	if got, _ := b.In(epIn, 64); got[1]&lineBreak == 0 {
		t.Errorf("a break gives % x", got)
	}
	if got, _ := b.In(epIn, 64); got[1]&lineBreak != 0 {
		t.Errorf("after a break % x", got)
	}
}

// caller is a stream that people come to and leave.
type caller struct {
	stream
	watch func(bool)
}

func (c *caller) Watch(f func(bool)) {
	c.watch = f
	f(false)
}

func TestComesAndGoes(t *testing.T) {
	c := &caller{}
	c.in, _ = io.Pipe()
	_, c.out = io.Pipe()
	d := New(Config{Stream: c})
	defer d.Close()
	h := usbtest.New(t, d, usb.Full)
	if e := h.Events(); len(e) != 0 {
		t.Errorf("events %v with nobody at the other end", e)
	}
	c.watch(true)
	c.watch(false)
	if e := h.Events(); len(e) != 2 || e[0] != usb.Connected || e[1] != usb.Gone {
		t.Errorf("events %v", e)
	}
	always := New(Config{Stream: c, AlwaysPlugged: true})
	defer always.Close()
	h = usbtest.New(t, always, usb.Full)
	h.Configure(1)
	if got, _ := h.In(epIn, 64); got[0] != modemOne {
		t.Errorf("status % x with nobody at the other end", got)
	}
}
