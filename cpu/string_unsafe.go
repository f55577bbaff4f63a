package cpu

import "unsafe"

// hostBytes is the host memory behind n bytes in one page, or nil: see hostRAM.
func (c *CPU) hostBytes(lin, n uint64, write bool) []byte {
	p := c.hostRAM(lin, n, write)
	if p == nil {
		return nil
	}
	return unsafe.Slice((*byte)(p), n)
}

// copyRAM copies n bytes as MOVS does element by element upwards; it reports false, having done nothing, where not all is plain RAM.
func (c *CPU) copyRAM(dst, src, n uint64, size int) bool {
	s := c.hostBytes(src, n, false)
	if s == nil {
		return false
	}
	d := c.hostBytes(dst, n, true)
	if d == nil {
		return false
	}
	gap := uintptr(unsafe.Pointer(&d[0])) - uintptr(unsafe.Pointer(&s[0]))
	if gap == 0 || gap >= uintptr(n) {
		copy(d, s)
		return true
	}
	// The destination begins inside the source: what is copied first is copied again.
	if gap < uintptr(size) {
		for i := 0; i < int(n); i += size {
			copy(d[i:i+size], s[i:i+size])
		}
		return true
	}
	step := int(gap) / size * size
	for i := 0; i < int(n); i += step {
		e := min(i+step, int(n))
		copy(d[i:e], s[i:e])
	}
	return true
}

// fillRAM is copyRAM for STOS.
func (c *CPU) fillRAM(dst, n, v uint64, size int) bool {
	d := c.hostBytes(dst, n, true)
	if d == nil {
		return false
	}
	if v&sizeMask(uint8(size)) == 0 {
		clear(d)
		return true
	}
	for i := range size {
		d[i] = byte(v >> (8 * i))
	}
	for have := size; have < len(d); have *= 2 {
		copy(d[have:], d[:have])
	}
	return true
}
