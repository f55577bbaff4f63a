package xhci

import "math/bits"

// Bits of CRCR (5.4.5).
const (
	crCycle   = 1 << 0
	crStop    = 1 << 1
	crAbort   = 1 << 2
	crRunning = 1 << 3
)

// maxLinks bounds how many Link TRBs may follow one another.
const maxLinks = 32

// commandRing is the Command Ring (4.6), whose worker does one command after the other.
type commandRing struct {
	worker
	deq     uint64
	cycle   bool
	rung    bool // there may be commands
	running bool // CRR
	stop    code // CS or CA have been written: what the event says; 0: no
	aborted bool // the command at work is to end soon, with Command Aborted
	busy    bool // a command is at work
}

func (r *commandRing) reset() {
	*r = commandRing{worker: r.worker, busy: r.busy}
}

// writeLow is a write to CRCR's lower half. Pointer and cycle state are taken only while the ring stands.
func (r *commandRing) writeLow(c *Controller, v uint32) {
	if r.running {
		switch {
		case v&crAbort != 0:
			r.stop, r.aborted = codeCommandStopped, r.busy
		case v&crStop != 0:
			r.stop = codeCommandStopped
		default:
			return
		}
		c.cond.Broadcast() // a command may be waiting for a device
		if !r.active {
			r.end(c)
		}
		return
	}
	r.deq = r.deq>>32<<32 | uint64(v&^0x3f)
	r.cycle = v&crCycle != 0
}

func (r *commandRing) writeHigh(v uint32) {
	if !r.running {
		r.deq = r.deq&0xffffffff | uint64(v)<<32
	}
}

// end stops the ring, and says so with an event that points at the next command.
func (r *commandRing) end(c *Controller) {
	c.post(0, trb{param: r.deq, status: uint32(r.stop) << 24, control: control(kindCompletion, 0)}, false)
	r.running, r.rung, r.stop, r.aborted = false, false, 0, false
}

// runCommands is the worker.
func (c *Controller) runCommands() {
	r := &c.cmd
	for {
		if r.stop != 0 {
			r.end(c)
		}
		if !r.rung || !c.runs() {
			return
		}
		at, t, ok := c.nextCommand()
		if !ok {
			r.rung = false
			return
		}
		r.busy = true
		c.execute(at, t)
		r.busy = false
	}
}

// nextCommand takes a command off the ring.
func (c *Controller) nextCommand() (at uint64, t trb, ok bool) {
	r := &c.cmd
	for range maxLinks {
		t, ok := c.load(r.deq)
		if !ok {
			c.fail("the command ring")
			return 0, t, false
		}
		if t.control&trbCycle != 0 != r.cycle {
			return 0, t, false
		}
		if t.kind() != kindLink {
			at = r.deq
			r.deq += trbSize
			return at, t, true
		}
		if t.control&trbIOC != 0 {
			c.post(0, trb{param: r.deq, status: uint32(codeSuccess) << 24, control: control(kindCompletion, 0)}, false)
		}
		r.deq = t.param &^ 0xf
		if t.control&trbToggle != 0 {
			r.cycle = !r.cycle
		}
	}
	return 0, t, false
}

// result is what a Command Completion Event says.
type result struct {
	code code
	slot int
}

// execute carries out a command and reports its end. Whatever waits in it lets go of mu: a reset meanwhile means that nobody wants to know.
func (c *Controller) execute(at uint64, t trb) {
	if c.vendor(at, t) {
		return
	}
	res := c.dispatch(t)
	if c.wantReset || !c.cmd.running {
		return
	}
	if c.cmd.aborted {
		res.code, c.cmd.aborted = codeCommandAborted, false
	}
	c.post(0, trb{param: at, status: uint32(res.code) << 24, control: control(kindCompletion, uint32(res.slot)<<24)}, false)
}

