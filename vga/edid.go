package vga

import "encoding/binary"

const edidSize = 256

// setPreferred makes the monitor one that likes a mode best.
func (v *VGA) setPreferred(w, h int) {
	e := edid(w, h)
	v.edid.Store(&e)
}

// Suggest implements display.Suggester: the monitor becomes one of this size, which a guest sees that looks again (no interrupt tells
// it). Sizes that the video memory cannot hold, or a detailed timing cannot say, are not taken.
func (v *VGA) Suggest(w, h int) bool {
	if w < minWidth || h < minMode || w > maxMode || h > maxMode || 4*w*h > len(v.mem) {
		return false
	}
	v.setPreferred(w, h)
	return true
}

// What a detailed timing can say, and drivers take.
const (
	minWidth = 320
	minMode  = 200
	maxMode  = 4095
)

// edid is the monitor's description (VESA E-EDID 1.4, one block): a panel of 100 dots an inch with the given preferred mode
// at 60 Hz. The second block, which BIOSes read unasked, is empty.
func edid(w, h int) (e [edidSize]byte) {
	w, h = min(max(w, minWidth), maxMode), min(max(h, minMode), maxMode) // what a detailed timing can say
	copy(e[:], []byte{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0})
	binary.BigEndian.PutUint16(e[8:], ('G'-'@')<<10|('V'-'@')<<5|('M'-'@')) // manufacturer
	binary.LittleEndian.PutUint16(e[10:], 1)                                // product
	e[16], e[17] = 1, 2026-1990                                             // made in
	e[18], e[19] = 1, 4                                                     // version
	e[20] = 0xa5                                                            // digital, 8 bits a colour, DisplayPort
	mmW, mmH := w*254/1000, h*254/1000
	e[21], e[22] = uint8(min(mmW/10, 255)), uint8(min(mmH/10, 255))                  // centimetres
	e[23] = 220 - 100                                                                // gamma 2.2
	e[24] = 0x06                                                                     // sRGB, the first timing is the preferred one
	copy(e[25:], []byte{0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54}) // chromaticity of sRGB
	e[35], e[36] = 0x21, 0x08                                                        // 640x480, 800x600 and 1024x768 at 60 Hz
	standardTimings(e[38:54])
	detailed(e[54:72], w, h, mmW, mmH)
	copy(e[72:], []byte{0, 0, 0, 0xfd, 0, 50, 125, 30, 160, 255, 0x01, '\n', ' ', ' ', ' ', ' ', ' ', ' '}) // range limits
	copy(e[90:], []byte{0, 0, 0, 0xfc, 0, 'g', 'o', 'v', 'm', ' ', 's', 'c', 'r', 'e', 'e', 'n', '\n', ' '})
	copy(e[108:], []byte{0, 0, 0, 0x10}) // unused
	sum := uint8(0)
	for _, b := range e[:127] {
		sum += b
	}
	e[127] = -sum
	return e
}

// standardTimings lists modes at 60 Hz by width and shape.
func standardTimings(p []byte) {
	const wide, tall, narrow, video = 0x00, 0x40, 0x80, 0xc0 // 16:10, 4:3, 5:4, 16:9
	for i, t := range []struct {
		w     int
		shape uint8
	}{{1920, video}, {1920, wide}, {1680, wide}, {1600, tall}, {1440, wide}, {1280, narrow}, {1280, wide}, {1280, tall}} {
		p[2*i], p[2*i+1] = uint8(t.w/8-31), t.shape
	}
}

// detailed writes a timing with reduced blanking (VESA CVT 1.1, section 5.2) at 60 Hz.
func detailed(p []byte, w, h, mmW, mmH int) {
	const hBlank, hFront, hSync, vFront, blankNS, frameNS = 160, 48, 32, 3, 460000, 16666667
	vSync := 10
	switch {
	case h*4/3 == w:
		vSync = 4
	case h*16/9 == w:
		vSync = 5
	case h*16/10 == w:
		vSync = 6
	case h*5/4 == w:
		vSync = 7
	}
	line := (frameNS - blankNS) / h // nanoseconds
	vBlank := max(blankNS/line+1, vFront+vSync+6)
	kHz10 := 60 * (h + vBlank) * (w + hBlank) / 10000 / 25 * 25 // steps of 0.25 MHz
	binary.LittleEndian.PutUint16(p, uint16(min(kHz10, 0xffff)))
	p[2], p[3], p[4] = uint8(w), hBlank, uint8(w>>8<<4)
	p[5], p[6], p[7] = uint8(h), uint8(vBlank), uint8(h>>8<<4|vBlank>>8)
	p[8], p[9], p[10], p[11] = hFront, hSync, vFront<<4|uint8(vSync), 0
	p[12], p[13], p[14] = uint8(mmW), uint8(mmH), uint8(mmW>>8<<4|mmH>>8)
	p[17] = 0x1a // digital, separate syncs, horizontal positive
}
