package pc

import (
	"math"
	"strings"
	"testing"
	"time"

	"govm-desktop/chardev/null"
	"govm-desktop/clock"
	"govm-desktop/cpu"
	"govm-desktop/input"
	"govm-desktop/input/keycodemap"
	"govm-desktop/x86"
)

// testConfig is a PC with a BIOS that halts at once.
func testConfig(clk clock.Clock) Config {
	bios := make([]byte, 64<<10)
	copy(bios[0xfff0:], []byte{0xfa, 0xf4, 0xeb, 0xfc}) // cli; hlt; jmp
	cfg := Config{RAM: 16 << 20, CPUs: 2, Accel: cpu.New(), Clock: clk, BIOS: bios, VGA: true, Input: &input.Router{}, Scancode: keycodemap.New().Scancode}
	cfg.Serial[0] = null.New()
	return cfg
}

// newPC builds a board with a BIOS that halts at once.
func newPC(t *testing.T, clk clock.Clock) *PC {
	t.Helper()
	b, err := New(testConfig(clk))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.Quit("test")
		b.Wait()
		b.Close()
	})
	return b
}

func (b *PC) in(port uint64, size int) uint64 { return b.ports.Load(port, size) }
func (b *PC) out8(port, val uint64)           { b.ports.Store(port, 1, val) }

// pci writes a configuration register of four bytes.
func (b *PC) pciWrite(slot, fn, reg, val uint64) {
	b.ports.Store(0xcf8, 4, 1<<31|slot<<11|fn<<8|reg)
	b.ports.Store(0xcfc, 4, val)
}

func (b *PC) pciRead(slot, fn, reg uint64) uint64 {
	b.ports.Store(0xcf8, 4, 1<<31|slot<<11|fn<<8|reg)
	return b.ports.Load(0xcfc, 4)
}

// TestTime_everyClockAgrees reads all timers before and after ten virtual seconds.
func TestTime_everyClockAgrees(t *testing.T) {
	clk := clock.NewManual()
	b := newPC(t, clk)
	b.pciWrite(slotPIIX, fnPM, 0x40, pmBase|1)
	b.pciWrite(slotPIIX, fnPM, 0x80, 1)
	b.mem.Store(hpetBase+0x10, 4, 1) // run
	lapic := b.sockets[0].space
	const base = 0xfee00000
	lapic.Store(base+0xf0, 4, 0x1ff)
	lapic.Store(base+0x3e0, 4, 0xa)        // divide by 128
	lapic.Store(base+0x320, 4, 0x10000)    // masked, one-shot
	lapic.Store(base+0x380, 4, 0xffffffff) // start
	b.out8(0x43, 0xb0)                     // channel 2, mode 0
	tsc := func() uint64 {
		var s x86.State
		if err := b.State(0, &s); err != nil {
			t.Fatal(err)
		}
		return s.TSC
	}
	pm0, hpet0, tsc0, apic0 := b.in(pmBase+8, 4), b.mem.Load(hpetBase+0xf0, 8), tsc(), lapic.Load(base+0x390, 4)
	const ms = 4000 // the PM timer of 24 bits wraps after 4.7 s
	clk.Step(ms * clock.Millisecond)
	want := float64(ms) / 1000
	for _, c := range []struct {
		name  string
		ticks uint64
		hz    float64
	}{
		{"PM timer", (b.in(pmBase+8, 4) - pm0) & 0xffffff, 3579545},
		{"HPET", b.mem.Load(hpetBase+0xf0, 8) - hpet0, 100e6},
		{"TSC", tsc() - tsc0, 1e9},
		{"local APIC", apic0 - lapic.Load(base+0x390, 4), 1e9 / 128},
	} {
		if got := float64(c.ticks) / c.hz; math.Abs(got-want) > want*1e-4 {
			t.Errorf("%s says that %.6f s have passed, want %.6f", c.name, got, want)
		}
	}
	b.out8(0x61, 1)
	b.out8(0x42, 0xff)
	b.out8(0x42, 0xff)
	clk.Step(40 * clock.Millisecond)
	b.out8(0x43, 0x80)
	left := b.in(0x42, 1) | b.in(0x42, 1)<<8
	if got := float64(0xffff-left) / 1193182; math.Abs(got-0.040) > 0.040*1e-3 {
		t.Errorf("PIT says that %.6f s have passed, want 0.040", got)
	}
}

