package pit

import (
	"testing"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
)

type rig struct {
	*hwtest.Bench
	pit *PIT
	out *hwtest.Wire
}

func newPIT(b *hwtest.Bench) *rig {
	r := &rig{Bench: b, out: b.Line("OUT0")}
	r.pit = New(Config{Clock: b.Clock, Out: [3]hw.Line{r.out}})
	b.MapPorts(0x40, 4, r.pit, memory.Widths{Max: 1})
	return r
}

func newRig(t *testing.T) *rig {
	r := newPIT(hwtest.New(t))
	hwtest.PowerOn(r.pit)
	return r
}

// ticks moves time to n ticks of the timer's clock from where it stands.
func (r *rig) ticks(n int64) {
	r.Step(clock.FromTicks(uint64(r.pit.now()+n), Frequency) - r.Clock.Now())
}

func (r *rig) load(ch uint16, mode uint8, count uint16) {
	r.Out8(0x43, uint8(ch<<6)|0x30|mode<<1)
	r.Out8(0x40+ch, uint8(count), uint8(count>>8))
}

func (r *rig) count(ch uint16) uint16 {
	r.Out8(0x43, uint8(ch<<6))
	lo := r.In8(0x40 + ch)
	return uint16(lo) | uint16(r.In8(0x40+ch))<<8
}

func TestConformance(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device { return newPIT(b).pit })
}

// TestOutput walks each mode tick by tick: H and L are the output's levels from the first clock after the count is written.
func TestOutput(t *testing.T) {
	for _, c := range []struct {
		name  string
		mode  uint8
		count uint16
		want  string
	}{
		{"0", 0, 4, "LLLLHHHHHH"},
		{"2", 2, 3, "HHLHHLHHLH"},
		{"2 even", 6, 4, "HHHLHHHLHH"},
		{"3 even", 3, 4, "HHLLHHLLHH"},
		{"3 odd", 7, 5, "HHHLLHHHLL"},
		{"4", 4, 3, "HHHLHHHHHH"},
		{"1", 1, 3, "HHHHHHHHHH"},
	} {
		r := newRig(t)
		r.load(0, c.mode, c.count)
		got := ""
		for range len(c.want) {
			r.ticks(1)
			got += map[bool]string{true: "H", false: "L"}[r.pit.Out(0)]
		}
		hwtest.Want(t, "mode "+c.name, got, c.want)
	}
}

func TestTriggered(t *testing.T) {
	for mode, want := range map[uint8]string{1: "LLLHHHH", 5: "HHHLHHH"} {
		r := newRig(t)
		r.load(2, mode, 3)
		r.ticks(10)
		hwtest.Want(t, "output before the trigger", r.pit.Out(2), true)
		for range 2 {
			r.pit.SetGate(2, false)
			r.pit.SetGate(2, true)
			got := ""
			for range len(want) {
				r.ticks(1)
				got += map[bool]string{true: "H", false: "L"}[r.pit.Out(2)]
			}
			hwtest.Want(t, "output", got, want)
		}
	}
}

func TestCounter(t *testing.T) {
	for _, c := range []struct {
		name  string
		mode  uint8
		count uint16
		after int64
		want  uint16
	}{
		{"mode 0", 0, 1000, 1 + 300, 700},
		{"mode 0 wraps", 0, 1000, 1 + 1001, 0xffff},
		{"mode 0 of 65536", 0, 0, 1 + 1, 0xffff},
		{"mode 2", 2, 1000, 1 + 999, 1},
		{"mode 2 reloads", 2, 1000, 1 + 1000, 1000},
		{"mode 2 much later", 2, 1000, 1 + 123456789, 211},
		{"mode 3", 3, 1000, 1 + 10, 980},
		{"mode 3 second half", 3, 1000, 1 + 510, 980},
		{"mode 3 odd", 3, 1001, 1 + 501, 1000},
		{"mode 4", 4, 1000, 1 + 10, 990},
	} {
		r := newRig(t)
		r.load(0, c.mode, c.count)
		r.ticks(c.after)
		hwtest.Want(t, c.name, r.count(0), c.want)
	}
}

func TestBCD(t *testing.T) {
	r := newRig(t)
	r.Out8(0x43, 0x31)
	r.Out8(0x40, 0x00, 0x10)
	r.ticks(2)
	hwtest.Want(t, "count", r.count(0), 0x999)
	r.ticks(1000)
	hwtest.Want(t, "count past zero", r.count(0), 0x9999)
}

func TestIRQ_rate(t *testing.T) {
	for _, mode := range []uint8{2, 3} {
		r := newRig(t)
		r.load(0, mode, 11932) // 100 Hz
		r.out.Pulses()
		r.Step(10*clock.Second + 5*clock.Millisecond)
		r.WantPulses(r.out, 1000)
	}
}

func TestIRQ_oneShot(t *testing.T) {
	r := newRig(t)
	for _, mode := range []uint8{0, 4} {
		r.load(0, mode, 1193)
		r.out.Pulses()
		r.Step(900 * clock.Microsecond)
		r.WantPulses(r.out, 0)
		r.Step(200 * clock.Microsecond)
		r.WantPulses(r.out, 1)
		r.Step(clock.Second)
		r.WantPulses(r.out, 0)
	}
}

