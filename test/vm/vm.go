// Package vm runs whole machines as processes of their own, for tests and benchmarks: govm-desktop, and QEMU beside it as the judge. Both
// understand the same options and the same QMP commands, so a test says once what it wants and asks both.
//
// A machine has its first serial port on its standard streams, QMP on a socket in a folder of its own, and no display unless a test asks for
// one. Everything that waits takes a limit; limits are generous, because they only say when to give up.
package vm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Kind says whose machine it is.
type Kind int

// The kinds.
const (
	Ours Kind = iota
	QEMU
)

// String is the name that failures show.
func (k Kind) String() string {
	if k == QEMU {
		return "qemu"
	}
	return "govm-desktop"
}

// Machine is a running machine, or one that has ended.
type Machine struct {
	Kind Kind
	Dir  string // of its own, for sockets and pictures; gone after Close

	cmd     *exec.Cmd
	stdin   io.WriteCloser
	serial  *log
	stderr  *log
	ended   chan struct{}
	err     error // of Wait; read after ended
	started time.Time

	qmp *session
}

// Start starts a machine: program is govm-desktop's path, for the kind Ours. The arguments are those that both kinds understand.
func Start(kind Kind, program string, args ...string) (*Machine, error) {
	dir, err := os.MkdirTemp("", "vm")
	if err != nil {
		return nil, err
	}
	m := &Machine{Kind: kind, Dir: dir, serial: newLog(), stderr: newLog(), ended: make(chan struct{})}
	argv := append([]string{"-serial", "stdio", "-qmp", "unix:" + m.path("qmp") + ",server=on,wait=off"}, args...)
	if !has(args, "-vnc") && !has(args, "-display") {
		argv = append(argv, "-display", "none")
	}
	if kind == QEMU {
		program = "qemu-system-x86_64"
		// Without vapic there is no option ROM of QEMU's own, which SeaBIOS would take for a hard disk to boot from.
		argv = append([]string{"-nodefaults", "-global", "apic-common.vapic=off", "-monitor", "none", "-vga", "std", "-accel", "tcg"}, argv...)
		if !has(args, "-cdrom") {
			argv = append(argv, "-drive", "if=ide,index=2,media=cdrom") // a PC has an empty CD drive by default
		}
	} else if !has(args, "-accel") {
		argv = append([]string{"-accel", "soft"}, argv...)
	}
	if err := m.start(program, argv); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	m.qmp, err = dial(m.path("qmp"), m.ended)
	if err != nil {
		m.Close()
		return nil, fmt.Errorf("%s: %w: %s", kind, err, m.stderr.String())
	}
	return m, nil
}

func has(args []string, option string) bool {
	for _, a := range args {
		if a == option {
			return true
		}
	}
	return false
}

func (m *Machine) start(program string, argv []string) error {
	m.cmd = exec.Command(program, argv...)
	m.cmd.Stdout, m.cmd.Stderr = m.serial, m.stderr
	var err error
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		return err
	}
	m.started = time.Now()
	if err := m.cmd.Start(); err != nil {
		return err
	}
	go func() {
		m.err = m.cmd.Wait()
		m.serial.end()
		m.stderr.end()
		close(m.ended)
	}()
	return nil
}

// path is a file in the machine's folder.
func (m *Machine) path(name string) string { return filepath.Join(m.Dir, name) }

// PID is the process's number.
func (m *Machine) PID() int { return m.cmd.Process.Pid }

// Close kills the machine, if it still runs, and removes its folder.
func (m *Machine) Close() {
	if m.qmp != nil {
		m.qmp.close()
	}
	select {
	case <-m.ended:
	default:
		m.cmd.Process.Kill()
		<-m.ended
	}
	os.RemoveAll(m.Dir)
}

// Wait waits for the end of the process and returns its exit status.
func (m *Machine) Wait(limit time.Duration) (int, error) {
	select {
	case <-m.ended:
	case <-time.After(limit):
		return 0, fmt.Errorf("%s did not end within %v", m.Kind, limit)
	}
	var exit *exec.ExitError
	if errors.As(m.err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, m.err
}

// Running reports whether the process is there.
func (m *Machine) Running() bool {
	select {
	case <-m.ended:
		return false
	default:
		return true
	}
}

// Stderr is what the program has said.
func (m *Machine) Stderr() string { return m.stderr.String() }

// Serial is what the guest has written to its first serial port, without carriage returns.
func (m *Machine) Serial() string { return strings.ReplaceAll(m.serial.String(), "\r", "") }

// Send types into the serial port.
func (m *Machine) Send(text string) error {
	_, err := io.WriteString(m.stdin, text)
	return err
}

// FirstSerial is the time from the start of the process to the first byte on the serial port.
// Preconditions: there has been one.
func (m *Machine) FirstSerial() time.Duration {
	m.serial.mu.Lock()
	defer m.serial.mu.Unlock()
	return m.serial.first.Sub(m.started)
}

// WaitSerial waits until the guest has written the text n times.
func (m *Machine) WaitSerial(text string, n int, limit time.Duration) error {
	return m.await(m.serial, text, n, limit)
}

func (m *Machine) await(l *log, text string, n int, limit time.Duration) error {
	deadline := time.After(limit)
	for {
		grown, over := l.watch()
		if bytes.Count(l.bytes(), []byte(text)) >= n {
			return nil
		}
		if over {
			return fmt.Errorf("%s ended before it said %q (%d times); it said: %s", m.Kind, text, n, tail(l.String()+m.stderr.String()))
		}
		select {
		case <-grown:
		case <-deadline:
			return fmt.Errorf("%s did not say %q (%d times) within %v; it said: %s", m.Kind, text, n, limit, tail(l.String()))
		}
	}
}

// tail is the last part of a long text.
func tail(s string) string {
	const most = 3000
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

// log keeps what a process writes.
type log struct {
	mu    sync.Mutex // guards everything below
	b     []byte
	first time.Time // when the first byte came
	over  bool
	grown chan struct{}
}

func newLog() *log { return &log{grown: make(chan struct{})} }

// Write implements io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.b) == 0 {
		l.first = time.Now()
	}
	l.b = append(l.b, p...)
	l.wake()
	return len(p), nil
}

func (l *log) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	l.wake()
}

// wake tells those that watch. The mutex is held.
func (l *log) wake() {
	close(l.grown)
	l.grown = make(chan struct{})
}

func (l *log) watch() (grown <-chan struct{}, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.grown, l.over
}

func (l *log) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]byte(nil), l.b...)
}

// String implements fmt.Stringer.
func (l *log) String() string { return string(l.bytes()) }
