package main

import (
	"govm-desktop/firmware/boot"
	"govm-desktop/machine/pc"
)

// loader reads -device loader: an ELF file goes where its headers say, any other file or number to addr=.
func (p *program) loader(cfg *pc.Config, k *keyval) error {
	o := boot.PlacementOptions{File: k.str("file", ""), Addr: k.str("addr", ""), Data: k.str("data", ""), DataLen: k.str("data-len", "")}
	var err error
	if o.ForceRaw, err = k.onOff("force-raw", false); err != nil {
		return err
	}
	if o.DataBE, err = k.onOff("data-be", false); err != nil {
		return err
	}
	if err := k.rest(); err != nil {
		return err
	}
	l, err := boot.Place(o)
	if err != nil {
		return k.fail("%v", err)
	}
	p.loads = append(p.loads, l)
	cfg.Loads = p.loads
	return nil
}
