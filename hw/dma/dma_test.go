package dma

import (
	"bytes"
	"testing"

	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
)

type rig struct {
	*hwtest.Bench
	c *Controllers
}

func newDMA(b *hwtest.Bench) *rig {
	r := &rig{b, New(Config{Memory: b.Memory})}
	one := memory.Widths{Max: 1}
	b.MapPorts(0x00, 16, r.c.Ports(0), one)
	b.MapPorts(0xc0, 32, r.c.Ports(1), one)
	b.MapPorts(0x80, 16, r.c.Pages(), one)
	b.MapPorts(0x480, 16, r.c.HighPages(), one)
	return r
}

func newRig(t *testing.T) *rig {
	r := newDMA(hwtest.New(t))
	hwtest.PowerOn(r.c)
	r.Out8(0xd6, 0xc0) // cascade
	r.Out8(0xd4, 0x00)
	return r
}

// program sets up channel 2 as a floppy's.
func (r *rig) program(mode uint8, addr uint32, count uint16) {
	r.Out8(0x0a, 0x06)
	r.Out8(0x0c, 0xff)
	r.Out8(0x0b, mode|2)
	r.Out8(0x04, uint8(addr), uint8(addr>>8))
	r.Out8(0x81, uint8(addr>>16))
	r.Out8(0x05, uint8(count), uint8(count>>8))
	r.Out8(0x0a, 0x02)
}

func TestConformance(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device { return newDMA(b).c })
}

func TestWrite(t *testing.T) {
	r := newRig(t)
	r.program(0x44, 0x12340, 511)
	ch := r.c.Channel(2)
	ch.Request(true)
	hwtest.Want(t, "status", r.In8(0x08), 0x40)
	hwtest.Want(t, "left", ch.Left(), 512)
	sector := bytes.Repeat([]byte{1, 2, 3, 4}, 128)
	n, tc := ch.Write(sector[:200])
	hwtest.Want(t, "moved", n, 200)
	hwtest.Want(t, "terminal count", tc, false)
	r.Out8(0x0c, 0)
	hwtest.Want(t, "count", uint16(r.In8(0x05))|uint16(r.In8(0x05))<<8, 311)
	hwtest.Want(t, "address", uint16(r.In8(0x04))|uint16(r.In8(0x04))<<8, 0x2340+200)
	n, tc = ch.Write(sector[200:])
	hwtest.Want(t, "moved", n, 312)
	hwtest.Want(t, "terminal count", tc, true)
	hwtest.Want(t, "memory", bytes.Equal(r.RAM.Bytes()[0x12340:][:512], sector), true)
	hwtest.Want(t, "status", r.In8(0x08), 0x44)
	hwtest.Want(t, "status read again", r.In8(0x08), 0x40)
	hwtest.Want(t, "mask", r.In8(0x0f), 0xff)
	hwtest.Want(t, "ready", ch.Ready(), false)
	n, _ = ch.Write(sector)
	hwtest.Want(t, "moved after the end", n, 0)
}

func TestRead(t *testing.T) {
	r := newRig(t)
	r.program(0x48, 0x20000, 3)
	copy(r.RAM.Bytes()[0x20000:], "abcdef")
	p := make([]byte, 10)
	n, tc := r.c.Channel(2).Read(p)
	hwtest.Want(t, "moved", n, 4)
	hwtest.Want(t, "terminal count", tc, true)
	hwtest.Want(t, "data", string(p[:n]), "abcd")
	n, _ = r.c.Channel(2).Write(p)
	hwtest.Want(t, "moved the wrong way", n, 0)
}

func TestWrap(t *testing.T) {
	r := newRig(t)
	r.program(0x44, 0x1fffe, 3)
	r.c.Channel(2).Write([]byte("abcd"))
	hwtest.Want(t, "end of the page", string(r.RAM.Bytes()[0x1fffe:0x20000]), "ab")
	hwtest.Want(t, "its beginning", string(r.RAM.Bytes()[0x10000:0x10002]), "cd")
}

