package chardev_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"govm-desktop/chardev"
	"govm-desktop/chardev/file"
	"govm-desktop/chardev/mux"
	"govm-desktop/chardev/null"
	"govm-desktop/chardev/socket"
	"govm-desktop/chardev/stdio"
)

// closes checks that Close ends a Read under way with io.EOF.
func closes(t *testing.T, s chardev.Stream) {
	t.Helper()
	done := make(chan error)
	go func() {
		_, err := s.Read(make([]byte, 1))
		done <- err
	}()
	s.Close()
	select {
	case err := <-done:
		if err != io.EOF {
			t.Errorf("Read after Close: %v, want EOF", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("Close does not end Read")
	}
	s.Close()
}

func TestNull(t *testing.T) {
	s := null.New()
	if n, err := s.Write([]byte("abc")); n != 3 || err != nil {
		t.Errorf("Write = %d, %v", n, err)
	}
	closes(t, s)
}

func TestFile_truncatesOrAppends(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	for _, c := range []struct {
		add  bool
		want string
	}{{false, "x"}, {true, "xx"}, {false, "x"}} {
		s, err := file.Open(name, c.add)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(s, "x")
		closes(t, s)
		if b, _ := os.ReadFile(name); string(b) != c.want {
			t.Errorf("add=%v: the file has %q, want %q", c.add, b, c.want)
		}
	}
}

func TestStdio_onPipes(t *testing.T) {
	inR, inW, _ := os.Pipe()
	outR, outW, _ := os.Pipe()
	s, err := stdio.Open(inR, outW, true)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(inW, "hi")
	b := make([]byte, 8)
	if n, err := s.Read(b); err != nil || string(b[:n]) != "hi" {
		t.Errorf("Read = %q, %v", b[:n], err)
	}
	io.WriteString(s, "ho")
	if n, err := outR.Read(b); err != nil || string(b[:n]) != "ho" {
		t.Errorf("the other end read %q, %v", b[:n], err)
	}
	closes(t, s)
}

func TestSocket_serverTakesClientsInTurn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s, err := socket.Open(socket.Options{Network: "unix", Address: path, Server: true})
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(s, "nobody hears this")
	states := make(chan bool, 16)
	s.Watch(func(open bool) { states <- open })
	for _, word := range []string{"one", "two"} {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, word)
		b := make([]byte, 8)
		if n, err := s.Read(b); err != nil || string(b[:n]) != word {
			t.Errorf("Read = %q, %v, want %q", b[:n], err, word)
		}
		io.WriteString(s, "to "+word)
		if n, err := c.Read(b); err != nil || string(b[:n]) != "to "+word {
			t.Errorf("the client read %q, %v", b[:n], err)
		}
		c.Close()
	}
	closes(t, s)
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket's file is left behind")
	}
	if a, b := <-states, <-states; a || !b {
		t.Errorf("Watch said %v, %v, want closed, then open", a, b)
	}
}

// TestSocket_next is what a monitor relies on: it greets every client, and still answers one that has said all it will.
func TestSocket_next(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s, err := socket.Open(socket.Options{Network: "unix", Address: path, Server: true})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for c := s.Next(); c != nil; c = s.Next() {
			io.WriteString(c, "hello ")
			said, _ := io.ReadAll(c)
			c.Write(said)
			c.Close()
		}
	}()
	for _, word := range []string{"one", "two", "three"} {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, word)
		c.(*net.UnixConn).CloseWrite()
		if got, err := io.ReadAll(c); err != nil || string(got) != "hello "+word {
			t.Errorf("heard %q, %v", got, err)
		}
		c.Close()
	}
	done := make(chan io.ReadWriteCloser)
	go func() { done <- s.Next() }()
	s.Close()
	if c := <-done; c != nil {
		t.Error("Next returns a client of a closed stream")
	}
}

func TestSocket_takesOverADeadServersSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := socket.Listen("unix", path); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("a live server's socket: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	if l, err = socket.Listen("unix", path); err != nil {
		t.Fatalf("a dead server's socket: %v", err)
	}
	l.Close()
	os.WriteFile(path, []byte("precious"), 0o600)
	if _, err := socket.Listen("unix", path); err == nil {
		t.Error("an ordinary file was taken for a socket")
	}
	if b, _ := os.ReadFile(path); string(b) != "precious" {
		t.Error("an ordinary file was removed")
	}
}

func TestSocket_clientReconnects(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := socket.Open(socket.Options{Network: "tcp", Address: l.Addr().String(), Reconnect: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	heard := make(chan string)
	go func() { // one reader for all connections: reading is also what notices that one has ended
		for b := make([]byte, 8); ; {
			n, err := s.Read(b)
			if err != nil {
				close(heard)
				return
			}
			heard <- string(b[:n])
		}
	}()
	for _, word := range []string{"a", "b"} {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, word)
		if got := <-heard; got != word {
			t.Errorf("Read %q, want %q", got, word)
		}
		c.Close()
	}
	s.Close()
	if got, open := <-heard; open {
		t.Errorf("a closed stream reads %q", got)
	}
}

func TestSocket_clientWithoutServer(t *testing.T) {
	if _, err := socket.Open(socket.Options{Network: "unix", Address: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a client without a server was opened")
	}
}

// tape is a stream that reads from a pipe and keeps what is written.
type tape struct {
	*io.PipeReader
	out bytes.Buffer
}

func (t *tape) Write(p []byte) (int, error) { return t.out.Write(p) }

func TestMux_escapes(t *testing.T) {
	r, w := io.Pipe()
	base := &tape{PipeReader: r}
	quit := make(chan struct{})
	m := mux.New(base, func() { close(quit) })
	a, b := m.Stream(), m.Stream()
	broke, focused := make(chan struct{}, 1), make(chan struct{}, 1)
	a.(chardev.Breaker).OnBreak(func() { broke <- struct{}{} })
	if a.(mux.Focuser).OnFocus(nil) || !b.(mux.Focuser).OnFocus(func() { focused <- struct{}{} }) {
		t.Error("the first stream has the focus, the second waits for it")
	}
	m.Start()
	go io.WriteString(w, "x\x01\x01\x01b\x01cy\x01x")
	buf := make([]byte, 4)
	for _, want := range []struct {
		s    chardev.Stream
		text string
	}{{a, "x"}, {a, "\x01"}, {b, "y"}} {
		if n, err := io.ReadFull(want.s, buf[:len(want.text)]); err != nil || string(buf[:n]) != want.text {
			t.Errorf("Read = %q, %v, want %q", buf[:n], err, want.text)
		}
	}
	<-broke
	<-focused
	<-quit
}

// TestMux_escapesThoughNobodyReads types to a guest that hangs: the way out must stay open.
func TestMux_escapesThoughNobodyReads(t *testing.T) {
	r, w := io.Pipe()
	quit := make(chan struct{})
	m := mux.New(&tape{PipeReader: r}, func() { close(quit) })
	s := m.Stream()
	m.Start()
	io.WriteString(w, strings.Repeat("hello?", 1000)+"\x01x")
	<-quit
	s.Close()
}
