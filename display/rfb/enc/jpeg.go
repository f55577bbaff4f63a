package enc

import (
	"encoding/binary"
	"image"
	"math/bits"
	"slices"

	"govm-desktop/display"
)

// jpegEncoder makes baseline JPEG files (ITU-T T.81) of parts of a frame: the discrete cosine transform of Arai, Agui and Nakajima
// with its scale in the quantisation, the Huffman codes of Annex K, chrominance whole or halved in both directions.
type jpegEncoder struct {
	quality int
	halved  bool // chrominance, which is 4:2:0

	vectors bool
	codes   [4][256]code
	quant   [2][64]byte // in zigzag order, as it is written
	scale   [2]block    // 1/(quantisation × scale of the transform), transposed
	order   [64]uint8   // transposed places in zigzag order
	rank    [64]uint8   // and the reverse

	acc    uint64 // bits that are not written yet,
	bits   uint   // fewer than 32 of them
	y      block  // being filled
	cb, cr block
	half   [2]block // chrominance of four blocks
	coefs  [64]int16
	last   [3]int32 // DC
}

// code is a Huffman code.
type code struct {
	bits uint32
	n    uint8
}

// newJPEG returns an encoder; quality is 1 to 100 as libjpeg counts it.
func newJPEG(quality int, halved bool) *jpegEncoder {
	j := &jpegEncoder{quality: quality, halved: halved, vectors: vectors()}
	for i := range 64 {
		j.order[i] = zigzag[i]%8*8 + zigzag[i]/8
		j.rank[j.order[i]] = uint8(i)
	}
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
			j.scale[t][j.order[i]] = float32(1 / (float64(v) * aan[at/8] * aan[at%8] * 8))
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
	return append(j.finish(b), 0xff, 0xd9) // EOI
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
		j.load(f, r, x, y)
		b = j.appendBlock(b, &j.y, 0)
		b = j.appendBlock(b, &j.cb, 1)
		return j.appendBlock(b, &j.cr, 2)
	}
	for i := range 4 {
		dx, dy := i&1, i>>1
		j.load(f, r, x+8*dx, y+8*dy)
		b = j.appendBlock(b, &j.y, 0)
		quarter(&j.half[0], &j.cb, 4*dx, 4*dy)
		quarter(&j.half[1], &j.cr, 4*dx, 4*dy)
	}
	b = j.appendBlock(b, &j.half[0], 1)
	return j.appendBlock(b, &j.half[1], 2)
}

// quarter puts a block at half its size into another, at x, y.
func quarter(to, from *block, x, y int) {
	for v := range 4 {
		line := to[8*(y+v)+x : 8*(y+v)+x+4 : 8*(y+v)+x+4]
		above, below := from[16*v:16*v+8:16*v+8], from[16*v+8:16*v+16:16*v+16]
		for u := range line {
			line[u] = (above[2*u&7] + above[2*u+1] + below[2*u&7] + below[2*u+1]) / 4
		}
	}
}

// load fills y, cb and cr with a block.
func (j *jpegEncoder) load(f *display.Frame, r image.Rectangle, x, y int) {
	if j.vectors && x+8 <= r.Max.X && y+8 <= r.Max.Y {
		loadAVX2(&j.y, &j.cb, &j.cr, &f.Row(y, x, x+8)[0], f.Stride)
		return
	}
	at := min(x, r.Max.X-1)
	loadBlock(&j.y, &j.cb, &j.cr, func(v int) []byte { return f.Row(min(y+v, r.Max.Y-1), at, min(at+8, r.Max.X)) })
}

// blockBytes is more than a block takes.
const blockBytes = 64*8 + 16

// appendBlock transforms, quantises and writes a block of the component c.
func (j *jpegEncoder) appendBlock(b []byte, d *block, c int) []byte {
	t := min(c, 1)
	zeros := uint64(0)
	if j.vectors {
		zeros = quantiseAVX2(&j.coefs, d, &j.scale[t])
	} else {
		zeros = quantiseBlock(&j.coefs, d, &j.scale[t])
	}
	b = slices.Grow(b, blockBytes)
	dc, ac := &j.codes[2*t], &j.codes[2*t+1]
	v := int32(j.coefs[0])
	b = j.putValue(b, dc, 0, v-j.last[c])
	j.last[c] = v
	set := uint64(0) // what is not zero, in zigzag order
	for m := ^zeros &^ 1; m != 0; m &= m - 1 {
		set |= 1 << (j.rank[bits.TrailingZeros64(m)] & 63)
	}
	at := 0
	for ; set != 0; set &= set - 1 {
		k := bits.TrailingZeros64(set)
		zeros := k - at - 1
		for ; zeros > 15; zeros -= 16 {
			b = j.put(b, ac[0xf0].bits, uint(ac[0xf0].n))
		}
		b = j.putValue(b, ac, zeros, int32(j.coefs[j.order[k&63]&63]))
		at = k
	}
	if at < 63 {
		b = j.put(b, ac[0].bits, uint(ac[0].n))
	}
	return b
}

// putValue writes a value after a number of zeros.
func (j *jpegEncoder) putValue(b []byte, codes *[256]code, zeros int, v int32) []byte {
	sign := v >> 31
	n := uint(bits.Len32(uint32((v ^ sign) - sign)))
	c := codes[zeros<<4&0xf0|int(n&15)]
	return j.put(b, c.bits<<n|uint32(v+sign)&(1<<n-1), uint(c.n)+n)
}

// put writes up to 27 bits, with a zero after each byte of ones. There has to be room for eight bytes.
func (j *jpegEncoder) put(b []byte, v uint32, n uint) []byte {
	j.acc = j.acc<<(n&63) | uint64(v)
	if j.bits += n; j.bits < 32 {
		return b
	}
	j.bits -= 32
	w := uint32(j.acc >> (j.bits & 63))
	if inverse := ^w; (inverse-0x01010101)&w&0x80808080 == 0 {
		return binary.BigEndian.AppendUint32(b, w)
	}
	for i := 24; i >= 0; i -= 8 {
		b = appendStuffed(b, byte(w>>i))
	}
	return b
}

func appendStuffed(b []byte, v byte) []byte {
	if b = append(b, v); v == 0xff {
		b = append(b, 0)
	}
	return b
}

// finish writes the bits that are left, filled up with ones.
func (j *jpegEncoder) finish(b []byte) []byte {
	for ; j.bits >= 8; j.bits -= 8 {
		b = appendStuffed(b, byte(j.acc>>(j.bits-8)))
	}
	if j.bits > 0 {
		b = appendStuffed(b, byte(j.acc<<(8-j.bits))|byte(1<<(8-j.bits)-1))
	}
	return b
}
