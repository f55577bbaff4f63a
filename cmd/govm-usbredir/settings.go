package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"govm-desktop/block/raw"
	"govm-desktop/hw/scsi"
	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/host"
	"govm-desktop/hw/usb/storage"
	"govm-desktop/usbredir"
)

const usage = `govm-usbredir gives a USB device to a virtual machine on another computer, or on this one.

    govm-usbredir --device VID:PID|BUS-ADDR  --to HOST:PORT | --as HOST:PORT | --unix PATH
    govm-usbredir --disk FILE | --iso FILE   --to HOST:PORT | --as HOST:PORT | --unix PATH
    govm-usbredir --list

The machine's side:  -chardev socket,id=r,host=,port=4000,server=on,wait=off -device qemu-xhci -device usb-redir,chardev=r

`

// settings are what the options say.
type settings struct {
	match    *host.Match // a device of this computer
	wait     bool        // that need not be there yet
	disk     string
	cd       bool
	readOnly bool
	serial   string
	list     bool
	root     string

	network, address string
	listen           bool
	patient, once    bool
	retry            time.Duration
	speeds           usb.Speeds
	filter           usbredir.Filter
	out              io.Writer
}

var errHelp = errors.New("help")

// parse reads the command line.
func parse(args []string, stdout io.Writer) (*settings, error) {
	s := &settings{root: "/", out: stdout}
	f := flag.NewFlagSet("govm-usbredir", flag.ContinueOnError)
	f.SetOutput(stdout)
	f.Usage = func() { fmt.Fprint(stdout, usage); f.PrintDefaults() }
	device := f.String("device", "", "a device of this computer: `VID:PID` in hexadecimal, or BUS-ADDR as lsusb counts")
	auto := f.String("auto", "", "the first device that `FILTER` allows, now or when it is plugged in: class,vendor,product,version,allow|…")
	disk := f.String("disk", "", "a stick made from the image `FILE`")
	iso := f.String("iso", "", "a CD drive with the image `FILE`")
	f.BoolVar(&s.readOnly, "read-only", false, "the stick cannot be written")
	f.StringVar(&s.serial, "serial", "", "serial number of the stick or drive")
	to := f.String("to", "", "connect to the machine at `HOST:PORT`")
	as := f.String("as", "", "let the machine connect to `HOST:PORT`")
	path := f.String("unix", "", "connect to the machine's Unix socket at `PATH`")
	f.BoolVar(&s.patient, "wait", false, "wait for a machine, and a device, that is not there yet")
	f.BoolVar(&s.once, "once", false, "end with the first connection")
	f.DurationVar(&s.retry, "retry", time.Second, "`time` before connecting again")
	speed := f.String("speed", "", "highest speed of a stick or drive: full, high or super")
	filter := f.String("filter", "", "which devices may be given away: `FILTER`")
	f.BoolVar(&s.list, "list", false, "list the devices of this computer")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, errHelp
		}
		return nil, fmt.Errorf("%w; --help lists the options", err)
	}
	switch {
	case f.NArg() > 0:
		return nil, fmt.Errorf("%q is no option; --help lists them", f.Arg(0))
	case s.list:
		return s, nil
	}
	if err := s.where(*to, *as, *path); err != nil {
		return nil, err
	}
	var err error
	if s.speeds, err = speedSet(*speed); err != nil {
		return nil, err
	}
	if *filter != "" {
		if s.filter, err = usbredir.ParseFilter(*filter, usbredir.WireSeparator); err != nil {
			return nil, fmt.Errorf("--filter: %w", err)
		}
	}
	return s, s.what(*device, *auto, *disk, *iso)
}

// one is the only one of several that is given, -1: none or more.
func one(values ...string) int {
	at := -1
	for i, v := range values {
		if v != "" && at >= 0 {
			return -1
		} else if v != "" {
			at = i
		}
	}
	return at
}

func (s *settings) where(to, as, path string) error {
	switch one(to, as, path) {
	case 0:
		s.network, s.address = "tcp", to
	case 1:
		s.network, s.address, s.listen = "tcp", as, true
	case 2:
		s.network, s.address = "unix", path
	default:
		return errors.New("one of --to HOST:PORT, --as HOST:PORT and --unix PATH says where the machine is")
	}
	return nil
}

