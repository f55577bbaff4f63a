package fbs

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// conn is a recording in the place of a server: what it has sent comes when it came, and what is sent to it goes nowhere.
type conn struct {
	r     *Reader
	speed float64
	start time.Time
	rest  []byte // of the block that is being read
	once  sync.Once
	stop  chan struct{}
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	for len(c.rest) == 0 {
		block, at, err := c.r.Next()
		if err != nil {
			return 0, err
		}
		t := time.NewTimer(time.Until(c.start.Add(time.Duration(float64(at) / c.speed))))
		select {
		case <-t.C:
		case <-c.stop:
			t.Stop()
			return 0, net.ErrClosed
		}
		c.rest = block
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	select {
	case <-c.stop:
		return 0, io.ErrClosedPipe
	default:
		return len(b), nil
	}
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.once.Do(func() { close(c.stop) })
	return nil
}

// ctx ends with the connection.
func (c *conn) ctx() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-c.stop
		cancel()
	}()
	return ctx
}

// LocalAddr implements net.Conn, as do the methods below.
func (c *conn) LocalAddr() net.Addr { return &net.UnixAddr{Name: "recording", Net: "unix"} }

// RemoteAddr is the recording.
func (c *conn) RemoteAddr() net.Addr { return c.LocalAddr() }

// SetDeadline does nothing: a recording takes its time.
func (c *conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (c *conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }
