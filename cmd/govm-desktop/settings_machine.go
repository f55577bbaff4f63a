package main

import (
	"strconv"
	"strings"
	"time"

	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/firmware"
	"govm-desktop/machine"
)

func machineList() string {
	return "Supported machines are:\npc                   Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-7.2)\npc-i440fx-7.2        Standard PC (i440FX + PIIX, 1996) (default)\n"
}

func machineKeys() []options.Key {
	return []options.Key{{Name: "type", Help: "pc"}, {Name: "accel", Help: "the same as -accel; several with : between"}, {Name: "acpi", Type: options.Bool, Help: "ACPI tables"},
		{Name: "hpet", Type: options.Bool, Help: "high precision event timer"}, {Name: "id"}}
}

func (s *settings) machine(k *options.Opts) error {
	switch t := k.Str("type", "pc"); t {
	case "pc", "pc-i440fx-7.2":
	default:
		return k.Fail("unknown machine %q: pc is there", t)
	}
	if a, ok := k.Get("accel"); ok {
		for _, name := range strings.Split(a, ":") {
			s.accels = append(s.accels, options.Parse(k.Option, name, "accel"))
		}
	}
	acpi, err := k.Bool("acpi", true)
	if err != nil {
		return err
	}
	hpet, err := k.Bool("hpet", true)
	if err != nil {
		return err
	}
	s.noACPI, s.noHPET = !acpi, !hpet
	return k.Rest()
}

// cpu reads MODEL,+feature,-feature,feature=on.
func (s *settings) cpu(o *options.Opts) error {
	arg := o.Text
	parts := strings.Split(arg, ",")
	s.model = parts[0]
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

func (s *settings) smp(k *options.Opts) error {
	n := int64(1)
	for _, key := range []string{"sockets", "cores", "threads", "dies", "maxcpus"} {
		v, err := k.Number(key, 1)
		if err != nil {
			return err
		}
		if key != "maxcpus" {
			n *= max(1, v)
		}
	}
	n, err := k.Number("cpus", n)
	if err != nil {
		return err
	}
	if n < 1 || n > maxCPUs {
		return k.Fail("1 to %d processors are possible", maxCPUs)
	}
	s.cpus = int(n)
	return k.Rest()
}

const maxCPUs = 255

func (s *settings) memory(k *options.Opts) error {
	text := k.Str("size", "128")
	n, err := options.ParseSize(text, 1<<20)
	if err != nil {
		return k.Fail("%v", err)
	}
	if n < 1<<20 || n > 1<<40 {
		return k.Fail("1 MiB to 1 TiB is possible (a bare number counts MiB)")
	}
	s.ram = (n + 1<<13 - 1) &^ (1<<13 - 1)
	return k.Rest()
}

func (s *settings) bootOrder(k *options.Opts) error {
	s.boot.Order = k.Str("order", s.boot.Order)
	s.bootOnce = k.Str("once", s.bootOnce)
	for _, order := range []string{s.boot.Order, s.bootOnce} {
		if _, _, err := firmware.CMOS(order); err != nil {
			return k.Fail("%v", err)
		}
	}
	var err error
	if s.boot.Menu, err = k.Bool("menu", s.boot.Menu); err != nil {
		return err
	}
	if s.boot.Strict, err = k.Bool("strict", s.boot.Strict); err != nil {
		return err
	}
	for key, to := range map[string]**int64{"splash-time": &s.boot.SplashTime, "reboot-timeout": &s.boot.RebootTimeout} {
		if _, ok := k.Get(key); ok {
			n, err := k.Number(key, 0)
			if err != nil {
				return err
			}
			*to = &n
		}
	}
	return k.Rest()
}

// vgaDevice is the graphics card of -vga std, by its other name.
func vgaDevice() deviceKind {
	return deviceKind{Kind: options.Kind{Name: "VGA", Help: "the graphics card of -vga std", Keys: []options.Key{{Name: "vgamem_mb", Type: options.Number, Help: "video memory in MiB (16)"}}},
		set: func(s *settings, o *options.Opts) error {
			n, err := o.Number("vgamem_mb", 16)
			s.vga, s.vgamem = "std", int(n)
			return err
		}}
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
