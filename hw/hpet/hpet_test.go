package hpet

import (
	"testing"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
)

const at = 0xfed00000

type rig struct {
	*hwtest.Bench
	h                             *HPET
	irq2, irq20, legacy, l0, irq8 *hwtest.Wire
}

func newHPET(b *hwtest.Bench) *rig {
	r := &rig{Bench: b, irq2: b.Line("IRQ2"), irq20: b.Line("IRQ20"), legacy: b.Line("legacy"), l0: b.Line("IRQ0"), irq8: b.Line("IRQ8")}
	cfg := Config{Clock: b.Clock, Legacy: r.legacy, LegacyOut: [2]hw.Line{r.l0, r.irq8}}
	cfg.Inputs[2], cfg.Inputs[20] = r.irq2, r.irq20
	r.h = New(cfg)
	b.MapMemory(at, 0x400, r.h, memory.Widths{Min: 4, Max: 8})
	return r
}

func newRig(t *testing.T) *rig {
	r := newHPET(hwtest.New(t))
	hwtest.PowerOn(r.h)
	return r
}

// timer sets up a timer.
func (r *rig) timer(n int, config, comparator uint64) {
	r.Write64(at+0x100+uint64(n)*0x20, config)
	r.Write64(at+0x108+uint64(n)*0x20, comparator)
}

func TestConformance(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device { return newHPET(b).h })
}

func TestRegisters(t *testing.T) {
	r := newRig(t)
	hwtest.Want(t, "capabilities", r.Read64(at), 0x009896808086a201)
	hwtest.Want(t, "period", r.Read32(at+4), 10_000_000)
	hwtest.Want(t, "timer 0", r.Read64(at+0x100), 0x0010000400000030)
	hwtest.Want(t, "comparator", r.Read64(at+0x108), ^uint64(0))
	r.Write64(at+0x100, ^uint64(0))
	hwtest.Want(t, "timer 0, a route that is not there", r.Read64(at+0x100), 0x001000040000017e)
	r.Write64(at+0x100, 20<<9)
	hwtest.Want(t, "timer 0, routed", r.Read64(at+0x100), 0x0010000400002830)
	hwtest.Want(t, "beyond the timers", r.Read64(at+0x160), 0)
}

func TestCounter(t *testing.T) {
	r := newRig(t)
	r.Step(clock.Second)
	hwtest.Want(t, "counter at rest", r.Read64(at+0xf0), 0)
	r.Write64(at+0xf0, 0xfffffff0)
	r.Write32(at+0x10, 1)
	r.Step(clock.Microsecond)
	hwtest.Want(t, "counter", r.Read64(at+0xf0), 0xfffffff0+100)
	hwtest.Want(t, "its high half", r.Read32(at+0xf4), 1)
	r.Write32(at+0x10, 0)
	r.Step(clock.Second)
	hwtest.Want(t, "counter stopped", r.Read64(at+0xf0), 0xfffffff0+100)
	r.Write32(at+0xf4, 7)
	hwtest.Want(t, "counter written by half", r.Read64(at+0xf0), 7<<32|0x54)
}

func TestOneShot(t *testing.T) {
	r := newRig(t)
	r.Write32(at+0x10, 1)
	r.timer(0, 2<<9|tmrEnable, 1000)
	r.Step(9999)
	r.WantPulses(r.irq2, 0)
	r.Step(1)
	r.WantPulses(r.irq2, 1)
	r.Step(100 * clock.Second)
	r.WantPulses(r.irq2, 0)
	r.timer(0, 2<<9|tmrEnable, 5) // past: 64 bits never come round
	r.Step(100 * clock.Second)
	r.WantPulses(r.irq2, 0)
}

func TestOneShot_32bitsWrap(t *testing.T) {
	r := newRig(t)
	r.Write32(at+0x10, 1)
	r.timer(0, 2<<9|tmrEnable|tmr32, 1000)
	r.Step(100 * clock.Second)
	r.WantPulses(r.irq2, 3) // at 10 µs, 43 s and 86 s
}

func TestLevel(t *testing.T) {
	r := newRig(t)
	r.Write32(at+0x10, 1)
	r.timer(1, 20<<9|tmrEnable|tmrLevel, 100)
	r.Step(clock.Millisecond)
	r.WantIRQ(r.irq20)
	hwtest.Want(t, "status", r.Read32(at+0x20), 2)
	r.Write32(at+0x20, 5)
	r.WantIRQ(r.irq20)
	r.Write32(at+0x20, 2)
	r.WantLow(r.irq20)
}

func TestPeriodic(t *testing.T) {
	r := newRig(t)
	r.Write32(at+0x10, 1)
	// As Linux does: 32 bits, SETVAL, the first match, then the period.
	r.timer(0, 2<<9|tmrEnable|tmrPeriodic|tmrSetVal|tmr32, 50000)
	r.Write32(at+0x108, 100000)
	hwtest.Want(t, "comparator", r.Read32(at+0x108), 50000)
	r.Step(500 * clock.Microsecond)
	r.WantPulses(r.irq2, 1)
	r.Step(10 * clock.Millisecond)
	r.WantPulses(r.irq2, 10)
	hwtest.Want(t, "comparator", r.Read32(at+0x108), 50000+11*100000)
}

func TestPeriodic_bounded(t *testing.T) {
	r := newRig(t)
	r.Write32(at+0x10, 1)
	r.timer(0, 2<<9|tmrEnable|tmrPeriodic|tmrSetVal, 1)
	r.Step(clock.Millisecond)
	if n := r.irq2.Pulses(); n < 40 || n > 51 {
		t.Errorf("%d interrupts in a millisecond", n)
	}
}

func TestLegacy(t *testing.T) {
	r := newRig(t)
	r.timer(0, 20<<9|tmrEnable, 1000)
	r.timer(1, 20<<9|tmrEnable, 1000)
	r.timer(2, 20<<9|tmrEnable, 1000)
	r.Write32(at+0x10, 3)
	r.WantIRQ(r.legacy)
	r.Step(clock.Millisecond)
	r.WantPulses(r.l0, 1)
	r.WantPulses(r.irq8, 1)
	r.WantPulses(r.irq20, 1)
	r.Write32(at+0x10, 1)
	r.WantLow(r.legacy)
}

func TestReads_doNotAllocate(t *testing.T) {
	r := newRig(t)
	hwtest.Want(t, "allocations", testing.AllocsPerRun(100, func() { r.Read32(at + 0xf0) }), 0)
}
