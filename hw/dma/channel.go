package dma

// Channel is a device's end of a channel: its request line, and the transfers themselves.
type Channel struct {
	c *Controllers
	n int
}

// Channel returns channel n, 0 to 7. Channel 4 is the cascade and never ready.
func (c *Controllers) Channel(n int) *Channel { return &Channel{c, n & 7} }

// OnReady sets what is called, with no lock held, when the guest lets the channel work. Preconditions: set while the board is built.
func (h *Channel) OnReady(f func()) { h.c.watch[h.n] = f }

// Request sets the channel's DREQ.
func (h *Channel) Request(high bool) {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	p := &h.c.chips[h.n>>2]
	p.set(&p.dreq, 1<<(h.n&3), high)
}

// Ready reports whether the controller would serve a request now.
func (h *Channel) Ready() bool {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	return h.c.ready(h.n)
}

// Left is the number of bytes until terminal count.
func (h *Channel) Left() int {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	return (int(h.c.chips[h.n>>2].ch[h.n&3].size) + 1) << (h.n >> 2)
}

// Read moves bytes from memory to the device; n is how many, and tc that the count ended with the last of them. A channel that is not
// ready, or programmed for the other direction, moves nothing.
func (h *Channel) Read(p []byte) (n int, tc bool) { return h.transfer(p, typeRead) }

// Write moves bytes from the device to memory. A channel that verifies counts them and drops them.
func (h *Channel) Write(p []byte) (n int, tc bool) { return h.transfer(p, typeWrite) }

// ready reports whether a channel serves requests.
// Preconditions of all below: mu is held.
func (c *Controllers) ready(n int) bool {
	p := &c.chips[n>>2]
	if n == 4 || p.ready()&(1<<(n&3)) == 0 || p.ch[n&3].mode&modeCascade == modeCascade {
		return false
	}
	second := &c.chips[1]
	return n >= 4 || second.ready()&1 != 0 // the first one's requests go through channel 4
}

// address is a channel's current address in memory.
func (c *Controllers) address(n int) uint64 {
	page := uint64(c.high[n])<<24 | uint64(c.pages[pageOf[n]])<<16
	addr := uint64(c.chips[n>>2].ch[n&3].addr)
	if n >= 4 {
		return page&^0x1ffff | addr<<1 // address lines 1 to 16
	}
	return page | addr
}

// transfer moves as much as the device has and the count allows, in stretches that end where the address wraps, where the count ends, or after a
// unit where addresses go down.
func (h *Channel) transfer(p []byte, dir uint8) (done int, tc bool) {
	c := h.c
	c.mu.Lock()
	defer c.mu.Unlock()
	chip := &c.chips[h.n>>2]
	ch := &chip.ch[h.n&3]
	kind := ch.mode & modeType
	if !c.ready(h.n) || kind != dir && kind != typeVerify {
		return 0, false
	}
	shift := h.n >> 2
	for len(p)-done >= 1<<shift && !tc {
		units := min((len(p)-done)>>shift, int(ch.size)+1, 1<<16-int(ch.addr))
		if ch.mode&modeDecrement != 0 {
			units = 1
		}
		part := p[done : done+units<<shift]
		c.move(part, c.address(h.n), kind)
		done += len(part)
		if ch.mode&modeDecrement != 0 {
			ch.addr--
		} else {
			ch.addr += uint16(units)
		}
		tc = units == int(ch.size)+1
		ch.size -= uint16(units)
	}
	if tc {
		h.terminal(chip, ch)
	}
	return done, tc
}

// move copies between a device's buffer and memory. What is not RAM reads as ones and is dropped when written.
func (c *Controllers) move(p []byte, addr uint64, kind uint8) {
	switch kind {
	case typeRead:
		_, _ = c.mem.ReadAt(p, int64(addr))
	case typeWrite:
		_, _ = c.mem.WriteAt(p, int64(addr))
	}
}

// terminal is the end of the count: the channel begins anew or masks itself.
func (h *Channel) terminal(p *chip, ch *channel) {
	bit := uint8(1) << (h.n & 3)
	p.tc |= bit
	p.soft &^= bit
	if ch.mode&modeAuto != 0 {
		ch.addr, ch.size = ch.baseAddr, ch.baseSize
	} else {
		p.mask |= bit
	}
}
