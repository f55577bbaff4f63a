package ata

import (
	"encoding/binary"

	"govm-desktop/block"
)

// idData is the 256 words of IDENTIFY (PACKET) DEVICE.
type idData [512]byte

func (b *idData) word(i int, v uint16) { binary.LittleEndian.PutUint16(b[2*i:], v) }

// text puts a string, padded with blanks, into n words: first character in the high byte.
func (b *idData) text(i, n int, s string) {
	for k := range 2 * n {
		c := byte(' ')
		if k < len(s) {
			c = s[k]
		}
		b[2*i+k^1] = c
	}
}

// seal adds the integrity word.
func (b *idData) seal() []byte {
	b[510] = 0xa5
	sum := byte(0)
	for _, v := range b[:511] {
		sum += v
	}
	b[511] = -sum
	return b[:]
}

// modes fills in the transfer modes, of which the selected one is marked.
func (b *idData) modes(mode uint8) {
	mark := func(group uint8) uint16 {
		if mode&0xf8 == group {
			return 1 << (8 + mode&7)
		}
		return 0
	}
	b.word(53, 7)
	b.word(62, 7|mark(0x10))
	b.word(63, 7|mark(0x20))
	b.word(64, 3)
	b.word(88, 0x3f|mark(0x40))
}

// identify is the data of IDENTIFY DEVICE.
func (d *Drive) identify() []byte {
	var b idData
	g, total := d.cfg.Geometry, d.total()
	b.word(0, 0x0040)
	b.word(1, uint16(g.Cylinders))
	b.word(3, uint16(g.Heads))
	b.word(4, uint16(512*g.Sectors))
	b.word(5, 512)
	b.word(6, uint16(g.Sectors))
	b.text(10, 10, d.cfg.Serial)
	b.word(20, 3)
	b.word(21, 512) // of cache
	b.word(22, 4)
	b.text(23, 4, d.cfg.Firmware)
	b.text(27, 20, d.cfg.Model)
	b.word(47, 0x8000|maxMultiple)
	b.word(48, 1)      // 32-bit PIO
	b.word(49, 0x0b00) // IORDY, LBA, DMA
	b.word(51, 0x200)
	b.word(52, 0x200)
	b.modes(d.mode)
	cyls := min(int(total)/(d.heads*d.sectors), 65535)
	b.word(54, uint16(cyls))
	b.word(55, uint16(d.heads))
	b.word(56, uint16(d.sectors))
	chs := uint32(cyls * d.heads * d.sectors)
	b.word(57, uint16(chs))
	b.word(58, uint16(chs>>16))
	if d.mult > 0 {
		b.word(59, 0x100|uint16(d.mult))
	}
	lba28 := uint32(min(total, 0x0fffffff))
	b.word(60, uint16(lba28))
	b.word(61, uint16(lba28>>16))
	for i := 65; i <= 68; i++ {
		b.word(i, 120) // ns
	}
	d.identifyFeatures(&b)
	for i := range 4 {
		b.word(100+i, uint16(total>>(16*i)))
	}
	if _, can := d.image.(block.Discarder); can && !block.IsReadOnly(d.image) {
		b.word(105, maxTrim)
		b.word(169, 1)
	}
	return b.seal()
}

// identifyFeatures are the words of the standard and the command sets.
func (d *Drive) identifyFeatures(b *idData) {
	b.word(80, 0xf0) // ATA/ATAPI-4 to 7
	b.word(81, 0x16)
	b.word(82, 1<<14|1<<5|1)            // NOP, write cache, SMART
	b.word(83, 1<<14|1<<13|1<<12|1<<10) // FLUSH CACHE EXT, FLUSH CACHE, 48 bits
	b.word(84, 1<<14|1<<6)              // WRITE FUA
	enabled := uint16(1<<14 | 1<<5 | 1)
	if d.noWriteCache {
		enabled &^= 1 << 5
	}
	if d.smartOff {
		enabled &^= 1
	}
	b.word(85, enabled)
	b.word(86, 1<<13|1<<12|1<<10)
	b.word(87, 1<<14|1<<6)
	hard := uint16(0x6001) // 80-conductor cable, device 0
	if d.second {
		hard = 0x6100
	}
	b.word(93, hard)
}

// identifyPacket is the data of IDENTIFY PACKET DEVICE.
func (d *Drive) identifyPacket() []byte {
	var b idData
	b.word(0, 0x85c0) // CD-ROM, removable, DRQ within 50 µs, packets of 12 bytes
	b.text(10, 10, d.cfg.Serial)
	b.word(20, 3)
	b.word(21, 512)
	b.word(22, 4)
	b.text(23, 4, d.cfg.Firmware)
	b.text(27, 20, d.cfg.Model)
	b.word(48, 1)
	b.word(49, 0x0b00)
	b.modes(d.mode)
	b.word(65, 180)
	b.word(66, 180)
	b.word(67, 300)
	b.word(68, 180)
	b.word(71, 30)
	b.word(72, 30)
	b.word(80, 0x1e) // to ATA/ATAPI-4
	b.word(82, 1<<14|1<<9|1<<4)
	b.word(83, 1<<14)
	b.word(84, 1<<14)
	b.word(85, 1<<14|1<<9|1<<4)
	b.word(87, 1<<14)
	return b.seal()
}
