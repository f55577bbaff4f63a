// Package dma models the PC's two 8237A DMA controllers with their page registers (Intel 8237A datasheet, 1993; Intel PIIX3 datasheet, 2.4):
// single, block and demand transfers, auto-initialisation, address decrement, verify, masks, software requests, status and the byte
// pointer flip-flop. Channels 0 to 3 move bytes within 64 KiB, 5 to 7 words within 128 KiB; 4 is the cascade.
//
// A device moves its data itself, as much as it has, through a Channel; there is no bus timing. Memory-to-memory transfers, which no PC wires up, compressed
// timing and rotating priority are kept as bits and have no effect.
package dma

import (
	"fmt"
	"io"
	"sync"

	"govm-desktop/hw"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// Bits of the mode register, and of the command register.
const (
	modeType      = 3 << 2
	modeAuto      = 1 << 4
	modeDecrement = 1 << 5
	modeCascade   = 3 << 6

	typeVerify = 0 << 2
	typeWrite  = 1 << 2 // from the device to memory
	typeRead   = 2 << 2 // from memory to the device

	commandDisable = 1 << 2
)

// Config is what the controllers are wired to.
type Config struct {
	Memory hw.DMA
}

// Controllers is both controllers. Ports and Pages give their registers.
type Controllers struct {
	mem hw.DMA

	mu    sync.Mutex // guards everything below
	chips [2]chip
	pages [16]uint8 // ports 80 to 8f
	high  [8]uint8  // of the channels: address bits 24 to 31 (ports 481 and on)
	watch [8]func()
}

// chip is one 8237A.
type chip struct {
	command uint8
	tc      uint8 // channels that reached terminal count
	dreq    uint8 // request lines
	soft    uint8 // requests by software
	mask    uint8
	high    bool // the flip-flop: the high byte is next
	temp    uint8
	ch      [4]channel
}

// channel has the base and current registers of a channel.
type channel struct {
	mode               uint8
	baseAddr, baseSize uint16
	addr, size         uint16
}

// New returns controllers in their reset state.
func New(cfg Config) *Controllers {
	c := &Controllers{mem: cfg.Memory}
	c.Reset(hw.PowerOn)
	return c
}

// Reset implements hw.Device.
func (c *Controllers) Reset(hw.Cause) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.chips {
		c.chips[i] = chip{mask: 15}
	}
	c.pages, c.high = [16]uint8{}, [8]uint8{}
}

// State implements hw.Device.
func (c *Controllers) State(s *snapshot.Coder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Bytes("pages", c.pages[:])
	s.Bytes("high", c.high[:])
	s.Group("0", c.chips[0].state)
	s.Group("1", c.chips[1].state)
}

func (p *chip) state(s *snapshot.Coder) {
	snapshot.Field(s, "command", &p.command)
	snapshot.Field(s, "tc", &p.tc)
	snapshot.Field(s, "dreq", &p.dreq)
	snapshot.Field(s, "soft", &p.soft)
	snapshot.Field(s, "mask", &p.mask)
	snapshot.Field(s, "high", &p.high)
	snapshot.Field(s, "temp", &p.temp)
	for i := range p.ch {
		h := &p.ch[i]
		s.Group(string(rune('a'+i)), func(s *snapshot.Coder) {
			snapshot.Field(s, "mode", &h.mode)
			snapshot.Field(s, "baseaddr", &h.baseAddr)
			snapshot.Field(s, "basesize", &h.baseSize)
			snapshot.Field(s, "addr", &h.addr)
			snapshot.Field(s, "size", &h.size)
		})
	}
}

// Inspect implements hw.Inspector.
func (c *Controllers) Inspect(w io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range 8 {
		p := &c.chips[n>>2]
		h := &p.ch[n&3]
		fmt.Fprintf(w, "channel %d: mode=%02x address=%x count=%x masked=%t request=%t\n",
			n, h.mode, c.address(n), h.size, p.mask>>(n&3)&1 != 0, p.dreq>>(n&3)&1 != 0)
	}
}

// Ports is the register block of one controller: 0 is ports 00 to 0f, a byte apart; 1 is ports c0 to df, two bytes apart.
func (c *Controllers) Ports(n int) memory.Handler { return &ports{c, n & 1} }

type ports struct {
	c *Controllers
	n int
}

