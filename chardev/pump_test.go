package chardev

import (
	"bytes"
	"io"
	"sync"
	"testing"
)

// pipe is a stream whose other end the test holds.
type pipe struct {
	in  *io.PipeReader
	out *io.PipeWriter
}

func (p pipe) Read(b []byte) (int, error)  { return p.in.Read(b) }
func (p pipe) Write(b []byte) (int, error) { return p.out.Write(b) }
func (p pipe) Close() error {
	p.in.Close()
	return p.out.Close()
}

// dev takes up to room bytes.
type dev struct {
	ready chan struct{}

	mu   sync.Mutex
	room int
	got  []byte
	more chan struct{}
}

func newDev() *dev { return &dev{ready: make(chan struct{}, 10), more: make(chan struct{}, 100)} }

func (d *dev) Ready() { d.ready <- struct{}{} }

func (d *dev) Receive(p []byte) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := min(len(p), d.room)
	d.room -= n
	d.got = append(d.got, p[:n]...)
	d.more <- struct{}{}
	return n
}

func (d *dev) taken() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return string(d.got)
}

func newPipe() (s pipe, in *io.PipeWriter, out *io.PipeReader) {
	var p pipe
	p.in, in = io.Pipe()
	out, p.out = io.Pipe()
	return p, in, out
}

func TestPump_out(t *testing.T) {
	s, _, out := newPipe()
	p := NewPump(s, newDev())
	var got bytes.Buffer
	done := make(chan struct{})
	go func() { io.Copy(&got, out); close(done) }()
	want := bytes.Repeat([]byte("0123456789"), 1000)
	for _, b := range want {
		if !p.Put(b) {
			t.Fatal("no room")
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%d bytes came out, want %d", got.Len(), len(want))
	}
}

func TestPump_slowStream(t *testing.T) {
	s, _, out := newPipe()
	d := newDev()
	p := NewPump(s, d)
	n := 0
	for p.Put('x') {
		if n++; n > 3*QueueSize {
			t.Fatal("the queue has no bound")
		}
	}
	buf := make([]byte, 1)
	io.ReadFull(out, buf) // the writer is at it: when this write ends it fetches the full queue
	go io.Copy(io.Discard, out)
	<-d.ready
	if !p.Put('y') {
		t.Error("no room after Ready")
	}
	p.Close()
}

func TestPump_in(t *testing.T) {
	s, in, _ := newPipe()
	d := newDev()
	d.room = 3
	p := NewPump(s, d)
	go in.Write([]byte("abcdefgh"))
	<-d.more // abc
	<-d.more // refused
	for d.taken() != "abcdefgh" {
		d.mu.Lock()
		d.room = 2
		d.mu.Unlock()
		p.Resume()
		<-d.more
		if len(d.taken()) > 8 {
			t.Fatalf("got %q", d.taken())
		}
	}
	p.Close()
}

func TestPump_noStream(t *testing.T) {
	p := NewPump(nil, newDev())
	for range 2 * QueueSize {
		if !p.Put(0) {
			t.Fatal("no room")
		}
	}
	p.Resume()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// deaf is a stream that blocks its writers for ever, whatever is closed.
type deaf struct{}

func (deaf) Read([]byte) (int, error)  { select {} }
func (deaf) Write([]byte) (int, error) { select {} }
func (deaf) Close() error              { return nil }

func TestPump_closesThoughNobodyReads(t *testing.T) {
	p := NewPump(deaf{}, newDev())
	p.Put('x')
	p.Close()
}
