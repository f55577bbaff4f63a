package usb

import "slices"

// Pipe is an endpoint of a Gadget with the transfers that wait at it, oldest first. Its methods are called with the Gadget's lock held.
type Pipe struct {
	Endpoint
	Packet int // the largest packet at the speed the device runs at

	g      *Gadget
	halted bool
	queue  []*Packet
}

// Halted reports whether the endpoint is halted. Transfers that come to a halted endpoint end with Stall.
func (p *Pipe) Halted() bool { return p.halted }

// Waiting is how many transfers there are.
func (p *Pipe) Waiting() int { return len(p.queue) }

// Head is the oldest transfer that nobody has claimed; nil: there is none, or the endpoint is halted.
func (p *Pipe) Head() *Packet {
	if p.halted || len(p.queue) == 0 || p.queue[0].claimed {
		return nil
	}
	return p.queue[0]
}

// HeadOf is the oldest transfer of a stream.
func (p *Pipe) HeadOf(stream uint16) *Packet {
	if p.halted {
		return nil
	}
	for _, t := range p.queue {
		if t.Stream == stream {
			if t.claimed {
				return nil
			}
			return t
		}
	}
	return nil
}

// Room is how many bytes of a transfer have not been moved yet.
func (p *Packet) Room() int { return p.Data.Len() - p.moved }

// Moved is how many have.
func (p *Packet) Moved() int { return p.moved }

// Give moves bytes to the host by a transfer that waits, as many as it has room for, and returns how many.
func (p *Pipe) Give(t *Packet, b []byte) int {
	n := t.Data.CopyIn(b, t.moved)
	t.moved += n
	return n
}

// Take moves bytes from the host, as many as b has room for, and returns how many.
func (p *Pipe) Take(t *Packet, b []byte) int {
	n := t.Data.CopyOut(b, t.moved)
	t.moved += n
	return n
}

// Skip counts n bytes as moved.
func (p *Pipe) Skip(t *Packet, n int) { t.moved += n }

// Claim makes the transfer the caller's, who may use its memory without the lock until Release: cancelled meanwhile, it ends then.
func (p *Pipe) Claim(t *Packet) { t.claimed = true }

// Release gives a claimed transfer back, of which n more bytes have been moved. False: it was cancelled and has ended.
func (p *Pipe) Release(t *Packet, n int) bool {
	t.claimed = false
	t.moved += n
	if !t.cancelled {
		return true
	}
	s := t.end
	if s == Cancelled && t.moved == t.Data.Len() && t.moved > 0 {
		s = OK
	}
	p.Finish(t, s)
	return false
}

// Finish ends a transfer with what has been moved. The controller hears of it when the lock is let go.
// Preconditions: the transfer waits at the pipe and is not claimed.
func (p *Pipe) Finish(t *Packet, s Status) {
	if len(p.queue) > 0 && p.queue[0] == t { // the usual case, and one that keeps the slice's room
		copy(p.queue, p.queue[1:])
		p.queue[len(p.queue)-1] = nil
		p.queue = p.queue[:len(p.queue)-1]
	} else if i := slices.Index(p.queue, t); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
	}
	t.pipe = nil
	p.g.ended(t, t.moved, s)
}

// Halt halts the endpoint: the oldest transfer ends with Stall, those behind it wait for the host to cancel them or to clear the halt.
func (p *Pipe) Halt() {
	if t := p.Head(); t != nil {
		p.Finish(t, Stall)
	}
	p.halted = true
}

// drop ends every transfer; those claimed end when they are released.
func (p *Pipe) drop(s Status) {
	for i := 0; i < len(p.queue); {
		if t := p.queue[i]; t.claimed {
			t.cancelled, t.end = true, s
			i++
		} else {
			p.Finish(t, s)
		}
	}
}
