package display

// Suggester is a Source that can pass on to the guest which size those who look would like best: as its monitor's preferred mode.
// It reports whether it could; what the guest makes of it is seen when it sets a mode.
type Suggester interface {
	Suggest(w, h int) bool
}

// Suggest says which size would be liked best, and reports whether the video device can say so to the guest.
func (s *Screen) Suggest(w, h int) bool {
	if w < 1 || h < 1 || w > MaxWidth || h > MaxHeight || 4*w*h > s.opts.MaxBytes {
		return false
	}
	s.mu.Lock()
	src := s.src
	s.mu.Unlock()
	g, ok := src.(Suggester)
	return ok && g.Suggest(w, h)
}
