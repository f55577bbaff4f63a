package host

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ioctl numbers of usbfs on 64-bit machines: direction, size of the argument, 'U', number.
const (
	none  = 0
	write = 1 << 30
	read_ = 2 << 30

	ioSetInterface     = read_ | 8<<16 | 'U'<<8 | 4
	ioSetConfiguration = read_ | 4<<16 | 'U'<<8 | 5
	ioSubmit           = read_ | urbSize<<16 | 'U'<<8 | 10
	ioDiscard          = none | 'U'<<8 | 11
	ioReapNoDelay      = write | 8<<16 | 'U'<<8 | 13
	ioClaim            = read_ | 4<<16 | 'U'<<8 | 15
	ioRelease          = read_ | 4<<16 | 'U'<<8 | 16
	ioInterface        = read_ | write | 16<<16 | 'U'<<8 | 18
	ioReset            = none | 'U'<<8 | 20
	ioClearHalt        = read_ | 4<<16 | 'U'<<8 | 21
	ioConnect          = none | 'U'<<8 | 23
	ioDisconnectClaim  = read_ | 264<<16 | 'U'<<8 | 27
	ioAllocStreams     = read_ | 8<<16 | 'U'<<8 | 28
	ioFreeStreams      = read_ | 8<<16 | 'U'<<8 | 29
)

// kernelURB is struct usbdevfs_urb.
type kernelURB struct {
	kind, endpoint uint8
	status         int32
	flags          uint32
	buffer         unsafe.Pointer
	length, actual int32
	startFrame     int32
	packets        int32 // isochronous; a stream's number on bulk endpoints
	errors         int32
	signal         uint32
	context        uintptr
}

// kernelPacket is struct usbdevfs_iso_packet_desc, which follow.
type kernelPacket struct{ length, actual, status uint32 }

const (
	urbSize    = 56
	packetSize = 12
	flagASAP   = 2
)

// urb is a request to the kernel. The kernel has the memory until it is reaped.
type urb struct {
	t   *transfer  // whose it is; nil: of an isochronous stream
	iso *isoStream // of an isochronous stream
	mem []byte     // kernelURB, packets
	buf []byte
	pin runtime.Pinner
}

// newURB makes a request with room for n bytes in so many isochronous packets.
func newURB(kind, endpoint uint8, n, packets int) *urb {
	words := make([]uint64, (urbSize+packets*packetSize+7)/8) // aligned as the kernel wants it
	u := &urb{mem: unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8), buf: make([]byte, n)}
	k := u.kernel()
	k.kind, k.endpoint, k.length, k.packets = kind, endpoint, int32(n), int32(packets)
	return u
}

func (u *urb) kernel() *kernelURB { return (*kernelURB)(unsafe.Pointer(&u.mem[0])) }

func (u *urb) packet(i int) *kernelPacket {
	return (*kernelPacket)(unsafe.Pointer(&u.mem[urbSize+i*packetSize]))
}

func (u *urb) key() uintptr { return uintptr(unsafe.Pointer(&u.mem[0])) }

func ioctl(f *os.File, number uintptr, arg unsafe.Pointer) error {
	for {
		_, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), number, uintptr(arg))
		if e == 0 {
			return nil
		}
		if e != unix.EINTR {
			return e
		}
	}
}

// submit gives a request to the kernel.
func (u *urb) submit(f *os.File) error {
	u.pin.Pin(&u.mem[0])
	k := u.kernel()
	k.buffer = nil
	if len(u.buf) > 0 {
		u.pin.Pin(&u.buf[0])
		k.buffer = unsafe.Pointer(&u.buf[0])
	}
	err := ioctl(f, ioSubmit, unsafe.Pointer(&u.mem[0]))
	if err != nil {
		u.pin.Unpin()
	}
	return err
}

// reapOne is the key of a request that has ended; EAGAIN: none has.
func reapOne(f *os.File) (uintptr, error) {
	var p uintptr
	err := ioctl(f, ioReapNoDelay, unsafe.Pointer(&p))
	return p, err
}

func discardURB(f *os.File, u *urb) error { return ioctl(f, ioDiscard, unsafe.Pointer(&u.mem[0])) }

func ioctlNumber(f *os.File, number uintptr, v uint32) error {
	return ioctl(f, number, unsafe.Pointer(&v))
}

func setInterface(f *os.File, iface, alt uint8) error {
	v := [2]uint32{uint32(iface), uint32(alt)}
	return ioctl(f, ioSetInterface, unsafe.Pointer(&v))
}

func resetDevice(f *os.File) error { return ioctl(f, ioReset, nil) }

// claimInterface takes an interface from whatever driver has it.
func claimInterface(f *os.File, iface uint8) error {
	v := struct {
		iface, flags uint32
		driver       [256]byte
	}{iface: uint32(iface)}
	return ioctl(f, ioDisconnectClaim, unsafe.Pointer(&v))
}

// connectDriver lets the kernel look for a driver again.
func connectDriver(f *os.File, iface uint8) error {
	v := struct {
		iface, code int32
		data        unsafe.Pointer
	}{int32(iface), ioConnect, nil}
	return ioctl(f, ioInterface, unsafe.Pointer(&v))
}

// bulkStreams sets up n streams, 0: none.
func bulkStreams(f *os.File, endpoints []uint8, n int) error {
	v := struct {
		streams, count uint32
		eps            [32]uint8
	}{streams: uint32(n), count: uint32(min(len(endpoints), 32))}
	copy(v.eps[:], endpoints)
	if n == 0 {
		return ioctl(f, ioFreeStreams, unsafe.Pointer(&v))
	}
	return ioctl(f, ioAllocStreams, unsafe.Pointer(&v))
}
