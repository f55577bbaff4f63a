package usb

import (
	"encoding/binary"
	"sync/atomic"
)

// Setup is the eight bytes that start a control transfer (USB 2.0, 9.3).
type Setup struct {
	RequestType, Request uint8
	Value, Index, Length uint16
}

// ParseSetup decodes a setup packet.
func ParseSetup(b [8]byte) Setup {
	le := binary.LittleEndian
	return Setup{b[0], b[1], le.Uint16(b[2:]), le.Uint16(b[4:]), le.Uint16(b[6:])}
}

// Bytes encodes the setup packet.
func (s Setup) Bytes() (b [8]byte) {
	b[0], b[1] = s.RequestType, s.Request
	binary.LittleEndian.PutUint16(b[2:], s.Value)
	binary.LittleEndian.PutUint16(b[4:], s.Index)
	binary.LittleEndian.PutUint16(b[6:], s.Length)
	return b
}

// In reports whether the data stage goes to the host. A transfer with no data stage goes out.
func (s Setup) In() bool { return s.RequestType&DirIn != 0 && s.Length > 0 }

// Kind is the 16-bit word by which requests are known: type in the high byte, request in the low one.
func (s Setup) Kind() uint16 { return uint16(s.RequestType)<<8 | uint16(s.Request) }

// Packet is one transfer: a whole control transfer, a piece of a bulk or interrupt pipe, or what an isochronous endpoint moves in one interval.
// A controller fills in the upper part and submits it; the device fills in the result by Complete. It may be used again afterwards.
type Packet struct {
	Endpoint uint8  // number, with DirIn; 0 for control transfers, whose direction Setup gives
	Stream   uint16 // of a bulk endpoint with streams; 0 without
	Setup    Setup  // of a control transfer
	Data     Buffer // where bytes come from or go to: guest memory itself
	// Done is called exactly once by Complete, on the completing goroutine, with no lock of the device held. It may be called within Submit.
	Done func(*Packet)

	Actual int // bytes moved; of a control transfer, in its data stage
	Status Status

	busy atomic.Bool

	// What a Gadget keeps of a transfer while it waits; its lock guards these.
	pipe      *Pipe
	moved     int
	claimed   bool // somebody works on it without the lock
	cancelled bool // it ends, with the status end, when that is over
	end       Status
}

// In reports whether bytes go to the host.
func (p *Packet) In() bool {
	if p.Endpoint&0x0f == 0 {
		return p.Setup.In()
	}
	return p.Endpoint&DirIn != 0
}

// Busy reports whether the packet has been sent and not completed.
func (p *Packet) Busy() bool { return p.busy.Load() }

// Send submits the packet to a device.
func (p *Packet) Send(d Device) {
	p.Actual, p.Status = 0, OK
	p.busy.Store(true)
	d.Submit(p)
}

// Complete ends the transfer: n bytes have been moved. False, with no other effect: it had ended before, which is a mistake of the caller.
func (p *Packet) Complete(n int, s Status) bool {
	if !p.busy.CompareAndSwap(true, false) {
		return false
	}
	p.Actual, p.Status = n, s
	if p.Done != nil {
		p.Done(p)
	}
	return true
}

// Buffer is a list of pieces of memory that count as one run of bytes.
type Buffer struct {
	parts [][]byte
	size  int
}

// Reset empties the list and keeps its room.
func (b *Buffer) Reset() {
	clear(b.parts)
	b.parts, b.size = b.parts[:0], 0
}

// Append adds a piece at the end.
func (b *Buffer) Append(p []byte) {
	if len(p) > 0 {
		b.parts, b.size = append(b.parts, p), b.size+len(p)
	}
}

// Len is the number of bytes.
func (b *Buffer) Len() int { return b.size }

// CopyIn stores p at an offset, as much as there is room for, and returns how much that was.
func (b *Buffer) CopyIn(p []byte, off int) (n int) {
	for piece := range b.Pieces(off, len(p)) {
		n += copy(piece, p[n:])
	}
	return n
}

// CopyOut fills p from an offset on, as far as there are bytes, and returns how many there were.
func (b *Buffer) CopyOut(p []byte, off int) (n int) {
	for piece := range b.Pieces(off, len(p)) {
		n += copy(p[n:], piece)
	}
	return n
}

// Pieces goes through the memory of at most n bytes from off, piece by piece.
func (b *Buffer) Pieces(off, n int) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for _, p := range b.parts {
			if n <= 0 {
				return
			}
			if off >= len(p) {
				off -= len(p)
				continue
			}
			p = p[off:]
			off = 0
			p = p[:min(len(p), n)]
			n -= len(p)
			if !yield(p) {
				return
			}
		}
	}
}
