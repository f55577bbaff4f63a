package scsi

import (
	"encoding/binary"

	"govm-desktop/block"
)

// Sizes of a disc.
const (
	DiscSector = 2048 // user data
	RawSector  = 2352 // a sector as READ CD gives it
	// cdMax is the largest disc that passes for a CD, 80 minutes; larger ones are DVDs.
	cdMax  = 80 * 60 * 75
	pregap = 150 // sectors before LBA 0 in minutes, seconds, frames
)

// Tray is the state of a CD drive's tray and medium, as the host learns of it.
type Tray struct {
	Sectors uint64 // of the disc that can be read; 0: none
	Open    bool
	Locked  bool
}

// DiscSectors is an image's length in sectors, rounded up.
func DiscSectors(image block.Disk) uint64 {
	return (uint64(image.Size()) + DiscSector - 1) / DiscSector
}

// ReadDiscSectors reads whole sectors, as many as can be read; what the last one has beyond the image's end is zeros.
func ReadDiscSectors(image block.Disk, buf []byte, lba uint64) (good int, err error) {
	off := int64(lba) * DiscSector
	beyond := off + int64(len(buf)) - image.Size()
	if beyond <= 0 {
		return ReadSectors(image, buf, off, DiscSector)
	}
	have := buf[:int64(len(buf))-beyond]
	clear(buf[len(have):])
	if len(have)%DiscSector == 0 {
		return ReadSectors(image, have, off, DiscSector)
	}
	whole := len(have) / DiscSector * DiscSector
	if _, err := image.ReadAt(have[whole:], off+int64(whole)); err != nil {
		good, _ := ReadSectors(image, have[:whole], off, DiscSector)
		return good, err
	}
	if whole == 0 {
		return 1, nil
	}
	good, err = ReadSectors(image, have[:whole], off, DiscSector)
	if good < whole/DiscSector {
		return good, err
	}
	return good + 1, nil
}

// ReadSectors reads as many whole sectors into buf as can be read.
func ReadSectors(image block.Disk, buf []byte, off int64, size int) (good int, err error) {
	if n, err := image.ReadAt(buf, off); n == len(buf) || err == nil {
		return len(buf) / size, nil
	}
	for ; good < len(buf)/size; good++ {
		s := buf[good*size : (good+1)*size]
		if n, err := image.ReadAt(s, off+int64(good*size)); n < len(s) && err != nil {
			return good, err
		}
	}
	return good, nil
}

// Spread turns n sectors of user data, packed at the front of buf, into raw ones of mode 1, last one first. The check codes are left zero.
func Spread(buf []byte, n int, lba uint64) {
	for i := n - 1; i >= 0; i-- {
		s := buf[i*RawSector : (i+1)*RawSector]
		copy(s[16:16+DiscSector], buf[i*DiscSector:(i+1)*DiscSector])
		clear(s[16+DiscSector:])
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

// Extent is what a reading command asks for.
type Extent struct {
	LBA, Sectors uint64
	Raw          bool // whole sectors of 2352 bytes
}

// ReadCDExtent takes READ CD and READ CD MSF apart: user data alone, or whole raw sectors.
func ReadCDExtent(cdb []byte) (e Extent, s Sense) {
	e.LBA, e.Sectors = uint64(binary.BigEndian.Uint32(cdb[2:])), uint64(cdb[6])<<16|uint64(cdb[7])<<8|uint64(cdb[8])
	if cdb[0] == 0xb9 {
		from, to := fromMSF(cdb[3:6]), fromMSF(cdb[6:9])
		if to < from {
			return e, BadField
		}
		e.LBA, e.Sectors = from, to-from
	}
	if t := cdb[1] >> 2 & 7; t != 0 && t != 2 {
		return e, BadTrack
	}
	switch cdb[9] & 0xf8 {
	case 0x00:
		e.Sectors = 0
	case 0x10:
	case 0xf8:
		e.Raw = true
	default:
		return e, BadField
	}
	return e, Good
}

// DiscCapacity answers READ CAPACITY of a disc.
func DiscCapacity(t Tray) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(t.Sectors-1))
	return binary.BigEndian.AppendUint32(b, DiscSector)
}

// TOC answers READ TOC/PMA/ATIP: a disc of one session with one data track.
func TOC(cdb []byte, t Tray) ([]byte, Sense) {
	format := cdb[2] & 0xf
	if format == 0 {
		format = cdb[9] >> 6 // where SFF-8020i has it
	}
	msf := cdb[1]&2 != 0
	var body []byte
	switch format {
	case 0:
		if cdb[6] > 1 && cdb[6] != 0xaa {
			return nil, BadField
		}
		body = []byte{1, 1}
		if cdb[6] <= 1 {
			body = append(body, 0, 0x14, 1, 0)
			body = append(body, address(0, msf)...)
		}
		body = append(body, 0, 0x14, 0xaa, 0)
		body = append(body, address(t.Sectors, msf)...)
	case 1:
		body = append([]byte{1, 1, 0, 0x14, 1, 0}, address(0, msf)...)
	case 2:
		body = rawTOC(t)
	default:
		return nil, BadField
	}
	b := binary.BigEndian.AppendUint16(nil, uint16(len(body)))
	return append(b, body...), Good
}

func rawTOC(t Tray) []byte {
	body := []byte{1, 1}
	entry := func(point byte, m [3]byte) {
		body = append(body, 1, 0x14, 0, point, 0, 0, 0, 0, m[0], m[1], m[2])
	}
	entry(0xa0, [3]byte{1, 0, 0})
	entry(0xa1, [3]byte{1, 0, 0})
	entry(0xa2, toMSF(t.Sectors))
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

// SubChannel answers READ SUB-CHANNEL: no music plays.
func SubChannel(cdb []byte) ([]byte, Sense) {
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
			return nil, BadField
		}
		b[3] = byte(len(b) - 4)
	}
	return b, Good
}

// DiscInformation answers READ DISC INFORMATION: a finished disc.
func DiscInformation(cdb []byte) ([]byte, Sense) {
	if cdb[1]&7 != 0 {
		return nil, BadField
	}
	b := make([]byte, 34)
	b[1] = 32
	b[2] = 0x0e // finished, its last session too
	b[3], b[4], b[5], b[6] = 1, 1, 1, 1
	b[7] = 0x20 // any use
	return b, Good
}

// DVDStructure answers READ DVD STRUCTURE; CDs have none.
func DVDStructure(cdb []byte, t Tray) ([]byte, Sense) {
	if t.Sectors <= cdMax {
		return nil, BadMedium
	}
	var body []byte
	switch {
	case cdb[6] != 0:
		return nil, BadField
	case cdb[7] == 0x00: // physical: DVD-ROM, 120 mm, one layer
		body = make([]byte, 2048)
		body[0], body[1], body[2] = 1, 0x0f, 1
		binary.BigEndian.PutUint32(body[4:], 0x30000)
		binary.BigEndian.PutUint32(body[8:], uint32(0x30000+t.Sectors-1))
	case cdb[7] == 0x01: // copyright: none
		body = make([]byte, 4)
	case cdb[7] == 0x04: // manufacturing
		body = make([]byte, 2048)
	case cdb[7] == 0xff:
		for _, f := range []byte{0x00, 0x01, 0x04, 0xff} {
			body = append(body, f, 0x40, 8, 4)
		}
	default: // there is no burst cutting area, among others
		return nil, BadField
	}
	b := append(binary.BigEndian.AppendUint16(nil, uint16(len(body)+2)), 0, 0)
	return append(b, body...), Good
}
