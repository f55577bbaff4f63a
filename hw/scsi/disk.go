package scsi

import (
	"bytes"
	"encoding/binary"

	"govm-desktop/block"
)

// diskCommand are the commands of disks (SBC-3).
func diskCommand(opcode uint8) (command, bool) {
	switch opcode {
	case 0x08, 0x28, 0xa8, 0x88:
		return command{run: (*Unit).read, medium: true}, true
	case 0x0a, 0x2a, 0xaa, 0x8a, 0x2e, 0xae, 0x8e: // WRITE, WRITE AND VERIFY
		return command{run: (*Unit).write, medium: true, write: true}, true
	case 0x15, 0x55:
		return command{run: (*Unit).modeSelect}, true
	case 0x23:
		return command{run: (*Unit).formatCapacities}, true
	case 0x25:
		return command{run: (*Unit).capacity10, medium: true}, true
	case 0x2b, 0x0b, 0x01: // SEEK, REZERO UNIT
		return command{run: (*Unit).nothing, medium: true}, true
	case 0x2f, 0xaf, 0x8f:
		return command{run: (*Unit).verifyBlocks, medium: true}, true
	case 0x34, 0x90: // PRE-FETCH
		return command{run: (*Unit).nothing, medium: true}, true
	case 0x41, 0x93:
		return command{run: (*Unit).writeSame, medium: true, write: true}, true
	case 0x42:
		return command{run: (*Unit).unmap, medium: true, write: true}, true
	case 0x9e:
		return command{run: (*Unit).serviceActionIn, medium: true}, true
	}
	return command{}, false
}

// blocks is the range that a command names, by its group.
func blocks(cdb []byte) (lba, n uint64) {
	be := binary.BigEndian
	switch cdb[0] >> 5 {
	case 0:
		lba, n = uint64(cdb[1]&0x1f)<<16|uint64(cdb[2])<<8|uint64(cdb[3]), uint64(cdb[4])
		if n == 0 {
			n = 256
		}
	case 4:
		lba, n = be.Uint64(cdb[2:]), uint64(be.Uint32(cdb[10:]))
	case 5:
		lba, n = uint64(be.Uint32(cdb[2:])), uint64(be.Uint32(cdb[6:]))
	default:
		lba, n = uint64(be.Uint32(cdb[2:])), uint64(be.Uint16(cdb[7:]))
	}
	return lba, n
}

// extent checks a range of blocks and sets it. False: the command has failed.
func (u *Unit) extent(r *Request, lba, n uint64) bool {
	total := uint64(u.size() / u.blockSize())
	if lba > total || n > total-lba || lba == total && n > 0 {
		r.fail(BadRange)
		return false
	}
	r.off, r.n = int64(lba)*u.blockSize(), int64(n)*u.blockSize()
	return true
}

// forced reports whether FUA is set; commands of six bytes have none.
func forced(cdb []byte) bool { return cdb[0]>>5 != 0 && cdb[1]&8 != 0 }

func (u *Unit) read(r *Request) {
	lba, n := blocks(r.cdb[:])
	if u.extent(r, lba, n) && n > 0 {
		r.op, r.Dir, r.Len = opRead, In, r.n
	}
}

func (u *Unit) write(r *Request) {
	lba, n := blocks(r.cdb[:])
	if u.extent(r, lba, n) && n > 0 {
		r.op, r.Dir, r.Len = opWrite, Out, r.n
		r.fua = forced(r.cdb[:]) || u.noCache
	}
}

// verifyBlocks is VERIFY: the disk reads, or compares with what the host sends.
func (u *Unit) verifyBlocks(r *Request) {
	lba, n := blocks(r.cdb[:])
	if !u.extent(r, lba, n) || n == 0 {
		return
	}
	switch r.cdb[1] >> 1 & 3 {
	case 0:
		r.op = opVerify
	case 1:
		r.op, r.Dir, r.Len = opCompare, Out, r.n
	default:
		r.fail(BadField)
	}
}

// capacity10 is READ CAPACITY(10): all ones mean that the disk is too large for it.
func (u *Unit) capacity10(r *Request) {
	last := uint64(u.size()/BlockSize) - 1
	b := binary.BigEndian.AppendUint32(nil, uint32(min(last, 0xffffffff)))
	r.answer(binary.BigEndian.AppendUint32(b, BlockSize), Good)
}

