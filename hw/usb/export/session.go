package export

import (
	"errors"
	"io"
	"sync"
	"time"

	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// session is one connection. One goroutine reads from it and does what the protocol has done one by one, one writes to it, one announces the device and its
// going.
type session struct {
	x    *Exporter
	dev  usb.Device
	conn io.ReadWriteCloser
	enc  *usbredir.Encoder // of the goroutine that writes
	news chan struct{}     // the device has come or gone, or the other end has said hello

	mu      sync.Mutex // guards everything below
	wake    sync.Cond  // out has messages, or closed
	out     []message
	bytes   int // of data in out
	closed  bool
	end     error // why, if that is known
	hello   bool
	shared  usbredir.Caps
	peer    usbredir.Caps
	jobs    map[uint64]*job
	pending int // bytes of jobs
	under   sync.WaitGroup

	announced bool          // device_connect has been sent, and no device_disconnect
	acked     chan struct{} // device_disconnect_ack is waited for
	filter    usbredir.Filter

	work      sync.Mutex // held while the device is being set up: one thing after the other; guards what is below
	config    []byte     // descriptor in force, nil: none
	alts      map[uint8]uint8
	speed     usb.Speed
	ends      map[uint8]endpoint
	receivers map[uint8]*receiver
	isos      map[uint8]*isoStream
}

// message is a packet to be written; done is called when that has happened, unless the connection ends before.
type message struct {
	usbredir.Packet
	done func()
}

func newSession(x *Exporter, conn io.ReadWriteCloser) *session {
	s := &session{x: x, dev: x.cfg.Device, conn: conn, news: make(chan struct{}, 1), jobs: map[uint64]*job{}, alts: map[uint8]uint8{}, ends: map[uint8]endpoint{},
		receivers: map[uint8]*receiver{}, isos: map[uint8]*isoStream{}}
	s.enc = usbredir.NewEncoder(s.codec())
	s.wake.L = &s.mu
	return s
}

func (s *session) codec() usbredir.Config {
	return usbredir.Config{Role: usbredir.Host, Caps: s.x.caps, MaxData: maxTransfer}
}

// run lives as long as the connection.
func (s *session) run() error {
	s.send(usbredir.Packet{Type: usbredir.TypeHello, Hello: usbredir.Hello{Version: version}})
	var ends sync.WaitGroup
	ends.Go(s.write)
	stop := make(chan struct{})
	ends.Go(func() { s.announcer(stop) })
	dec := usbredir.NewDecoder(s.codec())
	var err error
	for err == nil {
		var p *usbredir.Packet
		if p, err = dec.Next(s.conn); err == nil {
			err = s.receive(p)
		}
	}
	s.close()
	close(stop)
	ends.Wait()
	s.stopAll()
	s.cancelAll()
	s.under.Wait()
	var bad *usbredir.Error
	switch {
	case s.end != nil:
		return s.end
	case errors.As(err, &bad):
		s.x.log.Error("the connection is given up: the other end sent what cannot be: " + err.Error())
		return err
	}
	return nil
}

// close ends the connection; run then returns.
func (s *session) close() {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.wake.Broadcast()
	s.mu.Unlock()
	if !closed {
		s.conn.Close()
	}
}

// give up for a reason.
func (s *session) give(err error) {
	s.mu.Lock()
	if s.end == nil {
		s.end = err
	}
	s.mu.Unlock()
	s.close()
}

func (s *session) send(p usbredir.Packet) { s.post(message{Packet: p}) }

func (s *session) post(m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || m.Type != usbredir.TypeHello && !s.hello {
		return
	}
	s.out = append(s.out, m)
	s.bytes += len(m.Data) + 64
	s.wake.Signal()
}

// crowded reports whether the other end takes less than it is sent.
func (s *session) crowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes > maxQueue
}

// write brings out what is queued, as much at once as is there.
func (s *session) write() {
	var batch []message
	var buf []byte
	for {
		s.mu.Lock()
		for len(s.out) == 0 && !s.closed {
			s.wake.Wait()
		}
		batch, s.out = s.out, batch[:0]
		closed := s.closed
		if s.hello {
			s.enc.SetPeer(s.peer)
		}
		s.mu.Unlock()
		err := error(nil)
		if !closed {
			if buf, err = s.writeBatch(batch, buf); err != nil {
				s.close()
			}
		}
		size := 0
		for i := range batch {
			size += len(batch[i].Data) + 64
			if f := batch[i].done; f != nil && !closed {
				f()
			}
		}
		clear(batch)
		s.mu.Lock()
		s.bytes -= size
		s.mu.Unlock()
		if closed {
			return
		}
	}
}

