package ata

import (
	"encoding/binary"

	"govm-desktop/block"
	"govm-desktop/hw/scsi"
)

// disc is what the drive can read, or nil.
func (d *Drive) disc() block.Disk {
	if d.cd.open {
		return nil
	}
	return d.image
}

// discSectors is the disc's length, rounded up.
func (d *Drive) discSectors() uint64 { return scsi.DiscSectors(d.image) }

// read is READ(10) and READ(12).
func (d *Drive) read(cdb [12]byte) {
	n := uint64(binary.BigEndian.Uint16(cdb[7:]))
	if cdb[0] == 0xa8 {
		n = uint64(binary.BigEndian.Uint32(cdb[6:]))
	}
	d.readFrom(uint64(binary.BigEndian.Uint32(cdb[2:])), n, false)
}

// readCD is READ CD and READ CD MSF.
func (d *Drive) readCD(cdb [12]byte) {
	e, sense := scsi.ReadCDExtent(cdb[:])
	if sense != scsi.Good {
		d.checkSense(sense)
		return
	}
	d.readFrom(e.LBA, e.Sectors, e.Raw)
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
	size := scsi.DiscSector
	if d.op.raw {
		size = scsi.RawSector
	}
	n := int(min(d.op.left, chunk/scsi.RawSector))
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
		good, err = scsi.ReadDiscSectors(image, buf[:n*scsi.DiscSector], lba)
		if raw {
			scsi.Spread(buf, good, lba)
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

func (d *Drive) readCapacity([12]byte) {
	b := scsi.DiscCapacity(d.tray())
	d.answer(b, len(b))
}

func (d *Drive) seek(cdb [12]byte) {
	if uint64(binary.BigEndian.Uint32(cdb[2:])) >= d.discSectors() {
		d.check(senseIllegal, ascRange, 0)
		return
	}
	d.packetDone()
}

// give sends what a command asks for, or fails with the sense.
func (d *Drive) give(data []byte, allowed int, s scsi.Sense) {
	if s != scsi.Good {
		d.checkSense(s)
		return
	}
	d.answer(data, allowed)
}

func (d *Drive) checkSense(s scsi.Sense) { d.check(s.Key(), s.Code(), s.Qualifier()) }

// tray is the drive as MMC commands describe it.
func (d *Drive) tray() scsi.Tray {
	t := scsi.Tray{Open: d.cd.open, Locked: d.cd.locked}
	if disc := d.disc(); disc != nil {
		t.Sectors = scsi.DiscSectors(disc)
	}
	return t
}

func (d *Drive) readTOC(cdb [12]byte) {
	b, s := scsi.TOC(cdb[:], d.tray())
	d.give(b, int(binary.BigEndian.Uint16(cdb[7:])), s)
}

func (d *Drive) readSubChannel(cdb [12]byte) {
	b, s := scsi.SubChannel(cdb[:])
	d.give(b, int(binary.BigEndian.Uint16(cdb[7:])), s)
}

func (d *Drive) discInformation(cdb [12]byte) {
	b, s := scsi.DiscInformation(cdb[:])
	d.give(b, int(binary.BigEndian.Uint16(cdb[7:])), s)
}

func (d *Drive) dvdStructure(cdb [12]byte) {
	b, s := scsi.DVDStructure(cdb[:], d.tray())
	d.give(b, int(binary.BigEndian.Uint16(cdb[8:])), s)
}

func (d *Drive) getConfiguration(cdb [12]byte) {
	d.answer(scsi.Configuration(cdb[:], d.tray()), int(binary.BigEndian.Uint16(cdb[7:])))
}

func (d *Drive) mechanismStatus(cdb [12]byte) {
	d.answer(scsi.MechanismStatus(d.tray()), int(binary.BigEndian.Uint16(cdb[8:])))
}

// modeSense is MODE SENSE(6) and (10).
func (d *Drive) modeSense(cdb [12]byte) {
	b, s := scsi.DriveModeSense(cdb[:], d.tray())
	allowed := int(cdb[4])
	if cdb[0] == 0x5a {
		allowed = int(binary.BigEndian.Uint16(cdb[7:]))
	}
	d.give(b, allowed, s)
}

// getEvent is GET EVENT STATUS NOTIFICATION, polled, of the media class.
func (d *Drive) getEvent(cdb [12]byte) {
	b, told, s := scsi.MediaEvent(cdb[:], d.cd.event, d.tray())
	if told {
		d.cd.event = scsi.EventNone
	}
	d.give(b, int(binary.BigEndian.Uint16(cdb[7:])), s)
}
