package machine

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/snapshot"
	"govm-desktop/x86"
)

// fakeCPU runs until it is kicked, or ends Run as it is told.
type fakeCPU struct {
	kick  chan struct{}
	exits chan result
	wake  func()

	mu      sync.Mutex
	sets    int
	runs    int
	forgets int
}

type result struct {
	exit accel.Exit
	err  error
}

func newFakeCPU() *fakeCPU {
	return &fakeCPU{kick: make(chan struct{}, 1), exits: make(chan result, 8), wake: func() {}}
}

func (c *fakeCPU) Run() (accel.Exit, error) {
	c.mu.Lock()
	c.runs++
	c.mu.Unlock()
	select {
	case <-c.kick:
		return accel.Kicked, nil
	case r := <-c.exits:
		return r.exit, r.err
	}
}

func (c *fakeCPU) Kick() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

func (c *fakeCPU) Signal(accel.Signal, uint8) { c.Kick(); c.wake() }
func (c *fakeCPU) OnWake(f func())            { c.wake = f }
func (c *fakeCPU) Get(s *x86.State) error     { s.RIP = 0x1234; return nil }
func (c *fakeCPU) Close() error               { return nil }
func (c *fakeCPU) Set(*x86.State) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sets++
	return nil
}

// Forget implements accel.Forgetter.
func (c *fakeCPU) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgets++
}

func (c *fakeCPU) count() (sets, runs int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sets, c.runs
}

// fakeDevice writes down what happens to it.
type fakeDevice struct {
	mu  sync.Mutex
	log []string
}

func (d *fakeDevice) say(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, s)
}

func (d *fakeDevice) Reset(hw.Cause)        { d.say("reset") }
func (d *fakeDevice) State(*snapshot.Coder) {}
func (d *fakeDevice) Start()                { d.say("start") }
func (d *fakeDevice) Drain()                { d.say("drain") }
func (d *fakeDevice) PowerButton()          { d.say("button") }
func (d *fakeDevice) WakeUp()               { d.say("wake") }
func (d *fakeDevice) take() (log []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	log, d.log = d.log, nil
	return log
}

type rig struct {
	t      *testing.T
	m      *Machine
	cpus   []*fakeCPU
	dev    *fakeDevice
	events chan Event
}

func newRig(t *testing.T, opt Options, cpus int) *rig {
	t.Helper()
	c := clock.NewReal()
	t.Cleanup(func() { c.Close() })
	opt.Clock = c
	r := &rig{t: t, m: New(opt), dev: &fakeDevice{}, events: make(chan Event, 64)}
	r.m.Add("dev", r.dev)
	r.m.AddLine(hw.LineFunc(func(high bool) {
		if !high {
			r.dev.say("low")
		}
	}))
	var vcpus []accel.VCPU
	for range cpus {
		c := newFakeCPU()
		r.cpus = append(r.cpus, c)
		vcpus = append(vcpus, c)
	}
	r.m.Watch(func(e Event) { r.events <- e })
	if err := r.m.Launch(r.dev, nil, vcpus); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.m.Quit("test"); r.m.Wait() })
	return r
}

func (r *rig) want(kinds ...EventKind) {
	r.t.Helper()
	for _, k := range kinds {
		select {
		case e := <-r.events:
			if e.Kind != k {
				r.t.Fatalf("event %v, want %v", e.Kind, k)
			}
		case <-time.After(10 * time.Second):
			r.t.Fatalf("no event, want %v", k)
		}
	}
}

func TestLaunch_resetsBeforeAnythingRuns(t *testing.T) {
	r := newRig(t, Options{}, 2)
	if got := r.dev.take(); !slices.Equal(got, []string{"drain", "low", "reset", "start"}) {
		t.Errorf("order %v", got)
	}
	for i, c := range r.cpus {
		if sets, runs := c.count(); sets != 1 || runs != 0 {
			t.Errorf("cpu %d: set %d times, run %d times before Cont", i, sets, runs)
		}
	}
	if r.m.Status() != Prelaunch {
		t.Errorf("status %s", r.m.Status())
	}
}

func TestStop_standsStill(t *testing.T) {
	r := newRig(t, Options{}, 2)
	r.m.Cont()
	r.want(EventResume)
	r.m.Stop()
	r.want(EventStop)
	_, before := r.cpus[0].count()
	r.cpus[0].Kick()
	var s x86.State
	if err := r.m.State(0, &s); err != nil || s.RIP != 0x1234 {
		t.Errorf("State = %#x, %v", s.RIP, err)
	}
	if _, after := r.cpus[0].count(); after != before {
		t.Errorf("the processor ran %d times while stopped", after-before)
	}
	if err := r.m.Cont(); err != nil {
		t.Error(err)
	}
	r.want(EventResume)
}