func (s *settings) what(device, auto, disk, iso string) error {
	switch one(device, auto, disk, iso) {
	case 0:
		m, err := parseDevice(device)
		s.match, s.wait = m, s.patient
		return err
	case 1:
		f, err := usbredir.ParseFilter(auto, usbredir.WireSeparator)
		if err != nil {
			return fmt.Errorf("--auto: %w", err)
		}
		s.match, s.wait = &host.Match{Filter: func(i *host.Info) bool { return allowed(f, i) }}, true
	case 2:
		s.disk = disk
	case 3:
		s.disk, s.cd, s.readOnly = iso, true, true
	default:
		return errors.New("one of --device, --auto, --disk and --iso says what is given away")
	}
	return nil
}

// parseDevice reads VID:PID or BUS-ADDR.
func parseDevice(text string) (*host.Match, error) {
	num := func(t string, base, bits int) int {
		v, err := strconv.ParseUint(strings.TrimPrefix(t, "0x"), base, bits)
		if err != nil {
			return -1
		}
		return int(v)
	}
	if v, p, ok := strings.Cut(text, ":"); ok {
		m := &host.Match{Vendor: num(v, 16, 16), ID: num(p, 16, 16)}
		if m.Vendor > 0 && m.ID >= 0 {
			return m, nil
		}
	} else if b, a, ok := strings.Cut(text, "-"); ok {
		m := &host.Match{Bus: num(b, 10, 16), Addr: num(a, 10, 16), Vendor: -1, ID: -1}
		if m.Bus > 0 && m.Addr > 0 {
			return m, nil
		}
	}
	return nil, fmt.Errorf("--device %s: VID:PID in hexadecimal (0951:1666) or BUS-ADDR (3-7) belongs there; --list shows both", text)
}

// allowed judges a device of this computer by a filter.
func allowed(f usbredir.Filter, i *host.Info) bool {
	d := usbredir.Device{Class: i.Class, Vendor: i.Vendor, Product: i.ID, Version: i.Version}
	if len(i.Descriptors) >= 18 {
		d.SubClass, d.Protocol = i.Descriptors[5], i.Descriptors[6]
	}
	var infos usbredir.InterfaceInfo
	numbers, classes := i.Interfaces()
	for k := range min(len(numbers), 32) {
		infos.Number[k], infos.Class[k], infos.SubClass[k], infos.Protocol[k] = numbers[k], classes[k][0], classes[k][1], classes[k][2]
		infos.Count++
	}
	return f.Check(d, &infos, 0) == usbredir.Allowed
}

// source makes the device, and what has to be closed after it. nil: there is nothing to give away, only a list was wanted.
func (s *settings) source(log *slog.Logger) (usb.Device, []io.Closer, error) {
	switch {
	case s.list:
		return nil, nil, s.show()
	case s.match != nil:
		i, err := host.Probe(*s.match, s.root)
		if err != nil && !(s.wait && errors.Is(err, host.ErrNone)) {
			return nil, nil, err
		}
		if err == nil {
			fmt.Fprintf(s.out, "%s, bus %d address %d\n", i.Name(), i.Bus, i.Addr)
		} else {
			fmt.Fprintln(s.out, "waiting for the device")
		}
		return host.New(host.Config{Match: *s.match, Root: s.root, Log: log}), nil, nil
	}
	disk, err := raw.Open(s.disk, raw.Options{ReadOnly: s.readOnly})
	if err != nil {
		return nil, nil, err
	}
	kind := scsi.Disk
	if s.cd {
		kind = scsi.CDROM
	}
	d := storage.New(storage.Config{Units: []*scsi.Unit{scsi.New(scsi.Config{Kind: kind, Image: disk, Removable: true, Name: s.disk, Serial: s.serial, Log: log})}, Serial: s.serial})
	return d, []io.Closer{d, disk}, nil
}

// show lists the devices of this computer.
func (s *settings) show() error {
	list, err := host.List(s.root)
	if err != nil {
		return err
	}
	for _, i := range list {
		fmt.Fprintf(s.out, "%d-%d\t%04x:%04x\tport %s\t%v\t%s\n", i.Bus, i.Addr, i.Vendor, i.ID, i.Port, i.Speed, i.Name())
	}
	return nil
}
