package ata

import (
	"encoding/binary"

	"govm-desktop/block"
)

const (
	maxMultiple = 16 // sectors
	maxTrim     = 8  // blocks of ranges in one DATA SET MANAGEMENT
)

// Command executes a command.
func (d *Drive) Command(cmd uint8) {
	if d.cfg.Kind == CDROM && cmd == 0x08 { // DEVICE RESET works even while busy
		dev := d.reg.device
		d.SoftReset()
		d.reg.device = dev & deviceDev
		return
	}
	if d.reg.status&(StatusBSY|StatusDRQ) != 0 {
		return
	}
	d.setIRQ(false)
	d.reg.err = 0
	d.op = operation{}
	if d.cfg.Kind == CDROM {
		d.cdCommand(cmd)
		return
	}
	if !d.transferCommand(cmd) && !d.otherCommand(cmd) {
		d.abort()
	}
}

// transferCommand starts the commands that read and write sectors.
func (d *Drive) transferCommand(cmd uint8) bool {
	op := operation{kind: opRead, block: sectorSize}
	switch cmd {
	case 0x20, 0x21: // READ SECTORS
	case 0x24: // READ SECTORS EXT
		op.ext = true
	case 0x25: // READ DMA EXT
		op.ext, op.dma = true, true
	case 0x29: // READ MULTIPLE EXT
		op.ext, op.block = true, d.mult*sectorSize
	case 0x30, 0x31, 0x3c: // WRITE SECTORS, WRITE VERIFY
		op.kind = opWrite
	case 0x34: // WRITE SECTORS EXT
		op.kind, op.ext = opWrite, true
	case 0x35: // WRITE DMA EXT
		op.kind, op.ext, op.dma = opWrite, true, true
	case 0x39: // WRITE MULTIPLE EXT
		op.kind, op.ext, op.block = opWrite, true, d.mult*sectorSize
	case 0x3d: // WRITE DMA FUA EXT
		op.kind, op.ext, op.dma, op.fua = opWrite, true, true, true
	case 0x40, 0x41: // READ VERIFY SECTORS
		op.kind = opVerify
	case 0x42: // READ VERIFY SECTORS EXT
		op.kind, op.ext = opVerify, true
	case 0xc4: // READ MULTIPLE
		op.block = d.mult * sectorSize
	case 0xc5: // WRITE MULTIPLE
		op.kind, op.block = opWrite, d.mult*sectorSize
	case 0xce: // WRITE MULTIPLE FUA EXT
		op.kind, op.ext, op.fua, op.block = opWrite, true, true, d.mult*sectorSize
	case 0xc8, 0xc9: // READ DMA
		op.dma = true
	case 0xca, 0xcb: // WRITE DMA
		op.kind, op.dma = opWrite, true
	default:
		return false
	}
	d.transfer(op)
	return true
}

// transfer checks the address and begins.
func (d *Drive) transfer(op operation) {
	d.standby = false
	if op.block == 0 || op.kind == opWrite && block.IsReadOnly(d.image) {
		d.abort()
		return
	}
	var ok bool
	op.lba, op.left, ok = d.address(op.ext)
	d.op = op
	total := d.total()
	if !ok {
		d.fail(errIDNF)
		return
	}
	if op.lba >= total || op.left > total-op.lba {
		d.op.lba = max(op.lba, min(total, op.lba+op.left))
		d.failAt(errIDNF)
		return
	}
	switch {
	case op.dma:
		d.waitDMA()
	case op.kind == opWrite:
		d.outBlock(int(min(op.left*sectorSize, uint64(op.block))), false)
	default:
		d.readMore()
	}
}

// total is the disk's size in sectors.
func (d *Drive) total() uint64 { return uint64(d.image.Size()) / sectorSize }

// address is what the registers say; false for a place that the translation does not have.
func (d *Drive) address(ext bool) (lba, n uint64, ok bool) {
	r := &d.reg
	n = uint64(r.count[0])
	if n == 0 {
		n = 256
	}
	low := uint64(r.low[0]) | uint64(r.mid[0])<<8 | uint64(r.high[0])<<16
	switch {
	case ext:
		if n = uint64(r.count[1])<<8 | uint64(r.count[0]); n == 0 {
			n = 65536
		}
		return low | uint64(r.low[1])<<24 | uint64(r.mid[1])<<32 | uint64(r.high[1])<<40, n, true
	case r.device&deviceLBA != 0:
		return low | uint64(r.device&0xf)<<24, n, true
	}
	cyl, head, sec := low>>8, uint64(r.device&0xf), low&0xff
	if sec == 0 || sec > uint64(d.sectors) || head >= uint64(d.heads) {
		return 0, n, false
	}
	return (cyl*uint64(d.heads)+head)*uint64(d.sectors) + sec - 1, n, true
}

