package chardev

import (
	"errors"
	"io"
	"sync"
	"time"
)

// QueueSize is how many bytes a Pump holds for a stream that is slow.
const QueueSize = 64 << 10

// closeWait is how long Close lets a slow stream take what is still queued.
const closeWait = 2 * time.Second

// Device is the other end of a Pump. Its methods are called from the Pump's goroutines with no lock held.
type Device interface {
	// Receive offers input; it returns how many bytes it took. The rest is offered again after Resume.
	Receive(p []byte) int
	// Ready says that there is room again after Put has returned false.
	Ready()
}

// Pump couples a Stream to a device that must never wait: bytes out go into a bounded queue that a goroutine empties, bytes in are kept
// until the device takes them.
type Pump struct {
	s    Stream
	dev  Device
	sent chan struct{} // closed when write has ended
	once sync.Once

	mu      sync.Mutex // guards everything below
	filled  sync.Cond  // the queue has bytes, or closing
	wanted  sync.Cond  // Resume was called, or closing
	queue   []byte
	port    *PortSettings // to be told to the stream
	full    bool          // Put has said no since
	resumes uint64        // calls of Resume so far
	closing bool
}

// NewPump starts pumping. A nil stream drops what is written and never sends.
func NewPump(s Stream, dev Device) *Pump {
	p := &Pump{s: s, dev: dev, sent: make(chan struct{})}
	p.filled.L, p.wanted.L = &p.mu, &p.mu
	if s != nil {
		go p.write()
		go p.read() // ends with the stream: a Read of standard input cannot be called back
	}
	return p
}

// Put queues a byte. False: there is no room, and Ready will be called when there is.
func (p *Pump) Put(b byte) bool {
	if p.s == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) >= QueueSize {
		p.full = true
		return false
	}
	p.queue = append(p.queue, b)
	if len(p.queue) == 1 {
		p.filled.Signal()
	}
	return true
}

// PortSettings are all that a guest sets of a serial port.
type PortSettings struct {
	Line
	Break, DTR, RTS bool
}

// Set passes settings on to a stream that is a Port, behind the bytes that are queued; of several only the last counts.
func (p *Pump) Set(s PortSettings) {
	if _, ok := p.s.(Port); !ok {
		return
	}
	p.mu.Lock()
	p.port = &s
	p.filled.Signal()
	p.mu.Unlock()
}

// apply carries settings out. A line that cannot be set, such as a terminal's modem lines, stays as it is.
func (p *Pump) apply(s, before *PortSettings) {
	port := p.s.(Port)
	if before == nil || s.Line != before.Line {
		_ = port.SetLine(s.Line)
	}
	if before == nil || s.DTR != before.DTR || s.RTS != before.RTS {
		_ = port.SetModem(s.DTR, s.RTS)
	}
	if before == nil && s.Break || before != nil && s.Break != before.Break {
		_ = port.SetBreak(s.Break)
	}
}

// Resume says that the device can take input again. It may be called with the device's locks held.
func (p *Pump) Resume() {
	p.mu.Lock()
	p.resumes++
	p.wanted.Signal()
	p.mu.Unlock()
}

// Close writes out what is queued, unless the stream takes too long, and closes the stream.
func (p *Pump) Close() error {
	if p.s == nil {
		return nil
	}
	var err error
	p.once.Do(func() {
		p.mu.Lock()
		p.closing = true
		p.filled.Broadcast()
		p.wanted.Broadcast()
		p.mu.Unlock()
		late := time.NewTimer(closeWait)
		defer late.Stop()
		select {
		case <-p.sent:
		case <-late.C: // what Close does not wake, standard output for one, is left behind
		}
		err = p.s.Close()
	})
	return err
}

// write empties the queue into the stream. After an error the stream swallows everything: a guest must not notice that its console is gone.
func (p *Pump) write() {
	defer close(p.sent)
	var buf []byte
	var before *PortSettings
	dead := false
	for {
		p.mu.Lock()
		for len(p.queue) == 0 && p.port == nil && !p.closing {
			p.filled.Wait()
		}
		buf, p.queue = p.queue, buf[:0]
		set := p.port
		p.port = nil
		full := p.full
		p.full = false
		p.mu.Unlock()
		if len(buf) == 0 && set == nil {
			return
		}
		if full {
			p.dev.Ready()
		}
		if !dead && len(buf) > 0 {
			_, err := p.s.Write(buf)
			dead = errors.Is(err, io.ErrClosedPipe)
		}
		if set != nil {
			p.apply(set, before)
			before = set
		}
	}
}

// read brings input to the device, as much as it takes.
func (p *Pump) read() {
	buf := make([]byte, 4096)
	for {
		n, err := p.s.Read(buf)
		for rest := buf[:n]; len(rest) > 0; {
			p.mu.Lock()
			seen := p.resumes
			p.mu.Unlock()
			k := p.dev.Receive(rest)
			if rest = rest[k:]; k == 0 && !p.await(seen) {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// await waits for a Resume after the one with the given number; false when the pump closes.
func (p *Pump) await(seen uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.resumes == seen && !p.closing {
		p.wanted.Wait()
	}
	return !p.closing
}
