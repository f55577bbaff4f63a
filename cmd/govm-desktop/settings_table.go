package main

import (
	"fmt"
	"strings"

	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/firmware"
	"govm-desktop/input/keycodemap"
	"govm-desktop/input/layout"
	"govm-desktop/machine"
)

func machineOptions() []option {
	const part = "Standard options"
	return []option{
		{Name: "machine", Also: []string{"M"}, Part: part, Arg: "[type=]pc[,prop[=value][,...]]", Help: "the board (pc: i440FX + PIIX3) and its properties; -machine help lists them",
			Config: "machine", Implied: "type", Keys: machineKeys(), List: machineList, Set: (*settings).machine},
		{Name: "cpu", Part: part, Arg: "MODEL[,+x][,-x]", Help: "processor model: qemu64 (default) or max; -cpu help lists features", Values: []string{"qemu64", "max"}, List: cpuList, Set: (*settings).cpu},
		{Name: "smp", Part: part, Arg: "[[cpus=]N][,sockets=N][,cores=N][,threads=N]", Help: "number of processors", Config: "smp-opts", Implied: "cpus", Keys: []options.Key{
			{Name: "cpus", Type: options.Number, Help: "how many there are"}, {Name: "maxcpus", Type: options.Number}, {Name: "sockets", Type: options.Number},
			{Name: "dies", Type: options.Number}, {Name: "cores", Type: options.Number}, {Name: "threads", Type: options.Number}}, Set: (*settings).smp},
		{Name: "m", Part: part, Arg: "[size=]MEGS", Help: "guest memory in MiB, or with suffix M or G (default 128)", Config: "memory", Implied: "size",
			Keys: []options.Key{{Name: "size", Type: options.Size, Help: "a bare number counts MiB"}}, Set: (*settings).memory},
		{Name: "accel", Part: part, Arg: "[accel=]kvm|soft[,icount=on][,sleep=on|off]", Help: "what runs guest code (tcg is another name of soft); several are tried in order", Config: "accel", Implied: "accel",
			Keys: []options.Key{{Name: "accel", Values: []string{"kvm", "soft", "tcg"}}, {Name: "icount", Type: options.Bool, Help: "time follows the instructions"},
				{Name: "sleep", Type: options.Bool, Help: "off: with icount, idle time passes at once"}, {Name: "thread", Values: []string{"single", "multi"}, Help: "understood for QEMU's sake"}},
			Set: func(s *settings, o *options.Opts) error { s.accels = append(s.accels, o); return nil }},
		{Name: "enable-kvm", Part: part, Help: "the same as -accel kvm", Set: func(s *settings, _ *options.Opts) error {
			s.accels = append(s.accels, options.Parse("-enable-kvm", "kvm", "accel"))
			return nil
		}},
		{Name: "name", Part: part, Arg: "[guest=]NAME", Help: "name of the machine, shown in titles and by the monitor", Config: "name", Implied: "guest",
			Keys: []options.Key{{Name: "guest"}, {Name: "process"}, {Name: "debug-threads", Type: options.Bool}},
			Set:  func(s *settings, o *options.Opts) error { s.name = o.Str("guest", s.name); return nil }},
		{Name: "uuid", Part: part, Arg: "UUID", Help: "UUID of the machine", Set: (*settings).setUUID},
		{Name: "rtc", Part: part, Arg: "base=utc|localtime|DATE", Help: "time that the guest's clock starts with", Config: "rtc", Keys: []options.Key{{Name: "base"}},
			Set: func(s *settings, o *options.Opts) error { s.rtc = o.Str("base", "utc"); return nil }},
		{Name: "global", Part: part, Arg: "DRIVER.PROPERTY=VALUE", Help: "a property of a device: ps2-kbd.scancodes=windows|linux says whose scan codes F13 to F24 and Zenkaku/Hankaku have",
			Values: []string{"ps2-kbd.scancodes=windows", "ps2-kbd.scancodes=linux"}, Set: (*settings).global},
		{Name: "nodefaults", Part: part, Help: "no device that was not asked for", Set: flag(func(s *settings) *bool { return &s.nodefaults })},
		{Name: "set", Part: part, Arg: "SECTION.ID.PROPERTY=VALUE", Help: "one more property of an option that stands before it, as in drive.d0.readonly=on"},
	}
}

func (s *settings) setUUID(o *options.Opts) error {
	u, ok := firmware.ParseUUID(o.Text)
	if !ok {
		return &machine.ConfigError{Option: o.Option, Value: o.Text, Reason: "not a UUID"}
	}
	s.uuid = u
	return nil
}

