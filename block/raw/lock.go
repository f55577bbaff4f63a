package raw

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// The locks of QEMU's file-posix driver: one byte of the file for each thing that may be done with an image. A read lock on a byte from lockHeld on says
// that somebody does the thing, one from lockBarred on that somebody will not have it done by others.
const (
	lockHeld   = 100
	lockBarred = 200

	permConsistentRead = 1 << 0
	permWrite          = 1 << 1
	permResize         = 1 << 3
	perms              = 5
)

// errTaken is the cause of a refused lock.
var errTaken = errors.New("in use")

// lock keeps other writers out, and if we write, other readers too.
func (d *File) lock(name string) error {
	held, barred := permConsistentRead, permWrite|permResize
	if !d.readOnly {
		held |= permWrite | permResize
	}
	err := d.lockBytes(held, barred)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTaken) && d.readOnly:
		return fmt.Errorf("raw: %s: another machine or drive has it open for writing; stop that one or use a copy", name)
	case errors.Is(err, errTaken):
		return fmt.Errorf("raw: %s: another machine or drive has it open; stop that one, use a copy, or open both with readonly=on or -snapshot", name)
	case errors.Is(err, unix.ENOLCK), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		return nil // The filesystem has no locks: better unprotected than not at all.
	}
	return fmt.Errorf("raw: %s: lock: %w", name, err)
}

// lockBytes first says what we do and what we bar, then looks whether others agree: of two that come at once at least one sees the other.
// The locks belong to the open file and go with it.
func (d *File) lockBytes(held, barred int) error {
	for i := range perms {
		for _, c := range []struct {
			mask int
			at   int64
		}{{held, lockHeld}, {barred, lockBarred}} {
			if c.mask>>i&1 == 0 {
				continue
			}
			l := unix.Flock_t{Type: unix.F_RDLCK, Whence: io.SeekStart, Start: c.at + int64(i), Len: 1}
			if err := unix.FcntlFlock(d.f.Fd(), unix.F_OFD_SETLK, &l); err != nil {
				if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
					return errTaken
				}
				return err
			}
		}
	}
	for i := range perms {
		if held>>i&1 != 0 && d.locked(lockBarred+int64(i)) || barred>>i&1 != 0 && d.locked(lockHeld+int64(i)) {
			return errTaken
		}
	}
	return nil
}

// locked reports whether somebody else has a lock on a byte.
func (d *File) locked(at int64) bool {
	l := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: at, Len: 1}
	err := unix.FcntlFlock(d.f.Fd(), unix.F_OFD_GETLK, &l)
	return err == nil && l.Type != unix.F_UNLCK
}
