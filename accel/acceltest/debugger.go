package acceltest

import (
	"sync/atomic"
	"time"

	"govm-desktop/accel"
	"govm-desktop/x86"
)

// stopTime is how long a processor has to come to a stop that it is bound to make at once.
const stopTime = 20 * time.Second

// testDebugger sets breakpoints and watchpoints and steps, in each mode. An accelerator that cannot on this host says so and is left alone.
func testDebugger(r *Rig) {
	d, ok := r.CPU.(accel.Debugger)
	if !ok {
		r.T.Skip("no debugger")
	}
	if err := d.SetStops(accel.Stops{Step: true}); err != nil {
		r.T.Skip(err)
	}
	for _, m := range []struct {
		name  string
		begin func(...byte)
		size  uint64 // of the first three instructions
	}{{"real", r.Real, 7}, {"flat", r.Flat, 9}, {"long", r.Long, 13}} {
		mode := m.name
		r.RAM.Bytes()[0x3000] = 0
		m.begin(
			0xb0, 0x01, // 1000: mov al, 1
			0x04, 0x02, // 1002: add al, 2
			0xa2, 0x00, 0x30, 0, 0, 0, 0, 0, 0) // 1004: mov [3000h], al (a8, a16, a32 by mode)
		at := Origin + m.size
		copy(r.RAM.Bytes()[at:], []byte{
			0x90,       // nop
			0xeb, 0xfd, // jmp to it
		})
		r.debugSteps(d, mode)
		r.debugBreaks(d, mode, at)
		r.debugWatches(d, mode, at)
	}
}

// stops runs until the debugger's stop and returns where.
func (r *Rig) stops(d accel.Debugger, s accel.Stops) (accel.Stop, uint64) {
	r.T.Helper()
	if err := d.SetStops(s); err != nil {
		r.T.Fatal(err)
	}
	var late atomic.Bool
	timer := time.AfterFunc(stopTime, func() { late.Store(true); r.CPU.Kick() })
	defer timer.Stop()
	for !late.Load() {
		exit, err := r.CPU.Run()
		if err != nil {
			r.T.Fatal(err)
		}
		if exit == accel.Debug {
			return d.Stopped(), r.State().RIP
		}
	}
	st := r.State()
	r.T.Fatalf("the processor does not stop for %+v: it is at %#x", s, st.RIP)
	return accel.Stop{}, 0
}

func (r *Rig) debugSteps(d accel.Debugger, mode string) {
	for _, want := range []uint64{Origin + 2, Origin + 4} {
		if stop, rip := r.stops(d, accel.Stops{Step: true}); stop.Found || rip != want {
			r.T.Errorf("%s: a step ends at %#x (%+v), want %#x", mode, rip, stop, want)
		}
	}
	if al := uint8(r.State().GPR[x86.RAX]); al != 3 {
		r.T.Errorf("%s: al = %d after two steps, want 3", mode, al)
	}
	if got := r.Mem.Load(0x3000, 1); got == 3 {
		r.T.Errorf("%s: the next instruction has run", mode)
	}
}

// debugBreaks goes round the loop at addr: a breakpoint stops each time.
func (r *Rig) debugBreaks(d accel.Debugger, mode string, addr uint64) {
	points := []accel.Point{{Kind: accel.BreakExec, Addr: addr + 0x5000}, {Kind: accel.BreakExec, Addr: addr + 1}}
	for range 3 {
		stop, rip := r.stops(d, accel.Stops{Points: points})
		if !stop.Found || stop.Point != points[1] || rip != addr+1 {
			r.T.Errorf("%s: stopped at %#x for %+v, want the breakpoint at %#x", mode, rip, stop, addr+1)
		}
		if stop, rip = r.stops(d, accel.Stops{Step: true}); stop.Found || rip != addr {
			r.T.Errorf("%s: a step from the breakpoint ends at %#x", mode, rip)
		}
	}
	if err := d.SetStops(accel.Stops{}); err != nil {
		r.T.Fatal(err)
	}
	r.CPU.Kick()
	if exit, err := r.CPU.Run(); exit != accel.Kicked || err != nil {
		r.T.Errorf("%s: Run ends with %v, %v after the breakpoints were removed", mode, exit, err)
	}
}

// debugWatches runs the store at Origin+4 again. Where there are no watchpoints SetStops says so.
func (r *Rig) debugWatches(d accel.Debugger, mode string, after uint64) {
	decoy := accel.Point{Kind: accel.WatchWrite, Addr: 0x3004, Len: 4}
	if err := d.SetStops(accel.Stops{Points: []accel.Point{decoy}}); err != nil {
		r.T.Log(err)
		return
	}
	for _, p := range []accel.Point{{Kind: accel.WatchWrite, Addr: 0x3000, Len: 1}, {Kind: accel.WatchAccess, Addr: 0x3000, Len: 2}} {
		s := r.State()
		s.RIP = Origin
		if err := r.CPU.Set(&s); err != nil {
			r.T.Fatal(err)
		}
		r.RAM.Bytes()[0x3000] = 0
		stop, rip := r.stops(d, accel.Stops{Points: []accel.Point{decoy, p}})
		if !stop.Found || stop.Point != p || stop.At != 0x3000 || rip != after {
			r.T.Errorf("%s: stopped at %#x for %+v, want %#x for %+v", mode, rip, stop, after, p)
		}
		if got := r.Mem.Load(0x3000, 1); got != 3 {
			r.T.Errorf("%s: %d at the watchpoint, want what the instruction stored", mode, got)
		}
	}
	if err := d.SetStops(accel.Stops{}); err != nil {
		r.T.Fatal(err)
	}
}
