package redir

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/export"
	"govm-desktop/hw/usb/usbtest"
	"govm-desktop/hw/usb/zero"
)

// exchange is a stream whose connections the test makes.
type exchange struct {
	conns chan io.ReadWriteCloser
	done  chan struct{}
	once  sync.Once
}

func newExchange() *exchange {
	return &exchange{conns: make(chan io.ReadWriteCloser), done: make(chan struct{})}
}

func (x *exchange) Read([]byte) (int, error)    { return 0, io.EOF }
func (x *exchange) Write(p []byte) (int, error) { return len(p), nil }
func (x *exchange) Close() error                { x.once.Do(func() { close(x.done) }); return nil }

func (x *exchange) Next() io.ReadWriteCloser {
	select {
	case c := <-x.conns:
		return c
	case <-x.done:
		return nil
	}
}

// pair is a connection with the buffers that real ones have.
func pair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	if a, err = net.Dial("tcp", lis.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = lis.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// tunnel is a redirected device together with its other end, which appears at the port as a local device does: at once.
type tunnel struct {
	*Device
	t      testing.TB
	device usb.Device
	stream *exchange
	exp    *export.Exporter
	ecfg   export.Config

	latency time.Duration // of the other end's answers

	mu     sync.Mutex
	conn   net.Conn // the other end's
	serves sync.WaitGroup
}

func newTunnel(t testing.TB, d usb.Device, cfg Config, ecfg export.Config) *tunnel {
	u := &tunnel{t: t, device: d, stream: newExchange(), ecfg: ecfg}
	cfg.Name, cfg.Stream = "test", u.stream
	u.Device = New(cfg)
	t.Cleanup(func() { u.Close() })
	return u
}

// Plug implements usb.Device: it connects, too.
func (u *tunnel) Plug(p *usb.Port) {
	u.Device.Plug(p)
	if p == nil {
		return
	}
	if u.exp == nil {
		for s := usb.SuperPlus; s >= usb.Low; s-- {
			if p.Accepts(s) {
				u.ecfg.Speeds |= usb.SpeedSet(s)
			}
		}
		u.ecfg.Device = u.device
		var err error
		if u.exp, err = export.New(u.ecfg); err != nil {
			u.t.Error(err)
			return
		}
	}
	u.dial()
	eventually(u.t, "the device shows itself", func() bool { d, _ := p.Device(); return d != nil })
}

// dial makes a new connection.
func (u *tunnel) dial() {
	a, b := pair(u.t)
	u.mu.Lock()
	u.conn = b
	u.mu.Unlock()
	var far io.ReadWriteCloser = b
	if u.latency > 0 {
		far = slowly(b, u.latency)
	}
	u.serves.Go(func() { u.exp.Serve(far) })
	u.stream.conns <- a
}

// cut drops the connection.
func (u *tunnel) cut() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.conn.Close()
}

// Close ends everything.
func (u *tunnel) Close() error {
	u.Device.Close()
	u.stream.Close()
	if u.exp != nil {
		u.exp.Close()
	}
	u.mu.Lock()
	if u.conn != nil {
		u.conn.Close()
	}
	u.mu.Unlock()
	u.serves.Wait()
	return nil
}

func newCond(d *Device) *sync.Cond { return sync.NewCond(&d.mu) }

func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func gadget(t testing.TB, pattern int) usb.Device {
	d, err := zero.New(zero.Config{Pattern: pattern})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestContract(t *testing.T) {
	usbtest.TestDevice(t, func(t testing.TB) usb.Device {
		return newTunnel(t, gadget(t, zero.Zeros), Config{}, export.Config{})
	})
}
