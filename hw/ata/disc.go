package ata

import (
	"encoding/binary"

	"govm-desktop/block"
)

const (
	discSector = 2048
	rawSector  = 2352
	// cdMax is the largest disc that passes for a CD, 80 minutes; larger ones are DVDs.
	cdMax  = 80 * 60 * 75
	pregap = 150 // sectors before LBA 0 in minutes, seconds, frames
)

// disc is what the drive can read, or nil.
func (d *Drive) disc() block.Disk {
	if d.cd.open {
		return nil
	}
	return d.image
}

// discSectors is the disc's length, rounded up.
func (d *Drive) discSectors() uint64 {
	return (uint64(d.image.Size()) + discSector - 1) / discSector
}

// read is READ(10) and READ(12).
func (d *Drive) read(cdb [12]byte) {
	n := uint64(binary.BigEndian.Uint16(cdb[7:]))
	if cdb[0] == 0xa8 {
		n = uint64(binary.BigEndian.Uint32(cdb[6:]))
	}
	d.readFrom(uint64(binary.BigEndian.Uint32(cdb[2:])), n, false)
}

// readCD is READ CD and READ CD MSF: user data alone, or whole raw sectors.
func (d *Drive) readCD(cdb [12]byte) {
	lba, n := uint64(binary.BigEndian.Uint32(cdb[2:])), uint64(cdb[6])<<16|uint64(cdb[7])<<8|uint64(cdb[8])
	if cdb[0] == 0xb9 {
		from, to := fromMSF(cdb[3:6]), fromMSF(cdb[6:9])
		if to < from {
			d.badField()
			return
		}
		lba, n = from, to-from
	}
	if t := cdb[1] >> 2 & 7; t != 0 && t != 2 {
		d.check(senseIllegal, ascTrackMode, 0)
		return
	}
	switch cdb[9] & 0xf8 {
	case 0x00:
		d.packetDone()
	case 0x10:
		d.readFrom(lba, n, false)
	case 0xf8:
		d.readFrom(lba, n, true)
	default:
		d.badField()
	}
}

// readFrom begins a transfer of sectors.
func (d *Drive) readFrom(lba, n uint64, raw bool) {
	total := d.discSectors()
	switch {
	case n == 0:
		d.packetDone()
		return
	case lba >= total || n > total-lba:
		d.check(senseIllegal, ascRange, 0)
		return
	}
	d.standby = false
	d.op = operation{kind: opPacket, packet: true, dma: d.cd.dma, block: d.cd.limit, lba: lba, left: n, raw: raw}
	if d.op.dma {
		d.waitDMA()
		return
	}
	d.readMore()
}

// readDisc has the worker read the next sectors.
func (d *Drive) readDisc() {
	size := discSector
	if d.op.raw {
		size = rawSector
	}
	n := int(min(d.op.left, chunk/rawSector))
	buf, image, lba, raw := d.buffer(n*size), d.disc(), d.op.lba, d.op.raw
	if image == nil { // it was taken out between two jobs
		d.noMedium()
		return
	}
	if total := d.discSectors(); lba >= total || uint64(n) > total-lba { // or a shorter one put in
		d.check(senseIllegal, ascRange, 0)
		return
	}
	good := n
	d.submit(func() (err error) {
		good, err = readDiscSectors(image, buf[:n*discSector], lba)
		if raw {
			spread(buf, good, lba)
		}
		return err
	}, func(err error) {
		d.op.lba += uint64(good)
		d.op.left -= uint64(good)
		if good == 0 {
			d.failed("read", err)
			d.check(senseMedium, ascReadError, 0)
			return
		}
		d.buf = d.buf[:good*size]
		d.dataIn()
	})
}

// readDiscSectors reads whole sectors; what the last one has beyond the image's end is zeros.
func readDiscSectors(image block.Disk, buf []byte, lba uint64) (good int, err error) {
	off := int64(lba) * discSector
	if beyond := off + int64(len(buf)) - image.Size(); beyond > 0 {
		have := buf[:int64(len(buf))-beyond]
		clear(buf[len(have):])
		if len(have)%discSector != 0 {
			whole := len(have) / discSector * discSector
			if _, err := image.ReadAt(have[whole:], off+int64(whole)); err != nil {
				good, _ := readSectors(image, have[:whole], off, discSector)
				return good, err
			}
			if whole == 0 {
				return 1, nil
			}
			good, err = readSectors(image, have[:whole], off, discSector)
			if good < whole/discSector {
				return good, err
			}
			return good + 1, nil
		}
		buf = have
	}
	return readSectors(image, buf, off, discSector)
}

// spread turns sectors of user data, packed at the front of buf, into raw ones of mode 1, last one first. The check codes are left zero.
func spread(buf []byte, n int, lba uint64) {
	for i := n - 1; i >= 0; i-- {
		s := buf[i*rawSector : (i+1)*rawSector]
		copy(s[16:16+discSector], buf[i*discSector:(i+1)*discSector])
		clear(s[16+discSector:])
		for k := range 12 {
			s[k] = 0xff
		}
		s[0], s[11] = 0, 0
		m := toMSF(lba + uint64(i))
		s[12], s[13], s[14], s[15] = bcd(m[0]), bcd(m[1]), bcd(m[2]), 1
	}
}

func bcd(v byte) byte { return v/10<<4 | v%10 }

