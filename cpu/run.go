package cpu

import (
	"errors"
	"sync"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// Soft is the software CPU as an accelerator.
type Soft struct {
	// Generic runs every instruction by its row's exec function, not by the loop's specialised forms: the oracle of tests.
	Generic bool
}

// New returns the accelerator.
func New() *Soft { return &Soft{} }

// Name implements accel.Accelerator.
func (s *Soft) Name() string { return "soft" }

// NewVM implements accel.Accelerator.
func (s *Soft) NewVM(cfg accel.Config) (accel.VM, error) {
	if cfg.Memory == nil || cfg.Ports == nil || cfg.Clock == nil {
		return nil, errors.New("cpu: a VM needs memory, ports and a clock")
	}
	sys, err := newVMSys(cfg)
	if err != nil {
		return nil, err
	}
	v := &VM{cfg: cfg, sys: sys, watched: make(map[*memory.Region]bool), holders: make(holders)}
	v.table = newDecoder(rows(), sys.has)
	v.table.special = !s.Generic
	return v, nil
}

// VM is the processors of one guest.
type VM struct {
	cfg   accel.Config
	sys   *vmSys
	table *decoder

	mu      sync.Mutex // guards everything below
	watched map[*memory.Region]bool
	holders holders
}

// NewVCPU implements accel.VM.
func (v *VM) NewVCPU(id int, mem *memory.Space, intr accel.Interrupts) (accel.VCPU, error) {
	c := &CPU{id: id, vm: v, table: v.table, mem: mem, ports: v.cfg.Ports, clk: v.cfg.Clock, intr: intr}
	c.counted, _ = v.cfg.Clock.(*clock.Counted)
	c.initBlocks()
	c.initSys()
	return c, nil
}

// IRQChip implements accel.VM: the board brings its own.
func (v *VM) IRQChip() hw.IRQChip { return nil }

// Close implements accel.VM.
func (v *VM) Close() error { return nil }

// Close implements accel.VCPU.
func (c *CPU) Close() error {
	c.closeSys()
	return nil
}

// OnWake implements accel.VCPU.
func (c *CPU) OnWake(f func()) { c.wake = f }

// Kick implements accel.VCPU.
func (c *CPU) Kick() { c.request(reqKick) }

// Signal implements accel.VCPU.
func (c *CPU) Signal(s accel.Signal, vector uint8) {
	switch s {
	case accel.NMI:
		c.request(reqNMI)
	case accel.SMI:
		c.request(reqSMI)
	case accel.INIT:
		c.request(reqINIT)
	case accel.SIPI:
		c.sipi.Store(uint32(vector))
		c.request(reqSIPI)
	case accel.Intr:
		c.request(reqIntr)
	}
}

func (c *CPU) request(bits uint32) {
	c.requests.Or(bits)
	if c.wake != nil {
		c.wake()
	}
}

// Instructions is how many instructions have been retired. Only the vCPU's own goroutine may ask while it runs.
func (c *CPU) Instructions() uint64 { return c.retired }

// Get implements accel.VCPU.
func (c *CPU) Get(s *x86.State) error {
	c.getState(s)
	return nil
}

// Set implements accel.VCPU.
func (c *CPU) Set(s *x86.State) error {
	c.setState(s)
	c.syncBases()
	return nil
}

// Forget implements accel.Forgetter.
func (c *CPU) Forget() { c.dropAll() }

// syncBases copies the bases of FS and GS to where specialised code finds them.
func (c *CPU) syncBases() {
	c.gpr[regFS], c.gpr[regGS] = c.seg[x86.FS].Base, c.seg[x86.GS].Base
}

// Run implements accel.VCPU.
func (c *CPU) Run() (accel.Exit, error) {
	for {
		exit, done := c.runUntilFault()
		if done {
			return exit, nil
		}
		if !c.deliver() {
			return accel.Shutdown, nil
		}
		c.syncBases()
	}
}

// runUntilFault runs until the machine must decide (done), or an instruction faults; then c.rip and c.nextRIP are the instruction's.
func (c *CPU) runUntilFault() (exit accel.Exit, done bool) {
	defer func() {
		if r := recover(); r != nil {
			if r != any(&c.exc) {
				panic(r)
			}
			c.unwound()
		}
	}()
	return c.turns(), true
}

// unwound restores where we were when an exception left the loop.
func (c *CPU) unwound() {
	in := c.current()
	if in == nil {
		return
	}
	c.cur = 0
	c.retire(uint64(in.num))
	c.rip = c.gpr[regRIP] + uint64(in.off)
	if c.mode&mode64 == 0 {
		c.rip = uint64(uint32(c.rip))
	}
	c.nextRIP = c.rip + uint64(in.len)
	if c.exc.vector == x86.ExcGP && in.code > codeStale && in.stackFault(c) {
		c.exc.vector = x86.ExcSS
	}
}

// stackFault reports whether an address that is not canonical makes #SS of a specialised instruction.
func (in *inst) stackFault(c *CPU) bool {
	if in.attr&attrMem != 0 && !canonical(c.ea(in)) {
		return in.seg == x86.SS
	}
	w := &c.table.rows[in.row]
	return (w.attr&rowDef64 != 0 || w.name == "call" || w.name == "ret") && (!canonical(c.gpr[x86.RSP]) || !canonical(c.gpr[x86.RSP]-8))
}

// retire counts instructions.
func (c *CPU) retire(n uint64) {
	c.retired += n
	if c.counted != nil {
		c.counted.Advance(clock.Time(n) * instTime)
	}
}

// instTime is what one instruction takes on a clock that counts them.
const instTime = 8

// turns runs guest code. Each turn is an event, one instruction that needs care, or a run of blocks.
func (c *CPU) turns() accel.Exit {
	for {
		if c.requests.Load()&reqCode != 0 {
			c.requests.And(^reqCode)
			c.dropWritten()
		}
		if r := c.requests.Load(); (r != 0 || c.halted || c.waitSIPI) && !c.shadow && (c.halted || !c.dbg.holds(r)) {
			if r&reqKick != 0 {
				c.requests.And(^reqKick)
				return accel.Kicked
			}
			if r&reqFlush != 0 && c.vm.sys.cpus > 1 {
				c.tellFastStores()
			}
			exit, leave := c.events()
			c.syncBases()
			if leave {
				return exit
			}
			if c.halted || c.waitSIPI {
				return accel.Halted
			}
			continue
		}
		if c.dbg.on {
			if stop, alone := c.debugTurn(); stop {
				return accel.Debug
			} else if alone {
				continue
			}
		}
		if c.slow() {
			c.step()
			continue
		}
		c.runBlocks()
	}
}

// step runs one instruction with all that debugging and shadows ask for.
func (c *CPU) step() {
	c.nextRIP = c.rip
	c.before()
	c.single = true
	b := c.findOne()
	in := &b.insts[0]
	c.gpr[regRIP] = c.rip
	c.nextRIP = c.rip + uint64(in.len)
	in.exec(c, in)
	c.rip = c.nextRIP
	c.syncBases()
	c.retire(1)
	c.after()
}

// findOne decodes the one instruction at c.rip anew.
func (c *CPU) findOne() *block {
	lin := c.linRIP()
	if c.rip > c.fetchLimit() {
		c.raiseGP(0)
	}
	p := c.fetchPage(lin)
	defer func() { c.single = false }()
	return c.build(lin, p, 0)
}
