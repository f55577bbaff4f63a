// Package overlay is a disk whose writes go to a temporary file and are forgotten at the end, over another disk that is only read: what
// -snapshot means. The file is sparse and has no name; a bit for each cluster of 64 KiB says whether it holds that cluster.
package overlay

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"sync"

	"govm-desktop/block"

	"golang.org/x/sys/unix"
)

const (
	clusterShift = 16
	clusterSize  = 1 << clusterShift
)

// Disk is an overlay.
type Disk struct {
	base block.Disk
	file *os.File
	dir  string
	size int64

	mu   sync.RWMutex // guards everything below; held for reading while clusters are used, for writing while one moves to the file
	held []uint64     // a bit for each cluster
}

var (
	_ block.Disk      = (*Disk)(nil)
	_ block.Discarder = (*Disk)(nil)
	_ block.Zeroer    = (*Disk)(nil)
)

// New returns an overlay over base, which it owns from then on and closes with itself. The temporary file is made in dir ("": $TMPDIR, or
// /var/tmp, which unlike /tmp is seldom in memory).
func New(base block.Disk, dir string) (*Disk, error) {
	if dir == "" {
		if dir = os.Getenv("TMPDIR"); dir == "" {
			dir = "/var/tmp"
		}
	}
	f, err := os.CreateTemp(dir, "govm-overlay-")
	if err != nil {
		return nil, fmt.Errorf("overlay: temporary file: %w; set TMPDIR to a folder that can be written", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("overlay: temporary file: %w", err), f.Close())
	}
	clusters := (base.Size() + clusterSize - 1) >> clusterShift
	return &Disk{base: base, file: f, dir: dir, size: base.Size(), held: make([]uint64, (clusters+63)/64)}, nil
}

// Size implements block.Disk.
func (d *Disk) Size() int64 { return d.size }

// Clusters is how many clusters of 64 KiB have been written.
func (d *Disk) Clusters() (n int) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, w := range d.held {
		n += bits.OnesCount64(w)
	}
	return n
}

func (d *Disk) has(c int64) bool { return d.held[c>>6]&(1<<(c&63)) != 0 }

func (d *Disk) check(off, n int64) error {
	if err := block.Check(d.size, off, n); err != nil {
		return fmt.Errorf("overlay: %w", err)
	}
	return nil
}

// run is how many of the n bytes from off lie in clusters that are all in the file, or all not.
func (d *Disk) run(off, n int64) (length int64, held bool) {
	c := off >> clusterShift
	held = d.has(c)
	end := (c + 1) << clusterShift
	for end < off+n && d.has(end>>clusterShift) == held {
		end += clusterSize
	}
	return min(n, end-off), held
}

// ReadAt implements block.Disk.
func (d *Disk) ReadAt(p []byte, off int64) (done int, err error) {
	if err := d.check(off, int64(len(p))); err != nil {
		return 0, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	for done < len(p) {
		n, held := d.run(off+int64(done), int64(len(p)-done))
		part := p[done : done+int(n)]
		if held {
			err = d.readFile(part, off+int64(done))
		} else {
			_, err = d.base.ReadAt(part, off+int64(done))
		}
		if err != nil {
			return done, err
		}
		done += int(n)
	}
	return done, nil
}

// readFile reads from the temporary file, beyond whose end are zeros.
func (d *Disk) readFile(p []byte, off int64) error {
	n, err := d.file.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("overlay: temporary file in %s: %w", d.dir, err)
	}
	clear(p[n:])
	return nil
}

// WriteAt implements block.Disk.
func (d *Disk) WriteAt(p []byte, off int64) (int, error) {
	if err := d.check(off, int64(len(p))); err != nil || len(p) == 0 {
		return 0, err
	}
	if done, err := d.rewrite(p, off); done || err != nil {
		return len(p), err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n := int64(len(p))
	// Only the first and the last cluster can be partly written: those get the rest of their contents from below.
	for _, c := range []int64{off >> clusterShift, (off + n - 1) >> clusterShift} {
		if start := c << clusterShift; !d.has(c) && (start < off || min(start+clusterSize, d.size) > off+n) {
			if err := d.copyUp(c); err != nil {
				return 0, err
			}
		}
	}
	if err := d.writeFile(p, off); err != nil {
		return 0, err
	}
	for c := off >> clusterShift; c <= (off+n-1)>>clusterShift; c++ {
		d.held[c>>6] |= 1 << (c & 63)
	}
	return len(p), nil
}

// rewrite writes if all clusters are in the file already.
func (d *Disk) rewrite(p []byte, off int64) (bool, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if n, held := d.run(off, int64(len(p))); !held || n < int64(len(p)) {
		return false, nil
	}
	return true, d.writeFile(p, off)
}

// copyUp moves a cluster to the file.
func (d *Disk) copyUp(c int64) error {
	start := c << clusterShift
	buf := make([]byte, min(clusterSize, d.size-start))
	if _, err := d.base.ReadAt(buf, start); err != nil {
		return err
	}
	if err := d.writeFile(buf, start); err != nil {
		return err
	}
	d.held[c>>6] |= 1 << (c & 63)
	return nil
}

func (d *Disk) writeFile(p []byte, off int64) error {
	if _, err := d.file.WriteAt(p, off); err != nil {
		if errors.Is(err, unix.ENOSPC) {
			return fmt.Errorf("overlay: temporary file: no space left in %s; set TMPDIR to a folder with more", d.dir)
		}
		return fmt.Errorf("overlay: temporary file in %s: %w", d.dir, err)
	}
	return nil
}

// Discard implements block.Discarder.
func (d *Disk) Discard(off, n int64) error { return d.WriteZeroes(off, n) }

// WriteZeroes implements block.Zeroer: whole clusters become holes of the file.
func (d *Disk) WriteZeroes(off, n int64) error {
	if err := d.check(off, n); err != nil {
		return err
	}
	zeros := make([]byte, min(n, clusterSize))
	for n > 0 {
		k := min(n, clusterSize-off&(clusterSize-1))
		if k < clusterSize || !d.punch(off>>clusterShift) {
			if _, err := d.WriteAt(zeros[:k], off); err != nil {
				return err
			}
		}
		off, n = off+k, n-k
	}
	return nil
}

// punch makes a cluster a hole, if the filesystem can.
func (d *Disk) punch(c int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := unix.Fallocate(int(d.file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, c<<clusterShift, clusterSize)
	if err != nil {
		return false
	}
	d.held[c>>6] |= 1 << (c & 63)
	return true
}

// Sync implements block.Disk. Nothing here outlives the process, so that there is nothing to bring to safety.
func (d *Disk) Sync() error { return nil }

// Close implements block.Disk.
func (d *Disk) Close() error {
	return errors.Join(d.file.Close(), d.base.Close())
}
