package vga

import "encoding/binary"

var le = binary.LittleEndian

// pixels converts n pixels, or a few more, from video memory.
func (p *painter) pixels(dst, src []byte, n int) {
	m := &p.mode
	switch m.kind {
	case planar16:
		planarPixels(dst, src, &p.attrs, m.enable)
	case cga4:
		cgaPixels(dst, src, &p.attrs, m.enable)
	case pal8:
		for src = src[:n]; len(src) > 0 && len(dst) >= 4; src, dst = src[1:], dst[4:] {
			le.PutUint32(dst, p.colour[src[0]])
		}
	case rgb15, rgb16:
		highPixels(dst, src, n, m.kind == rgb16, m.bigEndian)
	case rgb24:
		for i := range n {
			s, d := src[3*i:3*i+3:3*i+3], dst[4*i:4*i+4:4*i+4]
			d[0], d[1], d[2], d[3] = s[0], s[1], s[2], 0
			if m.bigEndian {
				d[0], d[2] = s[2], s[0]
			}
		}
	default:
		truePixels(dst, src, n, m.bigEndian)
	}
}

// planarPixels makes eight pixels of each word: a byte of every plane, the leftmost pixel in the highest bits.
func planarPixels(dst, src []byte, colour *[16]uint32, enable uint8) {
	mask := spread(enable)
	for i := 0; i+4 <= len(src); i += 4 {
		w := le.Uint32(src[i:]) & mask
		d := dst[8*i : 8*i+32 : 8*i+32]
		if w == 0 || w == ^uint32(0) {
			c := colour[w&15]
			for j := 0; j < 32; j += 4 {
				le.PutUint32(d[j:], c)
			}
			continue
		}
		for j := range 8 {
			t := w >> (7 - j) & 0x01010101
			le.PutUint32(d[4*j:], colour[(t|t>>7|t>>14|t>>21)&15])
		}
	}
}

// cgaPixels makes eight pixels of each word: four of plane 0 with two bits each, then four of plane 1; planes 2 and 3 hold
// the upper bits of both.
func cgaPixels(dst, src []byte, colour *[16]uint32, enable uint8) {
	mask := spread(enable)
	for i := 0; i+4 <= len(src); i += 4 {
		w := le.Uint32(src[i:]) & mask
		d := dst[8*i : 8*i+32 : 8*i+32]
		for j := range 4 {
			t := w >> (6 - 2*j)
			le.PutUint32(d[4*j:], colour[t&3|t>>16&3<<2])
			le.PutUint32(d[16+4*j:], colour[t>>8&3|t>>24&3<<2])
		}
	}
}

// highPixels converts 15 and 16 bits a pixel. With 16 in
// the usual order the upper bits of a colour are repeated below, else not: so does QEMU.
func highPixels(dst, src []byte, n int, six, big bool) {
	src = src[:2*n]
	switch {
	case six && !big:
		for ; len(src) >= 2 && len(dst) >= 4; src, dst = src[2:], dst[4:] {
			c := uint32(le.Uint16(src))
			// Red and blue at once: rrrrr becomes rrrrrrrr by repeating its upper three bits.
			rb := c>>11<<16 | c&31
			g := c >> 5 & 63
			le.PutUint32(dst, rb<<3|rb>>2&0x070007|(g<<2|g>>4)<<8)
		}
	case six:
		for i := range n {
			c := uint32(binary.BigEndian.Uint16(src[2*i:]))
			le.PutUint32(dst[4*i:], c<<8&0xf80000|c<<5&0xfc00|c<<3&0xf8)
		}
	default:
		for i := range n {
			c := uint32(le.Uint16(src[2*i:]))
			if big {
				c = uint32(binary.BigEndian.Uint16(src[2*i:]))
			}
			le.PutUint32(dst[4*i:], c<<9&0xf80000|c<<6&0xf800|c<<3&0xf8)
		}
	}
}

// truePixels copies 32 bits a pixel without their unused byte.
func truePixels(dst, src []byte, n int, big bool) {
	dst, src = dst[:4*n], src[:4*n]
	if big {
		for i := 0; i+4 <= len(src); i += 4 {
			le.PutUint32(dst[i:], binary.BigEndian.Uint32(src[i:])&0xffffff)
		}
		return
	}
	for ; len(src) >= 16 && len(dst) >= 16; src, dst = src[16:], dst[16:] {
		a, b := le.Uint64(src), le.Uint64(src[8:])
		le.PutUint64(dst, a&0x00ffffff00ffffff)
		le.PutUint64(dst[8:], b&0x00ffffff00ffffff)
	}
	for ; len(src) >= 4; src, dst = src[4:], dst[4:] {
		le.PutUint32(dst, le.Uint32(src)&0xffffff)
	}
}
