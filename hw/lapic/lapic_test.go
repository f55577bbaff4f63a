package lapic

import (
	"fmt"
	"testing"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// rig is a machine of some processors; each page is at Base + n MiB, so that the test can tell them apart.
type rig struct {
	*hwtest.Bench
	bus  *Bus
	cpus []*LAPIC
	got  [][]string // signals other than Intr
	eois []uint8
	pic  fakePIC
}

type fakePIC struct {
	intr   hw.Line
	vector uint8
}

func (p *fakePIC) Ack() uint8 {
	p.intr.Set(false)
	return p.vector
}

func newRig(t *testing.T, cpus int) *rig {
	r := &rig{Bench: hwtest.New(t), got: make([][]string, cpus)}
	r.bus = NewBus(func(v uint8) { r.eois = append(r.eois, v) })
	for i := range cpus {
		l := New(Config{ID: uint8(i), BSP: i == 0, X2APIC: true, Clock: r.Clock, Bus: r.bus, PIC: &r.pic})
		l.Connect(func(s accel.Signal, v uint8) {
			if s != accel.Intr {
				r.got[i] = append(r.got[i], fmt.Sprintf("%s %x", [...]string{"NMI", "SMI", "INIT", "SIPI"}[s], v))
			}
		})
		r.MapMemory(page(i), Size, l, memory.Widths{Min: 4})
		r.cpus = append(r.cpus, l)
		hwtest.PowerOn(l)
	}
	r.pic.intr = r.cpus[0].LINT(0)
	return r
}

func page(cpu int) uint64 { return Base + uint64(cpu)<<20 }

func (r *rig) wr(cpu int, off uint64, v uint32) { r.Write32(page(cpu)+off, v) }
func (r *rig) rd(cpu int, off uint64) uint32    { return r.Read32(page(cpu) + off) }

// on enables all local APICs and gives them flat logical destinations.
func (r *rig) on() *rig {
	for i := range r.cpus {
		r.wr(i, regSVR, 0x1ff)
		r.wr(i, regLDR, 1<<(24+i))
	}
	return r
}

func (r *rig) wantIntr(cpu int, vector uint8) {
	r.T.Helper()
	c := r.cpus[cpu].CPU()
	if !c.Pending() {
		r.T.Errorf("cpu %d: nothing pending, want %#x", cpu, vector)
		return
	}
	hwtest.Want(r.T, fmt.Sprintf("vector of cpu %d", cpu), c.Ack(), vector)
}

func (r *rig) wantNone(cpus ...int) {
	r.T.Helper()
	for _, i := range cpus {
		hwtest.Want(r.T, fmt.Sprintf("pending on cpu %d", i), r.cpus[i].CPU().Pending(), false)
	}
}

func (r *rig) wantSignals(cpu int, want ...string) {
	r.T.Helper()
	if fmt.Sprint(r.got[cpu]) != fmt.Sprint(want) {
		r.T.Errorf("cpu %d got %v, want %v", cpu, r.got[cpu], want)
	}
	r.got[cpu] = nil
}

func TestConformance(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device {
		l := New(Config{BSP: true, X2APIC: true, Clock: b.Clock, Bus: NewBus(nil)})
		b.MapMemory(Base, Size, l, memory.Widths{Min: 4})
		return l
	})
}

func TestResetState(t *testing.T) {
	r := newRig(t, 2)
	for off, want := range map[uint64]uint32{
		regID: 1 << 24, regVersion: 0x50014, regTPR: 0, regDFR: 0xffffffff, regSVR: 0xff, regLVT: lvtMasked, regLVT + 0x30: lvtMasked,
	} {
		hwtest.Want(t, fmt.Sprintf("register %x", off), r.rd(1, off), want)
	}
	hwtest.Want(t, "LINT0 of the boot processor", r.rd(0, regLVT+0x30), 0x700)
	base, _ := r.cpus[0].CPU().ReadMSR(x86.MSRAPICBase)
	hwtest.Want(t, "APIC_BASE", base, 0xfee00900)
	base, _ = r.cpus[1].CPU().ReadMSR(x86.MSRAPICBase)
	hwtest.Want(t, "APIC_BASE", base, 0xfee00800)
}

