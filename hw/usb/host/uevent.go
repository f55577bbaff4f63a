package host

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// listen gives a word, or one for several, when a USB device has come or gone.
func listen() (<-chan struct{}, func(), error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}); err != nil {
		unix.Close(fd)
		return nil, nil, err
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(fd)
		return nil, nil, err
	}
	ch, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 16<<10)
		for {
			fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(wake), Events: unix.POLLIN}}
			if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR || fds[1].Revents != 0 {
				return
			}
			if fds[0].Revents == 0 {
				continue
			}
			n, from, err := unix.Recvfrom(fd, buf, unix.MSG_DONTWAIT)
			if a, ok := from.(*unix.SockaddrNetlink); err != nil && err != unix.ENOBUFS || ok && a.Pid != 0 {
				continue // only the kernel is believed
			}
			if err == unix.ENOBUFS || usbEvent(buf[:n]) {
				select {
				case ch <- struct{}{}:
				default:
				}
			}
		}
	}()
	return ch, func() {
		_, _ = unix.Write(wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		<-done
		unix.Close(fd)
		unix.Close(wake)
	}, nil
}

// usbEvent reports whether a uevent is that a USB device has come, gone or been given its configuration.
func usbEvent(b []byte) bool {
	device, action := false, false
	for f := range bytes.SplitSeq(b, []byte{0}) {
		switch string(f) {
		case "DEVTYPE=usb_device":
			device = true
		case "ACTION=add", "ACTION=remove", "ACTION=bind", "ACTION=change":
			action = true
		}
	}
	return device && action
}
