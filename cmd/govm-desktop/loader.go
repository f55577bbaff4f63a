package main

import (
	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/firmware/boot"
	"govm-desktop/machine/pc"
)

// loaderDevice puts files into memory; there may be many.
func loaderDevice() deviceKind {
	return deviceKind{Kind: options.Kind{Name: "loader", Help: "puts a file, or a number, into guest memory", Keys: []options.Key{{Name: "file", Type: options.File}, {Name: "addr", Help: "where to"},
		{Name: "force-raw", Type: options.Bool, Help: "an ELF file is taken as it is"}, {Name: "data", Help: "a number in place of a file"}, {Name: "data-len", Help: "its bytes: 1, 2, 4 or 8"}, {Name: "data-be", Type: options.Bool}}},
		set: func(s *settings, o *options.Opts) error { s.loaders = append(s.loaders, o); return nil }}
}

// loader reads -device loader: an ELF file goes where its headers say, any other file or number to addr=.
func (p *program) loader(cfg *pc.Config, k *options.Opts) error {
	o := boot.PlacementOptions{File: k.Str("file", ""), Addr: k.Str("addr", ""), Data: k.Str("data", ""), DataLen: k.Str("data-len", "")}
	var err error
	if o.ForceRaw, err = k.Bool("force-raw", false); err != nil {
		return err
	}
	if o.DataBE, err = k.Bool("data-be", false); err != nil {
		return err
	}
	if err := k.Rest(); err != nil {
		return err
	}
	l, err := boot.Place(o)
	if err != nil {
		return k.Fail("%v", err)
	}
	p.loads = append(p.loads, l)
	cfg.Loads = p.loads
	return nil
}
