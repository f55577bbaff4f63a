package cpu

import "unsafe"

// hostAddr is where a page of guest memory lies in the host, as a name for it: the memory is not on the Go heap and does not move.
func hostAddr(page []byte) uint64 { return uint64(uintptr(unsafe.Pointer(&page[0]))) }
