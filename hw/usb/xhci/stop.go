package xhci

// stopEndpoint is Stop Endpoint (4.6.9). What is with the device is called back and waited for; then come, in this order: the events of what has ended
// nevertheless, one Stopped event, and the completion of the command. What lies behind stays on the ring. A transfer that is begun again goes on at
// the byte that it had reached.
func (c *Controller) stopEndpoint(e *endpoint) code {
	if e.state != epRunning {
		return codeContextState
	}
	c.quiesce(e)
	if e.gone {
		return codeNotEnabled
	}
	if e.state != epRunning { // it has halted meanwhile
		return codeContextState
	}
	e.state = epStopped
	e.reportStop()
	e.show()
	return codeSuccess
}

// reportStop writes the one Stopped event: for the TD in progress, else the forced one between two TDs. Of many streams only one has it.
func (e *endpoint) reportStop() {
	var at *ring
	e.rings(func(r *ring) {
		if at == nil || r.begun && !at.begun {
			at = r
		}
	})
	switch {
	case at == nil: // no stream has been used
		e.c.post(0, trb{status: uint32(codeStoppedInvalid) << 24, control: control(kindTransferEvent, uint32(e.dci)<<16|uint32(e.slot.id)<<24)}, false)
	case at.begun:
		at.post(at.target, trb{param: at.deq, status: uint32(codeStopped)<<24 | uint32(at.left)&lengthMask}, false)
	default:
		at.post(at.target, trb{param: at.deq, status: uint32(codeStoppedInvalid) << 24}, false)
	}
}

// resetEndpoint is Reset Endpoint (4.6.8), which leaves the ring as it is. Data toggles, and Transfer State Preserve with them, are the device's.
func (c *Controller) resetEndpoint(e *endpoint, t trb) code {
	if e.state != epHalted {
		return codeContextState
	}
	c.quiesce(e)
	if e.gone {
		return codeNotEnabled
	}
	e.state = epStopped
	e.show()
	return codeSuccess
}

// setDequeue is Set TR Dequeue Pointer (4.6.10).
func (c *Controller) setDequeue(e *endpoint, t trb) code {
	if e.state != epStopped && e.state != epError {
		return codeContextState
	}
	c.quiesce(e) // of an endpoint in Error something may still be out
	if e.gone {
		return codeNotEnabled
	}
	r, id := e.ring, int(t.status>>16)
	if e.streams != nil {
		if id == 0 || id >= len(e.streams) {
			return codeStreamID
		}
		if t.param>>1&7 != streamPrimary {
			return codeStreamType
		}
		if r = e.streams[id]; r == nil {
			r = &ring{ep: e, stream: id}
			e.streams[id] = r
		}
	} else if id != 0 {
		return codeTRB
	}
	r.deq, r.cycle = t.param&^0xf, t.param&1 != 0
	r.inside, r.begun, r.skip, r.left, r.target, r.edtla = false, false, 0, 0, 0, 0
	if e.state == epError {
		e.state = epStopped
	}
	if e.streams != nil {
		e.showStream(id, r)
	}
	e.show()
	return codeSuccess
}
