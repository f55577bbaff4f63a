package main

import (
	"bytes"
	"os"
)

// isISO reports whether a file that was named without an option is a CD image: it has an ISO 9660 volume descriptor at sector 16. A hybrid image, which
// is a disk too, counts as one.
func isISO(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	var b [6]byte
	if _, err := f.ReadAt(b[:], 16*2048); err != nil {
		return false
	}
	return bytes.Equal(b[1:], []byte("CD001"))
}