// serviceActionIn is READ CAPACITY(16) and GET LBA STATUS, which is not there.
func (u *Unit) serviceActionIn(r *Request) {
	if r.cdb[1]&0x1f != 0x10 {
		r.fail(BadField)
		return
	}
	b := make([]byte, 32)
	binary.BigEndian.PutUint64(b, uint64(u.size()/BlockSize)-1)
	binary.BigEndian.PutUint32(b[8:], BlockSize)
	if u.canDiscard() {
		b[14] = 0x80 // LBPME
	}
	r.answer(b, Good)
}

// formatCapacities is READ FORMAT CAPACITIES (MMC), which Windows asks of sticks.
func (u *Unit) formatCapacities(r *Request) {
	b := []byte{0, 0, 0, 8}
	n, kind := uint64(0), byte(3) // no medium
	if m := u.medium(); m != nil {
		n, kind = uint64(u.size()/BlockSize), 2 // formatted
	}
	b = binary.BigEndian.AppendUint32(b, uint32(min(n, 0xffffffff)))
	r.answer(append(b, kind, 0, BlockSize>>8, BlockSize&0xff), Good)
}

// writeSame writes one block to a range, or unmaps it.
func (u *Unit) writeSame(r *Request) {
	lba, n := blocks(r.cdb[:])
	switch {
	case n == 0 || n > maxSame || r.cdb[1]&8 != 0 && !u.canDiscard():
		r.fail(BadField)
	case !u.extent(r, lba, n):
	case r.cdb[0] == 0x93 && r.cdb[1]&1 != 0: // no block is sent: zeros
		r.data = append(r.data, make([]byte, BlockSize)...)
		r.op = opCollect
	default:
		r.collect(BlockSize)
	}
}

func (u *Unit) unmap(r *Request) {
	if !u.canDiscard() {
		r.fail(BadOpcode)
		return
	}
	r.collect(int64(binary.BigEndian.Uint16(r.cdb[7:])))
}

// parameters acts on what opCollect has brought.
func (u *Unit) parameters(r *Request) {
	switch r.cdb[0] {
	case 0x41, 0x93:
		if len(r.data) < BlockSize {
			r.fail(BadLength)
			return
		}
		u.fill(r, r.data[:BlockSize])
	case 0x42:
		u.discard(r)
	case 0x15, 0x55:
		u.selectMode(r)
	}
}

// fill writes a block all over the request's range.
func (u *Unit) fill(r *Request, b []byte) {
	disk, release := r.disk()
	defer release()
	if disk == nil {
		r.fail(NoMedium)
		return
	}
	if err := block.Check(disk.Size(), r.off, r.n); err != nil {
		r.fail(BadRange)
		return
	}
	zero := len(bytes.Trim(b, "\x00")) == 0
	if z, ok := disk.(block.Zeroer); ok && zero {
		if err := z.WriteZeroes(r.off, r.n); err != nil {
			u.failed("write", err)
			r.fail(WriteError)
		}
		return
	}
	buf := bytes.Repeat(b, int(min(r.n, chunk)/BlockSize))
	for done := int64(0); done < r.n; done += int64(len(buf)) {
		n := min(r.n-done, int64(len(buf)))
		if _, err := disk.WriteAt(buf[:n], r.off+done); err != nil {
			u.failed("write", err)
			r.fail(WriteError)
			return
		}
	}
}

// discard acts on the list of UNMAP (SBC-3, 5.28). A hint that could not be taken harms nobody.
func (u *Unit) discard(r *Request) {
	be := binary.BigEndian
	if len(r.data) < 8 {
		if len(r.data) > 0 {
			r.fail(BadLength)
		}
		return
	}
	list := r.data[8:]
	if n := int(be.Uint16(r.data[2:])); n > len(list) {
		r.fail(BadLength)
		return
	} else {
		list = list[:n]
	}
	disk, release := r.disk()
	defer release()
	if disk == nil {
		r.fail(NoMedium)
		return
	}
	total := uint64(disk.Size() / BlockSize)
	for pass := range 2 { // all are checked before any is done
		for b := list; len(b) >= 16; b = b[16:] {
			lba, n := be.Uint64(b), uint64(be.Uint32(b[8:]))
			if lba > total || n > total-lba {
				r.fail(BadRange)
				return
			}
			d, ok := disk.(block.Discarder)
			if pass == 1 && ok && n > 0 {
				if err := d.Discard(int64(lba)*BlockSize, int64(n)*BlockSize); err != nil {
					u.failed("discard", err)
				}
			}
		}
	}
}