func driveOptions() []option {
	const part = "Disks"
	all := []option{}
	for i, n := range []string{"hda", "hdb", "hdc", "hdd"} {
		all = append(all, option{Name: n, Part: part, Arg: "FILE", Files: true, Help: fmt.Sprintf("image of hard disk %d", i), Set: func(s *settings, o *options.Opts) error {
			s.drives = append(s.drives, &driveSpec{option: o.Option, file: o.Text, unit: i, bootIndex: -1})
			return nil
		}})
	}
	onOff := func(name, help string) options.Key { return options.Key{Name: name, Type: options.Bool, Help: help} }
	return append(all, []option{
		{Name: "", Set: func(s *settings, o *options.Opts) error {
			s.drives = append(s.drives, &driveSpec{option: o.Text, file: o.Text, unit: -1, bootIndex: -1, positional: true})
			return nil
		}},
		{Name: "cdrom", Part: part, Arg: "FILE", Files: true, Help: "ISO image in the CD drive", Set: func(s *settings, o *options.Opts) error {
			s.drives = append(s.drives, &driveSpec{option: o.Option, file: o.Text, cd: true, unit: 2, bootIndex: -1})
			return nil
		}},
		{Name: "drive", Part: part, Arg: "file=F[,if=ide|none][,id=ID][,index=N][,media=disk|cdrom][,format=raw][,readonly=on][,snapshot=on]", Help: "a drive", Config: "drive", Keys: []options.Key{
			{Name: "file", Type: options.File, Help: "the image"}, {Name: "id", Help: "how the monitor calls it"}, {Name: "if", Help: "ide, or none: for a device that names the id"}, {Name: "index", Type: options.Number, Help: "its place, 0 to 3"},
			{Name: "bus", Type: options.Number}, {Name: "unit", Type: options.Number}, {Name: "media", Help: "disk or cdrom"}, {Name: "format", Help: "raw"}, onOff("readonly", "the guest cannot write"),
			onOff("snapshot", "what the guest writes is kept in a temporary file"), {Name: "serial", Help: "the drive's serial number"}, {Name: "cache"}, {Name: "aio"}, {Name: "discard"},
			{Name: "detect-zeroes"}, {Name: "werror"}, {Name: "rerror"}}, Set: (*settings).drive},
		{Name: "demo", Part: part, Help: "the built-in demo guest as hard disk 0", Set: func(s *settings, o *options.Opts) error {
			s.drives = append(s.drives, &driveSpec{option: o.Option, demo: true, file: "built-in demo", unit: 0, bootIndex: -1, snapshot: true})
			return nil
		}},
		{Name: "snapshot", Part: part, Help: "keep what the guest writes in temporary files", Set: flag(func(s *settings) *bool { return &s.snapshot })},
	}...)
}

func bootOptions() []option {
	const part = "Booting"
	return []option{
		{Name: "boot", Part: part, Arg: "[order=]cdn[,once=…][,menu=on][,splash-time=MS][,reboot-timeout=MS][,strict=on]", Help: "boot order: a floppy, c disk, d CD, n network", Config: "boot-opts", Implied: "order",
			Keys: []options.Key{{Name: "order"}, {Name: "once", Help: "for the first start alone"}, {Name: "menu", Type: options.Bool}, {Name: "splash-time", Type: options.Number},
				{Name: "reboot-timeout", Type: options.Number}, {Name: "strict", Type: options.Bool}}, Set: (*settings).bootOrder},
		{Name: "kernel", Part: part, Arg: "FILE", Files: true, Help: "boot a bzImage, PVH ELF or multiboot kernel", Set: text(func(s *settings) *string { return &s.kernel })},
		{Name: "initrd", Part: part, Arg: "FILE", Files: true, Help: "its initial ramdisk, or multiboot modules", Set: text(func(s *settings) *string { return &s.initrd })},
		{Name: "append", Part: part, Arg: "LINE", Help: "its command line", Set: text(func(s *settings) *string { return &s.append })},
		{Name: "bios", Part: part, Arg: "FILE", Files: true, Help: "BIOS image in place of SeaBIOS", Set: text(func(s *settings) *string { return &s.bios })},
		{Name: "L", Part: part, Arg: "DIR", Files: true, Help: "folder with ROM images, searched first", Set: list(func(s *settings) *[]string { return &s.dirs })},
	}
}

func deviceOptions() []option {
	const part = "Devices"
	var kinds []options.Kind
	for _, d := range devices() {
		kinds = append(kinds, d.Kind)
	}
	return []option{
		{Name: "device", Part: part, Arg: "[driver=]NAME[,prop=value][,...]", Help: "a device; -device help lists them", Config: "device", Implied: "driver", Kinds: kinds, Set: (*settings).device},
		{Name: "object", Part: part, Arg: "[qom-type=]TYPE,id=ID[,prop=value][,...]", Help: "a password or a certificate for others to name", Config: "object", Implied: "qom-type", Kinds: objectKinds(), Set: (*settings).object},
	}
}