func TestMSI_priorities(t *testing.T) {
	r := newRig(t, 1).on()
	r.bus.Send(Base, 0x4041)
	r.bus.Send(Base, 0x4061)
	hwtest.Want(t, "IRR", r.rd(0, regIRR+0x20), 1<<1)
	r.wantIntr(0, 0x61)
	hwtest.Want(t, "PPR", r.rd(0, regPPR), 0x60)
	r.wantNone(0)
	r.wr(0, regEOI, 0)
	r.wantIntr(0, 0x41)
	r.bus.Send(Base, 0x4045) // same class: waits
	r.wantNone(0)
	r.wr(0, regEOI, 0)
	r.wr(0, regTPR, 0x40)
	r.wantNone(0)
	r.cpus[0].CPU().SetTPR(3)
	hwtest.Want(t, "TPR", r.rd(0, regTPR), 0x30)
	hwtest.Want(t, "CR8", r.cpus[0].CPU().TPR(), 3)
	r.wantIntr(0, 0x45)
	if len(r.eois) != 0 {
		t.Errorf("edge interrupts were broadcast: %v", r.eois)
	}
}

func TestLevel_broadcastsEOI(t *testing.T) {
	r := newRig(t, 1).on()
	r.bus.Send(Base, 0xc051)
	hwtest.Want(t, "TMR", r.rd(0, regTMR+0x20), 1<<17)
	r.wantIntr(0, 0x51)
	r.wr(0, regEOI, 0)
	hwtest.Want(t, "broadcasts", fmt.Sprint(r.eois), "[81]")
}

func TestSpurious(t *testing.T) {
	r := newRig(t, 1).on()
	hwtest.Want(t, "vector", r.cpus[0].CPU().Ack(), 0xff)
	hwtest.Want(t, "ISR", r.rd(0, regISR+0x70), 0)
}

func TestDisabled_takesNoFixed(t *testing.T) {
	r := newRig(t, 1)
	r.bus.Send(Base, 0x4041)
	r.wantNone(0)
	r.bus.Send(Base, 0x4400)
	r.wantSignals(0, "NMI 0")
}

func TestIllegalVector(t *testing.T) {
	r := newRig(t, 1).on()
	r.wr(0, regLVT+0x50, 0x33)
	r.bus.Send(Base, 0x4005)
	r.wantIntr(0, 0x33)
	r.wr(0, regESR, 0)
	hwtest.Want(t, "ESR", r.rd(0, regESR), esrReceiveVector)
	r.wr(0, regICR, 5)
	r.wr(0, regESR, 0)
	hwtest.Want(t, "ESR", r.rd(0, regESR), esrSendVector)
}

func TestIPI(t *testing.T) {
	r := newRig(t, 3).on()
	r.wr(0, regICRHigh, 1<<24)
	r.wr(0, regICR, 0x4050)
	r.wantIntr(1, 0x50)
	r.wantNone(0, 2)
	r.wr(0, regICRHigh, 6<<24)
	r.wr(0, regICR, 0x4851) // logical: 1 and 2
	r.wantNone(0)
	r.wr(1, regEOI, 0)
	r.wantIntr(1, 0x51)
	r.wantIntr(2, 0x51)
	r.wr(2, regEOI, 0)
	r.wr(2, regICR, 0x44062) // self
	r.wantIntr(2, 0x62)
	r.wr(2, regICR, 0x84073) // all
	for i := range 3 {
		r.wantIntr(i, 0x73)
		r.wr(i, regEOI, 0)
	}
	r.wr(0, regICR, 0xc4083) // all but self
	r.wantNone(0)
	r.wantIntr(1, 0x83)
	r.wantIntr(2, 0x83)
}

