package raw

import (
	"errors"
	"fmt"

	"govm-desktop/block"

	"golang.org/x/sys/unix"
)

var (
	_ block.Disk      = (*File)(nil)
	_ block.ReadOnly  = (*File)(nil)
	_ block.Discarder = (*File)(nil)
	_ block.Zeroer    = (*File)(nil)
)

// Discard implements block.Discarder by punching holes. Where the filesystem cannot, nothing is done, as is its right.
func (d *File) Discard(off, n int64) error {
	if err := d.checkWrite(off, n); err != nil || n == 0 {
		return err
	}
	err := d.fallocate(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	if unsupported(err) {
		return nil
	}
	return err
}

// WriteZeroes implements block.Zeroer: without touching the data where the filesystem can, by writing where it cannot.
func (d *File) WriteZeroes(off, n int64) error {
	if err := d.checkWrite(off, n); err != nil || n == 0 {
		return err
	}
	err := d.fallocate(unix.FALLOC_FL_ZERO_RANGE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	if unsupported(err) {
		err = d.fallocate(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	}
	if unsupported(err) {
		return d.writeZeroes(off, n)
	}
	return err
}

// writeZeroes is what is left where holes cannot be had.
func (d *File) writeZeroes(off, n int64) error {
	zeros := make([]byte, min(n, 64<<10))
	for n > 0 {
		k := min(n, int64(len(zeros)))
		if _, err := d.WriteAt(zeros[:k], off); err != nil {
			return err
		}
		off, n = off+k, n-k
	}
	return nil
}

func (d *File) fallocate(mode uint32, off, n int64) error {
	for {
		switch err := unix.Fallocate(int(d.f.Fd()), mode, off, n); {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EINTR):
			return fmt.Errorf("raw: %s: fallocate: %w", d.f.Name(), err)
		}
	}
}

func unsupported(err error) bool {
	return errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENODEV)
}
