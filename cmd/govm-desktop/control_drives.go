package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"govm-desktop/block"
	"govm-desktop/hw/ata"
	"govm-desktop/monitor"
)

// drivePath is a drive's place in the tree of objects.
func drivePath(i int) string { return fmt.Sprintf("/machine/ide/drive[%d]", i) }

// Blocks implements monitor.Control, as do the methods below.
func (c *control) Blocks() []monitor.Block {
	var out []monitor.Block
	for i, d := range c.p.drives {
		if d == nil {
			continue
		}
		drive := c.p.pc.Drive(i)
		b := monitor.Block{Device: d.ID, Path: drivePath(i), Removable: d.CD, File: c.p.fileOf(i), Format: "raw", Stats: c.p.meters[i].stats()}
		if m := drive.Medium(); m != nil {
			b.ReadOnly, b.Size = block.IsReadOnly(m), m.Size()
		}
		if d.CD {
			b.TrayOpen, b.Locked = drive.TrayOpen()
		}
		out = append(out, b)
	}
	return append(out, c.p.looseBlocks()...)
}

// cd finds a CD drive by its name or path.
func (c *control) cd(name string) (int, error) {
	for i, d := range c.p.drives {
		switch {
		case d == nil || d.ID != name && drivePath(i) != name:
		case !d.CD:
			return 0, monitor.Errorf(monitor.GenericError, "Device '%s' is not removable", name)
		default:
			return i, nil
		}
	}
	return 0, &monitor.Error{Class: monitor.DeviceNotFound, Desc: fmt.Sprintf("Device '%s' not found", name)}
}

func (c *control) RemoveMedium(device string, force bool) error {
	if l := c.p.looseDrive(device); l != nil {
		return c.p.exchange(l, nil, "", force)
	}
	i, err := c.cd(device)
	if err != nil {
		return err
	}
	return c.p.swap(i, nil, "", force)
}

// OpenTray takes no disc out: what is in the drive is there again when the tray is closed.
func (c *control) OpenTray(device string, force bool) error {
	i, err := c.cd(device)
	if err != nil {
		return err
	}
	return c.p.media.open(c.p.pc.Drive(i), i, force)
}

func (c *control) CloseTray(device string) error {
	i, err := c.cd(device)
	if err != nil {
		return err
	}
	return c.p.media.close(c.p.pc.Drive(i), i)
}

func (c *control) Change(device, file, format, mode string, force bool) error {
	if format != "" && format != "raw" {
		return monitor.Errorf(monitor.GenericError, "Unknown driver '%s': raw is there", format)
	}
	if l := c.p.looseDrive(device); l != nil {
		d, err := (&driveSpec{file: file, cd: l.cd, readonly: l.readonly || mode == "read-only", snapshot: l.snapshot}).open(c.p.s.snapshot)
		if err != nil {
			return err
		}
		return c.p.exchange(l, d, file, force)
	}
	i, err := c.cd(device)
	if err != nil {
		return err
	}
	if mode == "read-write" {
		return errors.New("a CD cannot be written: read-only-mode=read-only or retain belongs there")
	}
	d, err := (&driveSpec{file: file, cd: true}).open(false)
	if err != nil {
		return err
	}
	return c.p.swap(i, d, file, force)
}

// media guards what is in the CD drives.
type media struct {
	mu    sync.Mutex
	files [4]string
	disks [4]block.Disk // put in by the monitor: ours to close
	out   [4]block.Disk // on an open tray
}

func (p *program) fileOf(i int) string {
	p.media.mu.Lock()
	defer p.media.mu.Unlock()
	return p.media.files[i]
}

func (m *media) open(d *ata.Drive, i int, force bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, err := d.Eject(force)
	if old != nil {
		m.out[i] = old
	}
	return err
}

func (m *media) close(d *ata.Drive, i int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if open, _ := d.TrayOpen(); !open {
		return nil
	}
	_, err := d.SetMedium(m.out[i])
	if err == nil {
		m.out[i] = nil
	}
	return err
}

// swap puts another medium in a drive, or takes the one there out (nil). The old one is closed, if it came from here.
func (p *program) swap(i int, d block.Disk, file string, force bool) error {
	p.media.mu.Lock()
	defer p.media.mu.Unlock()
	drive := p.pc.Drive(i)
	if _, err := drive.Eject(force); err != nil {
		if d != nil {
			d.Close()
		}
		return err
	}
	p.media.out[i] = nil
	if d != nil {
		if _, err := drive.SetMedium(p.meters[i].wrap(d)); err != nil {
			d.Close()
			return err
		}
	}
	if old := p.media.disks[i]; old != nil {
		old.Close()
	}
	p.media.files[i], p.media.disks[i] = file, d
	return nil
}

