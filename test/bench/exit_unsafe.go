package main

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// structure is an ioctl with a structure, in or out.
func structure(fd int, req uintptr, b []byte) error {
	_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), req, uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	if e != 0 {
		return fmt.Errorf("ioctl %#x: %w", req, e)
	}
	return nil
}

// address is the address of memory outside the Go heap.
func address(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }
