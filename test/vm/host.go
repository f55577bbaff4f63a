package vm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Build builds govm-desktop into a folder. GOVM_PROGRAM names one that is there already.
func Build(dir string) (string, error) {
	if p := os.Getenv("GOVM_PROGRAM"); p != "" {
		return p, nil
	}
	out := filepath.Join(dir, "govm-desktop")
	cmd := exec.Command("go", "build", "-o", out, "govm-desktop/cmd/govm-desktop")
	if msg, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, msg)
	}
	return out, nil
}

// Main runs a package's tests with govm-desktop built once for all of them, into program, and returns the exit status.
func Main(m *testing.M, program *string) int {
	dir, err := os.MkdirTemp("", "govm-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if *program, err = Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Guest is the path of a file that test/guests/build.sh makes.
func Guest(name string) (string, error) {
	dir := os.Getenv("GOVM_GUESTS")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(cache, "govm-desktop", "guests")
	}
	p := filepath.Join(dir, name)
	if _, err := os.Stat(p); err != nil {
		return "", fmt.Errorf("%w (make guests builds it)", err)
	}
	return p, nil
}

// KVM reports whether /dev/kvm opens.
func KVM() error {
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// ticks is USER_HZ, in which /proc counts: 100 on every Linux of this architecture.
const ticks = 100

// CPUTime is the processor time that the process has used.
func (m *Machine) CPUTime() (time.Duration, error) {
	select {
	case <-m.ended:
		s := m.cmd.ProcessState
		return s.UserTime() + s.SystemTime(), nil
	default:
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", m.PID()))
	if err != nil {
		return 0, err
	}
	rest := string(b[strings.LastIndexByte(string(b), ')')+1:]) // the name may hold anything
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, fmt.Errorf("stat of %d: %q", m.PID(), b)
	}
	user, err1 := strconv.Atoi(f[11])
	sys, err2 := strconv.Atoi(f[12])
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("stat of %d: %q", m.PID(), b)
	}
	return time.Duration(user+sys) * time.Second / ticks, nil
}

// Memory is what a process holds, in bytes.
type Memory struct {
	RSS   uint64
	Guest uint64 // of it, in the mapping that has the size of guest RAM
}

// slack is what the kernel may have joined to the mapping of guest RAM.
const slack = 32 << 20

// Memory reads /proc/PID/smaps: guest RAM is known by its size, the other mappings are the program's own.
func (m *Machine) Memory(guestRAM uint64) (Memory, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", m.PID()))
	if err != nil {
		return Memory{}, err
	}
	var out Memory
	ram := false
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) > 1 && strings.Contains(f[0], "-") {
			from, to, _ := strings.Cut(f[0], "-")
			lo, err1 := strconv.ParseUint(from, 16, 64)
			hi, err2 := strconv.ParseUint(to, 16, 64)
			ram = err1 == nil && err2 == nil && hi-lo >= guestRAM && hi-lo < guestRAM+slack
		}
		if len(f) > 1 && f[0] == "Rss:" {
			n, _ := strconv.ParseUint(f[1], 10, 64)
			out.RSS += n << 10
			if ram {
				out.Guest += n << 10
			}
		}
	}
	return out, nil
}
