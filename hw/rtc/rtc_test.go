package rtc

import (
	"testing"
	"time"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
)

type rig struct {
	*hwtest.Bench
	rtc *RTC
	irq *hwtest.Wire
}

func newRTC(b *hwtest.Bench, now time.Time) *rig {
	r := &rig{Bench: b, irq: b.Line("IRQ8")}
	r.rtc = New(Config{Clock: b.Clock, IRQ: r.irq, Now: func() time.Time { return now }})
	b.MapPorts(0x70, 4, r.rtc, memory.Widths{Max: 1})
	return r
}

func newRig(t *testing.T, now string) *rig {
	d, err := time.Parse(time.DateTime, now)
	if err != nil {
		t.Fatal(err)
	}
	r := newRTC(hwtest.New(t), d)
	hwtest.PowerOn(r.rtc)
	return r
}

func (r *rig) rd(reg uint8) uint8 {
	r.Out8(0x70, reg)
	return r.In8(0x71)
}

func (r *rig) wr(reg, v uint8) {
	r.Out8(0x70, reg)
	r.Out8(0x71, v)
}

func (r *rig) want(when string, fields ...uint8) {
	r.T.Helper()
	var got [8]uint8
	for i, reg := range []uint8{regCentury, regYear, regMonth, regDay, regHours, regMinutes, regSeconds, regDayOfWeek} {
		got[i] = r.rd(reg)
	}
	hwtest.Want(r.T, when, got, [8]uint8(fields))
}

func TestConformance(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device {
		return newRTC(b, time.Date(2026, 2, 28, 23, 59, 50, 3e8, time.UTC)).rtc
	})
}

func TestCalendar(t *testing.T) {
	r := newRig(t, "2027-12-31 23:59:58")
	r.want("BCD", 0x20, 0x27, 0x12, 0x31, 0x23, 0x59, 0x58, 6)
	r.Step(2 * clock.Second)
	r.want("rolled over", 0x20, 0x28, 0x01, 0x01, 0x00, 0x00, 0x00, 7)
	r.wr(regB, b24|bDM)
	r.Step(59*24*3600*clock.Second + 13*3600*clock.Second)
	r.want("binary, leap day", 20, 28, 2, 29, 13, 0, 0, 3)
	r.wr(regB, bDM)
	hwtest.Want(t, "12 hours", r.rd(regHours), 0x81)
	r.wr(regB, 0)
	r.Step(11 * 3600 * clock.Second)
	hwtest.Want(t, "midnight", r.rd(regHours), 0x12)
}

// TestSet is how kernels set the clock: SET, divider reset, registers, and back; the next second begins half a second later.
func TestSet(t *testing.T) {
	r := newRig(t, "2027-12-31 23:59:58")
	r.wr(regB, bSET|b24)
	r.wr(regA, 0x76)
	for reg, v := range map[uint8]uint8{regYear: 0x99, regCentury: 0x19, regMonth: 2, regDay: 0x28, regHours: 0x23, regMinutes: 0x59, regSeconds: 0x59, regDayOfWeek: 3} {
		r.wr(reg, v)
	}
	r.Step(5 * clock.Second)
	r.want("stopped", 0x19, 0x99, 0x02, 0x28, 0x23, 0x59, 0x59, 3)
	hwtest.Want(t, "UIP", r.rd(regA), 0x76)
	r.wr(regB, b24)
	r.wr(regA, 0x26)
	r.Step(499 * clock.Millisecond)
	r.want("before the half second", 0x19, 0x99, 0x02, 0x28, 0x23, 0x59, 0x59, 3)
	r.Step(clock.Millisecond)
	r.want("after it", 0x19, 0x99, 0x03, 0x01, 0x00, 0x00, 0x00, 4)
}

func TestSet_running(t *testing.T) {
	r := newRig(t, "2026-01-01 00:00:00")
	r.Step(1300 * clock.Millisecond)
	r.wr(regHours, 0x15)
	r.want("set", 0x20, 0x26, 1, 1, 0x15, 0, 1, 5)
	r.Step(700 * clock.Millisecond)
	hwtest.Want(t, "seconds", r.rd(regSeconds), 2)
	hwtest.Want(t, "Time", r.rtc.Time().Format(time.DateTime), "2026-01-01 15:00:02")
}

func TestUIP(t *testing.T) {
	r := newRig(t, "2026-01-01 00:00:00")
	for _, c := range []struct {
		at   clock.Time
		want uint8
	}{{0, 0x26}, {clock.Second - uip - 1, 0x26}, {clock.Second - uip, 0xa6}, {clock.Second - 1, 0xa6}, {clock.Second, 0x26}} {
		r.Step(c.at - r.Clock.Now())
		hwtest.Want(t, "register A", r.rd(regA), c.want)
	}
}

// TestPolling reads the time as fast as it can: it never jumps, and the new second is there when UIP falls.
func TestPolling(t *testing.T) {
	r := newRig(t, "2026-01-01 00:00:00")
	last, uipWas := uint8(0), false
	for range 30000 {
		r.Step(100 * clock.Microsecond)
		s, busy := r.rd(regSeconds), r.rd(regA)&aUIP != 0
		if s != last && s != last+1 {
			t.Fatalf("from second %x to %x", last, s)
		}
		if (s != last) != (uipWas && !busy) {
			t.Fatalf("second %x: UIP went from %t to %t", s, uipWas, busy)
		}
		last, uipWas = s, busy
	}
	hwtest.Want(t, "seconds", last, 3)
}

