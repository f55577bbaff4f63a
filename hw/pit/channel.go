package pit

import "govm-desktop/snapshot"

// Ways to read and write a count (control word, RW1 and RW0).
const (
	rwLow  = 1
	rwHigh = 2
	rwBoth = 3
)

// channel is one counter. Times are in ticks. The PIT's mu guards it.
type channel struct {
	mode uint8 // 0 to 5
	rw   uint8
	bcd  bool
	gate bool

	n      uint32 // the count that the counting element was loaded with, 1 to 65536; 0: none since the control word
	start  int64  // when it was (or will be: the next clock pulse)
	frozen bool   // counting is stopped by the gate
	at     int64  // ticks counted when it stopped
	flip   bool   // mode 3: the cycle began with its low half

	next   uint32 // a count that waits to be loaded; 0: none
	nextAt int64  // when it will be: the end of the cycle
	flipAt bool   // mode 3: what flip is then to be

	first     uint8 // low byte of a count whose high byte is awaited
	writeHigh bool  // the high byte is next
	readHigh  bool
	latched   uint8 // bytes of the latched count still to be read
	latch     uint16
	hasStatus bool
	status    uint8

	edge int64 // the tick for which the timer is armed, -1: none; not part of the state
}

func (c *channel) state(s *snapshot.Coder) {
	snapshot.Field(s, "mode", &c.mode)
	snapshot.Field(s, "rw", &c.rw)
	snapshot.Field(s, "bcd", &c.bcd)
	snapshot.Field(s, "gate", &c.gate)
	snapshot.Field(s, "n", &c.n)
	snapshot.Field(s, "start", &c.start)
	snapshot.Field(s, "frozen", &c.frozen)
	snapshot.Field(s, "at", &c.at)
	snapshot.Field(s, "flip", &c.flip)
	snapshot.Field(s, "next", &c.next)
	snapshot.Field(s, "nextat", &c.nextAt)
	snapshot.Field(s, "flipat", &c.flipAt)
	snapshot.Field(s, "first", &c.first)
	snapshot.Field(s, "writehigh", &c.writeHigh)
	snapshot.Field(s, "readhigh", &c.readHigh)
	snapshot.Field(s, "latched", &c.latched)
	snapshot.Field(s, "latch", &c.latch)
	snapshot.Field(s, "hasstatus", &c.hasStatus)
	snapshot.Field(s, "status", &c.status)
	if s.Loading() {
		c.sane()
	}
}

// sane brings loaded values into the ranges that the arithmetic relies on.
func (c *channel) sane() {
	const far = 1 << 52 // ticks: a hundred years
	c.mode = min(c.mode, 5)
	c.rw = min(max(c.rw, 1), 3)
	c.n = min(c.n, 1<<16)
	c.next = min(c.next, 1<<16)
	c.start = min(max(c.start, 0), far)
	c.nextAt = min(max(c.nextAt, 0), far)
	c.at = min(max(c.at, -far), far)
	c.edge = -1
}

// modulus is where the counting element wraps.
func (c *channel) modulus() int64 {
	if c.bcd {
		return 10000
	}
	return 1 << 16
}

// periodic says that the mode reloads itself; triggered that only the gate starts it; strobes that its output is high but for one tick.
func (c *channel) periodic() bool  { return c.mode == 2 || c.mode == 3 }
func (c *channel) triggered() bool { return c.mode == 1 || c.mode == 5 }
func (c *channel) strobes() bool   { return c.mode == 2 || c.mode >= 4 }

// sync loads a waiting count whose time has come.
func (c *channel) sync(t int64) {
	if c.next != 0 && c.periodic() && !c.frozen && t >= c.nextAt {
		c.start, c.n, c.flip, c.next = c.nextAt, c.next, c.flipAt, 0
	}
}

// elapsed is the number of ticks counted since the load; negative before it.
func (c *channel) elapsed(t int64) int64 {
	switch {
	case c.n == 0:
		return -1
	case c.frozen:
		return c.at
	default:
		return t - c.start
	}
}

// halves are the lengths of the first and the second half of mode 3's cycle; an odd count's extra tick goes to the high one.
func (c *channel) halves() (first, second int64) {
	first, second = int64(c.n+1)/2, int64(c.n)/2
	if c.flip {
		first, second = second, first
	}
	return first, second
}

// out is the output's level.
func (c *channel) out(t int64) bool {
	e := c.elapsed(t)
	if e < 0 {
		return c.mode != 0
	}
	n := int64(c.n)
	switch c.mode {
	case 0, 1:
		return e >= n
	case 2:
		return c.frozen || e%n != n-1 || n == 1
	case 3:
		first, _ := c.halves()
		return c.frozen || (e%n < first) != c.flip
	default:
		return e != n
	}
}

// value is the counting element.
func (c *channel) value(t int64) int64 {
	e, n, m := max(0, c.elapsed(t)), int64(c.n), c.modulus()
	if n == 0 {
		return 0
	}
	switch c.mode {
	case 2:
		return (n - e%n) % m
	case 3:
		pos, first := e%n, int64(0)
		if first, _ = c.halves(); pos >= first {
			pos -= first
		}
		return (n&^1 - 2*pos) % m // datasheet, mode 3: an odd count is loaded less one, and counted down by two
	default:
		return ((n-e)%m + m) % m
	}
}