func TestIRQ_fastRateIsBounded(t *testing.T) {
	r := newRig(t)
	r.load(0, 2, 2)
	r.out.Pulses()
	r.Step(10 * clock.Millisecond)
	if n := r.out.Pulses(); n < 400 || n > 510 {
		t.Errorf("%d pulses in 10 ms", n)
	}
}

func TestReset_lateTimer(t *testing.T) {
	r := newRig(t)
	r.load(0, 2, 1000)
	r.pit.Reset(hw.Hard)
	r.out.Set(false)
	r.out.Pulses()
	r.pit.fire(0) // a timer may run once more after Stop
	r.WantPulses(r.out, 0)
}

func TestReload_afterCycle(t *testing.T) {
	r := newRig(t)
	r.load(0, 2, 100)
	r.ticks(1 + 50)
	r.Out8(0x40, 40, 0)
	r.ticks(49)
	hwtest.Want(t, "old count's end", r.count(0), 1)
	r.ticks(1)
	hwtest.Want(t, "new count", r.count(0), 40)
	r.load(0, 3, 100)
	r.ticks(1 + 10)
	r.Out8(0x40, 40, 0)
	r.ticks(40) // the half is over: the low half of the new count
	hwtest.Want(t, "new count", r.count(0), 40)
	hwtest.Want(t, "output", r.pit.Out(0), false)
	r.ticks(20)
	hwtest.Want(t, "output", r.pit.Out(0), true)
}

func TestGate_pauses(t *testing.T) {
	r := newRig(t)
	r.pit.SetGate(2, true)
	r.load(2, 0, 1000)
	r.ticks(1 + 100)
	r.pit.SetGate(2, false)
	r.ticks(5000)
	hwtest.Want(t, "count", r.count(2), 900)
	hwtest.Want(t, "output", r.pit.Out(2), false)
	r.pit.SetGate(2, true)
	r.ticks(899)
	hwtest.Want(t, "output", r.pit.Out(2), false)
	r.ticks(1)
	hwtest.Want(t, "output", r.pit.Out(2), true)
}

func TestGate_reloadsSquareWave(t *testing.T) {
	r := newRig(t)
	r.load(2, 3, 100)
	hwtest.Want(t, "output with the gate low", r.pit.Out(2), true)
	r.ticks(1000)
	r.pit.SetGate(2, true)
	r.ticks(1 + 49)
	hwtest.Want(t, "output", r.pit.Out(2), true)
	r.ticks(1)
	hwtest.Want(t, "output", r.pit.Out(2), false)
	r.pit.SetGate(2, false)
	hwtest.Want(t, "output with the gate low", r.pit.Out(2), true)
	hwtest.Want(t, "tone", r.pit.Tone(2), 0)
	r.pit.SetGate(2, true)
	r.ticks(1)
	hwtest.Want(t, "tone", r.pit.Tone(2), Frequency/100.)
}

func TestReadBack(t *testing.T) {
	r := newRig(t)
	r.load(0, 2, 1000)
	r.Out8(0x43, 0xe2) // status of channel 0
	hwtest.Want(t, "status before the load", r.In8(0x40), 0xf4)
	r.ticks(1 + 10)
	r.Out8(0x43, 0xc2) // count and status
	r.ticks(500)
	r.Out8(0x43, 0xc2) // ignored: both are latched
	hwtest.Want(t, "status", r.In8(0x40), 0xb4)
	hwtest.Want(t, "count", uint16(r.In8(0x40))|uint16(r.In8(0x40))<<8, 990)
	hwtest.Want(t, "live count", uint16(r.In8(0x40))|uint16(r.In8(0x40))<<8, 490)
}

func TestByteModes(t *testing.T) {
	r := newRig(t)
	r.Out8(0x43, 0x14) // low byte, mode 2
	r.Out8(0x40, 100)
	r.ticks(1 + 10)
	hwtest.Want(t, "low byte", r.In8(0x40), 90)
	r.Out8(0x43, 0x24) // high byte
	r.Out8(0x40, 2)
	r.ticks(1 + 10)
	hwtest.Want(t, "high byte", r.In8(0x40), 1)
	hwtest.Want(t, "control word", r.In8(0x43), 0xff)
}

// TestCalibration is what a kernel does to find the TSC's rate: it polls OUT 2 until 50 ms of ticks are over.
func TestCalibration(t *testing.T) {
	r := newRig(t)
	r.pit.SetGate(2, true)
	r.load(2, 0, Frequency/20)
	start := r.Clock.Now()
	for !r.pit.Out(2) {
		r.Step(100)
	}
	d := r.Clock.Now() - start
	if d < 50*clock.Millisecond-2*clock.Microsecond || d > 50*clock.Millisecond+2*clock.Microsecond {
		t.Errorf("50 ms by the timer are %d ns", d)
	}
}

func TestReads_doNotAllocate(t *testing.T) {
	r := newRig(t)
	hwtest.Want(t, "allocations", testing.AllocsPerRun(100, func() { r.Out8(0x43, 0); r.In8(0x40); r.In8(0x40); r.pit.Out(2) }), 0)
}
