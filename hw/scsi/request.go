package scsi

import (
	"bytes"

	"govm-desktop/block"
	"govm-desktop/snapshot"
)

// Status of a command (SAM-5, 5.3).
const (
	StatusGood           = 0x00
	StatusCheckCondition = 0x02
)

// Direction of a command's data.
type Direction uint8

// Directions.
const (
	NoData Direction = iota
	In               // to the host
	Out
)

// op is what a command does with its data.
type op uint8

const (
	opNone    op = iota
	opData       // all of it is in Request.data, in
	opRead       // of the image, in
	opRaw        // of the image, as raw sectors, in
	opWrite      // to the image, out
	opCompare    // with the image, out
	opCollect    // a parameter list, out
	opSync       // no data: flush
	opVerify     // no data: read and drop
)

// chunk is how much is moved at once where no transfer of the host's sets the size.
const chunk = 256 << 10

// maxList bounds parameter lists.
const maxList = 64 << 10

// Request is a command under way. One is used again and again: Start begins a command, Read or Write move its data, from one goroutine at a
// time, Finish ends it. Read, Write and Finish use the image, and take their time.
type Request struct {
	Dir    Direction
	Len    int64 // bytes of data that the command moves; less after a failure
	Status uint8 // valid after Finish, and from Start on where there is no data to move
	Sense  Sense // of CHECK CONDITION

	unit *Unit
	cdb  [16]byte
	op   op
	off  int64 // in the image
	n    int64 // bytes of the image
	pos  int64 // of the data moved so far
	fua  bool
	data []byte
}

// Left is how many bytes have not been moved yet.
func (r *Request) Left() int64 { return r.Len - r.pos }

// Quick reports whether Read, and Finish, return at once because they need no image.
func (r *Request) Quick() bool {
	switch r.op {
	case opNone, opData:
		return true
	case opRead, opRaw:
		return r.Left() == 0
	case opWrite:
		return !r.fua && r.Left() == 0
	}
	return false
}

// Partial reports whether a host may well take less of the answer than there is: the command describes something, it does not move blocks.
func (r *Request) Partial() bool { return r.op == opData }

// Keep leaves the sense of a failed command for REQUEST SENSE, where the bus does not deliver it with the status.
func (r *Request) Keep() {
	r.unit.mu.Lock()
	defer r.unit.mu.Unlock()
	r.unit.sense = r.Sense
}

// fail ends the command with CHECK CONDITION; what has not been moved is not moved any more.
func (r *Request) fail(s Sense) {
	r.Status, r.Sense = StatusCheckCondition, s
	r.Len, r.op = r.pos, opNone
}

// answer sets data to be sent.
func (r *Request) answer(b []byte, s Sense) {
	if s != Good {
		r.fail(s)
		return
	}
	b = b[:min(int64(len(b)), allocation(r.cdb[:]))]
	r.op, r.Dir, r.data, r.Len = opData, In, b, int64(len(b))
	if len(b) == 0 {
		r.Dir = NoData
	}
}

// collect has the host send a parameter list.
func (r *Request) collect(n int64) {
	if n > maxList {
		r.fail(BadField)
		return
	}
	r.op, r.Dir, r.Len = opCollect, Out, n
	if n == 0 {
		r.Dir = NoData
	}
}

// disk takes the lock that keeps the medium in its place, and returns the medium.
func (r *Request) disk() (block.Disk, func()) {
	r.unit.io.RLock()
	r.unit.mu.Lock()
	defer r.unit.mu.Unlock()
	return r.unit.medium(), r.unit.io.RUnlock
}

// Read fills p with the next bytes that go to the host, and returns how many those are: fewer at the end, and after a failure.
func (r *Request) Read(p []byte) int {
	p = p[:max(0, min(int64(len(p)), r.Left()))]
	n := 0
	switch r.op {
	case opData:
		n = copy(p, r.data[r.pos:])
	case opRead:
		n = r.readImage(p)
	case opRaw:
		n = r.readRaw(p)
	}
	r.pos += int64(n)
	if n < len(p) {
		r.Len = r.pos
	}
	return n
}

// readImage reads from the image; a CD-ROM's last sector may go beyond its end.
func (r *Request) readImage(p []byte) int {
	disk, release := r.disk()
	defer release()
	if disk == nil {
		r.fail(NoMedium)
		return 0
	}
	at := r.off + r.pos
	have := p
	if beyond := at + int64(len(p)) - disk.Size(); beyond > 0 {
		if r.unit.cfg.Kind != CDROM || beyond >= DiscSector { // the medium has been exchanged for a shorter one
			r.fail(BadRange)
			return 0
		}
		have = p[:max(0, int64(len(p))-beyond)]
		clear(p[len(have):])
	}
	if len(have) == 0 {
		return len(p)
	}
	if n, err := disk.ReadAt(have, at); n < len(have) && err != nil {
		r.unit.failed("read", err)
		good, _ := ReadSectors(disk, have[:len(have)/BlockSize*BlockSize], at, BlockSize)
		r.fail(ReadError)
		return good * BlockSize
	}
	return len(p)
}

