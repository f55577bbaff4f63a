// Package audio is the contract of sound: PCM streams between what makes it and who listens.
package audio

import "io"

// Sample is how a sample is kept; those of more than a byte are little-endian.
type Sample uint8

// Samples, in the order of QEMU's audio messages.
const (
	U8 Sample = iota
	S8
	U16
	S16
	U32
	S32
)

// Size is its bytes.
func (s Sample) Size() int {
	switch s {
	case U8, S8:
		return 1
	case U16, S16:
		return 2
	}
	return 4
}

// Format is that of a stream. Samples of one moment stand side by side, left before right.
type Format struct {
	Sample   Sample
	Channels int // 1 or 2
	Rate     int // moments a second
}

// Frame is the bytes of one moment.
func (f Format) Frame() int { return f.Sample.Size() * f.Channels }

// Put appends a sample, given as S16, in a format.
func (s Sample) Put(b []byte, v int16) []byte {
	u := uint16(v) ^ 0x8000
	switch s {
	case U8:
		return append(b, byte(u>>8))
	case S8:
		return append(b, byte(uint16(v)>>8))
	case U16:
		return append(b, byte(u), byte(u>>8))
	case S16:
		return append(b, byte(v), byte(uint16(v)>>8))
	case U32:
		return append(b, 0, 0, byte(u), byte(u>>8))
	}
	return append(b, 0, 0, byte(v), byte(uint16(v)>>8))
}

// Source is something that can be listened to.
type Source interface {
	// Listen returns the sound from now on. A Read waits until there is some; it returns whole moments, if there is room for one.
	// Close makes Reads end, one under way too.
	Listen(f Format) io.ReadCloser
}
