package cpu

import "unsafe"

// hostAddr is where a page of guest memory lies in the host, as a name for it: the memory is not on the Go heap and does not move.
func hostAddr(page []byte) uint64 { return uint64(uintptr(unsafe.Pointer(&page[0]))) }

// current is the instruction that faulted in the cache; nil: none did. The cache keeps it alive.
func (c *CPU) current() *inst {
	return *(**inst)(unsafe.Pointer(&c.cur))
}
