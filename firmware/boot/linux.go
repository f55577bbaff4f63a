package boot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Fields of Linux's setup header, as offsets in the image (Documentation/arch/x86/boot.rst).
const (
	hdrSetupSects  = 0x1f1
	hdrVidMode     = 0x1fa
	hdrMagic       = 0x202 // "HdrS"
	hdrVersion     = 0x206
	hdrLoader      = 0x210
	hdrLoadFlags   = 0x211
	hdrInitrd      = 0x218
	hdrInitrdSize  = 0x21c
	hdrHeapEnd     = 0x224
	hdrCmdline     = 0x228
	hdrInitrdMax   = 0x22c
	hdrXLoadFlags  = 0x236
	hdrCmdlineSize = 0x238
	hdrOldCmdMagic = 0x20 // before 2.02
	hdrOldCmd      = 0x22

	loadedHigh   = 1 << 0 // of loadflags
	canUseHeap   = 1 << 7
	above4G      = 1 << 1 // of xloadflags
	oldCmdMagic  = 0xa33f
	loaderID     = 0xff // none assigned
	sector       = 512
	maxSetup     = 0x9000
	oldInitrdMax = 0x37ffffff
)

func isLinux(head []byte) bool {
	return len(head) >= hdrCmdlineSize+4 && string(head[hdrMagic:hdrMagic+4]) == "HdrS"
}

// layout is where the parts of a bzImage go. The real-mode part has a segment to itself: code from its start, stack and heap below cmdline.
type layout struct {
	setup, cmdline, kernel uint64
}

func linuxLayout(version uint16, high bool) layout {
	switch {
	case version >= 0x202 && high:
		return layout{0x10000, 0x20000, highFirst}
	case high:
		return layout{0x90000, 0x9a000, highFirst}
	default: // zImage: the kernel lies at 10000h itself
		return layout{0x90000, 0x9a000, 0x10000}
	}
}

func planLinux(k *Blob, head []byte, cmdline string, ramEnd uint64, mods opener) (*plan, error) {
	le := binary.LittleEndian
	version := le.Uint16(head[hdrVersion:])
	if version < 0x200 {
		return nil, fmt.Errorf("linux boot protocol %d.%02d, 2.00 or later belongs", version>>8, version&0xff)
	}
	sects := int64(head[hdrSetupSects])
	if sects == 0 {
		sects = 4
	}
	setupSize := (sects + 1) * sector
	if setupSize >= k.Size() || setupSize > maxSetup || setupSize > int64(len(head)) {
		return nil, fmt.Errorf("bzImage of %d bytes with %d bytes of setup code", k.Size(), setupSize)
	}
	setup := bytes.Clone(head[:setupSize])
	high := setup[hdrLoadFlags]&loadedHigh != 0
	at := linuxLayout(version, high)
	cmd := append([]byte(cmdline), 0)
	if err := checkCmdline(setup, version, at, len(cmd)); err != nil {
		return nil, err
	}
	initrd, err := mods.single(Linux)
	if err != nil {
		return nil, err
	}
	body := fileBlob(k, setupSize, k.Size()-setupSize)

	setup[hdrLoader] = loaderID
	heapEnd := at.cmdline - at.setup - 0x200
	if version >= 0x201 {
		setup[hdrLoadFlags] |= canUseHeap
		le.PutUint16(setup[hdrHeapEnd:], uint16(heapEnd))
	}
	if version >= 0x202 {
		le.PutUint32(setup[hdrCmdline:], uint32(at.cmdline))
	} else {
		le.PutUint16(setup[hdrOldCmdMagic:], oldCmdMagic)
		le.PutUint16(setup[hdrOldCmd:], uint16(at.cmdline-at.setup))
	}
	if mode, ok := videoMode(cmdline); ok {
		le.PutUint16(setup[hdrVidMode:], mode)
	}

	p := &plan{kind: Linux, entry: uint32(at.setup >> 4), info: uint32(at.cmdline - at.setup - 16)}
	var initrdAt uint64
	if initrd != nil {
		if initrdAt, err = placeInitrd(setup, version, uint64(initrd.Size()), at.kernel+uint64(body.Size()), ramEnd); err != nil {
			return nil, err
		}
		le.PutUint32(setup[hdrInitrd:], uint32(initrdAt))
		le.PutUint32(setup[hdrInitrdSize:], uint32(initrd.Size()))
		p.load("initrd", initrdAt, initrd, 0)
	}
	p.load("setup code", at.setup, bytesBlob(setup), 0)
	p.load("command line", at.cmdline, bytesBlob(cmd), 0)
	p.load("kernel", at.kernel, body, 0)
	p.keys = linuxKeys(p, at, initrdAt, initrd, bytesBlob(setup), bytesBlob(cmd), body)
	return p, nil
}

