package export

import (
	"sync"

	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// receiver keeps transfers under way at an endpoint whose input the other end has without asking. A transfer that has ended goes out, and starts again
// when it has been written: the device waits as it would for a slow driver.
type receiver struct {
	s      *session
	kind   usbredir.Type
	ep     uint8
	stream uint32
	under  sync.WaitGroup

	mu      sync.Mutex // guards everything below
	stopped bool
	jobs    []*received
	id      uint64
}

type received struct {
	usb.Packet
	r   *receiver
	buf []byte
}

const (
	interruptTransfers = 2
	maxReceiving       = 4 << 20 // bytes of an endpoint
)

// startReceiving begins to read from an interrupt or a bulk endpoint.
func (s *session) startReceiving(p *usbredir.Packet) {
	e := s.ends[p.Endpoint]
	r := &receiver{s: s, ep: p.Endpoint, stream: p.Stream, kind: usbredir.TypeInterruptPacket}
	n, size, ok := interruptTransfers, int(e.maxPacket&0x7ff)*max(e.burst, 1), e.kind == usbredir.EPInterrupt
	if p.Type == usbredir.TypeStartBulkReceiving {
		r.kind = usbredir.TypeBufferedBulkPacket
		packet := int(e.maxPacket & 0x7ff)
		n, size = int(p.URBs), int(p.Length)
		ok = e.kind == usbredir.EPBulk && n > 0 && size > 0 && packet > 0 && size%packet == 0 && n*size <= maxReceiving && p.Stream <= 0xffff
	}
	answer := s.receivingStatus(r, usbredir.Success)
	answer.ID = p.ID
	if old := s.receivers[p.Endpoint]; old != nil && old.over() {
		s.endReceiver(p.Endpoint)
	}
	if s.receivers[p.Endpoint] != nil || !ok {
		answer.Status = usbredir.Invalid
		s.send(answer)
		return
	}
	s.receivers[p.Endpoint] = r
	s.send(answer)
	for range n {
		t := &received{r: r, buf: make([]byte, size)}
		t.Endpoint, t.Stream, t.Done = p.Endpoint, uint16(p.Stream), func(*usb.Packet) { r.ended(t) }
		t.Data.Append(t.buf)
		r.jobs = append(r.jobs, t)
	}
	for _, t := range r.jobs {
		r.start(t)
	}
}

func (s *session) receivingStatus(r *receiver, st usbredir.Status) usbredir.Packet {
	p := usbredir.Packet{Type: usbredir.TypeInterruptReceivingStatus, Endpoint: r.ep, Status: st}
	if r.kind == usbredir.TypeBufferedBulkPacket {
		p.Type, p.Stream = usbredir.TypeBulkReceivingStatus, r.stream
	}
	return p
}

// start submits a transfer, unless receiving has ended.
func (r *receiver) start(t *received) {
	r.mu.Lock()
	stopped := r.stopped
	if !stopped {
		r.under.Add(1)
	}
	r.mu.Unlock()
	if stopped {
		return
	}
	t.Send(r.s.dev)
	r.mu.Lock()
	stopped = r.stopped
	r.mu.Unlock()
	if stopped { // while it was being sent: whoever stopped it could not cancel it
		r.s.dev.Cancel(&t.Packet)
	}
}

// ended sends what a transfer has brought.
func (r *receiver) ended(t *received) {
	defer r.under.Done()
	r.mu.Lock()
	p := usbredir.Packet{Type: r.kind, ID: r.id, Endpoint: r.ep, Stream: r.stream, Status: verdict(t.Status)}
	good := t.Status == usb.OK || t.Status == usb.Babble
	quiet := r.stopped && (!good || t.Actual == 0)
	if good {
		r.id++
	} else {
		r.stopped = true
	}
	r.mu.Unlock()
	switch {
	case quiet:
	case good:
		p.Data = t.buf[:min(max(t.Actual, 0), len(t.buf))]
		p.Length = uint32(len(p.Data))
		r.s.post(message{p, func() { r.start(t) }})
	default:
		r.s.send(r.s.receivingStatus(r, p.Status))
	}
}

// over reports whether receiving has ended by itself.
func (r *receiver) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped
}

// stop ends receiving and waits until the device has let go.
func (r *receiver) stop() {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	for _, t := range r.jobs {
		r.s.dev.Cancel(&t.Packet)
	}
	r.under.Wait()
}

func (s *session) endReceiver(ep uint8) {
	if r := s.receivers[ep]; r != nil {
		delete(s.receivers, ep)
		r.stop()
	}
}

func (s *session) stopReceiving(p *usbredir.Packet) {
	r := s.receivers[p.Endpoint]
	if r == nil {
		r = &receiver{ep: p.Endpoint, stream: p.Stream}
		if p.Type == usbredir.TypeStopBulkReceiving {
			r.kind = usbredir.TypeBufferedBulkPacket
		}
	}
	s.endReceiver(p.Endpoint)
	answer := s.receivingStatus(r, usbredir.Success)
	answer.ID = p.ID
	s.send(answer)
}

// stopReceivers ends everything that goes on by itself.
func (s *session) stopReceivers() {
	for a := range s.receivers {
		s.endReceiver(a)
	}
	for a := range s.isos {
		s.stopIso(a)
	}
}

func (s *session) stopAll() {
	s.work.Lock()
	defer s.work.Unlock()
	s.stopReceivers()
}
