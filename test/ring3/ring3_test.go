package ring3

import (
	"fmt"
	"os"
	"sort"
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

func perForm() int {
	if n, err := strconv.Atoi(os.Getenv("RING3_CASES")); err == nil {
		return n
	}
	if os.Getenv("GOVM_TEST_ALL") != "" {
		return 2000
	}
	return 300
}

func TestForms(t *testing.T) {
	r := &Runner{Rigs: rigs(t)}
	bad, shown := map[string]int{}, map[string]int{}
	fields := map[string]map[string]int{}
	r.Each = func(c *Case, res []Result) {
		for k := range res[1:] {
			d := tolerated(c, &res[k+1], &res[0], Diff(&res[k+1], &res[0]))
			if len(d) == 0 {
				continue
			}
			bad[c.Name]++
			if fields[c.Name] == nil {
				fields[c.Name] = map[string]int{}
			}
			for _, f := range d {
				fields[c.Name][f.Name]++
			}
			if shown[c.Name]++; shown[c.Name] <= 2 {
				s := ""
				for _, f := range d[:min(len(d), 8)] {
					s += "\n    " + f.String()
				}
				t.Errorf("%s: %v%s", r.Rigs[k+1].name, c, s)
			}
		}
	}
	forms := Forms()
	for i := range forms {
		f := &forms[i]
		for n := range perForm() {
			if err := r.Add(func(i, at int, s stubs) *Case { return NewCase(f, uint64(n), i, at, s) }); err != nil {
				t.Error(err)
				if t.Failed() && len(err.Error()) > 20000 {
					return
				}
			}
		}
	}
	if err := r.Flush(); err != nil {
		t.Error(err)
	}
	var keys []string
	for k := range bad {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		fmt.Printf("BAD %s: %d %v\n", k, bad[k], fields[k])
	}
	fmt.Printf("%d forms, %d cases, %d bad forms\n", len(forms), r.Cases, len(bad))
}
