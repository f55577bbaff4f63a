package machine

import (
	"fmt"

	"govm-desktop/accel"
	"govm-desktop/hw"
	"govm-desktop/x86"
)

// Cont lets the machine run on. After a power-off or an internal error it must be Reset first.
func (m *Machine) Cont() error {
	m.world.Lock()
	defer m.world.Unlock()
	m.mu.Lock()
	switch m.status {
	case Running:
		m.mu.Unlock()
		return nil
	case ShutDown, InternalError:
		s := m.status
		m.mu.Unlock()
		return fmt.Errorf("machine: state is %s: system_reset it first", s)
	case Suspended:
		m.mu.Unlock()
		return m.wakeLocked()
	}
	if m.closing {
		m.mu.Unlock()
		return ErrEnded
	}
	m.status = Running
	m.mu.Unlock()
	m.resume()
	m.tell(Event{Kind: EventResume})
	return nil
}

// Stop pauses the machine: when it returns no processor runs and virtual time stands still.
func (m *Machine) Stop() {
	m.world.Lock()
	defer m.world.Unlock()
	if m.halt(Paused) {
		m.tell(Event{Kind: EventStop})
	}
}

// halt parks a running machine with a new status. Preconditions: world is held.
func (m *Machine) halt(s Status) bool {
	m.mu.Lock()
	was := m.status
	if was != Running {
		if was == Prelaunch && s != Paused || s == ShutDown || s == InternalError {
			m.status = s
		}
		m.mu.Unlock()
		return false
	}
	m.status = s
	m.mu.Unlock()
	m.park()
	m.stopClock()
	return true
}

// resume undoes the parking of halt. Preconditions: world is held.
func (m *Machine) resume() {
	if c, ok := m.opt.Clock.(HostClock); ok {
		c.Start()
	}
	m.unpark()
}

func (m *Machine) stopClock() {
	if c, ok := m.opt.Clock.(HostClock); ok {
		c.Stop()
	}
}

// park stops the processors and waits until they stand. Parkings nest.
func (m *Machine) park() {
	m.mu.Lock()
	m.parked++
	m.mu.Unlock()
	for _, v := range m.cpus {
		v.kick()
	}
	m.awaitParked()
}

func (m *Machine) awaitParked() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.active > 0 {
		m.cond.Wait()
	}
}

func (m *Machine) unpark() {
	m.mu.Lock()
	m.parked--
	m.cond.Broadcast()
	m.mu.Unlock()
}

// Paused runs f while the whole machine stands still: processors parked, clock stopped, devices drained.
// It must not be called from a processor's goroutine or by a device.
func (m *Machine) Paused(f func()) {
	m.world.Lock()
	defer m.world.Unlock()
	m.stopClock()
	m.park()
	m.drain()
	f()
	if c, ok := m.opt.Clock.(HostClock); ok && m.Status() == Running {
		c.Start()
	}
	m.unpark()
}

func (m *Machine) drain() {
	for _, n := range m.devices {
		if d, ok := n.dev.(hw.Drainer); ok {
			d.Drain()
		}
	}
}

// The wishes below may come from a processor in the middle of a register write, so they only leave word for the control goroutine.

// RequestReset resets the machine soon. The processor that asks for it stands still at once.
func (m *Machine) RequestReset(guest bool, reason string) {
	m.request(func(a *asks) { a.reset = reason; m.held = m.held || guest })
	if guest {
		m.kickAll()
	}
}

// RequestShutdown switches the machine off soon, as the guest wishes.
func (m *Machine) RequestShutdown(reason string) {
	m.request(func(a *asks) { a.shutdown = reason; m.held = true })
	m.kickAll()
}

// RequestSuspend puts the machine to sleep (ACPI S3).
func (m *Machine) RequestSuspend() { m.request(func(a *asks) { a.suspend = "guest" }) }

// RequestWakeup ends a sleep.
func (m *Machine) RequestWakeup() { m.request(func(a *asks) { a.wake = "host" }) }

// SetActions changes what becomes of resets and of power-off, as Options has it.
func (m *Machine) SetActions(noReboot, noShutdown bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.noReboot, m.noShutdown = noReboot, noShutdown
}

// Actions is what SetActions has set.
func (m *Machine) Actions() (noReboot, noShutdown bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.noReboot, m.noShutdown
}

// Quit ends the machine.
func (m *Machine) Quit(reason string) { m.request(func(a *asks) { a.quit = reason }) }

// PowerButton presses the button.
func (m *Machine) PowerButton() {
	m.tell(Event{Kind: EventPowerdown})
	m.board.PowerButton()
}

func (m *Machine) request(f func(*asks)) {
	m.mu.Lock()
	f(&m.ask)
	m.mu.Unlock()
	select {
	case m.requests <- struct{}{}:
	default:
	}
}

func (m *Machine) kickAll() {
	for _, v := range m.cpus {
		v.cpu.Kick()
	}
}

// shutDown is a processor's shutdown state after a triple fault: the board of a PC answers it with a reset.
func (m *Machine) shutDown(v *vcpu) {
	m.mu.Lock()
	v.dead = true
	first := !m.tripled
	m.tripled = true
	m.mu.Unlock()
	if first { // a guest may do it over and over
		m.log.Warn("processor shut down: resetting the machine; more of these go unsaid", "cpu", v.id)
	}
	m.RequestReset(true, "guest-reset")
}

// fail stops the machine for want of a processor that can go on.
func (m *Machine) fail(v *vcpu, err error) {
	m.log.Error("processor failed", "err", err)
	m.mu.Lock()
	v.dead = true
	m.err = err
	m.mu.Unlock()
	m.RequestShutdown("internal-error")
}

// control carries out what was asked for, one thing at a time.
func (m *Machine) control() {
	for range m.requests {
		m.mu.Lock()
		a := m.ask
		m.ask = asks{}
		noReboot, noShutdown := m.noReboot, m.noShutdown
		m.mu.Unlock()
		if a.quit != "" || a.reset != "" && noReboot || a.shutdown != "" && !noShutdown {
			m.end(a)
			return
		}
		switch {
		case a.shutdown != "":
			m.powerOff(a.shutdown)
		case a.reset != "":
			m.reset(a.reset)
		case a.suspend != "":
			m.suspend()
		case a.wake != "":
			m.wakeUp()
		}
		if a.debug != nil {
			m.stopForDebugger(*a.debug)
		}
		m.release()
	}
}

// release lets processors run again that stood still for the sake of a wish that is now carried out, unless another has come meanwhile.
func (m *Machine) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ask.reset == "" && m.ask.shutdown == "" && m.ask.debug == nil {
		m.held = false
		m.cond.Broadcast()
	}
}

func isGuest(reason string) bool { return len(reason) > 5 && reason[:5] == "guest" }

func (m *Machine) powerOff(reason string) {
	m.world.Lock()
	defer m.world.Unlock()
	s := ShutDown
	if reason == "internal-error" {
		s = InternalError
	}
	stopped := m.halt(s)
	m.tell(Event{Kind: EventShutdown, Guest: isGuest(reason), Reason: reason})
	if stopped {
		m.tell(Event{Kind: EventStop})
	}
}

func (m *Machine) reset(reason string) {
	m.world.Lock()
	defer m.world.Unlock()
	m.stopClock()
	m.park()
	if err := m.resetAll(hw.Hard); err != nil {
		m.log.Error("reset", "err", err)
	}
	m.mu.Lock()
	if m.status == ShutDown || m.status == InternalError {
		m.status, m.err = Paused, nil
	}
	if m.status == Suspended {
		m.status = Running
		m.parked--
	}
	running := m.status == Running
	m.mu.Unlock()
	m.tell(Event{Kind: EventReset, Guest: isGuest(reason), Reason: reason})
	if running {
		if c, ok := m.opt.Clock.(HostClock); ok {
			c.Start()
		}
	}
	m.unpark()
}

// suspend is ACPI S3: processors stand, memory stays, and a wake-up resets all but memory.
func (m *Machine) suspend() {
	m.world.Lock()
	defer m.world.Unlock()
	if m.halt(Suspended) {
		m.tell(Event{Kind: EventSuspend, Guest: true})
	}
}

func (m *Machine) wakeUp() {
	m.world.Lock()
	defer m.world.Unlock()
	if err := m.wakeLocked(); err != nil {
		m.log.Error("wake-up", "err", err)
	}
}

func (m *Machine) wakeLocked() error {
	if m.Status() != Suspended {
		return nil
	}
	m.board.WakeUp()
	if err := m.resetAll(hw.WakeUp); err != nil {
		return err
	}
	m.mu.Lock()
	m.status = Running
	m.mu.Unlock()
	m.resume()
	m.tell(Event{Kind: EventWakeup})
	return nil
}

// resetAll puts processors and devices in their reset state. Preconditions: the processors are parked and the clock stands.
func (m *Machine) resetAll(cause hw.Cause) error {
	m.drain()
	for _, l := range m.lines {
		l.Set(false)
	}
	for _, n := range m.devices {
		n.dev.Reset(cause)
	}
	for i := range m.cpus {
		var err error
		s := x86.Reset(i == 0)
		m.Do(i, func(c accel.VCPU) {
			if f, ok := c.(accel.Forgetter); ok {
				f.Forget()
			}
			err = c.Set(&s)
		})
		m.mu.Lock()
		m.cpus[i].dead = false
		m.mu.Unlock()
		if err != nil {
			return fmt.Errorf("machine: cpu %d: %w", i, err)
		}
	}
	for _, n := range m.devices {
		if s, ok := n.dev.(hw.Starter); ok {
			s.Start()
		}
	}
	return nil
}

// end closes the machine.
func (m *Machine) end(a asks) {
	m.world.Lock()
	defer m.world.Unlock()
	reason := a.quit
	switch {
	case reason != "":
	case a.reset != "":
		reason = a.reset
	default:
		reason = a.shutdown
	}
	m.tell(Event{Kind: EventShutdown, Guest: isGuest(reason), Reason: reason})
	m.stopClock()
	m.mu.Lock()
	m.closing = true
	m.parked++
	m.cond.Broadcast()
	m.mu.Unlock()
	for _, v := range m.cpus {
		v.kick()
	}
	m.wg.Wait()
	m.drain()
	close(m.ended)
}

// Close gives back what the accelerator holds. Preconditions: the machine has ended.
func (m *Machine) Close() error { return m.vm.Close() }
