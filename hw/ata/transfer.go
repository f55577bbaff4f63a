package ata

import "govm-desktop/hw/scsi"

const chunk = 128 << 10 // bytes that one job moves at most

// buffer makes buf n bytes long.
func (d *Drive) buffer(n int) []byte {
	if cap(d.buf) < n {
		d.buf = make([]byte, n, max(n, 4096))
	}
	d.buf, d.pos, d.end = d.buf[:n], 0, 0
	return d.buf
}

// ReadData reads the data port, and returns how many bytes of p it has filled: fewer at the end of the DRQ block, none where there is none.
func (d *Drive) ReadData(p []byte) int {
	if d.reg.status&StatusDRQ == 0 || d.dma || d.op.kind == opWrite || d.op.kind == opTrim || d.op.kind == opCDB {
		return 0
	}
	n := copy(p, d.buf[d.pos:d.end])
	d.pos += n
	if d.pos == d.end {
		if d.pos < len(d.buf) {
			d.nextIn()
		} else {
			d.inDone()
		}
	}
	return n
}

// WriteData writes the data port, and returns how many bytes of p it has taken.
func (d *Drive) WriteData(p []byte) int {
	if d.reg.status&StatusDRQ == 0 || d.dma || d.op.kind != opWrite && d.op.kind != opCDB {
		return 0
	}
	n := copy(d.buf[d.pos:d.end], p)
	d.pos += n
	if d.pos == d.end {
		d.outDone()
	}
	return n
}

// DataWaits is how many bytes are left of the DRQ block; toHost says in which direction they go.
func (d *Drive) DataWaits() (n int, toHost bool) {
	if d.reg.status&StatusDRQ == 0 || d.dma {
		return 0, false
	}
	return d.end - d.pos, d.op.kind != opWrite && d.op.kind != opCDB
}

// dataIn sends buf to the host, by DMA or in DRQ blocks.
func (d *Drive) dataIn() {
	if d.op.dma {
		d.pushDMA()
		return
	}
	d.pos, d.end = 0, 0
	d.nextIn()
}

// nextIn offers the next DRQ block.
func (d *Drive) nextIn() {
	d.end = min(len(d.buf), d.pos+d.op.block)
	d.reg.err = 0
	d.reg.status = ready | StatusDRQ
	if d.op.packet {
		d.reason(reasonIO)
		d.reg.mid[0], d.reg.high[0] = uint8(d.end-d.pos), uint8((d.end-d.pos)>>8)
	}
	d.setIRQ(true)
}

// inDone goes on after the last byte of buf has been fetched.
func (d *Drive) inDone() {
	switch {
	case d.op.left > 0:
		d.readMore()
	case d.op.packet:
		d.packetDone()
	case d.op.kind == opIn:
		d.finishQuietly()
	default:
		d.lastAddress()
		d.finishQuietly()
	}
}

// outBlock asks the host for the next n bytes.
func (d *Drive) outBlock(n int, interrupt bool) {
	d.buffer(n)
	d.end = n
	d.reg.status = ready | StatusDRQ
	if interrupt {
		d.setIRQ(true)
	}
}

// outDone goes on after the host has filled buf.
func (d *Drive) outDone() {
	if d.op.kind == opCDB {
		d.packet([12]byte(d.buf))
		return
	}
	d.writeBuf()
}

// waitDMA begins a transfer by DMA: the bus master decides when.
func (d *Drive) waitDMA() {
	d.dma = true
	d.reg.status = ready | StatusDRQ
	d.port.DMARQ(d)
}

// WantsDMA reports whether the drive waits for StartDMA.
func (d *Drive) WantsDMA() bool { return d.dma }

// StartDMA is the bus master being switched on while the drive waits.
func (d *Drive) StartDMA() {
	if !d.dma || d.op.kind == opOther {
		return
	}
	d.dma, d.busy = false, true
	switch d.op.kind {
	case opIn:
		d.pushDMA()
	case opWrite, opTrim:
		d.pullDMA()
	default:
		d.readMore()
	}
}

// StopDMA is the bus master being switched off in the midst of a transfer: the drive waits, and goes on when it is switched on again.
func (d *Drive) StopDMA() {
	if !d.busy {
		return
	}
	d.drop()
	d.busy = false
	d.dma = true
	d.reg.status = ready | StatusDRQ
}

// stall leaves the drive waiting with a transfer that the bus master's list was too short for. Only a reset ends that.
func (d *Drive) stall() {
	d.port.DMADone(d)
	d.busy = false
	d.op = operation{kind: opOther}
	d.reg.status = ready | StatusDRQ
	d.dma = true
}

// pushDMA moves buf to memory and goes on.
func (d *Drive) pushDMA() {
	if !d.busy {
		d.waitDMA()
		return
	}
	n, err := d.port.Transfer(d, d.buf, true)
	switch {
	case err != nil:
		d.failDMA()
	case n < len(d.buf):
		d.stall()
	case d.op.left > 0:
		d.readMore()
	case d.op.packet:
		d.packetDone()
	default:
		d.lastAddress()
		d.finish()
	}
}

// pullDMA fills buf from memory and goes on.
func (d *Drive) pullDMA() {
	n := int(min(d.op.left*sectorSize, chunk))
	got, err := d.port.Transfer(d, d.buffer(n), false)
	switch {
	case err != nil:
		d.failDMA()
	case got < n:
		d.stall()
	case d.op.kind == opTrim:
		d.trim()
	default:
		d.writeBuf()
	}
}

func (d *Drive) failDMA() {
	if d.op.packet {
		d.check(senseAborted, 0x4b, 0)
		return
	}
	d.fail(errABRT | errICRC)
}

// readMore has the worker fetch the next sectors of the operation.
func (d *Drive) readMore() {
	if d.op.kind == opPacket {
		d.readDisc()
		return
	}
	n := int(min(d.op.left, chunk/sectorSize))
	buf, image, off := d.buffer(n*sectorSize), d.image, int64(d.op.lba)*sectorSize
	good := n
	d.submit(func() (err error) {
		good, err = scsi.ReadSectors(image, buf, off, sectorSize)
		return err
	}, func(err error) {
		d.op.lba += uint64(good)
		d.op.left -= uint64(good)
		if good == 0 {
			d.failed("read", err)
			d.failAt(errUNC)
			return
		}
		d.buf = d.buf[:good*sectorSize]
		if d.op.kind == opVerify {
			d.verifyMore()
			return
		}
		d.dataIn()
	})
}

func (d *Drive) verifyMore() {
	if d.op.left > 0 {
		d.readMore()
		return
	}
	d.lastAddress()
	d.finish()
}

// writeBuf has the worker write buf, and goes on.
func (d *Drive) writeBuf() {
	buf, image, off := d.buf, d.image, int64(d.op.lba)*sectorSize
	n := uint64(len(buf) / sectorSize)
	flush := n == d.op.left && (d.op.fua || d.noWriteCache)
	d.submit(func() error {
		if _, err := image.WriteAt(buf, off); err != nil {
			return err
		}
		if flush {
			return image.Sync()
		}
		return nil
	}, func(err error) {
		if err != nil {
			d.failed("write", err)
			d.failAt(errABRT)
			return
		}
		d.op.lba += n
		d.op.left -= n
		switch {
		case d.op.left == 0:
			d.lastAddress()
			d.finish()
		case d.op.dma:
			d.pullDMA()
		default:
			d.outBlock(int(min(d.op.left*sectorSize, uint64(d.op.block))), true)
		}
	})
}
