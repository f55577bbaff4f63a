package cpu

import (
	"govm-desktop/accel"
	"govm-desktop/memory"
)

// debugger is what somebody outside the guest wants to be stopped for. It is apart from DR7, which is the guest's own.
type debugger struct {
	accel.Stops
	on     bool
	watch  bool // some point is a watchpoint: every instruction runs alone
	breaks bool // some point is a breakpoint
	// offsets has a bit for each place within a page where some breakpoint is. No block begins or goes on there, whichever of its mappings
	// the code is reached by: turns looks at each such instruction by itself.
	offsets [memory.PageSize / 64]uint64

	ran  bool // an instruction has been run alone since the last look
	hit  bool // and has touched a watchpoint
	stop accel.Stop
}

// SetStops implements accel.Debugger.
func (c *CPU) SetStops(s accel.Stops) error {
	had := c.dbg.breaks
	c.dbg = debugger{Stops: s, on: s.Step || len(s.Points) > 0}
	for _, p := range s.Points {
		if p.Kind != accel.BreakExec {
			c.dbg.watch = true
			continue
		}
		c.dbg.breaks = true
		at := p.Addr & pageMask
		c.dbg.offsets[at>>6] |= 1 << (at & 63)
	}
	if had || c.dbg.breaks {
		c.dropAll()
	}
	c.armBreakpoints()
	return nil
}

// Stopped implements accel.Debugger.
func (c *CPU) Stopped() accel.Stop { return c.dbg.stop }

// breaksAt reports whether no block may contain the instruction at a linear address.
func (d *debugger) breaksAt(lin uint64) bool {
	at := lin & pageMask
	return d.breaks && d.offsets[at>>6]>>(at&63)&1 != 0
}

// debugTurn is a turn of a processor that is being debugged. stop: Run returns; alone: an instruction has been run by itself.
func (c *CPU) debugTurn() (stop, alone bool) {
	d := &c.dbg
	ran := d.ran
	d.ran = false
	if d.hit {
		d.hit = false
		return true, false
	}
	lin := c.linRIP()
	for _, p := range d.Points {
		if p.Kind == accel.BreakExec && p.Addr == lin {
			d.stop = accel.Stop{Point: p, Found: true}
			return true, false
		}
	}
	if d.Step && ran {
		d.stop = accel.Stop{}
		return true, false
	}
	if !d.Step && !d.watch && !d.breaksAt(lin) {
		return false, false
	}
	d.ran = true // though it faults: then the handler's first instruction comes next
	c.step()
	return false, true
}

// holds reports whether requests wait while a debugger steps: a step shall not end in an interrupt's handler.
func (d *debugger) holds(requests uint32) bool {
	return d.Step && requests&^(reqIntr|reqNMI|reqSMI) == 0
}

// hitWatch notes a watchpoint that an access touches; Run ends after the instruction.
func (c *CPU) hitWatch(lin, size uint64, acc access) {
	for _, p := range c.dbg.Points {
		write := acc == accWrite
		if p.Kind == accel.BreakExec || p.Kind == accel.WatchWrite && !write || p.Kind == accel.WatchRead && write {
			continue
		}
		if p.Addr < lin+size && lin < p.Addr+p.Len {
			c.dbg.stop = accel.Stop{Point: p, Found: true, At: max(lin, p.Addr)}
			c.dbg.hit = true
			return
		}
	}
}
