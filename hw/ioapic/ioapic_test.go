package ioapic

import (
	"fmt"
	"testing"

	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
)

// log records messages.
type log []string

// Send implements hw.MSI.
func (l *log) Send(addr uint64, data uint32) { *l = append(*l, fmt.Sprintf("%x:%x", addr, data)) }

type rig struct {
	*hwtest.Bench
	a    *IOAPIC
	sent log
}

type nothing struct{}

func (nothing) Send(uint64, uint32) {}

func newRig(t *testing.T) *rig {
	r := &rig{Bench: hwtest.New(t)}
	r.a = New(Config{MSI: &r.sent})
	r.MapMemory(0xfec00000, 0x1000, r.a, memory.Widths{Min: 4})
	hwtest.PowerOn(r.a)
	return r
}

func (r *rig) write(reg uint8, v uint32) {
	r.Write32(0xfec00000, uint32(reg))
	r.Write32(0xfec00010, v)
}

func (r *rig) read(reg uint8) uint32 {
	r.Write32(0xfec00000, uint32(reg))
	return r.Read32(0xfec00010)
}

func (r *rig) want(msgs ...string) {
	r.T.Helper()
	if fmt.Sprint([]string(r.sent)) != fmt.Sprint(msgs) {
		r.T.Errorf("sent %v, want %v", r.sent, msgs)
	}
	r.sent = nil
}

func TestConformance(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device {
		a := New(Config{MSI: nothing{}})
		b.MapMemory(0xfec00000, 0x1000, a, memory.Widths{Min: 4})
		return a
	})
}

func TestRegisters(t *testing.T) {
	r := newRig(t)
	hwtest.Want(t, "version", r.read(1), 0x170011)
	r.write(0, 0xff000000)
	hwtest.Want(t, "ID", r.read(0), 0x0f000000)
	hwtest.Want(t, "arbitration", r.read(2), 0x0f000000)
	hwtest.Want(t, "entry 5", r.read(0x1a), 0x10000)
	r.write(0x1a, 0xffffffff)
	r.write(0x1b, 0xffffffff)
	hwtest.Want(t, "entry 5 low", r.read(0x1a), 0x1afff)
	hwtest.Want(t, "entry 5 high", r.read(0x1b), 0xff000000)
	hwtest.Want(t, "past the table", r.read(0x40), 0)
}

func TestEdge(t *testing.T) {
	r := newRig(t)
	r.write(0x15, 0x03000000)
	r.write(0x14, 0x31)
	l := r.a.Input(2)
	l.Set(true)
	r.want("fee03000:4031")
	l.Set(true)
	r.want()
	hw.Pulse(l)
	l.Set(true)
	r.want("fee03000:4031")
}

func TestEdge_maskedIsLost(t *testing.T) {
	r := newRig(t)
	hw.Pulse(r.a.Input(4))
	r.write(0x18, 0x44)
	r.want()
}

func TestLevel(t *testing.T) {
	r := newRig(t)
	r.write(0x30, 0x8051)
	l := r.a.Input(16)
	l.Set(true)
	r.want("fee00000:c051")
	hwtest.Want(t, "entry", r.read(0x30), 0xc051)
	l.Set(false)
	l.Set(true)
	r.want() // remote IRR holds it back
	r.a.EOI(0x50)
	r.want()
	r.a.EOI(0x51)
	r.want("fee00000:c051")
	l.Set(false)
	r.a.EOI(0x51)
	r.want()
	hwtest.Want(t, "entry", r.read(0x30), 0x8051)
}

func TestLevel_unmaskedWhileHigh(t *testing.T) {
	r := newRig(t)
	r.write(0x30, 0x18051)
	r.a.Input(16).Set(true)
	r.want()
	r.write(0x30, 0x8051)
	r.want("fee00000:c051")
	r.write(0x30, 0x51)
	hwtest.Want(t, "remote IRR after a switch to edge", r.read(0x30), 0x51)
}

func TestModes(t *testing.T) {
	for low, want := range map[uint32]string{
		0x0131: "fee05008:4131",
		0x0931: "fee0500c:4131",
		0x0831: "fee05004:4031",
		0x0200: "fee05000:4200",
		0x0400: "fee05000:4400",
		0x8400: "fee05000:4400", // NMI is an edge whatever bit 15 says
		0x0500: "fee05000:4500",
		0x0700: "fee05000:4700",
	} {
		r := newRig(t)
		r.write(0x17, 0x05000000)
		r.write(0x16, low)
		hw.Pulse(r.a.Input(3))
		r.want(want)
	}
}

func TestInput_outOfRange(t *testing.T) {
	r := newRig(t)
	r.a.Input(24).Set(true)
	r.a.Input(-1).Set(true)
	r.want()
}
