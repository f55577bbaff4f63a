package rfb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"govm-desktop/display/rfb/rfbtest"
)

// TestHostile_messages has clients send what no client sends: each is dropped, without a panic, and the others see the screen.
func TestHostile_messages(t *testing.T) {
	b := newBench(t, 64, 48, Config{})
	b.fake.Paint(image.Rect(0, 0, 64, 48), desktop)
	good := b.dial(rfbtest.Options{})
	for name, msg := range map[string]string{
		"an unknown message":          "\x63",
		"QEMU's unknown":              "\xff\x07",
		"4 GiB of clipboard":          "\x06\x00\x00\x00\x7f\xff\xff\xff",
		"4 GiB of extended clipboard": "\x06\x00\x00\x00\x80\x00\x00\x00",
		"a clipboard without flags":   "\x06\x00\x00\x00\xff\xff\xff\xff\x00",
		"capabilities without sizes":  "\x06\x00\x00\x00\xff\xff\xff\xfc\x01\x00\x00\x01",
		"a fence too long":            "\xf8\x00\x00\x00\x80\x00\x00\x00\xff" + strings.Repeat("x", 255),
		"a format of 7 bits":          "\x00\x00\x00\x00\x07\x03\x00\x01" + strings.Repeat("\x00", 12),
		"sound of no channels":        "\xff\x01\x00\x02\x03\x00\x00\x00\xac\x44",
		"sound of 4 GHz":              "\xff\x01\x00\x02\x03\x02\xff\xff\xff\xff",
		"an audio operation":          "\xff\x01\x00\x09",
		"garbage":                     strings.Repeat("\xde\xad\xbe\xef", 5000),
	} {
		c := b.dial(rfbtest.Options{Encodings: []int32{0, rfbtest.Clipboard, rfbtest.Fence}})
		b.shot(c)
		_ = c.Write([]byte(msg)) // fails where it is dropped at once
		ctx := b.ctx()
		if _, err := c.Screenshot(ctx); err == nil || ctx.Err() != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	want(t, b.shot(good), 64, 48, desktop, nil)
}

// TestHostile_setEncodings sends a million of them, and one of 65535, while another looks on.
func TestHostile_setEncodings(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	b := newBench(t, 64, 48, Config{})
	good, bad := b.dial(rfbtest.Options{}), b.dial(rfbtest.Options{})
	one := bytes.Repeat([]byte{2, 0, 0, 1, 0xff, 0xff, 0xff, 0x21}, 1000)
	for range n / 1000 {
		if err := bad.Write(one); err != nil {
			t.Fatal(err)
		}
	}
	long := append([]byte{2, 0, 0xff, 0xff}, bytes.Repeat([]byte{0xc0, 0xa1, 0xe5, 0xce}, 0xffff)...)
	if err := bad.Write(long); err != nil {
		t.Fatal(err)
	}
	b.fake.Paint(image.Rect(0, 0, 64, 48), desktop)
	want(t, b.shot(good), 64, 48, desktop, nil)
	want(t, b.shot(bad), 64, 48, desktop, nil)
}

// TestHostile_memory has many clients each leave a message half sent that is as large as they come: what the server holds for each stays
// under a frame and 4 MiB.
func TestHostile_memory(t *testing.T) {
	const n = 24
	b := newBench(t, 320, 200, Config{})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for range n {
		nc, err := net.Dial("tcp", b.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		msg := []byte("RFB 003.003\n\x01")
		msg = append(msg, 2, 0, 0, 2, 0, 0, 0, 7, 0xc0, 0xa1, 0xe5, 0xce)
		msg = append(msg, 3, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff)
		msg = append(msg, 6, 0, 0, 0)
		msg = binary.BigEndian.AppendUint32(msg, maxCutText)
		if _, err := nc.Write(append(msg, make([]byte, maxCutText-1)...)); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(20 * time.Second); len(b.s.Clients()) < n && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
	}
	if len(b.s.Clients()) != n {
		t.Fatalf("%d clients", len(b.s.Clients()))
	}
	each := int64(heap()-before) / n
	t.Logf("%d KB a client", each>>10)
	if each > 320*200*4+4<<20 {
		t.Errorf("%d bytes a client", each)
	}
}

// TestHostile_sockets opens 5000 sockets beside a viewer, which goes on looking; afterwards others get in again.
func TestHostile_sockets(t *testing.T) {
	n := 5000
	if testing.Short() {
		n = 500
	}
	b := newBench(t, 64, 48, Config{Handshake: 2 * time.Second})
	good := b.dial(rfbtest.Options{})
	var all []net.Conn
	for range n {
		nc, err := net.DialTimeout("tcp", b.addr, 20*time.Second)
		if errors.Is(err, os.ErrDeadlineExceeded) || err != nil && strings.Contains(err.Error(), "too many open files") {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, nc)
	}
	t.Logf("%d sockets", len(all))
	b.fake.Paint(image.Rect(0, 0, 64, 48), desktop)
	want(t, b.shot(good), 64, 48, desktop, nil)
	for _, nc := range all { // each is closed by the server, the first after the time-out
		_ = nc.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.Copy(io.Discard, nc); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a socket that says nothing stays open")
		}
		nc.Close()
	}
	b.shot(b.dial(rfbtest.Options{}))
}
