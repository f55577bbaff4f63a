package enc

import "math"

// ZYWRLE (encoding 17) is ZRLE in which a tile of pixels as they are may instead be what a wavelet makes of them: the piecewise-linear
// Haar transform of Senecal, Lindstrom, Duchaineau and Joy (Pacific Graphics 2004) of luminance and two differences of colours, in as
// many levels as the client's quality has it, its high frequencies quantised, as another tile of ZRLE. There is no document; the format
// is that of the clients (libvncclient, ssvnc). Only pixels of 8 bits a colour are transformed; others come as runs, because what looks
// like pixels would be taken for a transform.
type zywrle struct {
	level  int // of transforms; 0: nothing is lost
	coefs  [64 * 64][3]int8
	out    [64 * 64]uint32
	filter [4][256]int8
}

// Quantisers: how many bits of a coefficient are left, after it was squared; 0: nothing is.
const (
	dropAll = iota
	fine5
	fine4
	fine2
)

// Waves is how many levels of ZYWRLE's transform a client's quality from 0 to 9 means.
func Waves(quality int) int { return 3 - quality/3 }

func newZywrle() *zywrle {
	z := &zywrle{}
	for i, bits := range [4]float64{dropAll: 0, fine5: 5, fine4: 4, fine2: 2} {
		for v := -127; v <= 127 && bits > 0; v++ {
			q := math.Round(math.Pow(math.Abs(float64(v))/128, 2) * math.Exp2(bits-1))
			back := 8 * min(math.Round(math.Sqrt(q/math.Exp2(bits-1))*16), 15)
			z.filter[i][uint8(v)] = int8(math.Copysign(back, float64(v)))
		}
	}
	return z
}

// waves reports whether pixels are such as ZYWRLE transforms: bytes of blue, green and red, or the other way round.
func (p *Pixels) waves() bool {
	s := p.format.Shift
	return p.csize == 3 && p.cshift == 0 && !p.format.BigEndian && p.tight3() && s[0]%8 == 0 && s[1] == 8 && s[2]%8 == 0
}

// filters are those of a level for blue, green and red differences: U, Y and V.
func (z *zywrle) filters(l int) [3]int {
	switch {
	case l == 0 && z.level == 1:
		return [3]int{dropAll, fine4, dropAll}
	case l == 0:
		return [3]int{dropAll, fine2, dropAll}
	case l == z.level-1:
		return [3]int{fine5, fine5, fine5}
	}
	return [3]int{fine4, fine4, fine4}
}

// analyse turns a tile into coefficients, in place, in the order they are sent in: the highest frequencies first, the pixels that no
// pair of pairs has at the end.
func (z *zywrle) analyse(tile []uint32, w int) {
	h := len(tile) / w
	mask := 1<<z.level - 1
	aw, ah := w&^mask, h&^mask
	if aw == 0 || ah == 0 {
		return
	}
	for y := range ah {
		for x, v := range tile[y*w : y*w+aw] {
			r, g, b := int(v>>16&0xff), int(v>>8&0xff), int(v&0xff)
			z.coefs[y*aw+x] = [3]int8{odd((b - g) >> 1), odd((r+2*g+b)>>2 - 128), odd((r - g) >> 1)}
		}
	}
	for l := range z.level {
		z.transform(aw, ah, l)
		z.quantise(aw, ah, l)
	}
	out := z.out[:0]
	for l := range z.level {
		for part := 3; part > 0; part-- {
			out = z.collect(out, aw, ah, l, part)
		}
	}
	out = z.collect(out, aw, ah, z.level-1, 0)
	for y := range ah { // what is beside, below, and in the corner
		out = append(out, tile[y*w+aw:(y+1)*w]...)
	}
	for y := ah; y < h; y++ {
		out = append(out, tile[y*w:y*w+aw]...)
	}
	for y := ah; y < h; y++ {
		out = append(out, tile[y*w+aw:(y+1)*w]...)
	}
	copy(tile, out)
}

// odd keeps a number in -127 to 127, for which the transform is exact.
func odd(v int) int8 { return int8(max(-127, v)) }

// transform is a level of the transform: rows, then columns. What it makes stays in place.
func (z *zywrle) transform(w, h, l int) {
	step, half := 2<<l, 1<<l
	for y := 0; y < h; y += half {
		for x := 0; x < w; x += step {
			haar(&z.coefs[y*w+x], &z.coefs[y*w+x+half])
		}
	}
	for x := 0; x < w; x += half {
		for y := 0; y < h; y += step {
			haar(&z.coefs[y*w+x], &z.coefs[(y+half)*w+x])
		}
	}
}

// haar makes a low and a high frequency of two values, both of which keep 8 bits. It undoes itself when applied to those.
func haar(a, b *[3]int8) {
	for i := range a {
		x, y := int(a[i]), int(b[i])
		if (x < 0) != (y < 0) {
			low := x + y
			if a[i], b[i] = int8(low), int8(x); (low < 0) == (y < 0) {
				b[i] = int8(x - low)
			}
			continue
		}
		high := x - y
		if a[i], b[i] = int8(y), int8(high); (high < 0) == (x < 0) {
			a[i] = int8(x)
		}
	}
}

// quantise makes the high frequencies of a level coarser.
func (z *zywrle) quantise(w, h, l int) {
	step, half := 2<<l, 1<<l
	kinds := z.filters(l)
	for y := 0; y < h; y += half {
		for x := 0; x < w; x += half {
			if y%step == 0 && x%step == 0 {
				continue
			}
			for i, c := range z.coefs[y*w+x] {
				z.coefs[y*w+x][i] = z.filter[kinds[i]][uint8(c)]
			}
		}
	}
}

// collect appends a part of the coefficients of a level as pixels: 1 is high to the right, 2 downwards, 3 in both directions.
func (z *zywrle) collect(out []uint32, w, h, l, part int) []uint32 {
	step, half := 2<<l, 1<<l
	for y := part >> 1 * half; y < h; y += step {
		for x := part & 1 * half; x < w; x += step {
			c := z.coefs[y*w+x]
			out = append(out, uint32(uint8(c[2]))<<16|uint32(uint8(c[1]))<<8|uint32(uint8(c[0])))
		}
	}
	return out
}