func TestIPI_startup(t *testing.T) {
	r := newRig(t, 3)
	r.wr(0, regICR, 0xc4500)
	r.wr(0, regICR, 0xc8500) // de-assert: nothing
	r.wr(0, regICR, 0xc4610)
	r.wantSignals(0)
	r.wantSignals(1, "INIT 0", "SIPI 10")
	r.wantSignals(2, "INIT 0", "SIPI 10")
	r.wr(0, regICRHigh, 2<<24)
	r.wr(0, regICR, 0x4400)
	r.wr(0, regICR, 0x4200)
	r.wantSignals(2, "NMI 0", "SMI 0")
}

func TestLowestPriority(t *testing.T) {
	r := newRig(t, 3).on()
	r.wr(0, regTPR, 0x20)
	r.wr(1, regTPR, 0x10)
	r.wr(2, regTPR, 0x30)
	r.bus.Send(Base|7<<12|0xc, 0x4141)
	r.wantIntr(1, 0x41)
	r.bus.Send(Base|7<<12|0xc, 0x4142) // 1 serves class 4 now
	r.wantIntr(0, 0x42)
	r.wantNone(2)
	r = newRig(t, 2).on()
	r.bus.Send(Base|3<<12|0xc, 0x4141)
	r.bus.Send(Base|3<<12|0xc, 0x4142)
	r.wantIntr(0, 0x41)
	r.wantIntr(1, 0x42)
}

func TestCluster(t *testing.T) {
	r := newRig(t, 3).on()
	for i, ldr := range []uint32{0x11, 0x12, 0x21} {
		r.wr(i, regDFR, 0)
		r.wr(i, regLDR, ldr<<24)
	}
	r.bus.Send(Base|0x13<<12|4, 0x4044)
	r.wantIntr(0, 0x44)
	r.wantIntr(1, 0x44)
	r.wantNone(2)
	r.bus.Send(Base|0xff<<12|4, 0x4055)
	r.wantIntr(2, 0x55)
}

func TestPIC(t *testing.T) {
	r := newRig(t, 2)
	r.pic.vector = 8
	intr := r.cpus[0].LINT(0)
	intr.Set(true)
	r.wantNone(1)
	r.wantIntr(0, 8)
	r.wantNone(0)
	r.on()
	r.wr(0, regLVT+0x30, lvtMasked|0x700)
	intr.Set(true)
	r.wantNone(0)
	r.wr(0, regLVT+0x30, 0x700)
	r.bus.Send(Base, 0x4041)
	r.wantIntr(0, 0x41)
	r.wantIntr(0, 8)
	r.wr(0, regLVT+0x30, lvtMasked)
	hwtest.Want(t, "WRMSR", r.cpus[0].CPU().WriteMSR(x86.MSRAPICBase, Base|x86.APICBaseBSP), true)
	intr.Set(true)
	r.wantIntr(0, 8) // LINT0 is INTR now
	r.bus.Send(Base, 0x4700)
	r.wantNone(0)
}

func TestExtINT_message(t *testing.T) {
	r := newRig(t, 1).on()
	r.pic.vector = 0x20
	r.wr(0, regLVT+0x30, lvtMasked)
	r.bus.Send(Base, 0x4700)
	r.wantIntr(0, 0x20)
	r.wantNone(0)
}

func TestLINT1(t *testing.T) {
	r := newRig(t, 1)
	hw.Pulse(r.cpus[0].LINT(1))
	r.wantSignals(0)
	r.on()
	r.wr(0, regLVT+0x40, 0x400)
	hw.Pulse(r.cpus[0].LINT(1))
	r.wantSignals(0, "NMI 0")
	r.wr(0, regLVT+0x40, 0x8066) // fixed, level
	l := r.cpus[0].LINT(1)
	l.Set(true)
	r.wantIntr(0, 0x66)
	r.wr(0, regEOI, 0)
	r.wantIntr(0, 0x66)
	l.Set(false)
	r.wr(0, regEOI, 0)
	r.wantNone(0)
}

