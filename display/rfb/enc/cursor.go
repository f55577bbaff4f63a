package enc

import "govm-desktop/display"

// AppendAlpha writes a cursor's pixels, which are B, G, R, A, as clients take them: R, G, B, A, the colours times the alpha.
func AppendAlpha(b, pix []byte) []byte {
	for ; len(pix) >= 4; pix = pix[4:] {
		a := uint(pix[3])
		mul := func(v byte) byte { return byte((uint(v)*a + 127) / 255) }
		b = append(b, mul(pix[2]), mul(pix[1]), mul(pix[0]), pix[3])
	}
	return b
}

// AppendRGBA writes a cursor's pixels, which are B, G, R, A, as R, G, B, A.
func AppendRGBA(b, pix []byte) []byte {
	for ; len(pix) >= 4; pix = pix[4:] {
		b = append(b, pix[2], pix[1], pix[0], pix[3])
	}
	return b
}

// AppendMask writes a bit for each pixel of a cursor, rows in whole bytes: whether it is seen at all, or whether it is light.
func AppendMask(b []byte, c *display.Cursor, light bool) []byte {
	for y := range c.Size.Y {
		acc := byte(0)
		for x := range c.Size.X {
			p := c.Pix[4*(y*c.Size.X+x):]
			on := p[3] >= 128
			if light {
				on = 2*int(p[0])+5*int(p[1])+3*int(p[2]) >= 1280
			}
			if on {
				acc |= 0x80 >> (x & 7)
			}
			if x&7 == 7 || x == c.Size.X-1 {
				b = append(b, acc)
				acc = 0
			}
		}
	}
	return b
}
