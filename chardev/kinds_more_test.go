package chardev_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ws "github.com/coder/websocket"
	"golang.org/x/sys/unix"

	"govm-desktop/chardev"
	"govm-desktop/chardev/pipe"
	"govm-desktop/chardev/pty"
	"govm-desktop/chardev/ringbuf"
	"govm-desktop/chardev/socket"
	"govm-desktop/chardev/telnet"
	"govm-desktop/chardev/tty"
	"govm-desktop/chardev/udp"
	"govm-desktop/chardev/websocket"
)

// hears reads until want has come.
func hears(t *testing.T, r io.Reader, want string) {
	t.Helper()
	var got []byte
	buf := make([]byte, 256)
	for len(got) < len(want) {
		n, err := r.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			t.Fatalf("read %q, then %v; want %q", got, err, want)
		}
	}
	if string(got) != want {
		t.Fatalf("read %q, want %q", got, want)
	}
}

func says(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if n, err := io.WriteString(w, text); err != nil || n != len(text) {
		t.Fatalf("Write = %d, %v", n, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPty(t *testing.T) {
	s, err := pty.Open()
	must(t, err)
	states := make(chan bool, 16)
	s.Watch(func(open bool) { states <- open })
	if <-states {
		t.Error("open though nobody is there")
	}
	says(t, s, "nobody hears this")
	lines := make(chan string)
	go func() {
		buf := make([]byte, 64)
		for {
			n, err := s.Read(buf)
			if err != nil {
				close(lines)
				return
			}
			lines <- string(buf[:n])
		}
	}()
	for _, word := range []string{"one\r", "two\x03"} { // raw: neither turned into a newline nor into a signal
		f, err := os.OpenFile(s.Path(), os.O_RDWR|unix.O_NOCTTY, 0)
		must(t, err)
		says(t, f, word)
		if got := <-lines; got != word {
			t.Errorf("the guest reads %q, want %q", got, word)
		}
		says(t, s, "to "+word)
		hears(t, f, "to "+word)
		f.Close()
		for _, want := range []bool{true, false} {
			if got := <-states; got != want {
				t.Errorf("Watch said %v, want %v", got, want)
			}
		}
	}
	must(t, s.Close())
	if _, open := <-lines; open {
		t.Error("Read goes on after Close")
	}
	if _, err := s.Write([]byte("x")); err == nil {
		t.Error("Write goes on after Close")
	}
}

func TestPipe(t *testing.T) {
	base := filepath.Join(t.TempDir(), "p")
	if _, err := pipe.Open(base); err == nil || !strings.Contains(err.Error(), "mkfifo") {
		t.Errorf("no pipes: %v", err)
	}
	for _, name := range []string{base + ".in", base + ".out"} {
		must(t, unix.Mkfifo(name, 0o600))
	}
	s, err := pipe.Open(base)
	must(t, err)
	in, err := os.OpenFile(base+".in", os.O_RDWR, 0)
	must(t, err)
	defer in.Close()
	out, err := os.OpenFile(base+".out", os.O_RDWR, 0)
	must(t, err)
	defer out.Close()
	says(t, in, "to the guest")
	hears(t, s, "to the guest")
	says(t, s, "from it")
	hears(t, out, "from it")
	closes(t, s)
	plain := filepath.Join(t.TempDir(), "plain")
	must(t, os.WriteFile(plain, nil, 0o600))
	if _, err := pipe.Open(plain); err == nil {
		t.Error("an ordinary file was taken for a pipe")
	}
}

func TestUDP(t *testing.T) {
	far, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer far.Close()
	s, err := udp.Open("udp4", far.LocalAddr().String(), "127.0.0.1:0")
	must(t, err)
	says(t, s, strings.Repeat("x", 3000))
	buf := make([]byte, 9000)
	sum := 0
	for sum < 3000 {
		far.SetReadDeadline(time.Now().Add(time.Minute))
		n, _, err := far.ReadFrom(buf)
		must(t, err)
		if n > 1400 {
			t.Errorf("a datagram of %d bytes", n)
		}
		sum += n
	}
	_, err = far.WriteTo([]byte("hello"), s.Addr())
	must(t, err)
	small := make([]byte, 2)
	var got string
	for len(got) < 5 {
		n, err := s.Read(small)
		must(t, err)
		got += string(small[:n])
	}
	if got != "hello" {
		t.Errorf("read %q", got)
	}
	closes(t, s)
}

func TestRingbuf(t *testing.T) {
	for _, bad := range []int64{0, -1, 3, 1 << 40} {
		if _, err := ringbuf.New(bad); err == nil {
			t.Errorf("a size of %d was taken", bad)
		}
	}
	s, err := ringbuf.New(8)
	must(t, err)
	says(t, s, "abcdefghij")
	if got := string(s.Take(3)); got != "cde" {
		t.Errorf("Take = %q", got)
	}
	says(t, s, "kl")
	if got := string(s.Take(100)); got != "fghijkl" {
		t.Errorf("Take = %q", got)
	}
	if got := s.Take(-1); len(got) != 0 {
		t.Errorf("Take = %q", got)
	}
	closes(t, s)
}

// TestTTY takes the other end of a pseudo-terminal for a serial port.
func TestTTY(t *testing.T) {
	far, err := pty.Open()
	must(t, err)
	defer far.Close()
	if _, err := tty.Open(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a port that is not there was opened")
	}
	if _, err := tty.Open("/dev/null"); err == nil || !strings.Contains(err.Error(), "no serial port") {
		t.Errorf("/dev/null: %v", err)
	}
	s, err := tty.Open(far.Path())
	must(t, err)
	says(t, s, "out\n")
	hears(t, far, "out\n")
	says(t, far, "in\r")
	hears(t, s, "in\r")
	p := chardev.NewPump(s, nil)
	for _, b := range []byte("a word") {
		p.Put(b)
	}
	p.Set(chardev.PortSettings{Line: chardev.Line{Baud: 9500, Bits: 8, Parity: 'O', Stop: 2}, DTR: true})
	hears(t, far, "a word")
	must(t, p.Close())
	f, err := os.OpenFile(far.Path(), os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	defer f.Close()
	u, err := tty.Open(far.Path())
	must(t, err)
	defer u.Close()
	must(t, u.SetLine(chardev.Line{Baud: 9500, Bits: 8, Parity: 'O', Stop: 2}))
	tio, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	must(t, err)
	if tio.Cflag&unix.CBAUD != unix.B9600 || tio.Cflag&unix.CSTOPB == 0 {
		t.Errorf("Cflag %o: want 9600 baud, two stop bits", tio.Cflag)
	}
}

// layered is a server's socket with a protocol on top, and a client's plain connection to it.
func layered(t *testing.T, layer func(net.Conn) (net.Conn, error)) (*socket.Stream, net.Conn) {
	t.Helper()
	s, err := socket.Open(socket.Options{Network: "tcp", Address: "127.0.0.1:0", Server: true, Layer: layer})
	must(t, err)
	c, err := net.Dial("tcp", s.Addr().String())
	must(t, err)
	c.SetDeadline(time.Now().Add(time.Minute))
	t.Cleanup(func() { c.Close(); s.Close() })
	return s, c
}

func TestTelnet(t *testing.T) {
	s, c := layered(t, telnet.Server)
	breaks := make(chan bool, 4)
	s.OnBreak(func() { breaks <- true })
	hears(t, c, "\xff\xfb\x01\xff\xfb\x03\xff\xfb\x00\xff\xfd\x00")
	says(t, c, "a\xff\xffb\xff\xfd\x01\xff\xfa\x18\x00vt\xff\xff100\xff\xf0c\r\x00d\xff\xf3\xff\xfb\x1fe")
	hears(t, s, "a\xffbc\rde")
	<-breaks
	hears(t, c, "\xff\xfe\x1f")
	says(t, s, "x\xffy")
	hears(t, c, "x\xff\xffy")
}

func TestWebSocket(t *testing.T) {
	s, plain := layered(t, websocket.Server)
	says(t, plain, "GET / HTTP/1.0\r\n\r\n")
	if answer, _ := io.ReadAll(plain); !bytes.HasPrefix(answer, []byte("HTTP/1.1 426")) {
		t.Errorf("a browser that wants a page gets %q", answer)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, _, err := ws.Dial(ctx, "ws://"+s.Addr().String(), &ws.DialOptions{Subprotocols: []string{"binary"}})
	must(t, err)
	defer c.CloseNow()
	far := ws.NetConn(ctx, c, ws.MessageBinary)
	says(t, far, "ping")
	hears(t, s, "ping")
	says(t, s, "pong")
	hears(t, far, "pong")
}

// TestSocket_to listens on the next port where one is taken.
func TestSocket_to(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	if _, err := socket.Open(socket.Options{Network: "tcp", Address: l.Addr().String(), Server: true}); err == nil {
		t.Error("a port that is taken was taken")
	}
	s, err := socket.Open(socket.Options{Network: "tcp", Address: l.Addr().String(), Server: true, To: min(port+50, 65535)})
	must(t, err)
	if got := s.Addr().(*net.TCPAddr).Port; got <= port {
		t.Errorf("it listens on %d", got)
	}
	s.Close()
}

func FuzzTelnet(f *testing.F) {
	f.Add([]byte("a\xff\xffb\xff\xfa\x18\xff\xf0\xff\xfb\x01\r\x00\r\n\xff\xf3"))
	f.Fuzz(func(t *testing.T, b []byte) {
		near, far := net.Pipe()
		go func() {
			_, _ = far.Write(b)
			far.Close()
		}()
		go io.Copy(io.Discard, far)
		c, _ := telnet.Client(near)
		if got, _ := io.ReadAll(c); len(got) > len(b) {
			t.Errorf("%d bytes came of %d", len(got), len(b))
		}
		near.Close()
	})
}
