// Package usbtest is the conformance kit of USB devices: a host without a bus, which talks to one device directly, and a suite that every device
// passes. The host stands in for controllers of every kind: it cuts buffers into odd pieces, cancels, resets and pulls the plug.
package usbtest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"govm-desktop/hw"
	"govm-desktop/hw/usb"
)

// patience is how long the host waits for what must come.
const patience = 30 * time.Second

// Host is a controller with one port.
type Host struct {
	T      testing.TB
	Port   *usb.Port
	Device usb.Device

	mu     sync.Mutex // guards everything below
	events []usb.PortEvent
	told   sync.Cond
}

// PortEvent implements usb.Owner.
func (h *Host) PortEvent(_ *usb.Port, e usb.PortEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
	h.told.Broadcast()
}

// Events returns what has happened at the port since the last call.
func (h *Host) Events() []usb.PortEvent {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.events
	h.events = nil
	return e
}

// New plugs a device into a port of one speed.
func New(t testing.TB, d usb.Device, s usb.Speed) *Host {
	h := &Host{T: t, Device: d}
	h.told.L = &h.mu
	h.Port = usb.NewPort(h, 0, usb.SpeedSet(s))
	if err := h.Port.Plug(d); err != nil {
		t.Fatal(err)
	}
	return h
}

// Transfer is one that the host has sent.
type Transfer struct {
	usb.Packet
	Buf []byte

	ends atomic.Int32
	done chan struct{}
	t    testing.TB
}

// NewTransfer prepares a transfer whose buffer lies in several pieces.
func (h *Host) NewTransfer(endpoint uint8, buf []byte) *Transfer {
	x := &Transfer{Buf: buf, done: make(chan struct{}), t: h.T}
	x.Endpoint = endpoint
	for n, rest := 7, buf; len(rest) > 0; n = n*5 + 1 {
		k := min(n, len(rest))
		x.Data.Append(rest[:k:k])
		rest = rest[k:]
	}
	x.Done = func(*usb.Packet) {
		if x.ends.Add(1) == 1 {
			close(x.done)
		}
	}
	return x
}

// Start sends a transfer.
func (h *Host) Start(endpoint uint8, buf []byte) *Transfer {
	x := h.NewTransfer(endpoint, buf)
	x.Send(h.Device)
	return x
}

// StartStream sends a transfer of a stream.
func (h *Host) StartStream(endpoint uint8, stream uint16, buf []byte) *Transfer {
	x := h.NewTransfer(endpoint, buf)
	x.Stream = stream
	x.Send(h.Device)
	return x
}

// Wait waits for the end and returns what was moved.
func (x *Transfer) Wait() ([]byte, usb.Status) {
	x.t.Helper()
	select {
	case <-x.done:
	case <-time.After(patience):
		x.t.Fatalf("a transfer of endpoint %02x, %+v, does not end", x.Endpoint, x.Setup)
	}
	if x.Actual > len(x.Buf) {
		x.t.Fatalf("endpoint %02x has moved %d bytes of %d", x.Endpoint, x.Actual, len(x.Buf))
	}
	return x.Buf[:x.Actual], x.Status
}

// Ended reports whether the transfer has ended.
func (x *Transfer) Ended() bool {
	select {
	case <-x.done:
		return true
	default:
		return false
	}
}

// Control makes a control transfer; data goes out, or is what comes in.
func (h *Host) Control(s usb.Setup, out []byte) ([]byte, usb.Status) {
	h.T.Helper()
	if !s.In() {
		s.Length = uint16(len(out))
	} else {
		out = make([]byte, s.Length)
	}
	x := h.NewTransfer(0, out)
	x.Setup = s
	x.Send(h.Device)
	return x.Wait()
}

// Do makes a control transfer that must succeed.
func (h *Host) Do(kind, value, index, length uint16, out ...byte) []byte {
	h.T.Helper()
	in, st := h.Control(setup(kind, value, index, length), out)
	if st != usb.OK {
		h.T.Fatalf("request %04x value %04x index %04x: %v", kind, value, index, st)
	}
	return in
}

// Refused makes a control transfer that must stall.
func (h *Host) Refused(kind, value, index, length uint16, out ...byte) {
	h.T.Helper()
	if _, st := h.Control(setup(kind, value, index, length), out); st != usb.Stall {
		h.T.Errorf("request %04x value %04x index %04x: %v, want a stall", kind, value, index, st)
	}
}

func setup(kind, value, index, length uint16) usb.Setup {
	return usb.Setup{RequestType: uint8(kind >> 8), Request: uint8(kind), Value: value, Index: index, Length: length}
}

// In asks an endpoint for up to n bytes.
func (h *Host) In(endpoint uint8, n int) ([]byte, usb.Status) {
	h.T.Helper()
	return h.Start(endpoint|usb.DirIn, make([]byte, n)).Wait()
}

// Out sends bytes to an endpoint.
func (h *Host) Out(endpoint uint8, data []byte) (int, usb.Status) {
	h.T.Helper()
	b, st := h.Start(endpoint, data).Wait()
	return len(b), st
}

// Configure brings the device to work, as drivers do.
func (h *Host) Configure(value uint16) { h.T.Helper(); h.Do(0x0009, value, 0, 0) }

// Reset resets the device as its port does.
func (h *Host) Reset() { h.Device.Reset(hw.BusReset) }
