package ring3

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"
)

const (
	goldenFile  = "testdata/golden.gz"
	differsFile = "testdata/differed.txt" // cases that once differed, a line each: name, tab, number
)

// cases are makers of the recorded cases: those that once differed, some of every form, and sequences.
func goldenCases(t *testing.T) (mk []func(i, codeAt int, s stubs) *Case) {
	t.Helper()
	forms := Forms()
	byKey := map[string]*Form{}
	for i := range forms {
		byKey[forms[i].Key()] = &forms[i]
	}
	add := func(f *Form, n uint64) {
		mk = append(mk, func(i, at int, s stubs) *Case { return NewCase(f, n, i, at, s) })
	}
	old, err := os.ReadFile(differsFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(old)) {
		name, num, _ := strings.Cut(strings.TrimSpace(line), "\t")
		n, err := strconv.ParseUint(num, 10, 64)
		if byKey[name] == nil || err != nil {
			t.Errorf("%s: %q is no case", differsFile, line)
			continue
		}
		add(byKey[name], n)
	}
	for i := range forms {
		for n := range uint64(3) {
			add(&forms[i], 1_000_000+n)
		}
	}
	pool := SequenceForms(forms)
	for n := range uint64(500) {
		mk = append(mk, func(i, at int, s stubs) *Case { return NewSequence(pool, 1_000_000+n, i, at, s) })
	}
	return mk
}

// TestGolden compares the software CPU with what a processor once did. With RING3_RECORD set it records that anew.
func TestGolden(t *testing.T) {
	if os.Getenv("RING3_RECORD") != "" {
		record(t)
	}
	file, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	all, err := ReadGolden(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	r := &Runner{Rigs: softRigs(t)}
	p := newReport(t, append([]*Rig{{name: "recorded"}}, r.Rigs...))
	next, stale := 0, 0
	r.Each = func(c *Case, res []Result) {
		if next == len(all) {
			stale++
			return
		}
		want, ok := all[next].Result(c)
		next++
		if !ok {
			stale++
			return
		}
		p.each(c, append([]Result{want}, res...))
	}
	for _, mk := range goldenCases(t) {
		if err := r.Add(mk); err != nil {
			t.Error(err)
		}
	}
	if err := r.Flush(); err != nil {
		t.Error(err)
	}
	p.summary()
	if stale != 0 || next != len(all) {
		t.Errorf("%d of %d cases are no longer those recorded: where KVM is, run RING3_RECORD=1 go test -run Golden ./test/ring3", stale, len(all))
	}
	t.Logf("%d recorded cases", next)
}

// record writes the golden file from the real processor. What differs from the software CPU is looked at twice, as Runner does.
func record(t *testing.T) {
	t.Helper()
	var all []*Golden
	r := &Runner{Rigs: rigs(t)}
	r.Each = func(c *Case, res []Result) { all = append(all, NewGolden(c, &res[0])) }
	for _, mk := range goldenCases(t) {
		if err := r.Add(mk); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteGolden(&b, all); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goldenFile, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