// readRaw makes raw sectors of those of the image.
func (r *Request) readRaw(p []byte) (n int) {
	disk, release := r.disk()
	defer release()
	if disk == nil {
		r.fail(NoMedium)
		return 0
	}
	var sector [RawSector]byte
	for n < len(p) {
		at := r.pos + int64(n)
		lba := uint64(r.off/DiscSector + at/RawSector)
		if _, err := ReadDiscSectors(disk, sector[:DiscSector], lba); err != nil {
			r.unit.failed("read", err)
			r.fail(ReadError)
			return n
		}
		Spread(sector[:], 1, lba)
		n += copy(p[n:], sector[at%RawSector:])
	}
	return n
}

// Write takes the next bytes from the host, and returns how many it has taken: fewer at the end, and after a failure.
func (r *Request) Write(p []byte) int {
	p = p[:max(0, min(int64(len(p)), r.Left()))]
	n := len(p)
	switch r.op {
	case opCollect:
		r.data = append(r.data, p...)
	case opWrite:
		n = r.writeImage(p)
	case opCompare:
		n = r.compare(p)
	}
	r.pos += int64(n)
	if n < len(p) {
		r.Len = r.pos
	}
	return n
}

func (r *Request) writeImage(p []byte) int {
	disk, release := r.disk()
	defer release()
	if disk == nil {
		r.fail(NoMedium)
		return 0
	}
	if n, err := disk.WriteAt(p, r.off+r.pos); n < len(p) && err != nil {
		r.unit.failed("write", err)
		r.fail(WriteError)
		return 0
	}
	return len(p)
}

// compare is VERIFY with BYTCHK.
func (r *Request) compare(p []byte) int {
	buf := make([]byte, min(len(p), chunk))
	for done := 0; done < len(p); {
		n := min(len(buf), len(p)-done)
		disk, release := r.disk()
		if disk == nil {
			release()
			r.fail(NoMedium)
			return done
		}
		got, err := disk.ReadAt(buf[:n], r.off+r.pos+int64(done))
		release()
		switch {
		case got < n && err != nil:
			r.unit.failed("read", err)
			r.fail(ReadError)
			return done
		case !bytes.Equal(buf[:n], p[done:done+n]):
			r.fail(Miscompare)
			return done
		}
		done += n
	}
	return len(p)
}

// Finish does what comes after the data.
func (r *Request) Finish() {
	if r.Status != StatusGood {
		return
	}
	switch r.op {
	case opCollect:
		r.unit.parameters(r)
	case opSync:
		r.sync()
	case opVerify:
		r.verify()
	case opWrite:
		if r.fua {
			r.sync()
		}
	}
}

func (r *Request) sync() {
	disk, release := r.disk()
	defer release()
	if disk == nil || block.IsReadOnly(disk) {
		return
	}
	if err := disk.Sync(); err != nil {
		r.unit.failed("flush", err)
		r.fail(WriteError)
	}
}

// verify reads the blocks and drops them.
func (r *Request) verify() {
	buf := make([]byte, min(r.n, chunk))
	for r.pos = 0; r.pos < r.n && r.Status == StatusGood; {
		r.pos += int64(r.readImage(buf[:min(r.n-r.pos, int64(len(buf)))]))
	}
	r.pos = 0
}

// State saves or loads the command.
func (r *Request) State(c *snapshot.Coder, t *Target) {
	var lun int
	for i, u := range t.Units {
		if u == r.unit {
			lun = i
		}
	}
	snapshot.Field(c, "lun", &lun)
	snapshot.Field(c, "dir", &r.Dir)
	snapshot.Field(c, "len", &r.Len)
	snapshot.Field(c, "status", &r.Status)
	snapshot.Field(c, "sense", &r.Sense)
	snapshot.Field(c, "op", &r.op)
	snapshot.Field(c, "off", &r.off)
	snapshot.Field(c, "n", &r.n)
	snapshot.Field(c, "pos", &r.pos)
	snapshot.Field(c, "fua", &r.fua)
	c.Bytes("cdb", r.cdb[:])
	c.Slice("data", &r.data, maxList)
	if !c.Loading() {
		return
	}
	r.unit = t.Units[min(max(lun, 0), len(t.Units)-1)]
	bad := r.pos < 0 || r.Len < r.pos || r.off < 0 || r.n < 0 || r.n > 1<<40 || r.Len > 1<<48 || r.off > 1<<60 ||
		r.op == opData && r.Len > int64(len(r.data)) || r.op == opCollect && (r.Len > maxList || r.pos != int64(len(r.data)))
	if bad {
		*r = Request{unit: r.unit}
	}
}