// meter counts what a drive does, whatever medium is in it.
type meter struct {
	readBytes, writeBytes, unmapBytes                  atomic.Int64
	reads, writes, flushes, unmaps                     atomic.Int64
	badReads, badWrites, badFlushes, badUnmaps         atomic.Int64
	readTime, writeTime, flushTime, unmapTime, highest atomic.Int64
	last                                               atomic.Int64 // of the host's clock in nanoseconds

	journal *journal
}

func (m *meter) stats() monitor.BlockStats {
	s := monitor.BlockStats{
		ReadBytes: m.readBytes.Load(), WriteBytes: m.writeBytes.Load(), UnmapBytes: m.unmapBytes.Load(),
		Reads: m.reads.Load(), Writes: m.writes.Load(), Flushes: m.flushes.Load(), Unmaps: m.unmaps.Load(),
		FailedReads: m.badReads.Load(), FailedWrites: m.badWrites.Load(), FailedFlushes: m.badFlushes.Load(), FailedUnmaps: m.badUnmaps.Load(),
		ReadTime: time.Duration(m.readTime.Load()), WriteTime: time.Duration(m.writeTime.Load()), FlushTime: time.Duration(m.flushTime.Load()),
		UnmapTime: time.Duration(m.unmapTime.Load()), HighestWrite: m.highest.Load()}
	if n := m.last.Load(); n != 0 {
		s.LastAccess = time.Unix(0, n)
	}
	return s
}

// done counts one operation.
func (m *meter) done(start time.Time, err error, ok, bad, total, bytes *atomic.Int64, n int64) {
	now := time.Now()
	m.last.Store(now.UnixNano())
	if err != nil {
		bad.Add(1)
		return
	}
	ok.Add(1)
	total.Add(int64(now.Sub(start)))
	if bytes != nil {
		bytes.Add(n)
	}
}

// wrap is a disk whose operations are counted. It can what the disk can.
func (m *meter) wrap(d block.Disk) block.Disk {
	base := metered{d, m}
	discard, canDiscard := d.(block.Discarder)
	zero, canZero := d.(block.Zeroer)
	switch {
	case canDiscard && canZero:
		return struct {
			metered
			meteredDiscard
			block.Zeroer
		}{base, meteredDiscard{discard, m}, zero}
	case canDiscard:
		return struct {
			metered
			meteredDiscard
		}{base, meteredDiscard{discard, m}}
	case canZero:
		return struct {
			metered
			block.Zeroer
		}{base, zero}
	}
	return base
}

type metered struct {
	block.Disk
	m *meter
}

// ReadOnly implements block.ReadOnly.
func (d metered) ReadOnly() bool { return block.IsReadOnly(d.Disk) }

// ReadAt implements io.ReaderAt.
func (d metered) ReadAt(p []byte, off int64) (int, error) {
	if d.m.journal.traced(traceRead) {
		d.m.journal.trace(traceRead, "offset %d bytes %d", off, len(p))
	}
	start := time.Now()
	n, err := d.Disk.ReadAt(p, off)
	d.m.done(start, err, &d.m.reads, &d.m.badReads, &d.m.readTime, &d.m.readBytes, int64(n))
	return n, err
}

// WriteAt implements io.WriterAt.
func (d metered) WriteAt(p []byte, off int64) (int, error) {
	if d.m.journal.traced(traceWrite) {
		d.m.journal.trace(traceWrite, "offset %d bytes %d", off, len(p))
	}
	start := time.Now()
	n, err := d.Disk.WriteAt(p, off)
	d.m.done(start, err, &d.m.writes, &d.m.badWrites, &d.m.writeTime, &d.m.writeBytes, int64(n))
	for end := off + int64(n); ; {
		if old := d.m.highest.Load(); old >= end || d.m.highest.CompareAndSwap(old, end) {
			return n, err
		}
	}
}

// Sync implements block.Disk.
func (d metered) Sync() error {
	d.m.journal.trace(traceFlush, "")
	start := time.Now()
	err := d.Disk.Sync()
	d.m.done(start, err, &d.m.flushes, &d.m.badFlushes, &d.m.flushTime, nil, 0)
	return err
}

type meteredDiscard struct {
	d block.Discarder
	m *meter
}

// Discard implements block.Discarder.
func (d meteredDiscard) Discard(off, n int64) error {
	start := time.Now()
	err := d.d.Discard(off, n)
	d.m.done(start, err, &d.m.unmaps, &d.m.badUnmaps, &d.m.unmapTime, &d.m.unmapBytes, n)
	return err
}
