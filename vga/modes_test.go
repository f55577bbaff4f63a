package vga

import (
	"context"
	"image"
	"testing"

	"govm-desktop/display"
	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/hw/pci"
	"govm-desktop/memory"
)

// Where tests put the windows.
const (
	lfb  = 0xe0000000
	regw = 0xf0000000
	slot = 2
)

// guest is what a program sees of a machine with a VGA: ours, or QEMU's.
type guest interface {
	out(port uint16, size int, val uint32)
	in(port uint16, size int) uint32
	store(addr uint64, size int, val uint64)
	load(addr uint64, size int) uint64
	fill(addr uint64, data []byte)
	shot(t *testing.T) *display.Frame
}

// ours is a VGA on the bench.
type ours struct {
	*hwtest.Bench
	v *VGA
	s *display.Screen
}

func newOurs(t *testing.T, cfg Config) *ours {
	t.Helper()
	b := hwtest.New(t)
	v := onBench(t, b, cfg)
	g := &ours{b, v, display.NewScreen(v, display.Options{})}
	t.Cleanup(g.s.Close)
	place(g)
	return g
}

// onBench builds a VGA and the wiring of a board around it.
func onBench(t testing.TB, b *hwtest.Bench, cfg Config) *VGA {
	t.Helper()
	cfg.Clock, cfg.Memory = b.Clock, b.Memory
	v, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	bus := pci.NewBus(pci.Config{Memory: b.Memory, Ports: b.Ports, DMA: b.Memory})
	if err := bus.Add(slot, 0, v); err != nil {
		t.Fatal(err)
	}
	b.Ports.Update(func(e *memory.Edit) {
		e.Map(nil, pci.PortBase, bus.Ports(), 0)
		for _, p := range v.Ports() {
			e.Map(nil, uint64(p.Base), p.Region, 0)
		}
	})
	b.Memory.Update(func(e *memory.Edit) { e.Map(nil, WindowAddr, v.Window(), 5) })
	hwtest.PowerOn(v)
	bus.Start()
	return v
}

// place gives both windows their addresses, as a BIOS does.
func place(g guest) {
	config := func(reg, val uint32) {
		g.out(0xcf8, 4, 0x80000000|slot<<11|reg)
		g.out(0xcfc, 4, val)
	}
	config(0x10, lfb)
	config(0x18, regw)
	config(0x04, 3)
}

func (g *ours) out(port uint16, size int, val uint32) {
	g.Ports.Store(uint64(port), size, uint64(val))
}
func (g *ours) in(port uint16, size int) uint32         { return uint32(g.Ports.Load(uint64(port), size)) }
func (g *ours) store(addr uint64, size int, val uint64) { g.Memory.Store(addr, size, val) }
func (g *ours) load(addr uint64, size int) uint64       { return g.Memory.Load(addr, size) }
func (g *ours) fill(addr uint64, data []byte) {
	for ; len(data) >= 8; addr, data = addr+8, data[8:] {
		g.Memory.Store(addr, 8, le.Uint64(data))
	}
	for i, c := range data {
		g.Memory.Store(addr+uint64(i), 1, uint64(c))
	}
}

