package main

import (
	"strconv"
	"strings"
	"time"

	"govm-desktop/firmware"
	"govm-desktop/input/keycodemap"
	"govm-desktop/input/layout"
	"govm-desktop/machine"
)

// settings are what the options say, before anything is opened.
type settings struct {
	name       string
	uuid       [16]byte
	ram        uint64
	cpus       int
	accels     []*keyval // in the order of preference
	model      string
	features   map[string]bool
	drives     []*driveSpec
	placed     [4]*driveSpec // drives by place, once they are open
	snapshot   bool
	boot       firmware.Boot
	bootOnce   string
	kernel     string
	initrd     string
	append     string
	loaders    []*keyval
	vga        string
	vgamem     int
	vnc        []string
	layout     *layout.Layout // of the guest's keyboard; nil: us
	scancodes  keycodemap.Variant
	objects    objects
	display    string
	nographic  bool
	chardevs   []string
	serials    []string
	debugcon   string
	monitors   []string
	qmps       []string
	noReboot   bool
	noShutdown bool
	stopped    bool
	bios       string
	dirs       []string
	rtc        string
	nodefaults bool
	noACPI     bool
	noHPET     bool
	idleSpins  bool   // with icount: idle time passes at once
	help       string // what to print instead of running
}

// parse reads the command line.
func parse(args []string) (*settings, error) {
	opts, err := parseArgs(args)
	if err != nil {
		return nil, err
	}
	s := &settings{name: "govm-desktop", ram: 128 << 20, cpus: 1, features: map[string]bool{}, vga: "std", rtc: "utc"}
	for _, o := range opts {
		if err := s.apply(o); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// apply is one option. Later ones win, where they say the same.
func (s *settings) apply(o option) error {
	dashed := "-" + o.name
	switch o.name {
	case "":
		s.drives = append(s.drives, &driveSpec{option: o.value, file: o.value, unit: -1, bootIndex: -1, positional: true})
	case "demo":
		s.drives = append(s.drives, &driveSpec{option: dashed, demo: true, file: "built-in demo", unit: 0, bootIndex: -1, readonly: false, snapshot: true})
	case "name":
		s.name = parseKeyval(dashed, o.value, "guest").str("guest", s.name)
	case "machine", "M":
		return s.machine(dashed, o.value)
	case "cpu":
		return s.cpu(o.value)
	case "smp":
		return s.smp(dashed, o.value)
	case "m":
		return s.memory(dashed, o.value)
	case "accel":
		s.accels = append(s.accels, parseKeyval(dashed, o.value, "accel"))
	case "enable-kvm":
		s.accels = append(s.accels, parseKeyval(dashed, "kvm", "accel"))
	case "hda", "hdb", "hdc", "hdd":
		s.drives = append(s.drives, &driveSpec{option: dashed, file: o.value, unit: int(o.name[2] - 'a'), bootIndex: -1})
	case "cdrom":
		s.drives = append(s.drives, &driveSpec{option: dashed, file: o.value, cd: true, unit: 2, bootIndex: -1})
	case "drive":
		return s.drive(dashed, o.value)
	case "snapshot":
		s.snapshot = true
	case "boot":
		return s.bootOrder(dashed, o.value)
	case "object":
		return s.object(dashed, o.value)
	case "k":
		return s.keyboard(dashed, o.value)
	case "global":
		return s.global(dashed, o.value)
	case "device":
		return s.device(dashed, o.value)
	case "rtc":
		s.rtc = parseKeyval(dashed, o.value, "").str("base", "utc")
	case "uuid":
		u, ok := firmware.ParseUUID(o.value)
		if !ok {
			return &machine.ConfigError{Option: dashed, Value: o.value, Reason: "not a UUID"}
		}
		s.uuid = u
	default:
		return s.applyPlain(o)
	}
	return nil
}

// applyPlain is for the options that are kept as they are.
func (s *settings) applyPlain(o option) error {
	switch o.name {
	case "kernel":
		s.kernel = o.value
	case "initrd":
		s.initrd = o.value
	case "append":
		s.append = o.value
	case "vga":
		s.vga = o.value
		if o.value != "std" && o.value != "none" {
			return &machine.ConfigError{Option: "-vga", Value: o.value, Reason: "std and none are there"}
		}
	case "vnc":
		s.vnc = append(s.vnc, o.value)
	case "display":
		return s.displays(o.value)
	case "nographic":
		s.nographic = true
	case "chardev":
		s.chardevs = append(s.chardevs, o.value)
	case "serial":
		s.serials = append(s.serials, o.value)
	case "debugcon":
		s.debugcon = o.value
	case "monitor":
		s.monitors = append(s.monitors, o.value)
	case "qmp":
		s.qmps = append(s.qmps, o.value)
	case "no-reboot":
		s.noReboot = true
	case "no-shutdown":
		s.noShutdown = true
	case "S":
		s.stopped = true
	case "bios":
		s.bios = o.value
	case "L":
		s.dirs = append(s.dirs, o.value)
	case "nodefaults":
		s.nodefaults = true
	case "version":
		s.help = "govm-desktop " + version() + "\n"
	case "help", "h":
		s.help = usage()
	}
	return nil
}

func (s *settings) machine(option, arg string) error {
	k := parseKeyval(option, arg, "type")
	switch t := k.str("type", "pc"); t {
	case "pc", "pc-i440fx-7.2":
	case "help", "?":
		s.help = "Machines:\n  pc    Standard PC (i440FX + PIIX, 1996) (default)\nProperties: accel=, acpi=on|off, hpet=on|off\n"
	default:
		return k.fail("unknown machine %q: pc is there", t)
	}
	if a, ok := k.get("accel"); ok {
		for _, name := range strings.Split(a, ":") {
			s.accels = append(s.accels, parseKeyval(option, name, "accel"))
		}
	}
	acpi, err := k.onOff("acpi", true)
	if err != nil {
		return err
	}
	hpet, err := k.onOff("hpet", true)
	if err != nil {
		return err
	}
	s.noACPI, s.noHPET = !acpi, !hpet
	return k.rest()
}

// cpu reads MODEL,+feature,-feature,feature=on.
func (s *settings) cpu(arg string) error {
	parts := strings.Split(arg, ",")
	s.model = parts[0]
	if s.model == "help" || s.model == "?" {
		s.help = "Processor models:\n  qemu64  the default\n  max     all that this processor can do\nFeatures are switched with +NAME, -NAME or NAME=on|off after the model.\n"
		return nil
	}
	for _, p := range parts[1:] {
		name, value, has := strings.Cut(p, "=")
		switch {
		case strings.HasPrefix(p, "+"):
			s.features[p[1:]] = true
		case strings.HasPrefix(p, "-"):
			s.features[p[1:]] = false
		case has && (value == "on" || value == "off"):
			s.features[name] = value == "on"
		case p == "enforce" || p == "check":
		default:
			return &machine.ConfigError{Option: "-cpu", Value: arg, Reason: "+NAME, -NAME or NAME=on|off belongs where " + strconv.Quote(p) + " is"}
		}
	}
	return nil
}

func (s *settings) smp(option, arg string) error {
	k := parseKeyval(option, arg, "cpus")
	n := int64(1)
	for _, key := range []string{"sockets", "cores", "threads", "dies", "maxcpus"} {
		v, err := k.number(key, 1)
		if err != nil {
			return err
		}
		if key != "maxcpus" {
			n *= max(1, v)
		}
	}
	n, err := k.number("cpus", n)
	if err != nil {
		return err
	}
	if n < 1 || n > maxCPUs {
		return k.fail("1 to %d processors are possible", maxCPUs)
	}
	s.cpus = int(n)
	return k.rest()
}

const maxCPUs = 255

func (s *settings) memory(option, arg string) error {
	k := parseKeyval(option, arg, "size")
	text := k.str("size", "128")
	n, err := parseSize(text, 1<<20)
	if err != nil {
		return k.fail("%v", err)
	}
	if n < 1<<20 || n > 1<<40 {
		return k.fail("1 MiB to 1 TiB is possible (a bare number counts MiB)")
	}
	s.ram = (n + 1<<13 - 1) &^ (1<<13 - 1)
	return k.rest()
}

func (s *settings) bootOrder(option, arg string) error {
	k := parseKeyval(option, arg, "order")
	s.boot.Order = k.str("order", s.boot.Order)
	s.bootOnce = k.str("once", s.bootOnce)
	for _, order := range []string{s.boot.Order, s.bootOnce} {
		if _, _, err := firmware.CMOS(order); err != nil {
			return k.fail("%v", err)
		}
	}
	var err error
	if s.boot.Menu, err = k.onOff("menu", s.boot.Menu); err != nil {
		return err
	}
	if s.boot.Strict, err = k.onOff("strict", s.boot.Strict); err != nil {
		return err
	}
	for key, to := range map[string]**int64{"splash-time": &s.boot.SplashTime, "reboot-timeout": &s.boot.RebootTimeout} {
		if _, ok := k.get(key); ok {
			n, err := k.number(key, 0)
			if err != nil {
				return err
			}
			*to = &n
		}
	}
	return k.rest()
}

func (s *settings) device(option, arg string) error {
	k := parseKeyval(option, arg, "driver")
	switch d := k.str("driver", ""); d {
	case "loader":
		s.loaders = append(s.loaders, k)
	case "help", "?":
		s.help = "Devices:\n  loader,file=FILE[,addr=ADDR][,force-raw=on]   puts a file into guest memory\n  VGA[,vgamem_mb=N]                         the graphics card of -vga std\n"
	case "VGA":
		n, err := k.number("vgamem_mb", 16)
		if err != nil {
			return err
		}
		s.vga, s.vgamem = "std", int(n)
		return k.rest()
	default:
		return k.fail("unknown device %q (-device help lists what there is)", d)
	}
	return nil
}

// displays reads -display none, vnc=… .
func (s *settings) displays(arg string) error {
	switch kind, rest, _ := strings.Cut(arg, "="); {
	case arg == "none":
		s.display = "none"
	case kind == "vnc" && rest != "":
		s.vnc = append(s.vnc, rest)
	case arg == "help":
		s.help = "Displays:\n  none\n  vnc=HOST:N\n"
	default:
		return &machine.ConfigError{Option: "-display", Value: arg, Reason: "none and vnc=HOST:N are there"}
	}
	return nil
}

// rtcBase is the time that -rtc base= names.
func rtcBase(base string) (func() time.Time, error) {
	switch base {
	case "", "utc":
		return func() time.Time { return time.Now().UTC() }, nil
	case "localtime":
		return time.Now, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, base); err == nil {
			return func() time.Time { return t }, nil
		}
	}
	return nil, &machine.ConfigError{Option: "-rtc", Value: "base=" + base, Reason: "utc, localtime, YYYY-MM-DDTHH:MM:SS or YYYY-MM-DD belongs there"}
}
