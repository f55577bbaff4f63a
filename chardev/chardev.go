// Package chardev is the contract of byte streams that the machine's serial ports, consoles and monitors are plugged into:
// a terminal, a file, a socket, nothing.
package chardev

import "io"

// Stream is one end of a byte stream. Read blocks until bytes arrive; it returns io.EOF when the other end is gone for good. Write may block;
// a stream whose other end is away (a socket with no client) drops what is written. Close makes both return.
type Stream interface {
	io.ReadWriteCloser
}

// Announcer is a Stream that tells when its other end comes and goes. Found by type assertion.
type Announcer interface {
	// Watch has f called, which must not block, at every change, and once with the state as it is.
	Watch(f func(open bool))
}

// Caller is a Stream that one client after another connects to, for those that talk with each anew. Found by type assertion.
type Caller interface {
	// Next waits for a client that it has not returned yet; nil: the stream is closed. The client's Read ends with io.EOF when the client
	// has nothing more to say; the next one is let in after Close. Who calls Next does not use the Stream's own Read.
	Next() io.ReadWriteCloser
}

// Breaker is a Stream whose reader can be told of a line break. Found by type assertion.
type Breaker interface{ OnBreak(func()) }

// Line is how a serial line is set.
type Line struct {
	Baud   int
	Bits   int  // 5 to 8 data bits
	Parity byte // 0, 'E' or 'O'
	Stop   int  // 1 or 2 stop bits
}

// Port is a Stream that is a serial line itself, and takes over how the guest sets its own. Found by type assertion.
type Port interface {
	SetLine(Line) error
	SetBreak(on bool) error
	SetModem(dtr, rts bool) error
}
