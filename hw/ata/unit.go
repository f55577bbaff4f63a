package ata

import (
	"encoding/binary"
	"errors"

	"govm-desktop/block"
)

// Events of GET EVENT STATUS NOTIFICATION's media class.
const (
	eventNone    = 0
	eventEject   = 1
	eventNew     = 2
	eventRemoved = 3
)

// ErrLocked is the cause of a failed Eject: the guest has locked the tray.
var ErrLocked = errors.New("the guest has locked the tray")

// ErrNotRemovable is returned for disks.
var ErrNotRemovable = errors.New("the drive's medium is not removable")

// Medium is the disc in the drive, or nil. Preconditions: the lock is not held (this and the next three methods are the monitor's).
func (d *Drive) Medium() block.Disk {
	d.port.Lock()
	defer d.port.Unlock()
	return d.image
}

// TrayOpen reports whether the tray is open, and whether the guest has locked it.
func (d *Drive) TrayOpen() (open, locked bool) {
	d.port.Lock()
	defer d.port.Unlock()
	return d.cd.open, d.cd.locked
}

// SetMedium puts a disc into a CD-ROM drive and closes the tray, whatever the guest thinks of it, and returns the disc that was there,
// which is the caller's to close. nil takes the disc out and leaves the tray closed.
func (d *Drive) SetMedium(disc block.Disk) (old block.Disk, err error) {
	if d.cfg.Kind != CDROM {
		return nil, ErrNotRemovable
	}
	d.port.Lock()
	defer d.port.Unlock()
	d.drain()
	old, d.image = d.image, disc
	if d.cd.open {
		d.moveTray(false)
	} else if disc != nil {
		d.cd.attention, d.cd.event = true, eventNew
	} else {
		d.cd.event = eventRemoved
	}
	return old, nil
}

// Eject opens the tray and takes the disc out. A locked tray stays closed unless force is set, and the guest learns of the wish.
func (d *Drive) Eject(force bool) (old block.Disk, err error) {
	if d.cfg.Kind != CDROM {
		return nil, ErrNotRemovable
	}
	d.port.Lock()
	defer d.port.Unlock()
	if d.cd.locked && !d.cd.open && !force {
		d.cd.event = eventEject
		return nil, ErrLocked
	}
	d.drain()
	old, d.image = d.image, nil
	d.cd.locked = false
	d.moveTray(true)
	return old, nil
}

// moveTray opens or closes the tray.
func (d *Drive) moveTray(open bool) {
	if d.cd.open == open {
		return
	}
	d.cd.open = open
	switch {
	case open && d.image != nil:
		d.cd.event = eventRemoved
	case !open && d.image != nil:
		d.cd.attention, d.cd.event = true, eventNew
	}
	if d.cfg.Tray != nil {
		d.cfg.Tray(open)
	}
}

// getEvent is GET EVENT STATUS NOTIFICATION, polled, of the media class.
func (d *Drive) getEvent(cdb [12]byte) {
	if cdb[1]&1 == 0 {
		d.badField()
		return
	}
	const media = 4
	b := []byte{0, 0, 0x80, 1 << media}
	if cdb[4]&(1<<media) != 0 {
		b[1], b[2] = 4, media
		status := byte(0)
		if d.cd.open {
			status |= 1
		} else if d.image != nil {
			status |= 2
		}
		b = append(b, d.cd.event, status, 0, 0)
		d.cd.event = eventNone
	}
	d.answer(b, int(binary.BigEndian.Uint16(cdb[7:])))
}

// getConfiguration lists profiles and features.
func (d *Drive) getConfiguration(cdb [12]byte) {
	const cdrom, dvdrom = 0x0008, 0x0010
	var current uint16
	if disc := d.disc(); disc != nil {
		current = cdrom
		if d.discSectors() > cdMax {
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
	d.answer(b, int(be.Uint16(cdb[7:])))
}

func (d *Drive) mechanismStatus(cdb [12]byte) {
	b := make([]byte, 8)
	b[5] = 1
	if d.cd.open {
		b[1] = 0x10
	}
	d.answer(b, int(binary.BigEndian.Uint16(cdb[8:])))
}

// modeSense is MODE SENSE(6) and (10).
func (d *Drive) modeSense(cdb [12]byte) {
	if cdb[2]>>6 == 3 {
		d.check(senseIllegal, ascSaving, 0)
		return
	}
	changeable := cdb[2]>>6 == 1
	var pages []byte
	for _, p := range d.modePages() {
		if code := cdb[2] & 0x3f; code != p[0] && code != 0x3f {
			continue
		}
		if changeable {
			clear(p[2:])
		}
		pages = append(pages, p...)
	}
	if pages == nil {
		d.badField()
		return
	}
	if cdb[0] == 0x1a {
		b := []byte{byte(3 + len(pages)), d.mediumType(), 0, 0}
		d.answer(append(b, pages...), int(cdb[4]))
		return
	}
	b := make([]byte, 8)
	binary.BigEndian.PutUint16(b, uint16(6+len(pages)))
	b[2] = d.mediumType()
	d.answer(append(b, pages...), int(binary.BigEndian.Uint16(cdb[7:])))
}

func (d *Drive) mediumType() byte {
	switch {
	case d.cd.open:
		return 0x71
	case d.image == nil:
		return 0x70
	}
	return 0x01
}

// modePages are error recovery, CD audio, capabilities.
func (d *Drive) modePages() [][]byte {
	audio := make([]byte, 16)
	audio[0], audio[1], audio[2], audio[7] = 0x0e, 0x0e, 0x04, 0x4b
	audio[8], audio[9], audio[10], audio[11] = 1, 0xff, 2, 0xff
	caps := make([]byte, 20)
	caps[0], caps[1] = 0x2a, 0x12
	caps[2] = 0x3b // reads CD-R, CD-RW, DVD-ROM, DVD-R
	caps[4] = 0x70 // mode 2 forms 1 and 2, several sessions
	caps[5] = 0x60 // unique product code, ISRC
	caps[6] = 0x29 // tray, can eject, can lock
	if d.cd.locked {
		caps[6] |= 2
	}
	be := binary.BigEndian
	be.PutUint16(caps[8:], 706) // KB/s
	be.PutUint16(caps[10:], 2)
	be.PutUint16(caps[12:], 512) // KB of buffer
	be.PutUint16(caps[14:], 706)
	return [][]byte{{0x01, 0x06, 0x00, 0x05, 0, 0, 0, 0}, audio, caps}
}
