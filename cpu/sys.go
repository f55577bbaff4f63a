package cpu

import (
	"fmt"
	"sync"
	"sync/atomic"

	"govm-desktop/accel"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// vmSys is what the processors of a VM share on the system side.
type vmSys struct {
	model *model
	cpus  int // the number there will be, for CPUID

	a20Off atomic.Bool // the board holds address line 20 low

	// split serialises locked accesses that no host instruction makes in one piece.
	split sync.Mutex

	mu  sync.Mutex // guards everything below
	all []*CPU
}

func newVMSys(cfg accel.Config) (*vmSys, error) {
	m, err := newModel(cfg.Model, cfg.Features)
	if err != nil {
		return nil, fmt.Errorf("cpu: %w", err)
	}
	return &vmSys{model: m, cpus: max(1, cfg.CPUs)}, nil
}

// has reports whether a feature is on.
func (s *vmSys) has(f feature) bool { return s.model.on[f] }

// each runs f for every processor there is.
func (s *vmSys) each(f func(*CPU)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.all {
		f(c)
	}
}

// setA20 lets address line 20 through, or holds it low. Any goroutine may call it.
func (s *vmSys) setA20(on bool) {
	if s.a20Off.Swap(!on) == !on {
		return
	}
	s.each(func(c *CPU) { c.requests.Or(reqFlush) })
}

// sysState is the processor's state that only the system side knows.
type sysState struct {
	// Events that came and cannot be taken yet; events and rearm look at them.
	intrHeld bool
	nmiHeld  bool
	smiHeld  bool

	movSS    bool   // the shadow is one of MOV SS or POP SS: it holds debug traps too
	hadRF    bool   // RF was set when it began
	ext      uint32 // 1 while an event from outside the program is delivered: bit 0 of error codes
	stepping bool   // TF was set when the instruction under way began
	dbPend   uint64 // DR6 bits of a debug trap that comes after the instruction
	dataBP   bool   // DR7 has a data breakpoint armed, or a debugger watches data
	codeBP   bool   // or an instruction breakpoint
	ioBP     bool

	inject    event // of a loaded state
	injecting bool

	taskFaults int // faults in task switches that are being delivered

	smmNMI    bool // NMIs were masked when SMM was entered
	wasHalted bool // SMI came in HLT: RSM goes back into it
	onSMM     func(in bool)
	dead      bool // after a triple fault
	listener  *mapListener
}

// mapListener asks for a flush when the map of memory changes.
type mapListener struct{ c *CPU }

// Changed implements memory.Listener.
func (l *mapListener) Changed(_, _ *memory.View) { l.c.requests.Or(reqFlush) }

// initSys brings the system side of a new processor up. Preconditions: vm, id, mem, ports, clk and intr are set.
func (c *CPU) initSys() {
	c.initMMU()
	c.resetHard()
	c.sys.listener = &mapListener{c}
	c.mem.Listen(c.sys.listener)
	s := c.vm.sys
	s.mu.Lock()
	s.all = append(s.all, c)
	s.mu.Unlock()
}

// closeSys takes the processor out of its VM.
func (c *CPU) closeSys() {
	c.mem.Unlisten(c.sys.listener)
	s := c.vm.sys
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, x := range s.all {
		if x == c {
			s.all = append(s.all[:i:i], s.all[i+1:]...)
			return
		}
	}
}

// bsp reports whether this is the boot processor.
func (c *CPU) bsp() bool { return c.id == 0 }

// resetHard is power-on.
func (c *CPU) resetHard() {
	s := x86.Reset(c.bsp())
	s.TSC = c.readTSC()
	s.GPR[x86.RDX] = uint64(c.vm.sys.model.signature)
	c.requests.And(reqKick)
	c.resetFPU()
	c.getFPU(&s.FPU)
	c.setStateNoAPIC(&s)
}

// resetINIT is the effect of INIT (SDM volume 3, 9.1 and table 9-1): FPU, MSRs but EFER and the MTRRs stay, CR0.CD and NW are kept.
func (c *CPU) resetINIT() {
	cr0, m := c.cr0, c.msr
	s := x86.Reset(c.bsp())
	s.CR0 = cr0&(x86.CR0CD|x86.CR0NW) | x86.CR0ET
	s.TSC = c.readTSC()
	s.SMBase = c.smbase
	s.GPR[x86.RDX] = uint64(c.vm.sys.model.signature)
	c.getFPU(&s.FPU)
	smm := c.inSMM
	c.setStateNoAPIC(&s)
	m.efer = 0
	c.msr = m
	if smm {
		c.setSMM(false)
	}
	if c.intr != nil {
		c.intr.Reset()
	}
	c.updateMode()
	c.flushTLB(true)
}

// SetA20 lets address line 20 through, or holds it low: the board's gate. Any goroutine may call it, with its locks held.
func (v *VM) SetA20(on bool) { v.sys.setA20(on) }
