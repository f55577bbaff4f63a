package export

import (
	"time"

	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// job is a transfer that the other end has asked for.
type job struct {
	usb.Packet
	s     *session
	reply usbredir.Packet // what is answered, but for status and length
	buf   []byte
	limit *time.Timer // of a control transfer
	late  bool        // it has run out; guarded by session.mu
}

// verdict translates the end of a transfer.
func verdict(s usb.Status) usbredir.Status {
	switch s {
	case usb.OK:
		return usbredir.Success
	case usb.Stall:
		return usbredir.Stall
	case usb.Babble:
		return usbredir.Babble
	case usb.Cancelled:
		return usbredir.Cancelled
	}
	return usbredir.IOError
}

// data starts the transfer that a packet asks for.
func (s *session) data(p *usbredir.Packet) {
	switch {
	case p.Type == usbredir.TypeIsoPacket:
		s.isoOut(p)
		return
	case p.Type == usbredir.TypeInterruptPacket && p.Endpoint&usb.DirIn != 0:
		return // the codec lets none through
	}
	j := &job{s: s, reply: usbredir.Packet{Type: p.Type, ID: p.ID, Endpoint: p.Endpoint, Stream: p.Stream, Request: p.Request, RequestType: p.RequestType, Value: p.Value, Index: p.Index}}
	j.Endpoint, j.Stream, j.Done = p.Endpoint, uint16(p.Stream), func(*usb.Packet) { j.finished() }
	n := int(p.Length)
	s.mu.Lock()
	_, taken := s.jobs[p.ID]
	full := taken || len(s.jobs) >= maxJobs || s.pending+n > maxBytes || s.closed || p.Stream > 0xffff
	if !full {
		s.jobs[p.ID] = j
		s.pending += n
		s.under.Add(1)
	}
	s.mu.Unlock()
	if full {
		j.reply.Status = usbredir.IOError
		s.send(j.reply)
		return
	}
	j.buf = make([]byte, n)
	copy(j.buf, p.Data)
	j.Data.Append(j.buf)
	if p.Type == usbredir.TypeControlPacket {
		j.Endpoint = 0
		j.Setup = usb.Setup{RequestType: p.RequestType, Request: p.Request, Value: p.Value, Index: p.Index, Length: uint16(n)}
		if j.Setup.RequestType&usb.DirIn != p.Endpoint&usb.DirIn {
			j.Setup.RequestType ^= usb.DirIn // the codec has cut the data by the endpoint
		}
		j.limit = time.AfterFunc(controlLimit, j.expire)
	}
	j.Send(s.dev)
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		s.dev.Cancel(&j.Packet)
	}
}

// expire ends a control transfer that takes too long.
func (j *job) expire() {
	j.s.mu.Lock()
	j.late = true
	j.s.mu.Unlock()
	j.s.dev.Cancel(&j.Packet)
}

// finished answers.
func (j *job) finished() {
	if j.limit != nil {
		j.limit.Stop()
	}
	s, p := j.s, &j.Packet
	s.mu.Lock()
	late := j.late
	s.mu.Unlock()
	r := j.reply
	r.Status, r.Length = verdict(p.Status), uint32(min(max(p.Actual, 0), len(j.buf)))
	if late && r.Status == usbredir.Cancelled {
		r.Status = usbredir.Timeout
	}
	if r.Endpoint&usb.DirIn != 0 {
		r.Data = j.buf[:r.Length]
	}
	size := len(j.buf)
	s.mu.Lock()
	delete(s.jobs, r.ID)
	s.mu.Unlock()
	s.post(message{r, func() {
		s.mu.Lock()
		s.pending -= size
		s.mu.Unlock()
	}})
	s.under.Done()
}

// cancel ends the transfer with an id; unknown ones have ended already.
func (s *session) cancel(id uint64) {
	s.mu.Lock()
	j := s.jobs[id]
	s.mu.Unlock()
	if j != nil {
		s.dev.Cancel(&j.Packet)
	}
}

// cancelAll ends everything, at the end of the connection.
func (s *session) cancelAll() {
	s.mu.Lock()
	var list []*job
	for _, j := range s.jobs {
		list = append(list, j)
	}
	s.mu.Unlock()
	for _, j := range list {
		s.dev.Cancel(&j.Packet)
	}
}

// control does a control transfer and waits for it. in is where input goes; nil: there is none.
func (s *session) control(setup usb.Setup, in []byte) (int, usb.Status) {
	p := &usb.Packet{Setup: setup}
	p.Data.Append(in)
	done := make(chan struct{})
	p.Done = func(*usb.Packet) { close(done) }
	p.Send(s.dev)
	late := time.NewTimer(controlLimit)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
		s.dev.Cancel(p)
		<-done
	}
	return p.Actual, p.Status
}