// checkCmdline bounds the command line, its NUL counted, by what the kernel takes and by what lies behind it.
func checkCmdline(setup []byte, version uint16, at layout, n int) error {
	limit := 255
	if version >= 0x206 {
		limit = int(min(binary.LittleEndian.Uint32(setup[hdrCmdlineSize:]), 0xffff))
	}
	if at.cmdline+uint64(limit)+1 > lowEnd {
		limit = int(lowEnd - at.cmdline - 1)
	}
	if n-1 > limit {
		return fmt.Errorf("command line of %d bytes, the kernel takes %d", n-1, limit)
	}
	return nil
}

// placeInitrd finds the highest page that the kernel and the machine allow.
func placeInitrd(setup []byte, version uint16, size, floor, ramEnd uint64) (uint64, error) {
	limit := uint64(oldInitrdMax)
	if version >= 0x203 {
		limit = uint64(binary.LittleEndian.Uint32(setup[hdrInitrdMax:]))
	}
	if version >= 0x20c && binary.LittleEndian.Uint16(setup[hdrXLoadFlags:])&above4G != 0 {
		limit = math.MaxUint32
	}
	end := min(limit+1, ramEnd-min(ramEnd, firmwareSpace))
	if end < size || (end-size)&^0xfff < max(floor, highFirst) {
		return 0, fmt.Errorf("initrd of %d MiB does not fit beside the kernel in the memory below 4 GiB (%d MiB): more -m", size>>20, ramEnd>>20)
	}
	return (end - size) &^ 0xfff, nil
}

// videoMode is what vga= on the command line asks the setup code for.
func videoMode(cmdline string) (mode uint16, ok bool) {
	for _, word := range strings.Fields(cmdline) {
		v, is := strings.CutPrefix(word, "vga=")
		if !is {
			continue
		}
		switch v {
		case "normal":
			mode, ok = 0xffff, true
		case "ext":
			mode, ok = 0xfffe, true
		case "ask":
			mode, ok = 0xfffd, true
		default:
			if n, err := strconv.ParseUint(v, 0, 16); err == nil {
				mode, ok = uint16(n), true
			}
		}
	}
	return mode, ok
}

// linuxKeys are fw_cfg's own items for a kernel, which UEFI firmware reads.
func linuxKeys(p *plan, at layout, initrdAt uint64, initrd, setup, cmd, body *Blob) []Key {
	u32 := func(v int64) *Blob { return bytesBlob(binary.LittleEndian.AppendUint32(nil, uint32(v))) }
	keys := []Key{
		{0x07, u32(int64(at.kernel))}, {0x08, u32(body.Size())}, {0x11, body}, {0x10, u32(int64(p.entry) << 4)},
		{0x13, u32(int64(at.cmdline))}, {0x14, u32(cmd.Size())}, {0x15, cmd},
		{0x16, u32(int64(at.setup))}, {0x17, u32(setup.Size())}, {0x18, setup},
	}
	if initrd != nil {
		keys = append(keys, Key{0x0a, u32(int64(initrdAt))}, Key{0x0b, u32(initrd.Size())}, Key{0x12, initrd})
	}
	return keys
}