func TestDecrement(t *testing.T) {
	r := newRig(t)
	r.program(0x64, 0x10003, 3)
	r.c.Channel(2).Write([]byte("abcd"))
	hwtest.Want(t, "memory", string(r.RAM.Bytes()[0x10000:0x10004]), "dcba")
}

func TestAuto(t *testing.T) {
	r := newRig(t)
	r.program(0x58, 0x10000, 3)
	copy(r.RAM.Bytes()[0x10000:], "abcd")
	p := make([]byte, 4)
	for range 3 {
		n, tc := r.c.Channel(2).Read(p)
		hwtest.Want(t, "data", string(p[:n]), "abcd")
		hwtest.Want(t, "terminal count", tc, true)
	}
}

func TestVerify(t *testing.T) {
	r := newRig(t)
	r.program(0x40, 0x10000, 3)
	n, tc := r.c.Channel(2).Write([]byte("abcd"))
	hwtest.Want(t, "counted", n, 4)
	hwtest.Want(t, "terminal count", tc, true)
	hwtest.Want(t, "memory", r.RAM.Bytes()[0x10000], 0)
}

func TestWords(t *testing.T) {
	r := newRig(t)
	r.Out8(0xd8, 0)
	r.Out8(0xd6, 0x45) // channel 5, to memory
	r.Out8(0xc4, 0x80, 0xff)
	r.Out8(0x8b, 0x03) // bit 0 does not count
	r.Out8(0xc6, 0xff, 0x00)
	r.Out8(0xd4, 0x01)
	ch := r.c.Channel(5)
	hwtest.Want(t, "left", ch.Left(), 512)
	n, tc := ch.Write(bytes.Repeat([]byte{0x55, 0xaa}, 256))
	hwtest.Want(t, "moved", n, 512)
	hwtest.Want(t, "terminal count", tc, true)
	hwtest.Want(t, "memory", r.Read16(0x3ff00), 0xaa55)
	hwtest.Want(t, "memory after the wrap", r.Read16(0x20000), 0xaa55)
}

func TestReady(t *testing.T) {
	r := newRig(t)
	ch := r.c.Channel(2)
	calls := 0
	ch.OnReady(func() { calls++; ch.Ready() })
	hwtest.Want(t, "ready", ch.Ready(), false)
	r.Out8(0x0a, 2)
	hwtest.Want(t, "ready", ch.Ready(), true)
	r.Out8(0x0a, 2)
	r.Out8(0x08, 4)
	hwtest.Want(t, "ready when disabled", ch.Ready(), false)
	r.Out8(0x08, 0)
	hwtest.Want(t, "calls", calls, 2)
	r.Out8(0xd4, 4)
	hwtest.Want(t, "ready with the cascade masked", ch.Ready(), false)
	r.Out8(0x0d, 0)
	hwtest.Want(t, "mask after master clear", r.In8(0x0f), 0xff)
	hwtest.Want(t, "channel 4", r.c.Channel(4).Ready(), false)
}

func TestHighPages(t *testing.T) {
	r := newRig(t)
	r.Out8(0x481, 0x12)
	hwtest.Want(t, "page", r.In8(0x481), 0x12)
	hwtest.Want(t, "address", r.c.address(2), 0x12000000)
	r.Out8(0x81, 0x05)
	hwtest.Want(t, "address", r.c.address(2), 0x50000)
	r.Out8(0x8f, 0x77)
	hwtest.Want(t, "storage", r.In8(0x8f), 0x77)
}

func TestOutsideRAM(t *testing.T) {
	r := newRig(t)
	r.program(0x48, 0x800000, 3)
	r.Out8(0x481, 0xff)
	p := make([]byte, 4)
	n, _ := r.c.Channel(2).Read(p)
	hwtest.Want(t, "data", string(p[:n]), "\xff\xff\xff\xff")
}
