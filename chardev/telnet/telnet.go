// Package telnet lets telnet clients talk to a byte stream character by character (RFC 854, 855, 856 Binary Transmission, 857 Echo, 858 Suppress
// Go Ahead). The server offers to echo, which makes clients leave that and the editing of lines to the guest.
package telnet

import (
	"bufio"
	"bytes"
	"net"
	"sync"
)

// Commands and options.
const (
	se   = 240
	brk  = 243
	sb   = 250
	will = 251
	wont = 252
	do   = 253
	dont = 254
	iac  = 255
	nul  = 0
	lf   = '\n'
	cr   = '\r'
	bin  = 0
	echo = 1
	noGA = 3
)

// Conn is a connection without telnet's commands.
type Conn struct {
	net.Conn
	r *bufio.Reader

	mu      sync.Mutex // guards what follows
	onBreak func()
}

// Server greets a client.
func Server(c net.Conn) (net.Conn, error) {
	if _, err := c.Write([]byte{iac, will, echo, iac, will, noGA, iac, will, bin, iac, do, bin}); err != nil {
		return nil, err
	}
	return &Conn{Conn: c, r: bufio.NewReader(c)}, nil
}

// Client answers a server's offers.
func Client(c net.Conn) (net.Conn, error) { return &Conn{Conn: c, r: bufio.NewReader(c)}, nil }

// OnBreak sets what is called when the other end sends a break.
func (c *Conn) OnBreak(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onBreak = f
}

// Read returns at least one byte that is no command, unless the connection ends.
func (c *Conn) Read(p []byte) (n int, err error) {
	for n < len(p) && (n == 0 || c.r.Buffered() > 0) {
		b, err := c.r.ReadByte()
		if err != nil {
			return n, err
		}
		switch b {
		case iac:
			if b, err = c.command(); err != nil {
				return n, err
			}
			if b != iac {
				continue
			}
		case cr: // a return alone comes with a NUL behind it, or as CR LF from clients that think in lines
			c.swallow()
		}
		p[n] = b
		n++
	}
	return n, nil
}

// swallow drops the NUL or LF behind a CR, if it is here already.
func (c *Conn) swallow() {
	if c.r.Buffered() == 0 {
		return
	}
	if next, err := c.r.Peek(1); err == nil && (next[0] == nul || next[0] == lf) {
		_, _ = c.r.Discard(1)
	}
}

// command reads the rest of a command; it returns iac for a data byte of that value.
func (c *Conn) command() (byte, error) {
	b, err := c.r.ReadByte()
	if err != nil {
		return 0, err
	}
	switch b {
	case iac:
		return iac, nil
	case will, wont, do, dont:
		option, err := c.r.ReadByte()
		if err != nil {
			return 0, err
		}
		return 0, c.answer(b, option)
	case sb:
		return 0, c.skip()
	case brk:
		c.mu.Lock()
		f := c.onBreak
		c.mu.Unlock()
		if f != nil {
			f()
		}
	}
	return b, nil
}

// answer refuses what was not offered. What was needs no answer: that would go on for ever.
func (c *Conn) answer(verb, option byte) error {
	if option == bin || option == echo || option == noGA {
		return nil
	}
	reply := byte(0)
	switch verb {
	case will:
		reply = dont
	case do:
		reply = wont
	default:
		return nil
	}
	_, err := c.Conn.Write([]byte{iac, reply, option})
	return err
}

// skip reads a subnegotiation to its end.
func (c *Conn) skip() error {
	for last := byte(0); ; {
		b, err := c.r.ReadByte()
		if err != nil {
			return err
		}
		if last == iac && b == se {
			return nil
		}
		if last == iac && b == iac {
			b = 0
		}
		last = b
	}
}

// Write doubles the bytes that would begin a command.
func (c *Conn) Write(p []byte) (int, error) {
	if bytes.IndexByte(p, iac) < 0 {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(bytes.ReplaceAll(p, []byte{iac}, []byte{iac, iac})); err != nil {
		return 0, err
	}
	return len(p), nil
}