// Read implements memory.Handler.
func (h *ports) Read(off uint64, _ int) uint64 {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	p := &h.c.chips[h.n]
	switch reg := off >> h.n & 15; reg {
	case 8:
		v := p.tc | (p.dreq|p.soft)<<4
		p.tc = 0 // a read clears the terminal counts
		return uint64(v)
	case 13:
		return uint64(p.temp)
	case 15:
		return uint64(p.mask | 0xf0)
	case 9, 10, 11, 12, 14:
		return 0xff
	default:
		ch := &p.ch[reg>>1]
		v := ch.addr
		if reg&1 != 0 {
			v = ch.size
		}
		return uint64(p.half(v))
	}
}

// half is the byte of a register that the flip-flop selects; the next one is the other.
func (p *chip) half(v uint16) uint8 {
	p.high = !p.high
	if p.high {
		return uint8(v)
	}
	return uint8(v >> 8)
}

// Write implements memory.Handler. Devices are told after unlocking that a channel may be ready now.
func (h *ports) Write(off uint64, _ int, val uint64) {
	c := h.c
	c.mu.Lock()
	p := &c.chips[h.n]
	was := p.ready()
	p.write(int(off>>h.n&15), uint8(val))
	now := p.ready() &^ was
	var tell [4]func()
	for i := range 4 {
		if now&(1<<i) != 0 {
			tell[i] = c.watch[h.n<<2+i]
		}
	}
	c.mu.Unlock()
	for _, f := range tell {
		if f != nil {
			f()
		}
	}
}

// write is a write of a register (datasheet, figures 5 and 6).
func (p *chip) write(reg int, v uint8) {
	bit := uint8(1) << (v & 3)
	switch reg {
	case 8:
		p.command = v
	case 9:
		p.set(&p.soft, bit, v&4 != 0)
	case 10:
		p.set(&p.mask, bit, v&4 != 0)
	case 11:
		p.ch[v&3].mode = v &^ 3
		p.tc &^= bit
	case 12:
		p.high = false
	case 13: // master clear
		p.command, p.tc, p.soft, p.temp, p.high, p.mask = 0, 0, 0, 0, false, 15
	case 14:
		p.mask = 0
	case 15:
		p.mask = v & 15
	default:
		ch := &p.ch[reg>>1]
		base, now := &ch.baseAddr, &ch.addr
		if reg&1 != 0 {
			base, now = &ch.baseSize, &ch.size
		}
		if p.high {
			*base = *base&0xff | uint16(v)<<8
		} else {
			*base = *base&0xff00 | uint16(v)
		}
		*now = *base
		p.high = !p.high
	}
}

func (p *chip) set(reg *uint8, bit uint8, on bool) {
	if on {
		*reg |= bit
	} else {
		*reg &^= bit
	}
}

// ready is the channels that would serve a request.
func (p *chip) ready() uint8 {
	if p.command&commandDisable != 0 {
		return 0
	}
	return ^p.mask & 15
}

// pageOf is where each channel's page register is, from port 80.
var pageOf = [8]uint8{7, 3, 1, 2, 15, 11, 9, 10}

// Pages is the page registers, ports 80 to 8f; those of no channel are plain storage. The board's diagnostic port lies over the first.
func (c *Controllers) Pages() memory.Handler { return (*pages)(c) }

// HighPages is the EISA extension: ports 480 to 48f, address bits 24 to 31. Writing the low page clears them.
func (c *Controllers) HighPages() memory.Handler { return (*highPages)(c) }

type (
	pages     Controllers
	highPages Controllers
)

// Read implements memory.Handler.
func (g *pages) Read(off uint64, _ int) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return uint64(g.pages[off&15])
}

// Write implements memory.Handler.
func (g *pages) Write(off uint64, _ int, val uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pages[off&15] = uint8(val)
	for n, p := range pageOf {
		if uint64(p) == off&15 {
			g.high[n] = 0
		}
	}
}

// Read implements memory.Handler.
func (g *highPages) Read(off uint64, _ int) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	for n, p := range pageOf {
		if uint64(p) == off&15 {
			return uint64(g.high[n])
		}
	}
	return 0xff
}

// Write implements memory.Handler.
func (g *highPages) Write(off uint64, _ int, val uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for n, p := range pageOf {
		if uint64(p) == off&15 {
			g.high[n] = uint8(val)
		}
	}
}
