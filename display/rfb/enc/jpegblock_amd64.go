package enc

import "golang.org/x/sys/cpu"

// vectors reports whether the processor has what jpegblock_amd64.s uses.
func vectors() bool { return cpu.X86.HasAVX2 }

// quantiseAVX2 is quantiseBlock.
//
//go:noescape
func quantiseAVX2(out *[64]int16, in, scale *[64]float32) (zeros uint64)

// loadAVX2 is loadBlock; all of the block lies in the picture.
//
//go:noescape
func loadAVX2(y, cb, cr *[64]float32, pix *byte, stride int)
