package input

import "slices"

// Pointer is a device that takes movements.
type Pointer struct {
	Index    int
	Name     string
	Absolute bool
	Active   bool // it gets what is moved
}

// pointer reports whether a device takes movements, and whether these are positions.
func (d *routed) pointer() (is, absolute bool) {
	abs := slices.Contains(d.kinds, Abs)
	return abs || slices.Contains(d.kinds, Rel), abs
}

// Pointers are all that take movements, the active one first.
func (r *Router) Pointers() (all []Pointer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.devices) - 1; i >= 0; i-- {
		if is, abs := r.devices[i].pointer(); is {
			all = append(all, Pointer{r.devices[i].index, r.devices[i].name, abs, len(all) == 0})
		}
	}
	return all
}

// Choose makes a pointer the active one; false: there is none with the index. What is held is let go first.
func (r *Router) Choose(index int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, d := range r.devices {
		if is, _ := d.pointer(); is && d.index == index {
			r.own.r = r
			r.own.lift()
			for _, f := range r.fronts {
				f.lift()
			}
			r.devices = append(slices.Delete(slices.Clone(r.devices), i, i+1), d)
			return true
		}
	}
	return false
}

// Tap has f told of every event that reaches a device. It is called with the Router's lock held, and must not block. nil: nobody is told.
func (r *Router) Tap(f func(Event)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tap = f
}
