package export

import (
	"sync"
	"time"

	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// isoStream moves packets of an isochronous endpoint at their rate, several at once: the network does not care for single intervals.
type isoStream struct {
	s     *session
	ep    uint8
	size  int // bytes of an interval
	rate  int
	every time.Duration
	done  chan struct{}
	ended chan struct{}
	under sync.WaitGroup

	mu      sync.Mutex // guards everything below
	out     *usb.Jitter
	id      uint64
	waiting map[*usb.Packet]bool
	most    int // transfers under way
	failed  bool
}

func (s *session) startIso(p *usbredir.Packet) {
	e, ok := s.ends[p.Endpoint]
	answer := usbredir.Packet{Type: usbredir.TypeIsoStreamStatus, ID: p.ID, Endpoint: p.Endpoint}
	if !ok || e.kind != usbredir.EPIso || s.isos[p.Endpoint] != nil || p.PacketsPerURB == 0 || p.PacketsPerURB > 32 || p.URBs == 0 || p.URBs > 16 {
		answer.Status = usbredir.Invalid
		s.send(answer)
		return
	}
	shift, base := min(max(int(e.interval), 1), 16)-1, 1000
	if s.speed >= usb.High {
		base = 8000
	}
	i := &isoStream{s: s, ep: p.Endpoint, size: int(e.maxPacket&0x7ff) * e.burst, rate: max(base>>shift, 1), done: make(chan struct{}), ended: make(chan struct{}), waiting: map[*usb.Packet]bool{}}
	i.out = usb.NewJitter(i.rate)
	i.every = max(time.Second*time.Duration(p.PacketsPerURB)/time.Duration(i.rate), time.Millisecond)
	i.most = int(p.PacketsPerURB) * int(p.URBs)
	s.isos[p.Endpoint] = i
	s.send(answer)
	go i.run()
}

func (s *session) stopIso(ep uint8) {
	i := s.isos[ep]
	if i == nil {
		return
	}
	delete(s.isos, ep)
	close(i.done)
	<-i.ended
	i.mu.Lock()
	var list []*usb.Packet
	for p := range i.waiting {
		list = append(list, p)
	}
	i.mu.Unlock()
	for _, p := range list {
		s.dev.Cancel(p)
	}
	i.under.Wait()
}

// isoOut takes a packet for the device.
func (s *session) isoOut(p *usbredir.Packet) {
	s.work.Lock()
	i := s.isos[p.Endpoint]
	s.work.Unlock()
	if i == nil || len(p.Data) > i.size {
		return
	}
	i.mu.Lock()
	i.out.Put(p.Data, usb.OK)
	i.mu.Unlock()
}

// run submits as many packets as the time that has passed is worth.
func (i *isoStream) run() {
	defer close(i.ended)
	tick := time.NewTicker(i.every)
	defer tick.Stop()
	start, sent := time.Now(), 0
	for {
		select {
		case <-i.done:
			return
		case <-tick.C:
		}
		due := int(int64(time.Since(start)) * int64(i.rate) / int64(time.Second))
		if due-sent > i.rate/4 { // the host has slept: what was missed is missed
			sent = due - 1
		}
		for ; sent < due; sent++ {
			i.move()
		}
	}
}

// move starts the transfer of one interval.
func (i *isoStream) move() {
	p := &usb.Packet{Endpoint: i.ep}
	buf := make([]byte, i.size)
	i.mu.Lock()
	ok := len(i.waiting) < i.most && !i.failed
	if ok && i.ep&usb.DirIn == 0 {
		var b usb.Buffer
		b.Append(buf)
		n, _ := i.out.Take(&b)
		buf, ok = buf[:n], n > 0
	}
	if ok {
		i.waiting[p] = true
		i.under.Add(1)
	}
	i.mu.Unlock()
	if !ok || i.ep&usb.DirIn != 0 && i.s.crowded() {
		i.forget(p, ok)
		return
	}
	p.Data.Append(buf)
	p.Done = func(p *usb.Packet) { i.moved(p, buf) }
	p.Send(i.s.dev)
}

func (i *isoStream) forget(p *usb.Packet, counted bool) {
	i.mu.Lock()
	delete(i.waiting, p)
	i.mu.Unlock()
	if counted {
		i.under.Done()
	}
}

// moved sends what has come, or says once what is wrong.
func (i *isoStream) moved(p *usb.Packet, buf []byte) {
	defer i.forget(p, true)
	i.mu.Lock()
	id, failed := i.id, i.failed
	i.id++
	i.failed = failed || p.Status == usb.Stall
	i.mu.Unlock()
	switch {
	case p.Status == usb.Stall && !failed:
		i.s.send(usbredir.Packet{Type: usbredir.TypeIsoStreamStatus, Endpoint: i.ep, Status: usbredir.Stall})
	case i.ep&usb.DirIn == 0 || p.Status == usb.Cancelled || p.Status == usb.Disconnected || failed:
	default:
		n := min(max(p.Actual, 0), len(buf), 0xffff)
		i.s.send(usbredir.Packet{Type: usbredir.TypeIsoPacket, ID: id, Endpoint: i.ep, Status: verdict(p.Status), Length: uint32(n), Data: buf[:n]})
	}
}
