package scsi

import (
	"encoding/binary"

	"govm-desktop/block"
)

// Target is a set of logical units: what one address on a bus leads to.
type Target struct{ Units []*Unit }

// Length is how long a command block is, from its first byte (SPC-4, 4.2.5.1).
func Length(opcode uint8) int {
	return [8]int{6, 10, 10, 10, 16, 12, 10, 10}[opcode>>5]
}

// allocation is the length of the answer that the host allows.
func allocation(cdb []byte) int64 {
	be := binary.BigEndian
	switch cdb[0] {
	case 0x03, 0x1a:
		return int64(cdb[4])
	case 0x12:
		return int64(be.Uint16(cdb[3:]))
	case 0x25:
		return 8
	case 0x9e:
		return int64(be.Uint32(cdb[10:]))
	case 0xa0:
		return int64(be.Uint32(cdb[6:]))
	case 0xad, 0xbd:
		return int64(be.Uint16(cdb[8:]))
	}
	return int64(be.Uint16(cdb[7:]))
}

// Start begins a command.
func (t *Target) Start(r *Request, lun int, cdb []byte) {
	*r = Request{data: r.data[:0]}
	copy(r.cdb[:], cdb)
	if len(cdb) == 0 || len(cdb) < Length(cdb[0]) {
		r.unit = t.Units[0]
		r.fail(BadField)
		return
	}
	if r.cdb[0] == 0xa0 {
		r.unit = t.Units[0]
		t.reportLUNs(r)
		return
	}
	if lun < 0 || lun >= len(t.Units) {
		r.unit = t.Units[0]
		noUnit(r)
		return
	}
	r.unit = t.Units[lun]
	r.unit.start(r)
}

// noUnit answers for a unit that is not there (SPC-4, 5.x: INQUIRY and REQUEST SENSE are answered).
func noUnit(r *Request) {
	switch r.cdb[0] {
	case 0x12:
		b := make([]byte, 36)
		b[0], b[4] = 0x7f, 31
		r.answer(b, Good)
	case 0x03:
		r.answer(BadUnit.Fixed(), Good)
	default:
		r.fail(BadUnit)
	}
}

func (t *Target) reportLUNs(r *Request) {
	if allocation(r.cdb[:]) < 16 || r.cdb[2] > 2 {
		r.fail(BadField)
		return
	}
	b := make([]byte, 8)
	if r.cdb[2] != 1 { // well-known units, of which there are none
		binary.BigEndian.PutUint32(b, uint32(8*len(t.Units)))
		for i := range t.Units {
			b = append(b, 0, byte(i), 0, 0, 0, 0, 0, 0)
		}
	}
	r.answer(b, Good)
}

// command is a row of the table of commands.
type command struct {
	run    func(u *Unit, r *Request)
	medium bool // needs one
	write  bool // changes it
	always bool // is executed though there is a UNIT ATTENTION to report
}

// start checks what all commands have in common, and runs one.
func (u *Unit) start(r *Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	c, ok := primary(r.cdb[0])
	if !ok && u.cfg.Kind == CDROM {
		c, ok = discCommand(r.cdb[0])
	} else if !ok {
		c, ok = diskCommand(r.cdb[0])
	}
	switch {
	case u.attention != Good && !c.always:
		r.fail(u.attention)
		u.attention = Good
		return
	case !ok:
		r.fail(BadOpcode)
		return
	case c.medium && u.medium() == nil:
		r.fail(u.noMedium())
		return
	case c.write && block.IsReadOnly(u.image):
		r.fail(WriteProtected)
		return
	}
	if r.cdb[0] != 0x03 {
		u.sense = Good
	}
	c.run(u, r)
}

func (u *Unit) noMedium() Sense {
	if u.cfg.Kind == CDROM {
		return NoDisc(u.open)
	}
	return NoMedium
}

func (u *Unit) nothing(*Request) {}

// primary are the commands of every unit.
func primary(opcode uint8) (command, bool) {
	switch opcode {
	case 0x00: // TEST UNIT READY
		return command{run: (*Unit).nothing, medium: true}, true
	case 0x03:
		return command{run: (*Unit).requestSense, always: true}, true
	case 0x12:
		return command{run: (*Unit).inquiry, always: true}, true
	case 0x16, 0x17, 0x56, 0x57: // RESERVE, RELEASE: there is nobody else
		return command{run: (*Unit).nothing}, true
	case 0x1a, 0x5a:
		return command{run: (*Unit).modeSense}, true
	case 0x1b:
		return command{run: (*Unit).startStop}, true
	case 0x1d: // SEND DIAGNOSTIC: the self-test passes
		return command{run: (*Unit).sendDiagnostic}, true
	case 0x1e:
		return command{run: (*Unit).preventAllow}, true
	case 0x35, 0x91: // SYNCHRONIZE CACHE
		return command{run: func(_ *Unit, r *Request) { r.op = opSync }}, true
	}
	return command{}, false
}