func TestShutdownState_resets(t *testing.T) {
	r := newRig(t, Options{}, 1)
	r.dev.take()
	r.m.Cont()
	r.want(EventResume)
	r.cpus[0].exits <- result{accel.Shutdown, nil}
	r.want(EventReset)
	if got := r.dev.take(); !slices.Equal(got, []string{"drain", "low", "reset", "start"}) {
		t.Errorf("order %v", got)
	}
	if r.cpus[0].forgets != 2 {
		t.Errorf("the processor forgot its code %d times, want once for each reset", r.cpus[0].forgets)
	}
	if sets, _ := r.cpus[0].count(); sets != 2 {
		t.Errorf("the processor was reset %d times, want once after power-on", sets-1)
	}
	if r.m.Status() != Running {
		t.Errorf("status %s, want running", r.m.Status())
	}
}

func TestShutdownState_isLoggedOnce(t *testing.T) {
	var said bytes.Buffer // written by processor 0 alone, and read when it has ended
	r := newRig(t, Options{Log: slog.New(slog.NewTextHandler(&said, nil))}, 1)
	r.m.Cont()
	r.want(EventResume)
	for range 5 {
		r.cpus[0].exits <- result{accel.Shutdown, nil}
		r.want(EventReset)
	}
	r.m.Quit("test")
	r.m.Wait()
	if n := strings.Count(said.String(), "\n"); n != 1 {
		t.Errorf("%d lines for five triple faults, want 1:\n%s", n, said.String())
	}
}

func TestNoReboot_endsInstead(t *testing.T) {
	r := newRig(t, Options{NoReboot: true}, 1)
	r.m.Cont()
	r.m.RequestReset(true, "guest-reset")
	if err := r.m.Wait(); err != nil {
		t.Error(err)
	}
	r.want(EventResume, EventShutdown)
}

func TestNoShutdown_keepsTheMachine(t *testing.T) {
	r := newRig(t, Options{NoShutdown: true}, 1)
	r.m.Cont()
	r.m.RequestShutdown("guest-shutdown")
	r.want(EventResume, EventShutdown, EventStop)
	if err := r.m.Cont(); err == nil || r.m.Status() != ShutDown {
		t.Errorf("Cont of a machine that is off: %v, status %s", err, r.m.Status())
	}
	r.m.RequestReset(false, "host-qmp-system-reset")
	r.want(EventReset)
	if err := r.m.Cont(); err != nil {
		t.Errorf("after a reset: %v", err)
	}
}

func TestFailure_endsWithTheError(t *testing.T) {
	r := newRig(t, Options{}, 1)
	r.m.Cont()
	boom := errors.New("boom")
	r.cpus[0].exits <- result{accel.Kicked, boom}
	if err := r.m.Wait(); !errors.Is(err, boom) {
		t.Errorf("Wait = %v, want the processor's error", err)
	}
}

func TestHalt_wakes(t *testing.T) {
	r := newRig(t, Options{}, 1)
	r.m.Cont()
	for range 3 {
		_, before := r.cpus[0].count()
		r.cpus[0].exits <- result{accel.Halted, nil}
		for {
			r.cpus[0].Signal(accel.Intr, 0)
			if _, now := r.cpus[0].count(); now > before {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
}

func TestSuspend_wakeUp(t *testing.T) {
	r := newRig(t, Options{}, 1)
	r.m.Cont()
	r.m.RequestSuspend()
	r.want(EventResume, EventSuspend)
	r.dev.take()
	r.m.RequestWakeup()
	r.want(EventWakeup)
	if got := r.dev.take(); !slices.Equal(got, []string{"wake", "drain", "low", "reset", "start"}) {
		t.Errorf("order %v", got)
	}
	if r.m.Status() != Running {
		t.Errorf("status %s", r.m.Status())
	}
}

// TestHammer has everybody ask for everything at once.
func TestHammer(t *testing.T) {
	r := newRig(t, Options{}, 2)
	r.m.Watch(func(Event) {
		select {
		case <-r.events:
		default:
		}
	})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := range 25 {
				switch (i + j) % 5 {
				case 0:
					r.m.Cont()
				case 1:
					r.m.Stop()
				case 2:
					r.m.RequestReset(true, "guest-reset")
				case 3:
					r.m.Paused(func() {})
				case 4:
					var s x86.State
					r.m.State(i%2, &s)
				}
			}
		}()
	}
	wg.Wait()
	if err := r.m.Cont(); err != nil {
		t.Error(err)
	}
}
