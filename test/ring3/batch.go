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
	results := make([]Result, len(r.Rigs))
	for i, c := range batch {
		for k, rig := range r.Rigs {
			results[k] = rig.Result(i)
		}
		r.Each(c, results)
	}
	return r.elsewhere()
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
