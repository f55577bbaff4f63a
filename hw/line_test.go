package hw

import (
	"fmt"
	"testing"
)

// trace records what a wire is set to.
type trace []bool

func (t *trace) Set(high bool) { *t = append(*t, high) }

func (t *trace) want(tb testing.TB, want ...bool) {
	tb.Helper()
	if fmt.Sprint([]bool(*t)) != fmt.Sprint(want) {
		tb.Errorf("set to %v, want %v", *t, want)
	}
	*t = nil
}

func TestOr(t *testing.T) {
	var out trace
	in := Or(3, &out)
	in[0].Set(false)
	out.want(t)
	in[0].Set(true)
	in[0].Set(true)
	in[1].Set(true)
	out.want(t, true)
	in[0].Set(false)
	out.want(t)
	in[2].Set(true)
	in[1].Set(false)
	in[2].Set(false)
	out.want(t, false)
	in[1].Set(true)
	out.want(t, true)
}

func TestSplitInvertPulse(t *testing.T) {
	var a, b trace
	Pulse(Split(&a, Invert(&b), NoLine))
	a.want(t, true, false)
	b.want(t, false, true)
}

func TestGate(t *testing.T) {
	var out trace
	in, block := Gate(&out)
	in.Set(true)
	out.want(t, true)
	block.Set(true)
	out.want(t, false)
	in.Set(false)
	in.Set(true)
	out.want(t, false, false)
	block.Set(false)
	out.want(t, true)
}
