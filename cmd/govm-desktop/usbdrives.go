package main

import (
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"govm-desktop/block"
	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/hw/scsi"
	"govm-desktop/hw/usb"
	"govm-desktop/machine"
	"govm-desktop/monitor"
)

// usbParts are the emulated USB devices and the drives of -drive if=none that are in them. A device that is pulled out gives its drives back, with
// their images open: the next one can have them.
type usbParts struct {
	mu     sync.Mutex // guards everything below
	loose  []*looseDrive
	images map[string]block.Disk // by the drive's id
	parts  map[usb.Device]usbPart
}

// usbPart is what a device leaves behind.
type usbPart struct {
	close  func() error
	drives []*looseDrive
}

// looseDrive is a drive of -drive if=none, in the device that has named it.
type looseDrive struct {
	*driveSpec
	unit *scsi.Unit
	now  string     // the medium's file
	own  block.Disk // put in by the monitor: ours to close
}

// serialNumber is a device's that nobody has given one: the same whenever it is made for this drive, and another one's for another. Guests know
// devices again by it.
func (l *looseDrive) serialNumber() string {
	return fmt.Sprintf("474F564D%08X", crc32.ChecksumIEEE([]byte(l.id)))
}

// keepUSB has the program close a device when it has been pulled out, or when the machine has ended.
func keepUSB[D usb.Device](p *program, d D, drives ...*looseDrive) D {
	part := usbPart{drives: drives}
	if c, ok := any(d).(io.Closer); ok {
		part.close = c.Close
	}
	p.parts.mu.Lock()
	defer p.parts.mu.Unlock()
	if p.parts.parts == nil {
		p.parts.parts = map[usb.Device]usbPart{}
	}
	p.parts.parts[d] = part
	return d
}

// releaseUSB closes a device that has been pulled out, and takes its drives back.
func (p *program) releaseUSB(d usb.Device) {
	p.parts.mu.Lock()
	part, ok := p.parts.parts[d]
	delete(p.parts.parts, d)
	p.parts.mu.Unlock()
	if !ok {
		return
	}
	if part.close != nil {
		part.close()
	}
	p.parts.mu.Lock()
	defer p.parts.mu.Unlock()
	for _, l := range part.drives {
		p.parts.loose = slices.DeleteFunc(p.parts.loose, func(x *looseDrive) bool { return x == l })
		if l.own != nil {
			l.own.Close()
		}
	}
}

// closeUSB closes all devices, and then the images.
func (p *program) closeUSB() {
	p.parts.mu.Lock()
	var all []usb.Device
	for d := range p.parts.parts {
		all = append(all, d)
	}
	p.parts.mu.Unlock()
	for _, d := range all {
		p.releaseUSB(d)
	}
	p.parts.mu.Lock()
	defer p.parts.mu.Unlock()
	for _, d := range p.parts.images {
		if err := d.Close(); err != nil {
			p.log.Error("image", "err", err)
		}
	}
}

// addLoose adds a drive to those that devices can name, and returns its id.
func (p *program) addLoose(option, file string) string {
	p.parts.mu.Lock()
	defer p.parts.mu.Unlock()
	return p.s.addLoose(option, file)
}

func (s *settings) addLoose(option, file string) string {
	id := fmt.Sprintf("usbdisk%d", len(s.looseDrives))
	s.looseDrives = append(s.looseDrives, &driveSpec{option: option, id: id, file: file, unit: -1, bootIndex: -1, positional: true})
	return id
}

// unit makes a SCSI unit of the drive that drive= names.
func (p *program) unit(o *options.Opts) (*looseDrive, error) {
	id := o.Str("drive", "")
	if id == "" {
		return nil, o.Fail("needs drive=ID of a -drive if=none,id=ID,file=FILE")
	}
	removable, err := o.Bool("removable", false)
	if err != nil {
		return nil, err
	}
	p.parts.mu.Lock()
	defer p.parts.mu.Unlock()
	for _, l := range p.parts.loose {
		if l.id == id {
			return nil, o.Fail("drive=%s: another device has it", id)
		}
	}
	for _, d := range p.s.looseDrives {
		if d.id == id {
			return p.newUnit(o, d, removable)
		}
	}
	return nil, o.Fail("drive=%s: there is no -drive if=none with this id", id)
}

// newUnit opens a drive, unless it is open from before. Preconditions: the lock of the parts is held.
func (p *program) newUnit(o *options.Opts, d *driveSpec, removable bool) (*looseDrive, error) {
	if d.positional && isISO(d.file) {
		d.cd = true
	}
	disk := p.parts.images[d.id]
	if disk == nil {
		var err error
		if disk, err = d.open(p.s.snapshot); err != nil {
			return nil, &machine.ConfigError{Option: d.option, Reason: err.Error()}
		}
	}
	cfg := scsi.Config{Removable: removable || d.cd, Serial: o.Str("serial", d.serial), Name: d.id, Log: p.log}
	if d.cd {
		cfg.Kind = scsi.CDROM
	}
	switch {
	case disk != nil:
		if p.parts.images == nil {
			p.parts.images = map[string]block.Disk{}
		}
		p.parts.images[d.id] = disk
		cfg.Image = disk
	case !cfg.Removable:
		return nil, &machine.ConfigError{Option: d.option, Reason: "needs file=FILE"}
	}
	l := &looseDrive{driveSpec: d, unit: scsi.New(cfg), now: d.file}
	p.parts.loose = append(p.parts.loose, l)
	return l, nil
}

// looseBlocks are these drives as the monitor lists them.
func (p *program) looseBlocks() (out []monitor.Block) {
	p.parts.mu.Lock()
	defer p.parts.mu.Unlock()
	for _, l := range p.parts.loose {
		b := monitor.Block{Device: l.id, Removable: l.unit.Removable(), File: l.now, Format: "raw"}
		b.TrayOpen, b.Locked = l.unit.TrayOpen()
		if m := l.unit.Medium(); m != nil {
			b.ReadOnly = block.IsReadOnly(m)
		}
		out = append(out, b)
	}
	return out
}

// looseDrive finds one with removable media by name.
func (p *program) looseDrive(name string) *looseDrive {
	p.parts.mu.Lock()
	defer p.parts.mu.Unlock()
	for _, l := range p.parts.loose {
		if l.id == name && l.unit.Removable() {
			return l
		}
	}
	return nil
}

// exchange puts another medium in, or takes the one there out (nil). The old one is closed, if it came from here.
func (p *program) exchange(l *looseDrive, d block.Disk, file string, force bool) error {
	p.parts.mu.Lock()
	defer p.parts.mu.Unlock()
	_, err := l.unit.Eject(force)
	if err == nil && d != nil {
		_, err = l.unit.SetMedium(d)
	}
	if err != nil {
		if d != nil {
			d.Close()
		}
		return err
	}
	if l.own != nil {
		l.own.Close()
	}
	l.now, l.own = file, d
	return nil
}
