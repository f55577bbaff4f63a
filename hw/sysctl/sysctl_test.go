package sysctl

import (
	"testing"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
)

type fakeTimer struct{ gate hwtest.Wire }

func (f *fakeTimer) SetGate(_ int, high bool) { f.gate.Set(high) }
func (f *fakeTimer) Out(int) bool             { return f.gate.High() }

type rig struct {
	*hwtest.Bench
	p            *Ports
	timer        fakeTimer
	a20, speaker *hwtest.Wire
	resets       []hw.Cause
	post         []uint8
}

func newPorts(b *hwtest.Bench) *rig {
	r := &rig{Bench: b, a20: b.Line("A20"), speaker: b.Line("speaker")}
	r.p = New(Config{Clock: b.Clock, Timer: &r.timer, A20: r.a20, Speaker: r.speaker})
	one := memory.Widths{Max: 1}
	b.MapPorts(0x61, 1, r.p.PortB(), one)
	b.MapPorts(0x92, 1, r.p.PortA(), one)
	b.MapPorts(0xcf9, 1, r.p.CF9(), one)
	b.MapPorts(0x80, 1, r.p.Port80(), one)
	return r
}

func newRig(t *testing.T) *rig {
	r := newPorts(hwtest.New(t))
	r.p.cfg.Reset = func(c hw.Cause) { r.resets = append(r.resets, c) }
	r.p.cfg.Post = func(v uint8) { r.post = append(r.post, v) }
	hwtest.PowerOn(r.p)
	return r
}

func TestConformance(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device { return newPorts(b).p })
}

func TestPort61(t *testing.T) {
	r := newRig(t)
	r.Out8(0x61, 1)
	hwtest.Want(t, "gate", r.timer.gate.High(), true)
	hwtest.Want(t, "port 61", r.In8(0x61)&^bRefresh, 0x21)
	r.WantLow(r.speaker)
	r.Out8(0x61, 0xfe)
	r.WantIRQ(r.speaker)
	hwtest.Want(t, "port 61", r.In8(0x61)&^bRefresh, 0x0e)
}

func TestPort61_refreshToggles(t *testing.T) {
	r := newRig(t)
	n, old := 0, r.In8(0x61)
	for range 1000 {
		r.Step(clock.Microsecond)
		if v := r.In8(0x61); (v^old)&bRefresh != 0 {
			n, old = n+1, v
		}
	}
	hwtest.Want(t, "toggles in 1 ms", n, 66)
}

func TestA20(t *testing.T) {
	r := newRig(t)
	r.WantIRQ(r.a20)
	r.Out8(0x92, 2)
	r.WantIRQ(r.a20)
	r.Out8(0x92, 0)
	r.WantLow(r.a20)
	r.p.A20Input().Set(true)
	r.WantIRQ(r.a20)
	hwtest.Want(t, "port 92", r.In8(0x92), 2)
	r.p.A20Input().Set(false)
	r.WantLow(r.a20)
	hwtest.Want(t, "port 92", r.In8(0x92), 0)
	hwtest.Want(t, "A20", r.p.A20(), false)
}

func TestReset(t *testing.T) {
	r := newRig(t)
	r.Out8(0x92, 2, 3, 3)
	r.Out8(0xcf9, 2, 0, 4, 2, 6)
	want := []hw.Cause{hw.Soft, hw.Soft, hw.Hard}
	if len(r.resets) != len(want) {
		t.Fatalf("resets %v, want %v", r.resets, want)
	}
	for i := range want {
		hwtest.Want(t, "reset", r.resets[i], want[i])
	}
}

func TestPost(t *testing.T) {
	r := newRig(t)
	r.Out8(0x80, 0x42)
	hwtest.Want(t, "port 80", r.In8(0x80), 0x42)
	hwtest.Want(t, "codes", len(r.post), 1)
}