func (u *Unit) requestSense(r *Request) {
	s := u.sense
	if s == Good {
		s, u.attention = u.attention, Good
	}
	u.sense = Good
	if r.cdb[1]&1 != 0 {
		r.answer(s.descriptor(), Good)
		return
	}
	r.answer(s.Fixed(), Good)
}

func (u *Unit) sendDiagnostic(r *Request) {
	if r.cdb[1]&4 == 0 || r.cdb[3]|r.cdb[4] != 0 {
		r.fail(BadField)
	}
}

func (u *Unit) preventAllow(r *Request) {
	if !u.cfg.Removable && r.cdb[4]&1 != 0 {
		r.fail(BadField)
		return
	}
	u.locked = r.cdb[4]&1 != 0
}

// startStop is START STOP UNIT: with LoEj set it moves the tray. A disk that is stopped flushes its cache and starts again by itself.
func (u *Unit) startStop(r *Request) {
	start, loej := r.cdb[4]&1 != 0, r.cdb[4]&2 != 0
	switch {
	case r.cdb[4]&0xf0 != 0: // power conditions
		return
	case loej && u.cfg.Removable:
		if !start && !u.open && u.locked {
			r.fail(Prevented)
			return
		}
		u.moveTray(!start)
	}
	if !start && u.cfg.Kind == Disk {
		r.op = opSync
	}
}

// inquiry gives the standard data or a page of vital product data.
func (u *Unit) inquiry(r *Request) {
	kind := byte(0x00)
	if u.cfg.Kind == CDROM {
		kind = 0x05
	}
	if r.cdb[1]&1 != 0 {
		body, ok := u.vitalData(r.cdb[2])
		if !ok {
			r.fail(BadField)
			return
		}
		r.answer(append([]byte{kind, r.cdb[2], byte(len(body) >> 8), byte(len(body))}, body...), Good)
		return
	}
	if r.cdb[2] != 0 {
		r.fail(BadField)
		return
	}
	b := make([]byte, 36)
	b[0], b[2], b[3], b[4] = kind, 0x05, 0x02, 31 // SPC-3
	if u.cfg.Removable {
		b[1] = 0x80
	}
	b[7] = 0x02 // command queuing
	copy(b[8:], pad(u.cfg.Vendor, 8))
	copy(b[16:], pad(u.cfg.Model, 16))
	copy(b[32:], pad(u.cfg.Revision, 4))
	r.answer(b, Good)
}

func pad(s string, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = ' '
	}
	copy(b, s)
	return b
}

// maxSame is how many blocks WRITE SAME and UNMAP take at once.
const maxSame = 1 << 21

// vitalData is the body of a page (SPC-4, 7.8; SBC-3, 6.5).
func (u *Unit) vitalData(page uint8) ([]byte, bool) {
	be := binary.BigEndian
	switch page {
	case 0x00:
		list := []byte{0x00, 0x83}
		if u.cfg.Serial != "" {
			list = []byte{0x00, 0x80, 0x83}
		}
		if u.cfg.Kind == Disk {
			list = append(list, 0xb0, 0xb1, 0xb2)
		}
		return list, true
	case 0x80:
		return []byte(u.cfg.Serial), u.cfg.Serial != ""
	case 0x83: // a T10 vendor ID
		id := append(pad(u.cfg.Vendor, 8), pad(u.cfg.Model, 16)...)
		id = append(id, u.cfg.Serial[:min(len(u.cfg.Serial), 200)]...)
		return append([]byte{2, 1, 0, byte(len(id))}, id...), true
	}
	if u.cfg.Kind != Disk {
		return nil, false
	}
	b := make([]byte, 60)
	switch page {
	case 0xb0: // block limits
		b[0] = 1 // WRITE SAME of no blocks is not "all"
		be.PutUint16(b[2:], 1)
		if u.canDiscard() {
			be.PutUint32(b[16:], maxSame)
			be.PutUint32(b[20:], maxList/16)
			be.PutUint32(b[24:], 8)
		}
		be.PutUint64(b[32:], maxSame)
		return b, true
	case 0xb1: // characteristics: does not rotate
		be.PutUint16(b, 1)
		return b, true
	case 0xb2: // provisioning
		if u.canDiscard() {
			return []byte{0, 0xe0, 2, 0}, true
		}
		return []byte{0, 0, 0, 0}, true
	}
	return nil, false
}

// canDiscard reports whether blocks can be unmapped.
func (u *Unit) canDiscard() bool {
	_, ok := u.image.(block.Discarder)
	return ok && u.cfg.Kind == Disk && !block.IsReadOnly(u.image)
}
