// Package vga models the standard VGA of QEMU's -vga std: an IBM VGA (IBM PS/2 Hardware Interface Technical Reference,
// Video Subsystem, 1992) with the display interface of the Bochs VBE extension on top, as a PCI function with a linear
// frame buffer and a block of memory-mapped registers that holds an EDID.
//
// Video memory is kept as one 32-bit word for the four planes of each address, byte n being plane n: planar writes, the
// latches and the shift registers then work on words, and chain-4 modes and the linear frame buffer see plain bytes. Text
// and CGA modes use that memory densely, where the IBM leaves every other byte of a plane unused: only a program that looks
// at a text screen through the planes could tell.
//
// Left out: timing below the frame (raster effects), border colour, interrupt 2 at vertical retrace, light pen, and the
// CRT controller's test bits. No operating system misses them; a few demonstrations from the nineties do.
package vga

import (
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/hw/pci"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// Config says how a VGA is built and wired.
type Config struct {
	Clock  clock.Clock
	Memory *memory.Space // where the board maps Window; nil: the window is never short-cut to video memory
	ROM    []byte        // expansion ROM; nil: none
	MiB    int           // video memory: a power of two from 1 to 256; 0 stands for 16
	// The monitor's preferred mode; 0 stands for 1280 and 800.
	XRes, YRes int
}

// WindowSize is the size of the legacy window, which boards map at WindowAddr.
const (
	WindowAddr = 0xa0000
	WindowSize = 0x20000
)

const planesSize = 256 << 10 // what the IBM part of the chip can address

// settle is how long after a change of registers the picture is looked at: most changes come in groups.
const settle = 2 * clock.Millisecond

// VGA is the adapter. It is a display.Source.
type VGA struct {
	cfg    Config
	fn     *pci.Function
	vram   *memory.Region
	mem    []byte         // vram's bytes
	window *memory.Region // a group: registers that act on planes, under video memory itself where that is the same
	planes *memory.Region
	edid   atomic.Pointer[[256]byte]
	timer  clock.Timer // of wakeSoon
	blink  clock.Timer
	soon   atomic.Bool // timer is armed
	wake   atomic.Pointer[func()]
	paint  painter // the Screen's

	mu    sync.Mutex // guards everything below
	regs  regs
	win   window // derived from regs
	fonts uint32 // counts writes to plane 2

	// Changed inside Space.Update alone, with mu held too.
	shortcut window
	alias    *memory.Region
}

// New returns a VGA in its reset state.
func New(cfg Config) (*VGA, error) {
	if cfg.MiB == 0 {
		cfg.MiB = 16
	}
	cfg.MiB = min(max(cfg.MiB, 1), 256)
	cfg.MiB = 1 << (bits.Len(uint(cfg.MiB - 1)))
	if cfg.XRes == 0 || cfg.YRes == 0 {
		cfg.XRes, cfg.YRes = 1280, 800
	}
	vram, err := memory.NewRAM("vga.vram", uint64(cfg.MiB)<<20)
	if err != nil {
		return nil, fmt.Errorf("vga: %w", err)
	}
	v := &VGA{cfg: cfg, vram: vram, mem: vram.Bytes()}
	v.setPreferred(cfg.XRes, cfg.YRes)
	vram.Log(memory.DirtyDisplay, true)
	vram.OnDirty(v.Wake)
	v.timer = cfg.Clock.NewTimer(v.settled)
	v.blink = cfg.Clock.NewTimer(v.Wake)
	v.window = memory.NewGroup("vga.window", WindowSize)
	v.planes = memory.NewIO("vga.planes", WindowSize, planeIO{v}, memory.Any)
	v.mapPlanes()
	if err := v.buildFunction(); err != nil {
		return nil, fmt.Errorf("vga: %w", err)
	}
	v.Reset(hw.PowerOn)
	return v, nil
}

// mapPlanes puts the handler into the window once, in a space of no further use when the board has given none.
func (v *VGA) mapPlanes() {
	s := v.cfg.Memory
	if s == nil {
		s = memory.NewSpace("vga.nowhere", WindowSize)
	}
	s.Update(func(e *memory.Edit) { e.Map(v.window, 0, v.planes, 0) })
}

// Window is the legacy memory window, for the board to map at WindowAddr.
func (v *VGA) Window() *memory.Region { return v.window }

// VRAM is the video memory.
func (v *VGA) VRAM() *memory.Region { return v.vram }

// Function implements pci.Device.
func (v *VGA) Function() *pci.Function { return v.fn }

// Reset implements hw.Device. Video memory keeps what it holds.
func (v *VGA) Reset(hw.Cause) {
	v.timer.Stop()
	v.blink.Stop()
	v.soon.Store(false)
	v.fn.Reset()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.regs = regs{dacMask: 0xff}
	v.regs.dispi[dispiID] = dispiID5
	v.win = v.regs.window(len(v.mem))
	v.fonts++
}

// Start implements hw.Starter.
func (v *VGA) Start() {
	v.remap()
	v.Wake()
}

// Close gives video memory back. Preconditions: the machine is stopped, and no Screen or Space shows the VGA any more.
func (v *VGA) Close() error {
	v.timer.Stop()
	v.blink.Stop()
	return v.vram.Free()
}

// Notify implements display.Notifier.
func (v *VGA) Notify(wake func()) {
	if wake == nil {
		v.wake.Store(nil)
		return
	}
	v.wake.Store(&wake)
}

// Wake tells the Screen, if there is one, to look.
func (v *VGA) Wake() {
	if f := v.wake.Load(); f != nil {
		(*f)()
	}
}

// wakeSoon is Wake for changes that others are likely to follow, such as registers of a new mode.
func (v *VGA) wakeSoon() {
	if v.wake.Load() != nil && !v.soon.Swap(true) {
		v.timer.Set(v.cfg.Clock.Now() + settle)
	}
}

func (v *VGA) settled() {
	v.soon.Store(false)
	v.Wake()
}

// State implements hw.Device.
func (v *VGA) State(c *snapshot.Coder) {
	c.Group("pci", v.fn.State)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.regs.state(c)
	n := len(v.mem)
	if !c.Loading() {
		for n > 0 && v.mem[n-1] == 0 {
			n--
		}
	}
	held := v.mem[:n]
	c.Slice("vram", &held, len(v.mem))
	if c.Loading() {
		clear(v.mem[copy(v.mem, held):])
		v.regs.sane(len(v.mem))
		v.win = v.regs.window(len(v.mem))
		v.fonts++
		v.vram.Wrote(0, uint64(len(v.mem)))
	}
}
