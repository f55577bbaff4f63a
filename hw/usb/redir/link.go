package redir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"govm-desktop/chardev"
	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// A link is one connection. Its fields are guarded by the device's mu, but for conn, which two goroutines use: one reads, one writes.
type link struct {
	conn   io.ReadWriteCloser
	enc    *usbredir.Encoder
	shared usbredir.Caps
	hello  bool // the other end has said it
	out    []message
	wake   *sync.Cond
	closed bool

	device *arrival // the device announced, until it is known or after it has been refused
	infos  *usbredir.InterfaceInfo
	eps    *usbredir.EPInfo
}

// message is a packet to be written; with a transfer, the data are that one's.
type message struct {
	usbredir.Packet
	t *transfer
}

// close makes reader and writer end.
func (l *link) close() {
	if !l.closed {
		l.closed = true
		l.wake.Broadcast()
		go l.conn.Close() // may wait for a write to end
	}
}

var errEnded = errors.New("redir: the device is not served any more")

// serve takes one connection after the other.
func (d *Device) serve() {
	c, many := d.cfg.Stream.(chardev.Caller)
	for {
		var conn io.ReadWriteCloser = d.cfg.Stream
		if many {
			if conn = c.Next(); conn == nil {
				break
			}
		}
		d.talk(conn)
		conn.Close()
		if !many || d.idle() {
			break
		}
	}
	d.mu.Lock()
	if d.link == nil {
		d.hide(0) // nobody will come back
	}
	d.unlock()
}

// idle reports whether the device is in no socket any more; then serve ends, and is started when it is in one again.
func (d *Device) idle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.port == nil {
		d.serves = false
	}
	return !d.serves
}

// talk is the life of a connection.
func (d *Device) talk(conn io.ReadWriteCloser) {
	cfg := usbredir.Config{Role: usbredir.Guest, Caps: d.caps, MaxData: portion, Place: d.place}
	l := &link{conn: conn, enc: usbredir.NewEncoder(cfg), wake: sync.NewCond(&d.mu)}
	d.mu.Lock()
	if d.closed || d.port == nil {
		d.mu.Unlock()
		return
	}
	d.link = l
	d.send(usbredir.Packet{Type: usbredir.TypeHello, Hello: usbredir.Hello{Version: version}})
	d.unlock()
	written := make(chan struct{})
	go func() {
		defer close(written)
		d.write(l)
	}()
	dec, err := usbredir.NewDecoder(cfg), error(nil)
	for err == nil {
		var p *usbredir.Packet
		if p, err = dec.Next(conn); err == nil {
			err = d.receive(l, p)
		}
	}
	d.mu.Lock()
	d.dropped(l, err)
	l.close()
	d.unlock()
	<-written
}

// garbage is what the other end may not say here.
func garbage(p *usbredir.Packet, format string, args ...any) error {
	return &usbredir.Error{Type: p.Type, ID: p.ID, Reason: fmt.Sprintf(format, args...)}
}

// lose gives the connection up.
func (d *Device) lose(why string) {
	if d.link != nil && !d.link.closed {
		d.log.Warn("usb-redir: the connection is given up: " + why)
		d.link.close()
	}
}

// shares reports whether both ends have a capability.
func (d *Device) shares(c usbredir.Caps) bool { return d.link != nil && d.link.shared&c != 0 }

// send queues a packet.
func (d *Device) send(p usbredir.Packet) { d.post(message{Packet: p}) }

func (d *Device) post(m message) {
	l := d.link
	if l == nil || l.closed {
		return
	}
	if m.t != nil {
		m.t.queued = true
	} else if len(l.out) > maxMessages {
		d.lose("the other end takes nothing")
		return
	}
	l.out = append(l.out, m)
	l.wake.Signal()
}

// write brings out what is queued, as much at once as is there.
func (d *Device) write(l *link) {
	var buf []byte
	for {
		d.mu.Lock()
		for len(l.out) == 0 && !l.closed {
			l.wake.Wait()
		}
		closed := l.closed
		if !closed {
			buf = d.batch(l, buf[:0])
		}
		d.unlock()
		if closed {
			return
		}
		if _, err := l.conn.Write(buf); err != nil {
			d.mu.Lock()
			l.close()
			d.unlock()
			return
		}
		if cap(buf) > 4*batchSize {
			buf = nil
		}
	}
}

// batch encodes the oldest messages.
func (d *Device) batch(l *link, buf []byte) []byte {
	n := 0
	for n < len(l.out) && len(buf) < batchSize {
		m := &l.out[n]
		n++
		if m.t != nil && m.t.skip {
			t := m.t
			d.vacate(t)
			d.recycle(t)
			continue
		}
		var err error
		if buf, err = d.encode(l, m, buf); err != nil {
			d.lose(err.Error())
			break
		}
	}
	rest := copy(l.out, l.out[n:])
	clear(l.out[rest:])
	l.out = l.out[:rest]
	return buf
}

