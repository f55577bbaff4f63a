package pic

import (
	"testing"

	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
)

type rig struct {
	*hwtest.Bench
	pic  *PIC
	intr *hwtest.Wire
}

func attach(b *hwtest.Bench, p *PIC) {
	b.MapPorts(0x20, 2, p.Ports(0), memory.Widths{Max: 1})
	b.MapPorts(0xa0, 2, p.Ports(1), memory.Widths{Max: 1})
	b.MapPorts(0x4d0, 2, p.ELCR(), memory.Widths{Max: 1})
}

// newRig is a PC's controllers as its BIOS leaves them: vectors 8 and 70, nothing masked.
func newRig(t *testing.T) *rig {
	b := hwtest.New(t)
	r := &rig{Bench: b, intr: b.Line("INTR")}
	r.pic = New(Config{INTR: r.intr})
	attach(b, r.pic)
	hwtest.PowerOn(r.pic)
	r.init(0x11, 1)
	return r
}

func (r *rig) init(icw1, icw4 uint8) {
	r.Out8(0x20, icw1)
	r.Out8(0x21, 8, 4, icw4, 0)
	r.Out8(0xa0, icw1)
	r.Out8(0xa1, 0x70, 2, icw4, 0)
}

func (r *rig) pulse(n int) { hw.Pulse(r.pic.Input(n)) }

func (r *rig) wantAck(vector uint8) {
	r.T.Helper()
	r.WantIRQ(r.intr)
	hwtest.Want(r.T, "vector", r.pic.Ack(), vector)
}

func TestConformance(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device {
		p := New(Config{INTR: b.Line("INTR")})
		attach(b, p)
		return p
	})
}

func TestPriority(t *testing.T) {
	r := newRig(t)
	r.pulse(5)
	r.pulse(1)
	r.wantAck(9)
	r.WantLow(r.intr) // 5 waits for 1 to end
	r.pulse(0)
	r.wantAck(8) // 0 nests over 1
	r.Out8(0x20, 0x20)
	r.WantLow(r.intr)
	r.Out8(0x20, 0x20)
	r.wantAck(13)
	r.Out8(0x20, 0x20)
	r.WantLow(r.intr)
}

func TestCascade(t *testing.T) {
	r := newRig(t)
	r.pulse(12)
	r.pulse(8)
	r.wantAck(0x70)
	r.Out8(0x20, 0x0b)
	hwtest.Want(t, "master ISR", r.In8(0x20), 4)
	r.Out8(0xa0, 0x0b)
	hwtest.Want(t, "slave ISR", r.In8(0xa0), 1)
	r.Out8(0xa0, 0x20)
	r.Out8(0x20, 0x20)
	r.wantAck(0x74)
}

func TestMask(t *testing.T) {
	r := newRig(t)
	r.Out8(0x21, 0xfb)
	r.Out8(0xa1, 0xff)
	r.pulse(4)
	r.pulse(14)
	r.WantLow(r.intr)
	hwtest.Want(t, "IMR", r.In8(0x21), 0xfb)
	hwtest.Want(t, "IRR", r.In8(0x20), 0x10)
	r.Out8(0xa1, 0xbf)
	r.wantAck(0x76)
}

func TestSpurious(t *testing.T) {
	r := newRig(t)
	r.pulse(3)
	r.Out8(0x21, 0x08)
	hwtest.Want(t, "vector", r.pic.Ack(), 15)
	r.Out8(0x20, 0x0b)
	hwtest.Want(t, "ISR after a spurious interrupt", r.In8(0x20), 0)
	r.Out8(0x20, 0x0a)
	hwtest.Want(t, "IRR", r.In8(0x20), 8)
}

func TestLevel_staysWhileHigh(t *testing.T) {
	r := newRig(t)
	r.Out8(0x4d0, 0xff)
	r.Out8(0x4d1, 0xff)
	hwtest.Want(t, "ELCR1", r.In8(0x4d0), 0xf8)
	hwtest.Want(t, "ELCR2", r.In8(0x4d1), 0xde)
	l := r.pic.Input(11)
	l.Set(true)
	r.wantAck(0x73)
	r.Out8(0xa0, 0x20)
	r.Out8(0x20, 0x20)
	r.wantAck(0x73)
	l.Set(false)
	r.Out8(0xa0, 0x20)
	r.Out8(0x20, 0x20)
	r.WantLow(r.intr)
}

func TestEdge_needsRise(t *testing.T) {
	r := newRig(t)
	l := r.pic.Input(4)
	l.Set(true)
	r.wantAck(12)
	r.Out8(0x20, 0x20)
	r.WantLow(r.intr)
	l.Set(true)
	r.WantLow(r.intr)
	l.Set(false)
	l.Set(true)
	r.wantAck(12)
}

func TestAutoEOI(t *testing.T) {
	r := newRig(t)
	r.init(0x11, 3)
	r.pulse(1)
	r.pulse(6)
	r.wantAck(9)
	r.wantAck(14)
	r.Out8(0x20, 0x80) // rotate
	r.pulse(3)
	r.wantAck(11)
	r.pulse(3)
	r.pulse(4)
	r.wantAck(12)
}

func TestRotation(t *testing.T) {
	r := newRig(t)
	r.Out8(0x20, 0xc0|4) // 4 becomes the lowest
	for n := range 8 {
		if n != 2 {
			r.pulse(n)
		}
	}
	for _, v := range []uint8{13, 14, 15, 8, 9, 11, 12} {
		r.wantAck(v)
		r.Out8(0x20, 0x60|v&7)
	}
	r.pulse(6)
	r.wantAck(14)
	r.Out8(0x20, 0xa0) // 6 becomes the lowest
	r.pulse(6)
	r.pulse(7)
	r.wantAck(15)
}

func TestSpecialMask(t *testing.T) {
	r := newRig(t)
	r.pulse(3)
	r.wantAck(11)
	r.pulse(5)
	r.WantLow(r.intr)
	r.Out8(0x20, 0x68)
	r.Out8(0x21, 8)
	r.wantAck(13)
	r.Out8(0x20, 0x20) // ends 5: 3 is masked
	r.Out8(0x20, 0x0b)
	hwtest.Want(t, "ISR", r.In8(0x20), 8)
	r.Out8(0x20, 0x48)
	r.Out8(0x21, 0)
	r.pulse(5)
	r.WantLow(r.intr)
}

func TestSpecialFullyNested(t *testing.T) {
	r := newRig(t)
	r.init(0x11, 0x11)
	r.pulse(12)
	r.wantAck(0x74)
	r.pulse(8)
	r.wantAck(0x70)
}

func TestPoll(t *testing.T) {
	r := newRig(t)
	r.pulse(6)
	r.Out8(0x20, 0x0c)
	hwtest.Want(t, "poll", r.In8(0x20), 0x86)
	r.WantLow(r.intr)
	r.Out8(0x20, 0x0c)
	hwtest.Want(t, "poll with nothing", r.In8(0x20), 0)
	hwtest.Want(t, "read after poll", r.In8(0x20), 0)
}

func TestReads_doNotAllocate(t *testing.T) {
	r := newRig(t)
	hwtest.Want(t, "allocations", testing.AllocsPerRun(100, func() { r.Out8(0x20, 0x0b); r.In8(0x20); r.In8(0x21) }), 0)
}