func (c *Controller) dispatch(t trb) result {
	switch t.kind() {
	case kindNoOpCommand:
		return result{codeSuccess, 0}
	case kindEnableSlot:
		return c.enableSlot()
	case kindDisableSlot, kindAddressDevice, kindConfigure, kindEvaluate, kindResetDevice:
	case kindResetEndpoint, kindStopEndpoint, kindSetDequeue:
		return c.endpointCommand(t)
	case kindPortBandwidth:
		return result{c.portBandwidth(t), t.slot()}
	default:
		return result{codeTRB, 0}
	}
	s := c.slot(t.slot())
	if s == nil {
		return result{codeSlotNotEnabled, t.slot()}
	}
	res := result{0, t.slot()}
	switch t.kind() {
	case kindDisableSlot:
		res.code = c.disableSlot(s)
	case kindAddressDevice:
		res.code = c.addressDevice(s, t)
	case kindConfigure:
		res.code = c.configure(s, t)
	case kindEvaluate:
		res.code = c.evaluate(s, t)
	case kindResetDevice:
		res.code = c.resetDevice(s)
	}
	return res
}

func (c *Controller) endpointCommand(t trb) result {
	res := result{codeTRB, t.slot()}
	s := c.slot(t.slot())
	switch {
	case s == nil:
		res.code = codeSlotNotEnabled
	case t.dci() == 0:
	case s.eps[t.dci()] == nil:
		res.code = codeNotEnabled
	default:
		e := s.eps[t.dci()]
		switch t.kind() {
		case kindResetEndpoint:
			res.code = c.resetEndpoint(e, t)
		case kindStopEndpoint:
			res.code = c.stopEndpoint(e)
		case kindSetDequeue:
			res.code = c.setDequeue(e, t)
		}
	}
	return res
}

// portBandwidth is Get Port Bandwidth (4.6.15): how much is free, in per cent, of each port that has the given speed.
func (c *Controller) portBandwidth(t trb) code {
	speed := t.control >> 16 & 0xf
	out := make([]byte, len(c.ports)+1)
	for _, p := range c.ports {
		switch {
		case speed == 0 || speed > speedSuper:
			return codeParameter
		case p.usb3 != (speed == speedSuper):
		case speed == speedSuper:
			out[p.n] = 90
		default:
			out[p.n] = 80
		}
	}
	if _, err := c.dma.WriteAt(out, int64(t.param&^0xf)); err != nil {
		return codeParameter
	}
	return codeSuccess
}

// What NEC's firmware answers.
const (
	necFirmware = 0x3034
	necKey      = 0x49434878
)

// vendor carries out the commands of NEC's, which have an event of their own; false: it is none of them.
func (c *Controller) vendor(at uint64, t trb) bool {
	if c.opt.Model != NEC {
		return false
	}
	e := trb{param: at}
	switch t.kind() {
	case kindNECFirmware:
		e.status, e.control = uint32(codeSuccess)<<24|necFirmware, control(kindNECCompletion, 0)
	case kindNECChallenge:
		v := necAnswer(uint32(t.param>>32), uint32(t.param))
		e.status, e.control = v&0xffff<<24, control(kindNECCompletion, v>>24&0x1f<<16|v>>16<<24)
	default:
		return false
	}
	c.post(0, e, false)
	return true
}

// necAnswer is what the firmware makes of the driver's challenge.
func necAnswer(hi, lo uint32) uint32 {
	v := bits.RotateLeft32(lo-necKey, int(32-hi>>8&0x1f))
	v += bits.RotateLeft32(lo+necKey, int(hi&0x1f))
	v -= bits.RotateLeft32(hi^necKey, int(lo>>16&0x1f))
	return ^v
}

// doorbell is a write to a doorbell register (5.6).
func (c *Controller) doorbell(n int, v uint32) {
	if c.usbcmd&cmdRun == 0 || c.usbsts&(stsHalted|stsCNR) != 0 {
		return
	}
	if n == 0 {
		if v&0xff == 0 {
			c.cmd.rung, c.cmd.running = true, true
			c.kick(&c.cmd.worker)
		}
		return
	}
	s, dci := c.slot(n), int(v&0xff)
	if s != nil && dci > 0 && dci < len(s.eps) && s.eps[dci] != nil {
		s.eps[dci].bell(int(v >> 16))
	}
}