// device is -device: the table checks that it is there.
func (s *settings) device(o *options.Opts) error {
	name := o.Str("driver", "")
	for _, d := range devices() {
		if d.Name == name {
			return d.set(s, o)
		}
	}
	return o.Fail("unknown device %q", name)
}

func displayOptions() []option {
	const part = "Display"
	var kinds []options.Kind
	for _, d := range displays() {
		kinds = append(kinds, d.Kind)
	}
	return []option{
		{Name: "display", Part: part, Arg: "TYPE[,prop=value][,...]", Help: "where the screen is shown; -display help lists the types", Implied: "type", Kinds: kinds, Set: (*settings).displays},
		{Name: "vnc", Part: part, Arg: "HOST:N|unix:PATH|none[,password=on][,tls-creds=ID][,websocket=on]…", Help: "RFB server on port 5900+N", Set: list(func(s *settings) *[]string { return &s.vnc })},
		{Name: "nographic", Part: part, Help: "no screen: serial port and monitor on this terminal (Ctrl-A h helps)", Set: flag(func(s *settings) *bool { return &s.nographic })},
		{Name: "vga", Part: part, Arg: "std|none", Help: "graphics card", Values: []string{"std", "none"}, Set: func(s *settings, o *options.Opts) error {
			if s.vga = o.Text; o.Text != "std" && o.Text != "none" {
				return &machine.ConfigError{Option: o.Option, Value: o.Text, Reason: "std and none are there"}
			}
			return nil
		}},
	}
}

// displays is -display: the table checks that it is there.
func (s *settings) displays(o *options.Opts) error {
	name := o.Str("type", o.Pairs[0].Key)
	for _, d := range displays() {
		if d.Name == name {
			return d.set(s, o)
		}
	}
	return o.Fail("unknown display %q", name)
}

func noDisplay() displayKind {
	return displayKind{options.Kind{Name: "none", Help: "nowhere, until a viewer comes another way"}, func(s *settings, _ *options.Opts) error { s.display = "none"; return nil }}
}

func vncDisplay() displayKind {
	return displayKind{options.Kind{Name: "vnc", Help: "vnc=HOST:N,…: the same as -vnc", Open: true}, func(s *settings, o *options.Opts) error {
		rest := strings.TrimPrefix(o.Text, "vnc=")
		if rest == o.Text || rest == "" {
			return o.Fail("vnc=HOST:N belongs there")
		}
		s.vnc = append(s.vnc, rest)
		return nil
	}}
}

func inputOptions() []option {
	return []option{
		{Name: "k", Part: "Display", Arg: "LAYOUT", Help: "the guest's keyboard layout, for viewers that send characters; -k help lists them", Values: layout.Names(), List: layoutHelp, Set: (*settings).keyboard},
	}
}

func streamOptions() []option {
	const part = "Character devices"
	return []option{
		{Name: "chardev", Part: part, Arg: "BACKEND,id=ID[,prop=value][,...]", Help: "a byte stream for others to name; -chardev help lists the backends", Config: "chardev", Implied: "backend", Kinds: chardevKinds(),
			Set: list(func(s *settings) *[]string { return &s.chardevs })},
		{Name: "parallel", Part: part, Arg: "DEV", Help: "a printer on the parallel port that prints to a stream as for -serial", Values: streamWords, Set: text(func(s *settings) *string { return &s.parallel })},
		{Name: "serial", Part: part, Arg: "DEV", Help: "serial port on stdio, vc, pty, file:F, pipe:P, /dev/TTY, null, none, tcp:H:P[,server], telnet:H:P, websocket:H:P, udp:H:P, unix:P[,server], chardev:ID, mon:stdio", Values: streamWords,
			Set: list(func(s *settings) *[]string { return &s.serials })},
		{Name: "debugcon", Part: part, Arg: "DEV", Help: "debug console (port 402) on a stream as for -serial", Values: streamWords, Set: text(func(s *settings) *string { return &s.debugcon })},
	}
}

// streamWords are how the arguments of -serial and its like begin.
var streamWords = []string{"stdio", "vc", "none", "null", "mon:stdio", "file:", "tcp:", "unix:", "chardev:"}

// keyboard is -k: the layout that the guest has.
func (s *settings) keyboard(o *options.Opts) error {
	l, err := layout.Find(o.Text)
	if err != nil {
		return &machine.ConfigError{Option: o.Option, Value: o.Text, Reason: err.Error()}
	}
	s.layout = l
	return nil
}

// global is -global DRIVER.PROPERTY=VALUE.
func (s *settings) global(o *options.Opts) error {
	switch o.Text {
	case "ps2-kbd.scancodes=windows":
		s.scancodes = keycodemap.Windows
	case "ps2-kbd.scancodes=linux":
		s.scancodes = keycodemap.Linux
	default:
		return &machine.ConfigError{Option: o.Option, Value: o.Text, Reason: "ps2-kbd.scancodes=windows|linux is there"}
	}
	return nil
}
