package hw

import "sync"

// Gate is a wire that another one cuts: out follows in while block is low, and is low while block is high.
func Gate(out Line) (in, block Line) {
	g := &gate{out: out}
	return LineFunc(func(high bool) { g.set(&g.in, high) }), LineFunc(func(high bool) { g.set(&g.block, high) })
}

type gate struct {
	out Line

	mu        sync.Mutex // guards everything below; held while out is set, so that levels arrive in order
	in, block bool
}

func (g *gate) set(p *bool, high bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	*p = high
	g.out.Set(g.in && !g.block)
}
