package machine

import (
	"fmt"

	"govm-desktop/accel"
	"govm-desktop/x86"
)

// DebugStop says which processor has stopped for the debugger, and why.
type DebugStop struct {
	CPU int
	accel.Stop
}

// OnDebug sets what is called when the machine has stopped for a debugger: at a Point, or after a step. The status is Debugging then. f must
// not block.
func (m *Machine) OnDebug(f func(DebugStop)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.debug = f
}

// SetStops replaces what a processor stops for.
func (m *Machine) SetStops(cpu int, s accel.Stops) error {
	var err error
	ran := m.Do(cpu, func(c accel.VCPU) {
		d, ok := c.(accel.Debugger)
		if !ok {
			err = fmt.Errorf("machine: this accelerator cannot be debugged: use -accel soft")
			return
		}
		err = d.SetStops(s)
	})
	if !ran {
		return ErrEnded
	}
	return err
}

// SetState changes a processor's registers.
func (m *Machine) SetState(cpu int, s *x86.State) error {
	var err error
	if !m.Do(cpu, func(c accel.VCPU) { err = c.Set(s) }) {
		return ErrEnded
	}
	return err
}

// debugStop holds the processors until the control goroutine has stopped the machine. It is called on the processor's goroutine.
func (m *Machine) debugStop(v *vcpu) {
	d, ok := v.cpu.(accel.Debugger)
	if !ok {
		return
	}
	why := &DebugStop{v.id, d.Stopped()}
	m.request(func(a *asks) {
		if a.debug == nil { // the others' stops come again when they run on
			a.debug = why
		}
		m.held = true
	})
	m.kickAll()
}

func (m *Machine) stopForDebugger(d DebugStop) {
	m.world.Lock()
	defer m.world.Unlock()
	if m.halt(Debugging) {
		m.tell(Event{Kind: EventStop})
	}
	m.mu.Lock()
	f := m.debug
	m.mu.Unlock()
	if f != nil {
		f(d)
	}
}
