package ring3

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"

	"govm-desktop/cpu"
	"govm-desktop/kvm"
)

// rigs makes the real processor's rig and those of the software CPU: the loop's specialised instructions, and the rows' functions.
func rigs(t *testing.T) []*Rig {
	t.Helper()
	real, err := NewRig("kvm", kvm.New().NewBareVM)
	if err != nil {
		t.Skipf("no real processor to compare with: %v", err)
	}
	return append([]*Rig{real}, softRigs(t)...)
}

func softRigs(t *testing.T) (all []*Rig) {
	t.Helper()
	for _, x := range []struct {
		name string
		a    *cpu.Soft
	}{{"soft", cpu.New()}, {"soft, generic", &cpu.Soft{Generic: true}}} {
		r, err := NewRig(x.name, x.a.NewVM)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	t.Cleanup(func() {
		for _, r := range all {
			r.Close()
		}
	})
	return all
}

// amount is how much of a test is run: by default enough for make test, everything with GOVM_TEST_ALL.
func amount(few, all int) int {
	if n, err := strconv.Atoi(os.Getenv("RING3_CASES")); err == nil {
		return n
	}
	if os.Getenv("GOVM_TEST_ALL") != "" {
		return all
	}
	return few
}

// report collects differences and shows a few of each kind.
type report struct {
	t     *testing.T
	rigs  []*Rig
	bad   map[string]int
	where map[string]map[string]int
}

func newReport(t *testing.T, rigs []*Rig) *report {
	return &report{t, rigs, map[string]int{}, map[string]map[string]int{}}
}

func (p *report) each(c *Case, res []Result) {
	for k := range res[1:] {
		d := tolerated(c, &res[k+1], &res[0], Diff(&res[k+1], &res[0]))
		if len(d) == 0 {
			continue
		}
		if p.where[c.Name] == nil {
			p.where[c.Name] = map[string]int{}
		}
		for _, f := range d {
			p.where[c.Name][f.Name]++
		}
		if log := os.Getenv("RING3_DIFFERS"); log != "" && k == 0 {
			appendLine(log, fmt.Sprintf("%s\t%d\n", c.Name, c.N))
		}
		if p.bad[c.Name]++; p.bad[c.Name] <= 3 {
			s := ""
			for _, f := range d[:min(len(d), 8)] {
				s += "\n    " + f.String()
			}
			p.t.Errorf("%s: %v%s", p.rigs[k+1].name, c, s)
		}
	}
}

// appendLine keeps the name of a case that differs, for testdata/differed.txt.
func appendLine(name, line string) {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return
	}
	defer f.Close()
	f.WriteString(line)
}

// summary lists the kinds that differ.
func (p *report) summary() {
	for _, k := range slices.Sorted(maps.Keys(p.bad)) {
		p.t.Logf("DIFFERS %s: %d %v", k, p.bad[k], p.where[k])
	}
}

// TestForms runs cases of every row, operand form and size of the opcode table.
func TestForms(t *testing.T) {
	r := &Runner{Rigs: rigs(t)}
	p := newReport(t, r.Rigs)
	ran, refused, vectors := map[string]int{}, map[string]int{}, map[uint64]int{}
	r.Each = func(c *Case, res []Result) {
		ran[c.Name]++
		if v := get(res[0].Out[:], recVector); get(res[0].Out[:], recHow) == 2 {
			vectors[v]++
			if v == 6 {
				refused[c.Name]++
			}
		}
		p.each(c, res)
	}
	forms := Forms()
	n := amount(100, 600)
	for i := range forms {
		f := &forms[i]
		for k := range n {
			if err := r.Add(func(i, at int, s stubs) *Case { return NewCase(f, uint64(k), i, at, s) }); err != nil {
				t.Error(err)
			}
		}
	}
	if err := r.Flush(); err != nil {
		t.Error(err)
	}
	p.summary()
	coverage(t, forms, ran, n)
	t.Logf("faults by vector: %v", vectors)
	for i := range forms { // what CPUID hides (SSE3 and more, on some hosts) runs in user code all the same
		if k := forms[i].Key(); refused[k] == ran[k] {
			t.Errorf("%s is refused here", k)
		}
	}
}

// coverage prints how many cases every class had, and fails for rows without.
func coverage(t *testing.T, forms []Form, ran map[string]int, want int) {
	t.Helper()
	type class struct{ rows, forms, cases int }
	classes, rows := map[string]*class{}, map[string]bool{}
	for i := range forms {
		f := &forms[i]
		c := classes[f.Class()]
		if c == nil {
			c = &class{}
			classes[f.Class()] = c
		}
		if !rows[f.Enc+f.Name] {
			rows[f.Enc+f.Name] = true
			c.rows++
		}
		c.forms++
		c.cases += ran[f.Key()]
		if ran[f.Key()] < want {
			t.Errorf("%s: %d cases, want %d", f.Key(), ran[f.Key()], want)
		}
	}
	out := fmt.Sprintf("%-12s %5s %6s %8s\n", "class", "rows", "forms", "cases")
	for _, k := range slices.Sorted(maps.Keys(classes)) {
		out += fmt.Sprintf("%-12s %5d %6d %8d\n", k, classes[k].rows, classes[k].forms, classes[k].cases)
	}
	left := map[string]int{}
	for _, o := range cpu.Opcodes() {
		if !rows[o.Enc+o.Name] {
			why := skipped(&o)
			if why == "" {
				t.Errorf("%s %s is in no case", o.Enc, o.Name)
			}
			left[why]++
		}
	}
	for _, k := range slices.Sorted(maps.Keys(left)) {
		out += fmt.Sprintf("left out: %d rows: %s\n", left[k], k)
	}
	t.Logf("%d forms of %d rows\n%s", len(forms), len(rows), out)
}

// skipped says why a row has no cases here.
func skipped(o *cpu.Opcode) string {
	switch {
	case o.No64:
		return "not in 64-bit mode: compared in test/step"
	case o.Privileged, o.System:
		return "system state, ports or time: compared in test/step"
	}
	return ""
}

// TestSequences runs sequences of instructions.
func TestSequences(t *testing.T) {
	r := &Runner{Rigs: rigs(t)}
	p := newReport(t, r.Rigs)
	faults, steps := 0, 0
	r.Each = func(c *Case, res []Result) {
		steps += len(c.Steps)
		if get(res[0].Out[:], recHow) == 2 {
			faults++
		}
		p.each(c, res)
	}
	pool := SequenceForms(Forms())
	for n := range amount(20000, 300000) {
		if err := r.Add(func(i, at int, s stubs) *Case { return NewSequence(pool, uint64(n), i, at, s) }); err != nil {
			t.Error(err)
		}
	}
	if err := r.Flush(); err != nil {
		t.Error(err)
	}
	p.summary()
	t.Logf("%d sequences of %d instructions; %d end with a fault", r.Cases, steps, faults)
}
