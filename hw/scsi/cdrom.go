package scsi

// discCommand are the commands of CD-ROM drives (MMC-3).
func discCommand(opcode uint8) (command, bool) {
	switch opcode {
	case 0x25:
		return command{run: func(u *Unit, r *Request) { r.answer(DiscCapacity(u.tray()), Good) }, medium: true}, true
	case 0x28, 0xa8, 0x08, 0x88:
		return command{run: (*Unit).read, medium: true}, true
	case 0x2b: // SEEK
		return command{run: (*Unit).seek, medium: true}, true
	case 0x2f, 0xaf: // VERIFY
		return command{run: (*Unit).verifyBlocks, medium: true}, true
	case 0xbb, 0xa7: // SET CD SPEED, SET READ AHEAD
		return command{run: (*Unit).nothing}, true
	case 0x42:
		return command{run: func(_ *Unit, r *Request) { r.answer(SubChannel(r.cdb[:])) }, medium: true}, true
	case 0x43:
		return command{run: func(u *Unit, r *Request) { r.answer(TOC(r.cdb[:], u.tray())) }, medium: true}, true
	case 0x46:
		return command{run: func(u *Unit, r *Request) { r.answer(Configuration(r.cdb[:], u.tray()), Good) }, always: true}, true
	case 0x4a:
		return command{run: (*Unit).mediaEvent, always: true}, true
	case 0x51:
		return command{run: func(_ *Unit, r *Request) { r.answer(DiscInformation(r.cdb[:])) }, medium: true}, true
	case 0xad:
		return command{run: func(u *Unit, r *Request) { r.answer(DVDStructure(r.cdb[:], u.tray())) }, medium: true}, true
	case 0xb9, 0xbe:
		return command{run: (*Unit).readCD, medium: true}, true
	case 0xbd:
		return command{run: func(u *Unit, r *Request) { r.answer(MechanismStatus(u.tray()), Good) }}, true
	}
	return command{}, false
}

func (u *Unit) seek(r *Request) {
	lba, _ := blocks(r.cdb[:])
	u.extent(r, lba, 1)
}

func (u *Unit) mediaEvent(r *Request) {
	b, told, s := MediaEvent(r.cdb[:], u.event, u.tray())
	if told {
		u.event = EventNone
	}
	r.answer(b, s)
}

func (u *Unit) readCD(r *Request) {
	e, s := ReadCDExtent(r.cdb[:])
	if s != Good {
		r.fail(s)
		return
	}
	if !u.extent(r, e.LBA, e.Sectors) || e.Sectors == 0 {
		return
	}
	r.op, r.Dir, r.Len = opRead, In, r.n
	if e.Raw {
		r.op, r.Len = opRaw, int64(e.Sectors)*RawSector
	}
}
