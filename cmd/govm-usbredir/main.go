// Command govm-usbredir gives a USB device of this computer, or a stick or CD made from a file, to a virtual machine elsewhere: it is the usb-host end of
// the usbredir protocol. The virtual machine has -device usb-redir with a -chardev socket; it may be govm-desktop's or QEMU's.
package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/export"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program; its result is the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	s, err := parse(args, stdout)
	switch {
	case errors.Is(err, errHelp):
		return 0
	case err == nil:
		err = serve(s, slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), stdout)
	}
	if err != nil {
		fmt.Fprintf(stderr, "govm-usbredir: %v\n", err)
		return 1
	}
	return 0
}

// serve exports the device until a signal, or until there is no point in going on.
func serve(s *settings, log *slog.Logger, stdout io.Writer) error {
	d, closers, err := s.source(log)
	defer func() {
		for _, c := range closers {
			c.Close()
		}
	}()
	if err != nil || d == nil {
		return err
	}
	exp, err := export.New(export.Config{Device: d, Filter: s.filter, Speeds: s.speeds, Log: log})
	if err != nil {
		return err
	}
	l := &line{s: s, exp: exp, out: stdout, stop: make(chan struct{})}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(stop)
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-stop:
		case <-ended:
		}
		l.close()
	}()
	err = l.run()
	exp.Close()
	return err
}

// line is the way to the virtual machine.
type line struct {
	s    *settings
	exp  *export.Exporter
	out  io.Writer
	once sync.Once
	stop chan struct{}

	mu  sync.Mutex // guards everything below
	lis net.Listener
}

func (l *line) close() {
	l.once.Do(func() {
		close(l.stop)
		l.mu.Lock()
		if l.lis != nil {
			l.lis.Close()
		}
		l.mu.Unlock()
		l.exp.Close()
	})
}

func (l *line) stopped() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

// run connects, or is connected to, again and again.
func (l *line) run() error {
	if l.s.listen {
		return l.listen()
	}
	for first := true; !l.stopped(); first = false {
		c, err := net.DialTimeout(l.s.network, l.s.address, 10*time.Second)
		if err != nil && first && !l.s.patient {
			return fmt.Errorf("%w (is the virtual machine there, with -chardev socket,server=on and -device usb-redir? --wait waits for it)", err)
		}
		if err == nil {
			if err := l.talk(c); err != nil || l.s.once {
				return err
			}
		}
		select {
		case <-l.stop:
		case <-time.After(l.s.retry):
		}
	}
	return nil
}

func (l *line) listen() error {
	lis, err := net.Listen(l.s.network, l.s.address)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.lis = lis
	l.mu.Unlock()
	defer lis.Close()
	fmt.Fprintf(l.out, "listening on %s\n", lis.Addr())
	for !l.stopped() {
		c, err := lis.Accept()
		if err != nil {
			break
		}
		if err := l.talk(c); l.s.once {
			return err
		}
	}
	return nil
}

// talk is a connection. An error is a reason to give up.
func (l *line) talk(c net.Conn) error {
	if t, ok := c.(*net.TCPConn); ok {
		t.SetNoDelay(true)
		t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 3 * time.Second, Interval: time.Second, Count: 3})
	}
	fmt.Fprintf(l.out, "connected to %s\n", c.RemoteAddr())
	err := l.exp.Serve(c)
	if l.stopped() {
		return nil
	}
	fmt.Fprintln(l.out, "the connection has ended")
	if errors.Is(err, export.ErrRejected) {
		return err
	}
	if err != nil {
		fmt.Fprintf(l.out, "%v\n", err)
	}
	return nil
}

// speeds by the names of the option.
func speedSet(name string) (usb.Speeds, error) {
	all := []struct {
		name string
		s    usb.Speed
	}{{"low", usb.Low}, {"full", usb.Full}, {"high", usb.High}, {"super", usb.Super}}
	var set usb.Speeds
	for _, a := range all {
		set |= usb.SpeedSet(a.s)
		if a.name == name {
			return set, nil
		}
	}
	if name == "" {
		return 0, nil
	}
	return 0, fmt.Errorf("--speed %s: full, high or super belongs there", name)
}
