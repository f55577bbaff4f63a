package ata

import (
	"encoding/binary"
	"testing"

	"govm-desktop/block"
)

// image is a disk of zeros with an MBR.
type image struct {
	block.Disk
	sectors int64
	mbr     [512]byte
}

func (m *image) Size() int64 { return m.sectors * 512 }

func (m *image) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	if off == 0 {
		copy(p, m.mbr[:])
	}
	return len(p), nil
}

func TestGeometry(t *testing.T) {
	for _, c := range []struct {
		name    string
		sectors int64
		head    byte // where the first partition ends; 0: there is none
		sector  byte
		given   Geometry
		want    Geometry
		trans   Translation
	}{
		{"small", 20000, 0, 0, Geometry{}, Geometry{19, 16, 63}, TranslateNone},
		{"tiny", 10, 0, 0, Geometry{}, Geometry{2, 16, 63}, TranslateNone},
		{"large", 4 << 20, 0, 0, Geometry{}, Geometry{4161, 16, 63}, TranslateLBA},
		{"huge", 1 << 32, 0, 0, Geometry{}, Geometry{16383, 16, 63}, TranslateLBA},
		{"partitioned as it is", 1 << 18, 7, 17, Geometry{}, Geometry{(1 << 18) / (8 * 17), 8, 17}, TranslateNone},
		{"64 heads of 32 sectors", 1 << 18, 63, 32, Geometry{}, Geometry{260, 16, 63}, TranslateLarge},
		{"255 heads", 1 << 25, 254, 63, Geometry{}, Geometry{16383, 16, 63}, TranslateLBA},
		{"asked for", 1 << 18, 63, 32, Geometry{100, 4, 17}, Geometry{100, 4, 17}, TranslateNone},
		{"nonsense asked for", 20000, 0, 0, Geometry{100, 400, 17}, Geometry{19, 16, 63}, TranslateNone},
	} {
		m := &image{sectors: c.sectors}
		if c.head != 0 {
			m.mbr[446+5], m.mbr[446+6] = c.head, c.sector
			binary.LittleEndian.PutUint32(m.mbr[446+12:], 1000)
			m.mbr[510], m.mbr[511] = 0x55, 0xaa
		}
		if got, trans := New(Config{Image: m, Geometry: c.given}).Geometry(); got != c.want || trans != c.trans {
			t.Errorf("%s: %+v, translation %d, want %+v, %d", c.name, got, trans, c.want, c.trans)
		}
	}
}
