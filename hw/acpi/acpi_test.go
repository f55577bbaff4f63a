package acpi

import (
	"testing"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
)

type rig struct {
	*hwtest.Bench
	p      *PM
	sci    *hwtest.Wire
	sleeps []Sleep
	smis   []uint8
}

func newPM(b *hwtest.Bench) *rig {
	r := &rig{Bench: b, sci: b.Line("SCI")}
	r.p = New(Config{Clock: b.Clock, SCI: r.sci, Sleep: func(s Sleep) { r.sleeps = append(r.sleeps, s) }, SMI: func(v uint8) { r.smis = append(r.smis, v) }})
	b.MapPorts(0x600, 64, r.p.Block(), memory.Any)
	b.MapPorts(0xafe0, 4, r.p.GPE0(), memory.Any)
	b.MapPorts(0xb2, 2, r.p.SMI(), memory.Any)
	return r
}

func newRig(t *testing.T) *rig {
	r := newPM(hwtest.New(t))
	hwtest.PowerOn(r.p)
	return r
}

// enabled is the registers after ACPI was switched on.
func enabled(t *testing.T) *rig {
	r := newRig(t)
	r.Out8(0xb2, 0xf1)
	return r
}

func TestConformance(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device {
		r := newPM(b)
		r.p.cfg.Sleep, r.p.cfg.SMI = func(Sleep) {}, func(uint8) {}
		return r.p
	})
}

func TestEnable(t *testing.T) {
	r := newRig(t)
	hwtest.Want(t, "PMCNTRL", r.In16(0x604), 0)
	r.Out8(0xb2, 0xf1)
	hwtest.Want(t, "PMCNTRL", r.In16(0x604), 1)
	r.Out8(0xb2, 0xf0)
	hwtest.Want(t, "PMCNTRL", r.In16(0x604), 0)
	r.Out8(0xb3, 0x55)
	r.Out16(0xb2, 0xaa01)
	hwtest.Want(t, "APMC and APMS", r.In8(0xb2), 0x01)
	hwtest.Want(t, "APMS", r.In8(0xb3), 0xaa)
	hwtest.Want(t, "SMIs", string(r.smis), "\xf1\xf0\x01")
}

func TestTimer(t *testing.T) {
	r := newRig(t)
	r.Step(clock.Second)
	hwtest.Want(t, "timer", r.In32(0x608), TimerHz)
	hwtest.Want(t, "its second byte", r.In8(0x609), TimerHz>>8&0xff)
	r.Step(4 * clock.Second)
	hwtest.Want(t, "timer, wrapped", r.In32(0x608), 5*TimerHz-1<<24)
	r.Out32(0x608, 0)
	hwtest.Want(t, "timer, written", r.In32(0x608), 5*TimerHz-1<<24)
}

func TestTimer_overflow(t *testing.T) {
	r := enabled(t)
	half := clock.FromTicks(timerHalf, TimerHz)
	r.Out16(0x602, 1)
	r.Step(half - 1)
	r.WantLow(r.sci)
	hwtest.Want(t, "PMSTS", r.In16(0x600), 0)
	r.Step(1)
	r.WantIRQ(r.sci)
	hwtest.Want(t, "PMSTS", r.In16(0x600), 1)
	r.Out16(0x600, 1)
	r.WantLow(r.sci)
	r.Step(half)
	r.WantIRQ(r.sci)
	r.Out16(0x602, 0)
	r.WantLow(r.sci)
	r.Out16(0x600, 1)
	r.Step(half)
	hwtest.Want(t, "PMSTS without the interrupt", r.In16(0x600), 1)
}

func TestPowerButton(t *testing.T) {
	r := newRig(t)
	hwtest.Want(t, "heard without ACPI", r.p.PowerButton(), false)
	r.WantLow(r.sci)
	r.Out16(0x600, 0xffff)
	r.Out8(0xb2, 0xf1)
	r.Out16(0x602, 0x0100)
	hwtest.Want(t, "heard", r.p.PowerButton(), true)
	r.WantIRQ(r.sci)
	hwtest.Want(t, "PMSTS", r.In16(0x600), 0x0100)
	r.Out8(0x601, 1)
	r.WantLow(r.sci)
	hwtest.Want(t, "sleep button heard", r.p.SleepButton(), false)
}

func TestSleep(t *testing.T) {
	r := enabled(t)
	r.Out16(0x604, 0x2001)
	r.Out16(0x604, 0x2401)
	r.Out16(0x604, 0x2801)
	r.Out16(0x604, 0x3c01)
	r.Out16(0x604, 0x0401) // without SLP_EN
	want := []Sleep{5, 3, 4}
	if len(r.sleeps) != len(want) {
		t.Fatalf("slept %v, want %v", r.sleeps, want)
	}
	for i := range want {
		hwtest.Want(t, "state", r.sleeps[i], want[i])
	}
	hwtest.Want(t, "PMCNTRL", r.In16(0x604), 0x0401)
}

func TestWake(t *testing.T) {
	r := enabled(t)
	hwtest.Want(t, "awake", r.p.Wake(), false)
	r.Out16(0x604, 0x2401)
	hwtest.Want(t, "asleep", r.p.Wake(), true)
	r.p.Reset(hw.WakeUp)
	hwtest.Want(t, "PMSTS", r.In16(0x600), 0x8000)
	hwtest.Want(t, "PMCNTRL", r.In16(0x604), 0)
	r.p.Reset(hw.Hard)
	hwtest.Want(t, "PMSTS", r.In16(0x600), 0)
}

func TestGPE(t *testing.T) {
	r := enabled(t)
	l := r.p.GPE(1)
	l.Set(true)
	hwtest.Want(t, "status", r.In16(0xafe0), 2)
	r.WantLow(r.sci)
	r.Out16(0xafe2, 3)
	r.WantIRQ(r.sci)
	r.Out8(0xafe0, 2)
	r.WantIRQ(r.sci) // the wire is still high
	l.Set(false)
	r.Out8(0xafe0, 2)
	r.WantLow(r.sci)
	hwtest.Want(t, "both", r.In32(0xafe0), 0x30000)
	r.Out8(0xafe3, 1)
	hwtest.Want(t, "both", r.In32(0xafe0), 0x1030000)
}

func TestStorage(t *testing.T) {
	r := newRig(t)
	r.Out32(0x628, 0x12345678)
	hwtest.Want(t, "GLBCTL", r.In32(0x628), 0x12345678)
}

func TestTimerRead_isCheap(t *testing.T) {
	r := newRig(t)
	hwtest.Want(t, "allocations", testing.AllocsPerRun(100, func() { r.In32(0x608); r.In16(0x600) }), 0)
}

func BenchmarkTimer(b *testing.B) {
	r := newPM(hwtest.New(b))
	for b.Loop() {
		r.In32(0x608)
	}
}
