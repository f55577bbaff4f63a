package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"govm-desktop/machine"
)

// background is the environment variable that tells a process that it is the one in the background; its value is the descriptor on which to say that all is well.
const background = "GOVM_DESKTOP_BACKGROUND"

// daemonize starts the program anew in a session of its own and returns when it has built its machine: the exit status of the one in front.
func daemonize(args []string) int {
	self, err := os.Executable()
	if err != nil {
		return complain(fmt.Errorf("-daemonize: %w", err))
	}
	ready, tell, err := os.Pipe()
	if err != nil {
		return complain(fmt.Errorf("-daemonize: %w", err))
	}
	cmd := exec.Command(self, args...)
	cmd.Stderr, cmd.Stdout = os.Stderr, os.Stdout
	cmd.ExtraFiles = []*os.File{tell}
	cmd.Env = append(os.Environ(), background+"=3")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return complain(fmt.Errorf("-daemonize: %w", err))
	}
	tell.Close()
	if b, _ := io.ReadAll(io.LimitReader(ready, 1)); len(b) == 1 {
		return 0
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) && exit.ExitCode() > 0 {
		return exit.ExitCode()
	}
	return 1
}

// inBackground is where to say that the machine is built; nil: this process is in front.
func inBackground() *os.File {
	n, err := strconv.Atoi(os.Getenv(background))
	if err != nil || n < 3 {
		return nil
	}
	os.Unsetenv(background)
	unix.CloseOnExec(n)
	return os.NewFile(uintptr(n), "background")
}

// detach leaves the terminal and says that all is well.
func detach(tell *os.File) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("-daemonize: %w", err)
	}
	defer null.Close()
	if err := os.Chdir("/"); err != nil {
		return fmt.Errorf("-daemonize: %w", err)
	}
	for fd := range 3 {
		if err := unix.Dup2(int(null.Fd()), fd); err != nil {
			return fmt.Errorf("-daemonize: %w", err)
		}
	}
	_, err = tell.Write([]byte{1})
	tell.Close()
	return err
}

// daemonConflict says what cannot be had in the background.
func (s *settings) daemonConflict() error {
	if !s.daemonize {
		return nil
	}
	e := &machine.ConfigError{Option: "-daemonize"}
	switch {
	case s.nographic:
		e.Reason = "-nographic needs the terminal: use -display none"
	case s.usesStdio():
		e.Reason = "a character device on stdio needs the terminal"
	default:
		return nil
	}
	return e
}

func (s *settings) usesStdio() bool {
	for _, list := range [][]string{s.serials, s.monitors, s.qmps, s.chardevs, {s.debugcon, s.parallel}} {
		for _, d := range list {
			if d == "stdio" || d == "mon:stdio" || strings.HasPrefix(d, "stdio,") {
				return true
			}
		}
	}
	return false
}

// pidFile writes the process's number to a file, and holds a lock on it as long as the program lives. The result removes it.
func pidFile(name string) (remove func(), err error) {
	if name == "" {
		return func() {}, nil
	}
	fail := func(err error) error { return &machine.ConfigError{Option: "-pidfile", Reason: err.Error()} }
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fail(err)
	}
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &lock); err != nil {
		f.Close()
		return nil, fail(fmt.Errorf("%s: another process holds it: end that, or use another file", name))
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		f.Close()
		return nil, fail(err)
	}
	return func() { os.Remove(name); f.Close() }, nil
}
