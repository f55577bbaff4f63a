package uas

import (
	"encoding/binary"

	"govm-desktop/hw/scsi"
	"govm-desktop/hw/usb"
)

// Information units (6.2).
const (
	iuCommand    = 0x01
	iuSense      = 0x03
	iuResponse   = 0x04
	iuManagement = 0x05
	iuReadReady  = 0x06
	iuWriteReady = 0x07

	commandSize    = 32
	managementSize = 16
)

// Response codes (table 18).
const (
	responseComplete     = 0x00
	responseInvalid      = 0x02
	responseNotSupported = 0x04
	responseSucceeded    = 0x08
	responseBadUnit      = 0x09
	responseOverlapped   = 0x0a
)

// Task management functions (table 16).
const (
	abortTask    = 0x01
	abortTaskSet = 0x02
	clearTaskSet = 0x04
	unitReset    = 0x08
	nexusReset   = 0x10
	queryTask    = 0x80
	queryTaskSet = 0x81
)

const statusTaskSetFull = 0x28

// streams reports whether tags are streams.
func (d *Device) streams() bool { return d.SpeedNow() >= usb.Super }

// say queues an information unit for the host.
func (d *Device) say(tag uint16, data []byte) {
	m := message{data: data}
	if d.streams() {
		m.stream = tag
	}
	d.status = append(d.status, m)
}

// answer gives queued units to transfers that wait, those of a stream in order.
func (d *Device) answer() {
	p := d.Pipe(epStatus)
	var rest []message
	held := map[uint16]bool{}
	for _, m := range d.status {
		t := (*usb.Packet)(nil)
		if !held[m.stream] {
			t = p.HeadOf(m.stream)
		}
		if t == nil {
			held[m.stream] = true
			rest = append(rest, m)
			continue
		}
		if p.Give(t, m.data) < len(m.data) {
			p.Finish(t, usb.Babble)
		} else {
			p.Finish(t, usb.OK)
		}
	}
	d.status = rest
}

// respond answers a task management function, or a unit that is none.
func (d *Device) respond(tag uint16, code byte) {
	d.say(tag, []byte{iuResponse, 0, byte(tag >> 8), byte(tag), 0, 0, 0, code})
}

// commands takes what the command pipe brings. A host that neither fetches its answers nor heeds the depth of the queue waits.
func (d *Device) commands() (any bool) {
	p := d.Pipe(epCommand)
	for t := p.Head(); t != nil && len(d.status) < 2*maxTasks; t = p.Head() {
		b := make([]byte, min(t.Data.Len(), 2*commandSize))
		p.Take(t, b)
		p.Skip(t, t.Room())
		p.Finish(t, usb.OK)
		any = true
		if len(b) < 4 {
			continue
		}
		tag := binary.BigEndian.Uint16(b[2:])
		switch {
		case d.streams() && (tag == 0 || tag > 1<<streamBits):
			// there is no stream to complain on
		case b[0] == iuCommand && len(b) >= commandSize && b[6]&0xfc == 0:
			d.command(tag, b)
		case b[0] == iuManagement && len(b) >= managementSize:
			d.manage(tag, b)
		default:
			d.respond(tag, responseInvalid)
		}
	}
	return any
}

func (d *Device) find(tag uint16) *task {
	for _, t := range d.tasks {
		if t.tag == tag {
			return t
		}
	}
	return nil
}

// command begins a task.
func (d *Device) command(tag uint16, b []byte) {
	switch {
	case d.find(tag) != nil:
		d.abort(func(t *task) bool { return t.tag == tag })
		d.respond(tag, responseOverlapped)
		return
	case len(d.tasks) >= maxTasks:
		d.say(tag, sense(tag, statusTaskSetFull, scsi.Good))
		return
	}
	t := &task{tag: tag}
	d.target.Start(&t.req, lun(b[8:16]), b[16:32])
	if t.req.Dir == scsi.NoData || t.req.Left() == 0 {
		t.phase = phaseEnd
	}
	d.tasks = append(d.tasks, t)
}

