// Package ata models the drives that sit on an ATA bus: disks and ATAPI CD-ROM drives, from the task file registers up to the image behind
// them. The controller (its ports, its bus master, its lock) is another package's; it is a Port here. Followed are ATA/ATAPI-7
// (T13/1532D) for the registers, commands and PIO protocols, and MMC-3 and SFF-8020i for packets.
//
// Left out: overlapped and queued commands, the security and host protected area features (their commands abort, and IDENTIFY does not
// offer them), removable disks, CD audio, writing to discs. No common guest insists on any of these.
package ata

import (
	"log/slog"
	"sync"

	"govm-desktop/block"
)

// Registers of the command block, read/written.
const (
	RegData    = 0
	RegError   = 1 // Features
	RegCount   = 2 // of sectors; the interrupt reason of packet commands
	RegLow     = 3 // LBA 7:0, sector number
	RegMid     = 4 // LBA 15:8, cylinder low, byte count low
	RegHigh    = 5 // LBA 23:16, cylinder high, byte count high
	RegDevice  = 6
	RegStatus  = 7 // Command
	deviceDev  = 0x10
	deviceLBA  = 0x40
	deviceFix  = 0xa0 // obsolete bits, which read as ones
	reasonCoD  = 1
	reasonIO   = 2
	sectorSize = block.SectorSize
)

// Bits of the status register.
const (
	StatusERR  = 0x01 // CHK of packet commands
	StatusDRQ  = 0x08
	StatusDSC  = 0x10
	StatusDF   = 0x20
	StatusDRDY = 0x40
	StatusBSY  = 0x80
	ready      = StatusDRDY | StatusDSC
)

// Bits of the error register.
const (
	errABRT = 0x04
	errIDNF = 0x10
	errUNC  = 0x40
	errICRC = 0x80
)

// CmdDiagnose is the one command that both drives of a channel execute, whichever is selected: the controller calls Diagnose of each.
const CmdDiagnose = 0x90

// Kind is what a drive is.
type Kind uint8

// Kinds of drives.
const (
	Disk Kind = iota
	CDROM
)

// Config says what a drive is.
type Config struct {
	Kind Kind
	// Image is the disk, or the disc in the tray (nil: none). The drive does not close it.
	Image block.Disk
	// Model, Serial, Firmware are the strings that IDENTIFY returns; empty ones have defaults.
	Model, Serial, Firmware string
	// Geometry of a disk; zero: one that its partition table fits, or 16 heads of 63 sectors.
	Geometry Geometry
	// Name is what log messages call the drive.
	Name string
	// Log takes reports of failing images; nil: the default logger.
	Log *slog.Logger
	// Tray, if not nil, is told when the tray opens or closes. It is called with the controller's lock held and must not block.
	Tray func(open bool)
}

// Port is the controller's side of a drive. Its lock guards the drives on it: their methods are called with it held, except where they say
// otherwise, and a drive's worker takes it to complete.
type Port interface {
	sync.Locker
	// INTRQ says that the drive's interrupt request has changed.
	INTRQ(d *Drive)
	// DMARQ says that the drive wants to move data by DMA: the controller calls StartDMA, now or when its bus master is switched on.
	DMARQ(d *Drive)
	// Transfer moves p to memory or from it, as much of it as the bus master's list has room for, and returns how much that was.
	// An error means that the bus master cannot: wrong direction, bad addresses.
	Transfer(d *Drive, p []byte, toMemory bool) (int, error)
	// DMADone says that the transfer has ended.
	DMADone(d *Drive)
}
