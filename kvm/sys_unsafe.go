package kvm

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ioctl calls the kernel with a number as argument.
func ioctl(fd int, req, arg uintptr) (int, error) {
	r, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), req, arg)
	if e != 0 {
		return 0, e
	}
	return int(r), nil
}

// call calls the kernel with a structure as argument.
func call[T any](fd int, req uintptr, arg *T) error {
	_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), req, uintptr(unsafe.Pointer(arg)))
	if e != 0 {
		return e
	}
	return nil
}

// addrOf is the address of guest RAM, which lies outside the Go heap and stays where it is.
func addrOf(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

// runPage is struct kvm_run, shared with the kernel.
type runPage struct{ mem []byte }

func (r runPage) u8(off int) uint8   { return r.mem[off] }
func (r runPage) u16(off int) uint16 { return *(*uint16)(unsafe.Pointer(&r.mem[off])) }
func (r runPage) u32(off int) uint32 { return *(*uint32)(unsafe.Pointer(&r.mem[off])) }
func (r runPage) u64(off int) uint64 { return *(*uint64)(unsafe.Pointer(&r.mem[off])) }

// setImmediateExit makes KVM_RUN return at once, or run again. The byte at offset 1 is set from any goroutine; its word is written whole, since the
// bytes around it (request_interrupt_window and padding) are not used.
func (r runPage) setImmediateExit(on bool) {
	var v uint32
	if on {
		v = 1 << 8
	}
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&r.mem[0])), v)
}

// offsets in struct kvm_run.
const (
	runExitReason = 8
	runUnion      = 32 // what depends on the reason
	// KVM_EXIT_IO
	ioDirection  = runUnion
	ioSize       = runUnion + 1
	ioPort       = runUnion + 2
	ioCount      = runUnion + 4
	ioDataOffset = runUnion + 8
	// KVM_EXIT_MMIO
	mmioAddr    = runUnion
	mmioData    = runUnion + 8
	mmioLen     = runUnion + 16
	mmioIsWrite = runUnion + 20
	debugDR6    = runUnion + 16
	// KVM_EXIT_INTERNAL_ERROR
	internalSuberror = runUnion
	// KVM_EXIT_FAIL_ENTRY
	failReason = runUnion
)

// load and store move little-endian values of 1, 2, 4 or 8 bytes.
func (r runPage) load(off, size int) uint64 {
	switch size {
	case 1:
		return uint64(r.u8(off))
	case 2:
		return uint64(r.u16(off))
	case 4:
		return uint64(r.u32(off))
	default:
		return r.u64(off)
	}
}

func (r runPage) store(off, size int, v uint64) {
	for i := range size {
		r.mem[off+i] = byte(v >> (8 * i))
	}
}

// getDirtyLog fetches and clears a slot's dirty pages.
func getDirtyLog(fd int, id uint32, bits []uint64) error {
	d := dirtyLog{Slot: id}
	d.Bitmap = uint64(uintptr(unsafe.Pointer(unsafe.SliceData(bits))))
	err := call(fd, reqGetDirtyLog, &d)
	runtime.KeepAlive(bits)
	return err
}

// callN is call for requests whose result is a count.
func callN[T any](fd int, req uintptr, arg *T) (int, error) {
	r, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), req, uintptr(unsafe.Pointer(arg)))
	if e != 0 {
		return 0, e
	}
	return int(r), nil
}
