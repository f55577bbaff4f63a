package cpu

import (
	"sync"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// stepper runs single instructions in a processor of its own.
type stepper struct {
	cfg accel.Config

	mu  sync.Mutex // guards everything below
	cpu *CPU       // over the Spaces of the last step
}

// NewStepper returns a processor of the given model (and feature switches) that runs one instruction at a time in a state that it is given: for
// accelerators that meet instructions they cannot run. Its time-stamp counter stands still.
func NewStepper(model string, features map[string]bool) (accel.Stepper, error) {
	if _, err := newModel(model, features); err != nil {
		return nil, err
	}
	return &stepper{cfg: accel.Config{Model: model, Features: features, Clock: clock.NewManual()}}, nil
}

// Step implements accel.Stepper.
func (p *stepper) Step(s *x86.State, mem, ports *memory.Space) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.over(mem, ports); err != nil {
		return err
	}
	c := p.cpu
	c.setState(s)
	c.syncBases()
	c.stepState()
	apic, tpr := s.APICBase, s.CR8
	c.getState(s)
	s.APICBase, s.CR8 = apic, tpr
	return nil
}

// over makes sure that there is a processor over these Spaces.
func (p *stepper) over(mem, ports *memory.Space) error {
	if p.cpu != nil {
		if p.cpu.mem == mem && p.cpu.ports == ports {
			return nil
		}
		p.cpu.closeSys()
		p.cpu = nil
	}
	cfg := p.cfg
	cfg.Memory, cfg.Ports = mem, ports
	vm, err := New().NewVM(cfg)
	if err != nil {
		return err
	}
	c, err := vm.NewVCPU(0, mem, nil)
	if err != nil {
		return err
	}
	p.cpu = c.(*CPU)
	return nil
}

// stepState takes what a loaded state was about to deliver, or runs one instruction with the exception it may raise.
func (c *CPU) stepState() {
	if c.sys.injecting {
		if !c.takeInjected() {
			c.halted = true
		}
		return
	}
	if c.stepFaults() && !c.deliver() {
		c.halted = true
	}
}

// stepFaults runs one instruction; true: it raised the exception in c.exc.
func (c *CPU) stepFaults() (faulted bool) {
	defer func() {
		if r := recover(); r != nil {
			if r != any(&c.exc) {
				panic(r)
			}
			c.unwound()
			faulted = true
		}
	}()
	c.step()
	return false
}
