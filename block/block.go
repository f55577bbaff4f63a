// Package block is the contract of disk images: what a disk controller sees of what is behind a drive.
package block

import (
	"errors"
	"fmt"
	"io"
)

// SectorSize is the unit of sizes: every Disk is a whole number of sectors long.
const SectorSize = 512

// Disk is a virtual disk's contents. Its methods may be called from several goroutines at once. Offsets and lengths are in bytes.
// ReadAt and WriteAt beyond Size fail with an error and change nothing.
type Disk interface {
	io.ReaderAt
	io.WriterAt
	Size() int64 // in bytes
	// Sync returns when all completed writes are on stable storage (fdatasync).
	Sync() error
	Close() error
}

// Optional abilities, found by type assertion.
type (
	// ReadOnly says that WriteAt fails always.
	ReadOnly interface{ ReadOnly() bool }
	// Discarder may forget the contents of a range, which then reads as anything.
	Discarder interface{ Discard(off, n int64) error }
	// Zeroer makes a range read as zeros cheaply.
	Zeroer interface{ WriteZeroes(off, n int64) error }
)

// IsReadOnly reports whether d refuses writes.
func IsReadOnly(d Disk) bool {
	r, ok := d.(ReadOnly)
	return ok && r.ReadOnly()
}

// ErrRange is the cause of an access that does not lie within a disk.
var ErrRange = errors.New("outside the disk")

// Check returns an error wrapping ErrRange unless the n bytes from off lie within a disk of the given size.
func Check(size, off, n int64) error {
	if off < 0 || n < 0 || off > size || n > size-off {
		return fmt.Errorf("%d bytes at %d, of %d: %w", n, off, size, ErrRange)
	}
	return nil
}
