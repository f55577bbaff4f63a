// Package scsi models SCSI logical units, whatever bus brings the commands: disks, removable disks and CD-ROM drives on disk images. Followed are
// SPC-4 for the primary commands, SBC-3 for disks and MMC-3 for discs. The answers that describe a disc and its drive are functions of their own,
// which ATAPI drives share.
//
// Left out: reservations of other initiators (there is one), protection information, log pages, writing to discs and CD audio.
package scsi

import (
	"errors"
	"log/slog"
	"sync"

	"govm-desktop/block"
	"govm-desktop/snapshot"
)

// Kind is what a unit is.
type Kind uint8

// Kinds of units.
const (
	Disk Kind = iota
	CDROM
)

// BlockSize is a disk's.
const BlockSize = block.SectorSize

// Config says what a unit is.
type Config struct {
	Kind Kind
	// Image is the disk, or the disc in the tray. nil: none, which only drives with removable media can have. The unit does not close it.
	Image     block.Disk
	Removable bool // a disk's medium can be taken out; a CD-ROM's always can
	// Vendor, Model, Revision, Serial are the strings of INQUIRY; empty ones have defaults.
	Vendor, Model, Revision, Serial string
	// Name is what log messages call the unit.
	Name string
	// Log takes reports of failing images; nil: the default logger.
	Log *slog.Logger
	// Tray, if not nil, is told when the tray opens or closes. It must not block.
	Tray func(open bool)
}

// Unit is a logical unit. Its methods may be called from any goroutine.
type Unit struct {
	cfg Config

	// io is held for reading while the image is used and for writing while it is exchanged; who holds both locks took io first.
	io sync.RWMutex

	mu        sync.Mutex // guards everything below
	image     block.Disk // changed with io held too
	attention Sense      // UNIT ATTENTION to be reported
	sense     Sense      // of the last failed command, for REQUEST SENSE
	event     uint8      // for GET EVENT STATUS NOTIFICATION
	open      bool       // the tray
	locked    bool
	noCache   bool // every write is flushed
	logged    bool // a failure of the image has been reported
}

// New returns a unit that has just been switched on.
func New(cfg Config) *Unit {
	def := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	def(&cfg.Vendor, "GOVM")
	def(&cfg.Revision, "1.0")
	if cfg.Kind == CDROM {
		cfg.Removable = true
		def(&cfg.Model, "GOVM DVD-ROM")
	} else {
		def(&cfg.Model, "GOVM HARDDISK")
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	u := &Unit{cfg: cfg, image: cfg.Image}
	u.Reset()
	return u
}

// Reset is a reset of the bus. Tray and medium stay as they are.
func (u *Unit) Reset() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.attention, u.sense = PowerOnReset, Good
	u.locked, u.noCache = false, false
}

// ErrLocked is the cause of a failed Eject: the guest has locked the medium in.
var ErrLocked = errors.New("the guest has locked the tray")

// ErrNotRemovable is returned for disks whose medium stays.
var ErrNotRemovable = errors.New("the drive's medium is not removable")

// Removable reports whether the medium can be taken out.
func (u *Unit) Removable() bool { return u.cfg.Removable }

// Kind is what the unit is.
func (u *Unit) Kind() Kind { return u.cfg.Kind }

// Medium is the image in the unit, or nil.
func (u *Unit) Medium() block.Disk {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.image
}

// TrayOpen reports whether the tray is open, and whether the guest has locked it.
func (u *Unit) TrayOpen() (open, locked bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.open, u.locked
}

// SetMedium puts an image in and closes the tray, whatever the guest thinks of it, and returns the one that was there, which is the caller's
// to close. nil takes it out and leaves the tray closed. It waits for transfers under way.
func (u *Unit) SetMedium(image block.Disk) (old block.Disk, err error) {
	if !u.cfg.Removable {
		return nil, ErrNotRemovable
	}
	u.io.Lock()
	defer u.io.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	old, u.image = u.image, image
	switch {
	case u.open:
		u.moveTray(false)
	case image != nil:
		u.attention, u.event = MediumChanged, EventNew
	default:
		u.event = EventRemoved
	}
	return old, nil
}

// Eject opens the tray and takes the medium out. A locked tray stays closed unless force is set, and the guest learns of the wish.
func (u *Unit) Eject(force bool) (old block.Disk, err error) {
	if !u.cfg.Removable {
		return nil, ErrNotRemovable
	}
	u.io.Lock()
	defer u.io.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.locked && !u.open && !force {
		u.event = EventEject
		return nil, ErrLocked
	}
	old, u.image = u.image, nil
	u.locked = false
	u.open = u.open || old == nil
	if !u.open {
		u.event = EventRemoved
	}
	u.moveTray(true)
	return old, nil
}

// moveTray opens or closes the tray. Preconditions: mu is held.
func (u *Unit) moveTray(open bool) {
	if u.open == open {
		return
	}
	u.open = open
	switch {
	case open && u.image != nil:
		u.event = EventRemoved
	case !open && u.image != nil:
		u.attention, u.event = MediumChanged, EventNew
	}
	if u.cfg.Tray != nil {
		u.cfg.Tray(open)
	}
}

// medium is what can be read, or nil. Preconditions: mu is held.
func (u *Unit) medium() block.Disk {
	if u.open {
		return nil
	}
	return u.image
}

// tray is the drive as MMC commands describe it. Preconditions: mu is held.
func (u *Unit) tray() Tray {
	t := Tray{Open: u.open, Locked: u.locked}
	if m := u.medium(); m != nil {
		t.Sectors = DiscSectors(m)
	}
	return t
}

// size is the medium's in bytes, in whole blocks. Preconditions: there is one; mu is held.
func (u *Unit) size() int64 {
	if u.cfg.Kind == CDROM {
		return int64(DiscSectors(u.image)) * DiscSector
	}
	return u.image.Size() / BlockSize * BlockSize
}

// blockSize is of a logical block.
func (u *Unit) blockSize() int64 {
	if u.cfg.Kind == CDROM {
		return DiscSector
	}
	return BlockSize
}

// failed reports the first failure of the image.
func (u *Unit) failed(what string, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.logged {
		u.logged = true
		u.cfg.Log.Error(what+" failed; the guest is told, further failures are not logged", "drive", u.cfg.Name, "err", err)
	}
}

// State saves or loads.
func (u *Unit) State(c *snapshot.Coder) {
	u.mu.Lock()
	defer u.mu.Unlock()
	snapshot.Field(c, "attention", &u.attention)
	snapshot.Field(c, "sense", &u.sense)
	snapshot.Field(c, "event", &u.event)
	snapshot.Field(c, "open", &u.open)
	snapshot.Field(c, "locked", &u.locked)
	snapshot.Field(c, "nocache", &u.noCache)
	if c.Loading() && !u.cfg.Removable {
		u.open = false
	}
}
