// Command bench measures govm-desktop beside QEMU's software CPU, on the same machine in the same run, and prints a table with targets. It
// judges, but does not fail: figures depend on the host, so the ratios are what to look at.
//
//	go run ./test/bench [name …]      names: boot first idle memory exit
package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"govm-desktop/test/vm"
)

// limit is when to give up waiting for a guest.
const limit = 20 * time.Minute

// bench is what all measurements need.
type bench struct {
	program string
	dir     string
	qemu    bool
	rows    []row
}

// row is a line of the table.
type row struct{ what, ours, qemu, ratio, target, verdict string }

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(names []string) error {
	dir, err := os.MkdirTemp("", "govm-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir}
	if b.program, err = vm.Build(dir); err != nil {
		return err
	}
	_, err = exec.LookPath("qemu-system-x86_64")
	b.qemu = err == nil
	for _, s := range []struct {
		name string
		f    func(*bench) error
	}{{"first", (*bench).first}, {"boot", (*bench).boot}, {"idle", (*bench).idle}, {"exit", (*bench).exit}} {
		if len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		fmt.Fprintln(os.Stderr, "bench:", s.name, "…")
		if err := s.f(b); err != nil {
			b.rows = append(b.rows, row{what: s.name, verdict: "not measured: " + err.Error()})
		}
	}
	b.print()
	return nil
}

// kinds are the machines to measure.
func (b *bench) kinds() []vm.Kind {
	if b.qemu {
		return []vm.Kind{vm.QEMU, vm.Ours}
	}
	return []vm.Kind{vm.Ours}
}

// cloud starts Debian's cloud kernel, without the shell loop that its init has for measuring.
func (b *bench) cloud(k vm.Kind, options string) (*vm.Machine, error) {
	kernel, err := vm.Guest("cloud/vmlinux")
	if err != nil {
		return nil, err
	}
	initrd, err := vm.Guest("cloud/initrd.gz")
	if err != nil {
		return nil, err
	}
	return vm.Start(k, b.program, "-m", fmt.Sprint(guestMiB), "-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 guest.loop=0 "+options)
}

// judge is the verdict on a figure that may not be above a limit.
func judge(ok bool) string {
	if ok {
		return "met"
	}
	return "MISSED"
}

func (b *bench) print() {
	head := row{"measured", "govm-desktop", "QEMU tcg", "ratio", "target", "verdict"}
	cells := func(r row) []string { return []string{r.what, r.ours, r.qemu, r.ratio, r.target, r.verdict} }
	all := append([]row{head}, b.rows...)
	var width [6]int
	for _, r := range all {
		for i, c := range cells(r) {
			width[i] = max(width[i], len([]rune(c)))
		}
	}
	for _, r := range all {
		var line strings.Builder
		for i, c := range cells(r) {
			line.WriteString(c + strings.Repeat(" ", width[i]-len([]rune(c))+2))
		}
		fmt.Println(strings.TrimRight(line.String(), " "))
	}
}
