package hw

import "sync"

// Or joins n wires into one: the output is high while any input is (a wired OR, as for shared interrupts).
func Or(n int, out Line) []Line {
	g := &orGate{out: out, in: make([]bool, n)}
	ins := make([]Line, n)
	for i := range ins {
		ins[i] = LineFunc(func(high bool) { g.set(i, high) })
	}
	return ins
}

type orGate struct {
	out Line

	mu sync.Mutex // guards everything below; held while out is set, so that levels arrive in order
	in []bool
	n  int
}

func (g *orGate) set(i int, high bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.in[i] == high {
		return
	}
	g.in[i] = high
	if high {
		g.n++
	} else {
		g.n--
	}
	if g.n == 0 || g.n == 1 && high {
		g.out.Set(g.n > 0)
	}
}

// Split makes one wire drive several.
func Split(outs ...Line) Line {
	return LineFunc(func(high bool) {
		for _, l := range outs {
			l.Set(high)
		}
	})
}

// Invert is a wire through an inverter.
func Invert(out Line) Line { return LineFunc(func(high bool) { out.Set(!high) }) }
