package enc

import (
	"encoding/binary"
	"image"
	"math"

	"govm-desktop/display"
)

// jpegEncoder makes baseline JPEG files (ITU-T T.81) of parts of a frame: the discrete cosine transform of Arai, Agui and Nakajima
// with its scale in the quantisation, the Huffman codes of Annex K, chrominance whole or halved in both directions.
type jpegEncoder struct {
	quality int
	halved  bool // chrominance, which is 4:2:0

	codes [4][256]code
	quant [2][64]byte    // in zigzag order, as it is written
	scale [2][64]float32 // 1/(quantisation × scale of the transform), by place

	acc  uint64
	bits uint
	y    [4][64]float32 // blocks being filled
	cb   [64]float32
	cr   [64]float32
	last [3]int32 // DC
}

// code is a Huffman code.
type code struct {
	bits uint32
	n    uint8
}

// newJPEG returns an encoder; quality is 1 to 100 as libjpeg counts it.
func newJPEG(quality int, halved bool) *jpegEncoder {
	j := &jpegEncoder{quality: quality, halved: halved}
	for t, spec := range huffSpecs() {
		next, at := uint32(0), 0
		for n, count := range spec.count {
			for range count {
				j.codes[t][spec.values[at]] = code{next, uint8(n + 1)}
				next++
				at++
			}
			next <<= 1
		}
	}
	q := max(1, min(quality, 100))
	percent := 200 - 2*q
	if q < 50 {
		percent = 5000 / q
	}
	aan := [8]float64{1, 1.387039845, 1.306562965, 1.175875602, 1, 0.785694958, 0.541196100, 0.275899379}
	for t, base := range [2]string{quantLuma, quantChroma} {
		for i := range 64 {
			v := max(1, min((int(base[i])*percent+50)/100, 255))
			j.quant[t][i] = byte(v)
			at := zigzag[i]
			j.scale[t][at] = float32(1 / (float64(v) * aan[at/8] * aan[at%8] * 8))
		}
	}
	return j
}

// appendFile appends the file of a rectangle.
func (j *jpegEncoder) appendFile(b []byte, f *display.Frame, r image.Rectangle) []byte {
	b = j.appendHeaders(b, r.Size())
	j.acc, j.bits, j.last = 0, 0, [3]int32{}
	step := 8
	if j.halved {
		step = 16
	}
	for y := r.Min.Y; y < r.Max.Y; y += step {
		for x := r.Min.X; x < r.Max.X; x += step {
			b = j.appendUnit(b, f, r, x, y)
		}
	}
	if j.bits > 0 { // fill up with ones
		b = j.put(b, code{1<<(8-j.bits&7) - 1, uint8(8 - j.bits&7)})
	}
	return append(b, 0xff, 0xd9) // EOI
}

func (j *jpegEncoder) appendHeaders(b []byte, size image.Point) []byte {
	b = append(b, 0xff, 0xd8, 0xff, 0xdb, 0, 2+2*65) // SOI, DQT
	for t := range j.quant {
		b = append(append(b, byte(t)), j.quant[t][:]...)
	}
	b = append(b, 0xff, 0xc0, 0, 17, 8) // SOF0
	b = binary.BigEndian.AppendUint16(b, uint16(size.Y))
	b = binary.BigEndian.AppendUint16(b, uint16(size.X))
	sampling := byte(0x11)
	if j.halved {
		sampling = 0x22
	}
	b = append(b, 3, 1, sampling, 0, 2, 0x11, 1, 3, 0x11, 1)
	for t, spec := range huffSpecs() { // DHT
		b = append(b, 0xff, 0xc4)
		b = binary.BigEndian.AppendUint16(b, uint16(2+1+16+len(spec.values)))
		b = append(b, byte(t&1<<4|t>>1))
		b = append(append(b, spec.count[:]...), spec.values...)
	}
	return append(b, 0xff, 0xda, 0, 12, 3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0) // SOS
}

// appendUnit writes a minimum coded unit.
func (j *jpegEncoder) appendUnit(b []byte, f *display.Frame, r image.Rectangle, x, y int) []byte {
	if !j.halved {
		j.load(f, r, x, y, &j.y[0], 0, 0, 8)
		b = j.appendBlock(b, &j.y[0], 0)
	} else {
		clear(j.cb[:])
		clear(j.cr[:])
		for i := range 4 {
			dx, dy := i&1, i>>1
			j.load(f, r, x+8*dx, y+8*dy, &j.y[i], 4*dx, 4*dy, 4)
			b = j.appendBlock(b, &j.y[i], 0)
		}
	}
	b = j.appendBlock(b, &j.cb, 1)
	return j.appendBlock(b, &j.cr, 2)
}

