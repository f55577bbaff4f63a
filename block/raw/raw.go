// Package raw is disk images that hold the disk's bytes as they are: files, host block devices, and, read-only, memory.
//
// A file is locked while it is open, in the way that QEMU and its tools lock images, so that neither harms the other: many may read it, or one may
// write it. Its last sector may be partial; what is missing reads as zeros, and the file grows to a whole number of sectors when the guest writes there.
package raw

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"govm-desktop/block"

	"golang.org/x/sys/unix"
)

// Options say how an image is opened.
type Options struct {
	ReadOnly bool
}

// File is an image in a file or on a host block device.
type File struct {
	f        *os.File
	size     int64
	data     int64 // bytes of size that were in the file when it was opened: the last sector may be partial
	readOnly bool
}

// Open opens an image. Errors name the file, and what to do about them where something can be done.
func Open(name string, o Options) (*File, error) {
	flags := os.O_RDWR
	if o.ReadOnly {
		flags = os.O_RDONLY
	}
	f, err := os.OpenFile(name, flags|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, openError(name, o, err)
	}
	d := &File{f: f, readOnly: o.ReadOnly}
	if err := d.prepare(name); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return d, nil
}

func openError(name string, o Options, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	switch {
	case errors.Is(err, unix.EISDIR):
		return fmt.Errorf("raw: %s: is a directory, not a disk image", name)
	case !o.ReadOnly && (errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS)):
		return fmt.Errorf("raw: %s: may not be written (%w); open it with readonly=on or -snapshot", name, err)
	}
	return fmt.Errorf("raw: %s: %w", name, err)
}

// prepare finds out the size and takes the lock.
func (d *File) prepare(name string) error {
	st, err := d.f.Stat()
	if err != nil {
		return fmt.Errorf("raw: %w", err)
	}
	switch mode := st.Mode(); {
	case mode.IsRegular():
		d.size = st.Size()
	case mode&fs.ModeDevice != 0 && mode&fs.ModeCharDevice == 0:
		if d.size, err = d.f.Seek(0, io.SeekEnd); err != nil {
			return fmt.Errorf("raw: %w", err)
		}
	case mode.IsDir():
		return fmt.Errorf("raw: %s: is a directory, not a disk image", name)
	default:
		return fmt.Errorf("raw: %s: is neither a file nor a block device", name)
	}
	if d.size == 0 {
		return fmt.Errorf("raw: %s: is empty; give it a size first (truncate -s 10G %s)", name, name)
	}
	d.data = d.size
	d.size = (d.size + block.SectorSize - 1) / block.SectorSize * block.SectorSize
	return d.lock(name)
}

// Size implements block.Disk.
func (d *File) Size() int64 { return d.size }

// ReadOnly implements block.ReadOnly.
func (d *File) ReadOnly() bool { return d.readOnly }

// ReadAt implements block.Disk.
func (d *File) ReadAt(p []byte, off int64) (int, error) {
	if err := d.check(off, int64(len(p))); err != nil {
		return 0, err
	}
	n, err := d.f.ReadAt(p, off)
	if errors.Is(err, io.EOF) {
		if off+int64(n) < d.data {
			return n, fmt.Errorf("raw: %s: has become shorter than it was: %w", d.f.Name(), io.ErrUnexpectedEOF)
		}
		clear(p[n:]) // the missing part of the last sector
		return len(p), nil
	}
	if err != nil {
		return n, fmt.Errorf("raw: %w", err)
	}
	return n, nil
}

// WriteAt implements block.Disk.
func (d *File) WriteAt(p []byte, off int64) (int, error) {
	if err := d.checkWrite(off, int64(len(p))); err != nil {
		return 0, err
	}
	n, err := d.f.WriteAt(p, off)
	if err != nil {
		return n, fmt.Errorf("raw: %w", err)
	}
	return n, nil
}

var errReadOnly = errors.New("opened read-only")

func (d *File) check(off, n int64) error {
	if err := block.Check(d.size, off, n); err != nil {
		return fmt.Errorf("raw: %s: %w", d.f.Name(), err)
	}
	return nil
}

func (d *File) checkWrite(off, n int64) error {
	if d.readOnly {
		return fmt.Errorf("raw: %s: %w", d.f.Name(), errReadOnly)
	}
	return d.check(off, n)
}

// Sync implements block.Disk.
func (d *File) Sync() error {
	if d.readOnly {
		return nil
	}
	for {
		switch err := unix.Fdatasync(int(d.f.Fd())); {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EINTR):
			return fmt.Errorf("raw: %s: fdatasync: %w", d.f.Name(), err)
		}
	}
}

// Close implements block.Disk.
func (d *File) Close() error {
	if err := d.f.Close(); err != nil {
		return fmt.Errorf("raw: %w", err)
	}
	return nil
}
