package pc

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/machine"
)

// storm is where random accesses go: ports with their neighbours, and memory with what lies around it.
var stormPorts = []uint64{0x00, 0x08, 0x20, 0x40, 0x43, 0x60, 0x64, 0x61, 0x70, 0x71, 0x80, 0x92, 0xa0, 0xb2, 0xc0, 0xd0, 0xf0, 0x170, 0x1f0, 0x376, 0x3f6,
	0x3b0, 0x3c0, 0x3c4, 0x3ce, 0x3d4, 0x3f8, 0x402, 0x480, 0x4d0, 0x510, 0x600, 0x620, 0xafe0, 0xcf8, 0xcfc, 0xc000, 0x1ce}

var stormMemory = []uint64{0xfee00000, 0xfee00300, 0xfee00380, 0xfec00000, 0xfed00000, 0xfed00100, 0xa0000, 0xb8000, 0xc0000, 0xe0000, 0xf0000, 0xfd000000,
	0xfebf0000, 0xfffc0000, 0x10000, 0xe0000000, 1<<32 - 8, 1<<52 - 8}

// access makes one random access as processor n would.
func (b *PC) access(r *rand.Rand, n int) {
	size := 1 << r.IntN(3)
	if r.IntN(3) == 0 {
		at := stormMemory[r.IntN(len(stormMemory))] + r.Uint64N(1<<(2+r.IntN(15)))
		if space := b.sockets[n].space; r.IntN(2) == 0 {
			space.Store(at, size, r.Uint64())
		} else {
			space.Load(at, size)
		}
		return
	}
	if r.IntN(8) == 0 { // aim at the configuration of what is there
		b.ports.Store(0xcf8, 4, 0x80000000|r.Uint64N(0x1b00)&^0xff|r.Uint64N(0x80)&^3)
		b.ports.Store(0xcfc, 4, r.Uint64())
		return
	}
	at := stormPorts[r.IntN(len(stormPorts))] + r.Uint64N(8)
	if r.IntN(2) == 0 {
		b.ports.Store(at, size, r.Uint64())
	} else {
		b.ports.Load(at, size)
	}
}

// meddle does what a monitor does.
func (b *PC) meddle(r *rand.Rand) {
	switch r.IntN(8) {
	case 0:
		b.Stop()
	case 1:
		b.RequestReset(false, "host-qmp-system-reset")
	case 2:
		b.Paused(func() {})
	case 3:
		b.Inspect(discard{}, []string{"mtree", "pic", "pci", "ide", "hpet", "i8042", "vga", "lapic0", "acpi"}[r.IntN(9)])
	case 4:
		b.VCPU(r.IntN(2)).Signal(accel.Signal(r.IntN(5)), uint8(r.Uint32()))
	case 5:
		b.RequestWakeup()
	default:
		if b.Cont() != nil { // it has switched itself off
			b.RequestReset(false, "host-qmp-system-reset")
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// TestStorm has several goroutines do everything at once, in no order: the machine must neither fall over nor stand still for ever.
func TestStorm(t *testing.T) {
	clk := clock.NewReal()
	t.Cleanup(func() { clk.Close() })
	cfg := testConfig(clk)
	cfg.NoShutdown = true
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan machine.Event, 1)
	b.Watch(func(e machine.Event) {
		select {
		case events <- e:
		default:
		}
	})
	stop := make(chan struct{})
	var all sync.WaitGroup
	run := func(seed uint64, f func(*rand.Rand)) {
		all.Go(func() {
			for r := rand.New(rand.NewPCG(seed, 1)); ; f(r) {
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for n := range 2 {
		run(uint64(n), func(r *rand.Rand) { b.access(r, n) })
	}
	for seed := range uint64(2) {
		run(10+seed, b.meddle)
	}
	time.AfterFunc(time.Second, func() { close(stop) })
	all.Wait()
	b.Quit("test")
	if err := b.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
	b.Close()
}
