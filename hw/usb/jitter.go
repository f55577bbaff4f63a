package usb

import "time"

// Jitter is the buffer between a source with a clock of its own and an isochronous endpoint that is served once an interval. It starts to give when enough is
// there, wants more after it has run dry, less after it has not for long, and drops a packet now and then if the source's clock is the faster one.
// It has no lock.
type Jitter struct {
	rate    int // packets in a second
	target  int // packets to be there before the first is given
	filling bool
	packets []slot // oldest first, from head
	head, n int

	takes, low int // of the present span: packets taken, fewest there
	calm       int // spans since it last ran dry
	surplus    int // packets to drop
	room       int // bytes that the slots have memory for
}

type slot struct {
	data   []byte
	status Status
}

// Bounds of what a Jitter keeps, and how far it moves at a time.
const (
	jitterLeast = 20 * time.Millisecond
	jitterMost  = 120 * time.Millisecond
	jitterStep  = 10 * time.Millisecond
	jitterSpan  = 2 * time.Second
	jitterCalm  = 15 // spans
	jitterBytes = 4 << 20
)

// NewJitter makes a buffer for so many packets a second.
func NewJitter(rate int) *Jitter {
	j := &Jitter{rate: max(rate, 1)}
	j.target = j.count(jitterLeast)
	j.packets = make([]slot, 2*j.count(jitterMost)+2)
	j.Reset()
	return j
}

// Rate is what NewJitter was told.
func (j *Jitter) Rate() int { return j.rate }

// Target is how many packets it wants to have before it gives the first.
func (j *Jitter) Target() int { return j.target }

func (j *Jitter) count(d time.Duration) int {
	return max(int(int64(j.rate)*int64(d)/int64(time.Second)), 1)
}

// Reset empties the buffer.
func (j *Jitter) Reset() {
	j.filling, j.head, j.n, j.surplus = true, 0, 0, 0
	j.takes, j.low = 0, len(j.packets)
}

// Put appends a packet; the oldest goes if there is no room.
func (j *Jitter) Put(data []byte, s Status) {
	if j.n == len(j.packets) || j.surplus > 0 && j.n > j.target {
		j.surplus = max(j.surplus-1, 0)
		j.drop()
	}
	at := &j.packets[(j.head+j.n)%len(j.packets)]
	for j.n > 0 && j.room-cap(at.data)+len(data) > jitterBytes {
		j.drop()
	}
	j.room -= cap(at.data)
	at.data, at.status = append(at.data[:0], data...), s
	j.room += cap(at.data)
	j.n++
}

func (j *Jitter) drop() {
	if at := &j.packets[j.head]; j.room > jitterBytes/2 {
		j.room -= cap(at.data)
		at.data = nil
	}
	j.head = (j.head + 1) % len(j.packets)
	j.n--
}

// Take gives the oldest packet, an empty one if the buffer is not ready.
func (j *Jitter) Take(b *Buffer) (int, Status) {
	if j.filling && j.n < j.target {
		return 0, OK
	}
	if j.n == 0 {
		j.filling, j.calm = true, 0
		j.target = min(j.target+j.count(jitterStep), j.count(jitterMost))
		return 0, OK
	}
	j.filling = false
	at := &j.packets[j.head]
	n, s := b.CopyIn(at.data, 0), at.status
	if n < len(at.data) && s == OK {
		s = Babble
	}
	j.drop()
	j.low = min(j.low, j.n)
	if j.takes++; j.takes >= j.count(jitterSpan) {
		j.review()
	}
	return n, s
}

// review looks back at a span: what was never used of the buffer is delay for nothing.
func (j *Jitter) review() {
	if j.calm++; j.calm >= jitterCalm {
		j.calm = 0
		j.target = max(j.target-j.count(jitterStep)/2, j.count(jitterLeast))
	}
	j.surplus = max(j.low-j.target, 0)
	j.takes, j.low = 0, len(j.packets)
}
