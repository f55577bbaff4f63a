// Package udp is a byte stream over UDP: what is written goes out as a datagram, what arrives from anywhere is read. Nothing is sent again.
package udp

import (
	"errors"
	"fmt"
	"io"
	"net"
)

// maxDatagram is the most that is put into one datagram, so that none is cut into fragments on an Ethernet.
const maxDatagram = 1400

// Stream implements chardev.Stream.
type Stream struct {
	conn *net.UDPConn
	to   *net.UDPAddr
	buf  []byte
	rest []byte // of a datagram that did not fit into a Read
}

// Open sends to an address and listens at another; network is udp, udp4 or udp6, local "" any port.
func Open(network, remote, local string) (*Stream, error) {
	to, err := net.ResolveUDPAddr(network, remote)
	if err != nil {
		return nil, fmt.Errorf("chardev udp: %w", err)
	}
	var from *net.UDPAddr
	if local != "" {
		if from, err = net.ResolveUDPAddr(network, local); err != nil {
			return nil, fmt.Errorf("chardev udp: %w", err)
		}
	}
	c, err := net.ListenUDP(network, from)
	if err != nil {
		return nil, fmt.Errorf("chardev udp: %w", err)
	}
	return &Stream{conn: c, to: to, buf: make([]byte, 64<<10)}, nil
}

// Addr is where the stream listens.
func (s *Stream) Addr() net.Addr { return s.conn.LocalAddr() }

// Read implements io.Reader.
func (s *Stream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		n, err := s.conn.Read(s.buf)
		if errors.Is(err, net.ErrClosed) {
			return 0, io.EOF
		}
		if err == nil { // others tell of a datagram of ours that nobody took
			s.rest = s.buf[:n]
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// Write implements io.Writer. What the network refuses is lost.
func (s *Stream) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), maxDatagram)
		if _, err := s.conn.WriteToUDP(rest[:n], s.to); errors.Is(err, net.ErrClosed) {
			return 0, io.ErrClosedPipe
		}
		rest = rest[n:]
	}
	return len(p), nil
}

// Close implements io.Closer.
func (s *Stream) Close() error { return s.conn.Close() }
