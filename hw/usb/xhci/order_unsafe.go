package xhci

import (
	"sync/atomic"
	"unsafe"
)

// loadAcquire reads the first four bytes of b, which are aligned, before anything that is read afterwards. Hosts are little-endian (amd64, arm64).
func loadAcquire(b []byte) uint32 { return atomic.LoadUint32((*uint32)(unsafe.Pointer(&b[:4][0]))) }

// storeRelease writes the first four bytes of b, which are aligned, after everything that was written before.
func storeRelease(b []byte, v uint32) {
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&b[:4][0])), v)
}