func TestTimer_oneShot(t *testing.T) {
	r := newRig(t, 1).on()
	r.wr(0, regDivide, 3) // by 16
	r.wr(0, regLVT, 0x40)
	r.wr(0, regInitial, 1000)
	r.Step(15999)
	r.wantNone(0)
	hwtest.Want(t, "current count", r.rd(0, regCurrent), 1)
	r.Step(1)
	r.wantIntr(0, 0x40)
	r.wr(0, regEOI, 0)
	hwtest.Want(t, "current count", r.rd(0, regCurrent), 0)
	r.wr(0, regLVT, 0x41)
	r.Step(clock.Second)
	r.wantNone(0)
}

func TestTimer_dividers(t *testing.T) {
	for v, div := range map[uint32]clock.Time{0: 2, 1: 4, 2: 8, 3: 16, 8: 32, 9: 64, 10: 128, 11: 1} {
		r := newRig(t, 1).on()
		r.wr(0, regDivide, v)
		r.wr(0, regInitial, 1000)
		r.Step(100 * div)
		hwtest.Want(t, fmt.Sprintf("count with divisor %d", div), r.rd(0, regCurrent), 900)
	}
}

func TestTimer_periodic(t *testing.T) {
	r := newRig(t, 1).on()
	r.wr(0, regDivide, 11)
	r.wr(0, regLVT, 0x20040)
	r.wr(0, regInitial, 1e6)
	for range 5 {
		r.Step(clock.Millisecond - 1)
		r.wantNone(0)
		r.Step(1)
		r.wantIntr(0, 0x40)
		r.wr(0, regEOI, 0)
	}
	r.wr(0, regInitial, 0)
	r.Step(clock.Second)
	r.wantNone(0)
}

func TestTimer_maskedCountsOn(t *testing.T) {
	r := newRig(t, 1).on()
	r.wr(0, regDivide, 11)
	r.wr(0, regLVT, lvtMasked|0x40)
	r.wr(0, regInitial, 1000)
	r.Step(400)
	hwtest.Want(t, "count", r.rd(0, regCurrent), 600)
	r.Step(1000)
	r.wr(0, regLVT, 0x40)
	r.Step(1000)
	r.wantNone(0)
}

func TestTimer_deadline(t *testing.T) {
	r := newRig(t, 1).on()
	c := r.cpus[0].CPU()
	c.WriteMSR(x86.MSRTSCDeadline, 5)
	v, _ := c.ReadMSR(x86.MSRTSCDeadline)
	hwtest.Want(t, "deadline in one-shot mode", v, 0)
	r.wr(0, regLVT, 0x40041)
	c.WriteMSR(x86.MSRTSCDeadline, uint64(r.Clock.Now())+5000)
	r.Step(4999)
	r.wantNone(0)
	r.Step(1)
	r.wantIntr(0, 0x41)
	v, _ = c.ReadMSR(x86.MSRTSCDeadline)
	hwtest.Want(t, "deadline after it", v, 0)
	r.wr(0, regEOI, 0)
	c.WriteMSR(x86.MSRTSCDeadline, 1) // past
	r.wantIntr(0, 0x41)
	r.wr(0, regEOI, 0)
	c.(interface{ SetTSCOffset(int64) }).SetTSCOffset(1e9)
	c.WriteMSR(x86.MSRTSCDeadline, 1e9+uint64(r.Clock.Now())+100)
	r.Step(99)
	r.wantNone(0)
	r.Step(1)
	r.wantIntr(0, 0x41)
}

