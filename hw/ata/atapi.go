package ata

import "encoding/binary"

// cdState is what a CD-ROM drive has beside the registers.
type cdState struct {
	sense     [3]uint8 // key, additional code, qualifier
	attention bool     // UNIT ATTENTION: the medium may have changed
	event     uint8    // for GET EVENT STATUS NOTIFICATION
	open      bool     // the tray
	locked    bool
	dma       bool // of the packet command
	limit     int  // bytes of a DRQ block
}

// reset is a hardware reset: the tray stays as it is.
func (c *cdState) reset() {
	c.sense = [3]uint8{}
	c.locked, c.dma, c.limit = false, false, 0
}

// Sense keys.
const (
	senseNone      = 0x0
	senseNotReady  = 0x2
	senseMedium    = 0x3
	senseIllegal   = 0x5
	senseAttention = 0x6
	senseAborted   = 0xb
)

// Additional sense codes.
const (
	ascReadError = 0x11
	ascOpcode    = 0x20
	ascRange     = 0x21
	ascField     = 0x24
	ascChanged   = 0x28
	ascSaving    = 0x39
	ascNoMedium  = 0x3a
	ascPrevented = 0x53
	ascTrackMode = 0x64
)

// cdCommand executes an ATA command of a packet device.
func (d *Drive) cdCommand(cmd uint8) {
	switch cmd {
	case 0xa0: // PACKET
		d.op = operation{kind: opCDB, packet: true}
		d.cd.dma = d.reg.feature[0]&1 != 0
		d.cd.limit = byteLimit(d.reg.mid[0], d.reg.high[0])
		d.reason(reasonCoD)
		d.outBlock(12, false)
	case 0xa1: // IDENTIFY PACKET DEVICE
		d.reply(d.identifyPacket())
	case 0xec, 0x20, 0x21: // IDENTIFY DEVICE, READ SECTORS: how a disk driver finds out
		d.signature()
		d.abort()
	case 0xef:
		if !d.setFeatures() {
			d.abort()
		}
	case 0xe0, 0xe2, 0xe6, 0x94, 0x96, 0x99:
		d.standby = true
		d.finish()
	case 0xe1, 0xe3, 0x95, 0x97:
		d.standby = false
		d.finish()
	case 0xe5, 0x98:
		d.reg.count[0] = 0xff
		if d.standby {
			d.reg.count[0] = 0
		}
		d.finish()
	case 0xe7: // FLUSH CACHE
		d.finish()
	default:
		d.abort()
	}
}

// byteLimit is how many bytes the host takes at once.
func byteLimit(mid, high uint8) int {
	switch n := int(high)<<8 | int(mid); {
	case n == 0 || n == 0xffff:
		return 0xfffe
	case n == 1:
		return 2
	default:
		return n &^ 1
	}
}

// reason sets the interrupt reason bits.
func (d *Drive) reason(bits uint8) { d.reg.count[0] = d.reg.count[0]&^3 | bits }

// packetDone ends a packet command well.
func (d *Drive) packetDone() {
	d.reason(reasonIO | reasonCoD)
	d.finish()
}

// check ends a packet command with CHECK CONDITION.
func (d *Drive) check(key, asc, ascq uint8) {
	d.cd.sense = [3]uint8{key, asc, ascq}
	d.reason(reasonIO | reasonCoD)
	bits := key << 4
	if key != senseNone {
		bits |= errABRT
	}
	d.fail(bits)
}

// answer sends the data of a packet command, as much of it as the host allows.
func (d *Drive) answer(data []byte, allowed int) {
	data = data[:min(len(data), allowed)]
	if len(data) == 0 {
		d.packetDone()
		return
	}
	d.op = operation{kind: opIn, packet: true, dma: d.cd.dma, block: d.cd.limit}
	copy(d.buffer(len(data)), data)
	d.dataIn()
}

func (d *Drive) badField() { d.check(senseIllegal, ascField, 0) }

// packetCommand is a row of the table of packet commands.
type packetCommand struct {
	run    func(d *Drive, cdb [12]byte)
	medium bool // needs a disc
	always bool // is executed though there is a UNIT ATTENTION to report
}