func TestPeriodic(t *testing.T) {
	r := newRig(t, "2026-01-01 00:00:00")
	r.wr(regB, b24|bPIE)
	n := 0
	for range 10000 {
		r.Step(100 * clock.Microsecond)
		if r.irq.High() {
			n++
			hwtest.Want(t, "flags", r.rd(regC)&^uint8(cUF), cIRQF|cPF)
			r.WantLow(r.irq)
		}
	}
	hwtest.Want(t, "interrupts in a second at 1024 Hz", n, 1024)
	r.Step(clock.Second)
	r.WantIRQ(r.irq) // one, until it is acknowledged
	r.WantPulses(r.irq, 1025)
}

func TestPeriodic_rates(t *testing.T) {
	for rate, hz := range map[uint8]int{3: 8192, 6: 1024, 15: 2, 1: 256, 2: 128, 0: 0} {
		r := newRig(t, "2026-01-01 00:00:00")
		r.wr(regA, 0x20|rate)
		n := 0
		for range 20000 {
			r.Step(50 * clock.Microsecond)
			if r.rd(regC)&cPF != 0 {
				n++
			}
		}
		hwtest.Want(t, "flags in a second", n, hz)
	}
}

func TestUpdateEnded(t *testing.T) {
	r := newRig(t, "2026-01-01 00:00:00")
	r.wr(regB, b24|bUIE)
	r.Step(clock.Second - 1)
	r.WantLow(r.irq)
	r.Step(1)
	r.WantIRQ(r.irq)
	hwtest.Want(t, "seconds", r.rd(regSeconds), 1)
	hwtest.Want(t, "flags", r.rd(regC)&^uint8(cPF), cIRQF|cUF)
	r.WantLow(r.irq)
	r.wr(regB, b24|bUIE|bSET)
	hwtest.Want(t, "register B", r.rd(regB), b24|bSET)
}

func TestAlarm(t *testing.T) {
	for _, c := range []struct {
		h, m, s uint8
		after   clock.Time // from 10:20:30
	}{
		{0x10, 0x20, 0x31, 1},
		{0x10, 0x20, 0x30, 86400},
		{0x10, 0x19, 0x00, 86400 - 90},
		{0xff, 0xff, 0xff, 1},
		{0xff, 0xff, 0x00, 30},
		{0xc0, 0x00, 0x00, 39*60 + 30},
		{0x23, 0xff, 0xff, 12*3600 + 39*60 + 30},
		{0xff, 0x25, 0xff, 4*60 + 30},
	} {
		r := newRig(t, "2026-01-01 10:20:30")
		r.wr(regHoursAlarm, c.h)
		r.wr(regMinutesAlarm, c.m)
		r.wr(regSecondsAlarm, c.s)
		r.wr(regB, b24|bAIE)
		r.Step(c.after*clock.Second - 1)
		r.WantLow(r.irq)
		r.Step(1)
		r.WantIRQ(r.irq)
		hwtest.Want(t, "flags", r.rd(regC)&(cIRQF|cAF), cIRQF|cAF)
	}
}

func TestAlarm_never(t *testing.T) {
	r := newRig(t, "2026-01-01 10:20:30")
	r.wr(regHoursAlarm, 0x99)
	r.wr(regB, b24|bAIE)
	r.Step(3 * 86400 * clock.Second)
	r.WantLow(r.irq)
}

func TestAlarm_12hours(t *testing.T) {
	r := newRig(t, "2026-01-01 10:20:30")
	r.wr(regB, 0)
	r.wr(regHoursAlarm, 0x91) // 11 pm
	r.wr(regMinutesAlarm, 0)
	r.wr(regSecondsAlarm, 0)
	r.wr(regB, bAIE)
	r.Step(12*3600*clock.Second + 39*60*clock.Second + 30*clock.Second - 1)
	r.WantLow(r.irq)
	r.Step(1)
	r.WantIRQ(r.irq)
}

func TestCMOS(t *testing.T) {
	r := newRig(t, "2026-01-01 00:00:00")
	r.rtc.SetCMOS(0x38, 0x3d)
	hwtest.Want(t, "byte", r.rd(0x38), 0x3d)
	r.wr(0x8f, 9) // with the NMI mask
	hwtest.Want(t, "reset code", r.rtc.CMOS(0x0f), 9)
	r.rtc.Reset(hw.Hard)
	hwtest.Want(t, "reset code", r.rd(0x0f), 9)
	r.Out8(0x72, 0x0f)
	r.Out8(0x73, 0x77)
	hwtest.Want(t, "second bank", r.In8(0x73), 0x77)
	hwtest.Want(t, "first bank", r.rd(0x0f), 9)
	hwtest.Want(t, "register D", r.rd(regD), 0x80)
	hwtest.Want(t, "index", r.In8(0x70), 0xff)
}

func TestReset_keepsTime(t *testing.T) {
	r := newRig(t, "2026-01-01 00:00:00")
	r.wr(regB, b24|bUIE|bPIE|bAIE)
	r.Step(90 * clock.Second)
	hwtest.PowerOn(r.rtc)
	hwtest.Want(t, "register B", r.rd(regB), b24)
	r.want("time", 0x20, 0x26, 1, 1, 0, 1, 0x30, 5)
}

func TestReads_doNotAllocate(t *testing.T) {
	r := newRig(t, "2026-01-01 00:00:00")
	hwtest.Want(t, "allocations", testing.AllocsPerRun(100, func() { r.rd(regSeconds); r.rd(regA); r.rd(regC) }), 0)
}
