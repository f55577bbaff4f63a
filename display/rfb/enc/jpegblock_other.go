//go:build !amd64

package enc

func vectors() bool { return false }

func quantiseAVX2(out *[64]int16, in, scale *[64]float32) uint64 {
	return quantiseBlock(out, in, scale)
}

func loadAVX2(y, cb, cr *[64]float32, pix *byte, stride int) { panic("enc: no such instructions") }
