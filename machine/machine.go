// Package machine is a VM's life: the goroutines of its processors, running and pausing, reset, power-off, and what becomes of the guest's wishes.
// It knows contracts alone; the board (machine/pc) builds the hardware and hands it over.
//
// The order of every change is: stop the clock, park the processors, drain the devices, act, go on.
package machine

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/x86"
)

// ConfigError is a mistake of the user's, printed as one line.
type ConfigError struct {
	Option string // as typed: "-drive"
	Value  string
	Reason string // what is wrong and what to do
}

// Error implements error.
func (e *ConfigError) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%s: %s", e.Option, e.Reason)
	}
	return fmt.Sprintf("%s %s: %s", e.Option, e.Value, e.Reason)
}

// Status is the state of a machine, with the names that QMP's query-status has.
type Status string

// States.
const (
	Prelaunch     Status = "prelaunch" // built, never started
	Running       Status = "running"
	Paused        Status = "paused"
	Suspended     Status = "suspended"      // the guest sleeps (ACPI S3)
	ShutDown      Status = "shutdown"       // the guest has switched itself off and the machine is kept
	Debugging     Status = "debug"          // stopped at a breakpoint, a watchpoint or a step of a debugger's
	InternalError Status = "internal-error" // a processor can go no further
)

// EventKind says what an Event reports.
type EventKind string

// Events, with the names that QMP has.
const (
	EventStop      EventKind = "STOP"
	EventResume    EventKind = "RESUME"
	EventReset     EventKind = "RESET"
	EventShutdown  EventKind = "SHUTDOWN"
	EventPowerdown EventKind = "POWERDOWN"
	EventSuspend   EventKind = "SUSPEND"
	EventWakeup    EventKind = "WAKEUP"
)

// Event is a change of the machine's life.
type Event struct {
	Kind   EventKind
	Guest  bool   // the guest asked for it
	Reason string // as QMP's ShutdownCause: "guest-shutdown", "guest-reset", "host-qmp-quit", "host-qmp-system-reset", "guest-panic" …
}

// HostClock is a Clock that can be halted: clock.Real is one. A clock that follows instructions needs no halting.
type HostClock interface {
	Start()
	Stop()
}

// Options are the user's wishes about the machine's life.
type Options struct {
	Clock      clock.Clock
	NoReboot   bool // -no-reboot: a reset ends the machine
	NoShutdown bool // -no-shutdown: power-off keeps it, stopped
	Log        *slog.Logger
	// IdleSpins, with a clock.Counted, lets idle time pass at once instead of in real time.
	IdleSpins bool
}

// Machine is one VM.
type Machine struct {
	opt Options
	log *slog.Logger

	devices []named   // in the order of their reset
	lines   []hw.Line // all lowered at reset
	vm      accel.VM
	cpus    []*vcpu
	board   Board
	wg      sync.WaitGroup // the processors' goroutines

	requests chan struct{} // there is something in ask
	ended    chan struct{} // closed when the machine has ended

	world sync.Mutex // held by whoever has the processors parked; taken before mu

	mu      sync.Mutex // guards everything below
	cond    *sync.Cond // of mu: parked, awake, or work has changed
	status  Status
	parked  int  // > 0: the processors stand still
	held    bool // the guest has asked to be reset or switched off: no processor runs until that is done
	active  int  // processors that are not parked
	ask     asks
	closing bool
	tripled bool // a processor has shut down: that has been logged
	watch   []func(Event)

	noReboot, noShutdown bool
	debug                func(DebugStop)
	err                  error
}

type named struct {
	name string
	dev  hw.Device
}

// asks are wishes that wait for the control goroutine.
type asks struct {
	reset, shutdown, suspend, wake string // the reason; "": not asked
	quit                           string
	debug                          *DebugStop
}

// Board is what the machine needs of the board it sits on.
type Board interface {
	// PowerButton is pressed by system_powerdown.
	PowerButton()
	// WakeUp sets what tells the firmware that the reset to come is the end of a sleep.
	WakeUp()
}

// New returns a machine without hardware. The board adds it and then calls Launch.
func New(opt Options) *Machine {
	m := &Machine{opt: opt, log: opt.Log, requests: make(chan struct{}, 1), ended: make(chan struct{}), status: Prelaunch, parked: 1,
		noReboot: opt.NoReboot, noShutdown: opt.NoShutdown}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	m.cond = sync.NewCond(&m.mu)
	return m
}

// Add makes a device part of reset and snapshots, under the given name. Preconditions: Launch has not been called, or within Paused.
func (m *Machine) Add(name string, d hw.Device) { m.devices = append(m.devices, named{name, d}) }

// Drop takes a device out again. Preconditions: as for Add.
func (m *Machine) Drop(d hw.Device) {
	m.devices = slices.DeleteFunc(m.devices, func(n named) bool { return n.dev == d })
}

// AddLine makes the machine lower a wire at reset, before any device is Reset. Preconditions: as for Add.
func (m *Machine) AddLine(l hw.Line) { m.lines = append(m.lines, l) }

// Devices visits every device by name, in the order they were added.
func (m *Machine) Devices(f func(name string, d hw.Device)) {
	for _, n := range m.devices {
		f(n.name, n.dev)
	}
}

// Launch takes the processors over, resets everything and starts the goroutines; the machine then waits for Cont.
func (m *Machine) Launch(board Board, vm accel.VM, cpus []accel.VCPU) error {
	m.board, m.vm = board, vm
	for i, c := range cpus {
		m.cpus = append(m.cpus, newVCPU(m, i, c))
	}
	m.active = len(m.cpus)
	for _, v := range m.cpus {
		m.wg.Add(1)
		go v.loop()
	}
	m.awaitParked()
	if err := m.resetAll(hw.PowerOn); err != nil {
		return err
	}
	go m.control()
	return nil
}

// CPUs is the number of processors.
func (m *Machine) CPUs() int { return len(m.cpus) }

// Status is the present state.
func (m *Machine) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status
}

// Watch has f called at every event, from the control goroutine or whoever caused it. f must not block.
func (m *Machine) Watch(f func(Event)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watch = append(m.watch[:len(m.watch):len(m.watch)], f)
}

func (m *Machine) tell(e Event) {
	m.mu.Lock()
	watch := m.watch
	m.mu.Unlock()
	for _, f := range watch {
		f(e)
	}
}

// Wait returns when the machine has ended: nil for a power-off, a quit or a reset under -no-reboot.
func (m *Machine) Wait() error {
	<-m.ended
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// Ended is closed when the machine has ended.
func (m *Machine) Ended() <-chan struct{} { return m.ended }

// ErrEnded is what those get who want something of a machine that has ended.
var ErrEnded = errors.New("machine: it has ended")

// State reads a processor's registers. The processor is interrupted for it.
func (m *Machine) State(cpu int, s *x86.State) error {
	var err error
	if !m.Do(cpu, func(c accel.VCPU) { err = c.Get(s) }) {
		return ErrEnded
	}
	return err
}
