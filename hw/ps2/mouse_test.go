package ps2

import (
	"testing"

	"govm-desktop/clock"
	"govm-desktop/hw/hwtest"
	"govm-desktop/input"
)

// mouseOn has the mouse report with an identity.
func mouseOn(t *testing.T, knock ...uint8) *rig {
	r := newRig(t)
	for _, v := range knock {
		r.aux(0xf3, v)
	}
	r.aux(0xf3, 100, 0xf4)
	return r
}

func (r *rig) mouse(what string, b uint8, want ...uint8) {
	r.T.Helper()
	r.Out8(0x64, 0xd4)
	r.Out8(0x60, b)
	r.want(what, want...)
}

func TestMouse_commands(t *testing.T) {
	r := newRig(t)
	r.mouse("reset", 0xff, 0xfa, 0xaa, 0x00)
	r.mouse("status", 0xe9, 0xfa, 0x00, 2, 100)
	r.mouse("identify", 0xf2, 0xfa, 0)
	r.mouse("resolution", 0xe8, 0xfa)
	r.mouse("value", 3, 0xfa)
	r.mouse("rate", 0xf3, 0xfa)
	r.mouse("value", 40, 0xfa)
	r.mouse("scaling", 0xe7, 0xfa)
	r.mouse("enable", 0xf4, 0xfa)
	r.mouse("status", 0xe9, 0xfa, 0x30, 3, 40)
	r.mouse("remote", 0xf0, 0xfa)
	r.mouse("status", 0xe9, 0xfa, 0x70, 3, 40)
	r.mouse("defaults", 0xf6, 0xfa)
	r.mouse("status", 0xe9, 0xfa, 0x00, 2, 100)
	r.mouse("nonsense", 0xe5, 0xfe)
	r.mouse("bad resolution", 0xe8, 0xfa)
	r.mouse("value", 9, 0xfe)
	r.mouse("wrap", 0xee, 0xfa)
	r.mouse("echo", 0xf4, 0xf4)
	r.mouse("unwrap", 0xec, 0xfa)
}

func TestMouse_packets(t *testing.T) {
	r := mouseOn(t)
	r.move(5, -3)
	r.WantIRQ(r.irq12)
	r.want("movement", 0x08, 5, 3)
	r.Step(20 * clock.Millisecond)
	r.move(-5, 3)
	r.want("movement", 0x38, 0xfb, 0xfd)
	r.Step(20 * clock.Millisecond)
	r.click(input.BtnLeft, true)
	r.want("left", 0x09, 0, 0)
	r.Step(20 * clock.Millisecond)
	r.click(input.BtnMiddle, true)
	r.want("left and middle", 0x0d, 0, 0)
}

func TestMouse_status_buttons(t *testing.T) {
	r := mouseOn(t)
	r.click(input.BtnRight, true)
	r.drain()
	r.mouse("status", 0xe9, 0xfa, 0x21, 2, 100)
}

// TestMouse_sums moves further than a packet carries, faster than it samples.
func TestMouse_sums(t *testing.T) {
	r := mouseOn(t)
	for range 100 {
		r.move(10, 0)
	}
	sum := 0
	for range 100 {
		got := r.drain()
		for i := 0; i+2 < len(got); i += 3 {
			sum += int(got[i+1])
			hwtest.Want(t, "first byte", got[i], 0x08)
		}
		r.Step(10 * clock.Millisecond)
	}
	hwtest.Want(t, "movement", sum, 1000)
}

func TestMouse_noClickIsLost(t *testing.T) {
	r := mouseOn(t)
	for range 3 {
		r.click(input.BtnLeft, true)
		r.click(input.BtnLeft, false)
	}
	r.Step(20 * clock.Millisecond)
	clicks, was := 0, uint8(0)
	for range 20 {
		got := r.drain()
		for i := 0; i+2 < len(got); i += 3 {
			if got[i]&1 != 0 && was == 0 {
				clicks++
			}
			was = got[i] & 1
		}
		r.Step(10 * clock.Millisecond)
	}
	hwtest.Want(t, "clicks", clicks, 3)
	hwtest.Want(t, "button at the end", was, 0)
}

func TestMouse_wheel(t *testing.T) {
	r := mouseOn(t, 200, 100, 80)
	r.mouse("identify", 0xf2, 0xfa, 3)
	r.c.Mouse().Send(input.Event{Kind: input.Wheel, Y: 1})
	r.want("up", 0x08, 0, 0, 0xff)
	r.Step(20 * clock.Millisecond)
	r.c.Mouse().Send(input.Event{Kind: input.Wheel, Y: -2})
	r.want("down", 0x08, 0, 0, 2)
}

func TestMouse_explorer(t *testing.T) {
	r := mouseOn(t, 200, 100, 80, 200, 200, 80)
	r.mouse("identify", 0xf2, 0xfa, 4)
	r.click(input.BtnSide, true)
	r.want("side", 0x08, 0, 0, 0x10)
	r.Step(20 * clock.Millisecond)
	r.click(input.BtnExtra, true)
	r.want("both", 0x08, 0, 0, 0x30)
	r.Step(20 * clock.Millisecond)
	r.c.Mouse().Send(input.Event{Kind: input.Wheel, Y: 1})
	r.want("wheel", 0x08, 0, 0, 0x3f)
	r.aux(0xff)
	r.mouse("identify after reset", 0xf2, 0xfa, 0)
}

func TestMouse_remote(t *testing.T) {
	r := mouseOn(t)
	r.aux(0xf0)
	r.move(7, 7)
	r.want("nothing by itself")
	r.mouse("read data", 0xeb, 0xfa, 0x28, 7, 0xf9)
	r.mouse("resend", 0xfe, 0x28, 7, 0xf9)
	r.mouse("read data", 0xeb, 0xfa, 0x08, 0, 0)
}

func TestMouse_scaling(t *testing.T) {
	r := mouseOn(t)
	r.aux(0xe7)
	for in, out := range map[int32]uint8{1: 1, 2: 1, 3: 3, 4: 6, 5: 9, 6: 12, 100: 200} {
		r.move(in, 0)
		r.want("movement", 0x08, out, 0)
		r.Step(20 * clock.Millisecond)
	}
}

func TestMouse_silentUntilEnabled(t *testing.T) {
	r := newRig(t)
	r.move(1, 1)
	r.click(input.BtnLeft, true)
	r.Step(clock.Second)
	r.want("not enabled")
	r.WantPulses(r.irq12, 0)
}

func TestMouse_interfaceOff(t *testing.T) {
	r := mouseOn(t)
	r.Out8(0x64, 0xa7)
	for range 10000 {
		r.move(3, 3)
		r.click(input.BtnLeft, true)
		r.click(input.BtnLeft, false)
	}
	r.want("off")
	if n := len(r.c.mouse.q); n > packetLimit+4 {
		t.Errorf("%d bytes wait", n)
	}
	r.Out8(0x64, 0xa8)
	if len(r.drain()) == 0 {
		t.Error("nothing after it was switched on again")
	}
}
