package enc

import "math"

// block is 8×8 samples, or what the transform makes of them.
type block = [64]float32

// quantiseBlock transforms a block and scales its coefficients to whole numbers. They lie transposed, as does the scale: a column of
// frequencies after the other. Bits of zeros are set for those that are 0. The samples are lost.
func quantiseBlock(out *[64]int16, in, scale *block) (zeros uint64) {
	for i := range 8 {
		transform(in, 8*i, 1)
	}
	for i := range 8 {
		transform(in, i, 8)
	}
	for u := range 8 {
		for v := range 8 {
			i := 8*u + v
			n := int16(round(in[8*v+u] * scale[i]))
			if out[i] = n; n == 0 {
				zeros |= 1 << i
			}
		}
	}
	return zeros
}

// transform is the forward discrete cosine transform of a row or a column.
func transform(d *block, at, step int) {
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

// round is to the nearest, by the lowest bits of a float of a fixed size.
func round(v float32) int32 {
	const magic = 3 << 22 // where a float32 counts in ones
	return int32(math.Float32bits(v+magic)) - int32(math.Float32bits(magic))
}

// loadBlock converts 8×8 pixels of rows to JFIF's YCbCr, less 128. Beyond the last row and column, these go on.
func loadBlock(y, cb, cr *block, row func(v int) []byte) {
	for v := range 8 {
		r := row(v)
		for u := range 8 {
			p := min(4*u, len(r)-4)
			blue, green, red := float32(r[p]), float32(r[p+1]), float32(r[p+2])
			i := 8*v + u
			y[i] = 0.299*red + 0.587*green + 0.114*blue - 128
			cb[i] = -0.168735892*red - 0.331264108*green + 0.5*blue
			cr[i] = 0.5*red - 0.418687589*green - 0.081312411*blue
		}
	}
}
