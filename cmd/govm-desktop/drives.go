package main

import (
	"fmt"
	"log/slog"

	"govm-desktop/block"
	"govm-desktop/block/overlay"
	"govm-desktop/block/raw"
	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/demo"
	"govm-desktop/machine"
	"govm-desktop/machine/pc"
)

// driveSpec is a drive as an option describes it.
type driveSpec struct {
	option     string
	id         string
	file       string
	demo       bool // the built-in guest's disk
	positional bool
	cd         bool
	unit       int // 0–3: primary master, primary slave, secondary master, secondary slave; -1: the first free
	readonly   bool
	snapshot   bool
	serial     string
	bootIndex  int
}

// drive reads -drive.
func (s *settings) drive(k *options.Opts) error {
	d := &driveSpec{option: k.Option, unit: -1, bootIndex: -1, file: k.Str("file", ""), id: k.Str("id", ""), serial: k.Str("serial", "")}
	loose := false
	switch i := k.Str("if", "ide"); i {
	case "ide":
	case "none":
		if loose = true; d.id == "" {
			return k.Fail("if=none needs id=ID, by which a device names it")
		}
	default:
		return k.Fail("if=%s: ide and none are there", i)
	}
	if f := k.Str("format", "raw"); f != "raw" {
		return k.Fail("format=%s: raw is there", f)
	}
	switch m := k.Str("media", "disk"); m {
	case "disk":
	case "cdrom":
		d.cd = true
	default:
		return k.Fail("media=%s: disk or cdrom belongs there", m)
	}
	var err error
	if d.readonly, err = k.Bool("readonly", false); err != nil {
		return err
	}
	if d.snapshot, err = k.Bool("snapshot", false); err != nil {
		return err
	}
	for _, ignored := range []string{"cache", "aio", "discard", "detect-zeroes", "werror", "rerror"} { // how, not what
		k.Get(ignored)
	}
	if err := d.place(k); err != nil {
		return err
	}
	if d.file == "" && !d.cd && !loose {
		return k.Fail("needs file=FILE")
	}
	if loose {
		s.looseDrives = append(s.looseDrives, d)
	} else {
		s.drives = append(s.drives, d)
	}
	return k.Rest()
}

// place reads index= or bus= and unit=.
func (d *driveSpec) place(k *options.Opts) error {
	index, err := k.Number("index", -1)
	if err != nil {
		return err
	}
	bus, err := k.Number("bus", 0)
	if err != nil {
		return err
	}
	unit, err := k.Number("unit", -1)
	if err != nil {
		return err
	}
	if index < 0 && unit >= 0 {
		index = bus*2 + unit
	}
	if index > 3 || bus < 0 || bus > 1 || unit > 1 {
		return k.Fail("there are four IDE drives: index=0 to 3")
	}
	d.unit = int(index)
	return nil
}

// openDrives opens the images and gives every drive its place.
func (s *settings) openDrives(log *slog.Logger, keep func(block.Disk)) ([4]*pc.Drive, error) {
	var out [4]*pc.Drive
	for pass := range 2 { // those with a place of their own first
		for _, d := range s.drives {
			if (d.unit < 0) != (pass == 1) {
				continue
			}
			if err := s.plug(&out, d, keep); err != nil {
				return out, err
			}
		}
	}
	if out[2] == nil && !s.nodefaults {
		out[2] = &pc.Drive{CD: true, BootIndex: -1}
	}
	for i, d := range out {
		if d != nil && d.ID == "" {
			kind := "hd"
			if d.CD {
				kind = "cd"
			}
			d.ID = fmt.Sprintf("ide%d-%s%d", i/2, kind, i%2)
		}
	}
	return out, nil
}

func (s *settings) plug(out *[4]*pc.Drive, d *driveSpec, keep func(block.Disk)) error {
	unit := d.unit
	for i := 0; unit < 0 && i < 4; i++ {
		at := i
		if d.cd {
			at = (i + 2) & 3
		}
		if out[at] == nil {
			unit = at
		}
	}
	if unit < 0 || out[unit] != nil {
		return &machine.ConfigError{Option: d.option, Value: d.file, Reason: "its place on the IDE bus is taken (index=0 to 3)"}
	}
	if d.positional && isISO(d.file) {
		d.cd = true
	}
	p := &pc.Drive{ID: d.id, CD: d.cd, Serial: d.serial, BootIndex: d.bootIndex}
	disk, err := d.open(s.snapshot)
	if err != nil {
		return &machine.ConfigError{Option: d.option, Reason: err.Error()}
	}
	if disk != nil {
		keep(disk)
		p.Disk = disk
	}
	out[unit], s.placed[unit] = p, d
	return nil
}

// open opens the image; nil: no medium.
func (d *driveSpec) open(snapshot bool) (block.Disk, error) {
	if d.demo {
		return overlay.New(raw.NewMemory(demo.Image()), "")
	}
	if d.file == "" {
		return nil, nil
	}
	ro := d.readonly || d.cd
	cow := (snapshot || d.snapshot) && !ro
	disk, err := raw.Open(d.file, raw.Options{ReadOnly: ro || cow})
	if err != nil {
		return nil, err
	}
	if cow {
		return overlay.New(disk, "")
	}
	return disk, nil
}