// manage carries out a task management function.
func (d *Device) manage(tag uint16, b []byte) {
	target, unit := binary.BigEndian.Uint16(b[6:]), lun(b[8:16])
	all := func(*task) bool { return true }
	switch b[4] {
	case abortTask:
		d.abort(func(t *task) bool { return t.tag == target })
		d.respond(tag, responseComplete)
	case abortTaskSet, clearTaskSet:
		d.abort(all)
		d.respond(tag, responseComplete)
	case unitReset, nexusReset:
		if b[4] == unitReset && (unit < 0 || unit >= len(d.target.Units)) {
			d.respond(tag, responseBadUnit)
			return
		}
		d.abort(all)
		for i, u := range d.target.Units {
			if b[4] == nexusReset || i == unit {
				u.Reset()
			}
		}
		d.respond(tag, responseComplete)
	case queryTask, queryTaskSet:
		code := byte(responseComplete)
		if b[4] == queryTaskSet && len(d.tasks) > 0 || b[4] == queryTask && d.find(target) != nil {
			code = responseSucceeded
		}
		d.respond(tag, code)
	default:
		d.respond(tag, responseNotSupported)
	}
}

// sense is the sense unit, which ends a task.
func sense(tag uint16, status byte, s scsi.Sense) []byte {
	b := make([]byte, 16, 34)
	b[0], b[2], b[3], b[6] = iuSense, byte(tag>>8), byte(tag), status
	if s != scsi.Good {
		data := s.Fixed()
		b[15] = byte(len(data))
		b = append(b, data...)
	}
	return b
}

// step does the next thing for a task, if there is something to do.
func (d *Device) step(t *task, worker bool) bool {
	switch t.phase {
	case phaseData:
		return d.data(t, worker)
	case phaseEnd:
		switch {
		case t.req.Quick():
		case !worker:
			d.cond.Broadcast()
			return false
		case !d.outside(t, t.req.Finish):
			return true
		}
		t.phase = phaseStatus
		return true
	}
	d.finish(t)
	return true
}

// finish ends a task with its status. A transfer of its data that still waits has nothing to wait for.
func (d *Device) finish(t *task) {
	if d.streams() {
		for _, ep := range []uint8{epIn, epOut} {
			p := d.Pipe(ep)
			for x := p.HeadOf(t.tag); x != nil && t.req.Status == scsi.StatusGood; x = p.HeadOf(t.tag) {
				p.Finish(x, usb.OK)
			}
		}
	}
	d.say(t.tag, sense(t.tag, t.req.Status, t.req.Sense))
	d.abort(func(x *task) bool { return x == t })
}

// data moves what a task has to move by the transfer that waits for it.
func (d *Device) data(t *task, worker bool) bool {
	in := t.req.Dir == scsi.In
	ep, dir := uint8(epOut), 1
	if in {
		ep, dir = epIn, 0
	}
	p, stream := d.Pipe(ep), uint16(0)
	if d.streams() {
		stream = t.tag
	} else if !d.ready(t, dir) {
		return false
	}
	x := p.HeadOf(stream)
	if x == nil {
		return false
	}
	moved := 0
	move := func() { moved = transfer(&t.req, x, in) }
	switch {
	case in && t.req.Quick():
		move()
		p.Skip(x, moved)
	case !worker:
		d.cond.Broadcast()
		return false
	default:
		p.Claim(x)
		same := d.outside(t, move)
		if !p.Release(x, moved) || !same {
			return true
		}
	}
	if t.req.Left() == 0 {
		t.phase = phaseEnd
		if d.turn[dir] == t {
			d.turn[dir] = nil
		}
	}
	if t.req.Left() == 0 || x.Room() == 0 {
		p.Finish(x, usb.OK)
	}
	return true
}

// ready gives a task its turn at the data pipe, and tells the host.
func (d *Device) ready(t *task, dir int) bool {
	if d.turn[dir] == nil {
		d.turn[dir] = t
	}
	if d.turn[dir] == t && !t.ready {
		t.ready = true
		d.say(t.tag, []byte{[2]byte{iuReadReady, iuWriteReady}[dir], 0, byte(t.tag >> 8), byte(t.tag)})
		d.answer()
	}
	return d.turn[dir] == t
}

// transfer has a command move as much of a transfer as it wants.
func transfer(r *scsi.Request, x *usb.Packet, in bool) (moved int) {
	for piece := range x.Data.Pieces(x.Moved(), x.Room()) {
		k := 0
		if in {
			k = r.Read(piece)
		} else {
			k = r.Write(piece)
		}
		moved += k
		if k < len(piece) {
			break
		}
	}
	return moved
}
