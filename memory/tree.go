package memory

// Node is a region in its place, as a person sees the map.
type Node struct {
	Depth    int
	Addr     uint64
	Size     uint64
	Priority int
	Kind     string // "ram", "rom", "i/o"
	Name     string
	Of       string // an alias: what it shows, from Offset on; "": it is none
	Offset   uint64
}

// maxDepth bounds groups within groups.
const maxDepth = 16

// Tree lists the regions that are mapped into the Space, groups before what is in them; what lies in the Space below is not repeated.
func (s *Space) Tree() (nodes []Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	nodes = append(nodes, Node{Size: s.size, Kind: "i/o", Name: s.name})
	return s.root.tree(nodes, 0, 1)
}

func (r *Region) tree(nodes []Node, at uint64, depth int) []Node {
	for i := len(r.children) - 1; i >= 0; i-- {
		c := r.children[i]
		n := Node{Depth: depth, Addr: at + c.off, Size: c.r.size, Priority: c.prio, Kind: c.r.kindName(), Name: c.r.name}
		if c.r.of != nil {
			n.Of, n.Offset = c.r.of.name, c.r.ofOff
		}
		nodes = append(nodes, n)
		if c.r.kind == kindGroup && depth < maxDepth {
			nodes = c.r.tree(nodes, at+c.off, depth+1)
		}
	}
	return nodes
}

// kindName is what a region holds, or what the one holds that it shows.
func (r *Region) kindName() string {
	for range maxDepth {
		if r.of == nil {
			break
		}
		r = r.of
	}
	switch r.kind {
	case kindRAM:
		return "ram"
	case kindROM:
		return "rom"
	}
	return "i/o"
}

// Flat lists what is seen where.
func (v *View) Flat() (nodes []Node) {
	for _, r := range v.ranges {
		kind := r.Region.kindName()
		if kind == "ram" && r.ReadOnly {
			kind = "rom"
		}
		nodes = append(nodes, Node{Addr: r.Addr, Size: r.Size, Kind: kind, Name: r.Region.name, Offset: r.Off})
	}
	return nodes
}