const batchSize = 256 << 10

// writeBatch encodes messages and writes them, a batch's size at a time; long data without a copy.
func (s *session) writeBatch(list []message, buf []byte) ([]byte, error) {
	buf = buf[:0]
	for i := range list {
		p := &list[i].Packet
		var err error
		if len(p.Data) < batchSize {
			buf, err = s.enc.Append(buf, p)
		} else if buf, err = s.enc.AppendHeader(buf, p); err == nil {
			if _, err = s.conn.Write(buf); err == nil {
				_, err = s.conn.Write(p.Data)
			}
			buf = buf[:0]
		}
		if err == nil && (len(buf) >= batchSize || i == len(list)-1 && len(buf) > 0) {
			_, err = s.conn.Write(buf)
			buf = buf[:0]
		}
		if err != nil {
			return buf, err
		}
	}
	return buf, nil
}

// changed is called when the device has come or gone.
func (s *session) changed() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// announcer tells the other end of the device.
func (s *session) announcer(stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-s.news:
		}
		s.mu.Lock()
		hello, announced := s.hello, s.announced
		s.mu.Unlock()
		speed := s.x.present()
		if !hello {
			continue
		}
		if announced {
			s.depart(stop)
		}
		if speed != usb.SpeedNone {
			if err := s.announce(speed); err != nil && s.x.present() == speed {
				s.give(err)
				return
			}
		}
	}
}

// farewell waits a moment for the word that the device has gone to get across.
func (s *session) farewell() {
	for end := time.Now().Add(farewellLimit); time.Now().Before(end); time.Sleep(time.Millisecond) {
		s.mu.Lock()
		over := s.closed || !s.announced && s.acked == nil && len(s.out) == 0 && s.bytes == 0
		s.mu.Unlock()
		if over {
			return
		}
	}
}

// depart says that the device has gone, and waits until the other end has heard it, if it says so.
func (s *session) depart(stop chan struct{}) {
	s.mu.Lock()
	s.announced = false
	ack := s.shared&usbredir.CapDisconnectAck != 0
	if ack {
		s.acked = make(chan struct{})
	}
	ch := s.acked
	s.mu.Unlock()
	s.work.Lock()
	s.stopReceivers()
	s.work.Unlock()
	s.send(usbredir.Packet{Type: usbredir.TypeDeviceDisconnect})
	if !ack {
		return
	}
	late := time.NewTimer(ackLimit)
	defer late.Stop()
	select {
	case <-ch:
	case <-stop:
	case <-late.C:
	}
}

// receive handles a packet of the other end.
func (s *session) receive(p *usbredir.Packet) error {
	s.mu.Lock()
	announced := s.announced
	s.mu.Unlock()
	switch p.Type {
	case usbredir.TypeHello:
		shared := p.Hello.Caps & s.x.caps
		s.mu.Lock()
		s.hello, s.shared, s.peer = true, shared, p.Hello.Caps
		s.mu.Unlock()
		if s.x.cfg.Filter != nil && shared&usbredir.CapFilter != 0 {
			s.send(usbredir.Packet{Type: usbredir.TypeFilterFilter, Data: []byte(s.x.cfg.Filter.Text(usbredir.WireSeparator))})
		}
		s.changed()
		return nil
	case usbredir.TypeFilterFilter:
		f, err := usbredir.ParseFilter(string(p.Data), usbredir.WireSeparator)
		if err != nil {
			return &usbredir.Error{Type: p.Type, ID: p.ID, Reason: err.Error()}
		}
		s.mu.Lock()
		s.filter = f
		s.mu.Unlock()
		return nil
	case usbredir.TypeFilterReject:
		s.give(ErrRejected)
		return ErrRejected
	case usbredir.TypeDeviceDisconnectAck:
		s.mu.Lock()
		if s.acked != nil {
			close(s.acked)
			s.acked = nil
		}
		s.mu.Unlock()
		return nil
	case usbredir.TypeCancelDataPacket:
		s.cancel(p.ID)
		return nil
	}
	if !announced {
		return nil // was on its way when the device went
	}
	if p.Type >= usbredir.TypeControlPacket {
		s.data(p)
		return nil
	}
	s.request(p)
	return nil
}