func (g *ours) shot(t *testing.T) *display.Frame {
	t.Helper()
	v := g.s.Watch()
	defer v.Close()
	f, _, err := v.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// biosMode is what a video BIOS programs for a mode (IBM VGA, parameter table).
type biosMode struct {
	name string
	misc uint8
	seq  [5]uint8
	crtc [25]uint8
	gfx  [9]uint8
	attr [21]uint8
	size image.Point // of the picture
}

var egaAttr = [21]uint8{0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 1, 0, 15, 0, 0}

var biosModes = []biosMode{
	{"text80x25", 0x67, [5]uint8{3, 0, 3, 0, 2},
		[25]uint8{0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
		[9]uint8{0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff},
		[21]uint8{0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0, 15, 8, 0}, image.Pt(720, 400)},
	{"text80x50", 0x63, [5]uint8{3, 1, 3, 0, 2},
		[25]uint8{0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0, 0x47, 0x06, 0x07, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
		[9]uint8{0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff},
		[21]uint8{0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x04, 0, 15, 0, 0}, image.Pt(640, 400)},
	{"text40x25", 0x67, [5]uint8{3, 8, 3, 0, 2},
		[25]uint8{0x2d, 0x27, 0x28, 0x90, 0x2b, 0xa0, 0xbf, 0x1f, 0, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x14, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
		[9]uint8{0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff},
		[21]uint8{0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x04, 0, 15, 8, 0}, image.Pt(640, 400)},
	{"cga320x200x4", 0x63, [5]uint8{3, 9, 3, 0, 2},
		[25]uint8{0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0, 0xc1, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x14, 0, 0x96, 0xb9, 0xa2, 0xff},
		[9]uint8{0, 0, 0, 0, 0, 0x30, 0x0f, 0, 0xff},
		[21]uint8{0, 0x13, 0x15, 0x17, 2, 4, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 1, 0, 3, 0, 0}, image.Pt(640, 400)},
	{"cga640x200x2", 0x63, [5]uint8{3, 1, 1, 0, 6},
		[25]uint8{0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0, 0xc1, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0, 0x96, 0xb9, 0xc2, 0xff},
		[9]uint8{0, 0, 0, 0, 0, 0, 0x0d, 0, 0xff},
		[21]uint8{0, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 1, 0, 1, 0, 0}, image.Pt(640, 400)},
	{"ega320x200x16", 0x63, [5]uint8{3, 9, 15, 0, 6},
		[25]uint8{0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x14, 0, 0x96, 0xb9, 0xe3, 0xff},
		[9]uint8{0, 0, 0, 0, 0, 0, 5, 15, 0xff}, egaAttr, image.Pt(640, 400)},
	{"vga640x480x16", 0xe3, [5]uint8{3, 1, 15, 0, 6},
		[25]uint8{0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0, 0x40, 0, 0, 0, 0, 0, 0, 0xea, 0x8c, 0xdf, 0x28, 0, 0xe7, 0x04, 0xe3, 0xff},
		[9]uint8{0, 0, 0, 0, 0, 0, 5, 15, 0xff}, egaAttr, image.Pt(640, 480)},
	{"vga320x200x256", 0x63, [5]uint8{3, 1, 15, 0, 14},
		[25]uint8{0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0, 0x41, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff},
		[9]uint8{0, 0, 0, 0, 0, 0x40, 5, 15, 0xff},
		[21]uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x41, 0, 15, 0, 0}, image.Pt(640, 400)},
	{"modex320x240x256", 0xe3, [5]uint8{3, 1, 15, 0, 6},
		[25]uint8{0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0d, 0x3e, 0, 0x41, 0, 0, 0, 0, 0, 0, 0xea, 0x8c, 0xdf, 0x28, 0, 0xe7, 0x06, 0xe3, 0xff},
		[9]uint8{0, 0, 0, 0, 0, 0x40, 5, 15, 0xff},
		[21]uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x41, 0, 15, 0, 0}, image.Pt(640, 480)},
}

func modeNamed(t testing.TB, name string) *biosMode {
	t.Helper()
	for i := range biosModes {
		if biosModes[i].name == name {
			return &biosModes[i]
		}
	}
	t.Fatalf("no mode %s", name)
	return nil
}

func seq(g guest, i, val uint8)  { g.out(0x3c4, 2, uint32(i)|uint32(val)<<8) }
func gfx(g guest, i, val uint8)  { g.out(0x3ce, 2, uint32(i)|uint32(val)<<8) }
func crtc(g guest, i, val uint8) { g.out(0x3d4, 2, uint32(i)|uint32(val)<<8) }
func dispi(g guest, i, val uint16) {
	g.out(0x1ce, 2, uint32(i))
	g.out(0x1cf, 2, uint32(val))
}
func attr(g guest, i, val uint8) {
	g.in(0x3da, 1)
	g.out(0x3c0, 1, uint32(i))
	g.out(0x3c0, 1, uint32(val))
	g.out(0x3c0, 1, 0x20)
}

// setMode programs a mode as a video BIOS does.
func setMode(g guest, m *biosMode) {
	dispi(g, dispiEnable, 0)
	g.out(0x3c2, 1, uint32(m.misc))
	g.in(0x3da, 1)
	for i, val := range m.attr {
		g.out(0x3c0, 1, uint32(i))
		g.out(0x3c0, 1, uint32(val))
	}
	for i, val := range m.seq {
		seq(g, uint8(i), val)
	}
	crtc(g, crVSyncEnd, 0)
	for i, val := range m.crtc {
		crtc(g, uint8(i), val)
	}
	for i, val := range m.gfx {
		gfx(g, uint8(i), val)
	}
	g.out(0x3c0, 1, 0x20)
}

// setPalette loads the DAC with colours that are all different.
func setPalette(g guest) {
	g.out(0x3c6, 1, 0xff)
	g.out(0x3c8, 1, 0)
	for i := range 256 {
		for _, c := range []int{i, i * 7, i*29 + 3} {
			g.out(0x3c9, 1, uint32(c&0x3f))
		}
	}
}

// loadFont writes a font of recognisable dots to plane 2.
func loadFont(g guest, at uint64, glyph func(ch, row int) uint8) {
	seq(g, 2, 4)
	seq(g, 4, 7)
	gfx(g, 5, 0)
	gfx(g, 6, 4)
	for ch := range 256 {
		data := make([]byte, 32)
		for row := range data {
			data[row] = glyph(ch, row)
		}
		g.fill(0xa0000+at+uint64(ch)*32, data)
	}
	seq(g, 2, 3)
	seq(g, 4, 2)
	gfx(g, 5, 0x10)
	gfx(g, 6, 0x0e)
}

// mess is a font that a mistake anywhere would show in.
func mess(ch, row int) uint8 { return uint8(ch*37 ^ row*row*11 ^ ch>>3) }

// noise is data that a mistake anywhere would show in.
func noise(n, seed int) []byte {
	b := make([]byte, n)
	x := uint32(seed)*2654435761 + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

var _ hw.Device = (*VGA)(nil)
var _ pci.Device = (*VGA)(nil)
var _ display.Source = (*VGA)(nil)
var _ display.Poller = (*VGA)(nil)
var _ display.Notifier = (*VGA)(nil)
