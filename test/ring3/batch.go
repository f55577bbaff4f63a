package ring3

import (
	"bytes"
	"fmt"
)

// Runner collects cases, runs them on every rig, and hands over what differs.
type Runner struct {
	Rigs  []*Rig                          // the first is the reference
	Each  func(c *Case, results []Result) // called for every case
	Cases int
	batch []*Case
	code  int
}

// Add makes a case and runs a batch when it is full.
func (r *Runner) Add(mk func(i, codeAt int, s stubs) *Case) error {
	c := mk(len(r.batch), codeAt+r.code, r.Rigs[0].stub)
	r.batch = append(r.batch, c)
	r.code += len(c.slot) + int(c.N)&7
	if len(r.batch) == maxCases || r.code > codeSize-0x1000 {
		return r.Flush()
	}
	return nil
}

// Flush runs what has been collected.
func (r *Runner) Flush() error {
	batch := r.batch
	r.batch, r.code = nil, 0
	if len(batch) == 0 {
		return nil
	}
	for _, rig := range r.Rigs {
		if err := rig.Run(batch); err != nil {
			return fmt.Errorf("%w\n%v", err, r.blame(batch, rig))
		}
	}
	r.Cases += len(batch)
	all := make([][]Result, len(batch))
	same := true
	for i, c := range batch {
		for _, rig := range r.Rigs {
			all[i] = append(all[i], rig.Result(i))
		}
		same = same && !r.differs(c, all[i])
	}
	elsewhere := r.elsewhere()
	if !same {
		if err := r.again(batch, all); err != nil {
			return err
		}
	}
	for i, c := range batch {
		r.Each(c, all[i])
	}
	return elsewhere
}

func (r *Runner) differs(c *Case, x []Result) bool {
	for k := range x[1:] {
		if len(tolerated(c, &x[k+1], &x[0], Diff(&x[k+1], &x[0]))) != 0 {
			return true
		}
	}
	return false
}

// again runs a batch with differences on the reference once more: under the host's load its hypervisor may have emulated an instruction here or there.
// What it says the second time counts, if that is what the software CPU says.
func (r *Runner) again(batch []*Case, all [][]Result) error {
	if err := r.Rigs[0].Run(batch); err != nil {
		return err
	}
	for i, c := range batch {
		x := append([]Result{r.Rigs[0].Result(i)}, all[i][1:]...)
		if r.differs(c, all[i]) && !r.differs(c, x) {
			all[i] = x
		}
	}
	return nil
}

// blame finds the case that a batch ended in.
func (r *Runner) blame(batch []*Case, rig *Rig) any {
	if i := len(batch) - int(get(rig.ram.Bytes(), varCount)); i >= 0 && i < len(batch) {
		return batch[i]
	}
	return "after the last case"
}

// elsewhere compares the memory that belongs to no case.
func (r *Runner) elsewhere() error {
	want := r.Rigs[0].ram.Bytes()
	for _, rig := range r.Rigs[1:] {
		got := rig.ram.Bytes()
		for _, x := range [][2]int{{faultAt, faultAt + 0x10000}, {codeAt, codeAt + codeSize}, {inAt, outAt}, {dataAt, ramSize}} {
			if bytes.Equal(got[x[0]:x[1]], want[x[0]:x[1]]) {
				continue
			}
			for at := x[0]; at < x[1]; at++ {
				if got[at] != want[at] && (at < dataAt || at >= dataAt+maxCases*dataSize) {
					return fmt.Errorf("%s: memory at %#x is %02x, want %02x", rig.name, at, got[at], want[at])
				}
			}
		}
	}
	return nil
}
