package scsi

import "encoding/binary"

// Events of GET EVENT STATUS NOTIFICATION's media class.
const (
	EventNone    = 0
	EventEject   = 1
	EventNew     = 2
	EventRemoved = 3
)

// MediaEvent answers GET EVENT STATUS NOTIFICATION, polled. told reports whether the event was asked for, and is over.
func MediaEvent(cdb []byte, event uint8, t Tray) (b []byte, told bool, s Sense) {
	if cdb[1]&1 == 0 {
		return nil, false, BadField
	}
	const media = 4
	b = []byte{0, 0, 0x80, 1 << media}
	if cdb[4]&(1<<media) == 0 {
		return b, false, Good
	}
	b[1], b[2] = 4, media
	status := byte(0)
	if t.Open {
		status |= 1
	} else if t.Sectors > 0 {
		status |= 2
	}
	return append(b, event, status, 0, 0), true, Good
}

// Configuration answers GET CONFIGURATION: profiles and features.
func Configuration(cdb []byte, t Tray) []byte {
	const cdrom, dvdrom = 0x0008, 0x0010
	var current uint16
	if t.Sectors > 0 {
		current = cdrom
		if t.Sectors > cdMax {
			current = dvdrom
		}
	}
	be := binary.BigEndian
	first, kind := be.Uint16(cdb[2:]), cdb[1]&3
	b := make([]byte, 8)
	be.PutUint16(b[6:], current)
	feature := func(code uint16, active bool, flags byte, body ...byte) {
		if code < first && kind != 2 || kind == 2 && code != first || kind == 1 && !active {
			return
		}
		if active {
			flags |= 1
		}
		b = be.AppendUint16(b, code)
		b = append(b, flags, byte(len(body)))
		b = append(b, body...)
	}
	is := func(p uint16) byte {
		if current == p {
			return 1
		}
		return 0
	}
	feature(0x0000, true, 0x02, 0, dvdrom, is(dvdrom), 0, 0, cdrom, is(cdrom), 0)
	feature(0x0001, true, 0x0a, 0, 0, 0, 2, 1, 0, 0, 0)
	feature(0x0003, true, 0x02, 0x29, 0, 0, 0)
	feature(0x0010, current != 0, 0, 0, 0, 8, 0, 0, 1, 0, 0)
	feature(0x001e, current == cdrom, 0x08, 0, 0, 0, 0)
	feature(0x001f, current == dvdrom, 0x04, 0, 0, 0, 0)
	be.PutUint32(b, uint32(len(b)-4))
	return b
}

// MechanismStatus answers MECHANISM STATUS.
func MechanismStatus(t Tray) []byte {
	b := make([]byte, 8)
	b[5] = 1
	if t.Open {
		b[1] = 0x10
	}
	return b
}

// DriveModeSense answers MODE SENSE of a CD drive: error recovery, CD audio, capabilities.
func DriveModeSense(cdb []byte, t Tray) ([]byte, Sense) {
	if cdb[2]>>6 == 3 {
		return nil, NoSaving
	}
	pages := pickPages(cdb, drivePages(t), nil)
	if pages == nil {
		return nil, BadField
	}
	return modeHeader(cdb, mediumType(t), 0, nil, pages), Good
}

// pickPages are those that MODE SENSE asks for; of changeable values, the bits that changes names, by page.
func pickPages(cdb []byte, all [][]byte, changes map[byte][]byte) (pages []byte) {
	for _, p := range all {
		if code := cdb[2] & 0x3f; code != p[0] && code != 0x3f {
			continue
		}
		if cdb[2]>>6 == 1 {
			clear(p[2:])
			copy(p[2:], changes[p[0]])
		}
		pages = append(pages, p...)
	}
	return pages
}

// modeHeader puts the mode parameter header before block descriptor and pages.
func modeHeader(cdb []byte, medium, specific byte, descriptor, pages []byte) []byte {
	if cdb[0] == 0x1a {
		n := 3 + len(descriptor) + len(pages)
		b := append([]byte{byte(n), medium, specific, byte(len(descriptor))}, descriptor...)
		return append(b, pages...)
	}
	b := make([]byte, 8)
	binary.BigEndian.PutUint16(b, uint16(6+len(descriptor)+len(pages)))
	b[2], b[3], b[7] = medium, specific, byte(len(descriptor))
	return append(append(b, descriptor...), pages...)
}

func mediumType(t Tray) byte {
	switch {
	case t.Open:
		return 0x71
	case t.Sectors == 0:
		return 0x70
	}
	return 0x01
}

func drivePages(t Tray) [][]byte {
	audio := make([]byte, 16)
	audio[0], audio[1], audio[2], audio[7] = 0x0e, 0x0e, 0x04, 0x4b
	audio[8], audio[9], audio[10], audio[11] = 1, 0xff, 2, 0xff
	caps := make([]byte, 20)
	caps[0], caps[1] = 0x2a, 0x12
	caps[2] = 0x3b // reads CD-R, CD-RW, DVD-ROM, DVD-R
	caps[4] = 0x70 // mode 2 forms 1 and 2, several sessions
	caps[5] = 0x60 // unique product code, ISRC
	caps[6] = 0x29 // tray, can eject, can lock
	if t.Locked {
		caps[6] |= 2
	}
	be := binary.BigEndian
	be.PutUint16(caps[8:], 706) // KB/s
	be.PutUint16(caps[10:], 2)
	be.PutUint16(caps[12:], 512) // KB of buffer
	be.PutUint16(caps[14:], 706)
	return [][]byte{{0x01, 0x06, 0x00, 0x05, 0, 0, 0, 0}, audio, caps}
}
