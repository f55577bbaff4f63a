package ata

import (
	"errors"

	"govm-desktop/block"
	"govm-desktop/hw/scsi"
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
		d.cd.attention, d.cd.event = true, scsi.EventNew
	} else {
		d.cd.event = scsi.EventRemoved
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
		d.cd.event = scsi.EventEject
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
		d.cd.event = scsi.EventRemoved
	case !open && d.image != nil:
		d.cd.attention, d.cd.event = true, scsi.EventNew
	}
	if d.cfg.Tray != nil {
		d.cfg.Tray(open)
	}
}
