// Package stream carries RFB messages over a byte stream: reads of few bytes at a time, writes that do not wait for ever. What
// lies below (TCP, a Unix socket) is a net.Conn; what lies between (TLS, RSA-AES) is put there by Layer.
package stream

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// Conn is one connection. One goroutine may read while another writes.
type Conn struct {
	base    net.Conn // the socket: deadlines and Close are its own
	top     net.Conn // what is read and written: base, or a layer above it
	r       *bufio.Reader
	timeout time.Duration
	sent    atomic.Uint64
}

// maxTake is the most that Take reads at once.
const maxTake = 1024

// New takes a connection over. A write that gets nowhere for the given time fails.
func New(nc net.Conn, timeout time.Duration) *Conn {
	if t, ok := nc.(*net.TCPConn); ok {
		_ = t.SetNoDelay(true) // the default; a failure costs speed only
	}
	return &Conn{base: nc, top: nc, r: bufio.NewReaderSize(nc, 4*maxTake), timeout: timeout}
}

// Layer puts a protocol between the bytes of the messages and what carried them so far. No read or write may be under way.
func (c *Conn) Layer(f func(below net.Conn) (net.Conn, error)) error {
	top, err := f(&below{c.top, c.r})
	if err != nil {
		return err
	}
	c.top, c.r = top, bufio.NewReaderSize(top, 4*maxTake)
	return nil
}

// below is what a layer lies on: the bytes that were read too early come first.
type below struct {
	net.Conn
	r *bufio.Reader
}

// Read implements io.Reader.
func (b *below) Read(p []byte) (int, error) { return b.r.Read(p) }

// Take reads n bytes, at most 1024. They are valid until the next read.
func (c *Conn) Take(n int) ([]byte, error) {
	b, err := c.r.Peek(n)
	if err != nil {
		return nil, c.readError(err, len(b))
	}
	_, err = c.r.Discard(n)
	return b, err
}

// Peek looks at n bytes, at most 1024, without reading them.
func (c *Conn) Peek(n int) ([]byte, error) {
	b, err := c.r.Peek(n)
	if err != nil {
		return nil, c.readError(err, len(b))
	}
	return b, nil
}

// Read implements io.Reader.
func (c *Conn) Read(b []byte) (int, error) { return c.r.Read(b) }

// Skip drops n bytes.
func (c *Conn) Skip(n int) error {
	if _, err := c.r.Discard(n); err != nil {
		return c.readError(err, 1)
	}
	return nil
}

func (c *Conn) readError(err error, got int) error {
	if err == io.EOF && got > 0 {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// U8 reads a byte.
func (c *Conn) U8() (uint8, error) { return c.r.ReadByte() }

// U16 reads a number.
func (c *Conn) U16() (uint16, error) {
	b, err := c.Take(2)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint16(b), nil
}

// U32 reads a number.
func (c *Conn) U32() (uint32, error) {
	b, err := c.Take(4)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(b), nil
}

// chunk is what a deadline is for: a line of 2 KB/s carries it in the default time.
const chunk = 64 << 10

// Write implements io.Writer.
func (c *Conn) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		var k int
		if err = c.base.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
			return n, err
		}
		k, err = c.top.Write(b[:min(len(b), chunk)])
		n, b = n+k, b[k:]
		c.sent.Add(uint64(k))
	}
	return n, err
}

// Limit is when reads fail, until it is set anew; zero: never.
func (c *Conn) Limit(at time.Time) error {
	if err := c.base.SetReadDeadline(at); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	return nil
}

// Sent is how many bytes were written.
func (c *Conn) Sent() uint64 { return c.sent.Load() }

// Close ends the connection. Reads and writes under way fail.
func (c *Conn) Close() error { return c.base.Close() }
