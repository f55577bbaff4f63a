package ata

import (
	"errors"

	"govm-desktop/snapshot"
)

const maxState = 1 << 20 // bytes of buffer in a snapshot

// State saves or loads the drive, its image excepted. Preconditions: drained.
func (d *Drive) State(c *snapshot.Coder) {
	d.registerState(c)
	o := &d.op
	snapshot.Field(c, "op", &o.kind)
	snapshot.Field(c, "op-dma", &o.dma)
	snapshot.Field(c, "op-ext", &o.ext)
	snapshot.Field(c, "op-packet", &o.packet)
	snapshot.Field(c, "op-fua", &o.fua)
	snapshot.Field(c, "op-lba", &o.lba)
	snapshot.Field(c, "op-left", &o.left)
	snapshot.Field(c, "op-block", &o.block)
	snapshot.Field(c, "op-raw", &o.raw)
	c.Slice("buffer", &d.buf, maxState)
	snapshot.Field(c, "position", &d.pos)
	snapshot.Field(c, "end", &d.end)
	snapshot.Field(c, "dma-waits", &d.dma)
	snapshot.Field(c, "heads", &d.heads)
	snapshot.Field(c, "sectors", &d.sectors)
	snapshot.Field(c, "multiple", &d.mult)
	snapshot.Field(c, "mode", &d.mode)
	snapshot.Field(c, "no-write-cache", &d.noWriteCache)
	snapshot.Field(c, "smart-off", &d.smartOff)
	snapshot.Field(c, "standby", &d.standby)
	c.Bytes("sense", d.cd.sense[:])
	snapshot.Field(c, "attention", &d.cd.attention)
	snapshot.Field(c, "event", &d.cd.event)
	snapshot.Field(c, "tray-open", &d.cd.open)
	snapshot.Field(c, "tray-locked", &d.cd.locked)
	snapshot.Field(c, "packet-dma", &d.cd.dma)
	snapshot.Field(c, "packet-limit", &d.cd.limit)
	if c.Loading() && !d.sane() {
		c.Fail(errors.New("the drive's state is impossible"))
		d.SoftReset()
	}
}

func (d *Drive) registerState(c *snapshot.Coder) {
	r := &d.reg
	c.Bytes("feature", r.feature[:])
	c.Bytes("count", r.count[:])
	c.Bytes("low", r.low[:])
	c.Bytes("mid", r.mid[:])
	c.Bytes("high", r.high[:])
	snapshot.Field(c, "device", &r.device)
	snapshot.Field(c, "status", &r.status)
	snapshot.Field(c, "error", &r.err)
	snapshot.Field(c, "intrq", &d.irq)
}

// sane reports whether a loaded state is one the drive could be in: whatever indexes or divides later is in bounds.
func (d *Drive) sane() bool {
	o := &d.op
	switch {
	case d.pos < 0 || d.pos > d.end || d.end > len(d.buf):
		return false
	case d.cfg.Kind == Disk && (d.heads < 1 || d.heads > 16 || d.sectors < 1 || d.sectors > 255):
		return false
	case d.mult < 0 || d.mult > maxMultiple || o.block < 0 || o.block > 1<<16 || d.cd.limit < 0 || d.cd.limit > 0xfffe:
		return false
	case o.kind > opOther || o.packet != (o.kind == opCDB || d.cfg.Kind == CDROM && o.packet):
		return false
	case o.kind == opCDB && len(d.buf) != 12, d.cfg.Kind == Disk && (o.kind == opCDB || o.kind == opPacket):
		return false
	case d.cfg.Kind == CDROM && (o.kind == opRead || o.kind == opWrite || o.kind == opVerify || o.kind == opTrim):
		return false
	}
	if o.kind == opRead || o.kind == opWrite || o.kind == opVerify {
		total := d.total()
		return o.lba <= total && o.left <= total-o.lba
	}
	return o.kind != opTrim || o.left <= maxTrim
}
