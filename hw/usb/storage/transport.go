package storage

import (
	"encoding/binary"

	"govm-desktop/hw/scsi"
	"govm-desktop/hw/usb"
)

// step does the next thing, if there is something to do. worker says that it may take its time.
func (d *Device) step(worker bool) bool {
	if d.Config() == 0 {
		return false
	}
	in, out := d.Pipe(epIn), d.Pipe(epOut)
	switch d.phase {
	case phaseCommand:
		if t := out.Head(); t != nil {
			return d.command(in, out, t)
		}
	case phaseIn:
		if t := in.Head(); t != nil {
			return d.dataIn(in, t, worker)
		}
	case phaseOut:
		if t := out.Head(); t != nil {
			return d.dataOut(out, t, worker)
		}
	case phaseEnd:
		return d.end(worker)
	case phaseStatus:
		if t := in.Head(); t != nil {
			return d.status(in, t)
		}
	}
	return false
}

// command takes a command block wrapper.
func (d *Device) command(in, out *usb.Pipe, t *usb.Packet) bool {
	var w [cbwSize]byte
	size := t.Data.Len()
	out.Take(t, w[:])
	le := binary.LittleEndian
	n, lun := int(w[14]), int(w[13])
	if size != cbwSize || le.Uint32(w[:]) != cbwSignature || n < 1 || n > 16 || lun >= len(d.target.Units) || w[12]&^flagIn != 0 {
		d.phase = phaseInvalid
		out.Halt()
		in.Halt()
		return false
	}
	out.Finish(t, usb.OK)
	d.progress = progress{tag: le.Uint32(w[4:]), length: le.Uint32(w[8:]), left: le.Uint32(w[8:])}
	d.target.Start(&d.req, lun, cdb(w[15:15+n]))
	toHost := w[12]&flagIn != 0
	switch {
	case d.length == 0:
		d.broken = d.req.Dir != scsi.NoData
		d.phase = phaseEnd
	case toHost:
		d.broken = d.req.Dir == scsi.Out
		d.phase = phaseIn
	default:
		d.broken = d.req.Dir == scsi.In
		d.phase = phaseOut
	}
	return true
}

// cdb is the command block, filled up to its length where the host has cut zeros off (Windows sends some commands so).
func cdb(b []byte) []byte {
	if n := scsi.Length(b[0]); n > len(b) {
		b = append(b[:len(b):len(b)], make([]byte, n-len(b))...)
	}
	return b
}

// moves is how many bytes of a transfer the command is to move.
func (d *Device) moves(t *usb.Packet) int {
	if d.broken {
		return 0
	}
	return int(min(int64(t.Room()), int64(d.left), d.req.Left()))
}

// dataIn fills a transfer to the host.
func (d *Device) dataIn(p *usb.Pipe, t *usb.Packet, worker bool) bool {
	if n := d.moves(t); n > 0 {
		switch {
		case d.req.Quick():
			moved := d.read(t, n)
			p.Skip(t, moved)
			d.count(moved)
		case !worker:
			return d.later()
		default:
			moved := 0
			p.Claim(t)
			same := d.outside(func() { moved = d.read(t, n) })
			if same {
				d.count(moved)
			}
			if !p.Release(t, moved) || !same {
				return true
			}
		}
	}
	switch {
	case d.left == 0, d.broken, d.req.Left() == 0 && t.Room() > 0: // the end, or a short transfer
		d.phase = phaseEnd
		p.Finish(t, usb.OK)
	case t.Room() == 0:
		p.Finish(t, usb.OK)
	}
	return true
}

// read has the command fill n bytes of a transfer, and returns how many it has.
func (d *Device) read(t *usb.Packet, n int) (moved int) {
	for piece := range t.Data.Pieces(t.Moved(), n) {
		k := d.req.Read(piece)
		moved += k
		if k < len(piece) {
			break
		}
	}
	return moved
}

func (d *Device) count(n int) {
	d.left -= uint32(n)
	d.used += uint32(n)
}

// dataOut empties a transfer from the host. What the command does not want is dropped.
func (d *Device) dataOut(p *usb.Pipe, t *usb.Packet, worker bool) bool {
	if n := d.moves(t); n > 0 {
		if !worker {
			return d.later()
		}
		moved := 0
		p.Claim(t)
		same := d.outside(func() {
			for piece := range t.Data.Pieces(t.Moved(), n) {
				k := d.req.Write(piece)
				moved += k
				if k < len(piece) {
					break
				}
			}
		})
		if same {
			d.count(moved)
		}
		if !p.Release(t, moved) || !same {
			return true
		}
	}
	if drop := min(t.Room(), int(d.left)); drop > 0 && d.moves(t) == 0 {
		p.Skip(t, drop)
		d.left -= uint32(drop)
	}
	switch {
	case d.left == 0:
		d.phase = phaseEnd
		p.Finish(t, usb.OK)
	case t.Room() == 0:
		p.Finish(t, usb.OK)
	}
	return true
}

// end lets the command do what comes after its data.
func (d *Device) end(worker bool) bool {
	short := d.req.Left() > 0 // the host has asked for less than the command moves
	switch {
	case d.broken:
	case short && !d.req.Partial():
		d.broken = true
	case d.req.Quick():
	case !worker:
		return d.later()
	default:
		if !d.outside(d.req.Finish) {
			return true
		}
	}
	d.phase = phaseStatus
	return true
}

// status gives the command status wrapper.
func (d *Device) status(p *usb.Pipe, t *usb.Packet) bool {
	var w [cswSize]byte
	le := binary.LittleEndian
	le.PutUint32(w[:], cswSignature)
	le.PutUint32(w[4:], d.tag)
	le.PutUint32(w[8:], d.length-d.used)
	switch {
	case d.broken:
		w[12] = statusPhase
	case d.req.Status != scsi.StatusGood:
		w[12] = statusFailed
		d.req.Keep()
	}
	d.phase = phaseCommand
	if p.Give(t, w[:]) < cswSize {
		p.Finish(t, usb.Babble)
	} else {
		p.Finish(t, usb.OK)
	}
	return true
}