// slowStream takes its time for every write.
type slowStream struct {
	*null.Stream
	got *strings.Builder // by the pump's goroutine, until Close
}

func (s slowStream) Write(p []byte) (int, error) {
	time.Sleep(5 * time.Millisecond)
	return s.got.Write(p)
}

// TestClose_getsTheLastWordsOut ends a machine with output still queued for a slow reader.
func TestClose_getsTheLastWordsOut(t *testing.T) {
	clk := clock.NewManual()
	var serial, console strings.Builder
	cfg := testConfig(clk)
	cfg.Serial[0], cfg.Console = slowStream{null.New(), &serial}, slowStream{null.New(), &console}
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		b.out8(0x3f8, 's')
		b.out8(0x402, 'c')
	}
	b.Quit("test")
	b.Wait()
	b.Close()
	if s, c := serial.Len(), console.Len(); s != 1000 || c != 1000 {
		t.Errorf("%d characters of the serial port and %d of the console got out, want 1000", s, c)
	}
}

func TestBreak_isSeen(t *testing.T) {
	b := newPC(t, clock.NewManual())
	b.Break(0)
	if lsr := b.in(0x3fd, 1); lsr&0x10 == 0 {
		t.Errorf("the line status is %02x, without a break", lsr)
	}
}

func TestMap_whatGuestsFind(t *testing.T) {
	b := newPC(t, clock.NewManual())
	for _, c := range []struct {
		slot, fn uint64
		id       uint64
	}{{0, 0, 0x12378086}, {1, 0, 0x70008086}, {1, 1, 0x70108086}, {1, 3, 0x71138086}, {2, 0, 0x11111234}, {3, 0, 0xffffffff}} {
		if got := b.pciRead(c.slot, c.fn, 0); got != c.id {
			t.Errorf("PCI %d.%d is %08x, want %08x", c.slot, c.fn, got, c.id)
		}
	}
	if got := b.mem.Load(0xfffffff0, 2); got != 0xf4fa {
		t.Errorf("the reset vector has %04x, want the BIOS", got)
	}
	if got := b.in(0x402, 1); got == 0xe9 {
		t.Error("a debug console answers that was not asked for")
	}
}

// TestReset_keepsNothing changes all sorts of things, resets, and looks for them.
func TestReset_keepsNothing(t *testing.T) {
	b := newPC(t, clock.NewManual())
	b.pciWrite(slotPIIX, fnPM, 0x40, pmBase|1)
	b.out8(0x21, 0x5a)
	b.mem.Store(0xb8000, 1, 0x41)
	b.Paused(func() {})
	b.out8(0xcf9, 6)
	for b.pciRead(slotPIIX, fnPM, 0x40) == pmBase|1 {
		b.Paused(func() {})
	}
	if got := b.in(0x21, 1); got == 0x5a {
		t.Error("the interrupt mask outlived a reset")
	}
}

// TestIRQ_sharedLevel has both an ISA device and PCI hold interrupt 10: it falls only when both let go.
func TestIRQ_sharedLevel(t *testing.T) {
	b := newPC(t, clock.NewManual())
	b.out8(0x4d1, 0x04) // 10 is level-triggered
	isr := func() bool {
		b.out8(0xa0, 0x0a)
		return b.in(0xa0, 1)&4 != 0
	}
	b.isaIRQ[10].Set(true)
	if !isr() {
		t.Fatal("interrupt 10 does not arrive")
	}
	b.isaIRQ[10].Set(false)
	if isr() {
		t.Error("interrupt 10 stays after its device let go")
	}
}

// TestPorts_storm reads and writes everything: no guest can stop the board by that.
func TestPorts_storm(t *testing.T) {
	b := newPC(t, clock.NewManual())
	seed := uint32(1)
	next := func() uint64 {
		seed = seed*1664525 + 1013904223
		return uint64(seed >> 8)
	}
	for range 200000 {
		port, size := next()&0xfff, 1<<(next()%3)
		if port >= 0xcf9-4 && port <= 0xcf9 || port == 0x64 || port == 0x92 || port >= pmBase && port < pmBase+64 || port >= 0xb2-4 && port <= 0xb3 {
			continue // these reset the machine, or switch it off
		}
		if next()&1 == 0 {
			b.ports.Load(port, size)
		} else {
			b.ports.Store(port, size, next())
		}
	}
}