// nextEdge is the tick of the next event of the output after t, -1 if none will come by itself. For outputs that strobe it is the rise.
func (c *channel) nextEdge(t int64) int64 {
	if c.n == 0 || c.frozen {
		return -1
	}
	e, n := c.elapsed(t), int64(c.n)
	switch c.mode {
	case 0, 1:
		if e < 0 {
			return c.start + n*int64(1-c.mode)
		}
		return c.once(e, n)
	case 2:
		if e < 0 {
			return c.start + n
		}
		return c.start + (e/n+1)*n
	case 3:
		first, _ := c.halves()
		switch {
		case e < 0:
			return c.start + first
		case e%n < first:
			return c.start + e/n*n + first
		default:
			return c.start + (e/n+1)*n
		}
	default:
		return c.once(e, n+1)
	}
}

// once is the tick of an event n ticks after the load, if it is still to come.
func (c *channel) once(e, n int64) int64 {
	if e < n {
		return c.start + n
	}
	return -1
}

// program is a control word.
func (c *channel) program(v uint8) {
	c.rw = v >> 4 & 3
	c.mode = v >> 1 & 7
	if c.mode > 5 {
		c.mode -= 4 // bit 2 is ignored for modes 2 and 3
	}
	c.bcd = v&1 != 0
	c.n, c.next, c.frozen, c.flip = 0, 0, false, false
	c.writeHigh, c.readHigh, c.latched, c.hasStatus = false, false, 0, false
}

// write is one byte of a count.
func (c *channel) write(v uint8, t int64) {
	switch {
	case c.rw == rwLow:
		c.setCount(uint32(v), t)
	case c.rw == rwHigh:
		c.setCount(uint32(v)<<8, t)
	case !c.writeHigh:
		c.first, c.writeHigh = v, true
		if c.mode == 0 {
			c.n = 0 // the first byte stops the counting and lowers the output
		}
	default:
		c.writeHigh = false
		c.setCount(uint32(v)<<8|uint32(c.first), t)
	}
}

// setCount is a whole count written.
func (c *channel) setCount(raw uint32, t int64) {
	n := raw
	if c.bcd {
		n = raw&15 + raw>>4&15*10 + raw>>8&15*100 + raw>>12&15*1000
	}
	if n == 0 {
		n = uint32(c.modulus())
	}
	switch {
	case c.triggered():
		c.next = n // the gate will load it
	case c.periodic() && c.n != 0 && c.elapsed(t) >= 0:
		c.next = n
		c.nextAt, c.flipAt = c.cycleEnd(t)
	default:
		c.load(n, t)
	}
}

// load puts a count into the counting element with the next clock pulse.
func (c *channel) load(n uint32, t int64) {
	c.n, c.start, c.next, c.flip = n, t+1, 0, false
	c.frozen = !c.gate && !c.triggered()
	c.at = -1
	if c.frozen && !c.periodic() {
		c.at = 0
	}
}

// cycleEnd is when a new count is loaded in the periodic modes: after the cycle, in mode 3 after the half.
func (c *channel) cycleEnd(t int64) (at int64, flip bool) {
	e, n := c.elapsed(t), int64(c.n)
	if c.mode == 3 {
		if first, _ := c.halves(); e%n < first {
			return c.start + e/n*n + first, !c.flip
		}
	}
	return c.start + (e/n+1)*n, c.flip
}

// setGate sets the gate's level (datasheet, figure 21).
func (c *channel) setGate(high bool, t int64) {
	if high == c.gate {
		return
	}
	c.gate = high
	switch {
	case c.triggered():
		if !high {
			return
		}
		if c.next != 0 {
			c.load(c.next, t)
		} else if c.n != 0 {
			c.load(c.n, t)
		}
	case c.n == 0:
	case !high:
		c.at = c.elapsed(t)
		c.frozen = true
	case c.periodic():
		n := c.n
		if c.next != 0 {
			n = c.next
		}
		c.load(n, t)
	default:
		c.frozen = false
		c.start = t - c.at
	}
}

// latchCount is the counter latch command; a count latched and not yet read stays.
func (c *channel) latchCount(t int64) {
	if c.latched > 0 {
		return
	}
	c.latch = c.shown(t)
	c.latched = 1
	if c.rw == rwBoth {
		c.latched = 2
	}
	c.readHigh = false
}

// latchStatus is the read-back command's other half.
func (c *channel) latchStatus(t int64) {
	if c.hasStatus {
		return
	}
	c.hasStatus = true
	c.status = c.rw<<4 | c.mode<<1
	if c.bcd {
		c.status |= 1
	}
	if c.out(t) {
		c.status |= 0x80
	}
	if c.n == 0 || c.next != 0 || !c.frozen && t < c.start {
		c.status |= 0x40 // null count
	}
}

// shown is the counting element as it is read.
func (c *channel) shown(t int64) uint16 {
	v := c.value(t)
	if c.bcd {
		v = v%10 | v/10%10<<4 | v/100%10<<8 | v/1000%10<<12
	}
	return uint16(v)
}

// read is one read of the channel's port.
func (c *channel) read(t int64) uint8 {
	if c.hasStatus {
		c.hasStatus = false
		return c.status
	}
	v := c.latch
	if c.latched > 0 {
		c.latched--
	} else {
		v = c.shown(t)
	}
	high := c.rw == rwHigh
	if c.rw == rwBoth {
		high = c.readHigh
		c.readHigh = !c.readHigh
	}
	if high {
		return uint8(v >> 8)
	}
	return uint8(v)
}