// load converts a block of 8×8 pixels (JFIF's YCbCr, less 128), and puts its chrominance at cx, cy into a square of the given
// size. Beyond the picture its last row and column go on.
func (j *jpegEncoder) load(f *display.Frame, r image.Rectangle, x, y int, to *[64]float32, cx, cy, size int) {
	for v := range 8 {
		row := f.Row(min(y+v, r.Max.Y-1), r.Min.X, r.Max.X)
		line := to[8*v : 8*v+8 : 8*v+8]
		at := (x - r.Min.X) * 4
		for u := range line {
			p := min(at+4*u, len(row)-4)
			blue, green, red := float32(row[p]), float32(row[p+1]), float32(row[p+2])
			line[u] = 0.299*red + 0.587*green + 0.114*blue - 128
			cb := -0.168735892*red - 0.331264108*green + 0.5*blue
			cr := 0.5*red - 0.418687589*green - 0.081312411*blue
			if size == 8 {
				j.cb[8*v+u], j.cr[8*v+u] = cb, cr
			} else {
				k := 8*(cy+v/2) + cx + u/2
				j.cb[k] += cb / 4
				j.cr[k] += cr / 4
			}
		}
	}
}

// transform is the forward discrete cosine transform of a row or a column.
func transform(d *[64]float32, at, step int) {
	p0, p1, p2, p3 := &d[at&63], &d[(at+step)&63], &d[(at+2*step)&63], &d[(at+3*step)&63]
	p4, p5, p6, p7 := &d[(at+4*step)&63], &d[(at+5*step)&63], &d[(at+6*step)&63], &d[(at+7*step)&63]
	t0, t7, t1, t6 := *p0+*p7, *p0-*p7, *p1+*p6, *p1-*p6
	t2, t5, t3, t4 := *p2+*p5, *p2-*p5, *p3+*p4, *p3-*p4
	e0, e3, e1, e2 := t0+t3, t0-t3, t1+t2, t1-t2
	*p0, *p4 = e0+e1, e0-e1
	z := (e2 + e3) * 0.707106781
	*p2, *p6 = e3+z, e3-z
	o0, o1, o2 := t4+t5, t5+t6, t6+t7
	z5 := (o0 - o2) * 0.382683433
	z2, z4, z3 := 0.541196100*o0+z5, 1.306562965*o2+z5, o1*0.707106781
	z11, z13 := t7+z3, t7-z3
	*p5, *p3, *p1, *p7 = z13+z2, z13-z2, z11+z4, z11-z4
}

// appendBlock transforms, quantises and writes a block of the component c.
func (j *jpegEncoder) appendBlock(b []byte, d *[64]float32, c int) []byte {
	for i := range 8 {
		transform(d, 8*i, 1)
	}
	for i := range 8 {
		transform(d, i, 8)
	}
	t := min(c, 1)
	scale, dc, ac := &j.scale[t], &j.codes[2*t], &j.codes[2*t+1]
	v := round(d[0] * scale[0])
	b = j.putValue(b, dc, 0, v-j.last[c])
	j.last[c] = v
	zeros := 0
	for i := 1; i < 64; i++ {
		at := zigzag[i] & 63
		v := round(d[at] * scale[at])
		if v == 0 {
			zeros++
			continue
		}
		for ; zeros > 15; zeros -= 16 {
			b = j.put(b, ac[0xf0])
		}
		b = j.putValue(b, ac, zeros, v)
		zeros = 0
	}
	if zeros > 0 {
		b = j.put(b, ac[0])
	}
	return b
}

// round is to the nearest, by the lowest bits of a float of a fixed size.
func round(v float32) int32 {
	const magic = 3 << 22 // where a float32 counts in ones
	return int32(math.Float32bits(v+magic)) - int32(math.Float32bits(magic))
}

// putValue writes a value after a number of zeros.
func (j *jpegEncoder) putValue(b []byte, codes *[256]code, zeros int, v int32) []byte {
	a, low := v, v
	if v < 0 {
		a, low = -v, v-1
	}
	n := uint8(0)
	for m := a; m != 0; m >>= 1 {
		n++
	}
	c := codes[zeros<<4|int(n)]
	return j.put(b, code{c.bits<<n | uint32(low)&(1<<n-1), c.n + n})
}

// put writes bits, with a zero after each byte of ones.
func (j *jpegEncoder) put(b []byte, c code) []byte {
	j.acc = j.acc<<c.n | uint64(c.bits)
	j.bits += uint(c.n)
	for j.bits >= 8 {
		j.bits -= 8
		v := byte(j.acc >> j.bits)
		if b = append(b, v); v == 0xff {
			b = append(b, 0)
		}
	}
	return b
}
