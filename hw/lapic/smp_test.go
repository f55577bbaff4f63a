package lapic

import (
	"math/rand/v2"
	"sync"
	"testing"

	"govm-desktop/clock"
	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// ioapic sends its interrupt again at the end of the last one, under a lock of its own, as the real one does.
type ioapic struct {
	bus *Bus
	mu  sync.Mutex
	n   int
}

func (a *ioapic) eoi(vector uint8) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.n++; a.n < 5000 {
		a.bus.Send(Base|0xff<<12|0xc, 0xc000|uint32(vector)|1<<8)
	}
}

// TestSMP has processors send, take and end interrupts at once, with level-triggered ones among them: for the race detector, and for deadlocks.
func TestSMP(t *testing.T) {
	b := hwtest.New(t)
	io := &ioapic{}
	io.bus = NewBus(io.eoi)
	var cpus []*LAPIC
	for i := range 3 {
		l := New(Config{ID: uint8(i), BSP: i == 0, X2APIC: true, Clock: b.Clock, Bus: io.bus})
		b.MapMemory(page(i), Size, l, memory.Widths{Min: 4})
		hwtest.PowerOn(l)
		b.Write32(page(i)+regSVR, 0x1ff)
		b.Write32(page(i)+regLDR, 1<<(24+i))
		b.Write32(page(i)+regLVT, 0x200e0)
		b.Write32(page(i)+regInitial, 1000)
		cpus = append(cpus, l)
	}
	io.eoi(0x51)
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := map[uint8]int{}
	for i, l := range cpus {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 9))
			c := l.CPU()
			seen := map[uint8]int{}
			for range 3000 {
				switch r.IntN(6) {
				case 0:
					b.Write32(page(i)+regICRHigh, uint32(r.IntN(256))<<24)
					b.Write32(page(i)+regICR, uint32(0x4020+r.IntN(0xc0)|r.IntN(4)<<18|r.IntN(2)<<8|r.IntN(2)<<11))
				case 1:
					c.SetTPR(uint8(r.IntN(4)))
				case 2:
					c.WriteMSR(x86.MSRTSCDeadline, r.Uint64())
				default:
					if c.Pending() {
						seen[c.Ack()]++
						b.Write32(page(i)+regEOI, 0)
					}
				}
			}
			c.SetTPR(0)
			for c.Pending() {
				seen[c.Ack()]++
				b.Write32(page(i)+regEOI, 0)
			}
			mu.Lock()
			defer mu.Unlock()
			for v, n := range seen {
				taken[v] += n
			}
		})
	}
	for range 200 {
		b.Step(20 * clock.Microsecond)
	}
	wg.Wait()
	if taken[0x51] == 0 || taken[0xe0] == 0 || len(taken) < 50 {
		t.Errorf("interrupts taken by vector: %v", taken)
	}
}
