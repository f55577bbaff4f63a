package host

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// file is an open device. Its urbs are guarded by the Device's mu.
type file struct {
	f    *os.File
	wake int // eventfd that ends reap
	urbs map[uintptr]*urb
	once sync.Once
	gone chan struct{} // closed when reap has ended
}

func openFile(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, err
	}
	f.Fd() // stays in blocking mode: only reap waits, by poll
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &file{f: f, wake: wake, urbs: map[uintptr]*urb{}, gone: make(chan struct{})}, nil
}

func (f *file) close() {
	f.once.Do(func() {
		f.f.Close()
		unix.Close(f.wake)
	})
}

// submit gives a request to the kernel.
func (f *file) submit(u *urb) error {
	err := u.submit(f.f)
	if err == nil {
		f.urbs[u.key()] = u
	}
	return err
}

// discard has a request end soon. If it has ended already, that is no error.
func (f *file) discard(u *urb) { _ = discardURB(f.f, u) }

func (f *file) streams(endpoints []uint8, n int) error { return bulkStreams(f.f, endpoints, n) }

// end lets the device go: requests end, drivers get their interfaces back. The file is closed when reap has seen it.
func (f *file) end(claimed map[uint8]bool) {
	for _, u := range f.urbs {
		f.discard(u)
	}
	go func() {
		_, _ = unix.Write(f.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		<-f.gone
		for i := range claimed {
			_ = ioctlNumber(f.f, ioRelease, uint32(i))
			_ = connectDriver(f.f, i)
		}
		f.close()
	}()
}

// await waits until requests have ended, or the device is let go. False: it is over.
func (f *file) await() bool {
	for {
		fds := []unix.PollFd{{Fd: int32(f.f.Fd()), Events: unix.POLLOUT}, {Fd: int32(f.wake), Events: unix.POLLIN}}
		_, err := unix.Poll(fds, -1)
		switch {
		case err == unix.EINTR:
		case err != nil || fds[1].Revents != 0:
			return false
		default:
			return true
		}
	}
}