// setAddress puts a sector's address into the registers, in the form that the command used.
func (d *Drive) setAddress(lba uint64, ext bool) {
	r := &d.reg
	if !ext && r.device&deviceLBA == 0 && d.heads > 0 && d.sectors > 0 {
		sec := lba%uint64(d.sectors) + 1
		head := lba / uint64(d.sectors) % uint64(d.heads)
		cyl := lba / uint64(d.sectors*d.heads)
		r.device = r.device&^0xf | uint8(head)
		lba = sec | cyl<<8
	} else if !ext {
		r.device = r.device&^0xf | uint8(lba>>24&0xf)
	}
	r.low[0], r.mid[0], r.high[0] = uint8(lba), uint8(lba>>8), uint8(lba>>16)
	if ext {
		r.low[1], r.mid[1], r.high[1] = uint8(lba>>24), uint8(lba>>32), uint8(lba>>40)
	}
}

// lastAddress leaves the address of the last sector in the registers, and no sectors to go.
func (d *Drive) lastAddress() {
	if d.op.kind == opRead || d.op.kind == opWrite || d.op.kind == opVerify {
		d.setAddress(d.op.lba-1, d.op.ext)
		d.reg.count = [2]uint8{}
	}
}

// failAt ends the operation with an error in the sector it has come to.
func (d *Drive) failAt(bits uint8) {
	d.setAddress(d.op.lba, d.op.ext)
	d.reg.count = [2]uint8{uint8(d.op.left), uint8(d.op.left >> 8)}
	d.fail(bits)
}

// otherCommand executes the commands that read and write no sectors.
func (d *Drive) otherCommand(cmd uint8) bool {
	switch {
	case cmd&0xf0 == 0x10, cmd&0xf0 == 0x70: // RECALIBRATE, SEEK
		d.finish()
		return true
	}
	switch cmd {
	case 0x06:
		return d.dataSetManagement()
	case 0x27, 0xf8: // READ NATIVE MAX ADDRESS (EXT)
		d.nativeMax(cmd == 0x27)
	case 0x91: // INITIALIZE DEVICE PARAMETERS
		if d.reg.count[0] == 0 {
			return false
		}
		d.sectors, d.heads = int(d.reg.count[0]), int(d.reg.device&0xf)+1
		d.finish()
	case 0x94, 0x96, 0x99, 0xe0, 0xe2, 0xe6: // STANDBY (IMMEDIATE), SLEEP
		d.flush(func() { d.standby = true })
	case 0x95, 0x97, 0xe1, 0xe3: // IDLE (IMMEDIATE)
		d.standby = false
		d.finish()
	case 0x98, 0xe5: // CHECK POWER MODE
		d.reg.count[0] = 0xff
		if d.standby {
			d.reg.count[0] = 0
		}
		d.finish()
	case 0xb0:
		return d.smart()
	case 0xc6: // SET MULTIPLE MODE
		n := int(d.reg.count[0])
		if n > maxMultiple || n&(n-1) != 0 {
			return false
		}
		d.mult = n
		d.finish()
	case 0xe7, 0xea: // FLUSH CACHE (EXT)
		d.flush(func() {})
	case 0xec: // IDENTIFY DEVICE
		d.reply(d.identify())
	case 0xef:
		return d.setFeatures()
	default: // NOP among them
		return false
	}
	return true
}

// reply sends one block of data by PIO.
func (d *Drive) reply(data []byte) {
	d.op = operation{kind: opIn, block: len(data)}
	copy(d.buffer(len(data)), data)
	d.dataIn()
}

// flush has the worker bring all writes to stable storage.
func (d *Drive) flush(then func()) {
	d.op.kind = opOther
	image := d.image
	d.submit(image.Sync, func(err error) {
		if err != nil {
			d.failed("flush", err)
			d.abort()
			return
		}
		then()
		d.finish()
	})
}

func (d *Drive) nativeMax(ext bool) {
	last := d.total() - 1
	if !ext {
		last = min(last, 0x0fffffff)
		d.reg.device |= deviceLBA
	}
	d.setAddress(last, ext)
	d.finish()
}

// dataSetManagement starts TRIM, the only kind there is.
func (d *Drive) dataSetManagement() bool {
	_, can := d.image.(block.Discarder)
	n := int(d.reg.count[0]) | int(d.reg.count[1])<<8
	if !can || d.reg.feature[0] != 1 || n == 0 || n > maxTrim || block.IsReadOnly(d.image) {
		return false
	}
	d.op = operation{kind: opTrim, dma: true, left: uint64(n)}
	d.waitDMA()
	return true
}

// trim has the worker discard the ranges in buf.
func (d *Drive) trim() {
	buf, total, disk := d.buf, d.total(), d.image.(block.Discarder)
	for b := buf; len(b) >= 8; b = b[8:] {
		if lba, n := trimRange(b); n > 0 && (lba >= total || n > total-lba) {
			d.fail(errABRT | errIDNF)
			return
		}
	}
	d.submit(func() error {
		for b := buf; len(b) >= 8; b = b[8:] {
			if lba, n := trimRange(b); n > 0 {
				if err := disk.Discard(int64(lba*sectorSize), int64(n*sectorSize)); err != nil {
					return err
				}
			}
		}
		return nil
	}, func(err error) {
		if err != nil { // A hint that could not be taken harms nobody.
			d.failed("discard", err)
		}
		d.finish()
	})
}

func trimRange(b []byte) (lba, n uint64) {
	v := binary.LittleEndian.Uint64(b)
	return v & (1<<48 - 1), v >> 48
}