func (d *Device) encode(l *link, m *message, buf []byte) ([]byte, error) {
	t := m.t
	if d.cfg.Debug >= 3 {
		d.trace("to the device", &m.Packet)
	}
	if t == nil {
		return l.enc.Append(buf, &m.Packet)
	}
	t.queued = false
	if len(m.Data) > 0 || m.Length == 0 || m.Endpoint&0x80 != 0 {
		return l.enc.Append(buf, &m.Packet)
	}
	n := int(m.Length)
	buf = grow(buf, n+64)
	m.Data = buf[len(buf) : len(buf)+n] // for its length; the bytes come below
	buf, err := l.enc.AppendHeader(buf, &m.Packet)
	if err != nil {
		return buf, err
	}
	end := len(buf)
	buf = buf[:end+n]
	t.p.Data.CopyOut(buf[end:], t.done)
	return buf, nil
}

// grow makes room for n more bytes.
func grow(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	bigger := make([]byte, len(b), max(2*cap(b), len(b)+n, 4096))
	copy(bigger, b)
	return bigger
}

// trace logs a packet.
func (d *Device) trace(where string, p *usbredir.Packet) {
	d.log.LogAttrs(context.Background(), slog.LevelWarn, "usb-redir "+where, slog.String("packet", p.Type.String()), slog.Uint64("id", p.ID), slog.Int("endpoint", int(p.Endpoint)),
		slog.Int("status", int(p.Status)), slog.Int("length", int(p.Length)))
}

// place gives the decoder the guest's own memory for the data of an answer.
func (d *Device) place(p *usbredir.Packet, n int) [][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.find(p.ID, p.Type)
	if t == nil || t.p == nil || !d.live || !t.p.In() || n > t.p.Data.Len()-t.done || n > t.asked {
		return nil
	}
	d.pieces = d.pieces[:0]
	t.filling = true
	for piece := range t.p.Data.Pieces(t.done, n) {
		d.pieces = append(d.pieces, piece)
	}
	return d.pieces
}

// receive handles a packet. An error ends the connection: the other end does not speak the protocol.
func (d *Device) receive(l *link, p *usbredir.Packet) error {
	d.mu.Lock()
	defer d.unlock()
	if d.cfg.Debug >= 3 {
		d.trace("from the device", p)
	}
	if d.link != l || l.closed {
		return errEnded
	}
	switch p.Type {
	case usbredir.TypeHello:
		d.greet(l, p)
	case usbredir.TypeInterfaceInfo:
		i := *p.Interfaces
		l.infos = &i
		if d.live {
			d.infos = i
			d.classify()
		}
	case usbredir.TypeEPInfo:
		return d.endpoints(l, p)
	case usbredir.TypeDeviceConnect:
		return d.arrive(l, p)
	case usbredir.TypeDeviceDisconnect:
		d.leave(l)
	case usbredir.TypeFilterFilter: // what the other end lets out is its own business
	case usbredir.TypeBulkStreamsStatus:
		if p.Status != usbredir.Success {
			d.log.Warn("usb-redir: the other end has no such bulk streams", "endpoints", p.Endpoints, "streams", p.Streams)
		}
	case usbredir.TypeIsoStreamStatus, usbredir.TypeInterruptReceivingStatus, usbredir.TypeBulkReceivingStatus:
		return d.receiving(p)
	default:
		return d.data(l, p)
	}
	return nil
}

// data handles what comes in at any time.
func (d *Device) data(l *link, p *usbredir.Packet) error {
	switch {
	case l.device == nil: // on its way when the device went
		return nil
	case p.Type == usbredir.TypeIsoPacket:
		return d.isoData(p)
	case p.Type == usbredir.TypeBufferedBulkPacket, p.Type == usbredir.TypeInterruptPacket && p.Endpoint&0x80 != 0:
		return d.streamData(p)
	}
	t := d.find(p.ID, p.Type)
	if t == nil { // of a device that was here before, or nothing at all: no harm done
		return nil
	}
	return d.answer(t, p)
}

// answer ends, or carries on, the transfer that an answer belongs to.
func (d *Device) answer(t *transfer, p *usbredir.Packet) error {
	if p.Type >= usbredir.TypeBulkPacket && t.ep.addr != p.Endpoint {
		return garbage(p, "answers for endpoint %#02x a request to %#02x", p.Endpoint, t.ep.addr)
	}
	t.filling = false
	switch {
	case t.answer != nil:
		f := t.answer
		f(t, p)
	case t.p == nil:
		d.vacate(t)
		d.recycle(t)
	case t.ended && t.status == usb.Disconnected:
		d.finish(t, t.done, t.status)
	case p.Type == usbredir.TypeBulkPacket || p.Type == usbredir.TypeInterruptPacket:
		d.bulkAnswer(t, p)
	default:
		d.controlAnswer(t, p)
	}
	return nil
}
