package clock

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm is a timer of the host's that is exact: those of the Go runtime wait in whole milliseconds while nothing else goes on. Where the host
// gives none (no file descriptor is left) the runtime's has to do.
type alarm struct {
	file *os.File
	raw  int
	soft *time.Timer
	C    chan struct{}
}

func newAlarm() *alarm {
	a := &alarm{C: make(chan struct{}, 1)}
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		a.soft = time.AfterFunc(time.Hour, a.ring)
		return a
	}
	a.raw, a.file = fd, os.NewFile(uintptr(fd), "timerfd")
	go a.read()
	return a
}

// read waits for the timer, again and again, until it is closed.
func (a *alarm) read() {
	var b [8]byte
	for {
		if _, err := a.file.Read(b[:]); err != nil {
			return
		}
		a.ring()
	}
}

func (a *alarm) ring() {
	select {
	case a.C <- struct{}{}:
	default:
	}
}

// set has the alarm ring after d, in place of any earlier time. An alarm that has rung already may be heard once more.
func (a *alarm) set(d time.Duration) {
	if a.soft != nil {
		a.soft.Reset(d)
		return
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(d, 1)))}
	if unix.TimerfdSettime(a.raw, 0, &spec, nil) != nil {
		a.ring() // never too late
	}
}

func (a *alarm) close() {
	if a.soft != nil {
		a.soft.Stop()
		return
	}
	a.file.Close()
}