func TestSVR_masksAll(t *testing.T) {
	r := newRig(t, 1).on()
	r.wr(0, regLVT, 0x40)
	r.wr(0, regSVR, 0xff)
	hwtest.Want(t, "LVT timer", r.rd(0, regLVT), lvtMasked|0x40)
	r.wr(0, regLVT, 0x41)
	hwtest.Want(t, "LVT timer", r.rd(0, regLVT), lvtMasked|0x41)
}

func TestAPICBase(t *testing.T) {
	r := newRig(t, 1)
	var moves []string
	r.cpus[0].cfg.Moved = func(a uint64, on bool) { moves = append(moves, fmt.Sprintf("%x %t", a, on)) }
	c := r.cpus[0].CPU()
	for _, step := range []struct {
		val uint64
		ok  bool
	}{
		{0xfee00c00, true},     // x2APIC
		{0xfee00800, false},    // not back to xAPIC
		{0xfee00400, false},    // x2APIC without enable
		{0xfee00000, true},     // off
		{0xfee00c00, false},    // not straight to x2APIC
		{0x12345800, true},     // moved
		{0x12345801, false},    // reserved
		{1<<52 | 0x800, false}, // beyond physical memory
	} {
		hwtest.Want(t, fmt.Sprintf("WRMSR %x", step.val), c.WriteMSR(x86.MSRAPICBase, step.val), step.ok)
	}
	hwtest.Want(t, "moves", fmt.Sprint(moves), "[fee00000 false fee00000 false 12345000 true]")
	v, _ := c.ReadMSR(x86.MSRAPICBase)
	hwtest.Want(t, "APIC_BASE", v, 0x12345900)
}

func TestX2APIC(t *testing.T) {
	r := newRig(t, 3)
	for i := range 3 {
		c := r.cpus[i].CPU()
		if _, ok := c.ReadMSR(0x802); ok {
			t.Error("x2APIC's MSRs answer in xAPIC mode")
		}
		hwtest.Want(t, "WRMSR", c.WriteMSR(x86.MSRAPICBase, Base|0xc00), true)
		hwtest.Want(t, "WRMSR", c.WriteMSR(0x80f, 0x1ff), true)
	}
	c := r.cpus[0].CPU()
	id, _ := r.cpus[2].CPU().ReadMSR(0x802)
	ldr, _ := r.cpus[2].CPU().ReadMSR(0x80d)
	hwtest.Want(t, "ID", id, 2)
	hwtest.Want(t, "LDR", ldr, 4)
	c.WriteMSR(0x830, 1<<32|0x51)
	r.wantIntr(1, 0x51)
	c.WriteMSR(0x830, 6<<32|0x861)
	r.wantIntr(2, 0x61)
	r.wantIntr(1, 0x61)
	c.WriteMSR(0x83f, 0x77)
	r.wantIntr(0, 0x77)
	hwtest.Want(t, "EOI", c.WriteMSR(0x80b, 0), true)
	for _, bad := range []struct {
		msr uint32
		val uint64
	}{{0x80b, 1}, {0x802, 0}, {0x80e, 0}, {0x831, 0}, {0x80d, 0}, {0x808, 1 << 32}, {0x8ff, 0}, {0x900, 0}} {
		hwtest.Want(t, fmt.Sprintf("WRMSR %x", bad.msr), c.WriteMSR(bad.msr, bad.val), false)
	}
	for _, bad := range []uint32{0x80b, 0x80e, 0x831, 0x83f, 0x8ff} {
		_, ok := c.ReadMSR(bad)
		hwtest.Want(t, fmt.Sprintf("RDMSR %x", bad), ok, false)
	}
}

func TestInit_keepsIDAndBase(t *testing.T) {
	r := newRig(t, 2).on()
	r.wr(1, regID, 7<<24)
	r.bus.Send(Base|7<<12, 0x4041)
	r.cpus[1].CPU().Reset()
	r.wantNone(1)
	hwtest.Want(t, "ID", r.rd(1, regID), 7<<24)
	hwtest.Want(t, "SVR", r.rd(1, regSVR), 0xff)
}
