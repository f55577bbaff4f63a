package ata

import (
	"encoding/binary"

	"govm-desktop/block"
)

// Geometry is a disk's default translation of cylinders, heads and sectors.
type Geometry struct{ Cylinders, Heads, Sectors int }

// Translation is how a BIOS makes the geometry that INT 13h offers out of a disk's own: the two bits per disk in byte 39 of the CMOS.
type Translation uint8

// Translations.
const (
	TranslateNone Translation = iota
	TranslateLBA
	TranslateLarge
)

const maxCylinders = 16383

// Geometry is a disk's geometry, and how a BIOS should translate it.
func (d *Drive) Geometry() (Geometry, Translation) { return d.cfg.Geometry, d.translation }

// geometry is the geometry a disk is given: the one asked for, or one that its partition table fits, so that software that boots by
// cylinders, heads and sectors finds them where it was installed, or the usual 16 heads of 63 sectors.
func geometry(cfg Config) (Geometry, Translation) {
	total := int(cfg.Image.Size() / sectorSize)
	if g := cfg.Geometry; g.Cylinders > 0 && g.Heads > 0 && g.Heads <= 16 && g.Sectors > 0 && g.Sectors <= 63 {
		return g, automatic(g)
	}
	usual := Geometry{Cylinders: max(2, min(total/(16*63), maxCylinders)), Heads: 16, Sectors: 63}
	g, ok := partitioned(cfg.Image, total)
	switch {
	case !ok:
		return usual, automatic(usual)
	case g.Heads <= 16:
		return g, TranslateNone
	case g.Cylinders*g.Heads <= 131072:
		return usual, TranslateLarge
	}
	return usual, TranslateLBA
}

func automatic(g Geometry) Translation {
	if g.Cylinders <= 1024 {
		return TranslateNone
	}
	return TranslateLBA
}

// partitioned is the geometry that whoever partitioned the disk had in mind: partitions end at the end of a cylinder.
func partitioned(image block.Disk, total int) (Geometry, bool) {
	var mbr [sectorSize]byte
	if _, err := image.ReadAt(mbr[:], 0); err != nil || mbr[510] != 0x55 || mbr[511] != 0xaa {
		return Geometry{}, false
	}
	for i := range 4 {
		p := mbr[446+16*i:]
		head, sectors := int(p[5]), int(p[6]&63)
		if binary.LittleEndian.Uint32(p[12:]) == 0 || head == 0 || sectors == 0 {
			continue
		}
		g := Geometry{Cylinders: total / ((head + 1) * sectors), Heads: head + 1, Sectors: sectors}
		if g.Cylinders >= 1 && g.Cylinders <= maxCylinders {
			return g, true
		}
	}
	return Geometry{}, false
}
