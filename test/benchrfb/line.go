package main

import (
	"net"
	"sync"
	"time"
)

// line is a connection between a viewer and a server: so many bytes a second, so long to and back. The zero line is loopback.
type line struct {
	rate float64 // bytes a second; 0: no limit
	rtt  time.Duration
}

// What a line holds: the router's queue before it, and what the kernel may keep on either side of it.
const (
	queueTime  = 50 * time.Millisecond
	socketSize = 64 << 10
	chunkSize  = 4 << 10
)

// proxy leads to a server through a line.
type proxy struct {
	l    net.Listener
	to   string
	line line

	mu    sync.Mutex // guards everything below
	conns []net.Conn
}

// through returns an address that leads to another through a line. Close ends it.
func through(ln line, to string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{l: l, to: to, line: ln}
	go p.serve()
	return p, nil
}

func (p *proxy) addr() string { return p.l.Addr().String() }

func (p *proxy) close() {
	p.l.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
}

func (p *proxy) serve() {
	for {
		near, err := p.l.Accept()
		if err != nil {
			return
		}
		far, err := dialSmall(p.to)
		if err != nil {
			near.Close()
			return
		}
		p.mu.Lock()
		p.conns = append(p.conns, near, far)
		p.mu.Unlock()
		go p.line.carry(near, far)
		go p.line.carry(far, near)
	}
}

// dialSmall connects with little room for what was not read: it is the line that holds bytes, not the kernel.
func dialSmall(addr string) (net.Conn, error) {
	nc, err := net.Dial("tcp", addr)
	if err == nil {
		err = nc.(*net.TCPConn).SetReadBuffer(socketSize)
	}
	return nc, err
}

// parcel is what arrives at a time.
type parcel struct {
	b  []byte
	at time.Time
}

// carry moves bytes one way: through the bottleneck one after the other, then all as late as the line is long.
func (l line) carry(to, from net.Conn) {
	way := make(chan parcel, 1<<14)
	go func() {
		defer close(way)
		free := time.Now()
		for {
			b := make([]byte, chunkSize)
			n, err := from.Read(b)
			if err != nil {
				return
			}
			now := time.Now()
			if free.Before(now) {
				free = now
			}
			if l.rate > 0 {
				free = free.Add(time.Duration(float64(n) / l.rate * 1e9))
			}
			way <- parcel{b[:n], free.Add(l.rtt / 2)}
			if full := time.Until(free) - queueTime; full > 0 {
				time.Sleep(full)
			}
		}
	}()
	defer to.Close()
	for p := range way {
		time.Sleep(time.Until(p.at))
		if _, err := to.Write(p.b); err != nil {
			from.Close()
			for range way {
			}
			return
		}
	}
}
