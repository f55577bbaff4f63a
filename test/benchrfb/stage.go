package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	_ "embed"

	"govm-desktop/test/vm"
)

//go:embed player.asm
var player []byte

// stage is a server with the film on its screen.
type stage interface {
	addr() string
	choose(part int) error
	marks() *marks
	cpu() (time.Duration, error) // that the server has used, the guest's processor excluded
	close()
}

// marks are when pictures were painted.
type marks struct {
	mu    sync.Mutex // guards everything below
	at    [256]time.Time
	count int
}

func (m *marks) add(n byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at[n] = time.Now()
	m.count++
}

// of is when the last picture of a number was painted.
func (m *marks) of(n byte) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at[n]
}

func (m *marks) painted() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count
}

// machine is a stage whose film is played by a guest, in our machine or in QEMU's.
type machine struct {
	m    *vm.Machine
	port int
	vcpu string // its thread
	seen marks
}

// freePort is one that nobody listens on, from 5900 on.
func freePort() (int, error) {
	for p := 5940; p < 6000; p++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p))
		if err == nil {
			return p, l.Close()
		}
	}
	return 0, fmt.Errorf("no free port for VNC")
}

// build assembles the player and writes the film beside it.
func build(dir string, f *film) (kernel, module string, err error) {
	src := filepath.Join(dir, "player.asm")
	kernel, module = filepath.Join(dir, "player.bin"), filepath.Join(dir, fmt.Sprintf("film-%dx%d", f.w, f.h))
	if err = os.WriteFile(src, player, 0o600); err != nil {
		return "", "", err
	}
	if msg, err := exec.Command("nasm", "-f", "bin", "-o", kernel, src).CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("nasm: %w: %s", err, msg)
	}
	return kernel, module, os.WriteFile(module, f.module(), 0o600)
}

func startMachine(kind vm.Kind, b *bench, f *film, lossy bool) (stage, error) {
	kernel, module, err := build(b.dir, f)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	con := filepath.Join(b.dir, fmt.Sprintf("con-%d", port))
	vnc := fmt.Sprintf("127.0.0.1:%d,share=force-shared", port-5900)
	if lossy && kind == vm.QEMU {
		vnc += ",lossy=on"
	}
	args := []string{"-m", "256", "-kernel", kernel, "-initrd", module, "-vnc", vnc, "-debugcon", "unix:" + con + ",server=on,wait=off"}
	if f.w*f.h*4 > 16<<20 {
		if args = append(args, "-device", "VGA,vgamem_mb=128"); kind == vm.QEMU {
			args = append(args, "-vga", "none")
		}
	}
	m, err := vm.Start(kind, b.program, args...)
	if err != nil {
		return nil, err
	}
	s := &machine{m: m, port: port}
	nc, err := net.Dial("unix", con)
	if err != nil {
		m.Close()
		return nil, err
	}
	go func() {
		defer nc.Close()
		buf := make([]byte, 256)
		for {
			n, err := nc.Read(buf)
			if err != nil {
				return
			}
			for _, c := range buf[:n] {
				s.seen.add(c)
			}
		}
	}()
	if err := s.ready(); err != nil {
		m.Close()
		return nil, err
	}
	return s, nil
}

// ready waits until the player plays, and finds the processor's thread: the busiest so far.
func (s *machine) ready() error {
	for end := time.Now().Add(time.Minute); ; {
		if err := s.choose(partWindow); err != nil {
			return err
		}
		before := s.seen.painted()
		time.Sleep(500 * time.Millisecond)
		if n := s.seen.painted() - before; n > 15 && n < 40 {
			break
		}
		if len(s.m.Serial()) > 1<<16 || time.Now().After(end) {
			return fmt.Errorf("%v: the film does not start", s.m.Kind)
		}
	}
	all, err := threads(s.m.PID())
	if err != nil {
		return err
	}
	for id, t := range all {
		if t > all[s.vcpu] {
			s.vcpu = id
		}
	}
	return s.choose(partStatic)
}

func (s *machine) addr() string          { return fmt.Sprintf("127.0.0.1:%d", s.port) }
func (s *machine) marks() *marks         { return &s.seen }
func (s *machine) close()                { s.m.Close() }
func (s *machine) choose(part int) error { return s.m.Send(strconv.Itoa(part)) }

func (s *machine) cpu() (time.Duration, error) {
	all, err := threads(s.m.PID())
	if err != nil {
		return 0, err
	}
	sum := time.Duration(0)
	for id, t := range all {
		if id != s.vcpu {
			sum += t
		}
	}
	return sum, nil
}

// threads is the processor time of each thread of a process. One that ended is forgotten.
func threads(pid int) (map[string]time.Duration, error) {
	dir := fmt.Sprintf("/proc/%d/task", pid)
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	out := map[string]time.Duration{}
	for _, e := range list {
		b, err := os.ReadFile(filepath.Join(dir, e.Name(), "schedstat"))
		if err != nil {
			continue
		}
		if f := strings.Fields(string(b)); len(f) > 0 {
			n, err := strconv.ParseInt(f[0], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("schedstat of %d: %w", pid, err)
			}
			out[e.Name()] = time.Duration(n)
		}
	}
	return out, nil
}
