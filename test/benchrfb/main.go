// Command benchrfb measures the VNC server beside QEMU's and TigerVNC's Xvnc: the same film on the screens of all three, the same neutral
// client, the same lines, in one run. It prints a table with figures, ratios and goals; it judges but does not fail, because figures depend
// on the host. Processor time is what comes on top when a viewer looks. Ours and QEMU's machine are played the film by a guest of a page, on their software processors, whose thread does not count
// as the server's; Xvnc is painted on by an X client, and its own drawing is in its figures.
//
//	go run ./test/benchrfb [name …]      names of measurements; all of them take some eight minutes
package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"govm-desktop/test/vm"
)

// bench is what all measurements need.
type bench struct {
	program string
	dir     string
	film    *film
	servers []server
	rows    []row
	idle    map[[2]any]time.Duration // processor time a second, by stage and part
}

// server is one of those compared.
type server struct {
	name  string
	start func(f *film) (stage, error)
	stage stage
}

// row is a figure of each server.
type row struct {
	what    string
	figures map[string]float64
	unit    string
	goal    float64
	more    bool // more is better
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "benchrfb:", err)
		os.Exit(1)
	}
}

func run(names []string) error {
	dir, err := os.MkdirTemp("", "govm-benchrfb")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, film: newFilm(), idle: map[[2]any]time.Duration{}}
	if b.program, err = vm.Build(dir); err != nil {
		return err
	}
	b.servers = []server{{name: "ours", start: func(f *film) (stage, error) { return startMachine(vm.Ours, b, f, false) }}}
	if _, err := exec.LookPath("qemu-system-x86_64"); err == nil {
		b.servers = append(b.servers, server{name: "QEMU", start: func(f *film) (stage, error) { return startMachine(vm.QEMU, b, f, true) }})
	}
	if _, err := exec.LookPath("Xtigervnc"); err == nil {
		b.servers = append(b.servers, server{name: "Xvnc", start: func(f *film) (stage, error) { return startXvnc(b, f) }})
	}
	for i := range b.servers {
		s := &b.servers[i]
		if s.stage, err = s.start(b.film); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		defer s.stage.close()
	}
	for _, m := range measurements {
		if len(names) > 0 && !slices.Contains(names, m.name) {
			continue
		}
		for _, s := range b.servers {
			fmt.Fprintln(os.Stderr, "benchrfb:", m.name, s.name)
			if err := m.f(b, s); err != nil {
				fmt.Fprintf(os.Stderr, "benchrfb: %s of %s: %v\n", m.name, s.name, err)
			}
		}
	}
	b.print()
	return nil
}

// note adds a figure of a server.
func (b *bench) note(s server, what string, figure float64, unit string, goal float64, more bool) {
	for i := range b.rows {
		if b.rows[i].what == what {
			b.rows[i].figures[s.name] = figure
			return
		}
	}
	b.rows = append(b.rows, row{what, map[string]float64{s.name: figure}, unit, goal, more})
}

func (b *bench) print() {
	w := tabwriter.NewWriter(os.Stdout, 2, 0, 2, ' ', 0)
	head := []string{"what", "unit"}
	for _, s := range b.servers {
		head = append(head, s.name)
	}
	fmt.Fprintln(w, strings.Join(append(head, "ours/QEMU", "ours/Xvnc", "goal", ""), "\t"))
	for _, r := range b.rows {
		cells := []string{r.what, r.unit}
		for _, s := range b.servers {
			cells = append(cells, number(r.figures, s.name))
		}
		for _, o := range []string{"QEMU", "Xvnc"} {
			cells = append(cells, ratio(r.figures, o))
		}
		cells = append(cells, r.verdict()...)
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush()
}

func number(figures map[string]float64, name string) string {
	v, ok := figures[name]
	switch {
	case !ok:
		return "–"
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

func ratio(figures map[string]float64, other string) string {
	a, ok1 := figures["ours"]
	b, ok2 := figures[other]
	if !ok1 || !ok2 || b == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", a/b)
}

// verdict compares with the goal; a goal of -1 is none.
func (r row) verdict() []string {
	v, ok := r.figures["ours"]
	if !ok || r.goal < 0 {
		return []string{"", ""}
	}
	sign, met := "≤", v <= r.goal
	if r.more {
		sign, met = "≥", v >= r.goal
	}
	word := "met"
	if !met {
		word = "MISSED"
	}
	return []string{fmt.Sprintf("%s %g", sign, r.goal), word}
}
