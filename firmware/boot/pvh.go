package boot

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The note that names the 32-bit physical entry (xen/include/public/elfnote.h), and the structure that the kernel gets
// (xen/include/public/arch-x86/hvm/start_info.h), version 1.
const (
	noteOwner     = "Xen"
	notePhys32    = 18
	startMagic    = 0x336ec578
	startSize     = 56
	startModules  = 12 // count, then 64-bit addresses of the list,
	startCmdline  = 24 // of the command line, of ACPI's root pointer (32, from the option ROM)
	startMap      = 40 // and of the map of memory; its entries' count (48) is from the option ROM
	startModEntry = 32
)

func planPVH(k *Blob, head []byte, cmdline string, ramEnd uint64, mods opener) (*plan, error) {
	e, err := parseELF(k, k.Size(), head)
	if err != nil {
		return nil, err
	}
	var entry uint64
	switch desc := e.note(k, noteOwner, notePhys32); len(desc) {
	case 4:
		entry = uint64(binary.LittleEndian.Uint32(desc))
	case 8:
		entry = binary.LittleEndian.Uint64(desc)
	default:
		return nil, errors.New("ELF file without a PVH entry (a Linux needs CONFIG_PVH) or a Multiboot header")
	}
	if entry >= 1<<32 {
		return nil, fmt.Errorf("PVH entry %#x does not lie below 4 GiB", entry)
	}
	p := &plan{kind: PVH, entry: uint32(entry), info: infoBase}
	e.loadInto(p, k)
	initrd, err := mods.single(PVH)
	if err != nil {
		return nil, err
	}

	le := binary.LittleEndian
	info := make([]byte, startSize)
	le.PutUint32(info, startMagic)
	le.PutUint32(info[4:], 1)
	le.PutUint64(info[startMap:], mapBase)
	if initrd != nil {
		at, err := placePVHInitrd(uint64(initrd.Size()), e.end(), ramEnd)
		if err != nil {
			return nil, err
		}
		le.PutUint32(info[startModules:], 1)
		le.PutUint64(info[startModules+4:], infoBase+startSize)
		mod := make([]byte, startModEntry)
		le.PutUint64(mod, at)
		le.PutUint64(mod[8:], uint64(initrd.Size()))
		info = append(info, mod...)
		p.load("initrd", at, initrd, 0)
	}
	le.PutUint64(info[startCmdline:], infoBase+uint64(len(info)))
	info = append(append(info, cmdline...), 0)
	if infoBase+len(info) > infoEnd {
		return nil, fmt.Errorf("command line of %d bytes is too long", len(cmdline))
	}
	p.load(infoName, infoBase, bytesBlob(info), 0)
	return p, nil
}

// placePVHInitrd puts an initrd at the end of memory, above the kernel.
func placePVHInitrd(size, floor, ramEnd uint64) (uint64, error) {
	end := ramEnd - min(ramEnd, firmwareSpace)
	if end < size || (end-size)&^0xfff < max(floor, highFirst) {
		return 0, fmt.Errorf("initrd of %d MiB does not fit beside the kernel in the memory below 4 GiB (%d MiB): more -m", size>>20, ramEnd>>20)
	}
	return (end - size) &^ 0xfff, nil
}