func lookup(op uint8) (packetCommand, bool) {
	switch op {
	case 0x00: // TEST UNIT READY
		return packetCommand{run: func(d *Drive, _ [12]byte) { d.packetDone() }, medium: true}, true
	case 0x03:
		return packetCommand{run: (*Drive).requestSense, always: true}, true
	case 0x12:
		return packetCommand{run: (*Drive).inquiry, always: true}, true
	case 0x15, 0x55: // MODE SELECT: no page can be changed
		return packetCommand{}, false
	case 0x1a, 0x5a:
		return packetCommand{run: (*Drive).modeSense}, true
	case 0x1b:
		return packetCommand{run: (*Drive).startStop}, true
	case 0x1e:
		return packetCommand{run: (*Drive).preventAllow}, true
	case 0x25:
		return packetCommand{run: (*Drive).readCapacity, medium: true}, true
	case 0x28, 0xa8:
		return packetCommand{run: (*Drive).read, medium: true}, true
	case 0x2b:
		return packetCommand{run: (*Drive).seek, medium: true}, true
	case 0x35, 0xbb, 0xa7: // SYNCHRONIZE CACHE, SET CD SPEED, SET READ AHEAD
		return packetCommand{run: func(d *Drive, _ [12]byte) { d.packetDone() }}, true
	case 0x42:
		return packetCommand{run: (*Drive).readSubChannel, medium: true}, true
	case 0x43:
		return packetCommand{run: (*Drive).readTOC, medium: true}, true
	case 0x46:
		return packetCommand{run: (*Drive).getConfiguration, always: true}, true
	case 0x4a:
		return packetCommand{run: (*Drive).getEvent, always: true}, true
	case 0x51:
		return packetCommand{run: (*Drive).discInformation, medium: true}, true
	case 0xad:
		return packetCommand{run: (*Drive).dvdStructure, medium: true}, true
	case 0xb9, 0xbe:
		return packetCommand{run: (*Drive).readCD, medium: true}, true
	case 0xbd:
		return packetCommand{run: (*Drive).mechanismStatus}, true
	}
	return packetCommand{}, false
}

// packet executes a command packet.
func (d *Drive) packet(cdb [12]byte) {
	d.op = operation{kind: opOther, packet: true}
	d.reg.status = ready
	c, ok := lookup(cdb[0])
	switch {
	case d.cd.attention && !c.always:
		d.cd.attention = false
		d.check(senseAttention, ascChanged, 0)
		return
	case !ok:
		d.check(senseIllegal, ascOpcode, 0)
		return
	case c.medium && d.disc() == nil:
		d.noMedium()
		return
	}
	if cdb[0] != 0x03 {
		d.cd.sense = [3]uint8{}
	}
	c.run(d, cdb)
}

func (d *Drive) noMedium() {
	ascq := uint8(1)
	if d.cd.open {
		ascq = 2
	}
	d.check(senseNotReady, ascNoMedium, ascq)
}

func (d *Drive) requestSense(cdb [12]byte) {
	if d.cd.attention && d.cd.sense[0] == senseNone {
		d.cd.attention = false
		d.cd.sense = [3]uint8{senseAttention, ascChanged, 0}
	}
	b := make([]byte, 18)
	b[0] = 0x70 | 0x80
	b[2] = d.cd.sense[0]
	b[7] = 10
	b[12], b[13] = d.cd.sense[1], d.cd.sense[2]
	d.cd.sense = [3]uint8{}
	d.answer(b, int(cdb[4]))
}

func (d *Drive) inquiry(cdb [12]byte) {
	allowed := int(binary.BigEndian.Uint16(cdb[3:]))
	if cdb[1]&1 == 0 {
		if cdb[2] != 0 {
			d.badField()
			return
		}
		b := make([]byte, 36)
		b[0], b[1], b[3], b[4] = 0x05, 0x80, 0x21, 31
		copy(b[8:], pad("GOVM", 8))
		copy(b[16:], pad(d.cfg.Model, 16))
		copy(b[32:], pad(d.cfg.Firmware, 4))
		d.answer(b, allowed)
		return
	}
	var body []byte
	switch cdb[2] {
	case 0x00:
		body = []byte{0x00, 0x80, 0x83}
	case 0x80:
		body = pad(d.cfg.Serial, 20)
	case 0x83:
		id := pad(d.cfg.Serial, 20)
		body = append([]byte{2, 0, 0, byte(len(id))}, id...)
	default:
		d.badField()
		return
	}
	d.answer(append([]byte{0x05, cdb[2], 0, byte(len(body))}, body...), allowed)
}

func pad(s string, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = ' '
	}
	copy(b, s)
	return b
}

// startStop is START STOP UNIT: with LoEj set it moves the tray.
func (d *Drive) startStop(cdb [12]byte) {
	start, loej := cdb[4]&1 != 0, cdb[4]&2 != 0
	if cdb[4]&0xf0 != 0 || !loej { // power conditions, or the motor alone
		d.packetDone()
		return
	}
	if !start && !d.cd.open && d.cd.locked {
		d.check(senseIllegal, ascPrevented, 2)
		return
	}
	d.moveTray(!start)
	d.packetDone()
}

func (d *Drive) preventAllow(cdb [12]byte) {
	d.cd.locked = cdb[4]&1 != 0
	d.packetDone()
}