// toMSF is an address in minutes, seconds and frames.
func toMSF(lba uint64) [3]byte {
	lba += pregap
	return [3]byte{byte(lba / 75 / 60), byte(lba / 75 % 60), byte(lba % 75)}
}

func fromMSF(b []byte) uint64 {
	n := (uint64(b[0])*60+uint64(b[1]))*75 + uint64(b[2])
	return max(n, pregap) - pregap
}

func (d *Drive) readCapacity([12]byte) {
	b := make([]byte, 8)
	binary.BigEndian.PutUint32(b, uint32(d.discSectors()-1))
	binary.BigEndian.PutUint32(b[4:], discSector)
	d.answer(b, len(b))
}

func (d *Drive) seek(cdb [12]byte) {
	if uint64(binary.BigEndian.Uint32(cdb[2:])) >= d.discSectors() {
		d.check(senseIllegal, ascRange, 0)
		return
	}
	d.packetDone()
}

// readTOC describes a disc of one session with one data track.
func (d *Drive) readTOC(cdb [12]byte) {
	format := cdb[2] & 0xf
	if format == 0 {
		format = cdb[9] >> 6 // where SFF-8020i has it
	}
	msf, allowed := cdb[1]&2 != 0, int(binary.BigEndian.Uint16(cdb[7:]))
	var body []byte
	switch format {
	case 0:
		if cdb[6] > 1 && cdb[6] != 0xaa {
			d.badField()
			return
		}
		body = []byte{1, 1}
		if cdb[6] <= 1 {
			body = append(body, 0, 0x14, 1, 0)
			body = append(body, address(0, msf)...)
		}
		body = append(body, 0, 0x14, 0xaa, 0)
		body = append(body, address(d.discSectors(), msf)...)
	case 1:
		body = append([]byte{1, 1, 0, 0x14, 1, 0}, address(0, msf)...)
	case 2:
		body = d.rawTOC()
	default:
		d.badField()
		return
	}
	b := binary.BigEndian.AppendUint16(nil, uint16(len(body)))
	d.answer(append(b, body...), allowed)
}

func (d *Drive) rawTOC() []byte {
	body := []byte{1, 1}
	entry := func(point byte, m [3]byte) {
		body = append(body, 1, 0x14, 0, point, 0, 0, 0, 0, m[0], m[1], m[2])
	}
	entry(0xa0, [3]byte{1, 0, 0})
	entry(0xa1, [3]byte{1, 0, 0})
	entry(0xa2, toMSF(d.discSectors()))
	entry(1, toMSF(0))
	return body
}

// address is a sector's, in one of the two forms.
func address(lba uint64, msf bool) []byte {
	if msf {
		m := toMSF(lba)
		return []byte{0, m[0], m[1], m[2]}
	}
	return binary.BigEndian.AppendUint32(nil, uint32(lba))
}

// readSubChannel says that no music plays.
func (d *Drive) readSubChannel(cdb [12]byte) {
	b := []byte{0, 0x15, 0, 0}
	if cdb[2]&0x40 != 0 {
		switch cdb[3] {
		case 1:
			b = append(b, 1, 0x14, 1, 1)
			b = append(b, address(0, cdb[1]&2 != 0)...)
			b = append(b, 0, 0, 0, 0)
		case 2, 3:
			b = append(b, cdb[3])
			b = append(b, make([]byte, 19)...)
		default:
			d.badField()
			return
		}
		b[3] = byte(len(b) - 4)
	}
	d.answer(b, int(binary.BigEndian.Uint16(cdb[7:])))
}

// discInformation describes a finished disc.
func (d *Drive) discInformation(cdb [12]byte) {
	if cdb[1]&7 != 0 {
		d.badField()
		return
	}
	b := make([]byte, 34)
	b[1] = 32
	b[2] = 0x0e // finished, its last session too
	b[3], b[4], b[5], b[6] = 1, 1, 1, 1
	b[7] = 0x20 // any use
	d.answer(b, int(binary.BigEndian.Uint16(cdb[7:])))
}

// dvdStructure is READ DVD STRUCTURE; CDs have none.
func (d *Drive) dvdStructure(cdb [12]byte) {
	if d.discSectors() <= cdMax {
		d.check(senseIllegal, 0x30, 2) // incompatible medium
		return
	}
	var body []byte
	switch {
	case cdb[6] != 0:
		d.badField()
		return
	case cdb[7] == 0x00: // physical: DVD-ROM, 120 mm, one layer
		body = make([]byte, 2048)
		body[0], body[1], body[2] = 1, 0x0f, 1
		binary.BigEndian.PutUint32(body[4:], 0x30000)
		binary.BigEndian.PutUint32(body[8:], uint32(0x30000+d.discSectors()-1))
	case cdb[7] == 0x01: // copyright: none
		body = make([]byte, 4)
	case cdb[7] == 0x03: // no burst cutting area
		d.badField()
		return
	case cdb[7] == 0x04: // manufacturing
		body = make([]byte, 2048)
	case cdb[7] == 0xff:
		for _, f := range []byte{0x00, 0x01, 0x04, 0xff} {
			body = append(body, f, 0x40, 8, 4)
		}
	default:
		d.badField()
		return
	}
	b := append(binary.BigEndian.AppendUint16(nil, uint16(len(body)+2)), 0, 0)
	d.answer(append(b, body...), int(binary.BigEndian.Uint16(cdb[8:])))
}
